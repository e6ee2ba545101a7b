"""What is relayed reaches the other side as it was sent, in both directions: only credentials and hop-by-hop headers stay behind."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.factories import make_grant
from tests.fakes import relayed
from tests.fakes.relayed import Peer, Received, Relayed
from tests.unit.bot.gateway.stage import LEGACY, TOKEN, Set, Stage, address, call, modern, raised
from tests.waiting import eventually
from workflows.database import Database

ODD = (
    b' {"id" : 7,\r\n "jsonrpc":"2.0", "params":{"arguments":{"z":1.50,"a":"\\u00e9\xc3\xa9\\/"} , "name":"list_customers"},'
    b'"method":"tools/call"}\n'
)


async def test_the_bytes_of_an_allowed_call_reach_the_upstream_unchanged(stage: Stage, upstream: Relayed) -> None:
    """Blanks, key order, escapes and the form of numbers are the agent's own."""
    answer = await stage.send(ODD)
    assert answer.message == {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "done"}]}}
    assert [each.body for each in upstream.received] == [ODD]


async def test_a_modern_call_is_relayed_with_the_headers_that_mirror_it(stage: Stage, upstream: Relayed) -> None:
    """Version, method, name and Mcp-Param-* go on as they are."""
    message, headers = modern(call(arguments={"region": "eu"}))
    await stage.send(message, headers={**headers, "Mcp-Param-Region": "eu", "mcp-param-Odd": "=?base64?w6k=?="})
    [received] = upstream.received
    assert received.body == json.dumps(message).encode()
    assert {name: value for name, value in received.headers if name.lower().startswith("mcp-")} == {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "list_customers",
        "Mcp-Param-Region": "eu",
        "mcp-param-Odd": "=?base64?w6k=?=",
    }


async def test_no_credential_of_an_agent_goes_upstream(stage: Stage, upstream: Relayed) -> None:
    """Authorization, cookies and what only a proxy may say stay behind, on a POST, a GET and a DELETE."""
    proxied = {"Forwarded": "for=1.2.3.4", "X-Forwarded-For": "1.2.3.4", "X-Real-IP": "1.2.3.4"}
    secret = {"Cookie": "a=b", "Proxy-Authorization": "Basic eDp5", **proxied}
    await stage.send(call(), headers=secret)
    await stage.send(None, headers={**secret, **LEGACY, "Accept": "text/event-stream"}, method="GET")
    await stage.send(None, headers={**secret, **LEGACY}, method="DELETE")
    assert [each.method for each in upstream.received] == ["POST", "GET", "DELETE"]
    for received in upstream.received:
        names = {name.lower() for name, _ in received.headers}
        assert not names & {name.lower() for name in (*secret, "Authorization")}
        assert TOKEN not in str(received.headers)


async def test_hop_by_hop_headers_are_dropped_and_those_that_connection_names_too(stage: Stage, upstream: Relayed) -> None:
    """A header that the agent's connection alone has ends at the gateway; MCP's own cannot be named away."""
    hop = {"Connection": "keep-alive, X-Hop, Mcp-Session-Id", "Keep-Alive": "5", "TE": "trailers", "X-Hop": "1", "Upgrade": "h2c"}
    await stage.send(call(), headers={**hop, "X-Kept": "2", "Mcp-Session-Id": "s1"})
    [received] = upstream.received
    names = {name.lower() for name, _ in received.headers}
    assert not names & {"connection", "keep-alive", "te", "x-hop", "upgrade"}
    assert (received.values("X-Kept"), received.values("Mcp-Session-Id")) == (["2"], ["s1"])


@pytest.fixture
async def authorised(database: Database, upstream: Relayed) -> AsyncIterator[Stage]:
    """Run a gateway that has credentials of its own for the upstream."""
    headers = {"Authorization": "Bearer upstream-secret", "X-Team": "payments"}
    async with raised(database, Set([address(upstream, headers=headers)])) as running:
        yield running


