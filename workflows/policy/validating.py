"""From a document to its shape, with every problem on the way. Law: what is not known is refused; a slip must not open a hole."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Final

from workflows.calls import JSON
from workflows.policy import advice, approvals, conditions
from workflows.policy.approvals import Terms
from workflows.policy.limits import Limit, Scope, Window
from workflows.policy.paths import kind
from workflows.policy.shapes import Audited, Condition, Default, Entry, Hold, Op, Report, Rule, Shape, pointer

_DOCUMENT: Final = frozenset({"version", "default", "hide", "all_tools", "tools", "approval", "audit"})
_ENTRY: Final = frozenset({"require", "deny_if", "require_approval", "limits"})
_ALL_TOOLS: Final = frozenset({"limits"})
_PREDICATE: Final = frozenset({"conditions", "on_deny"})
_CONDITION: Final = frozenset({"path", "op", "value"})
_LIMIT: Final = frozenset({"counter", "window", "max", "scope"})
_LARGEST_MAX: Final = 2**53 - 1
_ROOT: Final = "args."
_LIST_STEP: Final = re.compile(r"\[(?:[0-9]*|\*)\]$")


def shape(document: JSON, report: Report) -> Shape:
    """Read a whole document. The shape is of use only when nothing was reported."""
    if isinstance(document, dict) and _is_fragment(document):
        report("", advice.fragment(document))
        for name, entry in document.items():
            _entry(name, entry, pointer("", name), Terms(named=True), report)
        return Shape(Default.DENY)
    members = _object(document, "", "A policy", _DOCUMENT, report)
    if not isinstance(document, dict):
        return Shape(Default.DENY)
    _version(members, report)
    default = _choice(members, "", "default", [each.value for each in Default], report, example='"default": "deny"')
    general = _general(members, report)
    fallback = _fallback(default, general, report)
    tools = _object(members.get("tools", {}), "/tools", "tools", None, report)
    entries = tuple(_entry(name, entry, pointer("/tools", name), general, report) for name, entry in tools.items())
    audited = (
        _choice(members, "", "audit", [each.value for each in Audited], report, example='"audit": "redacted"')
        if "audit" in members
        else None
    )
    everywhere = _object(members.get("all_tools", {}), "/all_tools", "all_tools", _ALL_TOOLS, report)
    return Shape(
        default=Default(default or Default.DENY),
        hide=_hide(members, report),
        entries=entries,
        limits=_limits(everywhere, "/all_tools", report),
        fallback=fallback,
        approver_groups=_groups(entries, fallback, general),
        audited=Audited(audited or Audited.KEYS),
    )


def _is_fragment(document: Mapping[str, JSON]) -> bool:
    """Tell rules for tools that were copied without their document: no key of a document, and each value looks like an entry."""
    return (
        bool(document)
        and not document.keys() & (_DOCUMENT | {"rules", "description"})
        and all(isinstance(value, dict) for value in document.values())
    )


def _groups(entries: tuple[Entry, ...], fallback: Hold | None, general: Terms) -> frozenset[str]:
    holds = [rule.hold for entry in entries for rule in entry.require_approval]
    named = {hold.approvers for hold in [*holds, fallback] if hold is not None}
    return frozenset(named | ({general.approvers} if general.approvers else set()))


def _version(members: Mapping[str, JSON], report: Report) -> None:
    if "version" not in members:
        report("", 'version is missing: write "version": "1".')
    elif members["version"] != "1":
        report("/version", 'The only version is "1", as text: write "version": "1".')


def _general(members: Mapping[str, JSON], report: Report) -> Terms:
    if "approval" not in members:
        return Terms()
    value = _object(members["approval"], "/approval", "approval", approvals.KEYS, report)
    if not isinstance(members["approval"], dict):
        return Terms(named=True)
    return approvals.terms(value, "/approval", report)


def _fallback(default: str | None, general: Terms, report: Report) -> Hold | None:
    if default != Default.REQUIRE_APPROVAL.value:
        return None
    return approvals.hold(Terms(), general, "/default", report, reason="The policy asks people about every tool that it does not list.")


def _hide(members: Mapping[str, JSON], report: Report) -> tuple[str, ...]:
    names: list[str] = []
    for index, name in enumerate(_list(members.get("hide", []), "/hide", "hide", report)):
        at = pointer("/hide", index)
        if not isinstance(name, str) or not name.strip():
            report(at, f"An entry of hide is a tool's name or a pattern, and this is {'empty' if isinstance(name, str) else kind(name)}.")
        elif name in names:
            report(at, f"{name!r} is in hide twice: was another tool meant? Keep one of them.")
        else:
            names.append(name)
    return tuple(names)


def _entry(name: str, value: JSON, at: str, general: Terms, report: Report) -> Entry:
    if not name.strip():
        report(at, "A tool's name is empty: write the name, or a pattern with *.")
    if value is None:
        report(at, "There is nothing here: write {} to list the tool without rules.")
        return Entry(name)
    members = _object(value, at, "The entry of a tool", _ENTRY, report)
    return Entry(
        pattern=name,
        require=_rules(members, at, "require", report),
        deny_if=_rules(members, at, "deny_if", report),
        require_approval=_questions(members, at, general, report),
        limits=_limits(members, at, report),
    )


def _rules(members: Mapping[str, JSON], at: str, key: str, report: Report) -> tuple[Rule, ...]:
    at = pointer(at, key)
    rules: list[Rule] = []
    taken: set[str] = set()
    for index, value in enumerate(_list(members.get(key, []), at, key, report)):
        here = pointer(at, index)
        rule = _object(value, here, "A rule", _PREDICATE, report)
        tests = _conditions(value, rule, here, report)
        rule_id = _rule_id(at, _label(tests), taken)
        plain = f'The call does not meet rule "{rule_id}".' if key == "require" else f'Denied by rule "{rule_id}".'
        rules.append(Rule(rule_id, tests, approvals.sentence(rule, here, report, "on_deny") or plain))
    return tuple(rules)


def _questions(members: Mapping[str, JSON], at: str, general: Terms, report: Report) -> tuple[Rule, ...]:
    at = pointer(at, "require_approval")
    rules: list[Rule] = []
    taken: set[str] = set()
    for index, value in enumerate(_list(members.get("require_approval", []), at, "require_approval", report)):
        here = pointer(at, index)
        rule = _object(value, here, "A rule", approvals.KEYS | {"conditions"}, report)
        tests = _conditions(value, rule, here, report)
        rule_id = _rule_id(at, _label(tests), taken)
        own = approvals.terms(rule, here, report)
        held = approvals.hold(own, general, here, report, reason=f'Rule "{rule_id}" asks for approval.')
        rules.append(Rule(rule_id, tests, hold=held))
    return tuple(rules)


def _conditions(value: JSON, rule: Mapping[str, JSON], at: str, report: Report) -> tuple[Condition, ...]:
    if isinstance(value, dict) and "conditions" not in value:
        report(at, 'conditions is missing: write "conditions": [] for every call, or the conditions.')
    at = pointer(at, "conditions")
    read = [
        _condition(condition, pointer(at, index), report)
        for index, condition in enumerate(_list(rule.get("conditions", []), at, "conditions", report))
    ]
    return tuple(condition for condition in read if condition is not None)


def _condition(value: JSON, at: str, report: Report) -> Condition | None:
    members = _object(value, at, "A condition", _CONDITION, report)
    if not isinstance(value, dict):
        return None
    path = _path(members, at, report)
    op = _choice(members, at, "op", [each.value for each in Op], report, example='"op": "eq"')
    if "value" not in members:
        report(at, 'value is missing: write what the argument is compared with, "value": ….')
        return None
    if op is None:
        return None
    why = conditions.why_not(Op(op), members["value"])
    if why is not None:
        report(pointer(at, "value"), why)
    if why is not None or path is None:
        return None
    test = conditions.compile_test(_ROOT + ".".join(path), Op(op), members["value"])
    return Condition(path, Op(op), members["value"], test)


def _path(members: Mapping[str, JSON], at: str, report: Report) -> tuple[str, ...] | None:
    if "path" not in members:
        report(at, 'path is missing: write "path": "args.NAME".')
        return None
    path = members["path"]
    at = pointer(at, "path")
    if not isinstance(path, str):
        report(at, f'path is text like "args.amount", and this is {kind(path)}.')
    elif path.startswith("state."):
        report(at, 'Counters are not a path: write "limits" under the tool.')
    elif not path.startswith(_ROOT):
        tail = path.removeprefix("$.").removeprefix("params.").removeprefix("arguments.")
        report(at, f'A path starts with "args.": write {json.dumps(_ROOT + tail[:60])}.')
    elif "" in path.split("."):
        report(at, 'A path is names joined by single dots: write it like "args.customer.id".')
    elif any(map(_LIST_STEP.search, path.split("."))):
        report(at, "A path cannot point into a list, because the other items would pass unseen: test the whole list with contains.")
    else:
        return tuple(path.split(".")[1:])
    return None


def _limits(members: Mapping[str, JSON], at: str, report: Report) -> tuple[Limit, ...]:
    at = pointer(at, "limits")
    limits: list[Limit] = []
    taken: set[str] = set()
    for index, value in enumerate(_list(members.get("limits", []), at, "limits", report)):
        limit = _limit(value, at, pointer(at, index), taken, report)
        if limit is None:
            continue
        if any((each.counter, each.window, each.scope) == (limit.counter, limit.window, limit.scope) for each in limits):
            report(pointer(at, index), f"The counter {limit.counter!r} is here twice for one window and scope: keep one of them.")
        limits.append(limit)
    return tuple(limits)


def _limit(value: JSON, base: str, at: str, taken: set[str], report: Report) -> Limit | None:
    members = _object(value, at, "A limit", _LIMIT, report)
    if not isinstance(value, dict):
        return None
    counter = members.get("counter")
    if not isinstance(counter, str) or not counter.strip() or len(counter) > approvals.LONGEST_NAME:
        counter = None
        report(
            pointer(at, "counter") if "counter" in members else at, 'A limit has a counter, its name: write "counter": "calls_per_minute".'
        )
    window = _choice(members, at, "window", [each.value for each in Window], report, example='"window": "minute"')
    scope = _choice({"scope": "grant", **members}, at, "scope", [each.value for each in Scope], report, example='"scope": "grant"')
    most = members.get("max")
    if type(most) is not int or not 1 <= most <= _LARGEST_MAX:
        report(
            pointer(at, "max") if "max" in members else at, 'max is how many calls fit in a window: write a whole number from 1, "max": 30.'
        )
        return None
    if counter is None or window is None or scope is None:
        return None
    return Limit(_rule_id(base, counter, taken), counter, Window(window), most, Scope(scope))


def _label(tests: tuple[Condition, ...]) -> str:
    return "+".join(condition.label for condition in tests) or "always"


def _rule_id(at: str, label: str, taken: set[str]) -> str:
    """Name a rule after its conditions, or a limit after its counter; the second of one name gets -2."""
    rule_id, count = pointer(at, label), 1
    while rule_id in taken:
        count += 1
        rule_id = pointer(at, f"{label}-{count}")
    taken.add(rule_id)
    return rule_id


def _object(value: JSON, at: str, what: str, known: Collection[str] | None, report: Report) -> dict[str, JSON]:
    """Take an object and report each key that is not known there; anything else is reported and read as an empty one."""
    if not isinstance(value, dict):
        report(at, advice.wrong_kind(what, "an object, { … }", kind(value)))
        return {}
    for key in value if known is not None else ():
        if key not in (known or ()):
            report(pointer(at, key), advice.unknown_key(key, value[key], known or ()))
    return value


def _list(value: JSON, at: str, what: str, report: Report) -> list[JSON]:
    if not isinstance(value, list):
        report(at, advice.wrong_kind(what, "a list, [ … ]", kind(value)))
        return []
    return value


def _choice(members: Mapping[str, JSON], at: str, key: str, known: list[str], report: Report, *, example: str) -> str | None:
    if key not in members:
        report(at, f"{key} is missing: write {example}.")
        return None
    value = members[key]
    if isinstance(value, str) and value in known:
        return value
    guess = advice.did_you_mean(value, known) if isinstance(value, str) else f", and this is {kind(value)}"
    report(pointer(at, key), f"{key} is one of {', '.join(known)}{guess or '.'}")
    return None
