"""Reading conditions, and how they are joined."""

from typing import Any

import pytest

from tests.unit.workflows.policy.documents import call, document, only, places, problems, said, tool
from workflows.calls import JSON
from workflows.policy import Effect, evaluate
from workflows.policy.predicates import DEEPEST, KEYS, condition, conditions, label
from workflows.policy.shapes import Condition, Group, Joined, Op

A: dict[str, JSON] = {"path": "args.a", "op": "eq", "value": 1}
B: dict[str, JSON] = {"path": "args.b", "op": "gt", "value": 5}
AT = "/tools/pay/deny_if/0"


def read(*written: Any) -> tuple[Condition | Group, ...]:  # noqa: ANN401  # conditions of any depth
    """Read conditions that have no problem."""
    found: list[str] = []
    rule: dict[str, JSON] = {"conditions": [*written]}
    tests = conditions(rule, rule, "", lambda at, message: found.append(f"{at}: {message}"))
    assert found == []
    return tests


def nested(depth: int) -> dict[str, JSON]:
    """A condition inside so many groups."""
    return A if depth == 0 else {"all": [nested(depth - 1)]}


def denying(*written: Any) -> dict[str, JSON]:  # noqa: ANN401  # conditions of any depth
    """A document that denies by conditions."""
    return document(tools={"pay": {"deny_if": [{"conditions": [*written]}]}})


def test_a_condition_is_read() -> None:
    """Its path is split, and its keys are all that there are."""
    (found,) = read(A)
    assert isinstance(found, Condition)
    assert (found.path, found.op, found.value) == (("args", "a"), Op.EQ, 1)
    assert A.keys() == KEYS


def test_groups_are_read_at_every_depth() -> None:
    """Conditions are joined by any, all and not, one inside the other."""
    (found,) = read({"any": [A, {"all": [B, {"not": [A]}]}]})
    assert isinstance(found, Group)
    assert found.joined is Joined.ANY
    assert label((found,)) == "any(args.a-eq,all(args.b-gt,not(args.a-eq)))"


def test_a_negated_condition_needs_no_list() -> None:
    """`not` takes one condition, or a list, which is met when not all of it is."""
    assert read({"not": A}) == read({"not": [A]})
    assert read({"not": {"any": [A]}}) == read({"not": [{"any": [A]}]})


def test_a_rule_is_named_after_its_conditions() -> None:
    """A rule without conditions is always met, and is called so."""
    assert label(()) == "always"
    assert label(read(A, B)) == "args.a-eq+args.b-gt"


def test_groups_may_be_nested_eight_deep() -> None:
    """Deeper than that, nobody reads them."""
    read(nested(DEEPEST))
    (problem,) = problems(denying(nested(DEEPEST + 1)))
    assert problem.pointer == f"{AT}/conditions/0" + "/all/0" * DEEPEST
    assert "8 levels" in problem.message


def test_the_depth_of_a_document_bounds_every_reader() -> None:
    """A document cannot be so deep that reading it fails."""
    assert len(problems(denying(nested(25)))) == 1
    assert "nested deeper" in problems(denying(nested(40)))[0].message


SLIPS: list[tuple[dict[str, Any], str, str]] = [
    ({"any": []}, "/any", "at least one condition"),
    ({"all": []}, "/all", "at least one condition"),
    ({"not": []}, "/not", "at least one condition"),
    ({"any": {}}, "/any", "a list"),
    ({"any": A}, "/any", "a list"),
    ({"all": None}, "/all", "a list"),
    ({"not": "x"}, "/not", "a list"),
    ({"any": ["x"]}, "/any/0", "an object"),
    ({"any": [A, {"any": []}]}, "/any/1/any", "at least one condition"),
    ({"any": [A], "all": [B]}, "", '"any" stands alone in its object: put "all" into an object of its own.'),
    ({"any": [A], "op": "eq"}, "", 'put "op" into'),
    ({"not": A, "on_deny": "x"}, "", 'put "on_deny" into'),
    ({"any": [{**A, "extra": 1}]}, "/any/0/extra", "Known here"),
    ({"any": [{**A, "op": "equals"}]}, "/any/0/op", "eq, neq"),
    ({"not": {**A, "value": "1", "op": "gt"}}, "/not/value", "without quotes"),
    ({"not": {"any": [{**A, "path": "a"}]}}, "/not/any/0/path", '"args.a"'),
    ({**A, "path": "args.a[0]"}, "/path", "list"),
    ({**A, "path": "state.pay.calls"}, "/path", '"limits"'),
]


@pytest.mark.parametrize(("written", "place", "word"), SLIPS)
def test_a_slip_in_a_group_is_told_at_its_place(written: dict[str, Any], place: str, word: str) -> None:
    """Each slip has one problem, at its place, with what to write."""
    assert places(denying(written)) == [f"{AT}/conditions/0{place}"]
    assert word in said(denying(written), f"{AT}/conditions/0{place}")


@pytest.mark.parametrize(("key", "ours"), [("or", "any"), ("and", "all"), ("none", "not"), ("anyOf", "any")])
def test_words_of_other_languages_are_answered_with_ours(key: str, ours: str) -> None:
    """Whoever joins conditions as elsewhere is told the word that is meant."""
    assert f'"{ours}"' in said(denying({key: [A]}), f"{AT}/conditions/0/{key}")


