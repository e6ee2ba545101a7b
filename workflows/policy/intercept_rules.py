"""The rules of an Intercept document: what each asserts, denies or asks.

`evaluate` conditions are assertions, all of which must hold; those of `require_approval` are triggers. The first rule that fails denies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from workflows.calls import JSON
from workflows.policy import go_durations, intercept_advice, predicates
from workflows.policy.approvals import DEFAULT_EXPIRES_IN, sentence
from workflows.policy.intercept_counters import Counters, Written, most, own_bound, read_by, why_no_counter
from workflows.policy.limit_rules import rule_id
from workflows.policy.limits import Limit
from workflows.policy.members import choice, items, table
from workflows.policy.paths import kind
from workflows.policy.shapes import Condition, Entry, Hold, Report, Rule, pointer

DEFAULT_APPROVERS: Final = "approvers"
"""The approver group that is asked: the format names nobody."""

RULE: Final = frozenset({"name", "action", "rate_limit", "conditions", "on_deny", "state", "approval_timeout"})


class Action(StrEnum):
    """What a rule does: assert its conditions, deny, or ask people."""

    EVALUATE = "evaluate"
    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules of a document share: its counters, and for how long a repeat joins a request."""

    counters: Counters
    dedupe: timedelta | None = None


def written(tool: str, value: JSON, at: str, report: Report) -> list[Written]:
    """Read the list under `rules` of a tool: each rule with its place and its id, and what it says."""
    at = pointer(at, "rules")
    found: list[Written] = []
    taken: dict[str, int] = {}
    for index, each in enumerate(items([] if value is None else value, at, "rules", report)):
        here = pointer(at, index)
        whole = table(each, here, "A rule", None, report)
        intercept_advice.report_unknown(whole, here, RULE, report)
        members = {key: member for key, member in whole.items() if member is not None}
        name = _name(members, here, report)
        said = sentence(members, here, report, "on_deny")
        id_ = rule_id(at, name or str(index), taken)
        message = said or f'Denied by rule "{name or id_}"'
        if isinstance(each, dict):
            found.append(Written(tool, here, members, id_, message, said is not None))
    return found


def _name(members: Mapping[str, JSON], at: str, report: Report) -> str | None:
    name = members.get("name", "")
    if isinstance(name, str):
        return name.strip() or None
    report(pointer(at, "name"), f"The name of a rule is text, and this is {kind(name)}: write it in quotes.")
    return None


def entry(tool: str, rules: Sequence[Written], known: Known, report: Report) -> Entry:
    """Compile the rules of one tool. Those of `"*"` list no tool: they only add to the ones that are listed."""
    gates: list[Rule] = []
    questions: list[Rule] = []
    reads: dict[str, Limit] = {}
    for rule in rules:
        action = _action(rule, report)
        tests = _tests(rule, known.counters.named, reads, report)
        if action is Action.DENY:
            gates.append(Rule(rule.id, (), rule.message))
        elif action is Action.REQUIRE_APPROVAL:
            questions.append(Rule(rule.id, tests, hold=_asking(rule, known.dedupe, report)))
        elif action is Action.EVALUATE:
            gates += _asserted(rule, tests, known.counters.kept_by(rule))
    limits = tuple(limit for rule in rules for limit in known.counters.kept_by(rule))
    return Entry(tool, tuple(gates), tuple(questions), limits, tuple(reads.values()), lists=tool != "*")


def _asserted(rule: Written, tests: tuple[Condition, ...], limits: Sequence[Limit]) -> list[Rule]:
    """Turn assertions into a gate. One that no call can meet, because nothing fits into its counter, denies at once."""
    bound = most(rule)
    least = max((limit.amount for limit in limits if not limit.increment_from), default=0)
    if bound is not None and bound < least:
        return [Rule(rule.id, (), rule.message)]
    return [Rule(rule.id, tests, rule.message, needed=True)] if tests else []


