"""The stage of the acceptance tests: `askfirst serve` and the counting server as real processes, and what can be read of them."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent
from sqlmodel import Session, col, select

from tests.fakes import counting
from tests.waiting import until
from workflows import lifecycle, queries
from workflows.calls import JSON
from workflows.database import Database
from workflows.errors import AskfirstError
from workflows.lifecycle import Choice
from workflows.people import parse_person
from workflows.tables import ApprovalRequest

PERSON = "local:alice"
TOKEN = f"ask_{secrets.token_urlsafe(32)}"
SOON = 7  # the amount whose request expires as soon as the policy language allows
POLICY: Mapping[str, object] = {
    "version": "1",
    "default": "deny",
    "hide": ["secret"],
    "approval": {"approvers": "people", "expires_in": "10m"},
    "tools": {
        "look": {},
        "wipe": {"deny_if": [{"conditions": [], "on_deny": "Nobody wipes."}]},
        "act": {
            "require_approval": [
                {"conditions": [{"path": "args.amount", "op": "eq", "value": SOON}], "expires_in": "10s", "reason": "Soon"},
                {"conditions": [{"path": "args.amount", "op": "neq", "value": SOON}], "reason": "Acts"},
            ]
        },
    },
}
_CONFIG = """\
[gateway]
listen = "127.0.0.1:{gateway}"
hold_budget_seconds = {budget}
[desk]
listen = "127.0.0.1:{desk}"
[database]
url = "{database}"
[servers.counting]
{server}
[policies]
counting = "counting.json"
[grants.agent]
server = "counting"
policy = "counting"
owner = "local:olivia"
token = "env:AGENT_TOKEN"
[groups.people]
members = {members}
{extra}"""


def free_ports(count: int) -> list[int]:
    """Find ports on 127.0.0.1 that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


@dataclass(slots=True)
class Program:
    """A Python module that runs as a process of its own, and can be started again after it was killed."""

    argv: Sequence[str]
    ready: str
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it and wait for the line that says it is ready."""
        begins = self.log.stat().st_size if self.log.exists() else 0
        self.launch()
        until(partial(self._is_ready, begins), within=30)

    def launch(self) -> None:
        """Start it without waiting."""
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, "AGENT_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1", **self.environment},
            )

    def _is_ready(self, begins: int) -> bool:
        said = self.log.read_bytes()[begins:].decode(errors="replace")
        if not self.running:
            raise RuntimeError(f"{self.argv[0]} ended at once: {said[-2000:]}")
        return self.ready in said

    @property
    def running(self) -> bool:
        """Tell whether it runs now."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """`kill -9`: it gets no chance to do anything more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM, *, within: float = 15) -> int:
        """Ask it to end and give its exit code; it is killed when it does not."""
        if self._process is None:
            return 0
        if self.running:
            self._process.send_signal(number)
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def said(self) -> str:
        """Give all that it printed."""
        return self.log.read_text(errors="replace")


