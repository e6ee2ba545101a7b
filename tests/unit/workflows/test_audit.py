"""The hash of a row covers every field of it, and no two rows read alike."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.audit import GENESIS, Tag, row_hash

_ROW: dict[str, object] = {
    "seq": 7,
    "at": datetime(2026, 1, 15, 12, 0, 20, 123456, tzinfo=UTC),
    "event": "request.hold",
    "actor": "agent:support-agent",
    "request_id": "apr_1",
    "agent": "support-agent",
    "server": "payments",
    "tool": "create_refund",
    "detail": "{}",
}


def test_every_field_and_the_row_before_are_in_the_hash() -> None:
    """Another value, or none, in any of them is another hash."""
    rows = [_ROW, {**_ROW, "seq": 8}, {**_ROW, "at": datetime(2026, 1, 15, 12, 0, 20, 123457, tzinfo=UTC)}]
    for name in ("event", "actor", "request_id", "agent", "server", "tool", "detail"):
        rows += [{**_ROW, name: f"{_ROW[name]} "}, {**_ROW, name: None}, {**_ROW, name: ""}]
    marks = [row_hash(GENESIS, row) for row in rows] + [row_hash("0" * 64, _ROW)]
    assert all(first != second for first, second in combinations(marks, 2))


def test_a_moment_has_one_hash_whatever_its_zone() -> None:
    """What a database gives back in UTC was perhaps written in another zone."""
    at = datetime(2026, 1, 15, 21, 0, 20, 123456, tzinfo=timezone(timedelta(hours=9)))
    assert row_hash(GENESIS, {**_ROW, "at": at}) == row_hash(GENESIS, _ROW)


@pytest.mark.parametrize("at", ["yesterday", "", None, 5])
def test_what_is_no_time_is_hashed_as_itself(at: object) -> None:
    """A row that was damaged has a hash of its own, and stops nothing."""
    assert row_hash(GENESIS, {**_ROW, "at": at}) != row_hash(GENESIS, {**_ROW, "at": "tomorrow"})


_WORDS = st.none() | st.text(st.sampled_from("ab+-\0:é"), max_size=4)
_NAMES = ("actor", "request_id", "agent", "server", "tool")


@given(st.tuples(*[_WORDS] * 5), st.tuples(*[_WORDS] * 5))
def test_text_cannot_move_from_one_field_to_the_next(first: tuple[str | None, ...], second: tuple[str | None, ...]) -> None:
    """Two rows have one hash only when they are one row."""
    marks = [row_hash(GENESIS, {**_ROW, **dict(zip(_NAMES, words, strict=True))}) for words in (first, second)]
    assert (marks[0] == marks[1]) == (first == second)


def test_the_tags_are_written_in_order_and_fit_their_column() -> None:
    """`subject.action`, sorted, so that a new one has one place to go."""
    tags = [tag.value for tag in Tag]
    assert tags == sorted(tags)
    assert all(tag.count(".") == 1 and len(tag) <= 40 for tag in tags)
