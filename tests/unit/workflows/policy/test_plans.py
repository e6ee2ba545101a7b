"""Plans of one tool."""

from workflows.calls import JSON
from workflows.policy.limits import Limit, Scope, Window
from workflows.policy.plans import compiled, fixed
from workflows.policy.shapes import Condition, Effect, Entry, Op, Rule, Verdict

LIMIT = Limit("/all_tools/limits/c", "c", Window.DAY, 1, Scope.GRANT)


def test_a_fixed_plan_reads_nothing() -> None:
    """The verdict of a hidden or unlisted tool does not depend on the arguments."""
    verdict = Verdict(Effect.DENY, "(hidden)", "No.")
    assert fixed(verdict).judge({"a": 1}) is verdict


def test_a_path_is_read_once() -> None:
    """Rules about one argument share its reading."""
    seen: list[object] = []

    def spy(value: object) -> bool:
        seen.append(value)
        return False

    condition = Condition(("a",), Op.EQ, 1, spy)
    plan = compiled([Entry("pay", deny_if=(Rule("/1", (condition,)), Rule("/2", (condition,))))], (LIMIT,))
    arguments: dict[str, JSON] = {"a": 5}
    assert len(plan.readers) == 1
    assert plan.judge(arguments) == Verdict(Effect.ALLOW, "", "", limits=(LIMIT,))
    assert seen == [5, 5]
