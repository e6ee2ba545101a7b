"""What stands before every listener: the right place, the right person, and an answer whatever happens.

Laws: a request that names another host is not answered; what changes something comes from a page of this desk; an error is a
sentence, and the unknown leaks nothing.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from bot.web import pages
from bot.web.context import ASSETS, DESK, READER
from bot.web.refusals import Forged, WrongPlace, status
from workflows import access
from workflows.errors import AskfirstError, TokenRefused

log = logging.getLogger(__name__)
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Nothing leaves for other sites; no-referrer would also blank the Origin of our own forms, which `here_only` needs.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
OPEN = ("/static/", "/sign-in", "/api/")
_SAFE = frozenset({"GET", "HEAD"})


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every refusal and error into an answer, and harden every answer."""
    try:
        response = await handler(request)
    except AskfirstError as refusal:
        response = refused(request, str(refusal), refusal.code, status(refusal))
    except web.HTTPException as error:
        response = refused(request, _HTTP.get(error.status, "The desk cannot do this."), f"http_{error.status}", error.status)
    except (web.RequestPayloadError, ConnectionError):
        response = refused(request, "What was sent cannot be read to its end. Send it again, whole and not compressed.", "malformed", 400)
    except Exception:
        log.exception("the desk could not answer %s %s", request.method, request.path)
        response = refused(request, "Something went wrong in the desk. Its log has the place.", "error", 500)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


_HTTP = {
    404: "There is nothing at this address.",
    405: "This address does not take such a request.",
    413: "This is too large to send here.",
}
_TITLES = {401: "Sign in", 403: "Not allowed", 404: "Not found", 409: "Too late", 421: "Wrong address", 429: "Slow down"}


def refused(request: web.Request, sentence: str, code: str, http_status: int) -> web.Response:
    """One translation of a no: JSON for programs, a page for people."""
    if request.path.startswith("/api/"):
        return web.json_response({"error": {"code": code, "message": sentence}}, status=http_status)
    shown = pages.Message(
        title=_TITLES.get(http_status, "That did not work"),
        sentence=sentence,
        code=code,
        links=(("To the inbox", "/"),) if READER in request else (),
    )
    return web.Response(text=pages.message(frame(request), shown), content_type="text/html", status=http_status)


def frame(request: web.Request, *, tab: str = "", waiting: int = 0) -> pages.Frame:
    """What surrounds a page for whoever asks."""
    reader = request.get(READER)
    return pages.Frame(
        person=reader.person if reader else None,
        csrf=reader.csrf if reader else "",
        assets=request.app[ASSETS],
        tab=tab,
        waiting=waiting,
    )


@web.middleware
async def here_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer only under our own names, and let only our own pages change something.

    The first stops a foreign name that is made to resolve to this machine; the second stops a foreign page.
    """
    ours = request.app[DESK].public_origins
    if request.host.lower() not in {origin.partition("://")[2] for origin in ours}:
        raise WrongPlace
    if request.method not in _SAFE:
        origin = request.headers.get("Origin")
        programs = request.path.startswith("/api/") and origin is None  # a program sends its token and no Origin
        same = origin in ours or (origin in {None, "null"} and request.headers.get("Sec-Fetch-Site") == "same-origin")
        if not (programs or same):
            raise Forged
    return await handler(request)


@web.middleware
async def signed_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who reads. Without a session there is only the way in."""
    if request.path.startswith(OPEN):
        return await handler(request)
    desk = request.app[DESK]
    token = request.cookies.get(cookie_name(secure=desk.secure), "")
    try:
        request[READER] = await desk.database.aread(lambda session: access.find_session(session, token, now=desk.clock()))
    except TokenRefused:
        if request.method not in _SAFE or request.path.startswith("/live/"):
            raise
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return _once_more(request)
        return web.Response(status=303, headers={"Location": "/sign-in"})
    return await handler(request)


def _once_more(request: web.Request) -> web.Response:
    """A browser keeps a strict cookie back when another site's link leads here; from our own page it sends it."""
    here = "/" + request.path_qs.lstrip("/\\")  # with two slashes in front it would lead to another site
    shown = pages.Message(title="One moment", sentence="Opening the desk.", links=(("Go on", here),), go=here)
    return web.Response(text=pages.message(frame(request), shown), content_type="text/html")


def cookie_name(*, secure: bool) -> str:
    """The session's cookie; over https its prefix makes browsers hold it to this host and to https."""
    return "__Host-askfirst" if secure else "askfirst"
