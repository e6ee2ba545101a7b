"""The Slack face as a whole: it introduces itself, listens over a socket or HTTP, and keeps cards and user groups up to date.

Law: Slack's trouble is told in the log and waited for. It stops nothing else, and while it lasts calls stay held.
"""

import asyncio
import contextlib
import logging
import os
import socket as sockets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.settings import SlackSettings
from bot.settings.shapes import SlackMode
from bot.slack import actions, commands, events, group_actions, homes, precheck
from bot.slack import client as clients
from bot.slack.client import Trouble, TroubleKind, call
from bot.slack.context import SlackContext
from bot.slack.listening import Listening, quiet, where
from bot.slack.people import Directory
from bot.slack.refusals import SlackRefused, refusal
from bot.slack.socket import Pace, Socket
from bot.slack.sync import Sync
from workflows.changes import Changes
from workflows.database import Database

log = logging.getLogger(__name__)

_NAME = "slack_bolt.askfirst"  # its loggers are below slack_bolt's
_GROUPS = timedelta(seconds=40)  # how old what is known of a user group may get; after 60 s it counts for nobody


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds between tries and looks; `socket` is the watchdog's own."""

    first: float = 1.0
    longest: float = 60.0
    look: float = 300.0
    groups: float = 15.0
    burst: float = 1.0
    drain: float = 3.0
    socket: Pace = field(default_factory=Pace)


