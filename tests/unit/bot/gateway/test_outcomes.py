"""The words for each end of a held call, and the gateway's small memory: who waits, whose session, how many refusals."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.gateway import outcomes
from bot.gateway.context import Refusals, Sessions, Waiters
from bot.mcp import Era
from tests.factories import NOW
from workflows.states import TERMINAL, State
from workflows.tables import ApprovalRequest, Grant


def row(state: State, **facts: Any) -> ApprovalRequest:  # noqa: ANN401  # the columns of a request
    """A request of `create_refund` in this state."""
    known: dict[str, Any] = {
        "id": "apr_1",
        "call_sha256": "c" * 64,
        "grant_id": "gr_1",
        "agent": "a",
        "owner": "local:olivia",
        "server": "payments",
        "tool": "create_refund",
        "arguments": b"{}",
        "fingerprint": "f" * 64,
        "policy": "p",
        "policy_sha256": "s" * 64,
        "rule": "r",
        "reason": "A refund",
        "approvers": "payments",
        "quorum": 1,
        "held_at": NOW,
        "expires_at": NOW + timedelta(minutes=30),
    }
    return ApprovalRequest(state=state.value, **{**known, **facts})


def told(found: ApprovalRequest, era: Era = Era.LEGACY) -> dict[str, Any]:
    """Read what an agent is told."""
    answer: dict[str, Any] = json.loads(outcomes.answer(found, "id-1", era))
    return answer


ENDS: dict[str, tuple[ApprovalRequest, str]] = {
    "denied": (row(State.DENIED, decided_by="local:alice", decision_reason="No."), "[POLICY DENIED] local:alice denied this call"),
    "denied without a reason": (row(State.DENIED, decided_by="local:alice"), "[POLICY DENIED] local:alice denied this call"),
    "expired": (row(State.EXPIRED), "[APPROVAL EXPIRED] Nobody settled apr_1 before 2026-01-15 12:30:20 UTC"),
    "expired after approval": (row(State.EXPIRED, decided_at=NOW, decided_by="local:alice"), "[APPROVAL EXPIRED] apr_1 was approved, but"),
    "cancelled": (row(State.CANCELLED, decision_reason="Withdrawn."), "[CANCELLED] apr_1 was cancelled"),
    "not sent": (row(State.FAILED, outcome_kind="not_sent", outcome=b"It is down."), "[NOT RUN] apr_1 was approved"),
    "lost": (row(State.LOST, outcome_kind="unknown"), "[OUTCOME UNKNOWN] apr_1 was approved"),
}


@pytest.mark.parametrize("era", list(Era))
@pytest.mark.parametrize("name", list(ENDS))
def test_every_end_without_a_result_is_an_error_result_with_its_own_words(name: str, era: Era) -> None:
    """Under the agent's id, complete in the modern era, without structured content."""
    found, begins = ENDS[name]
    answer = told(found, era)
    result = answer["result"]
    assert (answer["id"], result["isError"]) == ("id-1", True)
    assert result["content"][0]["text"].startswith(begins)
    assert ("resultType" in result) == (era is Era.MODERN)
    assert "structuredContent" not in result


@pytest.mark.parametrize(("reason", "end"), [("not today", ": not today."), ("Not today!", ": Not today!"), (None, " (apr_1).")])
def test_what_a_person_wrote_ends_before_what_we_say_next(reason: str | None, end: str) -> None:
    """A reason that was typed without a full stop does not run into the next sentence."""
    text = told(row(State.DENIED, decided_by="local:alice", decision_reason=reason))["result"]["content"][0]["text"]
    assert text.endswith(f"{end} Do not repeat this call.")


def test_no_two_ends_begin_alike() -> None:
    """A model can tell a no from a time-out, and doubt from a success."""
    beginnings = {begins.partition("]")[0] for _, begins in ENDS.values()}
    assert len(beginnings) == len(ENDS) - 2  # with a reason or without, approved or not


def test_only_doubt_says_that_it_may_have_run() -> None:
    """And every other end says that it was not run."""
    for name, (found, _) in ENDS.items():
        text = told(found)["result"]["content"][0]["text"]
        assert ("may have run" in text) == (name == "lost"), name
        assert ("not run" in text or "denied" in text) == (name != "lost"), name


def test_a_result_and_an_error_are_the_upstreams_own_bytes() -> None:
    """Blanks, order and numbers as they were stored."""
    stored = b'{ "content" : [], "structuredContent":{"a":1.50} }'
    assert outcomes.answer(row(State.RELEASED, outcome_kind="result", outcome=stored), 7, Era.MODERN).endswith(stored + b"}")
    error = b'{ "code":-5 , "message":"m" }'
    whole = outcomes.answer(row(State.FAILED, outcome_kind="error", outcome=error), "x", Era.LEGACY)
    assert (json.loads(whole)["id"], error in whole, "result" in json.loads(whole)) == ("x", True, False)


def test_every_state_has_words() -> None:
    """Every end answers, and every live state says what it waits for."""
    for state in State:
        if state in TERMINAL:
            assert told(row(state, outcome_kind="unknown", decision_reason="Because."))["id"] == "id-1"
        else:
            assert outcomes.waits(row(state))
            assert "PENDING_APPROVAL apr_1" in outcomes.pending(row(state))


def test_the_pending_words_say_how_to_collect_and_until_when() -> None:
    """Which call, the same arguments, once at most, and the end."""
    words = outcomes.pending(row(State.PENDING))
    for part in ("create_refund", "payments", "exactly the same arguments", "once at most", "2026-01-15T12:30:20Z"):
        assert part in words


def test_waiters_are_counted_by_request() -> None:
    """The last who stops waiting is told so."""
    waiters = Waiters()
    for _ in range(2):
        waiters.enter("apr_1")
    assert waiters.anybody("apr_1")
    assert [waiters.exit("apr_1"), waiters.exit("apr_1")] == [False, True]
    assert not waiters.anybody("apr_1")


def test_a_cancellation_finds_the_newest_call_of_that_name() -> None:
    """An id that is used again names the later call; the earlier one's end does not take it away."""
    waiters, key = Waiters(), ("gr_1", "s", 1)
    with waiters.cancellable(key) as first:
        with waiters.cancellable(key) as second:
            assert waiters.cancel(key)
            assert (first.is_set(), second.is_set()) == (False, True)
        assert not waiters.cancel(("gr_1", "s", "1"))
    assert not waiters.cancel(key)


def test_a_session_belongs_to_who_began_it() -> None:
    """On its own server; what nobody began here is nobody's."""
    places = {"a": "x", "b": "x", "c": "y"}
    grants = [Grant(id=id_, label=id_, server=server, owner="o", token_sha256=id_, created_at=NOW) for id_, server in places.items()]
    sessions = Sessions()
    sessions.begin(grants[0], "s")
    assert [sessions.foreign(grant, "s") for grant in grants] == [False, True, False]
    assert not sessions.foreign(grants[1], "unknown")


def test_refusals_are_told_once_a_second_for_each_agent() -> None:
    """And the next row tells how many were not."""
    refusals = Refusals()
    assert refusals.count("a", NOW) == 0
    assert [refusals.count("a", NOW + timedelta(milliseconds=each)) for each in (1, 500, 999)] == [None, None, None]
    assert refusals.count("b", NOW) == 0
    assert refusals.count("a", NOW + timedelta(seconds=1)) == 3