async def test_configured_headers_win_over_the_agents(authorised: Stage, upstream: Relayed) -> None:
    """The configured value is the only one that the upstream sees, whatever case the agent wrote."""
    await authorised.send(call(), headers={"x-TEAM": "mallory"})
    [received] = upstream.received
    assert received.values("X-Team") == ["payments"]
    assert received.values("Authorization") == ["Bearer upstream-secret"]


async def test_a_chunked_body_reaches_the_upstream_whole(stage: Stage, upstream: Relayed) -> None:
    """How the agent frames its body is its connection's matter."""
    body = json.dumps(call()).encode()
    lines = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (body[:10], body[10:]))
    answer = await stage.raw(f"POST /mcp/payments/ HTTP/1.1\r\n{lines}\r\n".encode() + chunks + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    [received] = upstream.received
    assert (received.body, received.values("Content-Length")) == (body, [str(len(body))])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "identity, gzip", "rot13"])
async def test_a_compressed_body_is_refused(stage: Stage, upstream: Relayed, coding: str) -> None:
    """What was judged must be what is sent, and a coding is a second reading of the same bytes."""
    body = json.dumps(call()).encode()
    answer = await stage.send(gzip.compress(body) if "gzip" in coding else body, headers={"Content-Encoding": coding})
    assert (answer.status, answer.error["code"]) == (415, -32600)
    assert upstream.received == []


async def test_a_second_coding_is_looked_at_too(stage: Stage, upstream: Relayed) -> None:
    """One line says that there is none, the other one counts for whoever reads the last."""
    headers = [("Content-Encoding", "identity"), ("Content-Encoding", "gzip")]
    answer = await stage.send(gzip.compress(json.dumps(call()).encode()), headers=headers)
    assert (answer.status, answer.error["code"]) == (415, -32600)
    assert upstream.received == []


MESSAGES: dict[str, dict[str, Any]] = {
    "notification": {"jsonrpc": "2.0", "method": "notifications/initialized"},
    "response": {"jsonrpc": "2.0", "id": "server-1", "result": {"action": "accept", "content": {"approve": True}}},
    "error response": {"jsonrpc": "2.0", "id": "server-1", "error": {"code": -1, "message": "no"}},
    "unknown method": {"jsonrpc": "2.0", "id": 1, "method": "future/method", "params": {"a": [1]}},
    "prompt": {"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "p"}},
    "listen": {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {"notifications": {}}},
    "cancel of a call that is not held": {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}},
}


@pytest.mark.parametrize("name", list(MESSAGES))
async def test_every_other_message_is_relayed_untouched(stage: Stage, upstream: Relayed, name: str) -> None:
    """Notifications, answers to the server's own requests, and methods that the gateway does not know pass as bytes."""
    body = json.dumps(MESSAGES[name], indent=1).encode()
    answer = await stage.send(body, headers={**LEGACY, "Mcp-Session-Id": "s1"})
    assert answer.status == (200 if "id" in MESSAGES[name] and "method" in MESSAGES[name] else 202)
    assert [each.body for each in upstream.received] == [body]


