"""The front that Slack's HTTP requests pass: what is wrong is a 4xx without effect, and what was taken is not taken again."""

import hashlib
import hmac
import io
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from bot.slack import precheck
from bot.slack.precheck import PATH, Precheck, Refused, Seen

SECRET = "8f742231b10e8888" + "abcd99yyyzzz85a5"
FORM = "application/x-www-form-urlencoded"
CLICK = {
    "type": "block_actions",
    "user": {"id": "U01ALICE", "team_id": "T01TEST"},
    "team": {"id": "T01TEST"},
    "actions": [{"action_id": "af_approve", "value": "PRIVATE-WORDS"}],
}


class Front:
    """The front on a port of its own, a clock that is set by hand, and what came through."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
        self.through: list[bytes] = []
        self.url = ""
        self.seen = Seen()

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        """Be the application behind."""
        self.through.append(await request.read())
        return web.Response(text="taken")

    def headers(self, body: bytes, *, secret: str = SECRET, age: int = 0) -> dict[str, str]:
        """Sign as Slack does."""
        stamp = str(int(self.now.timestamp()) - age)
        digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def post(self, body: bytes, headers: dict[str, str], *, kind: str = FORM) -> int:
        """Send it and give the status."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=io.BytesIO(body), headers={"Content-Type": kind, **headers}) as answer,
        ):
            await answer.read()
            return answer.status


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """Serve the front."""
    made = Front()
    runner = web.AppRunner(precheck.build(Precheck(SECRET, lambda: made.now, seen=made.seen), made.dispatch), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    yield made
    await runner.cleanup()


def form(payload: object) -> bytes:
    """Write an interaction as Slack sends it."""
    return urlencode({"payload": json.dumps(payload)}).encode()


async def test_what_slack_signed_comes_through(front: Front) -> None:
    """A click, a command and an event with a good signature reach the application, byte for byte."""
    command = urlencode({"command": "/askfirst", "user_id": "U01ALICE", "team_id": "T01TEST", "text": ""}).encode()
    event = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": {"type": "user_change"}}).encode()
    assert await front.post(form(CLICK), front.headers(form(CLICK))) == 200
    assert await front.post(command, front.headers(command)) == 200
    assert await front.post(event, front.headers(event), kind="application/json") == 200
    assert front.through == [form(CLICK), command, event]


async def test_a_replay_has_no_effect(front: Front) -> None:
    """T07: the same signed click a second time is answered 200, and nobody behind hears of it, until its time has run out anyway."""
    headers = front.headers(form(CLICK))
    assert [await front.post(form(CLICK), headers) for _ in range(3)] == [200, 200, 200]
    front.now += timedelta(seconds=299)
    assert await front.post(form(CLICK), headers) == 200
    front.now += timedelta(seconds=2)
    assert await front.post(form(CLICK), headers) == 401
    assert len(front.through) == 1


async def test_a_request_from_a_fast_clock_is_remembered_for_as_long_as_it_counts(front: Front) -> None:
    """T07: what was stamped five minutes ahead can be replayed for ten minutes; it is remembered for so long."""
    headers = front.headers(form(CLICK), age=-300)
    assert await front.post(form(CLICK), headers) == 200
    front.now += timedelta(seconds=600)
    assert await front.post(form(CLICK), headers) == 200
    assert len(front.through) == 1


async def test_an_event_that_slack_sends_again_is_taken_once(front: Front) -> None:
    """An event is known by its id, however often and however it is signed."""
    body = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": {"type": "user_change"}}).encode()
    for age in (0, 1):
        assert await front.post(body, front.headers(body, age=age), kind="application/json") == 200
    assert len(front.through) == 1


@pytest.mark.parametrize("age", [302, -302, 10**9])
async def test_a_timestamp_out_of_the_window_is_refused(front: Front, age: int) -> None:
    """T07: five minutes each way, no more."""
    assert await front.post(form(CLICK), front.headers(form(CLICK), age=age)) == 401
    assert not front.through


@pytest.mark.parametrize(
    "change",
    [
        {"X-Slack-Request-Timestamp": "abc"},
        {"X-Slack-Request-Timestamp": "1.5"},
        {"X-Slack-Request-Timestamp": "-5"},
        {"X-Slack-Request-Timestamp": "9" * 40},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Signature": "v0=é" + "0" * 63},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": "v1=" + "0" * 64},
        {"X-Slack-Signature": ""},
    ],
)
async def test_a_malformed_signature_header_is_a_401(front: Front, change: dict[str, str]) -> None:
    """T28: what is no signature is refused as a wrong one is, and never a 500."""
    assert await front.post(form(CLICK), front.headers(form(CLICK)) | change) == 401
    assert not front.through


async def test_nothing_unsigned_comes_through(front: Front) -> None:
    """T28: without a signature, with another secret, or with a signature of other bytes: 401, even where the body is malformed."""
    assert await front.post(form(CLICK), {}) == 401
    assert await front.post(b"payload=%7Bnot-json", {}) == 401
    assert await front.post(form(CLICK), front.headers(form(CLICK), secret="another")) == 401
    assert await front.post(form(CLICK) + b" ", front.headers(form(CLICK))) == 401
    body = json.dumps({"type": "url_verification", "challenge": "c"}).encode()
    assert await front.post(body, {}, kind="application/json") == 401
    assert not front.through


