"""What each condition of a rule saw, and why it is met or not, in plain words. Values are shown as far as they may be, and bounded."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from workflows.calls import JSON
from workflows.policy.paths import MISSING, Unclear
from workflows.policy.plans import both, either, opposite
from workflows.policy.shapes import Condition, Group, Joined, Op, Outcome
from workflows.redaction import NOTHING, Redaction, redact

LONGEST: Final = 200
"""How many characters of a value are shown."""

Find: TypeAlias = Callable[[tuple[str, ...]], object]
"""Gives the value at a path, MISSING or Unclear."""


class Met(StrEnum):
    """Whether a condition is met."""

    MET = "met"
    NOT_MET = "not met"
    UNTOLD = "cannot be told"


@dataclass(frozen=True, slots=True)
class Looked:
    """A condition and what it saw: `saw` is the value, shortened and with secrets hidden, where `there` says that there is one."""

    path: str
    op: str
    value: JSON
    outcome: Met
    why: str
    saw: JSON = None
    there: bool = True

    def plain(self) -> dict[str, JSON]:
        """Give it as JSON; a value that is not there has no key."""
        seen: dict[str, JSON] = {"saw": self.saw} if self.there else {}
        return {"path": self.path, "op": self.op, "value": self.value, **seen, "outcome": self.outcome.value, "why": self.why}


@dataclass(frozen=True, slots=True)
class Joint:
    """A group of conditions, with what each of them saw."""

    joined: str
    members: "tuple[Seen, ...]"
    outcome: Met
    why: str

    def plain(self) -> dict[str, JSON]:
        """Give it as JSON, with its members under the word that joins them."""
        return {self.joined: [member.plain() for member in self.members], "outcome": self.outcome.value, "why": self.why}


Seen: TypeAlias = "Looked | Joint"


def look(condition: Condition | Group, find: Find, rules: Redaction = NOTHING) -> Seen:
    """Look at what a condition looks at, or at each member of a group; `rules` are what is hidden beside secrets."""
    if isinstance(condition, Condition):
        return _looked(condition, find(condition.path), rules)
    members = tuple(look(member, find, rules) for member in condition.members)
    return Joint(condition.joined.value, members, *_joined(condition.joined, members))


def together(seen: Sequence[Seen]) -> tuple[Met, str]:
    """Tell whether all conditions of a rule are met, and by what that is settled."""
    found = both((_settled(each) for each in seen), [])
    if not seen:
        return Met.MET, "It has no conditions, so it is for every call."
    if found is True:
        return Met.MET, seen[0].why if len(seen) == 1 else "All of its conditions are met"
    wanted = Met.NOT_MET if found is False else Met.UNTOLD
    return wanted, next(each.why for each in seen if each.outcome is wanted)


def outcome_of(seen: Met, why: str) -> Outcome:
    """Give the outcome as conditions tell it."""
    return why if seen is Met.UNTOLD else seen is Met.MET


def _settled(seen: Seen) -> Callable[[list[object]], Outcome]:
    return lambda _: outcome_of(seen.outcome, seen.why)


def _joined(joined: Joined, members: Sequence[Seen]) -> tuple[Met, str]:
    settled = [_settled(each) for each in members]
    if joined is Joined.ALL:
        return together(members)
    if joined is Joined.ANY:
        found = either(settled, [])
        wanted = Met.MET if found is True else Met.UNTOLD
        why = next((each.why for each in members if each.outcome is wanted), "")
        return _met(found), why or _listed(members)
    found = opposite(both(settled, []))
    _, why = together(members)
    return _met(found), why if isinstance(found, str) else f"{why} (and it is asked that this is not so)"


def _listed(members: Iterable[Seen]) -> str:
    return "; ".join(each.why for each in members)


def _met(outcome: Outcome) -> Met:
    return Met.UNTOLD if isinstance(outcome, str) else Met.MET if outcome else Met.NOT_MET


def _looked(condition: Condition, value: object, rules: Redaction) -> Looked:
    path, outcome = ".".join(condition.path), condition.test(value)
    there = value is not MISSING and not isinstance(value, Unclear)
    saw = shown(condition.path, value, rules) if there else None
    why = outcome if isinstance(outcome, str) else _why(condition, value, saw, met=outcome)
    return Looked(path, condition.op.value, condition.value, _met(outcome), why, saw, there)


_PHRASES: Final = {
    Op.EQ: ("equal to {}", "not equal to {}"),
    Op.NEQ: ("other than {}", "not other than {}"),
    Op.IN: ("one of {}", "not one of {}"),
    Op.NOT_IN: ("none of {}", "one of {}"),
    Op.LT: ("less than {}", "not less than {}"),
    Op.LTE: ("at most {}", "more than {}"),
    Op.GT: ("more than {}", "not more than {}"),
    Op.GTE: ("at least {}", "less than {}"),
    Op.REGEX: ("in which {} is found", "in which {} is not found"),
    Op.CONTAINS: ("which contains {}", "which does not contain {}"),
}


def _why(condition: Condition, value: object, saw: JSON, *, met: bool) -> str:
    """Say in words what a condition made of a value; without the value it says that, and that the condition is not met by nothing."""
    path = ".".join(condition.path)
    if condition.op is Op.EXISTS:
        state = "is missing" if value is MISSING else "is null, which counts as missing" if value is None else "is there"
        return f"{path} {state}"
    wanted = text(condition.value)
    if value is MISSING:
        return f"{path} is missing, and {condition.op.value} {wanted} is not met by nothing"
    return f"{path} is {text(saw)}, {_PHRASES[condition.op][not met].format(wanted)}"


def text(value: JSON) -> str:
    """Write a value as JSON text of bounded length."""
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(written: str) -> str:
    return written if len(written) <= LONGEST else f"{written[:LONGEST]}…"


def shown(path: tuple[str, ...], value: object, rules: Redaction = NOTHING) -> JSON:
    """Give a value that was found at a path as it may be shown: secrets hidden, and bounded."""
    if isinstance(value, Decimal):
        return float(value)
    return _short(_hidden(path, value, rules)) if path[0] == "args" else _short(value)  # type: ignore[arg-type]  # what was found is JSON


def _hidden(path: tuple[str, ...], value: object, rules: Redaction) -> JSON:
    """Hide what the boundary hides at this very place: it goes by the names on the way."""
    whole: JSON = value  # type: ignore[assignment]  # arguments are JSON
    for name in reversed(path[1:]):
        whole = {name: whole}
    hidden = redact(whole, rules)
    for _ in path[1:]:
        hidden = next(iter(hidden.values())) if isinstance(hidden, dict) else hidden
    return hidden


def _short(value: JSON) -> JSON:
    if isinstance(value, str):
        return _cut(value)
    written = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | int) else ""
    return value if len(written) <= LONGEST else _cut(written)
