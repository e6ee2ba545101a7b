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


def test_without_a_list_a_tool_is_known_by_its_name(place: Path) -> None:
    """What the catalogue makes of a tool then comes from the name alone."""
    cases = [{"tool": "look_up", "verdict": "allow"}, {"tool": "look_and_delete", "verdict": "deny"}]
    (place / "named.json").write_text(json.dumps({"policy": "policies/bank.json", "cases": cases}))
    assert type_in("policy", "test", place / "named.json").out.splitlines()[-1] == "2 passed, 0 failed"


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


INTERCEPT = """version: "1"
description: What the bank may do.
default: deny
tools:
  pay:
    rules:
      - name: small
        conditions: [{path: args.amount, op: lte, value: 500}]
        on_deny: Too much.
      - {name: ask, action: require_approval, approval_timeout: 15m}
"""


def test_an_intercept_policy_is_converted(tmp_path: Path) -> None:
    """It is printed as JSON, loads, and answers as before; what is left out is told aside."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.json"
    old.write_text(INTERCEPT)
    said = type_in("policy", "convert", old)
    assert said.code == 0
    assert f"{old}:2: note: /description: " in said.err
    new.write_text(said.out)
    for amount, verdict in ((5, "hold"), (501, "deny")):
        for path in (old, new):
            found = type_in("explain", "--policy", path, "--tool", "pay", "--args", json.dumps({"amount": amount}), "--json")
            assert json.loads(found.out)["verdict"] == verdict


def test_a_conversion_is_written_into_a_new_file_only(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.json"
    old.write_text(INTERCEPT)
    said = type_in("policy", "convert", old, "--output", new)
    assert (said.code, said.out) == (0, "")
    assert f"wrote {new}." in said.err
    written = new.read_text()
    assert json.loads(written)["version"] == "1"
    again = type_in("policy", "convert", old, "--output", new)
    assert (again.code, again.out) == (1, "")
    assert again.err.endswith("[not_overwritten]\n")
    assert new.read_text() == written


def test_what_cannot_be_converted_is_refused(place: Path) -> None:
    """A policy of this format, one with problems, and one whose rules have no form here: each says why."""
    same = type_in("policy", "convert", place / "policies" / "bank.json")
    assert (same.code, same.out) == (1, "")
    assert "is PolicyLayer v1 already" in same.err
    bad = place / "bad.yaml"
    bad.write_text("version: '1'\ntools: {pay: {rules: [{action: denny}]}}\n")
    said = type_in("policy", "convert", bad)
    assert (said.code, said.out) == (1, "")
    assert f"{bad}:2: /tools/pay/rules/0/action: " in said.err
    bad.write_text("version: '1'\ntools: {'pay*': {rules: [{action: deny}]}}\n")
    said = type_in("policy", "convert", bad)
    assert (said.code, said.out) == (1, "")
    assert "there is no form for it" in said.err
    assert said.err.splitlines()[-1] == "1 problem. Nothing was done."


def test_the_schema_is_printed() -> None:
    """As it is published."""
    said = type_in("policy", "schema")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out)["$schema"].startswith("https://json-schema.org/")
