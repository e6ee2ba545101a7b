"""A policy's possible answers to a call that is known in part. Law: the answer to the whole call is always among them.

What a limit would refuse is not looked at, and neither is an amount that was not recorded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Final, TypeAlias

from workflows.calls import JSON, ToolCall
from workflows.policy import Effect, Limit, Mode, Policy, Situation, Verdict, evaluate
from workflows.policy.amounts import measured
from workflows.policy.evaluating import CHANGED, DEFAULT_DENY, DEFAULT_REQUIRE_APPROVAL
from workflows.policy.evaluating import HIDDEN as HIDDEN_TOOL
from workflows.policy.explaining import entries_for, finder, lists
from workflows.policy.looking import Find, Met
from workflows.policy.paths import MISSING, Unclear, argument
from workflows.policy.shapes import Changed, Condition, Default, Entry, Group, Joined, Op, Rule, Shape

Outcomes: TypeAlias = frozenset[Met]
"""How a condition may come out."""

UNRECORDED: Final = Unclear("What was sent here was not recorded.")
"""Stands in arguments for a value of which nothing is known."""
HIDDEN: Final = Unclear("What was sent here is hidden.")
"""Stands in arguments for a value that is hidden, and is not null."""

_ANY: Final[Outcomes] = frozenset(Met)
_MET, _NOT_MET = frozenset({Met.MET}), frozenset({Met.NOT_MET})


class Answer(StrEnum):
    """What becomes of a call. One that is watched is forwarded, and would be held if its policy did more than watch."""

    ALLOW = "allow"
    WATCH = "allow (monitored)"
    HOLD = "hold"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Partly:
    """A call that is known in part: UNRECORDED and HIDDEN stand in its arguments. `whole` tells whether all of them are there by name."""

    call: ToolCall
    situation: Situation
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Possible:
    """The answers that a policy may give, and the rule that gives the one, or on which it hangs which one it is."""

    answers: frozenset[Answer]
    rule: str


def answer_of(verdict: Verdict) -> Answer:
    """Name what becomes of a call by its verdict."""
    if verdict.effect is Effect.ALLOW:
        return Answer.ALLOW if verdict.monitored is None else Answer.WATCH
    return Answer.HOLD if verdict.effect is Effect.HOLD else Answer.DENY


def possible(policy: Policy, partly: Partly) -> Possible:
    """Give every answer that the policy may have to a call, whatever it is that is not known of it."""
    if _known(partly):
        verdict = evaluate(policy, partly.call, partly.situation)
        return Possible(frozenset({answer_of(verdict)}), verdict.rule)
    shape, tool = policy.shape, partly.call.tool
    entries = entries_for(shape, tool)
    if policy.hides(tool):
        return Possible(frozenset({Answer.DENY}), HIDDEN_TOOL)
    if not lists(shape, entries):
        entries, (answer, rule) = [], _DEFAULTS[shape.default]
        answers = {answer}
    else:
        answers, rule = _judged(entries, _finder(shape, entries, partly))
    if answers != {Answer.DENY}:
        limits = (*(limit for entry in entries for limit in entry.limits), *shape.limits)
        if uncounted := _uncounted(limits, partly):
            answers, rule = {Answer.DENY}, rule or uncounted
    return _last(shape, partly.situation, answers, rule)


_DEFAULTS: Final = {
    Default.ALLOW: (Answer.ALLOW, ""),
    Default.DENY: (Answer.DENY, DEFAULT_DENY),
    Default.REQUIRE_APPROVAL: (Answer.HOLD, DEFAULT_REQUIRE_APPROVAL),
}


def _known(partly: Partly) -> bool:
    situation = partly.situation
    named = partly.whole and not _has_gaps(dict(partly.call.arguments))
    return named and situation.tool is not None and situation.owner is not None


def _has_gaps(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_gaps, value.values()))
    if isinstance(value, list):
        return any(map(_has_gaps, value))
    return value is UNRECORDED or value is HIDDEN


def _finder(shape: Shape, entries: Iterable[Entry], partly: Partly) -> Find:
    """Find values as the policy does, and UNRECORDED wherever it would look at something that is not known."""
    look = finder(shape, entries, partly.call, partly.situation)

    def find(path: tuple[str, ...]) -> object:
        value = look(path)
        if path[0] == "args":
            if value is HIDDEN and _at(partly.call.arguments, path[1:]) is HIDDEN:
                return HIDDEN
            return UNRECORDED if _has_gaps(value) or (value is MISSING and not partly.whole) else value
        unknown = (path[0] == "tool" and path[1] != "name" and partly.situation.tool is None) or (
            path[:2] == ("grant", "owner") and partly.situation.owner is None
        )
        return UNRECORDED if unknown else value

    return find


def _at(arguments: Mapping[str, JSON], names: Iterable[str]) -> object:
    value: object = arguments
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _judged(entries: Iterable[Entry], find: Find) -> tuple[set[Answer], str]:
    """Ask the rules in their order, and follow every way that a call may take."""
    entries, answers, rule = list(entries), set[Answer](), ""
    for gate in (gate for entry in entries for gate in entry.gates):
        outcomes = _together(gate, find)
        passes = Met.MET in outcomes if gate.needed else Met.NOT_MET in outcomes
        if outcomes != (_MET if gate.needed else _NOT_MET):
            answers.add(Answer.DENY)
            rule = rule or gate.id
        if not passes:
            return answers, rule
    asked = [(question, _together(question, find)) for entry in entries for question in entry.require_approval if question.hold]
    asking = [(question, outcomes) for question, outcomes in asked if outcomes != _NOT_MET]
    surely = [question for question, outcomes in asking if Met.NOT_MET not in outcomes]
    if asking:
        answers.add(Answer.HOLD)
        rule = rule or (surely[0] if surely else asking[0][0]).id
    if not surely:
        answers.add(Answer.ALLOW)
    return answers, rule


def _together(rule: Rule, find: Find) -> Outcomes:
    return _all(_outcomes(condition, find) for condition in rule.conditions)


def _outcomes(condition: Condition | Group, find: Find) -> Outcomes:
    if isinstance(condition, Group):
        members = [_outcomes(member, find) for member in condition.members]
        if condition.joined is Joined.ANY:
            return _opposite(_all(map(_opposite, members)))
        return _all(members) if condition.joined is Joined.ALL else _opposite(_all(members))
    value = find(condition.path)
    if value is HIDDEN and condition.op is Op.EXISTS:
        return _MET if condition.value is True else _NOT_MET
    if value is HIDDEN or value is UNRECORDED:
        return _ANY
    outcome = condition.test(value)
    return frozenset({Met.UNTOLD}) if isinstance(outcome, str) else _MET if outcome else _NOT_MET


def _all(members: Iterable[Outcomes]) -> Outcomes:
    return reduce(_both, members, _MET)


def _both(one: Outcomes, other: Outcomes) -> Outcomes:
    """Join how two conditions may come out: one that is not met settles it, else one that cannot be told."""
    return frozenset(
        Met.NOT_MET if Met.NOT_MET in pair else Met.UNTOLD if Met.UNTOLD in pair else Met.MET
        for pair in ((first, second) for first in one for second in other)
    )


def _opposite(outcomes: Outcomes) -> Outcomes:
    turned = {Met.MET: Met.NOT_MET, Met.NOT_MET: Met.MET, Met.UNTOLD: Met.UNTOLD}
    return frozenset(turned[outcome] for outcome in outcomes)


def _uncounted(limits: Iterable[Limit], partly: Partly) -> str:
    """Name the limit to which a call adds something that cannot be counted, as far as it was recorded; nothing when there is none."""
    for limit in limits:
        count = measured([limit])
        value = argument(limit.increment_from)(partly.call) if limit.increment_from else None
        if count is None or _has_gaps(value) or (value is MISSING and not partly.whole):
            continue
        found = count(partly.call, Verdict(Effect.ALLOW, "", "", limits=(limit,)))
        if found.effect is Effect.DENY:
            return limit.rule
    return ""


def _last(shape: Shape, situation: Situation, answers: set[Answer], rule: str) -> Possible:
    """Turn answers as a changed definition and the mode of the policy do."""
    if situation.tool is not None and situation.tool.changed:
        denies = shape.changed_tools is Changed.DENY or (situation.tool.partial and shape.mode is Mode.ENFORCE)
        held = Answer.DENY if denies else Answer.HOLD
        allowed = Answer.DENY if shape.general is None else held
        rule = rule or CHANGED
        answers = {{Answer.ALLOW: allowed, Answer.HOLD: held}.get(answer, answer) for answer in answers}
    if shape.mode is Mode.MONITOR:
        answers = {Answer.WATCH if answer is Answer.HOLD else answer for answer in answers}
    return Possible(frozenset(answers), rule)
