"""The demo's agent: the official MCP client that makes four kinds of calls and prints one JSON line for each thing that happens to it.

Run it as `python -m bot.demo.agent URL` with its grant token in ASKFIRST_DEMO_TOKEN.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

CALLS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("list_customers", {}),
    ("binance_us_keepalive_listen_key", {"listen_key": "pqia91ma19a5s61cv6a81va65sd"}),
    ("create_refund", {"customer": "cus_emmy", "amount": 250_000}),
    ("create_refund", {"customer": "cus_ada", "amount": 12_000}),
    ("delete_customer", {"customer": "cus_blaise"}),
)


def _say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


async def _heard(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  # the names are the SDK's
    _say("progress", text=message or "waiting")


def _text(result: CallToolResult) -> str:
    return " ".join(part.text for part in result.content if isinstance(part, TextContent))


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def _call(client: Client, tool: str, arguments: Mapping[str, Any]) -> None:
    """Make one call; a pending answer says to repeat it, so it is repeated until the outcome comes."""
    _say("calls", tool=tool, arguments=dict(arguments))
    while True:
        result = await client.call_tool(tool, dict(arguments), progress_callback=_heard)
        text = _text(result)
        if not (result.is_error and "PENDING_APPROVAL" in text):
            break
        _say("pending", tool=tool, text=text)
    _say("answer", tool=tool, is_error=bool(result.is_error), text=text)


async def work(url: str, token: str) -> None:
    """Connect through the gateway and make every call, one after the other."""
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=httpx2.Timeout(30, read=300))
    async with http, Client(streamable_http_client(url, http_client=http)) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        _say("connected", version=client.protocol_version, tools=tools)
        for tool, arguments in CALLS:
            await _call(client, tool, arguments)
    _say("done")


def main() -> int:
    """Run as a program: 0 when every call was answered."""
    try:
        asyncio.run(work(sys.argv[1], os.environ["ASKFIRST_DEMO_TOKEN"]))
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # whatever ends the agent is told to the person in one line
        _say("trouble", text=_reason(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
