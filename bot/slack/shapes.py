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
class Difference:
    """How the definition of a tool differs from the one that was accepted, laid out as `Arguments` are. `words`: words of it are hidden."""

    text: str
    short: str
    cut: bool
    hidden: str
    pages: tuple[str, ...]
    words: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what has to be read before an approval: of the difference, or of the arguments."""

    text: str
    of_difference: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a card or a modal shows of one request. People are keys; `able` may approve now, `approvals` count now.

    `mark` names what its reader judged (`facts.mark`); `seconds` is how long the call ran; names are one line each. `risk` is in words,
    with the category where the catalogue knows it; who approves a call of `high_risk` is asked twice. `signals` are sentences.
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
    risk: str
    high_risk: bool
    signals: tuple[str, ...]
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
    difference: Difference | None

    @property
    def partly(self) -> bool:
        """Whether a card shows it in part alone, so that who approves has to open it whole."""
        return self.arguments.cut or (self.difference is not None and self.difference.cut)

    @property
    def pages(self) -> tuple[Page, ...]:
        """The whole, in the order in which it is read: the difference, where there is one, then the arguments."""
        changes = self.difference.pages if self.difference else ()
        return (*(Page(text, of_difference=True) for text in changes), *(Page(text) for text in self.arguments.pages or ("{}",)))
