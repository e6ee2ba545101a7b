"""What the agent is told of a held call, as bytes. Each outcome has words of its own: a time-out is no denial, and doubt is no success."""

from bot import mcp
from bot.mcp import Era, MessageId
from workflows.states import State
from workflows.tables import ApprovalRequest


def answer(row: ApprovalRequest, request_id: MessageId, era: Era) -> bytes:
    """Write the response to a call whose request is settled."""
    if row.state == State.RELEASED or (row.state == State.FAILED and row.outcome_kind == "error"):
        return mcp.tool_result(request_id, row.outcome_kind or "result", row.outcome or b"{}")
    if row.state == State.DENIED:
        return mcp.denied(request_id, f"{denial(row)} Do not repeat this call.", era)
    return mcp.text_result(request_id, told(row), era)


def denial(row: ApprovalRequest) -> str:
    """Say who denied a call and why."""
    why = f": {row.decision_reason}" if row.decision_reason else "."
    why += "" if why.endswith((".", "!", "?", "…")) else "."
    return f"{row.decided_by or 'An approver'} denied this call of {row.tool} ({row.id}){why}"


def told(row: ApprovalRequest) -> str:
    """Say what became of a call that has no result to show."""
    if row.state == State.EXPIRED and row.decided_at is not None:
        return (
            f"[APPROVAL EXPIRED] {row.id} was approved, but could not be run before {row.expires_at:%Y-%m-%d %H:%M:%S} UTC, so the call"
            f" of {row.tool} was not run: a limit of the policy had not enough left, or its other checks did not pass. You may ask again"
            " later."
        )
    if row.state == State.EXPIRED:
        return (
            f"[APPROVAL EXPIRED] Nobody settled {row.id} before {row.expires_at:%Y-%m-%d %H:%M:%S} UTC, so the call of {row.tool} was not"
            " run. You may ask again later."
        )
    if row.state == State.CANCELLED:
        why = row.decision_reason or "It was withdrawn."
        return f"[CANCELLED] {row.id} was cancelled, so the call of {row.tool} was not run. {why}"
    if row.state == State.FAILED:
        why = (row.outcome or b"").decode("utf-8", "replace")
        return f"[NOT RUN] {row.id} was approved, but the call of {row.tool} could not be sent, so it was not run. {why}"
    return (
        f"[OUTCOME UNKNOWN] {row.id} was approved and the call of {row.tool} was sent, but its answer was lost. It may have run."
        " Check what it changed before anything else; do not repeat it. People have been told."
    )


def pending(row: ApprovalRequest) -> str:
    """Say that the call still waits, and how its outcome is collected."""
    return (
        f"PENDING_APPROVAL {row.id}: the call of {row.tool} {waits(row)}. It was not run yet. To collect the outcome, call this tool"
        f" again with exactly the same arguments, a minute or more from now; it will be run once at most. Expires at"
        f" {row.expires_at:%Y-%m-%dT%H:%M:%SZ}."
    )


def waits(row: ApprovalRequest) -> str:
    """Say what a live request is waiting for."""
    if row.state == State.PENDING:
        return f"waits for approval by the group {row.approvers}"
    if row.state == State.APPROVED:
        return "is approved and about to be sent"
    return "is approved and being run"
