"""The part of YAML that a policy may use."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workflows.calls import JSON
from workflows.policy import yaml_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: text", {"a": "text"}),
        ("a: 'yes'", {"a": "yes"}),
        ('a: "1e3"', {"a": "1e3"}),
        ("a: 30m", {"a": "30m"}),
        ("a: true\nb: false\nc: null\nd: ~\ne:", {"a": True, "b": False, "c": None, "d": None, "e": None}),
        ("a: [1, -2, 0.5, 0]", {"a": [1, -2, 0.5, 0]}),
        ("a: {b: [c, {d: e}]}", {"a": {"b": ["c", {"d": "e"}]}}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("a: >-\n  one\n  line\n", {"a": "one line"}),
        ("binance_us_*: {}", {"binance_us_*": {}}),
        ('"1": x', {"1": "x"}),
        ("---\na: 1\n...\n", {"a": 1}),
        ("# nothing", None),
        ("[a, b]", ["a", "b"]),
        ("just text", "just text"),
        ("a: 1.2.3", {"a": "1.2.3"}),
    ],
)
def test_plain_values_are_what_they_look_like(text: str, value: JSON) -> None:
    """Text, JSON's numbers, true, false and null are read as in JSON; quotes make text."""
    source = yaml_text.read(text)
    assert (source.value, source.problems) == (value, ())


WORDS = [
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "N",
    "True",
    "NULL",
    "1e3",
    "1.5e3",
    "0x10",
    "0o17",
    "017",
    "0b1",
    "1_000",
    "12:30",
    ".5",
    "5.",
    "+5",
]
WORDS += [".inf", "-.INF", ".nan", "2026-01-01", "2026-01-01 10:00:00", "=", "<<", "9" * 5_000]


@pytest.mark.parametrize("word", WORDS)
def test_words_that_readers_disagree_on_are_refused(word: str) -> None:
    """A plain word that YAML versions read differently is a problem as a value and as a key, and none in quotes."""
    (problem,) = yaml_text.read(f"a:\n  b: [x, {word}]").problems
    assert (problem.pointer, problem.line) == ("/a/b/1", 2)
    assert "quotes" in problem.message
    if len(word) < 100:
        (problem,) = yaml_text.read(f"a: 1\n{word}: 1").problems
        assert (problem.pointer, problem.line) == ("", 2)
    assert yaml_text.read(f"a: '{word}'").problems == ()


@pytest.mark.parametrize(
    ("text", "place", "line", "word"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2", "/b/c", 4, "twice"),
        ("a: &x 1", "/a", 1, "anchor"),
        ("a: [1, *x]", "/a/1", 1, "alias"),
        ("a: !!str 1", "/a", 1, "tag"),
        ("a: !!python/object:os.system x", "/a", 1, "tag"),
        ("a: !x {}", "/a", 1, "tag"),
        ("a: 1\n---\nb: 2", "", 2, "second document"),
        ("1: x", "", 1, "not text"),
        ("~: x", "", 1, "not text"),
        ("? [a]\n: x", "", 1, "cannot be a key"),
        ("? {a: b}\n: x", "", 1, "cannot be a key"),
        ("a: [", "", 1, "not YAML"),
        ("a: b: c", "", 1, "not YAML"),
        ("a:\n\t- b", "", 2, "not YAML"),
        ("x: 1\na: \x01", "", 2, "U+0001"),
        ('a: "\\ud800"', "/a", 1, "character"),
        ('a: "\\UFFFFFFFF"', "", None, "escape"),
        ("[" * 100 + "]" * 100, "", None, "deeper"),
        ("- " * 5_000 + "x", "", None, "deeper"),
    ],
)
def test_what_is_refused_is_told_with_its_place(text: str, place: str, line: int | None, word: str) -> None:
    """Whatever could expand, run or be read twice is a problem with its place."""
    (problem,) = yaml_text.read(text).problems
    assert (problem.pointer, problem.line) == (place, line)
    assert word in problem.message


def test_nothing_expands() -> None:
    """Aliases of aliases stay as small as they were written."""
    bomb = "k0: &k0 [x, x]\n" + "".join(f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]\n" for n in range(1, 21))
    source = yaml_text.read(bomb)
    assert len(source.problems) == 21 + 40
    assert len(json.dumps(source.value)) < 1_000


def test_all_problems_of_the_writing_are_told_at_once() -> None:
    """One problem does not hide the next."""
    source = yaml_text.read("a: yes\nb: &x 1\nb: 2\nc: {d: 1e3}\n")
    assert [problem.line for problem in source.problems] == [1, 2, 3, 4]


def test_every_place_has_its_line() -> None:
    """The line of a member is that of its key, the line of an item is that of the item."""
    source = yaml_text.read("a:\n  - 1\n  - b/c:\n      d\ne: {f:\n   g}\n")
    assert source.lines == {"": 1, "/a": 1, "/a/0": 2, "/a/1": 3, "/a/1/b~1c": 3, "/e": 5, "/e/f": 5}


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(codec="ascii"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc1-", max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, st.booleans())
def test_what_a_writer_writes_is_read_back(value: object, flow: bool) -> None:  # noqa: FBT001  # hypothesis passes it by position
    """A document that PyYAML writes from JSON values is read as these values."""
    source = yaml_text.read(yaml.safe_dump(value, default_flow_style=flow, default_style='"' if isinstance(value, str) else None))
    if not source.problems:
        assert source.value == value


@given(st.text("ab: -[]{}&*!|>'\"%@`#?,\n\t~1", max_size=25))
def test_no_text_makes_it_raise(text: str) -> None:
    """Any text is a value or problems with sentences."""
    assert all(problem.message for problem in yaml_text.read(text).problems)
