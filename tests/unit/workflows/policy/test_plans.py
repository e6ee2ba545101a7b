"""Plans of one tool."""

from tests.unit.workflows.policy.documents import call
from workflows.policy.limits import Limit, Scope, Window
from workflows.policy.plans import compiled, fixed
from workflows.policy.shapes import Condition, Effect, Entry, Op, Rule, Verdict
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