class SlackFace:
    """One workspace's Slack, from `connect` to `close`. `run` is to be kept running in between."""

    def __init__(
        self,
        settings: SlackSettings,
        *,
        database: Database,
        changes: Changes,
        clock: Callable[[], datetime],
        desk_url: str,
        patience: Patience,
    ) -> None:
        self.url: str | None = None  # where Slack's requests are taken, in HTTP mode
        self._settings, self._database, self._changes, self._clock, self._desk_url = settings, database, changes, clock, desk_url
        self._patience = patience
        self._client = clients.client(settings)
        self._refusals: dict[str, str] = {}  # by token; while there is one, the face is not healthy
        self._who: AuthorizeResult | None = None
        self._ready = False
        self._socket: Socket | None = None
        self._sync: Sync | None = None
        self._runner: web.AppRunner | None = None
        self._listening = Listening()
        self._app = self._bolt()

    @classmethod
    async def connect(
        cls,
        settings: SlackSettings,
        *,
        database: Database,
        changes: Changes,
        clock: Callable[[], datetime],
        desk_url: str,
        patience: Patience | None = None,
    ) -> Self:
        """Make the face, and in HTTP mode its listener. Nothing is asked of Slack yet, so that nobody waits for it.

        Raises SlackRefused for what only this machine's owner can put right: a taken port, an empty signing secret.
        """
        quiet()
        face = cls(settings, database=database, changes=changes, clock=clock, desk_url=desk_url, patience=patience or Patience())
        try:
            if settings.mode is SlackMode.HTTP:
                await face._listen()
        except BaseException:
            await face.close()
            raise
        return face

    @property
    def healthy(self) -> bool:
        """Tell whether Slack knows us, reaches us, and takes what we post."""
        reached = self._settings.mode is SlackMode.HTTP or (self._socket is not None and self._socket.connected)
        return self._ready and not self._refusals and reached and self._sync is not None and self._sync.healthy

    async def run(self) -> None:
        """Be Slack's counterpart until cancelled. Whatever Slack does, this only waits and says so in the log."""
        slack = await self._introduced()
        for module in (actions, homes, commands, group_actions):
            module.register(self._app, slack)
        sync = self._sync = Sync(slack)
        events.register(self._app, slack, lost=lambda error: self._refuse("bot_token", error), wake=sync.wake)
        self._ready = True
        log.info("Slack knows Askfirst as %s in %s", slack.bot_user, slack.team)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kept("showing requests in Slack", sync.run))
            group.create_task(self._kept("reading user groups", lambda: self._read_user_groups(slack.directory)))
            group.create_task(self._kept("looking after Slack", self._look))
            if self._settings.mode is SlackMode.SOCKET:
                group.create_task(self._kept("the connection to Slack", self._connection().run))

    async def close(self) -> None:
        """Take nothing more, let what was taken be finished for a few seconds, and close."""
        self._ready = False
        if self._runner is not None:
            await self._runner.cleanup()
        await self._listening.finished(self._patience.drain)
        if self._sync is not None:
            await self._sync.close()
        await clients.close(self._client)

    async def _introduced(self) -> SlackContext:
        """Ask Slack who we are until it says so."""
        wait = self._patience.first
        while True:
            answer = await self._asked()
            if answer is not None:
                self._who = answer
                team, user, bot = str(answer.team_id), str(answer.bot_user_id), str(answer.bot_id)
                directory = Directory(self._client, team, self._database, self._clock)
                return SlackContext(
                    self._database, self._changes, self._clock, self._client, self._settings, team, user, bot, self._desk_url, directory
                )
            await asyncio.sleep(self._patience.longest if self._refusals else wait)
            wait = min(2 * wait, self._patience.longest)

    async def _asked(self) -> AuthorizeResult | None:
        """Ask `auth.test` once, and note what it says of the bot token; None when there is no answer to build on."""
        try:
            answer = await call(self._client.auth_test)
        except Trouble as trouble:
            if trouble.kind is TroubleKind.AUTH:
                self._refuse("bot_token", trouble.error)
            else:
                log.warning("Slack cannot be asked who we are (%s); calls stay held meanwhile", trouble.error)
            return None
        team, user, bot = (answer.get(name) for name in ("team_id", "user_id", "bot_id"))
        if not (isinstance(team, str) and isinstance(user, str) and isinstance(bot, str)):
            self._refuse("bot_token", "not_a_bot_token")
            return None
        self._admit("bot_token")
        enterprise = answer.get("enterprise_id")
        return AuthorizeResult(
            enterprise_id=enterprise if isinstance(enterprise, str) else None,
            team_id=team,
            bot_user_id=user,
            bot_id=bot,
            bot_token=self._settings.bot_token.reveal(),
        )

    def _refuse(self, token: str, error: str) -> None:
        """Note that Slack refuses a token, and say so once."""
        if self._refusals.get(token) != error:
            self._refusals[token] = error
            log.error("%s Calls stay held; what nobody decides at the desk expires.", refusal(token, error))

    def _admit(self, token: str) -> None:
        if self._refusals.pop(token, None) is not None:
            log.info("Slack takes slack.%s again", token)

    def _bolt(self) -> AsyncApp:
        """Make the dispatcher. It asks Slack nothing while it dispatches, and no variable of the environment changes it."""
        client = clients.bare("", self._settings.api_url)
        client.token, client.session = None, self._client.session

        async def authorize() -> AuthorizeResult:
            if self._who is None:
                raise SlackRefused("Slack has not said yet who Askfirst is here.")
            return self._who

        secret = self._settings.signing_secret
        with _without_slack_variables():
            app = AsyncApp(
                name=_NAME,
                client=client,
                authorize=authorize,
                signing_secret=secret.reveal() if secret else "",
                request_verification_enabled=self._settings.mode is SlackMode.HTTP,
            )
        app.error(_failed)
        self._listening.follow(app)
        return app

    def _connection(self) -> Socket:
        token = self._settings.app_token
        self._socket = Socket(
            self._app,
            token.reveal() if token else "",
            refused=lambda trouble: self._refuse("app_token", trouble.error),
            admitted=lambda: self._admit("app_token"),
            pace=self._patience.socket,
        )
        return self._socket

    async def _listen(self) -> None:
        address, secret = self._settings.listen, self._settings.signing_secret
        try:
            front = precheck.Precheck(secret.reveal() if secret else "", self._clock)
        except ValueError as error:
            raise SlackRefused(
                "slack.signing_secret is empty: anybody could sign. Copy it from the app's page Basic Information."
            ) from error
        family = sockets.AF_INET6 if ":" in address.host else sockets.AF_INET
        try:
            bound = sockets.create_server((address.host, address.port), family=family, backlog=128)
        except OSError as error:
            why = error.strerror or str(error)
            raise SlackRefused(
                f"slack.listen: {address} cannot be listened on: {why}. Choose another port, or stop what uses it."
            ) from error
        runner = self._runner = web.AppRunner(
            precheck.build(front, self._dispatch), handle_signals=False, access_log=None, shutdown_timeout=self._patience.drain
        )
        await runner.setup()
        await web.SockSite(runner, bound).start()
        host, port = bound.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}{precheck.PATH}"

    async def _dispatch(self, request: web.Request) -> web.Response:
        """Hand on what was found good."""
        if not self._ready:
            return web.Response(status=503)
        try:
            return await to_aiohttp_response(await self._app.async_dispatch(await to_bolt_request(request)))
        except Exception as error:  # noqa: BLE001  # what was sent has a shape that bolt cannot read: no effect, and nothing of it in the log
            log.warning("a signed request could not be read (%s)", type(error).__name__)
            return web.Response(status=400)

    async def _read_user_groups(self, directory: Directory) -> None:
        """Keep what is known of user groups young enough to count."""
        while True:
            directory.asked.clear()
            await directory.refresh_user_groups(at_most=_GROUPS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience.groups):
                    await directory.asked.wait()
                    await asyncio.sleep(self._patience.burst)

    async def _look(self) -> None:
        """Ask now and then whether the token still counts, more often while it does not."""
        while True:
            await asyncio.sleep(self._patience.longest if self._refusals else self._patience.look)
            await self._asked()

    async def _kept(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do it until cancelled; when it fails, say where, and begin again, later each time it fails at once."""
        wait, loop = self._patience.first, asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                await work()
            except Exception as error:  # noqa: BLE001  # nothing of Slack ends the application
                log.error("%s failed (%s); it begins again", what, where(error))  # noqa: TRY400  # a trace may quote what Slack sent
            wait = self._patience.first if loop.time() - begun > self._patience.longest else wait
            await asyncio.sleep(wait)
            wait = min(2 * wait, self._patience.longest)


async def _failed(error: Exception) -> None:
    log.error("what somebody did in Slack could not be finished (%s)", where(error))


@contextlib.contextmanager
def _without_slack_variables() -> Iterator[None]:
    """Hide SLACK_* while bolt is made: SLACK_CLIENT_ID would switch it to another way of installing."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SLACK_")}
    try:
        yield
    finally:
        os.environ.update(hidden)
