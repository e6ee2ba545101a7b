"""The benchmark runs as its README says."""

import os
import subprocess
import sys
from pathlib import Path


def test_one_command_measures_every_column_and_says_whether_targets_are_reached(tmp_path: Path) -> None:
    """However short the run: ratios first, a row for each column at each width, and an exit code that follows from the targets."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--rounds", "1", "--seconds", "0.2", "--approvals", "3"],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=False,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line[:2] in {"ok", "NO"} for line in lines[:4]] == [True] * 4
    assert done.returncode == (1 if any(line.startswith("NO") for line in lines) else 0)
    rows = [line.split()[:2] for line in lines[6:] if line]
    assert rows == [[name, width] for width in ("1", "32") for name in ("direct", "bare", "askfirst")]
    assert list(tmp_path.iterdir()) == []


def test_the_slack_face_is_measured_by_one_command(tmp_path: Path) -> None:
    """However short the run: a line for each figure, and an exit code that follows from them."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.slack", "--requests", "20", "--clicks", "10"],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=False,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert ["click -> ack, 10 clicks" in lines[0], "20 requests drawn" in lines[1]] == [True, True]
    assert done.returncode == (1 if any(line.startswith("NO") for line in lines) else 0)


def test_policy_and_catalogue_are_measured_by_one_command() -> None:
    """However short the run: a line for each figure, and an exit code that follows from them."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.policy", "--rounds", "2", "--tools", "60"], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    figures = (
        "a decision, 10 rules",
        "a decision, 1,000",
        "runaway",
        "a search",
        "1 MB of keys",
        "a number",
        "tools/list of 60",
        "60 tools scanned",
    )
    assert [part in line for part, line in zip(figures, lines, strict=True)] == [True] * len(figures)
    assert done.returncode == (1 if any(line.startswith("NO") for line in lines) else 0)
