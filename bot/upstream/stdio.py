"""An upstream that is a program: started on demand, relayed to, and spoken to by ourselves for releases."""

import asyncio
from typing import Final

from bot.upstream.address import MAX_MESSAGE, ServerAddress
from bot.upstream.envelope import Outgoing
from bot.upstream.exchange import StdioSession
from bot.upstream.reading import Reply, read
from workflows.errors import UpstreamUnreachable

_SESSIONS: Final = 64


class StdioUpstream:
    """One upstream program: a shared instance for stateless agents and our own calls, and one for each session of an agent."""

    def __init__(self, address: ServerAddress, *, max_bytes: int = MAX_MESSAGE) -> None:
        self.address, self._max = address, max_bytes
        self._shared: StdioSession | None = None
        self._sessions: set[StdioSession] = set()
        self._started = 0
        self._starting = asyncio.Lock()

    @property
    def current(self) -> StdioSession | None:
        """The shared instance if it runs."""
        return self._shared if self._shared is not None and self._shared.alive else None

    async def shared(self) -> StdioSession:
        """Give the shared instance, started now when none runs. Raises UpstreamUnreachable."""
        async with self._starting:
            if self.current is None:
                old, self._shared = self._shared, None
                if old is not None:
                    await old.close()
                self._shared = await self._start(shared=True)
            assert self._shared is not None  # noqa: S101  # for the type checker: started above
            return self._shared

    async def new_session(self) -> StdioSession:
        """Start an instance for one agent's session; close it with `end`. Raises UpstreamUnreachable, also when there are too many."""
        for gone in [session for session in self._sessions if not session.alive]:
            await self.end(gone)
        if len(self._sessions) >= _SESSIONS:
            raise UpstreamUnreachable(f"{self.address.name} already runs {_SESSIONS} times, once for each session. End some of them first.")
        session = await self._start(shared=False)
        self._sessions.add(session)
        return session

    async def end(self, session: StdioSession) -> None:
        """Stop an agent's instance."""
        self._sessions.discard(session)
        await session.close()

    async def close(self) -> None:
        """Stop every instance."""
        sessions = [*self._sessions, *([self._shared] if self._shared else [])]
        self._sessions.clear()
        self._shared = None
        await asyncio.gather(*(session.close() for session in sessions))

    async def _start(self, *, shared: bool) -> StdioSession:
        self._started += 1
        session = StdioSession(self.address, self._started, shared=shared, max_bytes=self._max)
        await session.start()
        return session


class StdioWire:
    """Speaks to the shared instance of a program, in lines."""

    def __init__(self, upstream: StdioUpstream) -> None:
        self._upstream = upstream

    async def ready(self) -> int:
        """Start the program when it does not run; its number changes with each start."""
        return (await self._upstream.shared()).number

    def _current(self) -> StdioSession:
        session = self._upstream.current
        if session is None:
            raise UpstreamUnreachable(f"The program of {self._upstream.address.name} has ended. Nothing was sent.")
        return session

    async def tell(self, out: Outgoing) -> Reply:
        """Write a notification."""
        await self._current().respond(out.body)
        return Reply(None, 202)

    async def ask(self, out: Outgoing) -> Reply:
        """Write a request once, and give its response."""
        assert out.id is not None  # noqa: S101  # only notifications have none, and they are told
        async with self._current().open(out.body, out.id) as exchange:
            lines = [line async for line in exchange]
        return Reply(read(lines[-1]) if lines else None)
