"""JSON text with lines."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.policy import json_text


def test_every_place_has_its_line() -> None:
    """The line of a member is that of its key, the line of an item is that of the item."""
    source = json_text.read('\n{"a": [1,\n  {"b/c": "}, \\" {",\n "d": null}],\n\n"e": -1.5e3}\n')
    assert source.problems == ()
    assert source.lines == {"": 2, "/a": 2, "/a/0": 2, "/a/1": 3, "/a/1/b~1c": 3, "/a/1/d": 4, "/e": 6}


def test_every_repeated_key_is_found() -> None:
    """All keys that are written twice are told at once, with the line of the second."""
    source = json_text.read('{"a": 1,\n "b": {"c": 1,\n "c": 2},\n "a": 2}')
    assert [(problem.pointer, problem.line) for problem in source.problems] == [("/b/c", 3), ("/a", 4)]
    assert source.value == {"a": 2, "b": {"c": 2}}


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('{"a": [1,\n2,]}', 2, "column 3"),
        ("{\n\n", 3, "column 1"),
        ("{} x", 1, "extra data"),
        ('{"a": NaN}', None, "NaN"),
        ('{"a": 1e999}', None, "out of range"),
        ('{"a": "\\ud800"}', None, "surrogate"),
        ("[" * 100 + "]" * 100, None, "deeper"),
        ("[" * 100_000, None, "deeper"),
        ('{"a": 1, "a": ' + "[" * 100 + "]" * 100 + "}", None, "deeper"),
        ('{"a": ' + "9" * 5_000 + "}", None, "number"),
    ],
)
def test_what_is_not_json_is_a_problem(text: str, line: int | None, word: str) -> None:
    """Text that cannot be read has one problem, with its line where there is one."""
    (problem,) = json_text.read(text).problems
    assert problem.line == line
    assert word in problem.message


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, st.sampled_from([None, 0, 2]))
def test_any_json_has_lines(value: object, indent: int | None) -> None:
    """Whatever is JSON is read as itself, and each line number lies in the text."""
    text = json.dumps(value, indent=indent)
    source = json_text.read(text)
    assert (source.value, source.problems) == (value, ())
    assert all(1 <= line <= text.count("\n") + 1 for line in source.lines.values())


@given(st.text('{}[]",:\\ntrue1 \n', max_size=30))
def test_no_text_makes_it_raise(text: str) -> None:
    """Any text is a value or a problem."""
    source = json_text.read(text)
    assert source.problems == () or source.problems[0].message
