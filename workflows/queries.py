"""The read side: inbox, one request, history, what is due. Nothing here writes or decides."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from workflows import groups
from workflows.people import ApproverGroup
from workflows.quorum import Choice, counted, why_not
from workflows.states import LIVE, WAITING, State
from workflows.tables import ApprovalRequest, AuditEvent, Vote

_MOST = 500
_MOST_LOST = 100
_MOST_TRAIL = 200
_MOST_TIMED = 10_000


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request with its votes; `needed` approvals are still missing, `trail` is filled for one request only.

    After the first row of a long trail `left_out` rows are missing.
    """

    request: ApprovalRequest
    votes: tuple[Vote, ...]
    needed: int
    trail: tuple[AuditEvent, ...] = ()
    group: ApproverGroup | None = None
    previous: ApprovalRequest | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Filters:
    """What history is searched by. `words` must all appear in id, tool, server, agent, reason or decider; times are aware."""

    words: str = ""
    tool: str = ""
    server: str = ""
    agent: str = ""
    person: str = ""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. `before` is the id to ask for the next page with, None on the last one."""

    rows: tuple[RequestView, ...]
    before: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """How well people answer: what waits now, and since `since` what was decided, and how long that took from the hold.

    `expired` are those that nobody decided in time. A call that was approved and then withdrawn by a person counts as neither.
    """

    waiting: int
    median_seconds: float | None
    decided: int
    expired: int
    approved: int
    denied: int
    since: datetime


def figures(session: Session, *, since: datetime, now: datetime) -> Figures:
    """Count what people did since then; the median is over the last 10,000 decisions at most."""
    table = sa.inspect(ApprovalRequest).local_table.c
    by_a_person = sa.or_(table.decided_by.startswith("local:"), table.decided_by.startswith("slack:"))
    withdrawn = sa.and_(table.state == State.CANCELLED.value, by_a_person)
    decided = sa.and_(table.decided_at >= since, sa.not_(sa.func.coalesce(withdrawn, sa.false())))
    rejected = table.state == State.DENIED.value
    connection = session.connection()

    def count(*which: sa.ColumnElement[bool]) -> int:
        return connection.execute(sa.select(sa.func.count(table.id)).where(*which)).scalar_one()

    latest = sa.select(table.held_at, table.decided_at).where(decided).order_by(table.decided_at.desc()).limit(_MOST_TIMED)
    took = [(row.decided_at - row.held_at).total_seconds() for row in connection.execute(latest)]
    approved, denied = count(decided, sa.not_(rejected)), count(decided, rejected)
    return Figures(
        waiting=count(table.state == State.PENDING.value, table.expires_at > now),
        median_seconds=median(took) if took else None,
        decided=approved + denied,
        expired=count(table.state == State.EXPIRED.value, table.decided_at.is_(None), table.settled_at >= since),
        approved=approved,
        denied=denied,
        since=since,
    )


def inbox(session: Session, *, person: str | None = None) -> list[RequestView]:
    """What is alive, those that `person` may vote on first, then the longest waiting; after it the last that were lost.

    At most 500 that live, those of the person's own groups before others, and 100 that were lost: history has them all.
    """
    known = groups.user_groups(session)
    mine = [row.name for row in groups.listing(session) if person in groups.as_group(row, known).members]
    alive = select(ApprovalRequest).where(col(ApprovalRequest.state).in_([state.value for state in LIVE]))
    others = sa.case((col(ApprovalRequest.approvers).in_(mine), 0), else_=1)
    views = _views(session, session.exec(alive.order_by(others, col(ApprovalRequest.held_at)).limit(_MOST)).all())
    views.sort(key=lambda view: (person is not None and _why_not(view, person) is not None, view.request.held_at))
    lost = select(ApprovalRequest).where(ApprovalRequest.state == State.LOST.value)
    return views + _views(session, session.exec(lost.order_by(col(ApprovalRequest.settled_at).desc()).limit(_MOST_LOST)).all())


def standing(session: Session, request_id: str) -> RequestView | None:
    """A request with its votes, without its trail, or None."""
    row = session.get(ApprovalRequest, _storable(request_id))
    return _views(session, [row])[0] if row else None


def one(session: Session, request_id: str) -> RequestView | None:
    """A request with its votes and its trail, or None."""
    row = session.get(ApprovalRequest, _storable(request_id))
    if row is None:
        return None
    [view] = _views(session, [row])
    trail, left_out = _trail(session, row.id)
    previous = session.get(ApprovalRequest, row.previous_id) if row.previous_id else None
    return RequestView(row, view.votes, view.needed, trail, view.group, previous, left_out)


def _trail(session: Session, request_id: str) -> tuple[tuple[AuditEvent, ...], int]:
    """Read how it began and its last rows, and count the others: an agent that asks over and over must not make it unreadable."""
    asked = select(AuditEvent).where(AuditEvent.request_id == request_id)
    last = session.exec(asked.order_by(col(AuditEvent.seq).desc()).limit(_MOST_TRAIL + 1)).all()
    if len(last) <= _MOST_TRAIL:
        return tuple(reversed(last)), 0
    first = session.exec(asked.order_by(col(AuditEvent.seq)).limit(1)).one()
    rows = session.exec(select(sa.func.count()).select_from(AuditEvent).where(AuditEvent.request_id == request_id)).one()
    return (first, *reversed(last[:_MOST_TRAIL])), rows - _MOST_TRAIL - 1


def history(session: Session, filters: Filters, *, limit: int = 50, before: str | None = None) -> Page:
    """Search every request, newest first, `limit` at a time; `before` is the id that ended the page before."""
    query = _filtered(select(ApprovalRequest), filters)
    last = session.get(ApprovalRequest, _storable(before)) if before else None
    if last is not None:
        query = query.where(
            sa.or_(
                col(ApprovalRequest.held_at) < last.held_at,
                sa.and_(col(ApprovalRequest.held_at) == last.held_at, col(ApprovalRequest.id) < last.id),
            )
        )
    query = query.order_by(col(ApprovalRequest.held_at).desc(), col(ApprovalRequest.id).desc()).limit(limit + 1)
    rows = session.exec(query).all()
    return Page(tuple(_views(session, rows[:limit])), rows[limit - 1].id if len(rows) > limit else None)


def _filtered(query: SelectOfScalar[ApprovalRequest], filters: Filters) -> SelectOfScalar[ApprovalRequest]:
    searched = (
        ApprovalRequest.id,
        ApprovalRequest.tool,
        ApprovalRequest.server,
        ApprovalRequest.agent,
        ApprovalRequest.owner,
        ApprovalRequest.reason,
        ApprovalRequest.decision_reason,
        ApprovalRequest.decided_by,
    )
    for word in _storable(filters.words).split()[:8]:
        query = query.where(sa.or_(*(col(column).icontains(word, autoescape=True) for column in searched)))
    exact = ((ApprovalRequest.tool, filters.tool), (ApprovalRequest.server, filters.server), (ApprovalRequest.agent, filters.agent))
    for column, wanted in (*exact, (ApprovalRequest.state, filters.state)):
        if wanted:
            query = query.where(col(column) == _storable(wanted))
    if filters.person:
        person = _storable(filters.person)
        voted = select(Vote.request_id).where(Vote.voter == person)
        query = query.where(
            sa.or_(
                col(ApprovalRequest.id).in_(voted),
                col(ApprovalRequest.decided_by) == person,
                col(ApprovalRequest.owner) == person,
            )
        )
    if filters.since:
        query = query.where(col(ApprovalRequest.held_at) >= filters.since)
    if filters.until:
        query = query.where(col(ApprovalRequest.held_at) < filters.until)
    return query


def _storable(text: str) -> str:
    """What somebody typed, without the characters that no database takes: nothing that is stored holds them."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _views(session: Session, rows: Sequence[ApprovalRequest]) -> list[RequestView]:
    votes: dict[str, list[Vote]] = {row.id: [] for row in rows}
    if rows:
        for vote in session.exec(select(Vote).where(col(Vote.request_id).in_(votes)).order_by(col(Vote.at))).all():
            votes[vote.request_id].append(vote)
    known = {name: groups.find(session, name) for name in {row.approvers for row in rows}}
    return [_view(row, votes[row.id], known[row.approvers]) for row in rows]


