"""An RE2 pattern as a tree. Law: what this reader does not know it does not guess; most patterns that people write it knows.

It is asked only about patterns that RE2 has accepted. Classes of Unicode, octal escapes, quoted runs and places that are no edge of a word
(which RE2 also finds between the bytes of one character) are not known.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Characters, as ranges of code points with both ends."""


class NotUnderstood(Exception):  # it is an answer
    """The pattern says something that this reader does not know, or is too large for it."""


class Assertion(Enum):
    """A place in a text that a pattern asks for."""

    BEGIN_OF_TEXT = auto()
    END_OF_TEXT = auto()
    BEGIN_OF_LINE = auto()
    END_OF_LINE = auto()
    WORD_EDGE = auto()


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a pattern: characters, an assertion, one of several choices, a repetition, or parts one after the other."""

    ranges: Ranges | None = None
    assertion: Assertion | None = None
    choices: "tuple[Node, ...]" = ()
    repeated: "Node | None" = None
    least: int = 0
    most: int | None = None
    parts: "tuple[Node, ...]" = ()


_LAST: Final = 0x10FFFF
_DIGIT: Final[Ranges] = ((48, 57),)
_SPACE: Final[Ranges] = ((9, 10), (12, 13), (32, 32))
_WORD: Final[Ranges] = ((48, 57), (65, 90), (95, 95), (97, 122))
_CLASSES: Final = {"d": _DIGIT, "s": _SPACE, "w": _WORD}
_CONTROLS: Final = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_EDGES: Final = {"b": Assertion.WORD_EDGE, "A": Assertion.BEGIN_OF_TEXT, "z": Assertion.END_OF_TEXT}
_PLACES: Final = {
    ("^", False): Assertion.BEGIN_OF_TEXT,
    ("^", True): Assertion.BEGIN_OF_LINE,
    ("$", False): Assertion.END_OF_TEXT,
    ("$", True): Assertion.END_OF_LINE,
}
_COUNT: Final = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_GROUP: Final = re.compile(r"\?(?:P?<[A-Za-z0-9_]+>|([imsU]*)(?:-([imsU]+))?(:|\)))")
_HEX: Final = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})")
_DEEPEST: Final = 100


def read(pattern: str) -> Node:
    """Read a pattern that RE2 has accepted. Raises NotUnderstood."""
    reader = _Reader(pattern)
    node = reader.choices(frozenset(), 0)
    if reader.position < len(pattern):
        raise NotUnderstood
    return node


def inverted(ranges: Ranges) -> Ranges:
    """Give every other character."""
    found, begin = [], 0
    for first, last in sorted(ranges):
        if first > begin:
            found.append((begin, first - 1))
        begin = max(begin, last + 1)
    return (*found, (begin, _LAST)) if begin <= _LAST else tuple(found)


class _Reader:
    """Where the reader is in the pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def _peek(self, count: int = 1) -> str:
        return self.text[self.position : self.position + count]

    def _take(self) -> str:
        taken = self._peek()
        if not taken:
            raise NotUnderstood
        self.position += 1
        return taken

    def choices(self, flags: frozenset[str], depth: int) -> Node:
        """Read alternatives up to the end of the group."""
        if depth > _DEEPEST:
            raise NotUnderstood
        found: list[Node] = []
        parts: list[Node] = []
        while (following := self._peek()) not in {"", ")"}:
            if following == "|":
                self.position += 1
                found.append(Node(parts=tuple(parts)))
                parts = []
            elif self._peek(2) == "(?" and (changed := self._flags(flags)) is not None:
                flags = changed
            else:
                parts.append(self._repeated(self._one(flags, depth)))
        found.append(Node(parts=tuple(parts)))
        return found[0] if len(found) == 1 else Node(choices=tuple(found))

    def _flags(self, flags: frozenset[str]) -> frozenset[str] | None:
        """Read flags that hold for the rest of the group, like `(?i)`."""
        match = _GROUP.match(self.text, self.position + 1)
        if match is None or match[3] != ")":
            return None
        self.position = match.end()
        return _changed(flags, match)

    def _one(self, flags: frozenset[str], depth: int) -> Node:
        character = self._take()
        if character == "(":
            return self._group(flags, depth)
        assertion = _EDGES.get(self._peek()) if character == "\\" else _PLACES.get((character, "m" in flags))
        if assertion is not None:
            self.position += character == "\\"
            return Node(assertion=assertion)
        if character == "[":
            return Node(ranges=self._class(flags))
        if character == ".":
            return Node(ranges=((0, _LAST),) if "s" in flags else inverted(((10, 10),)))
        ranges = self._escaped() if character == "\\" else ((ord(character),) * 2,)
        return Node(ranges=_folded(ranges) if "i" in flags else ranges)

    def _group(self, flags: frozenset[str], depth: int) -> Node:
        if self._peek() == "?":
            match = _GROUP.match(self.text, self.position)
            if match is None:
                raise NotUnderstood
            self.position = match.end()
            flags = _changed(flags, match)
        node = self.choices(flags, depth + 1)
        if self._take() != ")":
            raise NotUnderstood
        return node

    def _repeated(self, node: Node) -> Node:
        while following := self._peek():
            bounds: tuple[int, int | None] | None = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(following)
            match = _COUNT.match(self.text, self.position)
            if bounds is None and match is not None:
                least = int(match[1])
                bounds = (least, (int(match[3]) if match[3] else None) if match[2] else least)
            if bounds is None:
                return node
            self.position = match.end() if match is not None else self.position + 1
            if self._peek() == "?":
                self.position += 1
            node = Node(repeated=node, least=bounds[0], most=bounds[1])
        return node

    def _escaped(self) -> Ranges:
        character = self._take()
        if character.lower() in _CLASSES:
            ranges = _CLASSES[character.lower()]
            return ranges if character.islower() else inverted(ranges)
        if character in _CONTROLS:
            return ((_CONTROLS[character],) * 2,)
        match = _HEX.match(self.text, self.position - 1)
        if match is not None:
            self.position = match.end()
            return ((int(match[1] or match[2], 16),) * 2,)
        if character.isalnum():
            raise NotUnderstood
        return ((ord(character),) * 2,)

    def _class(self, flags: frozenset[str]) -> Ranges:
        """Read what stands between square brackets."""
        turned = self._peek() == "^"
        self.position += turned
        found: list[tuple[int, int]] = []
        while self._peek() != "]" or not found:
            if self._peek(2) == "[:":
                raise NotUnderstood
            first = self._member()
            if len(first) == 1 and first[0][0] == first[0][1] and self._peek() == "-" and self._peek(2) != "-]":
                self.position += 1
                first = ((first[0][0], self._member()[0][1]),)
            found += first
        self.position += 1
        ranges = _folded(tuple(found)) if "i" in flags else tuple(found)
        return inverted(ranges) if turned else ranges

    def _member(self) -> Ranges:
        character = self._take()
        return self._escaped() if character == "\\" else ((ord(character),) * 2,)


def _changed(flags: frozenset[str], match: re.Match[str]) -> frozenset[str]:
    return (flags | set(match[1] or "")) - set(match[2] or "")


def _folded(ranges: Ranges) -> Ranges:
    """Add the other letter case: of single characters, and of ranges within ASCII."""
    found = list(ranges)
    for first, last in ranges:
        if first == last:
            found += [(ord(other),) * 2 for other in {chr(first).lower(), chr(first).upper()} if len(other) == 1]
        elif ord("\x7f") < last < _LAST:
            raise NotUnderstood
        else:
            found += [
                (max(first, low) + by, min(last, low + 25) + by) for low, by in ((65, 32), (97, -32)) if first <= low + 25 and last >= low
            ]
    return tuple(found)
