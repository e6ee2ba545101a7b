"""How Slack writes text back, and how it counts it. Pure."""

import re
from typing import Any

_PER_HEADER = 100  # what a header weighs beside its text
_LONE_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")
_CONTROL = re.compile(r"<(?=[@#!]|https?://|mailto:)([^<>]*)>")


def escaped(text: str) -> str:
    """Escape text as Slack gives it back: mentions and links stay, every other angle bracket and ampersand does not."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\0{len(kept) - 1}\0"

    plain = _CONTROL.sub(keep, _LONE_AMPERSAND.sub("&amp;", text.replace("\0", "")))
    plain = plain.replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"\0(\d+)\0", lambda found: kept[int(found[1])], plain)


def escaped_blocks(value: Any) -> Any:  # noqa: ANN401  # any JSON, and of the same shape
    """Escape every text in blocks, as they come back in answers and payloads."""
    if isinstance(value, list):
        return [escaped_blocks(item) for item in value]
    if isinstance(value, dict):
        return {name: escaped(item) if name == "text" and isinstance(item, str) else escaped_blocks(item) for name, item in value.items()}
    return value


def weight(value: object) -> int:
    """Count what Slack counts for `msg_blocks_too_long`: escaped characters of every text, and something for a header."""
    if isinstance(value, list):
        return sum(map(weight, value))
    if isinstance(value, dict):
        own = _PER_HEADER if value.get("type") == "header" else 0
        return own + sum(
            _escaped_length(item) if name == "text" and isinstance(item, str) else weight(item) for name, item in value.items()
        )
    return 0


def _escaped_length(text: str) -> int:
    return len(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))
