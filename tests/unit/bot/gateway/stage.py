"""The stage of the gateway's tests: the real application over a real database, an agent's raw client, and a clock that a test moves."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from sqlmodel import Session, select
from yarl import URL

from bot import gateway
from bot.gateway import GatewayContext
from bot.mcp import Decoder
from bot.scheduler import Sweeps
from bot.settings import Address, GatewaySettings
from bot.upstream import ServerAddress, Upstreams
from tests.factories import NOW, Scene, make_grant, make_policy
from tests.fakes.relayed import Relayed
from tests.waiting import eventually
from workflows.calls import JSON
from workflows.changes import Changes
from workflows.database import Database
from workflows.grants import DeclaredGrant, GrantBook
from workflows.policy import Policy, PolicyBook
from workflows.queries import Outstanding
from workflows.recorder import Recorder
from workflows.release import Releaser
from workflows.tables import ApprovalRequest, AuditEvent, Counter

TOKEN = "support-agent"
SETTINGS = GatewaySettings(
    listen=Address("127.0.0.1", 0),
    allowed_hosts=(),
    allowed_origins=(),
    max_body_bytes=64 * 1024,
    max_depth=32,
    max_header_bytes=8 * 1024,
    hold_budget_seconds=30.0,
    connect_timeout_seconds=5.0,
    upstream_timeout_seconds=20.0,
    max_pending_per_grant=5,
)
LEGACY = {"MCP-Protocol-Version": "2025-11-25"}
ENVELOPE: dict[str, JSON] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
BOTH = "application/json, text/event-stream"


def rules(**document: JSON) -> Policy:
    """Make the policy of these tests: `list_customers` allowed, `create_refund` held, `wipe` denied, `limited` twice a minute."""
    tools: dict[str, JSON] = {
        "list_customers": {},
        "create_refund": {"require_approval": [{"conditions": [], "reason": "A refund"}]},
        "wipe": {"deny_if": [{"conditions": [], "on_deny": "Nobody wipes."}]},
        "limited": {"limits": [{"counter": "some", "window": "minute", "max": 2}]},
    }
    whole: dict[str, Any] = {"hide": ["secret"], "tools": tools, **document}
    return make_policy(**whole)


def call(tool: str = "list_customers", arguments: object = None, *, id: object = 1, **params: object) -> dict[str, Any]:  # noqa: A002  # as the wire names it
    """Write a tools/call of the legacy era; `params` are further members of its params."""
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments or {}, **params}}


def modern(message: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Dress a message as 2026-07-28 has it: the body with its envelope, and the headers that must equal it."""
    params = message.get("params", {})
    dressed = {**message, "params": {**params, "_meta": {**ENVELOPE, **params.get("_meta", {})}}}
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": message["method"]}
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    return dressed, headers


@dataclass(slots=True)
class Clock:
    """A clock that stands until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def later(self, **delta: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**delta)
        return self.now


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent got."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The one message, from a JSON body or as the last event of a stream."""
        if self.headers.get("Content-Type", "").startswith("text/event-stream"):
            return events(self.body)[-1]
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The JSON-RPC error."""
        found: dict[str, Any] = self.message["error"]
        return found

    @property
    def words(self) -> str:
        """The text of a tool result."""
        return " ".join(part["text"] for part in self.message["result"]["content"])


def events(source: bytes) -> list[dict[str, Any]]:
    """Read the messages of an event stream."""
    return [json.loads(event.data) for event in Decoder().feed(source) if event.data]


class Stream:
    """An answer that is read as it comes."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self._decoder = Decoder()
        self._events: list[bytes] = []

    async def raw_event(self) -> bytes | None:
        """Give the next event with all of its bytes, None at the end; comments are events without data."""
        while not self._events:
            portion = await self.response.content.readany()
            if not portion:
                return None
            self._events.extend(event.raw for event in self._decoder.feed(portion))
        return self._events.pop(0)

    async def event(self) -> dict[str, Any]:
        """Give the next message; comments are passed over. Fails at the end of the stream."""
        while (raw := await self.raw_event()) is not None:
            found = events(raw)
            if found:
                return found[0]
        raise AssertionError("the stream ended without another message")

    async def rest(self) -> list[dict[str, Any]]:
        """Give all messages until the stream ends."""
        found: list[dict[str, Any]] = []
        while (raw := await self.raw_event()) is not None:
            found.extend(events(raw))
        return found


