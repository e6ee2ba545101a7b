"""Real MCP programs on both sides: the official client through our relays, and our own client to the official server."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult

from bot.upstream import HttpUpstream, Relay, ServerAddress, StdioUpstream, UpstreamBroken, Upstreams
from tests.fakes.upstreams import fronted
from tests.waiting import eventually

HERE = {"PYTHONPATH": str(Path(__file__).parents[2])}
HTTP, STDIO = "http", "stdio"


def program(*words: str) -> tuple[str, ...]:
    """Write the command of a fake."""
    return (sys.executable, "-m", *words)


@asynccontextmanager
async def listening(*words: str) -> AsyncIterator[str]:
    """Run a fake that says where it listens; gives the URL."""
    process = await asyncio.create_subprocess_exec(*program(*words), stdout=asyncio.subprocess.PIPE, cwd=HERE["PYTHONPATH"])
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().split()[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def talking(kind: str) -> AsyncIterator[Relay]:
    """Give the relay to a talking server."""
    async with AsyncExitStack() as stack:
        if kind == STDIO:
            stdio = StdioUpstream(ServerAddress("talking", command=program("tests.fakes.talking", "stdio"), environment=HERE))
            stack.push_async_callback(stdio.close)
            yield stdio
            return
        url = await stack.enter_async_context(listening("tests.fakes.talking", "http"))
        http = HttpUpstream(ServerAddress("talking", url=url))
        stack.push_async_callback(http.close)
        yield http


@asynccontextmanager
async def client(url: str, mode: str, **members: Any) -> AsyncIterator[Client]:  # noqa: ANN401  # the official client's own arguments
    """Connect the official client."""
    http = httpx2.AsyncClient(timeout=httpx2.Timeout(30, read=60))
    async with http, Client(streamable_http_client(url, http_client=http), mode=mode, **members) as connected:
        yield connected


@pytest.mark.parametrize("kind", [HTTP, STDIO])
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_works_through_a_relay(kind: str, mode: str) -> None:
    """Lists, calls and progress arrive in both eras, over HTTP and from a program."""
    steps: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert total == 3
        steps.append((progress, message))

    async with talking(kind) as relay, fronted(relay) as url, client(url, mode) as connected:
        assert {tool.name for tool in (await connected.list_tools()).tools} == {"echo", "work", "confirm", "die"}
        done = await connected.call_tool("work", {"steps": 3}, progress_callback=note)
        assert done.content[0].text == "3 steps"  # type: ignore[union-attr]  # the tool answers with text
        assert await eventually(lambda: len(steps) == 3)
        assert steps == [(1, "step 1"), (2, "step 2"), (3, "step 3")]


@pytest.mark.parametrize("kind", [HTTP, STDIO])
async def test_a_legacy_servers_question_reaches_its_agent(kind: str) -> None:
    """A question travels to the client that called, and its answer back, under the server's own id."""

    async def answer(_: object, asked: ElicitRequestParams) -> ElicitResult:
        assert asked.message == "Sure?"
        return ElicitResult(action="accept", content={"sure": True})

    async with talking(kind) as relay, fronted(relay) as url, client(url, "legacy", elicitation_callback=answer) as connected:
        said = await connected.call_tool("confirm", {})
        assert said.content[0].text == "accept sure=True"  # type: ignore[union-attr]  # as above


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_agents_of_one_program_never_meet(mode: str) -> None:
    """Many clients with the same ids at the same time get their own answers."""

    async def ask(url: str, name: str) -> list[str]:
        async with client(url, mode) as connected:
            answers = await asyncio.gather(*(connected.call_tool("echo", {"text": f"{name}-{n}"}) for n in range(10)))
            return [one.content[0].text for one in answers]  # type: ignore[union-attr]  # as above

    async with talking(STDIO) as relay, fronted(relay) as url:
        found = await asyncio.gather(*(ask(url, name) for name in "abc"))
    assert found == [[f"{name}-{n}" for n in range(10)] for name in "abc"]


@pytest.mark.parametrize("refusing", [None, "server/discover"])
async def test_a_release_runs_once_on_the_official_server(tmp_path: Path, refusing: str | None) -> None:
    """In either era: executed once, with the stored arguments, and the key of the request in its `_meta`."""
    journal = tmp_path / "journal"
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(listening("tests.fakes.counting", "--journal", str(journal)))
        relay = HttpUpstream(ServerAddress("counting", url=url))
        stack.push_async_callback(relay.close)
        front = await stack.enter_async_context(fronted(relay, refusing=refusing))
        upstreams = Upstreams([ServerAddress("counting", url=front)])
        stack.push_async_callback(upstreams.close)
        await released_once(upstreams, journal)


async def test_a_release_runs_once_in_the_official_program(tmp_path: Path) -> None:
    """The same over standard input and output."""
    journal = tmp_path / "journal"
    command = program("tests.fakes.counting", "--journal", str(journal), "--stdio")
    upstreams = Upstreams([ServerAddress("counting", command=command, environment=HERE)])
    try:
        await released_once(upstreams, journal)
    finally:
        await upstreams.close()


async def released_once(upstreams: Upstreams, journal: Path) -> None:
    """Look a tool up, call it, and find one line in the journal."""
    digest = await upstreams.definition("counting", "act")
    assert digest is not None
    assert digest == await upstreams.definition("counting", "act")
    assert await upstreams.definition("counting", "absent") is None
    outcome = await upstreams.call("counting", "act", b'{ "key":\n"k" , "amount": 5 }', request_id="apr_1")
    assert (outcome.kind, outcome.is_error) == ("result", False)
    assert json.loads(outcome.body)["content"][0]["text"] == "act k done"
    (line,) = [json.loads(line) for line in (await asyncio.to_thread(journal.read_text)).splitlines()]
    assert (line["tool"], line["key"], line["amount"]) == ("act", "k", 5)
    assert line["meta"]["io.askfirst/request-id"] == "apr_1"
    refused = await upstreams.call("counting", "act", b'{"amount":"many"}', request_id="apr_2")
    assert (refused.kind, refused.is_error) == ("result", True)


@pytest.mark.parametrize("kind", [HTTP, STDIO])
async def test_a_server_that_dies_in_a_call_leaves_the_outcome_unknown(kind: str) -> None:
    """It may have run; the next look starts the program again, or says that nobody is there."""
    async with talking(kind) as relay:
        upstreams = Upstreams([relay.address])
        try:
            assert await upstreams.definition("talking", "die") is not None
            assert (await upstreams.call("talking", "die", b"{}", request_id="apr_1")).kind == "unknown"
            again = await upstreams.call("talking", "echo", b'{"text":"a"}', request_id="apr_2")
            assert again.kind == ("result" if kind == STDIO else "not_sent")
        finally:
            await upstreams.close()


async def test_an_agent_is_told_when_the_program_dies() -> None:
    """The exchange breaks off with a sentence instead of hanging."""
    async with talking(STDIO) as relay:
        meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "die", "arguments": {}, "_meta": meta}}
        headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "die"}

        async def relayed() -> list[bytes]:
            async with relay.open("POST", headers.items(), json.dumps(call).encode()) as answer:
                return [portion async for portion in answer.content.iter_any()]

        with pytest.raises(UpstreamBroken, match="status 7"):
            await relayed()
