"""Expectations are read strictly, and what is not as expected says what came instead and why."""

import json
from typing import Any

import pytest

from tests.unit.workflows.policy.documents import only, policy
from workflows.calls import JSON
from workflows.policy import KnownTool
from workflows.policy.expecting import Case, ExpectationsInvalid, expectations, judged

BANK = policy(
    tools={
        "pay": {
            "deny_if": [{**only("args.amount", "gt", 100), "on_deny": "Too much."}],
            "require_approval": [only("args.amount", "gt", 5)],
        },
        "mine": {"require": [only("grant.owner", "eq", "local:olivia"), only("time.hour", "lt", 6)]},
        "read": {"require": [only("tool.category", "eq", "Read")]},
    }
)


def case(**members: Any) -> Case:  # noqa: ANN401  # any JSON
    """One case of a file."""
    [found] = expectations(json.dumps({"policy": "p.json", "cases": [{"tool": "pay", **members}]}), name="cases").cases
    return found


def refused(document: Any) -> list[str]:  # noqa: ANN401  # any JSON
    """What is wrong with a file, place and sentence."""
    with pytest.raises(ExpectationsInvalid) as error:
        expectations(document if isinstance(document, str) else json.dumps(document), name="cases")
    assert all(str(problem) in str(error.value) for problem in error.value.problems)
    return [f"{problem.pointer}: {problem.message}" for problem in error.value.problems]


@pytest.mark.parametrize(
    "members",
    [
        {"args": {"amount": 1}, "verdict": "allow"},
        {"args": {"amount": 1}, "verdict": "allow", "rule": "", "message": ""},
        {"args": {"amount": 6}, "verdict": "hold", "rule": "/tools/pay/require_approval/args.amount-gt"},
        {"args": {"amount": 101}, "verdict": "deny", "rule": "/tools/pay/deny_if/args.amount-gt", "message": "Too much."},
        {"verdict": "allow"},
        {"tool": "mine", "owner": "local:olivia", "at": "2026-01-31T05:00:00Z", "verdict": "allow"},
        {"tool": "mine", "owner": "local:olivia", "verdict": "deny", "rule": "/tools/mine/require/time.hour-lt"},
        {"tool": "other", "verdict": "deny", "rule": "(default deny)"},
    ],
)
def test_what_is_as_expected_passes(members: dict[str, JSON]) -> None:
    """Verdict, and rule and message where they are expected; no time is known unless it is given."""
    assert judged(case(**members), BANK).instead == ()


@pytest.mark.parametrize(
    ("members", "instead"),
    [
        (
            {"args": {"amount": 4}, "verdict": "hold"},
            (
                "expected hold, and it is allow",
                "/tools/pay/require_approval/args.amount-gt, not met: args.amount is 4, not more than 5.",
            ),
        ),
        (
            {"args": {"amount": 4}, "verdict": "deny"},
            ("expected deny, and it is allow", "/tools/pay/deny_if/args.amount-gt, not met: args.amount is 4, not more than 100."),
        ),
        (
            {"args": {"amount": 101}, "verdict": "hold", "rule": "/tools/pay/require_approval/args.amount-gt"},
            (
                "expected hold, and it is deny",
                "expected the rule /tools/pay/require_approval/args.amount-gt, and it is /tools/pay/deny_if/args.amount-gt",
                "/tools/pay/deny_if/args.amount-gt, met: args.amount is 101, more than 100.",
            ),
        ),
        (
            {"args": {"amount": 101}, "verdict": "deny", "message": "No."},
            (
                'expected to say "No.", and it says "Too much."',
                "/tools/pay/deny_if/args.amount-gt, met: args.amount is 101, more than 100.",
            ),
        ),
    ],
)
def test_what_is_not_as_expected_says_why(members: dict[str, JSON], instead: tuple[str, ...]) -> None:
    """What came, and the sentence of the rule that decided, or of the one that should have."""
    assert judged(case(**members), BANK).instead == instead


