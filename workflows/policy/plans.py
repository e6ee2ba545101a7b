"""What the policy does with the calls of one tool, compiled once. Law: a call is judged by looking at it, with no I/O, clock or memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from workflows.calls import JSON
from workflows.policy.limits import Limit
from workflows.policy.paths import Reader, reader
from workflows.policy.shapes import Effect, Entry, Hold, Outcome, ReasonRequired, Rule, Test, Verdict

Checks: TypeAlias = tuple[tuple[int, Test], ...]
"""Compiled conditions: which of the values read, and the test of it."""

_STRICTNESS = {choice.value: rank for rank, choice in enumerate(ReasonRequired)}


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule that can deny: one of `require` when `needed`, else one of `deny_if`. `denial` is the verdict when it does."""

    checks: Checks
    needed: bool
    denial: Verdict


@dataclass(frozen=True, slots=True)
class Question:
    """A rule that can hold, and the verdict when it is the strictest that does."""

    checks: Checks
    verdict: Verdict
    hold: Hold


@dataclass(frozen=True, slots=True)
class Plan:
    """All rules for one tool, in the order in which they are asked; `otherwise` is the verdict when none of them stops the call."""

    readers: tuple[Reader, ...]
    gates: tuple[Gate, ...]
    questions: tuple[Question, ...]
    otherwise: Verdict

    def judge(self, arguments: Mapping[str, JSON]) -> Verdict:
        """Answer a call: the first denial, else the strictest hold, else `otherwise`."""
        values = [read(arguments) for read in self.readers]
        for gate in self.gates:
            met = _met(gate.checks, values)
            if (met is not True) if gate.needed else (met is not False):
                return _saying(gate.denial, met)
        if not self.questions:
            return self.otherwise
        asked: list[tuple[Question, Outcome]] = [
            (question, met) for question in self.questions if (met := _met(question.checks, values)) is not False
        ]
        return _strictest(asked) if asked else self.otherwise


def fixed(verdict: Verdict) -> Plan:
    """Make the plan of a tool whose every call gets the same verdict."""
    return Plan((), (), (), verdict)


def compiled(entries: Iterable[Entry], limits: tuple[Limit, ...]) -> Plan:
    """Compile the entries that apply to one tool, in the order in which their rules are asked."""
    entries = tuple(entries)
    every = tuple(limit for entry in entries for limit in entry.limits) + limits
    slots: dict[tuple[str, ...], int] = {}

    def checks(rule: Rule) -> Checks:
        return tuple((slots.setdefault(condition.path, len(slots)), condition.test) for condition in rule.conditions)

    gates = tuple(
        Gate(checks(rule), needed, Verdict(Effect.DENY, rule.id, rule.message))
        for entry in entries
        for needed, rules in ((True, entry.require), (False, entry.deny_if))
        for rule in rules
    )
    questions = tuple(
        Question(checks(rule), Verdict(Effect.HOLD, rule.id, rule.hold.reason, rule.hold, every), rule.hold)
        for entry in entries
        for rule in entry.require_approval
        if rule.hold is not None
    )
    return Plan(tuple(map(reader, slots)), gates, questions, Verdict(Effect.ALLOW, "", "", limits=every))


def _met(checks: Checks, values: list[object]) -> Outcome:
    """Tell whether all conditions are met: one that is not settles it, else one that cannot be told leaves it untold."""
    untold: Outcome = True
    for slot, test in checks:
        outcome = test(values[slot])
        if outcome is False:
            return False
        if outcome is not True and untold is True:
            untold = outcome
    return untold


def _saying(verdict: Verdict, met: Outcome) -> Verdict:
    """Add why a condition could not be told to what the rule says."""
    return replace(verdict, message=f"{verdict.message} {met}") if isinstance(met, str) else verdict


def _strictest(asked: list[tuple[Question, Outcome]]) -> Verdict:
    """Choose by the largest quorum, then the shortest time, then the order; a reason that any of them requires stays required."""
    question, met = min(asked, key=lambda pair: (-pair[0].hold.quorum, pair[0].hold.expires_in))
    verdict = _saying(question.verdict, met)
    required = max((other.hold.reason_required for other, _ in asked), key=_STRICTNESS.__getitem__)
    if verdict is question.verdict and required == question.hold.reason_required:
        return verdict
    return replace(verdict, hold=replace(question.hold, reason=verdict.message, reason_required=required))
