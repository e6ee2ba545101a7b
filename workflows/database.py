"""Engines and transactions. A verb is a function of a session; `write` runs it in one durable transaction, or not at all.

The layer is synchronous and runs in threads: an asynchronous commit that is cancelled may have committed, and a transaction
that runs in a thread cannot be torn by whoever stops waiting for it.
"""

import asyncio
import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool
from sqlmodel import Session, select

from workflows.errors import AskfirstError, DatabaseBusy, DatabaseUnusable
from workflows.tables import Meta

T = TypeVar("T")
log = logging.getLogger(__name__)

_TRIES = 4
_PATIENCE = 5.0  # seconds: a try that took longer waited for a lock, and whoever holds it may hold it for ever
_QUEUED = 20.0  # seconds that a write waits for those before it, so that nobody waits for the sum of their troubles
_OWNER_ONLY = 0o600
_SERVE_LOCK = 0x61736B31  # "ask1": the advisory lock of the one serving process on PostgreSQL
_PG_OPTIONS = "-c synchronous_commit=on -c lock_timeout=10s -c statement_timeout=30s -c timezone=UTC -c datestyle=ISO"


class Database:
    """One database, SQLite or PostgreSQL, by its URL (`sqlite:///path`, `postgresql://…`)."""

    def __init__(self, url: str) -> None:
        try:
            self.url = sa.make_url(url)
        except SQLAlchemyError as error:
            raise DatabaseUnusable("The database URL cannot be read. Write sqlite:///path/to/askfirst.db or postgresql://…") from error
        self.dialect = self.url.get_backend_name()
        if self.dialect == "sqlite":
            self._writer, self._reader = _sqlite_engines(self.url)
            threads = 1
        elif self.dialect == "postgresql":
            self._writer = _postgresql_engine(self.url.set(drivername="postgresql+psycopg"))
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            threads = 8
        else:
            raise DatabaseUnusable(f"{self.dialect} is not supported. Use sqlite:///… or postgresql://…")
        self._one_writer = threading.Lock() if self.dialect == "sqlite" else None
        self._closed = False
        self._write_threads = ThreadPoolExecutor(threads, thread_name_prefix="askfirst-write")
        self._read_threads = ThreadPoolExecutor(4, thread_name_prefix="askfirst-read")

    def write(self, move: Callable[[Session], T]) -> T:
        """Run `move` in one durable transaction and give what it returns.

        A refusal (AskfirstError) rolls everything back, unless it says `keep`: then what was written before it (its audit row)
        is committed. A lost race is tried again with a fresh session; `move` must do nothing but read and write rows.
        """
        with self._writing():
            for attempt in range(_TRIES):
                begun = time.monotonic()
                try:
                    return self._once(move)
                except (IntegrityError, OperationalError) as error:
                    if attempt == _TRIES - 1 or not _lost_race(error) or time.monotonic() - begun > _PATIENCE:
                        raise DatabaseUnusable(
                            f"The database refused to work ({type(error.orig).__name__}). Nothing was changed."
                        ) from error
                except DBAPIError as error:
                    raise DatabaseUnusable(f"The database refused to work ({type(error.orig).__name__}). Nothing was changed.") from error
                except PoolTimeout as error:
                    raise DatabaseUnusable("The database is too busy: no connection came free. Nothing was changed.") from error
        raise DatabaseUnusable

    def _once(self, move: Callable[[Session], T]) -> T:
        with Session(self._writer, expire_on_commit=False) as session:
            try:
                result = move(session)
            except AskfirstError as refusal:
                if refusal.keep:
                    session.commit()
                raise
            session.commit()
            return result

    def read(self, look: Callable[[Session], T]) -> T:
        """Run `look` in one read-only snapshot."""
        try:
            with Session(self._reader, expire_on_commit=False) as session:
                return look(session)
        except DBAPIError as error:
            raise DatabaseUnusable(f"The database could not be read ({type(error.orig).__name__}).") from error
        except PoolTimeout as error:
            raise DatabaseUnusable("The database is too busy to be read: no connection came free.") from error

    async def awrite(self, move: Callable[[Session], T]) -> T:
        """`write` off the event loop. Whoever stops waiting does not stop the transaction."""
        self._open()
        turn = partial(self._in_turn, move, time.monotonic())
        return await asyncio.get_running_loop().run_in_executor(self._write_threads, turn)

    def _in_turn(self, move: Callable[[Session], T], asked: float) -> T:
        if time.monotonic() - asked > _QUEUED:
            raise DatabaseUnusable("The database is too busy: other writes took too long. Nothing was changed.")
        return self.write(move)

    async def aread(self, look: Callable[[Session], T]) -> T:
        """`read` off the event loop."""
        self._open()
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, partial(self.read, look))

    def migrate(self) -> None:
        """Bring the schema to the newest revision; on an empty database, build it."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        if self.dialect == "sqlite":
            _sqlite_for_its_owner(self.url)
        try:
            with self._writing(), self._writer.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except CommandError as error:
            raise DatabaseUnusable(
                f"The database at {self.place} was made by another version of Askfirst ({error}). Run that version, or a newer one."
            ) from error
        except DBAPIError as error:
            raise DatabaseUnusable(
                f"The database at {self.place} cannot be opened: {_first_line(error)}. Check that it runs and can be written."
            ) from error

    def secret(self, name: str) -> bytes:
        """A random secret that lives and dies with this database, made when first asked for."""
        return bytes.fromhex(self.write(partial(_secret, name=name)))

    @property
    def place(self) -> str:
        """Where the database is, without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def own(self) -> Iterator[None]:
        """Be the one process that serves from this database; raises DatabaseBusy when another one is."""
        with _sqlite_ownership(self.url) if self.dialect == "sqlite" else _postgresql_ownership(self._writer):
            yield

    def close(self) -> None:
        """Finish what runs and let go of every connection."""
        self._closed = True
        self._write_threads.shutdown()
        self._read_threads.shutdown()
        self._writer.dispose()
        self._reader.dispose()

    def _open(self) -> None:
        if self._closed:
            raise DatabaseUnusable("The database was closed. Nothing was changed.")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._one_writer is None:
            yield
            return
        with self._one_writer:
            yield


