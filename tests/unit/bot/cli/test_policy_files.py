"""Policies in files."""

from pathlib import Path

import pytest

from bot.cli.policy_files import FileUnreadable, look, read, rows, source_line


def test_the_file_is_read_as_it_is(tmp_path: Path) -> None:
    """No line end is translated, so that the checksum is that of the file."""
    path = tmp_path / "policy.json"
    path.write_bytes(b'{"version": "1",\r\n"default": "deny"}')
    assert read(path) == '{"version": "1",\r\n"default": "deny"}'
    looked = look(path)
    assert looked.policy is not None
    assert looked.policy.name == "policy"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """It is not there, too large, not text, or a directory."""
    path = tmp_path / "policy.json"
    path.write_bytes(b"\xff")
    for bad, most in ((path, 10), (path, 0), (tmp_path, 10), (tmp_path / "none", 10)):
        with pytest.raises(FileUnreadable):
            read(bad, most=most)


@pytest.mark.parametrize(
    ("number", "shown"),
    [(1, ["    a\\u{202E}b"]), (2, ["    " + "x" * 199 + "…"]), (3, []), (0, []), (9, [])],
)
def test_a_line_is_shown_on_one_line(number: int, shown: list[str]) -> None:
    """It is cut where it is endless, and nothing is shown where there is nothing."""
    assert list(source_line(rows("  a\u202eb\r\n" + "x" * 500 + "\n   \n"), number)) == shown
