"""The one execution of an approved call: what it takes to be claimed, what voids an approval, and who may say how it ended."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import Session, select

from tests.factories import ALICE, BOB, CAROL, DEFINITION, NOW, OLIVIA, PAYMENTS, Scene, make_call, make_grant, make_policy
from workflows import definitions, grants, lifecycle
from workflows.calls import JSON
from workflows.lifecycle import Choice, Fresh, Outcome
from workflows.people import ApproverGroup
from workflows.policy import KnownTool, evaluate
from workflows.states import State
from workflows.tables import Counter, ToolDefinition


def test_an_approved_request_is_claimed_once(scene: Scene) -> None:
    """The row names the instance and the time; whoever comes second gets nothing, and changes nothing."""
    request_id = scene.approved()
    scene.later(seconds=1)
    row = scene.claim(request_id)
    assert row is not None
    assert (row.state, row.claimed_by, row.claimed_at) == ("releasing", "in_here", scene.now)
    before = (scene.row(request_id), scene.events())
    assert scene.claim(request_id) is None
    assert scene.claim(request_id, instance="in_there") is None
    assert (scene.row(request_id), scene.events()) == before
    assert scene.last(request_id) == {"instance": "in_here", "policy_sha256": scene.policy.sha256, "definition": DEFINITION}


_UNCLAIMABLE: dict[str, Callable[[Scene], str]] = {
    "pending": lambda scene: scene.held(),
    "denied": lambda scene: scene.vote(scene.held(), ALICE, Choice.DENY).id,
    "cancelled": lambda scene: scene.cancel(scene.approved(), ALICE).id,
    "released": lambda scene: _ended(scene, Outcome("result", b"{}")),
    "failed": lambda scene: _ended(scene, Outcome("not_sent", b"")),
    "lost": lambda scene: _ended(scene, Outcome("unknown", b"")),
}


def _ended(scene: Scene, outcome: Outcome) -> str:
    request_id = scene.approved()
    scene.claim(request_id)
    return scene.finish(request_id, outcome).id


@pytest.mark.parametrize(("state", "made"), _UNCLAIMABLE.items(), ids=_UNCLAIMABLE)
def test_nothing_but_an_approved_request_is_claimed(scene: Scene, state: str, made: Callable[[Scene], str]) -> None:
    """What waits, was refused, withdrawn, or ran already - however it ended - never runs."""
    request_id = made(scene)
    before = (scene.row(request_id), scene.events())
    assert before[0].state == state
    assert scene.claim(request_id) is None
    assert (scene.row(request_id), scene.events()) == before


def test_an_approval_ends_with_its_time_though_no_sweep_came_by(scene: Scene) -> None:
    """Expiry is judged inside the claim."""
    request_id = scene.approved()
    scene.now = scene.row(request_id).expires_at
    assert scene.claim(request_id) is None
    assert scene.state(request_id) is State.APPROVED
    scene.now -= timedelta(microseconds=1)
    assert scene.claim(request_id) is not None


def test_what_nobody_waits_for_is_not_claimed_until_its_agent_is_back(scene: Scene) -> None:
    """Approved but unattended never runs silently."""
    call = make_call()
    request_id = scene.held(call=call)
    scene.do(lifecycle.leave, request_id)
    scene.vote(request_id, ALICE)
    assert scene.claim(request_id) is None
    assert scene.state(request_id) is State.APPROVED
    assert scene.hold(call).joined
    assert scene.claim(request_id) is not None


_VOIDS: dict[str, tuple[Callable[[Scene, Fresh], Fresh | None], str]] = {
    "the definition changed": (lambda _, fresh: replace(fresh, definition="e" * 64), "definition of the tool changed"),
    "the tool is gone": (lambda _, fresh: replace(fresh, definition=None), "definition of the tool changed"),
    "the policy denies": (
        lambda _, fresh: replace(fresh, verdict=evaluate(make_policy(), make_call({"amount": 200_000}))),
        "The policy denies this call now: Large refunds are made by people.",
    ),
    "there is no policy any more": (
        lambda _, fresh: replace(fresh, verdict=evaluate(None, make_call())),
        "The policy denies this call now",
    ),
    "the policy asks for more people": (
        lambda _, fresh: replace(fresh, verdict=evaluate(make_policy(quorum=2), make_call())),
        "asks for another approval",
    ),
    "the policy asks for other people": (
        lambda _, fresh: replace(fresh, verdict=evaluate(make_policy(approval={"approvers": "board"}), make_call())),
        "asks for another approval",
    ),
    "the grant was revoked": (lambda scene, _: _declare(scene, grants_=[]), "grant was revoked"),
    "the grant has another owner": (lambda scene, _: _declare(scene, grants_=[make_grant(owner=BOB.key)]), "grant was changed"),
    "the grant is for another server": (lambda scene, _: _declare(scene, grants_=[make_grant(server="other")]), "grant was changed"),
    "who approved left the group": (
        lambda scene, _: _declare(scene, ApproverGroup("payments", frozenset({BOB.key, CAROL.key}))),
        "no longer has the right",
    ),
    "the group is gone": (lambda scene, _: _declare(scene, ApproverGroup("others", PAYMENTS.members)), "no longer has the right"),
}


def _declare(scene: Scene, *groups: ApproverGroup, **options: object) -> None:
    scene.declare(*groups, **options)  # type: ignore[arg-type]  # only `grants_` is passed on


@pytest.mark.parametrize(("change", "why"), _VOIDS.values(), ids=_VOIDS)
def test_what_changed_for_the_worse_since_the_votes_voids_the_approval(
    scene: Scene, change: Callable[[Scene, Fresh], Fresh | None], why: str
) -> None:
    """The request is cancelled, says why, and cannot be claimed after the change was undone either."""
    request_id = scene.approved()
    fresh = scene.fresh(request_id)
    assert scene.claim(request_id, fresh=change(scene, fresh) or fresh) is None
    row = scene.row(request_id)
    assert (row.state, row.decided_by, row.settled_at) == ("cancelled", "askfirst", NOW)
    assert why in (row.decision_reason or "")
    assert scene.events(request_id)[-1] == "request.cancel"
    assert why in scene.last(request_id)["why"]
    scene.declare()
    assert scene.claim(request_id) is None


_STILL_GOOD: dict[str, Callable[[Scene, Fresh], Fresh | None]] = {
    "the policy allows it now": lambda _, fresh: replace(fresh, verdict=evaluate(make_policy(), make_call({}, tool="list_customers"))),
    "the group grew": lambda scene, _: _declare(scene, ApproverGroup("payments", PAYMENTS.members | {"local:dora"})),
    "somebody else left the group": lambda scene, _: _declare(scene, ApproverGroup("payments", frozenset({ALICE.key}))),
    "the token was rotated": lambda scene, _: _declare(scene, grants_=[make_grant(token_sha256=grants.token_hash("new"))]),
    "the policy gives less time": lambda _, fresh: replace(
        fresh, verdict=evaluate(make_policy(approval={"approvers": "payments", "expires_in": "1m"}), make_call())
    ),
}


@pytest.mark.parametrize("change", _STILL_GOOD.values(), ids=_STILL_GOOD)
def test_what_changed_for_the_better_voids_nothing(scene: Scene, change: Callable[[Scene, Fresh], Fresh | None]) -> None:
    """An approval is good for what it was given for."""
    request_id = scene.approved()
    fresh = scene.fresh(request_id)
    assert scene.claim(request_id, fresh=change(scene, fresh) or fresh) is not None


def test_a_policy_that_asks_for_fewer_people_voids_nothing(scene: Scene) -> None:
    """Two approved where one would do today."""
    scene.policy = make_policy(quorum=2)
    request_id = scene.approved()
    scene.policy = make_policy(quorum=1)
    assert scene.claim(request_id) is not None


def test_a_request_that_was_held_without_a_definition_is_void_when_there_is_one(scene: Scene) -> None:
    """What people approved was not this tool; a tool that is still unknown may run."""
    unknown, known = scene.approved(definition=None), scene.approved(definition=None)
    assert scene.claim(unknown, fresh=scene.fresh(unknown, definition=None)) is not None
    assert scene.claim(known) is None
    assert scene.state(known) is State.CANCELLED


_ENDS: dict[str, tuple[Outcome, str, str]] = {
    "a result": (Outcome("result", b'{"content":[]}'), "released", "request.finish"),
    "a result that is an error": (Outcome("result", b'{"isError":true}', is_error=True), "released", "request.finish"),
    "an error object": (Outcome("error", b'{"code":-32602}'), "failed", "request.fail"),
    "not sent": (Outcome("not_sent", b"No connection."), "failed", "request.fail"),
    "unknown": (Outcome("unknown", b""), "lost", "request.lose"),
}


@pytest.mark.parametrize(("outcome", "state", "event"), _ENDS.values(), ids=_ENDS)
def test_what_came_of_a_release_is_stored_as_it_came(scene: Scene, outcome: Outcome, state: str, event: str) -> None:
    """Byte for byte; the audit tells its kind and size, not its content."""
    request_id = scene.approved()
    scene.claim(request_id)
    scene.later(seconds=2.5)
    row = scene.finish(request_id, outcome)
    assert scene.row(request_id) == row
    assert (row.state, row.settled_at) == (state, scene.now)
    assert (row.outcome_kind, row.outcome, row.outcome_is_error) == (outcome.kind, outcome.body, outcome.is_error)
    assert scene.events(request_id)[-1] == event
    assert scene.last(request_id) == {"outcome": outcome.kind, "is_error": outcome.is_error, "bytes": len(outcome.body), "seconds": 2.5}


def test_only_the_claimant_says_how_it_ended_and_only_once(scene: Scene) -> None:
    """Another instance's word, and a second word, change nothing."""
    request_id = scene.approved()
    assert scene.finish(request_id).state == "approved"
    scene.claim(request_id)
    before = (scene.row(request_id), scene.events())
    assert scene.finish(request_id, instance="in_there").state == "releasing"
    assert (scene.row(request_id), scene.events()) == before
    scene.finish(request_id, Outcome("result", b"1"))
    before = (scene.row(request_id), scene.events())
    assert scene.finish(request_id, Outcome("result", b"2")).outcome == b"1"
    assert (scene.row(request_id), scene.events()) == before


