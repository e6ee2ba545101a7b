"""The clock: a few interval jobs, each an idempotent sweep over the tables or a wake-up.

Due work lives in the rows, never in a job: a tick that is late, skipped or doubled changes nothing. No job calls a tool.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlmodel import Session

from workflows import access, audit, counters, lifecycle, queries
from workflows.changes import Changes
from workflows.database import Database
from workflows.errors import AskfirstError
from workflows.grants import GrantBook
from workflows.release import LOOK, Releaser
from workflows.states import State
from workflows.tables import ApprovalRequest

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sweeps:
    """What the clock calls. Each method may be called at any time, any number of times."""

    database: Database
    changes: Changes
    releaser: Releaser
    grants: GrantBook
    outstanding: queries.Outstanding
    clock: Callable[[], datetime]
    anchor: Path | None = None
    grace: timedelta = lifecycle.GRACE
    _seen: dict[str, int] = field(default_factory=dict)

    async def release(self) -> None:
        """Start what is due; a wake-up is quicker, and this finds what no wake-up told of."""
        await self.releaser.sweep()

    async def expire(self) -> None:
        """Expire what is overdue, and cancel what its agent left."""
        found = await self._due()
        for request_id in found["expire"]:
            await self._step(request_id, partial(lifecycle.expire, request_id=request_id, now=self.clock()))
        for request_id in found["abandon"]:
            await self._step(request_id, partial(lifecycle.abandon, request_id=request_id, now=self.clock(), grace=self.grace))

    async def remind(self) -> None:
        """Nudge the approvers of what still waits."""
        for request_id in (await self._due())["remind"]:
            await self._step(request_id, partial(lifecycle.remind, request_id=request_id, now=self.clock()))

    async def reap(self) -> None:
        """Call lost what a dead process had claimed."""
        for request_id in (await self._due())["reap"]:
            running = self.releaser.running
            if request_id not in running:
                move = partial(lifecycle.reap, request_id=request_id, instance=self.releaser.instance, running=running, now=self.clock())
                reaped = await self._step(request_id, move)
                if reaped is not None and reaped.state == State.LOST:
                    log.error("%s is lost: it may have run before the process that claimed it ended. %s", request_id, LOOK)

    async def look(self) -> None:
        """Notice what another process changed: a decision on the command line, a grant that was revoked."""
        await self.database.aread(self.grants.refresh)
        added = self.outstanding.begin()
        self.outstanding.swap(await self.database.aread(partial(queries.outstanding, now=self.clock())), added)
        watched = self.changes.watched
        versions = await self.database.aread(partial(queries.versions, ids=watched)) if watched else {}
        for request_id, version in versions.items():
            if self._seen.get(request_id) != version:
                self.changes.notify(request_id)
        self._seen = versions

    async def checkpoint(self) -> None:
        """Pin the end of the audit trail, in the log and in the anchor file too."""
        pinned = await self.database.awrite(partial(audit.checkpoint, now=self.clock()))
        if pinned is None:
            return
        line = f"{pinned.seq} {pinned.hash} {pinned.at.isoformat()}"
        log.info("audit checkpoint %s", line)
        if self.anchor is not None:
            await asyncio.to_thread(_append, self.anchor, line)

    async def purge(self) -> None:
        """Forget used links, ended sessions and counters of windows long past."""
        await self.database.awrite(partial(_purge, now=self.clock()))

    async def orphan(self) -> None:
        """At the start no stream is open: give those who waited on one the grace to come back."""
        for request_id in await self.database.aread(queries.orphans):
            await self._step(request_id, partial(lifecycle.orphan, request_id=request_id, now=self.clock()))

    async def _due(self) -> "dict[str, list[str]]":
        return dict(await self.database.aread(partial(queries.due, now=self.clock())))

    async def _step(self, request_id: str, move: Callable[[Session], ApprovalRequest]) -> ApprovalRequest | None:
        """One row, one transaction: a row that fails does not keep the others from their turn."""
        try:
            row = await self.database.awrite(move)
        except AskfirstError as error:
            log.error("the sweep could not move %s: %s", request_id, error)  # noqa: TRY400  # the sentence says it all
            return None
        self.changes.notify(request_id)
        return row


def _purge(session: Session, *, now: datetime) -> None:
    counters.purge(session, now=now)
    access.purge(session, now=now)


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="ascii") as file:
        file.write(f"{line}\n")


def build(sweeps: Sweeps, *, reload: Callable[[], Awaitable[None]], list_tools: Callable[[], Awaitable[None]]) -> AsyncIOScheduler:
    """Set the clock: start it inside the running loop, and shut it down with `shutdown(wait=False)`."""
    scheduler = AsyncIOScheduler(
        timezone="UTC",
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )
    every: tuple[tuple[Callable[[], Awaitable[None]], float], ...] = (
        (sweeps.release, 1),
        (sweeps.expire, 1),
        (sweeps.look, 1),
        (reload, 1),
        (sweeps.remind, 5),
        (sweeps.reap, 5),
        (sweeps.checkpoint, 30),
        (list_tools, 60),
        (sweeps.purge, 3600),
    )
    for job, seconds in every:
        scheduler.add_job(_guarded(job), "interval", seconds=seconds, id=job.__name__)
    return scheduler


def _guarded(job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """A sweep that meets a database in trouble says so in a sentence, and its next tick tries again."""

    async def run() -> None:
        try:
            await job()
        except AskfirstError as error:
            log.error("the sweep %s could not run: %s", job.__name__, error)  # noqa: TRY400  # the sentence says it all

    return run
