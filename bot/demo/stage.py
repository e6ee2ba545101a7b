"""The demo's props: a temporary directory with a config and a policy, free ports, and children that end with the demo."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workflows.errors import AskfirstError

PERSON = "local:alice"
POLICY = {
    "version": "1",
    "default": "deny",
    "approval": {"approvers": "payments", "expires_in": "30m"},
    "tools": {
        "list_customers": {},
        "binance_us_keepalive_listen_key": {
            "limits": [{"counter": "binance_us_keepalive_listen_key_rate", "window": "minute", "max": 60, "scope": "grant"}]
        },
        "create_refund": {
            "deny_if": [
                {
                    "conditions": [{"path": "args.amount", "op": "gt", "value": 100_000}],
                    "on_deny": "Refunds above $1,000 are made by people.",
                }
            ],
            "require_approval": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 5_000}], "reason": "Refund above $50"}],
        },
        "delete_customer": {"require_approval": [{"conditions": [], "reason": "A deleted customer does not come back"}]},
    },
}
_CONFIG = """\
[gateway]
listen = "127.0.0.1:{gateway}"

[desk]
listen = "127.0.0.1:{desk}"

[database]
url = "sqlite:///{database}"

[servers.payments]
url = "http://127.0.0.1:{upstream}/mcp"

[policies]
payments = "payments.json"

[grants.demo-agent]
server = "payments"
policy = "payments"
owner = "local:olivia"
token = "env:ASKFIRST_DEMO_TOKEN"

[groups.payments]
members = ["{person}"]
"""
_PATIENCE = 5.0


class DemoFailed(AskfirstError):
    """The demo could not go on."""

    code = "demo_failed"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is: a directory, three ports on 127.0.0.1, and the agent's token."""

    directory: Path
    upstream: int
    gateway: int
    desk: int
    token: str

    @property
    def config(self) -> Path:
        """The config file that `askfirst serve` reads."""
        return self.directory / "askfirst.toml"

    @property
    def environment(self) -> dict[str, str]:
        """What the children see: the surroundings of the demo and the one secret that the config names."""
        return {**os.environ, "ASKFIRST_DEMO_TOKEN": self.token, "PYTHONUNBUFFERED": "1"}

    def askfirst(self, *words: str) -> list[str]:
        """Write one command line of askfirst on this stage."""
        return [sys.executable, "-m", "bot.cli", *words, "--config", str(self.config)]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def prepare(directory: Path) -> Stage:
    """Write config and policy into an empty directory."""
    upstream, gateway, desk = _free_ports(3)
    stage = Stage(directory, upstream, gateway, desk, f"ask_{secrets.token_urlsafe(32)}")
    (directory / "payments.json").write_text(json.dumps(POLICY, indent=2))
    stage.config.write_text(
        _CONFIG.format(gateway=gateway, desk=desk, upstream=upstream, database=(directory / "askfirst.db").as_posix(), person=PERSON)
    )
    return stage


@dataclass(frozen=True, slots=True)
class Child:
    """A running program of the demo, with its standard output as lines and its errors in a file."""

    name: str
    process: asyncio.subprocess.Process
    errors: Path

    async def _read(self) -> str | None:
        line = await self.process.stdout.readline() if self.process.stdout else b""
        return line.decode(errors="replace").rstrip("\n") if line else None

    async def lines(self) -> AsyncIterator[str]:
        """Give what it prints until it closes its output."""
        while (line := await self._read()) is not None:
            yield line

    async def line(self, *, beginning: str) -> str:
        """Wait for the line that begins so; DemoFailed with its last words if it ends first."""
        while (line := await self._read()) is not None:
            if line.startswith(beginning):
                return line
        await self.process.wait()
        raise DemoFailed(f"The {self.name} ended before it was ready.{self.last_words()}")

    def last_words(self) -> str:
        """Give the last line of its errors, to stand behind a sentence."""
        said = self.errors.read_text(errors="replace").strip().splitlines() if self.errors.exists() else []
        return f" It said: {said[-1]}" if said else ""

    async def end(self) -> None:
        """Ask it to end, then insist; it is reaped either way."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._drained(), _PATIENCE)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._drained()

    def _signal(self, number: signal.Signals) -> None:
        # `process.terminate()` would look whether it has ended and reap it, and take its exit code from the loop, which waits for it too.
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    async def _drained(self) -> None:
        while await self._read() is not None:
            pass
        await self.process.wait()


@contextlib.asynccontextmanager
async def child(name: str, stage: Stage, argv: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[Child]:
    """Run a program in the demo's own process group for as long as the block lasts."""
    errors = stage.directory / f"{name}.err"
    with errors.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=sink, env=dict(environment)
        )
    running = Child(name, process, errors)
    try:
        yield running
    finally:
        await running.end()


async def output_of(stage: Stage, *words: str) -> tuple[int, str]:
    """Run one askfirst command to its end: its exit code, and what it printed on either stream."""
    process = await asyncio.create_subprocess_exec(
        *stage.askfirst(*words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=stage.environment,
    )
    try:
        said, _ = await process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    return process.returncode or 0, said.decode(errors="replace").strip()
