"""The desk in a real browser: sign in, read, decide, see what came of it; with and without its script, on a phone and on a large screen."""

import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.databases import sqlite_url
from tests.fakes.desk import Desk, running_desk
from workflows.policy.situation import KnownTool

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_PHONE = (390, 844)
_LARGE = (1280, 800)


def _chromium() -> str:
    """Where Chromium is. Without one these tests skip, but not where CI has promised one."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "no Chromium on this machine: install it (Debian: apt install chromium) to run the browser tests"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Run a desk for one test."""
    async with running_desk(sqlite_url(tmp_path)) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start Chromium."""
    path = _chromium()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=_ARGS)
        yield running
        await running.close()


@asynccontextmanager
async def somebody(
    browser: Browser, desk: Desk, person: str = "local:alice", *, size: tuple[int, int] = _LARGE, script: bool = True, foreign: str = ""
) -> AsyncIterator[Page]:
    """Open the desk's one-time link as a person and press its button. Whatever the page complains of fails the test."""
    complaints: list[str] = []
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height}, java_script_enabled=script, timezone_id="Asia/Kolkata", locale="en-GB"
    )
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" and "status of 4" not in line.text else None)
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((desk.address, foreign or desk.address)) else complaints.append(f"asked for {asked.url}")
        ),
    )
    await page.goto(await desk.link(person))
    await expect(page.get_by_role("heading", name=f"Sign in as {person}?")).to_be_visible()
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Waiting for you")).to_be_visible()
    yield page
    assert complaints == []
    await context.close()


