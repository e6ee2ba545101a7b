"""A desk on a real listener and database, with a release loop and an upstream that keeps count. For tests in one event loop."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web
from sqlmodel import Session, select

from bot.web.server import DeskContext, build, origins
from workflows import access, audit, grants, groups, lifecycle
from workflows.audit import Tag
from workflows.calls import JSON, ToolCall, parse_json
from workflows.changes import Changes
from workflows.database import Database
from workflows.lifecycle import Outcome
from workflows.people import ApproverGroup, Person
from workflows.policy import PolicyBook, evaluate, load
from workflows.policy.situation import KnownTool
from workflows.release import Releaser
from workflows.tables import ApprovalRequest, AuditEvent

POLICY = {
    "version": "1",
    "default": "deny",
    "approval": {"approvers": "payments", "expires_in": "30m"},
    "tools": {
        "create_refund": {"require_approval": [{"conditions": [], "reason": "Refund above $50"}]},
        "delete_customer": {"require_approval": [{"conditions": [], "quorum": 2, "reason": "Two people delete a customer"}]},
        "close_account": {"require_approval": [{"conditions": [], "reason_required": "deny", "reason": "Accounts are closed for good"}]},
    },
}
PEOPLE = ApproverGroup("payments", frozenset({"local:alice", "local:bob", "local:olivia"}))
OWNER = "local:olivia"


@dataclass(slots=True)
class Tools:
    """An upstream that runs what it is told, at once, and remembers the exact bytes. `answers` says otherwise for a tool."""

    ran: list[tuple[str, bytes]] = field(default_factory=list)
    answers: dict[str, Outcome] = field(default_factory=dict)

    async def definition(self, server: str, tool: str) -> str | None:
        """No tool here has a definition that could change."""
        del server, tool
        return None

    async def call(self, server: str, tool: str, raw_arguments: bytes, *, request_id: str) -> Outcome:
        """Run it."""
        del server, request_id
        self.ran.append((tool, raw_arguments))
        body = {"content": [{"type": "text", "text": f"{tool} done, receipt re_{len(self.ran)}"}]}
        return self.answers.get(tool, Outcome("result", json.dumps(body).encode()))


@dataclass(slots=True)
class Clock:
    """The time, moved `ahead` by a test."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        """Tell it."""
        return datetime.now(UTC) + self.ahead


@dataclass(slots=True)
class Desk:
    """The running desk and what a test does to it from outside."""

    database: Database
    changes: Changes
    tools: Tools
    address: str
    context: DeskContext
    agent_token: str
    clock: Clock

    async def hold(
        self,
        tool: str = "create_refund",
        arguments: Mapping[str, object] | bytes | None = None,
        *,
        leave: bool = True,
        known: KnownTool | None = None,
        redact: JSON = None,
    ) -> str:
        """Have the agent ask for a call that is held, and `leave` in good order; gives the request's id.

        `known` is what the definition of the tool says, `redact` what the policy hides.
        """
        raw = arguments if isinstance(arguments, bytes) else json.dumps(arguments or {"amount": 9900}).encode()
        value = parse_json(raw)
        assert isinstance(value, dict)
        call = ToolCall("payments", tool, value, raw)
        policy = load(json.dumps(POLICY | ({"redact": redact} if redact else {})), name="payments")

        def held(session: Session) -> str:
            [grant] = grants.listing(session)
            verdict = evaluate(policy, call)
            hold = partial(lifecycle.hold, grant=grant, verdict=verdict, policy=policy, definition=None, tool=known, now=self.clock())
            row = hold(session, call).request
            if leave:
                lifecycle.hand_off(session, row.id, now=self.clock())
            return row.id

        return await self.database.awrite(held)

    async def hand_off(self, request_id: str) -> None:
        """Have the agent leave in good order."""
        await self.database.awrite(partial(lifecycle.hand_off, request_id=request_id, now=self.clock()))

    async def collect(self, request_id: str) -> None:
        """Have the agent fetch the outcome."""
        await self.database.awrite(partial(lifecycle.collect, request_id=request_id, now=self.clock()))

    async def pulse(self) -> int:
        """How long the audit trail is."""
        return await self.database.aread(lambda session: len(session.exec(select(AuditEvent.seq)).all()))

    async def note_something(self) -> None:
        """Write an audit row that has nothing to do with any request."""
        await self.database.awrite(partial(audit.record, event=Tag.SERVE_START, actor=audit.SYSTEM, now=self.clock()))

    async def row(self, request_id: str) -> ApprovalRequest:
        """The request as it stands in the database."""
        row = await self.database.aread(lambda session: session.get(ApprovalRequest, request_id))
        assert row is not None
        return row

    async def vote(self, request_id: str, person: str, choice: str) -> None:
        """Have somebody vote elsewhere."""
        cast = partial(lifecycle.vote, choice=lifecycle.Choice(choice), reason=None, via="cli", now=self.clock())
        await self.database.awrite(lambda session: cast(session, request_id, actor=Person(person)))
        self.changes.notify(request_id)

    async def link(self, person: str = "local:alice") -> str:
        """Mint a one-time link."""
        token = await self.database.awrite(partial(access.mint_link, person=Person(person), now=self.clock()))
        return f"{self.address}/sign-in?token={token}"

    async def token(self, person: str = "local:alice") -> str:
        """Mint a personal token."""
        return await self.database.awrite(partial(access.mint_token, person=Person(person), label="test", now=self.clock()))


@asynccontextmanager
async def running_desk(
    database_url: str, *, public_url: str | None = None, session_lives: timedelta = access.SESSION_LIVES
) -> AsyncIterator[Desk]:
    """Run a desk on a free port of the loopback, with one agent `support-agent`, its grant's token in `Desk.agent_token`."""
    database = Database(database_url)
    database.migrate()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    now = datetime.now(UTC)
    database.write(partial(groups.sync_declared, declared=[PEOPLE, ApproverGroup("nobody", frozenset())], now=now))
    agent_token = database.write(_agent)
    changes, clock = Changes(), Clock()
    context = DeskContext(
        database, changes, clock, origins("127.0.0.1", port, public_url), secure=bool(public_url), session_lives=session_lives
    )
    desk = Desk(database, changes, Tools(), f"http://127.0.0.1:{port}", context, agent_token, clock)
    book = PolicyBook()
    book.replace({"payments": load(json.dumps(POLICY), name="payments")})
    releaser = Releaser(database, desk.tools, book, desk.changes, desk.clock)
    runner = web.AppRunner(build(context), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    loop = asyncio.get_running_loop().create_task(_release(releaser, desk.changes))
    try:
        yield desk
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
        await releaser.close()
        await runner.cleanup()
        database.close()


def _agent(session: Session) -> str:
    now = datetime.now(UTC)
    made = grants.create(
        session, label="support-agent", server="payments", policy="payments", owner=OWNER, budget=None, actor="local:olivia", now=now
    )
    return made[1]


async def _release(releaser: Releaser, changes: Changes) -> None:
    while True:
        await changes.due.wait()
        changes.due.clear()
        await releaser.sweep()


_CSRF = re.compile(r'name="csrf" value="([^"]*)"')
_SEEN = re.compile(r'name="seen" value="([^"]*)"')


@dataclass(slots=True)
class Page:
    """An answer: its status, its headers, its text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def csrf(self) -> str:
        """The token that the page's forms carry."""
        return _first(_CSRF, self.text)

    @property
    def seen(self) -> str:
        """What the page's forms say was seen."""
        return _first(_SEEN, self.text)


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return unescape(found.group(1)) if found else ""


@dataclass(slots=True)
class Visitor:
    """A browser without a screen: it keeps cookies and says where its forms come from."""

    desk: Desk
    _session: aiohttp.ClientSession = field(init=False)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def get(self, path: str, **headers: str) -> Page:
        """Open a page; redirects are not followed."""
        return await self.ask("GET", path, headers=headers)

    async def post(self, path: str, form: Mapping[str, str], **headers: str) -> Page:
        """Send a form as a page of the desk would."""
        return await self.ask("POST", path, headers={"Origin": self.desk.address, **headers}, data=dict(form))

    async def ask(self, method: str, path: str, **more: object) -> Page:
        """Send anything."""
        address = path if path.startswith("http") else f"{self.desk.address}{path}"
        async with self._session.request(method, address, allow_redirects=False, **more) as answer:  # type: ignore[arg-type]  # passed through
            return Page(answer.status, answer.headers, await answer.text())

    def cookies(self) -> str:
        """What the browser would send as Cookie."""
        return "; ".join(f"{cookie.key}={cookie.value}" for cookie in self._session.cookie_jar)

    async def sign_in(self, person: str = "local:alice") -> Page:
        """Follow a one-time link and press its button; gives the inbox."""
        link = await self.desk.link(person)
        entered = await self.post("/sign-in", {"token": link.partition("token=")[2]})
        assert entered.status == 303, entered.text
        return await self.get("/")

    async def decide(self, request_id: str, verb: str, reason: str = "") -> Page:
        """Read a request and decide, as a person would."""
        page = await self.get(f"/requests/{request_id}")
        return await self.post(f"/requests/{request_id}/{verb}", {"csrf": page.csrf, "seen": page.seen, "reason": reason})
