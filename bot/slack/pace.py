"""Asking Slack no faster than it allows: so many calls of a method a minute, pauses that it asks for, pauses while it does not answer."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.client import Trouble, TroubleKind, call

log = logging.getLogger(__name__)

POST, UPDATE, HISTORY, REPLIES, OPEN, LIST = (
    "chat.postMessage",
    "chat.update",
    "conversations.history",
    "conversations.replies",
    "conversations.open",
    "conversations.list",
)
# Calls a minute, a little below what Slack promises: others in this process call some of them too.
_A_MINUTE = {POST: 240, UPDATE: 45, HISTORY: 40, REPLIES: 40, OPEN: 40, LIST: 15}
LEFT = {POST: 90, UPDATE: 20}  # of those, what words to single approvers leave: there are many of them for one card
_MINUTE = timedelta(minutes=1)
_REFUSED = 60.0  # seconds between two tries while it refuses our token
_NOT_YET = 5.0
SCOPE = "missing_scope"
_LONGEST = 10.0  # seconds between two tries while Slack is down: so long it may take to notice that it is back


class Pace:
    """When which method may be called. `clock` gives aware UTC."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._refused = False  # our token
        self._clock = clock
        self._calls: dict[str, deque[datetime]] = {}
        self._until: dict[str, datetime] = {}
        self._all_until: datetime | None = None
        self._failures = 0

    @property
    def healthy(self) -> bool:
        """Tell whether Slack took what it was told last: False while it refuses our token, and while it does not answer."""
        return not self._refused and not self._failures

    def ready(self, method: str, *, spare: int = 0) -> bool:
        """Tell whether this method may be called now, and so many calls are left for others."""
        now = self._clock()
        if self._all_until is not None and now < self._all_until:
            return False
        if method in self._until and now < self._until[method]:
            return False
        calls = self._calls.setdefault(method, deque())
        while calls and not timedelta() <= now - calls[0] < _MINUTE:  # also what was counted before the clock was set back
            calls.popleft()
        return len(calls) < _A_MINUTE.get(method, 40) - spare

    async def ask(
        self,
        name: str,
        method: Callable[..., Awaitable[AsyncSlackResponse]],
        *,
        writes: bool = False,
        spare: int = 0,
        **args: Any,  # noqa: ANN401  # the method's own
    ) -> AsyncSlackResponse:
        """Call a method if it may be called now; raises Trouble, of kind RATE when it may not. `spare` is as in `ready`."""
        if not self.ready(name, spare=spare):
            raise Trouble(TroubleKind.RATE, "not asked yet", retry_after=_NOT_YET)
        self._calls.setdefault(name, deque()).append(self._clock())
        try:
            answer = await call(method, writes=writes, **args)
        except Trouble as trouble:
            self._note(trouble, name)
            raise
        self._up()
        self._refused = False
        return answer

    def _note(self, trouble: Trouble, method: str) -> None:
        """Leave Slack alone for as long as this trouble asks."""
        if trouble.kind in (TroubleKind.TRANSIENT, TroubleKind.AMBIGUOUS):
            self._down(trouble.error)
            return
        self._up()
        if trouble.kind is TroubleKind.RATE:
            self._until[method] = self._clock() + timedelta(seconds=trouble.retry_after or 1.0)
        elif trouble.kind is TroubleKind.AUTH and (trouble.error != SCOPE or method in (POST, UPDATE)):
            self._stop(_REFUSED)
            if not self._refused:
                self._refused = True
                log.error("Slack refuses our token (%s); nothing is posted. `askfirst doctor` says the remedy.", trouble.error)

    def _stop(self, seconds: float) -> None:
        self._all_until = self._clock() + timedelta(seconds=seconds)

    def _down(self, why: str) -> None:
        """Slack did not answer, or not sensibly: leave it alone, longer each time, so that what waits does not fail one by one."""
        if self._all_until is not None and self._clock() < self._all_until:
            return  # several were on their way when it began
        self._failures += 1
        self._stop(min(2.0 ** (self._failures - 1), _LONGEST))
        if self._failures == 1:
            log.warning("Slack does not answer (%s); calls stay held, and what it should show waits", why)

    def _up(self) -> None:
        """Slack answered."""
        if self._failures:
            log.info("Slack answers again")
        self._failures = 0
