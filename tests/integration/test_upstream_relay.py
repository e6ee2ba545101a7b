"""The relay over HTTP: what passes, what is said when it fails, and that nothing goes out twice."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.upstream import HttpUpstream, ServerAddress, UpstreamBroken
from tests.fakes.upstreams import Message, Scripted, bare
from workflows.errors import UpstreamUnreachable

BODY = b'{"jsonrpc":"2.0", "id":1,"method":"tools/call","params":{}}'


@asynccontextmanager
async def relay(url: str) -> AsyncIterator[HttpUpstream]:
    """Give a relay with a configured credential."""
    upstream = HttpUpstream(ServerAddress("pay", url=url, headers={"Authorization": "Bearer up"}))
    try:
        yield upstream
    finally:
        await upstream.close()


async def post(upstream: HttpUpstream, *headers: tuple[str, str], identity: bool = False) -> tuple[int, bytes]:
    """Relay one message; gives status and body as they came."""
    async with upstream.open("POST", headers, BODY, identity=identity) as answer:
        return answer.status, await answer.content.read()


async def test_a_message_passes_byte_for_byte() -> None:
    """The body is untouched, the credential is ours, and no header is made up."""
    scripted = Scripted(session=None)
    async with scripted.running() as url, relay(url) as upstream:
        status, _ = await post(upstream, ("Authorization", "Bearer ask_x"), ("X-Custom", "1"), ("Content-Type", "application/json"))
    (seen,) = scripted.seen
    assert (status, seen.body) == (200, BODY)
    assert seen.headers["Authorization"] == "Bearer up"
    assert set(seen.headers) == {"Host", "X-Custom", "Content-Type", "Authorization", "Content-Length"}


async def test_an_answer_is_not_unpacked_and_can_be_asked_for_plain() -> None:
    """A relay passes compressed bytes on; a reader asks for none."""

    async def packed(http: web.Request, _: Message) -> web.Response:
        plain = http.headers.get("Accept-Encoding") == "identity"
        return web.Response(body=b"{}" if plain else gzip.compress(b"{}"), headers={} if plain else {"Content-Encoding": "gzip"})

    async with Scripted(answers={"tools/call": packed}).running() as url, relay(url) as upstream:
        accept = ("Accept-Encoding", "gzip")
        assert gzip.decompress((await post(upstream, accept))[1]) == b"{}"
        assert (await post(upstream, accept, identity=True))[1] == b"{}"


async def test_nobody_there_is_unreachable() -> None:
    """Nothing was sent, and the sentence says so."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with relay(f"http://127.0.0.1:{unused.getsockname()[1]}/mcp") as upstream:
            with pytest.raises(UpstreamUnreachable, match="pay cannot be reached"):
                await post(upstream)


async def test_broken_off_is_not_unreachable_and_not_sent_again() -> None:
    """What was asked for may have happened: once."""
    connections = []

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        connections.append(await reader.readuntil(b"\r\n\r\n"))

    async with bare(serve) as url, relay(url) as upstream:
        with pytest.raises(UpstreamBroken, match="may have happened"):
            await post(upstream)
    assert len(connections) == 1


async def test_redirects_and_cookies_stay_where_they_are() -> None:
    """A redirect is the agent's to see, and cookies are kept by nobody."""

    async def elsewhere(http: web.Request, _: Message) -> web.Response:
        return web.Response(status=307, headers={"Location": str(http.url), "Set-Cookie": "a=b"})

    scripted = Scripted(answers={"tools/call": elsewhere})
    async with scripted.running() as url, relay(url) as upstream:
        assert [(await post(upstream))[0] for _ in range(2)] == [307, 307]
    assert [seen.headers.get("Cookie") for seen in scripted.seen] == [None, None]