def _view(row: ApprovalRequest, votes: Sequence[Vote], group: ApproverGroup | None) -> RequestView:
    given = len(counted({vote.voter: Choice(vote.choice) for vote in votes}, group, row.owner))
    needed = max(row.quorum - given, 0) if row.state == State.PENDING else 0
    return RequestView(row, tuple(votes), needed, group=group)


def why_not_vote(session: Session, request_id: str, person: str, choice: Choice = Choice.APPROVE) -> str | None:
    """Say why this person may not cast this vote now, or None. The verb judges again."""
    view = one(session, request_id)
    if view is None:
        return "There is no such request."
    return _why_not(view, person, choice)


def _why_not(view: RequestView, person: str, choice: Choice = Choice.APPROVE) -> str | None:
    row = view.request
    if row.state != State.PENDING:
        return f"This request is {row.state}."
    votes: Mapping[str, Choice] = {vote.voter: Choice(vote.choice) for vote in view.votes}
    return why_not(person, choice, group=view.group, group_name=row.approvers, owner=row.owner, votes=votes)


def may_see_secrets(view: RequestView, person: str) -> bool:
    """Who decides must see what is decided: approvers and the agent's owner see arguments as they are, others redacted."""
    return person == view.request.owner or (view.group is not None and person in view.group.members)


