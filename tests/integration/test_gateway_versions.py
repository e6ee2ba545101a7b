"""Every version of the protocol that Askfirst speaks, from the agent to the server and back, over both databases."""

import asyncio
from functools import partial

import pytest
from aiohttp import web

from bot.upstream import ServerAddress
from tests.factories import ALICE
from tests.fakes.upstreams import Message, Scripted, result, tool
from tests.unit.bot.gateway.stage import Set, Stage, call, modern, raised
from workflows.database import Database
from workflows.lifecycle import Choice

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
_MODERN = "2026-07-28"
_FIRST_WITH_HEADER = "2025-06-18"


def _server(version: str) -> Scripted:
    """Give an upstream that speaks this version and no other; those before 2026-07-28 open a session."""

    async def initialize(_: web.Request, message: Message) -> web.StreamResponse:
        answer = result(message, protocolVersion=version, capabilities={"tools": {}}, serverInfo={"name": "old", "version": "1"})
        answer.headers["Mcp-Session-Id"] = "s-1"
        return answer

    async def listing(_: web.Request, message: Message) -> web.StreamResponse:
        return result(message, tools=[tool("list_customers"), tool("create_refund"), tool("secret")])

    return Scripted(modern=version == _MODERN, answers={"initialize": initialize, "tools/list": listing})


async def _greeted(stage: Stage, version: str) -> dict[str, str]:
    """Open a session as an agent of this version does, and give the headers that its later messages have."""
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "agent", "version": "1"}}
    opened = await stage.send({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
    assert opened.message["result"]["protocolVersion"] == version
    headers = {"Mcp-Session-Id": opened.headers["Mcp-Session-Id"]}
    if version >= _FIRST_WITH_HEADER:
        headers["MCP-Protocol-Version"] = version
    ready = await stage.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
    assert ready.status == 202
    return headers


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_call_is_relayed_and_a_held_one_released_in_every_version(database: Database, version: str) -> None:
    """Listed without the hidden tool, allowed, held and collected; the release is spoken in the version that the server agreed to."""
    scripted = _server(version)
    async with scripted.running() as url, raised(database, Set([ServerAddress("payments", url)])) as stage:
        greeting = await _greeted(stage, version) if version != _MODERN else None

        def spoken(message: Message) -> tuple[Message, dict[str, str]]:
            return modern(message) if greeting is None else (message, greeting)

        message, headers = spoken({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        listed = await stage.send(message, headers=headers)
        assert [entry["name"] for entry in listed.message["result"]["tools"]] == ["list_customers", "create_refund"]
        message, headers = spoken(call())
        assert (await stage.send(message, headers=headers)).words == "done"
        message, headers = spoken(call("create_refund", {"amount": 50}))
        async with stage.stream(message, headers=headers) as stream:
            row = await stage.held()
            await asyncio.to_thread(partial(stage.scene.vote, row.id, ALICE, Choice.APPROVE))
            await stage.sweep()
            stage.context.changes.notify(row.id)
            assert (await stream.event())["result"]["content"][0]["text"] == "done"
    allowed, released = scripted.of("tools/call")
    assert allowed.headers.get("MCP-Protocol-Version") == (version if version >= _FIRST_WITH_HEADER else None)
    assert released.message["params"]["arguments"] == {"amount": 50}
    assert released.headers["MCP-Protocol-Version"] == version
