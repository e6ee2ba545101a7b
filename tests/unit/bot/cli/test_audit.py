"""`askfirst audit`."""

import csv
import io
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.audit import COLUMNS
from tests.unit.bot.cli.stage import Stage
from workflows import audit


def _sql(here: Stage, statement: str) -> None:
    with sqlite3.connect(here.config.with_name("askfirst.db")) as connection:
        connection.execute(statement)
    connection.close()


def test_a_whole_trail_is_exit_0(here: Stage) -> None:
    """It says how many rows there are and the last hash."""
    here.hold()
    said = here.ask("audit", "verify")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("audit: whole: ")


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE audit SET actor = 'local:mallory' WHERE seq = 2", "row 2 was changed after it was written"),
        ("DELETE FROM audit WHERE seq = 2", "row 2 is missing"),
        ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", "its end was cut off"),
    ],
)
def test_the_first_bad_row_is_named(here: Stage, statement: str, why: str) -> None:
    """An edit, a gap and a cut end are found: exit 1, and which row."""
    here.hold()
    here.hold('{"amount": 7000}')
    _sql(here, statement)
    said = here.ask("audit", "verify")
    assert said.code == 1
    assert said.out.startswith("audit: NOT whole: ")
    assert why in said.out


def _pin(here: Stage) -> str:
    row = here.write(lambda session: audit.checkpoint(session, now=datetime.now(UTC)))
    assert row is not None
    return f"{row.seq} {row.hash} {row.at.isoformat()}\n"


def test_checkpoints_kept_outside_count(here: Stage) -> None:
    """A trail that fits its anchor says so; one that was written anew does not fit it."""
    here.hold()
    anchor = here.config.with_name("anchor.log")
    anchor.write_text(_pin(here))
    assert "1 checkpoint kept outside fit" in here.ask("audit", "verify").out
    anchor.write_text(anchor.read_text()[:2] + "0" * 64 + anchor.read_text()[66:])
    said = here.ask("audit", "verify")
    assert said.code == 1
    assert "the anchor kept outside" in said.out


@pytest.mark.parametrize("content", [b"12 abc\n", b"\xff\n", b"1 \n"])
def test_an_anchor_that_was_damaged_is_a_sentence(here: Stage, content: bytes) -> None:
    """Its line is named, and the trail is not called whole."""
    here.hold()
    here.config.with_name("anchor.log").write_bytes(content)
    said = here.ask("audit", "verify")
    assert (said.code, said.out) == (1, "")
    assert said.err.endswith("[anchor_unreadable]\n")


def test_jsonl_is_one_object_a_row(here: Stage) -> None:
    """Every row in order, with everything that is hashed."""
    here.hold()
    rows = [json.loads(line) for line in here.ask("audit", "export").out.splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert set(rows[0]) == set(COLUMNS)
    assert rows[-1]["event"] == "request.hold"
    assert rows[-1]["detail"]["argument_keys"] == ["amount"]


def test_csv_is_safe_to_open_in_a_spreadsheet(here: Stage) -> None:
    """What begins like a formula is a text there, and unseen characters are written out."""
    here.hold(tool='=HYPERLINK("http://evil")\u202e')
    rows = list(csv.DictReader(io.StringIO(here.ask("audit", "export", "--format", "csv").out)))
    assert tuple(rows[0]) == COLUMNS
    assert rows[-1]["tool"] == '\'=HYPERLINK("http://evil")\\u{202E}'
    assert json.loads(rows[-1]["detail"])["argument_keys"] == ["amount"]


def test_an_export_goes_into_a_new_file_only(here: Stage, tmp_path: Path) -> None:
    """It is written for its owner alone; a file that is there stays as it is."""
    here.hold()
    target = tmp_path / "trail.jsonl"
    said = here.ask("audit", "export", "--output", target)
    assert (said.code, said.out) == (0, "")
    assert target.read_text() == here.ask("audit", "export").out
    assert target.stat().st_mode & 0o777 == 0o600
    again = here.ask("audit", "export", "--output", target)
    assert again.code == 1
    assert "is not overwritten" in again.err
    assert here.ask("audit", "export", "--output", tmp_path / "no" / "x").err.endswith("[output_refused]\n")
