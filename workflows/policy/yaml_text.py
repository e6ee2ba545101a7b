"""A policy as YAML text: the part of YAML that all its readers agree on, with the line of every place.

Anchors, aliases, merge keys, tags and further documents are refused: nothing expands. A plain word that one version of YAML reads as text
and another as something else (yes, 1e3, 0x10, 1_000, 12:30, 2026-01-01) is refused with the advice to quote it. Quoted text is text; plain
`true`, `false`, `null` and JSON's numbers are what they look like; keys are text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isinf
from typing import Final

import yaml

from workflows.calls import JSON, MAX_DEPTH
from workflows.policy.json_text import Source
from workflows.policy.shapes import Problem, pointer

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_PLAIN: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_DISPUTED: Final = re.compile(r"[yYnN]|0o[0-7]+|[-+]?\.?[0-9][0-9_.]*[eE][-+]?[0-9]+")
_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_NUMBER_TAGS: Final = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}


def read(text: str) -> Source:
    """Read YAML text; what is wrong with the writing is in the problems of the Source, all of it up to the first syntax error."""
    reading = _Reading()
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            reading.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, [error.context, error.problem]))
        reading.complain("", mark.line + 1 if mark else None, f"The document is not YAML: {said}.")
        return Source(None, reading.lines, tuple(reading.problems))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        reading.complain("", line, f"The document is not YAML: the character U+{ord(text[error.position]):04X} may not stand in it.")
    except (_TooDeepError, RecursionError):
        reading.complain("", None, f"The document is nested deeper than {MAX_DEPTH} levels: write it flatter.")
    except (ValueError, OverflowError):
        reading.complain("", None, "The document is not YAML: an escape in a text stands for no character.")
    else:
        return Source(reading.root, reading.lines, tuple(reading.problems))
    return Source(None, reading.lines, tuple(reading.problems))


class _TooDeepError(Exception):
    """Stops reading before nesting becomes a burden."""


@dataclass(slots=True)
class _Open:
    """A collection that is being read: where it stands, what it holds so far, and the key that waits for its value."""

    place: str
    value: dict[str, JSON] | list[JSON]
    key: str | None = None
    nameless: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))


class _Reading:
    """A document as it grows from YAML events, without recursion."""

    def __init__(self) -> None:
        self.root: JSON = None
        self.lines: dict[str, int] = {"": 1}
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._documents = 0

    def complain(self, place: str, line: int | None, message: str) -> None:
        self.problems.append(Problem(place, line, message))

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents == 2:  # noqa: PLR2004  # the one after the first
                self.complain("", line, "A second document starts here: write one policy in a file.")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.NodeEvent) and self._documents == 1:
            self._node(event, line or 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append(_Open("", []))

    def _node(self, event: yaml.NodeEvent, line: int) -> None:
        place = self._place()
        if event.anchor is not None:
            what = "an alias" if isinstance(event, yaml.AliasEvent) else "an anchor"
            self.complain(place, line, f"This is {what}, and a policy has none: write the value out.")
        elif getattr(event, "tag", None) is not None:
            self.complain(place, line, "This has a tag, and a policy has none: write the value in quotes, or plain.")
        holder = self._open[-1] if self._open else None
        if holder is not None and isinstance(holder.value, dict) and holder.key is None:
            self._name(event, holder, line)
            return
        if holder is None or isinstance(holder.value, list):
            self.lines[place] = line
        value = self._value(event, place, line)
        if holder is None:
            self.root = value
        elif isinstance(holder.value, list):
            holder.value.append(value)
        elif holder.key is not None:
            holder.value[holder.key] = value
            holder.key = None
        if isinstance(value, dict | list):
            if len(self._open) >= MAX_DEPTH:
                raise _TooDeepError
            self._open.append(_Open(place, value))

    def _place(self) -> str:
        if not self._open:
            return ""
        holder = self._open[-1]
        if isinstance(holder.value, list):
            return pointer(holder.place, len(holder.value))
        return holder.place if holder.key is None else pointer(holder.place, holder.key)

    def _name(self, event: yaml.NodeEvent, holder: _Open, line: int) -> None:
        """Take a key; one that cannot be a key still gets a name of its own, so that what follows keeps its place."""
        key = self._value(event, holder.place, line)
        if not isinstance(key, str):
            if isinstance(event, yaml.ScalarEvent):
                self.complain(holder.place, line, f"The key {event.value[:40]!r} is not text: write it in quotes.")
                key = event.value
            elif isinstance(event, yaml.CollectionStartEvent):
                self.complain(holder.place, line, "A list or mapping cannot be a key: write text.")
                self._open.append(_Open(holder.place, [] if isinstance(event, yaml.SequenceStartEvent) else {}))
                key = f"?{next(holder.nameless)}"
            else:
                key = f"*{next(holder.nameless)}"
        place = pointer(holder.place, key)
        if key in holder.value:
            self.complain(place, line, "This key is written twice in one mapping: keep one of them.")
        self.lines.setdefault(place, line)
        holder.key = key

    def _value(self, event: yaml.NodeEvent, place: str, line: int) -> JSON:
        if isinstance(event, yaml.MappingStartEvent):
            return {}
        if isinstance(event, yaml.SequenceStartEvent):
            return []
        if not isinstance(event, yaml.ScalarEvent):
            return None
        text = event.value
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            self.complain(place, line, "This text holds half of a character: write whole characters.")
            return ""
        if event.style is not None:
            return text
        return self._plain(text, place, line)

    def _plain(self, text: str, place: str, line: int) -> JSON:
        if text in _PLAIN:
            return _PLAIN[text]
        tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        disputed = _DISPUTED.fullmatch(text) is not None
        if tag == _TEXT_TAG and not disputed:
            return text
        if tag in _NUMBER_TAGS and not disputed and len(text) <= MAX_DEPTH * 10 and _NUMBER.fullmatch(text):
            number = float(text) if "." in text else int(text)
            if not (isinstance(number, float) and isinf(number)):
                return number
        self.complain(
            place, line, f"YAML readers disagree on what {text[:40]} means: write it in quotes if it is text, else as JSON would."
        )
        return text


_RESOLVER: Final = yaml.resolver.Resolver()