ANSWERS: dict[str, tuple[int, bytes]] = {
    "202 without a body": (202, b""),
    "400 with an error": (400, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no","data":{"supported":["2025-11-25"]}}}'),
    "404 for a session": (404, b'{"error":"gone"}'),
    "405": (405, b""),
    "500 that is no JSON": (500, b"<h1>Oops</h1>"),
    "503 with blanks": (503, b' { "jsonrpc" : "2.0" } \n'),
    "error over 200": (200, b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}'),
}


@pytest.mark.parametrize("name", list(ANSWERS))
async def test_an_answer_comes_back_with_its_status_and_bytes(stage: Stage, upstream: Relayed, name: str) -> None:
    """Whatever the upstream says, of a call and of anything else."""
    status, body = ANSWERS[name]
    upstream.on["tools/call"] = upstream.on["ping"] = relayed.body(body, status)
    for message in (call(), {"jsonrpc": "2.0", "id": 1, "method": "ping"}):
        answer = await stage.send(message)
        assert (answer.status, answer.body) == (status, body)


async def test_headers_of_an_answer_come_back_but_not_those_of_the_hop(stage: Stage, upstream: Relayed) -> None:
    """A session id, a retry hint and a header twice pass; cookies, challenges and the connection's own do not."""
    passed = [("Mcp-Session-Id", "s-9"), ("Retry-After", "3"), ("X-Twice", "1"), ("X-Twice", "2")]
    stopped = [("Set-Cookie", "a=b"), ("WWW-Authenticate", "Basic"), ("Keep-Alive", "9"), ("Alt-Svc", "h3=1")]
    upstream.on["ping"] = relayed.body(b"{}", 200, [*passed, *stopped])
    answer = await stage.send({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert [(name, value) for name, value in answer.headers.items() if (name, value) in passed] == passed
    assert not {name.lower() for name, _ in stopped} & {name.lower() for name in answer.headers}


async def test_an_answer_is_asked_for_uncompressed(stage: Stage, upstream: Relayed) -> None:
    """There could be a list of tools in what cannot be read; an error that is compressed all the same is passed on as it is."""
    packed = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":{}}')
    for status, passes in ((200, False), (503, True)):
        upstream.on["tools/call"] = relayed.body(packed, status, [("Content-Encoding", "gzip")])
        answer = await stage.send(call(), headers={"Accept-Encoding": "gzip"})
        assert (answer.body == packed) is passes
    assert [each.values("Accept-Encoding") for each in upstream.received] == [["identity"]] * 2


async def test_a_chunked_answer_comes_back_whole(stage: Stage, upstream: Relayed) -> None:
    """Without a length the bytes are the same."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin(kind="application/json")
        for part in (b'{"jsonrpc":"2.0",', b'"id":1,', b'"result":{}}'):
            await peer.chunk(part)
        await peer.end()

    upstream.on["tools/call"] = script
    answer = await stage.send(call())
    assert answer.body == b'{"jsonrpc":"2.0","id":1,"result":{}}'


async def test_a_stream_is_passed_on_as_it_comes(stage: Stage, upstream: Relayed) -> None:
    """The first event reaches the agent before the upstream sent the last, and a server's request is answered on the way."""
    answered = asyncio.Event()
    asked = b'event: message\nid: 1/7\ndata: {"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{}}\n\n'
    last = b': a comment\r\ndata: {"jsonrpc":"2.0","id":1,\r\ndata: "result":{"content":[]}}\r\n\r\n'

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin(headers=[("Cache-Control", "no-cache")])
        await peer.chunk(asked)
        await answered.wait()
        await peer.chunk(last)
        await peer.end()

    async def response(_: Received, peer: Peer) -> None:
        answered.set()
        await peer.answer(status=202)

    upstream.on["tools/call"], upstream.on[""] = script, response
    async with stage.stream(call(), headers=LEGACY) as stream:
        assert stream.response.headers["Cache-Control"] == "no-cache"
        assert await stream.raw_event() == asked
        reply = b'{"jsonrpc":"2.0","id":"q1","result":{"action":"accept"}}'
        assert (await stage.send(reply, headers=LEGACY)).status == 202
        assert upstream.received[-1].body == reply
        assert await stream.raw_event() == last
        assert await stream.raw_event() is None


async def test_a_big_answer_is_passed_on_while_the_upstream_still_sends(stage: Stage, upstream: Relayed) -> None:
    """Four megabytes are not gathered first: the agent reads the beginning while the upstream has not sent the end."""
    begun = asyncio.Event()
    whole = b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"pad":"' + b"x" * (4 * 1024 * 1024) + b'"}}'

    async def script(_: Received, peer: Peer) -> None:
        await peer.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(whole))
        await peer.raw(whole[:-2])
        await begun.wait()
        await peer.raw(whole[-2:])

    upstream.on["tools/call"] = script
    async with stage.request(call()) as response:
        first = await response.content.readany()
        begun.set()
        assert first + await response.read() == whole


