"""Intercept's documents: which ones they are, what they say of themselves, and where they are wrong."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.workflows.policy.documents import call, document, only, places, problems, said
from workflows.calls import JSON
from workflows.policy import Effect, Policy, evaluate, load
from workflows.policy.intercept import is_intercept

CONDITION: dict[str, JSON] = {"path": "args.a", "op": "eq", "value": 1}
DENY: dict[str, JSON] = {"rules": [{"action": "deny"}]}
ASK: dict[str, JSON] = {"rules": [{"action": "require_approval"}]}

WHOLE = """
version: "1"
description: What the accounting agent may do
default: deny
hide: [drop_tenant]
tools:
  list_invoices: {}
  delete_invoice:
    rules:
      - action: deny
  pay_invoice:
    rules:
      - name: known currency
        conditions: [{path: args.currency, op: in, value: [EUR, USD]}]
        on_deny: Only EUR and USD.
      - name: no cash
        conditions: [{path: args.method, op: neq, value: cash}]
      - rate_limit: 30/hour
"""


def intercept(**changes: Any) -> dict[str, JSON]:  # noqa: ANN401  # any JSON, also lists of narrower JSON
    """A small valid document, and what a test changes in it; what is None there is left out."""
    written = {"version": "1", "default": "deny", "tools": {"pay": {"rules": []}}, **changes}
    return {key: value for key, value in written.items() if value is not None}


def loaded(**changes: Any) -> Policy:  # noqa: ANN401  # any JSON, also lists of narrower JSON
    """Load a document with changes."""
    return load(json.dumps(intercept(**changes)), name="tested")


@pytest.mark.parametrize(
    ("called", "effect", "rule", "message"),
    [
        (call("list_invoices"), "allow", "", ""),
        (call("pay_invoice", currency="EUR", method="card"), "allow", "", ""),
        (call("pay_invoice", currency="GBP", method="cash"), "deny", "/tools/pay_invoice/rules/known currency", "Only EUR and USD."),
        (call("pay_invoice", currency="EUR", method="cash"), "deny", "/tools/pay_invoice/rules/no cash", 'Denied by rule "no cash"'),
        (call("delete_invoice"), "deny", "/tools/delete_invoice/rules/0", 'Denied by rule "/tools/delete_invoice/rules/0"'),
        (call("drop_tenant"), "deny", "(hidden)", 'Tool "drop_tenant" is hidden by policy.'),
        (call("other"), "deny", "(default deny)", 'Tool "other" is not permitted by policy.'),
    ],
)
def test_a_document_answers_as_it_would_there(called: Any, effect: str, rule: str, message: str) -> None:  # noqa: ANN401  # a table's column
    """Assertions must hold, a denial denies, and the first failure is the one that is told."""
    verdict = evaluate(load(WHOLE, name="intercept"), called)
    assert (verdict.effect, verdict.rule, verdict.message) == (effect, rule, message)


def test_yaml_and_json_are_the_same_document() -> None:
    """Intercept's format is read in both writings."""
    one = load(WHOLE, name="one")
    other = load(json.dumps(one.document), name="one")
    assert one.document == other.document
    assert one.shape == other.shape


@pytest.mark.parametrize(
    ("written", "whose"),
    [
        (intercept(), True),
        (intercept(default=None), True),
        (intercept(tools={"pay": {"rules": None}}), True),
        (intercept(tools={"pay": {}, "ask": DENY}), True),
        (intercept(tools={"pay": {"deny_if": []}, "ask": DENY}), True),
        (intercept(tools={"pay": {}}), False),
        (intercept(tools={"pay": {}}, default=None), False),
        (intercept(tools={"pay": {}}, default=None, description="Which one it is."), True),
        (intercept(tools={"pay": {}}, approvals={}), True),
        (intercept(tools={}, default=None), True),
        (intercept(tools={}), False),
        (intercept(tools=None, default=None), False),
        (intercept(tools={}, default=None, all_tools={}), False),
        (document(approvals={}), False),
        (document(description="v1", tools={"pay": {"deny_if": []}}), False),
        ({"pay": DENY}, True),
        ({"pay": {"deny_if": []}}, False),
        ([], False),
    ],
)
def test_which_format_a_document_is_of(written: JSON, whose: bool) -> None:  # noqa: FBT001  # a table's column
    """A tool with rules is Intercept's; so is what only Intercept says, as long as nothing of PolicyLayer's is there."""
    assert is_intercept(written) is whose


def test_a_document_that_could_be_either_is_refused() -> None:
    """In one of the two formats everything would be open: the default must be written."""
    assert 'write "default": "deny"' in said(intercept(tools={"pay": {}, "ask": {}}, default=None), "")


