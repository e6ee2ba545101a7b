"""The way in and out."""

from datetime import timedelta
from pathlib import Path

from tests.databases import sqlite_url
from tests.fakes.desk import Desk, Visitor, running_desk


async def test_opening_a_link_signs_nobody_in_and_does_not_spend_it(desk: Desk, visitor: Visitor) -> None:
    """Programs open links before people do."""
    link = await desk.link("local:alice")
    for _ in range(3):
        door = await visitor.get(link)
        assert door.status == 200
        assert "Set-Cookie" not in door.headers
        assert "Sign in as" in door.text
        assert "alice" in door.text
    assert (await visitor.get("/")).status == 303
    entered = await visitor.post("/sign-in", {"token": link.partition("token=")[2]})
    assert (entered.status, entered.headers["Location"]) == (303, "/")
    assert (await visitor.get("/")).status == 200


async def test_the_cookie_is_strict_and_out_of_reach_of_scripts(desk: Desk, visitor: Visitor) -> None:
    """It lasts as long as the session."""
    link = await desk.link()
    entered = await visitor.post("/sign-in", {"token": link.partition("token=")[2]})
    cookie = entered.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/"))
    assert "Max-Age=43200" in cookie or "Max-Age=43199" in cookie


async def test_a_link_works_once_and_not_for_ever(desk: Desk, visitor: Visitor) -> None:
    """A used, an old and an invented one are the same sentence."""
    used = (await desk.link()).partition("token=")[2]
    await visitor.post("/sign-in", {"token": used})
    old = (await desk.link()).partition("token=")[2]
    desk.clock.ahead = timedelta(minutes=11)
    async with Visitor(desk) as other:
        for token in (used, old, "askl_invented", ""):
            answer = await other.post("/sign-in", {"token": token})
            assert answer.status == 401
            assert "askfirst desk login" in answer.text
            assert "Set-Cookie" not in answer.headers
        assert (await other.get(f"/sign-in?token={used}")).status == 401


async def test_a_session_ends_after_twelve_hours(desk: Desk, alice: Visitor) -> None:
    """Then there is only the way in."""
    desk.clock.ahead = timedelta(hours=11, minutes=59)
    assert (await alice.get("/")).status == 200
    desk.clock.ahead = timedelta(hours=12, minutes=1)
    assert (await alice.get("/")).headers["Location"] == "/sign-in"


async def test_how_long_a_session_lives_is_configured(tmp_path: Path) -> None:
    """An hour, where the configuration says so."""
    async with running_desk(sqlite_url(tmp_path), session_lives=timedelta(hours=1)) as desk, Visitor(desk) as alice:
        await alice.sign_in()
        desk.clock.ahead = timedelta(minutes=61)
        assert (await alice.get("/")).status == 303


async def test_signing_out_ends_the_session_in_the_database_too(desk: Desk, alice: Visitor) -> None:
    """A copy of the cookie is worth nothing."""
    page = await alice.get("/me")
    cookies = alice.cookies()
    out = await alice.post("/sign-out", {"csrf": page.csrf})
    assert (out.status, out.headers["Location"]) == (303, "/sign-in")
    async with Visitor(desk) as thief:
        assert (await thief.get("/", Cookie=cookies)).status == 303


async def test_signing_out_needs_the_form(alice: Visitor) -> None:
    """Another page cannot sign somebody out."""
    assert (await alice.post("/sign-out", {})).status == 403
    assert (await alice.get("/sign-out")).status == 405
    assert (await alice.get("/")).status == 200


async def test_guessing_is_slowed_down(desk: Desk, visitor: Visitor) -> None:
    """After ten wrong links in a minute even a right one waits."""
    for _ in range(10):
        assert (await visitor.get("/sign-in?token=guess")).status == 401
    assert (await visitor.get(await desk.link())).status == 429
    assert (await visitor.post("/sign-in", {"token": "guess"})).status == 429
    desk.clock.ahead = timedelta(minutes=2)
    assert (await visitor.get(await desk.link())).status == 200


async def test_the_door_without_a_link_says_how_to_get_one(visitor: Visitor) -> None:
    """There is nothing to type a password into."""
    door = await visitor.get("/sign-in")
    assert "askfirst desk login --as local:NAME" in door.text
    assert "<form" not in door.text
