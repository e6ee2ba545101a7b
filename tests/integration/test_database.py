"""A transaction is durable or did not happen, one process serves, and whoever stops waiting tears nothing."""

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from tests.databases import sqlite_url
from tests.waiting import eventually, until
from workflows.database import Database
from workflows.errors import AskfirstError, DatabaseBusy, DatabaseUnusable, NotAllowed
from workflows.tables import Meta


def _put(session: Session, *, name: str, value: str = "x") -> str:
    session.add(Meta(name=name, value=value))
    session.flush()
    return name


def _there(database: Database, name: str) -> bool:
    return database.read(lambda session: session.get(Meta, name)) is not None


def _asked(database: Database, question: str, *, write: bool = True) -> object:
    def look(session: Session) -> object:
        return session.connection().scalar(sa.text(question))

    return database.write(look) if write else database.read(look)


def test_sqlite_commits_to_the_disk_and_lets_readers_read(database: Database) -> None:
    """WAL and synchronous=FULL on the connection that writes; the one that reads cannot write."""
    if database.dialect != "sqlite":
        return
    assert _asked(database, "PRAGMA journal_mode") == "wal"
    assert _asked(database, "PRAGMA synchronous") == 2
    assert _asked(database, "PRAGMA foreign_keys") == 1
    assert _asked(database, "PRAGMA query_only", write=False) == 1
    assert _asked(database, "PRAGMA busy_timeout", write=False) == 10_000


def test_postgresql_commits_to_the_disk_and_waits_for_nobody_for_ever(database: Database) -> None:
    """synchronous_commit is on whatever the server's default is; reads are one snapshot that cannot write."""
    if database.dialect != "postgresql":
        return
    assert _asked(database, "SHOW synchronous_commit") == "on"
    assert _asked(database, "SHOW lock_timeout") == "10s"
    assert _asked(database, "SHOW statement_timeout") == "30s"
    assert _asked(database, "SHOW transaction_isolation") == "read committed"
    assert _asked(database, "SHOW transaction_isolation", write=False) == "repeatable read"
    assert _asked(database, "SHOW transaction_read_only", write=False) == "on"
    assert _asked(database, "SHOW transaction_read_only") == "off"


def test_a_read_cannot_write(database: Database) -> None:
    """On either database."""
    with pytest.raises(DatabaseUnusable, match="could not be read"):
        database.read(partial(_put, name="smuggled"))
    assert not _there(database, "smuggled")


def test_what_a_refused_verb_wrote_is_gone_unless_the_refusal_keeps_it(database: Database) -> None:
    """A refusal rolls back; one that says `keep` commits what was written before it: its audit row."""

    def refuse(session: Session, *, keep: bool) -> None:
        _put(session, name=f"keep={keep}")
        refusal = NotAllowed()
        refusal.keep = keep
        raise refusal

    for keep in (False, True):
        with pytest.raises(NotAllowed):
            database.write(partial(refuse, keep=keep))
        assert _there(database, f"keep={keep}") is keep


def test_an_error_that_nobody_expected_rolls_back_and_is_not_hidden(database: Database) -> None:
    """It is raised as it is, and the next transaction works."""

    def stumble(session: Session) -> None:
        _put(session, name="half")
        raise LookupError("of our own")

    with pytest.raises(LookupError, match="of our own"):
        database.write(stumble)
    assert not _there(database, "half")
    database.write(partial(_put, name="whole"))
    assert _there(database, "whole")


def test_a_lost_race_is_tried_again_and_the_verb_sees_what_won(database: Database) -> None:
    """An equal row came first: the second try of the verb finds it."""
    tries: list[bool] = []

    def make_once(session: Session) -> None:
        tries.append(session.get(Meta, "one") is not None)
        if len(tries) == 1:
            session.connection().execute(sa.text("INSERT INTO meta (name, value) VALUES ('two', 'x')"))
            raise sa.exc.IntegrityError("INSERT", {}, Exception("an equal row came first"))
        if not tries[-1]:
            _put(session, name="one")

    database.write(make_once)
    assert len(tries) == 2
    assert _there(database, "one")
    assert not _there(database, "two")


