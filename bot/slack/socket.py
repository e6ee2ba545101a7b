"""Socket Mode, kept alive: one connection at a time, given up and made anew as soon as it does not answer.

The library's own reconnecting tries the same one-time URL for ever, and never says that a token is bad. Here each connection has
one life: a fresh URL, a hello, envelopes; when it ends or says nothing, it is closed, and the next life begins.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import ClientError, ClientWebSocketResponse, WSMessage
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.slack.client import Trouble, TroubleKind, call

log = logging.getLogger(__name__)

_REMEMBERED = 2_000  # envelopes


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the watchdog is, in seconds. A `silence` so long is a connection that only looks healthy."""

    tick: float = 1.0
    ping: float = 5.0
    hello: float = 10.0
    gone: float = 15.0
    silence: float = 1_800.0
    pause: float = 1.0
    longest_pause: float = 15.0  # until it is back nobody's click arrives; Slack takes fifty tries a minute
    drain: float = 3.0


class Socket:
    """The connection to Slack. `refused` is called with the trouble when Slack refuses the token, `admitted` when it takes it."""

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        *,
        refused: Callable[[Trouble], None],
        admitted: Callable[[], None],
        pace: Pace | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._app_token, self._pace, self._monotonic = app, app_token, pace or Pace(), monotonic
        self._refused, self._admitted = refused, admitted
        self._heard = 0.0
        self._client: SocketModeClient | None = None
        self._greeted: ClientWebSocketResponse | None = None  # the session that said hello
        self._busy: set[asyncio.Task[None]] = set()
        self._taken: OrderedDict[str, None] = OrderedDict()

    @property
    def connected(self) -> bool:
        """Tell whether Slack said hello on the connection that there is now."""
        session = self._client.current_session if self._client else None
        return session is not None and session is self._greeted and not session.closed

    async def run(self) -> None:
        """Be connected until cancelled; what goes wrong is waited for, longer and longer."""
        pause = self._pace.pause
        while True:
            begun = self._monotonic()
            wait = await self._life()
            if self._monotonic() - begun > self._pace.longest_pause:
                pause = 0
            await asyncio.sleep(max(wait, pause))
            pause = min(max(2 * pause, self._pace.pause), self._pace.longest_pause)

    async def _life(self) -> float:
        """Connect once and stay until the connection is of no use; give the seconds to wait at least before the next one."""
        try:
            answer = await call(self._app.client.apps_connections_open, app_token=self._app_token)
        except Trouble as trouble:
            if trouble.kind is TroubleKind.AUTH:
                self._refused(trouble)
                return self._pace.longest_pause
            log.warning("Slack gives no connection just now (%s); trying again", trouble.error)
            return trouble.retry_after or 0
        self._admitted()
        handler = _Handler(self, self._app, self._app_token, self._pace.ping)
        client = self._client = handler.client
        client.wss_uri = answer["url"]
        connecting = asyncio.ensure_future(client.connect())  # type: ignore[no-untyped-call]  # the library leaves it so
        try:
            await self._watch(client)
        finally:
            self._client = None
            connecting.cancel()
            await asyncio.shield(asyncio.ensure_future(self._close(client)))
            await asyncio.gather(connecting, return_exceptions=True)
        return 0

    async def _watch(self, client: SocketModeClient) -> None:
        """Return when the connection is of no use any more."""
        session, since = client.current_session, self._monotonic()
        self._greeted, self._heard, seen = None, since, since
        while True:
            await asyncio.sleep(self._pace.tick)
            now = self._monotonic()
            if client.current_session is not session:
                session, since = client.current_session, now
            if await client.is_connected():
                seen = now
            if why := self._useless(now, since, seen):
                log.warning("%s; connecting anew", why)
                return

    def _useless(self, now: float, since: float, seen: float) -> str | None:
        if now - seen > self._pace.gone:
            return "the connection to Slack is gone"
        if not self.connected and now - since > self._pace.hello:
            return "Slack did not say hello on a connection"
        if now - self._heard > self._pace.silence:
            return "Slack has said nothing for long"
        return None

    async def _close(self, client: SocketModeClient) -> None:
        """Let what was taken be answered, then close; never for longer than a few seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.drain):
                while self._busy:
                    await asyncio.wait(self._busy)
        client.closed, client.auto_reconnect_enabled = True, False
        with contextlib.suppress(TimeoutError, ClientError, OSError, RuntimeError):
            async with asyncio.timeout(self._pace.drain):
                await client.disconnect()  # type: ignore[no-untyped-call]  # the library leaves it so
        running = [task for task in (client.message_processor, client.current_session_monitor, client.message_receiver) if task]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await client.aiohttp_client_session.close()

    async def heard(self, message: WSMessage) -> None:
        """Note that Slack said something; the first word of a connection is its hello."""
        self._heard = self._monotonic()
        if self._client is not None and not self.connected and isinstance(message.data, str) and '"hello"' in message.data:
            self._greeted = self._client.current_session
            log.info("connected to Slack")

    def first(self, envelope_id: str) -> bool:
        """Tell whether this envelope was not taken before."""
        if envelope_id in self._taken:
            return False
        self._taken[envelope_id] = None
        if len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)
        return True

    def forget(self, envelope_id: str) -> None:
        """Take it again when it comes again: nothing came of it."""
        self._taken.pop(envelope_id, None)

    async def answering(self, work: Awaitable[None]) -> None:
        """Do the work of one envelope where closing waits for it."""
        task = asyncio.ensure_future(work)
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)
        await asyncio.shield(task)


class _Handler(AsyncSocketModeHandler):
    """Bolt's adapter, taking each envelope once."""

    def __init__(self, socket: Socket, app: AsyncApp, app_token: str, ping: float) -> None:
        super().__init__(app, app_token, ping_interval=ping)
        self._socket = socket
        self.client.proxy = app.client.proxy  # and no other from the environment
        self.client.on_message_listeners.append(socket.heard)

    async def handle(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        await self._socket.answering(self._handle(client, req))

    async def _handle(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        if not self._socket.first(req.envelope_id):
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))
            return
        try:
            await super().handle(self.client, req)
        except BaseException:
            self._socket.forget(req.envelope_id)
            raise
