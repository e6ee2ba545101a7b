"""The messages that Askfirst sends in its own name: pure, no I/O. A released call carries the stored arguments byte for byte."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bot.mcp.eras import CLIENT_CAPABILITIES, CLIENT_INFO, PROTOCOL_VERSION, REQUEST_ID, Era
from bot.mcp.headers import NAMED, encode
from workflows.calls import JSON

INFO: Final[Mapping[str, JSON]] = {"name": "askfirst", "version": "1"}
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_MIRRORED: Final = frozenset({"string", "integer", "boolean"})
_SCHEMAS_IN_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_NO_SCHEMAS: Final = frozenset({"default", "examples", "const", "enum"})

HeaderMap = Mapping[tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Link:
    """What was agreed on with an upstream: the era, its version, and the session id where it gave one."""

    era: Era
    version: str
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message with the headers that HTTP needs for it. `id` None makes it a notification."""

    id: str | None
    method: str
    body: bytes
    headers: Mapping[str, str]


def _text(value: JSON) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def meta(link: Link, *, request_id: str | None = None) -> dict[str, JSON]:
    """Give the `_meta` of a request: the envelope in the modern era, and the key by which an upstream can know a request again."""
    members: dict[str, JSON] = {}
    if link.era is Era.MODERN:
        members |= {PROTOCOL_VERSION: link.version, CLIENT_CAPABILITIES: {}, CLIENT_INFO: dict(INFO)}
    if request_id is not None:
        members[REQUEST_ID] = request_id
    return members


def headers(link: Link | None, method: str, name: str | None = None) -> dict[str, str]:
    """Give the headers of a message; without a link they are those of an `initialize`."""
    members = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Accept-Encoding": "identity"}
    if link is not None:
        members["MCP-Protocol-Version"] = link.version
        if link.session is not None:
            members["Mcp-Session-Id"] = link.session
        if link.era is Era.MODERN:
            members["Mcp-Method"] = method
            if name is not None and method in NAMED:
                members["Mcp-Name"] = encode(name)
    return members


def request(link: Link | None, message_id: str, method: str, params: dict[str, JSON]) -> Outgoing:
    """Write a request of our own."""
    if link is not None and (ours := meta(link)):
        params = {**params, "_meta": ours}
    body = _text({"jsonrpc": "2.0", "id": message_id, "method": method, "params": params})
    return Outgoing(message_id, method, body, headers(link, method))


def notification(link: Link, method: str) -> Outgoing:
    """Write a notification of our own."""
    return Outgoing(None, method, _text({"jsonrpc": "2.0", "method": method}), headers(link, method))


def call(link: Link, tool: str, raw_arguments: bytes, *, request_id: str, mirrored: Mapping[str, str]) -> Outgoing:
    """Write the released call: `raw_arguments` stands in it as it was stored, `mirrored` are its Mcp-Param headers."""
    params = b'{"name":' + _text(tool) + b',"arguments":' + raw_arguments + b',"_meta":' + _text(meta(link, request_id=request_id)) + b"}"
    body = b'{"jsonrpc":"2.0","id":' + _text(request_id) + b',"method":"tools/call","params":' + params + b"}"
    return Outgoing(request_id, "tools/call", body, headers(link, "tools/call", tool) | dict(mirrored))


def header_map(schema: JSON) -> HeaderMap:
    """Find which arguments a tool wants mirrored in headers: property path to header token. Empty when its marks are not valid."""
    found: dict[tuple[str, ...], str] = {}
    for path, node in _schemas(schema):
        if "x-mcp-header" not in node:
            continue
        token, kind = node["x-mcp-header"], node.get("type")
        if not path or not isinstance(token, str) or not _TOKEN.fullmatch(token) or not isinstance(kind, str) or kind not in _MIRRORED:
            return {}
        found[path] = token
    return found if len({token.lower() for token in found.values()}) == len(found) else {}


def _schemas(schema: JSON) -> Iterator[tuple[tuple[str, ...] | None, dict[str, JSON]]]:
    """Walk every schema in a schema, with its path of properties, or None where it is not reached by properties alone."""
    stack: list[tuple[tuple[str, ...] | None, JSON]] = [((), schema)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, list):
            stack.extend((None, item) for item in node)
        if not isinstance(node, dict):
            continue
        yield path, node
        for key, value in node.items():
            if key in _SCHEMAS_IN_MAPS and isinstance(value, dict):
                inside = path is not None and key == "properties"
                stack.extend(((*(path or ()), name) if inside else None, item) for name, item in value.items())
            elif key not in _NO_SCHEMAS:
                stack.append((None, value))


def mirror(wanted: HeaderMap, arguments: Mapping[str, JSON]) -> dict[str, str]:
    """Give the Mcp-Param headers of a call: one for each marked argument that is there and not null."""
    found: dict[str, str] = {}
    for path, token in wanted.items():
        value: JSON = dict(arguments)
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, bool):
            found[f"Mcp-Param-{token}"] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            found[f"Mcp-Param-{token}"] = encode(str(value))
    return found
