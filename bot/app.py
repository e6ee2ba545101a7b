"""The composition root: reads the settings, opens the parts, ties them together, serves until it is told to stop."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError
from sqlmodel import Session

from bot import gateway, scheduler, settings
from bot.settings import Address, Forwarded, HttpServer, Settings, SettingsInvalid, StdioServer
from bot.slack.server import SlackFace
from bot.upstream import ServerAddress, Upstreams
from bot.web import server as desk
from workflows import audit, grants, groups, redaction
from workflows.audit import Tag
from workflows.calls import JSON
from workflows.changes import Changes
from workflows.database import Database
from workflows.errors import AskfirstError
from workflows.grants import DeclaredGrant, GrantBook
from workflows.policy import PolicyBook
from workflows.queries import Outstanding
from workflows.recorder import Recorder
from workflows.release import Releaser

log = logging.getLogger("askfirst")


def now() -> datetime:
    """The wall clock, the only one in the application."""
    return datetime.now(UTC)


def serve(config: Path) -> int:
    """Serve until SIGINT or SIGTERM and give the exit code.

    Raises SettingsInvalid, DatabaseBusy, DatabaseUnusable, CannotListen before anything is served.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(_without_what_was_sent)
    loaded = settings.load(config, os.environ)
    database = Database(loaded.database.url.reveal())
    try:
        with database.own():
            database.migrate()
            redaction.use_key(database.secret("redaction"))
            return _run(Parts.assemble(loaded, database))
    finally:
        database.close()


def _without_what_was_sent(record: logging.LogRecord) -> bool:
    """Tell of bytes that are no HTTP in one line: aiohttp would quote them with a trace, and a token may stand in them."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError | web.RequestPayloadError):
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
        record.msg, record.args = "what was sent is no HTTP, and was refused (%s)", (type(error).__name__,)
    return True


def _run(parts: "Parts") -> int:
    # What is loaded now stays: to look through all of it again and again for garbage takes more time than the calls themselves.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(parts.serve())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Prefer uvloop: it takes 15 to 20 % less processor time a request; where it does not install, the standard loop serves as well."""
    try:
        import uvloop  # noqa: PLC0415  # it does not install everywhere
    except ImportError:
        return None
    return uvloop.new_event_loop


def sync_declared(session: Session, loaded: Settings, *, at: datetime) -> None:
    """Make the groups and grants of the config file true in the database."""
    groups.sync_declared(session, loaded.groups.values(), now=at)
    declared = (
        DeclaredGrant(grant.label, grant.server, grant.policy, grant.owner, grant.token_sha256, grant.hold_budget_seconds)
        for grant in loaded.grants.values()
    )
    grants.sync_declared(session, declared, now=at)


def _adopt(session: Session, *, loaded: Settings, at: datetime) -> None:
    """Write down what a changed configuration declares, and that it is in force."""
    sync_declared(session, loaded, at=at)
    policies: dict[str, JSON] = {name: policy.sha256 for name, policy in sorted(loaded.policies.items())}
    audit.record(session, Tag.CONFIG_RELOADED, actor=audit.SYSTEM, now=at, detail={"policies": policies})


def addresses(loaded: Settings) -> list[ServerAddress]:
    """Give the configured servers in the upstream client's own terms."""
    return [_address(server, loaded) for server in loaded.servers.values()]


def _address(server: HttpServer | StdioServer, loaded: Settings) -> ServerAddress:
    limits = loaded.gateway
    if isinstance(server, HttpServer):
        headers = {name: secret.reveal() for name, secret in server.headers.items()}
        return ServerAddress(
            server.name,
            url=server.url,
            headers=headers,
            timeout=timedelta(seconds=limits.upstream_timeout_seconds),
            connect_timeout=timedelta(seconds=limits.connect_timeout_seconds),
        )
    environment = {name: secret.reveal() for name, secret in server.environment.items()}
    return ServerAddress(
        server.name,
        command=server.command,
        environment=environment,
        directory=server.directory,
        timeout=timedelta(seconds=limits.upstream_timeout_seconds),
        connect_timeout=timedelta(seconds=limits.connect_timeout_seconds),
    )


