"""The one way from a click to the verb: who clicked, on what, and whether it is what Askfirst shows. Buttons, modals and Home share it.

Law: who acts comes from the verified payload alone, and is asked of Slack again at every click; nothing else a payload says is believed.
"""

import asyncio
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlmodel import Session

from bot.slack import facts
from bot.slack.context import SlackContext
from bot.slack.ids import Touched, touched
from bot.slack.listening import where
from bot.slack.shapes import Shown
from workflows import cards, lifecycle, queries, readings
from workflows.cards import Standing
from workflows.errors import AlreadySettled, AskfirstError, BadPerson, NotFound, OutOfDate, Unread
from workflows.lifecycle.moves import lock
from workflows.people import Identity, Person, parse_person
from workflows.queries import RequestView
from workflows.quorum import Choice
from workflows.states import State
from workflows.tables import ApprovalRequest

log = logging.getLogger(__name__)

VIA = "slack"
PATIENCE = 1.5  # seconds that Slack has to say who somebody is: an answer has to come within three
_THERE = frozenset({Standing.POSTED, Standing.DONE})


class Replaced(OutOfDate):
    """This is not the card that Askfirst keeps for the request, so nothing was decided. Decide on the current card, or at the desk."""


@dataclass(frozen=True, slots=True)
class Clicked:
    """Who touched what. `channel` and `ts` are those of the message that carries the button; both None for a view."""

    person: Person
    touched: Touched
    channel: str | None = None
    ts: str | None = None

    @property
    def user(self) -> str:
        """The user's id in Slack."""
        return user_of(self.person)


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to a click: a sentence, whether the request is settled now, and the refusal when it was one."""

    sentence: str
    settled: bool = False
    error: AskfirstError | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A request as it stands, and as it is drawn."""

    view: RequestView
    shown: Shown


def user_of(person: Person) -> str:
    """Give the user id in a Slack person's key."""
    return person.key.rpartition("/")[2]


def team_of(person: Person) -> str:
    """Give the team id in a Slack person's key."""
    return person.key.removeprefix("slack:").partition("/")[0]


def who(body: Mapping[str, Any]) -> Person | None:
    """Read who acted from a verified payload; None when it names nobody. A name or an e-mail address in it is nothing."""
    user, team = body.get("user"), body.get("team")
    if not isinstance(user, Mapping):
        return None
    home = user.get("team_id") or (team.get("id") if isinstance(team, Mapping) else None)
    try:
        return parse_person(f"slack:{home}/{user.get('id')}")
    except BadPerson:
        return None


def clicked(body: Mapping[str, Any], value: object) -> Clicked | None:
    """Read a click on a button that carries `value`; None for what Askfirst never drew."""
    person, what = who(body), touched(value)
    if person is None or what is None:
        return None
    if isinstance(body.get("view"), Mapping):
        return Clicked(person, what)
    container, channel = body.get("container"), body.get("channel")
    place = channel.get("id") if isinstance(channel, Mapping) else None
    ts = container.get("message_ts") if isinstance(container, Mapping) else None
    if not (isinstance(place, str) and isinstance(ts, str)):
        return None
    return Clicked(person, what, place, ts)


def look(session: Session, *, slack: SlackContext, request_id: str, in_channel: bool = False, pages: bool = False) -> Look | None:
    """Read a request and lay out what is shown of it, to one person or `in_channel`; None when there is none."""
    view = queries.standing(session, request_id)
    if view is None:
        return None
    arguments = slack.settings.arguments or not in_channel
    shown = facts.shown(view, team=slack.team, desk_url=slack.desk_url, arguments_in_channel=arguments, pages=pages)
    return Look(view, shown)


async def decide(slack: SlackContext, clicked: Clicked, choice: Choice, reason: str | None, *, rehearsal: bool = False) -> Said:
    """Cast the vote of who clicked, and say what came of it. Never raises: every click gets an answer, and every refusal is one."""
    try:
        row, approvals = await _decide(slack, clicked, choice, reason, rehearsal=rehearsal)
    except AskfirstError as refusal:
        return Said(str(refusal), settled=isinstance(refusal, AlreadySettled), error=refusal)
    except Exception as error:  # noqa: BLE001  # every click gets an answer
        log.error("a click on %s could not be carried out (%s)", clicked.touched.request_id, where(error))  # noqa: TRY400  # as in `where`
        broken = AskfirstError("Something went wrong inside Askfirst. Look at how the request stands, and try again.")
        return Said(str(broken), error=broken)
    slack.changes.notify(row.id)
    settled = row.state != State.PENDING
    if choice is Choice.DENY:
        return Said("Denied. The agent is told why.", settled)
    return Said(f"Approved. {approvals} of {row.quorum}." if row.quorum > 1 else "Approved.", settled)


