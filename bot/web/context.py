"""What the desk is given when it is built, and where its listeners find it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aiohttp import web

from bot.web.refusals import TooManyTries
from workflows.access import SESSION_LIVES
from workflows.changes import Changes
from workflows.database import Database
from workflows.tables import DeskSession

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class DeskContext:
    """Everything the desk works with. `public_origins` are the addresses it answers under, such as http://127.0.0.1:8081."""

    database: Database
    changes: Changes
    clock: Callable[[], datetime]
    public_origins: frozenset[str]
    secure: bool = False  # people reach it over https: the cookie is sent over nothing else
    session_lives: timedelta = SESSION_LIVES


@dataclass(slots=True)
class Throttle:
    """Failed tries by where they came from: `limit` in `window`, then none until some are forgotten. Kept in memory, bounded."""

    limit: int = 10
    window: timedelta = timedelta(minutes=1)
    _tries: dict[str, list[datetime]] = field(default_factory=dict)

    def check(self, remote: str, *, now: datetime) -> None:
        """Raise TooManyTries when there were too many."""
        if len(self._recent(remote, now)) >= self.limit:
            raise TooManyTries

    def failed(self, remote: str, *, now: datetime) -> None:
        """Remember a failed try."""
        if len(self._tries) > 10_000:  # noqa: PLR2004  # a bound, so that many addresses cannot fill the memory
            self._tries.clear()
        self._tries[remote] = [*self._recent(remote, now), now]

    def _recent(self, remote: str, now: datetime) -> list[datetime]:
        return [at for at in self._tries.get(remote, ()) if now - at < self.window]


DESK = web.AppKey("DESK", DeskContext)
ASSETS: web.AppKey[Mapping[str, str]] = web.AppKey("ASSETS", Mapping)
THROTTLE = web.AppKey("THROTTLE", Throttle)
READER = web.RequestKey("READER", DeskSession)


def origins(host: str, port: int, public_url: str | None = None) -> frozenset[str]:
    """The addresses a desk answers under that listens on `host`:`port`: what a browser writes in Origin and Host."""
    hosts = _LOOPBACK if host in _LOOPBACK else frozenset({host})
    found = {_origin("http", name, port) for name in hosts}
    if public_url:
        parts = urlsplit(public_url)
        found.add(_origin(parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]))
    return frozenset(found)


def _origin(scheme: str, host: str, port: int) -> str:
    written = f"[{host}]" if ":" in host else host.lower()
    return f"{scheme}://{written}" + ("" if _DEFAULT_PORTS.get(scheme) == port else f":{port}")
