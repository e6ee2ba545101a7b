"""`askfirst demo` from the outside: it plays to the end by itself, and ends at once and cleanly when it is told to."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import until


@pytest.fixture
def demo(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the demo as a terminal does: in a process group of its own; its temporary files go to `tmp_path/tmp`."""
    (tmp_path / "tmp").mkdir()
    with (tmp_path / "said").open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "demo"],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_it_plays_to_the_end_by_itself_and_every_outcome_is_as_expected(tmp_path: Path) -> None:
    """Exit 0 within 30 s, plain lines, and nothing left in the temporary directory."""
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "demo", "--auto"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len([line for line in lines if line.startswith("demo      ok   ")]) == 6
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", ["server    a real MCP server listens", "/sign-in?token="])
def test_told_to_end_it_leaves_nothing_behind(
    demo: "subprocess.Popen[bytes]", tmp_path: Path, number: signal.Signals, code: int, moment: str
) -> None:
    """While it starts, and while it waits for the person: the whole group ends, the directory is gone, and there is no traceback."""
    said = tmp_path / "said"
    until(lambda: moment in said.read_text(), within=30)
    if number is signal.SIGINT:
        os.killpg(demo.pid, number)
    else:
        demo.send_signal(number)
    assert demo.wait(timeout=15) == code
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.pid, 0)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert "Traceback" not in said.read_text()
    assert said.read_text().endswith("Ended early. Nothing is left behind.\n")
