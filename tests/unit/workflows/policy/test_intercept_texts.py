"""Texts of an Intercept document that look like numbers."""

import pytest

from workflows.calls import JSON, ToolCall
from workflows.policy import evaluate, load
from workflows.policy.intercept_texts import worded

TEXT = """
version: 1
description: 2026
default: deny
tools:
  pay:
    rules:
      - name: 7
        conditions: [{path: args.amount, op: lt, value: 5}]
        on_deny: 404
        state: {counter: 12, window: day}
"""


def test_what_intercept_reads_as_text_is_text() -> None:
    """A rule's name and words may be written as a number, and so may the version."""
    policy = load(TEXT, name="theirs")
    verdict = evaluate(policy, ToolCall("bank", "pay", {"amount": 9}))
    assert (verdict.rule, verdict.message) == ("/tools/pay/rules/7", "404")
    assert evaluate(policy, ToolCall("bank", "pay", {"amount": 1})).limits[0].counter == "12"


@pytest.mark.parametrize(
    "document", [None, [], {"tools": []}, {"tools": {"a": None, "b": {"rules": 5}, "c": {"rules": [None, {"state": 1}]}}}]
)
def test_what_is_no_document_stays_as_it_is(document: JSON) -> None:
    """Whoever reads it next says what is wrong with it."""
    assert worded(document) == document


def test_values_that_are_compared_stay_numbers() -> None:
    """Only keys that hold text are read as text; nothing of the document that was given changes."""
    given: JSON = {"tools": {"a": {"rules": [{"name": True, "conditions": [{"path": "args.a", "op": "eq", "value": 5}], "on_deny": 1.5}]}}}
    found = worded(given)
    assert found == {
        "tools": {"a": {"rules": [{"name": "true", "conditions": [{"path": "args.a", "op": "eq", "value": 5}], "on_deny": "1.5"}]}}
    }
    assert "True" in str(given)
