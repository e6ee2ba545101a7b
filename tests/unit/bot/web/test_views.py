"""A person reads and decides; every no is a sentence on the page."""

import asyncio
import json
from datetime import timedelta

import pytest

from tests.fakes.desk import Desk, Visitor
from tests.waiting import eventually
from workflows.lifecycle import Outcome


async def _settled(desk: Desk, request_id: str, state: str) -> None:
    async def there() -> bool:
        return (await desk.row(request_id)).state == state

    await eventually(there)


async def test_what_is_approved_runs_once_with_the_stored_bytes(desk: Desk, alice: Visitor) -> None:
    """And the page shows the answer."""
    raw = b'{ "b": 1.50, "a": "x" }'
    request_id = await desk.hold(arguments=raw)
    decided = await alice.decide(request_id, "approve", "seen the ticket")
    assert (decided.status, decided.headers["Location"]) == (303, f"/requests/{request_id}")
    await _settled(desk, request_id, "released")
    assert desk.tools.ran == [("create_refund", raw)]
    page = await alice.get(f"/requests/{request_id}")
    assert "create_refund done, receipt re_1" in page.text
    assert "seen the ticket" in page.text
    assert 'class="yes"' not in page.text


async def test_a_denial_keeps_its_reason_and_nothing_runs(desk: Desk, alice: Visitor) -> None:
    """Line breaks of the browser become plain ones."""
    request_id = await desk.hold()
    assert (await alice.decide(request_id, "deny", "too much\r\nask again")).status == 303
    row = await desk.row(request_id)
    assert (row.state, row.decision_reason, row.decided_by) == ("denied", "too much\nask again", "local:alice")
    assert desk.tools.ran == []
    assert "too much" in (await alice.get(f"/requests/{request_id}")).text


async def test_a_person_cancels(desk: Desk, alice: Visitor) -> None:
    """The request is withdrawn."""
    request_id = await desk.hold()
    assert (await alice.decide(request_id, "cancel", "not today")).status == 303
    assert (await desk.row(request_id)).state == "cancelled"


async def test_the_owner_of_the_agent_may_deny_and_not_approve(desk: Desk) -> None:
    """The page does not offer it, and a form made by hand is refused with the reason."""
    request_id = await desk.hold()
    async with Visitor(desk) as olivia:
        await olivia.sign_in("local:olivia")
        page = await olivia.get(f"/requests/{request_id}")
        assert 'class="yes"' not in page.text
        refused = await olivia.decide(request_id, "approve")
        assert refused.status == 403
        assert "You answer for this agent" in refused.text
        assert (await olivia.decide(request_id, "deny", "mine")).status == 303


async def test_who_is_in_no_group_decides_nothing(desk: Desk) -> None:
    """They read, without secrets."""
    request_id = await desk.hold(arguments={"password": "hunter2", "amount": 5})
    async with Visitor(desk) as mallory:
        await mallory.sign_in("local:mallory")
        page = await mallory.get(f"/requests/{request_id}")
        assert "hunter2" not in page.text
        assert "You are not in the approver group payments" in page.text
        for verb in ("approve", "deny", "cancel"):
            answer = await mallory.post(f"/requests/{request_id}/{verb}", {"csrf": (await mallory.get("/me")).csrf, "seen": page.seen})
            assert answer.status in {403, 409}
    assert (await desk.row(request_id)).state == "pending"


async def test_an_approver_sees_the_secrets_and_lists_never_do(desk: Desk, alice: Visitor) -> None:
    """Who decides must see what is decided."""
    request_id = await desk.hold(arguments={"password": "hunter2", "amount": 5})
    assert "hunter2" in (await alice.get(f"/requests/{request_id}")).text
    for path in ("/", "/history", "/live/inbox"):
        page = await alice.get(path)
        assert request_id in page.text
        assert "hunter2" not in page.text


async def test_the_loser_of_a_race_reads_who_won(desk: Desk, alice: Visitor) -> None:
    """The page shows the new state, and the draft is not lost."""
    request_id = await desk.hold()
    page = await alice.get(f"/requests/{request_id}")
    await desk.vote(request_id, "local:bob", "deny")
    late = await alice.post(f"/requests/{request_id}/approve", {"csrf": page.csrf, "seen": page.seen, "reason": "fine by me"})
    assert late.status == 409
    assert "This request is already denied by local:bob" in late.text
    assert "already_settled" in late.text
    assert 'class="yes"' not in late.text


