"""An upstream that is a program: started on demand, relayed to, and spoken to by ourselves for releases."""

from collections.abc import Iterable

from bot.upstream.address import MAX_MESSAGE, ServerAddress
from bot.upstream.envelope import Outgoing
from bot.upstream.exchange import StdioSession
from bot.upstream.front import StdioOpening
from bot.upstream.reading import Reply, read
from bot.upstream.sessions import Programs
from workflows.errors import UpstreamUnreachable


class StdioUpstream:
    """One upstream program, relayed to as if it spoke Streamable HTTP. Close it when done."""

    def __init__(self, address: ServerAddress, *, max_bytes: int = MAX_MESSAGE) -> None:
        self.address = address
        self.programs = Programs(address, max_bytes=max_bytes)

    @property
    def runs(self) -> bool:
        """Whether the instance that we speak to runs; to ask it starts nothing then."""
        return self.programs.current is not None

    def open(self, method: str, headers: Iterable[tuple[str, str]], body: bytes | None = None, *, identity: bool = False) -> StdioOpening:
        """Relay one HTTP request of an agent; what a program says is never compressed, so `identity` changes nothing."""
        del identity
        return StdioOpening(self.programs, method, headers, body)

    async def close(self) -> None:
        """Stop every instance."""
        await self.programs.close()


class StdioWire:
    """Speaks to the shared instance of a program, in lines."""

    def __init__(self, upstream: StdioUpstream) -> None:
        self._upstream = upstream

    async def ready(self) -> int:
        """Start the program when it does not run; its number changes with each start."""
        return (await self._upstream.programs.shared()).number

    def _current(self) -> StdioSession:
        session = self._upstream.programs.current
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
