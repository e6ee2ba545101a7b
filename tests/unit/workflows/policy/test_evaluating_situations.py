"""Verdicts that depend on who asks, when, about which tool, and on what became of the tool."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.workflows.policy.documents import call, only, policy, tool
from workflows.calls import JSON
from workflows.policy import Effect, KnownTool, Situation, counters, evaluate
from workflows.policy.evaluating import CHANGED, DEFAULT_DENY, DEFAULT_REQUIRE_APPROVAL, HIDDEN, NO_POLICY
from workflows.policy.explaining import explain
from workflows.policy.situation import UNKNOWN

ALWAYS: dict[str, JSON] = {"conditions": []}
MONEY = KnownTool("Financial", "Critical", annotations={"readOnlyHint": False, "idempotentHint": "yes"})
NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)  # a Friday
KNOWN = Situation("ci-runner", "local:ann", NOON, MONEY)
OTHER = replace(KNOWN, tool=KnownTool("Financial", "Critical", changed="- a\n+ b"))
LIMIT: dict[str, JSON] = {"counter": "calls", "window": "minute", "max": 3}


@pytest.mark.parametrize(
    ("path", "op", "value", "met"),
    [
        ("grant.label", "eq", "ci-runner", True),
        ("grant.label", "regex", "^ci-", True),
        ("grant.label", "in", ["alice-laptop"], False),
        ("grant.owner", "neq", "local:ann", False),
        ("grant.server", "eq", "bank", True),
        ("tool.name", "regex", "^p.y$", True),
        ("tool.name", "contains", "delete", False),
        ("tool.category", "in", ["Destructive", "Financial"], True),
        ("tool.category", "neq", "Read", True),
        ("tool.risk", "eq", "Low", False),
        ("tool.risk", "exists", True, True),
        ("tool.annotations.readOnlyHint", "eq", True, False),
        ("tool.annotations.destructiveHint", "eq", True, True),
        ("tool.annotations.openWorldHint", "neq", False, True),
        ("tool.annotations.custom", "exists", False, True),
        ("time.hour", "gte", 9, True),
        ("time.hour", "gte", 13, False),
        ("time.weekday", "in", ["saturday", "sunday"], False),
        ("time.date", "eq", "2026-01-30", True),
    ],
)
def test_conditions_look_beside_the_arguments(path: str, op: str, value: JSON, met: bool) -> None:  # noqa: FBT001  # a table's column
    """A condition on who, when or what decides as one on an argument does."""
    rule = only(path, op, value)
    assert (evaluate(tool(deny_if=[rule]), call(), KNOWN).effect is Effect.DENY) is met
    assert (evaluate(tool(require_approval=[rule]), call(), KNOWN).effect is Effect.HOLD) is met
    assert (evaluate(tool(require=[rule]), call(), KNOWN).effect is Effect.ALLOW) is met


@pytest.mark.parametrize(
    ("path", "op", "value"),
    [
        ("grant.label", "eq", "someone"),
        ("grant.owner", "neq", "someone"),
        ("grant.label", "exists", True),
        ("tool.category", "eq", "Read"),
        ("tool.category", "exists", False),
        ("tool.risk", "in", ["Low"]),
        ("tool.annotations.readOnlyHint", "eq", True),
        ("tool.annotations.custom", "exists", False),
        ("time.hour", "lt", 9),
        ("time.weekday", "eq", "monday"),
    ],
)
def test_what_is_not_known_closes_the_gate(path: str, op: str, value: JSON) -> None:
    """Nobody passes because it was not known who they are, or what the tool does; the message says so."""
    rule = only(path, op, value)
    for situation in (UNKNOWN, Situation()):
        denied = evaluate(tool(deny_if=[rule]), call(), situation)
        assert denied.effect is Effect.DENY
        assert path in denied.message
        assert evaluate(tool(require=[rule]), call(), situation).effect is Effect.DENY
        assert evaluate(tool(require_approval=[rule]), call(), situation).effect is Effect.HOLD
        assert evaluate(tool(deny_if=[{"conditions": [{"not": rule["conditions"]}]}]), call(), situation).effect is Effect.DENY


@pytest.mark.parametrize("said", ["yes", 1, [], {}, "True"])
def test_an_annotation_of_the_wrong_kind_closes_the_gate(said: JSON) -> None:
    """A server that says `"yes"` is not taken at any word."""
    situation = replace(KNOWN, tool=KnownTool("Read", "Low", annotations={"readOnlyHint": said}))
    for wanted in (True, False):
        rule = only("tool.annotations.readOnlyHint", "eq", wanted)
        assert evaluate(tool(require=[rule]), call(), situation).effect is Effect.DENY
        assert evaluate(tool(deny_if=[rule]), call(), situation).effect is Effect.DENY


def test_one_document_may_hold_by_category() -> None:
    """A pattern and a category hold what changes something, whatever it is called."""
    loaded = policy(
        default="require_approval",
        tools={
            "*": {
                "deny_if": [only("tool.category", "eq", "Destructive")],
                "require_approval": [{"conditions": [{"not": {"path": "tool.category", "op": "eq", "value": "Read"}}]}],
            }
        },
    )
    effects = {
        category: evaluate(loaded, call("any"), Situation(tool=KnownTool(category, "Low"))).effect.value
        for category in ("Read", "Write", "Destructive")
    }
    assert effects == {"Read": "allow", "Write": "hold", "Destructive": "deny"}
    assert evaluate(loaded, call("any")).effect is Effect.DENY


@pytest.mark.parametrize(
    ("moment", "effect"),
    [
        (datetime(2026, 3, 27, 7, 59, tzinfo=UTC), "hold"),  # Friday 08:59 in Berlin, winter
        (datetime(2026, 3, 27, 8, 0, tzinfo=UTC), "allow"),
        (datetime(2026, 3, 30, 7, 0, tzinfo=UTC), "allow"),  # Monday 09:00, summer
        (datetime(2026, 3, 30, 6, 59, tzinfo=UTC), "hold"),
        (datetime(2026, 3, 28, 12, 0, tzinfo=UTC), "hold"),  # Saturday
        (datetime(2026, 3, 30, 15, 0, tzinfo=UTC), "hold"),  # 17:00
        (None, "hold"),
    ],
)
def test_office_hours_are_those_of_the_policy(moment: datetime | None, effect: str) -> None:
    """Outside of office hours people are asked, by the clock on their wall, in winter and in summer."""
    office: list[JSON] = [
        {"path": "time.weekday", "op": "not_in", "value": ["saturday", "sunday"]},
        {"path": "time.hour", "op": "gte", "value": 9},
        {"path": "time.hour", "op": "lt", "value": 17},
    ]
    loaded = policy(time_zone="Europe/Berlin", tools={"pay": {"require_approval": [{"conditions": [{"not": {"all": office}}]}]}})
    assert evaluate(loaded, call(), Situation(at=moment)).effect == effect


def test_an_hour_that_the_clock_repeats_is_told_twice() -> None:
    """When the clock goes back, a night's rule holds for both hours."""
    night = policy(time_zone="America/New_York", tools={"pay": {"deny_if": [only("time.hour", "eq", 1)]}})
    moments = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (4, 5, 6, 7)]
    assert [evaluate(night, call(), Situation(at=moment)).effect.value for moment in moments] == ["allow", "deny", "deny", "allow"]


