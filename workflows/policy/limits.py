"""How often a call may be made, as pure values. Law: a limit never counts; it names its counter, and when its window begins and ends."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Window(StrEnum):
    """A span that a counter covers: it starts at the full minute, hour or day in UTC."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """How long one window is."""
        return _LENGTHS[self]


_LENGTHS = {Window.MINUTE: timedelta(minutes=1), Window.HOUR: timedelta(hours=1), Window.DAY: timedelta(days=1)}


class Scope(StrEnum):
    """Who shares a counter: the calls of one grant, of all grants on a server, of one tool on a server, or of everyone."""

    GRANT = "grant"
    SERVER = "server"
    TOOL = "tool"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `max` calls in one window. `rule` is the rule id that a refusal names; `counter` is the name the document gave it."""

    rule: str
    counter: str
    window: Window
    max: int
    scope: Scope

    def key(self, *, grant: str, server: str, tool: str) -> str:
        """Name the counter row, without its window's start: the same text for all calls that share it, and for no others.

        It holds no policy version, so an edit of the document does not start the count again. A limit under a tool pattern counts all tools
        that the pattern matches together, unless its scope is `tool`.
        """
        sharers = {
            Scope.GRANT: [grant],
            Scope.SERVER: [server],
            Scope.TOOL: [server, tool],
            Scope.GLOBAL: [],
        }[self.scope]
        return json.dumps([self.scope.value, *sharers, self.rule, self.window.value], separators=(",", ":"))

    def window_start(self, now: datetime) -> datetime:
        """Say when the window that holds `now` began (UTC). Raises ValueError for a time without a zone."""
        if now.tzinfo is None:
            raise ValueError("A time without a zone has no window. Pass an aware datetime.")
        moment = now.astimezone(UTC)
        if self.window is Window.DAY:
            return moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.window is Window.HOUR:
            return moment.replace(minute=0, second=0, microsecond=0)
        return moment.replace(second=0, microsecond=0)

    def retry_at(self, now: datetime) -> datetime:
        """Say when the next window begins (UTC): the first moment at which a refused call can pass."""
        return self.window_start(now) + self.window.length
