"""Claim, call, finish: the release of approved calls, each at most once.

The claim is committed durably before a byte of the call goes upstream, the stored bytes are what goes, and nothing is ever sent
again. Each release is a task of its own that no disconnect can cancel.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Session as SaSession
from sqlmodel import Session, col, select

from workflows import lifecycle, queries
from workflows.calls import ToolCall
from workflows.changes import Changes
from workflows.counters import read as read_counters
from workflows.database import Database
from workflows.errors import AskfirstError, Malformed, UpstreamUnreachable
from workflows.lifecycle import Fresh, Outcome
from workflows.policy import Effect, KnownTool, Policy, PolicyBook, Situation, Verdict, counters, evaluate
from workflows.states import State
from workflows.tables import ApprovalRequest, Grant

__all__ = ["Outcome", "Releaser", "Upstream"]

log = logging.getLogger(__name__)
LOOK = "It is not sent again: look at its server, and at the request in the inbox."
PATIENCE = timedelta(seconds=30)


class Upstream(Protocol):
    """What a release needs of the servers behind the gateway."""

    async def definition(self, server: str, tool: str) -> str | None:
        """Look the tool's definition up now and give its digest; None when the server does not list it. Raises UpstreamUnreachable."""

    async def call(self, server: str, tool: str, raw_arguments: bytes, *, request_id: str) -> Outcome:
        """Call the tool once, with exactly these bytes as arguments. Never raises for the upstream's trouble, never tries again."""


Known: TypeAlias = Callable[[str, str], Awaitable[KnownTool | None]]
"""Says what is known of a tool of a server."""


async def _nothing_known(_server: str, _tool: str) -> KnownTool | None:
    return None


