"""From rows to what the pages show. Reads only; whatever leaves for a list, or for somebody who does not decide, is redacted first."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from sqlmodel import Session, select

from bot.web.pages import Ballot, Detail, GroupCard, HistoryPage, Inbox, Item, Result, Step, UserGroupCard
from workflows import document, groups, queries
from workflows.queries import Filters, RequestView
from workflows.quorum import Choice, counted, why_not
from workflows.redaction import NOTHING, Redaction, redact_text
from workflows.states import TERMINAL, WAITING, State
from workflows.tables import ApprovalRequest, AuditEvent, AuditHead, Group, UserGroup

_MOST_LOST = 20
_MOST_RECENT = 8
_SHORT_ARGUMENTS = 32_768  # bytes; a list does not read more of each
_FOR_MACHINES = frozenset({"definition", "expires_at", "fingerprint", "instance", "policy_sha256"})  # the export has them

_preview = lru_cache(maxsize=1024)(document.preview)


def item(view: RequestView) -> Item:
    """A request for a list."""
    row = view.request
    size = len(row.arguments)
    return Item(
        id=row.id,
        state=State(row.state),
        server=row.server,
        tool=row.tool,
        agent=row.agent,
        owner=row.owner,
        preview=_preview(row.arguments, Redaction.read(row.redaction)) if size <= _SHORT_ARGUMENTS else f"{size:,} bytes of arguments",
        approvals=len(_counted(view)),
        quorum=row.quorum,
        held_at=row.held_at,
        expires_at=row.expires_at,
        settled_at=row.settled_at,
        decided_by=row.decided_by,
        is_error=row.outcome_is_error,
        unattended=row.unattended_at is not None,
        category=row.category or "",
        risk=row.risk or "",
        changed=row.difference is not None,
    )


def _counted(view: RequestView) -> frozenset[str]:
    return frozenset(counted(_choices(view), view.group, view.request.owner))


def _choices(view: RequestView) -> Mapping[str, Choice]:
    return {vote.voter: Choice(vote.choice) for vote in view.votes}


def _why_not(view: RequestView, person: str, choice: Choice) -> str | None:
    row = view.request
    return why_not(person, choice, group=view.group, group_name=row.approvers, owner=row.owner, votes=_choices(view))


def inbox(session: Session, person: str) -> Inbox:
    """What waits, runs, was lost, and was settled just now."""
    views = queries.inbox(session, person=person)
    pending = [view for view in views if view.request.state == State.PENDING]
    yours = [view for view in pending if _why_not(view, person, Choice.APPROVE) is None]
    mine = {view.request.id for view in yours}
    lost = sorted((view for view in views if view.request.state == State.LOST), key=lambda view: view.request.held_at, reverse=True)
    recent = [view for view in queries.history(session, Filters(), limit=40).rows if view.request.state in TERMINAL - {State.LOST}]
    recent.sort(key=lambda view: view.request.settled_at or view.request.held_at, reverse=True)
    return Inbox(
        yours=_items(yours),
        lost=_items(lost[:_MOST_LOST]),
        others=_items([view for view in pending if view.request.id not in mine]),
        running=_items([view for view in views if view.request.state in {State.APPROVED, State.RELEASING}]),
        recent=_items(recent[:_MOST_RECENT]),
    )


def _items(views: Sequence[RequestView]) -> tuple[Item, ...]:
    return tuple(item(view) for view in views)


def waiting(session: Session, person: str) -> int:
    """How many requests wait for this person."""
    return sum(
        view.request.state == State.PENDING and _why_not(view, person, Choice.APPROVE) is None
        for view in queries.inbox(session, person=person)
    )


def seen(view: RequestView) -> str:
    """Name what a person judges by: the call, how its tool changed, what it needs, who may decide, who voted, and where it stands.

    A form carries it; when it no longer fits, the person decided on something else. A reminder or a returning agent is no change.
    """
    row = view.request
    members = sorted(view.group.members) if view.group else None
    votes = [(vote.voter, vote.choice) for vote in view.votes]
    told = [row.id, row.state, row.fingerprint, row.rule, row.approvers, row.quorum, members, votes, row.expires_at.isoformat()]
    told += [row.difference, row.redaction]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def detail(session: Session, request_id: str, person: str) -> Detail | None:
    """One request with everything, laid out for this person."""
    view = queries.one(session, request_id)
    return _detail(view, person) if view else None


def _detail(view: RequestView, person: str) -> Detail:
    row, group = view.request, view.group
    hide, rules = not queries.may_see_secrets(view, person), Redaction.read(row.redaction)
    concerned = person == row.owner or (group is not None and person in group.members)
    return Detail(
        item=item(view),
        seen=seen(view),
        rule=row.rule,
        reason=row.reason,
        policy=row.policy,
        approvers=row.approvers,
        members=tuple(sorted(group.eligible(row.owner))) if group else (),
        needed=view.needed,
        votes=_ballots(view),
        why_not_approve=_why_not(view, person, Choice.APPROVE),
        why_not_deny=_why_not(view, person, Choice.DENY),
        may_cancel=concerned and row.state in WAITING,
        own_agent=person == row.owner,
        deny_needs_reason=row.reason_required in {"deny", "always"},
        approve_needs_reason=row.reason_required == "always",
        fingerprint="" if hide else row.fingerprint,
        decided_at=row.decided_at,
        decision_reason=row.decision_reason,
        claimed_at=row.claimed_at,
        collected_at=row.collected_at,
        arguments=document.lay_out(row.arguments, hide=hide, rules=rules),
        signals=tuple(json.loads(row.signals or "[]")),
        difference=_difference(row.difference, hide=hide),
        in_part=document.is_partial(row.difference or ""),
        result=_result(row, hide=hide, rules=rules),
        trail=tuple(_step(event) for event in view.trail),
        left_out=view.left_out,
        previous=item(RequestView(view.previous, (), 0)) if view.previous else None,
    )


def _ballots(view: RequestView) -> tuple[Ballot, ...]:
    good = _counted(view)
    return tuple(
        Ballot(vote.voter, vote.choice, vote.reason, vote.via, vote.at, counts=vote.choice == Choice.DENY or vote.voter in good)
        for vote in view.votes
    )


def _difference(difference: str | None, *, hide: bool) -> tuple[str, ...]:
    if difference is None:
        return ()
    return tuple((redact_text(difference) if hide else difference).split("\n"))


def _result(row: ApprovalRequest, *, hide: bool, rules: Redaction) -> Result | None:
    if row.outcome_kind is None:
        return None
    shown = (
        document.lay_out(row.outcome, hide=hide, rules=document.beyond(row.arguments, rules) if hide else NOTHING) if row.outcome else None
    )
    if shown is not None and shown.problem is not None and row.outcome_kind != "result":
        return Result(row.outcome_kind, row.outcome_is_error, None, shown.exact)
    return Result(row.outcome_kind, row.outcome_is_error, shown)


def _step(event: AuditEvent) -> Step:
    told = _read(event.detail)
    named = ((name.replace("_", " "), _told(value)) for name, value in told.items() if value and name not in _FOR_MACHINES)
    return Step(event.at, event.actor, event.event, tuple(named))


def _read(detail: str) -> dict[str, object]:
    """Read what a row tells; one that was changed by hand is shown as it is, and `audit verify` names it."""
    try:
        told = json.loads(detail)
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {"changed by hand": detail}


def _told(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return "yes" if value is True else json.dumps(value, ensure_ascii=False)


def history(session: Session, search: Mapping[str, str], *, before: str | None, limit: int = 50) -> tuple[HistoryPage, str | None]:
    """One page of history for the filters as they were typed, and the id that the next page starts after."""
    try:
        filters = filters_of(search)
    except (ValueError, OverflowError):
        return HistoryPage((), search, problem="A day is written as 2026-12-31. Nothing was searched."), None
    page = queries.history(session, filters, limit=limit, before=before)
    return HistoryPage(_items(page.rows), search), page.before


def filters_of(search: Mapping[str, str]) -> Filters:
    """Read the filters; days are UTC, the last one included. Raises ValueError or OverflowError for a day that is none."""
    until = _day(search["until"])
    return Filters(
        words=search["words"],
        tool=search["tool"],
        server=search["server"],
        agent=search["agent"],
        person=search["person"],
        state=search["state"],
        since=_day(search["since"]),
        until=until + timedelta(days=1) if until else None,
    )


def _day(text: str) -> datetime | None:
    return datetime.fromisoformat(f"{text}T00:00:00+00:00") if text else None


def group_cards(session: Session) -> tuple[GroupCard, ...]:
    """Every approver group."""
    known = groups.user_groups(session)
    return tuple(_card(row, known) for row in groups.listing(session))


def _card(row: Group, known: Mapping[str, UserGroup]) -> GroupCard:
    group = groups.as_group(row)
    return GroupCard(
        name=group.name,
        members=tuple(sorted(group.members)),
        self_approval=group.self_approval,
        declared=row.declared,
        user_groups=tuple(_user_group(key, known.get(key)) for key in sorted(group.user_groups)),
        quorum=group.quorum,
        channel=group.channel,
        guests=group.guests,
        external=group.external,
        direct=group.direct,
    )


def _user_group(key: str, row: UserGroup | None) -> UserGroupCard:
    return UserGroupCard(key, row.handle, tuple(json.loads(row.members))) if row else UserGroupCard(key)


def pulse(session: Session) -> int:
    """The end of the audit trail: while it stands, nothing that the desk shows has changed."""
    head = session.exec(select(AuditHead)).first()
    return head.seq if head else 0
