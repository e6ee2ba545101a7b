"""`askfirst serve`, as a process."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.bot.cli.stage import Stage
from tests.unit.bot.configs import write

ASKFIRST = [sys.executable, "-m", "bot.cli"]
ROOT = Path(__file__).parents[4]
ENVIRONMENT = {**os.environ, "NOT_SET_IN_THIS_SHELL": "secret", "PYTHONUNBUFFERED": "1"}


@contextmanager
def _serving(config: Path) -> Iterator["subprocess.Popen[str]"]:
    """Serve a configuration, from its two lines until the block ends."""
    with subprocess.Popen(
        [*ASKFIRST, "serve", "--config", config], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _lines(process: "subprocess.Popen[str]") -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(2)]


@pytest.fixture
def free(here: Stage) -> Stage:
    """The stage, with listeners on any free port."""
    here.config.write_text(here.config.read_text() + '[gateway]\nlisten = "127.0.0.1:0"\n[desk]\nlisten = "127.0.0.1:0"\n')
    return here


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_ends_when_told(free: Stage, number: signal.Signals) -> None:
    """Two lines when both listeners are open; a signal ends it with 0."""
    with _serving(free.config) as process:
        gateway, desk = _lines(process)
        assert gateway.startswith("askfirst gateway listening on http://127.0.0.1:")
        assert desk.startswith("askfirst desk listening on http://127.0.0.1:")
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in err


_BROKEN = b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer askg_of-somebody\x01\r\nCookie: askfirst=asks_too\x01\r\n\r\n"


def test_what_is_no_http_leaves_one_line_and_no_secret(free: Stage) -> None:
    """The log of either listener says that something was refused, without a trace and without a byte of it."""
    with _serving(free.config) as process:
        for line in _lines(process):
            with socket.create_connection(("127.0.0.1", int(line.rpartition(":")[2])), timeout=10) as sender:
                sender.sendall(_BROKEN)
                assert sender.makefile("rb").read().split(b" ")[1] == b"400"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert err.count("is no HTTP, and was refused") == 2
    assert "Traceback" not in err
    assert "askg_" not in err
    assert "asks_" not in err


def test_commands_work_while_it_serves_and_after(free: Stage) -> None:
    """The command line reaches the same database; declared groups are there once it served."""
    request_id = free.hold()
    with _serving(free.config) as process:
        _lines(process)
        assert json.loads(free.ask("groups", "list", "--json").out)[0]["name"] == "payments"
        assert free.ask("requests", "deny", request_id, "--as", "local:bob").code == 0
        process.terminate()
        process.communicate(timeout=20)
    assert "denied" in free.ask("requests", "show", request_id).out
    assert free.ask("audit", "verify").code == 0


def test_one_database_is_served_once(free: Stage) -> None:
    """A second process says so in one line."""
    with _serving(free.config) as first:
        _lines(first)
        with _serving(free.config) as second:
            _, err = second.communicate(timeout=20)
        assert second.returncode == 1
        assert err.endswith("[database_busy]\n")
        first.terminate()
        first.communicate(timeout=20)


def test_a_broken_config_is_one_line(tmp_path: Path) -> None:
    """It names the first problem, how many there are, and the command that lists them."""
    with _serving(write(tmp_path, "[gateway]\nlissen = 1\nmax_depth = 0\n")) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("askfirst: The configuration cannot be used: askfirst.toml:2: gateway.lissen: ")
    assert err.endswith("and 1 more; `askfirst check` lists them all) [settings_invalid]\n")
    assert err.count("\n") == 1
