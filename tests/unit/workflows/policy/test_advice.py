"""What to write instead of what other formats and examples write."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import document, places, problems, said
from workflows.calls import JSON
from workflows.policy import approvals, load, validating
from workflows.policy.advice import did_you_mean


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (
            {"rate_limit": {"max": 10, "window": 60}},
            '"limits": [{"counter": "calls_per_minute", "window": "minute", "max": 10, "scope": "grant"}]',
        ),
        (
            {"rate_limit": {"max": 5, "window": 3600}},
            '"limits": [{"counter": "calls_per_hour", "window": "hour", "max": 5, "scope": "grant"}]',
        ),
        ({"rate_limit": "30/day"}, '"limits": [{"counter": "calls_per_day", "window": "day", "max": 30, "scope": "grant"}]'),
        ({"rate_limit": {"max": "x" * 99, "window": [1]}}, '"max": 10'),
        ({"rate_limit": None}, '"limits": ['),
        ({"action": "deny"}, '"deny_if": [{"conditions": [], "on_deny": "Blocked by policy."}]'),
        ({"action": "allow"}, "{}"),
        ({"action": "hide"}, '"hide"'),
        ({"action": "require_approval"}, '"require_approval": [{"conditions": []}]'),
        ({"action": ["deny"]}, '"deny_if"'),
        ({"reason": "Too risky"}, '"deny_if": [{"conditions": [], "on_deny": "Too risky"}]'),
        ({"rate_limit": {"max": 10, "window": "day"}}, '"counter": "calls_per_day", "window": "day", "max": 10'),
        ({"spend_limit": "$500/day"}, "not supported"),
        ({"spend_limit": "$1,500 per day"}, '"max": 1500, "scope": "grant", "increment_from": "args.amount"'),
        ({"spend": {"daily": 50.5}}, '"max": 50, "scope": "grant", "increment_from": "args.amount"'),
        ({"spend": {"per_call": 0.5}}, '"max": 100'),
        ({"spend": None}, '"increment_from"'),
        ({"state": {}}, "Intercept"),
        ({"state": {}}, "the rest of this document is PolicyLayer's"),
        ({"description": "x"}, "Intercept"),
        ({"allow_if": []}, '"require"'),
        ({"schedule": {}}, "time.hour"),
        ({"deny": True}, '"deny_if": [{"conditions": []}]'),
        ({"approval": {}}, '"require_approval": [{"conditions": []}]'),
        ({"approvers": "payments"}, '"require_approval": [{"conditions": []}]'),
        ({"hide": True}, '"hide": ["NAME"]'),
        ({"default": "deny"}, "at the top"),
        ({"mode": "monitor"}, "at the top"),
        ({"approval_timeout": "15m"}, '"expires_in"'),
    ],
)
def test_keys_of_other_formats_are_answered_with_ours(wrong: dict[str, JSON], right: str) -> None:
    """The key is named at its place, with the form that is right."""
    (key,) = wrong
    written = document(tools={"pay": wrong})
    assert places(written) == [f"/tools/pay/{key}"]
    assert key in said(written, f"/tools/pay/{key}")
    assert right in said(written, f"/tools/pay/{key}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_limit": {"max": 7, "window": 60}},
        {"rate_limit": {"max": 7, "window": "hour"}},
        {"action": "deny"},
        {"action": "ask"},
        {"reason": 'A "quoted" reason'},
        {"spend_limit": "$500/day"},
        {"spend": {"daily": 50.0}},
        {"approvers": "payments"},
        {"deny": True},
    ],
)
def test_the_advice_itself_loads(wrong: dict[str, JSON]) -> None:
    """What the remedy writes under a tool is a valid entry."""
    (key,) = wrong
    advice = said(document(tools={"pay": wrong}), f"/tools/pay/{key}").partition(": write ")[2].partition(" under the tool")[0]
    load(json.dumps(document(tools={"pay": json.loads(f"{{{advice}}}")})), name="advised")


def test_an_action_with_its_reason_is_told_as_two_keys() -> None:
    """As the catalogue's pages write it."""
    written = document(tools={"pay": {"action": "deny", "reason": "Too risky"}})
    assert places(written) == ["/tools/pay/action", "/tools/pay/reason"]
    assert '"on_deny": "Too risky"' in said(written, "/tools/pay/reason")


@pytest.mark.parametrize(("key", "right"), [("deny_if", '"tools": {"NAME": {"deny_if": [ … ]}}'), ("quorum", '"approval": {"quorum": … }')])
def test_a_key_that_stands_too_high_is_told_where_it_belongs(key: str, right: str) -> None:
    """It is a key of the format, but not of the document itself."""
    assert right in said(document(**{key: []}), f"/{key}")