@pytest.mark.parametrize("size", [_PHONE, _LARGE], ids=["phone", "large"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_a_person_reads_approves_and_sees_the_outcome(desk: Desk, browser: Browser, size: tuple[int, int], *, script: bool) -> None:
    """From the inbox to the answer of the tool; the call runs once, with the stored bytes."""
    raw = b'{"customer": "cus_9fK2", "amount": 12900}'
    request_id = await desk.hold(arguments=raw)
    async with somebody(browser, desk, size=size, script=script) as page:
        await page.get_by_role("link", name="create_refund").click()
        await expect(page.get_by_role("heading", name="create_refund on payments")).to_be_visible()
        await expect(page.get_by_text("Refund above $50")).to_be_visible()
        await expect(page.locator(".json")).to_contain_text('"customer": "cus_9fK2"')
        focused = await page.evaluate("document.activeElement.tagName") if script else "BODY"
        assert focused == "BODY"
        await page.get_by_label("Note").fill("The ticket has photos")
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator(".state")).to_have_text("Ran", timeout=15_000)
        await expect(page.locator("#outcome")).to_contain_text("create_refund done, receipt re_1")
        await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        assert await _fits(page) if script else True
    assert desk.tools.ran == [("create_refund", raw)]
    assert (await desk.row(request_id)).decision_reason == "The ticket has photos"


async def _fits(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_a_person_denies_with_a_reason(desk: Desk, browser: Browser, *, script: bool) -> None:
    """Without one, where the policy wants it, the desk says so; nothing runs."""
    request_id = await desk.hold("close_account", {"account": "acc_1"})
    async with somebody(browser, desk, script=script) as page:
        await page.goto(f"{desk.address}/requests/{request_id}")
        await page.get_by_label("Reason").first.fill(" ")
        await page.get_by_role("button", name="Deny").click()
        await expect(page.get_by_role("alert")).to_contain_text("reason_required")
        await page.get_by_label("Reason").first.fill("Ask the customer first")
        await page.get_by_role("button", name="Deny").click()
        await expect(page.locator(".state")).to_have_text("Denied")
        await expect(page.locator("#standing blockquote")).to_have_text("Ask the customer first")
    assert desk.tools.ran == []


@pytest.mark.parametrize("size", [_PHONE, _LARGE], ids=["phone", "large"])
async def test_a_hostile_call_is_shown_safely_and_whole(desk: Desk, browser: Browser, size: tuple[int, int]) -> None:
    """Markup stays text, what hides is written out, 200 kB of text and a thousand keys are all there and fit the screen."""
    nested: dict[str, object] = {f"key {n}": {"n": n} for n in range(1000)}
    deep: object = "the bottom"
    for n in range(50):
        deep = {f"level {n}": deep}
    arguments = {
        "note": "<script>document.title='owned'</script><img src=x onerror=alert(1)>",
        "hidden": "invoice\u202efdp.exe\u200b\U000e0041",
        "</div></main><h1>Approved</h1>": "'\"><svg onload=alert(1)>",
        "text": "all of these words are there " * 7_000,
        "long": "x" * 5_000,
        "deep": deep,
        **nested,
    }
    raw = json.dumps(arguments).encode()
    assert len(raw) > 200_000
    request_id = await desk.hold(arguments=raw)
    async with somebody(browser, desk, size=size) as page:
        await page.goto(f"{desk.address}/requests/{request_id}")
        assert await page.title() == "create_refund · Waiting · Askfirst"
        assert await page.locator("main h1").count() == 1
        assert await page.locator("main img, main svg, main script").count() == 0
        await expect(page.locator(".banner.warn")).to_contain_text("U+202E right-to-left override")
        shown = await page.locator(".json").inner_text()
        assert shown.count("all of these words are there") == 7_000
        assert "x" * 5_000 in shown.replace("\n", "")
        assert all(f'"key {n}": {{' in shown for n in range(1000))
        assert all(f'"level {n}": {{' in shown for n in range(1, 50))
        assert '"the bottom"' in shown
        assert "invoice\\u{202E}fdp.exe\\u{200B}\\u{E0041}" in shown
        assert not {"\u202e", "\u200b", "\U000e0041"} & set(await page.content())
        await page.locator("summary", has_text="Exact text").click()
        assert json.loads(await page.locator("pre.raw").inner_text()) == arguments
        assert await _fits(page)
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator(".state")).to_have_text("Ran", timeout=15_000)
    assert desk.tools.ran == [("create_refund", raw)]


async def test_the_page_follows_what_others_do_and_keeps_what_is_being_typed(desk: Desk, browser: Browser) -> None:
    """A vote elsewhere appears by itself; the draft, the focus and the caret stay, and the vote that follows counts."""
    request_id = await desk.hold("delete_customer", {"customer": "cus_1"})
    async with somebody(browser, desk) as page:
        await page.goto(f"{desk.address}/requests/{request_id}")
        await expect(page.locator("#standing")).to_contain_text("2 more approvals needed")
        note = page.get_by_label("Note")
        await note.fill("half a sentence")
        await note.press("Home")
        await desk.vote(request_id, "local:bob", "approve")
        await expect(page.locator("#standing")).to_contain_text("1 more approval needed")
        await expect(page.locator("#facts")).to_contain_text("local:bob approved")
        await page.keyboard.type("not ")
        await expect(note).to_have_value("not half a sentence")
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator(".state")).to_have_text("Ran", timeout=15_000)


async def test_a_request_that_is_settled_elsewhere_loses_its_buttons_and_keeps_the_draft(desk: Desk, browser: Browser) -> None:
    """Nobody presses a button that can do nothing, and no words are lost."""
    request_id = await desk.hold()
    async with somebody(browser, desk) as page:
        await page.goto(f"{desk.address}/requests/{request_id}")
        await page.get_by_label("Reason").first.fill("I was about to say no")
        await desk.vote(request_id, "local:bob", "deny")
        await expect(page.locator(".state")).to_have_text("Denied")
        await expect(page.get_by_role("button", name="Deny")).to_have_count(0)
        await expect(page.locator("#decide")).to_contain_text("I was about to say no")
        assert await page.title() == "create_refund · Denied · Askfirst"


async def test_an_old_page_without_script_does_not_decide_on_what_was_not_seen(desk: Desk, browser: Browser) -> None:
    """It says that it is out of date, shows the new state and keeps the note."""
    request_id = await desk.hold("delete_customer")
    async with somebody(browser, desk, script=False) as page:
        await page.goto(f"{desk.address}/requests/{request_id}")
        await page.get_by_label("Note").fill("seen it")
        await desk.vote(request_id, "local:bob", "approve")
        await page.get_by_role("button", name="Approve").click()
        await expect(page.get_by_role("alert")).to_contain_text("out_of_date")
        await expect(page.get_by_label("Note")).to_have_value("seen it")
        assert (await desk.row(request_id)).state == "pending"
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator(".state")).to_have_text("Ran", timeout=15_000)


