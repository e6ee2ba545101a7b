"""A migrated database for each test, on SQLite and on PostgreSQL: migrated once and copied or emptied, because that is quick."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlmodel import SQLModel

from tests.databases import Cluster, sqlite_url
from tests.factories import Scene
from tests.fakes.slack import FakeSlack
from tests.integration import clicking
from workflows.database import Database


def _migrate(url: str) -> None:
    with closing(Database(url)) as database:
        database.migrate()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a SQLite file once."""
    directory = tmp_path_factory.mktemp("migrated")
    _migrate(sqlite_url(directory))
    return directory / "askfirst.db"


@pytest.fixture(scope="session")
def migrated_database(cluster: Cluster) -> Iterator[str]:
    """Migrate a PostgreSQL database once, and give its URL."""
    with cluster.database() as url:
        _migrate(url)
        yield url


def _empty(url: str) -> None:
    """Take every row out, after whoever is still connected was sent away: a test leaves nothing to the next."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(url) as connection:
        connection.execute(others)
        for table in reversed(SQLModel.metadata.sorted_tables):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a migrated database that holds nothing. Its schema is to be left as it is, or put back."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "askfirst.db")
        yield sqlite_url(tmp_path)
        return
    url: str = request.getfixturevalue("migrated_database")
    yield url
    _empty(url)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """Open the database, and close it after the test."""
    with closing(Database(migrated_url)) as opened:
        yield opened


@pytest.fixture
def scene(database: Database) -> Scene:
    """Declare a grant that Olivia answers for, and the group `payments`."""
    return Scene(database).declare()


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack workspace."""
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
def file(migrated_file: Path, tmp_path: Path) -> Iterator[Scene]:
    """The scene of the Slack face on SQLite, for what does not depend on the database."""
    shutil.copy(migrated_file, tmp_path / "askfirst.db")
    with closing(Database(sqlite_url(tmp_path))) as opened:
        yield clicking.declare(Scene(opened))


@pytest.fixture
async def stage(file: Scene, slack: FakeSlack) -> AsyncIterator[clicking.Stage]:
    """The Slack face, running."""
    async with clicking.running(file, slack) as made:
        yield made
