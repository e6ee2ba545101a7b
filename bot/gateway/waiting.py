"""How a held call is answered: an open event stream with progress until the outcome, or until the budget ends; then a pending result.

Law: whoever is told "pending" was written down as such first, and whoever breaks off is written down as gone.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web
from sqlmodel import Session

from bot import mcp
from bot.gateway import outcomes
from bot.gateway.context import GatewayContext
from bot.gateway.replies import UNAVAILABLE, json_response
from bot.mcp import Message, MessageId
from workflows import lifecycle
from workflows.errors import AskfirstError, DatabaseUnusable
from workflows.lifecycle import Held
from workflows.states import TERMINAL
from workflows.tables import ApprovalRequest, Grant

PROGRESS_EVERY = 10.0
_AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)
HEADERS_WITHIN = 1.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """One agent's call and the request that answers it."""

    grant: Grant
    message: Message
    message_id: MessageId
    request_id: str


def takes_stream(http: web.BaseRequest) -> bool:
    """Tell whether the agent takes an event stream as an answer."""
    return "text/event-stream" in http.headers.get("Accept", "")


async def opened_meanwhile(http: web.BaseRequest, lookup: "asyncio.Future[Any]") -> web.StreamResponse | None:
    """Open the stream when the lookup takes long: some clients give a call up that gets no headers. None when it was quick."""
    await asyncio.wait([lookup], timeout=HEADERS_WITHIN)
    if lookup.done() or not takes_stream(http):
        return None
    stream = web.StreamResponse(headers=mcp.EVENT_STREAM_HEADERS)
    await stream.prepare(http)
    await stream.write(mcp.KEEPALIVE)
    return stream


async def say(stream: web.StreamResponse | None, body: bytes) -> web.StreamResponse:
    """Give a call its one answer, on the stream when that is open already."""
    if stream is None:
        return json_response(body)
    await stream.write(mcp.event(body))
    await stream.write_eof()
    return stream


async def respond(
    context: GatewayContext,
    http: web.BaseRequest,
    waiting: Waiting,
    row: ApprovalRequest,
    cancelled: asyncio.Event,
    *,
    stream: web.StreamResponse | None = None,
) -> web.StreamResponse:
    """Answer a held call: at once when it is settled, else by a stream, or by one JSON body where the agent takes no stream.

    `stream` is one that was opened before, because it took long to find out that the call is held.
    """
    if row.state in TERMINAL and stream is None:
        return await _at_once(context, http, waiting, row)
    opened = stream is not None
    if stream is None and takes_stream(http):
        stream = web.StreamResponse(headers=mcp.EVENT_STREAM_HEADERS)
    context.waiters.enter(waiting.request_id)
    wait = _Wait(context, http, waiting, stream, cancelled)
    there = False
    try:
        if stream is not None and not opened:
            await stream.prepare(http)
        there = await wait.until_told()
    except AskfirstError as error:
        if stream is None:
            raise
        await stream.write(mcp.event(mcp.error(waiting.message_id, UNAVAILABLE, str(error))))
    finally:
        if context.waiters.exit(waiting.request_id) and not there:
            context.keep(_gone(context, waiting.request_id, handing=wait.handing))
    if stream is None:
        return wait.answer or web.Response(status=204)
    with contextlib.suppress(ConnectionError):
        await stream.write_eof()
    return stream


async def _at_once(context: GatewayContext, http: web.BaseRequest, waiting: Waiting, row: ApprovalRequest) -> web.StreamResponse:
    response = web.Response(body=outcomes.answer(row, waiting.message_id, waiting.message.era), content_type="application/json")
    await response.prepare(http)
    await response.write_eof()
    context.keep(_collected(context, row.id))
    return response


