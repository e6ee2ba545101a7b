"""An agent that breaks off has cancelled, over both databases: at every moment of a held call, nothing runs for nobody."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import aiohttp
import pytest
from sqlmodel import Session, select

from tests.factories import ALICE, Scene, make_grant
from tests.fakes import relayed
from tests.fakes.relayed import Peer, Received, Relayed
from tests.unit.bot.gateway.stage import LEGACY, TOKEN, Set, Stage, address, busy, call, modern, raised
from tests.waiting import eventually
from workflows.database import Database
from workflows.lifecycle.moves import lock
from workflows.states import State
from workflows.tables import ApprovalRequest, Grant

REFUND = "create_refund"
SESSION = {**LEGACY, "Mcp-Session-Id": "s-1"}
JSON_ONLY = {"Accept": "application/json"}


@pytest.fixture
async def upstream() -> AsyncIterator[Relayed]:
    """Run an upstream that records what reaches it."""
    async with relayed.relayed() as running:
        yield running


@pytest.fixture
async def stage(database: Database, upstream: Relayed) -> AsyncIterator[Stage]:
    """Run a gateway in front of it, with two agents."""
    async with raised(database, Set([address(upstream)], grants=[make_grant(TOKEN), make_grant("other-agent")])) as running:
        yield running


def refund(id: object = 1) -> dict[str, Any]:  # noqa: A002  # as the wire names it
    """Ask for the refund of these tests."""
    return call(REFUND, {"amount": 50}, id=id)


def cancel(id: object) -> dict[str, Any]:  # noqa: A002  # as the wire names it
    """Cancel a call of one's own."""
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id, "reason": "timed out"}}


async def approve(stage: Stage, request_id: str) -> ApprovalRequest:
    """Let Alice approve, and release what is due."""
    await asyncio.to_thread(partial(stage.scene.vote, request_id, ALICE))
    stage.context.changes.notify(request_id)
    await stage.sweep()
    return stage.row(request_id)


async def idle(stage: Stage) -> None:
    """Wait until the gateway has nothing left to write for anybody."""
    await eventually(lambda: not stage.context._tasks)


async def comes_back(stage: Stage, upstream: Relayed, request_id: str) -> None:
    """The identical call attaches to the approved request, and only then it runs."""
    assert upstream.calls == []
    async with stage.stream(refund("back")) as stream:
        await stage.waiting(request_id)
        assert stage.row(request_id).unattended_at is None
        await stage.sweep()
        assert (await stream.rest())[-1]["result"]["content"][0]["text"] == "done"
    assert len(upstream.calls) == 1
    assert len(stage.rows()) == 1
    assert "request.attach" in stage.scene.events(request_id)


async def test_leaving_while_the_tool_is_looked_up_asks_nobody(stage: Stage, upstream: Relayed) -> None:
    """Nothing was written yet, so nothing is left behind."""
    left = asyncio.Event()

    async def script(_: Received, peer: Peer) -> None:
        await peer.gone()
        left.set()

    upstream.on["tools/list"] = script
    asking = asyncio.ensure_future(stage.send(refund()))
    await eventually(lambda: upstream.of("tools/list"))
    asking.cancel()
    await asyncio.wait_for(left.wait(), 5)
    await idle(stage)
    assert stage.rows() == []


def _grants(session: Session) -> object:
    return session.exec(select(Grant).with_for_update()).all()


@pytest.mark.parametrize("headers", [{}, JSON_ONLY], ids=["stream", "json"])
async def test_leaving_while_the_call_is_written_down_is_noticed(stage: Stage, upstream: Relayed, headers: dict[str, str]) -> None:
    """The write goes on without its agent; what it wrote is marked, and not run until the agent is back."""
    with busy(stage.database, _grants):
        asking = asyncio.ensure_future(stage.send(refund(), headers=headers))
        await eventually(lambda: len(stage.context._tasks) == 1)
        asking.cancel()
        await eventually(lambda: len(stage.context._tasks) == 2)
    await idle(stage)
    [row] = stage.rows()
    assert row.unattended_at == stage.clock.now
    assert (await approve(stage, row.id)).state == State.APPROVED
    await comes_back(stage, upstream, row.id)


@pytest.mark.parametrize("headers", [{}, JSON_ONLY], ids=["stream", "json"])
@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_leaving_while_waiting_leaves_it_unattended(stage: Stage, upstream: Relayed, headers: dict[str, str], era: str) -> None:
    """Approved without its agent, it does not run; the trail tells that it left."""
    message, fields = modern(refund()) if era == "modern" else (refund(), {})
    asking = asyncio.ensure_future(stage.send(message, headers={**fields, **headers}))
    row = await stage.held()
    await stage.waiting(row.id)
    asking.cancel()
    await stage.left(row.id)
    assert (await approve(stage, row.id)).state == State.APPROVED
    assert stage.scene.events(row.id) == ["request.hold", "request.leave", "request.approve"]
    await comes_back(stage, upstream, row.id)


