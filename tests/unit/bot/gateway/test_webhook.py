"""An address is told of each new request: once, soon, without arguments, and nobody waits for it."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.gateway.webhook import AT_ONCE, Webhook
from tests.factories import NOW
from tests.fakes.relayed import Relayed
from tests.unit.bot.gateway.stage import Set, Stage, address, call, raised, rules
from tests.waiting import eventually
from workflows.database import Database
from workflows.tables import ApprovalRequest

ROW = ApprovalRequest(
    id="apr_1",
    state="pending",
    grant_id="gr_1",
    agent="support-agent",
    owner="local:olivia",
    server="payments",
    tool="create_refund",
    arguments=b'{"amount":70707}',
    call_sha256="",
    fingerprint="",
    policy="payments",
    policy_sha256="",
    rule="/tools/create_refund/require_approval/always",
    reason="A refund",
    approvers="payments",
    quorum=1,
    held_at=NOW,
    expires_at=NOW + timedelta(minutes=30),
)
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Bell:
    """A server that takes words, keeps them, and answers as a test says."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answering: Answering | None = None
    now: int = 0
    most: int = 0

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        """Hear one word."""
        self.paths.append(f"{request.method} {request.path_qs}")
        self.heard.append(json.loads(await request.read() or b"{}"))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return web.Response(status=204) if self.answering is None else await self.answering(request)  # type: ignore[arg-type]  # a BaseRequest is enough
        finally:
            self.now -= 1


@pytest.fixture
async def bell() -> AsyncIterator[Bell]:
    """Run a server that takes words."""
    made = Bell()
    runner = web.ServerRunner(web.Server(made.take, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@contextlib.asynccontextmanager
async def _open(**options: Any) -> AsyncIterator[Webhook]:  # noqa: ANN401  # the fields of a Webhook
    webhook = Webhook(**options)
    try:
        yield webhook
    finally:
        await webhook.close()


async def test_a_request_is_told_in_a_few_words_without_its_arguments(bell: Bell) -> None:
    """What it is, who asks and who may answer, until when."""
    async with _open() as webhook:
        webhook.tell(f"{bell.url}/hook?key=1", ROW)
    assert bell.paths == ["POST /hook?key=1"]
    assert bell.heard == [
        {
            "event": "approval_requested",
            "id": "apr_1",
            "server": "payments",
            "tool": "create_refund",
            "agent": "support-agent",
            "reason": "A refund",
            "approvers": "payments",
            "expires_at": "2026-01-15T12:30:20Z",
        }
    ]


async def _moved(_: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("/elsewhere")


async def _broken(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500)


async def _gone(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


TROUBLE: dict[str, tuple[Answering, str]] = {
    "a redirect": (_moved, "it answered with HTTP status 307"),
    "an error": (_broken, "it answered with HTTP status 500"),
    "no answer": (_gone, "ServerDisconnectedError"),
}


@pytest.mark.parametrize(("answering", "why"), TROUBLE.values(), ids=TROUBLE)
async def test_it_is_tried_once_and_followed_nowhere(bell: Bell, caplog: pytest.LogCaptureFixture, answering: Answering, why: str) -> None:
    """What went wrong is one line of the log, which names the host and keeps what may be a secret of the address."""
    bell.answering = answering
    async with _open() as webhook:
        webhook.tell(bell.url.replace("http://", "http://bot:hunter2@") + "/T0/s3cret?key=s3cret", ROW)
    assert len(bell.paths) == 1
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"the webhook {bell.url} was not told of apr_1: {why}"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/s3cret", "nothing", "http://[s3cret", "http://:0/s3cret", "ftp://s3cret@127.0.0.1/"])
async def test_an_address_that_is_none_is_told_by_the_log(caplog: pytest.LogCaptureFixture, url: str) -> None:
    """One line, without what stands in it."""
    async with _open() as webhook:
        webhook.tell(url, ROW)
    [record] = caplog.records
    assert "was not told of apr_1" in record.getMessage()
    assert "s3cret" not in caplog.text


async def test_an_address_that_does_not_answer_is_given_up(bell: Bell, caplog: pytest.LogCaptureFixture) -> None:
    """It has so many seconds."""
    never = asyncio.Event()

    async def wait(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    bell.answering = wait
    async with _open(seconds=0.05) as webhook:
        webhook.tell(bell.url, ROW)
        await eventually(lambda: "did not answer within 0.05 s" in caplog.text)
    never.set()


async def test_so_many_are_told_at_once_and_the_others_after_them(bell: Bell) -> None:
    """A flood of requests is no flood of connections."""
    gate = asyncio.Event()

    async def wait(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response(status=204)

    bell.answering = wait
    async with _open() as webhook:
        for _ in range(3 * AT_ONCE):
            webhook.tell(bell.url, ROW)
        await eventually(lambda: bell.now == AT_ONCE)
        gate.set()
    assert (bell.most, len(bell.heard)) == (AT_ONCE, 3 * AT_ONCE)


async def test_closing_waits_no_longer_than_an_address_has(bell: Bell) -> None:
    """What did not get its turn by then is not told."""
    never = asyncio.Event()

    async def wait(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    bell.answering = wait
    webhook = Webhook(seconds=0.2)
    for _ in range(5 * AT_ONCE):
        webhook.tell(bell.url, ROW)
    await webhook.close()
    assert len(bell.heard) <= 2 * AT_ONCE
    assert not webhook._tasks
    never.set()


@contextlib.asynccontextmanager
async def _told(database: Database, upstream: Relayed, bell: Bell) -> AsyncIterator[Stage]:
    policy = rules()
    policy = replace(policy, shape=replace(policy.shape, webhook=bell.url))
    async with raised(database, Set([address(upstream)], policies={"payments": policy})) as stage:
        stage.configure(hold_budget_seconds=0.0)
        yield stage


async def test_the_gateway_tells_of_each_new_request_and_of_no_repeat(database: Database, upstream: Relayed, bell: Bell) -> None:
    """Allowed and denied calls are no requests."""
    async with _told(database, upstream, bell) as stage:
        for tool in ("create_refund", "create_refund", "list_customers", "wipe"):
            await stage.send(call(tool, {"amount": 70_707}))
        await eventually(lambda: bell.heard)
        await stage.send(call("create_refund", {"amount": 80_808}))
    assert [word["id"] for word in bell.heard] == [row.id for row in stage.rows()]
    assert "70707" not in json.dumps(bell.heard)


async def test_no_agent_waits_for_a_webhook(database: Database, upstream: Relayed, bell: Bell) -> None:
    """The agent has its answer while the address still thinks."""
    gate = asyncio.Event()

    async def wait(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.Response(status=204)

    bell.answering = wait
    async with _told(database, upstream, bell) as stage:
        answer = await stage.send(call("create_refund"))
        assert "PENDING_APPROVAL" in json.dumps(answer.message)
        await eventually(lambda: bell.now == 1)
        gate.set()