async def test_nobody_decides_on_what_they_have_not_seen(desk: Desk, alice: Visitor) -> None:
    """A vote that came in between makes the page out of date; the second look decides. The trail has the try."""
    request_id = await desk.hold("delete_customer")
    page = await alice.get(f"/requests/{request_id}")
    await desk.vote(request_id, "local:bob", "approve")
    late = await alice.post(f"/requests/{request_id}/approve", {"csrf": page.csrf, "seen": page.seen, "reason": "my note"})
    assert late.status == 409
    assert "out_of_date" in late.text
    assert "my note</textarea>" in late.text
    assert (await desk.row(request_id)).state == "pending"
    assert "This request changed after what you saw was drawn" in late.text
    form = {"csrf": late.csrf, "seen": late.seen, "reason": "my note"}
    assert (await alice.post(f"/requests/{request_id}/approve", form)).status == 303
    await _settled(desk, request_id, "released")


@pytest.mark.parametrize("seen", ["", "x" * 32])
async def test_a_form_that_does_not_say_what_was_seen_decides_nothing(desk: Desk, alice: Visitor, seen: str) -> None:
    """Made by hand or cut short, it is out of date."""
    request_id = await desk.hold()
    page = await alice.get(f"/requests/{request_id}")
    assert (await alice.post(f"/requests/{request_id}/approve", {"csrf": page.csrf, "seen": seen})).status == 409
    assert (await desk.row(request_id)).state == "pending"


async def test_a_reminder_or_a_waiting_agent_makes_no_page_old(desk: Desk, alice: Visitor) -> None:
    """Only what a person judges by counts."""
    request_id = await desk.hold(leave=False)
    page = await alice.get(f"/requests/{request_id}")
    await desk.hand_off(request_id)
    assert (await alice.post(f"/requests/{request_id}/deny", {"csrf": page.csrf, "seen": page.seen})).status == 303


async def test_an_expired_request_cannot_be_approved(desk: Desk, alice: Visitor) -> None:
    """Even before a sweep noticed."""
    request_id = await desk.hold()
    page = await alice.get(f"/requests/{request_id}")
    desk.clock.ahead = timedelta(minutes=31)
    late = await alice.post(f"/requests/{request_id}/approve", {"csrf": page.csrf, "seen": page.seen})
    assert late.status == 409
    assert "expired" in late.text
    assert desk.tools.ran == []


async def test_a_missing_or_endless_reason_is_a_sentence(desk: Desk, alice: Visitor) -> None:
    """The draft stays in its field."""
    request_id = await desk.hold("close_account")
    missing = await alice.decide(request_id, "deny", "  ")
    assert missing.status == 422
    assert "reason_required" in missing.text
    endless = await alice.decide(request_id, "deny", "x" * 2001)
    assert endless.status == 422
    assert "x" * 2001 in endless.text


async def test_two_presses_of_the_same_button_are_one_vote(desk: Desk, alice: Visitor) -> None:
    """One of them is told that it is decided; the call runs once."""
    request_id = await desk.hold()
    page = await alice.get(f"/requests/{request_id}")
    form = {"csrf": page.csrf, "seen": page.seen}
    answers = await asyncio.gather(*(alice.post(f"/requests/{request_id}/approve", form) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [303, 409, 409, 409]
    await _settled(desk, request_id, "released")
    assert len(desk.tools.ran) == 1


async def test_an_unknown_request_is_not_found(alice: Visitor) -> None:
    """Reading and deciding alike."""
    assert (await alice.get("/requests/apr_none")).status == 404
    csrf = (await alice.get("/me")).csrf
    assert (await alice.post("/requests/apr_none/approve", {"csrf": csrf, "seen": ""})).status == 404


async def test_a_refused_form_that_is_loaded_again_leads_back(desk: Desk, alice: Visitor) -> None:
    """The address of a verb, opened, decides nothing."""
    request_id = await desk.hold()
    back = await alice.get(f"/requests/{request_id}/approve")
    assert (back.status, back.headers["Location"]) == (303, f"/requests/{request_id}")


async def test_the_inbox_has_what_waits_for_the_reader_first(desk: Desk, alice: Visitor) -> None:
    """Then what was lost, what waits for others, and what was settled."""
    voted, mine = await desk.hold("delete_customer"), await desk.hold()
    await desk.vote(voted, "local:alice", "approve")
    desk.tools.answers["close_account"] = Outcome("unknown", b"")
    lost = await desk.hold("close_account")
    await desk.vote(lost, "local:bob", "approve")
    await _settled(desk, lost, "lost")
    page = (await alice.get("/")).text
    order = [page.index(part) for part in ("Waiting for you", mine, "Outcome unknown", lost, "Waiting for others", voted)]
    assert order == sorted(order)
    assert "<title>(1) Inbox · Askfirst</title>" in page


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome("error", b'{"code": -32602, "message": "No such account"}'), ["refused the call with an error", "No such account"]),
        (Outcome("not_sent", b"The upstream server cannot be reached."), ["It was not sent", "The upstream server cannot be reached."]),
        (Outcome("unknown", b""), ["It may have run.", "Askfirst does not send it again."]),
        (Outcome("result", b'{"content": [], "isError": true}', is_error=True), ["Ran, with an error", "the tool reported an error"]),
    ],
)
async def test_every_outcome_is_told(desk: Desk, alice: Visitor, outcome: Outcome, words: list[str]) -> None:
    """What came back, or why nothing did."""
    desk.tools.answers["create_refund"] = outcome
    request_id = await desk.hold()
    await alice.decide(request_id, "approve")

    async def told() -> bool:
        page = (await alice.get(f"/requests/{request_id}")).text
        return all(word in page for word in words)

    await eventually(told)


