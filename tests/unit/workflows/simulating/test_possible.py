"""What is not known never makes an answer impossible that it had."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.workflows.policy import generating
from tests.unit.workflows.policy.documents import call, only, policy, tool
from workflows.calls import JSON, ToolCall
from workflows.policy import KnownTool, Policy, Situation, evaluate, load
from workflows.simulating.possible import HIDDEN, UNRECORDED, Answer, Partly, answer_of, possible

READ = KnownTool("Read", "Low")
KNOWN = Situation(label="ci", owner="local:ann", tool=READ)


def partly(arguments: dict[str, Any], situation: Situation = KNOWN, *, whole: bool = True) -> Partly:
    """A call of `pay` that is known in part."""
    return Partly(ToolCall("bank", "pay", arguments), situation, whole)


def answers(loaded: Policy, arguments: dict[str, Any], situation: Situation = KNOWN, *, whole: bool = True) -> str:
    """The possible answers, sorted, in one text."""
    return " ".join(sorted(each.value for each in possible(loaded, partly(arguments, situation, whole=whole)).answers))


def holes(value: JSON, taken: st.DataObject) -> object:
    """Take some of what is known away."""
    if taken.draw(st.integers(0, 3)) == 0:
        return UNRECORDED if value is None or taken.draw(st.booleans()) else HIDDEN
    if isinstance(value, dict):
        return {key: holes(item, taken) for key, item in value.items()}
    return [holes(item, taken) for item in value] if isinstance(value, list) else value


def without_sums(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out limits that add arguments up: whether an amount that was not recorded can be counted is not asked."""
    text = json.loads(json.dumps(document))
    for place in (text.get("all_tools", {}), *text.get("tools", {}).values()):
        place["limits"] = [limit for limit in place.get("limits", []) if "increment_from" not in limit]
    return dict(text)


@settings(deadline=None, max_examples=300)
@given(generating.documents(), generating.calls(), generating.situations(), st.data())
def test_the_answer_to_the_whole_call_is_among_the_possible_ones(
    document: dict[str, Any], asked: ToolCall, situation: Situation, taken: st.DataObject
) -> None:
    """Whatever is taken away of arguments, of the owner and of the tool; a call of which all is known has one answer."""
    loaded = load(json.dumps(without_sums(document)), name="random")
    full = replace(situation, tool=situation.tool or READ, owner=situation.owner or "local:ann")
    answer = answer_of(evaluate(loaded, asked, full))
    assert possible(loaded, Partly(asked, full)).answers == {answer}
    arguments: Any = {key: holes(value, taken) for key, value in asked.arguments.items()}
    less = replace(
        full,
        owner=taken.draw(st.sampled_from([None, full.owner])),
        tool=taken.draw(st.sampled_from([full.tool, full.tool if full.tool and full.tool.changed else None])),
    )
    whole = taken.draw(st.booleans())
    if not whole:
        arguments = {key: value for key, value in arguments.items() if taken.draw(st.booleans())}
    assert answer in possible(loaded, Partly(replace(asked, arguments=arguments), less, whole)).answers


ASKING = tool(require=[only("args.to", "exists", True)], require_approval=[only("args.amount", "gt", 5)])


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"to": "x", "amount": 6}, "hold"),
        ({"to": "x"}, "allow"),
        ({"to": "x", "amount": UNRECORDED}, "allow hold"),
        ({"to": HIDDEN, "amount": 6}, "hold"),
        ({"to": UNRECORDED, "amount": 6}, "deny hold"),
        ({"amount": UNRECORDED}, "deny"),
        ({"to": UNRECORDED, "amount": UNRECORDED}, "allow deny hold"),
    ],
)
def test_what_hangs_on_the_unknown(arguments: dict[str, Any], found: str) -> None:
    """A missing key is known to be missing, and a hidden value is known to be there."""
    assert answers(ASKING, arguments) == found


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([("args.a", "gt", 5), ("args.b", "eq", 1)], "deny"),
        ([("args.a", "gt", 5), ("args.b", "eq", 2)], "deny"),
        ([("args.b", "eq", 1), ("args.c", "eq", 1)], "allow deny"),
        ([("args.a", "gt", 5), ("args.c", "eq", 1)], "deny"),
    ],
)
def test_what_cannot_be_told_fails_a_requirement(conditions: list[tuple[str, str, JSON]], found: str) -> None:
    """Beside a condition that is met, and beside one that is open: `a` is a text here, and `c` is not known."""
    rule: Any = {"conditions": [{"path": path, "op": op, "value": value} for path, op, value in conditions]}
    assert answers(tool(require=[rule]), {"a": "x", "b": 1, "c": UNRECORDED}) == found
    turned: Any = {"conditions": [{"not": {"any": [{"not": each} for each in rule["conditions"]]}}]}
    assert answers(tool(require=[turned]), {"a": "x", "b": 1, "c": UNRECORDED}) == found


