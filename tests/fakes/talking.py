"""A real MCP server that talks while it works: progress, log messages, and questions to the person behind the client.

Run it as `python -m tests.fakes.talking http` (says where it listens) or `python -m tests.fakes.talking stdio`.
"""

import asyncio
import os
import socket
import sys
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel


class Answer(BaseModel):
    """What a person fills in."""

    sure: bool


def build() -> MCPServer[Any]:
    """Make the server."""
    server: MCPServer[Any] = MCPServer("talking", version="1", log_level="ERROR")

    @server.tool(structured_output=False)
    async def echo(text: str) -> str:
        return text

    @server.tool(structured_output=False)
    async def work(steps: int, ctx: Context[Any, Any]) -> str:
        for step in range(1, steps + 1):
            await ctx.report_progress(step, steps, f"step {step}")
        return f"{steps} steps"

    @server.tool(structured_output=False)
    async def confirm(ctx: Context[Any, Any]) -> str:
        answer = await ctx.elicit("Sure?", Answer)
        return f"{answer.action} {getattr(answer, 'data', None)}"

    @server.tool(structured_output=False)
    async def die() -> str:
        os._exit(7)

    return server


async def serve() -> None:
    """Serve both eras on a free port until a signal ends it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        config = uvicorn.Config(build().streamable_http_app(), log_level="error", timeout_graceful_shutdown=1, ws="none")
        print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)  # noqa: T201  # how its starter learns the port
        await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        build().run("stdio")
    else:
        asyncio.run(serve())