@pytest.mark.parametrize("headers", [{}, JSON_ONLY], ids=["stream", "json"])
async def test_leaving_while_the_handle_is_written_down_takes_it_back(stage: Stage, upstream: Relayed, headers: dict[str, str]) -> None:
    """The agent never read of the handle: it is as if it had left before, whichever write comes first."""
    stage.configure(hold_budget_seconds=0.5)
    asking = asyncio.ensure_future(stage.send(refund(), headers=headers))
    row = await stage.held()
    await stage.waiting(row.id)
    await idle(stage)
    with busy(stage.database, partial(lock, request_id=row.id)):
        await eventually(lambda: len(stage.context._tasks) == 1)
        asking.cancel()
        await eventually(lambda: len(stage.context._tasks) == 2)
    await idle(stage)
    row = stage.row(row.id)
    assert (row.handed_off, row.unattended_at) == (False, stage.clock.now)
    assert (await approve(stage, row.id)).state == State.APPROVED
    await comes_back(stage, upstream, row.id)


async def test_leaving_after_the_handle_is_in_good_order(stage: Stage, upstream: Relayed) -> None:
    """The agent read of it and may go: the approved call runs without it, also when it came back in between and left again."""
    stage.configure(hold_budget_seconds=0.0)
    assert (await stage.send(refund())).words.startswith("PENDING_APPROVAL")
    [row] = stage.rows()
    stage.configure(hold_budget_seconds=30.0)
    asking = asyncio.ensure_future(stage.send(refund()))
    await stage.waiting(row.id)
    asking.cancel()
    await stage.waiting(row.id, 0)
    await idle(stage)
    assert stage.row(row.id).unattended_at is None
    assert (await approve(stage, row.id)).state == State.RELEASED
    assert len(upstream.calls) == 1


async def test_one_of_two_that_leaves_changes_nothing(stage: Stage, upstream: Relayed) -> None:
    """Somebody still waits, so the call is run for them."""
    async with stage.stream(refund("stays")) as stream:
        row = await stage.held()
        leaving = asyncio.ensure_future(stage.send(refund("leaves")))
        await stage.waiting(row.id, 2)
        leaving.cancel()
        await stage.waiting(row.id, 1)
        await idle(stage)
        assert stage.row(row.id).unattended_at is None
        await approve(stage, row.id)
        assert (await stream.rest())[-1]["id"] == "stays"
    assert len(upstream.calls) == 1


async def test_both_that_leave_leave_it_unattended(stage: Stage) -> None:
    """The last one counts."""
    asking = [asyncio.ensure_future(stage.send(refund(number))) for number in range(2)]
    row = await stage.held()
    await stage.waiting(row.id, 2)
    for each in asking:
        each.cancel()
    await stage.left(row.id)


async def test_an_agent_that_comes_back_within_the_grace_waits_again(stage: Stage, upstream: Relayed) -> None:
    """Up to its last second; its approvers never noticed more than a note."""
    async with stage.stream(refund()):
        row = await stage.held()
    await stage.left(row.id)
    stage.clock.later(seconds=59)
    await stage.sweeps.expire()
    assert stage.row(row.id).state == State.PENDING
    async with stage.stream(refund("again")) as stream:
        await stage.waiting(row.id)
        stage.clock.later(seconds=30)
        await stage.sweeps.expire()
        await approve(stage, row.id)
        assert (await stream.rest())[-1]["result"]["content"][0]["text"] == "done"
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("approved", [False, True])
async def test_after_the_grace_the_call_is_cancelled(stage: Stage, upstream: Relayed, *, approved: bool) -> None:
    """Approved or not; an identical call after it is a new request that asks anew."""
    async with stage.stream(refund()):
        row = await stage.held()
    await stage.left(row.id)
    if approved:
        await approve(stage, row.id)
    stage.clock.later(seconds=60)
    await stage.sweeps.expire()
    await stage.sweep()
    row = stage.row(row.id)
    assert (row.state, upstream.calls) == (State.CANCELLED, [])
    assert "did not come back" in str(row.decision_reason)
    async with stage.stream(refund("later")):
        assert (await stage.held(2)).id != row.id