async def rehearse(slack: SlackContext, clicked: Clicked, choice: Choice) -> Said | None:
    """Give the refusal that this vote would meet, written down like any other, or None: before somebody fills in a form for nothing."""
    said = await decide(slack, clicked, choice, "rehearsed", rehearsal=True)
    return None if isinstance(said.error, _Rehearsed) else said


class _Rehearsed(AskfirstError):
    """The vote would have counted, and is rolled back."""


async def _decide(
    slack: SlackContext, clicked: Clicked, choice: Choice, reason: str | None, *, rehearsal: bool
) -> tuple[ApprovalRequest, int]:
    in_channel = clicked.channel is not None
    seen = await slack.database.aread(partial(look, slack=slack, request_id=clicked.touched.request_id, in_channel=in_channel))
    if seen is None:
        raise NotFound("Askfirst has no such request any more. Nothing was decided.")
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(identify(slack, clicked.person))
        if seen.view.group is not None and seen.view.group.user_groups:
            group.create_task(_read_user_groups(slack))
    cast = partial(
        _vote,
        clicked=clicked,
        identity=asked.result(),
        choice=choice,
        reason=reason,
        partly=seen.shown.partly,
        rehearsal=rehearsal,
        now=slack.clock(),
    )
    return await slack.database.awrite(cast)


async def identify(slack: SlackContext, person: Person) -> Identity | None:
    """Ask Slack who this is, now; None when it does not say so in time, and then they may do nothing."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await slack.directory.identity(user_of(person), team_of(person))
    except (AskfirstError, TimeoutError) as error:
        log.warning("Slack did not say who %s is: %s", person, str(error) or "no answer in time")
        return None


async def _read_user_groups(slack: SlackContext) -> None:
    """Bring the members of user groups up to date; those that stay unread are stale, and give no right."""
    try:
        async with asyncio.timeout(PATIENCE):
            await slack.directory.refresh_user_groups()
    except (AskfirstError, TimeoutError) as error:
        log.warning("Slack's user groups could not be read: %s", str(error) or "no answer in time")


def _vote(
    session: Session,
    *,
    clicked: Clicked,
    identity: Identity | None,
    choice: Choice,
    reason: str | None,
    partly: bool,
    rehearsal: bool,
    now: datetime,
) -> tuple[ApprovalRequest, int]:
    row = lock(session, clicked.touched.request_id)
    refuse = partial(lifecycle.refuse, session, row, actor=clicked.person, what=choice.value, via=VIA, now=now)
    stale = unlike(session, row, clicked)
    if stale is not None:
        refuse(stale)
    person = clicked.person.key
    unread = choice is Choice.APPROVE and partly and not readings.whole(session, row, person)
    if unread and row.expires_at > now and queries.why_not_vote(session, row.id, person, choice) is None:
        refuse(Unread())
    row = lifecycle.vote(session, row.id, actor=clicked.person, choice=choice, reason=reason, via=VIA, now=now, identity=identity)
    if unread:  # they were given the right in this very moment; what was written is rolled back
        raise Unread
    if rehearsal:
        raise _Rehearsed
    view = queries.standing(session, row.id)
    return row, row.quorum - (view.needed if view else 0)


def unlike(session: Session, row: ApprovalRequest, clicked: Clicked) -> OutOfDate | None:
    """Say why what was clicked is not what Askfirst shows now: the request differs, or the message is not its stored one."""
    if not hmac.compare_digest(clicked.touched.mark, facts.mark(RequestView(row, (), 0))):
        return OutOfDate()
    if clicked.channel is None or clicked.ts is None:
        return None
    stored = cards.at(session, clicked.channel, clicked.ts)
    return None if stored is not None and stored.request_id == row.id else Replaced()


def live_card(session: Session, request_id: str) -> tuple[str, str] | None:
    """Give channel and ts of the card that Askfirst keeps; None while there is none for certain."""
    stored = cards.card_of(session, request_id)
    if stored is None or stored.state not in _THERE or stored.channel is None or stored.ts is None:
        return None
    return stored.channel, stored.ts
