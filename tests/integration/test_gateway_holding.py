"""A held call as its agent sees it, over both databases: what keeps the stream alive, what it is told, and what a repeat of it gets."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.factories import ALICE, BOB, OLIVIA, make_grant
from tests.fakes import relayed
from tests.fakes.relayed import Peer, Received, Relayed, tool
from tests.unit.bot.gateway.stage import ENVELOPE, TOKEN, Set, Stage, address, busy, call, modern, raised, rules
from tests.waiting import eventually
from workflows.calls import JSON, definition_digest
from workflows.database import Database
from workflows.lifecycle import Choice
from workflows.lifecycle.moves import lock
from workflows.people import ApproverGroup
from workflows.states import State
from workflows.tables import ApprovalRequest

REFUND = "create_refund"
ARGUMENTS = {"amount": 50, "order": "o-1"}
HELD: dict[str, JSON] = {"require_approval": [{"conditions": [], "reason": "A refund"}]}
ODD = b'{"jsonrpc":"2.0","id":"odd","method":"tools/call","params":{"name":"create_refund","arguments": { "z":1.0, "a" : "\\u00e9" } }}'


@pytest.fixture
async def upstream() -> AsyncIterator[Relayed]:
    """Run an upstream that records what reaches it."""
    async with relayed.relayed() as running:
        yield running


@pytest.fixture
async def stage(database: Database, upstream: Relayed) -> AsyncIterator[Stage]:
    """Run a gateway in front of it, with two agents; one of them never waits on a stream."""
    grants = [make_grant(TOKEN), make_grant("hasty", budget=0)]
    async with raised(database, Set([address(upstream)], grants=grants)) as running:
        yield running


def refund(id: object = 1, **params: object) -> dict[str, Any]:  # noqa: A002  # as the wire names it
    """Ask for the refund of these tests."""
    return call(REFUND, ARGUMENTS, id=id, **params)


async def decided(stage: Stage, choice: Choice = Choice.APPROVE, *, reason: str | None = None) -> ApprovalRequest:
    """Let Alice decide the newest request, as the desk does, and release what is due."""
    row = (await eventually(stage.rows))[-1]
    await asyncio.to_thread(partial(stage.scene.vote, row.id, ALICE, choice, reason=reason))
    stage.context.changes.notify(row.id)
    await stage.sweep()
    return stage.row(row.id)


async def test_a_held_call_gets_headers_at_once_and_signs_of_life(stage: Stage, upstream: Relayed) -> None:
    """An event stream that no proxy keeps back; without a progress token a comment, and nothing was forwarded."""
    async with stage.stream(refund()) as stream:
        assert stream.response.status == 200
        headers = stream.response.headers
        assert headers["Content-Type"] == "text/event-stream"
        assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-cache, no-transform", "no")
        row = await stage.held()
        for _ in range(3):
            assert await stream.raw_event() == b": keepalive\n\n"
            stage.context.changes.notify(row.id)
    assert upstream.calls == []


@pytest.mark.parametrize("token", ["t-1", 0, 7])
@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_progress_grows_under_the_agents_own_token(stage: Stage, token: object, era: str) -> None:
    """Strictly, from one message to the next, and says what the call waits for and until when."""
    message = refund(_meta={"progressToken": token})
    dressed, headers = modern(message) if era == "modern" else (message, {})
    async with stage.stream(dressed, headers=headers) as stream:
        row = await stage.held()
        seen = []
        for _ in range(4):
            event = await stream.event()
            assert (event["method"], event["params"]["progressToken"]) == ("notifications/progress", token)
            assert type(event["params"]["progressToken"]) is type(token)
            assert row.id in event["params"]["message"]
            assert "payments" in event["params"]["message"]
            seen.append(event["params"]["progress"])
            stage.context.changes.notify(row.id)
        assert seen == sorted(set(seen))
        await decided(stage)
        rest = await stream.rest()
    assert rest[-1]["result"]["content"][0]["text"] == "done"
    told = [each["params"]["progress"] for each in rest[:-1]]
    assert seen + told == sorted({*seen, *told})


async def test_an_approved_call_is_run_once_with_the_bytes_that_were_held(stage: Stage, upstream: Relayed) -> None:
    """The agent gets the upstream's own result under its own id; the request is collected, and the trail tells all of it."""
    async with stage.stream(ODD) as stream:
        row = await decided(stage)
        assert (await stream.event()) == {"jsonrpc": "2.0", "id": "odd", "result": {"content": [{"type": "text", "text": "done"}]}}
        assert await stream.raw_event() is None
    [sent] = upstream.calls
    assert b'"arguments":{ "z":1.0, "a" : "\\u00e9" }' in sent.body
    assert sent.message["params"]["_meta"]["io.askfirst/request-id"] == row.id
    await stage.collected()
    assert stage.row(row.id).collected_at == stage.clock.now
    tags = ["hold", "approve", "claim", "finish", "collect"]
    assert stage.scene.events(row.id) == [f"request.{tag}" for tag in tags]


