"""Windows, keys and scopes of limits."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import call, policy
from workflows.policy import Limit, Scope, Window, evaluate

NOW = datetime(2026, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def limit(window: Window = Window.MINUTE, scope: Scope = Scope.GRANT, rule: str = "/all_tools/limits/calls") -> Limit:
    """A limit of one call."""
    return Limit(rule, "calls", window, 1, scope)


@pytest.mark.parametrize(
    ("window", "start", "retry"),
    [
        (Window.MINUTE, datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
        (Window.HOUR, datetime(2026, 3, 31, 23, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
        (Window.DAY, datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
    ],
)
def test_windows_are_aligned_in_utc(window: Window, start: datetime, retry: datetime) -> None:
    """A window starts at the full minute, hour or day, and the next one is the time to retry."""
    assert limit(window).window_start(NOW) == start
    assert limit(window).retry_at(NOW) == retry


def test_other_zones_are_counted_in_utc() -> None:
    """The day of a time in another zone is the day in UTC."""
    ahead = timezone(timedelta(hours=5, minutes=30))
    assert limit(Window.DAY).window_start(datetime(2026, 4, 1, 2, tzinfo=ahead)) == datetime(2026, 3, 31, tzinfo=UTC)
    assert limit(Window.HOUR).window_start(datetime(2026, 4, 1, 2, 15, tzinfo=ahead)) == datetime(2026, 3, 31, 20, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    """A naive time has no window."""
    with pytest.raises(ValueError, match="aware"):
        limit().window_start(NOW.replace(tzinfo=None))


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)), st.sampled_from(Window))  # noqa: DTZ001  # hypothesis takes bounds without zone
def test_a_time_lies_in_its_window(now: datetime, window: Window) -> None:
    """A window holds the time it was asked for, and starting is stable."""
    start, end = limit(window).window_start(now), limit(window).retry_at(now)
    assert start <= now < end
    assert end - start == window.length
    assert limit(window).window_start(start) == start


def test_a_key_is_shared_by_exactly_those_in_scope() -> None:
    """Each scope has one counter for those who share it."""
    calls = [(grant, server, tool) for grant in "ab" for server in "xy" for tool in "st"]
    counts = {
        scope: len({limit(scope=scope).key(grant=grant, server=server, tool=tool) for grant, server, tool in calls}) for scope in Scope
    }
    assert counts == {Scope.GRANT: 2, Scope.SERVER: 2, Scope.TOOL: 4, Scope.GLOBAL: 1}


def test_names_cannot_forge_a_key() -> None:
    """Quotes and commas in names do not make two keys equal."""
    one = limit(scope=Scope.TOOL).key(grant="", server='a","b', tool="c")
    assert one != limit(scope=Scope.TOOL).key(grant="", server="a", tool='b","c')


def test_window_and_rule_are_part_of_the_key() -> None:
    """Limits of two windows, and of two rules, count apart."""
    keys = {limit(window, rule=rule).key(grant="g", server="s", tool="t") for window in Window for rule in ("/a", "/b")}
    assert len(keys) == 6


def test_limits_of_all_entries_and_of_all_tools_apply() -> None:
    """An allowed call carries the limits of its entry, of patterns and of all_tools, in this order."""

    def named(counter: str) -> list[dict[str, str | int]]:
        return [{"counter": counter, "window": "hour", "max": 3, "scope": "server"}]

    loaded = policy(
        tools={"p*": {"limits": named("pattern")}, "pay": {"limits": named("own.rate")}, "other": {"limits": named("other")}},
        all_tools={"limits": named("every-call")},
    )
    verdict = evaluate(loaded, call("pay"))
    assert [each.rule for each in verdict.limits] == [
        "/tools/pay/limits/own.rate",
        "/tools/p*/limits/pattern",
        "/all_tools/limits/every-call",
    ]
    assert verdict.limits[0] == Limit("/tools/pay/limits/own.rate", "own.rate", Window.HOUR, 3, Scope.SERVER)


def test_scope_is_the_grant_unless_said() -> None:
    """A limit without scope counts for the grant."""
    loaded = policy(tools={"pay": {"limits": [{"counter": "c", "window": "day", "max": 1}]}})
    assert evaluate(loaded, call()).limits[0].scope is Scope.GRANT


def test_a_counter_with_two_windows_has_two_rules() -> None:
    """The second limit of one counter gets a rule id of its own."""
    limits = [{"counter": "c", "window": window, "max": 1, "scope": "grant"} for window in ("minute", "day")]
    loaded = policy(tools={"pay": {"limits": limits}})
    assert [each.rule for each in evaluate(loaded, call()).limits] == ["/tools/pay/limits/c", "/tools/pay/limits/c-2"]
