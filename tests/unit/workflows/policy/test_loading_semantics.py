"""Both formats mean here what they mean where they come from: the loader against the semantics as they are described.

Where a weak point of the originals is closed, the difference is in the table at the end, by name.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy import intercept_documents, policylayer_documents, written_semantics
from tests.unit.workflows.policy.documents import call, only
from tests.unit.workflows.policy.intercept_documents import few, many
from tests.unit.workflows.policy.written_semantics import Counters, Failure, Said
from workflows.calls import JSON, ToolCall
from workflows.policy import Effect, Limit, Policy, Situation, evaluate, load

NOW = datetime(2026, 3, 31, 23, 58, 30, tzinfo=UTC)
TOUCHED = timedelta(seconds=50)


def loaded(document: Mapping[str, JSON]) -> Policy:
    """Load a document."""
    return load(json.dumps(document), name="tested")


def plain(message: str) -> str:
    """Leave out the full stop that Askfirst puts after the sentences of its own."""
    return message.removesuffix(".") if message.startswith('Tool "') else message


def decisive(said: Said) -> Failure:
    """Choose what Askfirst names of all that denies: limits are looked at last."""
    return next((failure for failure in said.failures if not failure.by_counter), said.failures[0])


class Ledger:
    """What is used of limits, counted as a gateway does: all that a call adds, or nothing."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, datetime], int] = {}

    def refused(self, limits: Sequence[Limit], called: ToolCall, grant: str, at: datetime) -> Limit | None:
        """Reserve the limits of a call, or give the first that has not enough left."""
        places = [(limit.key(grant=grant, server=called.server, tool=called.tool), limit.window_start(at)) for limit in limits]
        for limit, place in zip(limits, places, strict=True):
            if self.used.get(place, 0) + limit.amount > limit.ceiling:
                return limit
        for limit, place in zip(limits, places, strict=True):
            self.used[place] = self.used.get(place, 0) + limit.amount
        return None


@given(intercept_documents.documents(), intercept_documents.well_typed())
@many
def test_intercept_documents_mean_what_they_mean_there(document: dict[str, JSON], called: ToolCall) -> None:
    """The effect, the rule and its words: hidden, not listed, denied by the first that fails, asked, allowed."""
    said = written_semantics.intercept(document, called.tool, called.arguments, Counters(), at=NOW)
    verdict = evaluate(loaded(document), called)
    if said.effect == "deny" and all(failure.by_counter for failure in said.failures):
        assert verdict.effect is Effect.DENY or any(limit.amount > limit.ceiling for limit in verdict.limits)
        return
    assert verdict.effect.value == said.effect
    if said.effect == "deny":
        assert (verdict.rule, plain(verdict.message)) == (decisive(said).rule, decisive(said).message)
    if said.effect == "hold":
        assert verdict.rule in said.asks
    if said.effect == "allow":
        assert len(verdict.limits) == len(said.adds)


@given(policylayer_documents.documents(), intercept_documents.well_typed())
@many
def test_policylayer_documents_mean_what_they_mean_there(document: dict[str, JSON], called: ToolCall) -> None:
    """The effect, the rule and its words: hidden, not listed, the first that denies, allowed."""
    said = written_semantics.policylayer(document, called.tool, called.arguments, Counters(), at=NOW)
    verdict = evaluate(loaded(document), called)
    assert verdict.effect.value == said.effect
    if said.effect == "deny":
        assert (verdict.rule, plain(verdict.message)) == (said.failures[0].rule, said.failures[0].message)
    else:
        assert len(verdict.limits) == len(said.adds)


calls_in_time = st.lists(st.tuples(intercept_documents.well_typed(), st.integers(0, 3), st.sampled_from("ab")), min_size=2, max_size=12)


@given(intercept_documents.documents(asks=False), calls_in_time)
@few
def test_intercept_counters_count_what_they_count_there(document: dict[str, JSON], calls: list[tuple[ToolCall, int, str]]) -> None:
    """Bounds, rates, increments and windows, over many calls, whichever grant makes them; a denied call adds nothing."""
    policy, ledger, counters, at = loaded(document), Ledger(), Counters(), NOW
    for called, steps, grant in calls:
        at += steps * TOUCHED
        said = written_semantics.intercept(document, called.tool, called.arguments, counters, at=at)
        verdict = evaluate(policy, called, Situation(at=at))
        refused = ledger.refused(verdict.limits, called, grant, at) if verdict.effect is Effect.ALLOW else None
        assert ("deny" if refused else verdict.effect.value) == said.effect
        if refused:
            assert (refused.rule, refused.message) == (said.failures[0].rule, said.failures[0].message)
        elif said.effect == "deny":
            assert verdict.rule == decisive(said).rule
        else:
            counters.add(said)


@given(policylayer_documents.documents(), calls_in_time)
@few
def test_policylayer_limits_count_what_they_count_there(document: dict[str, JSON], calls: list[tuple[ToolCall, int, str]]) -> None:
    """Limits of tools and of all tools, in their windows, for each grant by itself."""
    policy, ledger, counters, at = loaded(document), Ledger(), Counters(), NOW
    for called, steps, grant in calls:
        at += steps * TOUCHED
        said = written_semantics.policylayer(document, called.tool, called.arguments, counters, at=at, grant=grant)
        verdict = evaluate(policy, called, Situation(at=at))
        refused = ledger.refused(verdict.limits, called, grant, at) if verdict.effect is Effect.ALLOW else None
        assert ("deny" if refused else verdict.effect.value) == said.effect
        if said.effect == "deny":
            assert (refused.rule if refused else verdict.rule) == decisive(said).rule
        else:
            counters.add(said)


