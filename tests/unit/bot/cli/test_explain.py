"""`askfirst explain`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.bot.cli.stage import Said, type_in

DOCUMENT: dict[str, Any] = {
    "version": "1",
    "default": "deny",
    "approval": {"approvers": "payments", "expires_in": "90m", "remind_every": "10m", "channel": "#approvals"},
    "tools": {
        "create_refund": {
            "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 100_000}], "on_deny": "Too much."}],
            "require_approval": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 5000}], "reason": "Refund", "quorum": 2}],
            "limits": [{"counter": "rate", "window": "hour", "max": 30, "scope": "grant"}],
        },
        "night_*": {"require": [{"conditions": [{"path": "time.hour", "op": "lt", "value": 6}]}]},
        "mine": {
            "require": [
                {
                    "conditions": [
                        {"path": "grant.label", "op": "eq", "value": "ci"},
                        {"any": [{"path": "grant.owner", "op": "eq", "value": "local:olivia"}]},
                        {"path": "grant.server", "op": "eq", "value": "bank"},
                    ]
                }
            ]
        },
    },
}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy in a file."""
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def ask(policy: Path, tool: str, *words: str, terminal: bool = False) -> Said:
    """Explain a call."""
    return type_in("explain", "--policy", policy, "--tool", tool, *words, terminal=terminal)


def plain(policy: Path, tool: str, *words: str) -> dict[str, Any]:
    """Explain a call as JSON."""
    said = ask(policy, tool, *words, "--json")
    assert (said.code, said.err) == (0, "")
    found: dict[str, Any] = json.loads(said.out)
    return found


@pytest.mark.parametrize(
    ("amount", "verdict", "rule", "message"),
    [
        (4000, "allow", "", ""),
        (6000, "hold", "/tools/create_refund/require_approval/args.amount-gt", "Refund"),
        (200_000, "deny", "/tools/create_refund/deny_if/args.amount-gt", "Too much."),
    ],
)
def test_json_has_the_verdict_its_rule_and_the_way_there(policy: Path, amount: int, verdict: str, rule: str, message: str) -> None:
    """Exit is 0 whatever the verdict."""
    found = plain(policy, "create_refund", "--args", json.dumps({"amount": amount}))
    assert (found["verdict"], found["rule"], found["message"]) == (verdict, rule, message)
    assert [step["rule"] for step in found["trace"] if step["decided"]] == ([rule] if rule else [])
    [condition] = next(step for step in found["trace"] if step["kind"] == "deny_if")["conditions"]
    assert (condition["path"], condition["op"], condition["value"], condition["saw"]) == ("args.amount", "gt", 100_000, amount)
    assert (found["hold"] is not None) == (verdict == "hold")
    assert [limit["counter"] for limit in found["limits"]] == ([] if verdict == "deny" else ["rate"])


def test_a_held_call_says_how_it_would_be_held(policy: Path) -> None:
    """Who is asked, how many must approve, until when."""
    found = plain(policy, "create_refund", "--args", '{"amount": 6000}')
    assert found["hold"] == {
        "approvers": "payments",
        "quorum": 2,
        "expires_in": "1h30m",
        "remind_every": "10m",
        "channel": "#approvals",
        "reason": "Refund",
        "reason_required": "never",
    }
    [limit] = found["limits"]
    assert (limit["rule"], limit["window"], limit["max"]) == ("/tools/create_refund/limits/rate", "hour", 30)
    assert (limit["scope"], limit["adds"]) == ("grant", "1")
    assert found["monitored"] is None


def test_people_read_the_same(policy: Path) -> None:
    """Verdict, rule, message and terms come first, then each rule with its reason; the one that decided is marked."""
    said = ask(policy, "create_refund", "--args", '{"amount": 6000}')
    assert (said.code, said.err) == (0, "")
    for line in (
        "verdict:  hold",
        "rule:     /tools/create_refund/require_approval/args.amount-gt",
        "message:  Refund",
        "held:     2 of the group payments must approve within 1h30m, the card goes to #approvals, a reminder comes every 10m",
        "limits:   rate, 1 of 30 an hour",
        "   deny_if: not met  /tools/create_refund/deny_if/args.amount-gt",
        "     args.amount is 6000, not more than 100000.",
        "=> require_approval: met  /tools/create_refund/require_approval/args.amount-gt",
    ):
        assert line in said.out.splitlines()


