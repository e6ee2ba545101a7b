"""The editor of approver groups, drawn and read back."""

import json
from typing import Any

import pytest

from bot.slack import group_editor
from bot.slack.group_editor import Edited, Filled
from bot.slack.ids import Action, Callback
from tests.unit.bot.slack.looked_at import NASTY, objects, refused, texts

FULL = Edited(
    name="payments",
    version=3,
    people=["U01ALICE", "U01BOB"],
    user_groups=[("S01ONCALL", "oncall"), ("S02OPS", "")],
    kept=["local:carol", *(f"local:p{n}" for n in range(40))],
    quorum=2,
    channel="C01APPROVALS",
    self_approval=True,
    guests=True,
    external=True,
    direct=True,
)


@pytest.mark.parametrize("edited", [Edited(), FULL, Edited(name="ops", version=1, channel_name="#" + NASTY[:80])])
def test_slack_takes_the_editor(edited: Edited) -> None:
    """Empty, full, and with a channel that is known by name."""
    view = group_editor.editor(edited)
    assert refused(view["blocks"]) == []
    assert view["callback_id"] == Callback.GROUP
    assert len(str(view["private_metadata"])) < 3000


def test_the_editor_carries_the_version_that_it_shows() -> None:
    """T33: what is saved is saved over this version and no other."""
    assert group_editor.origin(group_editor.editor(FULL)) == ("payments", 3)
    assert group_editor.origin(group_editor.removal("payments", 3)) == ("payments", 3)
    assert group_editor.origin(group_editor.editor(Edited())) == ("", 0)


def test_a_group_keeps_its_name() -> None:
    """Only a new group has a field for its name; those whom Slack's picker cannot show are said to stay."""
    assert "name" in [each.get("block_id") for each in objects(group_editor.editor(Edited()))]
    view = group_editor.editor(FULL)
    assert "name" not in [each.get("block_id") for each in objects(view)]
    assert "local:carol" in texts(view)
    assert "21 more" in texts(view)


def test_shared_channels_cannot_be_chosen() -> None:
    """A card with arguments does not go to another company."""
    [picker] = [each for each in objects(group_editor.editor(Edited())) if each.get("type") == "conversations_select"]
    assert picker["filter"]["exclude_external_shared_channels"] is True


def submitted(**values: Any) -> dict[str, Any]:  # noqa: ANN401  # what Slack sends, by block
    """A submission of the editor of payments."""
    known: dict[str, Any] = {
        "people": {"people": {"selected_users": ["U01ALICE"]}},
        "user_groups": {Action.USER_GROUPS: {"selected_options": [{"value": "S01ONCALL"}]}},
        "quorum": {"quorum": {"value": "2"}},
        "channel": {"channel": {"selected_conversation": "C01APPROVALS"}},
        "checks": {"checks": {"selected_options": [{"value": "guests"}, {"value": "direct"}]}},
    }
    return {"private_metadata": json.dumps({"g": "payments", "v": 3}), "state": {"values": {**known, **values}}}


def test_what_was_filled_in_is_read() -> None:
    """Every field of the form reaches the group."""
    assert group_editor.filled(submitted()) == Filled(
        "payments",
        3,
        frozenset({"U01ALICE"}),
        frozenset({"S01ONCALL"}),
        2,
        "C01APPROVALS",
        self_approval=False,
        guests=True,
        external=False,
        direct=True,
    )


def test_the_name_of_an_old_group_cannot_be_changed_by_a_submission() -> None:
    """T19: the form says which group it is about, whatever else is sent with it."""
    assert group_editor.filled(submitted(name={"name": {"value": "other"}})).name == "payments"


@pytest.mark.parametrize("text", [None, "", "0", "11", "-1", "1.5", "٢", "1e1", "9999999999"])
def test_a_number_of_approvals_that_is_none_is_not_guessed(text: str | None) -> None:
    """T12: it is asked again."""
    assert group_editor.filled(submitted(quorum={"quorum": {"value": text}})).quorum is None


def test_an_empty_submission_is_nobody() -> None:
    """T27: what is missing names nobody."""
    filled = group_editor.filled({"state": {"values": {}}})
    assert (filled.people, filled.user_groups, filled.quorum) == (frozenset(), frozenset(), None)


def test_user_groups_are_offered_by_what_was_typed() -> None:
    """At most a hundred, found by handle, the at-sign allowed."""
    listed = [(f"S{number:03}", f"team-{number}") for number in range(300)]
    assert len(group_editor.options(listed)) == 100
    assert group_editor.options(listed, "@TEAM-7")[0]["value"] == "S007"
    [long] = group_editor.options([("S01", NASTY)])
    assert len(texts(long)) <= 75
