"""The load: keep-alive connections that each send the same call again as soon as it was answered. Lean, so that it is not the limit.

Run it as `python -m bench.load` with one JSON task a line on stdin; each gives one JSON line on stdout.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import uvloop

_END = b"0\r\n\r\n"


def message(url: str, token: str, tool: str, arguments: dict[str, object]) -> bytes:
    """Write a tools/call of the 2026-07-28 wire as it goes over the socket."""
    parts = urlsplit(url)
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    }
    call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool, "arguments": arguments, "_meta": meta}}
    body = json.dumps(call, separators=(",", ":")).encode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
        f"Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Tally:
    """What one run found: seconds of every answer, and how many were not the result of the call."""

    took: list[float] = field(default_factory=list)
    wrong: int = 0
    broken: int = 0


class Caller(asyncio.Protocol):
    """One connection that calls until the time is over."""

    def __init__(self, sent: bytes, until: float, tally: Tally, done: "asyncio.Future[None]") -> None:
        self._sent = sent
        self._until = until
        self._tally = tally
        self._done = done
        self._buffer = b""
        self._began = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first call."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class, which is no subclass
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's name
        """A connection that ends by itself is counted."""
        if not self._done.done():
            self._tally.broken += 1
            self._done.set_result(None)

    def _send(self) -> None:
        if self._transport is not None:
            self._began = time.perf_counter()
            self._transport.write(self._sent)

    def data_received(self, data: bytes) -> None:
        """Count a whole answer and send the next call."""
        self._buffer += data
        if not _whole(self._buffer):
            return
        now = time.perf_counter()
        self._tally.took.append(now - self._began)
        if not self._buffer.startswith(b"HTTP/1.1 200") or b'"isError":false' not in self._buffer.replace(b'": ', b'":'):
            self._tally.wrong += 1
        self._buffer = b""
        if now < self._until:
            self._send()
        elif not self._done.done():
            self._done.set_result(None)
            if self._transport is not None:
                self._transport.close()


def _whole(buffer: bytes) -> bool:
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = buffer[:end].lower()
    at = head.find(b"content-length:")
    if at >= 0:
        return len(buffer) - end - 4 >= int(head[at + 15 :].split(b"\r\n", 1)[0])
    return buffer.endswith(_END)


async def run(*, url: str, token: str, tool: str, arguments: dict[str, object], connections: int, seconds: float) -> dict[str, float]:
    """Load one address for some seconds: calls a second, and p50 and p99 in milliseconds."""
    loop = asyncio.get_running_loop()
    tally, sent = Tally(), message(url, token, tool, arguments)
    parts = urlsplit(url)
    ends = [loop.create_future() for _ in range(connections)]
    began = time.perf_counter()
    for end in ends:
        await loop.create_connection(
            lambda end=end: Caller(sent, began + seconds, tally, end),  # type: ignore[misc]  # mypy cannot type a default of a lambda
            parts.hostname or "127.0.0.1",
            parts.port or 80,
        )
    await asyncio.wait_for(asyncio.gather(*ends), seconds + 30)
    lasted = time.perf_counter() - began
    took = sorted(tally.took)
    return {
        "calls": len(took),
        "rate": len(took) / lasted,
        "p50": 1000 * took[len(took) // 2],
        "p99": 1000 * took[min(len(took) - 1, int(len(took) * 0.99))],
        "wrong": tally.wrong + tally.broken,
    }


async def main() -> None:
    """Take tasks from stdin until it ends."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await run(**json.loads(line))), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
