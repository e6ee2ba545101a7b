"""One table of the configuration, read key by key: each getter gives the value, or its default after it noted what is wrong."""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar, cast

from bot.settings import keys
from bot.settings.problems import Findings, KeyPath
from workflows.errors import AskfirstError

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")
V = TypeVar("V", int, float)
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (str, "a text"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "a table"),
)
_SHOWN = 60


def shown(value: object) -> str:
    """Write a value as it was found, short, with its kind where that is the point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        text = repr(value)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return next((kind for python, kind in _KINDS if isinstance(value, python)), "a date or time")


class Table:
    """A table at a key path. Keys are known by being in `known`; what else there is becomes a problem at once."""

    def __init__(self, value: object, path: KeyPath, findings: Findings, known: Sequence[str] | None = None) -> None:
        self.path = path
        self.findings = findings
        self.values: Mapping[str, object] = {}
        if isinstance(value, dict):
            self.values = cast("dict[str, object]", value)
        else:
            findings.problem(path, f"Found {shown(value)}; a table is needed here: [{'.'.join(map(str, path))}].")
        for key in () if known is None else self.values:
            if key not in cast("Sequence[str]", known):
                section = str(path[0]) if path else None
                remedy = keys.remedy(key, cast("Sequence[str]", known), section=section)
                self.problem(key, f"There is no such key. {remedy}")

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def problem(self, key: str, message: str) -> None:
        """Add a problem with one of its keys."""
        self.findings.problem((*self.path, key), message)

    def note(self, key: str, message: str) -> None:
        """Add a note on one of its keys."""
        self.findings.note((*self.path, key), message)

    def _typed(self, key: str, kinds: type | tuple[type, ...], right: str) -> object | None:
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, kinds) and not (isinstance(value, bool) and kinds is not bool):
            return value
        self.problem(key, f"Found {shown(value)}; {right}.")
        return None

    def text(self, key: str, right: str) -> str | None:
        """Read a text that is not empty; `right` says what to write."""
        value = cast("str | None", self._typed(key, str, right))
        if value is not None and not value.strip():
            self.problem(key, f"Found an empty text; {right}.")
            return None
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self._typed(key, bool, "write true or false, without quotes")
        return default if value is None else cast("bool", value)

    def whole(self, key: str, *, default: T, least: int, most: int) -> int | T:
        """Read a whole number within bounds, both included."""
        value = self._typed(key, int, f"write a whole number from {least} to {most}, without quotes")
        return default if value is None else self._bounded(key, cast("int", value), default=default, least=least, most=most)

    def number(self, key: str, *, default: T, least: float, most: float) -> float | T:
        """Read a number within bounds, both included."""
        value = self._typed(key, (int, float), f"write a number from {least:g} to {most:g}, without quotes")
        return default if value is None else self._bounded(key, cast("float", value), default=default, least=least, most=most)

    def _bounded(self, key: str, value: V, *, default: T, least: float, most: float) -> V | T:
        if not least <= value <= most:
            self.problem(key, f"Found {shown(value)}; write a number from {least:g} to {most:g}.")
            return default
        return value

    def choice(self, key: str, choices: type[E], *, default: E) -> E:
        """Read one of a few words."""
        right = "write " + " or ".join(f'"{choice}"' for choice in choices)
        value = self.text(key, right)
        if value is None:
            return default
        try:
            return choices(value)
        except ValueError:
            self.problem(key, f"Found {shown(value)}; {right}.")
            return default

    def texts(self, key: str, right: str, *, read: Callable[[str], T]) -> tuple[T, ...]:
        """Read a list of texts, each through `read`, which raises ValueError or AskfirstError with a sentence."""
        value = cast("list[object] | None", self._typed(key, list, right))
        found: list[T] = []
        for index, item in enumerate(value or ()):
            path = (*self.path, key, index)
            if not isinstance(item, str) or not item:
                self.findings.problem(path, f"Found {shown(item)}; {right}.")
                continue
            try:
                found.append(read(item))
            except (ValueError, AskfirstError) as error:
                self.findings.problem(path, str(error))
        return tuple(found)

    def table(self, key: str, known: Sequence[str] | None = None) -> "Table":
        """Read a table inside this one; an empty one when there is none."""
        return Table(self.values.get(key, {}), (*self.path, key), self.findings, known)

    def named(self) -> list[str]:
        """Give the names of its entries; one that is no good name is a problem, and is still read."""
        for name in self.values:
            if not NAME.fullmatch(name):
                self.problem(name, "This name cannot be used. Write a-z, 0-9, and after the first character also . _ - (64 at most).")
        return list(self.values)

    def tables(self, known: Sequence[str]) -> "dict[str, Table]":
        """Give its entries that are tables, by name; any other is a problem."""
        found = {name: self.table(name, known) for name in self.named()}
        return {name: table for name, table in found.items() if isinstance(self.values[name], dict)}
