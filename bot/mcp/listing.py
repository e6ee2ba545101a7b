"""The answer to tools/list without the tools that an agent may not see.

Law: only hidden entries go, every other byte stays; what cannot be read is refused, for a hidden tool could be in it.
"""

from collections.abc import Callable
from typing import Final

from bot.mcp.spans import elements, member
from workflows.calls import JSON, parse_json
from workflows.errors import AskfirstError, Malformed

_DEPTH: Final = 256  # schemas of tools nest deeper than arguments may


class Unfilterable(AskfirstError):
    """The upstream's list of tools cannot be read, so it is not passed on. Look at what the upstream answers to tools/list."""

    code = "unfilterable"


def filter_tools(message: bytes, hides: Callable[[str], bool]) -> bytes:
    """Drop the hidden tools from one JSON-RPC message, and make a cacheable answer private.

    Notifications, server requests and errors come back as they are, and so does an answer in which nothing changes. Raises Unfilterable.
    """
    try:
        value = parse_json(message, max_depth=_DEPTH)
    except Malformed as malformed:
        raise Unfilterable from malformed
    if not isinstance(value, dict):
        raise Unfilterable
    if "result" not in value:
        return message
    result = value["result"]
    if "method" in value or not isinstance(result, dict):
        raise Unfilterable
    return _filtered(message, result, hides)


def _filtered(message: bytes, result: dict[str, JSON], hides: Callable[[str], bool]) -> bytes:
    hidden = [hides(name) for name in _names(result)]
    public = "cacheScope" in result and result["cacheScope"] != "private"
    if not public and not any(hidden):
        return message
    text = message.decode()
    start, _ = _place(text, "result", 0)
    cuts: list[tuple[int, int, str]] = []
    if public:
        cuts.append((*_place(text, "cacheScope", start), '"private"'))
    if any(hidden):
        begin, end = _place(text, "tools", start)
        kept = [text[a:b] for (a, b), gone in zip(elements(text, begin), hidden, strict=True) if not gone]
        cuts.append((begin, end, "[" + ",".join(kept) + "]"))
    for begin, end, written in sorted(cuts, reverse=True):
        text = text[:begin] + written + text[end:]
    return text.encode()


def _place(text: str, name: str, start: int) -> tuple[int, int]:
    found = member(text, name, start)
    if found is None:
        raise Unfilterable
    return found


def _names(result: dict[str, JSON]) -> list[str]:
    tools = result.get("tools")
    if not isinstance(tools, list):
        raise Unfilterable
    names = []
    for tool in tools:
        name = tool.get("name") if isinstance(tool, dict) else None
        if not isinstance(name, str):
            raise Unfilterable
        names.append(name)
    return names
