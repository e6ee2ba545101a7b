"""Two at the same moment: each pair of steps that could meet meets many times, from threads, and exactly one order comes out."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.factories import ALICE, BOB, CAROL, NOW, Scene, make_policy
from workflows import audit, lifecycle
from workflows.database import Database
from workflows.errors import AlreadySettled
from workflows.lifecycle import Choice
from workflows.tables import ApprovalRequest

ROUNDS = 12


def together(*steps: Callable[[], object]) -> list[object]:
    """Run the steps at the same moment, and give what each of them gave, or the refusal that it met."""
    start = threading.Barrier(len(steps))

    def run(step: Callable[[], object]) -> object:
        start.wait()
        try:
            return step()
        except AlreadySettled as refusal:
            return refusal

    with ThreadPoolExecutor(len(steps)) as threads:
        return list(threads.map(run, steps))


@pytest.fixture
def other(scene: Scene) -> Iterator[Scene]:
    """Open the same database a second time, as another process would."""
    database = Database(scene.database.url.render_as_string(hide_password=False))
    try:
        yield Scene(database)
    finally:
        database.close()


def _whole(scene: Scene) -> None:
    found = scene.database.read(audit.verify)
    assert found.why is None


def test_two_people_vote_at_the_same_moment_and_both_count(scene: Scene, other: Scene) -> None:
    """A quorum of two is reached in every round: the row is locked before votes are counted."""
    scene.policy = make_policy(quorum=2)
    for _ in range(ROUNDS * 2):
        request_id = scene.held()
        together(partial(scene.vote, request_id, ALICE), partial(other.vote, request_id, BOB))
        row = scene.row(request_id)
        assert (row.state, row.decided_by) == ("approved", "local:alice, local:bob")
        assert scene.events(request_id) == ["request.hold", "request.vote", "request.approve"]
    _whole(scene)


def test_approve_races_deny_and_exactly_one_settles(scene: Scene, other: Scene) -> None:
    """The other one is told by whom it was settled."""
    outcomes: Counter[str] = Counter()
    for _ in range(ROUNDS):
        request_id = scene.held()
        answers = together(partial(scene.vote, request_id, ALICE), partial(other.vote, request_id, BOB, Choice.DENY))
        refusals = [answer for answer in answers if isinstance(answer, AlreadySettled)]
        [settled] = [answer for answer in answers if isinstance(answer, ApprovalRequest)]
        row = scene.row(request_id)
        assert len(refusals) == 1
        assert row.state == settled.state
        assert f"by {row.decided_by} " in str(refusals[0])
        assert len(scene.votes(request_id)) == 1
        outcomes[row.state] += 1
    assert set(outcomes) <= {"approved", "denied"}
    _whole(scene)


def test_expire_races_approve_and_exactly_one_settles(scene: Scene, other: Scene) -> None:
    """The clocks differ by a moment: the vote thinks it is in time, the sweep that it is too late."""
    for _ in range(ROUNDS):
        request_id = scene.held()
        end = scene.row(request_id).expires_at
        sweep = partial(other.database.write, partial(lifecycle.expire, request_id=request_id, now=end))
        answers = together(partial(scene.vote, request_id, ALICE), sweep)
        row = scene.row(request_id)
        # approved first, then expired by the sweep; or expired first, and the vote was refused: it never runs either way
        assert row.state == "expired"
        assert scene.claim(request_id) is None
        if isinstance(answers[0], AlreadySettled):
            assert scene.events(request_id) == ["request.hold", "request.expire", "request.refused"]
        else:
            assert scene.events(request_id) == ["request.hold", "request.approve", "request.expire"]
    _whole(scene)


def test_cancel_races_claim_and_exactly_one_wins(scene: Scene, other: Scene) -> None:
    """Withdrawn and not run, or run and not withdrawn."""
    for _ in range(ROUNDS):
        request_id = scene.approved()
        fresh = scene.fresh(request_id)
        cancelled, claimed = together(partial(scene.cancel, request_id, BOB), partial(other.claim, request_id, fresh=fresh))
        if claimed is None:
            assert isinstance(cancelled, ApprovalRequest)
            assert scene.row(request_id).state == "cancelled"
        else:
            assert isinstance(cancelled, AlreadySettled)
            assert scene.row(request_id).state == "releasing"
    _whole(scene)


def test_leaving_races_claim_and_what_was_left_first_does_not_run(scene: Scene, other: Scene) -> None:
    """T37: the agent is gone before the claim, or the call is running when it goes."""
    for _ in range(ROUNDS):
        request_id = scene.approved()
        fresh = scene.fresh(request_id)
        left, claimed = together(partial(scene.do, lifecycle.leave, request_id), partial(other.claim, request_id, fresh=fresh))
        assert isinstance(left, ApprovalRequest)
        assert (left.unattended_at is None) == (claimed is not None)
    _whole(scene)


def test_many_claim_one_request_and_one_gets_it(scene: Scene, other: Scene) -> None:
    """Eight instances, two connections to the database, one claim."""
    for _ in range(ROUNDS):
        request_id = scene.approved()
        fresh = scene.fresh(request_id)
        claims = [partial((scene, other)[number % 2].claim, request_id, fresh=fresh, instance=f"in_{number}") for number in range(8)]
        rows = [row for row in together(*claims) if isinstance(row, ApprovalRequest)]
        assert len(rows) == 1
        assert scene.row(request_id).claimed_by == rows[0].claimed_by
        assert scene.events(request_id).count("request.claim") == 1
    _whole(scene)


def test_revoking_a_grant_races_claim_and_a_claim_after_it_gets_nothing(scene: Scene, other: Scene) -> None:
    """Whatever the order: claimed before, or void."""
    for _ in range(ROUNDS // 2):
        scene.declare()
        request_id = scene.approved()
        fresh = scene.fresh(request_id)
        claimed, _ = together(partial(scene.claim, request_id, fresh=fresh), partial(other.declare, grants_=[]))
        assert scene.row(request_id).state == ("releasing" if claimed is not None else "cancelled")
    _whole(scene)


def test_eight_writers_keep_one_chain(scene: Scene, other: Scene) -> None:
    """Rows of eight threads over two connections: no gap, no fork, nothing out of order."""

    def write(number: int) -> None:
        for step in range(10):
            entry = audit.Entry(audit.Tag.CALL_DENIED, f"agent:{number}", NOW, detail={"step": step})
            (scene, other)[number % 2].database.write(partial(audit.record_all, entries=[entry]))

    before = len(scene.trail())
    together(*(partial(write, number) for number in range(8)))
    rows = scene.trail()[before:]
    assert len(rows) == 80
    assert [row.seq for row in rows] == list(range(before + 1, before + 81))
    for number in range(8):
        assert [row.detail for row in rows if row.actor == f"agent:{number}"] == [f'{{"step":{step}}}' for step in range(10)]
    _whole(scene)


def test_three_people_vote_while_a_fourth_withdraws(scene: Scene, other: Scene) -> None:
    """However they meet, the row is settled once and the trail is whole."""
    scene.policy = make_policy(quorum=2)
    for _ in range(ROUNDS):
        request_id = scene.held()
        together(
            partial(scene.vote, request_id, ALICE),
            partial(other.vote, request_id, BOB),
            partial(other.vote, request_id, CAROL),
            partial(scene.cancel, request_id, BOB),
        )
        settled = [event for event in scene.events(request_id) if event in {"request.approve", "request.cancel"}]
        row = scene.row(request_id)
        assert settled in (["request.cancel"], ["request.approve"], ["request.approve", "request.cancel"])
        assert row.state == ("cancelled" if settled[-1] == "request.cancel" else "approved")
        assert row.version == 1 + len(scene.events(request_id)) - 1 - scene.events(request_id).count("request.refused")
    _whole(scene)
