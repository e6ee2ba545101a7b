"""What the tests of the command line share."""

from pathlib import Path

import pytest

from tests.unit.bot.cli.stage import Stage, stage


@pytest.fixture
def here(tmp_path: Path) -> Stage:
    """A configuration in an empty directory, with an empty SQLite database."""
    return stage(tmp_path)
