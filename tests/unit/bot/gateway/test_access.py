"""Who may speak, from where, to which server, and how much: each no is a JSON-RPC error over HTTP, and nothing of it is forwarded."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from tests.factories import ALICE, make_grant
from tests.fakes.relayed import Relayed, relayed
from tests.unit.bot.gateway.stage import SETTINGS, TOKEN, Set, Stage, address, call, raised
from workflows import grants
from workflows.database import Database

OTHER = "other-agent"
BAD_TOKENS = (None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic support-agent", "support-agent", "Bearer support-agent x")


@pytest.fixture
async def other() -> AsyncIterator[Relayed]:
    """Run the upstream of another server."""
    async with relayed() as running:
        yield running


@pytest.fixture
async def two(database: Database, upstream: Relayed, other: Relayed) -> AsyncIterator[Stage]:
    """Run a gateway with two servers, and a grant on each."""
    made = [make_grant(TOKEN), make_grant(OTHER, server="other")]
    async with raised(database, Set([address(upstream), address(other, "other")], grants=made)) as running:
        yield running


async def test_without_a_known_token_nothing_is_read(stage: Stage, upstream: Relayed) -> None:
    """401 with a challenge, in words that say what to send; the trail tells of each, without the token."""
    for authorization in BAD_TOKENS:
        for method in ("POST", "GET", "DELETE"):
            headers = {} if authorization is None else {"Authorization": authorization}
            answer = await stage.send(b"not even JSON" if method == "POST" else None, token=None, headers=headers, method=method)
            assert (answer.status, answer.error["code"]) == (401, -32600), (authorization, method)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
            assert "Authorization: Bearer" in answer.error["message"]
            stage.clock.later(seconds=1)
    assert upstream.received == []
    rows = await stage.trail("agent.refused")
    assert len(rows) == len(BAD_TOKENS) * 3
    assert not [row for row in rows if row.actor != "agent:unknown" or "wrong" in row.detail]


async def test_a_token_is_taken_in_any_case_of_its_scheme(stage: Stage) -> None:
    """The scheme of Authorization has no case; the token has."""
    assert (await stage.send(call(), token=None, headers={"Authorization": f"bearer  {TOKEN}"})).words == "done"
    assert (await stage.send(call(), token=TOKEN.upper())).status == 401


async def test_a_revoked_token_ends_with_the_next_refresh(stage: Stage, upstream: Relayed) -> None:
    """What the command line revokes, another process does: the clock's next look takes it in."""
    create = partial(grants.create, label="cli", server="payments", policy="payments", owner="local:olivia", budget=None, actor=ALICE.key)
    _, token = stage.database.write(partial(create, now=stage.clock.now))
    assert (await stage.send(call(), token=token)).status == 401
    await stage.sweeps.look()
    assert (await stage.send(call(), token=token)).words == "done"
    stage.database.write(partial(grants.revoke, label="cli", actor=ALICE.key, now=stage.clock.now))
    await stage.sweeps.look()
    assert (await stage.send(call(), token=token)).status == 401
    assert len(upstream.received) == 1


async def test_a_rotated_token_replaces_the_one_before(stage: Stage) -> None:
    """The old one stops with the refresh that brings the new one."""
    create = partial(grants.create, label="cli", server="payments", policy="payments", owner="local:olivia", budget=None, actor=ALICE.key)
    _, old = stage.database.write(partial(create, now=stage.clock.now))
    _, new = stage.database.write(partial(grants.rotate, label="cli", actor=ALICE.key, now=stage.clock.now))
    await stage.refresh()
    assert [(await stage.send(call(), token=token)).status for token in (old, new)] == [401, 200]


PATHS = (
    "/mcp/other/",
    "/mcp/other",
    "/mcp/OTHER/",
    "/mcp/payments/../other/",
    "/mcp/payments/%2e%2e/other/",
    "/mcp/payments%2f..%2fother/",
    "/mcp/payments%2Fother",
    "/mcp//other/",
    "/mcp/payments//",
    "/mcp/payments/other/",
    "/mcp/payments/;/other",
    "/mcp/payments%00",
    "/mcp/payments%20",
    "/mcp/other?server=payments",
    "/mcp/other#payments",
    "//mcp/other/",
    "/mcp/",
    "/",
    "/mcp/payments\\..\\other",
)


async def test_no_path_reaches_another_server(two: Stage, upstream: Relayed, other: Relayed) -> None:
    """Neither encoded nor doubled slashes, dots, case or a query make a grant open what it does not name."""
    for path in PATHS:
        assert await two.status(path=path) in {400, 403, 404}, path
    assert upstream.received == other.received == []


