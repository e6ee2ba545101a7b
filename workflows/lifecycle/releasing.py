"""The one execution of an approved call: claimed durably before a byte is sent, finished with what came back, never claimed again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from workflows import audit, definitions, groups
from workflows.calls import ToolCall, fingerprint, parse_json
from workflows.counters import charges, give_back, give_back_written, impossible, reserve, written
from workflows.errors import Malformed
from workflows.lifecycle.admission import is_another
from workflows.lifecycle.moves import change, lock, move, votes_on
from workflows.people import ApproverGroup
from workflows.policy import Effect, KnownTool, Verdict
from workflows.quorum import Choice, counted
from workflows.states import Event, State
from workflows.tables import ApprovalRequest, Grant

_DEEPEST = 1000
ANOTHER = "The definition of the tool changed after the call was held."


@dataclass(frozen=True, slots=True)
class Fresh:
    """What was looked up again just before the claim: the policy's answer today, the tool's definition, and what is known of the tool."""

    verdict: Verdict
    definition: str | None
    policy_sha256: str | None = None
    tool: KnownTool | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the upstream made of a call.

    `body` is the JSON text of its result or error object, or a plain sentence where there is neither; `is_error` is the result's own
    word. `not_sent` only when certainly no byte of the call left; `unknown` when it may have run and no answer is known.
    """

    kind: Literal["result", "error", "not_sent", "unknown"]
    body: bytes
    is_error: bool = False


def claim(session: Session, request_id: str, *, instance: str, fresh: Fresh, now: datetime) -> ApprovalRequest | None:
    """Take an approved request for release; commit it before sending anything.

    None when it is not to be run now: not approved any more, expired, its agent gone, a limit used up for the moment, or approved by
    somebody of a Slack user group that cannot be read for the moment. What changed for the worse since the votes cancels it: a policy
    or a group that asks for more, a policy that denies, a changed tool, a revoked grant, an approver who lost the right.
    """
    row = lock(session, request_id)
    if row.state != State.APPROVED or row.expires_at <= now or row.unattended_at is not None:
        return None
    group, votes = groups.find(session, row.approvers), votes_on(session, row.id)
    why = _why_grant_void(session, row) or _why_call_void(row, fresh) or _why_votes_void(row, fresh, group, votes)
    if why is not None:
        void(session, row, why, now=now)
        return None
    if group is not None and group.user_groups and not _enough(row, fresh, groups.find(session, row.approvers, now=now), votes):
        return None
    wanted = charges(fresh.verdict.limits, grant=row.grant_id, server=row.server, tool=row.tool, now=now)
    if reserve(session, wanted, now=now) is not None:
        return None
    if not _accepted(session, row, now=now):
        give_back(session, wanted)
        void(session, row, ANOTHER, now=now)
        return None
    return move(
        session,
        row,
        Event.CLAIM,
        actor=audit.SYSTEM,
        now=now,
        detail={"instance": instance, "policy_sha256": fresh.policy_sha256, "definition": fresh.definition},
        claimed_at=now,
        claimed_by=instance,
        charged=written(wanted),
    )


def _accepted(session: Session, row: ApprovalRequest, *, now: datetime) -> bool:
    """People saw how the tool's definition differs, and said yes: from now on it is the accepted one. False when it is another by now."""
    if row.difference is None or row.tool_sha256 is None:
        return True
    actor = row.decided_by or audit.SYSTEM
    return definitions.accept(session, row.server, row.tool, sha256=row.tool_sha256, actor=actor, now=now)


def void(session: Session, row: ApprovalRequest, why: str, *, now: datetime) -> ApprovalRequest:
    """Take an approval back because what it was given for no longer holds."""
    return move(
        session,
        row,
        Event.CANCEL,
        actor=audit.SYSTEM,
        now=now,
        detail={"was": row.state, "why": why},
        decided_by=audit.SYSTEM,
        decision_reason=why,
    )


