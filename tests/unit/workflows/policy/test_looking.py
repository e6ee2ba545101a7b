"""What a condition saw, as it may be shown."""

from decimal import Decimal

import pytest

from workflows.calls import JSON
from workflows.policy.looking import LONGEST, Joint, Met, look, shown, text, together
from workflows.policy.paths import MISSING, Unclear
from workflows.policy.predicates import listed
from workflows.policy.shapes import Op


def seen(condition: JSON, values: dict[str, object]) -> tuple[str, str]:
    """Look at one condition with these values by path; whether it is met, and why."""
    problems: list[str] = []
    [read] = listed([condition], "", "conditions", lambda _, message: problems.append(message))
    assert problems == []
    found = look(read, lambda path: values.get(".".join(path), MISSING))
    return found.outcome.value, found.why


ONE: JSON = {"path": "args.a", "op": "gt", "value": 1}
TWO: JSON = {"path": "args.b", "op": "gt", "value": 1}


@pytest.mark.parametrize(
    ("condition", "values", "outcome", "why"),
    [
        ({"any": [ONE, TWO]}, {"args.a": 0, "args.b": 2}, "met", "args.b is 2, more than 1"),
        ({"any": [ONE, TWO]}, {"args.a": 0, "args.b": 1}, "not met", "args.a is 0, not more than 1; args.b is 1, not more than 1"),
        ({"any": [ONE, TWO]}, {"args.a": 0, "args.b": Unclear("It is odd.")}, "cannot be told", "It is odd."),
        ({"all": [ONE, TWO]}, {"args.a": 2, "args.b": 2}, "met", "All of its conditions are met"),
        ({"all": [ONE, TWO]}, {"args.a": Unclear("It is odd."), "args.b": 1}, "not met", "args.b is 1, not more than 1"),
        ({"not": ONE}, {"args.a": 2}, "not met", "args.a is 2, more than 1 (and it is asked that this is not so)"),
        ({"not": ONE}, {"args.a": Unclear("It is odd.")}, "cannot be told", "It is odd."),
    ],
)
def test_groups_say_what_settles_them(condition: JSON, values: dict[str, object], outcome: str, why: str) -> None:
    """The member that decides is named, or all of them."""
    assert seen(condition, values) == (outcome, why)


def test_a_rule_without_conditions_is_for_every_call() -> None:
    """It says so."""
    assert together([]) == (Met.MET, "It has no conditions, so it is for every call.")


def test_every_operator_has_its_words() -> None:
    """No operator is left without a sentence, met or not."""
    values: dict[Op, JSON] = {Op.IN: [1], Op.NOT_IN: [1], Op.EXISTS: True, Op.REGEX: "1"}
    for op in Op:
        for value in (1, 2, "1", "2", None):
            outcome, why = seen({"path": "args.a", "op": op.value, "value": values.get(op, 1)}, {"args.a": value})
            assert why.startswith("args.a is ")
            assert outcome in {met.value for met in Met}


@pytest.mark.parametrize("value", ["x" * 10_000, "\u202e" * 300, [1] * 1_000, {"a": {"b": ["y"] * 500}}, 10**400])
def test_what_is_shown_is_bounded(value: JSON) -> None:
    """However large a value is, and of whatever kind."""
    assert len(text(shown(("args", "a"), value))) <= LONGEST + 1


@pytest.mark.parametrize("value", [None, True, 5, 5.5, "x", [1, {"a": []}], {"a": None}])
def test_a_small_value_is_shown_as_it_is(value: JSON) -> None:
    """It stays JSON."""
    assert shown(("args", "a"), value) == value


def test_secrets_are_hidden_by_every_name_on_the_way() -> None:
    """A value inside one that is secret is secret too; what the policy itself knows is not."""
    assert "hunter2" not in str(shown(("args", "password"), "hunter2"))
    assert "hunter2" not in str(shown(("args", "credentials", "name"), "hunter2"))
    assert "hunter2" not in str(shown(("args", "login"), {"password": "hunter2"}))
    assert shown(("grant", "label"), "token") == "token"


def test_what_counters_hold_is_a_number() -> None:
    """Millionths too."""
    assert shown(("state", "a", "b"), Decimal("2.5")) == 2.5


def test_a_group_is_nested_in_json() -> None:
    """Its members stand under the word that joins them."""
    [read] = listed([{"any": [ONE, {"not": TWO}]}], "", "conditions", lambda *_: None)
    found = look(read, lambda _: 0)
    assert isinstance(found, Joint)
    plain = found.plain()
    assert isinstance(plain["any"], list)
    assert plain["any"][1] == found.members[1].plain()
    assert plain["outcome"] == "met"
