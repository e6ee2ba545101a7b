"""The written semantics of our policy language, said a second time: slowly, without compiling, and with other means.

It is what the verdicts of the product are held against. An outcome is True, False, or None where it cannot be told.
"""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import re2

from workflows.calls import ToolCall
from workflows.policy.situation import HINTS, WEEKDAYS, Situation

NOTHING = object()
UNCLEAR = object()

Outcome = bool | None
Written = dict[str, Any]

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_VOTES = ["never", "deny", "always"]


def judge(document: Written, call: ToolCall, situation: Situation) -> tuple[str, Any, list[tuple[str, int]]]:
    """Answer with the effect, how it is held (approvers, quorum, seconds, reason required), and the counters with what they add."""
    effect, held, counted = _by_rules(document, call, situation)
    if effect != "deny" and situation.tool is not None and situation.tool.changed:
        if document.get("changed_tools") == "deny":
            return "deny", None, []
        effect, held = "hold", held or _terms(document, {})
    if effect == "hold" and document.get("mode") == "monitor":
        effect = "allow"
    return effect, held, counted


def _by_rules(document: Written, call: ToolCall, situation: Situation) -> tuple[str, Any, list[tuple[str, int]]]:
    if any(fits(name, call.tool) for name in document.get("hide", [])):
        return "deny", None, []
    tools = document.get("tools", {})
    names = [name for name in tools if name == call.tool] + [name for name in tools if name != call.tool and fits(name, call.tool)]
    if not names and document["default"] == "deny":
        return "deny", None, []
    rules = [(kind, rule) for name in names for kind in ("require", "deny_if") for rule in tools[name].get(kind, [])]

    def met(rule: Written) -> Outcome:
        return _every(_condition(each, document, call, situation, inside_not=False) for each in rule["conditions"])

    if any(met(rule) is not True if kind == "require" else met(rule) is not False for kind, rule in rules):
        return "deny", None, []
    limits = [limit for holder in [*(tools[name] for name in names), document.get("all_tools", {})] for limit in holder.get("limits", [])]
    counted = [(limit["counter"], _amount(limit, call)) for limit in limits]
    if any(amount is None for _, amount in counted):
        return "deny", None, []
    asking = [rule for name in names for rule in tools[name].get("require_approval", []) if met(rule) is not False]
    held = [_terms(document, rule) for rule in asking]
    if not names and document["default"] == "require_approval":
        held = [_terms(document, {})]
    known = [(name, amount) for name, amount in counted if amount is not None]
    if not held:
        return "allow", None, known
    approvers, quorum, seconds, _ = min(held, key=lambda each: (-each[1], each[2]))
    return "hold", (approvers, quorum, seconds, max((each[3] for each in held), key=_VOTES.index)), known


def fits(pattern: str, name: str) -> bool:
    """Tell whether a name or pattern with stars is for a tool."""
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))


def _terms(document: Written, rule: Written) -> tuple[str, int, timedelta, str]:
    said = {"quorum": 1, "expires_in": "30m", "reason_required": "never", **document["approval"], **rule}
    text, seconds, digits = said["expires_in"], 0, ""
    for character in text:
        if character in _UNITS:
            seconds, digits = seconds + int(digits) * _UNITS[character], ""
        else:
            digits += character
    return said["approvers"], said["quorum"], timedelta(seconds=seconds), said["reason_required"]


def _amount(limit: Written, call: ToolCall) -> int | None:
    if "increment_from" not in limit:
        return 1
    number = _number(_argument(limit["increment_from"].split(".")[1:], call.arguments))
    if number is None or number < 0:
        return None
    units = number * 1_000_000
    return int(units) if units.denominator == 1 and units < 2**53 else None


def _every(outcomes: Iterable[Outcome]) -> Outcome:
    found = list(outcomes)
    return False if False in found else None if None in found else True


def _condition(each: Written, document: Written, call: ToolCall, situation: Situation, *, inside_not: bool) -> Outcome:
    def look(members: Any, *, turned: bool = False) -> list[Outcome]:  # noqa: ANN401  # one condition or a list of them
        listed = members if isinstance(members, list) else [members]
        return [_condition(member, document, call, situation, inside_not=inside_not is not turned) for member in listed]

    if "all" in each:
        return _every(look(each["all"]))
    if "any" in each:
        found = look(each["any"])
        return True if True in found else None if None in found else False
    if "not" in each:
        inner = _every(look(each["not"], turned=True))
        return None if inner is None else not inner
    value = _value(each["path"], document, call, situation)
    if value is UNCLEAR:
        return None
    if value is NOTHING and each["op"] != "exists":
        return None if inside_not or each["op"] in {"neq", "not_in"} else False
    return _OPERATORS[each["op"]](value, each["value"])


