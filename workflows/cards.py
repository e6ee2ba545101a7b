"""What Slack should show, derived from the rows: every message is a row before it is posted, and says what became of it.

A row of `deliveries` is `waiting` (certainly not posted), `posting` (its post began), `uncertain` (it may exist), `posted` (shown, and
painted again when its request changes), `done` (nothing more will change on it) or `failed` (no place took it). What must be said next is
written in the transaction that learns of it, so that a restart forgets nothing and says nothing twice.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from workflows import audit, groups, queries
from workflows.audit import Tag
from workflows.errors import NotFound
from workflows.queries import RequestView
from workflows.redaction import visible
from workflows.states import LIVE, TERMINAL, State
from workflows.tables import ApprovalRequest, Delivery

_MOST = 2000
_WORKSPACE = "slack:"
_LONGEST_PROBLEM = 300


class Kind(StrEnum):
    """What a message is: the card of a request, a word in its thread, or a word to one person."""

    CARD = "card"
    REPLY = "reply"  # in the thread, once the request is settled
    REMINDER = "reminder"  # in the thread, each time the approvers are reminded
    DIRECT = "direct"  # to one approver
    OUTCOME = "outcome"  # to the owner of the agent


class Standing(StrEnum):
    """Where a message is on its way."""

    WAITING = "waiting"
    POSTING = "posting"
    UNCERTAIN = "uncertain"
    POSTED = "posted"
    DONE = "done"
    FAILED = "failed"


class Step(StrEnum):
    """What is to be done about a message now."""

    PAINT = "paint"  # it shows an older version of its request
    FIND = "find"  # it may exist: look for it before it is posted again
    POST = "post"
    CHECK = "check"  # it shows the newest version, as far as anybody knows: paint it again when there is time


@dataclass(frozen=True, slots=True)
class Due:
    """One step that is due. `target` is a channel as configured, or a person key; the row is read again before the step."""

    id: str
    request_id: str
    kind: Kind
    target: str
    step: Step


@dataclass(frozen=True, slots=True)
class Look:
    """A message with all that it is drawn from. `card` is the delivery of the request's card, when there is one."""

    delivery: Delivery
    view: RequestView
    card: Delivery | None


def unplanned(session: Session) -> bool:
    """Tell whether `plan` would write anything."""
    return any(session.connection().execute(query.limit(1)).first() is not None for query in (_UNCARDED, _UNREMINDED, _MOOT))


def plan(session: Session, *, default_channel: str, now: datetime) -> None:
    """Write what is to be posted: cards of what lives, reminders; and close what has nothing left to say.

    A request that was settled before its card was posted gets none: nobody has seen anything that would need an end.
    """
    connection = session.connection()
    for moot in connection.execute(_MOOT.limit(_MOST)).all():
        row = _lock(session, moot.id)
        row.state, row.retry_at = Standing.DONE.value, None
        if row.kind == Kind.CARD:
            _tell_owner(session, row.request_id, now=now)
    for bare in connection.execute(_UNCARDED.limit(_MOST)).all():
        _add(session, Kind.CARD, bare.id, bare.channel or default_channel, now=now)
    for due_ in connection.execute(_UNREMINDED.limit(_MOST)).all():
        _add(session, Kind.REMINDER, due_.id, due_.target, f"{due_.reminded_at:%Y%m%dT%H%M%S}", now=now)


def due(session: Session, *, now: datetime, limit: int = _MOST) -> list[Due]:
    """What is to be done now: cards that show an old version first, then what may exist, then what was never posted, oldest first."""
    in_time = sa.or_(_sent.retry_at.is_(None), _sent.retry_at <= now)
    shown = _sent.state == Standing.POSTED.value
    steps = (
        (Step.PAINT, sa.and_(shown, _STALE, ~_DOUBTED)),
        (Step.FIND, _sent.state == Standing.UNCERTAIN.value),
        (Step.POST, _sent.state == Standing.WAITING.value),
        (Step.CHECK, sa.and_(shown, _STALE, _DOUBTED)),
    )
    found: list[Due] = []
    for step, which in steps:
        query = _PAIRS.where(which, in_time).order_by(_asked.held_at, _sent.updated_at, _sent.id).limit(limit)
        found += [Due(row.id, row.request_id, Kind(row.kind), row.target, step) for row in session.connection().execute(query)]
    return found


def look(session: Session, delivery_id: str) -> Look | None:
    """Read a message and its request as they are now."""
    row = session.get(Delivery, delivery_id)
    view = queries.one(session, row.request_id) if row else None
    return Look(row, view, card_of(session, row.request_id)) if row and view else None


def begin(session: Session, delivery_id: str, *, now: datetime) -> Delivery | None:
    """Write that the post begins, before it does; None when there is nothing to post any more, or somebody else began."""
    row = _lock(session, delivery_id)
    request = session.get_one(ApprovalRequest, row.request_id, populate_existing=True)
    if row.state != Standing.WAITING or _is_moot(row, State(request.state)):
        return None
    row.state, row.attempt, row.retry_at, row.updated_at = Standing.POSTING.value, row.attempt + 1, None, now
    return row