def _why_call_void(row: ApprovalRequest, fresh: Fresh) -> str | None:
    if not _is_what_was_held(row):
        return "The call that is stored is not the one that was held."
    if fresh.definition != row.definition or is_another(fresh.tool, row):
        return ANOTHER
    if fresh.verdict.effect is Effect.DENY:
        return f"The policy denies this call now: {fresh.verdict.message}"
    never = impossible(fresh.verdict.limits)
    return None if never is None else f"The policy denies this call now: {never.sentence}"


def _why_votes_void(row: ApprovalRequest, fresh: Fresh, group: ApproverGroup | None, votes: Mapping[str, Choice]) -> str | None:
    """Judge by who was in the group as far as is known: what only waits for Slack to be read is no reason to void."""
    approvals = len(counted(votes, group, row.owner))
    if approvals < row.quorum:
        return "An approver no longer has the right to approve this."
    asked = fresh.verdict.hold
    if asked is not None and (asked.approvers != row.approvers or asked.quorum > approvals):
        return "The policy asks for another approval than the one that was given."
    if group is not None and group.quorum > approvals:
        return "The approver group asks for more approvals now than were given."
    return None


def _enough(row: ApprovalRequest, fresh: Fresh, group: ApproverGroup | None, votes: Mapping[str, Choice]) -> bool:
    """Are there as many approvals that count as the request, the policy and the group ask for today."""
    asked = fresh.verdict.hold
    needed = max(row.quorum, asked.quorum if asked else 1, group.quorum if group else 1)
    return len(counted(votes, group, row.owner)) >= needed


def stored_call(row: ApprovalRequest) -> ToolCall:
    """Read the stored bytes again, as strictly as when they came; their depth was bounded then. Raises Malformed."""
    arguments = parse_json(row.arguments, max_depth=_DEEPEST)
    if not isinstance(arguments, dict):
        raise Malformed("The stored arguments are no JSON object. The request cannot be released.")
    return ToolCall(row.server, row.tool, arguments, row.arguments)


def _is_what_was_held(row: ApprovalRequest) -> bool:
    """Name the call again from the bytes that would be sent: the votes are for the call of this fingerprint and for no other."""
    try:
        return fingerprint(stored_call(row), row.definition) == row.fingerprint
    except Malformed:
        return False


def _why_grant_void(session: Session, row: ApprovalRequest) -> str | None:
    grant = session.get(Grant, row.grant_id, populate_existing=True)
    if grant is None or grant.revoked_at is not None:
        return "The agent's grant was revoked after the approval."
    if grant.server != row.server or grant.owner != row.owner:
        return "The agent's grant was changed after the approval."
    return None


_EVENTS = {"result": Event.FINISH, "error": Event.FAIL, "not_sent": Event.FAIL, "unknown": Event.LOSE}


def finish(session: Session, request_id: str, *, instance: str, outcome: Outcome, now: datetime) -> ApprovalRequest:
    """Store what came of a release. Only the instance that claimed it may say so, and only once."""
    row = lock(session, request_id)
    if row.state != State.RELEASING or row.claimed_by != instance:
        return row
    if outcome.kind in {"error", "not_sent"} or outcome.is_error:
        give_back_written(session, row.charged)
    took = (now - row.claimed_at).total_seconds() if row.claimed_at else 0.0
    return move(
        session,
        row,
        _EVENTS[outcome.kind],
        actor=audit.SYSTEM,
        now=now,
        detail={"outcome": outcome.kind, "is_error": outcome.is_error, "bytes": len(outcome.body), "seconds": round(took, 3)},
        outcome_kind=outcome.kind,
        outcome=outcome.body,
        outcome_is_error=outcome.is_error,
    )


def reap(session: Session, request_id: str, *, instance: str, running: frozenset[str], now: datetime) -> ApprovalRequest:
    """A claim whose claimant is dead may have run: call it lost, show it to people, and never run it again."""
    row = lock(session, request_id)
    if row.state != State.RELEASING or (row.claimed_by == instance and row.id in running):
        return row
    change(session, row, outcome_kind="unknown")
    return move(session, row, Event.LOSE, actor=audit.SYSTEM, now=now, detail={"claimed_by": row.claimed_by, "why": "its claimant is gone"})