def _value(path: str, document: Written, call: ToolCall, situation: Situation) -> Any:  # noqa: ANN401  # any JSON
    subject, *names = path.split(".")
    if subject == "args":
        return _argument(names, call.arguments)
    if subject == "grant":
        found = {"label": situation.label, "owner": situation.owner, "server": call.server or None}[names[0]]
        return UNCLEAR if found is None else found
    if subject == "time":
        if situation.at is None:
            return UNCLEAR
        at = situation.at.astimezone(ZoneInfo(document.get("time_zone", "UTC")))
        told = {"hour": at.hour, "minute": at.minute, "weekday": WEEKDAYS[at.weekday()], "date": at.strftime("%Y-%m-%d")}
        return told[names[0]]
    return call.tool if names == ["name"] else _of_tool(names, situation)


def _of_tool(names: list[str], situation: Situation) -> Any:  # noqa: ANN401  # any JSON
    if situation.tool is None:
        return UNCLEAR
    if names[0] == "annotations":
        said = situation.tool.annotations.get(names[1], NOTHING)
        return HINTS.get(names[1], said) if said is None or said is NOTHING else said
    return situation.tool.category if names[0] == "category" else situation.tool.risk


def _argument(names: list[str], holder: Any) -> Any:  # noqa: ANN401  # any JSON
    for name in names:
        if holder is None or holder is NOTHING:
            return NOTHING
        if not isinstance(holder, dict) or any(key != name and key.lower() == name.lower() for key in holder):
            return UNCLEAR
        holder = holder.get(name, NOTHING)
    return holder


def _number(value: Any) -> Fraction | None:  # noqa: ANN401  # any JSON
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        json.loads(value if isinstance(value, str) else json.dumps(value))
        return Fraction(str(value))
    except ValueError:
        return None


def _equal(value: Any, rule: Any) -> Outcome:  # noqa: ANN401, PLR0911  # a case for each kind of the rule's value
    if value is None or rule is None:
        return value is rule
    if isinstance(rule, bool):
        return {"True": rule, "False": not rule, "true": rule, "false": not rule}.get(str(value)) if isinstance(value, bool | str) else None
    if isinstance(rule, int | float):
        number = _number(value)
        return None if number is None else number == _number(rule)
    if isinstance(rule, str):
        if isinstance(value, bool):
            return json.dumps(value) == rule
        if isinstance(value, int | float):
            return (str(int(value)) if value == int(value) else repr(value)) == rule
        return value == rule if isinstance(value, str) else None
    return _plain(value) == _plain(rule) if type(value) is type(rule) else None


def _plain(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """Tell booleans from numbers, which Python does not."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return (isinstance(value, bool), value)


def _among(value: Any, members: list[Any]) -> Outcome:  # noqa: ANN401  # any JSON
    found = [_equal(value, member) for member in members]
    return True if True in found else False if False in found or not found else None


def _opposite(outcome: Outcome) -> Outcome:
    return None if outcome is None else not outcome


def _contains(value: Any, rule: Any) -> Outcome:  # noqa: ANN401  # any JSON
    if isinstance(value, str) and isinstance(rule, str):
        return rule in value
    if not isinstance(value, list):
        return None
    found = [_equal(member, rule) for member in value]
    return True if True in found else None if None in found else False


def _ordered(compare: Callable[[Fraction, Fraction], bool]) -> Callable[[Any, Any], Outcome]:
    def ordered(value: Any, rule: Any) -> Outcome:  # noqa: ANN401  # any JSON
        one, other = _number(value), _number(rule)
        return None if one is None or other is None else compare(one, other)

    return ordered


def _exists(value: Any, rule: Any) -> Outcome:  # noqa: ANN401  # any JSON
    return (value is not NOTHING and value is not None) is rule


_OPERATORS: dict[str, Callable[[Any, Any], Outcome]] = {
    "eq": _equal,
    "neq": lambda value, rule: _opposite(_equal(value, rule)),
    "in": _among,
    "not_in": lambda value, rule: _opposite(_among(value, rule)),
    "lt": _ordered(lambda one, other: one < other),
    "lte": _ordered(lambda one, other: one <= other),
    "gt": _ordered(lambda one, other: one > other),
    "gte": _ordered(lambda one, other: one >= other),
    "regex": lambda value, rule: bool(re2.search(rule, value)) if isinstance(value, str) else None,
    "contains": _contains,
    "exists": _exists,
}