@pytest.mark.parametrize(
    ("changes", "effect", "rule"),
    [
        ({"tools": {"pay": {}}}, "hold", CHANGED),
        ({"default": "allow"}, "hold", CHANGED),
        ({"tools": {"pay": {}}, "changed_tools": "deny"}, "deny", CHANGED),
        ({"tools": {"pay": {"require_approval": [ALWAYS]}}, "changed_tools": "deny"}, "deny", CHANGED),
        ({"tools": {"pay": {}}, "approval": {}}, "deny", CHANGED),
        ({"tools": {"pay": {"deny_if": [ALWAYS]}}}, "deny", "/tools/pay/deny_if/always"),
        ({"hide": ["pay"]}, "deny", HIDDEN),
        ({}, "deny", DEFAULT_DENY),
        ({"tools": {"pay": {"require_approval": [ALWAYS]}}}, "hold", "/tools/pay/require_approval/always"),
        ({"default": "require_approval"}, "hold", DEFAULT_REQUIRE_APPROVAL),
    ],
)
def test_a_changed_definition_is_held_or_denied(changes: dict[str, Any], effect: str, rule: str) -> None:
    """However the rules answer, an allowed call is asked about; a denial stays what it is."""
    loaded = policy(**changes)
    verdict = evaluate(loaded, call(), OTHER)
    assert (verdict.effect, verdict.rule) == (effect, rule)
    assert ("changed since it was accepted" in verdict.message) is (rule not in {DEFAULT_DENY, HIDDEN, "/tools/pay/deny_if/always"})
    assert (verdict.hold is not None) is (effect == "hold")
    assert evaluate(loaded, call(), KNOWN).rule != CHANGED


def test_no_policy_knows_no_tool() -> None:
    """A grant without a policy is denied for that."""
    assert evaluate(None, call(), OTHER).rule == NO_POLICY