@dataclass(slots=True)
class World:
    """A gateway in front of a counting server, with the database and the journal that tell what happened."""

    directory: Path
    database_url: str
    gateway_module: str = "bot.cli"
    stdio: bool = False
    budget: float = 20.0
    policy: Mapping[str, object] = field(default_factory=lambda: POLICY)
    members: Sequence[str] = (PERSON, "local:bob")
    extra: str = ""  # more of the configuration
    gateway: Program = field(init=False)
    upstream: Program = field(init=False)
    url: str = field(init=False)
    desk: str = field(init=False)
    config: Path = field(init=False)
    journal: Path = field(init=False)
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        upstream, gateway, desk = free_ports(3)
        self.url, self.desk = f"http://127.0.0.1:{gateway}/mcp/counting/", f"http://127.0.0.1:{desk}"
        self.config, self.journal = self.directory / "askfirst.toml", self.directory / "journal.jsonl"
        (self.directory / "counting.json").write_text(json.dumps(self.policy))
        journal = ["--journal", str(self.journal)]
        server = (
            f"command = {json.dumps([sys.executable, counting.__file__, *journal, '--stdio'])}"
            if self.stdio
            else f'url = "http://127.0.0.1:{upstream}/mcp"'
        )
        self.config.write_text(
            _CONFIG.format(
                gateway=gateway,
                desk=desk,
                server=server,
                database=self.database_url,
                budget=self.budget,
                members=json.dumps(list(self.members)),
                extra=self.extra,
            )
        )
        self.upstream = Program(
            ["tests.fakes.counting", *journal, "--port", str(upstream)],
            "counting listening on",
            self.directory / "counting.log",
        )
        self.gateway = Program(
            [self.gateway_module, "serve", "--config", str(self.config)], "askfirst desk listening on", self.directory / "gateway.log"
        )
        self.database = Database(self.database_url)

    def close(self) -> None:
        """End everything that still runs."""
        self.gateway.kill()
        self.upstream.kill()
        self.database.close()

    def cli(self, *words: str, code: int = 0) -> str:
        """Run one askfirst command, expect its exit code, and give what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", *words, "--config", str(self.config)],
            env={**os.environ, "AGENT_TOKEN": TOKEN},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout

    def executions(self) -> list[dict[str, Any]]:
        """Give the journal: one entry for each execution, in order."""
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def ran(self, key: str) -> int:
        """Count the executions of a key."""
        return Counter(each["key"] for each in self.executions())[key]

    def requests(self) -> dict[str, list[ApprovalRequest]]:
        """Give all requests by the key in their arguments, oldest first."""
        found: dict[str, list[ApprovalRequest]] = {}
        for row in self.database.read(_all):
            found.setdefault(json.loads(row.arguments)["key"], []).append(row)
        return found

    def request(self, key: str) -> ApprovalRequest | None:
        """Give the newest request of a key, or None."""
        found = self.requests().get(key)
        return found[-1] if found else None

    def asked(self, key: str, amount: int = 1) -> ApprovalRequest | None:
        """Give the newest request of exactly these arguments, or None; quicker than to look through all."""
        return self.database.read(partial(_newest, raw=json.dumps(arguments(key, amount)).encode()))

    def held(self, key: str) -> ApprovalRequest:
        """Wait until a call is held."""
        row = until(lambda: self.request(key), within=15)
        assert row is not None
        return row

    def state(self, key: str) -> str:
        """Give the state of the newest request of a key, or nothing."""
        row = self.request(key)
        return row.state if row else ""

    def trail(self, request_id: str) -> list[str]:
        """Give the tags of a request's audit rows, in order."""
        view = self.database.read(partial(queries.one, request_id=request_id))
        return [event.event for event in view.trail] if view else []

    def vote(self, request_id: str, choice: Choice, reason: str | None = None) -> AskfirstError | None:
        """Vote as another process does, straight on the database; gives the refusal when there is one."""
        cast = partial(
            lifecycle.vote,
            request_id=request_id,
            actor=parse_person(PERSON),
            choice=choice,
            reason=reason,
            via="cli",
            now=datetime.now(UTC),
        )
        try:
            self.database.write(cast)
        except AskfirstError as refusal:
            return refusal
        return None


def _all(session: Session) -> Sequence[ApprovalRequest]:
    return session.exec(select(ApprovalRequest).order_by(col(ApprovalRequest.held_at))).all()


def _newest(session: Session, *, raw: bytes) -> ApprovalRequest | None:
    query = select(ApprovalRequest).where(ApprovalRequest.arguments == raw).order_by(col(ApprovalRequest.held_at).desc())
    return session.exec(query).first()


@contextlib.contextmanager
def world(make: Callable[[], World]) -> Iterator[World]:
    """Raise the curtain, and end every process afterwards."""
    made = make()
    try:
        if not made.stdio:
            made.upstream.start()
        made.gateway.start()
        yield made
    finally:
        made.close()


@contextlib.asynccontextmanager
async def agent(url: str, mode: str, token: str = TOKEN) -> AsyncIterator[Client]:
    """Connect the official client through the gateway, in one of its modes."""
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=httpx2.Timeout(30, read=300))
    async with http, Client(streamable_http_client(url, http_client=http), mode=mode) as client:
        yield client


def text(result: CallToolResult) -> str:
    """Give the words of a result."""
    return " ".join(part.text for part in result.content if isinstance(part, TextContent))


def arguments(key: str, amount: int = 1) -> dict[str, JSON]:
    """Make the arguments of `act`."""
    return {"key": key, "amount": amount}
