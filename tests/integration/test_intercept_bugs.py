"""What the review of Intercept's approvals found wrong there, one by one, with one of its own documents: here it does not happen."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from tests.factories import ALICE, BOB, Scene, make_call, make_grant
from tests.fakes import relayed
from tests.fakes.relayed import Relayed
from tests.integration.test_release import Till
from tests.unit.bot.gateway.stage import Set, Stage, address, call, raised
from tests.waiting import eventually
from workflows import policy
from workflows.calls import JSON
from workflows.changes import Changes
from workflows.database import Database
from workflows.errors import AlreadySettled, DatabaseUnusable
from workflows.lifecycle import Choice, Held
from workflows.people import ApproverGroup
from workflows.policy import Policy, PolicyBook, evaluate
from workflows.release import Releaser
from workflows.states import State

APPROVERS = ApproverGroup("approvers", frozenset({ALICE.key, BOB.key}))
RULES = """
      - name: large refund
        action: require_approval
        conditions: [{path: args.amount, op: gt, value: 20000}]
        on_deny: Refunds over 200.00 need a person
        approval_timeout: 15m
      - name: five an hour
        rate_limit: 5/hour
"""
AGENTS = ("first", "second")


def _document(rules: str = RULES) -> Policy:
    text = f'version: "1"\ndefault: deny\ntools:\n  create_refund:\n    rules:{rules}approvals:\n  dedupe_window: 10m\n'
    return policy.load(text, name="payments")


@pytest.fixture
async def upstream() -> AsyncIterator[Relayed]:
    """Run an upstream that records what reaches it."""
    async with relayed.relayed() as running:
        yield running


@pytest.fixture
async def stage(database: Database, upstream: Relayed) -> AsyncIterator[Stage]:
    """Run a gateway under the document, with two agents that do not wait on a stream."""
    grants = [make_grant(label, budget=0) for label in AGENTS]
    async with raised(database, Set([address(upstream)], policies={"payments": _document()}, grants=grants)) as running:
        await asyncio.to_thread(partial(running.scene.declare, APPROVERS, grants_=grants))
        yield running


async def _ask(stage: Stage, agent: str = AGENTS[0], **arguments: JSON) -> str:
    """Ask for a large refund, and give what the agent is told."""
    answer = await stage.send(call("create_refund", {"amount": 30_000, **arguments}), token=agent)
    return answer.words


async def _approve(stage: Stage, request_id: str) -> None:
    await asyncio.to_thread(partial(stage.scene.vote, request_id, ALICE))
    await stage.sweep()


async def _released(stage: Stage, request_id: str) -> None:
    await _approve(stage, request_id)


async def _denied(stage: Stage, request_id: str) -> None:
    await asyncio.to_thread(partial(stage.scene.vote, request_id, ALICE, Choice.DENY))


async def _expired(stage: Stage, _request_id: str) -> None:
    stage.clock.later(minutes=15)
    await stage.sweeps.expire()


SETTLED = {State.RELEASED: _released, State.DENIED: _denied, State.EXPIRED: _expired}


@pytest.mark.parametrize("state", SETTLED)
async def test_what_was_consumed_or_denied_is_never_armed_again(stage: Stage, upstream: Relayed, state: State) -> None:
    """The same call, once its answer was collected, is another request that needs another vote; the old one stays as it ended."""
    await _ask(stage)
    [first] = stage.rows()
    await SETTLED[state](stage, first.id)
    await _ask(stage)
    await stage.collected()
    ran = len(upstream.calls)
    before = stage.row(first.id)
    assert before.state == state
    stage.clock.later(minutes=11)
    await _ask(stage)
    second = stage.rows()[-1]
    assert (second.id != first.id, second.state, second.previous_id) == (True, "pending", first.id)
    with pytest.raises(AlreadySettled):
        await asyncio.to_thread(partial(stage.scene.vote, first.id, BOB))
    await stage.sweep()
    assert stage.row(first.id) == before
    assert len(upstream.calls) == ran


async def test_the_dedupe_window_is_heeded_by_what_waits_and_only_by_that(stage: Stage, upstream: Relayed) -> None:
    """A repeat joins a request for ten minutes; then people are asked anew. What was approved runs until its own time is over."""
    await _ask(stage)
    stage.clock.later(minutes=10)
    await _ask(stage)
    assert len(stage.rows()) == 1
    stage.clock.later(seconds=1)
    await _ask(stage)
    first, second = stage.rows()
    assert (first.state, second.state) == ("cancelled", "pending")
    await asyncio.to_thread(partial(stage.scene.vote, second.id, ALICE))
    stage.clock.later(minutes=14)
    await _ask(stage)
    assert len(stage.rows()) == 2
    await stage.sweep()
    assert stage.row(second.id).state == State.RELEASED
    assert len(upstream.calls) == 1


async def test_one_approval_is_consumed_by_one_of_many_calls_alike(stage: Stage, upstream: Relayed) -> None:
    """Twenty at once of each of two agents: each agent has one request, and the approval of one lets one call run."""
    await asyncio.gather(*(_ask(stage, agent) for agent in AGENTS * 20))
    rows = {row.agent: row for row in stage.rows()}
    assert len(stage.rows()) == 2
    await _approve(stage, rows["first"].id)
    for _ in range(3):
        await stage.sweep()
    assert [stage.row(rows[agent].id).state for agent in AGENTS] == ["released", "pending"]
    assert len(upstream.calls) == 1


async def test_a_claim_that_cannot_be_written_runs_nothing_and_asks_nobody_anew(
    stage: Stage, upstream: Relayed, caplog: pytest.LogCaptureFixture
) -> None:
    """The database refuses in that moment: the approval stays what it was, and is consumed once the database is back."""
    await _ask(stage)
    [row] = stage.rows()
    await asyncio.to_thread(partial(stage.scene.vote, row.id, ALICE))
    await _sql(stage.database, "ALTER TABLE audit RENAME TO hidden")
    try:
        await stage.sweep()
        assert "stopped" in caplog.text
        answer = await stage.send(call("create_refund", {"amount": 30_000}), token=AGENTS[0])
        assert "result" not in answer.message
    finally:
        await _sql(stage.database, "ALTER TABLE hidden RENAME TO audit")
    assert [each.state for each in stage.rows()] == ["approved"]
    assert upstream.calls == []
    await stage.sweep()
    assert [each.state for each in stage.rows()] == ["released"]
    assert len(upstream.calls) == 1


async def _sql(database: Database, statement: str, **values: Any) -> None:  # noqa: ANN401  # what a statement takes
    def run(session: Session) -> None:
        session.connection().execute(sa.text(statement), values)

    await database.awrite(run)


async def test_an_error_that_a_tool_reports_is_a_failure(stage: Stage, upstream: Relayed) -> None:
    """It gives back the counters. Not the approval: the call may have done what it was approved for, and would do it again."""
    upstream.on["tools/call"] = relayed.text("no", is_error=True)
    await _ask(stage)
    [row] = stage.rows()
    await _approve(stage, row.id)
    assert await stage.used() == 0
    assert (stage.row(row.id).state, stage.row(row.id).outcome_is_error) == ("released", True)
    small = call("create_refund", {"amount": 1})
    answer = await stage.send(small, token=AGENTS[0])
    assert answer.message["result"]["isError"] is True
    assert await stage.used() == 0
    await stage.sweep()
    assert len(upstream.calls) == 2


def _held(scene: Scene, *, raw: bytes | None = None) -> Held:
    """Hold a large refund under the document."""
    scene.policy = _document()
    scene.declare(APPROVERS)
    arguments = json.loads(raw or b'{"amount": 30000}')
    return scene.hold(make_call(arguments, raw=raw))


def test_what_expired_cannot_be_approved_though_no_sweep_came_by(scene: Scene) -> None:
    """Neither at the end of its time nor after it; the row is not moved by the attempt."""
    request_id = _held(scene).request.id
    scene.now = scene.row(request_id).expires_at
    for _ in range(2):
        with pytest.raises(AlreadySettled, match="expired"):
            scene.vote(request_id, ALICE)
        scene.later(days=1)
    assert scene.state(request_id) is State.PENDING
    assert scene.votes(request_id) == {}


SAME_NAME = tuple(
    f"""
      - name: ask
        action: require_approval
        conditions: [{{path: args.amount, op: gt, value: {floor}}}]
        approval_timeout: {timeout}