def _secret(session: Session, *, name: str) -> str:
    row = session.exec(select(Meta).where(Meta.name == name)).first()
    if row is None:
        row = Meta(name=name, value=secrets.token_hex(32))
        session.add(row)
    return row.value


def _lost_race(error: DBAPIError) -> bool:
    """An equal row came first, PostgreSQL broke a deadlock, or SQLite stayed locked: all of them are worth another try."""
    if isinstance(error, IntegrityError):
        return True
    state = getattr(error.orig, "sqlstate", None)
    return state in {"40001", "40P01", "55P03"} or "database is locked" in str(error.orig)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url, pool_size=12, max_overflow=0, pool_pre_ping=True, connect_args={"options": _PG_OPTIONS, "connect_timeout": 10}
    )


def _sqlite_engines(url: sa.URL) -> tuple[sa.Engine, sa.Engine]:
    """One writer that takes the lock when it begins, and readers that cannot write.

    A deferred transaction that reads and then writes fails at once when another process wrote in between, whatever the timeout;
    one that begins IMMEDIATE waits.
    """
    if not url.database or url.database == ":memory:":
        raise DatabaseUnusable("SQLite needs a file, or nothing would survive. Write sqlite:///path/to/askfirst.db")
    directory = Path(url.database).resolve().parent
    if not directory.is_dir():
        raise DatabaseUnusable(f"The directory of the database does not exist: {directory.name}. Make it first.")
    writer = sa.create_engine(
        url, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args={"timeout": 10, "check_same_thread": False}
    )
    reader = sa.create_engine(
        url, poolclass=QueuePool, pool_size=4, max_overflow=0, connect_args={"timeout": 10, "check_same_thread": False}
    )

    def connected(raw: Any, *, pragmas: tuple[str, ...]) -> None:  # noqa: ANN401  # sqlite3's connection behind SQLAlchemy's any
        raw.isolation_level = None
        for pragma in pragmas:
            raw.execute(f"PRAGMA {pragma}")

    durable = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")
    sa.event.listen(writer, "connect", lambda raw, _: connected(raw, pragmas=durable))
    sa.event.listen(writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    sa.event.listen(reader, "connect", lambda raw, _: connected(raw, pragmas=("busy_timeout=10000", "query_only=1")))
    sa.event.listen(reader, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return writer, reader


def _sqlite_for_its_owner(url: sa.URL) -> None:
    """Make a database that is not there yet, for its owner alone: arguments stand in it as sent. SQLite's other files follow it."""
    with suppress(OSError):  # what cannot be made is told by whoever opens it
        os.close(os.open(url.database or "", os.O_RDWR | os.O_CREAT, _OWNER_ONLY))


@contextmanager
def _sqlite_ownership(url: sa.URL) -> Iterator[None]:
    place = Path(url.database or "").resolve()  # by whatever name it was given, it is one database
    # Whoever could open this file could lock it.
    with open(f"{place}.lock", "w", opener=partial(os.open, mode=_OWNER_ONLY)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DatabaseBusy from error
        yield


@contextmanager
def _postgresql_ownership(engine: sa.Engine) -> Iterator[None]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_SERVE_LOCK))):
            raise DatabaseBusy
        try:
            yield
        finally:
            with suppress(DBAPIError):  # a connection that was lost has lost its lock too
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_SERVE_LOCK)))
