"""The gateway's one writer: rows share a commit, and where they cannot be written nothing is forwarded."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from tests.factories import NOW, Scene
from tests.waiting import eventually
from workflows import audit
from workflows.audit import Entry, Tag
from workflows.counters import Charge, Refused, charges
from workflows.errors import DatabaseUnusable
from workflows.policy import Limit, Scope, Window
from workflows.recorder import Recorder
from workflows.tables import Counter

LIMIT = Limit("/tools/t/limits/n", "n", Window.MINUTE, 3, Scope.GRANT)


def _entry(name: str) -> Entry:
    return Entry(Tag.CALL_FORWARDED, f"agent:{name}", NOW, agent=name, server="payments", tool="list_customers")


def _charged(limit: Limit = LIMIT) -> tuple[Charge, ...]:
    return charges([limit], grant="gr_1", server="payments", tool="t", now=NOW)


def _used(scene: Scene) -> int:
    rows = scene.database.read(lambda session: session.exec(select(Counter)).all())
    return sum(row.used for row in rows)


def _told(scene: Scene) -> list[str]:
    return [row.agent or "" for row in scene.trail() if row.event == Tag.CALL_FORWARDED]


def _sql(scene: Scene, statement: str) -> None:
    def run(session: Session) -> None:
        session.connection().execute(sa.text(statement))

    scene.database.write(run)


@contextlib.contextmanager
def _in_trouble(scene: Scene) -> Iterator[None]:
    """No row of the trail can be written while this lasts."""
    _sql(scene, "ALTER TABLE audit RENAME TO hidden")
    try:
        yield
    finally:
        _sql(scene, "ALTER TABLE hidden RENAME TO audit")


@pytest.fixture
async def recorder(scene: Scene) -> AsyncIterator[Recorder]:
    """Write through one recorder, and close it."""
    made = Recorder(scene.database)
    yield made
    await made.close()


async def test_a_note_is_written_soon(scene: Scene, recorder: Recorder) -> None:
    """`note` returns at once; its row comes without anybody asking."""
    for number in range(3):
        recorder.note(_entry(f"a{number}"))
    assert _told(scene) == []
    await eventually(lambda: len(_told(scene)) == 3)
    assert _told(scene) == ["a0", "a1", "a2"]


async def test_a_put_is_durable_when_it_returns(scene: Scene, recorder: Recorder) -> None:
    """With what was noted before it, in order."""
    recorder.note(_entry("a"))
    assert await recorder.put(_entry("b")) is None
    assert _told(scene) == ["a", "b"]


async def test_many_calls_share_one_chain(scene: Scene, recorder: Recorder) -> None:
    """Two hundred at once, beside a verb that writes too: every row is there and the chain fits."""
    puts = [recorder.put(_entry(f"p{number}")) for number in range(100)]
    verbs = [scene.database.awrite(partial(audit.record_all, entries=[_entry(f"v{number}")])) for number in range(10)]
    for number in range(100):
        recorder.note(_entry(f"n{number}"))
    await asyncio.gather(*puts, *verbs)
    await eventually(lambda: len(_told(scene)) == 210)
    assert scene.database.read(audit.verify).bad_seq is None


async def test_a_limit_is_reserved_with_the_row_or_neither_is_written(scene: Scene, recorder: Recorder) -> None:
    """Ten calls at once on a limit of three: three rows, three used, seven refusals with the time to come back."""
    answers = await asyncio.gather(*(recorder.put(_entry(f"p{number}"), _charged()) for number in range(10)))
    assert answers.count(None) == 3
    assert answers.count(Refused(LIMIT, LIMIT.retry_at(NOW))) == 7
    assert len(_told(scene)) == _used(scene) == 3


async def test_of_a_hundred_calls_at_once_a_limit_of_ten_lets_ten_through(scene: Scene, recorder: Recorder) -> None:
    """Through two recorders over one database, as two processes have them: ten rows, ten used."""
    wanted = _charged(replace(LIMIT, max=10))
    other = Recorder(scene.database)
    puts = [(recorder, other)[number % 2].put(_entry(f"p{number}"), wanted) for number in range(100)]
    answers = await asyncio.gather(*puts)
    await other.close()
    assert answers.count(None) == 10
    assert len(_told(scene)) == _used(scene) == 10


async def test_amounts_are_reserved_and_given_back_as_they_are(scene: Scene, recorder: Recorder) -> None:
    """What a refused call would have used is left to the next one."""
    spend = Limit("/all_tools/limits/spend", "spend", Window.DAY, 10, Scope.GLOBAL, increment_from=("amount",))
    seven, four, three = (_charged(replace(spend, amount=amount * spend.unit)) for amount in (7, 4, 3))
    assert await recorder.put(_entry("seven"), seven) is None
    assert await recorder.put(_entry("four"), four) == Refused(four[0].limit, spend.retry_at(NOW), 3 * spend.unit)
    assert await recorder.put(_entry("three"), three) is None
    await recorder.give_back(seven)
    assert (_told(scene), _used(scene)) == (["seven", "three"], 3 * spend.unit)


async def test_what_is_given_back_can_be_used_again(scene: Scene, recorder: Recorder) -> None:
    """A forwarded call that turned out to have failed costs nothing."""
    charged = _charged()
    for _ in range(3):
        await recorder.put(_entry("p"), charged)
    assert await recorder.put(_entry("p"), charged) is not None
    await recorder.give_back(charged)
    assert _used(scene) == 2
    assert await recorder.put(_entry("p"), charged) is None


async def test_whoever_stops_waiting_does_not_stop_the_writing(scene: Scene, recorder: Recorder) -> None:
    """A caller that is cancelled in the middle of a commit: its row is there, and others were not disturbed."""
    cancelled = asyncio.ensure_future(recorder.put(_entry("gone")))
    other = asyncio.ensure_future(recorder.put(_entry("there")))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await other is None
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert sorted(_told(scene)) == ["gone", "there"]


async def test_a_database_that_refuses_stops_the_calls_and_keeps_what_was_noted(
    scene: Scene, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """The table is gone: `put` says so, then `note` does; when it is back, what was noted is written, once and in order."""
    caplog.set_level(logging.CRITICAL, "workflows.recorder")
    with _in_trouble(scene):
        recorder.note(_entry("noted"))
        with pytest.raises(DatabaseUnusable):
            await recorder.put(_entry("refused"), _charged())
        with pytest.raises(DatabaseUnusable, match="not forwarded"):
            recorder.note(_entry("refused"))
        with contextlib.suppress(DatabaseUnusable):
            await recorder.give_back(_charged())  # needs no row of the trail, and is no sign that one can be written
        with pytest.raises(DatabaseUnusable, match="not forwarded"):
            recorder.note(_entry("refused"))
        assert _used(scene) == 0
    await eventually(lambda: _told(scene) == ["noted"])

    async def noted_again() -> bool:
        try:
            recorder.note(_entry("again"))
        except DatabaseUnusable:
            return False
        return True

    await eventually(noted_again)
    assert await recorder.put(_entry("put again")) is None
    assert _told(scene) == ["noted", "again", "put again"]
    assert scene.database.read(audit.verify).bad_seq is None


async def test_a_put_tries_a_database_in_trouble_again_at_once(scene: Scene, recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """A call need not wait for the next try of the clock: what it writes shows that the database is back."""
    caplog.set_level(logging.CRITICAL, "workflows.recorder")
    with _in_trouble(scene), pytest.raises(DatabaseUnusable):
        await recorder.put(_entry("refused"))
    assert await recorder.put(_entry("there")) is None
    recorder.note(_entry("noted"))
    await eventually(lambda: _told(scene) == ["there", "noted"])


async def test_a_row_that_cannot_be_written_does_not_fail_its_neighbours(
    scene: Scene, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever waits for it is told; the others are written, and the recorder goes on."""
    caplog.set_level(logging.CRITICAL, "workflows.recorder")
    poisoned = Entry(Tag.CALL_FORWARDED, "agent:x", NOW, detail={"n": float("nan")})
    recorder.note(poisoned)
    answers = await asyncio.gather(recorder.put(_entry("a")), recorder.put(poisoned), recorder.put(_entry("b")), return_exceptions=True)
    assert isinstance(answers[1], DatabaseUnusable)
    assert (answers[0], answers[2]) == (None, None)
    assert _told(scene) == ["a", "b"]
    recorder.note(_entry("c"))
    await eventually(lambda: _told(scene) == ["a", "b", "c"])