async def test_an_absolute_url_in_the_request_line_changes_nothing(two: Stage, upstream: Relayed, other: Relayed) -> None:
    """A request line as for a proxy is served by its path alone, and its host is not asked."""
    status = await two.status(path=f"{other.url.removesuffix('/mcp')}/mcp/payments/")
    assert other.received == []
    assert len(upstream.received) == (status == 200)


async def test_another_servers_token_is_refused_by_name(two: Stage, other: Relayed) -> None:
    """403, and the trail knows whose token it was."""
    answer = await two.send(call(), path="/mcp/other/")
    assert (answer.status, "another server" in answer.error["message"]) == (403, True)
    assert other.received == []
    [row] = await two.trail("agent.refused")
    assert (row.agent, row.actor) == (TOKEN, f"agent:{TOKEN}")


async def test_an_unknown_method_of_http_is_refused(stage: Stage, upstream: Relayed) -> None:
    """405 with those that there are."""
    for method in ("PUT", "PATCH", "OPTIONS"):
        answer = await stage.send(call(), method=method)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST, GET, DELETE")
    assert upstream.received == []


ALLOWED = replace(SETTINGS, allowed_hosts=("mcp.example.com", "ported.example.com:8443"), allowed_origins=("https://app.example.com",))
HOSTS = {
    "localhost": 200,
    "localhost:9999": 200,
    "LOCALHOST": 200,
    "127.0.0.1:80": 200,
    "[::1]:8080": 200,
    "mcp.example.com": 200,
    "MCP.example.com:444": 200,
    "ported.example.com:8443": 200,
    "ported.example.com": 421,
    "ported.example.com:80": 421,
    "evil.example.com": 421,
    "mcp.example.com.evil.example": 421,
    "localhost.evil.example": 421,
    "127.0.0.1.evil.example": 421,
    "evil.example:127.0.0.1": 421,
    "evil.example@localhost": 421,
    "localhost@evil.example": 421,
    "localhost/evil.example": 421,
    "localhost:80:90": 421,
    "[::1": 421,
    "[::1]]": 421,
    "a\u2100b": 421,
    "": 421,
}


async def test_the_host_must_be_a_name_of_this_gateway(database: Database, upstream: Relayed) -> None:
    """A page cannot rebind a name of its own to loopback and speak to the gateway through it."""
    async with raised(database, Set([address(upstream)], settings=ALLOWED)) as stage:
        for host, status in HOSTS.items():
            before = len(upstream.received)
            answer = await stage.status(hosts=f"Host: {host}\r\n")
            assert answer == status or (answer == 400 and status == 421), host
            assert len(upstream.received) - before == (status == 200), host


ORIGINS = {
    "http://localhost:3000": 200,
    "https://127.0.0.1": 200,
    "http://[::1]:6274": 200,
    "https://app.example.com": 200,
    "https://APP.example.com": 200,
    "https://app.example.com:444": 403,
    "http://app.example.com": 403,
    "https://evil.example": 403,
    "https://localhost.evil.example": 403,
    "https://evil.example/localhost": 403,
    "https://evil.example@localhost": 403,
    "null": 403,
    "localhost": 403,
    "http://[": 403,
    "http://\u2100": 403,
    "": 403,
}


async def test_a_page_of_another_origin_is_refused(database: Database, upstream: Relayed) -> None:
    """Before its token is looked at, and nothing reaches the upstream."""
    async with raised(database, Set([address(upstream)], settings=ALLOWED)) as stage:
        for origin, status in ORIGINS.items():
            before = len(upstream.received)
            answer = await stage.send(call(), headers={"Origin": origin}, token=TOKEN if status == 200 else None)
            assert (answer.status, len(upstream.received) - before) == (status, status == 200), origin
            got = await stage.send(None, headers={"Origin": origin}, method="GET")
            assert (got.status == 403) == (status == 403), origin


async def test_two_hosts_or_no_host_are_refused(stage: Stage, upstream: Relayed) -> None:
    """What two readers could read differently opens nothing."""
    for hosts in ("Host: localhost\r\nHost: evil.example\r\n", "Host: evil.example\r\nHost: localhost\r\n", ""):
        assert await stage.status(hosts=hosts) in {400, 421}, hosts
    assert upstream.received == []


def _padded(length: int) -> bytes:
    body = json.dumps(call(arguments={"pad": ""})).encode()
    return body.replace(b'"pad": ""', b'"pad": "' + b"x" * (length - len(body)) + b'"')


async def test_a_body_may_be_as_large_as_configured_and_no_larger(stage: Stage, upstream: Relayed) -> None:
    """The last byte that fits is forwarded; one more is a 413 that says the limit, and the trail tells of it."""
    most = SETTINGS.max_body_bytes
    assert (await stage.send(_padded(most))).words == "done"
    answer = await stage.send(_padded(most + 1))
    assert (answer.status, f"{most} bytes" in answer.error["message"]) == (413, True)
    assert [len(each.body) for each in upstream.received] == [most]
    assert [row.agent for row in await stage.trail("agent.refused")] == [TOKEN]


