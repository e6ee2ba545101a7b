"""A tool call as the agent asked for it: strict JSON in, canonical bytes and a fingerprint out.

What two parsers could read differently is refused.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # the standard library's own string scanner, not in the stubs
from math import isinf
from typing import NoReturn, TypeAlias

from workflows.errors import Malformed

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

MAX_DEPTH = 64
_WHITESPACE = " \t\n\r"
_HALF = re.compile("[\ud800-\udfff]")
_HALF_SENTENCE = "A string holds half of a surrogate pair. Send whole characters."


def _no_duplicates(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise _twice(next(name for name, count in counts.items() if count > 1))
    return members


def _twice(name: str) -> Malformed:
    return Malformed(f"The key {name[:100]!r} appears twice in one object. Send each key once.")


def _no_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not JSON. Send a number, a string or null.")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise Malformed(f"The number {text[:40]} is out of range. Send it as a string, or a smaller one.")
    return number


_STRICT = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite)


def _text(source: bytes | str) -> str:
    if isinstance(source, str):
        text = source
    else:
        try:
            text = source.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("The message is not UTF-8. Send JSON encoded as UTF-8.") from error
    if not text.isascii() and _HALF.search(text):
        raise Malformed(_HALF_SENTENCE)
    if "\\u" in text:
        _no_lone_surrogates(text)
    return text


def _no_lone_surrogates(text: str) -> None:
    """Refuse escapes that decode to half a character: parsers differ on them, and databases refuse them."""
    position = text.find("\\u")
    while position != -1:
        if _escaped_backslash(text, position):
            position = text.find("\\u", position + 2)
            continue
        half = text[position + 2 : position + 6].lower()
        if half[:1] == "d" and half[1:2] in set("89ab"):
            low = text[position + 6 : position + 12].lower()
            if not (low[:3] == "\\ud" and low[3:4] in set("cdef")):
                raise Malformed(_HALF_SENTENCE)
            position = text.find("\\u", position + 12)
            continue
        if half[:1] == "d" and half[1:2] in set("cdef"):
            raise Malformed(_HALF_SENTENCE)
        position = text.find("\\u", position + 6)


def _escaped_backslash(text: str, position: int) -> bool:
    start = position
    while start > 0 and text[start - 1] == "\\":
        start -= 1
    return (position - start) % 2 == 1


def _no_deep_nesting(text: str, max_depth: int) -> None:
    """Bound the depth before the parser meets it: a scan that skips strings."""
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth, position, end = 0, 0, len(text)
    while position < end:
        character = text[position]
        if character == '"':
            try:
                _, position = scanstring(text, position + 1, True)
            except ValueError as error:
                raise Malformed(f"The message is not JSON: {error}.") from error
            continue
        if character in "[{":
            depth += 1
            if depth > max_depth:
                raise Malformed(f"The message is nested deeper than {max_depth} levels. Send it flatter.")
        elif character in "]}":
            depth -= 1
        position += 1


def parse_json(source: bytes | str, *, max_depth: int = MAX_DEPTH) -> JSON:
    """Read one JSON value strictly: no duplicate keys, NaN, numbers out of range, half characters or nesting beyond `max_depth`.

    Raises Malformed with a sentence that says what to send instead.
    """
    text = _text(source)
    _no_deep_nesting(text, max_depth)
    try:
        value: JSON = _STRICT.decode(text)
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The message is not JSON: {_where(error)}.") from error
    return value


def _where(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.lower()} at line {error.lineno}, column {error.colno}"
    if isinstance(error, IndexError):
        return "it ends too early"
    return "a number is too long, or it is nested too deeply"


def parse_members(source: bytes | str, *, max_depth: int = MAX_DEPTH) -> dict[str, tuple[JSON, str]]:
    """Read a JSON object strictly and give each of its members with the exact text it was written in."""
    text = _text(source)
    _no_deep_nesting(text, max_depth)
    try:
        return _members(text)
    except Malformed:
        raise
    except (ValueError, RecursionError, IndexError) as error:
        raise Malformed(f"The message is not JSON: {_where(error)}.") from error


def _skip(text: str, position: int) -> int:
    while text[position] in _WHITESPACE:
        position += 1
    return position


def _members(text: str) -> dict[str, tuple[JSON, str]]:
    position = _skip(text, 0)
    if text[position] != "{":
        raise Malformed("The message is not a JSON object. Send one object.")
    members: dict[str, tuple[JSON, str]] = {}
    position = _skip(text, position + 1)
    while text[position] != "}":
        if text[position] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, position)
        name, position = scanstring(text, position + 1, True)
        if name in members:
            raise _twice(name)
        position = _skip(text, position)
        if text[position] != ":":
            raise json.JSONDecodeError("Expecting ':' delimiter", text, position)
        start = _skip(text, position + 1)
        value, position = _STRICT.raw_decode(text, start)
        members[name] = (value, text[start:position])
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)
            if text[position] == "}":
                raise json.JSONDecodeError("Illegal trailing comma before end of object", text, position)
        elif text[position] != "}":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, position)
    if text[position + 1 :].strip(_WHITESPACE):
        raise json.JSONDecodeError("Extra data", text, position + 1)
    return members


def canonical(value: JSON) -> bytes:
    """Write a value in the one form that is hashed: keys sorted at every depth, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool and its arguments, for one server.

    `raw_arguments` is the exact JSON text that the agent sent, which is what a release sends; empty where the call is only judged.
    """

    server: str
    tool: str
    arguments: Mapping[str, JSON]
    raw_arguments: bytes = b""


def _digest(domain: bytes, *parts: bytes) -> str:
    digest = hashlib.sha256(domain)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def call_digest(call: ToolCall) -> str:
    """Name a call by what the agent said: SHA-256 (hex) over server, tool and canonical arguments. A repeat of the call has the same."""
    return _digest(b"askfirst said 1", call.server.encode(), call.tool.encode(), canonical(dict(call.arguments)))


def fingerprint(call: ToolCall, definition: str | None) -> str:
    """Name a call by what it would do: SHA-256 (hex) over server, tool, canonical arguments and the digest of the tool's definition."""
    return _digest(
        b"askfirst call 1",
        call.server.encode(),
        call.tool.encode(),
        canonical(dict(call.arguments)),
        (definition or "").encode(),
    )


def definition_digest(definition: Mapping[str, JSON]) -> str:
    """Name a tool's definition, one entry of tools/list, by SHA-256 (hex): a change of any word of it shows."""
    return _digest(b"askfirst definition 1", canonical(dict(definition)))
