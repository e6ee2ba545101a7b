"""Our own client over HTTP: which era it speaks, what it reads of tools, and above all what became of a call."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from bot.upstream import ServerAddress, Upstreams
from bot.upstream.http import HttpUpstream
from bot.upstream.session import Session
from bot.upstream.wire import HttpWire
from tests.fakes.upstreams import Answer, Message, Scripted, bare, failure, result, stream, tool
from tests.waiting import eventually
from workflows.calls import JSON, definition_digest
from workflows.errors import UpstreamUnreachable
from workflows.release import Outcome

RAW = b'{ "amount" : 1.50 }'


@asynccontextmanager
async def upstreams(url: str, **changes: object) -> AsyncIterator[Upstreams]:
    """Configure one server, `pay`."""
    found = Upstreams([ServerAddress("pay", url=url, **changes)])  # type: ignore[arg-type]  # the tests' own changes
    try:
        yield found
    finally:
        await found.close()


async def call(url: str, **changes: object) -> Outcome:
    """Release one call."""
    async with upstreams(url, **changes) as found:
        return await found.call("pay", "act", RAW, request_id="apr_1")


async def released(scripted: Scripted) -> Outcome:
    """Release one call to a scripted upstream."""
    async with scripted.running() as url:
        return await call(url)


@pytest.mark.parametrize("modern", [True, False])
async def test_a_call_goes_out_once_with_the_stored_bytes(modern: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """Whatever the era: one POST, the arguments as they were stored, the key of the request, the configured headers."""
    scripted = Scripted(modern=modern)
    async with scripted.running() as url, upstreams(url, headers={"Authorization": "Bearer up"}) as found:
        assert await found.definition("pay", "act") == definition_digest(tool())
        outcome = await found.call("pay", "act", RAW, request_id="apr_1")
    assert (outcome.kind, outcome.is_error) == ("result", False)
    assert json.loads(outcome.body)["content"][0]["text"] == "done"
    (seen,) = scripted.of("tools/call")
    assert b'"arguments":' + RAW + b"," in seen.body
    assert seen.message["id"] == "apr_1"
    assert seen.message["params"]["_meta"]["io.askfirst/request-id"] == "apr_1"
    assert seen.headers["Authorization"] == "Bearer up"
    assert seen.headers.get("Mcp-Session-Id") == (None if modern else "s-1")
    assert seen.headers.get("Mcp-Name") == ("act" if modern else None)
    assert seen.headers["MCP-Protocol-Version"] == ("2026-07-28" if modern else "2025-06-18")


async def test_the_era_is_agreed_on_once() -> None:
    """Discovery and initialize are not repeated for every look."""
    scripted = Scripted(modern=False)
    async with scripted.running() as url, upstreams(url) as found:
        await asyncio.gather(*(found.definition("pay", "act") for _ in range(5)))
    assert [len(scripted.of(method)) for method in ("server/discover", "initialize", "notifications/initialized")] == [1, 1, 1]


async def test_a_forgotten_session_is_opened_again() -> None:
    """A restarted upstream costs a second look, never a second call."""
    scripted = Scripted(modern=False)
    async with scripted.running() as url, upstreams(url) as found:
        await found.definition("pay", "act")
        scripted.session = "s-2"
        assert await found.definition("pay", "act") == definition_digest(tool())
        assert (await found.call("pay", "act", RAW, request_id="apr_1")).kind == "result"
        scripted.session = "s-3"
        refused = await found.call("pay", "act", RAW, request_id="apr_2")
        assert refused.kind == "error"
        assert (await found.call("pay", "act", RAW, request_id="apr_3")).kind == "result"
    assert [seen.message["id"] for seen in scripted.of("tools/call")] == ["apr_1", "apr_2", "apr_3"]


async def test_an_idle_session_is_asked_whether_it_lives() -> None:
    """Before a call on a session that was silent for a while, a ping finds out; it is no call."""
    scripted = Scripted(modern=False)
    async with scripted.running() as url:
        upstream = HttpUpstream(ServerAddress("pay", url=url))
        session = Session("pay", HttpWire(upstream), timeout=timedelta(seconds=5))
        await session.entry("act")
        session._heard = float("-inf")
        scripted.session = "s-2"
        assert (await session.call("act", RAW, request_id="apr_1")).kind == "result"
        await upstream.close()
    assert len(scripted.of("tools/call")) == 1
    assert len(scripted.of("ping")) == 1


async def test_tools_are_looked_for_on_every_page() -> None:
    """Pages are followed, and one that leads to itself ends the search."""

    async def pages(_: web.Request, message: Message) -> web.Response:
        cursor = message["params"].get("cursor")
        if cursor is None:
            return result(message, tools=[tool("first")], nextCursor="2")
        return result(message, tools=[tool("second")], nextCursor="2")

    scripted = Scripted(answers={"tools/list": pages})
    async with scripted.running() as url, upstreams(url) as found:
        assert await found.definition("pay", "second") == definition_digest(tool("second"))
        assert await found.definition("pay", "third") is None


async def test_a_list_without_end_is_not_read_without_end() -> None:
    """An upstream cannot keep a release busy for ever."""
    turns = iter(range(10_000))

    async def pages(_: web.Request, message: Message) -> web.Response:
        return result(message, tools=[], nextCursor=str(next(turns)))

    scripted = Scripted(answers={"tools/list": pages})
    async with scripted.running() as url, upstreams(url) as found:
        with pytest.raises(UpstreamUnreachable, match="more tools"):
            await found.definition("pay", "act")
    assert len(scripted.of("tools/list")) == 100


@pytest.mark.parametrize("modern", [True, False])
async def test_all_tools_are_listed_page_by_page(modern: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """What is no object is left out, and a cursor that leads to itself ends the list."""
    pages: dict[str | None, dict[str, object]] = {
        None: {"tools": [tool("a"), "b", None], "nextCursor": "2"},
        "2": {"tools": [tool("c"), {"name": 7}], "nextCursor": "3"},
        "3": {"tools": [], "nextCursor": "3"},
    }

    async def listed(_: web.Request, message: Message) -> web.Response:
        return result(message, **pages[message["params"].get("cursor")])

    scripted = Scripted(modern=modern, answers={"tools/list": listed})
    async with scripted.running() as url, upstreams(url) as found:
        assert found.running == ("pay",)
        assert await found.tools("pay") == [tool("a"), tool("c"), {"name": 7}]
    assert len(scripted.of("tools/list")) == 3


async def test_a_list_that_is_none_is_told_and_asked_for_again_on_a_new_agreement() -> None:
    """A session may be forgotten; anything else is an error that says what came."""
    scripted = Scripted(modern=False)
    async with scripted.running() as url, upstreams(url) as found:
        assert await found.tools("pay") == [tool()]
        scripted.session = "s-2"
        assert await found.tools("pay") == [tool()]

        async def odd(_: web.Request, message: Message) -> web.Response:
            return result(message, tools="none")

        scripted.answers["tools/list"] = odd
        with pytest.raises(UpstreamUnreachable, match="did not list its tools"):
            await found.tools("pay")
        with pytest.raises(UpstreamUnreachable, match="no server other"):
            await found.tools("other")


async def test_whoever_watches_is_told_of_each_definition_that_is_looked_up() -> None:
    """Before the one who looked it up goes on; of a tool that is not there nobody is told."""
    told: list[tuple[str, object]] = []

    async def watch(server: str, definition: dict[str, JSON]) -> None:
        told.append((server, definition))

    async with Scripted().running() as url, upstreams(url) as found:
        found.watch = watch
        assert await found.definition("pay", "act") == definition_digest(tool())
        assert told == [("pay", tool())]
        assert await found.definition("pay", "other") is None
    assert len(told) == 1


async def test_a_changed_definition_shows() -> None:
    """The digest is of what the upstream lists now."""
    text = ["one"]

    async def listed(_: web.Request, message: Message) -> web.Response:
        return result(message, tools=[tool(description=text[0])])

    async with Scripted(answers={"tools/list": listed}).running() as url, upstreams(url) as found:
        before = await found.definition("pay", "act")
        text[0] = "two"
        assert await found.definition("pay", "act") not in {before, None}


async def test_marked_arguments_travel_in_headers() -> None:
    """A modern server checks them, so a release must send what an agent would have."""

    async def listed(_: web.Request, message: Message) -> web.Response:
        schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
        return result(message, tools=[tool(inputSchema=schema)])

    scripted = Scripted(answers={"tools/list": listed})
    async with scripted.running() as url, upstreams(url) as found:
        await found.call("pay", "act", b'{"region":"\xc3\xa9"}', request_id="apr_1")
    assert scripted.of("tools/call")[0].headers["Mcp-Param-Region"] == "=?base64?w6k=?="


@pytest.mark.parametrize("status", [401, 404, 500])
async def test_an_upstream_that_refuses_to_be_asked_is_unreachable(status: int) -> None:
    """The sentence names the status; nothing of a call was sent."""

    async def refuse(_: web.Request, __: Message) -> web.Response:
        return web.Response(status=status, text="go away")

    scripted = Scripted(answers={"server/discover": refuse, "initialize": refuse})
    async with scripted.running() as url, upstreams(url) as found:
        with pytest.raises(UpstreamUnreachable, match=str(status)):
            await found.definition("pay", "act")
        assert (await found.call("pay", "act", RAW, request_id="apr_1")).kind == "not_sent"
    assert not scripted.of("tools/call")


async def test_nobody_there_is_not_sent() -> None:
    """A refused connection proves that nothing left."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/mcp"
        async with upstreams(url) as found:
            with pytest.raises(UpstreamUnreachable):
                await found.definition("pay", "act")
        outcome = await call(url)
    assert outcome.kind == "not_sent"
    assert b"cannot be reached" in outcome.body


