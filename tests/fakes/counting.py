"""A real MCP server that keeps count: every execution of a tool is one line of a journal, on disk before the tool answers.

Run it as `python -m tests.fakes.counting --journal FILE [--port N | --stdio]`. Switches, read from the environment at the start:
COUNTING_BEFORE and COUNTING_AFTER (seconds to wait before and after the effect), COUNTING_CRASH=1 (dies right after the first effect),
COUNTING_ERROR=1 (every tool answers with an error result), COUNTING_DEFINITION=TEXT (the description of `act`, another definition).
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

_CRASHED = 70


@dataclass(frozen=True, slots=True)
class Switches:
    """How this server misbehaves."""

    before: float = 0.0
    after: float = 0.0
    crash: bool = False
    error: bool = False
    definition: str = "Act once."

    @classmethod
    def from_environment(cls) -> "Switches":
        """Read COUNTING_*; what is absent is off."""
        read = os.environ.get
        return cls(
            before=float(read("COUNTING_BEFORE", "0")),
            after=float(read("COUNTING_AFTER", "0")),
            crash=read("COUNTING_CRASH") == "1",
            error=read("COUNTING_ERROR") == "1",
            definition=read("COUNTING_DEFINITION", "Act once."),
        )


@dataclass(frozen=True, slots=True)
class Journal:
    """One JSON line for each execution: a single append, flushed to disk."""

    path: Path

    def write(self, **line: object) -> None:
        """Append a line before the caller goes on."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, json.dumps({**line, "pid": os.getpid()}).encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)


async def _execute(journal: Journal, switches: Switches, tool: str, arguments: dict[str, object], ctx: Context[Any, Any]) -> str:
    received = time.time()
    await asyncio.sleep(switches.before)
    journal.write(tool=tool, received=received, at=time.time(), meta=dict(ctx.request_context.meta or {}), **arguments)
    if switches.crash:
        os._exit(_CRASHED)
    await asyncio.sleep(switches.after)
    if switches.error:
        raise ToolError(f"{tool} went wrong")
    return f"{tool} {arguments['key']} done"


Key = Annotated[str, Field(description="Names the call in the journal.")]


def build(journal: Journal, switches: Switches) -> MCPServer[Any]:
    """Make the server: look (harmless), act (to be held), wipe (to be denied), secret (to be hidden)."""
    server: MCPServer[Any] = MCPServer("counting", version="1", log_level="ERROR")

    @server.tool(description="Look without changing anything.", structured_output=False)
    async def look(key: Key, ctx: Context[Any, Any]) -> str:
        return await _execute(journal, switches, "look", {"key": key}, ctx)

    @server.tool(description=switches.definition, structured_output=False)
    async def act(key: Key, ctx: Context[Any, Any], amount: int = 0) -> str:
        return await _execute(journal, switches, "act", {"key": key, "amount": amount}, ctx)

    @server.tool(description="Wipe everything.", structured_output=False)
    async def wipe(key: Key, ctx: Context[Any, Any]) -> str:
        return await _execute(journal, switches, "wipe", {"key": key}, ctx)

    @server.tool(description="Nobody needs to see this.", structured_output=False)
    async def secret(key: Key, ctx: Context[Any, Any]) -> str:
        return await _execute(journal, switches, "secret", {"key": key}, ctx)

    return server


async def serve(server: MCPServer[Any], port: int) -> None:
    """Serve both eras on http://127.0.0.1:PORT/mcp until SIGTERM; `port` 0 takes a free one. Says where on stdout."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        app = server.streamable_http_app()
        http = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="none"))
        print(f"counting listening on http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)  # noqa: T201  # how its starter learns the port
        await http.serve(sockets=[listener])


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stdio", action="store_true")
    options = parser.parse_args()
    server = build(Journal(options.journal), Switches.from_environment())
    if options.stdio:
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        server.run("stdio")
    else:
        asyncio.run(serve(server, options.port))


if __name__ == "__main__":
    main()
