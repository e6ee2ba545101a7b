"""`askfirst check`: everything that is wrong with the configuration, or with the files that are named, each with place and remedy."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from bot import settings
from bot.cli import policy_files, tool_files
from bot.cli.options import CONFIG, Config
from bot.cli.output import one_line, say
from bot.cli.policy_files import FileUnreadable
from bot.cli.tool_files import ToolsFile
from bot.settings import SettingProblem, Settings, SettingsInvalid
from bot.settings.references import secret_name
from workflows.policy import Policy, intercept
from workflows.policy.names import unknown_tools

POLICIES, CONFIGS = frozenset({".json", ".yaml", ".yml"}), frozenset({".toml"})
_CREDENTIALS = re.compile(r"://[^/\s]*@")
_KEPT = "Nothing was started or changed."

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", help="Policies (.json, .yaml, .yml) and configurations (.toml); the configuration in use without."),
]


def check(files: Files = None, tools: ToolsFile = None, config: Config = CONFIG) -> None:
    """Read the configuration and all that it names, or the files that are given, and print every problem with its place and remedy."""
    if not files:
        if tools is not None:
            raise typer.BadParameter("Name the policies that are held against these tools.", param_hint="--tools")
        _configuration(config)
        return
    for path in files:
        if path.suffix.lower() not in POLICIES | CONFIGS:
            raise typer.BadParameter(f"{path} is neither a policy (.json, .yaml, .yml) nor a configuration (.toml).", param_hint="FILE")
    listed = tool_files.names(tool_files.definitions(tools)) if tools else None
    problems = sum(_settings(path) if path.suffix.lower() in CONFIGS else _policy(path, listed) for path in files)
    _end(problems)


def _end(problems: int) -> None:
    if problems:
        say(f"{policy_files.counted(problems)}. {_KEPT}")
        raise typer.Exit(1)


def _configuration(config: Path) -> None:
    try:
        found = settings.load(config, os.environ)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            say(f"problem: {one_line(str(problem))}")
        _end(len(invalid.problems))
        return
    for note in found.notes:
        say(f"note: {one_line(str(note))}")
    for line in _good(found):
        say(f"ok: {line}")


def _policy(path: Path, listed: Sequence[str] | None) -> int:
    """Look at one policy, and give the number of its problems."""
    try:
        looked = policy_files.look(path)
    except FileUnreadable as error:
        say(one_line(f"{path}: {error}"))
        return 1
    problems = looked.problems
    if looked.policy is not None and listed is not None:
        problems = unknown_tools(looked.policy, listed)
    notes = looked.policy.notes if looked.policy is not None else ()
    for line in chain(policy_files.lines(looked, problems), policy_files.lines(looked, notes, kind="note: ")):
        say(line)
    if looked.policy is not None and not problems:
        say(one_line(f"ok: {path}: {_kind(looked.policy)}, SHA-256 {looked.policy.sha256}"))
    return len(problems)


def _kind(policy: Policy) -> str:
    """Say what a document is, and how much of it there is."""
    shape = policy.shape
    form = "Intercept v1" if intercept.is_intercept(policy.document) else "PolicyLayer v1"
    rules = sum(len(entry.gates) + len(entry.require_approval) + len(entry.limits) for entry in shape.entries) + len(shape.limits)
    return f"{form}, {_many(len(shape.entries), 'tool')}, {_many(rules, 'rule')}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _settings(path: Path) -> int:
    """Look at one configuration and what it names, and give the number of its problems."""
    try:
        found = settings.load(path, os.environ)
    except SettingsInvalid as invalid:
        for line in _lines(path, invalid.problems):
            say(line)
        return len(invalid.problems)
    for line in _lines(path, found.notes, kind="note: "):
        say(line)
    for line in _good(found):
        say(f"ok: {line}")
    return 0


def _lines(config: Path, problems: Iterable[SettingProblem], *, kind: str = "") -> Iterator[str]:
    """Write each problem with the line where it is: of the configuration, or of a policy that it names."""
    written: dict[str, list[str]] = {}
    for problem in problems:
        file = config.parent / problem.file
        if problem.file not in written:
            try:
                written[problem.file] = policy_files.rows(policy_files.read(file))
            except FileUnreadable:
                written[problem.file] = []
        place = str(file) if problem.line is None else f"{file}:{problem.line}"
        yield one_line(f"{place}: {kind}{problem.path}: {problem.message}" if problem.path else f"{place}: {kind}{problem.message}")
        if problem.line is not None and not secret_name(problem.path):
            yield from policy_files.source_line([_harmless(line) for line in written[problem.file]], problem.line)


def _harmless(line: str) -> str:
    """Leave out a line in which somebody may have written a secret, though none belongs there."""
    return "" if secret_name(line) or _CREDENTIALS.search(line) else line


def _good(found: Settings) -> list[str]:
    return [
        f"{found.path.name}: gateway on {found.gateway.listen}, desk on {found.desk.listen}, database {found.database.shown}",
        *([f"slack: cards go to {found.slack.channel}, in {found.slack.mode} mode"] if found.slack else []),
        *(f"policy {name}: SHA-256 {policy.sha256}" for name, policy in found.policies.items()),
        *(f"server {name}" for name in found.servers),
        *(
            f"grant {grant.label}: server {grant.server}, policy {grant.policy or 'none'}, owner {grant.owner}"
            for grant in found.grants.values()
        ),
        *(f"group {group.name}: {', '.join(sorted(group.members | group.user_groups)) or 'nobody'}" for group in found.groups.values()),
    ]
