"""From rows to what Slack shows: the mark of what was judged, names on one line, outcomes in a sentence."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from bot.slack import facts
from bot.slack.ids import Touched, touched
from tests.unit.bot.slack.rows import ALICE, BOB, NOW, OLIVIA, TEAM, make, make_view, texts, views
from workflows import redaction
from workflows.queries import RequestView
from workflows.states import State


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