"""
    for floor, timeout in ((10, "1h"), (20_000, "5m"), (15_000, "2h"))
)


def test_rules_of_one_name_have_one_time_however_they_stand() -> None:
    """The shortest of those that ask, whatever the order, and the same at each load; each rule has an id of its own."""
    found = set()
    for order in itertools.permutations(SAME_NAME):
        for _ in range(3):
            loaded = _document("\n" + "".join(order).lstrip("\n"))
            verdict = evaluate(loaded, make_call({"amount": 30_000}))
            assert verdict.hold is not None
            found.add(verdict.hold.expires_in)
            ids = [rule.id for entry in loaded.shape.entries for rule in entry.require_approval]
            assert len(set(ids)) == len(ids) == 3
    assert found == {timedelta(minutes=5)}


def test_the_order_of_keys_is_none_of_the_call_not_even_inside_of_lists(scene: Scene) -> None:
    """The same call with its keys in another order is a repeat; with the items of a list in another order it is another call."""
    first = _held(scene, raw=b'{"amount":30000,"lines":[{"a":1,"b":[{"c":2,"d":3}]},{"e":4}]}')
    again = _held(scene, raw=b'{"lines":[{"b":[{"d":3,"c":2}],"a":1},{"e":4}],"amount":30000}')
    assert (again.joined, again.request.id) == (True, first.request.id)
    assert not _held(scene, raw=b'{"amount":30000,"lines":[{"e":4},{"a":1,"b":[{"c":2,"d":3}]}]}').joined


@pytest.mark.parametrize("text", ["", "0", "soon", "0000-00-00 00:00:00", "2026-13-45 12:00:00"])
async def test_a_time_that_cannot_be_read_is_no_time_at_all(scene: Scene, text: str) -> None:
    """PostgreSQL takes none; where a SQLite file holds one, the request is neither approved nor released, and not by another's time."""
    scene.policy = _document()
    scene.declare(APPROVERS)
    approved, waiting = (scene.hold(make_call({"amount": amount})).request.id for amount in (30_000, 40_000))
    scene.vote(approved, ALICE)
    statement = "UPDATE requests SET expires_at = :text"
    if scene.database.dialect == "postgresql":
        with pytest.raises(DatabaseUnusable):
            await _sql(scene.database, statement, text=text)
        return
    await _sql(scene.database, statement, text=text)
    with pytest.raises((ValueError, TypeError)):
        scene.vote(waiting, ALICE)
    till = Till()
    releaser = Releaser(scene.database, till, PolicyBook({"payments": scene.policy}), Changes(), lambda: scene.now)
    for request_id in (approved, waiting):
        releaser.start(request_id)
    await eventually(lambda: not releaser.running)
    assert till.calls == []
    await _sql(scene.database, statement, text="2026-01-15 13:00:00.000000")
    assert [scene.state(each) for each in (approved, waiting)] == [State.APPROVED, State.PENDING]
