"""A pool keeps what ended well for a moment, and nothing else."""

from collections.abc import AsyncIterator

import pytest
from yarl import URL

from bot.upstream.pool import Pool
from tests.fakes import relayed
from tests.fakes.relayed import Relayed


@pytest.fixture
async def upstream() -> AsyncIterator[Relayed]:
    """Run an upstream that counts its connections."""
    async with relayed.relayed() as running:
        yield running


async def _ask(pool: Pool, *, read: bool = True) -> None:
    protocol = await pool.connection()
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    answer = await pool.exchange(protocol, pool.head("POST", [("Content-Type", "application/json")], len(body)), body)
    if read:
        assert [portion async for portion in answer.content.iter_any()]
    pool.done(protocol, answer)


async def test_a_connection_is_used_again_after_an_answer_that_was_read(upstream: Relayed) -> None:
    """Two exchanges, one connection; the head names the host and the length."""
    pool = Pool(URL(upstream.url), connect_seconds=5)
    await _ask(pool)
    await _ask(pool)
    pool.close()
    assert upstream.connections == 1
    assert [dict(each.headers)["Content-Length"] for each in upstream.received] == ["40", "40"]


async def test_a_connection_whose_answer_was_not_read_is_closed(upstream: Relayed) -> None:
    """What is left of an answer must never be taken for the next one's."""

    async def long(_: relayed.Received, peer: relayed.Peer) -> None:
        await peer.begin()
        await peer.chunk(b"x" * 100)
        await peer.gone()

    upstream.on["ping"] = long
    pool = Pool(URL(upstream.url), connect_seconds=5)
    await _ask(pool, read=False)
    del upstream.on["ping"]
    await _ask(pool)
    pool.close()
    assert upstream.connections == 2


async def test_a_pool_that_was_closed_keeps_nothing(upstream: Relayed) -> None:
    """An exchange that outlives its pool, as after a reload, takes its connection with it."""
    pool = Pool(URL(upstream.url), connect_seconds=5)
    protocol = await pool.connection()
    answer = await pool.exchange(protocol, pool.head("POST", [], 2), b"{}")
    pool.close()
    assert b"".join([portion async for portion in answer.content.iter_any()]) == b""
    pool.done(protocol, answer)
    assert not protocol.is_connected()


async def test_where_nobody_listens_nothing_is_sent() -> None:
    """The error is one of the system, before a byte was written."""
    with pytest.raises(OSError, match=r"refused|Connect"):
        await Pool(URL("http://127.0.0.1:9/mcp"), connect_seconds=5).connection()