@dataclass(slots=True)
class Releaser:
    """Releases what is due. `instance` names this process in the claims that it makes."""

    database: Database
    upstream: Upstream
    policies: PolicyBook
    changes: Changes
    clock: Callable[[], datetime]
    known: Known = _nothing_known
    instance: str = field(default_factory=lambda: f"in_{secrets.token_hex(8)}")
    _running: "dict[str, asyncio.Task[None]]" = field(default_factory=dict)
    _unreachable_since: dict[str, datetime] = field(default_factory=dict)
    _again: set[str] = field(default_factory=set)
    _closing: bool = False

    @property
    def running(self) -> frozenset[str]:
        """The requests that this process is releasing just now."""
        return frozenset(self._running)

    async def sweep(self) -> None:
        """Start a release for everything that is approved, attended and in time."""
        if self._closing:
            return
        found = await self.database.aread(partial(queries.due, now=self.clock()))
        for request_id in self._unreachable_since.keys() - found["release"]:
            del self._unreachable_since[request_id]
        for request_id in found["release"]:
            self.start(request_id)

    def start(self, request_id: str) -> None:
        """Look whether this request is to be released now, and release it then. Whoever calls need not know."""
        if request_id in self._running:
            self._again.add(request_id)  # what it looked at may be older than what the caller knows
        if request_id in self._running or self._closing:
            return
        task = asyncio.get_running_loop().create_task(self._release(request_id), name=f"release {request_id}")
        self._running[request_id] = task
        task.add_done_callback(partial(self._ended, request_id))

    def _ended(self, request_id: str, task: "asyncio.Task[None]") -> None:
        self._running.pop(request_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the release of %s stopped: %s", request_id, error)
        elif request_id in self._again:
            self._again.discard(request_id)
            self.start(request_id)

    async def _release(self, request_id: str) -> None:
        row, grant = await self.database.aread(partial(_facts, request_id=request_id))
        if row is None or grant is None or row.state != State.APPROVED or row.unattended_at is not None:
            return
        found = await self._look_again(row, grant)
        if found is None or self._closing:
            return
        fresh, unreachable = found
        claimed = await self.database.awrite(partial(self._claim, request_id=request_id, fresh=fresh))
        if claimed is None:
            await self._tell_if_changed(row)
            return
        self.changes.notify(request_id)
        await self._finish(request_id, unreachable or await self._call(claimed))

    def _claim(self, session: Session, *, request_id: str, fresh: Fresh) -> ApprovalRequest | None:
        """Claim by the time at which its turn came: while it waited for the database, the approval may have ended."""
        return lifecycle.claim(session, request_id, instance=self.instance, fresh=fresh, now=self.clock())

    async def _tell_if_changed(self, seen: ApprovalRequest) -> None:
        """A claim that was refused may have cancelled the request. One that only waits for its limit must not wake this loop again."""
        row, _ = await self.database.aread(partial(_facts, request_id=seen.id))
        if row is not None and row.version != seen.version:
            self.changes.notify(seen.id)

    async def _look_again(self, row: ApprovalRequest, grant: Grant) -> tuple[Fresh, Outcome | None] | None:
        """Ask the upstream for the tool, and the policy for its answer, as they are now.

        An upstream that cannot be reached is asked again by the next sweep, for as long as `PATIENCE`; then the request is claimed
        and finished as not sent, so that people and agent are told.
        """
        unreachable: Outcome | None = None
        try:
            definition = await self.upstream.definition(row.server, row.tool)
            self._unreachable_since.pop(row.id, None)
        except UpstreamUnreachable as error:
            if self.clock() - self._unreachable_since.setdefault(row.id, self.clock()) < PATIENCE:
                return None
            definition, unreachable = row.definition, Outcome("not_sent", str(error).encode())
        tool = await self.known(row.server, row.tool)
        policy = self.policies.get(grant.policy)
        try:
            verdict = await self._judge(lifecycle.stored_call(row), policy, grant, tool)
        except Malformed as error:
            verdict = Verdict(Effect.DENY, "", str(error))
        return Fresh(verdict, definition, policy.sha256 if policy else None, tool), unreachable

    async def _judge(self, call: ToolCall, policy: Policy | None, grant: Grant, tool: KnownTool | None) -> Verdict:
        """Ask the policy in the situation of now."""
        now, used = self.clock(), {}
        counted = counters(policy, call.tool)
        if counted:
            look = partial(read_counters, limits=counted, grant=grant.id, server=call.server, tool=call.tool, now=now)
            used = await self.database.aread(look)
        return evaluate(policy, call, Situation(grant.label, grant.owner, now, tool, used))

    async def _call(self, row: ApprovalRequest) -> Outcome:
        try:
            return await self.upstream.call(row.server, row.tool, row.arguments, request_id=row.id)
        except Exception:
            log.exception("the call of %s ended in an error of our own", row.id)
            return Outcome("unknown", b"")

    async def _finish(self, request_id: str, outcome: Outcome) -> None:
        """Store the outcome; while the database refuses, keep it and try again: it is the only proof that the call ran."""
        while True:
            try:
                row = await self.database.awrite(
                    partial(lifecycle.finish, request_id=request_id, instance=self.instance, outcome=outcome, now=self.clock())
                )
            except AskfirstError as error:
                log.error("the outcome of %s could not be stored yet: %s", request_id, error)  # noqa: TRY400  # the sentence says it all
                await asyncio.sleep(1)
            else:
                self.changes.notify(request_id)
                if row.state == State.LOST:
                    log.error("%s is lost: it was sent, and its answer is not known. %s", request_id, LOOK)
                return

    async def close(self, *, within: timedelta = timedelta(seconds=20)) -> None:
        """Claim nothing more, and wait for what is being released; what does not end in time is found by the next start."""
        self._closing = True
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=within.total_seconds())


_FACTS = (
    select(ApprovalRequest, Grant)
    .join(Grant, col(Grant.id) == col(ApprovalRequest.grant_id))
    .where(col(ApprovalRequest.id) == sa.bindparam("wanted", type_=sa.String()))
)


def _facts(session: Session, *, request_id: str) -> tuple[ApprovalRequest | None, Grant | None]:
    """The request, and its grant as it is now."""
    found = SaSession.execute(session, _FACTS, {"wanted": request_id}).first()
    return (found[0], found[1]) if found else (None, None)
