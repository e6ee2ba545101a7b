"""The answer to tools/list: what it lists, and the same answer without the tools that an agent may not see.

Law: only hidden entries go, every other byte stays; what cannot be read is refused, for a hidden tool could be in it. A result that was
read strictly once is known again by its hash: whatever id it comes under, it says the same.
"""

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import orjson

from bot.mcp.spans import layout, member
from workflows.calls import JSON, canonical, parse_json
from workflows.errors import AskfirstError, Malformed

_DEPTH: Final = 256  # schemas of tools nest deeper than arguments may
_REMEMBERED: Final = 32
_MOST_NAMES: Final = 1_000_000  # characters of names in a result that is remembered
_LONGEST_FRAME: Final = 600
_MEMBER: Final = rb'"(jsonrpc|id)"\s*:\s*(?:"2\.0"|"[\w.:/-]{0,200}"|-?(?:0|[1-9][0-9]{0,14}))'
_HEAD: Final = re.compile(rb"\s*\{\s*(?:" + _MEMBER + rb"\s*,\s*)?(?:" + _MEMBER + rb'\s*,\s*)?"result"\s*:\s*')
_TOOLS: Final = re.compile(rb'"' + b"".join(rb"(?:%c|\\u00%02x)" % (letter, letter) for letter in b"tools") + rb'"', re.IGNORECASE)
LONGEST_KEY: Final = 32  # characters: `tools` with each of them escaped
_TAIL: Final = re.compile(rb"\s*(?:,\s*" + _MEMBER + rb"\s*)?(?:,\s*" + _MEMBER + rb"\s*)?\}\s*\Z")


class Unfilterable(AskfirstError):
    """The upstream's list of tools cannot be read, so it is not passed on. Look at what the upstream answers to tools/list."""

    code = "unfilterable"


@dataclass(slots=True)
class _Result:
    """What one result says. `places` are found when they are needed first, counted from where the result begins."""

    names: tuple[str, ...]
    mark: bytes
    public: bool
    places: "_Places | None" = None


@dataclass(frozen=True, slots=True)
class _Places:
    """Where things stand in a result: the value of `cacheScope`, the array `tools`, and each of its elements."""

    scope: tuple[int, int] | None
    tools: tuple[int, int]
    each: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer to tools/list that was read. `mark` is the same for the same entries in the same order, whatever is around them."""

    message: bytes
    start: int = field(repr=False)
    result: _Result = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tools, as they are listed."""
        return self.result.names

    @property
    def mark(self) -> bytes:
        """What the list is known by again: SHA-256."""
        return self.result.mark

    def tools(self) -> list[JSON]:
        """Read the entries again: they are needed seldom, and are too large to be kept."""
        value = _value(self.message)
        result = value.get("result") if isinstance(value, dict) else None
        return _entries(result) if isinstance(result, dict) else []

    def without(self, hides: Callable[[str], bool]) -> bytes:
        """Drop the hidden tools, and make a cacheable answer private: no other agent may be given what this one was."""
        hidden = [hides(name) for name in self.names]
        if not self.result.public and not any(hidden):
            return self.message
        text = self.message.decode()
        places = self.result.places = self.result.places or _places(text, self.start)
        cuts: list[tuple[int, int, str]] = []
        if self.result.public and places.scope is not None:
            cuts.append((*places.scope, '"private"'))
        if any(hidden):
            begin = self.start
            kept = [text[begin + a : begin + b] for (a, b), gone in zip(places.each, hidden, strict=True) if not gone]
            cuts.append((*places.tools, "[" + ",".join(kept) + "]"))
        for start, end, written in sorted(cuts, reverse=True):
            text = text[: self.start + start] + written + text[self.start + end :]
        return text.encode()


