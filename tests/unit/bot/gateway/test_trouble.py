"""An upstream in trouble: the agent gets a clear error in bounded time, and a call is never sent a second time."""

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest

from tests.fakes import relayed
from tests.fakes.relayed import Peer, Received, Relayed
from tests.unit.bot.gateway.stage import LEGACY, SETTINGS, TOKEN, Set, Stage, address, call, raised
from tests.waiting import eventually
from workflows.database import Database

CLOSED = "http://127.0.0.1:9/mcp"
QUICK = replace(SETTINGS, upstream_timeout_seconds=0.3)
PING = {"jsonrpc": "2.0", "id": "p", "method": "ping"}
NOTE = {"jsonrpc": "2.0", "method": "notifications/initialized"}


async def _down(database: Database, message: object, **options: object) -> tuple[int, dict[str, object]]:
    gone = Relayed(url=CLOSED)
    async with raised(database, Set([address(gone)])) as stage:
        answer = await stage.send(message, **options)
        return answer.status, answer.message


async def test_an_upstream_that_is_down_is_said_to_be_down(database: Database) -> None:
    """A request gets a JSON-RPC error under its own id: nothing was sent."""
    status, message = await _down(database, call(id="c-1"))
    assert (status, message["id"]) == (200, "c-1")
    error = message["error"]
    assert isinstance(error, dict)
    assert error["code"] == -31001
    assert "cannot be reached" in error["message"]
    assert "Nothing was sent" in error["message"]


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_what_has_no_id_gets_an_http_status(database: Database, method: str) -> None:
    """A notification or a stream has no JSON-RPC answer: 502 says it."""
    status, message = await _down(database, NOTE if method == "POST" else None, method=method, headers=LEGACY)
    assert (status, message["id"]) == (502, None)


async def test_a_server_that_left_the_configuration_is_named(database: Database, upstream: Relayed) -> None:
    """A reload may take the server of a grant away: its agent is told so."""
    async with raised(database, Set([address(upstream)])) as stage:
        await stage.context.upstreams.replace([])
        for message in (call(), call("create_refund"), PING):
            answer = await stage.send(message)
            assert answer.error["code"] == -31001
            assert "payments" in answer.error["message"]
    assert upstream.received == []


@pytest.mark.parametrize("message", [call(), PING], ids=["a call", "a ping"])
async def test_an_upstream_that_never_answers_is_given_up(database: Database, upstream: Relayed, message: dict[str, object]) -> None:
    """The error says that the call may have happened, and after how long it was given up; the upstream's connection is closed."""
    left = asyncio.Event()

    async def script(_: Received, peer: Peer) -> None:
        await peer.gone()
        left.set()

    upstream.on["tools/call"] = upstream.on["ping"] = script
    async with raised(database, Set([address(upstream)], settings=QUICK)) as stage:
        answer = await asyncio.wait_for(stage.send(message), 5)
        await asyncio.wait_for(left.wait(), 5)
    assert (answer.status, answer.error["code"]) == (200, -31002)
    assert "0.3 s" in answer.error["message"]
    assert "may have happened" in answer.error["message"]
    assert len(upstream.received) == 1


@pytest.mark.parametrize("method", ["tools/call", "tools/list"])
async def test_an_answer_that_stops_in_the_middle_is_given_up(database: Database, upstream: Relayed, method: str) -> None:
    """Headers and half a body are no answer."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        await peer.gone()

    upstream.on[method] = script
    async with raised(database, Set([address(upstream)], settings=QUICK)) as stage:
        answer = await asyncio.wait_for(stage.send({**call(), "method": method}), 5)
    assert (answer.status, answer.error["code"]) == (200, -31002)


async def test_a_stream_is_not_bounded_by_the_time_to_begin(database: Database, upstream: Relayed) -> None:
    """An upstream that works for long and says so is left to it."""
    proceed = asyncio.Event()

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin()
        await peer.chunk(b": begun\n\n")
        await proceed.wait()
        await peer.chunk(b'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n')
        await peer.end()

    upstream.on["tools/call"] = script
    async with raised(database, Set([address(upstream)], settings=QUICK)) as stage, stage.stream(call()) as stream:
        assert await stream.raw_event() == b": begun\n\n"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.raw_event(), QUICK.upstream_timeout_seconds * 2)
        proceed.set()
        assert (await stream.event())["id"] == 1


async def test_an_upstream_that_breaks_off_before_it_answers_is_not_asked_again(stage: Stage, upstream: Relayed) -> None:
    """It may have run: the agent is told so, on a fresh connection and on one that was used before."""

    async def script(_: Received, peer: Peer) -> None:
        peer.abort()

    for used in (False, True):
        if used:
            assert (await stage.send(PING)).status == 200
        upstream.on["tools/call"] = script
        answer = await stage.send(call())
        assert answer.error["code"] == -31002
        assert "may have happened" in answer.error["message"]
    assert len(upstream.calls) == 2


async def test_an_idle_connection_that_the_upstream_closed_is_not_used(stage: Stage, upstream: Relayed) -> None:
    """The next call finds a connection of its own, and is sent once."""
    await stage.send(call())
    upstream.leave()
    answer = await stage.send(call())
    assert answer.words == "done"
    assert len(upstream.calls) == 2


@pytest.mark.parametrize("stream", [True, False], ids=["a stream", "a long body"])
async def test_an_answer_that_breaks_off_breaks_off_for_the_agent(stage: Stage, upstream: Relayed, *, stream: bool) -> None:
    """What was begun cannot become an error any more, and an end that looks whole would be a lie."""

    async def script(_: Received, peer: Peer) -> None:
        if stream:
            await peer.begin()
            await peer.chunk(b'data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n')
        else:
            await peer.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 100_000)
        peer.abort()

    upstream.on["tools/call"] = script

    async def whole() -> None:
        async with stage.request(call()) as response:
            await response.read()

    with pytest.raises(aiohttp.ClientError):
        await asyncio.wait_for(whole(), 5)
    assert len(upstream.calls) == 1
    [row] = await stage.trail("call.failed")
    assert "broke off" in json.loads(row.detail)["why"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(stage: Stage, upstream: Relayed, status: int) -> None:
    """The agent gets it as it is; no credential and no call goes where it points."""
    async with relayed.relayed() as other:
        upstream.on["tools/call"] = relayed.body(b"", status, [("Location", other.url)])
        answer = await stage.send(call())
        assert (answer.status, other.received) == (status, [])
    assert len(upstream.calls) == 1


GARBAGE = (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"\x00" * 64)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n"


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_upstream_that_speaks_no_http_is_an_error(stage: Stage, upstream: Relayed, garbage: bytes) -> None:
    """Not a traceback, not a hang, not a second call."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.raw(garbage)
        peer.abort()

    upstream.on["tools/call"] = script
    answer = await asyncio.wait_for(stage.send(call()), 5)
    assert (answer.status, answer.error["code"]) == (200, -31002)
    assert len(upstream.calls) == 1


