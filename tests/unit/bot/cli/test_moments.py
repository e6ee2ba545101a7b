"""Times that are typed."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from bot.cli.moments import moment

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def test_a_time_has_its_zone() -> None:
    """Any zone."""
    assert moment("2026-01-15T09:00:00-03:00", param="--at") == NOW
    assert moment("2026-01-15T12:00:00Z", param="--at", now=NOW) == NOW


def test_a_time_may_be_how_long_ago() -> None:
    """Where now is known."""
    assert moment("1d12h", param="--since", now=NOW) == NOW - timedelta(hours=36)
    with pytest.raises(typer.BadParameter):
        moment("1d", param="--at")


@pytest.mark.parametrize("text", ["", "soon", "2026-01-15", "2026-01-15T09:00:00", "99999999d"])
def test_anything_else_is_misuse(text: str) -> None:
    """It says how a time is written."""
    with pytest.raises(typer.BadParameter):
        moment(text, param="--since", now=NOW)
