"""A policy as JSON text: strict, and with the line of every place, so that a problem can be found in an editor."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]  # the standard library's own string scanner, not in the stubs

from workflows.calls import JSON, MAX_DEPTH, parse_json
from workflows.errors import Malformed
from workflows.policy.shapes import Problem, pointer

_SPACE = " \t\n\r"


@dataclass(frozen=True, slots=True)
class Dispute:
    """A word that readers of YAML take for different things: what is wrong with it, and how Intercept reads it (None: not at all here)."""

    problem: Problem
    note: Problem | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it was written: its value, the line of each place by JSON pointer, and what is wrong with the writing itself.

    A disputed word stands in the value as Intercept reads it. A place without a line has that of the nearest place around it: an alias has
    one line for all that it stands for.
    """

    value: JSON
    lines: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    disputes: tuple[Dispute, ...] = ()


def nearest(lines: Mapping[str, int], place: str) -> int | None:
    """Find the line of a place, or of the nearest place around it, by JSON pointer."""
    while place and place not in lines:
        place = place.rpartition("/")[0]
    return lines.get(place)


def read(text: str) -> Source:
    """Read JSON text; a document that cannot be read is a Source with problems and, where it makes sense to look further, a value."""
    try:
        value = parse_json(text)
    except Malformed as error:
        return _unreadable(text, error)
    return Source(value, _Places(text).lines)


def _unreadable(text: str, error: Malformed) -> Source:
    cause = error.__cause__
    if isinstance(cause, json.JSONDecodeError):
        message = f"The document is not JSON: {cause.msg.lower()} in column {cause.colno}. A policy that starts with {{ is read as JSON."
        return Source(None, problems=(Problem("", cause.lineno, message),))
    try:
        value: JSON = json.loads(text)
        places = _Places(text)
    except (ValueError, RecursionError):
        return Source(None, problems=(Problem("", None, str(error)),))
    twice = tuple(Problem(at, line, "This key is written twice in one object: keep one of them.") for at, line in places.repeated)
    return Source(value, places.lines, twice) if twice else Source(None, places.lines, (Problem("", None, str(error)),))


class _Places:
    """The lines of all places of a JSON text that the parser has accepted, and the keys that it has twice."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._counted = (0, 1)
        self.lines: dict[str, int] = {}
        self.repeated: list[tuple[str, int]] = []
        self.lines[""] = self._line(self._skip())
        self._value("", 0)

    def _line(self, position: int) -> int:
        at, line = self._counted
        self._counted = (position, line + self._text.count("\n", at, position))
        return self._counted[1]

    def _skip(self) -> int:
        while self._text[self._position : self._position + 1] in _SPACE and self._position < len(self._text):
            self._position += 1
        return self._position

    def _value(self, here: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        opening = self._text[self._skip()]
        if opening == "{":
            self._items(here, depth, "}")
        elif opening == "[":
            self._items(here, depth, "]")
        elif opening == '"':
            _, self._position = scanstring(self._text, self._position + 1, True)
        else:
            while self._position < len(self._text) and self._text[self._position] not in _SPACE + ",]}":
                self._position += 1

    def _items(self, here: str, depth: int, closing: str) -> None:
        self._position += 1
        index = 0
        seen: set[str] = set()
        while self._text[self._skip()] != closing:
            if self._text[self._position] == ",":
                self._position += 1
                continue
            start = self._position
            step: str | int = index
            if closing == "}":
                step, self._position = scanstring(self._text, start + 1, True)
            place = pointer(here, step)
            line = self._line(start)
            if closing == "}":
                if step in seen:
                    self.repeated.append((place, line))
                seen.add(str(step))
                self._skip()
                self._position += 1
            self.lines.setdefault(place, line)
            self._value(place, depth + 1)
            index += 1
        self._position += 1
