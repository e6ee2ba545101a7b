"""Makes policies and calls for the tests of this directory."""

import json
from typing import Any

import pytest

from workflows.calls import JSON, ToolCall
from workflows.policy import Policy, PolicyInvalid, Problem, load


def document(**changes: Any) -> dict[str, JSON]:  # noqa: ANN401  # any JSON, also lists of narrower JSON
    """A small valid document with approvers, and what a test changes in it."""
    return {"version": "1", "default": "deny", "approval": {"approvers": "payments"}, **changes}


def policy(**changes: Any) -> Policy:  # noqa: ANN401  # any JSON, also lists of narrower JSON
    """Load a document with changes."""
    return load(json.dumps(document(**changes)), name="tested")


def tool(**rules: Any) -> Policy:  # noqa: ANN401  # any JSON, also lists of narrower JSON
    """A policy with rules for the tool `pay`."""
    return policy(tools={"pay": rules})


def only(path: str, op: str, value: JSON) -> dict[str, JSON]:
    """A rule with one condition."""
    return {"conditions": [{"path": path, "op": op, "value": value}]}


def call(name: str = "pay", /, **arguments: JSON) -> ToolCall:
    """A call of a tool with arguments."""
    return ToolCall("bank", name, arguments, json.dumps(arguments).encode())


def problems(text: JSON) -> tuple[Problem, ...]:
    """Everything that is wrong with a text, or with a document."""
    with pytest.raises(PolicyInvalid) as refused:
        load(text if isinstance(text, str) else json.dumps(text), name="bad")
    return refused.value.problems


def places(text: JSON) -> list[str]:
    """The pointers of everything that is wrong."""
    return [problem.pointer for problem in problems(text)]


def said(text: JSON, pointer: str) -> str:
    """What is said about one place."""
    return " ".join(problem.message for problem in problems(text) if problem.pointer == pointer)
