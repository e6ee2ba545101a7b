"""From rows to what Slack shows: the mark of what was judged, names on one line, outcomes in a sentence."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack import cards, facts, home, messages, modals
from bot.slack.ids import Touched, touched
from bot.slack.shapes import Shown
from bot.slack.whereabouts import Place, Tab
from tests.unit.bot.slack.rows import ALICE, BOB, NOW, OLIVIA, TEAM, arguments, make, make_view, texts, views
from workflows import redaction
from workflows.calls import JSON
from workflows.queries import RequestView
from workflows.redaction import Redaction
from workflows.states import State

RULES = Redaction(paths=(("customer", "email"),), patterns=(r"\bcus_[a-z]+",))
CALL: dict[str, JSON] = {"customer": {"email": "ada@b.example", "name": "Ada"}, "note": "of cus_ada", "keys": {"cus_bob": 1}}


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "apr_ff"},
        {"fingerprint": "e" * 64},
        {"rule": "another"},
        {"reason": "another"},
        {"approvers": "another"},
        {"quorum": 3},
        {"expires_at": NOW + timedelta(hours=9)},
        {"difference": "-a\n+b"},
        {"difference": ""},
        {"redaction": RULES.written()},
    ],
)
def test_the_mark_is_another_when_what_was_judged_is(changed: dict[str, Any]) -> None:
    """T05: a click on a card that showed something else is told from one that did not."""
    assert facts.mark(make_view(**changed)) != facts.mark(make_view())


def test_the_mark_stays_when_somebody_votes() -> None:
    """A click on a card that was painted before the first vote still counts: votes and version are no part of the mark."""
    view = make_view()
    voted = RequestView(make_view(version=7, reminded_at=NOW, handed_off=True).request, make_view(State.APPROVED).votes, 1, group=None)
    assert facts.mark(voted) == facts.mark(view)
    value = Touched(view.request.id, facts.mark(view)).value
    assert touched(value) == Touched(view.request.id, facts.mark(view))


def test_the_mark_is_keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """T21: nobody without the database's key can guess arguments from a mark, and the fingerprint itself is not shown."""
    before = facts.mark(make_view())
    monkeypatch.setattr(redaction, "_key", b"another")
    assert facts.mark(make_view()) != before
    assert "f" * 12 not in before


def test_a_hidden_value_is_laid_out_anew_under_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """T21: what was kept laid out for one database is not shown for another."""
    call: dict[str, Any] = {"password": "hunter2hunter2"}
    before = make(call=call).arguments.text
    monkeypatch.setattr(redaction, "_key", b"another")
    assert make(call=call).arguments.text != before


@given(texts)
def test_a_name_is_one_visible_line(name: str) -> None:
    """T01 T03: no name breaks a line, holds an odd space or a character that cannot be seen."""
    written = facts.line(name)
    assert len(written.splitlines()) <= 1
    assert not redaction.has_unseen(written)
    assert all(not character.isspace() or character == " " for character in written)
    assert "  " not in written


@settings(max_examples=60, deadline=None)
@given(views())
def test_everything_shown_was_made_visible(view: RequestView) -> None:
    """T03: no text that leaves here has a character that cannot be seen."""
    shown = facts.shown(view, team=TEAM, desk_url="")
    told = [shown.tool, shown.server, shown.agent, shown.rule, shown.reason, shown.policy, shown.approvers, shown.outcome]
    told += [shown.decision_reason or "", shown.previous or "", shown.arguments.text, shown.arguments.short, *shown.warnings]
    assert not [text for text in told if redaction.has_unseen(text)]


def test_who_may_and_who_did() -> None:
    """Approvals that count are named in order; the owner of the agent may not approve; deciders are single keys."""
    shown = make(State.APPROVED)
    assert shown.approvals == (ALICE, BOB)
    assert shown.decided_by == (ALICE, BOB)
    assert OLIVIA not in shown.able
    assert shown.user_groups == (f"slack:{TEAM}/S01ONCALL",)


@pytest.mark.parametrize(
    ("state", "kind", "body", "is_error", "said"),
    [
        (State.RELEASED, "result", b'{"content":[]}', False, "It answered with 14 bytes."),
        (State.RELEASED, "result", b'{"content":[{"type":"text","text":"no such order"}]}', True, "no such order"),
        (State.RELEASED, "result", b'{"content":[]}', True, "It answered with an error of 14 bytes."),
        (State.FAILED, "error", b'{"code":-32000,"message":"bad amount"}', False, "bad amount"),
        (State.FAILED, "not_sent", b"connection refused", False, "It was not sent, and did not run. connection refused"),
        (State.FAILED, "error", b'["odd"]', False, '["odd"]'),
        (State.LOST, "unknown", None, False, "It may have run"),
        (State.LOST, None, None, False, "Look at payments itself."),
        (State.PENDING, None, None, False, ""),
    ],
)
def test_the_outcome_in_a_sentence(state: State, kind: str | None, body: bytes | None, is_error: bool, said: str) -> None:  # noqa: FBT001  # a column
    """Whatever an upstream answered is one short sentence; what went wrong is quoted."""
    shown = make(state, outcome_kind=kind, outcome=body, outcome_is_error=is_error)
    assert said in shown.outcome
    assert len(shown.outcome) < 600
    assert shown.outcome_is_error is (is_error or kind in {"error", "not_sent"})


