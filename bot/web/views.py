"""The listeners of the desk: translate, one verb, reply. A reading one draws what the rows say; a deciding one calls one verb."""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from aiohttp import web
from sqlmodel import Session

from bot.web import facts, pages
from bot.web.context import DESK, READER, DeskContext
from bot.web.guard import frame
from bot.web.refusals import status
from bot.web.signin import checked_form
from workflows import lifecycle, queries
from workflows.errors import AskfirstError, NotFound, OutOfDate
from workflows.lifecycle import Choice
from workflows.people import Person
from workflows.states import State
from workflows.tables import ApprovalRequest

T = TypeVar("T")
_A_MOMENT = 0.25  # seconds; a release begins within some milliseconds when the upstream answers
SEARCHED = ("words", "tool", "server", "agent", "person", "state", "since", "until")


async def _read(request: web.Request, look: Callable[[Session], T]) -> T:
    return await request.app[DESK].database.aread(look)


def _html(text: str, *, http_status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=http_status)


async def inbox(request: web.Request) -> web.Response:
    """What waits for the reader, and what else goes on."""
    shown = await _read(request, partial(facts.inbox, person=request[READER].person))
    return _html(pages.inbox(frame(request, tab="inbox", waiting=len(shown.yours)), shown))


async def one(request: web.Request) -> web.Response:
    """One request, all of it."""
    return await _show(request)


async def back(request: web.Request) -> web.Response:
    """A refused vote that is loaded again is only looked at."""
    return web.Response(status=303, headers={"Location": f"/requests/{request.match_info['id']}"})


async def _show(
    request: web.Request, notice: pages.Notice | None = None, *, http_status: int = 200, verb: str = "", draft: str = ""
) -> web.Response:
    shown, waiting = await _detail(request)
    around = frame(request, tab="inbox", waiting=waiting)
    return _html(await asyncio.to_thread(pages.request, around, shown, notice, drafts={verb: draft}), http_status=http_status)


async def _detail(request: web.Request) -> tuple[pages.Detail, int]:
    request_id, person = request.match_info["id"], request[READER].person

    def look(session: Session) -> tuple[pages.Detail | None, int]:
        return facts.detail(session, request_id, person), facts.waiting(session, person)

    shown, waiting = await _read(request, look)
    if shown is None:
        raise NotFound("There is no such request. Look for it in the history.")
    return shown, waiting


async def approve(request: web.Request) -> web.Response:
    """Vote for it."""
    return await _decide(request, "approve", partial(lifecycle.vote, choice=Choice.APPROVE))


async def deny(request: web.Request) -> web.Response:
    """Vote against it."""
    return await _decide(request, "deny", partial(lifecycle.vote, choice=Choice.DENY))


async def cancel(request: web.Request) -> web.Response:
    """Withdraw it."""
    return await _decide(request, "cancel", lifecycle.cancel)


async def _decide(request: web.Request, name: str, verb: Callable[..., ApprovalRequest]) -> web.Response:
    form = await checked_form(request)
    desk, request_id, actor = request.app[DESK], request.match_info["id"], Person(request[READER].person)
    reason = form.get("reason", "").replace("\r\n", "\n")

    def move(session: Session) -> ApprovalRequest:
        now = desk.clock()
        unless_changed(session, request_id, form.get("seen", ""), actor=actor, tried=name, now=now)
        return verb(session, request_id, actor=actor, reason=reason, via="desk", now=now)

    try:
        row = await desk.database.awrite(move)
    except NotFound:
        raise
    except AskfirstError as refusal:
        notice = pages.Notice(str(refusal), refusal.code)
        return await _show(request, notice, http_status=status(refusal), verb=name, draft=reason)
    await _told(desk, row)
    return web.Response(status=303, headers={"Location": f"/requests/{request_id}"})


