"""Long texts are cut so that what is left out is counted."""

import pytest
from hypothesis import given

from bot.slack import cutting
from tests.unit.bot.slack.rows import texts


@given(texts)
def test_pages_joined_again_are_the_whole(text: str) -> None:
    """And none is longer than a page."""
    made = list(cutting.pages(text * 40))
    assert "".join(made) == text * 40
    assert all(0 < len(page) <= cutting.PAGE for page in made)


def test_a_page_ends_where_a_line_does() -> None:
    """Unless the line is longer than a page."""
    lines = "line of a text\n" * 500
    assert all(page.endswith("\n") for page in cutting.pages(lines))
    assert [len(page) for page in cutting.pages("x" * 6000)] == [cutting.PAGE, cutting.PAGE, 200]


@given(texts)
def test_what_is_kept_of_a_line_and_what_is_not_is_all_of_it(text: str) -> None:
    """The count is of characters."""
    kept, more = cutting.kept(text, 40)
    assert text.startswith(kept)
    assert 0 <= len(text) - len(kept) - more <= 3
    assert (more == 0) is (cutting.cut(kept, more) == kept)


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ((0, 0, 0), ""),
        ((1, 2, 3000), "1 value cut, 2 lines left out, 3,000 characters hidden"),
        ((0, 1, 1), "1 line left out, 1 character hidden"),
    ],
)
def test_what_is_left_out_is_said(counted: tuple[int, int, int], said: str) -> None:
    """In the words that a card has for it."""
    assert cutting.counts(*counted) == said
    assert cutting.skipped(1) == "… 1 more line"


def test_runs_of_spaces_are_seen() -> None:
    """What is far to the right is not out of sight; indentation is none of it."""
    assert cutting.spaced("    a      b\u3000\u3000\u3000c") == "    a␣␣␣␣␣␣b" + "\\u{3000}" * 3 + "c"
