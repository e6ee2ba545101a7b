"""The one writer through which the gateway's rows go: what many calls write is committed in one durable transaction."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from workflows import audit
from workflows.audit import Entry
from workflows.counters import Charge, Refused, give_back, reserve
from workflows.database import Database
from workflows.errors import DatabaseUnusable

log = logging.getLogger(__name__)
_FLUSH_AFTER = 0.05
_RETRY_AFTER = 1.0
_BATCH = 512
_MOST_BUFFERED = 20_000
_TRIES = 3


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