async def test_a_closed_database_refuses_at_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Neither waits for ever: `put` raises, `note` after it, and `close` says what was lost."""
    recorder = Recorder(scene.database)
    recorder.note(_entry("lost"))
    scene.database.close()
    with pytest.raises(DatabaseUnusable, match="closed"):
        await asyncio.wait_for(recorder.put(_entry("refused")), 5)
    with pytest.raises(DatabaseUnusable):
        recorder.note(_entry("refused"))
    await asyncio.wait_for(recorder.close(), 5)
    assert "lost 1 buffered rows" in caplog.text


async def test_closing_writes_what_is_buffered(scene: Scene) -> None:
    """Also more than fits in one batch."""
    recorder = Recorder(scene.database)
    for number in range(1200):
        recorder.note(_entry(f"n{number}"))
    await recorder.close()
    assert _told(scene) == [f"n{number}" for number in range(1200)]
    await recorder.close()


async def test_what_was_noted_is_bounded(scene: Scene) -> None:
    """A database that is too slow stops calls before memory ends."""
    recorder = Recorder(scene.database)
    for _ in range(20_000):
        recorder.note(_entry("n"))
    with pytest.raises(DatabaseUnusable, match="not forwarded"):
        recorder.note(_entry("n"))
    await recorder.close()
    assert len(_told(scene)) == 20_000
