"""The tools of a server as a file has them: what `tools/list` gave, and what is known of each tool by it."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from bot.cli import policy_files
from bot.cli.output import remark
from workflows import definitions as definitions_of
from workflows.calls import JSON, parse_json
from workflows.definitions import Pin
from workflows.errors import AskfirstError, Malformed
from workflows.policy import KnownTool
from workflows.policy.advice import did_you_mean

MAX_BYTES: Final = 64 * 1024 * 1024
_DEEPEST: Final = 200
STDIN: Final = Path("-")

ToolsFile: TypeAlias = Annotated[
    Path | None, typer.Option("--tools", metavar="FILE", help="The server's tools, as tools/list gave them; - is standard input.")
]


class NoToolList(AskfirstError):
    """The file holds no list of tools."""

    code = "no_tool_list"


def definitions(path: Path) -> list[dict[str, JSON]]:
    """Read the result of tools/list: an object with `tools`, the list alone, or the whole JSON-RPC answer. Raises NoToolList."""
    text = sys.stdin.read(MAX_BYTES) if path == STDIN else policy_files.read(path, most=MAX_BYTES)
    try:
        value = parse_json(text.removeprefix("\ufeff"), max_depth=_DEEPEST)
    except Malformed as error:
        raise NoToolList(f"{path} is not the result of a tools/list. {error}") from error
    for key in ("result", "tools"):
        value = value[key] if isinstance(value, dict) and key in value else value
    if not isinstance(value, list):
        raise NoToolList(f'{path} holds no list of tools. Give what tools/list answers: {{"tools": [{{"name": …}}]}}.')
    found = [item for item in value if isinstance(item, dict) and isinstance(item.get("name"), str)]
    if len(found) < len(value):
        raise NoToolList(f"{path} lists something that is no tool: each has a name. Give what tools/list answers.")
    return found


def names(found: Sequence[Mapping[str, JSON]]) -> list[str]:
    """Give the names of tools, in their order."""
    return [str(tool["name"]) for tool in found]


def known(found: Sequence[Mapping[str, JSON]], tool: str) -> KnownTool | None:
    """Say what is known of a tool by its definition, as the gateway does; None when it is not in the list."""
    listed = definitions_of.listed(each for each in found if each["name"] == tool).get(tool)
    if listed is None:
        return None
    return definitions_of.describe(Pin(listed.sha256, listed.text, listed.sha256, listed.text))


def by_name(tool: str) -> KnownTool | None:
    """Say what is known of a tool by its name alone; None for one that no server could list."""
    return known([{"name": tool}], tool)


def looked_up(path: Path | None, tool: str) -> KnownTool | None:
    """Find a tool in a file, if one is given; that it is not there is told aside."""
    if path is None:
        return None
    listed = definitions(path)
    found = known(listed, tool)
    if found is None:
        remark(
            f"note: {path} has no tool {tool}{did_you_mean(tool, names(listed)) or '.'} What a rule asks of its definition is not known."
        )
    return found
