"""A request as plain values, the same for programs over HTTP and for the command line."""

from functools import partial

import sqlalchemy as sa
from sqlmodel import Session, col

from bot.web import plain
from tests.fakes.desk import Desk
from workflows import queries
from workflows.calls import JSON
from workflows.policy.situation import KnownTool
from workflows.tables import ApprovalRequest, AuditEvent

PROMISED = {"id", "state", "server", "tool", "arguments", "agent", "held_at", "expires_at", "votes", "needed"}


async def _complete(desk: Desk, request_id: str, person: str | None) -> dict[str, JSON]:
    view = await desk.database.aread(partial(queries.one, request_id=request_id))
    assert view is not None
    return plain.complete(view, person)


async def test_a_request_has_what_is_promised(desk: Desk) -> None:
    """And all of it has a kind that JSON knows; times are in UTC."""
    found = await _complete(desk, await desk.hold(arguments={"amount": 9900}), "local:alice")
    assert found.keys() > PROMISED
    assert (found["state"], found["arguments"], found["needed"], found["votes"]) == ("pending", {"amount": 9900}, 1, [])
    assert str(found["held_at"]).endswith("+00:00")


async def test_who_does_not_say_who_they_are_sees_no_secret(desk: Desk) -> None:
    """Neither in the arguments nor in their exact text; an approver sees both."""
    secret = "sk-live-" + "4f9a" * 8
    request_id = await desk.hold(arguments={"api_key": secret})
    assert secret not in str(await _complete(desk, request_id, None))
    assert str(await _complete(desk, request_id, "local:alice")).count(secret) == 2


async def test_a_row_that_was_changed_by_hand_is_shown_as_what_it_is(desk: Desk) -> None:
    """What is no JSON any more is a string, in the trail and in the outcome: the request stays readable, and `audit verify` tells."""
    request_id = await desk.hold()

    def damage(session: Session) -> None:
        session.connection().execute(sa.update(AuditEvent).where(col(AuditEvent.request_id) == request_id).values(detail="{"))
        changed = {"outcome_kind": "not_sent", "outcome": b"Nobody there."}
        session.connection().execute(sa.update(ApprovalRequest).where(col(ApprovalRequest.id) == request_id).values(**changed))

    await desk.database.awrite(damage)
    found = await _complete(desk, request_id, "local:alice")
    assert isinstance(found["trail"], list)
    assert [event["detail"] for event in found["trail"] if isinstance(event, dict)] == ["{", "{"]
    assert found["outcome"] == {"kind": "not_sent", "is_error": False, "body": "Nobody there."}


async def test_what_the_policy_hides_is_seen_by_who_decides_alone(desk: Desk) -> None:
    """In the value, in the exact text and in the answer, and both are told what it is."""
    redact: JSON = {"paths": ["args.customer.email"], "patterns": [r"\bcus_[a-z]+"]}
    request_id = await desk.hold(arguments={"customer": {"email": "ada@b.example"}, "id": "cus_ada"}, redact=redact)
    outcome = {"outcome_kind": "error", "outcome": b'{"message": "no ADA@b.example nor cus_bob"}'}
    change = sa.update(ApprovalRequest).where(col(ApprovalRequest.id) == request_id).values(**outcome)
    await desk.database.awrite(lambda session: session.connection().execute(change).rowcount)
    other, decider = await _complete(desk, request_id, None), await _complete(desk, request_id, "local:alice")
    for word in ("ada@", "cus_ada", "cus_bob"):
        assert word not in str(other).casefold()
        assert word in str(decider).casefold()
    assert other["policy_hides"] == decider["policy_hides"] == ["args.customer.email", "text that a pattern finds"]


async def test_what_the_tool_is_like_and_how_it_changed(desk: Desk) -> None:
    """Category, risk, signals, and the difference of its definition; older requests have none of it."""
    known = KnownTool("Financial", "Critical", ("Bulk operation",), sha256="a" * 64, changed="- a\n+ sk-live-" + "4f9a" * 8)
    found = await _complete(desk, await desk.hold(known=known), "local:alice")
    assert (found["category"], found["risk"], found["signals"]) == ("Financial", "Critical", ["Bulk operation"])
    assert (found["definition_changed"], found["difference"]) == (True, known.changed)
    bare = await _complete(desk, await desk.hold("close_account"), None)
    assert (bare["category"], bare["signals"], bare["definition_changed"], bare["difference"]) == (None, [], False, None)
    assert (bare["policy_hides"]) == []
