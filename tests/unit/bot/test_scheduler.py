"""The clock: which sweeps it calls and how, and that each may be called at any time, any number of times, by any process."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from apscheduler.executors.asyncio import AsyncIOExecutor
from sqlmodel import select

from bot import scheduler
from bot.scheduler import Sweeps
from tests.databases import sqlite_url
from tests.factories import ALICE, NOW, Scene, make_grant, make_policy
from tests.waiting import eventually
from workflows import access, audit, grants, lifecycle
from workflows.changes import Changes
from workflows.database import Database
from workflows.errors import AskfirstError, DatabaseUnusable
from workflows.grants import GrantBook
from workflows.lifecycle import Outcome
from workflows.policy import PolicyBook
from workflows.queries import Outstanding
from workflows.release import Releaser
from workflows.states import State
from workflows.tables import Counter, DeskLink

DEFINITION = "d" * 64


@dataclass(slots=True)
class Server:
    """An upstream that counts what it was called with; `proceed` lets a call end."""

    calls: list[str] = field(default_factory=list)
    proceed: asyncio.Event = field(default_factory=asyncio.Event)

    async def definition(self, server: str, tool: str) -> str | None:
        """Know every tool, always by the same definition."""
        assert server
        assert tool
        return DEFINITION

    async def call(self, server: str, tool: str, raw_arguments: bytes, *, request_id: str) -> Outcome:
        """Do it once `proceed` is set."""
        assert (server, tool, bool(raw_arguments)) == ("payments", "create_refund", True)
        self.calls.append(request_id)
        await self.proceed.wait()
        return Outcome("result", b'{"content":[]}')


@dataclass(slots=True)
class World:
    """Sweeps over a database with one grant and one group, at a time that a test moves."""

    scene: Scene
    sweeps: Sweeps
    server: Server

    def later(self, **delta: float) -> datetime:
        """Let time pass."""
        return self.scene.later(**delta)

    async def settled(self) -> None:
        """Wait until nothing is being released."""
        await eventually(lambda: not self.sweeps.releaser.running)


@pytest.fixture(scope="session")
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a SQLite file once."""
    directory = tmp_path_factory.mktemp("scheduler")
    database = Database(sqlite_url(directory))
    database.migrate()
    database.close()
    return directory / "askfirst.db"


