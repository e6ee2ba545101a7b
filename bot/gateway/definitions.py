"""What servers say of their tools, as it passes on its way to agents and as we ask for it ourselves.

Law: a list is observed before a call of its server is judged that comes after it, and only what an upstream answered is observed.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from bot import mcp
from bot.upstream import Upstreams
from workflows import definitions, lifecycle
from workflows.calls import JSON
from workflows.changes import Changes
from workflows.database import Database
from workflows.definitions import OWN, SHOWN_FOR, Definitions
from workflows.errors import AskfirstError, DatabaseUnusable
from workflows.policy import KnownTool

log = logging.getLogger(__name__)

_AGAIN: Final = timedelta(seconds=5)
_LOOKUP_SECONDS: Final = 10.0
_WRITE_SECONDS: Final = 2.0  # a list waits so long for the database, and then goes on; a call waits until it is done
_REMEMBERED: Final = 256
_SEEN_FOR: Final = timedelta(hours=1)  # then a list is compared again, so that whoever is shown it counts as one who is
_MISSED: Final = 1_000
_MOST_WAITING: Final = 8
_NAMED: Final = 5
_LONG: Final = 50_000  # characters; to read a definition that is longer takes a while, and is done beside the event loop
_UNREAD: Final = KnownTool("Other", "High", changed="The server's list of tools could not be compared with the one before.")


@dataclass(slots=True)
class _Server:
    """One server's lists: those being observed, in turn, and the marks of those that said nothing new when they came last."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    observing: "set[asyncio.Task[None]]" = field(default_factory=set)
    seen: "OrderedDict[tuple[str, bytes], tuple[int, datetime]]" = field(default_factory=OrderedDict)
    unread: dict[str, datetime] = field(default_factory=dict)
    looking: "asyncio.Task[None] | None" = None
    looked_at: datetime | None = None
    missed: set[str] = field(default_factory=set)
    stamp: tuple[object, ...] = ()
    silent: bool = False


