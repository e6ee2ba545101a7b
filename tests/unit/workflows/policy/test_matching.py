"""Tool names against patterns."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.policy.matching import any_of, is_pattern, matcher


@pytest.mark.parametrize(
    ("pattern", "tool", "matches"),
    [
        ("pay", "pay", True),
        ("pay", "pay_invoice", False),
        ("pay", "Pay", False),
        ("policies.create", "policiesXcreate", False),
        ("*", "", True),
        ("*", "anything.at/all", True),
        ("binance_us_*", "binance_us_", True),
        ("binance_us_*", "binance_us_trade", True),
        ("binance_us_*", "my_binance_us_trade", False),
        ("*_delete", "d1_database_delete", True),
        ("*_delete", "delete_database", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a*b*b", "ab", False),
        ("*ab*ba*", "aba", False),
        ("*ab*ba*", "abba", True),
        ("**", "x", True),
        ("a**b", "ab", True),
        ("a?c", "abc", False),
        ("a?*", "a?c", True),
        ("[ab]*", "a", False),
        ("*x*", "\n x \n", True),
    ],
)
def test_a_star_is_any_run_and_all_else_is_itself(pattern: str, tool: str, matches: bool) -> None:  # noqa: FBT001  # a table's column
    """Only * is special."""
    assert matcher(pattern)(tool) is matches
    assert any_of(["never", pattern])(tool) is matches


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_matching_agrees_with_the_shell_for_stars(pattern: str, tool: str) -> None:
    """The matcher agrees with the standard library where both know the pattern."""
    assert matcher(pattern)(tool) is fnmatch.fnmatchcase(tool, pattern)


def test_only_a_star_makes_a_pattern() -> None:
    """Dots, brackets and question marks are part of names."""
    assert is_pattern("a*")
    assert not is_pattern("a.b[c]?")


def test_nothing_matches_nothing() -> None:
    """An empty list hides nothing."""
    assert not any_of([])("pay")
