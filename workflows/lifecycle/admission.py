"""How a held call enters, and how its agent waits for it, leaves, comes back and is given the outcome."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from workflows import audit, groups
from workflows.audit import Tag
from workflows.calls import JSON, ToolCall, call_digest, fingerprint
from workflows.errors import Malformed, NotAllowed, TooManyPending, Unmanned
from workflows.lifecycle.moves import change, lock, move, note
from workflows.people import ApproverGroup
from workflows.policy import Audited, KnownTool, Policy, Verdict
from workflows.quorum import why_unmanned
from workflows.redaction import NOTHING, redact, redact_text
from workflows.states import LIVE, TERMINAL, WAITING, Event, State
from workflows.tables import ApprovalRequest, Grant

COLLECT_WITHIN = timedelta(hours=24)
MOST_KEYS, LONGEST_KEY = 200, 200  # arguments, and characters of a name, that the trail tells of where it tells keys
REPEAT_DENIAL_FOR = timedelta(minutes=10)
ABANDONED = "askfirst:agent_left"


@dataclass(frozen=True, slots=True)
class Held:
    """The request that answers a call. `joined` says that an identical call of the same grant had made it before."""

    request: ApprovalRequest
    joined: bool


def hold(
    session: Session,
    call: ToolCall,
    *,
    grant: Grant,
    verdict: Verdict,
    policy: Policy,
    definition: str | None,
    now: datetime,
    tool: KnownTool | None = None,
    max_pending: int = 100,
) -> Held:
    """Write a held call down, or join the identical one that this grant already has waiting or has an outcome to collect.

    One that waits is not joined but withdrawn, and people are asked anew, when the tool's definition is another one by now, or when
    it waits for longer than the policy lets a repeat join it. `tool` is what is known of the tool; people are shown it.
    Raises Unmanned when nobody could ever approve it, TooManyPending when the agent floods, NotAllowed when the grant ended.
    """
    if not call.raw_arguments:
        raise Malformed("The call came without the text of its arguments, so it cannot be held.")
    _lock_grant(session, grant)
    previous = _previous(session, grant, call_digest(call), now=now)
    why_anew = _why_anew(previous, verdict, definition, tool, now=now) if previous is not None else None
    if previous is not None and why_anew is not None:
        told: dict[str, JSON] = {"was": previous.state, "why": why_anew}
        values = {"decided_by": audit.SYSTEM, "decision_reason": why_anew}
        move(session, previous, Event.CANCEL, actor=audit.SYSTEM, now=now, detail=told, **values)
    elif previous is not None and _joins(previous, now=now):
        return Held(_join(session, previous, now=now), joined=True)
    if verdict.hold is None:
        raise NotAllowed("The policy does not hold this call.")
    group = groups.find(session, verdict.hold.approvers)
    asked = max(verdict.hold.quorum, group.quorum if group else 1)
    why = why_unmanned(group, group_name=verdict.hold.approvers, owner=grant.owner, quorum=asked)
    if group is None or why is not None:
        raise Unmanned(f"This call needs approval, and {why}. Ask whoever runs Askfirst.")
    if _waiting(session, grant) >= max_pending:
        raise TooManyPending
    row = _new_row(call, grant=grant, verdict=verdict, policy=policy, group=group, definition=definition, previous=previous, now=now)
    _describe(row, policy, tool)
    session.add(row)
    session.flush()
    note(session, row, Tag.REQUEST_HOLD, actor=f"agent:{grant.label}", now=now, detail=_terms(row) | argument_detail(policy, call))
    return Held(row, joined=False)


def _why_anew(previous: ApprovalRequest, verdict: Verdict, definition: str | None, tool: KnownTool | None, *, now: datetime) -> str | None:
    """Say why a repeat does not join the request that waits, but asks people anew."""
    if previous.state not in WAITING:
        return None
    if previous.definition != definition or is_another(tool, previous):
        return "The definition of the tool changed, and the agent asked again."
    dedupe = verdict.hold.dedupe if verdict.hold else None
    if previous.state == State.PENDING and dedupe is not None and now - previous.held_at > dedupe:
        return "It waited for longer than the policy lets a repeat of the call join it, and the agent asked again."
    return None


def is_another(tool: KnownTool | None, row: ApprovalRequest) -> bool:
    """Tell whether a tool has another definition now than the one that a request was held with, as far as both are known."""
    return tool is not None and bool(tool.sha256 and row.tool_sha256) and tool.sha256 != row.tool_sha256


def _describe(row: ApprovalRequest, policy: Policy, tool: KnownTool | None) -> None:
    """Keep with the request what people are shown of its tool, and what is not to be shown of its arguments."""
    row.redaction = policy.shape.redaction.written()
    if tool is not None:
        row.category, row.risk, row.signals = tool.category, tool.risk, json.dumps(tool.signals)
        row.tool_sha256, row.difference = tool.sha256 or None, tool.changed or None


def _terms(row: ApprovalRequest) -> dict[str, JSON]:
    return {
        "rule": row.rule,
        "policy": row.policy,
        "policy_sha256": row.policy_sha256,
        "fingerprint": row.fingerprint,
        "approvers": row.approvers,
        "quorum": row.quorum,
        "expires_at": row.expires_at.isoformat(),
    }


def join(session: Session, call: ToolCall, *, grant: Grant, now: datetime, waiting: bool = True) -> Held | None:
    """Join the identical call that this grant has waiting, or whose outcome it did not collect yet; None when there is none.

    What policy and tool are today does not matter here: a call that was asked once and run is not run again because it is repeated.
    Without `waiting` one that still waits is left to `hold`, which looks whether it asks for the same today.
    """
    _lock_grant(session, grant)
    previous = _previous(session, grant, call_digest(call), now=now)
    if previous is None or not _joins(previous, now=now) or (previous.state in WAITING and not waiting):
        return None
    return Held(_join(session, previous, now=now), joined=True)


def argument_detail(policy: Policy | None, call: ToolCall) -> dict[str, JSON]:
    """What the audit tells of the arguments: the sorted keys, or the redacted values where the policy says `"audit": "redacted"`.

    Of very many keys, and of very long ones, it tells how many are left out: an agent can send megabytes of them.
    """
    rules = policy.shape.redaction if policy is not None else NOTHING
    if policy is not None and policy.shape.audited is Audited.REDACTED:
        return {"arguments": redact(dict(call.arguments), rules)}
    short = sorted(key for key in call.arguments if len(key) <= LONGEST_KEY)[:MOST_KEYS]
    keys: list[JSON] = [redact_text(key, rules) for key in short]
    left_out = len(call.arguments) - len(keys)
    return {"argument_keys": keys, "argument_keys_left_out": left_out} if left_out else {"argument_keys": keys}


def _lock_grant(session: Session, grant: Grant) -> None:
    """One hold of a grant at a time, so that two identical calls at the same moment become one request."""
    row = session.exec(select(Grant).where(Grant.id == grant.id).with_for_update()).first()
    if row is None or row.revoked_at is not None:
        raise NotAllowed("This grant is revoked. Ask for a new token.")


def _previous(session: Session, grant: Grant, mark: str, *, now: datetime) -> ApprovalRequest | None:
    """The identical call that is alive, else the latest one; locked, and expired here if its time ran out and no sweep came by yet."""
    found = session.exec(
        select(ApprovalRequest.id)
        .where(ApprovalRequest.grant_id == grant.id, ApprovalRequest.call_sha256 == mark)
        .order_by(col(ApprovalRequest.state).in_([state.value for state in LIVE]).desc(), col(ApprovalRequest.held_at).desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    row = lock(session, found)
    if row.state in WAITING and row.expires_at <= now:
        return move(session, row, Event.EXPIRE, actor=audit.SYSTEM, now=now, detail={"was": row.state})
    return row


def _joins(row: ApprovalRequest, *, now: datetime) -> bool:
    """Does a repeat of the call belong to this request? While it lives; while its outcome waits to be collected; while a no is fresh."""
    if row.state in LIVE:
        return True
    settled = row.settled_at or row.held_at
    if row.state == State.CANCELLED and row.decided_by == ABANDONED:
        return False
    if row.collected_at is None:
        return now - settled < COLLECT_WITHIN
    return row.state == State.DENIED and now - settled < REPEAT_DENIAL_FOR


def _join(session: Session, row: ApprovalRequest, *, now: datetime) -> ApprovalRequest:
    if row.state in WAITING and row.unattended_at is not None:
        return attach(session, row.id, now=now)
    note(session, row, Tag.REQUEST_JOIN, actor=f"agent:{row.agent}", now=now, detail={"state": row.state})
    return row


def _waiting(session: Session, grant: Grant) -> int:
    live = [state.value for state in LIVE]
    return session.exec(
        select(func.count()).select_from(ApprovalRequest).where(ApprovalRequest.grant_id == grant.id, col(ApprovalRequest.state).in_(live))
    ).one()


def _new_row(
    call: ToolCall,
    *,
    grant: Grant,
    verdict: Verdict,
    policy: Policy,
    group: ApproverGroup,
    definition: str | None,
    previous: ApprovalRequest | None,
    now: datetime,
) -> ApprovalRequest:
    hold_ = verdict.hold
    if hold_ is None:
        raise NotAllowed
    return ApprovalRequest(
        id=f"apr_{secrets.token_hex(13)}",
        state=State.PENDING.value,
        grant_id=grant.id,
        agent=grant.label,
        owner=grant.owner,
        server=call.server,
        tool=call.tool,
        arguments=call.raw_arguments,
        call_sha256=call_digest(call),
        fingerprint=fingerprint(call, definition),
        definition=definition,
        policy=policy.name,
        policy_sha256=policy.sha256,
        rule=verdict.rule,
        reason=verdict.message,
        approvers=hold_.approvers,
        quorum=max(hold_.quorum, group.quorum),
        reason_required=hold_.reason_required,
        channel=hold_.channel or group.channel,
        remind_every=round(hold_.remind_every.total_seconds()) if hold_.remind_every else None,
        previous_id=previous.id if previous else None,
        held_at=now,
        expires_at=now + hold_.expires_in,
    )


def attach(session: Session, request_id: str, *, now: datetime) -> ApprovalRequest:
    """The agent is back and waits again."""
    row = lock(session, request_id)
    if row.state in WAITING and row.unattended_at is not None:
        change(session, row, unattended_at=None)
        note(session, row, Tag.REQUEST_ATTACH, actor=f"agent:{row.agent}", now=now)
    return row


def leave(session: Session, request_id: str, *, now: datetime, take_back_handle: bool = False) -> ApprovalRequest:
    """The agent broke off while it waited. Without a handle nobody is there for the outcome: what is approved now does not run.

    `take_back_handle` when it broke off before it could be told of the handle that was just written down for it.
    """
    row = lock(session, request_id)
    if row.state in WAITING and row.unattended_at is None and (take_back_handle or not row.handed_off):
        change(session, row, unattended_at=now, handed_off=False)
        note(session, row, Tag.REQUEST_LEAVE, actor=f"agent:{row.agent}", now=now)
    return row


def hand_off(session: Session, request_id: str, *, now: datetime) -> ApprovalRequest:
    """The agent was handed a pending result: it left in good order, and its approved call runs without it."""
    row = lock(session, request_id)
    if row.state not in TERMINAL and not row.handed_off:
        change(session, row, handed_off=True, unattended_at=None)
        note(session, row, Tag.REQUEST_HAND_OFF, actor=f"agent:{row.agent}", now=now)
    return row


def collect(session: Session, request_id: str, *, now: datetime) -> ApprovalRequest:
    """The agent was given the outcome. An identical call from now on is a new one."""
    row = lock(session, request_id)
    if row.state in TERMINAL and row.collected_at is None:
        change(session, row, collected_at=now)
        note(session, row, Tag.REQUEST_COLLECT, actor=f"agent:{row.agent}", now=now, detail={"state": row.state})
    return row