@pytest.mark.parametrize(
    ("written", "place", "word"),
    [
        (intercept(tools={"pay": DENY, "ask": {"deny_if": []}}), "/tools/ask/deny_if", "action: deny"),
        (intercept(tools={"pay": DENY, "ask": {"require": []}}), "/tools/ask/require", "PolicyLayer v1"),
        (intercept(tools={"pay": {"rules": [], "limits": []}}), "/tools/pay/limits", "rate_limit: 30/hour"),
        (intercept(tools={"pay": DENY, "ask": {"require_approval": []}}), "/tools/ask/require_approval", "action: require_approval"),
        (intercept(approval={"approvers": "team"}), "/approval", "approvers"),
        (intercept(all_tools={"limits": []}), "/all_tools", "rate_limit: 60/minute"),
        (intercept(mode="monitor"), "/mode", "convert"),
        (document(description="text", tools={"pay": {"deny_if": []}}), "/description", "Intercept"),
        (document(approvals={}), "/approvals", "Intercept"),
        (document(tools={"pay": {"deny_if": [], "state": {}}}), "/tools/pay/state", "Intercept"),
    ],
)
def test_a_document_of_both_formats_says_which_key_belongs_where(written: JSON, place: str, word: str) -> None:
    """Nobody is left to guess which of two readings holds."""
    assert places(written) == [place]
    assert word in said(written, place)


@pytest.mark.parametrize(
    ("written", "place", "word"),
    [
        (intercept(version=None), "", 'version: "1"'),
        (intercept(version="2"), "/version", 'version: "1"'),
        (intercept(version=[1]), "/version", "as text"),
        (intercept(default="require_approval"), "/default", "allow, deny"),
        (intercept(colour="red"), "/colour", "Known here"),
        (intercept(default="Deny"), "/default", 'did you mean "deny"'),
        (intercept(description=["a"]), "/description", "a list"),
        (intercept(tools=None, description="text"), "", "tools is missing"),
        (intercept(tools=[DENY], description="text"), "/tools", "an object"),
        (intercept(tools={"": DENY}), "/tools/", "empty"),
        (intercept(tools={"pay": DENY, "ask": "deny"}), "/tools/ask", "an object"),
        (intercept(tools={"pay": {"rules": {}}}), "/tools/pay/rules", "a list"),
        (intercept(tools={"pay": {"rules": [], "rate_limit": "5/hour"}}), "/tools/pay/rate_limit", '"rules": [{"rate_limit": …}]'),
        (intercept(tools={"pay": {"rules": [], "rule": []}}), "/tools/pay/rule", 'did you mean "rules"'),
        (intercept(hide="pay"), "/hide", "a list"),
        (intercept(hide=["a", " "]), "/hide/1", "empty"),
        (intercept(hide=["a", 5]), "/hide/1", "a number"),
        (intercept(hide=["a", "b", "a"]), "/hide/2", "duplicate"),
        (intercept(hidden=["a"]), "/hidden", 'did you mean "hide"'),
        (intercept(defualt="deny"), "/defualt", 'did you mean "default"'),
        (intercept(spend_limit="$500/day"), "/spend_limit", "not supported"),
        (intercept(approvals=[]), "/approvals", "an object"),
        (intercept(approvals={"window": "5m"}), "/approvals/window", "dedupe_window"),
        (intercept(approvals={"default_timeout": "5m"}), "/approvals/default_timeout", "approval_timeout"),
        (intercept(approvals={"dedupe_window": "5 minutes"}), "/approvals/dedupe_window", '"30m"'),
        (intercept(approvals={"dedupe_window": 5}), "/approvals/dedupe_window", "a number"),
        (intercept(approvals={"dedupe_window": "0s"}), "/approvals/dedupe_window", "longer than nothing"),
        (intercept(approvals={"notify": {"slack": {}}}), "/approvals/notify/slack", "Known here"),
        (intercept(approvals={"notify": {"webhook": "https://example.com"}}), "/approvals/notify/webhook", "an object"),
        (intercept(approvals={"notify": {"webhook": {"secret": "s"}}}), "/approvals/notify/webhook", "url: https"),
        (intercept(approvals={"notify": {"webhook": {"url": "ftp://example.com"}}}), "/approvals/notify/webhook/url", "https://"),
        (intercept(approvals={"notify": {"webhook": {"url": "https://"}}}), "/approvals/notify/webhook/url", "https://"),
        (intercept(approvals={"notify": {"webhook": {"url": "http://[a"}}}), "/approvals/notify/webhook/url", "https://"),
        (intercept(approvals={"notify": {"webhook": {"url": 5}}}), "/approvals/notify/webhook/url", "a number"),
    ],
)
def test_one_wrong_thing_is_told_with_its_place_and_remedy(written: JSON, place: str, word: str) -> None:
    """Each slip has one problem, at its place, with what to write."""
    assert places(written) == [place]
    assert word in said(written, place)


def test_a_fragment_is_told_as_one_and_looked_through() -> None:
    """Tools that were copied without their document are told so, and what is wrong in them too."""
    written: JSON = {"pay": {"rules": [{"action": "block"}]}, "ask": DENY}
    assert places(written) == ["", "/pay/rules/0/action"]
    assert '"tools": {"pay": {…}}' in said(written, "")


