"""How a held call enters, is joined, left, come back to and collected."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from tests.factories import ALICE, BOB, DEFINITION, NOW, OLIVIA, Scene, make_call, make_grant, make_policy
from workflows import grants, lifecycle
from workflows.calls import ToolCall, fingerprint
from workflows.errors import NotAllowed, TooManyPending, Unmanned
from workflows.lifecycle import Choice, Held
from workflows.people import ApproverGroup
from workflows.policy import KnownTool, Policy
from workflows.redaction import Redaction
from workflows.states import State
from workflows.tables import ApprovalRequest


def test_a_held_call_is_written_down_whole(scene: Scene) -> None:
    """The bytes that the agent sent, whom it asks, until when, under which rule of which policy, bound to one fingerprint."""
    scene.policy = make_policy(
        quorum=2,
        approval={"approvers": "payments", "expires_in": "20m", "remind_every": "5m", "channel": "#approvals", "reason_required": "deny"},
    )
    call = make_call({"amount": 50}, raw=b'{ "amount" : 5e1 }')
    held = scene.hold(call)
    row = scene.row(held.request.id)
    assert not held.joined
    assert (row.state, row.version, row.agent, row.owner) == ("pending", 1, "support-agent", OLIVIA.key)
    assert (row.server, row.tool, row.arguments) == ("payments", "create_refund", b'{ "amount" : 5e1 }')
    assert (row.fingerprint, row.definition) == (fingerprint(call, DEFINITION), DEFINITION)
    assert (row.policy, row.policy_sha256, row.reason) == ("payments", scene.policy.sha256, "A refund")
    assert "create_refund" in row.rule
    assert (row.approvers, row.quorum, row.channel, row.remind_every, row.reason_required) == ("payments", 2, "#approvals", 300, "deny")
    assert (row.held_at, row.expires_at) == (NOW, NOW + timedelta(minutes=20))
    assert row.id.startswith("apr_")
    assert not row.handed_off
    assert row.unattended_at is None
    assert scene.events(row.id) == ["request.hold"]
    told = scene.last(row.id)
    assert told["argument_keys"] == ["amount"]
    assert told["fingerprint"] == row.fingerprint
    assert scene.trail(row.id)[0].actor == "agent:support-agent"


def test_the_audit_holds_argument_values_only_where_the_policy_says_so_and_then_redacted(scene: Scene) -> None:
    """By default the keys; with `"audit": "redacted"` the values, without the secrets."""
    call = make_call({"amount": 77123, "password": "hunter2"})
    scene.hold(call)
    assert "77123" not in json.dumps(scene.last())
    scene.policy = make_policy(audit="redacted")
    scene.hold(make_call({"amount": 77124, "password": "hunter2"}))
    assert scene.last()["arguments"]["amount"] == 77124
    assert all("hunter2" not in row.detail for row in scene.trail())


def test_the_audit_hides_what_the_policy_wants_hidden(scene: Scene) -> None:
    """By path and by pattern, and the request keeps what is to be hidden for whoever shows it."""
    scene.policy = make_policy(audit="redacted", redact={"paths": ["args.customer.email"], "patterns": ["IBAN [A-Z0-9]+"]})
    held = scene.hold(make_call({"amount": 77124, "customer": {"email": "zoe@example.com", "id": 4}, "note": "to IBAN DE77, soon"}))
    told = scene.last()["arguments"]
    assert (told["amount"], told["customer"]["id"]) == (77124, 4)
    assert "zoe" not in json.dumps(told)
    assert "DE77" not in json.dumps(told)
    assert Redaction.read(held.request.redaction) == scene.policy.shape.redaction
    scene.policy = make_policy(redact={"patterns": ["IBAN [A-Z0-9]+"]})
    scene.hold(make_call({"to IBAN DE77": 1}))
    assert "DE77" not in json.dumps(scene.last())


def test_a_held_call_keeps_what_is_known_of_its_tool(scene: Scene) -> None:
    """What people are shown: category, risk, signals, the digest of its definition, how that changed; nothing where it is unknown."""
    tool = KnownTool("Financial", "Critical", ("Moves money", "Accepts URL/endpoint input (url)"), sha256="b" * 64, changed="-a\n+b")
    row = scene.row(scene.held(tool=tool))
    assert (row.category, row.risk, json.loads(row.signals or "")) == ("Financial", "Critical", list(tool.signals))
    assert (row.tool_sha256, row.difference) == ("b" * 64, "-a\n+b")
    row = scene.row(scene.held())
    assert (row.category, row.risk, row.signals, row.tool_sha256, row.difference, row.redaction) == (None,) * 6
    assert scene.row(scene.held(tool=replace(tool, sha256="", changed=""))).difference is None


def test_a_repeat_of_a_call_of_a_tool_that_changed_asks_anew(scene: Scene) -> None:
    """By the digest of what is known of it, where both are known."""
    call = make_call()
    tool = KnownTool("Write", "Medium", sha256="b" * 64)
    first = scene.held(call=call, tool=tool)
    assert scene.hold(call, tool=tool).joined
    assert scene.hold(call).joined
    anew = scene.hold(call, tool=replace(tool, sha256="c" * 64))
    assert (anew.joined, scene.state(first)) == (False, State.CANCELLED)


def test_a_repeat_joins_what_waits_for_no_longer_than_the_policy_says(scene: Scene) -> None:
    """After that the one that waits is withdrawn, and people are asked anew; one that was approved is joined as ever."""
    scene.policy = _deduping(minutes=10)
    call = make_call()
    first = scene.held(call=call)
    scene.later(minutes=10)
    assert scene.hold(call).joined
    scene.later(seconds=1)
    second = scene.hold(call)
    assert (second.joined, second.request.previous_id) == (False, first)
    assert scene.state(first) is State.CANCELLED
    assert "longer than the policy lets a repeat" in (scene.row(first).decision_reason or "")
    assert scene.events(first) == ["request.hold", "request.join", "request.cancel"]
    scene.vote(second.request.id, ALICE)
    scene.later(minutes=19)
    assert scene.hold(call).request.id == second.request.id


def _deduping(**window: float) -> Policy:
    policy = make_policy()
    [entry] = [entry for entry in policy.shape.entries if entry.require_approval]
    asking = tuple(replace(rule, hold=replace(rule.hold, dedupe=timedelta(**window))) for rule in entry.require_approval if rule.hold)
    entries = tuple(replace(each, require_approval=asking) if each is entry else each for each in policy.shape.entries)
    return replace(policy, shape=replace(policy.shape, entries=entries))


def test_an_identical_call_joins_the_one_that_waits(scene: Scene) -> None:
    """Whatever its spelling; a call that differs or is another agent's does not, and another definition of the tool asks anew."""
    scene.declare(grants_=[make_grant(), make_grant("other-agent")])
    first = scene.hold(make_call({"amount": 50, "to": "A"}))
    again = scene.hold(make_call({"to": "A", "amount": 50}, raw=b'{"to" :"\\u0041", "amount": 50 }'))
    assert (again.joined, again.request.id) == (True, first.request.id)
    assert again.request.arguments == first.request.arguments
    assert not scene.hold(make_call({"amount": 51, "to": "A"})).joined
    assert not scene.hold(make_call({"amount": 50, "to": "A"}), label="other-agent").joined
    anew = scene.hold(make_call({"amount": 50, "to": "A"}), definition="e" * 64)
    assert (anew.joined, anew.request.previous_id) == (False, first.request.id)
    assert scene.events(first.request.id) == ["request.hold", "request.join", "request.cancel"]