async def test_what_is_held_is_written_down_whole(stage: Stage, upstream: Relayed) -> None:
    """Who, what, under which policy and definition, until when, and who may decide."""
    async with stage.stream(ODD):
        row = await stage.held()
    policy = stage.context.policies.get("payments")
    assert policy is not None
    assert (row.agent, row.owner, row.server, row.tool) == (TOKEN, OLIVIA.key, "payments", REFUND)
    assert row.arguments == b'{ "z":1.0, "a" : "\\u00e9" }'
    assert row.definition == definition_digest(next(each for each in upstream.tools if each["name"] == REFUND))
    assert (row.policy, row.policy_sha256, row.approvers, row.quorum) == ("payments", policy.sha256, "payments", 1)
    assert row.expires_at == row.held_at + timedelta(minutes=30)
    assert (row.state, row.handed_off, row.unattended_at is None) == (State.PENDING, False, True) or row.unattended_at is not None


async def test_each_end_has_words_of_its_own(stage: Stage, upstream: Relayed) -> None:
    """Denied, expired, cancelled, failed, lost and not sent are never mixed up, and none of them is a success."""
    upstream.on["tools/call"] = relayed.error(-32001, "Card declined")
    told: dict[str, Any] = {}

    async def ask(end: str, finish: Any) -> None:  # noqa: ANN401  # an asynchronous function of the request
        stage.clock.later(seconds=1)
        async with stage.stream(call(REFUND, {"end": end}, id=end)) as stream:
            row = await stage.held(len(told) + 1)
            await finish(row)
            stage.context.changes.notify(row.id)
            told[end] = (await stream.rest())[-1]

    async def deny(row: ApprovalRequest) -> None:
        await asyncio.to_thread(partial(stage.scene.vote, row.id, ALICE, Choice.DENY, reason="Not on a Friday."))

    async def cancel(row: ApprovalRequest) -> None:
        await asyncio.to_thread(partial(stage.scene.cancel, row.id, OLIVIA, reason="No longer needed."))

    async def approve(row: ApprovalRequest) -> None:
        await asyncio.to_thread(partial(stage.scene.vote, row.id, ALICE))
        await stage.sweep()

    async def lose(row: ApprovalRequest) -> None:
        async def script(_: Received, peer: Peer) -> None:
            peer.abort()

        upstream.on["tools/call"] = script
        await approve(row)

    async def expire(_: ApprovalRequest) -> None:
        stage.clock.later(minutes=31)
        await stage.sweeps.expire()

    for end, finish in {"denied": deny, "cancelled": cancel, "failed": approve, "lost": lose, "expired": expire}.items():
        await ask(end, finish)
    assert [told[end]["id"] for end in told] == list(told)
    assert told["failed"]["error"] == {"code": -32001, "message": "Card declined"}
    words = {end: each["result"]["content"][0]["text"] for end, each in told.items() if "result" in each}
    assert all(each["result"]["isError"] is True for each in told.values() if "result" in each)
    assert words["denied"].startswith("[POLICY DENIED] local:alice denied this call of create_refund (apr_")
    assert "Not on a Friday." in words["denied"]
    assert "Do not repeat" in words["denied"]
    assert words["cancelled"].startswith("[CANCELLED] apr_")
    assert "No longer needed." in words["cancelled"]
    assert words["lost"].startswith("[OUTCOME UNKNOWN] apr_")
    assert "It may have run" in words["lost"]
    assert words["expired"].startswith("[APPROVAL EXPIRED] Nobody settled apr_")
    assert len(upstream.calls) == 2


