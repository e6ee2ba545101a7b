"""The servers behind the gateway: relays for agents' messages, and our own client for releases. Satisfies `workflows.release.Upstream`."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from bot.upstream.address import ServerAddress, UpstreamBroken
from bot.upstream.http import HttpUpstream, filter_request_headers, filter_response_headers
from bot.upstream.relay import Answer, Relay
from bot.upstream.session import Session
from bot.upstream.stdio import StdioUpstream, StdioWire
from bot.upstream.wire import HttpWire
from workflows.calls import JSON, definition_digest
from workflows.errors import UpstreamUnreachable
from workflows.release import Outcome

__all__ = [
    "Answer",
    "HttpUpstream",
    "Relay",
    "ServerAddress",
    "StdioUpstream",
    "UpstreamBroken",
    "Upstreams",
    "filter_request_headers",
    "filter_response_headers",
]


Watch: TypeAlias = Callable[[str, dict[str, JSON]], Awaitable[None]]


class Upstreams:
    """Every upstream by the name of its server: `relay` is for agents' messages, `tools`, `definition` and `call` are our own.

    `watch` is told of each definition that is looked up, before whoever looked it up goes on.
    """

    def __init__(self, addresses: Iterable[ServerAddress]) -> None:
        self.watch: Watch | None = None
        self._upstreams: dict[str, HttpUpstream | StdioUpstream] = {}
        self._sessions: dict[str, Session] = {}
        for address in addresses:
            self._add(address)

    def _add(self, address: ServerAddress) -> None:
        if address.url is not None:
            http = HttpUpstream(address)
            self._upstreams[address.name] = http
            self._sessions[address.name] = Session(address.name, HttpWire(http), timeout=address.timeout)
        else:
            stdio = StdioUpstream(address)
            self._upstreams[address.name] = stdio
            self._sessions[address.name] = Session(address.name, StdioWire(stdio), timeout=address.timeout)

    def relay(self, server: str) -> Relay:
        """Give what relays an agent's messages to a server. Raises UpstreamUnreachable when the server is not configured."""
        upstream = self._upstreams.get(server)
        if upstream is None:
            raise _unknown(server)
        return upstream

    def __contains__(self, server: object) -> bool:
        return server in self._upstreams

    async def definition(self, server: str, tool: str) -> str | None:
        """Look the tool's definition up now and give its digest; None when the server does not list it. Raises UpstreamUnreachable."""
        entry = await self._session(server).entry(tool)
        if entry is None:
            return None
        if self.watch is not None:
            await self.watch(server, entry)
        return definition_digest(entry)

    @property
    def running(self) -> tuple[str, ...]:
        """The servers that can be asked without anything being started: those over HTTP, and programs that run."""
        return tuple(name for name, upstream in self._upstreams.items() if isinstance(upstream, HttpUpstream) or upstream.runs)

    async def tools(self, server: str) -> list[dict[str, JSON]]:
        """List all tools of a server now, page by page. Raises UpstreamUnreachable, also when they are more than Askfirst reads."""
        return await self._session(server).tools()

    async def call(self, server: str, tool: str, raw_arguments: bytes, *, request_id: str) -> Outcome:
        """Call the tool once, with exactly these bytes as arguments. Never raises for the upstream's trouble, never tries again."""
        try:
            session = self._session(server)
        except UpstreamUnreachable as unknown:
            return Outcome("not_sent", str(unknown).encode())
        return await session.call(tool, raw_arguments, request_id=request_id)

    def _session(self, server: str) -> Session:
        session = self._sessions.get(server)
        if session is None:
            raise _unknown(server)
        return session

    async def replace(self, addresses: Iterable[ServerAddress]) -> None:
        """Take over changed addresses; servers whose address stayed the same keep their connections and programs."""
        wanted = {address.name: address for address in addresses}
        gone = [name for name, upstream in self._upstreams.items() if wanted.get(name) != upstream.address]
        closing = [self._upstreams.pop(name) for name in gone]
        for name in gone:
            del self._sessions[name]
        for name, address in wanted.items():
            if name not in self._upstreams:
                self._add(address)
        await asyncio.gather(*(upstream.close() for upstream in closing))

    async def close(self) -> None:
        """Close every connection and stop every program."""
        await asyncio.gather(*(upstream.close() for upstream in self._upstreams.values()))


def _unknown(server: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"There is no server {server} in the configuration. Nothing was sent.")