class ToolLists:
    """What is known of the tools of every server."""

    def __init__(self, *, database: Database, upstreams: Upstreams, changes: Changes, clock: Callable[[], datetime]) -> None:
        self._database, self._upstreams, self._changes, self._clock = database, upstreams, changes, clock
        self._definitions = Definitions()
        self._compared_names: dict[str, tuple[tuple[str, int], ...]] = {}
        upstreams.watch = self._looked_at
        self._servers: dict[str, _Server] = {}
        self._loading: asyncio.Task[None] | None = None
        self._loaded = False

    async def load(self) -> None:
        """Read what is known from the database: once, at the start or when it is needed first. Raises DatabaseUnusable."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().create_task(self._read_all())
        loading = self._loading
        try:
            await asyncio.shield(loading)
        finally:
            if loading.done() and self._loading is loading:
                self._loaded = not loading.cancelled() and loading.exception() is None
                self._loading = None

    async def known(self, server: str, tool: str) -> KnownTool | None:
        """Say what is known of a tool, as its server lists it now; None when it is not listed.

        A list that is being observed is waited for. A tool that was never seen is looked up once. Raises DatabaseUnusable.
        """
        if not self._loaded:
            await self.load()
        state = self._servers.get(server)
        if state is not None:
            if state.observing:
                await asyncio.wait(list(state.observing))
            if state.unread and self._unread(state):
                return _UNREAD
        found = await self._described(server, tool)
        if found is None:
            return await self._looked_up(server, tool)
        return await self._looked_again(server, tool) if found.changed else found

    async def passed(self, server: str, found: mcp.Listing, *, source: str) -> None:
        """Take note of a list on its way to an agent; `source` is the id of the agent's grant. One that says nothing new costs nothing.

        The list waits for the database a little, and goes on whatever becomes of that.
        """
        if not self._loaded:
            try:
                await self.load()
            except AskfirstError as error:
                log.warning("the tools that are known could not be read, so those of %s are held: %s", server, error)
                self._state(server).unread[source] = self._clock()
                return
        state = self._state(server)
        if self._is_old(server, state, found.mark, source):
            return
        while len(state.observing) >= _MOST_WAITING:
            await asyncio.wait(list(state.observing), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([self._begin(server, state, found.mark, found.tools, source)], timeout=_WRITE_SECONDS)

    async def refresh(self, server: str) -> None:
        """Ask a server for its tools ourselves, and take over what other processes accepted. Raises UpstreamUnreachable."""
        if not self._loaded:
            await self.load()
        state = self._state(server)
        state.looked_at = self._clock()
        tools: list[JSON] = [*await self._upstreams.tools(server)]
        await self._take_over(server, state)
        await self._show_again(server, state)
        state.missed.clear()
        mark = mcp.list_mark(tools)
        if not self._is_old(server, state, mark, OWN):
            await asyncio.wait([self._begin(server, state, mark, lambda: tools, OWN)])
        await self._compare_names(server)

    async def _compare_names(self, server: str) -> None:
        """Look for names that could be taken for others, where there are names that were not compared yet."""
        names = self._definitions.names()
        compared = tuple((each, len(tools)) for each, tools in names.items())
        if self._compared_names.get(server) != compared:
            self._definitions.shadow(server, await asyncio.to_thread(definitions.shadows, names, server))
            self._compared_names[server] = compared

    async def _looked_at(self, server: str, definition: dict[str, JSON]) -> None:
        """A definition was looked up for a held call: what it changes is known before anybody is asked, or anything is released."""
        if not self._loaded:
            await self.load()
        state = self._state(server)
        found = definitions.listed([definition])
        if all(self._definitions.has(server, each) for each in found.values()):
            return  # one entry is no list: it takes no mark away
        await asyncio.wait([self._begin(server, state, b"", lambda: [definition], OWN)])

    async def list_tools(self) -> None:
        """Refresh every server that runs; one that does not answer is told of once, until it answers again."""
        await asyncio.gather(*(self._refreshed(server) for server in self._upstreams.running))

    async def _refreshed(self, server: str) -> None:
        state = self._state(server)
        try:
            await self.refresh(server)
        except AskfirstError as error:
            if not state.silent:
                log.warning("the tools of %s could not be listed: %s", server, error)
            state.silent = True
        else:
            state.silent = False

    def _state(self, server: str) -> _Server:
        return self._servers.setdefault(server, _Server())

    async def _read_all(self) -> None:
        await asyncio.to_thread(definitions.prepare)
        self._definitions.load(await self._database.aread(definitions.rows))

    async def _take_over(self, server: str, state: _Server) -> None:
        """Take over what another process wrote, such as that somebody accepted a definition on the command line."""
        async with state.turn:
            stamp = await self._database.aread(partial(definitions.stamp, server=server))
            if stamp != state.stamp:
                self._definitions.load(await self._database.aread(partial(definitions.rows, server=server)), server=server)
                state.stamp = stamp

    async def _described(self, server: str, tool: str) -> KnownTool | None:
        pin = self._definitions.undescribed(server, tool)
        if pin is not None and len(pin.now_text) + len(pin.text) > _LONG:
            self._definitions.keep(server, tool, pin, await asyncio.to_thread(definitions.describe, pin))
        return self._definitions.known(server, tool)

    async def _looked_again(self, server: str, tool: str) -> KnownTool | None:
        """Look whether somebody accepted the change: it is done in the database, and by other processes too."""
        async with self._state(server).turn:
            row = await self._database.aread(partial(definitions.find, server=server, tool=tool))
            if row is not None:
                self._definitions.accepted(row)
        await self._show_again(server, self._state(server))
        return await self._described(server, tool)

    async def _show_again(self, server: str, state: _Server) -> None:
        """Mark again what an agent is shown and nobody saw, when another definition of the tool was accepted meanwhile."""
        for source, each in self._definitions.unaccepted(server, now=self._clock()):
            await asyncio.wait([self._begin(server, state, b"", partial(definitions.entries, each), source)])

    async def _looked_up(self, server: str, tool: str) -> KnownTool | None:
        """List the tools for one that was never seen: once for all who ask, and not again so soon."""
        if server not in self._upstreams or not definitions.keepable(tool):
            return None
        state = self._state(server)
        if state.looking is None and tool not in state.missed and self._may_look(state):
            state.looking = asyncio.get_running_loop().create_task(self._look(server, state))
        if state.looking is not None:
            await asyncio.wait([state.looking], timeout=_LOOKUP_SECONDS)
        found = _UNREAD if self._unread(state) else await self._described(server, tool)
        if found is None and not state.silent and len(state.missed) < _MISSED:
            state.missed.add(tool)
        return found

    def _unread(self, state: _Server) -> bool:
        """Tell whether somebody is shown a list that could not be compared, and none since that could."""
        now = self._clock()
        return any(now - at < SHOWN_FOR for at in state.unread.values())

    def _may_look(self, state: _Server) -> bool:
        return state.looked_at is None or not timedelta(0) <= self._clock() - state.looked_at < _AGAIN

    async def _look(self, server: str, state: _Server) -> None:
        try:
            await self._refreshed(server)
        finally:
            state.looking = None

    def _is_old(self, server: str, state: _Server, mark: bytes, source: str) -> bool:
        """Tell whether nothing changed since this very list was seen: by this agent, or by anybody while every tool is as accepted."""
        version, now = self._definitions.version(server), self._clock()
        seen = (state.seen.get((source, mark)), state.seen.get(("", mark)))
        return source not in state.unread and any(each and each[0] == version and now - each[1] < _SEEN_FOR for each in seen)

    def _begin(self, server: str, state: _Server, mark: bytes, read: Callable[[], list[JSON]], source: str) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(self._observe(server, state, mark, read, source))
        state.observing.add(task)
        task.add_done_callback(state.observing.discard)
        return task

    async def _observe(self, server: str, state: _Server, mark: bytes, read: Callable[[], list[JSON]], source: str) -> None:
        """Compare one list with what is known, one after the other; whatever goes wrong, no tool is trusted more than before."""
        async with state.turn:
            try:
                done = await self._compared(server, read, source)
            except Exception:
                log.exception("a list of the tools of %s could not be compared: its calls are held until one can be", server)
                state.unread[source] = self._clock()
                return
            if mark:
                state.unread.pop(source, None)  # one entry is no list, and says nothing of the others
            if done and mark:
                key = (source if self._definitions.marked(server) else "", mark)
                state.seen[key] = (self._definitions.version(server), self._clock())
                state.seen.move_to_end(key)
                while len(state.seen) > _REMEMBERED:
                    state.seen.popitem(last=False)

    async def _compared(self, server: str, read: Callable[[], list[JSON]], source: str) -> bool:
        """Observe a list; False when the database refused, and it is to be tried again with the next list."""
        listed = await asyncio.to_thread(lambda: definitions.listed(read()))
        now = self._clock()
        found = self._definitions.news(server, listed, source=source, now=now)
        if not found:
            return True
        keeps = partial(self._definitions.keeps, server, source=source, now=now)
        try:
            observed, voided = await self._database.awrite(partial(lifecycle.observe, server=server, found=found, keeps=keeps, now=now))
        except DatabaseUnusable as error:
            self._definitions.doubt(server, found, source=source, now=now)
            log.warning("what changed in the tools of %s could not be written down: %s", server, error)
            return False
        self._definitions.adopt(observed, found, source=source, now=now)
        if observed.changed:
            few = ", ".join(map(repr, observed.changed[:_NAMED])) + (", …" if len(observed.changed) > _NAMED else "")
            log.warning("%d tools of %s are defined anew, and held until somebody accepts that: %s", len(observed.changed), server, few)
        for request_id in voided:
            self._changes.notify(request_id)
        return True

    async def close(self) -> None:
        """Wait for what is being observed."""
        tasks: list[asyncio.Task[Any]] = [task for state in self._servers.values() for task in state.observing]
        tasks += [state.looking for state in self._servers.values() if state.looking is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=10)
