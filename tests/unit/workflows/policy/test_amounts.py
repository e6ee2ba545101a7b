"""What a call adds to its limits."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import call, only, tool
from workflows.calls import JSON
from workflows.policy import Effect, Limit, Scope, Verdict, Window, evaluate
from workflows.policy.amounts import LARGEST, measured, shown
from workflows.policy.limits import MICRO

CALLS: dict[str, JSON] = {"counter": "calls", "window": "minute", "max": 3, "scope": "grant"}
SPEND: dict[str, JSON] = {"counter": "spend", "window": "day", "max": 500, "scope": "grant", "increment_from": "args.amount"}
DEEP: dict[str, JSON] = {**SPEND, "increment_from": "args.order.amount"}


def counted(arguments: dict[str, JSON], *limits: dict[str, JSON]) -> Verdict:
    """Judge a call of a tool with limits."""
    return evaluate(tool(limits=[*limits]), call("pay", **arguments))


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (5, 5_000_000),
        (0, 0),
        ("5", 5_000_000),
        (0.1, 100_000),
        ("0.000001", 1),
        (12.5, 12_500_000),
        ("1.50", 1_500_000),
        ("1e2", 100_000_000),
        ("-0", 0),
        (-0.0, 0),
        ("0e400", 0),
        ("0." + "0" * 997, 0),
        ("1." + "0" * 998, 1_000_000),
        (9_007_199_254, 9_007_199_254_000_000),
        ("9007199254.740991", LARGEST),
    ],
)
def test_an_amount_is_counted_exactly(amount: JSON, units: int) -> None:
    """Amounts are counted in millionths, and nothing is rounded on the way."""
    verdict = counted({"amount": amount}, SPEND)
    assert verdict.effect is Effect.ALLOW
    assert [(limit.amount, limit.unit, limit.ceiling) for limit in verdict.limits] == [(units, MICRO, 500 * MICRO)]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({}, "it is missing"),
        ({"amount": None}, "null"),
        ({"amount": True}, "a boolean"),
        ({"amount": [5]}, "a list"),
        ({"amount": {"value": 5}}, "an object"),
        ({"amount": "five"}, "text that is not a number"),
        ({"amount": "NaN"}, "text that is not a number"),
        ({"amount": " 5"}, "text that is not a number"),
        ({"amount": "9" * 1_001}, "text that is not a number"),
        ({"Amount": 5}, "letter case"),
        ({"amount": 5, "AMOUNT": 6}, "letter case"),
        ({"amount": -1}, "negative"),
        ({"amount": "-0.000001"}, "negative"),
        ({"amount": -(10**4_000)}, "negative"),
        ({"amount": "-1e999999999"}, "negative"),
        ({"amount": "0.0000001"}, "six decimals"),
        ({"amount": 0.1 + 0.2}, "six decimals"),
        ({"amount": "1e-999999999"}, "six decimals"),
        ({"amount": "0." + "0" * 996 + "1"}, "six decimals"),
        ({"amount": "9007199254.740992"}, "too large"),
        ({"amount": "1e400"}, "too large"),
        ({"amount": "1e999999999"}, "too large"),
        ({"amount": "9" * 1_000}, "too large"),
        ({"amount": 10**4_000}, "too large"),
    ],
)
def test_what_cannot_be_counted_exactly_is_denied(arguments: dict[str, JSON], word: str) -> None:
    """The refusal names the limit, the argument and what is wrong with it, and never repeats the value."""
    verdict = counted(arguments, SPEND)
    assert (verdict.effect, verdict.rule, verdict.limits) == (Effect.DENY, "/tools/pay/limits/spend", ())
    assert verdict.message.startswith("args.amount is counted by the limit spend: ")
    assert word in verdict.message
    assert len(verdict.message) < 200


def test_an_amount_inside_an_object_is_found() -> None:
    """A path leads into objects, and says which step is none."""
    assert counted({"order": {"amount": 2}}, DEEP).limits[0].amount == 2 * MICRO
    assert "args.order.amount" in counted({"order": {}}, DEEP).message
    assert "args.order is a list" in counted({"order": [{"amount": 2}]}, DEEP).message


def test_a_limit_that_counts_calls_adds_one() -> None:
    """Amounts and calls are counted side by side, in the order of the document."""
    verdict = counted({"amount": 2}, CALLS, SPEND)
    assert [(limit.counter, limit.amount, limit.ceiling) for limit in verdict.limits] == [
        ("calls", 1, 3),
        ("spend", 2 * MICRO, 500 * MICRO),
    ]
    assert [limit.amount for limit in counted({}, CALLS).limits] == [1]


def test_a_held_call_is_measured_too() -> None:
    """What could not be reserved at its release is refused before people are asked."""
    loaded = tool(limits=[SPEND], require_approval=[{"conditions": []}])
    assert evaluate(loaded, call("pay", amount=3)).limits[0].amount == 3 * MICRO
    assert evaluate(loaded, call("pay", amount=3)).effect is Effect.HOLD
    assert evaluate(loaded, call()).effect is Effect.DENY


def test_a_denied_call_is_not_measured() -> None:
    """A denial by a rule says what the rule says, and reserves nothing."""
    verdict = evaluate(tool(limits=[SPEND], deny_if=[{**only("args.to", "eq", "x"), "on_deny": "Not to x."}]), call("pay", to="x"))
    assert (verdict.message, verdict.limits) == ("Not to x.", ())


def test_limits_of_a_hidden_tool_are_not_measured() -> None:
    """A verdict that reserves nothing stays as it is."""
    count = measured((Limit("/l", "spend", Window.DAY, 1, Scope.GRANT, increment_from=("amount",)),))
    assert count is not None
    denied = Verdict(Effect.DENY, "(hidden)", "No.")
    assert count(call(), denied) == denied
    assert measured((Limit("/l", "calls", Window.DAY, 1, Scope.GRANT),)) is None


@settings(deadline=None)
@given(st.decimals(min_value=0, max_value=9_007_199_254, places=6), st.booleans())
def test_every_amount_of_six_decimals_is_counted_as_it_is(amount: Decimal, exponent: bool) -> None:  # noqa: FBT001  # drawn
    """Whatever the writing, the units are the amount's millionths."""
    text = f"{int(amount * MICRO)}e-6" if exponent else f"{amount:f}"
    assert counted({"amount": text}, SPEND).limits[0].amount == int(amount * MICRO)


@settings(deadline=None)
@given(
    st.one_of(
        st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{1,30})?(e-?[0-9]{1,12})?")
    )
)
def test_an_amount_never_lowers_a_counter(amount: Any) -> None:  # noqa: ANN401  # any number
    """A call is refused, or adds a whole number of units from 0."""
    verdict = counted({"amount": amount}, SPEND)
    assert [limit for limit in verdict.limits if not (type(limit.amount) is int and 0 <= limit.amount <= LARGEST)] == []
    assert (verdict.effect is Effect.DENY) is not bool(verdict.limits)


@pytest.mark.parametrize(
    ("units", "written"), [(0, "0"), (1, "0.000001"), (10_000_000, "10"), (1_500_000, "1.5"), (LARGEST, "9007199254.740991")]
)
def test_units_are_shown_as_amounts(units: int, written: str) -> None:
    """People read 5, not 5000000."""
    assert shown(units, Limit("/l", "spend", Window.DAY, 1, Scope.GRANT, increment_from=("amount",))) == written


def test_calls_are_shown_as_they_are() -> None:
    """A counter of calls has no millionths."""
    assert shown(30, Limit("/l", "calls", Window.DAY, 1, Scope.GRANT)) == "30"