def read_list(message: bytes) -> Listing | None:
    """Read one JSON-RPC message as an answer to tools/list; None for notifications, server requests and errors. Raises Unfilterable."""
    frame = _frame(message)
    name = hashlib.sha256(memoryview(message)[frame[0] : frame[1]]).digest() if frame else b""
    if frame and (known := _known.get(name)) is not None:
        _known.move_to_end(name)
        return Listing(message, frame[0], known)
    value = _value(message)
    if not isinstance(value, dict):
        raise Unfilterable
    if "result" not in value:
        return None
    result = value["result"]
    if "method" in value or not isinstance(result, dict):
        raise Unfilterable
    entries = _entries(result)
    found = _Result(tuple(map(_name, entries)), list_mark(entries), "cacheScope" in result and result["cacheScope"] != "private")
    if frame and len(value) == frame[2] + 1:
        _remember(name, found)
        return Listing(message, frame[0], found)
    start, _ = _place(message.decode(), "result", 0)
    return Listing(message, start, found)


_known: "OrderedDict[bytes, _Result]" = OrderedDict()


def _remember(name: bytes, found: _Result) -> None:
    if sum(map(len, found.names)) <= _MOST_NAMES:
        _known[name] = found
        while len(_known) > _REMEMBERED:
            _known.popitem(last=False)


def _frame(message: bytes) -> tuple[int, int, int] | None:
    """Find where the result stands in a message that has nothing else but `jsonrpc` and an id, and how many of these; None for others.

    In a message that is JSON the result is all that is between them when there is no other member, which `read_list` makes sure of once:
    what was a whole result then is one wherever it stands.
    """
    head = _HEAD.match(message, 0, _LONGEST_FRAME)
    tail = _TAIL.search(message, max(len(message) - _LONGEST_FRAME, head.end() if head else 0)) if head else None
    if head is None or tail is None:
        return None
    members = [name for name in (*head.groups(), *tail.groups()) if name is not None]
    return (head.end(), tail.start(), len(members)) if len(set(members)) == len(members) else None


def may_list_tools(text: bytes) -> bool:
    """Tell whether the key `tools` is in a text, however it is written."""
    return b'"tools"' in text or (b"\\u" in text and _TOOLS.search(text) is not None)


def lists_tools(message: bytes, *, own: str | int | None = None) -> bool:
    """Tell whether an answer is one to tools/list, or could be and is refused by `read_list`: a batch, no JSON.

    `own` is the id of another request: what answers that one is no list to anybody.
    """
    if not may_list_tools(message):
        return False
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return True
    messages = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
    results = [each.get("result") for each in messages if own is None or each.get("id") != own]
    return any(isinstance(result, dict) and isinstance(result.get("tools"), list) for result in results)


def filter_tools(message: bytes, hides: Callable[[str], bool]) -> bytes:
    """Drop the hidden tools from one JSON-RPC message, and make a cacheable answer private.

    Notifications, server requests and errors come back as they are, and so does an answer in which nothing changes. Raises Unfilterable.
    """
    found = read_list(message)
    return message if found is None else found.without(hides)


def list_mark(entries: list[JSON]) -> bytes:
    """Name a list of tools by what it says: SHA-256."""
    try:
        written = orjson.dumps(entries)
    except TypeError:  # numbers that are larger than it writes
        written = canonical(entries)
    return hashlib.sha256(written).digest()


def _value(message: bytes) -> JSON:
    """Read JSON strictly. A text that is written again byte for byte has no key twice, and nothing that two readers read differently."""
    try:
        value: JSON = orjson.loads(message)
        if orjson.dumps(value) == message:  # which it refuses for what is nested deeper than 254 levels
            return value
        depth = len(message)  # it is known to be bounded, and to count it would take longer than all the rest
    except (ValueError, TypeError):
        depth = _DEPTH
    try:
        return parse_json(message, max_depth=depth)
    except Malformed as malformed:
        raise Unfilterable from malformed


def _places(text: str, start: int) -> _Places:
    members, each = layout(text, "tools", start)
    scope, (begin, end) = members.get("cacheScope"), members["tools"]
    relative = tuple((a - start, b - start) for a, b in each)
    return _Places((scope[0] - start, scope[1] - start) if scope else None, (begin - start, end - start), relative)


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