async def test_an_approved_call_whose_upstream_is_gone_is_said_to_be_not_run(database: Database) -> None:
    """It is tried for a while, by time and not by luck; then people and agent are told that nothing was sent."""
    async with relayed.relayed() as upstream, raised(database, Set([address(upstream)])) as stage, stage.stream(refund()) as stream:
        row = await stage.held()
        await stage.context.upstreams.replace([address(Relayed(url="http://127.0.0.1:9/mcp"))])
        await asyncio.to_thread(partial(stage.scene.vote, row.id, ALICE))
        await stage.sweep()
        assert stage.row(row.id).state == State.APPROVED
        stage.clock.later(seconds=31)
        await stage.sweep()
        told = (await stream.rest())[-1]
        assert told["result"]["content"][0]["text"].startswith(f"[NOT RUN] {row.id} was approved")
        assert told["result"]["isError"] is True
        assert upstream.calls == []


async def test_an_agent_that_takes_no_stream_gets_one_json_answer(stage: Stage) -> None:
    """It waits as long as the others, and the body is the same."""
    asking = asyncio.ensure_future(stage.send(refund("j"), headers={"Accept": "application/json"}))
    await stage.held()
    assert not asking.done()
    row = await decided(stage)
    answer = await asking
    assert answer.headers["Content-Type"].startswith("application/json")
    assert (answer.message["id"], answer.words) == ("j", "done")
    await stage.collected()
    assert stage.row(row.id).collected_at is not None


@pytest.mark.parametrize("accept", ["application/json", "application/json, text/event-stream"])
async def test_a_budget_of_nothing_gives_the_pending_result_at_once(stage: Stage, accept: str) -> None:
    """An error result that names the request, its end and how to collect; written down before it is told."""
    answer = await stage.send(refund("h"), token="hasty", headers={"Accept": accept})
    [row] = stage.rows()
    assert (row.handed_off, row.unattended_at, row.state) == (True, None, State.PENDING)
    assert answer.message["id"] == "h"
    assert answer.words.startswith(f"PENDING_APPROVAL {row.id}")
    assert "same arguments" in answer.words
    assert f"{row.expires_at:%Y-%m-%dT%H:%M:%SZ}" in answer.words
    result = answer.message["result"]
    assert (result["isError"], "structuredContent" in result) == (True, False)
    assert stage.scene.events(row.id) == ["request.hold", "request.hand_off"]


async def test_the_general_budget_holds_for_a_grant_without_one(stage: Stage) -> None:
    """What the configuration says now; a grant's own budget wins over it."""
    stage.configure(hold_budget_seconds=0.0)
    assert (await stage.send(refund())).words.startswith("PENDING_APPROVAL")
    stage.configure(hold_budget_seconds=60.0)
    assert (await stage.send(refund(), token="hasty")).words.startswith("PENDING_APPROVAL")


async def test_a_handle_is_durable_before_it_is_told(stage: Stage) -> None:
    """While the row cannot be written the agent is told nothing, though its budget is over."""
    stage.configure(hold_budget_seconds=0.2)
    async with stage.stream(refund()) as stream:
        row = await stage.held()
        assert await stream.raw_event() == b": keepalive\n\n"
        with busy(stage.database, partial(lock, request_id=row.id)):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.raw_event(), 0.6)
            assert not stage.row(row.id).handed_off
        told = await stream.event()
        assert told["result"]["content"][0]["text"].startswith("PENDING_APPROVAL")
        assert stage.row(row.id).handed_off