def _tests(rule: Written, counters: Mapping[str, Limit], reads: dict[str, Limit], report: Report) -> tuple[Condition, ...]:
    """Read the conditions, without those that a limit takes over; the counters that the others read go into `reads`."""
    at = pointer(rule.at, "conditions")
    tests: list[Condition] = []
    for index, value in enumerate(items(rule.members.get("conditions", []), at, "conditions", report)):
        here = pointer(at, index)
        if (misplaced := intercept_advice.misplaced(value)) is not None:
            key, why = misplaced
            report(pointer(here, key), why)
            continue
        condition = predicates.condition(value, here, report, subjects=("state",))
        if condition is None or own_bound(rule, value):
            continue
        if condition.path[0] == "state":
            path = ".".join(condition.path)
            counter = read_by(path, counters)
            if counter is None:
                report(pointer(here, "path"), why_no_counter(path, rule, counters))
                continue
            reads[path] = counter
        tests.append(condition)
    return tuple(tests)


def _action(rule: Written, report: Report) -> Action | None:
    """Read what a rule does, and report what does not go with it."""
    default = {"action": Action.EVALUATE.value, **rule.members}
    chosen = choice(default, rule.at, "action", [each.value for each in Action], report, example="action: deny")
    action = None if chosen is None else Action(chosen)
    has = {key for key, value in rule.members.items() if key != "conditions" or value != []}
    for key, why in _conflicts(action, has):
        report(pointer(rule.at, key) if key else rule.at, why)
    return action


def _conflicts(action: Action | None, has: set[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if "rate_limit" in has:
        others = [other for other in ("conditions", "state") if other in has]
        found += [(other, f"rate_limit stands alone in its rule: write {other} in a rule of its own.") for other in others]
        if action in {Action.DENY, Action.REQUIRE_APPROVAL}:
            found.append(("rate_limit", f"A rule with action {action.value} has no rate_limit: write the rate_limit in a rule of its own."))
    elif action is Action.EVALUATE and "conditions" not in has:
        found.append(("", "A rule that evaluates has conditions: write them, or action: deny, or action: require_approval."))
    if action is Action.DENY and "conditions" in has:
        found.append(
            ("conditions", "A rule with action deny denies every call: leave conditions out, or leave action out and assert them.")
        )
    if action is Action.REQUIRE_APPROVAL and "state" in has:
        found.append(("state", "A rule with action require_approval keeps no counter: write state in a rule of its own."))
    if action is not None and action is not Action.REQUIRE_APPROVAL and "approval_timeout" in has:
        found.append(("approval_timeout", "approval_timeout is for a rule with action require_approval: write that, or leave it out."))
    return found


def _asking(rule: Written, dedupe: timedelta | None, report: Report) -> Hold:
    span = span_of(rule.members, rule.at, "approval_timeout", report)
    reason = rule.message if rule.said else f'Rule "{rule.id}" asks for approval.'
    return hold(reason, expires_in=span or DEFAULT_EXPIRES_IN, dedupe=dedupe)


def hold(reason: str, *, expires_in: timedelta = DEFAULT_EXPIRES_IN, dedupe: timedelta | None = None) -> Hold:
    """Say how a call is held: by one person of the group that is asked."""
    return Hold(DEFAULT_APPROVERS, 1, expires_in, remind_every=None, channel=None, reason=reason, dedupe=dedupe)


def span_of(members: Mapping[str, JSON], at: str, key: str, report: Report) -> timedelta | None:
    """Read a positive duration as Go writes it; None where there is none."""
    if key not in members:
        return None
    text = members[key]
    span = go_durations.parse(text) if isinstance(text, str) else None
    if span is None:
        said = f'"{text[:40]}"' if isinstance(text, str) else kind(text)
        report(
            pointer(at, key),
            f"{key} is a time with the units h, m, s, ms, us and ns, longer than nothing and shorter than 292 years, and this is {said}: "
            f"write it like {go_durations.EXAMPLES}.",
        )
    return span
