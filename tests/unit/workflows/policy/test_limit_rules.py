"""Reading limits."""

from typing import Any

import pytest

from tests.unit.workflows.policy.documents import call, document, places, policy, said, tool
from workflows.calls import JSON
from workflows.policy import Limit, Scope, Window, evaluate
from workflows.policy.limit_rules import KEYS, LARGEST_SUM, limits, rule_id

LIMIT: dict[str, JSON] = {"counter": "c", "window": "minute", "max": 5}
AT = "/tools/pay/limits/0"


def read(*written: dict[str, JSON]) -> tuple[Limit, ...]:
    """Read limits that have no problem."""
    found: list[str] = []
    read_ = limits({"limits": [*written]}, "", lambda at, message: found.append(f"{at}: {message}"))
    assert found == []
    return read_


def test_a_limit_is_shared_by_the_grant_unless_it_says_otherwise() -> None:
    """The scope may be left out."""
    assert read(LIMIT) == (Limit("/limits/c", "c", Window.MINUTE, 5, Scope.GRANT),)
    assert read({**LIMIT, "scope": "tool"})[0].scope is Scope.TOOL


def test_every_key_is_read() -> None:
    """A limit says what it counts, in its own words when it is used up."""
    whole: dict[str, JSON] = {**LIMIT, "scope": "server", "increment_from": "args.order.total", "on_deny": " Enough for today. "}
    assert whole.keys() == KEYS
    (limit,) = read(whole)
    assert (limit.increment_from, limit.message, limit.scope) == (("order", "total"), "Enough for today.", Scope.SERVER)
    assert read({**LIMIT, "on_deny": "  "})[0].message == ""


def test_the_words_of_a_limit_reach_the_verdict() -> None:
    """Whoever refuses a call for a limit has its words at hand."""
    verdict = evaluate(tool(limits=[{**LIMIT, "on_deny": "Enough."}]), call())
    assert [limit.message for limit in verdict.limits] == ["Enough."]


def test_limits_of_one_name_are_told_apart() -> None:
    """One counter may have several windows or scopes; each limit has an id of its own."""
    found = read(LIMIT, {**LIMIT, "window": "day"}, {**LIMIT, "scope": "global"})
    assert [limit.rule for limit in found] == ["/limits/c", "/limits/c-2", "/limits/c-3"]
    assert [limit.counter for limit in found] == ["c", "c", "c"]


def test_an_id_is_never_given_twice() -> None:
    """Also not when a counter has the name that another one would get."""
    taken: dict[str, int] = {}
    assert [rule_id("/x", name, taken) for name in ("a-2", "a", "a", "a", "a/b")] == ["/x/a-2", "/x/a", "/x/a-3", "/x/a-4", "/x/a~1b"]


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({"increment_from": 5}, "/increment_from", "a number"),
    ({"increment_from": "amount"}, "/increment_from", '"args.amount"'),
    ({"increment_from": "args"}, "/increment_from", '"args.amount"'),
    ({"increment_from": "args."}, "/increment_from", '"args.amount"'),
    ({"increment_from": "tool.risk"}, "/increment_from", '"args.amount"'),
    ({"increment_from": "args.a..b"}, "/increment_from", "single dots"),
    ({"increment_from": "args.items[0].amount"}, "/increment_from", "list"),
    ({"increment_from": "args.a", "max": LARGEST_SUM + 1}, "/max", "9,007,199,254"),
    ({"max": 2**53}, "/max", "9,007,199,254,740,991"),
    ({"max": 10**400}, "/max", "smaller"),
    ({"on_deny": None}, "/on_deny", "null"),
    ({"on_deny": "x" * 2_001}, "/on_deny", "shorter"),
    ({"counter": " "}, "/counter", "name"),
    ({"counter": "x" * 201}, "/counter", "name"),
    ({"increment": 5}, "/increment", "increment_from"),
    ({"scop": "tool"}, "/scop", 'did you mean "scope"'),
    ({"window": "minutes"}, "/window", 'did you mean "minute"'),
]


@pytest.mark.parametrize(("changes", "place", "word"), SLIPS)
def test_a_slip_is_told_at_its_key(changes: dict[str, Any], place: str, word: str) -> None:
    """Each slip has one problem, at its place, with what to write."""
    written = document(tools={"pay": {"limits": [{**LIMIT, **changes}]}})
    assert places(written) == [f"{AT}{place}"]
    assert word in said(written, f"{AT}{place}")


def test_the_largest_that_is_counted_is_counted() -> None:
    """The bounds themselves load."""
    assert read({**LIMIT, "max": 2**53 - 1})[0].max == 2**53 - 1
    assert read({**LIMIT, "max": LARGEST_SUM, "increment_from": "args.a"})[0].ceiling == LARGEST_SUM * 1_000_000


def test_one_counter_under_two_tools_is_two_counters() -> None:
    """A limit is known by its rule."""
    loaded = policy(tools={"a": {"limits": [LIMIT]}, "b": {"limits": [LIMIT]}})
    assert len({evaluate(loaded, call(name)).limits[0].name for name in "ab"}) == 2


def test_amounts_and_calls_have_counters_of_their_own() -> None:
    """A limit that begins to add up an argument does not go on from a number of calls."""
    assert len({read(LIMIT)[0].name, read({**LIMIT, "increment_from": "args.a"})[0].name}) == 2
