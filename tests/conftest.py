"""What every test shares: a clean environment, and one body over both databases."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.databases import Cluster

_OURS = ("ASKFIRST_", "SLACK_", "PG")


def pytest_configure() -> None:
    """Clear what would change a test from outside, for this process and all that it starts."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]


@pytest.fixture(scope="session")
def cluster() -> "Iterator[Cluster]":
    """Run PostgreSQL for the session; it is only started when a test asks for it."""
    from tests.databases import postgresql  # noqa: PLC0415  # a session without database tests does not need the server's wheel

    with postgresql() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty database; a test that takes it runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        from tests.databases import sqlite_url  # noqa: PLC0415  # as above

        yield sqlite_url(tmp_path)
        return
    running: Cluster = request.getfixturevalue("cluster")
    with running.database() as url:
        yield url
