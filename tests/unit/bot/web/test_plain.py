"""A request as plain values, the same for programs over HTTP and for the command line."""

from functools import partial

import sqlalchemy as sa
from sqlmodel import Session, col

from bot.web import plain
from tests.fakes.desk import Desk
from workflows import queries
from workflows.calls import JSON
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
