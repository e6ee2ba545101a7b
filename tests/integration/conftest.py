"""A migrated database for each test, on SQLite and on PostgreSQL: copied from one that was migrated once, because that is quick."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.databases import Cluster, sqlite_url
from tests.factories import Scene
from workflows.database import Database


def _migrate(url: str) -> None:
    database = Database(url)
    try:
        database.migrate()
    finally:
        database.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate a SQLite file once."""
    directory = tmp_path_factory.mktemp("migrated")
    _migrate(sqlite_url(directory))
    return directory / "askfirst.db"


@pytest.fixture(scope="session")
def migrated_template(cluster: Cluster) -> str:
    """Migrate a PostgreSQL database once, and give its name."""
    name = f"template_{secrets.token_hex(4)}"
    _administer(cluster, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    _migrate(cluster.url(name))
    return name


def _administer(cluster: Cluster, statement: sql.Composed) -> None:
    with psycopg.connect(host=str(cluster.directory), user="postgres", dbname="postgres", autocommit=True) as admin:
        admin.execute(statement)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of a migrated database that holds nothing."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "askfirst.db")
        yield sqlite_url(tmp_path)
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = sql.Identifier(f"t_{secrets.token_hex(8)}")
    template = sql.Identifier(request.getfixturevalue("migrated_template"))
    _administer(cluster, sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template))
    try:
        yield cluster.url(name.as_string().strip('"'))
    finally:
        _administer(cluster, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """Open the database, and close it after the test."""
    with ExitStack() as stack:
        opened = Database(migrated_url)
        stack.callback(opened.close)
        yield opened


@pytest.fixture
def scene(database: Database) -> Scene:
    """Declare a grant that Olivia answers for, and the group `payments`."""
    return Scene(database).declare()
