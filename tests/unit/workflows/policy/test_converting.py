"""From Intercept's format to Askfirst's own: every call is answered as before."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import call, only, policy
from tests.unit.workflows.policy.intercept_documents import calls, documents, few, many, well_typed
from tests.unit.workflows.policy.test_intercept import loaded
from workflows.calls import JSON, ToolCall
from workflows.policy import Effect, KnownTool, Limit, Policy, PolicyInvalid, Situation, Verdict, evaluate, load
from workflows.policy.amounts import LARGEST
from workflows.policy.converting import converted, left_out

ASK: dict[str, JSON] = {"action": "require_approval"}


def again(original: Policy) -> Policy:
    """Load what a policy was converted to."""
    return load(json.dumps(converted(original)), name="converted")


def charged(limits: Sequence[Limit]) -> list[tuple[object, ...]]:
    """What limits do: those that refuse nothing are left out, and what a call adds is made one where it is always the same."""
    found: list[tuple[object, ...]] = []
    for limit in limits:
        if limit.increment_from:
            found.append((limit.counter, limit.window, limit.scope, limit.ceiling, limit.amount, limit.message))
        elif limit.amount and limit.max // limit.amount <= LARGEST:
            found.append((limit.counter, limit.window, limit.scope, limit.max // limit.amount, 1, limit.message))
    return found


def answered(verdict: Verdict) -> tuple[object, ...]:
    """What is told of a verdict, without the ids of rules."""
    hold = None if verdict.hold is None else replace(verdict.hold, dedupe=None)
    return verdict.effect, verdict.message, hold, charged(verdict.limits)


@given(documents(), st.one_of(calls(), well_typed()))
@many
def test_every_call_is_answered_as_before(document: dict[str, JSON], called: ToolCall) -> None:
    """Effect, words, the way a call is held and what it counts stay, for arguments of any kind."""
    original = load(json.dumps(document), name="original")
    assert answered(evaluate(again(original), called)) == answered(evaluate(original, called))


@given(documents())
@few
def test_what_was_converted_is_in_its_format_and_says_its_default(document: dict[str, JSON]) -> None:
    """The new document is complete, has nothing of the other format, and is converted to itself."""
    new = again(load(json.dumps(document), name="original"))
    assert new.document["default"] == document.get("default", "allow")
    assert not new.shape.literal
    assert converted(new) == new.document


def test_a_document_in_the_right_format_is_given_as_it_is() -> None:
    """What is given is not the loaded document itself: it may be changed."""
    own = policy(tools={"pay": {"deny_if": [{"conditions": []}]}})
    given_ = converted(own)
    assert given_ == own.document
    given_["default"] = "allow"
    assert own.document["default"] == "deny"
    assert left_out(own) == ()


def test_a_whole_document() -> None:
    """What each rule becomes."""
    original = loaded(
        hide=["drop"],
        tools={
            "list": {},
            "pay": {
                "rules": [
                    {"name": "currency", **only("args.currency", "in", ["EUR"]), "on_deny": "Only EUR."},
                    {"name": "large", **ASK, **only("args.amount", "gt", 100), "approval_timeout": "1.5h"},
                    {"rate_limit": "5/hour"},
                    {
                        "name": "sum",
                        **only("state.pay.paid", "lte", 500),
                        "state": {"counter": "paid", "window": "day", "increment_from": "args.amount"},
                    },
                ]
            },
            "delete": {"rules": [{"action": "deny", "on_deny": "Never."}, only("args.a", "eq", 1)]},
            "*": {"rules": [{"rate_limit": "60/minute"}, {"name": "dry", **only("args.dry", "neq", value=False)}]},
        },
    )
    dry: JSON = {"conditions": [{"path": "args.dry", "op": "neq", "value": False}], "on_deny": 'Denied by rule "dry"'}
    limit: dict[str, JSON] = {"scope": "tool", "window": "hour"}
    assert converted(original) == {
        "version": "1",
        "default": "deny",
        "hide": ["drop"],
        "approval": {"approvers": "approvers"},
        "all_tools": {
            "limits": [
                {
                    "counter": "_rate_minute",
                    "window": "minute",
                    "max": 60,
                    "scope": "server",
                    "on_deny": "Rate limit of 60 per minute reached. Try again later.",
                }
            ]
        },
        "tools": {
            "list": {"require": [dry]},
            "pay": {
                "require": [{"conditions": [{"path": "args.currency", "op": "in", "value": ["EUR"]}], "on_deny": "Only EUR."}, dry],
                "require_approval": [
                    {
                        "conditions": [{"path": "args.amount", "op": "gt", "value": 100}],
                        "expires_in": "1h30m",
                        "reason": 'Rule "/tools/pay/rules/large" asks for approval.',
                    }
                ],
                "limits": [
                    {**limit, "counter": "_rate_hour", "max": 5, "on_deny": "Rate limit of 5 per hour reached. Try again later."},
                    {
                        **limit,
                        "counter": "paid",
                        "window": "day",
                        "max": 500,
                        "increment_from": "args.amount",
                        "on_deny": 'Denied by rule "sum"',
                    },
                ],
            },
            "delete": {"deny_if": [{"conditions": [], "on_deny": "Never."}]},
        },
    }


def test_under_allow_the_star_stays_a_star() -> None:
    """There it covers also what is not listed."""
    new = again(loaded(default="allow", tools={"*": {"rules": [{"name": "dry", **only("args.dry", "eq", value=True)}]}}))
    assert evaluate(new, call("anything", dry=False)).message == 'Denied by rule "dry"'
    assert evaluate(new, call("anything", dry=True)).effect is Effect.ALLOW


def rules(*listed: JSON) -> Policy:
    """A policy with rules for the tool `pay`."""
    return loaded(tools={"pay": {"rules": list(listed)}})


STATE: dict[str, JSON] = {"counter": "paid", "window": "day"}
SUM: dict[str, JSON] = {**STATE, "increment_from": "args.amount"}


@pytest.mark.parametrize(
    ("original", "place", "word"),
    [
        (loaded(hide=["a*"]), "/hide/0", "pattern"),
        (loaded(tools={"a*": {"rules": []}}), "/tools/a*", "pattern"),
        (
            rules({"rate_limit": "5/hour"}, {"name": "pause", **only("state.pay._rate_hour", "eq", 3)}),
            "/tools/pay/rules/1",
            "reads the counter",
        ),
        (rules({**ASK, "approval_timeout": "9s"}), "/tools/pay/rules/0", "0:00:09"),
        (rules({**ASK, "approval_timeout": "10.5s"}), "/tools/pay/rules/0", "whole seconds"),
        (rules({**ASK, "approval_timeout": "721h"}), "/tools/pay/rules/0", "30 days, 1:00:00"),
        (rules({**only("args.a", "eq", 1), "state": SUM}), "/tools/pay/rules/0", "bounded by"),
        (rules({**only("state.pay.paid", "lte", 0), "state": SUM}), "/tools/pay/rules/0", "bounded by 0"),
        (rules({**only("args.a", "eq", 1), "name": "n" * 2_000}), "/tools/pay/rules/0", "2,000 characters"),
        (
            rules({**only("state.pay." + "c" * 201, "lte", 5), "state": {**STATE, "counter": "c" * 201}}),
            "/tools/pay/rules/0",
            "200 characters",
        ),
    ],
)
def test_what_has_no_form_is_told_and_nothing_is_written(original: Policy, place: str, word: str) -> None:
    """A rule whose meaning would change is no rule that was converted."""
    with pytest.raises(PolicyInvalid) as refused:
        converted(original)
    assert [problem.pointer for problem in refused.value.problems] == [place]
    assert word in refused.value.problems[0].message


def test_everything_that_has_no_form_is_told_at_once() -> None:
    """One look is enough to mend it."""
    with pytest.raises(PolicyInvalid) as refused:
        converted(loaded(hide=["a*"], tools={"pay": {"rules": [{"name": "soon", **ASK, "approval_timeout": "1s"}]}}))
    assert {problem.line for problem in refused.value.problems} == {1}
    assert [problem.pointer for problem in refused.value.problems] == ["/hide/0", "/tools/pay/rules/0"]


def test_what_counts_nothing_and_refuses_nothing_is_left_out() -> None:
    """A counter that nobody bounds or reads changes no answer."""
    original = rules(
        {**only("args.a", "eq", 1), "state": STATE}, {**only("state.pay.x", "lte", 5), "state": {**STATE, "counter": "x", "increment": 0}}
    )
    assert "limits" not in json.dumps(converted(original))


def test_what_is_left_out_is_told() -> None:
    """Who is told of requests, and for how long a repeat joins one, has no place in the new document."""
    text = """version: "1"
