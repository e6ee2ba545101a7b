"""Patterns as trees."""

import pytest
import re2
from hypothesis import assume, example, given, settings

from tests.unit.workflows.patterns.written import patterns, texts
from workflows.patterns.reading import NotUnderstood, inverted, read
from workflows.patterns.states import Machine


def _accepted(pattern: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        return False
    return True


@settings(deadline=None, max_examples=400)
@given(patterns, texts)
@example(r"\b", "")
@example("$", "\n")
@example("(?m)$", "a\n")
@example("(?i)[A-z]", "K")
@example("(|a)+", "")
@example("a{,2}", "a{,2}")
@example("x|", "")
def test_a_pattern_is_read_as_re2_reads_it(pattern: str, text: str) -> None:
    """What the tree finds is what RE2 finds, so its states are those of RE2."""
    assume(_accepted(pattern))
    assert Machine(read(pattern)).finds(text) is (re2.search(pattern, text) is not None)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\B",
        r"\pL",
        r"\p{Greek}",
        "[[:alpha:]]",
        r"\Qa.b\E",
        r"\101",
        "(?i)[à-é]",
        "a{1001}",
        "(" * 101 + "a" + ")" * 101,
        "((a{40}){40}){40}",
    ],
)
def test_what_is_not_known_is_not_guessed(pattern: str) -> None:
    """The reader says so, or the machine does when it is too large."""
    with pytest.raises(NotUnderstood):
        Machine(read(pattern)).states()


@pytest.mark.parametrize("pattern", ["(", "a)", "[a", "a\\", "(?", "[^", "[a-", "\\x", "(?P<n"])
def test_a_pattern_that_re2_refuses_ends_in_no_other_way(pattern: str) -> None:
    """Only accepted patterns are asked about; others are not understood."""
    with pytest.raises(NotUnderstood):
        read(pattern)


@pytest.mark.parametrize(
    ("ranges", "others"),
    [
        ((), ((0, 0x10FFFF),)),
        (((0, 0x10FFFF),), ()),
        (((97, 122),), ((0, 96), (123, 0x10FFFF))),
        (((97, 99), (98, 101), (0, 0)), ((1, 96), (102, 0x10FFFF))),
    ],
)
def test_every_other_character_is_given(ranges: tuple[tuple[int, int], ...], others: tuple[tuple[int, int], ...]) -> None:
    """Ranges may overlap, and are in any order."""
    assert inverted(ranges) == others
