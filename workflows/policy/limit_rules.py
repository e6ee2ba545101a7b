"""Reading limits: how much fits in a window, what a call adds, and who shares the counter."""

from collections.abc import Mapping
from typing import Final

from workflows.calls import JSON
from workflows.policy.amounts import LARGEST
from workflows.policy.approvals import LONGEST_NAME, sentence
from workflows.policy.limits import MICRO, Limit, Scope, Window
from workflows.policy.members import choice, items, table
from workflows.policy.paths import kind, why_no_argument
from workflows.policy.shapes import Report, pointer

MEANS: Final[Mapping[str, str]] = {
    "counter": "The name of the counter; it is part of the rule id that a refusal names.",
    "window": "How long it counts before it starts again: at the full minute, hour or day in UTC.",
    "max": "How much fits in one window.",
    "scope": "Who shares the counter: the calls of one grant, of one server, of one tool on a server, or all.",
    "increment_from": "The argument that is added up, in place of one for each call: a number from 0, with at most six decimals.",
    "on_deny": "What the agent is told when it is used up.",
}

KEYS: Final = frozenset(MEANS)
LARGEST_SUM: Final = LARGEST // MICRO


def limits(members: Mapping[str, JSON], at: str, report: Report) -> tuple[Limit, ...]:
    """Read the list under the key `limits` of an object that stands at the pointer `at`."""
    at = pointer(at, "limits")
    found: list[Limit] = []
    taken: dict[str, int] = {}
    for index, value in enumerate(items(members.get("limits", []), at, "limits", report)):
        limit = _limit(value, at, pointer(at, index), taken, report)
        if limit is None:
            continue
        if any((each.counter, each.window, each.scope) == (limit.counter, limit.window, limit.scope) for each in found):
            report(pointer(at, index), f"The counter {limit.counter!r} is here twice for one window and scope: keep one of them.")
        found.append(limit)
    return tuple(found)


def _limit(value: JSON, base: str, at: str, taken: dict[str, int], report: Report) -> Limit | None:
    members = table(value, at, "A limit", KEYS, report)
    if not isinstance(value, dict):
        return None
    counter = _counter(members, at, report)
    window = choice(members, at, "window", [each.value for each in Window], report, example='"window": "minute"')
    scope = choice({"scope": "grant", **members}, at, "scope", [each.value for each in Scope], report, example='"scope": "grant"')
    source = increment_from(members, at, report)
    most = _most(members, at, report, summed=bool(source))
    message = sentence(members, at, report, "on_deny") or ""
    if counter is None or window is None or scope is None or most is None or source is None:
        return None
    return Limit(rule_id(base, counter, taken), counter, Window(window), most, Scope(scope), increment_from=source, message=message)


def _counter(members: Mapping[str, JSON], at: str, report: Report) -> str | None:
    counter = members.get("counter")
    if isinstance(counter, str) and counter.strip() and len(counter) <= LONGEST_NAME:
        return counter
    at = pointer(at, "counter") if "counter" in members else at
    report(at, 'A limit has a counter, its name: write "counter": "calls_per_minute".')
    return None


def _most(members: Mapping[str, JSON], at: str, report: Report, *, summed: bool) -> int | None:
    most, largest = members.get("max"), LARGEST_SUM if summed else LARGEST
    if type(most) is int and 1 <= most <= largest:
        return most
    at = pointer(at, "max") if "max" in members else at
    if type(most) is int and most > largest:
        report(at, f"max is larger than {largest:,}, the most that is counted: write a smaller number.")
    else:
        report(at, 'max is how much fits in a window: write a whole number from 1, "max": 30.')
    return None


def increment_from(members: Mapping[str, JSON], at: str, report: Report) -> tuple[str, ...] | None:
    """Read which argument is added up: its path without the leading `args`; empty when calls are counted, None when it was reported."""
    if "increment_from" not in members:
        return ()
    path = members["increment_from"]
    at = pointer(at, "increment_from")
    if not isinstance(path, str):
        report(at, f'increment_from is a path like "args.amount", and this is {kind(path)}.')
        return None
    subject, _, names = path.partition(".")
    why = (
        why_no_argument(names) if subject == "args" and names else 'increment_from is the path of an argument: write it like "args.amount".'
    )
    if why:
        report(at, why)
        return None
    return tuple(names.split("."))


def rule_id(at: str, label: str, taken: dict[str, int]) -> str:
    """Name a rule after its conditions, or a limit after its counter; the second of one name gets -2.

    `taken` has the ids that were given so far, and for each how often it was wished for.
    """
    wished = pointer(at, label)
    count = taken.get(wished, 0) + 1
    found = wished if count == 1 else pointer(at, f"{label}-{count}")
    while count > 1 and found in taken:
        count += 1
        found = pointer(at, f"{label}-{count}")
    taken[wished] = count
    taken.setdefault(found, 1)
    return found