@pytest.mark.parametrize("state", ["approved", "releasing"])
def test_an_identical_call_joins_one_that_is_alive(scene: Scene, state: str) -> None:
    """Approved and releasing requests are alive too: a second one would run twice."""
    call = make_call()
    request_id = scene.approved(call=call)
    if state == "releasing":
        assert scene.claim(request_id) is not None
    again = scene.hold(call)
    assert (again.joined, again.request.id, again.request.state) == (True, request_id, state)


def test_an_outcome_is_collected_once_and_then_the_call_is_a_new_one(scene: Scene) -> None:
    """T34: the repeat of a released call gets the stored outcome; the one after that asks again, and knows the one before."""
    call = make_call()
    request_id = scene.approved(call=call)
    scene.claim(request_id)
    scene.finish(request_id)
    repeat = scene.hold(call)
    assert (repeat.joined, repeat.request.id, repeat.request.outcome) == (True, request_id, b'{"content":[]}')
    scene.do(lifecycle.collect, request_id)
    scene.later(seconds=1)
    new = scene.hold(call)
    assert not new.joined
    assert new.request.id != request_id
    assert new.request.previous_id == request_id
    assert scene.events(request_id)[-1] == "request.collect"


def test_a_fresh_denial_answers_the_repeat_and_an_old_one_does_not(scene: Scene) -> None:
    """For ten minutes the no stands, also after it was collected; then people are asked again."""
    call = make_call()
    request_id = scene.held(call=call)
    scene.vote(request_id, ALICE, Choice.DENY, reason="No.")
    scene.do(lifecycle.collect, request_id)
    scene.later(minutes=9)
    repeat = scene.hold(call)
    assert (repeat.joined, repeat.request.id, repeat.request.decision_reason) == (True, request_id, "No.")
    scene.later(minutes=1)
    assert not scene.hold(call).joined


