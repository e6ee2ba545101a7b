"""What somebody may see in Slack, read for them: their Home, one request, every group. Reads only.

Law: nothing is read for somebody who has no part in it, and arguments leave here redacted, whoever looks.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from sqlmodel import Session

from bot.slack import facts, messages
from bot.slack.context import SlackContext
from bot.slack.home import ROWS, Count, GroupRow, Home, Row
from bot.slack.modals import View
from bot.slack.search import Search
from bot.slack.whereabouts import Place, Tab
from workflows import grants, groups, queries
from workflows.errors import NotAllowed, NotFound
from workflows.people import ApproverGroup, Identity, Person
from workflows.queries import Filters, RequestView
from workflows.quorum import why_not_identity
from workflows.states import LIVE, State
from workflows.tables import Group

_MOST_WARNINGS = 5
_SPANS = (("Last 24 hours", timedelta(hours=24)), ("Last 7 days", timedelta(days=7)), ("Last 30 days", timedelta(days=30)))


def why_not_look(session: Session, person: Person, *, slack: SlackContext) -> str | None:
    """Say why this person may see no requests at all, or None: approvers, owners of agents and administrators may."""
    if not person.key.startswith(f"slack:{slack.team}/") and not _named(session, person):
        return "You belong to another workspace, and no approver group names you. Nothing is shown."
    if person.key in slack.admins or _named(session, person):
        return None
    return "You are in no approver group and answer for no agent, so nothing is shown. Ask an administrator of Askfirst."


def why_not_shown(session: Session, *, person: Person, identity: Identity | None) -> str | None:
    """Say why what Slack says of this person keeps them from seeing any request, or None when it does not.

    Who is a guest or from outside sees what the members of a group see that names them and takes such people.
    """
    if identity is None or identity.key != person.key:
        return "Slack could not say who you are just now, so nothing is shown. Try again."
    theirs = [group for group in everyone(session) if person.key in group.members]
    whys = [why_not_identity(identity, group) for group in theirs] or [why_not_identity(identity, None)]
    return None if None in whys else whys[0]


def _named(session: Session, person: Person) -> bool:
    if any(person.key in group.members for group in everyone(session)):
        return True
    return any(grant.owner == person.key for grant in grants.listing(session))


def everyone(session: Session) -> list[ApproverGroup]:
    """Every approver group with the people it is known to have."""
    found = (groups.find(session, row.name) for row in groups.listing(session))
    return [group for group in found if group is not None]


def may_approve(view: RequestView, person: str) -> bool:
    """Tell whether a request waits for this person, by what is stored; the verb judges anew."""
    if view.request.state != State.PENDING or view.group is None or person not in view.group.eligible(view.request.owner):
        return False
    return all(vote.voter != person for vote in view.votes)


def look(session: Session, *, slack: SlackContext, person: Person, place: Place, now: datetime, identity: Identity | None) -> Home:
    """Read the Home of one person at one place."""
    empty = Home(place, slack.team, now, admin=person.key in slack.admins, desk_url=_desk(slack.desk_url))
    refused = why_not_look(session, person, slack=slack) or why_not_shown(session, person=person, identity=identity)
    if refused is not None:
        return replace(empty, place=Place(), refused=refused)
    alive = [view for view in queries.inbox(session, person=person.key) if view.request.state in LIVE]
    waiting = [view for view in alive if may_approve(view, person.key)]
    counted = replace(empty, waiting=len(waiting), pending=len(alive), notes=_warnings(session) if empty.admin else ())
    rows = partial(_rows, slack=slack, person=person.key)
    if place.tab is Tab.WAITING:
        return _paged(counted, waiting, rows)
    if place.tab is Tab.PENDING:
        return _paged(counted, alive, rows)
    if place.tab is Tab.HISTORY:
        before = place.befores[-1] if place.befores else None
        page = queries.history(session, filters_of(place.search), limit=ROWS, before=before)
        return replace(counted, rows=rows(page.rows), older=page.before)
    if place.tab is Tab.GROUPS:
        return _paged_groups(counted, group_rows(session))
    return replace(counted, counts=tuple(_count(session, title, span, now) for title, span in _SPANS))


def _desk(url: str) -> str:
    """Give where the desk is, unless only its own machine reaches it: whoever reads this sits elsewhere."""
    return "" if urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"} else url


def _rows(views: Sequence[RequestView], *, slack: SlackContext, person: str) -> tuple[Row, ...]:
    arguments = slack.settings.arguments
    drawn = partial(facts.shown, team=slack.team, desk_url=slack.desk_url, arguments_in_channel=arguments, pages=False)
    return tuple(Row(drawn(view), may_approve(view, person)) for view in views)


def _paged(home: Home, views: Sequence[RequestView], rows: Callable[[Sequence[RequestView]], tuple[Row, ...]]) -> Home:
    """Cut one page out; when it is past the end, as after the last row of a page was decided, it is the last page."""
    page, start, older = _page(home.place.page, len(views))
    return replace(home, place=replace(home.place, page=page), rows=rows(views[start : start + ROWS]), older=older)


def _paged_groups(home: Home, found: Sequence[GroupRow]) -> Home:
    page, start, older = _page(home.place.page, len(found))
    return replace(home, place=replace(home.place, page=page), groups=found[start : start + ROWS], older=older)


def _page(page: int, length: int) -> tuple[int, int, str | None]:
    page = min(page, max(length - 1, 0) // ROWS)
    return page, page * ROWS, "more" if length > (page + 1) * ROWS else None


def group_rows(session: Session) -> list[GroupRow]:
    """Every approver group as it is listed."""
    found = ((row, groups.find(session, row.name)) for row in groups.listing(session))
    return [_group_row(row, group) for row, group in found if group is not None]


def _group_row(row: Group, group: ApproverGroup) -> GroupRow:
    able = len(group.members)
    problem = f"it needs {group.quorum} approvals and only {able} can be given, so what asks it is denied." if able < group.quorum else ""
    return GroupRow(
        name=group.name,
        members=tuple(sorted(json.loads(row.members))),
        user_groups=tuple(sorted(group.user_groups)),
        quorum=group.quorum,
        channel=group.channel,
        self_approval=group.self_approval,
        guests=group.guests,
        external=group.external,
        direct=group.direct,
        declared=row.declared,
        version=row.version,
        problem=problem,
    )


def _warnings(session: Session) -> tuple[str, ...]:
    """Tell an administrator which groups cannot decide what they have to."""
    return tuple(f"The group {row.name} cannot decide: {row.problem}" for row in group_rows(session) if row.problem)[:_MOST_WARNINGS]


def _count(session: Session, title: str, span: timedelta, now: datetime) -> Count:
    found = queries.figures(session, since=now - span, now=now)
    return Count(title, found.waiting, found.median_seconds, found.decided, found.approved, found.denied, found.expired)


def filters_of(search: Search) -> Filters:
    """Read a search; a day that is none is left out. The last day is included."""
    until = _day(search.until)
    return Filters(
        words=search.words,
        tool=search.tool,
        server=search.server,
        agent=search.agent,
        person=search.person,
        state=search.state,
        since=_day(search.since),
        until=until + timedelta(days=1) if until else None,
    )


def _day(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{text}T00:00:00+00:00")
    except ValueError:
        return None


def details(session: Session, *, slack: SlackContext, person: Person, identity: Identity | None, request_id: str) -> View:
    """Draw one request for one person; raises NotFound for what they may not see as for what there is not."""
    refused = why_not_shown(session, person=person, identity=identity)
    if refused is not None:
        raise NotAllowed(refused)
    return messages.details(held(session, slack=slack, person=person, request_id=request_id), team=slack.team)


def held(session: Session, *, slack: SlackContext, person: Person, request_id: str) -> messages.Whole:
    """Read one request with its votes and trail for one person whom Slack vouched for; raises NotAllowed or NotFound."""
    refused = why_not_look(session, person, slack=slack)
    if refused is not None:
        raise NotAllowed(refused)
    view = queries.one(session, request_id)
    if view is None:
        raise NotFound(f"There is no request {request_id[:40]}. Copy the id from its card, apr_ and what follows.")
    shown = facts.shown(view, team=slack.team, desk_url=slack.desk_url)
    votes = tuple(messages.Ballot(vote.voter, vote.choice, vote.reason, vote.at) for vote in view.votes)
    trail = tuple(messages.Step(event.at, event.actor, event.event) for event in view.trail)
    return messages.Whole(shown, votes, trail, view.left_out)
