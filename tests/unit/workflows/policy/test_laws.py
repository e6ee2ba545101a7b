"""What holds for every policy, every call and every situation."""

import copy
import json
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.unit.workflows.policy import generating, reference
from tests.unit.workflows.policy.documents import places
from tests.unit.workflows.policy.generating import Written, calls, documents, situations
from workflows.calls import JSON, ToolCall
from workflows.policy import Effect, Policy, Situation, Verdict, evaluate, load

many = settings(deadline=None, max_examples=100)
listed = documents(listing="pay")
of_listed = calls(st.just("pay"))
KNOWN = sorted({key for _, keys in generating.objects({"approval": {}, "redact": {}, "all_tools": {}}) for key in keys})
FOREIGN = ["rules", "rate_limit", "action", "state", "spend", "approvals", "description", "conditions", "path", "any", "not", "window", ""]


def read(drawn: Written) -> Policy:
    """Load a document."""
    return load(json.dumps(drawn), name="p")


def strictness(verdict: Verdict) -> int:
    """Put effects in order; a call that was only watched would have been held."""
    return {Effect.DENY: 2, Effect.HOLD: 1, Effect.ALLOW: 1 if verdict.monitored else 0}[verdict.effect]


def changed(drawn: Written, key: str, rule: Written | list[Written], data: st.DataObject) -> Written:
    """Put one more rule into an entry that is there, anywhere among those of its kind."""
    more = copy.deepcopy(drawn)
    entry = more["tools"][data.draw(st.sampled_from(sorted(more["tools"])))]
    rules = entry.setdefault(key, [])
    rules.insert(data.draw(st.integers(0, len(rules))), rule)
    return more


@many
@given(listed, generating.denials(), of_listed, situations(), st.data())
def test_a_denial_never_becomes_an_allow_by_adding_a_deny_if(
    drawn: Written, rule: Written, call: ToolCall, situation: Situation, data: st.DataObject
) -> None:
    """Whatever it says, wherever it stands, whoever asks: one more denial denies more, or nothing else."""
    before = evaluate(read(drawn), call, situation)
    after = evaluate(read(changed(drawn, "deny_if", rule, data)), call, situation)
    assert after.effect is Effect.DENY or (after.effect, after.hold, after.monitored) == (before.effect, before.hold, before.monitored)
    assert strictness(after) >= strictness(before)


@many
@given(listed, generating.denials(), of_listed, situations(), st.data())
def test_one_more_requirement_opens_nothing(
    drawn: Written, rule: Written, call: ToolCall, situation: Situation, data: st.DataObject
) -> None:
    """A requirement denies more, or nothing else."""
    before = evaluate(read(drawn), call, situation)
    after = evaluate(read(changed(drawn, "require", rule, data)), call, situation)
    assert after.effect is Effect.DENY or (after.effect, after.hold, after.monitored) == (before.effect, before.hold, before.monitored)
    assert strictness(after) >= strictness(before)


@many
@given(listed, generating.questions(), of_listed, situations(), st.data())
def test_one_more_question_opens_nothing(drawn: Written, rule: Written, call: ToolCall, situation: Situation, data: st.DataObject) -> None:
    """What was denied stays denied, what was held is held by no fewer people, and nobody may leave out a reason who could not before."""
    before = evaluate(read(drawn), call, situation)
    after = evaluate(read(changed(drawn, "require_approval", rule, data)), call, situation)
    assert strictness(after) >= strictness(before)
    held, now = before.hold or before.monitored, after.hold or after.monitored
    if held is not None and now is not None and before.rule != "(changed definition)":
        votes = ["never", "deny", "always"]
        assert now.quorum >= held.quorum
        assert votes.index(now.reason_required) >= votes.index(held.reason_required)


@many
@given(documents(listing="*"), generating.entries(), st.sampled_from([*generating.TOOLS, "pay*"]), calls(), situations())
def test_one_more_entry_opens_nothing_that_is_listed(
    drawn: Written, entry: Written, name: str, call: ToolCall, situation: Situation
) -> None:
    """An entry lists tools, which is what it is for; where a tool is listed already, it takes nothing away."""
    tools = {key: each for key, each in drawn["tools"].items() if key != name}
    drawn = {**drawn, "tools": tools}
    before = evaluate(read(drawn), call, situation)
    after = evaluate(read({**drawn, "tools": {**tools, name: entry}}), call, situation)
    assert strictness(after) >= strictness(before)


