"""A tool as its server lists it: what agents go by of its definition, in the one form that is compared.

Titles, icons, `_meta` and output schemas are left out: they differ between protocol versions, and no call is made by them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from workflows.calls import JSON, canonical

LONGEST_NAME: Final = 256
UNREAD: Final = "unread"
"""The member of what stands in for a definition. No definition that is compared has it."""

_BEGINNING: Final = 1_000
_COMPARED: Final = ("name", "description", "inputSchema", "annotations")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list says of one tool: `text` is canonical JSON, `sha256` (hex) names it.

    A list that defines a tool twice, differently, contradicts itself: `text` then holds all definitions, and `first` the first of them.
    """

    tool: str
    text: str
    sha256: str
    first: str | None = None


def core(definition: Mapping[str, JSON]) -> dict[str, JSON]:
    """Give the members that are compared. One that is null is as good as none."""
    return {member: definition[member] for member in _COMPARED if definition.get(member) is not None}


def written(definition: Mapping[str, JSON]) -> str:
    """Write what is compared of a definition as canonical JSON."""
    return canonical(core(definition)).decode("ascii")


def named(text: str) -> str:
    """Name a definition that is written: SHA-256 (hex) of its text."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def digest(definition: Mapping[str, JSON]) -> str:
    """Name a definition by SHA-256 (hex): a change of any word that an agent goes by shows."""
    return named(written(definition))


def listed(tools: Iterable[object]) -> dict[str, Listed]:
    """Read the entries of a tools/list by their names. What is no tool, or has a name that no table takes, is left out."""
    texts: dict[str, dict[str, None]] = {}
    for entry in tools:
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(entry, dict) and isinstance(name, str) and keepable(name):
            texts.setdefault(name, {})[written(entry)] = None
    return {name: _listed(name, list(found)) for name, found in texts.items()}


def _listed(name: str, texts: list[str]) -> Listed:
    if len(texts) == 1:
        return Listed(name, texts[0], named(texts[0]))
    every = f"[{','.join(sorted(texts))}]"
    return Listed(name, every, named(every), texts[0])


def stand_in(each: Listed) -> str:
    """Write what is kept of a definition for which there is no room: its length, its beginning, and the digest that names all of it."""
    beginning = each.text[:_BEGINNING]
    return canonical({"name": each.tool, UNREAD: f"{len(each.text)} characters, SHA-256 {each.sha256}: {beginning}"}).decode("ascii")


def short(each: Listed, *, most: int) -> Listed:
    """Give a definition as it is kept beside others: one that is longer than so many characters says so, and begins as it does."""
    if len(each.text) <= most:
        return each
    said = f"{len(each.text)} characters, SHA-256 {each.sha256}: {each.text[:_BEGINNING]}"
    return Listed(each.tool, written({"name": each.tool, "description": said}), each.sha256)


def entries(each: Listed) -> list[JSON]:
    """Give the entries of a list that this was read from."""
    value: JSON = json.loads(each.text)
    return value if isinstance(value, list) else [value]


def keepable(name: str) -> bool:
    """Tell whether a tool of this name can be remembered: longer names, and those that no database takes, stay unknown."""
    return len(name) <= LONGEST_NAME and "\0" not in name and (name.isascii() or not any("\ud800" <= each <= "\udfff" for each in name))
