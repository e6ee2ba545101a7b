"""Reading the conditions of a rule: what each looks at, how it compares, and how they are joined."""

import json
from collections.abc import Collection, Mapping
from typing import Final

from workflows.calls import JSON
from workflows.policy.conditions import compile_test, why_not
from workflows.policy.members import choice, items, table
from workflows.policy.paths import SUBJECTS, kind, why_no_argument
from workflows.policy.shapes import Condition, Group, Joined, Op, Report, pointer
from workflows.policy.subjects import why_never, why_no_path

MEANS: Final[Mapping[str, str]] = {
    "path": "What is looked at: an argument, or who asks, when, or which tool.",
    "op": "How it is compared.",
    "value": "What it is compared with.",
}
JOINED_MEANS: Final[Mapping[str, str]] = {
    "any": "Met when one of these is met at least.",
    "all": "Met when all of these are met.",
    "not": "Met when this is not met, or not all of these are.",
}

KEYS: Final = frozenset(MEANS)
DEEPEST: Final = 8

_ARGUMENTS: Final = "args."


def label(tests: tuple[Condition | Group, ...]) -> str:
    """Name a rule after its conditions."""
    return "+".join(condition.label for condition in tests) or "always"


def conditions(value: JSON, rule: Mapping[str, JSON], at: str, report: Report) -> tuple[Condition | Group, ...]:
    """Read the conditions of a rule: `value` is what stands at the pointer `at`, `rule` its members."""
    if isinstance(value, dict) and "conditions" not in value:
        report(at, 'conditions is missing: write "conditions": [] for every call, or the conditions.')
    at = pointer(at, "conditions")
    return listed(rule.get("conditions", []), at, "conditions", report)


def listed(value: JSON, at: str, what: str, report: Report, *, negated: bool = False, depth: int = 0) -> tuple[Condition | Group, ...]:
    """Read a list of conditions and groups."""
    read = [_one(each, pointer(at, index), report, negated, depth) for index, each in enumerate(items(value, at, what, report))]
    return tuple(condition for condition in read if condition is not None)


def _one(value: JSON, at: str, report: Report, negated: bool, depth: int) -> Condition | Group | None:  # noqa: FBT001  # as `listed` has it
    if isinstance(value, dict) and (found := [joined for joined in Joined if joined.value in value]):
        return _group(value, found[0], at, report, negated=negated, depth=depth + 1)
    return condition(value, at, report, negated=negated)


def _group(value: Mapping[str, JSON], joined: Joined, at: str, report: Report, *, negated: bool, depth: int) -> Group | None:
    if len(value) > 1:
        others = ", ".join(sorted(json.dumps(key[:60]) for key in value if key != joined.value))
        report(at, f'"{joined.value}" stands alone in its object: put {others} into an object of its own.')
        return None
    if depth > DEEPEST:
        report(at, f"Conditions are nested deeper than {DEEPEST} levels: write them flatter.")
        return None
    inner, place = value[joined.value], pointer(at, joined.value)
    negated = negated is not (joined is Joined.NOT)
    if joined is Joined.NOT and isinstance(inner, dict):
        member = _one(inner, place, report, negated, depth)
        return None if member is None else Group(joined, (member,))
    members = listed(inner, place, joined.value, report, negated=negated, depth=depth)
    if isinstance(inner, list) and not inner:
        report(place, f'"{joined.value}" joins nothing: write at least one condition in it.')
    return Group(joined, members)


def condition(value: JSON, at: str, report: Report, *, negated: bool = False, subjects: Collection[str] = ()) -> Condition | None:
    """Read one condition. `subjects` are allowed beside those of every policy, and their paths are checked by who allows them."""
    members = table(value, at, "A condition", KEYS, report)
    if not isinstance(value, dict):
        return None
    path = _path(members, at, report, subjects)
    op = choice(members, at, "op", [each.value for each in Op], report, example='"op": "eq"')
    if "value" not in members:
        report(at, 'value is missing: write what is compared with, "value": ….')
        return None
    if op is None:
        return None
    why = (why_never(path, Op(op), members["value"]) if path else None) or why_not(Op(op), members["value"])
    if why is not None:
        report(pointer(at, "value"), why)
    if why is not None or path is None:
        return None
    test = compile_test(".".join(path), Op(op), members["value"], negated=negated)
    return Condition(path, Op(op), members["value"], test)


def _path(members: Mapping[str, JSON], at: str, report: Report, subjects: Collection[str]) -> tuple[str, ...] | None:
    if "path" not in members:
        report(at, 'path is missing: write "path": "args.NAME".')
        return None
    path = members["path"]
    at = pointer(at, "path")
    if not isinstance(path, str):
        report(at, f'path is text like "args.amount", and this is {kind(path)}.')
        return None
    subject, _, rest = path.partition(".")
    if subject in subjects:
        return tuple(path.split("."))
    if subject == "args" and rest:
        why = why_no_argument(rest)
    elif subject in SUBJECTS and subject != "args":
        why = why_no_path(subject, rest)
    else:
        why = _why_no_path(path, subject)
    if why is None:
        return tuple(path.split("."))
    report(at, why)
    return None


_MEANT: Final[Mapping[str, str]] = {
    "agent": "grant",
    "client": "grant",
    "identity": "grant",
    "server": "grant",
    "now": "time",
    "annotations": "tool",
}


def _why_no_path(path: str, subject: str) -> str:
    if subject == "state":
        return 'Counters are not a path: write "limits" under the tool.'
    tail = path.removeprefix("$.").removeprefix("params.").removeprefix("arguments.")[:60]
    if subject in _MEANT:
        meant = _MEANT[subject]
        return f"What is known beside arguments are {', '.join(f'{meant}.{name}' for name in SUBJECTS[meant])}: write one of them."
    return f'A path starts with "args.", or with grant., tool. or time.: write {json.dumps(_ARGUMENTS + tail.removeprefix("args."))}.'
