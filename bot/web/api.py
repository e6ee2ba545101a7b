"""The desk for programs: JSON with a person's own token. An agent's token is no person's, and a cookie counts for nothing here."""

from collections.abc import Callable
from functools import partial

from aiohttp import web
from sqlmodel import Session

from bot.web import plain
from bot.web.context import DESK, THROTTLE
from workflows import access, lifecycle, queries
from workflows.calls import parse_json
from workflows.errors import Malformed, NotFound, TokenRefused
from workflows.lifecycle import Choice
from workflows.people import Person
from workflows.queries import Filters
from workflows.states import State
from workflows.tables import ApprovalRequest

_PAGE = 100


async def _person(request: web.Request) -> Person:
    """Whose token this is; raises TokenRefused."""
    desk, throttle, remote = request.app[DESK], request.app[THROTTLE], request.remote or ""
    throttle.check(remote, now=desk.clock())
    try:
        return await desk.database.aread(partial(access.find_token, token=_bearer(request), now=desk.clock()))
    except TokenRefused:
        throttle.failed(remote, now=desk.clock())
        raise


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.startswith("askp_"):
        raise TokenRefused("Send a personal token: Authorization: Bearer askp_…  Mint one: askfirst desk token --as local:NAME")
    return token.strip()


async def listing(request: web.Request) -> web.Response:
    """GET /api/requests?state=pending&before=ID: newest first, a hundred at a time."""
    person = await _person(request)
    state = request.query.get("state", "")
    if state and state not in set(State):
        raise Malformed(f"{state[:40]!r} is no state. The states are {', '.join(State)}.")
    look = partial(queries.history, filters=Filters(state=state), limit=_PAGE, before=request.query.get("before"))
    page = await request.app[DESK].database.aread(look)
    return web.json_response({"requests": [plain.summary(view, person.key) for view in page.rows], "before": page.before})


async def one(request: web.Request) -> web.Response:
    """GET /api/requests/ID: one request with its outcome and trail."""
    person = await _person(request)
    return await _answer(request, person)


async def _answer(request: web.Request, person: Person) -> web.Response:
    view = await request.app[DESK].database.aread(partial(queries.one, request_id=request.match_info["id"]))
    if view is None:
        raise NotFound("There is no such request.")
    return web.json_response(plain.complete(view, person.key))


async def approve(request: web.Request) -> web.Response:
    """POST /api/requests/ID/approve {"reason": …}."""
    return await _decide(request, partial(lifecycle.vote, choice=Choice.APPROVE))


async def deny(request: web.Request) -> web.Response:
    """POST /api/requests/ID/deny {"reason": …}."""
    return await _decide(request, partial(lifecycle.vote, choice=Choice.DENY))


async def cancel(request: web.Request) -> web.Response:
    """POST /api/requests/ID/cancel {"reason": …}."""
    return await _decide(request, lifecycle.cancel)


async def _decide(request: web.Request, verb: Callable[..., ApprovalRequest]) -> web.Response:
    person = await _person(request)
    reason = _reason(await request.read())
    desk, request_id = request.app[DESK], request.match_info["id"]

    def move(session: Session) -> ApprovalRequest:
        return verb(session, request_id, actor=person, reason=reason, via="api", now=desk.clock())

    await desk.database.awrite(move)
    desk.changes.notify(request_id)
    return await _answer(request, person)


def _reason(body: bytes) -> str | None:
    if not body.strip():
        return None
    told = parse_json(body)
    if not isinstance(told, dict) or set(told) - {"reason"}:
        raise Malformed('Send {"reason": "…"}, or nothing.')
    reason = told.get("reason")
    if reason is not None and not isinstance(reason, str):
        raise Malformed("A reason is a string.")
    return reason