def test_what_the_database_refuses_for_good_ends_in_a_sentence(database: Database) -> None:
    """Four tries for what could be a race, one for what cannot; nothing of it is left."""
    tries: list[str] = []

    def wrong(session: Session, *, statement: str) -> None:
        tries.append(statement)
        _put(session, name="left")
        session.connection().execute(sa.text(statement))

    for statement, times in (("INSERT INTO meta (name, value) VALUES ('left', 'x')", 4), ("SELECT * FROM nowhere", 1)):
        tries.clear()
        with pytest.raises(DatabaseUnusable, match=r"refused to work \(\w+\)\. Nothing was changed"):
            database.write(partial(wrong, statement=statement))
        assert len(tries) == times
    with pytest.raises(DatabaseUnusable, match="could not be read"):
        _asked(database, "SELECT * FROM nowhere", write=False)
    assert not _there(database, "left")


async def test_a_write_that_waited_too_long_for_its_turn_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind writes that take for ever nobody hangs: it was not begun, and the next one works."""
    started, go = threading.Event(), threading.Event()

    def stuck(_: Session) -> None:
        started.set()
        go.wait(10)

    monkeypatch.setattr("workflows.database._QUEUED", 0.05)
    first = [asyncio.ensure_future(database.awrite(stuck)) for _ in range(8)]  # as many as PostgreSQL has threads for
    await asyncio.to_thread(started.wait, 10)
    late = asyncio.ensure_future(database.awrite(partial(_put, name="late")))
    await asyncio.wait([late], timeout=0.1)
    go.set()
    with pytest.raises(DatabaseUnusable, match="too busy"):
        await late
    await asyncio.gather(*first, return_exceptions=True)
    assert not _there(database, "late")
    await database.awrite(partial(_put, name="next"))
    assert _there(database, "next")


def test_a_lock_that_is_held_for_long_is_not_waited_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waited once in vain says so, instead of four times as late."""
    database = Database(sqlite_url(tmp_path))
    database.migrate()
    tries: list[int] = []

    def locked(_: Session) -> None:
        tries.append(1)
        raise sa.exc.OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))

    try:
        for patience, times in ((-1.0, 1), (5.0, 4)):
            tries.clear()
            monkeypatch.setattr("workflows.database._PATIENCE", patience)
            with pytest.raises(DatabaseUnusable):
                database.write(locked)
            assert len(tries) == times
    finally:
        database.close()


async def test_whoever_stops_waiting_does_not_tear_the_transaction(database: Database) -> None:
    """Cancelled in the middle, before the commit: the transaction goes on, whole."""
    started, go = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        _put(session, name="first")
        started.set()
        assert go.wait(10)
        _put(session, name="second")

    waiting = asyncio.ensure_future(database.awrite(slow))
    await eventually(started.is_set)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not await database.aread(lambda session: session.get(Meta, "first") is not None)
    go.set()
    await eventually(lambda: _there(database, "second"))
    assert _there(database, "first")


async def test_the_event_loop_goes_on_while_the_database_works(database: Database) -> None:
    """A slow transaction blocks no other coroutine, and no reader."""
    go = threading.Event()

    def slow(session: Session) -> str:
        _put(session, name="slow")
        assert go.wait(10)
        return "done"

    writing = asyncio.ensure_future(database.awrite(slow))
    await eventually(lambda: database.read(lambda session: session.get(Meta, "slow") is None))
    assert not writing.done()
    go.set()
    assert await writing == "done"


def test_a_closed_database_says_so(migrated_url: str) -> None:
    """`awrite` and `aread` raise a sentence, not an error of the thread pool; closing twice is allowed."""
    database = Database(migrated_url)
    database.close()
    database.close()

    async def use() -> None:
        with pytest.raises(DatabaseUnusable, match="was closed"):
            await database.awrite(partial(_put, name="late"))
        with pytest.raises(DatabaseUnusable, match="was closed"):
            await database.aread(lambda session: session.get(Meta, "late"))

    asyncio.run(use())


def test_two_databases_on_one_url_wait_for_each_other(database: Database, migrated_url: str) -> None:
    """The command line writes while a server runs: neither is told that the database is locked."""
    other = Database(migrated_url)
    try:

        def add(number: int) -> None:
            (database, other)[number % 2].write(partial(_put, name=f"n{number}"))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(add, range(60)))
        assert all(_there(database, f"n{number}") for number in range(60))
    finally:
        other.close()


_OWNER = """
import sys
from workflows.database import Database
from workflows.errors import DatabaseBusy
database = Database(sys.argv[1])
try:
    with database.own():
        print("owned", flush=True)
        sys.stdin.readline()
except DatabaseBusy as refusal:
    print(refusal.code, flush=True)
database.close()
"""


