"""The buttons that decide.

Law: a listener acknowledges first; then it asks `deciding`, and says what it was told.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack import cards, fulltext, homes, modals, submissions
from bot.slack.answers import LATE, NOTHING, STRANGE, opened, show, tell, told, touched_value
from bot.slack.client import call
from bot.slack.context import SlackContext
from bot.slack.deciding import Clicked, Replaced, Said, clicked, decide, live_card, look, rehearse
from bot.slack.ids import Action, Callback
from bot.slack.modals import View
from bot.slack.shapes import Message, Shown
from workflows.errors import AskfirstError
from workflows.quorum import Choice

log = logging.getLogger(__name__)

_TITLES = {Choice.APPROVE: "Approve", Choice.DENY: "Deny"}


def register(app: AsyncApp, slack: SlackContext) -> None:
    """Listen to everything that decides: buttons, the forms they open, and the pages that have to be read."""
    fulltext.register(app, slack)
    submissions.register(app, slack)

    @app.action(Action.APPROVE)
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await _approve(slack, body)

    for action, choice, draw in (
        (Action.APPROVE_WITH, Choice.APPROVE, modals.approve),
        (Action.DENY, Choice.DENY, modals.deny),
        (Action.CHANGES, Choice.DENY, modals.changes),
    ):
        app.action(action)(_asking(slack, choice, draw))


def _asking(slack: SlackContext, choice: Choice, draw: Callable[[Shown], View]) -> Callable[..., Any]:
    async def ask(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await _ask(slack, body, choice, draw)

    return ask


async def _approve(slack: SlackContext, body: Mapping[str, Any]) -> None:
    click = clicked(body, touched_value(body))
    if click is None:
        await tell(slack, body, STRANGE)
        return
    said = await decide(slack, click, Choice.APPROVE, None)
    await answer(slack, body, click, said)


async def _ask(slack: SlackContext, body: Mapping[str, Any], choice: Choice, draw: Callable[[Shown], View]) -> None:
    """Open a form at once, because Slack waits three seconds; fill it when the vote would count, else say why it would not."""
    click = clicked(body, touched_value(body))
    if click is None:
        await tell(slack, body, STRANGE)
        return
    view_id = await opened(slack, body, _TITLES[choice])
    if view_id is None:
        await tell(slack, body, LATE)
        return
    await show(slack, view_id, await _form(slack, click, choice, draw))


async def _form(slack: SlackContext, click: Clicked, choice: Choice, draw: Callable[[Shown], View]) -> View:
    refused = await rehearse(slack, click, choice)
    if refused is not None:
        return told(NOTHING, await sentence(slack, click, refused), slack.team)
    try:
        seen = await slack.database.aread(partial(look, slack=slack, request_id=click.touched.request_id))
    except AskfirstError as error:
        return told(NOTHING, str(error), slack.team)
    return draw(seen.shown) if seen else told(NOTHING, STRANGE, slack.team)


async def answer(slack: SlackContext, body: Mapping[str, Any], click: Clicked, said: Said) -> None:
    """Answer a click on a message, in a modal or in the Home."""
    text = await sentence(slack, click, said)
    view = body.get("view")
    if not isinstance(view, Mapping):
        await tell(slack, body, text)
        return
    drawn = told(NOTHING if said.error else "Done", text, slack.team)
    if view.get("type") == "modal":
        if not await show(slack, str(view.get("id")), drawn):
            await tell(slack, body, text)
        return
    if await opened(slack, body, "", drawn) is None:
        await tell(slack, body, text)
    if view.get("callback_id") == Callback.HOME:
        await homes.refresh(slack, click.user, view)


async def sentence(slack: SlackContext, click: Clicked, said: Said) -> str:
    """Give the answer's sentence; a card that is not the stored one is rewritten, and the sentence leads to the live one."""
    if not isinstance(said.error, Replaced):
        return said.sentence
    try:
        live = await slack.database.aread(partial(live_card, request_id=click.touched.request_id))
        if live is None or click.channel is None or live == (click.channel, click.ts):
            return said.sentence
        link = str((await call(slack.client.chat_getPermalink, channel=live[0], message_ts=live[1])).get("permalink"))
        await _rewrite(slack, click, cards.replaced(link))
    except AskfirstError as error:
        log.warning("A card of %s that was replaced could not be rewritten: %s", click.touched.request_id, error)
        return said.sentence
    return f"{said.sentence} It is here: {link}"


async def _rewrite(slack: SlackContext, click: Clicked, drawn: Message) -> None:
    await call(
        slack.client.chat_update,
        writes=True,
        channel=click.channel,
        ts=click.ts,
        text=drawn.text,
        blocks=drawn.blocks,
        parse="none",
        link_names=False,
        unfurl_links=False,
        unfurl_media=False,
    )
