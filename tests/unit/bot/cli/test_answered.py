"""What the gateway answers beside the policy."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.cli.answered import answered
from tests.unit.bot.cli.stage import type_in
from tests.unit.workflows.policy.documents import call, tool
from workflows.policy.explaining import explain

LIMIT = {"counter": "sum", "window": "day", "max": 10, "scope": "grant", "increment_from": "args.amount"}
RULES: dict[str, Any] = {"require_approval": [{"conditions": []}], "limits": [LIMIT]}


@pytest.mark.parametrize(("amount", "effect"), [(10, "hold"), (11, "deny"), ("x", "deny")])
def test_what_never_fits_is_denied_by_its_limit(amount: object, effect: str) -> None:
    """No approval would help; what fits is left as it is."""
    found = explain(tool(**RULES), call("pay", amount=amount))  # type: ignore[arg-type]  # some JSON
    told = answered(found)
    assert told.verdict.effect == effect
    [decided] = [step.rule for step in told.trace if step.decided]
    assert decided == told.verdict.rule == ("/tools/pay/limits/sum" if effect == "deny" else "/tools/pay/require_approval/always")
    assert (told == found) == (amount != 11)


def test_the_commands_say_so(tmp_path: Path) -> None:
    """Explain and expectations answer as the gateway does."""
    path, cases = tmp_path / "policy.json", tmp_path / "cases.json"
    path.write_text(json.dumps({"version": "1", "default": "deny", "approval": {"approvers": "x"}, "tools": {"pay": RULES}}))
    said = type_in("explain", "--policy", path, "--tool", "pay", "--args", '{"amount": 11}', "--json")
    assert (json.loads(said.out)["verdict"], json.loads(said.out)["rule"]) == ("deny", "/tools/pay/limits/sum")
    case = {"tool": "pay", "args": {"amount": 11}, "verdict": "deny", "rule": "/tools/pay/limits/sum"}
    cases.write_text(json.dumps({"policy": "policy.json", "cases": [case]}))
    assert type_in("policy", "test", cases).code == 0