async def test_the_loop_lives_while_the_database_is_slow(stage: Stage) -> None:
    """The database works on threads of its own: other agents are served meanwhile."""
    async with stage.stream(refund()):
        row = await stage.held()
        with busy(stage.database, partial(lock, request_id=row.id)):
            second = asyncio.ensure_future(stage.send(call("wipe", id="w")))
            answers = [await asyncio.wait_for(stage.send(call(id=number)), 2) for number in range(5)]
            assert [answer.words for answer in answers] == ["done"] * 5
        assert (await second).words.startswith("[POLICY DENIED]")


async def test_after_the_handle_the_call_runs_and_the_repeat_collects_it_once(stage: Stage, upstream: Relayed) -> None:
    """The stored result under the repeat's id, nothing run again; the next identical call is a new request."""
    await stage.send(refund(1), token="hasty")
    row = await decided(stage)
    assert row.state == State.RELEASED
    again = await stage.send({**refund("r"), "params": {"arguments": dict(reversed(ARGUMENTS.items())), "name": REFUND}}, token="hasty")
    assert (again.message["id"], again.words, len(upstream.calls)) == ("r", "done", 1)
    await stage.collected()
    assert stage.row(row.id).collected_at is not None
    third = await stage.send(refund(3), token="hasty")
    assert third.words.startswith("PENDING_APPROVAL")
    assert row.id not in third.words
    assert {each.previous_id for each in stage.rows()} == {None, row.id}
    assert len(upstream.calls) == 1


async def test_a_repeat_before_the_decision_waits_for_the_same_request(stage: Stage, upstream: Relayed) -> None:
    """An agent that comes back too early is not asked for twice."""
    for number in range(3):
        assert (await stage.send(refund(number), token="hasty")).words.startswith("PENDING_APPROVAL")
    [row] = stage.rows()
    assert stage.scene.events(row.id) == ["request.hold", "request.hand_off", "request.join", "request.join"]
    await decided(stage)
    assert len(upstream.calls) == 1


async def test_a_denied_call_is_not_asked_for_again_at_once(stage: Stage) -> None:
    """T16: a repeat within ten minutes gets the same no, also after it was collected; later it is a new request."""
    await stage.send(refund(1), token="hasty")
    await decided(stage, Choice.DENY, reason="No.")
    for number in range(2):
        answer = await stage.send(refund(number), token="hasty")
        assert "No." in answer.words
        await stage.collected()
    assert len(stage.rows()) == 1
    stage.clock.later(minutes=11)
    assert (await stage.send(refund(9), token="hasty")).words.startswith("PENDING_APPROVAL")
    assert len(stage.rows()) == 2


async def test_two_streams_of_one_grant_share_one_request(stage: Stage, upstream: Relayed) -> None:
    """Each gets the one result under its own id and in the form of its era; it ran once."""
    message, headers = modern(refund("new"))
    async with stage.stream(refund("old")) as one, stage.stream(message, headers=headers) as other:
        row = await stage.held()
        await stage.waiting(row.id, 2)
        await decided(stage, Choice.DENY, reason="No.")
        results = [(await stream.rest())[-1] for stream in (one, other)]
    assert [each["id"] for each in results] == ["old", "new"]
    assert [each["result"].get("resultType") for each in results] == [None, "complete"]
    assert "request.join" in stage.scene.events(row.id)
    assert upstream.calls == []


