"""Policies in files that a command line names: read, and what is wrong in them shown with its place, its remedy and the line itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import typer

from bot.cli.output import one_line, remark
from bot.settings.policies import MAX_POLICY_BYTES
from bot.settings.problems import Findings
from bot.settings.references import Sources
from workflows import policy
from workflows.errors import AskfirstError
from workflows.policy import Policy, PolicyInvalid, Problem
from workflows.redaction import redact_text

_LONGEST_LINE = 200


class FileUnreadable(AskfirstError):
    """A file cannot be read."""

    code = "file_unreadable"


@dataclass(frozen=True, slots=True)
class Looked:
    """A policy file that was read: the policy, or what is wrong with it."""

    file: Path
    text: str
    policy: Policy | None
    problems: tuple[Problem, ...] = ()


def read(path: Path, *, most: int = MAX_POLICY_BYTES) -> str:
    """Read a UTF-8 file as it is, of at most `most` bytes. Raises FileUnreadable."""
    try:
        return Sources({}, Path(), Findings(path.name, {})).read(path, most=most)
    except ValueError as error:
        raise FileUnreadable(str(error)) from error


def look(path: Path) -> Looked:
    """Read a policy file. Raises FileUnreadable."""
    text = read(path)
    try:
        return Looked(path, text, policy.load(text, name=path.stem))
    except PolicyInvalid as error:
        return Looked(path, text, None, error.problems)


def good(path: Path) -> Policy:
    """Read a policy file for a command that needs one; what is wrong in it is told, all of it, and ends the command with 1."""
    looked = look(path)
    if looked.policy is None:
        refuse(looked, looked.problems)
    return looked.policy


def refuse(looked: Looked, problems: Sequence[Problem]) -> NoReturn:
    """Tell of problems aside, and end the command with 1."""
    for line in lines(looked, problems):
        remark(line)
    remark(f"{counted(len(problems))}. Nothing was done.")
    raise typer.Exit(1)


def counted(problems: int) -> str:
    """Count problems in words."""
    return f"{problems} problem{'s' * (problems != 1)}"


def lines(looked: Looked, problems: Iterable[Problem], *, kind: str = "") -> Iterator[str]:
    """Write each problem as `FILE:LINE: POINTER: sentence`, and below it the line where it is."""
    written = rows(looked.text)
    for problem in problems:
        place = str(looked.file) if problem.line is None else f"{looked.file}:{problem.line}"
        said = f"{problem.pointer or 'the document'}: {problem.message}"
        yield one_line(f"{place}: {kind}{said}")
        if problem.line is not None:
            yield from source_line(written, problem.line)


def rows(text: str) -> list[str]:
    """Break a text into lines as the readers count them."""
    return text.split("\n")


def source_line(written: Sequence[str], number: int) -> Iterator[str]:
    """Show a line of a file, counted from 1, so that it stays one and is not endless; nothing when the file has no such line."""
    line = written[number - 1].strip() if 0 < number <= len(written) else ""
    shown = one_line(redact_text(line[: _LONGEST_LINE + 1]))
    if shown:
        yield f"    {shown if len(shown) <= _LONGEST_LINE else f'{shown[: _LONGEST_LINE - 1]}…'}"
