"""What Intercept's rules count: rates, sums, and the counters that other rules read."""

import json
from typing import Any

import pytest

from tests.unit.workflows.policy.documents import call, only, places, said
from tests.unit.workflows.policy.test_intercept import intercept, loaded
from tests.unit.workflows.policy.test_intercept_rules import AT, one, rules
from workflows.calls import JSON
from workflows.policy import Effect, Limit, Policy, Scope, Situation, Window, counters, evaluate
from workflows.policy.intercept_counters import LARGEST

STATE: dict[str, JSON] = {"counter": "paid", "window": "day"}


def counted(value: JSON, op: str = "lte", **state: JSON) -> dict[str, JSON]:
    """A rule that keeps the counter `paid` of the tool `pay`, and bounds it."""
    return {**only("state.pay.paid", op, value), "state": {**STATE, **state}}


def limits(policy: Policy, **arguments: JSON) -> tuple[Limit, ...]:
    """What a call of the tool `pay` adds to."""
    return evaluate(policy, call("pay", **arguments)).limits


@pytest.mark.parametrize(
    ("rate", "most", "window"),
    [("5/hour", 5, Window.HOUR), ("1/minute", 1, Window.MINUTE), ("100000/day", 100_000, Window.DAY), ("007/day", 7, Window.DAY)],
)
def test_a_rate_is_a_limit(rate: str, most: int, window: Window) -> None:
    """It counts the calls of one tool, whoever makes them, by a name that no edit of the document changes."""
    (limit,) = limits(rules({"rate_limit": rate}))
    assert (limit.max, limit.window, limit.scope, limit.amount) == (most, window, Scope.TOOL, 1)
    assert (limit.rule, limit.identity) == (f"{AT}", f"pay._rate_{window.value}")
    assert limit.message == f"Rate limit of {most} per {window.value} reached. Try again later."


def test_a_rate_of_the_star_counts_all_tools_together() -> None:
    """Its counter is that of the server, and has one name for every tool."""
    policy = loaded(
        tools={"pay": {"rules": [{"rate_limit": "5/hour"}]}, "*": {"rules": [{"rate_limit": "9/hour", "on_deny": "Slow down."}]}}
    )
    own, everyone = limits(policy)
    assert (own.identity, everyone.identity) == ("pay._rate_hour", "_global._rate_hour")
    assert (everyone.scope, everyone.max, everyone.message) == (Scope.SERVER, 9, "Slow down.")
    places_ = {everyone.key(grant=grant, server="bank", tool=tool) for grant in "ab" for tool in "xy"}
    assert len(places_) == 1


def test_a_rate_is_named_by_its_rule() -> None:
    """A refusal says which rule it was."""
    (limit,) = limits(rules({"name": "slowly", "rate_limit": "5/hour"}))
    assert limit.rule == "/tools/pay/rules/slowly"


@pytest.mark.parametrize(
    ("rate", "word"),
    [
        ("0/hour", "10/minute"),
        ("-5/hour", "10/minute"),
        ("5/week", "10/minute"),
        ("5", "5/minute"),
        (5, "5/minute"),
        ("5/h", "5/hour"),
        ("5 / hour", "5/hour"),
        ("5 per day", "5/day"),
        ("5/HOUR", "5/hour"),
        ("5/minutes", "5/minute"),
        ("1.5/hour", "10/minute"),
        ("1" * 19 + "/hour", "10/minute"),
        ("\u0665/hour", "10/minute"),
        ("5/hour\n", "5/hour"),
        ({"max": 10, "window": 60}, "10/minute"),
        ({"max": 10, "window": 3600}, "10/hour"),
        ({"max": 3, "window": "day"}, "3/day"),
        ({"max": "many"}, "10/minute"),
        ([], "10/minute"),
        (True, "10/minute"),
    ],
)
def test_what_is_no_rate_is_told_with_the_right_form(rate: JSON, word: str) -> None:
    """Published examples write a rate in other ways: what was meant is written out."""
    written = one(rate_limit=rate)
    assert places(written) == [f"{AT}/rate_limit"]
    assert f'write it like "{word}"' in said(written, f"{AT}/rate_limit")