async def test_fifty_identical_calls_at_once_become_one_request(stage: Stage, upstream: Relayed) -> None:
    """Whoever comes first writes it down, the others join, and one execution answers all."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(stage.send(refund(number))) for number in range(50)]
        row = await stage.held()
        await stage.waiting(row.id, 50)
        await decided(stage)
    assert [each.result().message["id"] for each in asked] == list(range(50))
    assert {each.result().words for each in asked} == {"done"}
    assert len(upstream.calls) == 1


async def test_two_agents_never_share_a_request(stage: Stage, upstream: Relayed) -> None:
    """The same call of another grant is another request: what one was approved is not the other's."""
    async with stage.stream(refund(1)) as stream:
        first = await stage.held()
        await decided(stage)
        assert (await stream.rest())[-1]["result"]["content"][0]["text"] == "done"
    answer = await stage.send(refund(1), token="hasty")
    assert answer.words.startswith("PENDING_APPROVAL")
    assert first.id not in answer.words
    assert len(upstream.calls) == 1


async def test_a_tool_that_changed_voids_the_approval(stage: Stage, upstream: Relayed) -> None:
    """Votes are bound to the tool as it was: the repeat is told so once, and the next one asks anew under the new definition."""
    await stage.send(refund(1), token="hasty")
    upstream.tools = [tool(REFUND, description="Now it does something else.")]
    row = await decided(stage)
    assert (row.state, upstream.calls) == (State.CANCELLED, [])
    assert "definition" in str(row.decision_reason)
    assert (await stage.send(refund(2), token="hasty")).words.startswith(f"[CANCELLED] {row.id}")
    await stage.collected()
    assert (await stage.send(refund(3), token="hasty")).words.startswith("PENDING_APPROVAL")
    assert {each.definition for each in stage.rows()} == {row.definition, definition_digest(upstream.tools[0])}


@pytest.mark.parametrize("effect", ["allow", "deny"])
async def test_a_repeat_gets_what_became_of_its_call_whatever_the_policy_says_now(stage: Stage, upstream: Relayed, effect: str) -> None:
    """A call that was approved and run is not run again because an edit allows it, and its result is not lost because one denies it."""
    await stage.send(refund(1), token="hasty")
    row = await decided(stage)
    tools: JSON = {REFUND: {}} if effect == "allow" else {}
    stage.context.policies.replace({"payments": rules(tools=tools)})
    again = await stage.send(refund(2), token="hasty")
    assert (again.words, len(upstream.calls), row.state) == ("done", 1, State.RELEASED)
    await stage.collected()
    await stage.sweeps.look()
    third = await stage.send(refund(3), token="hasty")
    assert third.words.startswith("done" if effect == "allow" else "[POLICY DENIED]")
    assert len(upstream.calls) == (2 if effect == "allow" else 1)


@pytest.mark.parametrize("effect", ["allow", "deny"])
async def test_a_repeat_of_a_waiting_call_waits_whatever_the_policy_says_now(stage: Stage, upstream: Relayed, effect: str) -> None:
    """An edit that allows the call does not run it beside the one that people look at; one that denies it voids the approval."""
    await stage.send(refund(1), token="hasty")
    tools: JSON = {REFUND: {}} if effect == "allow" else {}
    stage.context.policies.replace({"payments": rules(tools=tools)})
    assert (await stage.send(refund(2), token="hasty")).words.startswith("PENDING_APPROVAL")
    assert upstream.calls == []
    row = await decided(stage)
    assert row.state == (State.RELEASED if effect == "allow" else State.CANCELLED)
    assert len(upstream.calls) == (effect == "allow")


async def test_quorum_of_two_runs_after_the_second_vote(database: Database, upstream: Relayed) -> None:
    """The first approval alone releases nothing."""
    twice: JSON = {"require_approval": [{"conditions": [], "quorum": 2, "reason": "A large refund"}]}
    policies = {"payments": rules(tools={REFUND: twice})}
    async with raised(database, Set([address(upstream)], policies=policies)) as stage, stage.stream(refund()) as stream:
        row = await stage.held()
        await asyncio.to_thread(partial(stage.scene.vote, row.id, ALICE))
        await stage.sweep()
        assert upstream.calls == []
        await asyncio.to_thread(partial(stage.scene.vote, row.id, BOB))
        await stage.sweep()
        assert (await stream.rest())[-1]["result"]["content"][0]["text"] == "done"
    assert len(upstream.calls) == 1