@pytest.mark.parametrize("rules", [{}, {"require_approval": [ALWAYS]}])
def test_nobody_is_asked_about_a_change_that_cannot_be_shown_whole(rules: dict[str, Any]) -> None:
    """What is behind the end of a difference would be approved unseen; a policy that only watches forwards and tells."""
    unseen = replace(KNOWN, tool=KnownTool("Read", "Low", changed="+ a", partial=True))
    verdict = evaluate(policy(tools={"pay": rules}), call(), unseen)
    assert (verdict.effect, verdict.rule) == (Effect.DENY, CHANGED)
    assert "by more than can be shown" in verdict.message
    assert explain(policy(tools={"pay": rules}), call(), unseen).verdict == verdict
    watched = evaluate(policy(mode="monitor", tools={"pay": rules}), call(), unseen)
    assert (watched.effect, watched.monitored is not None) == (Effect.ALLOW, True)


def test_whoever_is_asked_about_a_changed_definition_is_told() -> None:
    """The reason says both why the call is held and that the tool is another one; the limits are still to be reserved."""
    terms: dict[str, JSON] = {"approvers": "payments", "quorum": 2, "expires_in": "5m"}
    asked = tool(require_approval=[{**ALWAYS, **terms, "reason": "Money moves."}], limits=[LIMIT])
    verdict = evaluate(asked, call(), OTHER)
    assert verdict.hold is not None
    assert verdict.message == verdict.hold.reason == 'Money moves. The definition of tool "pay" changed since it was accepted.'
    assert (verdict.hold.quorum, verdict.hold.expires_in) == (2, timedelta(minutes=5))
    assert [limit.counter for limit in verdict.limits] == ["calls"]
    unasked = evaluate(tool(limits=[LIMIT]), call(), OTHER)
    assert unasked.hold is not None
    assert unasked.message == unasked.hold.reason
    assert [limit.counter for limit in unasked.limits] == ["calls"]
    assert evaluate(policy(changed_tools="deny", tools={"pay": {"limits": [LIMIT]}}), call(), OTHER).limits == ()


@pytest.mark.parametrize(
    ("changes", "effect", "rule"),
    [
        ({"tools": {"pay": {"require_approval": [ALWAYS]}}}, "allow", "/tools/pay/require_approval/always"),
        ({"default": "require_approval"}, "allow", DEFAULT_REQUIRE_APPROVAL),
        ({"tools": {"pay": {"deny_if": [ALWAYS], "require_approval": [ALWAYS]}}}, "deny", "/tools/pay/deny_if/always"),
        ({"tools": {"pay": {"require": [only("args.a", "exists", True)]}}}, "deny", "/tools/pay/require/args.a-exists"),
        ({}, "deny", DEFAULT_DENY),
        ({"hide": ["*"]}, "deny", HIDDEN),
        ({"tools": {"pay": {"limits": [{**LIMIT, "increment_from": "args.a"}]}}}, "deny", "/tools/pay/limits/calls"),
    ],
)
def test_a_policy_that_watches_denies_and_holds_nothing(changes: dict[str, Any], effect: str, rule: str) -> None:
    """In `monitor` a hold is allowed and told; every denial stays one."""
    watched, enforced = (evaluate(policy(mode=mode, **changes), call(), KNOWN) for mode in ("monitor", "enforce"))
    assert (watched.effect, watched.rule, watched.hold) == (effect, rule, None)
    assert watched.monitored == enforced.hold
    assert (watched.message, watched.limits) == (enforced.message, enforced.limits)
    assert enforced.monitored is None


def test_a_policy_that_watches_still_counts() -> None:
    """A call that would have been held reserves its limits, as an allowed one does."""
    verdict = evaluate(policy(mode="monitor", tools={"pay": {"require_approval": [ALWAYS], "limits": [LIMIT]}}), call())
    assert (verdict.effect, [limit.counter for limit in verdict.limits]) == (Effect.ALLOW, ["calls"])


def test_a_changed_definition_is_watched_too() -> None:
    """In `monitor` it is told, and denied where the policy denies it."""
    watched = evaluate(policy(mode="monitor", tools={"pay": {}}), call(), OTHER)
    assert (watched.effect, watched.rule) == (Effect.ALLOW, CHANGED)
    assert watched.monitored is not None
    denied = evaluate(policy(mode="monitor", changed_tools="deny", tools={"pay": {}}), call(), OTHER)
    assert (denied.effect, denied.monitored) == (Effect.DENY, None)


def test_no_counter_is_read_for_a_document_without_state() -> None:
    """Only Intercept's conditions look at counters before a call is judged."""
    assert counters(None, "pay") == ()
    assert counters(tool(limits=[LIMIT]), "pay") == ()


def test_an_allowed_call_says_nothing() -> None:
    """Nothing is monitored where nothing was asked."""
    verdict = evaluate(policy(mode="monitor", tools={"pay": {}}), call(), KNOWN)
    assert (verdict.effect, verdict.rule, verdict.message, verdict.monitored) == (Effect.ALLOW, "", "", None)
