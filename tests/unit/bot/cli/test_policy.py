"""`askfirst policy`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.bot.cli.stage import type_in

POLICY: dict[str, Any] = {
    "version": "1",
    "default": "deny",
    "approval": {"approvers": "payments"},
    "tools": {
        "pay": {"require_approval": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 5}]}]},
        "look_*": {"require": [{"conditions": [{"path": "tool.category", "op": "eq", "value": "Read"}]}]},
    },
}
GOOD = """policy: policies/bank.json
tools: tools.json
cases:
  - {name: small ones pass, tool: pay, args: {amount: 5}, verdict: allow}
  - {tool: pay, args: {amount: 6}, verdict: hold}
  - {tool: look_up, verdict: allow}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a policy, a list of tools, and expectations."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "bank.json").write_text(json.dumps(POLICY))
    (tmp_path / "tools.json").write_text(json.dumps({"tools": [{"name": "look_up", "description": "Reads an account."}]}))
    (tmp_path / "good.yaml").write_text(GOOD)
    return tmp_path


def test_what_is_expected_passes(place: Path) -> None:
    """One line a case with its place, and how many; paths in the file are relative to it."""
    said = type_in("policy", "test", place / "good.yaml")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        f"ok    {place / 'good.yaml'}:4  small ones pass",
        f'ok    {place / "good.yaml"}:5  pay {{"amount": 6}}',
        f"ok    {place / 'good.yaml'}:6  look_up {{}}",
        "3 passed, 0 failed",
    ]


def test_what_is_not_as_expected_fails_with_the_reason(place: Path) -> None:
    """Exit is 1, and the other cases are told too."""
    path = place / "more.json"
    cases = [{"tool": "pay", "args": {"amount": 4}, "verdict": "hold"}, {"tool": "drop", "verdict": "deny"}]
    path.write_text(json.dumps({"policy": "policies/bank.json", "cases": cases}))
    said = type_in("policy", "test", place / "good.yaml", path)
    assert (said.code, said.err) == (1, "")
    assert said.out.splitlines()[3:] == [
        f'FAIL  {path}:1  pay {{"amount": 4}}',
        "        expected hold, and it is allow",
        "        /tools/pay/require_approval/args.amount-gt, not met: args.amount is 4, not more than 5.",
        f"ok    {path}:1  drop {{}}",
        "4 passed, 1 failed",
    ]


def test_another_policy_can_be_tested(place: Path) -> None:
    """With --policy the one that the file names is not read."""
    other = place / "other.json"
    other.write_text(json.dumps({**POLICY, "tools": {}}))
    said = type_in("policy", "test", place / "good.yaml", "--policy", other)
    assert said.code == 1
    assert said.out.splitlines()[-1] == "0 passed, 3 failed"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("policy: policies/bank.json\ncases: []\n", ":2: /cases: There are no cases, so nothing would be tested"),
        ("policy: policies/bank.json\ncasses: []\n", ":2: /casses: There is no key 'casses' here: did you mean \"cases\"?"),
        ("cases: [{tool: pay, verdict: allow}]\n", ": It names no policy."),
        ("policy: none.json\ncases: [{tool: pay, verdict: allow}]\n", ": There is no file "),
        ("policy: bad.json\ncases: [{tool: pay, verdict: allow}]\n", "bad.json:1: /default: default is one of"),
        ("policy: policies/bank.json\ntools: bad.json\ncases: [{tool: pay, verdict: allow}]\n", "holds no list of tools"),
    ],
)
def test_a_file_that_cannot_be_used_is_no_success(place: Path, text: str, sentence: str) -> None:
    """What is wrong is told with its place, the other files are tested, and exit is 1."""
    (place / "bad.json").write_text('{"version": "1", "default": "maybe"}')
    path = place / "bad.yaml"
    path.write_text(text)
    said = type_in("policy", "test", path, place / "good.yaml")
    assert (said.code, said.err) == (1, "")
    assert sentence in said.out
    assert said.out.splitlines()[-1] == "3 passed, 0 failed, 1 file could not be used"


def test_a_test_without_a_file_is_misuse() -> None:
    """There is nothing to test."""
    assert type_in("policy", "test").code == 2