@pytest.mark.parametrize(
    ("rule", "most"),
    [
        (counted(10), 10),
        (counted(10, "lt"), 9),
        (counted(10.7), 10),
        (counted(10.7, "lt"), 10),
        (counted(10.0, "lt"), 9),
        (counted(2**53), 2**53),
        (counted(1e300), LARGEST),
        ({**only("args.a", "exists", value=True), "state": STATE}, LARGEST),
    ],
)
def test_how_much_fits_is_said_by_the_rules_own_condition(rule: dict[str, JSON], most: int) -> None:
    """`lte` is what fits, `lt` one less; without either it is counted, and nothing is refused."""
    (limit,) = limits(rules({"name": "sum", **rule}), a=1)
    assert (limit.max, limit.counter, limit.window, limit.identity) == (most, "paid", Window.DAY, "pay.paid")
    assert limit.message == 'Denied by rule "sum"'


def test_the_smallest_bound_holds() -> None:
    """Of two bounds in one rule both are asserted."""
    rule = counted(10)
    rule["conditions"] = [{"path": "state.pay.paid", "op": op, "value": value} for op, value in (("lte", 10), ("lt", 5), ("lte", 7))]
    assert [limit.max for limit in limits(rules(rule))] == [4]


@pytest.mark.parametrize(("op", "value"), [("lt", 1), ("lt", 0), ("lte", 0), ("lte", 0.9), ("lte", -1), ("lt", -5)])
def test_where_nothing_fits_every_call_is_denied_at_once(op: str, value: JSON) -> None:
    """Nobody is asked about a call that could never be forwarded."""
    policy = rules({"action": "require_approval"}, {"name": "closed", **counted(value, op), "on_deny": "Not now."})
    verdict = evaluate(policy, call("pay"))
    assert (verdict.effect, verdict.rule, verdict.message) == (Effect.DENY, "/tools/pay/rules/closed", "Not now.")


def test_a_call_that_adds_more_than_fits_is_denied_at_once() -> None:
    """It would not fit into any window."""
    assert evaluate(rules(counted(2, increment=3)), call("pay")).effect is Effect.DENY
    assert evaluate(rules(counted(3, increment=3)), call("pay")).effect is Effect.ALLOW
    assert evaluate(rules(counted(0, increment=0)), call("pay")).effect is Effect.ALLOW


def test_a_sum_of_nothing_fits_into_nothing() -> None:
    """An amount of 0 is not more than 0."""
    (limit,) = limits(rules(counted(0, increment_from="args.amount")), amount=0)
    assert (limit.max, limit.amount) == (0, 0)
    assert evaluate(rules(counted(-1, increment_from="args.amount")), call("pay", amount=0)).effect is Effect.DENY


def test_what_one_call_adds() -> None:
    """A fixed number, or an argument, counted in millionths."""
    assert [limit.amount for limit in limits(rules(counted(10, increment=3)))] == [3]
    (limit,) = limits(rules(counted(10, increment_from="args.order.total")), order={"total": 2.5})
    assert (limit.increment_from, limit.amount, limit.ceiling) == (("order", "total"), 2_500_000, 10_000_000)


@pytest.mark.parametrize("amount", [-1, "many", None, [1], 0.000_000_1, 1e40])
def test_what_cannot_be_counted_is_denied(amount: JSON) -> None:
    """Amounts are never negative, rounded or guessed; a missing one is told as missing."""
    policy = rules({"name": "sum", **counted(10, increment_from="args.amount")})
    verdict = evaluate(policy, call("pay", amount=amount))
    assert (verdict.effect, verdict.rule) == (Effect.DENY, "/tools/pay/rules/sum")
    assert "it is missing" in evaluate(policy, call("pay")).message


def test_the_other_conditions_of_a_counting_rule_are_assertions() -> None:
    """They deny by the rule's own words, and are counted only when they hold."""
    rule: JSON = {
        "name": "sum",
        "conditions": [{"path": "state.pay.paid", "op": "lte", "value": 10}, {"path": "args.a", "op": "lt", "value": 5}],
        "state": STATE,
    }
    assert evaluate(rules(rule), call("pay", a=6)).rule == "/tools/pay/rules/sum"
    assert [limit.max for limit in limits(rules(rule), a=4)] == [10]


READS: Any = {
    "pay": {"rules": [counted(100, increment_from="args.amount"), {"rate_limit": "5/hour"}]},
    "policies.create": {
        "rules": [{"name": "made", **only("state.policies.create.n", "lte", 3), "state": {"counter": "n", "window": "hour"}}]
    },
    "*": {"rules": [{"rate_limit": "60/minute"}]},
}