@pytest.mark.parametrize("rule", [A, {"any": [A]}, {"all": [A]}, {"not": A}])
def test_conditions_that_stand_in_the_rule_itself_are_told_where_they_belong(rule: dict[str, JSON]) -> None:
    """A rule without the list of its conditions says what is missing."""
    written = document(tools={"pay": {"deny_if": [rule]}})
    assert set(places(written)) == {AT, *(f"{AT}/{key}" for key in rule)}
    assert all('"conditions": [' in problem.message for problem in problems(written))


def test_other_subjects_are_for_who_allows_them() -> None:
    """A format that has counters reads their paths itself."""
    found: list[str] = []
    written: JSON = {"path": "state.pay.calls", "op": "lte", "value": 5}
    counter = condition(written, "/c", lambda at, _: found.append(at), subjects={"state"})
    assert counter is not None
    assert counter.path == ("state", "pay", "calls")
    assert found == []


TABLE = [
    # the joined conditions                         a=1,b=9  a=1,b=1  a=2,b=9  a=2,b=1  a=1      b=9      a=[],b=9 a=[],b=1
    ({"any": [A, B]}, ["deny", "deny", "deny", "allow", "deny", "deny", "deny", "deny"]),
    ({"all": [A, B]}, ["deny", "allow", "allow", "allow", "allow", "allow", "deny", "allow"]),
    ({"not": A}, ["allow", "allow", "deny", "deny", "allow", "deny", "deny", "deny"]),
    ({"not": [A, B]}, ["allow", "deny", "deny", "deny", "deny", "deny", "deny", "deny"]),
    ({"not": {"any": [A, B]}}, ["allow", "allow", "allow", "deny", "allow", "allow", "allow", "deny"]),
    ({"not": {"not": A}}, ["deny", "deny", "allow", "allow", "deny", "allow", "deny", "deny"]),
    ({"any": [{"not": A}, B]}, ["deny", "allow", "deny", "deny", "allow", "deny", "deny", "deny"]),
    ({"not": {"path": "args.a", "op": "exists", "value": True}}, ["allow", "allow", "allow", "allow", "allow", "deny", "allow", "allow"]),
    ({"not": {"path": "args.a", "op": "neq", "value": 1}}, ["deny", "deny", "allow", "allow", "deny", "deny", "deny", "deny"]),
]
CALLS: list[dict[str, JSON]] = [
    {"a": 1, "b": 9},
    {"a": 1, "b": 1},
    {"a": 2, "b": 9},
    {"a": 2, "b": 1},
    {"a": 1},
    {"b": 9},
    {"a": [], "b": 9},
    {"a": [], "b": 1},
]


@pytest.mark.parametrize(("written", "expected"), TABLE)
def test_joined_conditions_under_deny_if(written: dict[str, JSON], expected: list[str]) -> None:
    """What is met denies, and so does what cannot be told; what a missing argument leaves open inside a `not` cannot be told."""
    loaded = tool(deny_if=[{"conditions": [written]}])
    assert [evaluate(loaded, call("pay", **arguments)).effect.value for arguments in CALLS] == expected


@pytest.mark.parametrize(("written", "_"), TABLE)
def test_joined_conditions_under_require(written: dict[str, JSON], _: list[str]) -> None:
    """No call meets a requirement and is denied by the same words as a denial only where it is certain."""
    required, denied = tool(require=[{"conditions": [written]}]), tool(deny_if=[{"conditions": [written]}])
    for arguments in CALLS:
        passes = evaluate(required, call("pay", **arguments))
        stops = evaluate(denied, call("pay", **arguments))
        assert not (passes.effect is Effect.ALLOW and stops.effect is Effect.ALLOW)
        untold = stops.message.removeprefix(f'Denied by rule "{stops.rule}".') != ""
        assert (passes.effect is Effect.ALLOW) is (stops.effect is Effect.DENY and not untold)


def test_what_is_missing_inside_a_not_is_told() -> None:
    """The sentence says which argument to send."""
    assert "args.a is missing" in evaluate(tool(deny_if=[{"conditions": [{"not": A}]}]), call()).message
    assert "args.a is missing" in evaluate(tool(require=[{"conditions": [{"not": A}]}]), call()).message


@pytest.mark.parametrize(
    ("op", "value"), [("eq", 1), ("in", [1]), ("gt", 1), ("lte", 1), ("regex", "x"), ("contains", "x"), ("neq", 1), ("not_in", [1])]
)
@pytest.mark.parametrize("key", ["require", "deny_if"])
def test_no_operator_inside_a_not_is_passed_by_leaving_the_argument_out(key: str, op: str, value: JSON) -> None:
    """Not below a group either."""
    one: JSON = {"path": "args.a", "op": op, "value": value}
    negated: tuple[dict[str, JSON], ...] = ({"not": one}, {"not": {"any": [one]}}, {"all": [{"not": [one]}]})
    for each in negated:
        verdict = evaluate(tool(**{key: [{"conditions": [each]}]}), call())
        assert verdict.effect is Effect.DENY
        assert "args.a is missing" in verdict.message


def test_a_group_names_its_rule() -> None:
    """A rule id is made of what it joins."""
    assert evaluate(tool(deny_if=[only("args.z", "exists", True), {"conditions": [{"any": [A, B]}]}]), call("pay", b=9)).rule == (
        "/tools/pay/deny_if/any(args.a-eq,args.b-gt)"
    )
