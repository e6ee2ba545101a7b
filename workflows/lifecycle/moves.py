"""The one door through which a request's row changes: locked, guarded by the state and version that were seen, and audited."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from workflows import audit
from workflows.audit import Tag
from workflows.calls import JSON
from workflows.errors import AskfirstError, NotFound
from workflows.quorum import Choice
from workflows.redaction import visible
from workflows.states import TERMINAL, Event, State, next_state
from workflows.tables import ApprovalRequest, Vote

_WANTED: sa.BindParameter[str] = sa.bindparam("wanted", type_=sa.String())
_LOCKED = select(ApprovalRequest).where(col(ApprovalRequest.id) == _WANTED).with_for_update().execution_options(populate_existing=True)
_VOTES = sa.select(col(Vote.voter), col(Vote.choice)).where(col(Vote.request_id) == _WANTED)

_IN_TIME = frozenset({Event.APPROVE, Event.DENY, Event.CLAIM})  # steps that an expired request cannot take, whoever looked at it before


def lock(session: Session, request_id: str) -> ApprovalRequest:
    """Read the row as it is now and keep everybody else from changing it until the commit; raises NotFound."""
    row = None
    if request_id.isascii() and request_id.isprintable():  # others are no id, and some of them no database takes
        row = session.scalars(_LOCKED, {"wanted": request_id}).first()
    if row is None:
        raise NotFound(f"There is no request {visible(request_id[:40])}. `askfirst requests list` shows what there is.")
    return row


def votes_on(session: Session, request_id: str) -> dict[str, Choice]:
    """The word of each person who voted."""
    rows = session.connection().execute(_VOTES, {"wanted": request_id})
    return {row.voter: Choice(row.choice) for row in rows}


def move(
    session: Session,
    row: ApprovalRequest,
    event: Event,
    *,
    actor: str,
    now: datetime,
    detail: Mapping[str, JSON] | None = None,
    **values: object,
) -> ApprovalRequest:
    """Take one step of the machine and write its audit row. A step that the table does not name raises IllegalStep."""
    state = next_state(State(row.state), event)
    if state in TERMINAL:
        values["settled_at"] = now
    change(session, row, alive_at=now if event in _IN_TIME else None, state=state.value, **values)
    note(session, row, Tag(f"request.{event}"), actor=actor, now=now, detail=detail)
    return row


def change(session: Session, row: ApprovalRequest, *, alive_at: datetime | None = None, **values: object) -> None:
    """Write columns, from the version that was seen and from no other; with `alive_at` only if the request has not expired by then."""
    seen = row.version
    in_time = () if alive_at is None else (col(ApprovalRequest.expires_at) > alive_at,)
    statement = (
        sa.update(ApprovalRequest)
        .where(col(ApprovalRequest.id) == row.id, col(ApprovalRequest.state) == row.state, col(ApprovalRequest.version) == seen, *in_time)
        .values(version=seen + 1, **values)
        .execution_options(synchronize_session=False)
    )
    if session.connection().execute(statement).rowcount != 1:
        raise LostRace
    for name, value in {**values, "version": seen + 1}.items():
        set_committed_value(row, name, value)


def note(session: Session, row: ApprovalRequest, tag: Tag, *, actor: str, now: datetime, detail: Mapping[str, JSON] | None = None) -> None:
    """Write an audit row about a request."""
    audit.record(session, tag, actor=actor, now=now, request_id=row.id, agent=row.agent, server=row.server, tool=row.tool, detail=detail)


class LostRace(AskfirstError):
    """The request changed while you looked at it. Look again."""

    code = "lost_race"
