"""What an agent posted, read strictly: one JSON-RPC message, its era, and for a tools/call everything that a decision needs.

Law: the body decides, headers must equal it, and what two readers could read differently is refused, never forwarded.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from bot.mcp import headers as wire
from bot.mcp.answers import error
from bot.mcp.eras import (
    CLIENT_CAPABILITIES,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LEGACY_VERSIONS,
    MODERN_VERSIONS,
    PARSE_ERROR,
    PROTOCOL_VERSION,
    UNSUPPORTED_VERSION,
    Era,
    http_status,
)
from bot.mcp.spans import member
from workflows.calls import JSON, MAX_DEPTH, ToolCall, parse_json
from workflows.errors import AskfirstError, Malformed

MessageId: TypeAlias = str | int
MAX_NAME: Final = 256

_TOP: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_PARAMS: Final = frozenset({"name", "arguments", "_meta", "inputResponses", "requestState", "task"})


class Kind(StrEnum):
    """The three kinds of JSON-RPC message."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESPONSE = "response"


class Refused(AskfirstError):
    """The message was refused and not forwarded. Correct it and send it again."""

    code = "refused"

    def __init__(self, rpc_code: int, sentence: str, request_id: MessageId | None = None, data: JSON = None) -> None:
        super().__init__(sentence)
        self.rpc_code, self.request_id, self.data = rpc_code, request_id, data

    @property
    def status(self) -> int:
        """The HTTP status to answer with."""
        return http_status(self.rpc_code)

    @property
    def body(self) -> bytes:
        """The JSON-RPC error to answer with; its id is the request's where that could be read, else null."""
        return error(self.request_id, self.rpc_code, str(self), self.data)


@dataclass(frozen=True, slots=True)
class Call:
    """The params of a tools/call, and the body that they came in."""

    name: str
    arguments: Mapping[str, JSON]
    body: bytes
    meta: Mapping[str, JSON]
    progress_token: MessageId | None
    continues: bool  # it answers an input_required: inputResponses or requestState is there
    task: bool  # a legacy task was asked for

    @property
    def raw_arguments(self) -> bytes:
        """The exact source text of `arguments`, `{}` when absent. Looked up when asked for: an allowed call is relayed whole."""
        text = self.body.decode()
        params = member(text, "params")
        found = member(text, "arguments", params[0]) if params else None
        return text[found[0] : found[1]].encode() if found else b"{}"

    def to(self, server: str) -> ToolCall:
        """Give the call as the policy knows it."""
        return ToolCall(server=server, tool=self.name, arguments=self.arguments)


@dataclass(frozen=True, slots=True)
class Message:
    """One posted message. `call` is there exactly when the method is tools/call; a response has no method."""

    kind: Kind
    era: Era
    version: str | None
    method: str | None
    id: MessageId | None
    params: Mapping[str, JSON]
    call: Call | None = None


def parse(body: bytes, headers: Iterable[tuple[str, str]] = (), *, max_depth: int = MAX_DEPTH) -> Message:
    """Read a POST body with its raw header list (every line, duplicates included). Raises Refused with the answer to give."""
    try:
        top = parse_json(body, max_depth=max_depth)
    except Malformed as malformed:
        raise _unreadable(body, malformed) from malformed
    if not isinstance(top, dict):
        raise _unreadable(body, Malformed("The message is not a JSON object. Send one object."))
    kind, method, request_id = _envelope(top)
    _exact_keys(top, _TOP, request_id)
    params_value = top.get("params", {})
    if not isinstance(params_value, dict):
        raise Refused(INVALID_PARAMS, "`params` is not an object. Send an object.", request_id)
    meta = params_value.get("_meta")
    try:
        version, header_method, header_name = wire.routing(headers)
    except wire.Ambiguous as ambiguous:
        raise Refused(HEADER_MISMATCH, str(ambiguous), request_id) from None
    era = Era.LEGACY if version is None or version in LEGACY_VERSIONS else Era.MODERN
    claimed = meta.get(PROTOCOL_VERSION) if isinstance(meta, dict) else None
    call = None
    if method is not None:
        _agree_on_version(version, claimed, request_id)
        if method == "tools/call":
            _enveloped(era, meta, request_id)
        strict = era is Era.MODERN and method == "tools/call"
        _agree_on_names((header_method, header_name), method, params_value, request_id, strict=strict)
        if method == "tools/call":
            call = _call(kind, params_value, body, request_id)
            if era is Era.MODERN and version not in MODERN_VERSIONS:
                data: JSON = {"supported": list(MODERN_VERSIONS), "requested": version}
                raise Refused(UNSUPPORTED_VERSION, f"The protocol version {version!r} is not served here.", request_id, data)
    return Message(kind, era, version, method, request_id, params_value, call)


def _unreadable(body: bytes, malformed: Malformed) -> Refused:
    if body.lstrip(b" \t\r\n")[:1] == b"[":
        return Refused(INVALID_REQUEST, "Batches are not accepted. Send one message in each request.")
    return Refused(PARSE_ERROR, str(malformed), _readable_id(body))


