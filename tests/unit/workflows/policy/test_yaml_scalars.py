"""What plain words are to yaml.v3, and which of them other readers take for something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calls import JSON
from workflows.policy.yaml_scalars import plain, reading


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("text", "text"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-2", -2),
        ("0.50", 0.5),
        ("1.5e+3", 1500.0),
        ("1.5E-1", 0.15),
        ("18446744073709551616", 18446744073709551616),
        ("30m", "30m"),
        ("1.2.3", "1.2.3"),
        ("yEs", "yEs"),
        ("-", "-"),
        ("0x", "0x"),
        ("0b2", "0b2"),
        ("2026-01-01 is the day", "2026-01-01 is the day"),
        ("12:30 is the time", "12:30 is the time"),
    ],
)
def test_words_that_all_readers_agree_on(word: str, value: JSON) -> None:
    """Text, JSON's numbers, true, false and null are read as in JSON."""
    found = plain(word)
    assert (found.value, found.disputed, found.valueless) == (value, False, False)
    assert type(found.value) is type(value)


TEXT = [
    "yes",
    "Yes",
    "YES",
    "no",
    "No",
    "NO",
    "on",
    "On",
    "ON",
    "off",
    "Off",
    "OFF",
    "y",
    "Y",
    "n",
    "N",
    "12:30",
    "1:30:00",
    "190:20:30.15",
]
TEXT += ["=", "<<", "1e999", "1.0e+999", "0xFFFFFFFFFFFFFFFFF", "9" * 5_000]


@pytest.mark.parametrize("word", TEXT)
def test_disputed_words_that_are_text(word: str) -> None:
    """YAML 1.1 has more words and numbers than yaml.v3; what is out of range is text there."""
    found = plain(word)
    assert (found.value, found.disputed, found.valueless) == (word, True, False)
    assert reading(word, found.value) == f"{word[:40]} is read as text, as Intercept reads it: write it in quotes."


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("True", True),
        ("TRUE", True),
        ("False", False),
        ("FALSE", False),
        ("Null", None),
        ("NULL", None),
        ("1e3", 1000),
        ("1.5e3", 1500),
        ("1e400000", "1e400000"),
        ("1e16", 1e16),
        ("1e-999", 0),
        ("+1", 1),
        ("+1.5", 1.5),
        (".5", 0.5),
        (".5e3", 500),
        ("-.5", -0.5),
        ("5.", 5),
        ("0x10", 16),
        ("0X1f", 31),
        ("-0x10", -16),
        ("0o14", 12),
        ("-0o7", -7),
        ("010", 8),
        ("-010", -8),
        ("00", 0),
        ("08", 8),
        ("019", 19),
        ("0b11", 3),
        ("1_000", 1000),
        ("1_000.5", 1000.5),
        ("-1_0", -10),
        ("0x_1F", 31),
        ("+9223372036854775807", 9223372036854775807),
        ("0xFFFFFFFFFFFFFFFF", 2**64 - 1),
        ("-0x8000000000000000", -(2**63)),
        ("-0x8000000000000001", "-0x8000000000000001"),
        ("+0x8000000000000000", "+0x8000000000000000"),
    ],
)
def test_disputed_words_that_are_something_else(word: str, value: JSON) -> None:
    """yaml.v3 reads Go's bases, underscores and all forms of a fraction."""
    found = plain(word)
    assert (found.value, found.disputed, found.valueless) == (value, True, False)
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    "word", ["2026-01-01", "2026-1-1", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00.5 +02:00", "2026-01-01 10:00:00,5"]
)
def test_dates_and_times_have_no_value(word: str) -> None:
    """JSON has no dates."""
    found = plain(word)
    assert (found.value, found.disputed, found.valueless) == (word, True, True)


@pytest.mark.parametrize("word", [".inf", ".Inf", "+.INF", "-.inf", ".nan", ".NaN", ".NAN", ".5_0"])
def test_what_is_no_finite_number_has_no_value(word: str) -> None:
    """JSON has neither; nor is it told how a fraction that starts with its point has an underscore."""
    assert plain(word).valueless


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("1_000", "1_000 is read as 1000, as Intercept reads it: write 1000, or 1_000 in quotes if it is text."),
        ("True", "True is read as true, as Intercept reads it: write true, or True in quotes if it is text."),
        ("NULL", "NULL is read as null, as Intercept reads it: write null, or NULL in quotes if it is text."),
        ("1e-5", "1e-5 is read as 1.0e-05, as Intercept reads it: write 1.0e-05, or 1e-5 in quotes if it is text."),
        (".5", ".5 is read as 0.5, as Intercept reads it: write 0.5, or .5 in quotes if it is text."),
    ],
)
def test_a_reading_says_what_to_write(word: str, said: str) -> None:
    """What is advised means the same to every reader."""
    assert reading(word, plain(word).value) == said


@given(st.text("+-.0123456789_eExXoObBfFnNyY:aAiI~ TtZ", max_size=12))
def test_every_word_is_read_and_its_value_is_agreed_on(word: str) -> None:
    """No word makes it raise; a number that it names in a note is disputed by nobody."""
    found = plain(word)
    if found.disputed and not isinstance(found.value, str):
        assert plain(reading(word, found.value).partition(" is read as ")[2].partition(",")[0]).disputed is False
