"""The list of tools without those that are hidden from the agent: every other byte stays, whichever way the list comes."""

import contextlib
import gzip
import json

import aiohttp
import pytest

from tests.factories import make_grant
from tests.fakes import relayed
from tests.fakes.relayed import Peer, Received, Relayed, tool
from tests.unit.bot.gateway.stage import LEGACY, TOKEN, Set, Stage, address, call, events, raised
from workflows.database import Database

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": "c"}}
_HEAD = b'{ "jsonrpc":"2.0" ,"id":1,"result": {"_meta":{"x":[1.50,"\\u00e9"]}, "tools":'
_ONE, _OTHER = b'{"name":"list_customers" , "x":1e2}', b'{"name":"create_refund"}'
_SECRET = b'{"name":"secret","description":"cacheScope \\"public\\""}'
LISTED = _HEAD + b"[ " + _ONE + b",\r\n " + _SECRET + b" ," + _OTHER + b' ],"ttlMs":5,"cacheScope" : "public","nextCursor":"n"}}\n'
SHOWN = _HEAD + b"[" + _ONE + b"," + _OTHER + b'],"ttlMs":5,"cacheScope" : "private","nextCursor":"n"}}\n'
UNREADABLE = {
    "no JSON": b"tools",
    "a key twice": LISTED.replace(b'"ttlMs":5', b'"ttlMs":5,"tools":[]'),
    "tools that are no array": b'{"jsonrpc":"2.0","id":1,"result":{"tools":{"secret":1}}}',
    "a tool without a name": b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"title":"secret"}]}}',
    "a name that is no string": b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":["secret"]}]}}',
    "no tools": b'{"jsonrpc":"2.0","id":1,"result":{}}',
    "a result that is no object": b'{"jsonrpc":"2.0","id":1,"result":["secret"]}',
    "a batch": b'[{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"secret"}]}}]',
    "compressed": gzip.compress(LISTED),
}


def _event(data: bytes, head: bytes = b"") -> bytes:
    return head + b"".join(b"data: " + line + b"\n" for line in data.splitlines()) + b"\n"


async def test_hidden_tools_are_cut_out_of_a_json_answer(stage: Stage, upstream: Relayed) -> None:
    """Blanks, numbers, escapes, `_meta` and the cursor stay; a list made for one grant is nobody else's to cache."""
    upstream.on["tools/list"] = relayed.body(LISTED, headers=[("Mcp-Session-Id", "s1")])
    answer = await stage.send(LIST, headers={"Accept-Encoding": "gzip, br"})
    assert (answer.status, answer.body, answer.headers["Mcp-Session-Id"]) == (200, SHOWN, "s1")
    assert upstream.received[0].values("Accept-Encoding") == ["identity"]
    assert upstream.received[0].body == json.dumps(LIST).encode()


async def test_a_list_without_hidden_tools_is_made_private_all_the_same(stage: Stage, upstream: Relayed) -> None:
    """Another grant may be shown less; a list that is private or says nothing comes back byte for byte."""
    for before, after in ((b'"public"', b'"private"'), (b'"shared"', b'"private"'), (b'"private"', b'"private"')):
        body = b'{"jsonrpc":"2.0","id":1,"result":{"tools":[ ],"cacheScope":X}}'
        upstream.on["tools/list"] = relayed.body(body.replace(b"X", before))
        assert (await stage.send(LIST)).body == body.replace(b"X", after)
    plain = b' {"jsonrpc":"2.0", "id":1,"result":{"tools":[{"name":"x"}]} }'
    upstream.on["tools/list"] = relayed.body(plain)
    assert (await stage.send(LIST)).body == plain


