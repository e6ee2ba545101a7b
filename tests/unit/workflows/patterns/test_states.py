"""How many states a search can be in."""

import pytest
from hypothesis import given, settings

from tests.unit.workflows.patterns.written import patterns
from workflows.patterns.reading import NotUnderstood, read
from workflows.patterns.states import FEW, Machine, has_few_states


@pytest.mark.parametrize(
    ("pattern", "states"),
    [
        ("", 1),
        ("a", 2),
        ("abc", 4),
        ("[0-9]{5}", 6),
        ("a.{2}", 8),  # which of the last three characters were an a
        ("a.{4}", 32),
        ("a[ab]{3}", 16),
    ],
)
def test_states_are_counted(pattern: str, states: int) -> None:
    """A count in a pattern is remembered for each place where it may have begun: twice as many states for one more."""
    assert Machine(read(pattern)).states() == states


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "(x+x+)+y",
        "(a|aa)+$",
        "(.*)*x",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        r"(?i)\bdrop\s+(table|database)\b",
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        r"\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b",
        r"\b4[0-9]{12}\b",
        "[0-9]{16}",
        r"^https?://([a-z0-9-]+\.)*example\.com(/|$)",
        r"^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$",
        r"(?s)-----BEGIN.*-----END",
        r"(?i)\b(rm|del)\s+-rf?\b",
        "|".join(f"word{number}" for number in range(600)),
        r"(?i)\b(" + "|".join(f"word{number}" for number in range(400)) + r")\b",
        "secret-" * 150,
    ],
)
def test_what_people_write_has_few_states(pattern: str) -> None:
    """Also what runs away in other engines: it may be searched for in texts of any length."""
    assert has_few_states(pattern)


@pytest.mark.parametrize(
    "pattern", ["a.{500}c", "(a|b)*a(a|b){20}c", "(a?){1000}a{1000}", "(.{0,500}){2}z", r"\pL", "^.*a.{800}$", "4[0-9]{12}"]
)
def test_what_has_many_states_or_is_not_understood_has_not(pattern: str) -> None:
    """These make RE2 go on by its slower engine in some text."""
    assert not has_few_states(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a?){300}a{300}",  # few states, of too many places to be counted in time
        "b?" + "ab" * 300,  # counted, and more than few
        "|".join(f"word{number}" for number in range(800)),  # more than 5,000 letters
        "a" + "(a|b)" * 12,  # not a list of words, but of as many as there are
        "ab|[a-c]" + "[ab]" * 9 + "|[a-c]" * 3 + "a" * 1_001,  # letters that overlap
    ],
)
def test_bounds_hold_on_their_own(pattern: str) -> None:
    """Each of the bounds stops something that the others let pass."""
    assert not has_few_states(pattern)


@settings(deadline=None)
@given(patterns)
def test_counting_ends(pattern: str) -> None:
    """Whatever the pattern, the work is bounded, and the count stops just beyond what is few."""
    try:
        machine = Machine(read(pattern))
        assert 1 <= machine.states() <= FEW + 50
    except NotUnderstood:
        assert not has_few_states(pattern)