def _readable_id(body: bytes) -> MessageId | None:
    """Find the id of a message that was refused as a whole, so that its sender can tell which one it was."""
    try:
        pairs = json.loads(body, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return None
    ids = [pair[1] for pair in pairs if pair[0] == "id"] if isinstance(pairs, tuple) else []
    return ids[0] if len(ids) == 1 and _is_id(ids[0]) else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _exact_keys(found: Mapping[str, object], known: frozenset[str], request_id: MessageId | None) -> None:
    """Refuse a key that only a reader who ignores case would take for a known one."""
    if found.keys() <= known:
        return
    for key in found:
        if key not in known and any(key.casefold() == name.casefold() for name in known):
            raise Refused(INVALID_REQUEST, f"The key {key!r} differs from a known one only in case. Write keys exactly.", request_id)


def _envelope(top: Mapping[str, JSON]) -> tuple[Kind, str | None, MessageId | None]:
    raw_id = top.get("id")
    request_id = raw_id if isinstance(raw_id, str | int) and not isinstance(raw_id, bool) else None
    if top.get("jsonrpc") != "2.0":
        raise Refused(INVALID_REQUEST, 'The member `jsonrpc` is not "2.0". Send a JSON-RPC 2.0 message.', request_id)
    if "id" in top and request_id is None:
        raise Refused(INVALID_REQUEST, "The `id` is neither a string nor an integer. Send one of these.")
    if "method" not in top:
        if request_id is None or ("result" in top) == ("error" in top):
            raise Refused(INVALID_REQUEST, "The message is neither a request nor a response. Send a `method`.", request_id)
        return Kind.RESPONSE, None, request_id
    method = top["method"]
    if not isinstance(method, str) or not method:
        raise Refused(INVALID_REQUEST, "The `method` is not a string. Send the name of a method.", request_id)
    if "result" in top or "error" in top:
        raise Refused(INVALID_REQUEST, "The message is a request and a response at once. Send one of them.", request_id)
    return (Kind.NOTIFICATION if request_id is None else Kind.REQUEST), method, request_id


def _agree_on_version(version: str | None, claimed: JSON, request_id: MessageId | None) -> None:
    if claimed is None or claimed == version or (version is None and claimed in LEGACY_VERSIONS):
        return
    raise Refused(HEADER_MISMATCH, "The header MCP-Protocol-Version differs from the protocol version in `_meta`.", request_id)


def _enveloped(era: Era, meta: JSON, request_id: MessageId | None) -> None:
    """Ask a modern call for its envelope; in either era `_meta` is an object or absent."""
    if meta is not None and not isinstance(meta, dict):
        raise Refused(INVALID_PARAMS, "`_meta` is not an object. Send an object, or leave it out.", request_id)
    if era is Era.MODERN:
        for key in (PROTOCOL_VERSION, CLIENT_CAPABILITIES):
            if meta is None or key not in meta:
                raise Refused(INVALID_PARAMS, f"`_meta` lacks {key!r}, which this protocol version requires.", request_id)


def _agree_on_names(
    headers: tuple[str | None, str | None], method: str, params: Mapping[str, JSON], request_id: MessageId | None, *, strict: bool
) -> None:
    """Compare Mcp-Method and Mcp-Name with the body: what is there must be equal, and a modern call must have both."""
    header_method, header_name = headers
    if header_method != method and (strict or header_method is not None):
        raise Refused(HEADER_MISMATCH, "The header Mcp-Method differs from the `method` of the body.", request_id)
    member = wire.NAMED.get(method)
    if member is None or (header_name is None and not strict):
        return
    if header_name is None or wire.decode(header_name) != params.get(member):
        raise Refused(HEADER_MISMATCH, f"The header Mcp-Name differs from `params.{member}` of the body.", request_id)


def _call(kind: Kind, params: dict[str, JSON], body: bytes, request_id: MessageId | None) -> Call:
    if kind is not Kind.REQUEST:
        raise Refused(INVALID_REQUEST, "A tools/call without an id gets no answer and is not run. Send an `id`.")
    _exact_keys(params, _PARAMS, request_id)
    name = params.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not (name.isprintable() or _no_controls(name)):
        raise Refused(INVALID_PARAMS, f"`params.name` is not a tool name of 1 to {MAX_NAME} characters without controls.", request_id)
    arguments = params.get("arguments", {})
    if not isinstance(arguments, dict):
        raise Refused(INVALID_PARAMS, "`params.arguments` is not an object. Send an object, or leave it out.", request_id)
    meta = params.get("_meta")
    meta = meta if isinstance(meta, dict) else {}
    token = meta.get("progressToken")
    return Call(
        name=name,
        arguments=arguments,
        body=body,
        meta=meta,
        progress_token=token if isinstance(token, str | int) and not isinstance(token, bool) else None,
        continues="inputResponses" in params or "requestState" in params,
        task="task" in params,
    )


def _no_controls(name: str) -> bool:
    return not any(character < " " or "\x7f" <= character <= "\x9f" for character in name)
