"""Searching texts for patterns."""

import pytest
import re2
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.workflows.patterns.written import patterns, texts
from workflows.patterns import LONGEST, MOST_WORK, escaped, pattern, searching, why_no_pattern

MANY = "a.{200}c"


@settings(deadline=None, max_examples=300)
@given(patterns, texts)
def test_a_search_finds_what_re2_finds(written: str, text: str) -> None:
    """By either engine."""
    assume(why_no_pattern(written) is None)
    assert pattern(written).search(text.encode()) is (re2.search(written, text) is not None)


@pytest.mark.parametrize(
    ("written", "text", "found"),
    [
        ("", "", True),
        ("a", "", False),
        ("^$", "", True),
        (r"\z", "abc", True),
        ("(x+x+)+y", "x" * 100_000, False),
        ("(x+x+)+y", "x" * 100_000 + "y", True),
        ("é+$", "caféé", True),
        (MANY, "a" + "b" * 200 + "c", True),
        (MANY, "a" + "b" * 199 + "c", False),
        (r"\pL+", "é", True),
    ],
)
def test_known_searches(written: str, text: str, found: bool) -> None:  # noqa: FBT001  # a table's column
    """An empty text, one of a hundred thousand letters, and patterns that either engine takes."""
    assert pattern(written).search(text.encode()) is found


def test_a_pattern_with_few_states_is_searched_for_in_any_text() -> None:
    """Its search reads each byte once."""
    assert pattern("(?i)drop table").longest is None


@pytest.mark.parametrize("written", [MANY, "(a|b)*a(a|b){20}c", "(a?){500}a{500}", r"\pL{3}"])
def test_another_is_searched_for_in_texts_that_are_short_enough(written: str) -> None:
    """So many bytes that instructions times bytes stay within the bound; a longer text is not begun."""
    compiled = pattern(written)
    assert compiled.longest is not None
    assert compiled.longest * searching._compiled(written, 1 << 23).programsize <= MOST_WORK
    assert compiled.search(b"a" * compiled.longest) is not None
    assert compiled.search(b"a" * (compiled.longest + 1)) is None


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("(", "RE2"),
        ("(?=a)", "look-around"),
        (r"(a)\1", "back-references"),
        ("((a{1000}){1000}){1000}", "RE2"),
        ("a" * (LONGEST + 1), "shorter"),
        (r"(?:\pL+\s?){1,100}x", "instructions"),
    ],
)
def test_what_cannot_be_searched_for_is_told(written: str, word: str) -> None:
    """With what to write."""
    assert word in (why_no_pattern(written) or "")


@pytest.mark.parametrize(("found", "told"), [(None, None), ([], None), ([1], False), ([0, 1], True)])
def test_a_search_that_gave_up_tells_nothing(found: list[int] | None, told: bool | None) -> None:  # noqa: FBT001  # a table's column
    """The end of a text is always found, unless RE2 gave up: that is not taken for a text without the pattern."""
    assert searching._telling(lambda _: found, 0)(b"abc") is told


@given(st.text(max_size=20), st.text(max_size=5), st.text(max_size=5))
def test_an_escaped_text_finds_itself(text: str, before: str, after: str) -> None:
    """And no other."""
    assert pattern(escaped(text)).search(f"{before}{text}{after}".encode()) is True
    assert pattern(escaped(text)).search(f"{before}{after}".encode()) is (text in before + after)


@given(st.text(max_size=30))
def test_no_text_makes_it_raise(written: str) -> None:
    """A text is a pattern, or it is told why not."""
    if why_no_pattern(written) is None:
        assert pattern(written).search(b"abc") in {True, False}
