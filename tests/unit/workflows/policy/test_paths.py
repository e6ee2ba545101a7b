"""Where conditions look."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.calls import JSON, ToolCall
from workflows.policy.limits import Limit, Scope, Window
from workflows.policy.paths import MISSING, Unclear, arguments, kind, reader, why_no_argument
from workflows.policy.situation import UNKNOWN, KnownTool, Situation


def read(path: str, arguments: dict[str, JSON]) -> object:
    """Look at an argument."""
    return reader(tuple(f"args.{path}".split(".")))(ToolCall("bank", "pay", arguments), UNKNOWN)


@pytest.mark.parametrize(
    ("path", "arguments", "value"),
    [
        ("a", {"a": 1}, 1),
        ("a", {}, MISSING),
        ("a", {"a": None}, None),
        ("a.b", {"a": {"b": [2]}}, [2]),
        ("a.b", {"a": {}}, MISSING),
        ("a.b", {}, MISSING),
        ("a.b", {"a": None}, MISSING),
        ("a.b.c", {"a": {"b": None}}, MISSING),
        ("a.0", {"a": {"0": "key"}}, "key"),
        ("a.b", {"a.b": 1}, MISSING),
    ],
)
def test_a_path_walks_objects(path: str, arguments: dict[str, JSON], value: object) -> None:
    """A path finds a value in nested objects, or nothing."""
    assert read(path, arguments) == value


@pytest.mark.parametrize("inside", [[{"b": 1}], '{"b": 1}', 5, True])
def test_a_step_into_anything_but_an_object_is_unclear(inside: JSON) -> None:
    """A list or a text could hide what the upstream unpacks."""
    found = read("a.b", {"a": inside})
    assert isinstance(found, Unclear)
    assert "args.a is" in found.why
    assert kind(inside) in found.why


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("amount", {"Amount": 9}),
        ("amount", {"amount": 1, "AMOUNT": 9}),
        ("a.b.c", {"a": {"B": {"c": 1}}}),
        ("a.b.c", {"A": 1}),
        ("a.b", {"a": {"B": 1}}),
        ("max_tokens", {"max_to\u212aens": 9}),
        ("is_admin", {"\u0131s_admin": 9}),
        ("is_admin", {"\u0130s_admin": 9}),
    ],
)
def test_a_name_in_another_letter_case_is_unclear(path: str, arguments: dict[str, JSON]) -> None:
    """Some upstreams read names without case, so the policy does not pass over them."""
    assert isinstance(read(path, arguments), Unclear)


def test_other_names_are_not_confused() -> None:
    """A name of equal length with other letters is another argument."""
    assert read("amount", {"accoun": 1, "amount": 2, "AMOUNTS": 3}) == 2


def test_kinds_have_words() -> None:
    """Each JSON type has its word."""
    values: tuple[JSON, ...] = (None, True, 1, 1.5, "x", [], {})
    words = [kind(value) for value in values]
    assert words == ["null", "a boolean", "a number", "a number", "text", "a list", "an object"]


BERLIN = ZoneInfo("Europe/Berlin")
TOOL = KnownTool("Financial", "Critical", annotations={"readOnlyHint": True, "title": None, "note": "x", "openWorldHint": None})
SITUATION = Situation("ci-runner", "local:ann", datetime(2026, 1, 31, 23, 30, tzinfo=UTC), TOOL)


def look(path: str, situation: Situation = SITUATION, zone: str = "UTC", server: str = "bank") -> object:
    """Look at what is known beside the arguments."""
    return reader(tuple(path.split(".")), zone=zone)(ToolCall(server, "pay", {"label": "another"}), situation)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("grant.label", "ci-runner"),
        ("grant.owner", "local:ann"),
        ("grant.server", "bank"),
        ("tool.name", "pay"),
        ("tool.category", "Financial"),
        ("tool.risk", "Critical"),
        ("tool.annotations.readOnlyHint", True),
        ("tool.annotations.destructiveHint", True),
        ("tool.annotations.idempotentHint", False),
        ("tool.annotations.openWorldHint", True),
        ("tool.annotations.note", "x"),
        ("tool.annotations.title", None),
        ("tool.annotations.other", MISSING),
        ("time.hour", 23),
        ("time.minute", 30),
        ("time.weekday", "saturday"),
        ("time.date", "2026-01-31"),
    ],
)
def test_what_is_known_beside_the_arguments_is_found(path: str, value: object) -> None:
    """An annotation that is silent or null means what MCP says; one that MCP does not know is missing."""
    assert look(path) == value


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("grant.label", "who asks"),
        ("grant.owner", "who asks"),
        ("tool.category", "does not list this tool"),
        ("tool.risk", "does not list this tool"),
        ("tool.annotations.readOnlyHint", "does not list this tool"),
        ("tool.annotations.other", "does not list this tool"),
        ("time.hour", "not known"),
        ("time.weekday", "not known"),
        ("state.pay.calls", "cannot be read"),
    ],
)
def test_what_is_not_known_is_unclear(path: str, word: str) -> None:
    """It is never taken for missing: a condition on it cannot be told."""
    found = look(path, UNKNOWN)
    assert isinstance(found, Unclear)
    assert path in found.why
    assert word in found.why


def test_a_call_for_no_server_has_none() -> None:
    """A call that is only explained may have no server."""
    assert isinstance(look("grant.server", server=""), Unclear)


def test_a_time_without_a_zone_is_not_known() -> None:
    """It could be any time of the day."""
    assert isinstance(look("time.hour", Situation(at=datetime(2026, 1, 1, 9))), Unclear)  # noqa: DTZ001  # that is what is tested


@pytest.mark.parametrize(
    ("moment", "hour", "weekday", "date"),
    [
        # winter, summer, and the hours around both changes of 2026 in Berlin
        (datetime(2026, 1, 15, 8, tzinfo=UTC), 9, "thursday", "2026-01-15"),
        (datetime(2026, 7, 15, 8, tzinfo=UTC), 10, "wednesday", "2026-07-15"),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), 1, "sunday", "2026-03-29"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), 3, "sunday", "2026-03-29"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 2, "sunday", "2026-10-25"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), 2, "sunday", "2026-10-25"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), 0, "friday", "2027-01-01"),
        (datetime(2026, 6, 30, 23, 30, tzinfo=BERLIN), 23, "tuesday", "2026-06-30"),
    ],
)
def test_time_is_told_in_the_zone_of_the_policy(moment: datetime, hour: int, weekday: str, date: str) -> None:
    """Daylight saving too: an hour that the clock skips is never seen, one that it repeats is seen twice."""
    at = Situation(at=moment)
    assert [look(f"time.{name}", at, "Europe/Berlin") for name in ("hour", "weekday", "date")] == [hour, weekday, date]
    assert look("time.minute", at, "Asia/Kolkata") == (moment.minute + 30) % 60


def test_a_counter_is_read_in_what_people_count() -> None:
    """Amounts are kept in millionths and compared as amounts."""
    calls = Limit("/r", "calls", Window.HOUR, 5, Scope.GLOBAL, identity="pay.calls")
    spent = Limit("/r", "spent", Window.HOUR, 5, Scope.GLOBAL, increment_from=("amount",), identity="pay.spent")
    used = Situation(used={calls.name: 3, spent.name: 2_500_000})
    call = ToolCall("bank", "pay", {})
    assert reader(("state", "pay", "calls"), counter=calls)(call, used) == 3
    assert reader(("state", "pay", "spent"), counter=spent)(call, used) == Decimal("2.5")
    assert isinstance(reader(("state", "pay", "calls"), counter=calls)(call, UNKNOWN), Unclear)
    assert isinstance(reader(("state", "pay", "calls"))(call, used), Unclear)


@pytest.mark.parametrize("path", ["a", "a.b", "customer.id", "a-b", "[x", "0"])
def test_a_path_of_an_argument_may_have_any_names(path: str) -> None:
    """Whatever an upstream calls its arguments."""
    assert why_no_argument(path) is None


@pytest.mark.parametrize("path", ["", "a.", ".a", "a..b", "a[0]", "a[*].b", "a.b[]"])
def test_a_path_into_a_list_or_of_nothing_leads_nowhere(path: str) -> None:
    """A list would be tested by one of its items alone."""
    assert why_no_argument(path) is not None


WIDE: dict[str, JSON] = {f"key_{number}": number for number in range(1_000)}


@pytest.mark.parametrize("more", [{}, {"schlüssel": 1}, {"a\0b": 1, "\0amount\0": 2}])
@pytest.mark.parametrize(
    ("name", "spelt", "twin"),
    [
        ("amount", "amount", False),
        ("amount", "Amount", True),
        ("amount", "AMOUNT", True),
        ("max_tokens", "max_to\u212aens", True),
        ("is_admin", "\u0131s_admin", True),
        ("user", "u\u017fer", True),
        ("größe", "größe", False),
        ("größe", "GRÖßE", True),
    ],
)
def test_an_object_of_many_keys_is_looked_through_too(name: str, spelt: str, more: dict[str, JSON], twin: bool) -> None:  # noqa: FBT001  # a table's column
    """By another way, which comes to the same answer; but a key that holds a zero byte may be taken for a twin."""
    few: dict[str, JSON] = {spelt: 9}
    for holder in (few, {**WIDE, **few}, {**few, **WIDE}, {**WIDE, **few, **more}):
        found = read(name, holder)
        assert isinstance(found, Unclear) is (twin or ("\0amount\0" in holder and name == "amount"))
    assert read(name, WIDE) is MISSING


@given(st.dictionaries(st.text(st.sampled_from("aAbB\u0130iI\u0131kK\u212asS\u017féÉ"), max_size=3), st.integers(), max_size=6), st.data())
def test_both_ways_of_looking_agree(holder: dict[str, JSON], data: st.DataObject) -> None:
    """Few keys are looked at one by one, many in one text."""
    names = data.draw(st.lists(st.text(st.sampled_from("aAbiIkKséÉ"), min_size=1, max_size=3), min_size=1, max_size=3, unique=True))
    one, other = (arguments([(name,) for name in names])(each) for each in (holder, {**WIDE, **holder}))
    assert [type(each) for each in one] == [type(each) for each in other]


def test_many_paths_are_found_in_one_look() -> None:
    """Each value is put where its path is, at every depth."""
    paths = [("a",), ("a", "b"), ("a", "b", "c"), ("x", "y"), ("x", "z"), ("n", "m"), ("A",)]
    found = arguments(paths)({"a": {"b": {"c": 1}}, "x": [], "n": None})
    assert found[:3] == [{"b": {"c": 1}}, {"c": 1}, 1]
    assert [type(each) for each in found[3:5]] == [Unclear, Unclear]
    assert found[5:6] == [MISSING]
    assert isinstance(found[6], Unclear)
    assert isinstance(arguments(paths)({"a": 1, "A": 2})[0], Unclear)
