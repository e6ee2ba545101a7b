"""What is drawn, and what it is drawn from. Values alone; whoever fills a `Shown` has redacted it and made it visible. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from workflows.calls import JSON
from workflows.states import State

Block: TypeAlias = dict[str, JSON]


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `text` is for notifications and screen readers: fixed words and the name of the tool, never an argument."""

    text: str
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call, laid out. `text` is the whole, `pages` are the whole in order, `short` is what a card has room for.

    `size` is in bytes as stored. When `cut`, `hidden` says how much `short` leaves out, and nobody approves from the card. `redacted` when
    secrets are hidden in it; `hides` names what the policy hides.
    """

    text: str
    size: int
    short: str
    cut: bool
    hidden: str
    pages: tuple[str, ...]
    redacted: bool
    hides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a card or a modal shows of one request. People are keys; `able` may approve now, `approvals` count now.

    `mark` names what its reader judged (`facts.mark`); `seconds` is how long the call ran; names are one line each.
    """

    id: str
    mark: str
    state: State
    server: str
    tool: str
    agent: str
    owner: str
    rule: str
    reason: str
    policy: str
    risk: str  # "high" or "normal"
    approvers: str
    able: tuple[str, ...]
    user_groups: tuple[str, ...]
    approvals: tuple[str, ...]
    needed: int
    quorum: int
    held_at: datetime
    expires_at: datetime
    decided_by: tuple[str, ...]
    decided_at: datetime | None
    decision_reason: str | None
    claimed_at: datetime | None
    settled_at: datetime | None
    seconds: float | None
    outcome: str
    outcome_is_error: bool
    unattended: bool
    approve_needs_reason: bool
    deny_needs_reason: bool
    arguments: Arguments
    warnings: tuple[str, ...]
    desk_url: str
    team: str
    previous: str | None
