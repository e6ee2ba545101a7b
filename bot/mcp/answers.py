"""Messages that Askfirst writes itself, as bytes: errors, refusals in the shape of tool results, progress, stored outcomes."""

import json
from typing import Final

from bot.mcp.eras import Era
from workflows.calls import JSON

_JSON = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode

DENIED: Final = "[POLICY DENIED] "
EVENT_STREAM_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
KEEPALIVE: Final = b": keepalive\n\n"


def _answer(request_id: str | int | None, member: str, body: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":' + _JSON(request_id).encode() + b',"' + member.encode() + b'":' + body + b"}"


def error_object(code: int, message: str, data: JSON = None) -> bytes:
    """Write the `error` member of a response; `data` None leaves it out."""
    body: dict[str, JSON] = {"code": code, "message": message}
    if data is not None:
        body["data"] = data
    return _JSON(body).encode()


def error(request_id: str | int | None, code: int, message: str, data: JSON = None) -> bytes:
    """Write an error response; an id that could not be read is null."""
    return _answer(request_id, "error", error_object(code, message, data))


def result(request_id: str | int, body: bytes) -> bytes:
    """Write a result response around the JSON text of a result."""
    return _answer(request_id, "result", body)


def text_result(request_id: str | int, text: str, era: Era, *, is_error: bool = True) -> bytes:
    """Write a tool result that is one text. Being an error keeps clients from checking it against the tool's output schema."""
    body: dict[str, JSON] = {"resultType": "complete"} if era is Era.MODERN else {}
    body["isError"] = is_error
    body["content"] = [{"type": "text", "text": text}]
    return result(request_id, _JSON(body).encode())


def denied(request_id: str | int, text: str, era: Era) -> bytes:
    """Write a refusal by policy or by people: an error result that begins with [POLICY DENIED]."""
    return text_result(request_id, DENIED + text, era)


def pending(request_id: str | int, text: str, era: Era) -> bytes:
    """Write the result of a call that still waits for a decision; `text` says how to collect the outcome."""
    return text_result(request_id, text, era)


def tool_result(request_id: str | int, kind: str, body: bytes) -> bytes:
    """Write a stored outcome under a new id: its bytes as they are, a result when `kind` is "result" and an error otherwise."""
    return _answer(request_id, "result" if kind == "result" else "error", body)


def notification(method: str, params: JSON) -> bytes:
    """Write a notification."""
    return _JSON({"jsonrpc": "2.0", "method": method, "params": params}).encode()


def progress(token: str | int, step: float, message: str) -> bytes:
    """Write a progress notification; `step` must grow from one to the next."""
    return notification("notifications/progress", {"progressToken": token, "progress": step, "message": message})


def event(data: bytes) -> bytes:
    """Write a message as one server-sent event, whatever line ends its JSON has."""
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(data.splitlines())
    return b"event: message\ndata: " + data + b"\n\n"
