"""The names the desk answers under, and how many failed tries it bears."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.web.context import Throttle, origins
from bot.web.refusals import TooManyTries

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_on_the_loopback_all_of_its_names_are_ours() -> None:
    """A browser may be told any of them."""
    assert origins("127.0.0.1", 8081) == {"http://127.0.0.1:8081", "http://localhost:8081", "http://[::1]:8081"}


@pytest.mark.parametrize(
    ("host", "port", "public", "expected"),
    [
        ("10.0.0.5", 8081, None, {"http://10.0.0.5:8081"}),
        ("10.0.0.5", 80, None, {"http://10.0.0.5"}),
        ("Desk.internal", 8081, "https://desk.example.com/", {"http://desk.internal:8081", "https://desk.example.com"}),
        ("10.0.0.5", 8081, "https://desk.example.com:8443", {"http://10.0.0.5:8081", "https://desk.example.com:8443"}),
        ("10.0.0.5", 8081, "https://desk.example.com:443", {"http://10.0.0.5:8081", "https://desk.example.com"}),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(host: str, port: int, public: str | None, expected: set[str]) -> None:
    """Lower case, and without the port that the scheme implies."""
    assert origins(host, port, public) == expected


def test_failed_tries_are_counted_by_where_they_come_from_and_forgotten() -> None:
    """Ten in a minute, then none until the minute is over; others are not held up."""
    throttle = Throttle()
    for _ in range(10):
        throttle.check("10.0.0.1", now=NOW)
        throttle.failed("10.0.0.1", now=NOW)
    with pytest.raises(TooManyTries):
        throttle.check("10.0.0.1", now=NOW)
    throttle.check("10.0.0.2", now=NOW)
    throttle.check("10.0.0.1", now=NOW + timedelta(minutes=1))


def test_many_addresses_do_not_fill_the_memory() -> None:
    """What is remembered has a bound."""
    throttle = Throttle()
    for n in range(12_000):
        throttle.failed(str(n), now=NOW)
    assert len(throttle._tries) <= 10_001
