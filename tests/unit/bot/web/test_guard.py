"""What stands before every listener."""

import asyncio
import json
import logging
import re

import pytest
from aiohttp import web

from bot.web.context import ASSETS
from bot.web.guard import answered, cookie_name
from tests.fakes.desk import Desk, Visitor, running_desk

_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nothing", "/api/requests", "/history", "/live/inbox", "/requests/apr_none"])
async def test_every_answer_is_hardened(visitor: Visitor, path: str) -> None:
    """T35: pages, refusals and errors alike."""
    answer = await visitor.get(path)
    assert answer.headers["Content-Security-Policy"] == _CSP
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8081", "127.0.0.1.evil.example", "127.0.0.1:1", ""])
async def test_another_name_is_not_answered(alice: Visitor, host: str) -> None:
    """A foreign name that resolves to this machine gets nothing, signed in or not."""
    for path in ("/", "/sign-in", "/api/requests"):
        assert (await alice.get(path, Host=host)).status == 421


async def test_a_configured_address_is_answered(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The desk behind a proxy knows its public name, and there its cookie is for https alone."""
    url = f"sqlite:///{tmp_path_factory.mktemp('desk') / 'askfirst.db'}"
    async with running_desk(url, public_url="https://desk.example.com") as desk, Visitor(desk) as somebody:
        link = await desk.link()
        entered = await somebody.post(
            "/sign-in", {"token": link.partition("token=")[2]}, Host="desk.example.com", Origin="https://desk.example.com"
        )
        cookie = entered.headers["Set-Cookie"]
        assert cookie.startswith("__Host-askfirst=")
        assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/"))
        assert "Domain" not in cookie


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_a_foreign_page_changes_nothing(desk: Desk, alice: Visitor, headers: dict[str, str]) -> None:
    """Even with the right tokens in its form."""
    request_id = await desk.hold()
    page = await alice.get(f"/requests/{request_id}")
    form = {"csrf": page.csrf, "seen": page.seen}
    answer = await alice.post(f"/requests/{request_id}/approve", form, **headers)
    assert answer.status == 403
    assert "forged" in answer.text
    assert (await desk.row(request_id)).state == "pending"


async def test_a_form_of_ours_counts_where_the_browser_hides_its_origin(desk: Desk, alice: Visitor) -> None:
    """The browser itself says that it comes from the same origin."""
    request_id = await desk.hold()
    page = await alice.get(f"/requests/{request_id}")
    form = {"csrf": page.csrf, "seen": page.seen}
    answer = await alice.post(f"/requests/{request_id}/deny", form, **{"Origin": "null", "Sec-Fetch-Site": "same-origin"})
    assert answer.status == 303


@pytest.mark.parametrize("csrf", ["", "x", "é"])
async def test_a_form_without_the_token_of_the_session_changes_nothing(desk: Desk, alice: Visitor, csrf: str) -> None:
    """The cookie alone does not suffice."""
    request_id = await desk.hold()
    page = await alice.get(f"/requests/{request_id}")
    answer = await alice.post(f"/requests/{request_id}/approve", {"csrf": csrf, "seen": page.seen})
    assert answer.status == 403
    assert (await desk.row(request_id)).state == "pending"


async def test_a_token_of_another_session_is_not_enough(desk: Desk, alice: Visitor) -> None:
    """Each session has its own."""
    request_id = await desk.hold()
    page = await alice.get(f"/requests/{request_id}")
    async with Visitor(desk) as bob:
        await bob.sign_in("local:bob")
        answer = await bob.post(f"/requests/{request_id}/approve", {"csrf": page.csrf, "seen": page.seen})
    assert answer.status == 403


async def test_without_a_session_there_is_only_the_way_in(desk: Desk, visitor: Visitor) -> None:
    """Pages lead to the door, forms and fragments are refused, and nothing of a request is told."""
    request_id = await desk.hold()
    for path in ("/", f"/requests/{request_id}", "/history", "/groups", "/me", "/nothing"):
        answer = await visitor.get(path)
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
        assert "create_refund" not in answer.text
    assert (await visitor.get(f"/live/requests/{request_id}")).status == 401
    assert (await visitor.post(f"/requests/{request_id}/approve", {"csrf": "", "seen": ""})).status == 401
    assert (await desk.row(request_id)).state == "pending"


async def test_a_link_from_another_site_is_opened_once_more_from_here(desk: Desk) -> None:
    """The browser kept the strict cookie back; from our own page it sends it."""
    async with Visitor(desk) as stranger:
        first = await stranger.get("/history?words=x", **{"Sec-Fetch-Site": "cross-site"})
        assert first.status == 200
        assert 'content="0; url=/history?words=x"' in first.text
        again = await stranger.get("/history?words=x", **{"Sec-Fetch-Site": "same-origin"})
        assert again.status == 303


@pytest.mark.parametrize("path", ["//evil.example/", "/%5Cevil.example", "///evil.example", "/\\evil.example"])
async def test_opening_once_more_leads_nowhere_else(desk: Desk, path: str) -> None:
    """A path that browsers read as another host stays a path of the desk."""
    lines = f"Host: {desk.address.removeprefix('http://')}\r\nSec-Fetch-Site: cross-site\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(desk.address.rpartition(":")[2]))
    writer.write(f"GET {path} HTTP/1.1\r\n{lines}".encode())
    text = (await asyncio.wait_for(reader.read(), 5)).decode()
    writer.close()
    [leads] = re.findall(r'content="0; url=([^"]*)"', text)
    assert leads.startswith("/")
    assert leads[1:2] not in {"/", "\\"}


UNREADABLE_FORMS: dict[str, tuple[bytes, dict[str, str]]] = {
    "an unknown charset": (b"csrf=a", {"Content-Type": "application/x-www-form-urlencoded; charset=none-such"}),
    "bytes that are no text": (b"csrf=\xff", {"Content-Type": "application/x-www-form-urlencoded"}),
    "parts without a boundary": (b"csrf=a", {"Content-Type": "multipart/form-data"}),
    "a boundary that never comes": (b"csrf=a", {"Content-Type": "multipart/form-data; boundary=x"}),
    "a coding that it has not": (b"csrf=a", {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("name", UNREADABLE_FORMS)
@pytest.mark.parametrize("path", ["/requests/apr_x/approve", "/sign-in"])
async def test_a_form_that_cannot_be_read_is_refused(caplog: pytest.LogCaptureFixture, alice: Visitor, name: str, path: str) -> None:
    """In a sentence, without a trace in the log."""
    body, headers = UNREADABLE_FORMS[name]
    caplog.clear()
    page = await alice.ask("POST", path, data=body, headers={"Origin": alice.desk.address, **headers})
    assert page.status == 400
    assert "cannot be read" in page.text
    assert [record for record in caplog.records if record.name == "bot.web.guard"] == []


async def test_what_is_not_there_and_what_is_too_large_are_sentences(alice: Visitor) -> None:
    """404, 405, 413: each with its code, none with a trace."""
    assert "There is nothing at this address." in (await alice.get("/nothing")).text
    assert (await alice.ask("DELETE", "/", headers={"Origin": alice.desk.address})).status == 405
    large = await alice.post("/requests/apr_x/deny", {"reason": "x" * 100_000})
    assert large.status == 413
    assert "Traceback" not in large.text


async def test_the_unknown_leaks_nothing(caplog: pytest.LogCaptureFixture, desk: Desk) -> None:
    """The log has the place, the page a sentence."""
    app = web.Application(middlewares=[answered])
    app[ASSETS] = {"desk.css": "", "desk.js": "", "icon.svg": ""}

    async def broken(_: web.Request) -> web.Response:
        raise ZeroDivisionError("secret detail")

    app.router.add_get("/broken", broken)
    app.router.add_get("/api/broken", broken)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with Visitor(desk) as somebody:
            with caplog.at_level(logging.ERROR):
                page = await somebody.get(f"http://127.0.0.1:{port}/broken")
                told = await somebody.get(f"http://127.0.0.1:{port}/api/broken")
    finally:
        await runner.cleanup()
    assert page.status == told.status == 500
    assert "secret detail" not in page.text + told.text
    assert json.loads(told.text)["error"]["code"] == "error"
    assert "secret detail" in caplog.text


def test_the_cookie_has_the_prefix_that_browsers_guard_over_https() -> None:
    """Over plain http it would not be accepted."""
    assert (cookie_name(secure=True), cookie_name(secure=False)) == ("__Host-askfirst", "askfirst")
