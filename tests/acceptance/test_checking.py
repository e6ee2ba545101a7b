"""The checker of the storm finds what it is there to find."""

from datetime import UTC, datetime

import pytest

from tests.acceptance.checking import Fate, untold, violations
from workflows.states import State
from workflows.tables import ApprovalRequest


def _rows(*states: State) -> dict[str, list[ApprovalRequest]]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "k": [
            ApprovalRequest(
                id=f"apr_{number}",
                state=state.value,
                grant_id="g",
                agent="a",
                owner="local:o",
                server="s",
                tool="act",
                arguments=b'{"key":"k"}',
                call_sha256="c",
                fingerprint="f",
                policy="p",
                policy_sha256="0",
                rule="r",
                reason="",
                approvers="people",
                quorum=1,
                held_at=now,
                expires_at=now,
            )
            for number, state in enumerate(states)
        ]
    }


def _ran(*metas: str) -> list[dict[str, object]]:
    return [{"key": "k", "meta": {"request": meta}} for meta in metas]


@pytest.mark.parametrize(
    ("states", "metas", "fate"),
    [
        ([State.RELEASED], ["apr_0"], Fate.APPROVE),
        ([State.LOST], [], Fate.APPROVE),
        ([State.LOST], ["apr_0"], Fate.APPROVE),
        ([State.FAILED], [], Fate.APPROVE),
        ([State.DENIED], [], Fate.DENY),
        ([State.EXPIRED], [], Fate.IGNORE),
        ([State.CANCELLED], [], Fate.APPROVE),
    ],
)
def test_what_is_promised_passes(states: list[State], metas: list[str], fate: Fate) -> None:
    """Released ran once, lost at most once, everything else never."""
    assert violations(_ran(*metas), _rows(*states), {"k": fate}) == []


@pytest.mark.parametrize(
    ("states", "metas", "fate", "word"),
    [
        ([State.RELEASED], ["apr_0", "apr_0"], Fate.APPROVE, "apr_0 was sent 2 times"),
        ([State.RELEASED], ["", ""], Fate.APPROVE, "k ran 2 times"),
        ([State.LOST, State.RELEASED], ["apr_0", "apr_1"], Fate.APPROVE, "k ran 2 times"),
        ([State.RELEASED], [], Fate.APPROVE, "ran 0 times"),
        ([State.APPROVED], [], Fate.APPROVE, "forgotten"),
        ([State.RELEASING], ["apr_0"], Fate.APPROVE, "forgotten"),
        ([], [], Fate.APPROVE, "forgotten"),
        ([State.FAILED], ["apr_0"], Fate.APPROVE, "ran 1 times"),
        ([State.CANCELLED], ["apr_0"], Fate.APPROVE, "ran 1 times"),
        ([State.DENIED], ["apr_0"], Fate.DENY, "people said deny"),
        ([State.RELEASED], ["apr_0"], Fate.IGNORE, "people said ignore"),
    ],
)
def test_every_broken_promise_is_named(states: list[State], metas: list[str], fate: Fate, word: str) -> None:
    """Each kind of violation shows."""
    assert word in "; ".join(violations(_ran(*metas), _rows(*states), {"k": fate}))


def test_an_agent_that_was_told_something_else_is_named() -> None:
    """A result for a call that is lost is a lie."""
    assert untold(_rows(State.RELEASED), {"k": "act k done"}) == []
    assert len(untold(_rows(State.LOST), {"k": "act k done"})) == 1