async def test_the_inbox_fills_by_itself_and_counts_in_the_title(desk: Desk, browser: Browser) -> None:
    """A call that is held while the page is open appears on it."""
    async with somebody(browser, desk) as page:
        await expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
        await desk.hold(arguments={"amount": 31337})
        await expect(page.get_by_role("link", name="create_refund")).to_contain_text("31337")
        await expect(page).to_have_title("(1) Inbox · Askfirst")
        await expect(page.locator("nav .count")).to_have_text("1")


async def test_times_are_in_the_reader_s_zone_and_readable_without_the_script(desk: Desk, browser: Browser) -> None:
    """India is half an hour off, so a page that forgot the zone would show it."""
    request_id = await desk.hold()
    expires = (await desk.row(request_id)).expires_at
    async with somebody(browser, desk, script=False) as page:
        await page.goto(f"{desk.address}/requests/{request_id}")
        await expect(page.locator("#standing time")).to_have_text(f"{expires.day} {expires:%b %Y, %H:%M} UTC")
    async with somebody(browser, desk) as page:
        await page.goto(f"{desk.address}/requests/{request_id}")
        shown = await page.locator("#standing time").inner_text()
        assert shown.split()[-1].endswith(f":{(expires.minute + 30) % 60:02d}")
        await expect(page.locator("#standing .left")).to_contain_text("left")


async def test_signing_out_leaves_nothing_open(desk: Desk, browser: Browser) -> None:
    """Neither the inbox nor the page before it."""
    request_id = await desk.hold()
    async with somebody(browser, desk) as page:
        await page.goto(f"{desk.address}/requests/{request_id}")
        await page.goto(f"{desk.address}/me")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await page.go_back()
        await page.goto(f"{desk.address}/requests/{request_id}")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_link_from_another_site_opens_for_who_is_signed_in(desk: Desk, browser: Browser) -> None:
    """The strict cookie is kept back from the first request; the desk asks once more by itself. A stranger comes to the door."""
    request_id = await desk.hold()
    elsewhere = desk.address.replace("127.0.0.1", "localhost")
    target = f"{desk.address}/requests/{request_id}"
    async with somebody(browser, desk, foreign=elsewhere) as page:
        await page.goto(f"{elsewhere}/sign-in")
        await page.evaluate("address => { location.href = address }", target)
        await expect(page.get_by_role("heading", name="create_refund on payments")).to_be_visible()
        assert page.url == target
    stranger = await browser.new_page()
    await stranger.goto(f"{elsewhere}/sign-in")
    await stranger.evaluate("address => { location.href = address }", target)
    await expect(stranger.get_by_text("The desk opens with a link that works once.")).to_be_visible()
    assert stranger.url == f"{desk.address}/sign-in"


@pytest.mark.parametrize("size", [_PHONE, _LARGE], ids=["phone", "large"])
async def test_a_changed_definition_is_read_and_accepted_with_the_call(desk: Desk, browser: Browser, size: tuple[int, int]) -> None:
    """Its difference fits the screen, signs and all, however long its lines are; the lists have small badges."""
    change = f'-   "description": "Deletes one"\n+   "description": "Deletes all{"_" * 3000} of them"'
    known = KnownTool("Destructive", "Critical", ("Bulk operation: it affects many records at once",), sha256="a" * 64, changed=change)
    await desk.hold("delete_customer", known=known)
    async with somebody(browser, desk, size=size) as page:
        await expect(page.locator(".row .kind")).to_have_text(["Destructive", "Changed"])
        await page.get_by_role("link", name="delete_customer").click()
        await expect(page.locator(".head .kind")).to_have_text(["Destructive · Critical risk", "Definition changed"])
        await expect(page.locator(".diff del")).to_have_text('-   "description": "Deletes one"')
        await expect(page.locator(".diff ins")).to_contain_text('+   "description": "Deletes all')
        await expect(page.get_by_text("Approving accepts the new definition.")).to_be_visible()
        await expect(page.get_by_text("it affects many records at once")).to_be_visible()
        assert await _fits(page)
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator("#facts")).to_contain_text("1 of 2 approvals")