@pytest.mark.parametrize("headers", [{}, JSON_ONLY], ids=["stream", "json"])
@pytest.mark.parametrize("id_", ["c-1", 0, 7])
async def test_a_cancellation_ends_the_wait(stage: Stage, upstream: Relayed, headers: dict[str, str], id_: object) -> None:
    """202, the stream ends without an answer, and the call is left as by a broken connection; the upstream is not bothered."""
    asking = asyncio.ensure_future(stage.send(refund(id_), headers={**SESSION, **headers}))
    row = await stage.held()
    await stage.waiting(row.id)
    before = len(upstream.received)
    assert (await stage.send(cancel(id_), headers=SESSION)).status == 202
    answer = await asyncio.wait_for(asking, 5)
    assert b'"result"' not in answer.body
    assert b'"error"' not in answer.body
    await stage.left(row.id)
    assert len(upstream.received) == before
    assert (await approve(stage, row.id)).state == State.APPROVED
    assert upstream.calls == []


FOREIGN: dict[str, tuple[object, dict[str, str], str]] = {
    "another id": (8, SESSION, TOKEN),
    "the id as a string": ("1", SESSION, TOKEN),
    "true for one": (True, SESSION, TOKEN),
    "no id": (None, SESSION, TOKEN),
    "another session": (1, {**SESSION, "Mcp-Session-Id": "s-2"}, TOKEN),
    "no session": (1, LEGACY, TOKEN),
    "another agent": (1, SESSION, "other-agent"),
    "the modern era, which closes streams": (1, {"MCP-Protocol-Version": "2026-07-28", "Mcp-Session-Id": "s-1"}, TOKEN),
}


async def test_a_cancellation_of_something_else_is_the_upstreams(stage: Stage, upstream: Relayed) -> None:
    """Whatever does not name this very call of this very agent is relayed, and the call goes on waiting."""
    async with stage.stream(refund(1), headers=SESSION) as stream:
        row = await stage.held()
        await stage.waiting(row.id)
        for name, (id_, headers, token) in FOREIGN.items():
            before = len(upstream.received)
            await stage.send(cancel(id_), headers=headers, token=token)
            assert len(upstream.received) == before + 1, name
        assert stage.row(row.id).unattended_at is None
        await approve(stage, row.id)
        assert (await stream.rest())[-1]["id"] == 1


async def test_a_cancellation_while_the_tool_is_looked_up_asks_nobody(stage: Stage, upstream: Relayed) -> None:
    """An upstream that is slow to list its tools does not make an impatient agent's call wait for ever."""
    proceed = asyncio.Event()

    async def slow(received: Received, peer: Peer) -> None:
        await proceed.wait()
        await relayed.result({"tools": upstream.tools})(received, peer)

    upstream.on["tools/list"] = slow
    asking = asyncio.ensure_future(stage.send(refund(5), headers=SESSION))
    await eventually(lambda: upstream.of("tools/list"))
    assert (await stage.send(cancel(5), headers=SESSION)).status == 202
    proceed.set()
    assert (await asyncio.wait_for(asking, 5)).body == b""
    await idle(stage)
    assert stage.rows() == []


async def test_a_cancellation_while_the_call_is_written_down_leaves_it_unattended(stage: Stage) -> None:
    """It comes between two moments and is not lost."""
    with busy(stage.database, _grants):
        asking = asyncio.ensure_future(stage.send(refund(5), headers=SESSION))
        await eventually(lambda: len(stage.context._tasks) == 1)
        assert (await stage.send(cancel(5), headers=SESSION)).status == 202
    await asyncio.wait_for(asking, 5)
    [row] = stage.rows()
    await stage.left(row.id)


@pytest.mark.parametrize("tool", [REFUND, "list_customers"], ids=["held", "allowed"])
async def test_a_cancellation_while_an_earlier_call_is_looked_for_is_not_lost(stage: Stage, upstream: Relayed, tool: str) -> None:
    """The tool has another call outstanding, so the database is asked first: a call that was cancelled meanwhile goes no further."""
    stage.context.outstanding.add(stage.scene.grant(TOKEN).id, tool)
    with busy(stage.database, _grants):
        asking = asyncio.ensure_future(stage.send(call(tool, id=5), headers=SESSION))
        await eventually(lambda: len(stage.context._tasks) == 1)
        assert (await stage.send(cancel(5), headers=SESSION)).status == 202
    assert (await asyncio.wait_for(asking, 5)).body == b""
    assert stage.rows() == []
    assert upstream.received == []


async def test_a_cancellation_after_the_outcome_is_the_upstreams(stage: Stage, upstream: Relayed) -> None:
    """The id names nothing here any more."""
    async with stage.stream(refund(5), headers=SESSION) as stream:
        row = await stage.held()
        await approve(stage, row.id)
        await stream.rest()
    await stage.send(cancel(5), headers=SESSION)
    assert upstream.of("notifications/cancelled")
    assert stage.row(row.id).state == State.RELEASED


