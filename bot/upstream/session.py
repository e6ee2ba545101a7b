"""Our own conversation with an upstream: reading its tools, and the one execution of an approved call.

Law: reading may be tried again, a tools/call never is; `not_sent` is said only when the call was not begun to be sent.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Final, TypeVar

from bot.mcp.eras import LATEST_LEGACY, LATEST_MODERN, LEGACY_VERSIONS, Era
from bot.upstream import envelope
from bot.upstream.address import UpstreamBroken
from bot.upstream.envelope import HeaderMap, Link, header_map
from bot.upstream.reading import Reply, outcome
from bot.upstream.wire import Wire
from workflows.calls import JSON, parse_json
from workflows.errors import Malformed, UpstreamUnreachable
from workflows.redaction import redact_text, visible
from workflows.release import Outcome

_PREPARE_SECONDS: Final = 30.0
_PROBE_SECONDS: Final = 10.0
_PAGES: Final = 100
_TOO_MANY_BYTES: Final = 32 * 1024 * 1024
_GONE: Final = 404
_SHOWN: Final = 300
_DEPTH: Final = 256  # the gateway has its own, lower limit
_FRESH_SECONDS: Final = 5.0  # a session that answered so short a time ago is not asked again whether it lives
_REFUSED: Final = range(400, 500)

T = TypeVar("T")
log = logging.getLogger(__name__)


class Session:
    """Finds out which era an upstream speaks, keeps what was agreed on, and agrees anew when the upstream forgot."""

    def __init__(self, name: str, wire: Wire, *, timeout: timedelta) -> None:
        self._name, self._wire, self._timeout = name, wire, timeout
        self._link: Link | None = None
        self._epoch = 0
        self._heard = float("-inf")
        self._agreeing = asyncio.Lock()
        self._ids = count(1)
        self._mirrored: dict[str, HeaderMap] = {}

    async def call(self, tool: str, raw_arguments: bytes, *, request_id: str) -> Outcome:
        """Call the tool once with these bytes as its arguments, and say what became of it."""
        try:
            link, mirrored = await self._prepare(tool, raw_arguments)
        except (UpstreamUnreachable, Malformed) as error:
            return Outcome("not_sent", str(error).encode())
        out = envelope.call(link, tool, raw_arguments, request_id=request_id, mirrored=mirrored)
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                reply = await self._wire.ask(out)
        except UpstreamUnreachable as error:
            return Outcome("not_sent", str(error).encode())
        except UpstreamBroken as error:
            return Outcome("unknown", str(error).encode())
        except TimeoutError:
            sentence = f"{self._name} did not answer within {self._timeout.total_seconds():g} seconds."
            return Outcome("unknown", sentence.encode())
        except Exception:
            log.exception("the call of %s on %s ended in an error of our own", request_id, self._name)
            return Outcome("unknown", b"The call ended in an error of Askfirst after it was sent. Its log has the place.")
        if reply.status == _GONE:
            self._forget(link)
        return outcome(reply)

    async def _prepare(self, tool: str, raw_arguments: bytes) -> tuple[Link, dict[str, str]]:
        """Make sure that the session lives, and learn which arguments the tool wants in headers."""
        arguments = parse_json(raw_arguments, max_depth=_DEPTH)
        if not isinstance(arguments, dict):
            raise Malformed("The stored arguments are no JSON object. The call was not sent.")
        async with _preparing(self._name):
            link = await self._agreed()
            if link.era is Era.LEGACY:
                return await self._alive(link), {}
            if tool not in self._mirrored:
                await self.entry(tool)
        return link, envelope.mirror(self._mirrored.get(tool, {}), arguments)

    async def _alive(self, link: Link) -> Link:
        if asyncio.get_running_loop().time() - self._heard < _FRESH_SECONDS:
            return link
        reply = await self._ask(link, "ping", {})
        if reply.status not in _REFUSED:
            return link
        self._forget(link)
        return await self._agreed()

    async def tools(self) -> list[dict[str, JSON]]:
        """List every tool as the upstream has it now. Raises UpstreamUnreachable."""
        return await self._looked(self._all)

    async def entry(self, tool: str) -> dict[str, JSON] | None:
        """Give the tool's definition as the upstream lists it now; None when it is not listed. Raises UpstreamUnreachable."""
        found = await self._looked(lambda link: self._search(link, tool))
        if found is None:
            self._mirrored.pop(tool, None)
            return None
        self._mirrored[tool] = header_map(found.get("inputSchema"))
        return found

    async def _looked(self, look: Callable[[Link], Awaitable[T | Reply]]) -> T:
        """Read the tools, and once more on a new agreement when the upstream restarted, or forgot the session."""
        async with _preparing(self._name):
            fresh = self._link is None
            link = await self._agreed()
            found = await look(link)
            if isinstance(found, Reply) and not fresh:
                self._forget(link)
                found = await look(await self._agreed())
        if isinstance(found, Reply):
            raise UpstreamUnreachable(f"{self._name} did not list its tools: {_why(found)}. Nothing was sent.")
        return found

    async def _search(self, link: Link, tool: str) -> dict[str, JSON] | Reply | None:
        """Look for a tool page by page: its entry, None when it is not listed, or the reply that is no list."""
        async with aclosing(self._pages(link)) as pages:
            async for page in pages:
                if isinstance(page, Reply):
                    return page
                for entry in page:
                    if isinstance(entry, dict) and entry.get("name") == tool:
                        return entry
        return None

    async def _all(self, link: Link) -> list[dict[str, JSON]] | Reply:
        """Gather every entry, or give the reply that is no list."""
        found: list[dict[str, JSON]] = []
        async with aclosing(self._pages(link)) as pages:
            async for page in pages:
                if isinstance(page, Reply):
                    return page
                found += [entry for entry in page if isinstance(entry, dict)]
        return found

    async def _pages(self, link: Link) -> AsyncGenerator[list[JSON] | Reply, None]:
        """Ask for page after page, or give the reply that is no list and end. Raises UpstreamUnreachable when they are too many."""
        params: dict[str, JSON] = {}
        size = 0
        for _ in range(_PAGES):
            reply = await self._ask(link, "tools/list", params)
            result = reply.message.result if reply.message else None
            tools = result.get("tools") if result else None
            if reply.message is None or result is None or not isinstance(tools, list):
                yield reply
                return
            yield tools
            cursor = result.get("nextCursor")
            size += len(reply.message.raw)
            if not isinstance(cursor, str) or cursor == params.get("cursor"):
                return
            if size > _TOO_MANY_BYTES:
                break
            params = {"cursor": cursor}
        raise UpstreamUnreachable(f"{self._name} lists more tools than Askfirst reads. Nothing was sent.")

    async def _ask(self, link: Link | None, method: str, params: dict[str, JSON]) -> Reply:
        reply = await self._wire.ask(envelope.request(link, f"askfirst-{next(self._ids)}", method, params))
        self._heard = asyncio.get_running_loop().time()
        return reply

    async def _agreed(self) -> Link:
        """Give the link, made now when there is none: the modern era when the upstream has it, else a session."""
        async with self._agreeing:
            epoch = await self._wire.ready()
            if self._link is None or epoch != self._epoch:
                self._link, self._epoch = await self._discover() or await self._initialize(), epoch
            return self._link

    def _forget(self, link: Link) -> None:
        if self._link is link:
            self._link = None

    async def _discover(self) -> Link | None:
        modern = Link(Era.MODERN, LATEST_MODERN)
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                reply = await self._ask(modern, "server/discover", {})
        except TimeoutError:
            return None
        if reply.message is None and reply.status not in _REFUSED:
            raise UpstreamUnreachable(f"{self._name} cannot be asked for its protocol: {_why(reply)}. Nothing was sent.")
        result = reply.message.result if reply.message else None
        versions = result.get("supportedVersions") if result else None
        return modern if isinstance(versions, list) and LATEST_MODERN in versions else None

    async def _initialize(self) -> Link:
        params: dict[str, JSON] = {"protocolVersion": LATEST_LEGACY, "capabilities": {}, "clientInfo": dict(envelope.INFO)}
        reply = await self._ask(None, "initialize", params)
        result = reply.message.result if reply.message else None
        version = result.get("protocolVersion") if result else None
        if not isinstance(version, str) or version not in LEGACY_VERSIONS:
            told = f"it speaks {version!r}" if result else _why(reply)
            raise UpstreamUnreachable(f"No protocol version could be agreed on with {self._name}: {told}. Nothing was sent.")
        link = Link(Era.LEGACY, version, reply.session)
        await self._wire.tell(envelope.notification(link, "notifications/initialized"))
        return link


@asynccontextmanager
async def _preparing(name: str) -> AsyncIterator[None]:
    """Bound what comes before a call; whatever goes wrong in here, the call was not sent."""
    try:
        async with asyncio.timeout(_PREPARE_SECONDS):
            yield
    except TimeoutError as error:
        raise UpstreamUnreachable(f"{name} did not answer within {_PREPARE_SECONDS:g} seconds. Nothing was sent.") from error
    except UpstreamBroken as error:
        raise UpstreamUnreachable(f"{name} cannot be used: {error} The call was not sent.") from error


def _why(reply: Reply) -> str:
    """Say in a few words what came instead of what was asked for."""
    if reply.message is not None and not reply.message.is_result and isinstance(reply.message.value, dict):
        words = reply.message.value.get("message")
        return f"it answered the error {visible(redact_text(str(words)))[:_SHOWN]!r}"
    return f"it answered HTTP {reply.status}" + (f", {reply.text!r}" if reply.text else "")
