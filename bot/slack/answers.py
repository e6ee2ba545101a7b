"""How a click is answered: where it was made, and to nobody but who made it. Forms are opened and filled here too.

Law: nothing that is said can be markup, and it goes only to Slack, whatever address a payload names.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.slack import blocks, modals
from bot.slack.client import Trouble, call
from bot.slack.context import SlackContext
from bot.slack.deciding import user_of, who
from bot.slack.modals import View
from bot.slack.shapes import Message
from workflows.people import Person

log = logging.getLogger(__name__)

STRANGE = "Askfirst does not know this button any more, so nothing was decided. Look at the request's card, or at the desk."
LATE = "Slack did not open the form in time. Nothing was decided; please click again."
NOTHING = "Nothing was decided"
_HOOKS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_ANSWER = aiohttp.ClientTimeout(total=5)
_OK = 200
_PERSON = re.compile(r"(slack:[A-Z0-9]{1,32}/[UW][A-Z0-9]{1,31})")


def touched_value(body: Mapping[str, Any]) -> object:
    """Give what the button carries that was clicked."""
    actions = body.get("actions")
    return actions[0].get("value") if isinstance(actions, list) and actions and isinstance(actions[0], Mapping) else None


async def opened(slack: SlackContext, body: Mapping[str, Any], title: str, view: View | None = None) -> str | None:
    """Open a modal for whoever clicked, on top of the one they are in; gives its id, or None when Slack did not open it."""
    inside = isinstance(body.get("view"), Mapping) and body["view"].get("type") == "modal"
    method = slack.client.views_push if inside else slack.client.views_open
    try:
        answered = await call(method, trigger_id=str(body.get("trigger_id")), view=view or modals.loading(title))
    except Trouble as trouble:
        log.warning("A modal could not be opened: %s", trouble)
        return None
    made = answered.get("view")
    return str(made["id"]) if isinstance(made, Mapping) and "id" in made else None


async def opened_or_told(slack: SlackContext, body: Mapping[str, Any], title: str, view: View | None = None) -> str | None:
    """Open a modal as `opened` does; whoever clicked is told when Slack did not."""
    view_id = await opened(slack, body, title, view)
    if view_id is None:
        await tell(slack, body, LATE)
    return view_id


async def show(slack: SlackContext, view_id: str, view: View, *, hash_: str | None = None) -> str | None:
    """Fill an open modal; gives the hash of what stands there now, or None when it was closed, or shows something newer than `hash_`."""
    guard: dict[str, Any] = {"hash": hash_} if hash_ else {}
    try:
        answered = await call(slack.client.views_update, view_id=view_id, view=view, **guard)
    except Trouble as trouble:
        log.warning("A modal could not be filled: %s", trouble)
        return None
    return str((answered.get("view") or {}).get("hash") or "shown")


async def tell(slack: SlackContext, body: Mapping[str, Any], text: str) -> None:
    """Say a sentence to who clicked and to nobody else."""
    await reply(slack, body, drawn_sentence(text, slack.team))


async def reply(slack: SlackContext, body: Mapping[str, Any], drawn: Message) -> None:
    """Answer who clicked and nobody else: where they clicked, else by direct message."""
    url, person, channel = body.get("response_url"), who(body), body.get("channel")
    if isinstance(url, str) and ours(url, slack.settings.api_url) and await _respond(url, drawn):
        return
    if person is None:
        log.warning("A click named nobody, so nobody was answered.")
        return
    place = channel.get("id") if isinstance(channel, Mapping) else None
    if isinstance(place, str) and await _whisper(slack, person, place, drawn):
        return
    await _direct(slack, person, drawn)


def drawn_sentence(text: str, team: str) -> Message:
    """Draw a sentence so that nothing in it is markup; people of this workspace are named by Slack itself."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    parts = (blocks.person(part, team) if _PERSON.fullmatch(part) else blocks.text(part) for part in _PERSON.split(text) if part)
    return Message(plain, [blocks.rich(blocks.section(*parts))])


def told(title: str, sentence: str, team: str) -> View:
    """Draw a sentence as a modal, people named as in a message."""
    return {**modals.told(title, sentence), "blocks": [*drawn_sentence(sentence, team).blocks]}


def ours(url: str, api_url: str) -> bool:
    """Tell whether an answer may go there: to Slack's own hosts, or to the one that stands in for it."""
    try:
        asked, api = urlsplit(url), urlsplit(api_url)
        place, stand_in = (asked.scheme, asked.hostname, asked.port), (api.scheme, api.hostname, api.port)
    except ValueError:
        return False
    if asked.username is not None or asked.password is not None:
        return False
    return place == stand_in or (asked.scheme == "https" and asked.hostname in _HOOKS and asked.port in {None, 443})


async def _respond(url: str, drawn: Message) -> bool:
    said = {"text": drawn.text, "blocks": drawn.blocks, "response_type": "ephemeral", "replace_original": False}
    try:
        async with aiohttp.ClientSession(timeout=_ANSWER) as session, session.post(url, json=said, allow_redirects=False) as answered:
            return answered.status == _OK
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _whisper(slack: SlackContext, person: Person, channel: str, drawn: Message) -> bool:
    said = {"channel": channel, "user": user_of(person), "text": drawn.text, "blocks": drawn.blocks}
    try:
        await call(slack.client.chat_postEphemeral, writes=True, parse="none", link_names=False, **said)
    except Trouble:
        return False
    return True


async def _direct(slack: SlackContext, person: Person, drawn: Message) -> None:
    try:
        place = (await call(slack.client.conversations_open, users=user_of(person)))["channel"]["id"]
        said = {"channel": place, "text": drawn.text, "blocks": drawn.blocks, "unfurl_links": False, "unfurl_media": False}
        await call(slack.client.chat_postMessage, writes=True, parse="none", link_names=False, **said)
    except (Trouble, KeyError, TypeError) as error:
        log.warning("A click of %s could not be answered: %s", person, error)