async def test_hidden_tools_are_cut_out_of_an_event_stream(stage: Stage, upstream: Relayed) -> None:
    """Ids, comments and other messages on the way pass untouched."""
    message = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"tools":[{"name":"secret"}]}}'
    noise = b": hello\n\nevent: message\ndata: " + message + b"\n\n"
    priming = b"id: s/1\nretry: 100\ndata:\n\n"
    upstream.on["tools/list"] = relayed.stream(priming, noise[:20], noise[20:], _event(LISTED, b"id: s/2\n"))
    answer = await stage.send(LIST)
    assert answer.body.startswith(priming + noise)
    assert b"\nid: s/2\n" in answer.body
    assert [found for found in events(answer.body) if "result" in found] == [json.loads(SHOWN)]
    assert _SECRET not in answer.body


async def test_hidden_tools_are_cut_out_of_a_stream_that_is_taken_up_again(stage: Stage, upstream: Relayed) -> None:
    """The answer to a tools/list may come on the GET after the first stream broke; what else comes there is not touched."""
    other = _event(b'{"jsonrpc":"2.0","id":3,"result":{"tools":"none"}}'.replace(b'"tools":"none"', b'"content":[]'), b"id: s/3\n")
    note = _event(b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
    upstream.on["GET"] = relayed.stream(note, _event(LISTED, b"id: s/2\n"), other)
    answer = await stage.send(None, headers={**LEGACY, "Mcp-Session-Id": "s", "Last-Event-ID": "s/1"}, method="GET")
    assert answer.body.startswith(note)
    assert answer.body.endswith(other)
    assert events(answer.body)[1] == json.loads(SHOWN)


@pytest.mark.parametrize("name", list(UNREADABLE))
async def test_a_list_that_cannot_be_read_is_not_passed_on(stage: Stage, upstream: Relayed, name: str) -> None:
    """A hidden tool could be in it: the agent gets an error that says what is wrong with the upstream."""
    headers = [("Content-Encoding", "gzip")] if name == "compressed" else []
    upstream.on["tools/list"] = relayed.body(UNREADABLE[name], headers=headers)
    answer = await stage.send(LIST)
    assert (answer.error["code"], answer.message["id"]) == (-31004, 1)
    assert b"secret" not in answer.body
    assert "list of tools" in answer.error["message"]


@pytest.mark.parametrize("name", [name for name in UNREADABLE if name != "compressed"])
async def test_a_stream_with_a_list_that_cannot_be_read_is_broken_off(stage: Stage, upstream: Relayed, name: str) -> None:
    """What came before it was passed on; the list is not, and the end does not look whole."""
    upstream.on["tools/list"] = relayed.stream(b": begun\n\n", _event(UNREADABLE[name]))
    async with stage.stream(LIST) as stream:
        assert await stream.raw_event() == b": begun\n\n"
        with pytest.raises(aiohttp.ClientError):
            await stream.raw_event()


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_compressed_stream_of_lists_is_not_passed_on(stage: Stage, upstream: Relayed, method: str) -> None:
    """An upstream that compresses although it was asked not to could hide a hidden tool in there."""
    packed = gzip.compress(_event(LISTED))
    upstream.on["tools/list"] = upstream.on["GET"] = relayed.stream(packed, headers=[("Content-Encoding", "gzip")])
    answer = await stage.send(LIST if method == "POST" else None, method=method, headers=LEGACY)
    assert packed not in answer.body
    assert answer.error["code"] in {-31001, -31004}


async def test_an_error_instead_of_a_list_passes(stage: Stage, upstream: Relayed) -> None:
    """An HTTP error and a JSON-RPC error name no tools: they come back as they are."""
    for status, body in ((404, b"no such session"), (200, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}'), (500, b"")):
        upstream.on["tools/list"] = relayed.body(body, status)
        answer = await stage.send(LIST)
        assert (answer.status, answer.body) == (status, body)


async def test_each_grant_is_shown_what_its_own_policy_shows(database: Database, upstream: Relayed) -> None:
    """A grant without a policy is shown everything and may call nothing."""
    grants = [make_grant(TOKEN), make_grant("unattached", policy=None)]
    async with raised(database, Set([address(upstream)], grants=grants)) as stage:
        for token, hidden in ((TOKEN, True), ("unattached", False)):
            names = [each["name"] for each in (await stage.send(LIST, token=token)).message["result"]["tools"]]
            assert ("secret" in names) != hidden
        answer = await stage.send({**LIST, "method": "tools/call", "params": {"name": "list_customers"}}, token="unattached")
        assert answer.words.startswith("[POLICY DENIED] ")
    assert upstream.calls == []


async def test_patterns_hide_many_tools_at_once(stage: Stage, upstream: Relayed) -> None:
    """A list of thousands of tools is filtered in one go."""
    upstream.tools = [tool(f"tool_{number}") for number in range(2000)] + [tool("secret")] * 3
    names = [each["name"] for each in (await stage.send(LIST)).message["result"]["tools"]]
    assert names == [f"tool_{number}" for number in range(2000)]


ESCAPED = LISTED.replace(b'"tools":', b'"t\\u006Fols":')


@pytest.mark.parametrize("written", [LISTED, ESCAPED])
@pytest.mark.parametrize("asked", ["tools/call", "ping", "notifications/x"])
@pytest.mark.parametrize("way", ["json", "chunked", "stream", "GET"])
async def test_a_list_that_comes_where_none_was_asked_for_is_filtered_too(
    stage: Stage, upstream: Relayed, written: bytes, asked: str, way: str
) -> None:
    """Agents go by the id of an answer, not by where it comes: a server could list its tools in the answer to anything else."""
    written = written.replace(b'"id":1,', b'"id":9,')
    noise = b'data: {"jsonrpc":"2.0","id":3,"result":{"tools":"none"}}\n\n'
    scripts = {
        "json": relayed.body(written),
        "chunked": _chunked(written),
        "stream": relayed.stream(noise, _event(written)),
        "GET": relayed.stream(noise, _event(written)),
    }
    upstream.on[asked] = upstream.on["GET"] = scripts[way]
    message = call() if asked == "tools/call" else {"jsonrpc": "2.0", "method": asked, **({"id": 1} if asked == "ping" else {})}
    try:
        answer = await stage.send(None if way == "GET" else message, headers=LEGACY, method="GET" if way == "GET" else "POST")
    except aiohttp.ClientError:
        assert way == "chunked"
        return
    found = events(answer.body)[1:] if way in {"stream", "GET"} else [answer.message]
    names = [each["name"] for each in found[0]["result"]["tools"]]
    assert names == ["list_customers", "create_refund"]


@pytest.mark.parametrize("way", ["batch", "batch in a stream", "compressed", "compressed stream", "stream by another name"])
async def test_a_list_that_comes_where_none_was_asked_for_and_cannot_be_read_stops(stage: Stage, upstream: Relayed, way: str) -> None:
    """What cannot be looked into may be a list; and some clients take any answer to a GET for a stream."""
    batch, packed = b"[" + LISTED.replace(b'"id":1,', b'"id":9,') + b"]", [("Content-Encoding", "gzip")]
    scripts = {
        "batch": relayed.body(batch),
        "batch in a stream": relayed.stream(_event(batch)),
        "compressed": relayed.body(gzip.compress(LISTED), headers=packed),
        "compressed stream": relayed.stream(gzip.compress(_event(LISTED)), headers=packed),
        "stream by another name": relayed.body(_event(LISTED), kind="application/octet-stream"),
    }
    upstream.on["tools/call"] = upstream.on["GET"] = scripts[way]
    by_get = way == "stream by another name"
    with contextlib.suppress(aiohttp.ClientError):
        answer = await stage.send(None if by_get else call(), headers=LEGACY, method="GET" if by_get else "POST")
        assert b"secret" not in answer.body
        assert not answer.body.startswith(b"\x1f\x8b")


def _chunked(body: bytes, pad: int = 2 * 1024 * 1024) -> relayed.Script:
    """Answer in chunks, with so many blanks before the end that nobody gathers it first."""

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin(kind="application/json")
        await peer.chunk(b" " * pad)
        await peer.chunk(body)
        await peer.end()

    return script
