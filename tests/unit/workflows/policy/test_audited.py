"""What a policy lets the audit trail tell of arguments."""

import json

import pytest

from workflows.calls import ToolCall
from workflows.lifecycle import argument_detail
from workflows.policy import Audited, PolicyInvalid, load

CALL = ToolCall("payments", "create_refund", {"customer": "cus_ada", "api_key": "a secret"}, b"{}")


def _policy(**members: object) -> str:
    return json.dumps({"version": "1", "default": "deny", **members})


def test_keys_alone_are_told_when_the_policy_says_nothing() -> None:
    """No value of an argument reaches the trail by default."""
    assert argument_detail(load(_policy(), name="p"), CALL) == {"argument_keys": ["api_key", "customer"]}


def test_a_policy_can_ask_for_values() -> None:
    """With `redacted` the values are handed on; `record` hides the secrets among them."""
    policy = load(_policy(audit="redacted"), name="p")
    assert policy.shape.audited is Audited.REDACTED
    assert argument_detail(policy, CALL) == {"arguments": {"customer": "cus_ada", "api_key": "a secret"}}


def test_another_word_is_refused() -> None:
    """A slip does not fall back to either."""
    with pytest.raises(PolicyInvalid, match="audit is one of keys, redacted"):
        load(_policy(audit="values"), name="p")
