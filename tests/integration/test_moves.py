"""The one door: a row moves only from where it was seen, by a step that the table names."""

from functools import partial

import pytest
from sqlmodel import Session

from tests.factories import ALICE, NOW, Scene
from workflows.errors import IllegalStep
from workflows.lifecycle import moves
from workflows.lifecycle.moves import LostRace
from workflows.states import TRANSITIONS, Event, State
from workflows.tables import ApprovalRequest


def _put(session: Session, *, request_id: str, state: State) -> None:
    row = session.get_one(ApprovalRequest, request_id)
    row.state = state.value


def _step(session: Session, *, request_id: str, event: Event) -> ApprovalRequest:
    return moves.move(session, moves.lock(session, request_id), event, actor="test", now=NOW)


def test_every_step_of_the_table_moves_the_row_and_no_other_step_does(scene: Scene) -> None:
    """All states, all events: one version on and one audit row, or nothing at all."""
    request_id = scene.held()
    for state in State:
        for event in Event:
            scene.database.write(partial(_put, request_id=request_id, state=state))
            before, told = scene.row(request_id), len(scene.events())
            step = partial(_step, request_id=request_id, event=event)
            follows = TRANSITIONS[state].get(event)
            if follows is None:
                with pytest.raises(IllegalStep, match=f"{state} cannot {event}"):
                    scene.database.write(step)
                assert scene.row(request_id) == before
                assert len(scene.events()) == told
            else:
                row = scene.database.write(step)
                assert (row.state, row.version) == (follows, before.version + 1)
                assert scene.events()[told:] == [f"request.{event}"]


def test_a_row_that_changed_since_it_was_seen_is_not_overwritten(scene: Scene) -> None:
    """Neither its state nor its columns: what was seen is part of the statement that writes."""
    request_id = scene.held()
    seen = scene.row(request_id)
    scene.vote(request_id, ALICE)
    now = scene.row(request_id)

    def write_from_what_was_seen(session: Session, *, version: int, state: str) -> None:
        row = session.get_one(ApprovalRequest, request_id)
        session.expunge(row)
        row.version, row.state = version, state
        moves.change(session, row, channel="#overwritten")

    for version, state in ((seen.version, now.state), (now.version, seen.state), (seen.version, seen.state)):
        with pytest.raises(LostRace):
            scene.database.write(partial(write_from_what_was_seen, version=version, state=state))
    assert scene.row(request_id) == now


@pytest.mark.parametrize(("state", "event"), [(State.PENDING, Event.APPROVE), (State.PENDING, Event.DENY), (State.APPROVED, Event.CLAIM)])
def test_the_row_itself_refuses_what_comes_after_its_time(scene: Scene, state: State, event: Event) -> None:
    """Expiry stands in the statement that decides or claims, not only in what was looked at before it."""
    request_id = scene.approved() if state is State.APPROVED else scene.held()
    late = scene.row(request_id).expires_at

    def step(session: Session) -> None:
        moves.move(session, moves.lock(session, request_id), event, actor="local:alice", now=late)

    with pytest.raises(LostRace):
        scene.database.write(step)
    assert scene.state(request_id) is state
