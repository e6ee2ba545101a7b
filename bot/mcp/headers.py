"""Header values of the modern era: the coding of values that HTTP cannot carry, and the agreement of headers with the body."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Final

VERSION: Final = "mcp-protocol-version"
METHOD: Final = "mcp-method"
NAME: Final = "mcp-name"
SESSION: Final = "mcp-session-id"
PARAM_PREFIX: Final = "mcp-param-"

NAMED: Final[Mapping[str, str]] = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}

_MARKER = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)
_PLAIN = re.compile(r"[\x20-\x7e]*")


class Ambiguous(Exception):  # never leaves this package: messages.py turns it into a refusal
    """A routing header stands there twice, or cannot be read. The argument is a sentence."""


def encode(value: str) -> str:
    """Write a value for a header: plain when HTTP keeps it as it is, marked base64 of its UTF-8 otherwise."""
    if _PLAIN.fullmatch(value) and value == value.strip() and not _MARKER.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode('ascii')}?="


def decode(value: str) -> str | None:
    """Read a header value; None when it is not what `encode` would have written for any text."""
    marked = _MARKER.fullmatch(value)
    if marked is None:
        return value if _PLAIN.fullmatch(value) else None
    payload = marked.group(1)
    try:
        raw = base64.b64decode(payload, validate=True)
        text = raw.decode()
    except (binascii.Error, ValueError):
        return None
    return text if base64.b64encode(raw).decode("ascii") == payload else None


def routing(headers: Iterable[tuple[str, str]]) -> tuple[str | None, str | None, str | None]:
    """Give MCP-Protocol-Version, Mcp-Method and Mcp-Name of a raw header list. Raises Ambiguous when one stands there twice."""
    version = method = name = None
    for key, value in headers:
        lower = key.lower()
        if lower == VERSION:
            version = _once(version, value, "MCP-Protocol-Version")
        elif lower == METHOD:
            method = _once(method, value, "Mcp-Method")
        elif lower == NAME:
            name = _once(name, value, "Mcp-Name")
    return version, method, name


def _once(seen: str | None, value: str, header: str) -> str:
    if seen is not None:
        raise Ambiguous(f"The header {header} stands there twice. Send it once.")
    return value.strip(" \t")
