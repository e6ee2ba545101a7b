"""From rows to what is shown, on both databases."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import col

from bot.web import facts
from bot.web.pages import Detail
from tests.fakes.desk import Desk, running_desk
from tests.waiting import eventually
from workflows import queries
from workflows.calls import JSON
from workflows.lifecycle import Outcome
from workflows.policy.situation import KnownTool
from workflows.redaction import Redaction
from workflows.states import State
from workflows.tables import ApprovalRequest, AuditEvent

_NONE = dict.fromkeys(("words", "tool", "server", "agent", "person", "state", "since", "until"), "")


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """Run a desk on either database."""
    async with running_desk(database_url) as running:
        yield running


async def test_the_inbox_is_sorted_by_who_looks(desk: Desk) -> None:
    """What waits for one waits for others in the eyes of another."""
    request_id = await desk.hold("delete_customer")
    await desk.vote(request_id, "local:alice", "approve")
    settled = await desk.hold()
    await desk.vote(settled, "local:bob", "deny")
    for person, group in (("local:bob", "yours"), ("local:alice", "others"), ("local:olivia", "others"), ("local:mallory", "others")):
        shown = await desk.database.aread(partial(facts.inbox, person=person))
        assert [item.id for item in getattr(shown, group)] == [request_id]
        assert [item.id for item in shown.recent] == [settled]
        assert await desk.database.aread(partial(facts.waiting, person=person)) == len(shown.yours)


async def test_a_request_is_told_whole_to_who_decides(desk: Desk) -> None:
    """Votes, what is missing, who may, and the trail in order."""
    request_id = await desk.hold("delete_customer", {"customer": "cus_1", "token": "t0ps3cret-t0ps3cret"})
    await desk.vote(request_id, "local:bob", "approve")
    alice, mallory = [
        await desk.database.aread(partial(facts.detail, request_id=request_id, person=person))
        for person in ("local:alice", "local:mallory")
    ]
    assert alice is not None
    assert mallory is not None
    assert (alice.needed, alice.item.approvals, alice.item.quorum, alice.members) == (1, 1, 2, ("local:alice", "local:bob"))
    assert (alice.why_not_approve, alice.may_cancel, mallory.may_cancel) == (None, True, False)
    assert [step.event for step in alice.trail] == ["request.hold", "request.hand_off", "request.vote"]
    assert "t0ps3cret-t0ps3cret" in alice.arguments.exact
    assert "t0ps3cret-t0ps3cret" not in repr(mallory)
    assert mallory.fingerprint == ""
    assert await desk.database.aread(lambda session: facts.detail(session, "apr_none", "local:alice")) is None


async def test_the_call_that_came_before_is_named(desk: Desk) -> None:
    """A person sees that they were asked the same before."""
    first = await desk.hold()
    await desk.vote(first, "local:bob", "deny")
    await desk.collect(first)
    desk.clock.ahead += timedelta(minutes=11)
    second = await desk.hold()
    shown = await desk.database.aread(lambda session: facts.detail(session, second, "local:alice"))
    assert shown is not None
    assert shown.previous is not None
    assert (shown.previous.id, shown.previous.state) == (first, State.DENIED)


async def test_what_was_seen_is_named_by_what_one_judges_by(desk: Desk) -> None:
    """A vote or a settled state is another sight; a returning agent is not."""
    request_id = await desk.hold("delete_customer", leave=False)

    async def seen() -> str:
        view = await desk.database.aread(lambda session: queries.one(session, request_id))
        assert view is not None
        return facts.seen(view)

    first = await seen()
    await desk.hand_off(request_id)
    assert await seen() == first
    await desk.vote(request_id, "local:bob", "approve")
    assert await seen() != first


async def test_large_arguments_are_only_counted_in_a_list(desk: Desk) -> None:
    """A list does not read them."""
    await desk.hold(arguments={"text": "x" * 200_000})
    shown = await desk.database.aread(lambda session: facts.inbox(session, "local:alice"))
    assert shown.yours[0].preview == "200,012 bytes of arguments"


def test_days_are_utc_and_the_last_one_is_included() -> None:
    """A filter of one day covers it."""
    filters = facts.filters_of({**_NONE, "since": "2026-11-25", "until": "2026-11-25", "words": "refund"})
    assert (filters.since, filters.until) == (datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 11, 26, tzinfo=UTC))
    with pytest.raises(ValueError, match="isoformat"):
        facts.filters_of({**_NONE, "since": "yesterday"})


@pytest.mark.parametrize("detail", ["{", "7", '"text"', ""])
async def test_a_trail_that_was_changed_by_hand_is_shown_as_it_is(desk: Desk, detail: str) -> None:
    """The request stays readable: it is `audit verify` that tells what happened."""
    request_id = await desk.hold()
    change = sa.update(AuditEvent).where(col(AuditEvent.request_id) == request_id).values(detail=detail)
    await desk.database.awrite(lambda session: session.connection().execute(change).rowcount)
    shown = await desk.database.aread(partial(facts.detail, request_id=request_id, person="local:alice"))
    assert shown is not None
    assert {step.detail for step in shown.trail} == {(("changed by hand", detail),) if detail else ()}


_REDACT: JSON = {"paths": ["args.customer.email"], "patterns": [r"\bcus_[a-z]+"]}
_CALL = {"customer": {"email": "ada@b.example"}, "id": "cus_ada"}


async def test_what_the_policy_hides_is_seen_by_who_decides_alone(desk: Desk) -> None:
    """Arguments, their preview, and what the tool answers; the stored call is sent as it came."""
    desk.tools.answers["create_refund"] = Outcome("result", b'{"content": [{"type": "text", "text": "No Ada@b.example nor cus_bob"}]}')
    request_id = await desk.hold(arguments=_CALL, redact=_REDACT)
    await desk.vote(request_id, "local:alice", "approve")
    await eventually(lambda: len(desk.tools.ran) == 1)

    async def settled() -> Detail:
        shown = await desk.database.aread(lambda session: facts.detail(session, request_id, "local:mallory"))
        assert shown is not None
        assert shown.result is not None
        return shown

    mallory = await eventually(settled)
    for word in ("ada@", "cus_ada", "cus_bob"):
        assert word not in repr(mallory).casefold()
    assert mallory.arguments.by == ("args.customer.email", "text that a pattern finds")
    alice = await desk.database.aread(lambda session: facts.detail(session, request_id, "local:alice"))
    assert alice is not None
    assert alice.result is not None
    assert "ada@b.example" in alice.arguments.exact
    assert "cus_bob" in repr(alice.result)
    assert "ada@" not in alice.item.preview
    assert desk.tools.ran == [("create_refund", json.dumps(_CALL).encode())]


async def test_a_changed_definition_is_told_and_is_a_part_of_what_was_seen(desk: Desk) -> None:
    """Category and signals with it; a form is out of date when the difference, or what is hidden, is another."""
    known = KnownTool("Destructive", "Critical", ("Bulk operation",), sha256="a" * 64, changed="- a\n+ b")
    request_id = await desk.hold(known=known)
    shown = await desk.database.aread(lambda session: facts.detail(session, request_id, "local:alice"))
    assert shown is not None
    assert (shown.item.category, shown.item.risk, shown.item.changed) == ("Destructive", "Critical", True)
    assert (shown.signals, shown.difference, shown.in_part) == (("Bulk operation",), ("- a", "+ b"), False)
    view = await desk.database.aread(lambda session: queries.one(session, request_id))
    assert view is not None
    seen = {facts.seen(view)}
    for values in ({"difference": "- a\n+ c"}, {"redaction": Redaction(patterns=("x",)).written()}, {"difference": None}):
        changed = sa.update(ApprovalRequest).where(col(ApprovalRequest.id) == request_id).values(**values)
        await desk.database.awrite(lambda session, changed=changed: session.connection().execute(changed).rowcount)  # type: ignore[misc]  # bound early
        view = await desk.database.aread(lambda session: queries.one(session, request_id))
        assert view is not None
        seen.add(facts.seen(view))
    assert len(seen) == 4
    plain = await desk.database.aread(lambda session: facts.item(queries.one(session, request_id)))  # type: ignore[arg-type]  # it is there
    assert plain.changed is False


async def test_a_request_from_before_the_catalogue_has_no_badge(desk: Desk) -> None:
    """Nothing is made up for it."""
    request_id = await desk.hold()
    shown = await desk.database.aread(lambda session: facts.detail(session, request_id, "local:alice"))
    assert shown is not None
    assert (shown.item.category, shown.item.risk, shown.item.changed, shown.signals, shown.difference) == ("", "", False, (), ())