def test_a_terminal_gets_lines_that_fit(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long sentences are broken between words, and a pipe gets them whole."""
    monkeypatch.setenv("COLUMNS", "80")
    said = ask(policy, "create_refund", "--args", '{"amount": 6000}', terminal=True)
    assert max(map(len, said.out.splitlines())) <= 80
    assert "  must approve within 1h30m" not in said.out


def test_who_asks_and_when_are_options(policy: Path) -> None:
    """What is not said is not known, and closes the gate."""
    known = ("--grant", "ci", "--owner", "local:olivia", "--server", "bank")
    assert plain(policy, "mine", *known)["verdict"] == "allow"
    assert plain(policy, "mine", *known[:2])["verdict"] == "deny"
    assert plain(policy, "night_run", "--at", "2026-01-31T05:00:00Z")["verdict"] == "allow"
    assert plain(policy, "night_run", "--at", "2026-01-31T05:00:00-03:00")["verdict"] == "deny"
    assert "any: met" in ask(policy, "mine", *known).out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--args", '{"a": 1, "a": 2}'), "The key 'a' appears twice in one object. Send each key once. [malformed]"),
        (("--args", "[]"), "`params.arguments` is not an object. Send an object, or leave it out. [refused]"),
        (("--args", "{"), "--args: The message is not JSON"),
        (("--args", '{"a": NaN}'), "NaN is not JSON"),
        (("--args", '{"a":' * 63 + "1" + "}" * 63), "nested deeper than 64 levels"),
    ],
)
def test_what_the_gateway_refuses_is_refused_with_the_same_sentence(policy: Path, words: tuple[str, ...], sentence: str) -> None:
    """Arguments are read as an agent's are."""
    said = ask(policy, "create_refund", *words)
    assert (said.code, said.out) == (1, "")
    assert sentence in said.err


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 257])
def test_a_name_that_no_agent_can_call(policy: Path, name: str) -> None:
    """It is refused as the gateway does."""
    said = ask(policy, name)
    assert said.code == 1
    assert "`params.name` is not a tool name" in said.err


@pytest.mark.parametrize("time", ["yesterday", "2026-01-31T05:00:00", "2026-01-31", ""])
def test_a_time_without_a_zone_is_misuse(policy: Path, time: str) -> None:
    """It could be any."""
    said = ask(policy, "mine", "--at", time)
    assert (said.code, said.out) == (2, "")
    assert "write it like 2026-01-31T09:00:00Z" in said.err


def test_a_policy_with_problems_tells_all_of_them(tmp_path: Path) -> None:
    """Each with its place, its remedy and its line; exit is 1 and nothing is on standard output."""
    path = tmp_path / "bad.json"
    path.write_text('{\n  "version": "1",\n  "default": "denny",\n  "toools": {}\n}\n')
    said = ask(path, "x", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines() == [
        f'{path}:3: /default: default is one of allow, deny, require_approval: did you mean "deny"?',
        '    "default": "denny",',
        f"{path}:4: /toools: There is no key 'toools' here: did you mean \"tools\"?",
        '    "toools": {}',
        "2 problems. Nothing was done.",
    ]


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    """It is one sentence."""
    said = ask(tmp_path / "none.json", "x")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("askfirst: There is no file ")
    assert said.err.endswith("[file_unreadable]\n")


def test_what_is_shown_can_be_shown(tmp_path: Path) -> None:
    """No control character of arguments or policy reaches a terminal, and no secret is printed."""
    path = tmp_path / "policy.json"
    rules = [{"conditions": [{"path": f"args.{name}", "op": "eq", "value": "\u202ex"}]} for name in ("token", "text")]
    path.write_text(json.dumps({"version": "1", "default": "deny", "tools": {"t": {"deny_if": rules}}}))
    said = ask(path, "t", "--args", json.dumps({"token": "hunter2", "text": "\x1b[31m\u202e"}))
    assert said.code == 0
    assert [hidden for hidden in ("\x1b", "\u202e", "hunter2") if hidden in said.out] == []


@pytest.mark.parametrize(("tool", "verdict"), [("list_orders", "allow"), ("delete_order", "hold")])
def test_without_a_list_a_tool_is_known_by_its_name_and_that_is_told(tmp_path: Path, tool: str, verdict: str) -> None:
    """A rule about the category can be asked before any server is; other rules need no such word."""
    category = {"path": "tool.category", "op": "in", "value": ["Destructive", "Financial"]}
    rules = {"*": {"require_approval": [{"conditions": [{"any": [category]}]}]}, "plain": {}}
    path = tmp_path / "bank.json"
    path.write_text(json.dumps({"version": "1", "default": "deny", "approval": {"approvers": "payments"}, "tools": rules}))
    told = json.loads(type_in("explain", "--policy", path, "--tool", tool, "--json").out)
    assert (told["verdict"], told["trace"][0]["rule"]) == (verdict, "(name alone)")
    path.write_text(json.dumps({"version": "1", "default": "deny", "tools": {tool: {}}}))
    told = json.loads(type_in("explain", "--policy", path, "--tool", tool, "--json").out)
    assert [step["rule"] for step in told["trace"]] == ["(default deny)"]
