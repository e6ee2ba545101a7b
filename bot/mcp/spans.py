"""Where things stand inside JSON text that was already read strictly: raw slices, so that bytes travel unchanged.

Law: call these only on text that `workflows.calls` accepted; they find places, they judge nothing.
"""

import json
from collections.abc import Iterator
from json import decoder

_string = decoder.scanstring  # type: ignore[attr-defined]  # the standard library's own string scanner, not in the stubs
_value = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # as above
_BLANK = " \t\n\r"


def _skip(text: str, position: int) -> int:
    while text[position] in _BLANK:
        position += 1
    return position


def members(text: str, start: int = 0) -> Iterator[tuple[str, int, int]]:
    """Walk the object that begins at `start`: each member's name and the bounds of its value."""
    position = _skip(text, _skip(text, start) + 1)
    while text[position] != "}":
        name, position = _string(text, position + 1, True)
        begin = _skip(text, _skip(text, position) + 1)
        _, end = _value(text, begin)
        yield name, begin, end
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)


def elements(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """Walk the array that begins at `start`: the bounds of each element."""
    position = _skip(text, _skip(text, start) + 1)
    while text[position] != "]":
        _, end = _value(text, position)
        yield position, end
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)


def layout(text: str, array: str, start: int = 0) -> tuple[dict[str, tuple[int, int]], list[tuple[int, int]]]:
    """Walk the object that begins at `start` once: the bounds of each member's value, and of each element of the one that is an array."""
    found: dict[str, tuple[int, int]] = {}
    inside: list[tuple[int, int]] = []
    position = _skip(text, _skip(text, start) + 1)
    while text[position] != "}":
        name, position = _string(text, position + 1, True)
        begin = _skip(text, _skip(text, position) + 1)
        if name == array:
            inside = list(elements(text, begin))
            end = _skip(text, inside[-1][1] if inside else begin + 1) + 1
        else:
            _, end = _value(text, begin)
        found[name] = (begin, end)
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return found, inside


def member(text: str, name: str, start: int = 0) -> tuple[int, int] | None:
    """Find one member's value inside the object that begins at `start`, or None."""
    return next(((begin, end) for found, begin, end in members(text, start) if found == name), None)


def replaced(text: str, path: tuple[str, ...], written: str) -> str:
    """Put other JSON text in the place of the member at `path`; a text without that member comes back as it is."""
    begin, end = 0, len(text)
    for name in path:
        found = member(text, name, begin)
        if found is None:
            return text
        begin, end = found
    return text[:begin] + written + text[end:]