def test_a_tool_can_be_known() -> None:
    """What is not known closes the gate."""
    reading = case(tool="read", verdict="allow")
    assert judged(reading, BANK, lambda tool: KnownTool("Read", "Low") if tool == "read" else None).instead == ()
    assert judged(reading, BANK).instead[0] == "expected allow, and it is deny"


def test_a_case_is_named_by_its_name_or_its_call() -> None:
    """A secret among the arguments is hidden."""
    assert case(verdict="deny", name="big ones").title == "big ones"
    title = case(verdict="deny", args={"amount": 1, "password": "hunter2"}).title
    assert title.startswith('pay {"amount": 1, "password": "[redacted')


def test_yaml_is_read_too_with_lines() -> None:
    """As strictly as a policy."""
    cases = '  - tool: pay\n    verdict: deny\n  - {tool: pay, verdict: hold, at: "2026-01-31T05:00:00Z"}\n'
    text = f"policy: p.json\ntools: t.json\ncases:\n{cases}"
    found = expectations(text, name="cases")
    assert (found.policy, found.tools, [each.line for each in found.cases]) == ("p.json", "t.json", [4, 6])


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"cases": []}, "/cases: There are no cases"),
        ({}, ": There are no cases"),
        ([], ": A file of expectations is an object, { … }, and this is a list."),
        ({"cases": {}}, "/cases: cases is a list"),
        ({"cases": [1]}, "/cases/0: A case is an object"),
        ({"cases": [{"verdict": "deny"}]}, '/cases/0: tool is missing: write "tool": "NAME".'),
        ({"cases": [{"tool": "", "verdict": "deny"}]}, "/cases/0/tool: tool is text, and this is empty."),
        ({"cases": [{"tool": "pay"}]}, '/cases/0: verdict is missing: write "verdict": "hold".'),
        ({"cases": [{"tool": "pay", "verdict": "denny"}]}, '/cases/0/verdict: verdict is one of allow, deny, hold: did you mean "deny"?'),
        ({"cases": [{"tool": "pay", "verdict": "deny", "arg": {}}]}, "/cases/0/arg: There is no key 'arg' here: did you mean \"args\"?"),
        ({"cases": [{"tool": "pay", "verdict": "deny", "args": []}]}, "/cases/0/args: args are an object"),
        ({"cases": [{"tool": "pay", "verdict": "deny", "at": "2026-01-31"}]}, "/cases/0/at: at is a time with its zone"),
        ({"cases": [{"tool": "pay", "verdict": "deny", "at": "soon"}]}, "/cases/0/at: at is a time with its zone"),
        ({"cases": [{"tool": "pay", "verdict": "deny", "rule": 1}]}, "/cases/0/rule: rule is text, and this is a number."),
        ({"policy": 1, "cases": [{"tool": "pay", "verdict": "deny"}]}, "/policy: policy is text, and this is a number."),
        ({"polcy": "p", "cases": [{"tool": "pay", "verdict": "deny"}]}, "/polcy: There is no key 'polcy' here: did you mean \"policy\"?"),
        ('{"cases": [], "cases": []}', "/cases: This key is written twice"),
        ("{", ": The document is not JSON"),
        ("cases: [{tool: pay, verdict: deny, at: 2026-01-31T05:00:00Z}]", "/cases/0/at: YAML readers disagree"),
    ],
)
def test_what_is_wrong_is_told(document: Any, problem: str) -> None:  # noqa: ANN401  # any JSON, or text
    """With its place and what to write instead."""
    assert any(said.startswith(problem) for said in refused(document))


def test_all_problems_are_told_at_once() -> None:
    """Also those of several cases."""
    assert len(refused({"cases": [{"tool": "pay", "verdict": "x"}, {"tool": 1, "verdict": "deny"}, {"who": 1}]})) == 5
