"""What a row of the trail tells of a call."""

from typing import Any

import pytest

from workflows.redaction import Redaction, redact
from workflows.simulating.possible import HIDDEN, UNRECORDED, Answer
from workflows.simulating.recorded import recorded


@pytest.mark.parametrize(
    ("event", "detail", "answer"),
    [
        ("call.forwarded", {"rule": ""}, "allow"),
        (
            "call.forwarded",
            {"rule": "/tools/pay/require_approval/always", "would_hold": {"approvers": "x", "quorum": 1}},
            "allow (monitored)",
        ),
        ("request.hold", {"rule": "/tools/pay/require_approval/always"}, "hold"),
        ("call.denied", {"rule": "/tools/pay/deny_if/always", "why": "No."}, "deny"),
        ("call.denied", {"rule": "(default deny)", "why": "No."}, "deny"),
        ("call.denied", {"rule": "/tools/pay/require_approval/always", "why": "This call needs approval, and nobody is there."}, "hold"),
        ("call.denied", {"rule": "(default require_approval)", "why": "This agent has too many calls waiting for a decision."}, "hold"),
        ("call.denied", {"rule": "/tools/pay/limits/c", "why": "Used up."}, None),
        ("call.denied", {"rule": "/all_tools/limits/c", "why": "Used up."}, None),
        ("call.denied", {"rule": "/tools/pay/rules/0", "why": "Rate limit reached. Try again at 2026-01-31T05:00:00Z."}, None),
        ("call.denied", {"rule": "/tools/limits/deny_if/always", "why": "No."}, "deny"),
    ],
)
def test_what_became_of_a_call(event: str, detail: dict[str, Any], answer: str | None) -> None:
    """What its policy said; nothing where a limit refused it."""
    found = recorded(event, detail)
    assert found.answer == (None if answer is None else Answer(answer))
    assert found.rule == detail["rule"]


def test_with_keys_alone_no_value_is_known() -> None:
    """But which arguments there are is."""
    found = recorded("call.forwarded", {"rule": "", "policy": "bank", "argument_keys": ["a", "b"]})
    assert found.arguments == {"a": UNRECORDED, "b": UNRECORDED}
    assert (found.keys_only, found.whole, found.policy, found.changed) == (True, True, "bank", False)


def test_redacted_values_are_known_but_for_what_is_hidden() -> None:
    """A text in which something is hidden is not known; what was no text or number may have been null."""
    rules = Redaction(paths=(("yes",), ("inner", "x")), patterns=("[0-9]{16}",))
    arguments: Any = {
        "amount": 5,
        "password": "hunter2",
        "card": "it is 4242424242424242",
        "yes": None,
        "inner": {"x": 1, "y": [2, "Bearer abcdefghijklmnopqrstuvwxyz"]},
    }
    found = recorded("call.forwarded", {"rule": "", "arguments": redact(arguments, rules)})
    assert found.arguments == {
        "amount": 5,
        "password": HIDDEN,
        "card": HIDDEN,
        "yes": UNRECORDED,
        "inner": {"x": HIDDEN, "y": [2, HIDDEN]},
    }
    assert (found.keys_only, found.whole) == (False, True)


def test_a_hidden_name_may_be_any() -> None:
    """Then no argument is known to be missing; inside a value, nothing is known of that value."""
    hidden = "[redacted 16 chars, fingerprint 01234567]"
    assert not recorded("call.forwarded", {"rule": "", "argument_keys": ["a", hidden]}).whole
    assert not recorded("call.forwarded", {"rule": "", "argument_keys": ["a"], "argument_keys_left_out": 1}).whole
    assert not recorded("call.forwarded", {"rule": "", "arguments": {hidden: 1}}).whole
    assert recorded("call.forwarded", {"rule": "", "arguments": {"a": {hidden: 1}}}).arguments == {"a": UNRECORDED}


@pytest.mark.parametrize("detail", [{}, {"rule": 1, "policy": 2, "arguments": 3, "argument_keys": 4}, {"argument_keys": [1, None]}])
def test_an_odd_row_tells_little(detail: dict[str, Any]) -> None:
    """It is read all the same."""
    found = recorded("call.denied", detail)
    assert (found.arguments, found.policy, found.rule) == ({}, None, "")


def test_a_definition_that_had_changed() -> None:
    """The rule says so."""
    assert recorded("call.denied", {"rule": "(changed definition)", "why": "It changed."}).changed
