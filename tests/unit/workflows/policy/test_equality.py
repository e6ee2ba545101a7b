"""Equality of JSON values."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.calls import JSON
from workflows.policy import equality
from workflows.policy.equality import decimal, equal_to, is_number, one_of, same

LOOK_ALIKES: list[JSON] = [0.5, 1.0, -0.0, 1e20, "1", "1.0", "0.5", "true", "x", "", "1e20", "1e999999999"]
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(LOOK_ALIKES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)


@given(json_values)
def test_sameness_is_reflexive(value: object) -> None:
    """A value is the same as itself."""
    assert same(value, value)


@given(json_values, json_values)
def test_sameness_goes_both_ways(one: object, other: object) -> None:
    """Whichever is asked first, and equality agrees where both are of one kind."""
    assert same(one, other) is same(other, one)


def test_booleans_are_no_numbers() -> None:
    """Python takes one for the other."""
    assert not same([True], [1])
    assert not same({"a": 0}, {"a": False})
    assert same({"a": [1, 2.5]}, {"a": [1.0, 2.5]})
    numbers, others = (1, 1.5, Decimal(1)), (True, "1", float("inf"), None)
    assert all(map(is_number, numbers))
    assert not any(map(is_number, others))


def test_decimals_are_what_was_written() -> None:
    """A float is the decimal it was written as, not the nearest binary fraction."""
    assert decimal(0.1) == Decimal("0.1")
    assert decimal("0.1") == Decimal("0.1")
    others: tuple[object, ...] = (True, None, [], "x", "1e", "01", "9" * 1_001, float("nan"))
    assert [decimal(value) for value in others] == [None] * 8


@settings(deadline=None)
@given(st.lists(json_values, max_size=6), json_values)
def test_one_of_many_is_what_each_of_them_says(members: list[JSON], value: object) -> None:
    """Looking for a value once among all texts and numbers comes to what comparing it with each of them does."""
    answers = [equal_to(member)(value) for member in members]
    assert one_of(members)(value) is (True if True in answers else False if False in answers or not answers else None)


@pytest.mark.parametrize("members", [[*range(5_000)], [str(number) for number in range(5_000)], [*range(2_500), *map(str, range(2_500))]])
def test_a_value_is_read_once_for_a_long_list(members: list[JSON], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many members a rule lists, the argument is looked for, not compared with each of them."""
    read: list[object] = []

    def counting(value: object) -> Decimal | None:
        read.append(value)
        return decimal(value)

    among = one_of(members)
    monkeypatch.setattr(equality, "decimal", counting)
    values: list[JSON] = [4_999, "9" * 1_000, "x", 0.5]
    for each in values:
        among(each)
    assert len(read) <= 8
