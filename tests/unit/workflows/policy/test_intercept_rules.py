"""Intercept's rules: assertions, denials and questions, in the order of the document."""

from datetime import timedelta

import pytest

from tests.unit.workflows.policy.documents import call, only, places, said
from tests.unit.workflows.policy.test_intercept import intercept, loaded
from workflows.calls import JSON
from workflows.policy import Effect, Policy, evaluate

AT = "/tools/pay/rules/0"
CONDITION: dict[str, JSON] = {"path": "args.a", "op": "eq", "value": 1}


def one(**members: JSON) -> dict[str, JSON]:
    """A document with one rule for the tool `pay`."""
    return intercept(tools={"pay": {"rules": [members]}})


def rules(*listed: JSON, **more: JSON) -> Policy:
    """A policy with rules for the tool `pay`, and for other tools."""
    return loaded(tools={"pay": {"rules": list(listed)}, **more})


def condition(**changes: JSON) -> dict[str, JSON]:
    """A document with one condition, changed."""
    return one(conditions=[{**CONDITION, **changes}])


AT_CONDITION = f"{AT}/conditions/0"


@pytest.mark.parametrize(
    ("written", "place", "word"),
    [
        (intercept(tools={"pay": {"rules": ["deny"]}}), AT, "an object"),
        (one(name=["a"], action="deny"), f"{AT}/name", "a list"),
        (one(action="block"), f"{AT}/action", "evaluate, deny, require_approval"),
        (one(action="Deny"), f"{AT}/action", 'did you mean "deny"'),
        (one(action=True), f"{AT}/action", "a boolean"),
        (one(), AT, "has conditions"),
        (one(name="empty"), AT, "action: deny"),
        (one(action="evaluate", conditions=[]), AT, "has conditions"),
        (one(conditions={}), f"{AT}/conditions", "a list"),
        (one(action="deny", conditions=[CONDITION]), f"{AT}/conditions", "denies every call"),
        (one(rate_limit="5/hour", conditions=[CONDITION]), f"{AT}/conditions", "rule of its own"),
        (one(rate_limit="5/hour", state={"counter": "c", "window": "day"}), f"{AT}/state", "rule of its own"),
        (one(rate_limit="5/hour", action="deny"), f"{AT}/rate_limit", "action deny"),
        (one(rate_limit="5/hour", action="require_approval"), f"{AT}/rate_limit", "action require_approval"),
        (one(action="require_approval", state={"counter": "c", "window": "day"}), f"{AT}/state", "no counter"),
        (one(action="deny", approval_timeout="5m"), f"{AT}/approval_timeout", "require_approval"),
        (one(conditions=[CONDITION], approval_timeout="5m"), f"{AT}/approval_timeout", "require_approval"),
        (one(rate_limit="5/hour", approval_timeout="5m"), f"{AT}/approval_timeout", "require_approval"),
        (one(action="require_approval", approval_timeout="2d"), f"{AT}/approval_timeout", '"2d"'),
        (one(action="require_approval", approval_timeout="0s"), f"{AT}/approval_timeout", "longer than nothing"),
        (one(action="require_approval", approval_timeout="-5m"), f"{AT}/approval_timeout", "longer than nothing"),
        (one(action="require_approval", approval_timeout="2562048h"), f"{AT}/approval_timeout", "292 years"),
        (one(action="require_approval", approval_timeout=30), f"{AT}/approval_timeout", "a number"),
        (one(action="deny", on_deny=["no"]), f"{AT}/on_deny", "a list"),
        (one(action="deny", reason="no"), f"{AT}/reason", "on_deny"),
        (one(action="deny", message="no"), f"{AT}/message", "on_deny"),
        (one(action="deny", spend={"per_call": 0.5}), f"{AT}/spend", "not supported"),
        (one(action="deny", spend_limit="$500/day"), f"{AT}/spend_limit", "not supported"),
        (one(action="require_approval", approvers="team"), f"{AT}/approvers", "convert"),
        (one(action="require_approval", expires_in="5m"), f"{AT}/expires_in", "approval_timeout: 30m"),
        (one(action="require_approval", timeout="5m"), f"{AT}/timeout", "approval_timeout: 30m"),
        (one(action="deny", deny_if=[]), f"{AT}/deny_if", "PolicyLayer v1"),
        (one(action="deny", on_denied="no"), f"{AT}/on_denied", 'did you mean "on_deny"'),
        (one(action="deny", colour="red"), f"{AT}/colour", "Known here"),
        (one(conditions=["x"]), AT_CONDITION, "an object"),
        (one(conditions=[{"op": "eq", "value": 1}]), AT_CONDITION, "path is missing"),
        (one(conditions=[{"path": "args.a", "value": 1}]), AT_CONDITION, "op is missing"),
        (one(conditions=[{"path": "args.a", "op": "eq"}]), AT_CONDITION, "value is missing"),
        (one(conditions=[{"any": [CONDITION]}]), f"{AT_CONDITION}/any", "any"),
        (condition(extra=1), f"{AT_CONDITION}/extra", "Known here"),
        (condition(path=5), f"{AT_CONDITION}/path", "a number"),
        (condition(path="amount"), f"{AT_CONDITION}/path", '"args.amount"'),
        (condition(path="args"), f"{AT_CONDITION}/path", "args."),
        (condition(path="args.a..b"), f"{AT_CONDITION}/path", "single dots"),
        (condition(path="args.a[0]"), f"{AT_CONDITION}/path", "list"),
        (condition(path="grant.label"), f"{AT_CONDITION}/path", "convert"),
        (condition(path="tool.category", value="Read"), f"{AT_CONDITION}/path", "convert"),
        (condition(path="time.hour", value=9), f"{AT_CONDITION}/path", "convert"),
        (condition(path="state"), f"{AT_CONDITION}/path", "state.TOOL.COUNTER"),
        (condition(path="state.pay"), f"{AT_CONDITION}/path", "state.TOOL.COUNTER"),
        (condition(path="state.pay."), f"{AT_CONDITION}/path", "state.TOOL.COUNTER"),
        (condition(op="equals"), f"{AT_CONDITION}/op", "eq, neq, in"),
        (condition(op="GT"), f"{AT_CONDITION}/op", 'did you mean "gt"'),
        (condition(op="in"), f"{AT_CONDITION}/value", "takes a list"),
        (condition(op="not_in", value="EUR"), f"{AT_CONDITION}/value", "takes a list"),
        (condition(op="lt", value="5"), f"{AT_CONDITION}/value", "without quotes"),
        (condition(op="gte", value=None), f"{AT_CONDITION}/value", "a number"),
        (condition(op="exists", value="true"), f"{AT_CONDITION}/value", "true or false"),
        (condition(op="regex", value=5), f"{AT_CONDITION}/value", "a pattern"),
        (condition(op="regex", value="(?=a)"), f"{AT_CONDITION}/value", "look-around"),
        (condition(op="regex", value="(a"), f"{AT_CONDITION}/value", "RE2"),
    ],
)
def test_one_wrong_thing_is_told_with_its_place_and_remedy(written: JSON, place: str, word: str) -> None:
    """Each slip has one problem, at its place, with what to write."""
    assert (place, places(written).count(place)) == (place, 1)
    assert word in said(written, place)


