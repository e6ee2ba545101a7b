"""The desk's application: which address is heard by whom. Run it without an access log: sign-in links carry their token in the query."""

import hashlib
from importlib import resources
from types import MappingProxyType

from aiohttp import web

from bot.web import api, signin, views
from bot.web.context import ASSETS, DESK, THROTTLE, DeskContext, Throttle, origins
from bot.web.guard import Handler, answered, here_only, signed_in

__all__ = ["DeskContext", "build", "origins"]

MAX_BODY = 64 * 1024  # bytes; a reason has at most 2,000 characters
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def build(desk: DeskContext) -> web.Application:
    """Make the desk. It serves nothing but what is listed here."""
    app = web.Application(middlewares=[answered, here_only, signed_in], client_max_size=MAX_BODY)
    files = {file.name: file.read_bytes() for file in resources.files("bot.web").joinpath("static").iterdir() if file.name[0] != "."}
    app[DESK] = desk
    app[THROTTLE] = Throttle()
    app[ASSETS] = MappingProxyType({name: f"/static/{name}?{hashlib.sha256(data).hexdigest()[:12]}" for name, data in files.items()})
    app.router.add_routes(
        [
            web.get("/", views.inbox),
            web.get("/requests/{id}", views.one),
            web.get("/requests/{id}/{verb:approve|deny|cancel}", views.back),
            web.post("/requests/{id}/approve", views.approve),
            web.post("/requests/{id}/deny", views.deny),
            web.post("/requests/{id}/cancel", views.cancel),
            web.get("/history", views.history),
            web.get("/groups", views.groups),
            web.get("/me", views.me),
            web.get("/live/inbox", views.live_inbox),
            web.get("/live/requests/{id}", views.live_request),
            web.get("/sign-in", signin.door),
            web.post("/sign-in", signin.enter),
            web.post("/sign-out", signin.leave),
            web.get("/api/requests", api.listing),
            web.get("/api/requests/{id}", api.one),
            web.post("/api/requests/{id}/approve", api.approve),
            web.post("/api/requests/{id}/deny", api.deny),
            web.post("/api/requests/{id}/cancel", api.cancel),
            *(web.get(f"/static/{name}", _static(name, data)) for name, data in files.items()),
        ]
    )
    return app


def _static(name: str, data: bytes) -> Handler:
    kind = _TYPES[name.rpartition(".")[2]]

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=data, content_type=kind, charset="utf-8", headers={"Cache-Control": "public, max-age=31536000, immutable"})

    return serve
