"""What stands in front of slack-bolt in HTTP mode: size, signature over the raw bytes, time, replay, shape. Then one dispatch.

Whatever is wrong is answered with a 4xx and has no effect; no body and no header is ever logged.
"""

import asyncio
import hashlib
import hmac
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from workflows.calls import JSON, parse_json
from workflows.errors import Malformed

log = logging.getLogger(__name__)

PATH: Final = "/slack/events"
MAX_BODY = 1 << 20  # bytes
_WINDOW = timedelta(seconds=300)
_REMEMBERED = 50_000  # signed requests in ten minutes; Slack sends at most 30,000 events an hour
_PATIENCE = 5.0  # seconds that a body may take: Slack itself gives up after 3
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_FIELDS = 50
_SSL_CHECK = 1000  # bytes
_INTERACTIONS = frozenset({"block_actions", "block_suggestion", "view_submission", "view_closed"})

Headers = CIMultiDict[str] | CIMultiDictProxy[str]


class Refused(Exception):
    """What was sent is not taken. `status` is the answer's; `why` is for the log, a word of ours and nothing of what was sent."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Kind(Enum):
    """What a good request asks for."""

    DISPATCH = "dispatch"
    NOTHING = "nothing"  # a 200 without effect: of no interest, or seen before


class Seen:
    """What was taken within the window, so that it is taken once. When it is full it takes nothing rather than forget."""

    def __init__(self, limit: int = _REMEMBERED) -> None:
        self._limit = limit
        self._until: OrderedDict[str, datetime] = OrderedDict()

    def first(self, key: str, *, now: datetime, until: datetime) -> bool:
        """Tell whether this is the first time, and remember it; raises Refused when there is no room."""
        while self._until and next(iter(self._until.values())) < now:
            self._until.popitem(last=False)
        if key in self._until:
            return False
        if len(self._until) >= self._limit:
            raise Refused(429, "too many requests in ten minutes")
        self._until[key] = until
        return True


class Precheck:
    """The rules of the front. `secret` is the app's signing secret; `clock` gives aware UTC."""

    def __init__(self, secret: str, clock: Callable[[], datetime], *, seen: Seen | None = None) -> None:
        if not secret.strip():
            raise ValueError("an empty signing secret would let anybody sign")
        self._secret, self._clock = secret.encode(), clock
        self._seen = seen or Seen()

    def signed(self, headers: Headers, body: bytes) -> str:
        """Check signature and time over the raw bytes and give the signature; raises Refused."""
        stamp, given = _single(headers, "X-Slack-Request-Timestamp"), _single(headers, "X-Slack-Signature")
        if not _TIMESTAMP.fullmatch(stamp) or not _SIGNATURE.fullmatch(given):
            raise Refused(401, "the signature headers are missing or malformed")
        if abs(self._clock().timestamp() - int(stamp)) > _WINDOW.total_seconds():
            raise Refused(401, "the timestamp is more than five minutes away: is this machine's clock right?")
        wanted = "v0=" + hmac.new(self._secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted.encode(), given.encode()):
            raise Refused(401, "the signature is wrong: is SLACK_SIGNING_SECRET the one of this app?")
        return wanted

    def once(self, signature: str, payload: Mapping[str, JSON]) -> bool:
        """Tell whether this was not taken before, neither these bytes nor this event; raises Refused when there is no room."""
        now = self._clock()
        until = now + 2 * _WINDOW
        if not self._seen.first(signature, now=now, until=until):
            return False
        event = payload.get("event_id")
        return not isinstance(event, str) or self._seen.first(f"event {event}", now=now, until=until)


def read(body: bytes, content_type: str) -> tuple[Kind, Mapping[str, JSON]]:
    """Read what was signed and check that it has the shape that listeners rely on; raises Refused."""
    try:
        text = body.decode()
        if content_type == "application/json":
            return _event(_object(text))
        if content_type == "application/x-www-form-urlencoded":
            return _form(text)
    except (UnicodeDecodeError, ValueError, Malformed) as error:
        raise Refused(400, "the body is malformed") from error
    raise Refused(415, "the body is neither JSON nor a form")


