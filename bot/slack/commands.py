"""`/askfirst`: look, without a decision. What it answers is for whoever asked, and nobody else sees it.

Law: a command decides nothing, and shows only what the Home of the same person shows.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from sqlmodel import Session

from bot.slack import facts, messages, seeing
from bot.slack.answers import reply
from bot.slack.context import SlackContext
from bot.slack.deciding import identify, who
from bot.slack.messages import Known
from bot.slack.shapes import Message
from workflows import grants, queries
from workflows.errors import AskfirstError, NotAllowed
from workflows.people import Identity, Person
from workflows.queries import Filters, RequestView
from workflows.states import LIVE

_LONGEST = 500  # characters of a command that are read


def register(app: AsyncApp, slack: SlackContext) -> None:
    """Listen to the command."""

    @app.command(slack.settings.command)
    async def command(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        asked = {
            "user": {"id": body.get("user_id"), "team_id": body.get("team_id")},
            "channel": {"id": body.get("channel_id")},
            "response_url": body.get("response_url"),
        }
        person = who(asked)
        if person is None:
            return
        try:
            text = str(body.get("text") or "")[:_LONGEST]
            identity = await identify(slack, person)
            drawn = await slack.database.aread(partial(answer, slack=slack, person=person, identity=identity, text=text))
        except AskfirstError as refusal:
            drawn = messages.told(str(refusal))
        await reply(slack, asked, drawn)


def answer(session: Session, *, slack: SlackContext, person: Person, identity: Identity | None, text: str) -> Message:
    """Answer one command; raises NotAllowed and NotFound."""
    verb, _, rest = text.strip().partition(" ")
    if verb == "whoami":
        return messages.whoami(_known(session, slack, person))
    asked = _ANSWERS.get(verb)
    if asked is None:
        return messages.help_(slack.settings.command, unknown="" if verb in {"", "help"} else verb)
    refused = seeing.why_not_look(session, person, slack=slack) or seeing.why_not_shown(session, person=person, identity=identity)
    if refused is not None:
        raise NotAllowed(refused)
    return asked(session, slack, person, rest.strip())


def _known(session: Session, slack: SlackContext, person: Person) -> Known:
    return Known(
        person.key,
        groups=[group.name for group in seeing.everyone(session) if person.key in group.members],
        agents=[grant.label for grant in grants.listing(session) if grant.owner == person.key and grant.revoked_at is None],
        admin=person.key in slack.admins,
    )


def _pending(session: Session, slack: SlackContext, person: Person, rest: str) -> Message:
    del rest
    alive = [view for view in queries.inbox(session, person=person.key) if view.request.state in LIVE]
    yours = sum(seeing.may_approve(view, person.key) for view in alive)
    title = f"{len(alive)} pending, {yours} for you"
    return _listing(slack, title, alive, nothing="No call waits for a decision.", more=len(alive) > messages.MOST)


def _history(session: Session, slack: SlackContext, person: Person, rest: str) -> Message:
    del person
    page = queries.history(session, Filters(words=rest), limit=messages.MOST)
    return _listing(
        slack, "History", page.rows, nothing="Nothing was found." if rest else "No call was held yet.", more=page.before is not None
    )


def _listing(slack: SlackContext, title: str, views: Sequence[RequestView], *, nothing: str, more: bool) -> Message:
    rows = [facts.shown(view, team=slack.team, desk_url=slack.desk_url, pages=False) for view in views[: messages.MOST]]
    return messages.listing(title, rows, team=slack.team, command=slack.settings.command, more=more, nothing=nothing)


def _show(session: Session, slack: SlackContext, person: Person, rest: str) -> Message:
    if not rest:
        return messages.told(f"Say which one: {slack.settings.command} show apr_… The id stands on its card.")
    return messages.one(seeing.held(session, slack=slack, person=person, request_id=rest), team=slack.team)


def _groups(session: Session, slack: SlackContext, person: Person, rest: str) -> Message:
    del person, rest
    return messages.groups(seeing.group_rows(session), team=slack.team)


_Answer = Callable[[Session, SlackContext, Person, str], Message]
_ANSWERS: dict[str, _Answer] = {"pending": _pending, "history": _history, "show": _show, "groups": _groups}