async def _told(desk: DeskContext, row: ApprovalRequest) -> None:
    """Tell of a decision. After an approval the page waits a moment for the release to begin, so that it is drawn with what came of it."""
    with desk.changes.watch(row.id) as moved:
        desk.changes.notify(row.id)
        moved.clear()
        if row.state == State.APPROVED and row.unattended_at is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), _A_MOMENT)


def unless_changed(session: Session, request_id: str, seen: str, *, actor: Person, tried: str, now: datetime) -> None:
    """Keep a person from deciding on what they have not seen; in the verb's own transaction, with the row locked."""
    session.get(ApprovalRequest, request_id, with_for_update=True)
    view = queries.standing(session, request_id)
    if view is None or view.request.state != State.PENDING or facts.seen(view) == seen:
        return  # a request that is gone or settled is refused by the verb, which says by whom
    lifecycle.refuse(session, view.request, OutOfDate(), actor=actor, what=tried, via="desk", now=now)


async def live_inbox(request: web.Request) -> web.Response:
    """The living parts of the inbox, or word that nothing changed."""

    async def draw() -> str:
        shown = await _read(request, partial(facts.inbox, person=request[READER].person))
        return pages.inbox(frame(request, tab="inbox", waiting=len(shown.yours)), shown, fragment=True)

    return await _living(request, draw)


async def live_request(request: web.Request) -> web.Response:
    """The living parts of one request, or word that nothing changed."""

    async def draw() -> str:
        shown, waiting = await _detail(request)
        return await asyncio.to_thread(pages.request, frame(request, tab="inbox", waiting=waiting), shown, fragment=True)

    return await _living(request, draw)


async def _living(request: web.Request, draw: Callable[[], Awaitable[str]]) -> web.Response:
    """Answer a look: its tag is the end of the audit trail, which says cheaply that nothing moved, and a hash of what is shown."""
    known = request.headers.get("If-None-Match", "").strip('W/"')
    pulse = str(await _read(request, facts.pulse))
    headers = {"X-Askfirst-Now": request.app[DESK].clock().isoformat()}
    if known.partition(".")[0] == pulse:
        return web.Response(status=304, headers={**headers, "ETag": f'W/"{known}"'})
    text = await draw()
    tag = f"{pulse}.{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    headers["ETag"] = f'W/"{tag}"'
    if known.partition(".")[2] == tag.partition(".")[2]:
        return web.Response(status=304, headers=headers)
    return web.Response(text=text, content_type="text/html", headers=headers)


async def history(request: web.Request) -> web.Response:
    """Search every request."""
    search = {name: request.query.get(name, "").strip()[:256] for name in SEARCHED}
    before = request.query.get("before") or None
    person = request[READER].person

    def look(session: Session) -> tuple[pages.HistoryPage, str | None, int]:
        return *facts.history(session, search, before=before), facts.waiting(session, person)

    shown, older, waiting = await _read(request, look)
    kept = {name: value for name, value in search.items() if value}
    shown = replace(
        shown,
        older=f"/history?{urlencode({**kept, 'before': older})}" if older else None,
        newest=f"/history?{urlencode(kept)}" if before else None,
    )
    return _html(pages.history(frame(request, tab="history", waiting=waiting), shown))


async def groups(request: web.Request) -> web.Response:
    """Who may approve."""
    person = request[READER].person
    cards, waiting = await _read(request, lambda session: (facts.group_cards(session), facts.waiting(session, person)))
    return _html(pages.groups(frame(request, tab="groups", waiting=waiting), cards))


async def me(request: web.Request) -> web.Response:
    """Who is signed in, and the way out."""
    reader = request[READER]
    cards, waiting = await _read(request, lambda session: (facts.group_cards(session), facts.waiting(session, reader.person)))
    memberships = tuple(card.name for card in cards if reader.person in card.everybody)
    return _html(pages.me(frame(request, tab="me", waiting=waiting), expires_at=reader.expires_at, memberships=memberships))
