"""When two JSON values are equal. Law: numbers are compared exactly, and what cannot be compared is not called unequal."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Final, TypeAlias

from workflows.calls import JSON

Equal: TypeAlias = Callable[[object], bool | None]
"""Whether a value equals the rule's; None when the two cannot be compared."""

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER: Final = 1_000


def is_number(value: object) -> bool:
    """Tell a number: of JSON, or what a counter holds; booleans are not numbers."""
    return type(value) is int or (type(value) is float and isfinite(value)) or type(value) is Decimal


def decimal(value: object) -> Decimal | None:
    """Give the exact decimal of a number as it was read, or of a text that is a JSON number; None for anything else."""
    if type(value) in {int, Decimal}:
        return Decimal(value)  # type: ignore[arg-type]  # one of the two
    if type(value) is float:
        return Decimal(repr(value)) if isfinite(value) else None
    if type(value) is str and len(value) <= _LONGEST_NUMBER and _NUMBER.fullmatch(value):
        try:
            return Decimal(value)
        except InvalidOperation:
            return None
    return None


def equal_to(expected: JSON) -> Equal:
    """Compile equality with one rule value, as the table of `conditions` has it."""
    if expected is None:
        return lambda value: value is None
    if type(expected) is bool:
        return _equal_to_boolean(expected=expected)
    if is_number(expected):
        return _equal_to_number(expected)
    if type(expected) is str:
        return _among_texts(frozenset({expected}))
    return lambda value: False if value is None else same(value, expected) if type(value) is type(expected) else None


def _equal_to_boolean(*, expected: bool) -> Equal:
    written = "true" if expected else "false"

    def equal(value: object) -> bool | None:
        if value is None:
            return False
        if type(value) is bool:
            return value is expected
        return value == written if type(value) is str and value in {"true", "false"} else None

    return equal


def _equal_to_number(expected: JSON) -> Equal:
    native, exact = type(expected), decimal(expected)
    other = _among_numbers(frozenset() if exact is None else frozenset({exact}))
    return lambda value: value == expected if type(value) is native else other(value)


def _among_numbers(numbers: frozenset[Decimal]) -> Equal:
    def equal(value: object) -> bool | None:
        if value is None:
            return False
        number = decimal(value)
        return None if number is None else number in numbers

    return equal


def _among_texts(texts: frozenset[str]) -> Equal:
    def equal(value: object) -> bool | None:
        if type(value) is str:
            return value in texts
        if value is None:
            return False
        if type(value) is bool:
            return ("true" if value else "false") in texts
        number = decimal(value)
        return None if number is None else _written(number) in texts

    return equal


def _written(number: Decimal) -> str:
    """Write a number plainly: 5, not 5.0 and not 5E+0."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def same(one: object, other: object) -> bool:
    """Compare two JSON values deeply: numbers by their decimals, booleans never equal to numbers."""
    if type(one) is type(other) and type(one) in {int, str}:
        return one == other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if is_number(one) and is_number(other):
        return decimal(one) == decimal(other)
    return type(one) is type(other) and one == other


def one_of(members: Sequence[JSON]) -> Equal:
    """Compile equality with any of a rule's values; however many texts and numbers there are, a value is looked for once."""
    texts = frozenset(member for member in members if type(member) is str)
    numbers = frozenset(number for member in members if is_number(member) and (number := decimal(member)) is not None)
    tests = [equal_to(member) for member in members if type(member) is not str and not is_number(member)]
    tests += [_among_numbers(numbers)] if numbers else []
    tests += [_among_texts(texts)] if texts else []
    if len(tests) == 1:
        return tests[0]

    def equal(value: object) -> bool | None:
        answers = [test(value) for test in tests]
        if True in answers:
            return True
        return False if False in answers or not answers else None

    return equal
