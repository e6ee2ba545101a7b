"""The way of a command to the database: the configuration that it needs, the schema up to date, everything closed at the end."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot import settings
from workflows import redaction
from workflows.database import Database


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database, with the part of the configuration that led to it."""

    base: settings.Base
    database: Database


@contextmanager
def opened(config: Path) -> Iterator[Opened]:
    """Open the database of a configuration. Whoever can do this has the operating system's leave to read and write it."""
    base = settings.base(config, os.environ)
    database = Database(base.database.url.reveal())
    try:
        database.migrate()
        redaction.use_key(database.secret("redaction"))
        yield Opened(base, database)
    finally:
        database.close()


def now() -> datetime:
    """Tell the time: a command is where it comes from."""
    return datetime.now(UTC)


def operator() -> str:
    """Name whoever typed the command, by the operating system's word."""
    try:
        return f"os:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"os:{os.getuid()}"
