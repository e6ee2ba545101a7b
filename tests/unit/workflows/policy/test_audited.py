"""What a policy lets the audit trail tell of arguments."""

import json

import pytest

from workflows.calls import JSON, ToolCall
from workflows.lifecycle import argument_detail
from workflows.policy import Audited, PolicyInvalid, load

CALL = ToolCall("payments", "create_refund", {"customer": "cus_ada", "api_key": "a secret"}, b"{}")


def _policy(**members: object) -> str:
    return json.dumps({"version": "1", "default": "deny", **members})


def test_keys_alone_are_told_when_the_policy_says_nothing() -> None:
    """No value of an argument reaches the trail by default."""
    assert argument_detail(load(_policy(), name="p"), CALL) == {"argument_keys": ["api_key", "customer"]}


def test_a_policy_can_ask_for_values() -> None:
    """With `redacted` the values are told, without the secrets among them."""
    policy = load(_policy(audit="redacted"), name="p")
    assert policy.shape.audited is Audited.REDACTED
    told = argument_detail(policy, CALL)["arguments"]
    assert isinstance(told, dict)
    assert told["customer"] == "cus_ada"
    assert str(told["api_key"]).startswith("[redacted 8 chars")


def test_what_the_policy_hides_is_not_told() -> None:
    """Neither by its path nor by its pattern, in values and in keys."""
    hiding = {"paths": ["args.customer"], "patterns": ["api_.+"]}
    told = argument_detail(load(_policy(audit="redacted", redact=hiding), name="p"), CALL)["arguments"]
    assert "cus_ada" not in json.dumps(told)
    assert "api_key" not in json.dumps(told)
    keys = argument_detail(load(_policy(redact=hiding), name="p"), CALL)["argument_keys"]
    assert "api_key" not in json.dumps(keys)


def test_another_word_is_refused() -> None:
    """A slip does not fall back to either."""
    with pytest.raises(PolicyInvalid, match="audit is one of keys, redacted"):
        load(_policy(audit="values"), name="p")


def test_very_many_keys_and_very_long_ones_are_counted() -> None:
    """An agent cannot fill the trail with the names of its arguments."""
    arguments: dict[str, JSON] = {**{f"key_{number:04}": 1 for number in range(1_000)}, "k" * 100_000: 2}
    told = argument_detail(load(_policy(), name="p"), ToolCall("bank", "pay", arguments))
    keys = told["argument_keys"]
    assert isinstance(keys, list)
    assert (len(keys), keys[0], told["argument_keys_left_out"]) == (200, "key_0000", 801)
