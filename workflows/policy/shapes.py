"""The values that a policy is made of and answers with. They are checked when they are read, and never change."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, TypeAlias

from workflows.calls import JSON
from workflows.errors import AskfirstError
from workflows.policy.limits import Limit


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


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one argument. `path` is the argument's name, then the names inside it, without the leading `args`."""

    path: tuple[str, ...]
    op: Op
    value: JSON
    test: Test = field(compare=False, repr=False)

    @property
    def label(self) -> str:
        """Name the condition as rule ids do."""
        return f"args.{'.'.join(self.path)}-{self.op.value}"


@dataclass(frozen=True, slots=True)
class Hold:
    """How a held call is decided: by whom, by how many of them, until when. `quorum` counts approvals, `channel` is where the card goes.

    `reason_required` is "never", "deny" or "always": which votes must say why.
    """

    approvers: str
    quorum: int
    expires_in: timedelta
    remind_every: timedelta | None
    channel: str | None
    reason: str
    reason_required: str = ReasonRequired.NEVER.value


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions that must all be met, and what is said or asked then. Without conditions it is always met."""

    id: str
    conditions: tuple[Condition, ...]
    message: str = ""
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """The rules under one key of `tools`: a tool's name, or a pattern with `*`."""

    pattern: str
    require: tuple[Rule, ...] = ()
    deny_if: tuple[Rule, ...] = ()
    require_approval: tuple[Rule, ...] = ()
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """A whole document after reading. `fallback` is how an unlisted tool is held; `limits` cover the calls of every tool."""

    default: Default
    hide: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    limits: tuple[Limit, ...] = ()
    fallback: Hold | None = None
    approver_groups: frozenset[str] = frozenset()
    audited: Audited = Audited.KEYS


@dataclass(frozen=True, slots=True)
class Verdict:
    """The policy's answer to one call. `rule` names what decided (empty when nothing stood against it), `message` is a plain sentence.

    `limits` are to be reserved, all or none, before an allowed call is forwarded or a held one is written.
    """

    effect: Effect
    rule: str
    message: str
    hold: Hold | None = None
    limits: tuple[Limit, ...] = ()


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