def reading(path: str, op: str, value: JSON) -> Policy:
    """A policy whose tool `refund` asks a person by what other tools have used."""
    return loaded(tools={**READS, "refund": {"rules": [{"name": "ask", "action": "require_approval", **only(path, op, value)}]}})


@pytest.mark.parametrize(
    ("path", "name", "used", "shown"),
    [
        ("state.pay.paid", "pay.paid/micro", 50_000_000, 50),
        ("state.pay._rate_hour", "pay._rate_hour", 50, 50),
        ("state.policies.create.n", "policies.create.n", 50, 50),
        ("state._global._rate_minute", "_global._rate_minute", 50, 50),
    ],
)
def test_a_condition_reads_what_another_rule_counts(path: str, name: str, used: int, shown: int) -> None:
    """The counter is read before the call is judged, and compared in whole ones."""
    policy = reading(path, "gte", shown)
    assert [limit.name for limit in counters(policy, "refund")] == [name]
    assert counters(policy, "pay") == ()
    assert evaluate(policy, call("refund"), Situation(used={name: used})).effect is Effect.HOLD
    assert evaluate(policy, call("refund"), Situation(used={name: used - 1})).effect is Effect.ALLOW


def test_a_counter_that_was_not_read_opens_no_gate() -> None:
    """Without its value it cannot be told, so a person is asked."""
    assert evaluate(reading("state.pay.paid", "gte", 50), call("refund")).effect is Effect.HOLD


def test_a_counter_is_read_where_it_is_kept() -> None:
    """Another tool's calls are counted under that tool, whichever tool asks."""
    (read,) = counters(reading("state.pay.paid", "gte", 50), "refund")
    (kept, *_) = limits(reading("state.pay.paid", "gte", 50), amount=1)
    assert read.key(grant="g", server="bank", tool="refund") == kept.key(grant="g", server="bank", tool="pay")


def test_an_own_counter_is_read_by_other_operators() -> None:
    """Only `lt` and `lte` bound it; what is used before this call is compared."""
    policy = rules({"name": "pause", **only("state.pay.paid", "neq", 3), "state": STATE})
    assert [limit.max for limit in evaluate(policy, call("pay"), Situation(used={"pay.paid": 2})).limits] == [LARGEST]
    assert evaluate(policy, call("pay"), Situation(used={"pay.paid": 3})).rule == "/tools/pay/rules/pause"


def test_a_bound_in_a_rule_that_keeps_no_counter_reads_it() -> None:
    """`lt` on a counter of another rule is what is used before this call."""
    policy = rules(counted(100), {"name": "asserted", **only("state.pay.paid", "lt", 2)})
    assert evaluate(policy, call("pay"), Situation(used={"pay.paid": 1})).effect is Effect.ALLOW
    assert evaluate(policy, call("pay"), Situation(used={"pay.paid": 2})).rule == "/tools/pay/rules/asserted"


@pytest.mark.parametrize(
    ("rule", "place", "word"),
    [
        ({**only("args.a", "eq", 1), "state": "paid"}, "/state", "{counter, window}"),
        ({**only("args.a", "eq", 1), "state": {**STATE, "windows": "day"}}, "/state/windows", 'did you mean "window"'),
        ({**only("args.a", "eq", 1), "state": {**STATE, "max": 5}}, "/state/max", "Known here"),
        ({**only("args.a", "eq", 1), "state": {"window": "day"}}, "/state", "counter: calls"),
        ({**only("args.a", "eq", 1), "state": {**STATE, "counter": ""}}, "/state/counter", "its name"),
        ({**only("args.a", "eq", 1), "state": {**STATE, "counter": [5]}}, "/state/counter", "its name"),
        ({**only("args.a", "eq", 1), "state": {"counter": "paid"}}, "/state", "window: hour"),
        (counted(5, window="week"), "/state/window", "minute, hour, day"),
        (counted(5, window="Day"), "/state/window", 'did you mean "day"'),
        (counted(5, window=60), "/state/window", "a number"),
        (counted(5, increment=-1), "/state/increment", "whole number"),
        (counted(5, increment=0.5), "/state/increment", "increment_from"),
        (counted(5, increment="1"), "/state/increment", "whole number"),
        (counted(5, increment=True), "/state/increment", "whole number"),
        (counted(5, increment_from="amount"), "/state/increment_from", '"args.amount"'),
        (counted(5, increment_from="args."), "/state/increment_from", '"args.amount"'),
        (counted(5, increment_from="state.pay.paid"), "/state/increment_from", '"args.amount"'),
        (counted(5, increment_from=["args.a"]), "/state/increment_from", "a list"),
        (counted("5"), "/conditions/0/value", "without quotes"),
        (
            only("state.pay.paid", "lte", 5),
            "/conditions/0/path",
            'state block is missing. Write state: {"counter": "paid", "window": "hour"}',
        ),
        (only("state.ask.asked", "lte", 5), "/conditions/0/path", '"state.TOOL.COUNTER"'),
        ({**only("state.pay.payd", "lte", 5), "state": STATE}, "/conditions/0/path", 'did you mean "state.pay.paid"'),
        ({**only("state.other.sum", "lte", 5), "state": STATE}, "/conditions/0/path", "Kept here: state.pay.paid."),
    ],
)
def test_one_wrong_thing_is_told_with_its_place_and_remedy(rule: JSON, place: str, word: str) -> None:
    """Each slip has one problem, at its place, with what to write."""
    written = intercept(tools={"pay": {"rules": [rule]}})
    assert places(written) == [f"{AT}{place}"]
    assert word in said(written, f"{AT}{place}")