def _object(text: str) -> Mapping[str, JSON]:
    found = parse_json(text)
    if not isinstance(found, dict) or not found:
        raise Refused(400, "the payload is no object")
    return found


def _event(payload: Mapping[str, JSON]) -> tuple[Kind, Mapping[str, JSON]]:
    kind = payload.get("type")
    if kind == "url_verification":
        if not isinstance(payload.get("challenge"), str):
            raise Refused(400, "there is no challenge")
        return Kind.DISPATCH, payload
    if not isinstance(kind, str):
        raise Refused(400, "the payload has no type")
    if kind != "event_callback":
        return Kind.NOTHING, payload
    event = payload.get("event")
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Refused(400, "the payload has no event")
    return Kind.DISPATCH, payload


def _form(text: str) -> tuple[Kind, Mapping[str, JSON]]:
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_FIELDS)
    fields: dict[str, JSON] = dict(pairs)
    if len(fields) != len(pairs):
        raise Refused(400, "a field comes twice")
    if fields.get("ssl_check") == "1":
        return Kind.NOTHING, fields
    if "payload" in fields:
        return _interaction(_object(str(fields["payload"])))
    if all(fields.get(name) for name in ("command", "user_id", "team_id")):
        return Kind.DISPATCH, fields
    raise Refused(400, "the form is neither an interaction nor a command")


def _interaction(payload: Mapping[str, JSON]) -> tuple[Kind, Mapping[str, JSON]]:
    kind = payload.get("type")
    if not isinstance(kind, str):
        raise Refused(400, "the payload has no type")
    if kind not in _INTERACTIONS:
        return Kind.NOTHING, payload
    user = payload.get("user")
    if not isinstance(user, dict) or not isinstance(user.get("id"), str):
        raise Refused(400, "the payload has no user")
    if kind == "block_actions":
        actions = payload.get("actions")
        if not isinstance(actions, list) or not actions or not all(isinstance(action, dict) for action in actions):
            raise Refused(400, "the payload has no actions")
    elif kind.startswith("view_") and not isinstance(payload.get("view"), dict):
        raise Refused(400, "the payload has no view")
    return Kind.DISPATCH, payload


def _single(headers: Headers, name: str) -> str:
    found = headers.getall(name, ())
    return found[0] if len(found) == 1 else ""


def build(precheck: Precheck, dispatch: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.Application:
    """Make the application that Slack's requests come to; `dispatch` gets those that are good, once each."""

    async def take(request: web.Request) -> web.StreamResponse:
        try:
            body = await _body(request)
            if _asks_for_ssl_check(body):
                return web.Response()
            signature = precheck.signed(request.headers, body)
            kind, payload = read(body, request.content_type)
            if kind is Kind.NOTHING or not precheck.once(signature, payload):
                return web.Response()
            if payload.get("type") == "url_verification":
                return web.json_response({"challenge": payload["challenge"]})
        except Refused as refused:
            log.warning("a request to %s was refused: %s", PATH, refused.why)
            return web.Response(status=refused.status)
        return await dispatch(request)

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_post(PATH, take)
    return app


def _asks_for_ssl_check(body: bytes) -> bool:
    """Slack's check of the certificate is not signed, and asks for nothing."""
    return len(body) <= _SSL_CHECK and b"ssl_check=1" in body.split(b"&")


async def _body(request: web.Request) -> bytes:
    if request.headers.get("Content-Encoding"):
        raise Refused(415, "the body is compressed")
    try:
        async with asyncio.timeout(_PATIENCE):
            return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused(413, "the body is too large") from error
    except TimeoutError as error:
        raise Refused(408, "the body took too long") from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise Refused(400, "the body did not arrive") from error