def test_an_outcome_that_nobody_collected_is_kept_for_a_day(scene: Scene) -> None:
    """After that the identical call is a new one."""
    call = make_call()
    request_id = scene.held(call=call)
    scene.cancel(request_id, ALICE)
    scene.later(hours=23)
    assert scene.hold(call).joined
    scene.later(hours=1)
    assert not scene.hold(call).joined


def test_what_its_agent_abandoned_is_not_joined(scene: Scene) -> None:
    """An agent that left and comes back after the grace asks anew."""
    call = make_call()
    request_id = scene.held(call=call)
    scene.do(lifecycle.leave, request_id)
    scene.later(seconds=60)
    assert scene.do(lifecycle.abandon, request_id).state == State.CANCELLED
    assert not scene.hold(call).joined


@pytest.mark.parametrize("state", ["pending", "approved"])
def test_a_repeat_after_the_time_ran_out_finds_it_expired_though_no_sweep_came_by(scene: Scene, state: str) -> None:
    """The first repeat is told so, the next one is a new call."""
    call = make_call()
    request_id = scene.approved(call=call) if state == "approved" else scene.held(call=call)
    scene.later(minutes=30)
    told = scene.hold(call)
    assert (told.joined, told.request.id, told.request.state) == (True, request_id, "expired")
    scene.do(lifecycle.collect, request_id)
    assert not scene.hold(call).joined


def test_a_clock_that_was_set_back_hides_no_living_request(scene: Scene) -> None:
    """The one that is alive is joined, though one that was settled claims to be younger."""
    call = make_call()
    settled = scene.held(call=call)
    scene.vote(settled, ALICE, Choice.DENY)
    scene.do(lifecycle.collect, settled)
    scene.later(minutes=20)
    living = scene.held(call=call)

    def set_back(session: Session) -> None:
        row = session.get_one(ApprovalRequest, living)
        row.held_at = NOW - timedelta(days=1)

    scene.database.write(set_back)
    assert scene.hold(call).request.id == living


_UNMANNED: dict[str, tuple[ApproverGroup, ...]] = {
    "missing": (ApproverGroup("others", frozenset({ALICE.key})),),
    "empty": (ApproverGroup("payments", frozenset()),),
    "only the owner": (ApproverGroup("payments", frozenset({OLIVIA.key})),),
    "too small": (ApproverGroup("payments", frozenset({OLIVIA.key, ALICE.key})),),
}


@pytest.mark.parametrize("groups", _UNMANNED.values(), ids=_UNMANNED)
def test_a_call_that_nobody_could_approve_is_not_held(scene: Scene, groups: tuple[ApproverGroup, ...]) -> None:
    """Nothing is written, so nobody waits for people who are not there."""
    scene.declare(*groups)
    scene.policy = make_policy(quorum=2)
    before = scene.events()
    with pytest.raises(Unmanned, match="needs approval, and"):
        scene.hold()
    assert scene.events() == before


def test_an_agent_cannot_flood_people(scene: Scene) -> None:
    """T15: so many calls may wait, then the next is refused; joining one that waits is not one more; what settled makes room."""
    calls = [make_call() for _ in range(3)]
    ids = [scene.hold(call, max_pending=3).request.id for call in calls]
    with pytest.raises(TooManyPending):
        scene.hold(max_pending=3)
    assert scene.hold(calls[0], max_pending=3).joined
    scene.cancel(ids[0], ALICE)
    assert not scene.hold(max_pending=3).joined


def test_a_grant_that_was_revoked_holds_nothing(scene: Scene) -> None:
    """Though the gateway still had it in memory."""
    seen = scene.grant()
    scene.declare(grants_=[])
    assert seen.revoked_at is None
    with pytest.raises(NotAllowed, match="revoked"):
        scene.hold()