def _owner(url: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen([sys.executable, "-c", _OWNER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def _first_word(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _can_own(database: Database) -> bool:
    try:
        with database.own():
            return True
    except DatabaseBusy:
        return False


def test_one_process_serves_from_a_database(database: Database, migrated_url: str) -> None:
    """A second one is refused while the first lives, and not after it died; a process that only writes is not."""
    with _owner(migrated_url) as first:
        assert _first_word(first) == "owned"
        with _owner(migrated_url) as second:
            assert _first_word(second) == "database_busy"
        with pytest.raises(DatabaseBusy, match="Another Askfirst"), database.own():
            pass
        database.write(partial(_put, name="written"))
        first.kill()
    until(partial(_can_own, database))  # PostgreSQL takes a moment to see that a process is dead
    with database.own(), _owner(migrated_url) as third:
        assert _first_word(third) == "database_busy"
    for _ in range(2):
        with database.own(), pytest.raises(DatabaseBusy), database.own():
            pass


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    """Other users of the machine, which agents may be, read no arguments and take no lock; one that was opened up stays so."""
    database = Database(sqlite_url(tmp_path))
    try:
        database.migrate()
        with database.own():
            files = sorted(tmp_path.iterdir())
            assert len(files) >= 3
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        Path(str(database.url.database)).chmod(0o660)
        database.migrate()
        assert Path(str(database.url.database)).stat().st_mode & 0o777 == 0o660
    finally:
        database.close()


def test_one_database_by_two_names_is_one(tmp_path: Path) -> None:
    """A link to the database file does not let a second process serve from it."""
    first = Database(sqlite_url(tmp_path))
    first.migrate()
    (tmp_path / "other.db").symlink_to(str(first.url.database))
    second = Database(f"sqlite:///{tmp_path / 'other.db'}")
    try:
        with first.own(), pytest.raises(DatabaseBusy), second.own():
            pass
    finally:
        first.close()
        second.close()


_BAD_URLS = {
    "no URL": "askfirst.db",
    "another database": "mysql://localhost/askfirst",
    "memory": "sqlite://",
    "memory by name": "sqlite:///:memory:",
    "no such directory": "sqlite:////nowhere/at/all/askfirst.db",
    "empty": "",
}


@pytest.mark.parametrize("url", _BAD_URLS.values(), ids=_BAD_URLS)
def test_a_url_that_cannot_serve_is_refused_with_what_to_write(url: str) -> None:
    """Before anything is made."""
    with pytest.raises(DatabaseUnusable) as refusal:
        Database(url)
    assert str(refusal.value)[-1] in ".…b"
    assert isinstance(refusal.value, AskfirstError)


def test_a_database_that_cannot_be_reached_is_named_without_its_password(tmp_path: Path) -> None:
    """PostgreSQL that does not run, and a file that is no database."""
    unreachable = Database(f"postgresql://someone:s3cret@/askfirst?host={tmp_path}")
    with pytest.raises(DatabaseUnusable, match="cannot be opened") as refusal:
        unreachable.migrate()
    assert "s3cret" not in str(refusal.value)
    with pytest.raises(DatabaseUnusable):
        unreachable.write(partial(_put, name="x"))
    with pytest.raises(DatabaseUnusable):
        unreachable.read(lambda session: session.get(Meta, "x"))
    unreachable.close()
    (tmp_path / "askfirst.db").write_bytes(b"this is no database, but some text that is long enough" * 20)
    broken = Database(f"sqlite:///{tmp_path / 'askfirst.db'}")
    with pytest.raises(DatabaseUnusable, match="cannot be opened"):
        broken.migrate()
    broken.close()


def test_a_secret_lives_with_the_database(database: Database, migrated_url: str) -> None:
    """Made once, the same for whoever asks, another one under another name."""
    other = Database(migrated_url)
    try:
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda number: (database, other)[number % 2].secret("redaction"), range(8)))
    finally:
        other.close()
    assert len(set(made)) == 1
    assert len(made[0]) == 32
    assert database.secret("other") != made[0]


def test_a_trouble_of_the_database_itself_is_the_cause_of_the_sentence(database: Database) -> None:
    """Whoever must know whether other rows would fare better finds it; a connection that was lost is replaced."""
    trouble = {"sqlite": "SELECT * FROM nowhere", "postgresql": "SELECT pg_terminate_backend(pg_backend_pid())"}[database.dialect]
    with pytest.raises(DatabaseUnusable) as refusal:
        _asked(database, trouble)
    assert isinstance(refusal.value.__cause__, OperationalError)
    database.write(partial(_put, name="after"))
    assert _there(database, "after")
