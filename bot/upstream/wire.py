"""How a message of our own reaches an HTTP upstream, and how its one response comes back, as JSON or as an event stream."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp

from bot.mcp import Decoder, EventTooLarge
from bot.mcp.answers import error, result
from bot.mcp.eras import METHOD_NOT_FOUND
from bot.upstream.address import MAX_MESSAGE, UpstreamBroken
from bot.upstream.envelope import Outgoing
from bot.upstream.http import HttpUpstream
from bot.upstream.reading import Incoming, Reply, read
from bot.upstream.relay import Answer
from workflows.errors import UpstreamUnreachable
from workflows.redaction import redact_text, visible

_OK: Final = 200
_TEXT: Final = 300
_PAUSE_MS: Final = 1000
_LONGEST_PAUSE_MS: Final = 30_000

log = logging.getLogger(__name__)


class Wire(Protocol):
    """One way to speak to an upstream. Raises UpstreamUnreachable when nothing was sent, UpstreamBroken when it may have been."""

    async def ready(self) -> int:
        """Make sure that there is somebody to speak to; another number than before means somebody else, who knows no agreement."""

    async def ask(self, out: Outgoing) -> Reply:
        """Send a request, once, and give what answered it."""

    async def tell(self, out: Outgoing) -> Reply:
        """Send a notification."""


@dataclass(slots=True)
class _Place:
    """Where an event stream stands, for taking it up again."""

    last_id: str | None = None
    retry_ms: int = _PAUSE_MS


class HttpWire:
    """Speaks over HTTP, each message on a connection of its own."""

    def __init__(self, upstream: HttpUpstream, *, max_bytes: int = MAX_MESSAGE) -> None:
        self._upstream, self._max = upstream, max_bytes

    async def ready(self) -> int:
        """Every message finds its own connection."""
        return 0

    async def tell(self, out: Outgoing) -> Reply:
        """Send a notification; its answer has no message."""
        async with self._upstream.open_fresh("POST", out.headers, out.body) as response:
            return Reply(None, response.status)

    async def ask(self, out: Outgoing) -> Reply:
        """Send a request once. A session's stream that ends early is taken up again where it ended, which sends nothing twice."""
        place = _Place()
        try:
            async with self._upstream.open_fresh("POST", out.headers, out.body) as response:
                session = response.headers.get("Mcp-Session-Id")
                if not _is_stream(response):
                    return _reply(await self._body(response), response.status, session, out)
                message = await self._listen(response, out, place)
            while message is None and place.last_id and "Mcp-Session-Id" in out.headers:
                message = await self._resume(out, place)
        except (aiohttp.ClientError, EventTooLarge, OSError) as broken:
            raise UpstreamBroken(f"The upstream's answer could not be read to its end ({type(broken).__name__}).") from broken
        if message is None:
            raise UpstreamBroken("The upstream ended its event stream without an answer.")
        return Reply(message, _OK, session)

    async def _resume(self, out: Outgoing, place: _Place) -> Incoming | None:
        await asyncio.sleep(min(place.retry_ms, _LONGEST_PAUSE_MS) / 1000)
        headers = {name: value for name, value in out.headers.items() if name != "Content-Type"}
        headers |= {"Accept": "text/event-stream", "Last-Event-ID": place.last_id or ""}
        try:
            async with self._upstream.open_fresh("GET", headers) as response:
                if response.status != _OK or not _is_stream(response):
                    raise UpstreamBroken(f"The upstream did not continue its event stream (HTTP {response.status}).")
                return await self._listen(response, out, place)
        except UpstreamUnreachable as gone:  # the call itself was sent before
            raise UpstreamBroken("The upstream could not be reached again for the rest of its answer.") from gone

    async def _listen(self, response: Answer, out: Outgoing, place: _Place) -> Incoming | None:
        decoder = Decoder(max_bytes=self._max)
        async for portion in response.content.iter_any():
            for event in decoder.feed(portion):
                place.last_id = event.id or place.last_id
                place.retry_ms = place.retry_ms if event.retry is None else event.retry
                message = read(event.data) if event.data else None
                if message is not None and message.method is None and message.id == out.id:
                    return message
                if message is not None and message.method is not None and isinstance(message.id, str | int):
                    await self._refuse(message.method, message.id, out)
        return None

    async def _refuse(self, method: str, request_id: str | int, out: Outgoing) -> None:
        """Answer a server's own request: nobody is here to be asked, and to say so lets its tool end instead of waiting."""
        body = result(request_id, b"{}") if method == "ping" else error(request_id, METHOD_NOT_FOUND, NOBODY)
        try:
            async with self._upstream.open_fresh("POST", out.headers, body):
                pass
        except (UpstreamUnreachable, UpstreamBroken) as failed:
            log.warning("a request of %s by the upstream could not be refused: %s", method, failed)

    async def _body(self, response: Answer) -> bytes:
        portions: list[bytes] = []
        size = 0
        async for portion in response.content.iter_any():
            size += len(portion)
            if size > self._max:
                raise UpstreamBroken(f"The upstream's answer is larger than {self._max} bytes, so it was not read.")
            portions.append(portion)
        return b"".join(portions)


NOBODY: Final = "No agent is waiting that could answer this."


def _is_stream(response: Answer) -> bool:
    return response.status == _OK and response.headers.get("Content-Type", "").lower().startswith("text/event-stream")


def _reply(body: bytes, status: int, session: str | None, out: Outgoing) -> Reply:
    message = read(body) if body else None
    if message is not None and message.method is None and (message.id == out.id or (message.id is None and not message.is_result)):
        return Reply(message, status, session)
    return Reply(None, status, session, visible(redact_text(body.decode("utf-8", "replace")[:_TEXT])).strip())
