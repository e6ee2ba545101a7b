"""A configuration with a database beside it, held calls in it, and a way to type a command."""

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlmodel import Session

from bot import settings
from bot.cli import run
from tests.unit.bot.configs import write
from workflows import grants, groups, lifecycle
from workflows.calls import JSON, ToolCall
from workflows.database import Database
from workflows.policy import evaluate
from workflows.policy.situation import KnownTool
from workflows.redaction import NOTHING, Redaction

T = TypeVar("T")
POLICY = {
    "version": "1",
    "default": "deny",
    "approval": {"approvers": "payments", "expires_in": "30m"},
    "tools": {
        "create_refund": {"require_approval": [{"conditions": [], "reason": "Refund"}]},
        "wire_transfer": {"require_approval": [{"conditions": [], "quorum": 2, "reason": "Wire"}]},
        "*": {"require_approval": [{"conditions": [], "reason": "Anything"}]},
    },
}
CONFIG = """
[database]
url = "{url}"
[servers.payments]
url = "http://127.0.0.1:9000/mcp"
headers = {{ Authorization = "env:NOT_SET_IN_THIS_SHELL" }}
[policies]
payments = "payments.json"
[groups.payments]
members = ["local:alice", "local:bob"]
[audit]
anchor = "anchor.log"
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> JSON:
        """What it printed, as JSON."""
        value: JSON = json.loads(self.out)
        return value


class Terminal(io.StringIO):
    """Somewhere to print that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def type_in(*words: str | Path, terminal: bool = False) -> Said:
    """Run one command line in this process."""
    out, err = Terminal() if terminal else io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(word) for word in words])
    return Said(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True, slots=True)
class Stage:
    """A place with a configuration; it declares the group, and holds calls as the gateway would."""

    config: Path

    def ask(self, *words: str | Path, terminal: bool = False) -> Said:
        """Run one command line on this configuration."""
        return type_in(*words, "--config", self.config, terminal=terminal)

    def write(self, move: Callable[[Session], T]) -> T:
        """Run a verb in the database."""
        database = Database(settings.base(self.config, {}).database.url.reveal())
        try:
            database.migrate()
            return database.write(move)
        finally:
            database.close()

    def hold(
        self,
        arguments: str = '{"amount": 6000}',
        *,
        tool: str = "create_refund",
        agent: str = "agent",
        ago: timedelta = timedelta(0),
        known: KnownTool | None = None,
        redaction: Redaction = NOTHING,
    ) -> str:
        """Hold a call of an agent whose owner is Olivia, and give the request's id.

        `known` is what the definition of the tool says, `redaction` what the policy hides.
        """
        now = datetime.now(UTC) - ago
        found = settings.load(self.config, {"NOT_SET_IN_THIS_SHELL": "secret"})
        policy = found.policies["payments"]
        call = ToolCall("payments", tool, json.loads(arguments), arguments.encode())

        def move(session: Session) -> str:
            groups.sync_declared(session, found.groups.values(), now=now)
            grant = next((row for row in grants.listing(session) if row.label == agent), None)
            if grant is None:
                grant, _ = grants.create(
                    session, label=agent, server="payments", policy="payments", owner="local:olivia", budget=None, actor="test", now=now
                )
            verdict = evaluate(policy, call)
            hold = partial(lifecycle.hold, grant=grant, verdict=verdict, policy=policy, definition=None, tool=known, now=now)
            row = hold(session, call).request
            row.redaction = redaction.written()
            return row.id

        return self.write(move)


def stage(directory: Path, url: str = "sqlite:///askfirst.db") -> Stage:
    """Write a configuration with one server, policy and group."""
    return Stage(write(directory, CONFIG.format(url=url), {"payments.json": json.dumps(POLICY)}))
