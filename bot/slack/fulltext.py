"""All that has to be read of a call, how its tool's definition changed and its arguments, page by page in a modal or as a file.

Law: a page counts as read by one person when Slack took it for their screen, and Approve is drawn only when none is missing.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from sqlmodel import Session

from bot.slack import changed, modals, seeing
from bot.slack.answers import LATE, STRANGE, opened, show, tell, told, touched_value
from bot.slack.client import Trouble, call
from bot.slack.context import SlackContext
from bot.slack.deciding import Clicked, Look, clicked, identify, look, unlike, user_of, who
from bot.slack.ids import Action
from bot.slack.listening import where
from bot.slack.shapes import Shown
from workflows import queries, readings
from workflows.errors import AskfirstError, NotAllowed, NotFound
from workflows.people import Identity
from workflows.quorum import why_not_identity

log = logging.getLogger(__name__)

_TITLE = "Full arguments"


@dataclass(frozen=True, slots=True)
class Page:
    """What one person may be shown: the request, which page, whether they have read the whole, and why they may not approve it."""

    seen: Look
    number: int
    whole: bool
    why_not: str | None

    @property
    def pages(self) -> int:
        """How many there are, at least one."""
        return len(self.seen.shown.pages)

    def view(self, *, whole: bool) -> modals.View:
        """Draw it."""
        return modals.full(self.seen.shown, self.number, may_approve=whole and self.why_not is None)


def register(app: AsyncApp, slack: SlackContext) -> None:
    """Listen to the buttons that open the arguments, turn their pages and send them as a file."""

    async def open_(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await _open(slack, body)

    for action in (Action.ARGUMENTS, Action.REVIEW):
        app.action(action)(open_)

    @app.action(Action.PREVIOUS)
    async def previous(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await _turn(slack, body, -1)

    @app.action(Action.NEXT)
    async def next_(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await _turn(slack, body, +1)

    @app.action(Action.FILE)
    async def file(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await _file(slack, body)


async def _open(slack: SlackContext, body: Mapping[str, Any]) -> None:
    click = clicked(body, touched_value(body))
    if click is None:
        await tell(slack, body, STRANGE)
        return
    view_id = await opened(slack, body, _TITLE)
    if view_id is None:
        await tell(slack, body, LATE)
        return
    await _show(slack, click, view_id, 1)


async def _turn(slack: SlackContext, body: Mapping[str, Any], step: int) -> None:
    view, person = body.get("view"), who(body)
    origin = modals.read(view) if isinstance(view, Mapping) else None
    if person is None or origin is None or not isinstance(view, Mapping):
        await tell(slack, body, STRANGE)
        return
    await _show(slack, Clicked(person, origin.touched), str(view.get("id")), origin.page + step, hash_=view.get("hash"))


async def _show(slack: SlackContext, click: Clicked, view_id: str, number: int, *, hash_: str | None = None) -> None:
    """Show a page, write down that this person saw it, and then let them approve when it was the last one missing."""
    try:
        page = await _page(slack, click, number)
        now_shown = await show(slack, view_id, page.view(whole=page.whole), hash_=hash_)
        if now_shown is None or page.whole:
            return
        note = partial(
            readings.note_page,
            request_id=click.touched.request_id,
            person=click.person,
            page=page.number,
            pages=page.pages,
            now=slack.clock(),
        )
        reading = await slack.database.awrite(note)
        if reading.whole_at is not None and page.why_not is None:
            await show(slack, view_id, page.view(whole=True), hash_=now_shown)
    except AskfirstError as refusal:
        await show(slack, view_id, told("Nothing to show", str(refusal), slack.team))
    except Exception as error:  # noqa: BLE001  # every click gets an answer
        log.error("the arguments of %s could not be shown (%s)", click.touched.request_id, where(error))  # noqa: TRY400  # as in `where`
        await show(slack, view_id, told("Nothing to show", str(AskfirstError()), slack.team))


async def _page(slack: SlackContext, click: Clicked, number: int) -> Page:
    identity = await identify(slack, click.person)
    return await slack.database.aread(partial(_read, slack=slack, click=click, identity=identity, number=number))


def _read(session: Session, *, slack: SlackContext, click: Clicked, identity: Identity | None, number: int) -> Page:
    """Read one page for one person; raises NotAllowed, NotFound, OutOfDate."""
    seen = look(session, slack=slack, request_id=click.touched.request_id, pages=True)
    why = seeing.why_not_look(session, click.person, slack=slack)
    if identity is None or identity.key != click.person.key:
        why = "Slack could not say who you are just now, so nothing is shown. Try again."
    else:
        why = why or why_not_identity(identity, seen.view.group if seen else None)
    if why is not None:
        raise NotAllowed(why)
    if seen is None:
        raise NotFound("Askfirst has no such request any more.")
    stale = unlike(session, seen.view.request, click)
    if stale is not None:
        raise stale
    person = click.person.key
    why_not = queries.why_not_vote(session, click.touched.request_id, person)
    return Page(seen, min(max(number, 1), len(seen.shown.pages)), readings.whole(session, seen.view.request, person), why_not)


async def _file(slack: SlackContext, body: Mapping[str, Any]) -> None:
    """Send all of the arguments, secrets hidden, to who asked, in their direct messages. It does not count as read."""
    view, person = body.get("view"), who(body)
    origin = modals.read(view) if isinstance(view, Mapping) else None
    if person is None or origin is None:
        await tell(slack, body, STRANGE)
        return
    view_id = await opened(slack, body, "Sending")
    try:
        page = await _page(slack, Clicked(person, origin.touched), 1)
        await _send(slack, user_of(person), page.seen)
        title, text = "Sent", "All of it is in your direct messages with Askfirst, as a file. What is hidden here is hidden there."
    except Trouble as trouble:
        log.warning("A file could not be sent: %s", trouble)
        title, text = "Not sent", "Slack did not take the file. Read the arguments here page by page, or at the desk."
    except AskfirstError as refusal:
        title, text = "Not sent", str(refusal)
    if view_id is None or await show(slack, view_id, told(title, text, slack.team)) is None:
        await tell(slack, body, text)


async def _send(slack: SlackContext, user: str, seen: Look) -> None:
    opened_ = await call(slack.client.conversations_open, users=user)
    channel = opened_.get("channel")
    await call(
        slack.client.files_upload_v2,
        writes=True,
        channel=channel.get("id") if isinstance(channel, Mapping) else None,
        content=_whole(seen.shown),
        filename=f"{seen.shown.id}.json.txt",
        title=f"Arguments of {seen.shown.id}",
    )


def _whole(shown: Shown) -> str:
    """Write a file of what the pages show."""
    arguments = shown.arguments.text or "{}"
    if shown.difference is None:
        return arguments
    return f"{changed.SENTENCE} {changed.ACCEPTS}\n\n{shown.difference.text}\n\nArguments\n\n{arguments}\n"
