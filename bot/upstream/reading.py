"""What an upstream answered, as values: pure, no I/O. What cannot be read is never taken for success."""

import json
from dataclasses import dataclass
from typing import Final

from bot.mcp.answers import error_object
from bot.mcp.eras import UPSTREAM_ASKS, UPSTREAM_UNREADABLE
from workflows.calls import JSON, parse_members
from workflows.errors import Malformed
from workflows.release import Outcome

_DEPTH: Final = 256
_SHOWN: Final = 300
_KEPT_METHOD: Final = frozenset({307, 308})
_REFUSALS: Final = range(400, 500)
_REQUEST_TIMEOUT: Final = 408


@dataclass(frozen=True, slots=True)
class Incoming:
    """One JSON-RPC message of an upstream. `value` and `raw` are its result or error object, as value and as source text."""

    id: JSON
    method: str | None
    is_result: bool
    value: JSON
    raw: bytes

    @property
    def result(self) -> dict[str, JSON] | None:
        """The result when there is one and it is an object."""
        return self.value if self.is_result and isinstance(self.value, dict) else None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request: the response message if there was one, the HTTP status, and the session id that was given."""

    message: Incoming | None
    status: int = 200
    session: str | None = None
    text: str = ""


def read(source: bytes) -> Incoming | None:
    """Read one message; None when it is no JSON-RPC message, or one that two readers could read differently."""
    try:
        members = parse_members(source, max_depth=_DEPTH)
    except Malformed:
        return None
    identity = members["id"][0] if "id" in members else None
    if "method" in members:
        method = members["method"][0]
        return Incoming(identity, method, False, None, b"") if isinstance(method, str) else None
    if ("result" in members) == ("error" in members):
        return None
    is_result = "result" in members
    value, raw = members["result" if is_result else "error"]
    return Incoming(identity, None, is_result, value, raw.encode()) if isinstance(value, dict) else None


def outcome(reply: Reply) -> Outcome:
    """Say what became of a call that was sent."""
    if reply.message is None:
        return _without_message(reply)
    message = reply.message
    if not message.is_result:
        return Outcome("error", message.raw, is_error=True)
    result = message.result or {}
    kind = result.get("resultType", "complete")
    if kind == "input_required":
        return Outcome("error", error_object(UPSTREAM_ASKS, ASKED), is_error=True)
    if kind != "complete":
        return Outcome("unknown", f"The upstream answered with a result of the type {json.dumps(kind)[:40]}, not with a result.".encode())
    return Outcome("result", message.raw, is_error=result.get("isError") is True)


ASKED: Final = (
    "The upstream asked for more input before it would finish this call, and no agent was there to answer. It was not finished;"
    " ask for a call that needs no further input."
)


def _without_message(reply: Reply) -> Outcome:
    said = f" It said: {reply.text[:_SHOWN]}" if reply.text else ""
    if reply.status in _KEPT_METHOD:
        sentence = f"The upstream answered HTTP {reply.status}, which points elsewhere; that is not followed. Correct its URL."
        return Outcome("error", error_object(UPSTREAM_UNREADABLE, sentence), is_error=True)
    if reply.status in _REFUSALS and reply.status != _REQUEST_TIMEOUT:
        sentence = f"The upstream refused the call with HTTP {reply.status}.{said}"
        return Outcome("error", error_object(UPSTREAM_UNREADABLE, sentence), is_error=True)
    return Outcome("unknown", f"The upstream answered HTTP {reply.status} without a result that can be read.{said}".encode())