async def test_a_server_that_takes_no_connection_is_given_up_in_time() -> None:
    """Nobody refuses and nobody accepts: after `connect_timeout` it counts as not reached, and nothing was sent."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as waiting:
        for _ in range(4):  # the queue of who waits to be accepted is full, so the next one hears nothing
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)  # as sockets have it
            one.connect_ex(listener.getsockname())
        began = asyncio.get_running_loop().time()
        outcome = await call(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", connect_timeout=timedelta(seconds=0.3))
        took = asyncio.get_running_loop().time() - began
    assert outcome.kind == "not_sent"
    assert b"cannot be reached" in outcome.body
    assert 0.3 <= took < 3


async def test_gone_between_look_and_call_is_not_sent() -> None:
    """The call itself finds a refused connection: still nothing left."""
    scripted = Scripted()
    async with scripted.running() as url:
        upstream = HttpUpstream(ServerAddress("pay", url=url))
        session = Session("pay", HttpWire(upstream), timeout=timedelta(seconds=5))
        await session.entry("act")
    assert (await session.call("act", RAW, request_id="apr_1")).kind == "not_sent"
    await upstream.close()


async def test_an_unknown_server_is_not_sent() -> None:
    """A server that left the configuration has nobody to be asked."""
    async with upstreams("http://127.0.0.1:9/mcp") as found:
        assert (await found.call("other", "act", RAW, request_id="apr_1")).kind == "not_sent"
        with pytest.raises(UpstreamUnreachable, match="other"):
            found.relay("other")


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Type: application/json\r\n\r\n{", b"garbage\r\n\r\n"]
)
async def test_broken_off_after_it_was_sent_is_unknown(answer: bytes) -> None:
    """The call may have run: it is never called not sent, and never sent again."""
    calls = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        message = json.loads(await reader.readexactly(length))
        if message["method"] == "tools/call":
            calls.append(message)
            writer.write(answer)
            return
        members: Message = {"supportedVersions": ["2026-07-28"]} if message["method"] == "server/discover" else {"tools": [tool()]}
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": members}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with bare(serve) as url:
        assert (await call(url)).kind == "unknown"
    assert len(calls) == 1


async def test_silence_is_unknown_after_the_time_limit() -> None:
    """A call that is not answered in time may still run."""
    stay = asyncio.Event()

    async def wait(_: web.Request, message: Message) -> web.Response:
        await stay.wait()
        return result(message)

    scripted = Scripted(answers={"tools/call": wait})
    async with scripted.running() as url:
        outcome = await call(url, timeout=timedelta(seconds=0.2))
        stay.set()
    assert (outcome.kind, len(scripted.of("tools/call"))) == ("unknown", 1)


@pytest.mark.parametrize(("status", "kind"), [(307, "error"), (308, "error"), (302, "unknown"), (303, "unknown")])
async def test_redirects_are_not_followed(status: int, kind: str) -> None:
    """A redirect would send the call a second time, or to somebody else."""

    async def elsewhere(http: web.Request, _: Message) -> web.Response:
        return web.Response(status=status, headers={"Location": str(http.url)})

    scripted = Scripted(answers={"tools/call": elsewhere})
    assert (await released(scripted)).kind == kind
    assert len(scripted.of("tools/call")) == 1


ANSWER = b'data: {"jsonrpc":"2.0","id":%ID%,"result":{"content":[]}}\n\n'


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (stream(b": hello\n\n", b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n', ANSWER), "result"),
        (stream(b'data: {"jsonrpc":"2.0","id":%ID%,\r\ndata: "error":{"code":1,"message":"no"}}\r\n\r\n'), "error"),
        (stream(b'data: {"jsonrpc":"2.0","id":%ID%,"result":{"resultType":"input_required","requestState":"x"}}\n\n'), "error"),
        (stream(b'data: {"jsonrpc":"2.0","id":"other","result":{"content":[]}}\n\n'), "unknown"),
        (stream(b"data: nonsense\n\n"), "unknown"),
        (stream(b"data: {", b"unfinished"), "unknown"),
        (stream(b"id: 5\ndata:\n\n"), "unknown"),
    ],
)
async def test_an_event_stream_is_read_to_the_response(answer: Answer, kind: str) -> None:
    """Notifications are passed over; a stream that ends without the response leaves the outcome unknown."""
    scripted = Scripted(answers={"tools/call": answer})
    assert (await released(scripted)).kind == kind
    assert len(scripted.of("tools/call")) == 1


async def test_the_response_ends_the_wait_though_the_stream_stays() -> None:
    """A stream that is kept open after the response is closed from here."""
    stay = asyncio.Event()
    scripted = Scripted(answers={"tools/call": stream(ANSWER, stay=stay)})
    async with scripted.running() as url:
        assert (await call(url)).kind == "result"
        stay.set()


async def test_an_answer_without_bounds_is_unknown() -> None:
    """Neither a body nor an event may fill the memory."""

    async def huge(_: web.Request, message: Message) -> web.Response:
        return result(message, content=["x" * 5000])

    for answer in (huge, stream(b"data: " + b"x" * 5000)):
        async with Scripted(answers={"tools/call": answer}).running() as url:
            upstream = HttpUpstream(ServerAddress("pay", url=url))
            session = Session("pay", HttpWire(upstream, max_bytes=2000), timeout=timedelta(seconds=5))
            assert (await session.call("act", RAW, request_id="apr_1")).kind == "unknown"
            await upstream.close()


async def test_a_legacy_server_that_asks_is_told_that_nobody_is_here() -> None:
    """Its request is answered with an error and its ping with a result, so that its tool can end; the call is one POST."""
    asked = b'data: {"jsonrpc":"2.0","id":"q1","method":"elicitation/create"}\n\ndata: {"jsonrpc":"2.0","id":2,"method":"ping"}\n\n'
    scripted = Scripted(modern=False, answers={"tools/call": stream(asked, ANSWER)})
    assert (await released(scripted)).kind == "result"
    answers = [seen.message for seen in scripted.seen if seen.method == "POST" and "method" not in seen.message]
    assert [(one["id"], one.get("error", {}).get("code"), one.get("result")) for one in answers] == [("q1", -32601, None), (2, None, {})]


async def test_a_stream_that_pauses_is_taken_up_where_it_ended() -> None:
    """A legacy server may close a stream after an event id; the rest is fetched by GET, and the call is not sent again."""
    rest = ANSWER.replace(b"%ID%", b'"apr_1"')
    scripted = Scripted(modern=False, answers={"tools/call": stream(b"id: s/0\nretry: 10\ndata:\n\n"), "GET": stream(rest)})
    assert (await released(scripted)).kind == "result"
    (resumed,) = [seen for seen in scripted.seen if seen.method == "GET"]
    assert resumed.headers["Last-Event-ID"] == "s/0"
    assert len(scripted.of("tools/call")) == 1


async def test_a_stream_that_cannot_be_taken_up_is_unknown() -> None:
    """The call was sent, so a refused continuation is not called not sent."""

    async def refuse(_: web.Request, __: Message) -> web.Response:
        return web.Response(status=405)

    scripted = Scripted(modern=False, answers={"tools/call": stream(b"id: s/0\nretry: 10\ndata:\n\n"), "GET": refuse})
    assert (await released(scripted)).kind == "unknown"


async def test_gone_before_the_rest_of_the_answer_is_unknown() -> None:
    """A refused connection proves nothing once the call itself was sent."""
    scripted = Scripted(modern=False, answers={"tools/call": stream(b"id: s/0\nretry: 500\ndata:\n\n")})
    async with scripted.running() as url:
        upstream = HttpUpstream(ServerAddress("pay", url=url))
        session = Session("pay", HttpWire(upstream), timeout=timedelta(seconds=5))
        calling = asyncio.ensure_future(session.call("act", RAW, request_id="apr_1"))
        await eventually(lambda: scripted.of("tools/call"))
    outcome = await calling
    await upstream.close()
    assert outcome.kind == "unknown"
    assert not [seen for seen in scripted.seen if seen.method == "GET"]


async def test_every_released_call_has_a_fresh_connection() -> None:
    """A connection that was idle may be half closed, and a call lost on it would look as if it had been sent."""
    ports = set()

    async def note(http: web.Request, message: Message) -> web.Response:
        assert http.transport is not None
        ports.add(http.transport.get_extra_info("peername")[1])
        return result(message, content=[])

    async with Scripted(answers={"tools/call": note}).running() as url, upstreams(url) as found:
        for number in range(5):
            await found.call("pay", "act", RAW, request_id=f"apr_{number}")
    assert len(ports) == 5


async def test_an_error_of_the_upstream_is_told() -> None:
    """Its own words are stored."""

    async def refuse(_: web.Request, message: Message) -> web.Response:
        return failure(message, -32602, "no such customer", 400)

    outcome = await released(Scripted(answers={"tools/call": refuse}))
    assert (outcome.kind, json.loads(outcome.body)["message"]) == ("error", "no such customer")


async def test_changed_servers_are_taken_over() -> None:
    """A reload keeps what stayed the same and replaces the rest."""
    one, two = Scripted(), Scripted()
    async with one.running() as first, two.running() as second, upstreams(first) as found:
        kept = found.relay("pay")
        await found.replace([ServerAddress("pay", url=first), ServerAddress("new", url=second)])
        assert found.relay("pay") is kept
        assert await found.definition("new", "act") is not None
        await found.replace([ServerAddress("pay", url=second)])
        assert await found.definition("pay", "act") is not None
        assert "new" not in found
    assert not one.of("tools/list")
    assert len(two.of("tools/list")) == 2
