"""An upstream over HTTP that records exactly what reached it, byte for byte, and answers as a test tells it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Fields = Sequence[tuple[str, str]]

_TOOLS = ("list_customers", "create_refund", "wipe", "limited", "secret")
_MOST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """One HTTP request as it came over the wire: header names in their case and order, values as Latin-1, the body undone of chunks."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    def values(self, name: str) -> list[str]:
        """Give every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def message(self) -> dict[str, Any]:
        """Read the body as one JSON object; empty when there is none."""
        found: dict[str, Any] = json.loads(self.body) if self.body else {}
        return found


class Peer:
    """The side of a connection that answers: in whole, in chunks, in raw bytes, or by leaving."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, body: bytes = b"", status: int = 200, headers: Fields = (), kind: str = "application/json") -> None:
        """Answer in whole, with a length."""
        fields = [*headers, ("Content-Length", str(len(body))), *([("Content-Type", kind)] if body else [])]
        await self.raw(_head(status, fields) + body)

    async def begin(self, status: int = 200, headers: Fields = (), kind: str = "text/event-stream") -> None:
        """Begin an answer that comes in chunks."""
        await self.raw(_head(status, [*headers, ("Content-Type", kind), ("Transfer-Encoding", "chunked")]))

    async def chunk(self, data: bytes) -> None:
        """Send one chunk."""
        await self.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def end(self) -> None:
        """End an answer that came in chunks."""
        await self.raw(b"0\r\n\r\n")

    def close(self) -> None:
        """Leave after what was said."""
        self._writer.close()

    def abort(self) -> None:
        """Leave without a word."""
        self._writer.transport.abort()

    async def gone(self) -> None:
        """Wait until whoever asked has left."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(65536):
                pass


Script = Callable[[Received, Peer], Awaitable[None]]


def _head(status: int, fields: Fields) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode("latin-1")


def result(value: Mapping[str, object], **answering: Any) -> Script:  # noqa: ANN401  # the options of `Peer.answer`
    """Answer every request with this result under its own id."""

    async def script(received: Received, peer: Peer) -> None:
        await peer.answer(json.dumps({"jsonrpc": "2.0", "id": received.message.get("id"), "result": value}).encode(), **answering)

    return script


def text(words: str, *, is_error: bool = False) -> Script:
    """Answer with a tool result that is one text."""
    return result({"content": [{"type": "text", "text": words}], **({"isError": True} if is_error else {})})


def error(code: int = -32603, message: str = "It went wrong.", **answering: Any) -> Script:  # noqa: ANN401  # the options of `Peer.answer`
    """Answer with a JSON-RPC error."""

    async def script(received: Received, peer: Peer) -> None:
        body = {"jsonrpc": "2.0", "id": received.message.get("id"), "error": {"code": code, "message": message}}
        await peer.answer(json.dumps(body).encode(), **answering)

    return script


def body(data: bytes, status: int = 200, headers: Fields = (), kind: str = "application/json") -> Script:
    """Answer with exactly these bytes."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(data, status, headers, kind)

    return script


def stream(*portions: bytes, headers: Fields = ()) -> Script:
    """Answer with an event stream of these portions."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin(headers=headers)
        for portion in portions:
            await peer.chunk(portion)
        await peer.end()

    return script


async def silence(_: Received, peer: Peer) -> None:
    """Take the request and never answer."""
    await peer.gone()


@dataclass(slots=True)
class Relayed:
    """A running upstream. `on` says how it answers, by JSON-RPC method or by GET and DELETE; the rest as a server would."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    on: dict[str, Script] = field(default_factory=dict)
    tools: list[dict[str, Any]] = field(default_factory=lambda: [tool(name) for name in _TOOLS])
    connections: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def of(self, method: str) -> list[Received]:
        """Give what came with this JSON-RPC method, or as GET or DELETE."""
        return [each for each in self.received if _named(each) == method]

    @property
    def calls(self) -> list[Received]:
        """Give every tools/call that came."""
        return self.of("tools/call")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        self._writers.add(writer)
        number, peer = self.connections, Peer(reader, writer)
        try:
            while (received := await _read(reader, number)) is not None:
                self.received.append(received)
                await self.on.get(_named(received), self._usual)(received, peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _usual(self, received: Received, peer: Peer) -> None:
        method = _named(received)
        if method in {"GET", "DELETE"}:
            await peer.answer(status=405)
        elif "id" not in received.message or "method" not in received.message:
            await peer.answer(status=202)
        else:
            await result(self._result(method), headers=self._session(method))(received, peer)

    def _result(self, method: str) -> dict[str, object]:
        if method == "server/discover":
            return {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
        if method == "initialize":
            return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "relayed", "version": "1"}}
        if method == "tools/list":
            return {"tools": self.tools}
        if method == "tools/call":
            return {"content": [{"type": "text", "text": "done"}]}
        return {}

    def _session(self, method: str) -> list[tuple[str, str]]:
        return [("Mcp-Session-Id", f"session-{len(self.of('initialize'))}")] if method == "initialize" else []

    def leave(self) -> None:
        """Drop every connection."""
        for writer in list(self._writers):
            writer.transport.abort()


def tool(name: str, **members: object) -> dict[str, Any]:
    """Define a tool as tools/list does."""
    return {"name": name, "description": f"The tool {name}.", "inputSchema": {"type": "object"}, **members}


def _named(received: Received) -> str:
    if received.method != "POST":
        return received.method
    try:
        method = received.message.get("method", "")
    except (ValueError, AttributeError):
        return ""
    return method if isinstance(method, str) else ""


async def _read(reader: asyncio.StreamReader, number: int) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = tuple((name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines))
    found = Received(method, target, headers, b"", number)
    if "chunked" in found.values("Transfer-Encoding"):
        return Received(method, target, headers, await _chunks(reader), number)
    length = int((found.values("Content-Length") or ["0"])[0])
    return Received(method, target, headers, await reader.readexactly(length), number)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    whole = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        whole += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return whole


@contextlib.asynccontextmanager
async def relayed(port: int = 0) -> AsyncIterator[Relayed]:
    """Run an upstream on 127.0.0.1; `port` 0 takes a free one."""
    made = Relayed()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(made.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=_MOST)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    try:
        yield made
    finally:
        server.close()
        made.leave()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
