"""What can stand at the paths of other subjects than arguments."""

import json

import pytest

from tests.unit.workflows.policy.documents import document, only, places, policy, said
from workflows.calls import JSON
from workflows.policy.paths import SUBJECTS
from workflows.policy.shapes import Op
from workflows.policy.situation import CATEGORIES, RISKS, WEEKDAYS

AT = "/tools/pay/deny_if/0/conditions/0"


@pytest.mark.parametrize(
    ("path", "op", "value"),
    [
        *(("tool.category", "eq", word) for word in CATEGORIES),
        *(("tool.risk", "neq", word) for word in RISKS),
        ("time.weekday", "in", list(WEEKDAYS)),
        ("time.weekday", "regex", "^s"),
        ("tool.category", "exists", True),
        ("tool.category", "exists", False),
        ("time.hour", "gte", 0),
        ("time.hour", "lt", 23),
        ("time.hour", "in", [9, 10]),
        ("time.hour", "exists", True),
        ("time.minute", "eq", 59),
        ("time.date", "eq", "2028-02-29"),
        ("time.date", "in", ["2026-12-24", "2026-12-25"]),
        ("time.date", "regex", "^2026-12-"),
        ("grant.label", "eq", "ci-runner"),
        ("grant.label", "regex", "^ci-"),
        ("grant.label", "contains", "ci"),
        ("grant.owner", "not_in", ["local:ann"]),
        ("grant.server", "eq", "payments"),
        ("tool.name", "regex", "delete"),
        ("tool.name", "in", ["a.b", "c"]),
        ("tool.annotations.readOnlyHint", "eq", True),
        ("tool.annotations.destructiveHint", "in", [True]),
        ("tool.annotations.title", "eq", "Pay"),
        ("tool.annotations.title", "exists", True),
        ("tool.annotations.vendorRisk", "gt", 5),
    ],
)
def test_what_can_be_told_loads(path: str, op: str, value: JSON) -> None:
    """A condition that some call meets and another does not is no slip."""
    policy(tools={"pay": {"deny_if": [only(path, op, value)]}})


SLIPS: list[tuple[str, str, JSON, str]] = [
    ("time.weekday", "eq", "mon", 'did you mean "monday"'),
    ("time.weekday", "eq", "Monday", 'did you mean "monday"'),
    ("time.weekday", "in", ["monday", "teusday"], 'did you mean "tuesday"'),
    ("time.weekday", "eq", "mo", "sunday"),
    ("time.weekday", "eq", 1, "a number"),
    ("time.weekday", "neq", "weekend", "sunday"),
    ("time.weekday", "contains", "mon", '"op": "in"'),
    ("tool.category", "eq", "read", 'did you mean "Read"'),
    ("tool.category", "not_in", ["Read", "Delete"], "Destructive"),
    ("tool.category", "eq", "Destroy", "Destructive"),
    ("tool.category", "eq", None, "null"),
    ("tool.risk", "eq", "high", 'did you mean "High"'),
    ("tool.risk", "gte", "High", '"op": "in", "value": ["High", "Critical"]'),
    ("tool.risk", "gt", "medium", '"value": ["High", "Critical"]'),
    ("tool.risk", "lte", "Medium", '"value": ["Low", "Medium"]'),
    ("tool.risk", "lt", "Medium", '"value": ["Low"]'),
    ("tool.risk", "gte", 3, '"op": "in"'),
    ("time.hour", "gte", "9", "without quotes"),
    ("time.hour", "gte", 9.5, "a whole number from 0 to 23"),
    ("time.hour", "eq", 9.0, "a whole number from 0 to 23"),
    ("time.hour", "lt", 24, "a whole number from 0 to 23"),
    ("time.hour", "eq", -1, "a whole number from 0 to 23"),
    ("time.hour", "in", [9, "10"], "without quotes"),
    ("time.hour", "eq", True, "without quotes"),
    ("time.hour", "regex", "^1", "a number"),
    ("time.hour", "contains", 1, "a number"),
    ("time.minute", "lt", 60, "0 to 59"),
    ("time.date", "gte", "2026-12-24", '"^2026-12-"'),
    ("time.date", "eq", "2026-2-1", '"2026-01-31"'),
    ("time.date", "eq", "2026-02-30", '"2026-01-31"'),
    ("time.date", "in", [20261224], '"2026-01-31"'),
    ("grant.label", "eq", "ci-*", '"value": "^ci\\\\-.*$"'),
    ("grant.label", "gt", 5, "eq, in or regex"),
    ("grant.label", "eq", 5, "in quotes"),
    ("grant.owner", "in", ["local:ann", None], "null"),
    ("tool.name", "neq", "delete_*", '"^delete_.*$"'),
    ("tool.name", "contains", ["a"], "a list"),
    ("tool.annotations.readOnlyHint", "eq", "true", "without quotes"),
    ("tool.annotations.readOnlyHint", "eq", 1, "true or false"),
    ("tool.annotations.destructiveHint", "exists", False, "always there"),
    ("tool.annotations.destructiveHint", "contains", True, "true or false"),
]