def test_only_what_is_wrong_is_told() -> None:
    """One slip of a condition has no others in its wake."""
    for written in (
        condition(op="in"),
        condition(path="state.pay"),
        condition(path="grant.label"),
        one(rate_limit="5/hour", action="deny"),
    ):
        assert len(places(written)) == 1


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "deny"},
        {"action": "deny", "conditions": []},
        {"action": "deny", "name": None, "on_deny": None},
        {"rate_limit": "30/hour"},
        {"rate_limit": "30/hour", "action": "evaluate", "conditions": []},
        {"action": "require_approval"},
        {"action": "require_approval", "conditions": [], "approval_timeout": "1.5h"},
        {"name": "", "conditions": [CONDITION]},
        {"conditions": [{"path": "args.a", "op": "eq", "value": None}]},
    ],
)
def test_rules_that_are_good_are_good(rule: JSON) -> None:
    """Published examples leave the name out, and what is empty is as good as absent."""
    assert evaluate(rules(rule), call("pay", a=1)).rule in {"", f"{AT}"}


def test_the_first_failure_is_the_one_that_is_told() -> None:
    """Rules are asked in the order of the document, the tool's own before those of the star."""
    policy = loaded(
        tools={
            "*": {"rules": [{"name": "everywhere", **only("args.dry", "eq", value=True)}]},
            "pay": {"rules": [{"name": "first", **only("args.a", "eq", 1)}, {"name": "second", **only("args.b", "eq", 1)}]},
        }
    )
    assert evaluate(policy, call("pay", a=2, b=2, dry=False)).rule == "/tools/pay/rules/first"
    assert evaluate(policy, call("pay", a=1, b=2, dry=False)).rule == "/tools/pay/rules/second"
    assert evaluate(policy, call("pay", a=1, b=1, dry=False)).rule == "/tools/*/rules/everywhere"
    assert evaluate(policy, call("pay", a=1, b=1, dry=True)).effect is Effect.ALLOW


def test_a_denial_beats_a_question_wherever_it_stands() -> None:
    """A person is not asked about what is denied, not even by a rule of the star."""
    ask: JSON = {"name": "ask", "action": "require_approval"}
    policy = loaded(tools={"pay": {"rules": [ask, {"name": "cap", **only("args.a", "lt", 10)}]}, "*": {"rules": [only("args.b", "eq", 1)]}})
    assert evaluate(policy, call("pay", a=11, b=1)).rule == "/tools/pay/rules/cap"
    assert evaluate(policy, call("pay", a=1, b=2)).rule == "/tools/*/rules/0"
    assert evaluate(policy, call("pay", a=1, b=1)).effect is Effect.HOLD