def test_a_call_that_the_policy_does_not_hold_is_not_held(scene: Scene) -> None:
    """No verb takes the gateway's word for it."""
    with pytest.raises(NotAllowed, match="does not hold"):
        scene.hold(make_call(tool="list_customers"))


def test_identical_calls_at_the_same_moment_become_one_request(scene: Scene) -> None:
    """Eight threads, one of them writes the row and seven join it."""
    for _ in range(5):
        call = make_call()
        start = threading.Barrier(8)

        def ask(start: threading.Barrier = start, call: ToolCall = call) -> Held:
            start.wait()
            return scene.hold(call)

        with ThreadPoolExecutor(8) as threads:
            held = [future.result() for future in [threads.submit(ask) for _ in range(8)]]
        assert len({one.request.id for one in held}) == 1
        assert sorted(one.joined for one in held) == [False] + [True] * 7


def test_an_agent_that_floods_from_many_connections_is_bounded_too(scene: Scene) -> None:
    """Eight different calls at the same moment where three may wait: three are held."""
    start = threading.Barrier(8)

    def ask(call: ToolCall) -> bool:
        start.wait()
        try:
            scene.hold(call, max_pending=3)
        except TooManyPending:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, [make_call() for _ in range(8)])) == 3


def test_an_agent_that_leaves_and_comes_back_in_time_waits_again(scene: Scene) -> None:
    """Unattended on the card, then attached by the identical call."""
    call = make_call()
    request_id = scene.held(call=call)
    scene.later(seconds=5)
    assert scene.do(lifecycle.leave, request_id).unattended_at == scene.now
    scene.later(seconds=59)
    again = scene.hold(call)
    assert (again.joined, again.request.id, again.request.unattended_at) == (True, request_id, None)
    scene.later(hours=1)
    assert scene.events(request_id) == ["request.hold", "request.leave", "request.attach"]


def test_an_agent_with_a_handle_has_left_in_good_order(scene: Scene) -> None:
    """Its going marks nothing, and its approved call runs without it."""
    request_id = scene.held()
    scene.do(lifecycle.hand_off, request_id)
    row = scene.do(lifecycle.leave, request_id)
    assert row.handed_off
    assert row.unattended_at is None
    scene.vote(request_id, ALICE)
    assert scene.claim(request_id) is not None
    assert scene.events(request_id) == ["request.hold", "request.hand_off", "request.approve", "request.claim"]


def test_a_handle_that_could_not_be_told_is_taken_back(scene: Scene) -> None:
    """The agent broke off in the moment between the row and the telling: nobody holds the handle."""
    request_id = scene.held()
    scene.do(lifecycle.hand_off, request_id)
    row = scene.do(lifecycle.leave, request_id, take_back_handle=True)
    assert not row.handed_off
    assert row.unattended_at == scene.now


def test_each_of_these_verbs_does_its_thing_once(scene: Scene) -> None:
    """A second leave, attach, hand-off or collect changes no row and writes no audit row."""
    request_id = scene.held()
    for verb in (lifecycle.leave, lifecycle.attach, lifecycle.hand_off):
        scene.do(verb, request_id)
        before = (scene.row(request_id), scene.events())
        scene.later(seconds=1)
        scene.do(verb, request_id)
        assert (scene.row(request_id), scene.events()) == before
    scene.do(lifecycle.collect, request_id)
    assert scene.row(request_id).collected_at is None
    scene.cancel(request_id, BOB)
    collected = scene.do(lifecycle.collect, request_id).collected_at
    scene.later(seconds=1)
    assert scene.do(lifecycle.collect, request_id).collected_at == collected
    for verb in (lifecycle.leave, lifecycle.attach, lifecycle.hand_off):
        before = (scene.row(request_id), scene.events())
        scene.do(verb, request_id)
        assert (scene.row(request_id), scene.events()) == before


def test_a_token_that_was_rotated_keeps_what_its_agent_has_waiting(scene: Scene) -> None:
    """The grant is the agent, not its token."""
    scene.database.write(
        lambda session: grants.create(
            session, label="made", server="payments", policy="payments", owner=OLIVIA.key, budget=None, actor="cli", now=NOW
        )
    )
    call = make_call()
    request_id = scene.held(call=call, label="made")
    scene.database.write(lambda session: grants.rotate(session, "made", actor="cli", now=NOW))
    assert scene.hold(call, label="made").request.id == request_id