@many
@given(documents(), st.sampled_from([*generating.TOOLS, "pay*", "*"]), calls(), situations())
def test_hiding_opens_nothing(drawn: Written, name: str, call: ToolCall, situation: Situation) -> None:
    """What is hidden is denied, and nothing else changes."""
    hidden = [each for each in drawn.get("hide", []) if each != name]
    drawn = {**drawn, "hide": hidden}
    before = evaluate(read(drawn), call, situation)
    after = evaluate(read({**drawn, "hide": [*hidden, name]}), call, situation)
    if reference.fits(name, call.tool):
        assert (after.effect, after.rule) == (Effect.DENY, "(hidden)")
    else:
        assert after == before


@many
@given(documents(), calls(), situations())
def test_every_verdict_is_whole(drawn: Written, call: ToolCall, situation: Situation) -> None:
    """A denial reserves nothing and says why; a hold says how; the same call gets the same answer."""
    loaded = read(drawn)
    verdict = evaluate(loaded, call, situation)
    assert verdict == evaluate(read(drawn), call, situation)
    assert (verdict.hold is not None) is (verdict.effect is Effect.HOLD)
    assert verdict.monitored is None or (verdict.effect is Effect.ALLOW and drawn["mode"] == "monitor")
    if verdict.effect is Effect.DENY:
        assert verdict.limits == ()
        assert verdict.message
    if verdict.effect is not Effect.ALLOW:
        assert verdict.rule
    assert verdict.hold is None or verdict.hold.approvers in loaded.approver_groups


@many
@given(documents(listing="pay") | documents(), of_listed | calls(), situations())
def test_verdicts_are_those_of_the_written_semantics(drawn: Written, call: ToolCall, situation: Situation) -> None:
    """A second reading of the language, made with other means, comes to the same answer."""
    verdict = evaluate(read(drawn), call, situation)
    hold = verdict.hold or verdict.monitored
    told = (
        verdict.effect.value,
        None if hold is None else (hold.approvers, hold.quorum, hold.expires_in, hold.reason_required),
        [(limit.counter, limit.amount) for limit in verdict.limits],
    )
    assert told == reference.judge(drawn, call, situation)


@many
@given(documents(), st.text(max_size=8) | st.sampled_from([*KNOWN, *FOREIGN]), generating.values, st.data())
def test_an_unknown_key_never_loads(drawn: Written, key: str, value: JSON, data: st.DataObject) -> None:
    """Not at any depth, in any object, and also not when it is a key of another one."""
    holder, known = data.draw(st.sampled_from(generating.objects(drawn)))
    assume(key not in known)
    holder[key] = value
    assert places(drawn)


@given(generating.conditions(depth=2), calls(), situations())
@settings(deadline=None)
@example({"not": {"path": "args.a", "op": "eq", "value": 1}}, ToolCall("bank", "pay", {}), Situation())
def test_a_condition_and_its_opposite_let_no_call_through(condition: Any, call: ToolCall, situation: Situation) -> None:  # noqa: ANN401  # any condition
    """Whoever denies what meets a condition, and what does not meet it, denies every call: there is nothing between the two."""
    tools = {"*": {"deny_if": [{"conditions": [condition]}, {"conditions": [{"not": condition}]}]}}
    assert evaluate(read({"version": "1", "default": "deny", "tools": tools}), call, situation).effect is Effect.DENY


def test_a_condition_of_each_kind_is_drawn() -> None:
    """The documents of these properties speak of everything that a policy can look at."""
    seen: set[str] = set()

    @settings(max_examples=200, database=None, derandomize=True, deadline=None)
    @given(generating.conditions(depth=1))
    def draw(condition: Written) -> None:
        seen.add(next(iter(condition)) if "path" not in condition else condition["path"].split(".")[0])

    draw()
    assert seen == {"args", "grant", "tool", "time", "any", "all", "not"}
