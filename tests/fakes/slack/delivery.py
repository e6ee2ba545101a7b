"""Bringing a payload to the app, over a socket or over HTTP with a real signature; and keeping what was sent, to send it again."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlencode

import aiohttp

from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.values import Answer, Body

_RETRIES = 3  # of an event that was not acked
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery: its kind on a socket, its payload, and what the app may answer with. `raw` and `headers` are its HTTP form."""

    kind: str  # interactive, slash_commands or events_api
    payload: Body
    accepts: bool
    envelope: str
    raw: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def retried(self) -> bool:
        """Slack retries events, and nothing that a person did."""
        return self.kind == "events_api"


@dataclass(slots=True)
class Delivery:
    """How payloads reach the app. `within` is how many seconds an ack may take; `held` keeps deliveries back until they are let go."""

    sockets: Sockets
    secret: str
    now: Callable[[], datetime]
    transport: str = "socket"
    request_url: str = ""
    within: float = 3.0
    twice: bool = False
    retries: bool = True
    sent: list[Parcel] = field(default_factory=list)
    _held: "list[tuple[asyncio.Event, asyncio.Event]] | None" = None
    _client: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.close()

    def sign(self, raw: bytes, timestamp: int | str | None = None) -> dict[str, str]:
        """Give the headers of a body as Slack signs it."""
        stamp = str(int(self.now().timestamp()) if timestamp is None else timestamp)
        digest = hmac.new(self.secret.encode(), b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    def parcel(self, kind: str, payload: Body, *, accepts: bool) -> Parcel:
        """Wrap a payload up."""
        if kind == "events_api":
            raw, content = json.dumps(payload).encode(), "application/json"
        elif kind == "slash_commands":
            raw, content = urlencode(payload).encode(), _FORM
        else:
            raw, content = urlencode({"payload": json.dumps(payload)}).encode(), _FORM
        headers = {"Content-Type": content, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)", **self.sign(raw)}
        return Parcel(kind, payload, accepts, secrets.token_hex(16), raw, headers)

    async def deliver(self, parcel: Parcel) -> Answer:
        """Bring a parcel, once or twice; an event again while nobody acks it."""
        self.sent.append(parcel)
        gate = await self._pass()
        try:
            answer = await self._bring(parcel, 0)
            if self.twice:
                await self._bring(parcel, 0)
            attempt = 0
            while parcel.retried and self.retries and not answer.acked and attempt < _RETRIES and answer.refused != "no_retry":
                attempt += 1
                answer = replace(await self._bring(parcel, attempt), attempts=attempt + 1)
            return answer
        finally:
            if gate is not None:
                gate.set()

    async def _pass(self) -> asyncio.Event | None:
        """Wait while deliveries are held back; gives what to set when this one was made."""
        if self._held is None:
            return None
        start, done = asyncio.Event(), asyncio.Event()
        self._held.append((start, done))
        await start.wait()
        return done

    def hold(self) -> None:
        """Hold deliveries back."""
        self._held = self._held or []

    @property
    def waiting(self) -> int:
        """How many deliveries are held back."""
        return len(self._held or ())

    async def release(self, *, reverse: bool = False) -> None:
        """Make the deliveries that were held back, one after the other; `reverse`: the last one first."""
        held, self._held = self._held or [], None
        for start, done in reversed(held) if reverse else held:
            start.set()
            await done.wait()

    async def _bring(self, parcel: Parcel, attempt: int) -> Answer:
        begun = time.monotonic()
        if self.transport == "socket":
            ack = await self.sockets.send(
                parcel.kind, parcel.payload, within=self.within, envelope=parcel.envelope, accepts=parcel.accepts, retry=attempt
            )
            body = (ack or {}).get("payload") or {}
            return Answer(ack is not None, time.monotonic() - begun, body, None if ack is None else 200)
        return await self._post(parcel, attempt, begun)

    async def _post(self, parcel: Parcel, attempt: int, begun: float) -> Answer:
        headers = dict(parcel.headers)
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_error", **self.sign(parcel.raw)}
        self._client = self._client or aiohttp.ClientSession()
        try:
            timeout = aiohttp.ClientTimeout(total=self.within)
            async with self._client.post(self.request_url, data=parcel.raw, headers=headers, timeout=timeout) as response:
                text = await response.text()
                refused = "no_retry" if response.headers.get("X-Slack-No-Retry") else ""
                good = response.status in range(200, 300)
                return Answer(good, time.monotonic() - begun, _body(text), response.status, refused=refused)
        except (TimeoutError, aiohttp.ClientError):
            return Answer(acked=False, ack_seconds=time.monotonic() - begun, body={})


def _body(text: str) -> Body:
    if not text:
        return {}
    try:
        read = json.loads(text)
    except ValueError:
        return {"text": text}
    return read if isinstance(read, dict) else {}
