"""The answer to tools/list: what it lists, and the same answer without the tools that an agent may not see.

Law: only hidden entries go, every other byte stays; what cannot be read is refused, for a hidden tool could be in it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import orjson

from bot.mcp.spans import elements, member
from workflows.calls import JSON, canonical, parse_json
from workflows.errors import AskfirstError, Malformed

_DEPTH: Final = 256  # schemas of tools nest deeper than arguments may


class Unfilterable(AskfirstError):
    """The upstream's list of tools cannot be read, so it is not passed on. Look at what the upstream answers to tools/list."""

    code = "unfilterable"


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer to tools/list that was read. `mark` is the same for the same entries in the same order, whatever is around them."""

    message: bytes
    names: tuple[str, ...]
    mark: bytes
    public: bool = field(default=False, repr=False)

    def tools(self) -> list[JSON]:
        """Read the entries again: they are needed seldom, and are too large to be kept."""
        value = _value(self.message)
        result = value.get("result") if isinstance(value, dict) else None
        return _entries(result) if isinstance(result, dict) else []

    def without(self, hides: Callable[[str], bool]) -> bytes:
        """Drop the hidden tools, and make a cacheable answer private: no other agent may be given what this one was."""
        hidden = [hides(name) for name in self.names]
        if not self.public and not any(hidden):
            return self.message
        text = self.message.decode()
        start, _ = _place(text, "result", 0)
        cuts: list[tuple[int, int, str]] = []
        if self.public:
            cuts.append((*_place(text, "cacheScope", start), '"private"'))
        if any(hidden):
            begin, end = _place(text, "tools", start)
            kept = [text[a:b] for (a, b), gone in zip(elements(text, begin), hidden, strict=True) if not gone]
            cuts.append((begin, end, "[" + ",".join(kept) + "]"))
        for begin, end, written in sorted(cuts, reverse=True):
            text = text[:begin] + written + text[end:]
        return text.encode()


def listing(message: bytes) -> Listing | None:
    """Read one JSON-RPC message as an answer to tools/list; None for notifications, server requests and errors. Raises Unfilterable."""
    value = _value(message)
    if not isinstance(value, dict):
        raise Unfilterable
    if "result" not in value:
        return None
    result = value["result"]
    if "method" in value or not isinstance(result, dict):
        raise Unfilterable
    entries = _entries(result)
    public = "cacheScope" in result and result["cacheScope"] != "private"
    return Listing(message, tuple(map(_name, entries)), list_mark(entries), public)


def filter_tools(message: bytes, hides: Callable[[str], bool]) -> bytes:
    """Drop the hidden tools from one JSON-RPC message, and make a cacheable answer private.

    Notifications, server requests and errors come back as they are, and so does an answer in which nothing changes. Raises Unfilterable.
    """
    found = listing(message)
    return message if found is None else found.without(hides)


def list_mark(entries: list[JSON]) -> bytes:
    """Name a list of tools by what it says: SHA-256."""
    try:
        written = orjson.dumps(entries)
    except TypeError:  # numbers that are larger than it writes
        written = canonical(entries)
    return hashlib.sha256(written).digest()


def _value(message: bytes) -> JSON:
    try:
        return parse_json(message, max_depth=_DEPTH)
    except Malformed as malformed:
        raise Unfilterable from malformed


def _place(text: str, name: str, start: int) -> tuple[int, int]:
    found = member(text, name, start)
    if found is None:
        raise Unfilterable
    return found


def _entries(result: dict[str, JSON]) -> list[JSON]:
    tools = result.get("tools")
    if not isinstance(tools, list):
        raise Unfilterable
    return tools


def _name(tool: JSON) -> str:
    name = tool.get("name") if isinstance(tool, dict) else None
    if not isinstance(name, str):
        raise Unfilterable
    return name
