"""The life of a request as a table.

Two laws: everything that decides which state follows which is in this file, as far as possible in the table; and the file
knows neither database nor face. A step that the table does not name is refused, and changes nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from workflows.errors import IllegalStep


class State(StrEnum):
    """Where a request is in its life."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    RELEASING = "releasing"
    RELEASED = "released"
    FAILED = "failed"
    LOST = "lost"


class Event(StrEnum):
    """What can happen to a request. Each is the audit tag `request.<event>` too."""

    APPROVE = "approve"
    DENY = "deny"
    CANCEL = "cancel"
    EXPIRE = "expire"
    CLAIM = "claim"
    FINISH = "finish"
    FAIL = "fail"
    LOSE = "lose"


TRANSITIONS: Mapping[State, Mapping[Event, State]] = MappingProxyType(
    {
        State.PENDING: {
            Event.APPROVE: State.APPROVED,
            Event.DENY: State.DENIED,
            Event.CANCEL: State.CANCELLED,
            Event.EXPIRE: State.EXPIRED,
        },
        State.APPROVED: {
            Event.CLAIM: State.RELEASING,
            Event.CANCEL: State.CANCELLED,
            Event.EXPIRE: State.EXPIRED,
        },
        State.RELEASING: {
            Event.FINISH: State.RELEASED,
            Event.FAIL: State.FAILED,
            Event.LOSE: State.LOST,
        },
        State.DENIED: {},
        State.CANCELLED: {},
        State.EXPIRED: {},
        State.RELEASED: {},
        State.FAILED: {},
        State.LOST: {},
    }
)

TERMINAL = frozenset(state for state, steps in TRANSITIONS.items() if not steps)
LIVE = frozenset(State) - TERMINAL
WAITING = frozenset({State.PENDING, State.APPROVED})


def next_state(state: State, event: Event) -> State:
    """Give the state that follows, or raise IllegalStep with the state and the event by name."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalStep(f"A request that is {state} cannot {event}. Nothing was changed.") from None
