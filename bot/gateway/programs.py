"""Agents' messages to an upstream that is a program: HTTP on their side, lines on its side.

A session of the legacy era has a program of its own, named by the session id that we gave; agents of the modern era share one.
"""

import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from bot import mcp
from bot.gateway.replies import json_response, refusal
from bot.mcp import Era, Kind, Message
from bot.mcp.eras import http_status
from bot.upstream import Exchange, StdioSession, StdioUpstream
from workflows.tables import Grant

SESSION = "Mcp-Session-Id"
_IDLE = 1800.0  # seconds without a message after which a session's program is stopped

Edit = Callable[[bytes], bytes]
Seen = Callable[[bytes], Awaitable[None]]


@dataclass(slots=True)
class _Owned:
    grant_id: str
    upstream: StdioUpstream
    session: StdioSession
    used: float


@dataclass(slots=True)
class Programs:
    """The sessions that agents have with programs. A session id opens nothing for another grant than the one that began it."""

    _sessions: dict[str, _Owned] = field(default_factory=dict)

    async def begin(self, upstream: StdioUpstream, grant: Grant) -> tuple[str, StdioSession]:
        """Start a program for a new session and name it."""
        await self._end_idle()
        session = await upstream.new_session()
        session_id = secrets.token_urlsafe(24)
        self._sessions[session_id] = _Owned(grant.id, upstream, session, time.monotonic())
        return session_id, session

    def find(self, session_id: str, grant: Grant) -> StdioSession | None:
        """The program of a session, or None when it ended or is another grant's."""
        owned = self._sessions.get(session_id)
        if owned is None or owned.grant_id != grant.id or not owned.session.alive:
            return None
        owned.used = time.monotonic()
        return owned.session

    async def end(self, session_id: str, grant: Grant) -> bool:
        """End a session and stop its program; False when there is none of that name."""
        owned = self._sessions.get(session_id)
        if owned is None or owned.grant_id != grant.id:
            return False
        del self._sessions[session_id]
        await owned.upstream.end(owned.session)
        return True

    async def _end_idle(self) -> None:
        now = time.monotonic()
        for session_id, owned in list(self._sessions.items()):
            if not owned.session.alive or now - owned.used > _IDLE:
                del self._sessions[session_id]
                await owned.upstream.end(owned.session)


@dataclass(frozen=True, slots=True)
class Passage:
    """One message on its way. `edit` may rewrite the response that comes back, `seen` is told of it first."""

    http: web.Request
    grant: Grant
    message: Message
    body: bytes
    edit: Edit
    seen: Seen


async def post(programs: Programs, upstream: StdioUpstream, passage: Passage) -> web.StreamResponse:
    """Pass one message to the program and its answer back."""
    http, grant, message, body = passage.http, passage.grant, passage.message, passage.body
    session_id = http.headers.get(SESSION)
    headers: dict[str, str] = {}
    if message.method == "initialize" and message.kind is Kind.REQUEST:
        session_id, session = await programs.begin(upstream, grant)
        headers[SESSION] = session_id
    elif session_id is not None and message.era is Era.LEGACY:
        found = programs.find(session_id, grant)
        if found is None:
            return refusal(404, "This session has ended. Send initialize again.")
        session = found
    elif message.era is Era.MODERN:
        session = await upstream.shared()
    else:
        return refusal(400, "The header Mcp-Session-Id is missing. Send the one that answered initialize.")
    if message.kind is Kind.RESPONSE:
        await session.respond(body)
        return web.Response(status=202)
    if message.kind is Kind.NOTIFICATION or message.id is None:
        await session.notify(body, message)
        return web.Response(status=202)
    async with session.open(body, message.id, _token(message)) as exchange:
        return await _answer(passage, exchange, headers)


def _token(message: Message) -> str | int | None:
    meta = message.params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return token if isinstance(token, str | int) and not isinstance(token, bool) else None


async def _answer(passage: Passage, exchange: Exchange, headers: dict[str, str]) -> web.StreamResponse:
    """Answer with one JSON body when the response comes first, and with a stream when the program has more to say before it."""
    http, edit, seen = passage.http, passage.edit, passage.seen
    lines = aiter(exchange)
    first = await anext(lines, None)
    if first is None:
        return web.Response(status=202, headers=headers)
    streams = "text/event-stream" in http.headers.get("Accept", "")
    while not streams and not exchange.ended:
        first = await anext(lines, first)
    if exchange.ended and first is not None and _is_response(first):
        await seen(first)
        first = edit(first)
        response = json_response(first, _status(first, passage.message))
        response.headers.update(headers)
        return response
    stream = web.StreamResponse(headers={**mcp.EVENT_STREAM_HEADERS, **headers})
    await stream.prepare(http)
    await stream.write(mcp.event(first))
    async for line in lines:
        if _is_response(line):
            await seen(line)
            line = edit(line)  # noqa: PLW2901  # the rest of the loop is about the line as it is passed on
        await stream.write(mcp.event(line))
    await stream.write_eof()
    return stream


def _is_response(line: bytes) -> bool:
    return b'"method"' not in line or "method" not in json.loads(line)


def _status(line: bytes, message: Message) -> int:
    """In the modern era the HTTP status tells of some errors too; clients fall back to the legacy era by it."""
    if message.era is not Era.MODERN or b'"error"' not in line:
        return 200
    error = json.loads(line).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return http_status(code) if isinstance(code, int) else 200


async def get(programs: Programs, http: web.Request, grant: Grant) -> web.StreamResponse:
    """Open the standalone stream of a session."""
    session = programs.find(http.headers.get(SESSION, ""), grant)
    if session is None:
        return refusal(404, "This session has ended. Send initialize again.") if SESSION in http.headers else refusal(405, "Use POST.")
    stream = web.StreamResponse(headers=mcp.EVENT_STREAM_HEADERS)
    await stream.prepare(http)
    await stream.write(mcp.KEEPALIVE)
    lines: AsyncIterator[bytes] = session.listen()
    async for line in lines:
        await stream.write(mcp.event(line))
    await stream.write_eof()
    return stream


async def delete(programs: Programs, http: web.Request, grant: Grant) -> web.Response:
    """End a session."""
    ended = await programs.end(http.headers.get(SESSION, ""), grant)
    return web.Response(status=200) if ended else refusal(404, "There is no such session.")
