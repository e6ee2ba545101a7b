"""Where conditions look."""

import pytest

from workflows.calls import JSON, ToolCall
from workflows.policy.paths import MISSING, Unclear, kind, reader
from workflows.policy.situation import UNKNOWN


def read(path: str, arguments: dict[str, JSON]) -> object:
    """Look at an argument."""
    return reader(tuple(f"args.{path}".split(".")))(ToolCall("bank", "pay", arguments), UNKNOWN)


@pytest.mark.parametrize(
    ("path", "arguments", "value"),
    [
        ("a", {"a": 1}, 1),
        ("a", {}, MISSING),
        ("a", {"a": None}, None),
        ("a.b", {"a": {"b": [2]}}, [2]),
        ("a.b", {"a": {}}, MISSING),
        ("a.b", {}, MISSING),
        ("a.b", {"a": None}, MISSING),
        ("a.b.c", {"a": {"b": None}}, MISSING),
        ("a.0", {"a": {"0": "key"}}, "key"),
        ("a.b", {"a.b": 1}, MISSING),
    ],
)
def test_a_path_walks_objects(path: str, arguments: dict[str, JSON], value: object) -> None:
    """A path finds a value in nested objects, or nothing."""
    assert read(path, arguments) == value


@pytest.mark.parametrize("inside", [[{"b": 1}], '{"b": 1}', 5, True])
def test_a_step_into_anything_but_an_object_is_unclear(inside: JSON) -> None:
    """A list or a text could hide what the upstream unpacks."""
    found = read("a.b", {"a": inside})
    assert isinstance(found, Unclear)
    assert "args.a is" in found.why
    assert kind(inside) in found.why


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("amount", {"Amount": 9}),
        ("amount", {"amount": 1, "AMOUNT": 9}),
        ("a.b.c", {"a": {"B": {"c": 1}}}),
        ("a.b.c", {"A": 1}),
        ("a.b", {"a": {"B": 1}}),
        ("max_tokens", {"max_to\u212aens": 9}),
    ],
)
def test_a_name_in_another_letter_case_is_unclear(path: str, arguments: dict[str, JSON]) -> None:
    """Some upstreams read names without case, so the policy does not pass over them."""
    assert isinstance(read(path, arguments), Unclear)


def test_other_names_are_not_confused() -> None:
    """A name of equal length with other letters is another argument."""
    assert read("amount", {"accoun": 1, "amount": 2, "AMOUNTS": 3}) == 2


def test_kinds_have_words() -> None:
    """Each JSON type has its word."""
    values: tuple[JSON, ...] = (None, True, 1, 1.5, "x", [], {})
    words = [kind(value) for value in values]
    assert words == ["null", "a boolean", "a number", "a number", "text", "a list", "an object"]