@pytest.mark.parametrize(("path", "op", "value", "word"), SLIPS)
def test_a_condition_that_is_never_met_is_a_slip(path: str, op: str, value: JSON, word: str) -> None:
    """The value is refused with what to write instead."""
    written = document(tools={"pay": {"deny_if": [only(path, op, value)]}})
    assert places(written) == [f"{AT}/value"]
    assert word in said(written, f"{AT}/value")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("tool.kategory", 'did you mean "tool.category"'),
        ("tool", "tool.name"),
        ("tool.", "tool.name"),
        ("tool.category.x", 'did you mean "tool.category"'),
        ("tool.annotations", "tool.annotations.destructiveHint"),
        ("tool.annotations.", "tool.annotations.destructiveHint"),
        ("tool.annotations.a.b", "tool.annotations.destructiveHint"),
        ("tool.annotations.readonlyhint", 'did you mean "readOnlyHint"'),
        ("tool.annotations.destructive", 'did you mean "destructiveHint"'),
        ("tool.annotations.Title", 'did you mean "title"'),
        ("time.day", 'did you mean "time.date"'),
        ("time.Hour", 'did you mean "time.hour"'),
        ("grant.name", "grant.label"),
        ("agent.label", "grant.label"),
        ("server", "grant.server"),
        ("annotations.readOnlyHint", "tool.annotations"),
        ("now.hour", "time.hour"),
        ("args", "args."),
        ("amount", '"args.amount"'),
        ("state.pay.calls", '"limits"'),
    ],
)
def test_a_path_that_leads_nowhere_is_told_with_the_one_that_was_meant(path: str, word: str) -> None:
    """A misspelt subject or name is never a value that is missing."""
    written = document(tools={"pay": {"deny_if": [only(path, "eq", "x")]}})
    assert places(written) == [f"{AT}/path"]
    assert word in said(written, f"{AT}/path")


def test_the_advice_for_a_star_is_a_pattern_that_loads() -> None:
    """What the remedy writes is a valid condition."""
    advice = said(document(tools={"pay": {"deny_if": [only("grant.label", "eq", "ci.*")]}}), f"{AT}/value").partition(": write ")[2]
    written = json.loads(f'{{"path": "grant.label", {advice.rstrip(".")}}}')
    policy(tools={"pay": {"deny_if": [{"conditions": [written]}]}})


@pytest.mark.parametrize("path", [f"{subject}.{name}" for subject, names in SUBJECTS.items() for name in names if name != "annotations"])
@pytest.mark.parametrize("op", list(Op))
def test_every_operator_is_answered_at_every_path(path: str, op: Op) -> None:
    """No value of any kind makes the reader raise; it loads, or has one problem at its value."""
    values: tuple[JSON, ...] = (None, True, 1, 1.5, "monday", "", ["x"], [], {}, [[]])
    for value in values:
        written = document(tools={"pay": {"deny_if": [only(path, op, value)]}})
        try:
            policy(**{key: each for key, each in written.items() if key == "tools"})
        except Exception:  # noqa: BLE001  # whatever it is, `places` demands that it is a refusal
            assert places(written) == [f"{AT}/value"]
