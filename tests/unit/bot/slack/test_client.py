"""Whatever Slack answers, or does not, is one of a few kinds of trouble; and nothing in the environment reaches the client."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.settings import Secret, SlackSettings
from bot.settings.shapes import Address, SlackMode
from bot.slack import client as clients
from bot.slack.client import Trouble, TroubleKind, call

TOKEN = "xoxb-" + "0" * 12


def _settings(api_url: str) -> SlackSettings:
    return SlackSettings(SlackMode.SOCKET, "C01", None, api_url, frozenset(), Secret(TOKEN), None, None, Address("127.0.0.1", 0))


@asynccontextmanager
async def _answering(
    answer: Callable[[web.Request], web.StreamResponse] | web.StreamResponse | None,
) -> AsyncIterator[tuple[str, list[str]]]:
    """Run a server that answers every call so, cuts it off for None, and keeps which were made."""
    seen: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        seen.append(request.path)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(0)
            return web.Response()
        return answer if isinstance(answer, web.StreamResponse) else answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api", seen
    finally:
        await runner.cleanup()


async def _trouble(answer: web.StreamResponse | None, *, writes: bool = True) -> Trouble:
    async with _answering(answer) as (url, seen):
        slack = clients.client(_settings(url))
        try:
            with pytest.raises(Trouble) as raised:
                await call(slack.chat_postMessage, writes=writes, channel="C01", text="x")
        finally:
            await clients.close(slack)
    assert seen == ["/api/chat.postMessage"], "it is called once, whatever comes of it"
    return raised.value


def _refusal(error: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"ok": False, "error": error}, status=status, headers=headers)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("message_not_found", TroubleKind.GONE),
        ("edit_window_closed", TroubleKind.GONE),
        ("is_archived", TroubleKind.PLACE),
        ("not_in_channel", TroubleKind.PLACE),
        ("restricted_action_read_only_channel", TroubleKind.PLACE),
        ("invalid_blocks", TroubleKind.BLOCKS),
        ("msg_blocks_too_long", TroubleKind.BLOCKS),
        ("invalid_auth", TroubleKind.AUTH),
        ("missing_scope", TroubleKind.AUTH),
        ("something_new", TroubleKind.OTHER),
    ],
)
async def test_what_slack_refuses_is_of_a_known_kind(error: str, kind: TroubleKind) -> None:
    """An error that nobody has seen yet is `other`."""
    trouble = await _trouble(_refusal(error))
    assert (trouble.kind, trouble.error) == (kind, error)


@pytest.mark.parametrize(
    ("headers", "pause"),
    [({"Retry-After": "30"}, 30), ({}, 1), ({"Retry-After": "soon"}, 1), ({"Retry-After": "-5"}, 1), ({"Retry-After": "9e99"}, 600)],
)
async def test_too_many_calls_say_how_long_to_wait(headers: dict[str, str], pause: float) -> None:
    """At least a second, whatever the header says."""
    trouble = await _trouble(_refusal("ratelimited", status=429, headers=headers))
    assert (trouble.kind, trouble.retry_after) == (TroubleKind.RATE, pause)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: None,
        lambda: web.Response(status=500, text="<html>oops</html>", content_type="text/html"),
        lambda: web.Response(status=503),
        lambda: web.json_response([1, 2]),
        lambda: web.Response(text="{", content_type="application/json"),
        lambda: web.Response(text="<html>", content_type="text/html"),
        lambda: web.Response(body=b"\xff\xfe{}", headers={"Content-Type": "application/json; charset=nonsense"}),
        lambda: _refusal("fatal_error"),
        lambda: _refusal("internal_error"),
    ],
)
async def test_a_post_without_a_clear_answer_may_exist(answer: Callable[[], web.StreamResponse | None]) -> None:
    """T29: what is harmless to do again is only to be tried again."""
    assert (await _trouble(answer())).kind is TroubleKind.AMBIGUOUS
    assert (await _trouble(answer(), writes=False)).kind is TroubleKind.TRANSIENT


@pytest.mark.parametrize("status", [403, 404, 407])
async def test_what_is_no_slack_has_not_taken_the_post(status: int) -> None:
    """A proxy's page with an error of the client's."""
    assert (await _trouble(web.Response(status=status, text="<html>", content_type="text/html"))).kind is TroubleKind.TRANSIENT


async def test_where_nobody_listens_nothing_was_posted() -> None:
    """A connection that was refused carried nothing."""
    async with _answering(_refusal("x")) as (url, _):
        pass
    slack = clients.client(_settings(url))
    with pytest.raises(Trouble) as raised:
        await call(slack.chat_postMessage, writes=True, channel="C01", text="x")
    await clients.close(slack)
    assert raised.value.kind is TroubleKind.TRANSIENT


async def test_the_environment_does_not_reach_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy nor a token, and the address may come with or without its last slash."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-other")
    asked: list[str | None] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization"))
        return web.json_response({"ok": True})

    async with _answering(answer) as (url, seen):
        for address in (url, f"{url}/", f"{url}//"):
            slack = clients.client(_settings(address))
            assert (await call(slack.auth_test))["ok"]
            await clients.close(slack)
    assert seen == ["/api/auth.test"] * 3
    assert set(asked) == {f"Bearer {TOKEN}"}


async def test_what_is_sent_and_answered_stays_out_of_the_log_and_the_error(caplog: pytest.LogCaptureFixture) -> None:
    """T21: also when everything is logged."""
    caplog.set_level(logging.DEBUG)
    async with _answering(web.json_response({"ok": False, "error": "invalid_blocks", "echo": "hunter2"})) as (url, _):
        slack = clients.client(_settings(url))
        with pytest.raises(Trouble) as raised:
            await call(slack.chat_postMessage, writes=True, channel="C01", text="hunter2")
        await clients.close(slack)
    assert "hunter2" not in str(raised.value) + caplog.text
    assert TOKEN not in caplog.text
