"""The values that a policy is made of and answers with. They are checked when they are read, and never change."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, TypeAlias

from workflows.calls import JSON
from workflows.errors import AskfirstError
from workflows.policy.limits import Limit
from workflows.redaction import NOTHING, Redaction


class Effect(StrEnum):
    """What the policy says about a call."""

    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"


class Default(StrEnum):
    """What happens to a tool that no entry of `tools` names."""

    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"


class Audited(StrEnum):
    """What the audit trail tells of a call's arguments: their top-level keys, or their values with secrets hidden."""

    KEYS = "keys"
    REDACTED = "redacted"


class Op(StrEnum):
    """The eleven operators of PolicyLayer v1."""

    EQ = "eq"
    NEQ = "neq"
    IN = "in"
    NOT_IN = "not_in"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    REGEX = "regex"
    CONTAINS = "contains"
    EXISTS = "exists"


class ReasonRequired(StrEnum):
    """Which votes need a reason, from the mildest to the strictest."""

    NEVER = "never"
    DENY = "deny"
    ALWAYS = "always"


Outcome: TypeAlias = bool | str
"""Whether a condition is met; a sentence when it cannot be told, because the argument is of a kind that the operator does not compare."""

Test: TypeAlias = Callable[[object], Outcome]
"""A compiled condition: from the value at its path (or MISSING, or Unclear) to an outcome."""

Report: TypeAlias = Callable[[str, str], None]
"""Where a reader of documents puts a problem: JSON pointer, sentence."""


class Changed(StrEnum):
    """What happens to a call of a tool whose definition changed since it was accepted."""

    HOLD = "hold"
    DENY = "deny"


class Mode(StrEnum):
    """Whether a policy holds calls, or only tells the audit trail which ones it would hold. What it denies is denied in both."""

    ENFORCE = "enforce"
    MONITOR = "monitor"


class Joined(StrEnum):
    """How a group joins its conditions. `not` is met when not all of them are."""

    ANY = "any"
    ALL = "all"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one value. `path` is the subject (`args`, `grant`, `tool`, `time`, `state`), then the names inside it."""

    path: tuple[str, ...]
    op: Op
    value: JSON
    test: Test = field(compare=False, repr=False)

    @property
    def label(self) -> str:
        """Name the condition as rule ids do."""
        return f"{'.'.join(self.path)}-{self.op.value}"


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions that are joined in another way than by `and`."""

    joined: Joined
    members: "tuple[Condition | Group, ...]"

    @property
    def label(self) -> str:
        """Name the group as rule ids do."""
        return f"{self.joined.value}({','.join(member.label for member in self.members)})"


@dataclass(frozen=True, slots=True)
class Hold:
    """How a held call is decided: by whom, by how many of them, until when. `quorum` counts approvals, `channel` is where the card goes.

    `reason_required` is "never", "deny" or "always": which votes must say why. A repeat of the call joins a request that waits for no
    longer than `dedupe`, and asks anew after that; None: it joins for as long as that lives.
    """

    approvers: str
    quorum: int
    expires_in: timedelta
    remind_every: timedelta | None
    channel: str | None
    reason: str
    reason_required: str = ReasonRequired.NEVER.value
    dedupe: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions that must all be met, and what is said or asked then. Without conditions it is always met.

    A rule that is `needed` denies when it is not met; another one when it is. One with `hold` asks when it is met.
    """

    id: str
    conditions: tuple[Condition | Group, ...]
    message: str = ""
    hold: Hold | None = None
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """The rules under one key of `tools`: a tool's name, or a pattern with `*`. `gates` can deny, in the order in which they are asked.

    `counted` are the counters that conditions of the entry read. An entry that does not list a tool only adds to entries that do.
    """

    pattern: str
    gates: tuple[Rule, ...] = ()
    require_approval: tuple[Rule, ...] = ()
    limits: tuple[Limit, ...] = ()
    counted: tuple[Limit, ...] = ()
    lists: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """A whole document after reading. `limits` cover the calls of every tool.

    `fallback` is how an unlisted tool is held, `general` how a call is held that no rule asks about: None when nobody is named for it.
    `literal` documents know no pattern but a lone `*`. `zone` is an IANA time zone. `webhook` is told of each request.
    """

    default: Default
    hide: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    limits: tuple[Limit, ...] = ()
    fallback: Hold | None = None
    approver_groups: frozenset[str] = frozenset()
    audited: Audited = Audited.KEYS
    general: Hold | None = None
    changed_tools: Changed = Changed.HOLD
    mode: Mode = Mode.ENFORCE
    zone: str = "UTC"
    redaction: Redaction = NOTHING
    literal: bool = False
    webhook: str | None = None
    notes: "tuple[Problem, ...]" = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The policy's answer to one call. `rule` names what decided (empty when nothing stood against it), `message` is a plain sentence.

    `limits` are to be reserved, all or none, before an allowed call is forwarded or a held one is released. `monitored` is how an allowed
    call would have been held, if the policy did more than watch.
    """

    effect: Effect
    rule: str
    message: str
    hold: Hold | None = None
    limits: tuple[Limit, ...] = ()
    monitored: Hold | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document: where (JSON pointer, line from 1), and what to write instead."""

    pointer: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.pointer or "the document"
        return f"{place}{f' (line {self.line})' if self.line else ''}: {self.message}"


class PolicyInvalid(AskfirstError):
    """The policy cannot be used. Every problem is listed with its place and its remedy."""

    code: ClassVar[str] = "policy_invalid"

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = f"The policy {name!r} has {'a problem' if count == 1 else f'{count} problems'}:"
        super().__init__("\n  ".join([heading, *map(str, self.problems)]))


def pointer(base: str, *steps: str | int) -> str:
    """Extend a JSON pointer (RFC 6901) by keys and indexes."""
    return base + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
