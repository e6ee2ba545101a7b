"""A program behind the manners of Streamable HTTP: sessions, streams and statuses, so that the gateway relays to both kinds alike."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from bot.mcp import EVENT_STREAM_HEADERS, KEEPALIVE, Era, Kind, Message, error, event, parse
from bot.mcp.eras import INVALID_REQUEST
from bot.mcp.headers import SESSION
from bot.upstream.exchange import Exchange, StdioSession
from bot.upstream.reading import read
from bot.upstream.sessions import Programs

_JSON_WAIT_SECONDS: Final = 1.0  # an answer that is ready so soon needs no event stream
_DEPTH: Final = 256  # the gateway has its own, lower limit
_KEEPALIVE_SECONDS: Final = 10.0
_OK, _ACCEPTED, _BAD, _NOT_FOUND, _NOT_ALLOWED = 200, 202, 400, 404, 405


@dataclass(frozen=True, slots=True)
class Portions:
    """A body of portions that come over time."""

    source: AsyncIterator[bytes]

    def iter_any(self) -> AsyncIterator[bytes]:
        """Give the portions, once."""
        return self.source


@dataclass(frozen=True, slots=True)
class StdioAnswer:
    """An answer with what `aiohttp.ClientResponse` would tell of it."""

    status: int
    headers: CIMultiDictProxy[str]
    content_length: int | None
    content: Portions


class StdioOpening:
    """An exchange with a program about to be opened: `async with` gives its answer."""

    def __init__(self, programs: Programs, method: str, headers: Iterable[tuple[str, str]], body: bytes | None) -> None:
        self._programs, self._method, self._body = programs, method, body
        self._headers = list(headers)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> StdioAnswer:
        """Send, and wait for how the answer begins. Raises UpstreamUnreachable (nothing was sent) or UpstreamBroken (it may have been)."""
        try:
            if self._method == "POST":
                return await self._post(self._body or b"")
            return await self._other()
        except BaseException:
            await self._stack.aclose()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, failed: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    def _session(self) -> StdioSession | StdioAnswer:
        """Find the session that the headers name, or say as HTTP does why there is none."""
        named = [value for name, value in self._headers if name.lower() == SESSION]
        if len(named) != 1:
            return _refused(_BAD, "The header Mcp-Session-Id is missing. Send `initialize` first, and the id that it answers with.")
        session = self._programs.find(named[0].strip())
        return session or _refused(_NOT_FOUND, "This session has ended. Send `initialize` again.")

    async def _other(self) -> StdioAnswer:
        session = self._session()
        if isinstance(session, StdioAnswer):
            return session if session.status == _NOT_FOUND else _refused(_NOT_ALLOWED, "This needs a session.", Allow="POST")
        if self._method == "DELETE":
            await self._programs.end(session)
            return _whole(_OK, b"")
        return _stream(_listening(session))

    async def _post(self, body: bytes) -> StdioAnswer:
        message = parse(body, self._headers, max_depth=_DEPTH)
        if message.era is Era.MODERN:
            return await self._modern(message, body)
        if message.method == "initialize" and message.kind is Kind.REQUEST:
            return await self._initialize(message, body)
        session = self._session()
        if isinstance(session, StdioAnswer):
            return session
        if message.kind is Kind.REQUEST:
            return await self._exchange(session, message, body)
        if message.kind is Kind.NOTIFICATION:
            await session.notify(body, message)
        else:
            await session.respond(body)
        return _whole(_ACCEPTED, b"")

    async def _modern(self, message: Message, body: bytes) -> StdioAnswer:
        if message.kind is Kind.RESPONSE:
            return _refused(_BAD, "This protocol version has no requests to answer.")
        if message.kind is Kind.NOTIFICATION:  # it has none for a server either; closing a stream is what cancels
            return _whole(_ACCEPTED, b"")
        return await self._exchange(await self._programs.shared(), message, body)

    async def _initialize(self, message: Message, body: bytes) -> StdioAnswer:
        session = await self._programs.new_session()
        try:
            async with self._opened(session, message, body) as exchange:
                lines = [line async for line in exchange]
        except BaseException:
            await self._programs.end(session)
            raise
        answered = read(lines[-1]) if lines else None
        if answered is None or not answered.is_result:
            await self._programs.end(session)
            return _whole(_OK, lines[-1] if lines else b"")
        return _whole(_OK, lines[-1], **{"Mcp-Session-Id": session.name})

    def _opened(self, session: StdioSession, message: Message, body: bytes) -> Exchange:
        assert message.id is not None  # noqa: S101  # a request has an id
        meta = message.params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        token = token if isinstance(token, str | int) and not isinstance(token, bool) else None
        return session.open(body, message.id, token)

    async def _exchange(self, session: StdioSession, message: Message, body: bytes) -> StdioAnswer:
        """Send a request: an answer that comes at once is one JSON text, any other an event stream."""
        exchange = await self._stack.enter_async_context(self._opened(session, message, body))
        if not any("text/event-stream" in value or "*/*" in value for name, value in self._headers if name.lower() == "accept"):
            lines = [line async for line in exchange]  # the agent takes no stream, so it gets the answer alone
            return _whole(_OK, lines[-1] if lines else b"")
        first = await _next(exchange, _JSON_WAIT_SECONDS)
        if first is not None and exchange.ended and not exchange.waiting:
            return _whole(_OK, first)
        return _stream(_relayed(exchange, first))


async def _next(exchange: Exchange, seconds: float) -> bytes | None:
    """Give the next line, or None when none comes for so long or ever."""
    try:
        async with asyncio.timeout(seconds):
            return await anext(exchange, None)
    except TimeoutError:
        return None


async def _relayed(exchange: Exchange, first: bytes | None) -> AsyncIterator[bytes]:
    if first is not None:
        yield event(first)
    while exchange.waiting or not exchange.ended:
        line = await _next(exchange, _KEEPALIVE_SECONDS)
        yield event(line) if line is not None else KEEPALIVE


async def _listening(session: StdioSession) -> AsyncIterator[bytes]:
    session.listeners += 1
    try:
        yield KEEPALIVE
        while session.alive:
            line = await session.unclaimed(_KEEPALIVE_SECONDS)
            yield event(line) if line is not None else KEEPALIVE
    finally:
        session.listeners -= 1


async def _once(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


def _whole(status: int, body: bytes, **headers: str) -> StdioAnswer:
    fields = CIMultiDict(headers)
    if body:
        fields["Content-Type"] = "application/json"
    return StdioAnswer(status, CIMultiDictProxy(fields), len(body), Portions(_once(body)))


def _refused(status: int, sentence: str, **headers: str) -> StdioAnswer:
    return _whole(status, error(None, INVALID_REQUEST, sentence), **headers)


def _stream(portions: AsyncIterator[bytes]) -> StdioAnswer:
    return StdioAnswer(_OK, CIMultiDictProxy(CIMultiDict(EVENT_STREAM_HEADERS)), None, Portions(portions))
