"""The processes of the benchmark: upstream, bare pass-through, Askfirst and the load, each on a free port and ended with the run."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOKEN = f"ask_{secrets.token_urlsafe(32)}"
_RULES = {
    "require": [
        {"conditions": [{"path": "args.currency", "op": "in", "value": ["EUR", "USD", "CHF"]}], "on_deny": "Only these currencies."},
        {"conditions": [{"path": "args.customer", "op": "regex", "value": "^cus_[a-z0-9]+$"}], "on_deny": "Customers are cus_…"},
        {"conditions": [{"path": "args.amount", "op": "exists", "value": True}], "on_deny": "An amount is needed."},
    ],
    "deny_if": [
        {"conditions": [{"path": "args.amount", "op": "gt", "value": 100_000}], "on_deny": "Too much."},
        {"conditions": [{"path": "args.amount", "op": "lt", "value": 0}], "on_deny": "Too little."},
        {"conditions": [{"path": "args.note", "op": "contains", "value": "urgent"}], "on_deny": "Nothing is urgent."},
        {
            "conditions": [
                {"path": "args.customer", "op": "eq", "value": "cus_blocked"},
                {"path": "args.currency", "op": "neq", "value": "CHF"},
            ],
            "on_deny": "Blocked.",
        },
        {"conditions": [{"path": "args.region", "op": "not_in", "value": ["eu", "us"]}], "on_deny": "Not there."},
    ],
    "require_approval": [
        {"conditions": [{"path": "args.amount", "op": "gte", "value": 5_000}], "reason": "Much money"},
        {"conditions": [{"path": "args.region", "op": "eq", "value": "us"}], "reason": "Far away"},
    ],
}
POLICY = {
    "version": "1",
    "default": "deny",
    "approval": {"approvers": "people", "expires_in": "10m"},
    "tools": {"look": _RULES, "act": {"require_approval": [{"conditions": []}]}},
}
ARGUMENTS: dict[str, object] = {"customer": "cus_ada", "amount": 1200, "currency": "EUR", "region": "eu", "note": "second item came broken"}
PERSON = "local:alice"
_CONFIG = """\
[gateway]
listen = "127.0.0.1:{gateway}"
[desk]
listen = "127.0.0.1:{desk}"
[database]
url = "sqlite:///{directory}/askfirst.db"
[servers.bench]
url = "http://127.0.0.1:{upstream}/mcp"
[policies]
bench = "bench.json"
[grants.bench]
server = "bench"
policy = "bench"
owner = "local:olivia"
token = "env:BENCH_TOKEN"
[groups.people]
members = ["{person}"]
"""


def free_ports(count: int) -> list[int]:
    """Find ports on 127.0.0.1 that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each of them listens on 127.0.0.1."""

    upstream: int
    bare: int
    gateway: int
    desk: int

    @property
    def urls(self) -> dict[str, str]:
        """The address that the load calls, by column of the table."""
        return {
            "direct": f"http://127.0.0.1:{self.upstream}/mcp",
            "bare": f"http://127.0.0.1:{self.bare}/mcp",
            "askfirst": f"http://127.0.0.1:{self.gateway}/mcp/bench/",
        }


def write_config(directory: Path, ports: Ports, environment: dict[str, str]) -> Path:
    """Write config and policy of the measured gateway, and put its token into the environment."""
    (directory / "bench.json").write_text(json.dumps(POLICY))
    config = directory / "askfirst.toml"
    config.write_text(
        _CONFIG.format(gateway=ports.gateway, desk=ports.desk, upstream=ports.upstream, directory=directory.as_posix(), person=PERSON)
    )
    environment["BENCH_TOKEN"] = TOKEN
    return config


@contextlib.contextmanager
def program(argv: list[str], *, ready: str, environment: dict[str, str], errors: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a Python module for as long as the block lasts; it is entered when a line that begins with `ready` was printed."""
    with (
        errors.open("wb") as sink,
        subprocess.Popen(  # noqa: S603  # our own modules
            [sys.executable, "-m", *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, text=True, env=environment
        ) as process,
    ):
        try:
            while ready and not (line := _line(process)).startswith(ready):
                if not line:
                    raise SystemExit(f"{argv[0]} did not start: {errors.read_text().strip()[-500:]}")
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline() if process.stdout else ""


def cpu_seconds(pid: int) -> float:
    """Give the processor time that a process has used, all its threads together; 0 where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(load: subprocess.Popen[str], task: dict[str, object]) -> dict[str, float]:
    """Give the load one task and wait for what it measured."""
    if load.stdin is None:
        raise SystemExit("The load has no input.")
    load.stdin.write(json.dumps(task) + "\n")
    load.stdin.flush()
    line = _line(load)
    if not line:
        raise SystemExit("The load ended before its task was done.")
    found: dict[str, float] = json.loads(line)
    return found
