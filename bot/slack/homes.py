"""The Home tab's listeners: what somebody touched there becomes a place, and the place is read and published anew.

Law: a Home shows what its person may see and nothing of the view that was touched is believed but where they were.
"""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from slack_bolt.async_app import AsyncAck, AsyncApp
from sqlmodel import Session

from bot.slack import answers, facts, home, messages, modals, search
from bot.slack.client import Trouble, TroubleKind, call
from bot.slack.context import SlackContext
from bot.slack.deciding import user_of, who
from bot.slack.home import ROWS, Count, GroupRow, Home, Place, Row, Tab, place_of
from bot.slack.ids import Action, Callback, touched
from bot.slack.modals import View
from bot.slack.search import Search
from workflows import grants, groups, queries
from workflows.errors import AskfirstError, NotAllowed, NotFound
from workflows.people import ApproverGroup, Person
from workflows.queries import Filters, RequestView
from workflows.states import LIVE, State
from workflows.tables import Group

log = logging.getLogger(__name__)

_GAP = 2.0  # seconds between two publications that nobody clicked for
_TRIES = 3
_PAUSE = 0.2  # seconds before another try
_LONGEST_WAIT = 30.0  # seconds that a Home waits because Slack asked for patience
_MOST_KNOWN = 2_000  # people whose last place is remembered; the others' is in their view
_PASSING = frozenset({TroubleKind.RATE, TroubleKind.TRANSIENT, TroubleKind.AMBIGUOUS})  # publishing twice is publishing once
_MOST_WARNINGS = 5
_SPANS = (("Last 24 hours", timedelta(hours=24)), ("Last 7 days", timedelta(days=7)), ("Last 30 days", timedelta(days=30)))


@dataclass(slots=True)
class Showing:
    """What one person's Home shows and shall show. One publication at a time; whoever comes while one runs is served by the next."""

    place: Place = field(default_factory=Place)
    hash: str | None = None
    asked: int = 0
    done: int = 0
    published: float = float("-inf")  # the loop's clock
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def why_not_look(session: Session, person: Person, *, slack: SlackContext) -> str | None:
    """Say why this person may see no requests at all, or None: approvers, owners of agents and administrators may."""
    if not person.key.startswith(f"slack:{slack.team}/") and not _named(session, person):
        return "You belong to another workspace, and no approver group names you. Nothing is shown."
    if person.key in slack.admins or _named(session, person):
        return None
    return "You are in no approver group and answer for no agent, so nothing is shown. Ask an administrator of Askfirst."


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


def look(session: Session, *, slack: SlackContext, person: Person, place: Place, now: datetime) -> Home:
    """Read the Home of one person at one place."""
    empty = Home(place, slack.team, now, admin=person.key in slack.admins, desk_url=_desk(slack.desk_url))
    refused = why_not_look(session, person, slack=slack)
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
    drawn = partial(facts.shown, team=slack.team, desk_url=slack.desk_url, arguments_in_channel=slack.settings.arguments)
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


async def refresh(slack: SlackContext, user: str, view: Mapping[str, Any] | None = None) -> None:
    """Publish this user's Home anew, as after a vote from it: where its `view` says, else where it was last."""
    showing = _showing(slack, user)
    await _publish(slack, Person(f"slack:{slack.team}/{user}"), place_of(view.get("private_metadata")) if view else showing.place)


async def show(slack: SlackContext, person: Person, place: Place) -> None:
    """Publish this person's Home at this place at once, because they asked for it."""
    await _publish(slack, person, place, clicked=True)


def _showing(slack: SlackContext, user: str) -> Showing:
    showing = slack.homes.pop(user, None) or Showing()
    slack.homes[user] = showing  # the newest last
    while len(slack.homes) > _MOST_KNOWN:
        slack.homes.pop(next(iter(slack.homes)))
    return showing


async def _publish(slack: SlackContext, person: Person, place: Place, *, clicked: bool = False) -> None:
    """Show this place. What comes while another publication runs, or within two seconds of one unless clicked, is one publication."""
    showing = _showing(slack, user_of(person))
    showing.place = place
    showing.asked += 1
    mine = showing.asked
    loop = asyncio.get_running_loop()
    while showing.done < mine:
        wait = 0 if clicked else showing.published + _GAP - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
            continue
        async with showing.turn:
            if showing.done >= mine or (not clicked and showing.published + _GAP > loop.time()):
                continue
            showing.done = showing.asked
            showing.published = loop.time()
            try:
                await _send(slack, person, showing)
            except AskfirstError as error:
                log.warning("the Home of %s could not be shown: %s", person, error)