@pytest.fixture
def database(migrated_once: Path, tmp_path: Path) -> Iterator[Database]:
    """Open a migrated database that holds nothing."""
    shutil.copy(migrated_once, tmp_path / "askfirst.db")
    opened = Database(sqlite_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """Make the sweeps as `askfirst serve` does, with an anchor file."""
    scene = Scene(database).declare()
    changes, book, server = Changes(), GrantBook(), Server()
    releaser = Releaser(database, server, PolicyBook({"payments": scene.policy}), changes, lambda: scene.now)
    yield World(scene, Sweeps(database, changes, releaser, book, Outstanding(), lambda: scene.now, tmp_path / "anchor.log"), server)
    server.proceed.set()
    await releaser.close()


JOBS = {"release": 1, "expire": 1, "look": 1, "reload": 1, "remind": 5, "reap": 5, "checkpoint": 30, "list_tools": 60, "purge": 3600}


async def reload() -> None:
    """Reload nothing."""


async def list_tools() -> None:
    """List nothing."""


async def test_every_job_is_registered_once_and_forgives_a_late_tick(world: World) -> None:
    """One at a time, missed ticks run as one, and no tick is too late: what is due lives in the rows."""
    clock = scheduler.build(world.sweeps, reload=reload, list_tools=list_tools)
    jobs = {job.id: job for job in clock.get_jobs()}
    assert {name: job.trigger.interval.total_seconds() for name, job in jobs.items()} == JOBS
    clock.start(paused=True)
    try:
        for job in clock.get_jobs():
            assert (job.max_instances, job.coalesce, job.misfire_grace_time) == (1, True, None)
        assert isinstance(clock._lookup_executor("default"), AsyncIOExecutor)
        assert str(clock.timezone) == "UTC"
    finally:
        clock.shutdown(wait=False)


async def test_the_clock_calls_its_jobs(world: World) -> None:
    """Each tick runs the sweep on the loop; an expired request is expired without anybody asking."""
    request_id = world.scene.held()
    world.later(hours=1)
    clock = scheduler.build(world.sweeps, reload=reload, list_tools=list_tools)
    clock.start()
    try:
        await eventually(lambda: world.scene.state(request_id) == State.EXPIRED)
    finally:
        clock.shutdown(wait=False)


async def test_a_job_that_meets_a_database_in_trouble_says_so_and_is_called_again(caplog: pytest.LogCaptureFixture) -> None:
    """A sentence, no traceback; another error is not hidden."""

    async def sweep() -> None:
        raise DatabaseUnusable

    await scheduler._guarded(sweep)()
    [record] = caplog.records
    assert "sweep" in record.getMessage()
    assert record.exc_info is None

    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await scheduler._guarded(broken)()


async def twice(job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Call a sweep twice in a row and twice at once: a tick that is late or doubled."""
    await job()
    await job()
    await asyncio.gather(job(), job())


async def test_expire_settles_each_request_once(world: World) -> None:
    """What is overdue, pending or approved; what is not is not touched; what its agent left is cancelled after the grace."""
    pending, approved = world.scene.held(), world.scene.approved()
    left = world.scene.held()
    world.scene.do(lifecycle.leave, left)
    world.later(seconds=59)
    await twice(world.sweeps.expire)
    assert [world.scene.state(each) for each in (pending, approved, left)] == [State.PENDING, State.APPROVED, State.PENDING]
    world.later(seconds=1)
    await twice(world.sweeps.expire)
    assert world.scene.state(left) == State.CANCELLED
    world.later(minutes=30)
    young = world.scene.held()
    await twice(world.sweeps.expire)
    assert [world.scene.state(each) for each in (pending, approved, left, young)] == [
        State.EXPIRED,
        State.EXPIRED,
        State.CANCELLED,
        State.PENDING,
    ]
    for each, tag in ((pending, "expire"), (approved, "expire"), (left, "cancel")):
        assert world.scene.events(each).count(f"request.{tag}") == 1


async def test_remind_nudges_as_often_as_the_rule_says(world: World) -> None:
    """Once in each interval however often the clock looks, and never after the end."""
    world.scene.policy = make_policy(approval={"approvers": "payments", "expires_in": "30m", "remind_every": "10m"})
    request_id = world.scene.held()
    reminded = []
    for _ in range(4):
        await twice(world.sweeps.remind)
        reminded.append(world.scene.events(request_id).count("request.remind"))
        world.later(minutes=10)
    assert reminded == [0, 1, 2, 2]


async def test_release_runs_what_is_approved_once(world: World) -> None:
    """Sweeps that overlap start one release each."""
    one, other = world.scene.approved(), world.scene.approved()
    waiting = world.scene.held()
    await twice(world.sweeps.release)
    await eventually(lambda: len(world.server.calls) == 2)
    await twice(world.sweeps.release)
    world.server.proceed.set()
    await world.settled()
    await twice(world.sweeps.release)
    assert sorted(world.server.calls) == sorted([one, other])
    assert [world.scene.state(each) for each in (one, other, waiting)] == [State.RELEASED, State.RELEASED, State.PENDING]


async def test_reap_calls_lost_what_a_dead_process_had_claimed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Not what this one is running; what is lost stays lost, and whoever watches the log is told of it once."""
    dead = world.scene.approved()
    world.scene.claim(dead, instance="in_dead")
    mine = world.scene.approved()
    await world.sweeps.release()
    await eventually(lambda: world.server.calls == [mine])
    await twice(world.sweeps.reap)
    assert [world.scene.state(each) for each in (dead, mine)] == [State.LOST, State.RELEASING]
    world.server.proceed.set()
    await world.settled()
    await twice(world.sweeps.reap)
    assert [world.scene.state(each) for each in (dead, mine)] == [State.LOST, State.RELEASED]
    assert world.scene.events(dead).count("request.lose") == 1
    [said] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith(f"{dead} is lost: it may have run")


async def test_orphan_marks_those_who_waited_on_a_stream(world: World) -> None:
    """At a start: not who holds a handle, not what is being run, and once."""
    waited, handed, running = world.scene.held(), world.scene.held(), world.scene.approved()
    world.scene.do(lifecycle.hand_off, handed)
    world.scene.claim(running)
    await twice(world.sweeps.orphan)
    assert [world.scene.row(each).unattended_at for each in (waited, handed, running)] == [NOW, None, None]
    assert world.scene.events(waited).count("request.leave") == 1


async def test_look_notices_what_another_process_decided(world: World) -> None:
    """A vote on the command line wakes who watches that request, and nobody else; what did not change wakes nobody."""
    decided, other = world.scene.held(), world.scene.held()
    changes = world.sweeps.changes
    with changes.watch(decided) as event, changes.watch(other) as another:
        await world.sweeps.look()
        event.clear()
        another.clear()
        changes.take()
        await world.sweeps.look()
        assert not event.is_set()
        assert not changes.due.is_set()
        world.scene.vote(decided, ALICE)
        await world.sweeps.look()
        assert event.is_set()
        assert not another.is_set()
        assert changes.take() == {decided}


async def test_look_takes_grants_in_and_out(world: World) -> None:
    """Made, rotated or revoked in another process: known with the next look."""
    book, scene = world.sweeps.grants, world.scene
    assert book.find("support-agent") is None
    await world.sweeps.look()
    assert book.find("support-agent") is not None
    create = partial(grants.create, label="cli", server="payments", policy=None, owner=ALICE.key, budget=None, actor=ALICE.key, now=NOW)
    _, token = scene.database.write(create)
    scene.declare(grants_=[make_grant("third")])
    await world.sweeps.look()
    assert [book.find(each) is not None for each in ("support-agent", "third", token)] == [False, True, True]


async def test_look_knows_which_tools_have_calls_outstanding(world: World) -> None:
    """While a call lives or its outcome waits; not after it was collected."""
    request_id = world.scene.held()
    grant = world.scene.grant()
    await world.sweeps.look()
    assert world.sweeps.outstanding.has(grant.id, "create_refund")
    assert not world.sweeps.outstanding.has(grant.id, "list_customers")
    world.scene.vote(request_id, ALICE, lifecycle.Choice.DENY, reason="No.")
    world.scene.do(lifecycle.collect, request_id)
    world.later(minutes=11)
    for _ in range(2):
        await world.sweeps.look()
    assert not world.sweeps.outstanding.has(grant.id, "create_refund")


async def test_checkpoint_pins_the_end_of_the_trail_when_it_grew(world: World) -> None:
    """One line in the anchor file for each end of the trail, and `verify` holds the trail against them."""
    assert world.sweeps.anchor is not None
    world.scene.held()
    await twice(world.sweeps.checkpoint)
    world.scene.held()
    await twice(world.sweeps.checkpoint)
    lines = [line.split() for line in world.sweeps.anchor.read_text().splitlines()]
    assert len(lines) == 2
    pins = [(int(line[0]), line[1]) for line in lines]
    assert world.scene.database.read(partial(audit.verify, anchors=pins)).bad_seq is None
    forged = [(pins[0][0], "0" * 64)]
    assert world.scene.database.read(partial(audit.verify, anchors=forged)).bad_seq == pins[0][0]


async def test_purge_forgets_what_nothing_can_ask_for(world: World) -> None:
    """Counters of windows long past and links that ran out; what is in use stays."""

    def fill(session: Any) -> None:  # noqa: ANN401  # a session, to add rows to
        session.add(Counter(key="old", window_start=NOW - timedelta(days=3), used=1))
        session.add(Counter(key="new", window_start=NOW, used=1))

    world.scene.database.write(fill)
    world.scene.database.write(partial(access.mint_link, person=ALICE, now=NOW - timedelta(days=9)))
    world.scene.database.write(partial(access.mint_link, person=ALICE, now=NOW))
    await twice(world.sweeps.purge)
    counters = world.scene.database.read(lambda session: session.exec(select(Counter.key)).all())
    links = world.scene.database.read(lambda session: session.exec(select(DeskLink)).all())
    assert (list(counters), len(links)) == (["new"], 1)


async def test_a_row_that_fails_does_not_keep_the_others_from_their_turn(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a transaction of its own; the one that failed has its next turn."""
    ids = [world.scene.held() for _ in range(3)]
    world.later(hours=1)
    expire = lifecycle.expire

    def fails(session: Any, request_id: str, *, now: datetime) -> Any:  # noqa: ANN401  # as `lifecycle.expire`
        if request_id == ids[1]:
            raise AskfirstError("This row is in trouble.")
        return expire(session, request_id, now=now)

    monkeypatch.setattr(lifecycle, "expire", fails)
    await world.sweeps.expire()
    assert [world.scene.state(each) for each in ids] == [State.EXPIRED, State.PENDING, State.EXPIRED]
    assert ids[1] in caplog.text
    monkeypatch.undo()
    await world.sweeps.expire()
    assert world.scene.state(ids[1]) == State.EXPIRED


async def test_what_a_sweep_moves_wakes_who_waits_for_it(world: World) -> None:
    """An agent on an open stream hears of the expiry at once."""
    request_id = world.scene.held()
    world.later(hours=1)
    with world.sweeps.changes.watch(request_id) as event:
        await world.sweeps.expire()
        assert event.is_set()