def posted(session: Session, delivery_id: str, *, channel: str, ts: str, version: int, now: datetime) -> Delivery:
    """Write where the message is, and which version of its request it shows (0 when that is unknown: then it is painted again)."""
    row = _lock(session, delivery_id)
    row.channel, row.ts = channel, ts
    _shows(session, row, version, now=now)
    if row.kind == Kind.CARD:
        _tell_approvers(session, row.request_id, all_=False, now=now)
    return row


def painted(session: Session, delivery_id: str, *, version: int, now: datetime) -> Delivery:
    """Write which version the message shows now."""
    row = _lock(session, delivery_id)
    _shows(session, row, version, now=now)
    return row


def uncertain(session: Session, delivery_id: str, *, problem: str, retry_at: datetime) -> Delivery:
    """Write that the post may have happened. `updated_at` stays when it began: the message is no older than that."""
    row = _lock(session, delivery_id)
    row.state, row.problem, row.retry_at = Standing.UNCERTAIN.value, _fitting(problem), retry_at
    return row


def recover(session: Session, *, besides: Collection[str] = ()) -> int:
    """Whatever was being posted by a process that ended, or by a writer that failed, may exist: all but `besides`. Gives how many."""
    query = select(Delivery).where(Delivery.state == Standing.POSTING.value, col(Delivery.id).not_in(besides)).with_for_update()
    rows = session.exec(query).all()
    for row in rows:
        row.state, row.problem = Standing.UNCERTAIN.value, "Nobody knows whether it was posted: whoever posted it ended."
    return len(rows)


def doubt(session: Session) -> None:
    """Let every card that people still wait on be painted once more: somebody may have removed it, and nobody would tell us."""
    current = sa.exists().where(_asked.id == _sent.request_id, _asked.version == _sent.shown_version)
    mine = sa.and_(_sent.kind == Kind.CARD.value, _sent.state == Standing.POSTED.value, current)
    session.connection().execute(sa.update(Delivery).where(mine).values(shown_version=-_sent.shown_version))


def put_off(session: Session, delivery_id: str, *, problem: str, retry_at: datetime) -> Delivery:
    """Write that the post certainly did not happen, or that the painting did not, and when to try again."""
    row = _lock(session, delivery_id)
    if row.ts is None:
        row.state = Standing.WAITING.value
    row.problem, row.retry_at = _fitting(problem), retry_at
    return row


def failed(session: Session, delivery_id: str, *, problem: str, fallback: str | None, now: datetime) -> Delivery:
    """Write that this place does not take the message: `fallback` is where it goes instead. Without one its approvers are told directly."""
    row = _lock(session, delivery_id)
    tried, row.problem, row.retry_at, row.updated_at = row.target, _fitting(problem), None, now
    if fallback is not None:
        row.state, row.target, row.channel, row.ts, row.attempt = Standing.WAITING.value, fallback, None, None, 0
    else:
        row.state = Standing.FAILED.value
        if row.kind == Kind.CARD:
            _tell_approvers(session, row.request_id, all_=True, now=now)
    tag = Tag.CARD_FAILED if fallback is None else Tag.CARD_FALLBACK
    request = session.get_one(ApprovalRequest, row.request_id)
    audit.record(
        session,
        tag,
        actor=audit.SYSTEM,
        now=now,
        request_id=row.request_id,
        agent=request.agent,
        server=request.server,
        tool=request.tool,
        detail={"kind": row.kind, "place": tried, "fallback": fallback, "why": row.problem},
    )
    return row


def lost(session: Session, delivery_id: str, *, now: datetime) -> Delivery:
    """Somebody removed the message: a card is posted again, what was only a word is not."""
    row = _lock(session, delivery_id)
    row.channel, row.ts, row.attempt, row.retry_at, row.updated_at = None, None, 0, None, now
    row.state = Standing.WAITING.value if row.kind == Kind.CARD else Standing.DONE.value
    return row


def at(session: Session, channel: str, ts: str) -> Delivery | None:
    """The message that stands at this place, when it is ours and known."""
    return session.exec(select(Delivery).where(Delivery.ts == ts, Delivery.channel == channel)).first()


def card_of(session: Session, request_id: str) -> Delivery | None:
    """The card of a request."""
    return session.get(Delivery, f"{request_id}/{Kind.CARD}")


def place_of(session: Session, target: str) -> str | None:
    """The id by which Slack knows a target, from the last message that was posted there."""
    query = select(Delivery.channel).where(Delivery.target == target, col(Delivery.channel).is_not(None))
    return session.exec(query.order_by(col(Delivery.updated_at).desc()).limit(1)).first()