async def _send(slack: SlackContext, person: Person, showing: Showing) -> None:
    """Read, draw and publish; only over what was published last from here, else it is read anew and then published all the same."""
    for attempt in range(1, _TRIES + 1):
        read = partial(look, slack=slack, person=person, place=showing.place, now=slack.clock())
        view = home.view(await slack.database.aread(read))
        guard: dict[str, Any] = {"hash": showing.hash} if showing.hash else {}
        try:
            answer = await call(slack.client.views_publish, user_id=user_of(person), view=view, **guard)
        except Trouble as trouble:
            showing.hash = None
            if attempt == _TRIES or (trouble.error != "hash_conflict" and trouble.kind not in _PASSING):
                raise
            await asyncio.sleep(min(trouble.retry_after or _PAUSE, _LONGEST_WAIT))
        else:
            showing.hash = (answer.get("view") or {}).get("hash")
            return


class _Listeners:
    """What happens in a Home, but for decisions and groups."""

    def __init__(self, slack: SlackContext) -> None:
        self.slack = slack

    async def opened(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Somebody looked at the app: draw their Home where they were."""
        person = who({"user": {"id": event.get("user"), "team_id": body.get("team_id")}})
        if person is None or event.get("tab") != "home":
            return
        view = event.get("view")
        place = place_of(view.get("private_metadata")) if view else _showing(self.slack, user_of(person)).place
        await _publish(self.slack, person, place)

    async def tab(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """Another tab: its first page."""
        await ack()
        name = str(action.get("action_id", "")).partition(".")[2]
        if name in set(Tab):
            await self._go(body, lambda place: Place(Tab(name), search=place.search))

    async def older(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """The next page."""
        await ack()
        await self._go(body, lambda place: place.older(str(action.get("value", ""))))

    async def newer(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The page before."""
        await ack()
        await self._go(body, Place.newer)

    async def clear(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """History without a search."""
        await ack()
        await self._go(body, lambda _: Place(Tab.HISTORY))

    async def search(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Open the filters, filled with what is searched now."""
        await ack()
        await answers.opened(self.slack, body, "Search history", search.modal(_place(body).search))

    async def searched(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Search History by what was filled in."""
        await ack()
        found = search.searched(view, team=self.slack.team)
        person = who(body)
        if person is not None:
            await show(self.slack, person, Place(Tab.HISTORY, search=found))

    async def open(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """Open one request: how it stands, who said what, and its arguments with secrets hidden."""
        await ack()
        person, what = who(body), touched(action.get("value"))
        if person is None or what is None:
            return
        view_id = await answers.opened(self.slack, body, "Held call")
        if view_id is None:
            return
        read = partial(details, slack=self.slack, person=person, request_id=what.request_id)
        try:
            view = await self.slack.database.aread(read)
        except AskfirstError as refusal:
            view = modals.told("Held call", str(refusal))
        await answers.show(self.slack, view_id, view)

    async def _go(self, body: dict[str, Any], move: Callable[[Place], Place]) -> None:
        person = who(body)
        if person is not None:
            await show(self.slack, person, move(_place(body)))


def _place(body: Mapping[str, Any]) -> Place:
    return place_of((body.get("view") or {}).get("private_metadata"))


def details(session: Session, *, slack: SlackContext, person: Person, request_id: str) -> View:
    """Draw one request for one person; raises NotFound for what they may not see as for what there is not."""
    return messages.details(held(session, slack=slack, person=person, request_id=request_id), team=slack.team)


def held(session: Session, *, slack: SlackContext, person: Person, request_id: str) -> messages.Whole:
    """Read one request with its votes and trail for one person; raises NotAllowed or NotFound."""
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


def register(app: AsyncApp, slack: SlackContext) -> None:
    """Listen to everything that happens in a Home, but for decisions and groups."""
    here = _Listeners(slack)
    app.event("app_home_opened")(here.opened)
    app.action(re.compile(rf"{re.escape(Action.TAB)}\.[a-z]+"))(here.tab)
    app.action(Action.OLDER)(here.older)
    app.action(Action.NEWER)(here.newer)
    app.action(Action.SEARCH)(here.search)
    app.action(Action.CLEAR)(here.clear)
    app.action(Action.OPEN)(here.open)
    app.view(Callback.SEARCH)(here.searched)
