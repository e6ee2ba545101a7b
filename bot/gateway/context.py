"""What the gateway works with, and who of its agents waits for what: the only things it keeps in memory."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias, TypeVar

from bot.gateway.webhook import Webhook
from bot.mcp import Listing
from bot.settings import GatewaySettings
from bot.upstream import Upstreams
from workflows.changes import Changes
from workflows.database import Database
from workflows.errors import AskfirstError, DatabaseUnusable
from workflows.grants import GrantBook
from workflows.policy import KnownTool, PolicyBook
from workflows.queries import Outstanding
from workflows.recorder import Recorder
from workflows.tables import Grant

T = TypeVar("T")
log = logging.getLogger(__name__)
_MOST_SESSIONS = 100_000

CallKey: TypeAlias = tuple[str, str, str | int]
"""A call as its own agent names it: its grant's id, its session's id or nothing, and the id of the message."""


@dataclass(slots=True)
class Waiters:
    """The agents that wait for held calls: how many for each request, and by the id of the call that each made."""

    _count: dict[str, int] = field(default_factory=dict)
    _by_call: dict[CallKey, asyncio.Event] = field(default_factory=dict)

    @contextmanager
    def cancellable(self, call_key: CallKey) -> Iterator[asyncio.Event]:
        """Listen for the notification by which an agent cancels this call of its own; the event is set when it comes."""
        cancelled = self._by_call[call_key] = asyncio.Event()
        try:
            yield cancelled
        finally:
            if self._by_call.get(call_key) is cancelled:
                del self._by_call[call_key]

    def enter(self, request_id: str) -> None:
        """Begin to wait for a request."""
        self._count[request_id] = self._count.get(request_id, 0) + 1

    def exit(self, request_id: str) -> bool:
        """Stop waiting; tells whether nobody waits for this request any more."""
        self._count[request_id] -= 1
        if self._count[request_id]:
            return False
        del self._count[request_id]
        return True

    def anybody(self, request_id: str) -> bool:
        """Tell whether somebody waits for this request."""
        return request_id in self._count

    def cancel(self, call_key: CallKey) -> bool:
        """Pass a cancellation on to the call that it names; False when no held call has that id."""
        event = self._by_call.get(call_key)
        if event is None:
            return False
        event.set()
        return True


@dataclass(slots=True)
class Sessions:
    """Which grant began which session of its server: an id that leaked opens nothing for another agent.

    They are forgotten with the process, and the oldest of very many: then the id, which cannot be guessed, guards the session alone.
    """

    _begun: dict[tuple[str, str], str] = field(default_factory=dict)

    def begin(self, grant: Grant, session_id: str) -> None:
        """Keep whose session it is."""
        if len(self._begun) >= _MOST_SESSIONS:
            del self._begun[next(iter(self._begun))]
        self._begun[grant.server, session_id] = grant.id

    def foreign(self, grant: Grant, session_id: str) -> bool:
        """Tell whether another grant began this session."""
        return self._begun.get((grant.server, session_id), grant.id) != grant.id


@dataclass(slots=True)
class Refusals:
    """Keeps a flood of refused messages from filling the audit trail: one row a second and agent, and the number that it stands for."""

    _told: dict[str, tuple[datetime, int]] = field(default_factory=dict)

    def count(self, agent: str, now: datetime) -> int | None:
        """How many were not told since the last row, or None when this one is not to be told either."""
        at, suppressed = self._told.get(agent, (None, 0))
        if at is not None and now - at < timedelta(seconds=1):
            self._told[agent] = (at, suppressed + 1)
            return None
        self._told[agent] = (now, 0)
        return suppressed


class ToolLists(Protocol):
    """What the servers said of their tools."""

    async def known(self, server: str, tool: str) -> KnownTool | None:
        """Say what is known of a tool; None when its server does not list it."""

    async def passed(self, server: str, found: Listing, *, source: str) -> None:
        """Take note of a list on its way to an agent, whose grant's id is `source`."""


@dataclass(slots=True)
class GatewayContext:
    """Everything that a listener of the gateway needs. `durable` commits the audit row of an allowed call before it is forwarded."""

    settings: GatewaySettings
    database: Database
    recorder: Recorder
    grants: GrantBook
    policies: PolicyBook
    upstreams: Upstreams
    changes: Changes
    outstanding: Outstanding
    clock: Callable[[], datetime]
    durable: bool = False
    stopping: bool = False
    slack: Callable[[], bool] | None = None  # tells whether held calls are shown in Slack just now, where they are to be
    tool_lists: ToolLists | None = None
    webhook: Webhook = field(default_factory=Webhook)
    waiters: Waiters = field(default_factory=Waiters)
    sessions: Sessions = field(default_factory=Sessions)
    refusals: Refusals = field(default_factory=Refusals)
    _tasks: "set[asyncio.Task[Any]]" = field(default_factory=set)

    def keep(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Do something that must be done even if the agent is gone, such as writing that it is gone."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not (isinstance(error, AskfirstError) and not isinstance(error, DatabaseUnusable)):
            log.warning("a write for an agent that is gone did not succeed: %s", error)

    def stop(self) -> None:
        """Give every agent that waits a handle now: its stream ends with this process, its request does not."""
        self.stopping = True
        self.changes.wake_all()

    async def close(self) -> None:
        """Wait for what is being written, and for what is being told."""
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=10)
        await self.webhook.close()