async def test_a_held_call_uses_its_limit_when_it_runs(database: Database, upstream: Relayed) -> None:
    """To be held costs nothing; an approved call whose limit is used up waits for the next window, and a failure gives back."""
    once: JSON = {**HELD, "limits": [{"counter": "some", "window": "minute", "max": 1}]}
    grants = [make_grant("hasty", budget=0)]
    async with raised(database, Set([address(upstream)], policies={"payments": rules(tools={REFUND: once})}, grants=grants)) as stage:
        for number in range(2):
            stage.clock.later(seconds=1)
            await stage.send(call(REFUND, {"n": number}, id=number), token="hasty")
            assert await stage.used() == number
            row = await decided(stage)
            assert row.state == (State.RELEASED if number == 0 else State.APPROVED)
        assert len(upstream.calls) == 1
        stage.clock.later(minutes=1)
        upstream.on["tools/call"] = relayed.text("no", is_error=True)
        await stage.sweep()
        assert (stage.row(row.id).state, len(upstream.calls)) == (State.RELEASED, 2)
        assert await stage.used() == 1


async def test_a_call_that_nobody_could_approve_is_denied(database: Database, upstream: Relayed) -> None:
    """A group that is missing is nobody: nothing is held, and the agent is told what is wrong."""
    policies = {"payments": rules(approval={"approvers": "nobody", "expires_in": "30m"})}
    async with raised(database, Set([address(upstream)], policies=policies)) as stage:
        answer = await stage.send(refund())
        assert answer.words.startswith("[POLICY DENIED] This call needs approval, and ")
        assert "nobody" in answer.words
        assert stage.rows() == []
        assert len(await stage.trail("call.denied")) == 1


async def test_an_agent_that_floods_is_stopped(stage: Stage) -> None:
    """Beyond the number of calls that may wait, the next is denied; a repeat of one that waits still joins."""
    for number in range(5):
        await stage.send(call(REFUND, {"n": number}, id=number), token="hasty")
    answer = await stage.send(call(REFUND, {"n": 5}), token="hasty")
    assert answer.words.startswith("[POLICY DENIED] ")
    assert "waiting" in answer.words
    assert (await stage.send(call(REFUND, {"n": 0}), token="hasty")).words.startswith("PENDING_APPROVAL")
    assert len(stage.rows()) == 5


STATE: dict[str, object] = {"requestState": "sealed"}
ANSWERS: dict[str, object] = {"inputResponses": {"a": {"action": "accept"}}}


@pytest.mark.parametrize("params", [STATE, ANSWERS, {**STATE, **ANSWERS}])
async def test_the_answer_to_a_question_of_the_upstream_is_not_held(stage: Stage, upstream: Relayed, params: dict[str, object]) -> None:
    """What a release would send is the call without the answer, so the approval would be for something else: it is denied in words."""
    message, headers = modern(refund(**params))
    answer = await stage.send(message, headers=headers)
    assert answer.words.startswith("[POLICY DENIED] ")
    assert stage.rows() == []
    assert upstream.calls == []


async def test_the_answer_to_a_question_is_relayed_where_the_call_is_allowed(stage: Stage, upstream: Relayed) -> None:
    """State and responses reach the upstream as bytes."""
    message, headers = modern(call(requestState="sealed", inputResponses={"a": {"action": "accept"}}))
    await stage.send(message, headers=headers)
    [received] = upstream.calls
    assert received.body == json.dumps(message).encode()


async def test_a_released_call_that_asks_for_more_input_is_a_failure(stage: Stage, upstream: Relayed) -> None:
    """Nobody is there who could answer the upstream: the agent reads so, and nothing is sent again."""
    upstream.on["tools/call"] = relayed.result({"resultType": "input_required", "requestState": "s"})
    await stage.send(refund(1), token="hasty")
    row = await decided(stage)
    assert row.state == State.FAILED
    answer = await stage.send(refund(2), token="hasty")
    assert "more input" in answer.error["message"]
    assert len(upstream.calls) == 1