async def test_an_agent_that_leaves_takes_its_stream_with_it(stage: Stage, upstream: Relayed) -> None:
    """Closing the stream is how a modern agent cancels: the upstream sees it close, and nothing stays open."""
    left = asyncio.Event()

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin()
        await peer.chunk(b": begun\n\n")
        await peer.gone()
        left.set()

    upstream.on["tools/call"] = script
    async with stage.stream(call()) as stream:
        assert await stream.raw_event() == b": begun\n\n"
    await asyncio.wait_for(left.wait(), 5)


async def test_the_streams_of_a_session_are_relayed_both_ways(stage: Stage, upstream: Relayed) -> None:
    """GET carries Last-Event-ID and brings events back with their ids; DELETE ends the session with the upstream's status."""
    event = b'id: s1/4\nretry: 500\ndata: {"jsonrpc":"2.0","id":9,"method":"ping"}\n\n'
    priming = b"id: s1/3\ndata:\n\n"
    upstream.on["GET"] = relayed.stream(priming, event, headers=[("Mcp-Session-Id", "s1")])
    upstream.on["DELETE"] = relayed.body(b"", 204)
    headers = {**LEGACY, "Mcp-Session-Id": "s1", "Last-Event-ID": "s1/2", "Accept": "text/event-stream"}
    answer = await stage.send(None, headers=headers, method="GET")
    assert answer.body == priming + event
    ended = await stage.send(None, headers={**LEGACY, "Mcp-Session-Id": "s1"}, method="DELETE")
    assert (ended.status, ended.body) == (204, b"")
    assert [each.values("Last-Event-ID") for each in upstream.received] == [["s1/2"], []]
    assert [each.values("Mcp-Session-Id") for each in upstream.received] == [["s1"], ["s1"]]


async def test_each_grant_reaches_the_upstream_of_its_server(database: Database, upstream: Relayed) -> None:
    """Two servers, two agents: what one asks never reaches the other's server."""
    async with relayed.relayed() as other:
        grants = [make_grant(TOKEN), make_grant("other-agent", server="other")]
        async with raised(database, Set([address(upstream), address(other, "other")], grants=grants)) as stage:
            await stage.send(call(id="a"))
            await stage.send(call(id="b"), token="other-agent", path="/mcp/other")
    assert [each.message["id"] for each in upstream.received] == ["a"]
    assert [each.message["id"] for each in other.received] == ["b"]


async def test_a_session_of_one_grant_is_none_of_anothers(database: Database, upstream: Relayed) -> None:
    """A session id that leaked opens nothing for another agent of the same server; its own agent goes on, and ends it."""
    grants = [make_grant(TOKEN), make_grant("mallory")]
    begin = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
    async with raised(database, Set([address(upstream)], grants=grants)) as stage:
        upstream.on["GET"] = relayed.stream(b": mine\n\n")
        upstream.on["DELETE"] = relayed.body(b"", 200)
        session = {**LEGACY, "Mcp-Session-Id": (await stage.send(begin)).headers["Mcp-Session-Id"]}
        before = len(upstream.received)
        for method, message in (("POST", call()), ("GET", None), ("DELETE", None)):
            answer = await stage.send(message, headers=session, token="mallory", method=method)
            assert answer.status == 404
            twice = [("Mcp-Session-Id", "mine"), ("Mcp-Session-Id", session["Mcp-Session-Id"])]
            assert (await stage.send(message, headers=twice, token="mallory", method=method)).status == 400
        assert len(upstream.received) == before
        assert (await stage.send(None, headers=session, method="GET")).body == b": mine\n\n"
        assert (await stage.send(call(), headers=session)).words == "done"
        assert (await stage.send(None, headers=session, method="DELETE")).status == 200
        await eventually(lambda: upstream.of("DELETE"))
