"""Upstreams whose every answer a test writes: over HTTP, over a bare socket, and as a program. And a listener in front of a relay.

As a program: `python -m tests.fakes.upstreams MODE`, where MODE names one of the functions below that speak lines.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.mcp.eras import SUBSCRIPTION_ID
from bot.upstream import Relay, filter_response_headers

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """One HTTP request as an upstream got it."""

    method: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> Message:
        """The body as a JSON-RPC message; empty when there is none."""
        return json.loads(self.body) if self.body else {}


Answer = Callable[[web.Request, Message], Awaitable[web.StreamResponse]]


def result(message: Message, **members: object) -> web.Response:
    """Answer with a result."""
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": members})


def failure(message: Message, code: int, text: str, status: int = 200) -> web.Response:
    """Answer with an error."""
    return web.json_response({"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": code, "message": text}}, status=status)


def tool(name: str = "act", **members: object) -> Message:
    """Write an entry of tools/list."""
    return {"name": name, "inputSchema": {"type": "object"}, **members}


_RESULTS: dict[str, Message] = {
    "server/discover": {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}},
    "initialize": {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "scripted", "version": "1"}},
    "tools/list": {"tools": [tool()]},
    "tools/call": {"content": [{"type": "text", "text": "done"}], "isError": False},
}


@dataclass(slots=True)
class Scripted:
    """An HTTP upstream: answers by method, modern or legacy, and keeps what it saw. `answers` overrides by JSON-RPC or HTTP method."""

    modern: bool = True
    session: str | None = "s-1"
    answers: dict[str, Answer] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    def of(self, method: str) -> list[Seen]:
        """Give what it saw of one JSON-RPC method."""
        return [one for one in self.seen if one.message.get("method") == method]

    async def _serve(self, http: web.Request) -> web.StreamResponse:
        body = await http.read()
        seen = Seen(http.method, dict(http.headers), body)
        self.seen.append(seen)
        message = seen.message
        name = message.get("method", "response") if http.method == "POST" else http.method
        if name in self.answers:
            return await self.answers[name](http, message)
        return self._ordinary(http, name, message)

    def _ordinary(self, http: web.Request, name: str, message: Message) -> web.Response:
        if "id" not in message or name == "response":
            return web.Response(status=202)
        if name == "server/discover" and not self.modern:
            return failure(message, -32601, "Method not found", 404)
        sessions = not self.modern and self.session is not None
        if sessions and name != "initialize" and http.headers.get("Mcp-Session-Id") != self.session:
            return failure(message, -32600, "Session not found", 404)
        answer = result(message, **_RESULTS.get(name, {}))
        if sessions and name == "initialize":
            answer.headers["Mcp-Session-Id"] = self.session or ""
        return answer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve on a free port; gives the URL."""
        app = web.Application()
        app.router.add_route("*", "/mcp", self._serve)
        async with TestServer(app, host="127.0.0.1") as server:
            yield str(server.make_url("/mcp"))


def stream(*portions: bytes, stay: asyncio.Event | None = None) -> Answer:
    """Answer with an event stream of these portions; `%ID%` in them is the id of the request. With `stay` it ends when that is set."""

    async def answer(http: web.Request, message: Message) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(http)
        for portion in portions:
            await response.write(portion.replace(b"%ID%", json.dumps(message.get("id")).encode()))
        if stay is not None:
            await stay.wait()
        return response

    return answer


@asynccontextmanager
async def bare(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """Serve raw bytes on a free port; gives the URL."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"


@asynccontextmanager
async def fronted(relay: Relay, *, refusing: str | None = None) -> AsyncIterator[str]:
    """Listen in front of a relay as the gateway does, without judging; gives the URL. One JSON-RPC method may be refused as unknown."""

    async def serve(http: web.Request) -> web.StreamResponse:
        body = await http.read()
        if refusing is not None and body and (message := json.loads(body)).get("method") == refusing:
            return failure(message, -32601, "Method not found", 404)
        async with relay.open(http.method, http.headers.items(), body) as answer:
            response = web.StreamResponse(status=answer.status, headers=filter_response_headers(answer.headers.items()))
            await response.prepare(http)
            async for portion in answer.content.iter_any():
                await response.write(portion)
            return response

    app = web.Application(handler_args={"handler_cancellation": True})
    app.router.add_route("*", "/mcp", serve)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/mcp"))


def _lines() -> Any:  # noqa: ANN401  # messages of any shape
    for line in sys.stdin:
        yield json.loads(line)


def _say(**message: object) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)  # noqa: T201  # its voice


def legacy() -> None:
    """Speak the legacy era only; tools by name say what they do."""
    for message in _lines():
        method, params = message.get("method"), message.get("params", {})
        if "id" not in message or method is None:
            print(f"heard {json.dumps(message)}", file=sys.stderr, flush=True)  # noqa: T201  # as above
        elif method == "initialize":
            _say(
                id=message["id"], result={"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "l", "version": "1"}}
            )
        elif method == "tools/list":
            _say(id=message["id"], result={"tools": [tool("act"), tool("die")]})
        elif method == "tools/call":
            _legacy_tool(message, params)
        elif method == "ping":
            _say(id=message["id"], result={})
        else:
            _say(id=message["id"], error={"code": -32601, "message": "Method not found"})


def _legacy_tool(message: Message, params: Message) -> None:
    name = params["name"]
    if name == "die":
        os._exit(7)
    if name == "huge":
        print("x" * 200_000, flush=True)  # noqa: T201  # a line that is too long
    if name == "progress":
        _say(method="notifications/progress", params={"progressToken": params["_meta"]["progressToken"], "progress": 1})
    if name == "ask":
        _say(id="from-server", method="roots/list")
    if name == "noise":
        print("this is no message", flush=True)  # noqa: T201  # as above
    if name == "odd":
        _say(id=message["id"], result={"_meta": SUBSCRIPTION_ID})
    if name in {"silent", "odd"}:
        return
    _say(id=message["id"], result={"content": [{"type": "text", "text": json.dumps(params)}]})


def stubborn() -> None:
    """Ignore the end of input and SIGTERM, as a hung program does."""
    import signal  # noqa: PLC0415  # only this mode needs it

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", file=sys.stderr, flush=True)  # noqa: T201  # how a test knows
    time.sleep(600)


def parent() -> None:
    """Leave a child of its own that holds the pipes, and end with the input."""
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(f"grandchild {grandchild.pid}", file=sys.stderr, flush=True)  # noqa: T201  # how a test knows
    sys.stdin.read()
    grandchild.returncode = 0  # it is left to its own


def telling() -> None:
    """Write secrets and their like to the log, and answer nothing."""
    print(f"token {os.environ['TOLD']} and ghp_{'a' * 30} \u202e {sorted(os.environ)}", file=sys.stderr, flush=True)  # noqa: T201  # as above
    sys.stdin.read()


def mute() -> None:
    """Read and never answer."""
    sys.stdin.read()


MODES = {mode.__name__: mode for mode in (legacy, stubborn, parent, telling, mute)}

if __name__ == "__main__":
    MODES[sys.argv[1]]()


@asynccontextmanager
async def listing(tools: list[Message]) -> AsyncIterator[tuple[Scripted, str]]:
    """Run a server that lists these tools, as they are at the time; gives it and its address."""

    async def listed(_: web.Request, message: Message) -> web.StreamResponse:
        return result(message, resultType="complete", tools=tools)

    scripted = Scripted(answers={"tools/list": listed})
    async with scripted.running() as url:
        yield scripted, url
