"""What to write instead of what other formats and examples write."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workflows.policy.documents import document, places, problems, said
from workflows.calls import JSON
from workflows.policy import load
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
        ({"spend_limit": "$500/day"}, "not supported"),
        ({"spend": {"daily": 50}}, "not supported"),
        ({"state": {}}, "Intercept"),
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
    "wrong", [{"rate_limit": {"max": 7, "window": 60}}, {"action": "deny"}, {"action": "ask"}, {"reason": 'A "quoted" reason'}]
)
def test_the_advice_itself_loads(wrong: dict[str, JSON]) -> None:
    """What the remedy writes under a tool is a valid entry."""
    (key,) = wrong
    advice = said(document(tools={"pay": wrong}), f"/tools/pay/{key}").partition(": write ")[2].partition(" under the tool")[0]
    load(json.dumps(document(tools={"pay": json.loads(f"{{{advice}}}")})), name="advised")


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
