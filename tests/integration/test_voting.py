"""What people do to a request, and what they may not: a refused step changes nothing, and is told."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.factories import ALICE, BOB, CAROL, NOW, OLIVIA, PAYMENTS, Scene, make_policy
from workflows import lifecycle
from workflows.errors import AlreadySettled, AskfirstError, BadReason, NotAllowed, NotFound, ReasonRequired
from workflows.lifecycle import Choice, Outcome
from workflows.people import ApproverGroup, Person
from workflows.states import State

STRANGER = Person("local:mallory")


def test_one_approval_of_one_settles(scene: Scene) -> None:
    """The row says who decided, when and why; the trail too."""
    request_id = scene.held()
    scene.later(seconds=9)
    row = scene.vote(request_id, ALICE, reason="  The order is right. ")
    assert (row.state, row.decided_at, row.decided_by, row.decision_reason) == ("approved", scene.now, ALICE.key, "The order is right.")
    assert scene.row(request_id) == row
    assert row.settled_at is None
    assert scene.events(request_id) == ["request.hold", "request.approve"]
    assert scene.last(request_id) == {"choice": "approve", "own_agent": False, "reason": "The order is right.", "via": "cli"}


def test_two_of_two_settle_and_both_are_named(scene: Scene) -> None:
    """The first approval is a vote, the second the decision; the version tells every face that the row changed."""
    scene.policy = make_policy(quorum=2)
    request_id = scene.held()
    first = scene.vote(request_id, BOB)
    assert (first.state, first.version, first.decided_by) == ("pending", 2, None)
    second = scene.vote(request_id, ALICE)
    assert (second.state, second.version, second.decided_by) == ("approved", 3, "local:alice, local:bob")
    assert scene.votes(request_id) == {ALICE.key: "approve", BOB.key: "approve"}
    assert scene.events(request_id) == ["request.hold", "request.vote", "request.approve"]


def test_one_denial_denies_whatever_was_approved_before(scene: Scene) -> None:
    """And who approved may change their mind to no, while it waits."""
    scene.policy = make_policy(quorum=3)
    request_id = scene.held()
    scene.vote(request_id, ALICE)
    scene.vote(request_id, BOB)
    row = scene.vote(request_id, ALICE, Choice.DENY, reason="Wrong order.")
    assert (row.state, row.decided_by, row.decision_reason, row.settled_at) == ("denied", ALICE.key, "Wrong order.", NOW)
    assert scene.votes(request_id) == {ALICE.key: "deny", BOB.key: "approve"}
    assert scene.events(request_id) == ["request.hold", "request.vote", "request.vote", "request.deny"]


def test_nobody_approves_their_own_agents_call_and_the_attempt_is_told(scene: Scene) -> None:
    """Though its owner is in the group; a no of theirs counts."""
    request_id = scene.held()
    with pytest.raises(NotAllowed, match="You answer for this agent"):
        scene.vote(request_id, OLIVIA)
    assert scene.last(request_id)["code"] == "not_allowed"
    assert scene.vote(request_id, OLIVIA, Choice.DENY).state == "denied"


def test_an_own_agents_call_is_approved_where_the_group_says_so_and_told_as_such(scene: Scene) -> None:
    """`self_approval` is break-glass: the audit row says `own_agent`."""
    scene.declare(ApproverGroup("payments", PAYMENTS.members, self_approval=True))
    request_id = scene.held()
    assert scene.vote(request_id, OLIVIA).state == "approved"
    assert scene.last(request_id)["own_agent"] is True
    assert scene.claim(request_id) is not None


def test_a_reason_is_asked_for_where_the_policy_wants_one(scene: Scene) -> None:
    """`deny` wants one of who denies, `always` of everybody; spaces are none."""
    scene.policy = make_policy(approval={"approvers": "payments", "reason_required": "deny"})
    request_id = scene.held()
    with pytest.raises(ReasonRequired, match="a reason to deny"):
        scene.vote(request_id, ALICE, Choice.DENY, reason=" \n ")
    assert scene.vote(request_id, ALICE).state == "approved"
    scene.policy = make_policy(approval={"approvers": "payments", "reason_required": "always"})
    request_id = scene.held()
    with pytest.raises(ReasonRequired, match="a reason to approve"):
        scene.vote(request_id, ALICE)
    assert scene.vote(request_id, ALICE, reason="Checked.").state == "approved"


def test_a_reason_is_text_that_every_database_takes(scene: Scene) -> None:
    """NUL and halves of characters are not kept, and 2,000 characters are enough."""
    request_id = scene.held()
    with pytest.raises(BadReason):
        scene.vote(request_id, ALICE, reason="x" * 2001)
    with pytest.raises(BadReason):
        scene.cancel(request_id, ALICE, reason="x" * 2001)
    row = scene.vote(request_id, ALICE, Choice.DENY, reason="a\0b\ud800c \u202e")
    assert row.decision_reason == "ab?c \u202e"
    assert scene.last(request_id)["reason"] == "ab?c \u202e"


_REFUSED: dict[str, tuple[Callable[[Scene, str], object], type[AskfirstError], str]] = {
    "a stranger approves": (lambda scene, key: scene.vote(key, STRANGER), NotAllowed, "pending"),
    "a stranger denies": (lambda scene, key: scene.vote(key, STRANGER, Choice.DENY), NotAllowed, "pending"),
    "a stranger cancels": (lambda scene, key: scene.cancel(key, STRANGER), NotAllowed, "pending"),
    "the owner approves": (lambda scene, key: scene.vote(key, OLIVIA), NotAllowed, "pending"),
    "a second approval of one person": (lambda scene, key: (scene.vote(key, ALICE), scene.vote(key, ALICE)), NotAllowed, "pending"),
    "too long a reason": (lambda scene, key: scene.vote(key, ALICE, reason="x" * 2001), BadReason, "pending"),
    "too late to approve": (lambda scene, key: (scene.later(minutes=30), scene.vote(key, ALICE)), AlreadySettled, "pending"),
    "too late to deny": (lambda scene, key: (scene.later(minutes=30), scene.vote(key, ALICE, Choice.DENY)), AlreadySettled, "pending"),
    "after a denial": (lambda scene, key: (scene.vote(key, BOB, Choice.DENY), scene.vote(key, ALICE)), AlreadySettled, "denied"),
    "denied twice": (lambda scene, key: (scene.vote(key, BOB, Choice.DENY), scene.vote(key, BOB, Choice.DENY)), AlreadySettled, "denied"),
    "after a cancellation": (lambda scene, key: (scene.cancel(key, BOB), scene.vote(key, ALICE)), AlreadySettled, "cancelled"),
    "cancelled twice": (lambda scene, key: (scene.cancel(key, BOB), scene.cancel(key, BOB)), AlreadySettled, "cancelled"),
    "cancelled after a denial": (
        lambda scene, key: (scene.vote(key, BOB, Choice.DENY), scene.cancel(key, ALICE)),
        AlreadySettled,
        "denied",
    ),
}


@pytest.mark.parametrize(("attempt", "refusal", "state"), _REFUSED.values(), ids=_REFUSED)
def test_a_refused_step_changes_nothing_and_is_told(
    scene: Scene, attempt: Callable[[Scene, str], object], refusal: type[AskfirstError], state: str
) -> None:
    """The row and the votes stay as they were; the last audit row says who tried what, and why not."""
    scene.policy = make_policy(quorum=2)
    request_id = scene.held()
    with pytest.raises(refusal) as refused:
        attempt(scene, request_id)
    row, votes = scene.row(request_id), scene.votes(request_id)
    assert row.state == state
    told = scene.trail(request_id)[-1]
    assert told.event == "request.refused"
    detail = json.loads(told.detail)
    assert (detail["code"], detail["why"], detail["via"]) == (refusal.code, str(refused.value), "cli")
    assert detail["tried"] in {"approve", "deny", "cancel"}
    count = len(scene.events())
    with pytest.raises(AskfirstError):
        scene.vote(request_id, STRANGER)
    assert (scene.row(request_id), scene.votes(request_id)) == (row, votes)
    assert len(scene.events()) == count + 1


_SETTLED: dict[str, tuple[Callable[[Scene, str], object], str]] = {
    "releasing": (lambda scene, key: scene.claim(key), "is being released by local:alice at 2026-01-15 12:00:20 UTC"),
    "released": (lambda scene, key: (scene.claim(key), scene.finish(key)), "is already released by local:alice"),
    "failed": (lambda scene, key: (scene.claim(key), scene.finish(key, Outcome("not_sent", b"no"))), "is already failed by local:alice"),
    "lost": (lambda scene, key: (scene.claim(key), scene.finish(key, Outcome("unknown", b""))), "is already lost by local:alice"),
}


@pytest.mark.parametrize(("go", "sentence"), _SETTLED.values(), ids=_SETTLED)
def test_what_has_begun_to_run_is_neither_voted_on_nor_withdrawn(scene: Scene, go: Callable[[Scene, str], object], sentence: str) -> None:
    """The answer says by whom it was decided, and when."""
    request_id = scene.approved()
    go(scene, request_id)
    before = scene.row(request_id)
    attempts: list[Callable[[], object]] = [
        lambda: scene.vote(request_id, BOB),
        lambda: scene.vote(request_id, BOB, Choice.DENY),
        lambda: scene.cancel(request_id, BOB),
        lambda: scene.cancel(request_id, OLIVIA),
    ]
    for attempt in attempts:
        with pytest.raises(AlreadySettled, match=sentence):
            attempt()
    assert scene.row(request_id) == before


def test_an_approved_request_is_voted_on_no_more_and_can_be_withdrawn(scene: Scene) -> None:
    """Until it is claimed, an approver or the owner takes it back."""
    for person in (BOB, OLIVIA):
        request_id = scene.approved()
        with pytest.raises(AlreadySettled, match="already approved by local:alice"):
            scene.vote(request_id, CAROL, Choice.DENY)
        row = scene.cancel(request_id, person, reason="Not now.")
        assert (row.state, row.decided_by, row.decision_reason) == ("cancelled", person.key, "Not now.")
        assert scene.claim(request_id) is None


def test_what_is_not_there_is_not_found(scene: Scene) -> None:
    """A guessed id is no request, and leaves no row."""
    before = scene.events()
    attempts: list[Callable[[], object]] = [
        lambda: scene.vote("apr_0", ALICE),
        lambda: scene.cancel("apr_0", ALICE),
        lambda: scene.do(lifecycle.leave, "apr_0"),
        lambda: scene.do(lifecycle.expire, "apr_0"),
        lambda: scene.vote("apr_0\0", ALICE),
        lambda: scene.vote("apr_0\ud800", ALICE),
        lambda: scene.vote("apr_0" * 1000, ALICE),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound, match="no request apr_0"):
            attempt()
    assert scene.events() == before


def test_authority_is_read_at_the_click(scene: Scene) -> None:
    """Who left the group since the call was held has no vote, who came has one."""
    request_id = scene.held()
    scene.declare(ApproverGroup("payments", frozenset({CAROL.key})))
    with pytest.raises(NotAllowed, match="not in the approver group"):
        scene.vote(request_id, ALICE)
    assert scene.vote(request_id, CAROL).state == "approved"


def test_an_approval_of_somebody_who_left_does_not_count_towards_the_quorum(scene: Scene) -> None:
    """Two approvals are needed of people who have the right to give them today."""
    scene.policy = make_policy(quorum=2)
    request_id = scene.held()
    scene.vote(request_id, ALICE)
    scene.declare(ApproverGroup("payments", frozenset({BOB.key, CAROL.key})))
    assert scene.vote(request_id, BOB).state == "pending"
    row = scene.vote(request_id, CAROL)
    assert (row.state, row.decided_by) == ("approved", "local:bob, local:carol")


def test_a_group_that_is_gone_decides_nothing(scene: Scene) -> None:
    """Nobody approves, nobody denies; the owner can still withdraw."""
    request_id = scene.held()
    scene.declare(ApproverGroup("others", PAYMENTS.members))
    for choice in Choice:
        with pytest.raises(NotAllowed, match="does not exist"):
            scene.vote(request_id, ALICE, choice)
    with pytest.raises(NotAllowed):
        scene.cancel(request_id, ALICE)
    assert scene.cancel(request_id, OLIVIA).state == "cancelled"


def test_the_last_moment_before_the_end_still_counts(scene: Scene) -> None:
    """One microsecond before `expires_at` is in time, `expires_at` itself is not."""
    request_id = scene.held()
    scene.now = scene.row(request_id).expires_at - timedelta(microseconds=1)
    assert scene.vote(request_id, ALICE).state == "approved"
    assert scene.claim(request_id) is not None


def test_time_expires_what_waits_and_nothing_else(scene: Scene) -> None:
    """Pending and approved ones, once; not before, and not what runs or is settled."""
    pending, approved, running = scene.held(), scene.approved(), scene.approved()
    assert scene.claim(running) is not None
    scene.now = scene.row(running).expires_at - timedelta(microseconds=1)
    assert [scene.do(lifecycle.expire, key).state for key in (pending, approved, running)] == ["pending", "approved", "releasing"]
    scene.later(microseconds=1)
    assert [scene.do(lifecycle.expire, key).state for key in (pending, approved, running)] == ["expired", "expired", "releasing"]
    assert scene.last(approved) == {"was": "approved"}
    count = len(scene.events())
    assert scene.do(lifecycle.expire, pending).state == "expired"
    assert len(scene.events()) == count
    assert scene.row(pending).settled_at == scene.now


def test_an_abandoned_request_is_cancelled_after_the_grace(scene: Scene) -> None:
    """Pending or approved, not a moment before, and with a sentence for whoever looks."""
    for request_id in (scene.held(), scene.approved()):
        scene.do(lifecycle.leave, request_id)
        scene.later(seconds=59, milliseconds=999)
        assert scene.do(lifecycle.abandon, request_id).state in {"pending", "approved"}
        scene.later(milliseconds=1)
        row = scene.do(lifecycle.abandon, request_id)
        assert (row.state, row.settled_at) == (State.CANCELLED, scene.now)
        assert row.decision_reason == "The agent broke off while it waited and did not come back."
        assert scene.events(request_id)[-1] == "request.cancel"


def test_nobody_who_waits_or_runs_is_abandoned(scene: Scene) -> None:
    """An attended request, one with a handle, one that is being released."""
    attended, handed, running = scene.held(), scene.held(), scene.approved()
    scene.do(lifecycle.hand_off, handed)
    scene.claim(running)
    scene.later(minutes=5)
    assert [scene.do(lifecycle.abandon, key).state for key in (attended, handed, running)] == ["pending", "pending", "releasing"]


def test_after_a_restart_an_orphan_has_the_grace_to_be_attached(scene: Scene) -> None:
    """Nobody's stream is open any more; a request with a handle is no orphan."""
    alone, handed = scene.held(), scene.held()
    scene.do(lifecycle.hand_off, handed)
    scene.later(minutes=1)
    assert scene.do(lifecycle.orphan, alone).unattended_at == scene.now
    assert scene.do(lifecycle.orphan, handed).unattended_at is None


def test_people_are_reminded_as_often_as_the_rule_says(scene: Scene) -> None:
    """Not before, not twice, not without a rule, not when settled, not when overdue."""
    silent = scene.held()
    scene.policy = make_policy(approval={"approvers": "payments", "expires_in": "30m", "remind_every": "10m"})
    request_id, settled = scene.held(), scene.approved()
    told = []
    for _ in range(5):
        scene.later(minutes=5)
        for key in (silent, request_id, settled, request_id):
            scene.do(lifecycle.remind, key)
        told.append(scene.events(request_id).count("request.remind"))
    assert told == [0, 1, 1, 2, 2]
    scene.later(minutes=5)
    scene.do(lifecycle.remind, request_id)
    assert scene.events().count("request.remind") == 2
    assert scene.row(request_id).reminded_at == NOW + timedelta(minutes=20)
