"""Limits in the database, and the one writer through which the gateway's rows go.

A limit is reserved before a call is forwarded, all or nothing, by one statement that decides; what is given back goes into the window
that was charged. `Recorder` commits what many calls write in one durable transaction.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from workflows import audit
from workflows.audit import Entry
from workflows.database import Database
from workflows.errors import DatabaseUnusable
from workflows.policy import Limit
from workflows.tables import Counter

log = logging.getLogger(__name__)
_KEEP = timedelta(days=2)
_FLUSH_AFTER = 0.05
_RETRY_AFTER = 1.0
_BATCH = 512
_MOST_BUFFERED = 20_000
_LONGEST_KEY = 512
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Charge:
    """One limit as it applies to one call at one moment."""

    limit: Limit
    key: str
    window_start: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit that was used up, and when to try again."""

    limit: Limit
    retry_at: datetime


def charges(limits: Sequence[Limit], *, grant: str, server: str, tool: str, now: datetime) -> tuple[Charge, ...]:
    """Say which counters a call would use; in one order everywhere, so that two calls never wait for each other."""
    found = (Charge(limit, _fitting(limit.key(grant=grant, server=server, tool=tool)), limit.window_start(now)) for limit in limits)
    return tuple(sorted(found, key=lambda charge: charge.key))


def _fitting(key: str) -> str:
    """A key names the tool, and an agent may make up a long name: what the column cannot hold is counted under its hash."""
    return key if len(key) <= _LONGEST_KEY else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def reserve(session: Session, wanted: Sequence[Charge], *, now: datetime) -> Refused | None:
    """Use one of each limit, or none of any and the first that was used up."""
    for index, charge in enumerate(wanted):
        if not _use_one(session, charge):
            give_back(session, wanted[:index])
            return Refused(charge.limit, charge.limit.retry_at(now))
    return None


def _use_one(session: Session, charge: Charge) -> bool:
    if charge.limit.max < 1:
        return False  # the first row of a window is inserted without being compared
    dialect = session.connection().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = (
        insert(Counter)
        .values(key=charge.key, window_start=charge.window_start, used=1)
        .on_conflict_do_update(
            index_elements=["key", "window_start"],
            set_={"used": Counter.used + 1},
            where=col(Counter.used) < charge.limit.max,
        )
        .returning(col(Counter.used))
    )
    return session.connection().execute(statement).first() is not None


def give_back(session: Session, charged: Sequence[Charge]) -> None:
    """Return what was reserved, into the windows that were charged."""
    _return(session, [(charge.key, charge.window_start) for charge in charged])


def _return(session: Session, keys: Sequence[tuple[str, datetime]]) -> None:
    for key, window_start in keys:
        where = (col(Counter.key) == key, col(Counter.window_start) == window_start, col(Counter.used) > 0)
        session.connection().execute(sa.update(Counter).where(*where).values(used=Counter.used - 1))


def written(charged: Sequence[Charge]) -> str:
    """Write down what was reserved, for the row of a request."""
    return json.dumps([[charge.key, charge.window_start.isoformat()] for charge in charged])


def give_back_written(session: Session, text: str | None) -> None:
    """Return what `written` noted."""
    _return(session, [(key, datetime.fromisoformat(start)) for key, start in json.loads(text or "[]")])


def purge(session: Session, *, now: datetime) -> None:
    """Drop the counters of windows that nothing can ask for any more."""
    session.connection().execute(sa.delete(Counter).where(col(Counter.window_start) < now - _KEEP))


@dataclass(slots=True)
class _Item:
    entry: Entry | None
    charges: tuple[Charge, ...] = ()
    back: tuple[Charge, ...] = ()
    done: "asyncio.Future[Refused | None] | None" = None
    tries: int = 0