def _is_moot(row: Delivery, state: State) -> bool:
    """Tell whether a message that was never posted has nothing left to say; `_MOOT` asks the same of the table."""
    if row.kind == Kind.CARD:
        return state in TERMINAL and row.shown_version == 0
    return row.kind in (Kind.DIRECT, Kind.REMINDER) and state is not State.PENDING


def _shows(session: Session, row: Delivery, version: int, *, now: datetime) -> None:
    """What shows the end of its request is done; the end of a card is where the thread and the owner are told."""
    request = session.get_one(ApprovalRequest, row.request_id, populate_existing=True)
    row.shown_version, row.problem, row.retry_at, row.updated_at = version, None, None, now
    row.state = Standing.POSTED.value
    if row.kind not in (Kind.CARD, Kind.DIRECT) or (State(request.state) in TERMINAL and request.version == version):
        row.state = Standing.DONE.value
        if row.kind == Kind.CARD:
            _add(session, Kind.REPLY, row.request_id, row.target, now=now)
            _tell_owner(session, row.request_id, now=now)


def _tell_owner(session: Session, request_id: str, *, now: datetime) -> None:
    owner = session.get_one(ApprovalRequest, request_id).owner
    if owner.startswith(_WORKSPACE):
        _add(session, Kind.OUTCOME, request_id, owner, now=now)


def _tell_approvers(session: Session, request_id: str, *, all_: bool, now: datetime) -> None:
    """Write a word to each approver who is in Slack, where their group wants that, or for `all_` when nothing else reaches them."""
    request = session.get_one(ApprovalRequest, request_id)
    group = groups.find(session, request.approvers)
    if group is None or not (group.direct or all_) or request.state != State.PENDING:
        return
    for person in sorted(group.eligible(request.owner)):
        if person.startswith(_WORKSPACE):
            _add(session, Kind.DIRECT, request_id, person, person, now=now)


def _add(session: Session, kind: Kind, request_id: str, target: str, *more: str, now: datetime) -> None:
    """Write a message that is to be posted, once."""
    name = "/".join((request_id, kind.value, *more))
    if session.get(Delivery, name) is None:
        session.add(
            Delivery(id=name, request_id=request_id, kind=kind.value, target=target, state=Standing.WAITING.value, updated_at=now),
        )


def _lock(session: Session, delivery_id: str) -> Delivery:
    row = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no message {visible(delivery_id[:200])}.")
    return row


def _fitting(problem: str) -> str:
    return visible(problem)[:_LONGEST_PROBLEM]


def _values(members: Iterable[StrEnum]) -> Sequence[str]:
    return [member.value for member in members]


_sent = sa.inspect(Delivery).local_table.c
_asked = sa.inspect(ApprovalRequest).local_table.c
_both = sa.inspect(Delivery).local_table.join(sa.inspect(ApprovalRequest).local_table, _sent.request_id == _asked.id)
_PAIRS = sa.select(_sent.id, _sent.request_id, _sent.kind, _sent.target).select_from(_both)
# A word to an approver says that their vote is wanted: it is painted again when it no longer is.
_STALE = sa.and_(_sent.shown_version < _asked.version, sa.or_(_sent.kind == Kind.CARD.value, _asked.state != State.PENDING.value))
_DOUBTED = _sent.shown_version == -_asked.version
_UNCARDED = (
    sa.select(_asked.id, _asked.channel)
    .where(
        _asked.state.in_(_values(LIVE)),
        ~sa.exists().where(_sent.request_id == _asked.id, _sent.kind == Kind.CARD.value),
    )
    .order_by(_asked.held_at)
)
_earlier = sa.inspect(Delivery).local_table.alias("earlier")
_UNREMINDED = (
    sa.select(_asked.id, _asked.reminded_at, _sent.target)
    .select_from(_both)
    .where(
        _asked.state == State.PENDING.value,
        _asked.reminded_at.is_not(None),
        _sent.kind == Kind.CARD.value,
        _sent.state == Standing.POSTED.value,
        ~sa.exists().where(
            _earlier.c.request_id == _asked.id, _earlier.c.kind == Kind.REMINDER.value, _earlier.c.updated_at >= _asked.reminded_at
        ),
    )
    .order_by(_asked.reminded_at)
)
_MOOT = (
    sa.select(_sent.id)
    .select_from(_both)
    .where(
        sa.or_(
            sa.and_(
                _sent.kind == Kind.CARD.value,
                _asked.state.in_(_values(TERMINAL)),
                sa.or_(
                    _sent.state == Standing.FAILED.value,
                    sa.and_(_sent.state == Standing.WAITING.value, _sent.shown_version == 0),
                ),
            ),
            sa.and_(
                _sent.kind.in_(_values((Kind.DIRECT, Kind.REMINDER))),
                _sent.state == Standing.WAITING.value,
                _asked.state != State.PENDING.value,
            ),
        )
    )
)