def test_all_problems_come_at_once_with_their_lines() -> None:
    """One look at the file is enough to mend it."""
    text = """version: "2"
default: maybe
hide: [a, a]
tools:
  pay:
    rules:
      - name: cap
        condition: []
      - action: refuse
        conditions:
          - {path: amount, op: gt, value: "5"}
"""
    assert [(problem.pointer, problem.line) for problem in problems(text)] == [
        ("/version", 1),
        ("/default", 2),
        ("/hide/1", 3),
        ("/tools/pay/rules/0", 7),
        ("/tools/pay/rules/0/condition", 8),
        ("/tools/pay/rules/1/action", 9),
        ("/tools/pay/rules/1/conditions/0/path", 11),
        ("/tools/pay/rules/1/conditions/0/value", 11),
    ]


def test_without_a_default_everything_is_allowed_and_a_note_says_so() -> None:
    """Intercept has it so; whoever reads the notes learns what to write."""
    policy = loaded(default=None, tools={"pay": DENY})
    assert evaluate(policy, call("anything")).effect is Effect.ALLOW
    (note,) = policy.notes
    assert (note.pointer, note.line) == ("", 1)
    assert "default: deny" in note.message


def test_a_document_with_a_default_needs_no_note() -> None:
    """What is as it should be is not talked about."""
    assert loaded().notes == ()


@pytest.mark.parametrize("default", ["allow", "deny"])
def test_a_star_inside_a_name_is_itself(default: str) -> None:
    """Only a lone star stands for other names, and a note says so where another was perhaps meant."""
    policy = loaded(default=default, hide=["drop_*"], tools={"pay_*": DENY, "drop_b": {"rules": []}})
    assert evaluate(policy, call("pay_*")).rule == "/tools/pay_*/rules/0"
    assert evaluate(policy, call("pay_a")).rule == ("" if default == "allow" else "(default deny)")
    assert evaluate(policy, call("drop_*")).rule == "(hidden)"
    assert evaluate(policy, call("drop_b")).effect is Effect.ALLOW
    assert [note.pointer for note in policy.notes] == ["/hide/0", "/tools/pay_*"]


def test_a_star_hides_everything() -> None:
    """In `hide` a lone star is every tool."""
    assert evaluate(loaded(hide=["*"]), call("pay")).rule == "(hidden)"


def test_the_rules_of_the_star_list_no_tool() -> None:
    """They add to tools that are listed, and under `default: deny` they rescue none that is not."""
    tools = {"pay": {}, "*": {"rules": [{"name": "no cash", **only("args.method", "neq", "cash")}]}}
    assert evaluate(loaded(tools=tools), call("other", method="card")).rule == "(default deny)"
    assert evaluate(loaded(tools=tools), call("pay", method="cash")).rule == "/tools/*/rules/no cash"
    assert evaluate(loaded(tools=tools), call("pay", method="card")).effect is Effect.ALLOW
    assert evaluate(loaded(tools=tools, default="allow"), call("other", method="cash")).rule == "/tools/*/rules/no cash"
    assert evaluate(loaded(tools=tools, default="allow"), call("other", method="card")).effect is Effect.ALLOW


def test_what_is_empty_in_yaml_is_as_good_as_absent() -> None:
    """A scaffold has its rules as comments, and its tools are listed all the same."""
    policy = load('version: "1"\ndefault: deny\nhide:\napprovals:\ntools:\n  pay:\n  ask:\n    rules:\n      # none yet\n', name="scaffold")
    assert evaluate(policy, call("pay")).effect is Effect.ALLOW
    assert evaluate(policy, call("ask")).effect is Effect.ALLOW
    assert evaluate(policy, call("other")).effect is Effect.DENY


def test_a_default_that_is_empty_is_no_default() -> None:
    """A slip there would open everything."""
    assert places('version: "1"\ndefault:\ntools:\n  pay:\n    rules: []\n') == ["/default"]


def test_who_is_asked_and_who_is_told() -> None:
    """The format names nobody, so one group is asked; a repeat joins a request for the time that the document says."""
    notify = {"webhook": {"url": "https://..", "secret": "s"}}
    policy = loaded(tools={"pay": ASK}, approvals={"dedupe_window": "10m", "notify": notify})
    hold = evaluate(policy, call("pay")).hold
    assert hold is not None
    assert (hold.approvers, hold.quorum, hold.expires_in) == ("approvers", 1, timedelta(minutes=30))
    assert hold.dedupe == timedelta(minutes=10)
    assert policy.approver_groups == {"approvers"}
    assert policy.shape.general == replace(hold, reason="The definition of the tool changed.")
    assert policy.shape.webhook == "https://.."
    assert [(note.pointer, "secret" in note.message) for note in policy.notes] == [("/approvals/notify/webhook/secret", True)]


def test_a_document_that_asks_nobody_needs_no_group() -> None:
    """Nobody must set up people who are never asked."""
    policy = loaded(tools={"pay": DENY})
    assert policy.approver_groups == frozenset()
    assert policy.shape.general is None