@dataclass(slots=True)
class Parts:
    """The running application. What a reload may change is swapped whole; held calls, counters and streams stay as they are."""

    settings: Settings
    database: Database
    changes: Changes
    recorder: Recorder
    grants: GrantBook
    policies: PolicyBook
    upstreams: Upstreams
    tool_lists: gateway.ToolLists
    releaser: Releaser
    gateway: gateway.GatewayContext
    _watched: tuple[Path, ...] = ()
    _stamps: dict[Path, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def assemble(cls, loaded: Settings, database: Database) -> "Parts":
        """Tie the parts together; nothing is opened or started yet."""
        changes, book, policies = Changes(), GrantBook(), PolicyBook()
        policies.replace(loaded.policies)
        upstreams = Upstreams(addresses(loaded))
        recorder = Recorder(database)
        tool_lists = gateway.ToolLists(database=database, upstreams=upstreams, changes=changes, clock=now)
        context = gateway.GatewayContext(
            settings=loaded.gateway,
            database=database,
            recorder=recorder,
            grants=book,
            policies=policies,
            upstreams=upstreams,
            changes=changes,
            outstanding=Outstanding(),
            clock=now,
            durable=loaded.audit.forwarded is Forwarded.DURABLE,
            tool_lists=tool_lists,
        )
        releaser = Releaser(database, upstreams, policies, changes, now, tool_lists.known)
        parts = cls(loaded, database, changes, recorder, book, policies, upstreams, tool_lists, releaser, context)
        parts._watch(loaded.files)
        return parts

    async def serve(self) -> int:
        """Open both listeners, set the clock, and stay until a signal comes."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await self.database.awrite(partial(sync_declared, loaded=self.settings, at=now()))
        await self.database.awrite(
            partial(audit.record, event=Tag.SERVE_START, actor=audit.SYSTEM, now=now(), detail={"instance": self.releaser.instance})
        )
        await self.database.aread(self.grants.refresh)
        await self.tool_lists.load()
        sweeps = scheduler.Sweeps(
            self.database, self.changes, self.releaser, self.grants, self.gateway.outstanding, now, self.settings.audit.anchor
        )
        await sweeps.reap()
        await sweeps.orphan()
        await sweeps.look()
        async with self._listening() as desk_url, self._slack(desk_url) as slack:
            clock = scheduler.build(sweeps, reload=self.reload, list_tools=self.tool_lists.list_tools)
            clock.start()
            async with _running(self._release_loop(), *slack):
                await stop.wait()
            clock.shutdown(wait=False)
        await self._close(sweeps)
        return 0

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[str]:
        """Serve agents and people, each on a listener of its own; gives the address of the desk."""
        with _bound(self.settings.gateway.listen, "gateway") as at_gateway, _bound(self.settings.desk.listen, "desk") as at_desk:
            agents = gateway.build(self.gateway)
            people = web.AppRunner(desk.build(self._desk(at_desk)), **_QUIET)
            try:
                await _serve_on(agents, at_gateway)
                await _serve_on(people, at_desk)
                print(f"askfirst gateway listening on {_url(at_gateway)}", flush=True)  # noqa: T201  # programs wait for these two lines
                print(f"askfirst desk listening on {_url(at_desk)}", flush=True)  # noqa: T201
                yield self.settings.desk.public_url or _url(at_desk)
            finally:
                self.gateway.stop()
                await asyncio.gather(agents.cleanup(), people.cleanup())

    def _desk(self, bound: socket.socket) -> desk.DeskContext:
        chosen = self.settings.desk
        return desk.DeskContext(
            database=self.database,
            changes=self.changes,
            clock=now,
            public_origins=desk.origins(chosen.listen.host, bound.getsockname()[1], chosen.public_url or None),
            secure=chosen.public_url.startswith("https:"),
            session_lives=timedelta(hours=chosen.session_hours),
        )

    @contextlib.asynccontextmanager
    async def _slack(self, desk_url: str) -> AsyncIterator[Sequence[Coroutine[Any, Any, None]]]:
        """Show held calls in Slack, when it is configured. Whatever Slack does, nothing else waits for it."""
        if self.settings.slack is None:
            yield ()
            return
        face = await SlackFace.connect(self.settings.slack, database=self.database, changes=self.changes, clock=now, desk_url=desk_url)
        self.gateway.slack = lambda: face.healthy
        try:
            yield (face.run(),)
        finally:
            await face.close()

    async def _release_loop(self) -> None:
        """Release what is due whenever somebody says that something may be."""
        while True:
            await self.changes.due.wait()
            for request_id in self.changes.take():
                self.releaser.start(request_id)

    async def reload(self) -> None:
        """Take over changed config and policy files; an invalid edit keeps what was there and says so."""
        stamps = await asyncio.to_thread(_stamps, self._watched)
        if stamps == self._stamps:
            return
        try:
            loaded = await asyncio.to_thread(settings.load, self.settings.path, os.environ)
        except SettingsInvalid as invalid:
            said = "\n".join(map(str, invalid.problems))
            log.error("the changed configuration is not valid; the one before stays in force:\n%s", said)  # noqa: TRY400  # it says it all
            problems: list[JSON] = [str(problem) for problem in invalid.problems]
            detail: dict[str, JSON] = {"problems": problems}
            await self.database.awrite(partial(audit.record, event=Tag.CONFIG_REFUSED, actor=audit.SYSTEM, now=now(), detail=detail))
            self._watch({*self.settings.files, *invalid.files}, stamps)
            return
        await self._take_over(loaded)
        self._watch(loaded.files, stamps)

    def _watch(self, files: Iterable[Path], seen: Mapping[Path, tuple[int, int]] = MappingProxyType({})) -> None:
        """Look at these files from now on. What was `seen` before they were read counts, so that an edit in between is noticed."""
        self._watched = tuple(sorted(files))
        self._stamps = {path: seen.get(path, stamp) for path, stamp in _stamps(self._watched).items()}

    async def _take_over(self, loaded: Settings) -> None:
        """Put a configuration in force, the database first: one that refuses leaves everything as it was, for another try."""
        await self.database.awrite(partial(_adopt, loaded=loaded, at=now()))
        await self.database.aread(self.grants.refresh)
        before, self.settings = self.settings, loaded
        self.policies.replace(loaded.policies)
        self.gateway.settings = loaded.gateway
        self.gateway.durable = loaded.audit.forwarded is Forwarded.DURABLE
        await self.upstreams.replace(addresses(loaded))
        log.info("the changed configuration is in force")
        fixed = (before.gateway.listen, before.desk, before.database, before.audit.anchor, before.slack)
        if fixed != (loaded.gateway.listen, loaded.desk, loaded.database, loaded.audit.anchor, loaded.slack):
            log.warning("listeners, database, desk, slack and audit.anchor take effect when Askfirst is started again")

    async def _close(self, sweeps: scheduler.Sweeps) -> None:
        """Let what runs finish, and write what is buffered; what does not end in time is found by the next start."""
        await self.releaser.close()
        await self.gateway.close()
        await self.tool_lists.close()
        await self.upstreams.close()
        await self.recorder.close()
        with contextlib.suppress(AskfirstError):
            await self.database.awrite(partial(audit.record, event=Tag.SERVE_STOP, actor=audit.SYSTEM, now=now()))
            await sweeps.checkpoint()


def _stamps(files: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """When each file was changed last, and its size; a file that is gone counts as changed."""
    found: dict[Path, tuple[int, int]] = {}
    for path in files:
        try:
            stat = path.stat()
            found[path] = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            found[path] = (0, 0)
    return found


_QUIET: dict[str, Any] = {"handle_signals": False, "access_log": None, "shutdown_timeout": 5.0}


def _bound(address: Address, name: str) -> socket.socket:
    """Open the listening socket, so that its port is known before anything is built around it."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=1024)
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotListen(f"The {name} cannot listen on {address}: {why}. Choose another port, or stop what uses it.") from error


async def _serve_on(runner: web.BaseRunner, bound: socket.socket) -> None:
    await runner.setup()
    await web.SockSite(runner, bound).start()


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class CannotListen(AskfirstError):
    """A listener could not be opened. Choose another port."""

    code = "cannot_listen"


@contextlib.asynccontextmanager
async def _running(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Keep these running beside the body; if one fails, that is an error and the body ends too."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        yield
        for task in tasks:
            task.cancel()
