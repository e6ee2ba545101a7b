"""A policy as YAML text: the part of YAML that all its readers agree on, with the line of every place. Law: what it grows to is bounded.

Aliases and merge keys are written out, so that no value stands in two places. Tags and further documents are refused. A plain word that one
version of YAML reads as text and another as something else (yes, 1e3, 0x10, 1_000, 12:30) is disputed: it stands in the value as Go's
yaml.v3 reads it, and whoever knows the format decides whether that is good enough. Dates, times, .inf and .nan are disputed and have no
value in any format: they are written in quotes. Quoted text is text; plain `true`, `false`, `null` and JSON's numbers are what they look
like; keys are text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from workflows.calls import JSON, MAX_DEPTH
from workflows.policy import yaml_nodes, yaml_scalars
from workflows.policy.json_text import Dispute, Source
from workflows.policy.shapes import Problem, pointer
from workflows.policy.yaml_nodes import Kind, Node, TooDeepError

MOST_NODES: Final = 100_000
MOST_CHARACTERS: Final = 1_000_000

_TOO_MUCH: Final = (
    f"With its aliases written out, the document has more than {MOST_NODES:,} keys and values, or {MOST_CHARACTERS:,} characters: write "
    "fewer aliases, or split the policy."
)
_NOT_TEXT: Final = "The key {!r} is not text: write it in quotes."
_SHOWN: Final = 40


def read(text: str) -> Source:
    """Read YAML text; what is wrong with the writing is in the problems of the Source, all of it up to the first syntax error."""
    tree = yaml_nodes.read(text)
    reading = _Reading(tree.problems)
    refused: str | None = None
    value: JSON = None
    try:
        value = None if tree.root is None else reading.document(tree.root)
    except TooDeepError:
        refused = f"With its aliases written out, the document is nested deeper than {MAX_DEPTH} levels: write it flatter."
    except _TooMuchError:
        refused = _TOO_MUCH
    problems = [*reading.problems, *([Problem("", reading.line, refused)] if refused else [])]
    return Source(value if tree.whole and not refused else None, reading.lines, tuple(problems), tuple(reading.disputes))


class _TooMuchError(Exception):
    """Stops reading before what aliases stand for becomes a burden."""


class _Reading:
    """From nodes to values. What an alias stands for is read again at each alias, and what is wrong there is told at its anchor only."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.disputes: list[Dispute] = []
        self.lines: dict[str, int] = {"": 1}
        self.line = 1
        self._around: list[Node] = []
        self._aliases = 0
        self._nodes = 0
        self._characters = 0
        self._nameless = 0

    def document(self, root: Node) -> JSON:
        self.lines[""] = root.line
        return self._value(root, "")

    def complain(self, place: str, line: int | None, message: str) -> None:
        if not self._aliases:
            self.problems.append(Problem(place, line, message))

    def _dispute(self, place: str, line: int, message: str, note: str | None) -> None:
        if not self._aliases:
            self.disputes.append(Dispute(Problem(place, line, message), None if note is None else Problem(place, line, note)))

    def _count(self, node: Node) -> None:
        if not self._aliases:
            self.line = node.line
        self._nodes += 1
        self._characters += len(node.text)
        if self._nodes > MOST_NODES or self._characters > MOST_CHARACTERS:
            raise _TooMuchError

    def _inside(self, place: str, step: str | int, line: int) -> str:
        """Extend a pointer, and remember its line. All that an alias stands for has the place of the alias."""
        if self._aliases:
            return place
        place = pointer(place, step)
        self.lines.setdefault(place, line)
        return place

    def _value(self, node: Node, place: str) -> JSON:
        self._count(node)
        if node.kind is Kind.ALIAS:
            target = self._target(node, place)
            if target is None:
                return None
            with self._alias():
                return self._value(target, place)
        if node.tagged:
            self.complain(place, node.line, "This has a tag, and a policy has none: write the value in quotes, or plain.")
        if node.kind is Kind.SCALAR:
            return self._scalar(node, place)
        with self._within(node):
            if node.kind is Kind.MAPPING:
                return self._mapping(node, place)
            return [self._value(item, self._inside(place, index, item.line)) for index, item in enumerate(node.members)]

    @contextmanager
    def _alias(self) -> Iterator[None]:
        self._aliases += 1
        yield
        self._aliases -= 1

    @contextmanager
    def _within(self, node: Node) -> Iterator[None]:
        if len(self._around) >= MAX_DEPTH:
            raise TooDeepError
        self._around.append(node)
        yield
        self._around.pop()

    def _target(self, alias: Node, place: str) -> Node | None:
        if alias.target is None:
            self.complain(place, alias.line, f"No anchor before this alias is named {alias.text[:_SHOWN]}: write the value out.")
        elif alias.target in self._around:
            self.complain(place, alias.line, f"The alias {alias.text[:_SHOWN]} stands inside of what it stands for: write the value out.")
        else:
            return alias.target
        return None

    def _scalar(self, node: Node, place: str) -> JSON:
        if _is_halved(node.text):
            self.complain(place, node.line, "This text holds half of a character: write whole characters.")
            return ""
        if not node.plain:
            return node.text
        found = yaml_scalars.plain(node.text)
        if found.disputed:
            note = None if found.valueless else yaml_scalars.reading(node.text, found.value)
            self._dispute(place, node.line, yaml_scalars.complaint(node.text), note)
        return found.value

    def _mapping(self, node: Node, place: str) -> dict[str, JSON]:
        value: dict[str, JSON] = {}
        merging: tuple[Node, Node] | None = None
        for key, member in node.pairs():
            if key.merges:
                if merging is not None:
                    self.complain(place, key.line, "<< is written twice in one mapping: write one, with a list of aliases.")
                merging = (key, member)
                continue
            name = self._name(key, place)
            at = self._inside(place, name, key.line)
            if name in value:
                self.complain(at, key.line, "This key is written twice in one mapping: keep one of them.")
            value[name] = self._value(member, at)
        if merging is not None:
            self._merge(value, place, *merging)
        return value

    def _merge(self, value: dict[str, JSON], place: str, key: Node, merged: Node) -> None:
        """Take over what a mapping does not say itself; of several mappings the first that says it counts."""
        self._count(key)
        for node in merged.members if merged.kind is Kind.LIST else [merged]:
            target = self._target(node, place) if node.kind is Kind.ALIAS else node
            if target is None:
                continue
            if target.kind is not Kind.MAPPING:
                self.complain(place, node.line, "Only a mapping can be merged with <<, or a list of mappings: write an alias of one.")
                continue
            taken = self._value(node, place)
            for name, member in taken.items() if isinstance(taken, dict) else ():
                if name not in value:
                    self._inside(place, name, key.line)
                    value[name] = member

    def _name(self, node: Node, place: str) -> str:
        """Take a key; one that cannot be a key still gets a name of its own, so that what follows keeps its place."""
        self._count(node)
        if node.tagged:
            self.complain(place, node.line, "This has a tag, and a policy has none: write the key in quotes, or plain.")
        key = self._target(node, place) if node.kind is Kind.ALIAS else node
        self._nameless += 1
        if key is None:
            return f"*{self._nameless}"
        if key.kind is not Kind.SCALAR:
            self.complain(place, node.line, "A list or mapping cannot be a key: write text.")
            return f"?{self._nameless}"
        if _is_halved(key.text):
            self.complain(place, node.line, "This key holds half of a character: write whole characters.")
            return f"?{self._nameless}"
        found = yaml_scalars.plain(key.text) if key.plain else None
        if found is not None and (found.disputed or found.value != key.text):
            message = yaml_scalars.complaint(key.text) if found.disputed else _NOT_TEXT.format(key.text[:_SHOWN])
            self._dispute(place, node.line, message, None if found.value is None else yaml_scalars.reading(key.text, key.text))
        return key.text


def _is_halved(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