def test_a_long_list_of_counters_is_cut() -> None:
    """The counters that there are help only as long as they can be overlooked."""
    kept: list[JSON] = [{**only("args.a", "eq", 1), "state": {"counter": f"n{n}", "window": "day"}} for n in range(8)]
    written = intercept(tools={"pay": {"rules": [*kept, only("state.zzz.qqqqqqqq", "eq", 1)]}})
    assert "and 3 more." in said(written, "/tools/pay/rules/8/conditions/0/path")


@pytest.mark.parametrize(
    ("listed", "place"),
    [
        ([{"rate_limit": "5/hour"}, {"rate_limit": "9/hour"}], "/tools/pay/rules/1/rate_limit"),
        ([counted(5), counted(9)], "/tools/pay/rules/1/state/counter"),
        ([counted(5), counted(9, window="hour")], "/tools/pay/rules/1/state/counter"),
        ([{"rate_limit": "5/hour"}, counted(9, counter="_rate_hour")], "/tools/pay/rules/1/state/counter"),
    ],
)
def test_a_counter_is_kept_by_one_rule(listed: list[JSON], place: str) -> None:
    """Two rules would add to one counter twice."""
    written = intercept(tools={"pay": {"rules": listed}})
    assert place in places(written)
    assert "duplicate state counter" in said(written, place)


def test_a_counter_of_two_tools_has_two_names() -> None:
    """Where names and dots would make one name of two, the second is refused."""
    state: JSON = {"counter": "b.c", "window": "day"}
    other: JSON = {"counter": "c", "window": "day"}
    condition = only("args.a", "eq", 1)
    written = intercept(tools={"a": {"rules": [{**condition, "state": state}]}, "a.b": {"rules": [{**condition, "state": other}]}})
    assert places(written) == ["/tools/a.b/rules/0/state/counter"]


def test_tools_may_limit_the_same_window() -> None:
    """A rate of one tool is no duplicate of another tool's."""
    tools: dict[str, JSON] = {name: {"rules": [{"rate_limit": "5/hour"}, {"rate_limit": "1/minute"}]} for name in ("pay", "ask", "*")}
    assert len(limits(loaded(tools=tools))) == 4


def test_what_counts_nothing_is_noted() -> None:
    """An increment of 0 is legal, and one beside `increment_from` is not used."""
    (note,) = rules(counted(5, increment=0)).notes
    assert (note.pointer, "never fills" in note.message) == (f"{AT}/state/increment", True)
    (note,) = rules(counted(5, increment=2, increment_from="args.amount")).notes
    assert (note.pointer, "not used" in note.message) == (f"{AT}/state/increment", True)
    assert rules(counted(5, increment=2)).notes == ()


def test_a_large_sum_is_held_within_what_can_be_counted() -> None:
    """A counter of amounts counts millionths, and stays within 64 bits."""
    (limit,) = limits(rules(counted(2**60, increment_from="args.amount")), amount=1)
    assert limit.ceiling <= LARGEST
    assert json.loads(json.dumps(limit.ceiling)) == limit.ceiling