async def test_a_chunked_body_is_bounded_too(stage: Stage, upstream: Relayed) -> None:
    """Without a length, what comes is counted: by the limit of the running configuration, not of the one at the start."""
    stage.configure(max_body_bytes=2000)

    async def portions() -> AsyncIterator[bytes]:
        body = _padded(4000)
        for start in range(0, len(body), 500):
            yield body[start : start + 500]

    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with stage.client.post(f"{stage.base}/mcp/payments/", data=portions(), headers=headers) as response:
        assert response.status == 413
    assert upstream.received == []
    stage.configure(max_body_bytes=SETTINGS.max_body_bytes * 2)
    assert (await stage.send(_padded(SETTINGS.max_body_bytes * 2))).words == "done"


async def test_headers_are_bounded(stage: Stage, upstream: Relayed) -> None:
    """431 that says the limit, before the token is looked at."""
    answer = await stage.send(call(), headers={f"X-{number}": "y" * 1000 for number in range(9)})
    assert (answer.status, f"{SETTINGS.max_header_bytes} bytes" in answer.error["message"]) == (431, True)
    assert upstream.received == []


async def test_depth_is_bounded(stage: Stage, upstream: Relayed) -> None:
    """The deepest message that is allowed passes; one level more is refused, and a message of brackets costs nothing."""
    inside = SETTINGS.max_depth - 3  # the message, its params and the arguments are levels too
    assert (await stage.send(call(arguments={"a": json.loads("[" * inside + "]" * inside)}))).words == "done"
    for levels in (inside + 1, 20_000):
        answer = await stage.send(json.dumps(call(arguments={"a": "X"})).replace('"X"', "[" * levels + "]" * levels).encode())
        assert (answer.status, answer.error["code"]) == (400, -32700)
        assert f"{SETTINGS.max_depth} levels" in answer.error["message"]
    assert len(upstream.received) == 1


async def test_health_needs_no_token_and_tells_nothing(stage: Stage) -> None:
    """Whoever watches the process can ask whether it lives."""
    answer = await stage.send(None, token=None, path="/health", method="GET")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})


async def test_health_says_whether_slack_is_reached_where_there_is_slack(stage: Stage) -> None:
    """Without Slack the gateway goes on, so the status stays ok: a watcher is told, and nothing restarts the process."""
    for healthy, word in ((True, "ok"), (False, "down")):
        stage.context.slack = lambda healthy=healthy: healthy
        answer = await stage.send(None, token=None, path="/health", method="GET")
        assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok", "slack": word})


async def test_a_flood_of_refusals_is_told_once_a_second_with_its_number(stage: Stage) -> None:
    """The trail cannot be filled by whoever has no token: the next row tells how many were not told."""
    for _ in range(5):
        await stage.send(call(), token="wrong")
    stage.clock.later(seconds=1)
    await stage.send(call(), token="wrong")
    rows = await stage.trail("agent.refused")
    assert [json.loads(row.detail)["suppressed"] for row in rows] == [0, 4]


async def test_garbage_instead_of_http_is_answered_and_harms_nobody(stage: Stage) -> None:
    """The listener goes on for others."""
    hello, short = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"GET\r\n\r\n"
    for garbage in (hello, short, b"POST /mcp/payments/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        assert (await stage.raw(garbage)).split(b" ", 2)[1] == b"400"
    assert (await stage.send(call())).words == "done"


async def test_two_lengths_in_one_request_are_refused(stage: Stage, upstream: Relayed) -> None:
    """Where a request ends must not be a matter of opinion: nothing is smuggled behind another."""
    for lengths in ("Transfer-Encoding: chunked\r\n", "Content-Length: 3\r\n"):
        assert await stage.status(hosts=f"Host: localhost\r\n{lengths}") == 400
    assert upstream.received == []


async def test_an_agent_that_asks_before_it_sends_is_told_to_go_on(stage: Stage, upstream: Relayed) -> None:
    """`Expect: 100-continue` is answered once the agent is known, and a stranger is refused before it sent a byte of its body."""
    body = json.dumps(call()).encode()
    for token, said in ((TOKEN, b"HTTP/1.1 100 Continue\r\n\r\n"), ("wrong", b"HTTP/1.1 401")):
        reader, writer = await asyncio.open_connection(*stage.address)
        lines = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"POST /mcp/payments/ HTTP/1.1\r\n{lines}Expect: 100-continue\r\n\r\n".encode())
        assert await asyncio.wait_for(reader.readexactly(len(said)), 5) == said
        if token == TOKEN:
            writer.write(body)
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert [each.values("Expect") for each in upstream.received] == [[]]
