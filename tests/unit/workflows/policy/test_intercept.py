"""Intercept's documents: which ones they are, and what they say of themselves."""

import json

import pytest

from tests.unit.workflows.policy.documents import call
from workflows.policy import evaluate, load

README = """
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
def test_a_document_answers_as_it_would_there(called: object, effect: str, rule: str, message: str) -> None:
    """Assertions must hold, a denial denies, and the first failure is the one that is told."""
    verdict = evaluate(load(README, name="intercept"), called)  # type: ignore[arg-type]  # a table's column
    assert (verdict.effect, verdict.rule, verdict.message) == (effect, rule, message)


def test_yaml_and_json_are_the_same_document() -> None:
    """Intercept's format is read in both writings."""
    one = load(README, name="one")
    other = load(json.dumps(one.document), name="one")
    assert one.document == other.document
    assert one.shape == other.shape