async def test_an_upstream_that_changes_to_another_protocol_is_an_error(stage: Stage, upstream: Relayed) -> None:
    """Nobody asked it to, and nothing that it says from then on is an answer."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.raw(SWITCHED)
        await peer.gone()

    upstream.on["tools/call"] = script
    answer = await asyncio.wait_for(stage.send(call()), 5)
    assert (answer.status, answer.error["code"]) == (200, -31002)
    assert len(upstream.calls) == 1


POISON = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"poison":1}'


@pytest.mark.parametrize("together", [True, False], ids=["at once", "later"])
async def test_what_an_upstream_says_unasked_reaches_nobody(stage: Stage, upstream: Relayed, *, together: bool) -> None:
    """A second answer on a connection is not given to the next agent: that connection is not used again."""
    said = asyncio.Event()

    async def script(received: Received, peer: Peer) -> None:
        body = b'{"jsonrpc":"2.0","id":1,"result":{}}'
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        await peer.raw(head + body + (POISON if together else b""))
        if not together:
            await eventually(said.is_set)
            await peer.raw(POISON)
            said.clear()
        del upstream.on["tools/call"]
        assert received.connection == 1

    upstream.on["tools/call"] = script
    assert (await stage.send(call())).message["result"] == {}
    if not together:
        said.set()
        await eventually(lambda: not said.is_set())
        await stage.send(PING, token="wrong")  # one more round of the loop, in which the gateway hears it
    for number in range(3):
        answer = await stage.send(call(id=number))
        assert (answer.words, answer.message["id"]) == ("done", number)


async def test_an_early_hint_is_no_answer(stage: Stage, upstream: Relayed) -> None:
    """Informational answers are passed over; the one that counts is passed on."""

    async def script(received: Received, peer: Peer) -> None:
        await peer.raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        await relayed.text("done")(received, peer)

    upstream.on["tools/call"] = script
    assert (await stage.send(call())).words == "done"


async def test_an_answer_without_a_length_ends_with_its_connection(stage: Stage, upstream: Relayed) -> None:
    """As HTTP/1.0 servers answer: all of it is passed on."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.raw(b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"jsonrpc":"2.0","id":1,"result":{}}')
        peer.close()

    upstream.on["tools/call"] = script
    for _ in range(2):
        assert (await stage.send(call())).body == b'{"jsonrpc":"2.0","id":1,"result":{}}'


async def test_an_answer_that_is_no_json_is_the_agents_to_judge(stage: Stage, upstream: Relayed) -> None:
    """The gateway does not read what it passes on."""
    upstream.on["tools/call"] = relayed.body(b"<html>", 200, kind="text/html")
    answer = await stage.send(call())
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, b"<html>", "text/html")


async def test_headers_that_are_not_text_are_refused(stage: Stage, upstream: Relayed) -> None:
    """UTF-8 reaches the upstream as it is; other bytes would arrive as another value, so nothing is forwarded."""
    body = json.dumps(call()).encode()
    head = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\nContent-Length: {len(body)}\r\nX-Name: ".encode()
    raws = (b"caf\xe9", b"caf\xc3\xa9")
    answers = [await stage.raw(b"POST /mcp/payments/ HTTP/1.1\r\n" + head + raw + b"\r\n\r\n" + body) for raw in raws]
    assert [answer.split(b" ", 2)[1] for answer in answers] == [b"400", b"200"]
    assert [each.values("X-Name") for each in upstream.received] == [[raws[1].decode("latin-1")]]