def test_every_key_of_the_format_is_told_where_it_belongs() -> None:
    """What is misplaced at the top or under a tool is never called unknown."""
    for key in validating.ENTRY | approvals.KEYS:
        assert "There is no key" not in said(document(**{key: 1}), f"/{key}")
    for key in (validating.DOCUMENT | approvals.KEYS) - validating.ENTRY - {"$schema"}:
        assert "There is no key" not in said(document(tools={"pay": {key: 1}}), f"/tools/pay/{key}")


def test_a_rule_has_no_name() -> None:
    """Its id is made of its conditions."""
    rule = {"conditions": [], "name": "big payment"}
    assert "Leave it out" in said(document(tools={"pay": {"deny_if": [rule]}}), "/tools/pay/deny_if/0/name")


@pytest.mark.parametrize(
    ("word", "meant"), [("==", "eq"), (">=", "gte"), ("!=", "neq"), ("matches", "regex"), ("nin", "not_in"), ("Contain", "contains")]
)
def test_operators_of_other_languages_are_answered_with_ours(word: str, meant: str) -> None:
    """Whoever compares as elsewhere is told the operator that is meant."""
    written = document(tools={"pay": {"deny_if": [{"conditions": [{"path": "args.a", "op": word, "value": 1}]}]}})
    assert f'did you mean "{meant}"' in said(written, "/tools/pay/deny_if/0/conditions/0/op")


@pytest.mark.parametrize("key", ["rate_limit", "action", "reason", "spend_limit", "approvals"])
def test_they_are_answered_at_the_top_too(key: str) -> None:
    """The same keys at the top of a document are named there."""
    assert places(document(**{key: "x"})) == [f"/{key}"]
    assert key in said(document(**{key: "x"}), f"/{key}")


@pytest.mark.parametrize(
    ("rules", "place", "word"),
    [
        ({"require_approval": True}, "require_approval", '"require_approval": [{"conditions": []}]'),
        ({"require_approval": [{"conditions": [], "on_deny": "x"}]}, "require_approval/0/on_deny", '"reason"'),
        ({"deny_if": [{"conditions": [], "reason": "Too risky"}]}, "deny_if/0/reason", '"on_deny": "Too risky"'),
        ({"deny_if": [{"conditions": [], "message": "x"}]}, "deny_if/0/message", '"on_deny"'),
        ({"deny_if": {"conditions": []}}, "deny_if", "a list, [ … ], and this is an object"),
        ({"deny_iff": []}, "deny_iff", 'did you mean "deny_if"'),
        ({"require_aproval": []}, "require_aproval", 'did you mean "require_approval"'),
        ({"Limits": []}, "Limits", 'did you mean "limits"'),
        ({"zzz": []}, "zzz", "Known here: deny_if, limits, require, require_approval."),
    ],
)
def test_slips_are_answered_with_what_was_meant(rules: dict[str, JSON], place: str, word: str) -> None:
    """A misspelt or misplaced key is told with the key that was meant."""
    written = document(tools={"pay": rules})
    assert f"/tools/pay/{place}" in places(written)
    assert word in said(written, f"/tools/pay/{place}")


@pytest.mark.parametrize(
    "fragment",
    [
        {"delete_file": {"deny_if": [{"conditions": [], "on_deny": "Blocked by default. Requires approval."}]}},
        {"list_invoices": {"limits": [{"counter": "c", "window": "minute", "max": 60, "scope": "grant"}]}},
        {"list_invoices": {}},
        {"get": {}, "set": {"rate_limit": {"max": 10, "window": 60}}},
    ],
)
def test_a_fragment_is_recognised(fragment: dict[str, JSON]) -> None:
    """Rules for tools without the document around them are refused with the document to write."""
    first = problems(fragment)[0]
    assert first.pointer == ""
    assert "fragment" in first.message
    assert '"version": "1"' in first.message
    assert '"tools"' in first.message
    for other in problems(fragment)[1:]:
        assert other.pointer == "/set/rate_limit"


@given(st.text(max_size=80))
def test_guessing_never_fails(word: str) -> None:
    """Any word has a guess or none."""
    assert did_you_mean(word, ["deny_if"]) in ("", ': did you mean "deny_if"?')


def test_a_huge_key_is_not_repeated() -> None:
    """A key of any length has a short answer."""
    assert len(problems(document(**{"x" * 50_000: 1}))[0].message) < 300
