"""`askfirst policy`: a policy held against what is expected of it, converted to this format, and the schema of the format."""

import json
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import new_files, policy_files, tool_files
from bot.cli.answered import answered
from bot.cli.output import one_line, remark, say
from bot.cli.policy_files import FileUnreadable, Looked
from bot.cli.tool_files import NoToolList
from workflows.errors import AskfirstError
from workflows.policy import KnownTool, Policy, PolicyInvalid, intercept
from workflows.policy import schema as policy_schema
from workflows.policy.converting import converted, left_out
from workflows.policy.expecting import Expectations, ExpectationsInvalid, Outcome, expectations, judged

app = typer.Typer(help="Test, convert and describe policies.", no_args_is_help=True)

Cases = Annotated[list[Path], typer.Argument(metavar="FILE", help="Files of expectations, YAML or JSON.", show_default=False)]
Against = Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="The policy, whatever the files name.", show_default=False)]


@app.callback()
def family() -> None:
    """Keep each word a word of its own."""


class InFormAlready(AskfirstError):
    """The policy is in this format already."""

    code = "in_form_already"


@app.command("convert")
def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy in Intercept's format.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", help="A new file; standard output without it.")] = None,
) -> None:
    """Write an Intercept policy in this format, as JSON: it answers every call as before. What has no form here ends it with 1."""
    looked = policy_files.look(file)
    loaded = looked.policy
    if loaded is None:
        policy_files.refuse(looked, looked.problems)
    if not intercept.is_intercept(loaded.document):
        raise InFormAlready(f"{file} is PolicyLayer v1 already, which is this format: there is nothing to convert.")
    try:
        document = converted(loaded)
    except PolicyInvalid as invalid:
        policy_files.refuse(looked, invalid.problems)
    for line in policy_files.lines(looked, (*loaded.notes, *left_out(loaded)), kind="note: "):
        remark(line)
    text = json.dumps(document, indent=2, ensure_ascii=True) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        new_files.write(output, text)
        remark(f"wrote {output}. Look at it with: askfirst check {output}")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of policies, for editors that complete and check them."""
    sys.stdout.write(policy_schema.text())


@app.command("test")
def hold_against(files: Cases, policy: Against = None) -> None:
    """Hold a policy against files of expectations: `cases` of a call and its verdict. Exit 1 when one is not as expected."""
    passed = failed = problems = 0
    for path in files:
        outcomes = _outcomes(path, policy)
        if outcomes is None:
            problems += 1
            continue
        for outcome in outcomes:
            _tell(path, outcome)
        failed += sum(bool(outcome.instead) for outcome in outcomes)
        passed += sum(not outcome.instead for outcome in outcomes)
    broken = f", {problems} file{'s' * (problems != 1)} could not be used" if problems else ""
    say(f"{passed} passed, {failed} failed{broken}")
    if failed or problems:
        raise typer.Exit(1)


def _tell(path: Path, outcome: Outcome) -> None:
    case = outcome.case
    place = str(path) if case.line is None else f"{path}:{case.line}"
    say(one_line(f"{'FAIL' if outcome.instead else 'ok  '}  {place}  {case.title}"))
    for line in outcome.instead:
        say(one_line(f"        {line}"))


def _outcomes(path: Path, policy: Path | None) -> list[Outcome] | None:
    """Judge every case of a file; None when it could not be used, which was told."""
    try:
        text = policy_files.read(path)
        found = expectations(text, name=path.name)
        loaded = _policy(path, found, policy)
        known = _known(path, found)
    except ExpectationsInvalid as invalid:
        for line in policy_files.lines(Looked(path, text, None), invalid.problems):
            say(line)
        return None
    except (FileUnreadable, NoToolList) as error:
        say(one_line(f"{path}: {error}"))
        return None
    return None if loaded is None else [judged(case, loaded, known, answered) for case in found.cases]


def _policy(path: Path, found: Expectations, policy: Path | None) -> Policy | None:
    """Read the policy that is tested; what is wrong with it is told."""
    if policy is None and found.policy is None:
        say(one_line(f'{path}: It names no policy. Write "policy": "payments.json" in it, or give --policy.'))
        return None
    looked = policy_files.look(policy or path.parent / str(found.policy))
    for line in policy_files.lines(looked, looked.problems):
        say(line)
    return looked.policy


def _known(path: Path, found: Expectations) -> Callable[[str], KnownTool | None]:
    """Say what is known of tools by the list that the file names, or by their names alone."""
    if found.tools is None:
        return tool_files.by_name
    listed = tool_files.definitions(path.parent / found.tools)
    return lru_cache(maxsize=None)(lambda tool: tool_files.known(listed, tool))