def due(session: Session, *, now: datetime) -> Mapping[str, list[str]]:
    """What the sweeps have to look at, by verb: `release`, `expire`, `abandon` (whoever is unattended), `remind`, `reap`."""
    table = sa.inspect(ApprovalRequest).local_table.c
    rows = session.connection().execute(
        sa.select(table.id, table.state, table.expires_at, table.unattended_at, table.remind_every, table.decided_at)
        .where(table.state.in_([state.value for state in LIVE]))
        .order_by(table.decided_at, table.held_at)
    )
    found: dict[str, list[str]] = {"release": [], "expire": [], "abandon": [], "remind": [], "reap": []}
    for row in rows:
        if row.state == State.RELEASING:
            found["reap"].append(row.id)
        elif row.expires_at <= now:
            found["expire"].append(row.id)
        elif row.unattended_at is not None:
            found["abandon"].append(row.id)
        elif row.state == State.APPROVED:
            found["release"].append(row.id)
        if row.state == State.PENDING and row.remind_every is not None and row.expires_at > now:
            found["remind"].append(row.id)
    return found


class Outstanding:
    """Which tools of which grants have calls that live or whose outcome waits to be collected, in memory; the clock refreshes it.

    It only tells where a look into the database is worth it, so that an allowed call does without one.
    """

    def __init__(self) -> None:
        self._known: frozenset[tuple[str, str]] = frozenset()
        self._added: set[tuple[str, str]] = set()

    def add(self, grant_id: str, tool: str) -> None:
        """A call was held just now."""
        self._added.add((grant_id, tool))

    def has(self, grant_id: str, tool: str) -> bool:
        """Tell whether this tool of this grant may have such a call."""
        key = (grant_id, tool)
        return key in self._known or key in self._added

    def swap(self, known: frozenset[tuple[str, str]], added: set[tuple[str, str]]) -> None:
        """Take what was read; what was added before the reading began may be missing in it, and stays for one more round."""
        self._known = known | added

    def begin(self) -> set[tuple[str, str]]:
        """Begin a reading: gives what was added so far."""
        added, self._added = self._added, set()
        self._known |= added
        return added


def outstanding(session: Session, *, now: datetime, within: timedelta = timedelta(hours=24)) -> frozenset[tuple[str, str]]:
    """Read the (grant, tool) pairs for `Outstanding`."""
    table = sa.inspect(ApprovalRequest).local_table.c
    waits = sa.and_(table.collected_at.is_(None), table.settled_at > now - within)
    asked = sa.select(table.grant_id, table.tool).where(sa.or_(table.state.in_([state.value for state in LIVE]), waits)).distinct()
    return frozenset((row.grant_id, row.tool) for row in session.connection().execute(asked))


def orphans(session: Session) -> Sequence[str]:
    """Requests that were waited for on a stream when the process before this one ended."""
    return session.exec(
        select(ApprovalRequest.id).where(
            col(ApprovalRequest.state).in_([state.value for state in WAITING]),
            col(ApprovalRequest.handed_off).is_(False),
            col(ApprovalRequest.unattended_at).is_(None),
        )
    ).all()


def versions(session: Session, ids: Collection[str]) -> dict[str, int]:
    """The version of each of these requests: what changed in another process shows in it."""
    asked = (
        select(ApprovalRequest.id, ApprovalRequest.version).where(col(ApprovalRequest.id).in_(chunk)) for chunk in _chunks(sorted(ids), 500)
    )
    return dict(row for query in asked for row in session.exec(query).all())


def _chunks(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
