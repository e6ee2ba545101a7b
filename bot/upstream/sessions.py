"""The instances of an upstream program: one that is shared, and one for each session of an agent."""

import asyncio
from typing import Final

from bot.upstream.address import MAX_MESSAGE, ServerAddress
from bot.upstream.exchange import StdioSession
from workflows.errors import UpstreamUnreachable

_SESSIONS: Final = 64
_IDLE_SECONDS: Final = 1800.0


class Programs:
    """Starts instances on demand. The shared one serves stateless agents and our own calls; close all of them when done."""

    def __init__(self, address: ServerAddress, *, max_bytes: int = MAX_MESSAGE) -> None:
        self._address, self._max = address, max_bytes
        self._shared: StdioSession | None = None
        self._sessions: dict[str, StdioSession] = {}
        self._started = 0
        self._starting = asyncio.Lock()

    @property
    def current(self) -> StdioSession | None:
        """The shared instance if it runs."""
        return self._shared if self._shared is not None and self._shared.alive else None

    async def shared(self) -> StdioSession:
        """Give the shared instance, started now when none runs. Raises UpstreamUnreachable."""
        async with self._starting:
            running = self.current
            if running is None:
                old, self._shared = self._shared, None
                if old is not None:
                    await old.close()
                running = self._shared = await self._start(shared=True)
            return running

    async def new_session(self) -> StdioSession:
        """Start an instance for one agent's session. Raises UpstreamUnreachable, also when too many run."""
        now = asyncio.get_running_loop().time()
        for session in list(self._sessions.values()):
            if not session.alive or (not session.listeners and now - session.used > _IDLE_SECONDS):
                await self.end(session)
        if len(self._sessions) >= _SESSIONS:
            raise UpstreamUnreachable(
                f"{self._address.name} already runs {_SESSIONS} times, once for each session. End some of them first."
            )
        session = await self._start(shared=False)
        self._sessions[session.name] = session
        return session

    def find(self, name: str) -> StdioSession | None:
        """Give a session by the id that its agent was told, while its program runs."""
        session = self._sessions.get(name)
        if session is None or not session.alive:
            return None
        session.used = asyncio.get_running_loop().time()
        return session

    async def end(self, session: StdioSession) -> None:
        """Stop the instance of one session."""
        self._sessions.pop(session.name, None)
        await session.close()

    async def close(self) -> None:
        """Stop every instance."""
        sessions = [*self._sessions.values(), *([self._shared] if self._shared else [])]
        self._sessions.clear()
        self._shared = None
        await asyncio.gather(*(session.close() for session in sessions))

    async def _start(self, *, shared: bool) -> StdioSession:
        self._started += 1
        session = StdioSession(self._address, self._started, shared=shared, max_bytes=self._max)
        await session.start()
        return session