async def test_an_upstream_that_cannot_be_asked_for_the_tool_holds_nothing(database: Database) -> None:
    """The definition is what people approve: without it the agent gets an error, and nobody is asked."""
    async with raised(database, Set([address(Relayed(url="http://127.0.0.1:9/mcp"))])) as stage:
        answer = await stage.send(refund("u"))
        assert (answer.message["id"], answer.error["code"]) == ("u", -31001)
        assert stage.rows() == []
        assert [row.event for row in await stage.trail("call.failed")] == ["call.failed"]


async def test_a_grant_that_was_revoked_meanwhile_holds_nothing(stage: Stage) -> None:
    """In the second before the gateway hears of it, the database says it."""
    await asyncio.to_thread(partial(stage.scene.declare, grants_=[make_grant("hasty", budget=0)]))
    answer = await stage.send(refund())
    assert "revoked" in answer.words
    assert stage.rows() == []
    await stage.refresh()
    assert (await stage.send(refund())).status == 401


async def test_a_revoked_grant_is_not_released(stage: Stage, upstream: Relayed) -> None:
    """An approval for an agent that was shut out voids itself."""
    await stage.send(refund(), token="hasty")
    await asyncio.to_thread(partial(stage.scene.declare, grants_=[make_grant(TOKEN)]))
    row = await decided(stage)
    assert (row.state, upstream.calls) == (State.CANCELLED, [])
    assert "revoked" in str(row.decision_reason)


async def test_a_held_result_that_is_large_reaches_the_agent_whole(stage: Stage, upstream: Relayed) -> None:
    """Two megabytes with line breaks in them, over a stream and as a collected body."""
    big = {"content": [{"type": "text", "text": "line\n\u2028" + "x" * 2_000_000}], "structuredContent": {"a": [1.5]}}
    upstream.on["tools/call"] = relayed.result(big)
    async with stage.stream(refund()) as stream:
        await stage.held()
        await decided(stage)
        assert (await stream.rest())[-1]["result"] == big


async def test_a_modern_envelope_is_not_stored(stage: Stage, upstream: Relayed) -> None:
    """What is released is the call with the gateway's own envelope, not the agent's."""
    message, headers = modern(refund(_meta={"traceparent": "00-secret"}))
    async with stage.stream(message, headers=headers) as stream:
        await decided(stage)
        await stream.rest()
    [sent] = upstream.calls
    assert "traceparent" not in sent.message["params"]["_meta"]
    assert set(ENVELOPE) <= set(sent.message["params"]["_meta"])
    assert (sent.values("Mcp-Method"), sent.values("Mcp-Name")) == (["tools/call"], [REFUND])
    assert sent.values("Authorization") == []


async def test_the_claim_is_in_the_database_before_the_call_is_sent(stage: Stage, upstream: Relayed) -> None:
    """What the upstream sees first is never known to nobody."""
    states: list[str] = []

    async def script(received: Received, peer: Peer) -> None:
        states.append(stage.rows()[0].state)
        await relayed.text("done")(received, peer)

    upstream.on["tools/call"] = script
    await stage.send(refund(), token="hasty")
    await decided(stage)
    assert states == [State.RELEASING]


async def test_an_upstream_that_is_slow_to_list_its_tools_does_not_keep_the_headers_back(stage: Stage, upstream: Relayed) -> None:
    """Some clients give a call up that gets no headers: they come while the lookup lasts, and the outcome on the same stream."""
    listed = asyncio.Event()

    async def slow(received: Received, peer: Peer) -> None:
        await listed.wait()
        await relayed.result({"tools": upstream.tools})(received, peer)

    upstream.on["tools/list"] = slow
    async with stage.stream(refund()) as stream:
        assert stream.response.headers["Content-Type"] == "text/event-stream"
        assert stage.rows() == []
        listed.set()
        await decided(stage)
        assert (await stream.rest())[-1]["result"]["content"][0]["text"] == "done"
    assert len(upstream.calls) == 1