@pytest.mark.parametrize(
    "body",
    [
        form({**CLICK, "user": None}),
        form({**CLICK, "user": {"id": 5}}),
        form({**CLICK, "actions": []}),
        form({**CLICK, "actions": None}),
        form({"type": "view_submission", "user": {"id": "U1"}, "view": None}),
        form([]),
        form({}),
        form({"type": None}),
        b"payload=",
        b"payload=%7Bnot-json",
        b"payload=" + b"%5B" * 5000,
        b"payload=%7B%22type%22:1,%22type%22:2%7D",
        b"payload=%7B%7D&payload=%7B%7D",
        b"payload=%FF%FE",
        b"\xff\xfe",
        b"",
        b"command=/askfirst",
        b"&".join(b"a%d=1" % number for number in range(99)),
    ],
)
async def test_a_signed_but_malformed_body_is_a_400(front: Front, body: bytes) -> None:
    """T28: a signature does not make sense of nonsense; it has no effect and is no 500."""
    assert await front.post(body, front.headers(body)) == 400
    assert not front.through


@pytest.mark.parametrize("body", [b"[]", b"{}", b"5", b"{", b'{"type":"event_callback"}', b'{"type":"event_callback","event":[]}', b"\xff"])
async def test_a_signed_but_malformed_event_is_a_400(front: Front, body: bytes) -> None:
    """T28: an event has a type and an object, or it is nothing."""
    assert await front.post(body, front.headers(body), kind="application/json") == 400
    assert not front.through


async def test_other_kinds_and_sizes_of_bodies_are_refused(front: Front) -> None:
    """T28: more than a mebibyte is a 413 before anything is computed; what is compressed or neither JSON nor a form is a 415."""
    assert await front.post(b"a" * (precheck.MAX_BODY + 1), {}) == 413
    assert await front.post(form(CLICK), front.headers(form(CLICK)) | {"Content-Encoding": "gzip"}) == 415
    assert await front.post(form(CLICK), front.headers(form(CLICK)), kind="text/plain") == 415
    async with aiohttp.ClientSession() as session, session.get(front.url) as answer:
        assert answer.status == 405
    assert not front.through


async def test_what_is_of_no_interest_is_a_200_without_effect(front: Front) -> None:
    """A kind of payload that nobody here listens for is taken and dropped, so that it is not sent again; so is the SSL check."""
    shortcut = form({"type": "shortcut", "user": {"id": "U1"}})
    limited = json.dumps({"type": "app_rate_limited", "minute_rate_limited": 1}).encode()
    assert await front.post(shortcut, front.headers(shortcut)) == 200
    assert await front.post(limited, front.headers(limited), kind="application/json") == 200
    assert await front.post(b"ssl_check=1&token=x", {}) == 200
    assert not front.through


async def test_the_challenge_of_a_new_url_is_answered_before_slack_knows_us(front: Front) -> None:
    """A signed challenge is given back by the front itself, so that the app can be set up before Askfirst has its token right."""
    body = json.dumps({"type": "url_verification", "challenge": "what-slack-said"}).encode()
    headers = {"Content-Type": "application/json", **front.headers(body)}
    async with aiohttp.ClientSession() as session, session.post(front.url, data=body, headers=headers) as answer:
        assert (answer.status, await answer.json()) == (200, {"challenge": "what-slack-said"})


async def test_no_body_and_no_header_is_logged(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    """T28: the log says that something was refused and why, and nothing of what was sent."""
    caplog.set_level(logging.DEBUG)
    headers = front.headers(form(CLICK), secret="another")
    await front.post(form(CLICK), headers)
    malformed = form({**CLICK, "user": None})
    await front.post(malformed, front.headers(malformed))
    assert "refused" in caplog.text
    assert "PRIVATE-WORDS" not in caplog.text
    assert headers["X-Slack-Signature"] not in caplog.text
    assert SECRET not in caplog.text


def test_an_empty_secret_is_refused_at_the_start() -> None:
    """T28: with an empty secret anybody could sign, so there is no front at all."""
    for secret in ("", "  "):
        with pytest.raises(ValueError, match="empty"):
            Precheck(secret, lambda: datetime.now(UTC))


def test_what_was_seen_is_bounded_and_never_forgotten_early() -> None:
    """T07: when the memory is full of what still counts, new requests are refused; nothing is forgotten to make room."""
    seen, now = Seen(limit=2), datetime(2026, 11, 2, tzinfo=UTC)
    assert seen.first("a", now=now, until=now + timedelta(minutes=10))
    assert seen.first("b", now=now, until=now + timedelta(minutes=10))
    with pytest.raises(Refused):
        seen.first("c", now=now, until=now + timedelta(minutes=10))
    assert not seen.first("a", now=now, until=now + timedelta(minutes=10))
    later = now + timedelta(minutes=11)
    assert seen.first("c", now=later, until=later + timedelta(minutes=10))
