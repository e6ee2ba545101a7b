"""What Slack shows follows the rows: a pass looks what is due, and one writer for each channel does it, step after step.

Law: nothing lives here alone. A pass that is lost, late or doubled changes nothing but the time; a restart begins with the rows.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bot.slack import pace
from bot.slack.context import SlackContext
from bot.slack.pace import Pace
from bot.slack.posting import Posting
from workflows import cards
from workflows.cards import Due, Kind, Step
from workflows.errors import AskfirstError

log = logging.getLogger(__name__)

_TICK = 1.0  # seconds: finds what no wake-up told of
_GATHER = 0.05  # seconds: changes that come together are one pass
_BETWEEN_POSTS = timedelta(seconds=1)  # to one channel
_LAST_STEP = 6.0  # seconds: a step in progress at the end takes no longer than a call
_CHECKED = timedelta(minutes=30)  # how often the cards that people wait on are painted again, whether or not anything changed
_METHODS = {Step.PAINT: (pace.UPDATE, 0), Step.FIND: (pace.HISTORY, 0), Step.POST: (pace.POST, 0), Step.CHECK: (pace.UPDATE, 25)}


@dataclass(slots=True)
class Lane:
    """What one channel or person is to be told, in the order of `cards.due`: a newer word about a message takes the older one's place."""

    jobs: dict[str, Due] = field(default_factory=dict)
    free_at: datetime | None = None
    now_on: str | None = None
    task: asyncio.Task[None] | None = None


class Sync:
    """The Slack side of the rows, from `run` to `close`. `sleep` takes seconds."""

    def __init__(self, context: SlackContext, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._slack, self._sleep = context, sleep
        self._pace = Pace(context.clock)
        self._posting = Posting(context, self._pace)
        self._lanes: dict[str, Lane] = {}
        self._changed = asyncio.Event()
        self._checked: datetime | None = None
        self._unsure = True  # rows may say that something is being posted which nobody posts
        self._closing = False
        self._quiet = False

    @property
    def healthy(self) -> bool:
        """Tell whether Slack takes what we post."""
        return self._pace.healthy

    def wake(self) -> None:
        """Look at once instead of at the next tick."""
        self._changed.set()

    async def run(self) -> None:
        """Keep Slack up to date until cancelled; a step in progress is then finished by `close`."""
        await self._idle()
        self._unsure, self._checked = True, None
        with self._slack.changes.subscribe() as changed:
            self._changed = changed
            while not self._closing:
                changed.clear()
                await self._pass()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_TICK):
                        await changed.wait()
                        await asyncio.sleep(_GATHER)

    async def once(self) -> None:
        """Look once, and do all that was due."""
        await self._pass()
        await self._idle()

    async def close(self) -> None:
        """Finish the steps in progress, and begin none."""
        self._closing = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_LAST_STEP)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _pass(self) -> None:
        try:
            due = await self._look()
        except AskfirstError as error:
            if not self._quiet:
                log.error("what Slack should show cannot be read: %s", error)  # noqa: TRY400  # the sentence says it all
            self._quiet = True
            return
        self._quiet = False
        for lane in self._lanes.values():
            lane.jobs.clear()
        for job in due:
            self._lanes.setdefault(job.target, Lane()).jobs[job.id] = job
        for name, lane in list(self._lanes.items()):
            if lane.task is None and not self._closing and self._next(lane) is not None:
                lane.task = asyncio.get_running_loop().create_task(self._work(lane), name=f"Slack writer {name}")
            elif lane.task is None and not lane.jobs and (lane.free_at is None or lane.free_at < self._slack.clock()):
                del self._lanes[name]

    async def _look(self) -> list[Due]:
        database, now = self._slack.database, self._slack.clock()
        if self._unsure:
            busy = [lane.now_on for lane in self._lanes.values() if lane.now_on is not None]
            await database.awrite(partial(cards.recover, besides=busy))
            self._unsure = False
        if self._checked is None or now - self._checked >= _CHECKED:
            await database.awrite(cards.doubt)
            self._checked = now
        if await database.aread(cards.unplanned):
            await database.awrite(partial(cards.plan, default_channel=self._slack.settings.channel, now=now))
        return await database.aread(partial(cards.due, now=now))

    async def _work(self, lane: Lane) -> None:
        """Do what one channel waits for. What may not be done now is left to a later pass."""
        worked = False
        try:
            while not self._closing and (job := self._next(lane)) is not None:
                if job.step is Step.POST and lane.free_at is not None and (wait := lane.free_at - self._slack.clock()) > timedelta():
                    if wait <= _BETWEEN_POSTS:
                        await self._sleep(wait.total_seconds())
                    else:  # the clock was set back
                        lane.free_at = None
                    continue  # something that comes first may have come meanwhile
                del lane.jobs[job.id]
                if job.step is Step.POST:
                    lane.free_at = self._slack.clock() + _BETWEEN_POSTS
                await self._do(lane, job)
                worked = True
        finally:
            lane.task = None
            if worked:  # what was done may have made something else due
                self._changed.set()

    def _next(self, lane: Lane) -> Due | None:
        ready = {step for step, (method, spare) in _METHODS.items() if self._pace.ready(method, spare=spare)}
        direct = {step for step in ready if self._pace.ready(_METHODS[step][0], spare=pace.LEFT.get(_METHODS[step][0], 0))}
        return next((job for job in lane.jobs.values() if job.step in (direct if job.kind is Kind.DIRECT else ready)), None)

    async def _do(self, lane: Lane, job: Due) -> None:
        """One step. One that fails does not keep the others from theirs."""
        lane.now_on = job.id
        try:
            await self._posting.step(job)
        except Exception as error:  # noqa: BLE001  # a drawing or a database that fails on one message leaves the others to be told
            self._unsure = True
            log.error("Slack could not be told %s: %s", job.id, error if isinstance(error, AskfirstError) else type(error).__name__)  # noqa: TRY400  # a trace may quote arguments
            with contextlib.suppress(AskfirstError):
                await self._posting.later(job, hopeless=not isinstance(error, AskfirstError))
        finally:
            lane.now_on = None

    async def _idle(self) -> None:
        while tasks := [lane.task for lane in self._lanes.values() if lane.task is not None]:
            await asyncio.wait(tasks)
