"""Durations as Go writes them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy.intercept_documents import few
from workflows.policy import go_durations


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30m", timedelta(minutes=30)),
        ("1h", timedelta(hours=1)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        (".5h", timedelta(minutes=30)),
        ("2.h", timedelta(hours=2)),
        ("90s", timedelta(seconds=90)),
        ("300ms", timedelta(milliseconds=300)),
        ("2h45m0.5s", timedelta(hours=2, minutes=45, milliseconds=500)),
        ("5us", timedelta(microseconds=5)),
        ("5\u00b5s", timedelta(microseconds=5)),
        ("5\u03bcs", timedelta(microseconds=5)),
        ("1m1m", timedelta(minutes=2)),
        ("+1s", timedelta(seconds=1)),
        ("0h7s", timedelta(seconds=7)),
        ("1ns", timedelta(microseconds=1)),
        ("1001ns", timedelta(microseconds=2)),
        ("0.3333333333333333333h", timedelta(seconds=1_200)),
        ("2562047h47m16.854775807s", timedelta(microseconds=9_223_372_036_854_776)),
    ],
)
def test_what_go_reads_is_read(text: str, meant: timedelta) -> None:
    """Units join in any order; what is finer than a microsecond is rounded up."""
    assert go_durations.parse(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "0s", "0h0m", "30", "m", ".s", "1.5", "-1h", "2d", "1w", "1H", "1 h", " 1h", "1h ", "1h,2m", "1hm", "1..5h", "1e3s"),
        *("\u0661h", "2562048h", "300y", "9" * 100 + "h", "1" + "0" * 5_000 + "ns", "1h\n"),
    ],
)
def test_what_go_refuses_or_is_no_time_at_all_is_none(text: str) -> None:
    """Days are no unit of Go, and nothing may be negative, nothing, or longer than Go holds."""
    assert go_durations.parse(text) is None


@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(["h", "m", "s", "ms", "us"])), min_size=1, max_size=6))
@few
def test_the_parts_are_added_up(parts: list[tuple[int, str]]) -> None:
    """A duration is the sum of its parts, in any order and number."""
    size = {
        "h": timedelta(hours=1),
        "m": timedelta(minutes=1),
        "s": timedelta(seconds=1),
        "ms": timedelta(milliseconds=1),
        "us": timedelta(microseconds=1),
    }
    meant = sum((count * size[unit] for count, unit in parts), timedelta())
    assert go_durations.parse("".join(f"{count}{unit}" for count, unit in parts)) == (meant or None)
