"""Plans of one tool."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import call, only, tool
from workflows.calls import JSON, ToolCall
from workflows.policy.limits import Limit, Scope, Window
from workflows.policy.plans import Check, both, compiled, either, fixed, opposite
from workflows.policy.shapes import Condition, Effect, Entry, Group, Joined, Op, Rule, Verdict
from workflows.policy.situation import UNKNOWN

LIMIT = Limit("/all_tools/limits/c", "c", Window.DAY, 1, Scope.GRANT)


def test_a_fixed_plan_reads_nothing() -> None:
    """The verdict of a hidden or unlisted tool does not depend on the arguments."""
    verdict = Verdict(Effect.DENY, "(hidden)", "No.")
    assert fixed(verdict).judge(call("pay", a=1), UNKNOWN) is verdict


def test_a_path_is_read_once() -> None:
    """Rules about one argument share its reading."""
    seen: list[object] = []

    def spy(value: object) -> bool:
        seen.append(value)
        return False

    condition = Condition(("args", "a"), Op.EQ, 1, spy)
    plan = compiled([Entry("pay", gates=(Rule("/1", (condition,)), Rule("/2", (condition,))))], (LIMIT,))
    assert plan.arguments is not None
    assert plan.arguments({"a": 5}) == [5]
    assert plan.readers == ()
    assert plan.judge(call("pay", a=5), UNKNOWN) == Verdict(Effect.ALLOW, "", "", limits=(LIMIT,))
    assert seen == [5, 5]


T, F, U = True, False, "it cannot be told"


def told(outcome: bool | str) -> Check:  # noqa: FBT001  # an outcome
    """A check with a known outcome."""
    return lambda _: outcome


@pytest.mark.parametrize(
    ("outcomes", "all_of", "any_of"),
    [
        ((), T, F),
        ((T,), T, T),
        ((F,), F, F),
        ((U,), U, U),
        ((T, F), F, T),
        ((F, T), F, T),
        ((T, U), U, T),
        ((U, T), U, T),
        ((F, U), F, U),
        ((U, F), F, U),
        ((U, "another"), U, U),
        ((U, F, T), F, T),
    ],
)
def test_outcomes_are_joined_by_three_values(outcomes: tuple[bool | str, ...], all_of: bool | str, any_of: bool | str) -> None:  # noqa: FBT001  # a table's columns
    """What settles it wins wherever it stands; of two that cannot be told the first is told."""
    checks = [told(outcome) for outcome in outcomes]
    assert both(checks, []) == all_of
    assert either(checks, []) == any_of


@given(st.lists(st.sampled_from([T, F, U]), max_size=4))
def test_joining_follows_de_morgan(outcomes: list[bool | str]) -> None:
    """Not all is the same as any not."""
    checks = [told(outcome) for outcome in outcomes]
    turned = [told(opposite(outcome)) for outcome in outcomes]
    assert opposite(both(checks, [])) == either(turned, [])


def test_what_cannot_be_told_has_no_opposite() -> None:
    """It stays what it is."""
    assert [opposite(outcome) for outcome in (T, F, U)] == [F, T, U]


class Watched(dict[str, JSON]):
    """An object that counts how often it is looked through, and looked into."""

    looks: int = 0
    gets: int = 0

    def __iter__(self) -> Iterator[str]:
        """Look through."""
        self.looks += 1
        return super().__iter__()

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401  # any JSON
        """Look into."""
        self.gets += 1
        return super().get(key, default)


@pytest.mark.parametrize("size", [3, 10_000])
def test_an_object_is_looked_through_once_for_all_rules(size: int) -> None:
    """A hundred rules about twenty arguments look into an object twenty times, and through it once: its keys are counted once."""
    rules = [only(f"args.deep.key_{number % 20}", "eq", number) for number in range(100)]
    plan = tool(deny_if=rules, require_approval=rules, require=[only("args.deep.key_1", "exists", False)]).plan("pay")
    deep = Watched({f"name_{number}": number for number in range(size)})
    outer = Watched(deep=deep)
    plan.judge(ToolCall("bank", "pay", outer), UNKNOWN)
    assert (outer.looks, outer.gets) == (1, 1)
    assert (deep.looks, deep.gets) == (1, 20)


def test_a_condition_is_tested_at_most_once_in_a_call() -> None:
    """Groups of any depth cost what is written in them, whatever the arguments."""
    tested: list[object] = []

    def spy(value: object) -> bool | str:
        tested.append(value)
        return "it cannot be told"

    condition = Condition(("args", "a"), Op.EQ, 1, spy)
    group: Condition | Group = condition
    for joined in [Joined.ANY, Joined.ALL, Joined.NOT] * 2:
        group = Group(joined, (group,) * 3 if joined is not Joined.NOT else (group,))
    plan = compiled([Entry("pay", gates=(Rule("/1", (group,), needed=False),))], ())
    assert plan.judge(call("pay", a=5), UNKNOWN).effect is Effect.DENY
    assert len(tested) == 3**4


def test_the_first_denial_ends_it() -> None:
    """What comes after it is not asked."""
    tested: list[str] = []

    def spy(name: str, outcome: bool) -> Condition:  # noqa: FBT001  # an outcome
        def test(_: object) -> bool:
            tested.append(name)
            return outcome

        return Condition(("args", name), Op.EQ, 1, test)

    rules = [Rule(f"/{name}", (spy(name, outcome),)) for name, outcome in (("a", False), ("b", True), ("c", True))]
    assert compiled([Entry("pay", gates=tuple(rules))], ()).judge(call(), UNKNOWN).rule == "/b"
    assert tested == ["a", "b"]