@dataclass(slots=True)
class Stage:
    """One gateway, as a process would have it; `restarted` gives another one over the same database."""

    database: Database
    clock: Clock
    context: GatewayContext
    releaser: Releaser
    sweeps: Sweeps
    base: str
    client: aiohttp.ClientSession

    @property
    def scene(self) -> Scene:
        """The verbs of people and clock on the database of this gateway, at its time."""
        return Scene(self.database, now=self.clock.now)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the gateway."""
        url = URL(self.base)
        return str(url.host), int(url.port or 0)

    def request(
        self,
        message: object,
        *,
        token: str | None = TOKEN,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        path: str = "/mcp/payments/",
        method: str = "POST",
    ) -> Any:  # noqa: ANN401  # aiohttp's context manager has no public name
        """Begin an HTTP request as an agent sends it; bytes go as they are, anything else as JSON."""
        fields: CIMultiDict[str] = CIMultiDict({"Accept": BOTH, "Content-Type": "application/json"})
        if token is not None:
            fields["Authorization"] = f"Bearer {token}"
        for name in dict(headers):
            fields.popall(name, None)
        fields.extend(headers)
        data = message if isinstance(message, bytes) or message is None else json.dumps(message).encode()
        return self.client.request(method, URL(self.base + path, encoded=True), data=data, headers=fields, allow_redirects=False)

    async def send(self, message: object, **options: Any) -> Answer:  # noqa: ANN401  # the options of `request`
        """Send a message and read the whole answer."""
        async with self.request(message, **options) as response:
            return Answer(response.status, response.headers, await response.read())

    async def send_modern(self, message: dict[str, Any], **options: Any) -> Answer:  # noqa: ANN401  # the options of `request`
        """Send a message as 2026-07-28 has it."""
        dressed, headers = modern(message)
        return await self.send(dressed, headers={**headers, **options.pop("headers", {})}, **options)

    @contextlib.asynccontextmanager
    async def stream(self, message: object, **options: Any) -> AsyncIterator[Stream]:  # noqa: ANN401  # the options of `request`
        """Send a message and read the answer as it comes; leaving early breaks the connection off."""
        async with self.request(message, **options) as response:
            yield Stream(response)
            response.close()

    async def raw(self, data: bytes) -> bytes:
        """Send bytes over a socket of its own and read until the gateway closes it."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            writer.write(data)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()

    async def status(self, *, path: str = "/mcp/payments/", hosts: str = "Host: localhost\r\n") -> int:
        """Send an allowed call as no client library would, and give the HTTP status."""
        body = json.dumps(call()).encode()
        lines = f"{hosts}Authorization: Bearer {TOKEN}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        answer = await self.raw(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        return int(answer.split(b" ", 2)[1])

    async def sweep(self) -> None:
        """Release what is due, and wait until it is done."""
        await self.releaser.sweep()
        await eventually(lambda: not self.releaser.running)

    def rows(self) -> list[ApprovalRequest]:
        """Read every request, oldest first."""
        return sorted(self.database.read(lambda session: session.exec(select(ApprovalRequest)).all()), key=lambda row: row.held_at)

    async def held(self, number: int = 1) -> ApprovalRequest:
        """Wait until so many calls are held, and give the newest."""

        def newest() -> ApprovalRequest | None:
            rows = self.rows()
            return rows[-1] if len(rows) == number else None

        found = await eventually(newest)
        assert found is not None
        return found

    def row(self, request_id: str) -> ApprovalRequest:
        """Read one request."""
        return self.scene.row(request_id)

    async def waiting(self, request_id: str, number: int = 1) -> None:
        """Wait until so many agents wait for a request."""
        await eventually(lambda: self.context.waiters._count.get(request_id, 0) == number)

    async def left(self, request_id: str) -> ApprovalRequest:
        """Wait until a request is written down as one that nobody waits for."""
        await eventually(lambda: self.row(request_id).unattended_at is not None)
        return self.row(request_id)

    async def collected(self) -> None:
        """Wait until the outcome of every request is written down as one that its agent was given."""
        await eventually(lambda: all(row.collected_at is not None for row in self.rows()))

    async def trail(self, *tags: str) -> list[AuditEvent]:
        """Flush the audit trail, and read its rows with these tags."""
        await self.context.recorder.close()
        return [row for row in self.scene.trail() if row.event in tags or not tags]

    async def used(self) -> int:
        """Read how much of all limits is used."""
        await self.context.recorder.close()
        rows = self.database.read(lambda session: session.exec(select(Counter)).all())
        return sum(row.used for row in rows)

    async def refresh(self) -> None:
        """Read the grants again, as the clock does each second."""
        await self.database.aread(self.context.grants.refresh)

    def configure(self, **changed: Any) -> None:  # noqa: ANN401  # the fields of GatewaySettings
        """Change settings of the running gateway, as a reload does."""
        self.context.settings = replace(self.context.settings, **changed)


