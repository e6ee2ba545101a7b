"""Files that a command makes."""

from pathlib import Path

import pytest

from bot.cli.new_files import NotOverwritten, NotWritten, write


def test_a_new_file_is_written_and_nothing_is_overwritten(tmp_path: Path) -> None:
    """A link that leads nowhere is in the way too."""
    path, link = tmp_path / "a.json", tmp_path / "link"
    write(path, "ünï\n")
    assert path.read_bytes() == "ünï\n".encode()
    link.symlink_to(tmp_path / "elsewhere")
    for taken in (path, link):
        with pytest.raises(NotOverwritten, match="Name a new file"):
            write(taken, "other")
    assert path.read_text(encoding="utf-8") == "ünï\n"
    assert not (tmp_path / "elsewhere").exists()


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A directory that is not there."""
    with pytest.raises(NotWritten, match="Name another file"):
        write(tmp_path / "no" / "a.json", "")
