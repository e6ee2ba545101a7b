"""What a changed definition does to the requests that wait: they are voided in the transaction that writes the change down."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from workflows import audit, definitions
from workflows.definitions import Listed, Observed
from workflows.lifecycle.moves import lock
from workflows.lifecycle.releasing import void
from workflows.states import WAITING
from workflows.tables import ApprovalRequest

CHANGED = "The definition of the tool changed, so what was asked for is not what it would do now. The agent may ask again."


def observe(
    session: Session, server: str, found: Mapping[str, Listed], *, keeps: Callable[[str], bool] = lambda _: False, now: datetime
) -> tuple[Observed, tuple[str, ...]]:
    """Write down what a server lists, and cancel what waits for another definition of these tools. Gives the ids of what was cancelled.

    `keeps` is as in `definitions.observe`. Rows are locked before anything is told to the audit trail: requests first, as a claim does.
    """
    waiting = _waiting(session, server)
    observed = definitions.observe(session, server, found, keeps=keeps, now=now)
    voided = []
    for request_id, tool, sha256 in waiting:
        pin = observed.pins.get(tool)
        if pin is not None and pin.now_sha256 != sha256:
            void(session, lock(session, request_id), CHANGED, now=now)
            voided.append(request_id)
    audit.record_all(session, observed.entries)
    return observed, tuple(voided)


def _waiting(session: Session, server: str) -> list[tuple[str, str, str]]:
    """Lock what waits at a server and was held when its tool was known: id, tool, and the definition that it had."""
    query = (
        select(ApprovalRequest.id, ApprovalRequest.tool, ApprovalRequest.tool_sha256)
        .where(
            ApprovalRequest.server == server,
            col(ApprovalRequest.state).in_([state.value for state in WAITING]),
            col(ApprovalRequest.tool_sha256).is_not(None),
        )
        .order_by(ApprovalRequest.id)
        .with_for_update()
    )
    return [(request_id, tool, sha256 or "") for request_id, tool, sha256 in session.exec(query)]
