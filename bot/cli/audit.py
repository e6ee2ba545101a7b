"""`askfirst audit`: is the trail whole, and a copy of it."""

import csv
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import closing, nullcontext
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, TextIO

import typer
from sqlmodel import Session

from bot.cli.opening import opened
from bot.cli.options import CONFIG, Config
from bot.cli.output import remark, say
from workflows import audit
from workflows.calls import JSON
from workflows.errors import AskfirstError
from workflows.redaction import visible

app = typer.Typer(help="Check and copy the audit trail.", no_args_is_help=True)
COLUMNS = ("seq", "at", "event", "actor", "request_id", "agent", "server", "tool", "detail", "hash")
_ANCHOR = re.compile(r"([0-9]{1,18}) ([0-9a-f]{64})(?: |$)")


class Format(StrEnum):
    """How rows are written: one JSON object a line, or comma-separated values for a spreadsheet."""

    JSONL = "jsonl"
    CSV = "csv"


class AnchorUnreadable(AskfirstError):
    """The file with the checkpoints cannot be read."""

    code = "anchor_unreadable"


class OutputRefused(AskfirstError):
    """The output file cannot be written."""

    code = "output_refused"


@app.command()
def verify(config: Config = CONFIG) -> None:
    """Walk the whole chain: exit 0 when every row fits, 1 with the first that does not."""
    with opened(config) as at:
        anchors = _anchors(at.base.audit.anchor)
        found = at.database.read(lambda session: audit.verify(session, anchors))
    if found.bad_seq is not None:
        say(f"audit: NOT whole: {found.why}. The first {found.rows} rows fit.")
        raise typer.Exit(1)
    kept = f", {len(anchors)} checkpoint{'s' * (len(anchors) != 1)} kept outside fit" if anchors else ""
    say(f"audit: whole: {found.rows} rows{kept}; the last hash is {found.head}")


def _anchors(path: Path | None) -> list[tuple[int, str]]:
    """Read the checkpoints kept outside the database, `seq hash time` a line; a file that is not there yet has none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise AnchorUnreadable(f"The anchor {path} cannot be read ({type(error).__name__}). Check that file.") from error
    found = [_ANCHOR.match(line) for line in lines]
    if None in found:
        raise AnchorUnreadable(f"Line {found.index(None) + 1} of the anchor {path} is no checkpoint: it was changed or cut.")
    return [(int(line[1]), line[2]) for line in found if line]


@app.command()
def export(
    form: Annotated[Format, typer.Option("--format", help="jsonl is exact; csv is for spreadsheets.")] = Format.JSONL,
    output: Annotated[Path | None, typer.Option("--output", help="A new file; standard output without it.")] = None,
    config: Config = CONFIG,
) -> None:
    """Write every row, oldest first."""
    with opened(config) as at, _target(output) as file:
        count = at.database.read(partial(_written, file=file, write=_jsonl if form is Format.JSONL else _csv))
    if output is not None:
        remark(f"{count} rows written to {output}.")


def _written(session: Session, *, file: TextIO, write: Callable[[Iterable[dict[str, JSON]], TextIO], int]) -> int:
    with closing(audit.rows(session)) as rows:  # a reader who leaves ends the reading too
        return write(rows, file)


def _target(output: Path | None) -> "nullcontext[TextIO] | TextIO":
    if output is None:
        return nullcontext(sys.stdout)
    try:
        return os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")
    except FileExistsError as error:
        raise OutputRefused(f"{output} exists already, and is not overwritten. Name a new file.") from error
    except OSError as error:
        raise OutputRefused(f"{output} cannot be written: {error.strerror}. Name another file.") from error


def _jsonl(rows: Iterable[dict[str, JSON]], file: TextIO) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007  # how many there were is the answer
        file.write(json.dumps(row, ensure_ascii=True, sort_keys=False) + "\n")
    return count


def _csv(rows: Iterable[dict[str, JSON]], file: TextIO) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007  # how many there were is the answer
        writer.writerow([_cell(row.get(column)) for column in COLUMNS])
    return count


def _cell(value: JSON) -> str:
    """Write a cell that no spreadsheet takes for a formula: what begins like one gets an apostrophe before it."""
    if value is None:
        return ""
    text = visible(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=True)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