def test_assertions_must_hold_and_triggers_must_match() -> None:
    """One condition says the opposite in the two kinds of rules."""
    above = only("args.a", "gt", 5)
    asserted, triggered = rules(above), rules({"action": "require_approval", **above})
    assert [evaluate(asserted, call("pay", a=amount)).effect for amount in (5, 6)] == [Effect.DENY, Effect.ALLOW]
    assert [evaluate(triggered, call("pay", a=amount)).effect for amount in (5, 6)] == [Effect.ALLOW, Effect.HOLD]


def test_all_conditions_of_a_rule_are_joined() -> None:
    """An assertion fails when one of them does; a trigger matches when all of them do."""
    both: dict[str, JSON] = {"conditions": [{"path": "args.a", "op": "eq", "value": 1}, {"path": "args.b", "op": "eq", "value": 1}]}
    assert evaluate(rules(both), call("pay", a=1, b=2)).effect is Effect.DENY
    assert evaluate(rules({"action": "require_approval", **both}), call("pay", a=1, b=2)).effect is Effect.ALLOW


@pytest.mark.parametrize("value", ["a lot", True, [5], {"x": 5}, None])
def test_what_cannot_be_told_denies_or_asks(value: JSON) -> None:
    """An argument of a wrong kind opens no gate, and the sentence says why."""
    above = only("args.a", "lt", 5)
    denied = evaluate(rules({"name": "cap", **above}), call("pay", a=value))
    assert denied.effect is Effect.DENY
    assert denied.message.startswith('Denied by rule "cap". args.a is ')
    held = evaluate(rules({"name": "ask", "action": "require_approval", **above}), call("pay", a=value))
    assert held.effect is Effect.HOLD
    assert held.hold is not None
    assert "args.a is" in held.hold.reason


@pytest.mark.parametrize(("op", "value"), [("neq", 1), ("not_in", [1, 2])])
def test_leaving_an_argument_out_opens_no_gate(op: str, value: JSON) -> None:
    """There every operator is false for a missing argument; here a trigger that waits for another value asks all the same."""
    rule = only("args.a", op, value)
    assert evaluate(rules(rule), call("pay")).effect is Effect.DENY
    assert evaluate(rules({"action": "require_approval", **rule}), call("pay")).effect is Effect.HOLD


def test_text_that_is_a_number_is_compared_as_one() -> None:
    """There it would be no number, and a question about large amounts would not be asked."""
    policy = rules({"action": "require_approval", **only("args.a", "gt", 5)})
    assert evaluate(policy, call("pay", a="99999")).effect is Effect.HOLD
    assert evaluate(policy, call("pay", a="3")).effect is Effect.ALLOW


def test_how_rules_are_named() -> None:
    """By their name, else by their place; a second one of a name is told from the first."""
    policy = rules(
        {"name": "cap a/b", **only("args.a", "lt", 5)},
        {"name": "cap a/b", **only("args.b", "lt", 5)},
        only("args.c", "lt", 5),
        {"name": " 2 ", **only("args.d", "lt", 5)},
    )
    found = [evaluate(policy, call("pay", **{**dict.fromkeys("abcd", 1), name: 9})).rule for name in "abcd"]
    assert found == ["/tools/pay/rules/cap a~1b", "/tools/pay/rules/cap a~1b-2", "/tools/pay/rules/2", "/tools/pay/rules/2-2"]


def test_the_strictest_question_is_asked() -> None:
    """Of two that match the one with the shorter time is asked, and each keeps its own time."""
    policy = rules(
        {"name": "large", "action": "require_approval", "approval_timeout": "1h", **only("args.a", "gt", 5)},
        {"name": "huge", "action": "require_approval", "approval_timeout": "300ms", **only("args.a", "gt", 50), "on_deny": "Ask the chief"},
        {"name": "huge", "action": "require_approval", "approval_timeout": "2160h", **only("args.a", "gt", 50)},
    )
    large, huge = evaluate(policy, call("pay", a=6)), evaluate(policy, call("pay", a=51))
    assert large.hold is not None
    assert huge.hold is not None
    assert (large.rule, large.hold.expires_in) == ("/tools/pay/rules/large", timedelta(hours=1))
    assert (huge.rule, huge.hold.expires_in) == ("/tools/pay/rules/huge", timedelta(milliseconds=300))
    assert large.hold.reason == 'Rule "/tools/pay/rules/large" asks for approval.'
    assert huge.hold.reason == "Ask the chief"


def test_a_long_time_is_taken_as_it_is() -> None:
    """Intercept knows no shortest and no longest time."""
    hold = evaluate(rules({"action": "require_approval", "approval_timeout": "87600h"}), call("pay")).hold
    assert hold is not None
    assert hold.expires_in == timedelta(days=3650)
