"""A gateway for each test: SQLite migrated once and copied, one upstream that records, one agent."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.databases import sqlite_url
from tests.fakes.relayed import Relayed, relayed
from tests.unit.bot.gateway.stage import Set, Stage, address, raised
from workflows.database import Database


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a SQLite file once."""
    directory = tmp_path_factory.mktemp("gateway")
    database = Database(sqlite_url(directory))
    database.migrate()
    database.close()
    return directory / "askfirst.db"


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """Open a migrated database that holds nothing."""
    shutil.copy(migrated, tmp_path / "askfirst.db")
    opened = Database(sqlite_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Relayed]:
    """Run an upstream that records what reaches it."""
    async with relayed() as running:
        yield running


@pytest.fixture
async def stage(database: Database, upstream: Relayed) -> AsyncIterator[Stage]:
    """Run a gateway in front of the upstream."""
    async with raised(database, Set([address(upstream)])) as running:
        yield running
