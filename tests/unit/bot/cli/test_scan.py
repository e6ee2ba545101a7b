"""`askfirst scan`, of a file."""

import json
from pathlib import Path

import pytest

from tests.unit.bot.cli.stage import type_in
from workflows.calls import JSON

TOOLS: list[JSON] = [
    {"name": "list_invoices", "description": "Lists invoices."},
    {"name": "delete_invoice", "description": "Deletes an invoice\u202e for good.", "annotations": {"destructiveHint": True}},
]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A list of tools in a file."""
    path = tmp_path / "tools.json"
    path.write_text(json.dumps({"tools": TOOLS}))
    return path


def test_people_get_a_table_and_a_summary(tools: Path) -> None:
    """One line a tool in a pipe; what is unseen is written out."""
    said = type_in("scan", "--from", tools)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].startswith("TOOL")
    assert lines[1].split()[:3] == ["list_invoices", "Read", "Low"]
    assert lines[2].split()[:3] == ["delete_invoice", "Destructive", "Critical"]
    assert lines[3].startswith("2 tools: 1 Read, 1 Destructive; 1 with signals")
    assert "\u202e" not in said.out


def test_a_terminal_gets_what_fits(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would not fit side by side is written below each other."""
    monkeypatch.setenv("COLUMNS", "80")
    said = type_in("scan", "--from", tools, terminal=True)
    assert "delete_invoice  Destructive" in said.out.splitlines()
    assert any(line.startswith("  risk:") for line in said.out.splitlines())


def test_json_has_every_tool(tools: Path) -> None:
    """With category, risk, signals, evidence and a policy."""
    said = type_in("scan", "--from", tools, "--json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert [(tool["tool"], tool["category"], tool["risk"]) for tool in found["tools"]] == [
        ("list_invoices", "Read", "Low"),
        ("delete_invoice", "Destructive", "Critical"),
    ]
    assert {"signals", "evidence", "policy", "annotations", "contradictions"} <= found["tools"][0].keys()


def test_a_policy_is_written_that_loads(tools: Path, tmp_path: Path) -> None:
    """For all tools, with the group that was named; it is never written over a file."""
    path = tmp_path / "policy.json"
    said = type_in("scan", "--from", tools, "--write", path, "--approvers", "money")
    assert said.code == 0
    assert f"wrote {path}" in said.err
    written = path.read_text()
    assert json.loads(written)["approval"]["approvers"] == "money"
    assert type_in("check", path).code == 0
    assert type_in("explain", "--policy", path, "--tool", "delete_invoice").out.startswith("verdict:  hold")
    again = type_in("scan", "--from", tools, "--write", path)
    assert (again.code, again.out) == (1, "")
    assert again.err.endswith("[not_overwritten]\n")
    assert path.read_text() == written
    assert type_in("scan", "--from", tools, "--write", tmp_path / "no" / "policy.json").err.endswith("[not_written]\n")


def test_a_server_without_tools(tmp_path: Path) -> None:
    """It is said aside."""
    path = tmp_path / "tools.json"
    path.write_text("[]")
    said = type_in("scan", "--from", path)
    assert (said.code, said.err) == (0, "The server lists no tools.\n")
    assert json.loads(type_in("scan", "--from", path, "--json").out) == {"tools": [], "categories": {}}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Name a server of the configuration, or give --url or --from."),
        (("--from", "a.json", "--url", "http://127.0.0.1:1/mcp"), "Give one of them"),
        (("--from", "a.json", "--header", "A: b"), "Headers go with --url"),
        (("--url", "ftp://x"), "write a URL"),
        (("--url", "http://127.0.0.1:1/mcp", "--header", "A"), "A header is written"),
        (("--url", "http://127.0.0.1:1/mcp", "--header", "A: b", "--header", "A: c"), "is there twice"),
        (("--url", "http://127.0.0.1:1/mcp", "--header", "Authorization: Bearer x"), "Found a secret in plain text"),
        (("--url", "http://127.0.0.1:1/mcp", "--header", "Authorization: env:NOT_SET_IN_THIS_SHELL"), "is not set"),
    ],
)
def test_what_scan_cannot_take_is_misuse(words: tuple[str, ...], sentence: str) -> None:
    """Exit is 2, and no secret is printed."""
    said = type_in("scan", *words)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
    assert "Bearer x" not in said.err


def test_a_file_that_is_no_list(tmp_path: Path) -> None:
    """Exit is 1."""
    path = tmp_path / "tools.json"
    path.write_text("{}")
    said = type_in("scan", "--from", path)
    assert (said.code, said.out) == (1, "")
    assert said.err.endswith("[no_tool_list]\n")
