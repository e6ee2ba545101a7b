"""How held calls are decided."""

from datetime import timedelta

import pytest

from tests.unit.workflows.policy.documents import call, document, places, policy, said, tool
from workflows.calls import JSON
from workflows.policy import Hold, evaluate
from workflows.policy.approvals import KEYS, duration

ALWAYS: dict[str, JSON] = {"conditions": []}
GENERAL: dict[str, JSON] = {
    "approvers": "ops",
    "quorum": 3,
    "expires_in": "2h",
    "remind_every": "15m",
    "channel": "#ops",
    "reason": "Because ops said so",
    "reason_required": "deny",
}
OWN: dict[str, JSON] = {
    "approvers": "payments",
    "quorum": 1,
    "expires_in": "45s",
    "remind_every": "10s",
    "channel": "C0123",
    "reason": "Money moves",
    "reason_required": "always",
}


def held(rule: dict[str, JSON], **general: JSON) -> Hold:
    """How a call is held under one rule and a general approval."""
    hold = evaluate(policy(approval=general, tools={"pay": {"require_approval": [{**ALWAYS, **rule}]}}), call()).hold
    assert hold is not None
    return hold


def test_the_general_approval_is_for_every_rule() -> None:
    """Each key of `approval` holds for a rule that does not say otherwise."""
    assert held({}, **GENERAL) == Hold("ops", 3, timedelta(hours=2), timedelta(minutes=15), "#ops", "Because ops said so", "deny")


def test_a_rule_overrides_key_by_key() -> None:
    """Each key of a rule takes the place of the general one, alone."""
    every = {
        "approvers": "payments",
        "quorum": 1,
        "expires_in": timedelta(seconds=45),
        "remind_every": timedelta(seconds=10),
        "channel": "C0123",
        "reason": "Money moves",
        "reason_required": "always",
    }
    assert every.keys() == KEYS
    general = held({}, **GENERAL)
    for key, value in every.items():
        hold = held({key: OWN[key]}, **GENERAL)
        assert getattr(hold, key) == value
        assert [other for other in KEYS - {key} if getattr(hold, other) != getattr(general, other)] == []


def test_what_is_not_said_has_a_default() -> None:
    """One approval within 30 minutes, no reminder, no channel, no reason required."""
    rule = "/tools/pay/require_approval/always"
    assert held({}, approvers="ops") == Hold("ops", 1, timedelta(minutes=30), None, None, f'Rule "{rule}" asks for approval.', "never")


def test_a_rule_may_name_the_only_approvers() -> None:
    """A document without `approval` can hold where the rule names its approvers."""
    assert held({"approvers": "payments"}).approvers == "payments"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"approval": {}, "tools": {"pay": {"require_approval": [{"approvers": "x", **ALWAYS}, ALWAYS]}}}, "/tools/pay/require_approval/1"),
        ({"approval": {}, "default": "require_approval"}, "/default"),
        ({"approval": {"quorum": 2}, "tools": {"p*": {"require_approval": [ALWAYS]}}}, "/tools/p*/require_approval/0"),
    ],
)
def test_a_hold_that_nobody_could_decide_is_refused(changes: dict[str, JSON], place: str) -> None:
    """Whatever can hold a call names approvers."""
    assert places(document(**changes)) == [place]
    assert '"approvers"' in said(document(**changes), place)


def test_wrong_approvers_are_told_once() -> None:
    """A rule is not also called unmanned when its group is written wrongly."""
    assert places(document(approval={"approvers": 5}, tools={"pay": {"require_approval": [ALWAYS]}})) == ["/approval/approvers"]
    assert places(document(approval=[], tools={"pay": {"require_approval": [ALWAYS]}})) == ["/approval"]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("90m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("", None),
        ("30", None),
        ("30 m", None),
        ("1.5h", None),
        ("30m1h", None),
        ("-5m", None),
        ("5M", None),
        ("30m\n", None),
        ("\u0663\u0660m", None),
        ("999999999m", None),
    ],
)
def test_durations(text: str, span: timedelta | None) -> None:
    """A duration is whole numbers with d, h, m and s, in this order."""
    assert duration(text) == span


BAD: list[tuple[str, JSON, str]] = [
    ("approvers", "", "group"),
    ("approvers", " payments", "spaces"),
    ("approvers", ["a", "b"], "a list"),
    ("quorum", 0, "from 1"),
    ("quorum", True, "whole number"),
    ("quorum", 1.0, "whole number"),
    ("quorum", "2", "whole number"),
    ("quorum", 101, "100"),
    ("expires_in", 30, "30m"),
    ("expires_in", "9s", "10s"),
    ("expires_in", "31d", "30d"),
    ("expires_in", "soon", "30m"),
    ("remind_every", "1s", "10s"),
    ("remind_every", None, "30m"),
    ("channel", 5, "#agent-approvals"),
    ("channel", "", "#agent-approvals"),
    ("reason", 5, "a number"),
    ("reason", "x" * 2_001, "shorter"),
    ("reason_required", "sometimes", '"always"'),
    ("reason_required", True, '"always"'),
    ("reason_required", "alway", 'did you mean "always"'),
]


@pytest.mark.parametrize(("key", "value", "word"), BAD)
def test_wrong_values_are_refused_in_both_places(key: str, value: JSON, word: str) -> None:
    """A wrong value is told with its place and remedy, at the top and in a rule."""
    top = document(approval={"approvers": "payments", key: value})
    rule = document(tools={"pay": {"require_approval": [{**ALWAYS, key: value}]}})
    for written, place in ((top, f"/approval/{key}"), (rule, f"/tools/pay/require_approval/0/{key}")):
        assert places(written) == [place]
        assert word in said(written, place)


@pytest.mark.parametrize("span", ["10s", "30d"])
def test_the_bounds_of_a_time_are_inside(span: str) -> None:
    """Ten seconds and thirty days are allowed."""
    assert held({"expires_in": span}, approvers="x").expires_in == duration(span)


def test_an_empty_reason_says_nothing() -> None:
    """A blank reason leaves the default."""
    assert "asks for approval" in held({"reason": " "}, approvers="x").reason
    assert "Denied by" in evaluate(tool(deny_if=[{**ALWAYS, "on_deny": ""}]), call()).message
