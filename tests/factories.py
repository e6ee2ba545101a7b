"""Builders of the things that tests are about: each gives a valid one, and a test names only what it is about."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlmodel import Session, col, select

from workflows import grants, groups, lifecycle, policy
from workflows.calls import JSON, ToolCall
from workflows.database import Database
from workflows.errors import NotFound
from workflows.grants import DeclaredGrant
from workflows.lifecycle import Choice, Fresh, Held, Outcome
from workflows.people import ApproverGroup, Person
from workflows.policy import KnownTool, Policy, evaluate
from workflows.states import State
from workflows.tables import ApprovalRequest, AuditEvent, Grant, Vote

NOW = datetime(2026, 1, 15, 12, 0, 20, tzinfo=UTC)
ALICE, BOB, CAROL, OLIVIA = (Person(f"local:{name}") for name in ("alice", "bob", "carol", "olivia"))
PAYMENTS = ApproverGroup("payments", frozenset({ALICE.key, BOB.key, CAROL.key, OLIVIA.key}))
DEFINITION = "d" * 64
_numbers = itertools.count(1)


def make_policy(*, name: str = "payments", refund: dict[str, JSON] | None = None, quorum: int = 1, **document: JSON) -> Policy:
    """Load a policy under which `list_customers` is allowed, `create_refund` is held, and above 100,000 denied.

    `refund` adds to the entry of `create_refund`; `document` replaces whole members at the top.
    """
    entry: dict[str, JSON] = {
        "deny_if": [
            {"conditions": [{"path": "args.amount", "op": "gt", "value": 100_000}], "on_deny": "Large refunds are made by people."}
        ],
        "require_approval": [{"conditions": [], "quorum": quorum, "reason": "A refund"}],
        **(refund or {}),
    }
    whole: dict[str, JSON] = {
        "version": "1",
        "default": "deny",
        "approval": {"approvers": "payments", "expires_in": "30m"},
        "tools": {"list_customers": {}, "create_refund": entry},
        **document,
    }
    return policy.load(json.dumps(whole), name=name)


def make_call(arguments: dict[str, JSON] | None = None, *, tool: str = "create_refund", raw: bytes | None = None) -> ToolCall:
    """A call of the server `payments`; without arguments it is unlike every other."""
    if arguments is None:
        arguments = {"amount": 50, "order": f"o{next(_numbers)}"}
    return ToolCall("payments", tool, arguments, raw if raw is not None else json.dumps(arguments).encode())


def make_grant(label: str = "support-agent", **facts: Any) -> DeclaredGrant:  # noqa: ANN401  # the fields of a DeclaredGrant
    """A grant of the server `payments` that Olivia answers for, and whose token is its label."""
    known: dict[str, Any] = {"server": "payments", "policy": "payments", "owner": OLIVIA.key, "token_sha256": grants.token_hash(label)}
    return DeclaredGrant(label, **{**known, **facts})


@dataclass(slots=True)
class Scene:
    """A database with one grant and one group, and the verbs on it, each in a transaction of its own."""

    database: Database
    policy: Policy = field(default_factory=make_policy)
    now: datetime = NOW

    def declare(self, *groups_: ApproverGroup, grants_: Iterable[DeclaredGrant] | None = None) -> "Scene":
        """Make these the groups, and these the grants, of the config file."""
        made = [make_grant()] if grants_ is None else list(grants_)
        self.database.write(partial(groups.sync_declared, declared=groups_ or [PAYMENTS], now=self.now))
        self.database.write(partial(grants.sync_declared, declared=made, now=self.now))
        return self

    def grant(self, label: str = "support-agent") -> Grant:
        """Read a grant by its label."""
        return self.database.read(lambda session: session.exec(select(Grant).where(Grant.label == label)).one())

    def later(self, **delta: float) -> datetime:
        """Let time pass, and give the new time."""
        self.now += timedelta(**delta)
        return self.now

    def hold(
        self,
        call: ToolCall | None = None,
        *,
        label: str = "support-agent",
        definition: str | None = DEFINITION,
        tool: KnownTool | None = None,
        max_pending: int = 100,
    ) -> Held:
        """Hold a call as the gateway does."""
        call = call or make_call()
        move = partial(
            lifecycle.hold,
            call=call,
            grant=self.grant(label),
            verdict=evaluate(self.policy, call),
            policy=self.policy,
            definition=definition,
            now=self.now,
            tool=tool,
            max_pending=max_pending,
        )
        return self.database.write(move)

    def held(self, **options: Any) -> str:  # noqa: ANN401  # the options of `hold`
        """Hold a call and give the id of its request."""
        return self.hold(**options).request.id

    def vote(self, request_id: str, actor: Person, choice: Choice = Choice.APPROVE, *, reason: str | None = None) -> ApprovalRequest:
        """Cast a vote as a face does."""
        return self.database.write(
            partial(lifecycle.vote, request_id=request_id, actor=actor, choice=choice, reason=reason, via="cli", now=self.now)
        )

    def cancel(self, request_id: str, actor: Person, *, reason: str | None = None) -> ApprovalRequest:
        """Withdraw a request as a face does."""
        return self.database.write(partial(lifecycle.cancel, request_id=request_id, actor=actor, reason=reason, via="cli", now=self.now))

    def approved(self, **options: Any) -> str:  # noqa: ANN401  # the options of `hold`
        """Hold a call, let as many people approve it as it takes, and give the id of its request."""
        row = self.hold(**options).request
        for person in (ALICE, BOB, CAROL)[: row.quorum]:
            row = self.vote(row.id, person)
        return row.id

    def fresh(self, request_id: str, *, definition: str | None = DEFINITION, tool: KnownTool | None = None) -> Fresh:
        """What a release would find if it looked again now."""
        row = self.row(request_id)
        call = ToolCall(row.server, row.tool, json.loads(row.arguments), row.arguments)
        return Fresh(evaluate(self.policy, call), definition, self.policy.sha256, tool)

    def claim(self, request_id: str, *, fresh: Fresh | None = None, instance: str = "in_here") -> ApprovalRequest | None:
        """Claim a request as a release does."""
        return self.database.write(
            partial(lifecycle.claim, request_id=request_id, instance=instance, fresh=fresh or self.fresh(request_id), now=self.now)
        )

    def finish(self, request_id: str, outcome: Outcome | None = None, *, instance: str = "in_here") -> ApprovalRequest:
        """Store what came of a release."""
        outcome = outcome or Outcome("result", b'{"content":[]}')
        return self.database.write(partial(lifecycle.finish, request_id=request_id, instance=instance, outcome=outcome, now=self.now))

    def do(self, verb: Any, request_id: str, **options: Any) -> ApprovalRequest:  # noqa: ANN401  # any verb that takes an id and a time
        """Run one of the other verbs of the life of a request."""
        row: ApprovalRequest = self.database.write(partial(verb, request_id=request_id, now=self.now, **options))
        return row

    def row(self, request_id: str) -> ApprovalRequest:
        """Read a request; raises NotFound."""
        row = self.database.read(lambda session: session.get(ApprovalRequest, request_id))
        if row is None:
            raise NotFound
        return row

    def state(self, request_id: str) -> State:
        """Read the state of a request."""
        return State(self.row(request_id).state)

    def votes(self, request_id: str) -> dict[str, str]:
        """Read who said what."""
        rows = self.database.read(lambda session: session.exec(select(Vote).where(Vote.request_id == request_id)).all())
        return {row.voter: row.choice for row in rows}

    def trail(self, request_id: str | None = None) -> list[AuditEvent]:
        """Read the audit rows, of one request or all, in order."""

        def look(session: Session) -> list[AuditEvent]:
            query = select(AuditEvent).order_by(col(AuditEvent.seq))
            return list(session.exec(query if request_id is None else query.where(AuditEvent.request_id == request_id)).all())

        return self.database.read(look)

    def events(self, request_id: str | None = None) -> list[str]:
        """Read the audit tags, of one request or all, in order."""
        return [row.event for row in self.trail(request_id)]

    def last(self, request_id: str | None = None) -> dict[str, Any]:
        """Read the detail of the newest audit row."""
        detail: dict[str, Any] = json.loads(self.trail(request_id)[-1].detail)
        return detail
