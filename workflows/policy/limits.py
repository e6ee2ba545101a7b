"""How often a call may be made, as pure values. Law: a limit never counts; it names its counter, and when its window begins and ends."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final


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


MICRO: Final = 1_000_000
"""How finely amounts are counted: a limit that adds up an argument counts millionths of one."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `max` in one window. `rule` is the rule id that a refusal names; `counter` is the name the document gave it.

    A call adds `increment`, or the number at the path `increment_from` of its arguments (without the leading `args`). `amount` is what one
    call adds, in units: whole ones, or millionths where an argument is added up. `message` is what a refusal says instead of our own
    words. `identity` is what the counter is known by, where that is not the rule, and `tool` whose it is, where another tool may read it.
    """

    rule: str
    counter: str
    window: Window
    max: int
    scope: Scope
    increment: int = 1
    increment_from: tuple[str, ...] = ()
    amount: int = 1
    message: str = ""
    identity: str = ""
    tool: str = ""

    @property
    def unit(self) -> int:
        """How many units make one."""
        return MICRO if self.increment_from else 1

    @property
    def ceiling(self) -> int:
        """How many units fit in a window."""
        return self.max * self.unit

    @property
    def name(self) -> str:
        """What the counter is known by: the same for all limits that share it."""
        return f"{self.identity or self.rule}{'/micro' if self.increment_from else ''}"

    def key(self, *, grant: str, server: str, tool: str) -> str:
        """Name the counter row, without its window's start: the same text for all calls that share it, and for no others.

        It holds no policy version, so an edit of the document does not start the count again. A limit under a tool pattern counts all tools
        that the pattern matches together, unless its scope is `tool`.
        """
        sharers = {
            Scope.GRANT: [grant],
            Scope.SERVER: [server],
            Scope.TOOL: [server, self.tool or tool],
            Scope.GLOBAL: [],
        }[self.scope]
        return json.dumps([self.scope.value, *sharers, self.name, self.window.value], separators=(",", ":"))

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
