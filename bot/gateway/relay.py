"""Passing an agent's message to its upstream and the answer back, as bytes. Nothing is sent twice, and only lists of tools are read.

Law: a list of tools is read wherever it comes. Agents go by the id of an answer, so a server could list tools in the answer to anything.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from bot import mcp
from bot.gateway.context import GatewayContext
from bot.gateway.replies import json_response
from bot.mcp import Kind, Message, MessageId
from bot.mcp.eras import UPSTREAM_UNKNOWN, UPSTREAM_UNREACHABLE, UPSTREAM_UNREADABLE
from bot.upstream import Answer, UpstreamBroken, filter_response_headers
from workflows.errors import AskfirstError, UpstreamUnreachable
from workflows.tables import Grant

UNREACHABLE = UPSTREAM_UNREACHABLE
_WHOLE = 1024 * 1024  # bytes; a longer answer is passed on as it comes
_MAX_LIST = 16 * 1024 * 1024
_BAD, _EMPTY = 400, 204

Failed = Callable[[str, bool], Awaitable[None]]
"""Told why a call came to nothing, and whether it may have run all the same."""


async def _unnoticed(_why: str, _may_have_run: bool) -> None:  # noqa: FBT001  # as `Failed` has it
    """Take no note: only calls are audited."""


async def post(
    context: GatewayContext,
    http: web.BaseRequest,
    grant: Grant,
    message: Message,
    body: bytes,
    *,
    failed: Failed = _unnoticed,
    inspect: bool = False,
) -> web.StreamResponse:
    """Relay one message. `failed` is told when it came to nothing; with `inspect` an error in the answer counts as that too."""
    asked = message.method == "tools/list" and message.kind is Kind.REQUEST
    lists = _Lists(context, grant, asked=asked, own=None if asked else message.id)
    limit = context.settings.upstream_timeout_seconds
    try:
        opening = context.upstreams.relay(grant.server).open(http.method, http.headers.items(), body, identity=True)
        async with asyncio.timeout(limit) as clock, opening as answer:
            if answer.status >= _BAD:
                await failed(f"the upstream answered with HTTP status {answer.status}", False)
            if message.method == "initialize" and (session_id := answer.headers.get("Mcp-Session-Id")):
                context.sessions.begin(grant, session_id)
            if asked and not _is_stream(answer):
                return await _filtered(answer, lists)
            return await _passed_on(http, answer, lists, failed, clock, inspect=inspect)
    except (UpstreamUnreachable, UpstreamBroken, mcp.Unfilterable, mcp.EventTooLarge, TimeoutError) as error:
        trouble = _too_late(grant, limit) if isinstance(error, TimeoutError) else error
        await failed(str(trouble), not isinstance(trouble, UpstreamUnreachable))
        return _trouble(trouble, message)


async def other(context: GatewayContext, http: web.BaseRequest, grant: Grant) -> web.StreamResponse:
    """Relay GET (the stream of a session) and DELETE (its end). A list of tools may be resumed on a stream, so it is filtered there too."""
    limit = context.settings.upstream_timeout_seconds
    try:
        opening = context.upstreams.relay(grant.server).open(http.method, http.headers.items(), identity=True)
        async with asyncio.timeout(limit) as clock, opening as answer:
            if http.method == "GET" and not _is_stream(answer):
                _check_empty(answer)
            return await _passed_on(http, answer, _Lists(context, grant), _unnoticed, clock)
    except (UpstreamUnreachable, UpstreamBroken, mcp.Unfilterable, mcp.EventTooLarge, TimeoutError) as error:
        return _trouble(_too_late(grant, limit) if isinstance(error, TimeoutError) else error, None)


def _too_late(grant: Grant, limit: float) -> UpstreamBroken:
    return UpstreamBroken(f"The upstream server {grant.server} did not answer within {limit:g} s. What it was asked for may have happened.")


@dataclass(frozen=True, slots=True)
class _Lists:
    """What is done to a list of tools on its way to an agent: it is taken note of, and the hidden tools go.

    Where a list was `asked` for, every answer is one. Else it is known by its look, unless it answers what was asked: its id is `own`.
    """

    context: GatewayContext
    grant: Grant
    asked: bool = False
    own: MessageId | None = None

    def among(self, message: bytes) -> bool:
        """Tell whether this message is one."""
        return self.asked or mcp.lists_tools(message, own=self.own)

    async def seen(self, message: bytes) -> bytes:
        """Give a message as the agent may see it. Raises Unfilterable."""
        found = mcp.read_list(message)
        if found is None:
            return message
        if self.context.tool_lists is not None:
            await self.context.tool_lists.passed(self.grant.server, found, source=self.grant.id)
        policy = self.context.policies.get(self.grant.policy)
        return found.without(policy.hides if policy is not None else _hides_nothing)


def _hides_nothing(_tool: str) -> bool:
    return False


def _is_stream(answer: Answer) -> bool:
    return "text/event-stream" in answer.headers.get("Content-Type", "").lower()


def _check_readable(answer: Answer) -> None:
    """Raise Unfilterable for an answer that is compressed although it was asked not to be: there could be a list in it."""
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise mcp.Unfilterable


def _check_empty(answer: Answer) -> None:
    """Raise Unfilterable for what a GET brings and does not call a stream: some clients take it for one all the same."""
    if answer.status < _BAD and answer.status != _EMPTY and answer.content_length != 0:
        raise mcp.Unfilterable


async def _passed_on(
    http: web.BaseRequest, answer: Answer, lists: _Lists, failed: Failed, clock: asyncio.Timeout, *, inspect: bool = False
) -> web.StreamResponse:
    """Give the agent what the upstream says, as it comes; a short answer in one piece, and in time."""
    if _is_stream(answer):
        return await _filtered_stream(http, answer, lists, clock, failed=failed, inspect=inspect)
    length = answer.content_length
    if answer.status < _BAD and length != 0:
        _check_readable(answer)
    headers = CIMultiDict(filter_response_headers(answer.headers.items()))
    if length is not None and length <= _WHOLE:
        body = await _read(answer)
        if inspect and (why := _error_in(body)) is not None:
            await failed(why, False)
        if answer.status < _BAD and lists.among(body):
            body = await lists.seen(body)
        return web.Response(status=answer.status, body=body, headers=headers)
    clock.reschedule(None)
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(http)
    long = _Long(lists)
    try:
        async for portion in _portions(answer):
            await response.write(long.next(portion))
        await response.write(long.last())
    except (UpstreamBroken, mcp.Unfilterable) as error:
        return await _broken_off(http, response, error, failed)
    if inspect and (why := long.error()) is not None:
        await failed(why, False)
    await response.write_eof()
    return response


class _Long:
    """A long answer on its way. Of a list of tools the last portion does not go on, and without it nobody can read the others."""

    def __init__(self, lists: _Lists) -> None:
        self._lists = lists
        self._body, self._portion, self._end, self._size, self._may_list = bytearray(), b"", b"", 0, False

    def next(self, portion: bytes) -> bytes:
        """Take a portion, and give the one before it."""
        before, self._portion = self._portion, portion
        self._may_list = self._may_list or mcp.may_list_tools(self._end + portion)
        self._end = (self._end + portion)[-mcp.LONGEST_KEY :]
        self._size += len(portion)
        self._body += portion[: max(_MAX_LIST - len(self._body), 0)]
        return before

    def last(self) -> bytes:
        """Give the last portion. Raises Unfilterable."""
        if self._may_list and (self._size > _MAX_LIST or self._lists.among(bytes(self._body))):
            raise mcp.Unfilterable
        return self._portion

    def error(self) -> str | None:
        """Look for the error that gives limits back; an answer that is too long is taken for none."""
        return _error_in(bytes(self._body)) if self._size <= _WHOLE else None


async def _broken_off(http: web.BaseRequest, response: web.StreamResponse, error: AskfirstError, failed: Failed) -> web.StreamResponse:
    """Break off towards the agent as the upstream did: an end that looks whole would be a lie."""
    await failed(str(error), True)
    if http.transport is not None:
        http.transport.abort()
    return response


async def _portions(answer: Answer) -> AsyncIterator[bytes]:
    try:
        async for portion in answer.content.iter_any():
            yield portion
    except (aiohttp.ClientError, OSError) as error:
        raise UpstreamBroken("The upstream broke off in the middle of its answer.") from error


async def _read(answer: Answer) -> bytes:
    """Gather an answer whole."""
    found = bytearray()
    try:
        async for portion in answer.content.iter_any():
            found += portion
            if len(found) > _MAX_LIST:
                raise UpstreamBroken(f"The upstream's answer is longer than {_MAX_LIST} bytes.")
    except (aiohttp.ClientError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise UpstreamBroken("The upstream broke off in the middle of its answer.") from error
    return bytes(found)


def _error_in(body: bytes) -> str | None:
    """Tell whether an answer says that the call failed, which gives its limits back."""
    if b'"error"' not in body and b'"isError"' not in body:
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    if "error" in value and "method" not in value:
        return "the upstream answered with an error"
    result = value.get("result")
    return "the tool reported an error" if isinstance(result, dict) and result.get("isError") is True else None


async def _filtered(answer: Answer, lists: _Lists) -> web.StreamResponse:
    """Give the agent a list of tools without the hidden ones."""
    body = await _read(answer)
    headers = CIMultiDict(filter_response_headers(answer.headers.items()))
    if answer.status < _BAD:
        body = await lists.seen(body)
    return web.Response(status=answer.status, body=body, headers=headers)


async def _filtered_stream(
    http: web.BaseRequest,
    answer: Answer,
    lists: _Lists,
    clock: asyncio.Timeout,
    *,
    failed: Failed = _unnoticed,
    inspect: bool = False,
) -> web.StreamResponse:
    """Give the agent a stream, event by event, without the hidden tools of a list."""
    clock.reschedule(None)
    _check_readable(answer)
    response = web.StreamResponse(status=answer.status, headers=CIMultiDict(filter_response_headers(answer.headers.items())))
    await response.prepare(http)
    decoder = mcp.Decoder()
    try:
        async for portion in _portions(answer):
            for event in decoder.feed(portion):
                await response.write(await _without_hidden(event, lists))
                if inspect and event.data and (why := _error_in(event.data)) is not None:
                    await failed(why, False)
    except (UpstreamBroken, mcp.Unfilterable, mcp.EventTooLarge) as error:
        return await _broken_off(http, response, error, failed)
    await response.write_eof()
    return response


async def _without_hidden(event: mcp.Event, lists: _Lists) -> bytes:
    if not event.data or not lists.among(event.data):
        return event.raw
    data = await lists.seen(event.data)
    return event.raw if data == event.data else _rewritten(event, data)


def _rewritten(event: mcp.Event, data: bytes) -> bytes:
    head = f"id: {event.id}\n".encode() if event.id is not None else b""
    head += f"retry: {event.retry}\n".encode() if event.retry is not None else b""
    return head + mcp.event(data)


def _trouble(error: AskfirstError, message: Message | None) -> web.Response:
    """Say what went wrong: as the answer to a request, or by an HTTP status where there is none to answer."""
    if message is None or message.kind is not Kind.REQUEST:
        return json_response(mcp.error(None, UPSTREAM_UNREACHABLE, str(error)), 502)
    code = UPSTREAM_UNREACHABLE if isinstance(error, UpstreamUnreachable) else UPSTREAM_UNKNOWN
    if isinstance(error, mcp.Unfilterable):
        code = UPSTREAM_UNREADABLE
    return json_response(mcp.error(message.id, code, str(error)))