def test_a_dead_claimants_request_is_lost_and_never_claimed_again(scene: Scene) -> None:
    """It may have run: people are shown that, and a late answer of the dead changes nothing."""
    request_id = scene.approved()
    scene.claim(request_id, instance="in_dead")
    row = scene.do(lifecycle.reap, request_id, instance="in_here", running=frozenset())
    assert (row.state, row.outcome_kind, row.settled_at) == ("lost", "unknown", NOW)
    assert scene.last(request_id) == {"claimed_by": "in_dead", "why": "its claimant is gone"}
    assert scene.claim(request_id) is None
    assert scene.finish(request_id, instance="in_dead").state == "lost"
    count = len(scene.events())
    assert scene.do(lifecycle.reap, request_id, instance="in_here", running=frozenset()).state == "lost"
    assert len(scene.events()) == count


def test_what_this_process_is_running_is_not_reaped(scene: Scene) -> None:
    """Unless its task is gone: then nobody will ever finish it."""
    request_id, waiting = scene.approved(), scene.approved()
    scene.claim(request_id)
    reap = partial(scene.do, lifecycle.reap, instance="in_here")
    assert reap(request_id, running=frozenset({request_id})).state == "releasing"
    assert reap(waiting, running=frozenset()).state == "approved"
    assert reap(request_id, running=frozenset()).state == "lost"


