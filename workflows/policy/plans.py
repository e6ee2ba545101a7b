"""What the policy does with the calls of one tool, compiled once. Law: a call is judged by looking at it, with no I/O, clock or memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from workflows.calls import JSON, ToolCall
from workflows.policy.amounts import Counted, measured
from workflows.policy.limits import Limit
from workflows.policy.paths import Reader, arguments, reader
from workflows.policy.shapes import Condition, Effect, Entry, Group, Hold, Joined, Outcome, ReasonRequired, Verdict
from workflows.policy.situation import Situation

Check: TypeAlias = Callable[[list[object]], Outcome]
"""A compiled condition or group: from the values that the plan read to an outcome."""

_STRICTNESS = {choice.value: rank for rank, choice in enumerate(ReasonRequired)}


class Gate(NamedTuple):
    """A rule that can deny: one of `require` when `needed`, else one of `deny_if`. `denial` is the verdict when it does."""

    check: Check
    needed: bool
    denial: Verdict


class Question(NamedTuple):
    """A rule that can hold, and the verdict when it is the strictest that does."""

    check: Check
    verdict: Verdict
    hold: Hold


@dataclass(frozen=True, slots=True)
class Plan:
    """All rules for one tool, in the order in which they are asked; `otherwise` is the verdict when none of them stops the call.

    `arguments` and then `readers` find the values that conditions look at. `counted` are the counters that must be read before it is
    asked; `amounts` measure what the call adds to its limits, where one does.
    """

    arguments: Callable[[Mapping[str, JSON]], list[object]] | None
    readers: tuple[Reader, ...]
    gates: tuple[Gate, ...]
    questions: tuple[Question, ...]
    otherwise: Verdict
    counted: tuple[Limit, ...] = ()
    amounts: Counted | None = None

    def judge(self, call: ToolCall, situation: Situation) -> Verdict:
        """Answer a call: the first denial, else the strictest hold, else `otherwise`."""
        values = [] if self.arguments is None else self.arguments(call.arguments)
        for read in self.readers:
            values.append(read(call, situation))
        for check, needed, denial in self.gates:
            met = check(values)
            if (met is not True) if needed else (met is not False):
                return _saying(denial, met)
        verdict = self.otherwise
        if self.questions:
            asked = [(question, met) for question in self.questions if (met := question.check(values)) is not False]
            verdict = _strictest(asked) if asked else verdict
        return verdict if self.amounts is None else self.amounts(call, verdict)


def fixed(verdict: Verdict) -> Plan:
    """Make the plan of a tool whose every call gets the same verdict."""
    return Plan(None, (), (), (), verdict, amounts=measured(verdict.limits))


def compiled(entries: Iterable[Entry], limits: tuple[Limit, ...], *, zone: str = "UTC") -> Plan:
    """Compile the entries that apply to one tool, in the order in which their rules are asked."""
    entries = tuple(entries)
    every = tuple(limit for entry in entries for limit in entry.limits) + limits
    counted = {f"state.{limit.identity}": limit for entry in entries for limit in entry.counted}
    rules = [rule for entry in entries for rule in (*entry.gates, *entry.require_approval)]
    paths = sorted({path for rule in rules for path in _paths(rule.conditions)}, key=lambda path: path[0] != "args")
    slots = {path: slot for slot, path in enumerate(paths)}
    named = [path[1:] for path in paths if path[0] == "args"]
    readers = tuple(reader(path, zone=zone, counter=counted.get(".".join(path))) for path in paths[len(named) :])
    gates = tuple(
        Gate(_all_of(rule.conditions, slots), rule.needed, Verdict(Effect.DENY, rule.id, rule.message))
        for entry in entries
        for rule in entry.gates
    )
    questions = tuple(
        Question(_all_of(rule.conditions, slots), Verdict(Effect.HOLD, rule.id, rule.hold.reason, rule.hold, every), rule.hold)
        for entry in entries
        for rule in entry.require_approval
        if rule.hold is not None
    )
    otherwise = Verdict(Effect.ALLOW, "", "", limits=every)
    return Plan(arguments(named) if named else None, readers, gates, questions, otherwise, tuple(counted.values()), measured(every))


def _paths(conditions: Iterable[Condition | Group]) -> Iterator[tuple[str, ...]]:
    for each in conditions:
        yield from (each.path,) if isinstance(each, Condition) else _paths(each.members)


def _all_of(conditions: Sequence[Condition | Group], slots: Mapping[tuple[str, ...], int]) -> Check:
    """Compile conditions that must all be met."""
    checks = tuple(_check(condition, slots) for condition in conditions)
    return checks[0] if len(checks) == 1 else lambda values: both(checks, values)


def _check(condition: Condition | Group, slots: Mapping[tuple[str, ...], int]) -> Check:
    """Compile a condition to a look at one of the values that are read, and a group to its members joined."""
    if isinstance(condition, Condition):
        slot, test = slots[condition.path], condition.test
        return lambda values: test(values[slot])
    members = tuple(_check(member, slots) for member in condition.members)
    if condition.joined is Joined.ALL:
        return lambda values: both(members, values)
    if condition.joined is Joined.ANY:
        return lambda values: either(members, values)
    return lambda values: opposite(both(members, values))


def both(checks: Iterable[Check], values: list[object]) -> Outcome:
    """Tell whether all checks are met: one that is not settles it, else one that cannot be told leaves it untold."""
    untold: Outcome = True
    for check in checks:
        outcome = check(values)
        if outcome is False:
            return False
        if outcome is not True and untold is True:
            untold = outcome
    return untold


def either(checks: Iterable[Check], values: list[object]) -> Outcome:
    """Tell whether one check is met at least: one that is settles it, else one that cannot be told leaves it untold."""
    untold: Outcome = False
    for check in checks:
        outcome = check(values)
        if outcome is True:
            return True
        if outcome is not False and untold is False:
            untold = outcome
    return untold


def opposite(outcome: Outcome) -> Outcome:
    """Turn met and not met around; what cannot be told stays so."""
    return outcome if isinstance(outcome, str) else not outcome


def _saying(verdict: Verdict, met: Outcome) -> Verdict:
    """Add why a condition could not be told to what the rule says."""
    return replace(verdict, message=joined(verdict.message, met)) if isinstance(met, str) else verdict


def joined(said: str, more: str) -> str:
    """Put a sentence after what a document says, which may end without a full stop."""
    return f"{said} {more}" if said.endswith((".", "!", "?", "…")) else f"{said}. {more}"


def _strictest(asked: Sequence[tuple[Question, Outcome]]) -> Verdict:
    """Choose by the largest quorum, then the shortest time, then the order; a reason that any of them requires stays required."""
    question, met = min(asked, key=lambda pair: (-pair[0].hold.quorum, pair[0].hold.expires_in))
    verdict = _saying(question.verdict, met)
    required = max((other.hold.reason_required for other, _ in asked), key=_STRICTNESS.__getitem__)
    if verdict is question.verdict and required == question.hold.reason_required:
        return verdict
    return replace(verdict, hold=replace(question.hold, reason=verdict.message, reason_required=required))
