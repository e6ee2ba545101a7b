"""Reading the members of a document."""

import pytest

from workflows.calls import JSON
from workflows.policy.members import choice, items, table


class Problems(list[tuple[str, str]]):
    """What was reported."""

    def __call__(self, at: str, message: str) -> None:
        """Take a problem."""
        self.append((at, message))


def test_a_known_object_has_no_problem() -> None:
    """What is as it should be is given as it is."""
    found = Problems()
    assert table({"a": 1}, "", "A rule", {"a", "b"}, found) == {"a": 1}
    assert items([1], "", "a", found) == [1]
    assert choice({"a": "x"}, "", "a", ["x", "y"], found, example="") == "x"
    assert found == []


def test_each_unknown_key_is_told_at_its_place() -> None:
    """Also when it has characters that a pointer escapes."""
    found = Problems()
    assert table({"a": 1, "x/y": 2, "z": 3}, "/t", "A rule", {"a"}, found) == {"a": 1, "x/y": 2, "z": 3}
    assert [at for at, _ in found] == ["/t/x~1y", "/t/z"]


def test_names_of_tools_are_not_keys() -> None:
    """Where keys are names, none is unknown."""
    found = Problems()
    assert table({"any": {}}, "", "tools", None, found) == {"any": {}}
    assert found == []


@pytest.mark.parametrize(("value", "word"), [(None, "null"), (5, "a number"), ("x", "text"), ([], "a list"), (True, "a boolean")])
def test_what_is_no_object_is_read_as_an_empty_one(value: JSON, word: str) -> None:
    """It is told, and the reader goes on."""
    found = Problems()
    assert table(value, "/t", "A rule", {"a"}, found) == {}
    assert found == [("/t", f"A rule is an object, {{ … }}, and this is {word}.")]


@pytest.mark.parametrize(("value", "word"), [(None, "null"), (5, "a number"), ("x", "text"), ({}, "an object")])
def test_what_is_no_list_is_read_as_an_empty_one(value: JSON, word: str) -> None:
    """It is told, and the reader goes on."""
    found = Problems()
    assert items(value, "/t", "hide", found) == []
    assert found == [("/t", f"hide is a list, [ … ], and this is {word}.")]


@pytest.mark.parametrize(
    ("members", "at", "word"),
    [
        ({}, "/t", 'mode is missing: write "mode": "enforce".'),
        ({"mode": "enforced"}, "/t/mode", 'did you mean "enforce"'),
        ({"mode": "ENFORCE"}, "/t/mode", 'did you mean "enforce"'),
        ({"mode": "zzz"}, "/t/mode", "mode is one of enforce, monitor."),
        ({"mode": None}, "/t/mode", "null"),
        ({"mode": ["enforce"]}, "/t/mode", "a list"),
    ],
)
def test_a_word_that_is_not_known_is_told(members: dict[str, JSON], at: str, word: str) -> None:
    """A word is taken exactly, and a near one is named."""
    found = Problems()
    assert choice(members, "/t", "mode", ["enforce", "monitor"], found, example='"mode": "enforce"') is None
    assert [place for place, _ in found] == [at]
    assert word in found[0][1]