async def test_a_refusal_after_a_slow_lookup_comes_on_the_stream(stage: Stage, upstream: Relayed) -> None:
    """Nobody can approve it: the agent is told so as the stream's one message."""
    await asyncio.to_thread(partial(stage.scene.declare, ApproverGroup("payments", frozenset()), grants_=[make_grant(TOKEN)]))
    listed = asyncio.Event()

    async def slow(received: Received, peer: Peer) -> None:
        await listed.wait()
        await relayed.result({"tools": upstream.tools})(received, peer)

    upstream.on["tools/list"] = slow
    async with stage.stream(refund()) as stream:
        assert stream.response.status == 200
        listed.set()
        [message] = await stream.rest()
    assert message["result"]["isError"] is True
    assert message["result"]["content"][0]["text"].startswith("[POLICY DENIED]")
    assert stage.rows() == []


async def test_whoever_waits_for_a_request_that_is_asked_anew_is_told_at_once(stage: Stage, upstream: Relayed) -> None:
    """The tool changed and the call was repeated: the first request is withdrawn, and its stream ends without a tick of the clock."""
    async with stage.stream(refund()) as first:
        row = await stage.held()
        await stage.waiting(row.id)
        upstream.tools = [tool(REFUND, description="Another tool.")]
        async with stage.stream(refund(2)):
            await stage.held(2)
            told = await asyncio.wait_for(first.event(), 5)
        assert told["result"]["content"][0]["text"].startswith(f"[CANCELLED] {row.id} was cancelled")


async def test_a_changed_tool_that_people_let_run_is_trusted_from_then_on(database: Database, upstream: Relayed) -> None:
    """Its call is held although the policy allows it; they see the difference and approve, it runs, and the next call is not held."""
    grants = [make_grant(TOKEN, budget=0)]
    listing = {"jsonrpc": "2.0", "id": 9, "method": "tools/list", "params": {}}
    async with raised(database, Set([address(upstream)], grants=grants, pinning=True)) as stage:
        await stage.send(listing)
        upstream.tools = [tool(each["name"], description="Reads more than before.") for each in upstream.tools]
        await stage.send(listing)
        assert "PENDING_APPROVAL" in (await stage.send(call())).words
        row = await decided(stage)
        assert "Reads more than before." in (row.difference or "")
        assert (row.state, row.rule) == ("released", "(changed definition)")
        await stage.send(call())
        await stage.collected()
        assert (await stage.send(call())).words == "done"
        assert len(stage.rows()) == 1
        [accepted] = await stage.trail("tool.accept")
    assert (accepted.actor, accepted.tool) == (ALICE.key, "list_customers")
    assert len(upstream.calls) == 2


async def test_a_tool_that_changes_after_it_was_approved_is_not_run(database: Database, upstream: Relayed) -> None:
    """Not even where nothing but its annotations changed; the agent asks again, and people see how it differs."""
    async with raised(database, Set([address(upstream)], grants=[make_grant(TOKEN, budget=0)], pinning=True)) as stage:
        await stage.send(refund())
        row = await stage.held()
        await asyncio.to_thread(partial(stage.scene.vote, row.id, ALICE))
        upstream.tools = [tool(REFUND, annotations={"destructiveHint": False})]
        await stage.context.tool_lists.refresh("payments")  # type: ignore[union-attr]  # it is there
        await stage.sweep()
        assert stage.row(row.id).state == State.CANCELLED
        await stage.send(refund())
        await stage.collected()
        await stage.send(refund())
        [again] = [each for each in stage.rows() if each.id != row.id]
    assert "destructiveHint" in (again.difference or "")
    assert (again.id != row.id, again.state) == (True, "pending")
    assert upstream.calls == []