def asserting(condition: dict[str, JSON], **more: JSON) -> dict[str, JSON]:
    """An Intercept document with one rule for the tool `pay`."""
    return {"version": "1", "default": "deny", "tools": {"pay": {"rules": [{**condition, **more}]}}}


def asking(path: str, op: str, value: JSON) -> dict[str, JSON]:
    """An Intercept document that asks people."""
    return asserting(only(path, op, value), action="require_approval")


def denying(path: str, op: str, value: JSON) -> dict[str, JSON]:
    """A PolicyLayer document that denies."""
    return {"version": "1", "default": "deny", "tools": {"pay": {"deny_if": [{**only(path, op, value), "on_deny": "No."}]}}}


SUMMED = asserting(only("state.pay.paid", "lte", 100), state={"counter": "paid", "window": "day", "increment_from": "args.a"})


@pytest.mark.parametrize(
    ("weak_point", "document", "arguments", "there", "here"),
    [
        ("text of a number is no number", asking("args.a", "gt", 500), {"a": "99999"}, "allow", "hold"),
        ("text of a number is no number", denying("args.a", "gt", 500), {"a": "99999"}, "allow", "deny"),
        ("text of a number is no number", asserting(only("args.a", "lte", 500)), {"a": "99999"}, "deny", "deny"),
        ("text of a number is no number", asserting(only("args.a", "lte", 500)), {"a": "400"}, "deny", "allow"),
        ("a missing argument is not unequal", asking("args.a", "neq", "EUR"), {}, "allow", "hold"),
        ("a missing argument is not unequal", asking("args.a", "not_in", ["EUR"]), {}, "allow", "hold"),
        ("a missing argument is not unequal", denying("args.a", "neq", "EUR"), {}, "allow", "deny"),
        ("a missing argument is not unequal", denying("args.a", "not_in", ["EUR"]), {}, "allow", "deny"),
        ("null is not unequal, greater or found", denying("args.a", "gt", 5), {"a": None}, "allow", "deny"),
        ("null is not unequal, greater or found", asking("args.a", "regex", "^x"), {"a": None}, "allow", "hold"),
        ("a wrong kind is a no", denying("args.a", "gt", 5), {"a": [9]}, "allow", "deny"),
        ("a wrong kind is a no", denying("args.a", "gt", 5), {"a": True}, "allow", "deny"),
        ("a wrong kind is a no", asking("args.a", "gt", 5), {"a": {"value": 9}}, "allow", "hold"),
        ("a wrong kind is a no", asking("args.a", "regex", "^rm"), {"a": ["rm -rf"]}, "allow", "hold"),
        ("a wrong kind is a no", asking("args.a", "contains", "drop"), {"a": {"sql": "drop"}}, "allow", "hold"),
        ("a wrong kind is a no", asserting(only("args.a", "neq", "cash")), {"a": ["cash"]}, "allow", "deny"),
        ("a list is not walked", denying("args.a.b", "gt", 5), {"a": [{"b": 9}]}, "allow", "deny"),
        ("text may be an object to the upstream", denying("args.a.b", "gt", 5), {"a": '{"b": 9}'}, "allow", "deny"),
        ("another letter case is another name", denying("args.a", "gt", 5), {"A": 9}, "allow", "deny"),
        ("another letter case is another name", asking("args.order.sum", "gt", 5), {"order": {"Sum": 9}}, "allow", "hold"),
        ("a negative amount raises what is left", SUMMED, {"a": -50}, "allow", "deny"),
        ("a fraction of an amount is lost", SUMMED, {"a": 0.9}, "allow", "allow"),
        ("an amount as text is an internal error", SUMMED, {"a": "50"}, "deny", "allow"),
    ],
)
def test_where_a_weak_point_is_closed(weak_point: str, document: dict[str, Any], arguments: dict[str, JSON], there: str, here: str) -> None:
    """Each difference from the originals is meant, and has its name."""
    describe = written_semantics.policylayer if "deny_if" in document["tools"]["pay"] else written_semantics.intercept
    assert describe(document, "pay", arguments, Counters(), at=NOW).effect == there, weak_point
    assert evaluate(loaded(document), call("pay", **arguments)).effect.value == here, weak_point


def test_a_fraction_is_counted_exactly() -> None:
    """There two amounts of 0.9 add up to nothing."""
    (limit,) = evaluate(loaded(SUMMED), call("pay", a=0.9)).limits
    assert (limit.amount, limit.ceiling) == (900_000, 100_000_000)
    said = written_semantics.intercept(SUMMED, "pay", {"a": 0.9}, Counters(), at=NOW)
    assert [amount for _, amount in said.adds] == [0]


def test_a_missing_amount_says_that_it_is_missing() -> None:
    """There the agent reads of an internal error, and cannot help itself."""
    said = written_semantics.intercept(SUMMED, "pay", {}, Counters(), at=NOW)
    assert said.failures[0].message == "Internal policy error"
    assert evaluate(loaded(SUMMED), call("pay")).message == "args.a is counted by the limit paid: it is missing. Send it."


def test_people_are_asked_before_limits_are_looked_at() -> None:
    """There a used-up limit denies what people would be asked about; here it is looked at after their yes, and may be free by then."""
    document = asserting({"action": "require_approval"})
    document["tools"] = {"pay": {"rules": [{"action": "require_approval"}, {"rate_limit": "1/hour"}]}}
    counters = Counters()
    counters.add(Said("allow", adds=((written_semantics.window_of("pay._rate_hour", "hour", NOW), 1),)))
    assert written_semantics.intercept(document, "pay", {}, counters, at=NOW).effect == "deny"
    verdict = evaluate(loaded(document), call("pay"))
    assert (verdict.effect, [limit.max for limit in verdict.limits]) == (Effect.HOLD, [1])