async def test_a_look_costs_nothing_while_nothing_moves(desk: Desk, alice: Visitor) -> None:
    """The tag of the last look is answered with 304 until something is written."""
    request_id = await desk.hold("delete_customer")
    for path in ("/live/inbox", f"/live/requests/{request_id}"):
        first = await alice.get(path)
        assert (first.status, "<html" in first.text) == (200, False)
        assert (await alice.get(path, **{"If-None-Match": first.headers["ETag"]})).status == 304
    await desk.note_something()
    still = await alice.get(f"/live/requests/{request_id}", **{"If-None-Match": first.headers["ETag"]})
    assert still.status == 304
    assert still.headers["ETag"] != first.headers["ETag"]
    await desk.vote(request_id, "local:bob", "approve")
    assert (await alice.get(f"/live/requests/{request_id}", **{"If-None-Match": still.headers["ETag"]})).status == 200


async def test_history_is_searched_and_paged(desk: Desk, alice: Visitor) -> None:
    """Filters stay in the links; a day that is none is a sentence."""
    ids = [await desk.hold(arguments={"n": n}) for n in range(55)]
    await desk.vote(ids[3], "local:bob", "deny")
    first = (await alice.get("/history?tool=create_refund")).text
    assert first.count('class="row"') == 50
    assert ids[54] in first
    assert ids[0] not in first
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "tool=create_refund" in older
    second = (await alice.get(older)).text
    assert second.count('class="row"') == 5
    assert ids[0] in second
    assert "Newest" in second
    denied = (await alice.get("/history?state=denied&person=local:bob&words=refund")).text
    assert denied.count('class="row"') == 1
    assert ids[3] in denied
    today = f"{desk.clock():%Y-%m-%d}"
    assert (await alice.get(f"/history?since={today}&until={today}")).text.count('class="row"') == 50
    assert "Nothing found." in (await alice.get("/history?until=2020-01-01")).text
    for day in ("since=tomorrow", "until=9999-12-31"):
        assert "A day is written as" in (await alice.get(f"/history?{day}")).text
    assert (await alice.get("/history?since=0001-01-01")).status == 200
    assert (await alice.get("/history?before=nothing&state=x%00y&words=" + "%25_'" * 50)).status == 200


async def test_groups_and_the_reader_are_shown(alice: Visitor) -> None:
    """Who may approve, and that nobody is in an empty group."""
    page = (await alice.get("/groups")).text
    assert "Nobody is in this group" in page
    assert "bob" in page
    assert "payments" in (await alice.get("/me")).text


async def test_a_hostile_call_is_text_and_whole(desk: Desk, alice: Visitor) -> None:
    """Markup, bidi and zero-width characters, 200 kB, a thousand keys."""
    arguments = {"note": "<script>alert(1)</script>\u202e\u200b", "text": "word " * 40_000, **{f"<b>{n}": n for n in range(1000)}}
    request_id = await desk.hold(arguments=json.dumps(arguments).encode())
    page = (await alice.get(f"/requests/{request_id}")).text
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "word " * 39_999 in page
    assert all(f"&lt;b&gt;{n}" in page for n in range(1000))
