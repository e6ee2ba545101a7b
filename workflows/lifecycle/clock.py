"""What time does to a request. Each verb judges one row again under its lock: the sweep that calls it may be late or run twice."""

from datetime import datetime, timedelta

from sqlmodel import Session

from workflows import audit
from workflows.audit import Tag
from workflows.lifecycle.admission import ABANDONED, leave
from workflows.lifecycle.moves import change, lock, move, note
from workflows.states import WAITING, Event, State
from workflows.tables import ApprovalRequest

GRACE = timedelta(seconds=60)


def expire(session: Session, request_id: str, *, now: datetime) -> ApprovalRequest:
    """Time out a request that nobody answered, or that was approved and could not be released in time."""
    row = lock(session, request_id)
    if row.state in WAITING and row.expires_at <= now:
        return move(session, row, Event.EXPIRE, actor=audit.SYSTEM, now=now, detail={"was": row.state})
    return row


def abandon(session: Session, request_id: str, *, now: datetime, grace: timedelta = GRACE) -> ApprovalRequest:
    """Cancel a request whose agent broke off and did not come back within the grace."""
    row = lock(session, request_id)
    if row.state in WAITING and row.unattended_at is not None and row.unattended_at + grace <= now:
        return move(
            session,
            row,
            Event.CANCEL,
            actor=audit.SYSTEM,
            now=now,
            detail={"was": row.state, "why": "the agent left"},
            decided_by=ABANDONED,
            decision_reason="The agent broke off while it waited and did not come back.",
        )
    return row


def remind(session: Session, request_id: str, *, now: datetime) -> ApprovalRequest:
    """Nudge the approvers of a request that still waits, as often as its rule says."""
    row = lock(session, request_id)
    last = row.reminded_at or row.held_at
    due = row.remind_every is not None and last + timedelta(seconds=row.remind_every) <= now
    if row.state == State.PENDING and due and row.expires_at > now:
        change(session, row, reminded_at=now)
        note(session, row, Tag.REQUEST_REMIND, actor=audit.SYSTEM, now=now, detail={"approvers": row.approvers})
    return row


def orphan(session: Session, request_id: str, *, now: datetime) -> ApprovalRequest:
    """After a restart no stream is open: whoever waited on one has until the end of the grace to come back."""
    return leave(session, request_id, now=now)
