"""The trace tells the truth: what it says decided is what the verdict names."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.workflows.policy import generating, intercept_documents
from tests.unit.workflows.policy.documents import call, only, policy, tool
from workflows.calls import JSON, ToolCall
from workflows.policy import Effect, KnownTool, Policy, Situation, evaluate, load
from workflows.policy.evaluating import CHANGED, DEFAULT_DENY, HIDDEN, NO_POLICY
from workflows.policy.explaining import DEFAULT_ALLOW, MONITORING, Explanation, Kind, Step, explain, spelled, unused
from workflows.policy.looking import Joint, Looked, Met

PAYS = KnownTool("Financial", "Critical", changed="- a\n+ b")


def steps(found: Explanation, kind: Kind) -> list[Step]:
    """The steps of one kind."""
    return [step for step in found.trace if step.kind is kind]


def decided(found: Explanation) -> list[Step]:
    """The steps that say that they decided."""
    return [step for step in found.trace if step.decided]


def agrees(loaded: Policy, asked: ToolCall, situation: Situation) -> None:
    """The verdict is that of evaluate, and the one step that decided is the rule that it names."""
    found, verdict = explain(loaded, asked, situation), evaluate(loaded, asked, situation)
    assert found.verdict == verdict
    deciders = decided(found)
    if verdict.rule:
        [step] = deciders
        assert step.rule == verdict.rule
        assert _means(step) == ("hold" if verdict.monitored else verdict.effect.value)
    else:
        assert [step.rule for step in deciders] in ([], [DEFAULT_ALLOW])
        assert verdict.effect is Effect.ALLOW
    assert [step.rule for step in found.trace if step.kind is Kind.MODE] == [MONITORING] * (verdict.monitored is not None)
    assert json.dumps([step.plain() for step in found.trace])


@settings(deadline=None, max_examples=200)
@given(generating.documents(), generating.calls(st.sampled_from(["pay", "pay", "refund"])), generating.situations())
def test_the_trace_decides_as_the_policy_does(document: dict[str, JSON], asked: ToolCall, situation: Situation) -> None:
    """For any document, call and situation."""
    agrees(load(json.dumps(document), name="random"), asked, situation)


@settings(deadline=None)
@given(intercept_documents.documents(), st.one_of(intercept_documents.calls(), intercept_documents.well_typed()), st.booleans())
def test_the_trace_of_an_intercept_policy_decides_so_too(document: dict[str, JSON], asked: ToolCall, counted: bool) -> None:  # noqa: FBT001  # hypothesis passes it
    """Also where conditions read counters, whether what is used of them is known or not."""
    loaded = load(json.dumps(document), name="random")
    used, assumed = unused(loaded, asked.tool)
    assert (assumed is None) == (used == {})
    agrees(loaded, asked, Situation(used=used if counted else {}))


def _means(step: Step) -> str:
    """What a step that decided comes to, by what it is and how it came out."""
    if step.kind in (Kind.HIDE, Kind.DENY_IF, Kind.LIMIT, Kind.REQUIRE):
        assert (step.outcome is not Met.MET) if step.kind in (Kind.REQUIRE, Kind.LIMIT) else (step.outcome is not Met.NOT_MET)
        return "deny"
    if step.kind is Kind.CHANGED:
        return "deny" if "nobody can be asked" in step.sentence or "refuses" in step.sentence else "hold"
    return "deny" if step.rule == DEFAULT_DENY else "hold"


def test_a_grant_without_a_policy() -> None:
    """There is nothing to ask."""
    found = explain(None, call())
    assert [(step.rule, step.decided) for step in found.trace] == [(NO_POLICY, True)]


@pytest.mark.parametrize(
    ("condition", "arguments", "why"),
    [
        (("args.amount", "gt", 5000), {"amount": 4000}, "args.amount is 4000, not more than 5000."),
        (("args.amount", "gt", 5000), {}, "args.amount is missing, and gt 5000 is not met by nothing."),
        (("args.amount", "lte", 5), {"amount": 6}, "args.amount is 6, more than 5."),
        (("args.amount", "gte", 5), {"amount": 4}, "args.amount is 4, less than 5."),
        (("args.amount", "lt", 5), {"amount": "7"}, 'args.amount is "7", not less than 5.'),
        (("args.c", "in", ["EUR"]), {"c": "GBP"}, 'args.c is "GBP", not one of ["EUR"].'),
        (("args.c", "not_in", ["EUR"]), {"c": "EUR"}, 'args.c is "EUR", one of ["EUR"].'),
        (("args.c", "eq", "EUR"), {"c": "GBP"}, 'args.c is "GBP", not equal to "EUR".'),
        (("args.c", "neq", "EUR"), {"c": "EUR"}, 'args.c is "EUR", not other than "EUR".'),
        (("args.c", "regex", "^b"), {"c": "abc"}, 'args.c is "abc", in which "^b" is not found.'),
        (("args.c", "contains", "x"), {"c": ["a"]}, 'args.c is ["a"], which does not contain "x".'),
        (("args.c", "exists", True), {}, "args.c is missing."),
        (("args.c", "exists", True), {"c": None}, "args.c is null, which counts as missing."),
        (("args.c", "exists", False), {"c": 1}, "args.c is there."),
    ],
)
def test_why_a_rule_did_not_fire(condition: tuple[str, str, JSON], arguments: dict[str, JSON], why: str) -> None:
    """The sentence says what the condition saw and what it asks for."""
    found = explain(tool(deny_if=[only(*condition)]), call("pay", **arguments))
    [step] = steps(found, Kind.DENY_IF)
    assert (step.outcome, step.sentence, step.decided) == (Met.NOT_MET, why, False)


def test_what_cannot_be_told_says_why() -> None:
    """The sentence is the one that the agent reads, and the value is shown."""
    found = explain(tool(deny_if=[only("args.amount", "gt", 5)]), call("pay", amount=[900]))
    [step] = steps(found, Kind.DENY_IF)
    assert (step.outcome, step.decided) == (Met.UNTOLD, True)
    assert step.sentence == "args.amount is a list, which gt cannot compare here: send a number."
    [seen] = step.conditions
    assert isinstance(seen, Looked)
    assert (seen.saw, seen.there) == ([900], True)


def test_groups_show_each_member() -> None:
    """Members are nested as they are written."""
    either: Any = {
        "conditions": [{"any": [{"path": "args.a", "op": "eq", "value": 1}, {"not": {"path": "args.a", "op": "lt", "value": 9}}]}]
    }
    found = explain(tool(deny_if=[either]), call("pay", a=5))
    [step] = steps(found, Kind.DENY_IF)
    [group] = step.conditions
    assert isinstance(group, Joint)
    assert [member.outcome for member in group.members] == [Met.NOT_MET, Met.NOT_MET]
    assert group.plain()["any"] == [member.plain() for member in group.members]
    assert "asked that this is not so" in step.sentence


def test_a_denial_ends_the_trace() -> None:
    """What would have been asked after it is not told; what came before it is, each with its reason."""
    loaded = policy(hide=["other"], tools={"pay": {"deny_if": [only("args.a", "gt", 9), only("args.a", "gt", 1)], "require_approval": []}})
    found = explain(loaded, call("pay", a=5))
    assert [step.kind for step in found.trace] == [Kind.HIDE, Kind.DEFAULT, Kind.DENY_IF, Kind.DENY_IF]
    assert [step.rule for step in decided(found)] == ["/tools/pay/deny_if/args.a-gt-2"]
    assert explain(policy(hide=["pay"]), call()).trace == (Step(HIDDEN, Kind.HIDE, Met.MET, "hide names the tool.", decided=True),)


def test_of_several_holds_the_strictest_decides() -> None:
    """The others say that they ask too."""
    found = explain(tool(require_approval=[{"conditions": []}, {"conditions": [], "quorum": 3}]), call())
    first, second = steps(found, Kind.REQUIRE_APPROVAL)
    assert (first.decided, second.decided) == (False, True)
    assert "asks too" in first.sentence


def test_a_changed_definition_is_a_step() -> None:
    """It decides where no rule asks, and adds to a rule that does."""
    changed = Situation(tool=PAYS)
    alone = explain(tool(), call(), changed)
    assert (alone.verdict.effect, [step.rule for step in decided(alone)]) == (Effect.HOLD, [CHANGED])
    asked = explain(tool(require_approval=[{"conditions": []}]), call(), changed)
    assert [step.decided for step in steps(asked, Kind.CHANGED)] == [False]
    denied = explain(policy(tools={"pay": {}}, changed_tools="deny"), call(), changed)
    assert (denied.verdict.effect, [step.rule for step in decided(denied)]) == (Effect.DENY, [CHANGED])


def test_limits_say_what_a_call_adds() -> None:
    """Also that it never fits, and why it cannot be counted."""
    limit = {"counter": "sum", "window": "day", "max": 10, "scope": "grant", "increment_from": "args.amount"}
    said = [steps(explain(tool(limits=[limit]), call("pay", amount=much)), Kind.LIMIT)[0] for much in (2.5, 11, "x")]
    assert [(step.outcome, step.decided) for step in said] == [(Met.NOT_MET, False), (Met.MET, False), (Met.UNTOLD, True)]
    assert "It adds 2.5 to sum: at most 10 a day for this grant" in said[0].sentence
    assert "refused whenever" in said[1].sentence


def test_values_are_bounded_and_secrets_hidden() -> None:
    """What stands in a trace is what may stand in a log."""
    loaded = tool(deny_if=[only("args.login.password", "eq", "x"), only("args.text", "eq", "x")])
    found = explain(loaded, call("pay", login={"password": "hunter2"}, text="y" * 100_000))
    first, second = steps(found, Kind.DENY_IF)
    assert "hunter2" not in f"{first.sentence}{first.plain()}"
    assert "[redacted" in first.sentence
    assert len(second.sentence) < 500
    assert len(str(second.plain())) < 2_000


def test_counters_that_conditions_read_count_as_unused() -> None:
    """It is said, and where nothing reads counters nothing is said."""
    loaded = tool(deny_if=[only("args.a", "gt", 1)])
    assert unused(loaded, "pay") == ({}, None)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(minutes=30), "30m"),
        (timedelta(hours=1, minutes=30), "1h30m"),
        (timedelta(days=2, seconds=5), "2d5s"),
        (timedelta(0), "0s"),
    ],
)
def test_times_are_spelled_as_policies_write_them(span: timedelta, text: str) -> None:
    """No larger unit is left out."""
    assert spelled(span) == text


def test_a_verdict_that_only_watches_says_so() -> None:
    """The rule that would hold decides, and the mode is told."""
    found = explain(policy(mode="monitor", tools={"pay": {"require_approval": [{"conditions": []}]}}), call())
    assert found.verdict.effect is Effect.ALLOW
    assert [step.kind for step in decided(found)] == [Kind.REQUIRE_APPROVAL]
    assert found.trace[-1].kind is Kind.MODE
    assert replace(found.trace[-1], decided=True).plain()["decided"] is True