def test_the_trail_of_one_life_is_whole(scene: Scene) -> None:
    """Who, what, which request, when: from the holding to the collecting."""
    request_id = scene.approved()
    scene.claim(request_id)
    scene.finish(request_id)
    scene.do(lifecycle.collect, request_id)
    rows = scene.trail(request_id)
    assert [row.event for row in rows] == ["request.hold", "request.approve", "request.claim", "request.finish", "request.collect"]
    assert [row.actor for row in rows] == ["agent:support-agent", ALICE.key, "askfirst", "askfirst", "agent:support-agent"]
    assert {(row.agent, row.server, row.tool) for row in rows} == {("support-agent", "payments", "create_refund")}
    assert all(json.loads(row.detail) is not None for row in rows)


def test_a_self_approval_that_was_switched_off_again_is_void(scene: Scene) -> None:
    """The owner's right is read again at the claim, too."""
    scene.declare(ApproverGroup("payments", PAYMENTS.members, self_approval=True))
    request_id = scene.held()
    scene.vote(request_id, OLIVIA)
    scene.declare(PAYMENTS)
    assert scene.claim(request_id) is None
    assert scene.state(request_id) is State.CANCELLED


def test_an_approval_is_void_when_the_tool_is_another_one_by_now(scene: Scene) -> None:
    """By the digest of its definition; where either is not known nothing is said of it."""
    tool = KnownTool("Write", "Medium", sha256="b" * 64)
    request_id = scene.approved(tool=tool)
    assert scene.claim(request_id, fresh=scene.fresh(request_id, tool=replace(tool, sha256="c" * 64))) is None
    assert scene.row(request_id).decision_reason == "The definition of the tool changed after the call was held."
    for known, now in ((tool, tool), (tool, None), (None, tool), (replace(tool, sha256=""), tool)):
        request_id = scene.approved(tool=known)
        assert scene.claim(request_id, fresh=scene.fresh(request_id, tool=now)) is not None


