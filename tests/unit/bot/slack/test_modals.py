"""The modals about a request: all of the arguments, and the forms. Slack takes them, and they carry no word of the call."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack import facts, modals
from bot.slack.ids import Action, Callback, Touched
from bot.slack.modals import Origin, View
from tests.fakes.slack import limits
from tests.unit.bot.slack.looked_at import actions, objects, refused, texts
from tests.unit.bot.slack.rows import NASTY, TEAM, make, views
from tests.unit.bot.slack.rows import texts as any_text
from workflows.calls import JSON
from workflows.queries import RequestView
from workflows.states import State

LONG: dict[str, JSON] = {"letter": "word " * 2000}


def taken(view: View) -> None:
    """Slack takes this view, and nothing in it is markup."""
    limits.view(view, "modal")
    assert refused(view["blocks"]) == []


@settings(max_examples=60, deadline=None)
@given(views(), st.integers(-2, 9), st.booleans())
def test_slack_takes_every_view_whatever_others_wrote(view: RequestView, page: int, may: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
    """T04: every modal about any request passes Slack's limits and its SDK, and carries ids alone."""
    shown = facts.shown(view, team=TEAM, desk_url="")
    for drawn in (modals.full(shown, page, may_approve=may), modals.deny(shown), modals.changes(shown), modals.approve(shown)):
        taken(drawn)
        origin = modals.read(drawn)
        assert origin is not None
        assert origin.touched == Touched(shown.id, shown.mark)
        assert json.loads(str(drawn["private_metadata"])).keys() == {"r", "d", "p"}
        assert not [each for each in objects(drawn["blocks"]) if "focus_on_load" in each]


@given(any_text, any_text)
def test_any_sentence_can_be_told(title: str, sentence: str) -> None:
    """What a refusal says fits, however long it is."""
    taken(modals.told(title or "x", sentence))
    taken(modals.loading(title))


def test_the_pages_of_a_modal_are_the_whole() -> None:
    """T02: turning pages shows every character, and each page says which it is and how long the whole is."""
    shown = make(call=LONG)
    count = len(shown.arguments.pages)
    read = ""
    for number in range(1, count + 1):
        view = modals.full(shown, number, may_approve=False)
        [page] = [each for each in objects(view["blocks"]) if each.get("type") == "rich_text_preformatted"]
        read += page["elements"][0]["text"]
        assert f"part {number} of {count} · 10,014 bytes" in texts(view["blocks"])
        assert (Action.PREVIOUS in actions(view["blocks"])) is (number > 1)
        assert (Action.NEXT in actions(view["blocks"])) is (number < count)
        assert modals.read(view) == Origin(Touched(shown.id, shown.mark), number)
    assert read == shown.arguments.text


def test_the_difference_is_read_before_the_arguments() -> None:
    """Its pages come first, each under words of ours, and belong to what has to be read; category and signals are on every page."""
    difference = "\n".join(f'+  "p{number}": "{"w" * 80}"' for number in range(60))
    shown = make(call=LONG, difference=difference, category="Financial", risk="Critical", signals='["Bulk operation"]')
    count = len(shown.pages)
    assert count > len(shown.arguments.pages) > 1
    read: dict[str, str] = {}
    for number in range(1, count + 1):
        view = modals.full(shown, number, may_approve=True)
        taken(view)
        [page] = [each for each in objects(view["blocks"]) if each.get("type") == "rich_text_preformatted"]
        said = texts(view["blocks"])
        heading = "Arguments" if "Arguments" in said else "The definition of this tool changed since it was accepted."
        assert heading in said
        read[heading] = read.get(heading, "") + page["elements"][0]["text"]
        assert "Risk: Financial · Critical risk" in said
        assert "Signals: Bulk operation" in said
        assert (Action.APPROVE in actions(view["blocks"])) is (number == count)
    assert list(read.values()) == [difference, shown.arguments.text]
    assert "Approving accepts the new definition." in texts(modals.approve(shown)["blocks"])


@pytest.mark.parametrize("may", [True, False])
def test_approve_stands_on_the_last_page_for_who_may(may: bool) -> None:  # noqa: FBT001  # the parameter
    """T02: no page but the last one approves, and that only for who read the whole; a decided request never."""
    shown = make(call=LONG)
    last = len(shown.arguments.pages)
    for number in range(1, last + 1):
        drawn = actions(modals.full(shown, number, may_approve=may)["blocks"])
        assert (Action.APPROVE in drawn) is (may and number == last)
        assert (Action.DENY in drawn) is (may and number == last)
    assert Action.APPROVE not in actions(modals.full(make(State.DENIED, LONG), last, may_approve=may)["blocks"])


def test_approve_in_a_modal_asks_as_the_card_does() -> None:
    """T25: a call of high risk is confirmed there too, and a policy that wants a reason gets its form."""
    [button] = [each for each in objects(modals.full(make(), 1, may_approve=True)["blocks"]) if each.get("action_id") == Action.APPROVE]
    assert "confirm" in button
    assert Action.APPROVE_WITH in actions(modals.full(make(reason_required="always"), 1, may_approve=True)["blocks"])


def test_secrets_are_hidden_in_all_pages() -> None:
    """T21: the whole in Slack is the whole without its secrets, and says so."""
    view = modals.full(make(call={"password": "hunter2hunter2"}), 1, may_approve=True)
    assert "hunter2" not in json.dumps(view)
    assert "secrets hidden" in texts(view["blocks"])


def test_the_forms_have_the_fields_that_are_read() -> None:
    """Deny takes a preset, words or both; changes must have words; the comment is needed where the policy says so."""
    fields = {
        block["block_id"]: block["optional"]
        for view in (modals.deny(make()), modals.changes(make()), modals.approve(make(reason_required="always")))
        for block in objects(view["blocks"])
        if block.get("type") == "input"
    }
    assert fields == {"preset": True, "reason": True, "comment": False}
    assert modals.deny(make())["callback_id"] == Callback.DENY
    assert "The policy wants a reason" in texts(modals.deny(make(reason_required="deny"))["blocks"])


@pytest.mark.parametrize("nasty", NASTY)
def test_a_form_names_the_call_without_obeying_it(nasty: str) -> None:
    """T04: the name of a tool is words in a form too."""
    for view in (modals.deny(make(tool=nasty[:256])), modals.changes(make(agent=nasty[:100])), modals.approve(make(tool=nasty[:256]))):
        taken(view)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "",
        "[]",
        "{}",
        "nonsense",
        "[" * 2000,
        '{"r":1,"d":2,"p":3}',
        '{"r":"apr_00","d":"000000000000","p":0}',
        '{"r":"apr_00","d":"000000000000","p":true}',
        '{"r":"apr_00","d":"x","p":1}',
        7,
    ],
)
def test_a_view_that_is_not_ours_says_nothing(metadata: object) -> None:
    """T07 T28: forged or old metadata is read as none."""
    assert modals.read({"private_metadata": metadata}) is None
