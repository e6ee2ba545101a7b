"""`askfirst simulate`."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.unit.bot.cli.stage import POLICY, Stage
from workflows import audit
from workflows.audit import Entry, Tag

START = datetime(2026, 1, 15, 12, tzinfo=UTC)
ASKS = {"require_approval": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 5}]}]}


def record(here: Stage, *details: dict[str, Any], policy: str = "payments", start: datetime = START) -> None:
    """Write down that `list_refunds` was called, a minute after the other."""
    rows = [
        Entry(
            Tag.CALL_FORWARDED,
            "agent:ci",
            start + timedelta(minutes=number),
            agent="ci",
            server="payments",
            tool="list_refunds",
            detail={"rule": "", "policy": policy, **detail},
        )
        for number, detail in enumerate(details)
    ]
    here.write(partial(audit.record_all, entries=rows))


@pytest.fixture
def stricter(here: Stage) -> Path:
    """A changed policy beside the configuration."""
    path = here.config.parent / "stricter.json"
    path.write_text(json.dumps({**POLICY, "tools": {"list_refunds": ASKS}}))
    return path


CALLS: tuple[dict[str, Any], ...] = (
    {"arguments": {"amount": 6}},
    {"arguments": {"amount": 7}},
    {"arguments": {"amount": 5}},
    {"argument_keys": ["amount"]},
    {"argument_keys": []},
)


def test_a_table_shows_which_answers_change(here: Stage, stricter: Path) -> None:
    """And a line counts; what is to be known of the numbers is told aside."""
    record(here, *CALLS)
    said = here.ask("simulate", "--policy", stricter, "--of", "payments")
    assert said.code == 0
    lines = [line.split() for line in said.out.splitlines()]
    rule = "/tools/list_refunds/require_approval/args.amount-gt"
    assert lines[0] == ["TOOL", "AGENT", "WAS", "WOULD", "BE", "RULE", "CALLS", "LAST"]
    assert lines[1] == ["list_refunds", "ci", "allow", "hold", rule, "2", "2026-01-15", "12:01:00"]
    assert lines[2] == [
        "list_refunds",
        "ci",
        "allow",
        *["cannot", "be", "told:", "allow", "or", "hold"],
        rule,
        "1",
        "2026-01-15",
        "12:03:00",
    ]
    assert said.out.splitlines()[3:] == ["5 calls replayed: 2 would change, 2 stay, 1 cannot be told"]
    assert '"audit": "redacted"' in said.err
    assert "Limits are not replayed." in said.err


def test_json_has_the_same(here: Stage, stricter: Path) -> None:
    """The numbers, and the lines by whether they can be told."""
    record(here, *CALLS)
    said = here.ask("simulate", "--policy", stricter, "--since", "2026-01-15T12:01:00Z", "--json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert (found["replayed"], found["change"], found["stay"], found["cannot_be_told"], found["refused_by_a_limit"]) == (4, 1, 2, 1, 0)
    assert [(each["tool"], each["was"], each["would_be"], each["calls"]) for each in found["changes"]] == [
        ("list_refunds", "allow", ["hold"], 1)
    ]
    assert [each["would_be"] for each in found["untold"]] == [["allow", "hold"]]
    assert (found["of"], found["since"], found["policy"]["name"]) == (None, "2026-01-15T12:01:00+00:00", "stricter")


def test_nothing_changes(here: Stage) -> None:
    """It is said aside, and the numbers are there."""
    record(here, {"arguments": {"amount": 1}})
    path = here.config.parent / "same.json"
    path.write_text(json.dumps({**POLICY, "tools": {"*": {}}}))
    said = here.ask("simulate", "--policy", path)
    assert (said.code, said.out) == (0, "1 call replayed: 0 would change, 1 stay, 0 cannot be told\n")
    assert said.err.startswith("No answer would change.\n")


def test_the_policy_is_named_by_its_file(here: Stage) -> None:
    """Where a policy of the configuration has the name of the file, its calls are replayed; else those of all, which is said."""
    record(here, {"arguments": {}})
    record(here, {"arguments": {}}, policy="other")
    new = here.config.parent / "new"
    new.mkdir()
    for name, count in (("payments", 1), ("another", 2)):
        path = new / f"{name}.json"
        path.write_text(json.dumps({**POLICY, "tools": {"list_refunds": {}}}))
        said = here.ask("simulate", "--policy", path)
        assert said.out.startswith(f"{count} call")
        assert ("(other, payments): name one with --of" in said.err) == (count == 2)
    said = here.ask("simulate", "--policy", path, "--of", "paymetns")
    assert (said.code, said.out.split()[0]) == (0, "0")
    assert "There is no policy paymetns in the configuration. There are: payments." in said.err


def test_since_may_be_how_long_ago(here: Stage, stricter: Path) -> None:
    """Written as policies write times."""
    record(here, {"arguments": {"amount": 6}})
    record(here, {"arguments": {"amount": 6}}, start=datetime.now(UTC) - timedelta(hours=1))
    assert here.ask("simulate", "--policy", stricter, "--since", "1d").out.splitlines()[-1].startswith("1 call replayed: 1 would change")
    assert here.ask("simulate", "--policy", stricter, "--since", "30m").out.splitlines()[-1].startswith("0 calls replayed")
    for odd in ("yesterday", "2026-01-15", "99999999d", "99999999d99999999d"):
        said = here.ask("simulate", "--policy", stricter, "--since", odd)
        assert (said.code, said.out) == (2, "")


def test_a_policy_with_problems_is_not_replayed(here: Stage) -> None:
    """All of them are told."""
    path = here.config.parent / "bad.json"
    path.write_text('{"version": "1", "default": "maybe"}')
    said = here.ask("simulate", "--policy", path)
    assert (said.code, said.out) == (1, "")
    assert "/default: default is one of" in said.err


def test_names_that_agents_made_up_are_written_out(here: Stage) -> None:
    """Nothing that hides reaches a terminal."""
    row = Entry(Tag.CALL_DENIED, "agent:ci", START, agent="ci", server="payments", tool="a\x1b[31m\u202e", detail={"policy": "payments"})
    here.write(partial(audit.record_all, entries=[row]))
    path = here.config.parent / "open.json"
    path.write_text(json.dumps({"version": "1", "default": "allow"}))
    said = here.ask("simulate", "--policy", path)
    assert [hidden for hidden in ("\x1b", "\u202e") if hidden in said.out] == []
    assert "would change" in said.out
