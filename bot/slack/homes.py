"""The Home tab's listeners: what somebody touched there becomes a place, and the place is read and published anew.

Law: a Home shows what its person may see and nothing of the view that was touched is believed but where they were.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack import answers, home, modals, search, seeing
from bot.slack.client import Trouble, TroubleKind, call
from bot.slack.context import SlackContext
from bot.slack.deciding import identify, user_of, who
from bot.slack.ids import Action, Callback, touched
from bot.slack.whereabouts import Place, Tab, place_of
from workflows.errors import AskfirstError
from workflows.people import Person

log = logging.getLogger(__name__)

_GAP = 2.0  # seconds between two publications that nobody clicked for
_TRIES = 3
_PAUSE = 0.2  # seconds before another try
_LONGEST_WAIT = 30.0  # seconds that a Home waits because Slack asked for patience
_MOST_KNOWN = 2_000  # people whose last place is remembered; the others' is in their view
_PASSING = frozenset({TroubleKind.RATE, TroubleKind.TRANSIENT, TroubleKind.AMBIGUOUS})  # publishing twice is publishing once


@dataclass(slots=True)
class Showing:
    """What one person's Home shows and shall show. One publication at a time; whoever comes while one runs is served by the next."""

    place: Place = field(default_factory=Place)
    hash: str | None = None
    asked: int = 0
    done: int = 0
    published: float = float("-inf")  # the loop's clock
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


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
    identity = await identify(slack, person)
    for attempt in range(1, _TRIES + 1):
        read = partial(seeing.look, slack=slack, person=person, place=showing.place, now=slack.clock(), identity=identity)
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
        await answers.opened_or_told(self.slack, body, "Search history", search.modal(_place(body).search))

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
        view_id = await answers.opened_or_told(self.slack, body, "Held call")
        if view_id is None:
            return
        identity = await identify(self.slack, person)
        read = partial(seeing.details, slack=self.slack, person=person, identity=identity, request_id=what.request_id)
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
