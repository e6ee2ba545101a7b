"""What a call adds to its limits: one, or a number among its arguments. Law: what cannot be counted exactly is denied, never rounded."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Final, TypeAlias

from workflows.calls import ToolCall
from workflows.policy.equality import decimal
from workflows.policy.limits import Limit
from workflows.policy.paths import MISSING, Unclear, argument, kind
from workflows.policy.shapes import Effect, Verdict

LARGEST: Final = 2**53 - 1
"""The most that one call may add, in units: what a counter holds stays far from the end of a 64-bit column."""

_EXACT: Final = Context(prec=1_100, Emin=MIN_EMIN, Emax=MAX_EMAX)  # 1,000 digits of text, any exponent: nothing of it is rounded away

Counted: TypeAlias = Callable[[ToolCall, Verdict], Verdict]
"""Puts the amounts of a call into the limits of its verdict, or denies it."""

_Measure: TypeAlias = Callable[[ToolCall], Limit | Verdict]


def measured(limits: Iterable[Limit]) -> Counted | None:
    """Compile the limits of a tool; None when each call adds to all of them what the document says, and nothing is to be measured."""
    measures = [_measure(limit) for limit in limits]
    if not any(limit.increment_from for limit in limits):
        return None

    def count(call: ToolCall, verdict: Verdict) -> Verdict:
        found: list[Limit] = []
        for measure in measures if verdict.limits else ():
            limit = measure(call)
            if isinstance(limit, Verdict):
                return limit
            found.append(limit)
        return replace(verdict, limits=tuple(found))

    return count


def _measure(limit: Limit) -> _Measure:
    if not limit.increment_from:
        return lambda _: limit
    read, place = argument(limit.increment_from), f"args.{'.'.join(limit.increment_from)}"

    def measure(call: ToolCall) -> Limit | Verdict:
        amount = _units(read(call), place, limit)
        return replace(limit, amount=amount) if isinstance(amount, int) else Verdict(Effect.DENY, limit.rule, amount)

    return measure


def _units(value: object, place: str, limit: Limit) -> int | str:
    """Count an argument in units of the limit; a sentence when that cannot be done exactly."""
    number = None if value is MISSING or isinstance(value, Unclear) else decimal(value)
    why = _why_not(value) if number is None else _why_no_amount(number, limit)
    if why is None and number is not None:
        return int(_EXACT.multiply(number, limit.unit))
    return f"{place} is counted by the limit {limit.counter}: {why}"


def _why_not(value: object) -> str:
    if value is MISSING:
        return "it is missing. Send it."
    if isinstance(value, Unclear):
        return value.why
    return f"it is {'text that is not a number' if isinstance(value, str) else kind(value)}. Send a number."


def _why_no_amount(number: Decimal, limit: Limit) -> str | None:
    if number < 0:
        return "it is negative, which would raise what is left. Send a number from 0."
    if (number and number.adjusted() > len(str(LARGEST))) or (units := _EXACT.multiply(number, limit.unit)) > LARGEST:
        return "it is too large to be counted. Send a smaller one."
    return None if units == units.to_integral_value() else "it has more than six decimals. Send a rounder number."


def shown(units: int, limit: Limit) -> str:
    """Write a number of units as people read it: 5, not 5000000."""
    return f"{(Decimal(units) / limit.unit).normalize():f}"