@dataclass(slots=True)
class _Wait:
    """One answer in the making. `handing` is there from when a handle is being written down for the agent until it was told."""

    context: GatewayContext
    http: web.BaseRequest
    waiting: Waiting
    stream: web.StreamResponse | None
    cancelled: asyncio.Event
    handing: "asyncio.Task[ApprovalRequest] | None" = None
    answer: web.Response | None = None

    async def until_told(self) -> bool:
        """Wait for the outcome and tell it; False when the agent cancelled and is to be told nothing."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _budget(self.context, self.waiting.grant)
        step = 0
        with self.context.changes.watch(self.waiting.request_id) as changed:
            while True:
                changed.clear()
                row = await self.context.database.aread(partial(_find, request_id=self.waiting.request_id))
                if row.state in TERMINAL:
                    await self._tell(outcomes.answer(row, self.waiting.message_id, self.waiting.message.era))
                    self.context.keep(_collected(self.context, row.id))
                    return True
                if loop.time() >= deadline or self.context.stopping:
                    if await self._hand_off(row):
                        return True
                    continue
                if self.stream is not None:
                    step += 1
                    await self.stream.write(_sign_of_life(self.waiting, row, step))
                if await _woken(changed, self.cancelled, min(PROGRESS_EVERY, deadline - loop.time())):
                    return False

    async def _hand_off(self, seen: ApprovalRequest) -> bool:
        """Give the agent a pending result, written down before it is told; False when the request was settled in that moment."""
        move = partial(lifecycle.hand_off, request_id=seen.id, now=self.context.clock())
        writing = self.context.keep(self.context.database.awrite(move))
        self.handing = None if seen.handed_off else writing
        row = await asyncio.shield(writing)
        self.context.changes.notify(row.id)
        if row.state not in TERMINAL:
            await self._tell(mcp.pending(self.waiting.message_id, outcomes.pending(row), self.waiting.message.era))
        self.handing = None
        return row.state not in TERMINAL

    async def _tell(self, body: bytes) -> None:
        """Let the agent have the end of it, all of it: what comes after this may rely on that it left."""
        if self.stream is not None:
            await self.stream.write(mcp.event(body))
            return
        self.answer = web.Response(body=body, content_type="application/json")
        await self.answer.prepare(self.http)
        await self.answer.write_eof()


async def _woken(changed: asyncio.Event, cancelled: asyncio.Event, seconds: float) -> bool:
    """Wait for a change, a cancellation or the next sign of life; tells whether the agent cancelled."""
    waits = [asyncio.ensure_future(changed.wait()), asyncio.ensure_future(cancelled.wait())]
    try:
        await asyncio.wait(waits, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return cancelled.is_set()


def _sign_of_life(waiting: Waiting, row: ApprovalRequest, step: int) -> bytes:
    call = waiting.message.call
    if call is None or call.progress_token is None:
        return mcp.KEEPALIVE
    return mcp.event(
        mcp.progress(call.progress_token, step, f"{row.id} {outcomes.waits(row)}; it expires at {row.expires_at:%H:%M:%S} UTC")
    )


def _budget(context: GatewayContext, grant: Grant) -> float:
    return context.settings.hold_budget_seconds if grant.budget is None else float(grant.budget)


def _find(session: Session, *, request_id: str) -> ApprovalRequest:
    row = session.get(ApprovalRequest, request_id)
    if row is None:
        raise AskfirstError("The request is gone from the database. Ask whoever runs Askfirst.")
    return row


async def _gone(context: GatewayContext, request_id: str, *, handing: "asyncio.Task[ApprovalRequest] | None" = None) -> None:
    """Write down that nobody waits. A handle that was being written down for whoever left is taken back, after it is there."""
    if handing is not None:
        await asyncio.wait([handing])
    move = partial(lifecycle.leave, request_id=request_id, now=context.clock(), take_back_handle=handing is not None)
    while not await _left(context, request_id, move):
        await asyncio.sleep(_AGAIN_SECONDS)
        if context.waiters.anybody(request_id):
            return  # the agent is back
    context.changes.notify(request_id)


async def _left(context: GatewayContext, request_id: str, move: Callable[[Session], ApprovalRequest]) -> bool:
    """Write it down; False while the database refuses. To give up would let an approved call run for nobody."""
    try:
        await context.database.awrite(move)
    except DatabaseUnusable as error:
        log.warning("that the agent of %s left could not be written down yet: %s", request_id, error)
        return False
    return True


async def left_at_the_door(context: GatewayContext, held: "asyncio.Task[Held] | asyncio.Task[Held | None]") -> None:
    """The agent broke off while its call was being written down: nobody waits for it."""
    with contextlib.suppress(AskfirstError):
        found = await held
        request_id = found.request.id if found is not None else ""
        if found is not None and not context.waiters.anybody(request_id):
            await _gone(context, request_id)


async def _collected(context: GatewayContext, request_id: str) -> None:
    await context.database.awrite(partial(lifecycle.collect, request_id=request_id, now=context.clock()))
    context.changes.notify(request_id)