@dataclass(slots=True)
class Recorder:
    """The gateway's one writer: rows of many calls share a commit.

    `note` returns at once and is written within 50 ms; `put` returns when its row is durable. When the database refuses, both
    raise DatabaseUnusable, so that nothing is forwarded that cannot be told.
    """

    database: Database
    _queue: list[_Item] = field(default_factory=list)
    _task: "asyncio.Task[None] | None" = None
    _timer: asyncio.TimerHandle | None = None
    _broken: bool = False

    def note(self, entry: Entry) -> None:
        """Write a row soon."""
        if self._broken or len(self._queue) >= _MOST_BUFFERED:
            raise DatabaseUnusable("The audit trail cannot be written just now, so the call was not forwarded. Try again later.")
        self._queue.append(_Item(entry))
        if self._timer is None and self._task is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_AFTER, self._start)

    async def put(self, entry: Entry, wanted: tuple[Charge, ...] = ()) -> Refused | None:
        """Reserve the limits and write the row in one durable transaction; when a limit is used up, write nothing and say which."""
        return await self._wait(_Item(entry, charges=wanted))

    async def give_back(self, charged: tuple[Charge, ...]) -> None:
        """Return what a call reserved that turned out to have failed."""
        await self._wait(_Item(None, back=charged))

    async def _wait(self, item: _Item) -> Refused | None:
        item.done = asyncio.get_running_loop().create_future()
        self._queue.append(item)
        self._start()
        return await asyncio.shield(item.done)

    async def close(self) -> None:
        """Write what is still buffered."""
        while self._queue or self._task is not None:
            self._start()
            if self._task is not None:
                await asyncio.wait([self._task])
            if self._broken:
                log.error("the audit trail lost %d buffered rows: the database refused them at the end", len(self._queue))
                return

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())
            self._task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the recorder stopped: %s", error)
        if (self._queue or self._broken) and not task.cancelled():
            delay = _RETRY_AFTER if self._broken else _FLUSH_AFTER
            self._timer = self._timer or asyncio.get_running_loop().call_later(delay, self._start)

    def _pressing(self) -> bool:
        """Tell whether somebody waits for a row, or enough rows wait by themselves; any other lets more of them gather."""
        return len(self._queue) >= _BATCH or any(item.done is not None for item in self._queue)

    async def _drain(self) -> None:
        begun = False
        while not begun or self._pressing():
            begun = True
            batch, self._queue = self._queue[:_BATCH], self._queue[_BATCH:]
            try:
                answers = await self._write(batch)
            except DatabaseUnusable as error:
                if isinstance(error.__cause__, OperationalError):
                    self._give_up(batch, error)
                else:
                    await self._one_by_one(batch, error)
                if self._broken:
                    return
                continue
            self._broken = False
            for item, answer in zip(batch, answers, strict=True):
                _answer(item, answer)

    async def _write(self, batch: list[_Item]) -> list[Refused | None]:
        try:
            return await self.database.awrite(partial(_commit, batch))
        except DatabaseUnusable:
            raise
        except Exception as error:
            log.exception("a row of the audit trail could not be written down")
            raise DatabaseUnusable("The audit trail could not take this row, so the call was not forwarded.") from error

    def _give_up(self, batch: list[_Item], error: DatabaseUnusable) -> None:
        """The database itself is in trouble: whoever waits is told now, and the rows that nobody waits for are kept."""
        self._broken = True
        waiting, self._queue = batch + self._queue, []
        for item in waiting:
            if item.done is None:
                self._queue.append(item)
            else:
                _refuse(item, error)
        log.error("the audit trail cannot be written, %d rows are kept for another try: %s", len(self._queue), error)

    async def _one_by_one(self, batch: list[_Item], error: DatabaseUnusable) -> None:
        """Write each alone: one poisoned row must not fail its neighbours. A row that nobody waits for is kept for another try."""
        kept: list[_Item] = []
        failures = told = 0
        for item in batch:
            try:
                [answer] = await self._write([item])
            except DatabaseUnusable as failure:
                failures += 1
                item.tries += 1
                _refuse(item, failure)
                if item.done is None:
                    kept.append(item)
            else:
                told += item.entry is not None and answer is None
                _answer(item, answer)
        self._broken = failures > 0 and told == 0
        self._queue = [item for item in kept if self._broken or item.tries < _TRIES] + self._queue
        if failures:
            log.error("the audit trail could not write %d of %d rows: %s", failures, len(batch), error)


def _answer(item: _Item, answer: Refused | None) -> None:
    if item.done is not None and not item.done.done():
        item.done.set_result(answer)


def _refuse(item: _Item, error: DatabaseUnusable) -> None:
    if item.done is not None and not item.done.done():
        item.done.set_exception(error)


def _commit(batch: Sequence[_Item], session: Session) -> list[Refused | None]:
    answers: list[Refused | None] = []
    entries: list[Entry] = []
    for item in batch:
        refused = reserve(session, item.charges, now=item.entry.at) if item.entry and item.charges else None
        give_back(session, item.back)
        answers.append(refused)
        if item.entry is not None and refused is None:
            entries.append(item.entry)
    audit.record_all(session, entries)
    return answers
