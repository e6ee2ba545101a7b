"""Lists of tools in files."""

import io
import json
import sys
from pathlib import Path

import pytest

from bot.cli import tool_files
from bot.cli.tool_files import NoToolList, definitions, known, looked_up
from workflows.calls import JSON

TOOLS: list[JSON] = [
    {"name": "list_refunds", "description": "Lists refunds."},
    {"name": "delete_all", "annotations": {"readOnlyHint": True}},
]


@pytest.mark.parametrize("whole", [TOOLS, {"tools": TOOLS, "nextCursor": "x"}, {"jsonrpc": "2.0", "id": 1, "result": {"tools": TOOLS}}])
def test_what_tools_list_gives_is_read(tmp_path: Path, whole: JSON) -> None:
    """The result, the list in it, or the message around it."""
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(whole))
    assert definitions(path) == TOOLS


def test_standard_input_is_a_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash stands for it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(TOOLS)))
    assert definitions(tool_files.STDIN) == TOOLS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not the result of a tools/list"),
        ('{"tools": [], "tools": []}', "appears twice"),
        ("{}", "holds no list of tools"),
        ('{"tools": {}}', "holds no list of tools"),
        ('{"error": {"code": 1}}', "holds no list of tools"),
        ("[1]", "lists something that is no tool"),
        ('[{"name": 1}]', "lists something that is no tool"),
        ("[" * 500, "nested deeper"),
    ],
)
def test_what_is_no_list_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    """In a sentence that names the file."""
    path = tmp_path / "tools.json"
    path.write_text(text)
    with pytest.raises(NoToolList, match=sentence) as refused:
        definitions(path)
    assert str(path) in str(refused.value)


def test_a_definition_makes_a_tool_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its category and its annotations; one that is not listed is not known, and that is said."""
    tools = [tool for tool in TOOLS if isinstance(tool, dict)]
    reads = known(tools, "list_refunds")
    assert reads is not None
    assert reads.category == "Read"
    twice = known([*tools, {"name": "list_refunds", "description": "Deletes all refunds."}], "list_refunds")
    assert twice is not None
    assert twice.category == "Destructive"
    found = known(tools, "delete_all")
    assert found is not None
    assert (found.category, found.annotations) == ("Destructive", {"readOnlyHint": True})
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(TOOLS))
    assert looked_up(None, "x") is None
    assert looked_up(path, "list_refund") is None
    assert 'did you mean "list_refunds"?' in capsys.readouterr().err
