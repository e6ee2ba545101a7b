"""An agent that insists: it makes one call over the raw 2026-07-28 wire, and repeats it until it gets an answer that ends it."""

import asyncio
import json
from collections.abc import Mapping

import aiohttp

_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "act",
}
_META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
_PAUSE = 0.05


async def insist(session: aiohttp.ClientSession, url: str, token: str, arguments: Mapping[str, object]) -> str:
    """Give the words of the final answer; a broken connection, an unreachable gateway and a pending result are no end."""
    number = 0
    while True:
        number += 1
        params = {"name": "act", "arguments": dict(arguments), "_meta": _META}
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
        try:
            async with session.post(url, data=body, headers={**_HEADERS, "Authorization": f"Bearer {token}"}) as answer:
                said = _answer(await answer.text(), number)
        except (aiohttp.ClientError, ConnectionError):
            said = None
        if said is not None and not said.startswith("PENDING_APPROVAL"):
            return said
        await asyncio.sleep(_PAUSE)


def _answer(raw: str, number: int) -> str | None:
    """Find the response to the call in a JSON body or an event stream; None when the stream broke before it, or it was an error."""
    events = [line.removeprefix("data: ") for line in raw.splitlines() if line.startswith("data: ")] or [raw]
    for event in events:
        try:
            message = json.loads(event)
        except ValueError:
            continue
        if message.get("id") == number and "result" in message:
            return " ".join(part["text"] for part in message["result"]["content"])
    return None
