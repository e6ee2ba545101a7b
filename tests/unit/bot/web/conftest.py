"""A running desk on SQLite, and somebody who opens it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import sqlite_url
from tests.fakes.desk import Desk, Visitor, running_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Run a desk for one test."""
    async with running_desk(sqlite_url(tmp_path)) as running:
        yield running


@pytest.fixture
async def visitor(desk: Desk) -> AsyncIterator[Visitor]:
    """Be somebody who has not signed in."""
    async with Visitor(desk) as somebody:
        yield somebody


@pytest.fixture
async def alice(visitor: Visitor) -> Visitor:
    """Be an approver who has signed in."""
    await visitor.sign_in("local:alice")
    return visitor
