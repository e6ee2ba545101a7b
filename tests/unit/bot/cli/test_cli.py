"""The command as a whole: every refusal is one line with a code, never a traceback."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from bot import cli
from bot.cli import requests
from tests.unit.bot.cli.stage import Stage, type_in
from tests.waiting import until
from workflows.errors import NotFound

ASKFIRST = [sys.executable, "-m", "bot.cli"]
ROOT = Path(__file__).parents[4]
LEAVES = {
    "init",
    "check",
    "doctor",
    "explain",
    "simulate",
    "scan",
    "serve",
    "demo",
    *(f"requests {verb}" for verb in ("list", "show", "approve", "deny", "cancel")),
    *(f"grants {verb}" for verb in ("create", "list", "rotate", "revoke")),
    "groups list",
    *(f"policy {verb}" for verb in ("test", "convert", "schema")),
    *(f"audit {verb}" for verb in ("verify", "export")),
    *(f"desk {verb}" for verb in ("login", "token")),
}


def _configured() -> set[str]:
    """Give the commands that read the configuration."""
    return {leaf for leaf in LEAVES if leaf not in {"init", "demo", "serve", "explain", "scan"} and not leaf.startswith("policy ")}


def _leaves(command: object, path: str = "") -> set[str]:
    commands = getattr(command, "commands", None)
    if not commands:
        return {path.strip()}
    return {leaf for name, inner in commands.items() for leaf in _leaves(inner, f"{path} {name}")}


def test_every_command_is_there_and_has_help() -> None:
    """The commands are those that the documents name, and each says what it does."""
    assert _leaves(typer.main.get_command(cli.app)) == LEAVES
    for leaf in sorted(LEAVES):
        said = type_in(*leaf.split(), "--help")
        assert (said.code, said.err) == (0, "")
        assert "Usage: askfirst" in said.out


@pytest.mark.parametrize(
    "words", ["nonsense", "requests nonsense", "requests list --nonsense", "requests list --state maybe", "requests show", "desk login"]
)
def test_misuse_is_one_line_and_two(words: str) -> None:
    """A command line that cannot be understood says so, says how to learn more, and exits 2."""
    said = type_in(*words.split())
    assert (said.code, said.out) == (2, "")
    assert re.fullmatch(r"askfirst: .+ `askfirst.*--help` shows how\. \[usage\]\n", said.err)


def test_no_word_at_all_shows_what_there_is() -> None:
    """`askfirst` alone lists its commands."""
    said = type_in()
    assert said.code == 2
    assert "Commands:" in said.err


@pytest.mark.parametrize("leaf", sorted(_configured()))
def test_a_broken_config_is_never_a_traceback(tmp_path: Path, leaf: str) -> None:
    """Every command that reads the configuration ends in a sentence when it is broken or missing."""
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"[database]\nurl = 3\n\xff")
    words = {
        "create": ["a", "--server", "s", "--owner", "local:a"],
        "rotate": ["a"],
        "revoke": ["a"],
        "login": ["--as", "local:a"],
        "token": ["--as", "local:a"],
    }
    policy = tmp_path / "policy.json"
    policy.write_text('{"version": "1", "default": "deny"}')
    words["simulate"] = ["--policy", str(policy)]
    arguments = words.get(
        leaf.rpartition(" ")[2], ["apr_x", "--as", "local:a"] if leaf.startswith("requests") and "list" not in leaf else []
    )
    for config in (broken, tmp_path / "missing.toml"):
        said = type_in(*leaf.split(), *arguments, "--config", config)
        assert said.code == 1
        assert "Traceback" not in said.err
        assert "There is no file" in said.out + said.err or "is not UTF-8" in said.out + said.err


def test_a_refusal_is_one_line_whatever_it_holds(here: Stage) -> None:
    """Control characters in a sentence are written out, and line breaks do not break it."""
    said = here.ask("requests", "show", "apr_\x1b[31m\nnext")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("askfirst: There is no request ")
    assert said.err.endswith("[not_found]\n")
    assert said.err.count("\n") == 1
    assert "\x1b" not in said.err


def test_the_unknown_leaks_nothing(monkeypatch: pytest.MonkeyPatch, here: Stage) -> None:
    """A fault of ours is a sentence too, without its text; ASKFIRST_DEBUG=1 shows it."""

    def fails(*_: object, **__: object) -> None:
        raise ValueError("postgresql://olivia:secret@db")

    monkeypatch.setattr(requests, "_listed", fails)
    said = here.ask("requests", "list")
    assert (said.code, said.out) == (1, "")
    assert said.err == "askfirst: Something went wrong inside Askfirst (ValueError). Set ASKFIRST_DEBUG=1 to see where. [error]\n"
    monkeypatch.setenv("ASKFIRST_DEBUG", "1")
    with pytest.raises(ValueError, match="secret"):
        here.ask("requests", "list")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (NotFound(), 1)])
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, here: Stage, error: BaseException, code: int) -> None:
    """130 when interrupted, quietly; 1 when refused."""

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(requests, "_listed", fails)
    said = here.ask("requests", "list")
    assert said.code == code
    assert (said.err == "") is (code == 130)


def test_the_config_is_found_by_option_environment_or_directory(monkeypatch: pytest.MonkeyPatch, here: Stage, tmp_path: Path) -> None:
    """`--config` first, then ASKFIRST_CONFIG, then askfirst.toml where the command was typed."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.chdir(other)
    assert type_in("requests", "list").code == 1
    monkeypatch.setenv("ASKFIRST_CONFIG", str(here.config))
    assert type_in("requests", "list").code == 0
    monkeypatch.delenv("ASKFIRST_CONFIG")
    monkeypatch.chdir(here.config.parent)
    assert type_in("requests", "list").code == 0


@pytest.mark.parametrize("words", ["requests list", "audit export --format csv", "audit export --format jsonl"])
def test_a_reader_who_leaves_is_no_error(here: Stage, words: str) -> None:
    """`askfirst … | head` ends without a word, also in the middle of more than a pipe takes at once."""
    for amount in range(6000, 6040):
        here.hold(f'{{"amount": {amount}}}')
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [*ASKFIRST, *words.split(), "--config", here.config],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=30,
    )
    os.close(writing)
    assert process.stderr == ""


def test_a_real_process_prints_what_no_locale_can(here: Stage) -> None:
    """On a terminal that knows ASCII only, other characters are escapes; the command still works."""
    here.hold('{"note": "für José"}')
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    process = subprocess.run(
        [*ASKFIRST, "requests", "list", "--config", here.config],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert "f\\xfcr Jos\\xe9" in process.stdout


def test_ctrl_c_ends_quietly(tmp_path: Path) -> None:
    """A command that is interrupted while it reads exits 130 without a word."""
    pipe = tmp_path / "askfirst.toml"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    command = [*ASKFIRST, "check", "--config", str(pipe)]
    with _heeding(signal.SIGINT):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        until(lambda: _has_open(process.pid, pipe) and _sleeps(process.pid), within=20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    os.close(writer)
    assert (process.returncode, out, err) == (130, "", "")


@contextlib.contextmanager
def _heeding(number: signal.Signals) -> Iterator[None]:
    """Let programs that begin here heed a signal, though these tests were started where it is ignored, as in the background."""
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def _sleeps(process_id: int) -> bool:
    """Tell whether it waits in the kernel: a signal right before a blocking read would be noticed by nobody until there is something."""
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def _has_open(process_id: int, path: Path) -> bool:
    for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
        with contextlib.suppress(OSError):
            if descriptor.readlink() == path:
                return True
    return False