async def test_a_restart_gives_those_who_waited_the_grace_to_come_back(stage: Stage, upstream: Relayed) -> None:
    """The process died with streams open: its heir runs nothing for them until they are back; who has a handle is not touched."""
    handed = await _handed(stage)
    async with stage.stream(refund()):
        await stage.held(2)
        row = next(each for each in stage.rows() if each.id != handed)
        await stage.waiting(row.id)
        async with raised(stage.database, Set([address(upstream)], grants=[make_grant(TOKEN), make_grant("other-agent")])) as heir:
            await heir.sweeps.reap()
            await heir.sweeps.orphan()
            assert heir.row(row.id).unattended_at is not None
            assert heir.row(handed).unattended_at is None
            assert (await approve(heir, row.id)).state == State.APPROVED
            async with heir.stream(refund("back")) as stream:
                await heir.waiting(row.id)
                await heir.sweep()
                assert (await stream.rest())[-1]["result"]["content"][0]["text"] == "done"
    assert len(upstream.calls) == 1


async def _handed(stage: Stage) -> str:
    stage.configure(hold_budget_seconds=0.0)
    await stage.send(call(REFUND, {"handed": True}))
    stage.configure(hold_budget_seconds=30.0)
    [row] = stage.rows()
    return row.id


@pytest.mark.parametrize("headers", [{}, JSON_ONLY], ids=["stream", "json"])
async def test_a_gateway_that_is_stopped_gives_those_who_wait_a_handle(stage: Stage, upstream: Relayed, headers: dict[str, str]) -> None:
    """Their streams end with this process, their requests do not: the call runs later, and the repeat collects it."""
    asking = asyncio.ensure_future(stage.send(refund(), headers=headers))
    row = await stage.held()
    await stage.waiting(row.id)
    stage.context.stop()
    assert (await asyncio.wait_for(asking, 5)).words.startswith(f"PENDING_APPROVAL {row.id}")
    assert stage.row(row.id).handed_off
    assert (await approve(stage, row.id)).state == State.RELEASED
    assert (await stage.send(refund("collects"))).words == "done"
    assert len(upstream.calls) == 1


async def test_a_gateway_that_breaks_off_leaves_those_who_wait_in_order(database: Database, upstream: Relayed) -> None:
    """Open streams are broken off, and what was held is written down as unattended before the process ends."""
    async with raised(database, Set([address(upstream)])) as stage:
        asking = asyncio.ensure_future(stage.send(refund()))
        row = await stage.held()
        await stage.waiting(row.id)
    assert Scene(database).row(row.id).unattended_at is not None
    with pytest.raises(aiohttp.ClientError):
        await asyncio.wait_for(asking, 5)


async def test_an_agent_whose_grant_is_revoked_while_it_waits_gets_nothing_run(stage: Stage, upstream: Relayed) -> None:
    """The approval voids itself and the stream says so."""
    async with stage.stream(refund()) as stream:
        row = await stage.held()
        await asyncio.to_thread(partial(stage.scene.declare, grants_=[make_grant("other-agent")]))
        await approve(stage, row.id)
        told = (await stream.rest())[-1]["result"]["content"][0]["text"]
    assert told.startswith(f"[CANCELLED] {row.id}")
    assert "revoked" in told
    assert upstream.calls == []


async def test_a_database_that_is_lost_while_an_agent_waits_ends_its_stream_in_words(stage: Stage, upstream: Relayed) -> None:
    """A JSON-RPC error under the call's id on the open stream, and nothing runs."""
    async with stage.stream(refund("db")) as stream:
        row = await stage.held()
        await stream.raw_event()
        stage.database._closed = True
        stage.context.changes.notify(row.id)
        told = (await stream.rest())[-1]
    stage.database._closed = False
    assert (told["id"], told["error"]["code"]) == ("db", -31005)
    assert upstream.calls == []


def _sql(session: Session, *, text: str) -> None:
    session.connection().exec_driver_sql(text)


async def test_a_database_that_refuses_does_not_hide_that_the_agent_left(
    stage: Stage, upstream: Relayed, caplog: pytest.LogCaptureFixture
) -> None:
    """It is written down as soon as the database takes it, and what is approved then does not run for nobody."""
    async with stage.stream(refund()):
        row = await stage.held()
        await stage.waiting(row.id)
        await stage.database.awrite(partial(_sql, text="ALTER TABLE audit RENAME TO hidden"))
    await eventually(lambda: "could not be written down yet" in caplog.text)
    await stage.database.awrite(partial(_sql, text="ALTER TABLE hidden RENAME TO audit"))
    assert (await stage.left(row.id)).unattended_at == stage.clock.now
    assert (await approve(stage, row.id)).state == State.APPROVED
    assert upstream.calls == []
