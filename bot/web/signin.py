"""The way in and out: a one-time link, a page that asks, a session. A link that is merely opened signs nobody in."""

from functools import partial
from hmac import compare_digest

from aiohttp import web

from bot.web import pages
from bot.web.context import DESK, READER, THROTTLE
from bot.web.guard import cookie_name, frame
from bot.web.refusals import Forged
from workflows import access
from workflows.errors import Malformed, TokenRefused

_LINK = "askfirst desk login --as local:NAME"


def _page(text: str, *, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=status)


async def door(request: web.Request) -> web.Response:
    """Show who the link would sign in, and a button that does it."""
    desk = request.app[DESK]
    token = request.query.get("token", "")
    if not token:
        shown = pages.Message("Sign in", "The desk opens with a link that works once. Whoever runs Askfirst makes one for you:", hint=_LINK)
        return _page(pages.message(frame(request), shown))
    remote, now = request.remote or "", desk.clock()
    request.app[THROTTLE].check(remote, now=now)
    try:
        person = await desk.database.aread(partial(access.peek_link, token=token, now=now))
    except TokenRefused as refusal:
        return _refused(request, refusal)
    return _page(pages.confirm_sign_in(frame(request), person=person.key, token=token))


async def enter(request: web.Request) -> web.Response:
    """Spend the link and open a session."""
    desk = request.app[DESK]
    form = await _form(request)
    remote, now = request.remote or "", desk.clock()
    request.app[THROTTLE].check(remote, now=now)
    try:
        token, session = await desk.database.awrite(partial(access.use_link, token=form.get("token", ""), now=now, ttl=desk.session_lives))
    except TokenRefused as refusal:
        return _refused(request, refusal)
    response = web.Response(status=303, headers={"Location": "/"})
    response.set_cookie(
        cookie_name(secure=desk.secure),
        token,
        max_age=int((session.expires_at - now).total_seconds()),
        path="/",
        secure=desk.secure,
        httponly=True,
        samesite="Strict",
    )
    return response


def _refused(request: web.Request, refusal: TokenRefused) -> web.Response:
    request.app[THROTTLE].failed(request.remote or "", now=request.app[DESK].clock())
    shown = pages.Message("This link does not work", "It is unknown, used or expired. Make a new one:", code=refusal.code, hint=_LINK)
    return _page(pages.message(frame(request), shown), status=401)


async def leave(request: web.Request) -> web.Response:
    """End the session, here and in the database."""
    await checked_form(request)
    desk = request.app[DESK]
    name = cookie_name(secure=desk.secure)
    await desk.database.awrite(partial(access.end_session, token=request.cookies.get(name, ""), now=desk.clock()))
    response = web.Response(status=303, headers={"Location": "/sign-in"})
    response.del_cookie(name, path="/", secure=desk.secure, httponly=True, samesite="Strict")
    return response


async def _form(request: web.Request) -> dict[str, str]:
    """Read the fields of a form; raises Malformed where there is none to read."""
    try:
        sent = await request.post()
    except (ValueError, LookupError, AssertionError) as error:  # a charset or a boundary that is none, bytes that are no text
        raise Malformed("This form cannot be read. Go back, reload the page, and try again.") from error
    return {name: value for name, value in sent.items() if isinstance(value, str)}


async def checked_form(request: web.Request) -> dict[str, str]:
    """Read a form that a signed-in person sent; raises Forged when it lacks the token of their session."""
    form = await _form(request)
    if not compare_digest(form.get("csrf", "").encode(), request[READER].csrf.encode()):
        raise Forged
    return form
