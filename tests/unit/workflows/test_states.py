"""The machine is its table: every pair of a state and an event leads where the table says, or nowhere."""

from collections import deque
from itertools import product

import pytest

from workflows.audit import Tag
from workflows.errors import IllegalStep
from workflows.states import LIVE, TERMINAL, TRANSITIONS, WAITING, Event, State, next_state

_DESIGNED = {
    ("pending", "approve"): "approved",
    ("pending", "deny"): "denied",
    ("pending", "cancel"): "cancelled",
    ("pending", "expire"): "expired",
    ("approved", "claim"): "releasing",
    ("approved", "cancel"): "cancelled",
    ("approved", "expire"): "expired",
    ("releasing", "finish"): "released",
    ("releasing", "fail"): "failed",
    ("releasing", "lose"): "lost",
}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_step_leads_where_the_design_says_or_is_refused_by_name(state: State, event: Event) -> None:
    """The refusal names the state and the event."""
    follows = _DESIGNED.get((state.value, event.value))
    if follows is not None:
        assert next_state(state, event) is State(follows)
        return
    with pytest.raises(IllegalStep) as refusal:
        next_state(state, event)
    assert f"that is {state.value} cannot {event.value}." in str(refusal.value)


def test_the_table_names_every_state() -> None:
    """A state without an entry would be one that nobody thought of."""
    assert set(TRANSITIONS) == set(State)


def test_the_table_cannot_be_changed_while_the_program_runs() -> None:
    """Not by adding a state's steps, at least."""
    with pytest.raises(TypeError):
        TRANSITIONS[State.DENIED] = {Event.CLAIM: State.RELEASING}  # type: ignore[index]  # that it cannot be assigned is the fact


def test_every_event_is_an_audit_tag() -> None:
    """Whatever happens to a request can be told."""
    assert {f"request.{event}" for event in Event} <= {tag.value for tag in Tag}


def test_three_words_divide_the_states() -> None:
    """A request lives until it is settled; while it waits it can still be withdrawn."""
    assert {state.value for state in TERMINAL} == {"denied", "cancelled", "expired", "released", "failed", "lost"}
    assert {state.value for state in LIVE} == {"pending", "approved", "releasing"}
    assert {state.value for state in WAITING} == {state.value for state in State if Event.CANCEL in TRANSITIONS[state]}


def test_every_state_is_reached_and_every_life_ends() -> None:
    """From `pending` each state can be reached; from each state a terminal one; no road leads back."""
    for start in State:
        seen: set[State] = set()
        road = deque([start])
        while road:
            state = road.popleft()
            for follows in TRANSITIONS[state].values():
                assert follows is not start
                if follows not in seen:
                    seen.add(follows)
                    road.append(follows)
        if start is State.PENDING:
            assert seen == set(State) - {State.PENDING}
        assert start in TERMINAL or seen & TERMINAL


def test_only_an_approved_request_is_ever_claimed() -> None:
    """One door leads to the upstream."""
    assert [state for state, steps in TRANSITIONS.items() if Event.CLAIM in steps] == [State.APPROVED]
    assert [state for state, steps in TRANSITIONS.items() if State.APPROVED in steps.values()] == [State.PENDING]
