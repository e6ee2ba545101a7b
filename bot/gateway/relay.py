"""Passing an agent's message to its upstream and the answer back, as bytes. Nothing is sent twice, and only lists of tools are read."""

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
from bot.mcp import Kind, Message
from bot.mcp.eras import UPSTREAM_UNKNOWN, UPSTREAM_UNREACHABLE, UPSTREAM_UNREADABLE
from bot.upstream import Answer, UpstreamBroken, filter_response_headers
from workflows.errors import AskfirstError, UpstreamUnreachable
from workflows.tables import Grant

UNREACHABLE = UPSTREAM_UNREACHABLE
_WHOLE = 1024 * 1024  # bytes; a longer answer is passed on as it comes
_MAX_LIST = 16 * 1024 * 1024
_BAD = 400

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
    lists = _Lists(context, grant) if message.method == "tools/list" and message.kind is Kind.REQUEST else None
    limit = context.settings.upstream_timeout_seconds
    try:
        opening = context.upstreams.relay(grant.server).open(http.method, http.headers.items(), body, identity=inspect or lists is not None)
        async with asyncio.timeout(limit) as clock, opening as answer:
            if answer.status >= _BAD:
                await failed(f"the upstream answered with HTTP status {answer.status}", False)
            if message.method == "initialize" and (session_id := answer.headers.get("Mcp-Session-Id")):
                context.sessions.begin(grant, session_id)
            if lists is not None:
                return await _filtered(http, answer, lists, clock)
            return await _passed_on(http, answer, failed, clock, inspect=inspect)
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
            if _is_stream(answer):
                return await _filtered_stream(http, answer, _Lists(context, grant), clock, only_lists=True)
            return await _passed_on(http, answer, _unnoticed, clock)
    except (UpstreamUnreachable, UpstreamBroken, mcp.Unfilterable, mcp.EventTooLarge, TimeoutError) as error:
        return _trouble(_too_late(grant, limit) if isinstance(error, TimeoutError) else error, None)


def _too_late(grant: Grant, limit: float) -> UpstreamBroken:
    return UpstreamBroken(f"The upstream server {grant.server} did not answer within {limit:g} s. What it was asked for may have happened.")


@dataclass(frozen=True, slots=True)
class _Lists:
    """What is done to a list of tools on its way to an agent: it is taken note of, and the hidden tools go."""

    context: GatewayContext
    grant: Grant

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
    return answer.headers.get("Content-Type", "").lower().startswith("text/event-stream")


async def _passed_on(
    http: web.BaseRequest, answer: Answer, failed: Failed, clock: asyncio.Timeout, *, inspect: bool = False
) -> web.StreamResponse:
    """Give the agent what the upstream says, as it comes; a short answer in one piece, and in time."""
    headers = CIMultiDict(filter_response_headers(answer.headers.items()))
    length = answer.content_length
    if length is not None and length <= _WHOLE and not _is_stream(answer):
        body = await _read(answer)
        if inspect and (why := _error_in(body)) is not None:
            await failed(why, False)
        return web.Response(status=answer.status, body=body, headers=headers)
    clock.reschedule(None)
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(http)
    inspects = _Inspection(failed, stream=_is_stream(answer)) if inspect else None
    try:
        async for portion in _portions(answer):
            await response.write(portion)
            if inspects is not None:
                await inspects.see(portion)
    except UpstreamBroken as error:
        return await _broken_off(http, response, error, failed)
    if inspects is not None:
        await inspects.end()
    await response.write_eof()
    return response


class _Inspection:
    """Looks into an answer while it is passed on, for the error that gives limits back; one that is too long is taken for none."""

    def __init__(self, failed: Failed, *, stream: bool) -> None:
        self._failed, self._decoder = failed, mcp.Decoder() if stream else None
        self._body = bytearray()

    async def see(self, portion: bytes) -> None:
        """Take the next bytes of the answer."""
        if self._decoder is None:
            self._body += portion[: _WHOLE + 1 - len(self._body)]
            return
        try:
            for event in self._decoder.feed(portion):
                await self._look(event.data or b"")
        except mcp.EventTooLarge:
            self._decoder, self._body = None, bytearray(_WHOLE + 1)

    async def end(self) -> None:
        """The answer is whole."""
        if len(self._body) <= _WHOLE:
            await self._look(bytes(self._body))

    async def _look(self, message: bytes) -> None:
        if (why := _error_in(message)) is not None:
            await self._failed(why, False)


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


async def _filtered(http: web.BaseRequest, answer: Answer, lists: _Lists, clock: asyncio.Timeout) -> web.StreamResponse:
    """Give the agent a list of tools without the hidden ones, whichever way the upstream sends it."""
    if _is_stream(answer):
        return await _filtered_stream(http, answer, lists, clock)
    body = await _read(answer)
    headers = CIMultiDict(filter_response_headers(answer.headers.items()))
    if answer.status < _BAD:
        body = await lists.seen(body)
    return web.Response(status=answer.status, body=body, headers=headers)


async def _filtered_stream(
    http: web.BaseRequest, answer: Answer, lists: _Lists, clock: asyncio.Timeout, *, only_lists: bool = False
) -> web.StreamResponse:
    clock.reschedule(None)
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise mcp.Unfilterable  # it was asked not to compress, and what cannot be read may name a hidden tool
    response = web.StreamResponse(status=answer.status, headers=CIMultiDict(filter_response_headers(answer.headers.items())))
    await response.prepare(http)
    decoder = mcp.Decoder()
    try:
        async for portion in _portions(answer):
            for event in decoder.feed(portion):
                await response.write(await _without_hidden(event, lists, only_lists=only_lists))
    except (UpstreamBroken, mcp.Unfilterable, mcp.EventTooLarge) as error:
        return await _broken_off(http, response, error, _unnoticed)
    await response.write_eof()
    return response


async def _without_hidden(event: mcp.Event, lists: _Lists, *, only_lists: bool) -> bytes:
    if not event.data or (only_lists and not _lists_tools(event.data)):
        return event.raw
    data = await lists.seen(event.data)
    return event.raw if data == event.data else _rewritten(event, data)


def _lists_tools(data: bytes) -> bool:
    if b'"tools"' not in data:
        return False
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return True
    result = value.get("result") if isinstance(value, dict) else None
    return isinstance(result, dict) and "tools" in result


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
