"""The upstream of the benchmark: MCP over a bare socket protocol, as lean as Python allows, so that it is not what is measured.

Run it as `python -m bench.upstream PORT`. `GET /seen` gives {key: seconds of the wall clock} of the calls that carried a `key`.
"""

import asyncio
import json
import sys
import time
from typing import Any, cast

import uvloop

_CALL = b'"method":"tools/call"'
_TOOLS = [
    {"name": name, "description": f"{name} it", "inputSchema": {"type": "object", "properties": {"key": {"type": "string"}}}}
    for name in ("look", "act")
]
_INFO = {"name": "bench", "version": "1"}
_RESULTS: dict[str, dict[str, Any]] = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": _INFO},
    "server/discover": {
        "resultType": "complete",
        "supportedVersions": ["2026-07-28", "2025-11-25"],
        "capabilities": {"tools": {}},
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {"io.modelcontextprotocol/serverInfo": _INFO},
    },
    "tools/list": {"resultType": "complete", "tools": _TOOLS, "ttlMs": 0, "cacheScope": "private"},
    "tools/call": {"resultType": "complete", "content": [{"type": "text", "text": "x" * 200}], "isError": False},
}
seen: dict[str, float] = {}


def _http(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def answer(head: bytes, body: bytes) -> bytes:
    """Answer one HTTP message."""
    if head.startswith(b"GET /seen "):
        return _http(b"200 OK", json.dumps(seen).encode())
    if not head.startswith(b"POST "):
        return _http(b"405 Method Not Allowed", b"")
    now = time.time()
    message = json.loads(body)
    if "id" not in message:
        return _http(b"202 Accepted", b"")
    if _CALL in body and (key := message["params"].get("arguments", {}).get("key")):
        seen[key] = now
    result = _RESULTS.get(message["method"], {})
    return _http(b"200 OK", json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode())


class Upstream(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's own class, which is no subclass

    def data_received(self, data: bytes) -> None:
        """Answer every whole message that has arrived."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0 and self._transport is not None:
            head = self._buffer[: end + 4]
            length = _length(head)
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._transport.write(answer(head, body))


def _length(head: bytes) -> int:
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    return int(lower[start + 17 : lower.index(b"\r\n", start + 2)]) if start >= 0 else 0


async def serve(port: int) -> None:
    """Serve on 127.0.0.1 until it is ended."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    print(f"upstream listening on http://127.0.0.1:{port}/mcp", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