description: What the agent may do
default: deny
tools:
  pay: {rules: [{action: require_approval}]}
approvals:
  dedupe_window: 10m
  notify:
    webhook: {url: "https://example.com/hook"}
"""
    original = load(text, name="original")
    assert [(problem.pointer, problem.line) for problem in left_out(original)] == [
        ("/description", 2),
        ("/approvals/dedupe_window", 7),
        ("/approvals/notify/webhook", 9),
    ]
    assert left_out(loaded()) == ()
    assert again(original).shape.webhook is None


def test_a_changed_definition_is_asked_about_as_before() -> None:
    """Where a rule asks, people are asked about a changed tool too; where none does, it is denied."""
    situation = Situation(tool=KnownTool("Write", "Medium", changed="- old\n+ new"))
    asking, denying = rules({**ASK, **only("args.a", "eq", 1), "approval_timeout": "1h"}), rules(only("args.a", "neq", 1))
    for original, effect in ((asking, Effect.HOLD), (denying, Effect.DENY)):
        before, after = (evaluate(each, call("pay", a=2), situation) for each in (original, again(original)))
        assert before.effect is effect
        assert answered(after) == answered(before)


def test_a_rule_behind_an_alias_has_the_line_of_the_alias() -> None:
    """What has no form in the new document is found at its tool."""
    text = 'version: "1"\ndefault: deny\ntools:\n  pay: &pay {rules: [{action: require_approval, approval_timeout: 1ms}]}\n  refund: *pay\n'
    with pytest.raises(PolicyInvalid) as refused:
        converted(load(text, name="aliased"))
    assert [problem.line for problem in refused.value.problems] == [4, 5]