def test_a_key_that_is_not_known_may_be_any() -> None:
    """Where names of arguments are hidden, none is known to be missing."""
    assert answers(ASKING, {}) == "deny"
    assert answers(ASKING, {}, whole=False) == "allow deny hold"


def test_the_rule_is_the_one_on_which_it_hangs() -> None:
    """The first whose outcome is open, or the one that decides."""
    assert possible(ASKING, partly({"to": "x", "amount": UNRECORDED})).rule == "/tools/pay/require_approval/args.amount-gt"
    assert possible(ASKING, partly({"amount": UNRECORDED})).rule == "/tools/pay/require/args.to-exists"
    assert possible(policy(), partly({"amount": UNRECORDED})).rule == "(default deny)"
    assert possible(policy(hide=["pay"]), partly({"amount": UNRECORDED})).rule == "(hidden)"


def test_what_is_inside_a_hidden_value_is_not_known() -> None:
    """Not even whether it is there."""
    loaded = tool(deny_if=[only("args.login.name", "exists", True)])
    assert answers(loaded, {"login": HIDDEN}) == "allow deny"
    assert answers(loaded, {"login": {"name": HIDDEN}}) == "deny"
    assert answers(tool(deny_if=[only("args.list", "contains", "x")]), {"list": ["x", UNRECORDED]}) == "allow deny"


def test_who_answers_and_what_the_tool_is_may_be_unknown() -> None:
    """Then a rule about it is open; one about the tool's name is not."""
    rules = tool(deny_if=[only("grant.owner", "eq", "local:bob"), only("tool.category", "eq", "Financial"), only("tool.name", "eq", "x")])
    assert answers(rules, {}) == "allow"
    assert answers(rules, {}, replace(KNOWN, owner=None)) == "allow deny"
    assert answers(rules, {}, replace(KNOWN, tool=None)) == "allow deny"


def test_an_amount_is_counted_as_far_as_it_was_recorded() -> None:
    """One that cannot be counted is denied, and one that is not known is taken for one that can."""
    loaded = tool(limits=[{"counter": "c", "window": "day", "max": 5, "scope": "grant", "increment_from": "args.amount"}])
    assert answers(loaded, {"amount": -1, "x": UNRECORDED}) == "deny"
    assert answers(loaded, {"x": UNRECORDED}) == "deny"
    assert answers(loaded, {"amount": UNRECORDED}) == "allow"
    assert answers(loaded, {}, whole=False) == "allow"


def test_a_policy_that_watches_holds_nothing() -> None:
    """Also where it is open whether it would."""
    loaded = policy(mode="monitor", tools={"pay": {"require_approval": [only("args.amount", "gt", 5)]}})
    assert answers(loaded, {"amount": UNRECORDED}) == "allow allow (monitored)"
    assert answer_of(evaluate(loaded, call("pay", amount=6))) is Answer.WATCH


@pytest.mark.parametrize(("changes", "found"), [({}, "hold"), ({"changed_tools": "deny"}, "deny"), ({"approval": {}}, "deny")])
def test_a_changed_definition_is_held_or_denied(changes: dict[str, Any], found: str) -> None:
    """As by evaluate."""
    changed = replace(KNOWN, tool=replace(READ, changed="- a"))
    loaded = policy(tools={"pay": {"require": [only("args.amount", "neq", 5)]}}, **changes)
    assert answers(loaded, {"amount": UNRECORDED}, changed) == " ".join(sorted({"deny", found}))


@pytest.mark.parametrize(("mode", "found"), [("enforce", "deny"), ("monitor", "allow (monitored) deny")])
def test_a_change_that_could_not_be_shown_whole_is_denied(mode: str, found: str) -> None:
    """As by evaluate, which forwards it where the policy only watches."""
    changed = replace(KNOWN, tool=replace(READ, changed="- a", partial=True))
    loaded = policy(mode=mode, tools={"pay": {"require": [only("args.amount", "neq", 5)]}})
    assert answers(loaded, {"amount": UNRECORDED}, changed) == found
    assert answers(loaded, {"amount": 6}, changed) in found