@dataclass(frozen=True, slots=True)
class Set:
    """What a stage is built of; a test names only what it is about."""

    addresses: Sequence[ServerAddress]
    policies: Mapping[str, Policy] = field(default_factory=lambda: {"payments": rules()})
    grants: Sequence[DeclaredGrant] = field(default_factory=lambda: [make_grant(TOKEN)])
    settings: GatewaySettings = SETTINGS
    durable: bool = False
    pinning: bool = False  # are the definitions of tools watched, which lists them when one is called that was never listed


def address(upstream: Relayed, name: str = "payments", **facts: Any) -> ServerAddress:  # noqa: ANN401  # the fields of a ServerAddress
    """Point a server of the gateway at an upstream."""
    return ServerAddress(name, upstream.url, **facts)


@contextlib.asynccontextmanager
async def raised(database: Database, scenery: Set, clock: Clock | None = None) -> AsyncIterator[Stage]:
    """Run a gateway over this database, as `askfirst serve` does; the release and the sweeps run when a test says so."""
    clock = clock or Clock()
    await asyncio.to_thread(partial(Scene(database, now=clock.now).declare, grants_=scenery.grants))
    changes, book, policies = Changes(), GrantBook(), PolicyBook(scenery.policies)
    upstreams = Upstreams(scenery.addresses)
    tool_lists = gateway.ToolLists(database=database, upstreams=upstreams, changes=changes, clock=clock) if scenery.pinning else None
    context = GatewayContext(
        settings=scenery.settings,
        database=database,
        recorder=Recorder(database),
        grants=book,
        policies=policies,
        upstreams=upstreams,
        changes=changes,
        outstanding=Outstanding(),
        clock=clock,
        durable=scenery.durable,
        tool_lists=tool_lists,
    )
    await database.aread(book.refresh)
    releaser = Releaser(database, upstreams, policies, changes, clock)
    if tool_lists is not None:
        releaser.known = tool_lists.known
    sweeps = Sweeps(database, changes, releaser, book, context.outstanding, clock)
    runner = gateway.build(context, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=("User-Agent", "Accept-Encoding")) as client:
        try:
            yield Stage(database, clock, context, releaser, sweeps, base, client)
        finally:
            await runner.cleanup()
            await releaser.close()
            await context.close()
            if tool_lists is not None:
                await tool_lists.close()
            await upstreams.close()
            await context.recorder.close()


@contextlib.contextmanager
def busy(database: Database, look: Callable[[Session], object] = lambda _: None) -> Iterator[None]:
    """Keep a write transaction open until the block ends, as a slow disk does: `look` says which rows it locks on PostgreSQL."""
    begun, ended = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        look(session)
        begun.set()
        ended.wait(10)

    thread = threading.Thread(target=database.write, args=(hold,))
    thread.start()
    begun.wait(10)
    try:
        yield
    finally:
        ended.set()
        thread.join()