def test_an_approval_is_void_when_a_limit_would_never_let_it_through(scene: Scene) -> None:
    """The policy was edited, and more than fits in a window is asked for: to wait for the next one does not help."""
    spend: dict[str, JSON] = {"counter": "spend", "window": "hour", "max": 100, "increment_from": "args.amount"}
    scene.policy = make_policy(refund={"limits": [spend]})
    request_id = scene.approved(call=make_call({"amount": 80.5}))
    scene.policy = make_policy(refund={"limits": [{**spend, "max": 80}]})
    assert scene.claim(request_id) is None
    assert "args.amount is more than ever fits in the limit of 80 an hour (spend)" in (scene.row(request_id).decision_reason or "")


def test_a_release_uses_the_amount_that_its_arguments_name(scene: Scene) -> None:
    """Of the stored ones, and a failure gives exactly that back."""
    scene.policy = make_policy(refund={"limits": [{"counter": "spend", "window": "hour", "max": 100, "increment_from": "args.amount"}]})
    first, second = (scene.approved(call=make_call({"amount": amount})) for amount in (80.5, 19.5))
    third = scene.approved(call=make_call({"amount": "80"}))
    assert [scene.claim(request_id) is not None for request_id in (first, second, third)] == [True, True, False]
    scene.later(hours=1)
    scene.finish(first, Outcome("not_sent", b""))
    rows = scene.database.read(lambda session: session.exec(select(Counter)).all())
    assert [row.used for row in rows] == [19_500_000]


def _listed(scene: Scene, *descriptions: str) -> KnownTool:
    """Let the server list the tool under these descriptions, one after the other, and give what is known of it in the end."""
    known = definitions.Definitions()
    for description in descriptions:
        tool: dict[str, JSON] = {"name": "create_refund", "description": description, "inputSchema": {"type": "object"}}
        scene.database.write(partial(lifecycle.observe, server="payments", found=definitions.listed([tool]), now=scene.now))
    known.load(scene.database.read(definitions.rows))
    found = known.known("payments", "create_refund")
    assert found is not None
    return found


def test_a_claim_accepts_the_definition_that_people_saw_change(scene: Scene) -> None:
    """In its own transaction, in the name of those who approved; a call that is only approved accepts nothing."""
    tool = _listed(scene, "Refunds.", "Refunds more.")
    assert tool.changed
    request_id = scene.approved(tool=tool)
    [before] = scene.database.read(definitions.rows)
    assert before.changed_sha256 == tool.sha256
    assert scene.claim(request_id, fresh=scene.fresh(request_id, tool=tool)) is not None
    [row] = scene.database.read(definitions.rows)
    assert (row.sha256, row.changed_sha256, row.accepted_by) == (tool.sha256, None, ALICE.key)
    assert scene.events()[-2:] == ["tool.accept", "request.claim"]


def test_a_claim_that_waits_for_its_limit_accepts_nothing_yet(scene: Scene) -> None:
    """What was not run is not taken for trusted either."""
    scene.policy = make_policy(refund={"limits": [{"counter": "n", "window": "hour", "max": 1, "scope": "grant"}]})
    tool = _listed(scene, "Refunds.", "Refunds more.")
    assert scene.claim(scene.approved()) is not None
    request_id = scene.approved(tool=tool)
    assert scene.claim(request_id, fresh=scene.fresh(request_id, tool=tool)) is None
    [row] = scene.database.read(definitions.rows)
    assert row.changed_sha256 == tool.sha256
    assert scene.state(request_id) is State.APPROVED


def test_a_claim_of_a_definition_that_changed_again_is_void_and_uses_nothing(scene: Scene) -> None:
    """Another process saw it between the look and the claim: what is written down decides."""
    scene.policy = make_policy(refund={"limits": [{"counter": "n", "window": "hour", "max": 9, "scope": "grant"}]})
    tool = _listed(scene, "Refunds.", "Refunds more.")
    request_id = scene.approved(tool=tool)
    scene.database.write(partial(_mark, sha256="f" * 64))
    assert scene.claim(request_id, fresh=scene.fresh(request_id, tool=tool)) is None
    assert (scene.state(request_id), scene.row(request_id).charged) == (State.CANCELLED, None)
    rows = scene.database.read(lambda session: session.exec(select(Counter)).all())
    assert [row.used for row in rows] == [0]


def _mark(session: Session, *, sha256: str) -> None:
    session.exec(select(ToolDefinition)).one().changed_sha256 = sha256