def test_the_last_time_is_told() -> None:
    """A reader learns what came of the same call before."""
    before = make_view(State.DENIED, decision_reason="Too  much.").request
    view = replace(make_view(), previous=before)
    assert facts.shown(view, team=TEAM, desk_url="").previous == "The same call came before: denied, Too much."


@pytest.mark.parametrize(
    ("row", "risk", "high"),
    [
        ({"category": "Destructive", "risk": "Critical"}, "Destructive · Critical risk", True),
        ({"category": "Execute", "risk": "High"}, "Execute · High risk", True),
        ({"category": "Write", "risk": "Medium", "quorum": 2}, "Write · Medium risk", True),
        ({"category": "Write", "risk": "Medium"}, "Write · Medium risk", False),
        ({"category": "Read", "risk": "Low", "tool": "delete_user"}, "Read · Low risk", False),
        ({"category": None, "risk": None, "tool": "delete_user"}, "high", True),
        ({"category": None, "risk": None}, "normal", False),
    ],
)
def test_risk_is_what_the_catalogue_says_else_what_the_name_does(row: dict[str, Any], risk: str, high: bool) -> None:  # noqa: FBT001  # a column
    """A row that was held before there was a catalogue is judged by the name of its tool, as it was then."""
    shown = make(**{"quorum": 1, **row})
    assert (shown.risk, shown.high_risk) == (risk, high)


def test_signals_are_sentences_each_on_one_line() -> None:
    """Older rows have none."""
    assert make().signals == ()
    told = make(signals=json.dumps(["Free-form query (sql)", "a\nRisk: normal\u202e"])).signals
    assert told == ("Free-form query (sql)", "a\\u{000A}Risk: normal\\u{202E}")


def _drawn(shown: Shown) -> str:
    views: list[object] = [modals.full(shown, page, may_approve=True) for page in range(1, len(shown.pages) + 1)]
    views += [modals.deny(shown), modals.approve(shown), messages.details(messages.Whole(shown), team=TEAM)]
    told = [draw(shown) for draw in (cards.card, cards.direct, cards.minimal, cards.reply, cards.reminder, cards.outcome)]
    told.append(messages.one(messages.Whole(shown), team=TEAM))
    listed = [home.view(home.Home(Place(tab), TEAM, NOW, rows=[home.Row(shown, may=True)])) for tab in Tab]
    return json.dumps([views, [[each.text, each.blocks] for each in told], listed], ensure_ascii=False)


@pytest.mark.parametrize("state", list(State))
def test_what_the_policy_hides_is_on_nothing_that_is_drawn(state: State) -> None:
    """Not in arguments, nor where somebody or the tool itself repeats it; and a reader is told what the policy hides."""
    said = "no Ada@B.example, nor cus_carl"
    error = {"outcome_kind": "error", "outcome": json.dumps({"message": said}).encode()} if state is State.FAILED else {}
    view = make_view(state, CALL, redaction=RULES.written(), decision_reason=said, reason="of cus_carl", **error)
    shown = facts.shown(replace(view, previous=make_view(State.DENIED, decision_reason=said).request), team=TEAM, desk_url="")
    drawn = _drawn(shown)
    assert not [word for word in ("ada@", "cus_ada", "cus_bob", "cus_carl") if word in drawn.casefold()]
    assert "the policy hides args.customer.email, text that a pattern finds" in drawn
    assert "secrets hidden" not in drawn
    assert "Ada" in drawn
    assert not shown.warnings
    assert "ada@b.example" in _drawn(facts.shown(make_view(state, CALL), team=TEAM, desk_url=""))


@settings(max_examples=60, deadline=None)
@given(arguments, st.booleans())
def test_no_value_at_a_path_is_drawn(call: dict[str, JSON], large: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
    """Whatever else is in the call, and whether it is shown whole or in part."""
    hidden: JSON = {"EMAIL": ["~secret~", {"~secret~": [1, "~secret~"]}], "x": "a ~secret~ b"}
    whole = {**call, "customer": hidden, "z": "x" * 9000 * large}
    rules = Redaction(paths=(("customer", "*"),)).written()
    assert "~secret~" not in _drawn(make(call=whole, redaction=rules))


def test_what_the_policy_hides_changes_nothing_that_is_decided_on() -> None:
    """The stored bytes and the fingerprint are of the call, not of what is shown of it."""
    view = make_view(call=CALL, redaction=RULES.written())
    before = (view.request.arguments, view.request.fingerprint)
    _drawn(facts.shown(view, team=TEAM, desk_url=""))
    assert (view.request.arguments, view.request.fingerprint) == before


def test_what_cannot_be_read_repeats_nothing() -> None:
    """Where the arguments are no JSON any more nobody knows what a sentence repeats, so it is hidden whole."""
    view = make_view(State.DENIED, redaction=RULES.written(), decision_reason="no ada@b.example")
    view.request.arguments = b'{"customer": {"email": "ada@b.example"'
    assert "ada@" not in _drawn(facts.shown(view, team=TEAM, desk_url=""))
