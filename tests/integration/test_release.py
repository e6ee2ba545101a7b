"""Claim, call, finish, against an upstream that counts: what is approved runs once, and nothing else runs."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from tests.factories import ALICE, BOB, DEFINITION, Scene, make_call, make_grant, make_policy
from tests.waiting import eventually
from workflows import lifecycle, queries
from workflows.calls import JSON
from workflows.changes import Changes
from workflows.counters import charges, reserve
from workflows.database import Database
from workflows.errors import DatabaseUnusable, UpstreamUnreachable
from workflows.lifecycle import Choice, Outcome
from workflows.policy import KnownTool, Limit, Policy, PolicyBook, Scope, Window
from workflows.policy.conditions import compile_test
from workflows.policy.shapes import Condition, Op, Rule
from workflows.release import PATIENCE, Releaser
from workflows.states import State


@dataclass(slots=True)
class Till:
    """An upstream that executes refunds: it keeps every call, and does in it what the test says."""

    definitions: str | None = DEFINITION
    reachable: bool = True
    during: Callable[[str], Awaitable[None]] | None = None
    outcome: Outcome = field(default_factory=lambda: Outcome("result", b'{"content":[]}'))
    calls: list[tuple[str, str, bytes, str]] = field(default_factory=list)

    async def definition(self, server: str, tool: str) -> str | None:
        """Give the digest, if the till can be reached."""
        assert (server, tool) == ("payments", "create_refund")
        if not self.reachable:
            raise UpstreamUnreachable
        return self.definitions

    async def call(self, server: str, tool: str, raw_arguments: bytes, *, request_id: str) -> Outcome:
        """Execute."""
        self.calls.append((server, tool, raw_arguments, request_id))
        if self.during is not None:
            await self.during(request_id)
        return self.outcome


@dataclass(slots=True)
class Shop:
    """A scene with a till and a releaser between them."""

    scene: Scene
    till: Till
    releaser: Releaser
    policies: PolicyBook

    async def sweep(self) -> None:
        """Release what is due, and wait until nothing is being released."""
        await self.releaser.sweep()
        await eventually(lambda: not self.releaser.running)

    async def held(self, request_id: str, state: State) -> None:
        """Wait for a state."""
        await eventually(lambda: self.scene.state(request_id) is state)


def _releaser(scene: Scene, till: Till, policies: PolicyBook, database: Database | None = None) -> Releaser:
    return Releaser(database or scene.database, till, policies, Changes(), lambda: scene.now)


@pytest.fixture
def shop(scene: Scene) -> Shop:
    """Set one up under the policy of the scene."""
    policies, till = PolicyBook({"payments": scene.policy}), Till()
    return Shop(scene, till, _releaser(scene, till, policies), policies)


@pytest.fixture
def elsewhere(migrated_url: str) -> Iterator[Scene]:
    """Look at the same database through a connection of one's own."""
    with closing(Database(migrated_url)) as database:
        yield Scene(database)


async def test_an_approved_call_runs_once_with_the_bytes_that_were_held(shop: Shop) -> None:
    """T19: however often the clock comes by; spaces, escapes and digits are the agent's own."""
    raw = b'{ "to":"\\u0041", "amount" : 5e1 }'
    request_id = shop.scene.approved(call=make_call({"to": "A", "amount": 50.0}, raw=raw))
    for _ in range(4):
        await shop.sweep()
    assert shop.till.calls == [("payments", "create_refund", raw, request_id)]
    row = shop.scene.row(request_id)
    assert (row.state, row.outcome_kind, row.outcome, row.outcome_is_error) == ("released", "result", b'{"content":[]}', False)
    assert row.claimed_by == shop.releaser.instance
    assert shop.scene.events(request_id) == ["request.hold", "request.approve", "request.claim", "request.finish"]


async def test_the_claim_is_committed_before_a_byte_is_sent(shop: Shop, elsewhere: Scene) -> None:
    """At the moment of the call, another connection reads `releasing`, with the claimant and its audit row."""
    seen: list[tuple[str, str | None, list[str]]] = []

    async def look(request_id: str) -> None:
        row = elsewhere.row(request_id)
        seen.append((row.state, row.claimed_by, elsewhere.events(request_id)))

    shop.till.during = look
    shop.scene.approved()
    await shop.sweep()
    assert seen == [("releasing", shop.releaser.instance, ["request.hold", "request.approve", "request.claim"])]


async def test_eight_releasers_make_one_call_of_each_request(shop: Shop, elsewhere: Scene) -> None:
    """Over two connections to the database, all at once, many requests: each executed once, by one."""
    ids = [shop.scene.approved() for _ in range(6)]
    releasers = [_releaser(shop.scene, shop.till, shop.policies, (shop.scene, elsewhere)[number % 2].database) for number in range(8)]
    await asyncio.gather(*(releaser.sweep() for releaser in releasers))
    await eventually(lambda: not any(releaser.running for releaser in releasers), within=20)
    assert sorted(call[3] for call in shop.till.calls) == sorted(ids)
    assert {shop.scene.state(request_id) for request_id in ids} == {State.RELEASED}
    assert all(shop.scene.events(request_id).count("request.claim") == 1 for request_id in ids)


async def test_nothing_but_what_is_approved_attended_and_in_time_is_called(shop: Shop) -> None:
    """Pending, denied, cancelled, expired, unattended, claimed by the dead: the till hears of none of them."""
    scene = shop.scene
    scene.held()
    scene.vote(scene.held(), ALICE, Choice.DENY)
    scene.cancel(scene.approved(), BOB)
    unattended = scene.held()
    scene.do(lifecycle.leave, unattended)
    scene.vote(unattended, ALICE)
    dead = scene.approved()
    scene.claim(dead, instance="in_dead")
    scene.approved()
    scene.later(minutes=30)
    for _ in range(2):
        await shop.sweep()
    assert shop.till.calls == []
    assert scene.state(dead) is State.RELEASING


async def test_an_approval_that_ends_while_its_claim_waits_for_the_database_is_not_released(shop: Shop) -> None:
    """What counts is the time at which the claim is written, not the one at which it was asked for."""
    request_id = shop.scene.approved()
    database, gate = shop.scene.database, threading.Event()
    others = [asyncio.ensure_future(database.awrite(lambda _: gate.wait(10))) for _ in range(8)]
    queue = database._write_threads._work_queue
    await asyncio.sleep(0)
    waiting = queue.qsize()
    shop.releaser.start(request_id)
    await eventually(lambda: queue.qsize() > waiting)
    shop.scene.later(hours=1)
    gate.set()
    await asyncio.gather(*others)
    await eventually(lambda: not shop.releaser.running)
    assert (shop.scene.state(request_id), shop.till.calls) == (State.APPROVED, [])


async def test_an_approval_starts_its_own_release(shop: Shop) -> None:
    """Whoever calls `start` need not know the state: only what is approved and attended runs, and once."""
    request_id = shop.scene.held()
    for known in (request_id, "apr_0"):
        shop.releaser.start(known)
    await eventually(lambda: not shop.releaser.running)
    assert shop.till.calls == []
    shop.scene.vote(request_id, ALICE)
    for _ in range(3):
        shop.releaser.start(request_id)
    await shop.held(request_id, State.RELEASED)
    await eventually(lambda: not shop.releaser.running)
    shop.releaser.start(request_id)
    await eventually(lambda: not shop.releaser.running)
    assert len(shop.till.calls) == 1


async def test_an_upstream_that_comes_back_is_called(shop: Shop) -> None:
    """While it cannot be reached the request stays approved, untouched."""
    request_id = shop.scene.approved()
    before = shop.scene.row(request_id)
    shop.till.reachable = False
    for _ in range(3):
        await shop.sweep()
        shop.scene.later(seconds=9)
    assert shop.scene.row(request_id) == before
    shop.till.reachable = True
    await shop.sweep()
    assert shop.scene.state(request_id) is State.RELEASED
    assert len(shop.till.calls) == 1


async def test_an_upstream_that_does_not_come_back_fails_the_request_as_not_sent(shop: Shop) -> None:
    """After the patience, counted from when it was first missed; people and agent are told, and it never runs later."""
    shop.scene.policy = make_policy(refund={"limits": [{"counter": "n", "window": "hour", "max": 1, "scope": "grant"}]})
    shop.policies.replace({"payments": shop.scene.policy})
    request_id = shop.scene.approved()
    shop.till.reachable = False
    shop.scene.later(minutes=10)
    await shop.sweep()
    assert shop.scene.state(request_id) is State.APPROVED
    shop.scene.now += PATIENCE - timedelta(seconds=1)
    await shop.sweep()
    assert shop.scene.state(request_id) is State.APPROVED
    shop.scene.later(seconds=1)
    await shop.sweep()
    row = shop.scene.row(request_id)
    assert (row.state, row.outcome_kind) == ("failed", "not_sent")
    assert b"cannot be reached" in (row.outcome or b"")
    shop.till.reachable = True
    await shop.sweep()
    assert shop.till.calls == []
    again = shop.scene.approved()
    await shop.sweep()
    assert shop.scene.state(again) is State.RELEASED, "what was not sent used no limit"


async def test_patience_begins_anew_after_the_upstream_was_there(shop: Shop) -> None:
    """A request that waits for its limit is not failed at the first hiccup."""
    shop.scene.policy = make_policy(refund={"limits": [{"counter": "n", "window": "day", "max": 1, "scope": "grant"}]})
    shop.policies.replace({"payments": shop.scene.policy})
    shop.scene.approved()
    await shop.sweep()
    waiting = shop.scene.approved()
    for reachable in (False, True, False):
        shop.till.reachable = reachable
        await shop.sweep()
        assert shop.scene.state(waiting) is State.APPROVED
        shop.scene.later(seconds=20)


_ENDS: dict[str, tuple[Outcome, State]] = {
    "an error of the tool": (Outcome("result", b'{"isError":true}', is_error=True), State.RELEASED),
    "an error object": (Outcome("error", b'{"code":-1}'), State.FAILED),
    "not sent": (Outcome("not_sent", b"refused"), State.FAILED),
    "unknown": (Outcome("unknown", b""), State.LOST),
}


@pytest.mark.parametrize(("outcome", "state"), _ENDS.values(), ids=_ENDS)
async def test_however_it_ends_it_is_not_tried_again(shop: Shop, outcome: Outcome, state: State) -> None:
    """One call, one outcome, stored as it came."""
    shop.till.outcome = outcome
    request_id = shop.scene.approved()
    for _ in range(3):
        await shop.sweep()
    row = shop.scene.row(request_id)
    assert (row.state, row.outcome_kind, row.outcome) == (state, outcome.kind, outcome.body)
    assert len(shop.till.calls) == 1


async def test_an_error_of_our_own_in_the_call_is_lost_not_repeated(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody knows whether it ran; it is logged with its place, and people are shown it."""

    async def stumble(_: str) -> None:
        raise LookupError("of our own")

    shop.till.during = stumble
    request_id = shop.scene.approved()
    for _ in range(2):
        await shop.sweep()
    assert shop.scene.state(request_id) is State.LOST
    assert len(shop.till.calls) == 1
    said = [record.getMessage() for record in caplog.records]
    assert any(line.startswith(f"{request_id} is lost: it was sent") for line in said)


async def test_a_release_that_was_killed_in_the_middle_is_reaped_and_not_repeated(shop: Shop) -> None:
    """Its task is gone: the claim stands, the sweep does not run it, the reaper calls it lost."""
    shop.till.during = lambda _: asyncio.sleep(3600)
    request_id = shop.scene.approved()
    await shop.releaser.sweep()
    await eventually(lambda: shop.till.calls)
    [task] = [task for task in asyncio.all_tasks() if task.get_name() == f"release {request_id}"]
    task.cancel()
    await eventually(lambda: not shop.releaser.running)
    await shop.sweep()
    assert shop.scene.state(request_id) is State.RELEASING
    shop.scene.do(lifecycle.reap, request_id, instance=shop.releaser.instance, running=shop.releaser.running)
    await shop.sweep()
    assert shop.scene.state(request_id) is State.LOST
    assert len(shop.till.calls) == 1


async def test_what_runs_is_not_reaped(shop: Shop) -> None:
    """The releaser knows what it runs."""
    gate = asyncio.Event()
    shop.till.during = lambda _: _wait(gate)
    request_id = shop.scene.approved()
    await shop.releaser.sweep()
    await eventually(lambda: shop.till.calls)
    assert shop.releaser.running == {request_id}
    shop.scene.do(lifecycle.reap, request_id, instance=shop.releaser.instance, running=shop.releaser.running)
    assert shop.scene.state(request_id) is State.RELEASING
    gate.set()
    await shop.held(request_id, State.RELEASED)


async def _wait(gate: asyncio.Event) -> None:
    await gate.wait()


async def test_an_outcome_is_kept_while_the_database_refuses(shop: Shop, elsewhere: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """It is the only proof that the call ran: it is stored when the database is back, from the one call that was made."""
    caplog.set_level(logging.CRITICAL, "workflows.release")

    def sql(statement: str) -> Callable[[Session], object]:
        return lambda session: session.connection().execute(sa.text(statement))

    refusing = asyncio.Event()

    async def refuse(_: str) -> None:
        await elsewhere.database.awrite(sql("ALTER TABLE audit RENAME TO hidden"))
        refusing.set()

    shop.till.during = refuse
    request_id = shop.scene.approved()
    await shop.releaser.sweep()
    await asyncio.wait_for(refusing.wait(), 5)
    try:
        with pytest.raises(DatabaseUnusable):
            await shop.scene.database.awrite(
                partial(lifecycle.reap, request_id=request_id, instance="x", running=frozenset(), now=shop.scene.now)
            )
        await eventually(lambda: shop.releaser.running == {request_id})
    finally:
        await elsewhere.database.awrite(sql("ALTER TABLE hidden RENAME TO audit"))
    await shop.held(request_id, State.RELEASED)
    assert shop.scene.row(request_id).outcome == b'{"content":[]}'
    assert len(shop.till.calls) == 1


async def test_closing_waits_for_what_runs_and_claims_nothing_more(shop: Shop) -> None:
    """The call that was sent gets its answer; what is approved now is left for the next start."""
    gate = asyncio.Event()
    shop.till.during = lambda _: _wait(gate)
    running = shop.scene.approved()
    await shop.releaser.sweep()
    await eventually(lambda: shop.till.calls)
    closing_ = asyncio.ensure_future(shop.releaser.close())
    later = shop.scene.approved()
    await shop.releaser.sweep()
    assert not closing_.done()
    gate.set()
    await closing_
    assert shop.scene.state(running) is State.RELEASED
    assert shop.scene.state(later) is State.APPROVED
    assert len(shop.till.calls) == 1


async def test_closing_does_not_wait_for_ever(shop: Shop) -> None:
    """An upstream that never answers keeps nobody from stopping; the next start finds the claim."""
    gate = asyncio.Event()
    shop.till.during = lambda _: _wait(gate)
    request_id = shop.scene.approved()
    await shop.releaser.sweep()
    await eventually(lambda: shop.till.calls)
    await asyncio.wait_for(shop.releaser.close(within=timedelta(seconds=0.05)), 5)
    assert shop.scene.state(request_id) is State.RELEASING
    gate.set()
    await shop.held(request_id, State.RELEASED)


async def test_a_release_that_has_not_claimed_yet_when_closing_begins_claims_nothing(shop: Shop) -> None:
    """It was only looking the tool up."""
    request_id = shop.scene.approved()
    await shop.releaser.sweep()
    await shop.releaser.close()
    assert shop.scene.state(request_id) is State.APPROVED
    assert shop.till.calls == []


_CHANGES: dict[str, tuple[Callable[[Shop], object], str]] = {
    "the policy denies": (lambda shop: shop.policies.replace({"payments": _denying()}), "The policy denies this call now"),
    "the policy is gone": (lambda shop: shop.policies.replace({}), "The policy denies this call now"),
    "the policy asks for two": (lambda shop: shop.policies.replace({"payments": make_policy(quorum=2)}), "asks for another approval"),
    "the tool changed": (lambda shop: setattr(shop.till, "definitions", "e" * 64), "definition of the tool changed"),
    "the tool is gone": (lambda shop: setattr(shop.till, "definitions", None), "definition of the tool changed"),
    "the grant is revoked": (lambda shop: shop.scene.declare(grants_=[]), "grant was revoked"),
    "the grant has another policy, which denies": (
        lambda shop: _another_policy(shop, _denying()),
        "The policy denies this call now",
    ),
    "the stored bytes were changed": (lambda shop: _tamper(shop, b'{"amount":99999}'), "not the one that was held"),
    "the stored bytes are no JSON any more": (lambda shop: _tamper(shop, b'{"amount":50,"amount":99999}'), "not the one that was held"),
}


def _denying() -> Policy:
    return make_policy(tools={"create_refund": {"deny_if": [{"conditions": [], "on_deny": "No refunds today."}]}})


def _another_policy(shop: Shop, policy: Policy) -> None:
    shop.scene.declare(grants_=[make_grant(policy="other")])
    shop.policies.replace({"payments": shop.scene.policy, "other": policy})


def _tamper(shop: Shop, arguments: bytes) -> None:
    def change(session: Session) -> None:
        session.connection().execute(sa.text("UPDATE requests SET arguments = :arguments"), {"arguments": arguments})

    shop.scene.database.write(change)


@pytest.mark.parametrize(("change", "why"), _CHANGES.values(), ids=_CHANGES)
async def test_what_changed_since_the_votes_is_noticed_before_the_call(shop: Shop, change: Callable[[Shop], object], why: str) -> None:
    """The approval is void, the row says why, whoever waits is woken, and nothing was sent."""
    request_id = shop.scene.approved()
    change(shop)
    with shop.releaser.changes.watch(request_id) as woken:
        await shop.sweep()
        assert woken.is_set()
    row = shop.scene.row(request_id)
    assert row.state == "cancelled"
    assert why in (row.decision_reason or "")
    assert shop.till.calls == []


def _renamed(shop: Shop) -> None:
    """Call the grant by another name, which changes nothing else."""

    def rename(session: Session) -> None:
        session.connection().execute(sa.text("UPDATE grants SET label = 'other'"))

    shop.scene.database.write(rename)


def _known(shop: Shop, category: str) -> None:
    async def known(server: str, tool: str) -> KnownTool | None:
        return KnownTool(category, "Medium") if (server, tool) == ("payments", "create_refund") else None

    shop.releaser.known = known


_ASKED: dict[str, tuple[tuple[str, JSON], Callable[[Shop], object]]] = {
    "the label": (("grant.label", "support-agent"), _renamed),
    "the hour": (("time.hour", 12), lambda shop: shop.scene.later(hours=1)),
    "the category": (("tool.category", "Write"), lambda shop: _known(shop, "Financial")),
}


@pytest.mark.parametrize(("asked", "change"), _ASKED.values(), ids=_ASKED)
async def test_the_policy_is_asked_in_the_situation_of_now(shop: Shop, asked: tuple[str, JSON], change: Callable[[Shop], object]) -> None:
    """Who asks, when and about what are looked up again: what was so when people voted may not be so any more."""
    required: JSON = {"conditions": [{"path": asked[0], "op": "eq", "value": asked[1]}], "on_deny": "Not now."}
    ids = [shop.scene.approved() for _ in range(2)]
    shop.scene.policy = make_policy(refund={"require": [required]}, approval={"approvers": "payments", "expires_in": "3h"})
    shop.policies.replace({"payments": shop.scene.policy})
    _known(shop, "Write")
    shop.releaser.start(ids[0])
    await shop.held(ids[0], State.RELEASED)
    change(shop)
    shop.scene.database.write(lambda session: session.connection().execute(sa.text("UPDATE requests SET expires_at = '2027-01-01'")))
    await shop.sweep()
    row = shop.scene.row(ids[1])
    assert (row.state, row.decision_reason) == ("cancelled", "The policy denies this call now: Not now.")
    assert len(shop.till.calls) == 1


async def test_what_is_used_of_a_counter_is_read_for_the_policy(shop: Shop) -> None:
    """A condition on a counter sees how much of it is used in the window of now, and reads none that nobody asks for."""
    calls = Limit("/tools/other/rules/0", "calls", Window.DAY, 9, Scope.SERVER, identity="other.calls")
    shop.policies.replace({"payments": _counting(shop.scene.policy, calls)})
    first, second = shop.scene.approved(), shop.scene.approved()
    shop.releaser.start(first)
    await shop.held(first, State.RELEASED)
    used = charges([calls], grant="gr_other", server="payments", tool="other", now=shop.scene.now)
    shop.scene.database.write(partial(reserve, wanted=used, now=shop.scene.now))
    await shop.sweep()
    assert shop.scene.row(second).decision_reason == "The policy denies this call now: Too many others."


def _counting(policy: Policy, counter: Limit) -> Policy:
    """Deny refunds while anything is used of a counter of another tool."""
    condition = Condition(("state", "other", "calls"), Op.LT, 1, compile_test("state.other.calls", Op.LT, 1))
    gate = Rule("/tools/create_refund/rules/0", (condition,), "Too many others.", needed=True)
    entries = tuple(replace(entry, gates=(gate,), counted=(counter,)) for entry in policy.shape.entries)
    return replace(policy, shape=replace(policy.shape, entries=entries))


async def test_a_policy_that_only_watches_lets_an_approved_call_go(shop: Shop) -> None:
    """As one that allows does: people said yes, and nothing says no."""
    request_id = shop.scene.approved()
    shop.policies.replace({"payments": make_policy(mode="monitor")})
    await shop.sweep()
    assert shop.scene.state(request_id) is State.RELEASED


async def test_a_tool_that_changed_after_the_votes_voids_them(shop: Shop) -> None:
    """Its definition is not the one that people saw, whatever the policy says of it."""

    async def known(_server: str, _tool: str) -> KnownTool:
        return KnownTool("Write", "Medium", sha256="c" * 64)

    shop.releaser.known = known
    request_id = shop.scene.approved(tool=KnownTool("Write", "Medium", sha256="b" * 64))
    await shop.sweep()
    assert shop.scene.row(request_id).decision_reason == "The definition of the tool changed after the call was held."
    assert shop.till.calls == []


async def test_a_call_that_waits_for_its_limit_wakes_nobody(shop: Shop) -> None:
    """The release loop is not woken by its own refusal; in the next window the call runs."""
    shop.scene.policy = make_policy(refund={"limits": [{"counter": "n", "window": "minute", "max": 1, "scope": "grant"}]})
    shop.policies.replace({"payments": shop.scene.policy})
    shop.scene.approved()
    await shop.sweep()
    waiting = shop.scene.approved()
    shop.releaser.changes.due.clear()
    before = (shop.scene.row(waiting), shop.scene.events())
    for _ in range(3):
        await shop.sweep()
    assert not shop.releaser.changes.due.is_set()
    assert (shop.scene.row(waiting), shop.scene.events()) == before
    shop.scene.later(minutes=1)
    await shop.sweep()
    assert shop.scene.state(waiting) is State.RELEASED
    assert len(shop.till.calls) == 2


async def test_whoever_waits_is_woken_by_the_claim_and_by_the_outcome(shop: Shop) -> None:
    """The gateway's stream and the desk see both."""
    gate = asyncio.Event()
    shop.till.during = lambda _: _wait(gate)
    request_id = shop.scene.approved()
    with shop.releaser.changes.watch(request_id) as woken:
        await shop.releaser.sweep()
        await asyncio.wait_for(woken.wait(), 5)
        assert shop.scene.state(request_id) is State.RELEASING
        woken.clear()
        gate.set()
        await asyncio.wait_for(woken.wait(), 5)
        assert shop.scene.state(request_id) is State.RELEASED


async def test_arguments_as_deep_as_a_gateway_may_take_are_released(shop: Shop) -> None:
    """Their depth was bounded when they came, and is not judged by another measure now."""
    raw = b'{"a":' + b"[" * 150 + b"]" * 150 + b"}"
    deep: list[object] = []
    for _ in range(149):
        deep = [deep]
    request_id = shop.scene.approved(call=make_call({"a": deep}, raw=raw))  # type: ignore[dict-item]  # a list of lists of lists
    await shop.sweep()
    assert shop.scene.state(request_id) is State.RELEASED
    assert shop.till.calls[0][2] == raw


async def test_a_dead_process_leaves_its_claims_to_be_found(shop: Shop) -> None:
    """What the next start has to reap, and what it has to give the grace."""
    scene = shop.scene
    claimed, waiting, handed = scene.approved(), scene.held(), scene.held()
    scene.claim(claimed, instance="in_dead")
    scene.do(lifecycle.hand_off, handed)
    assert scene.database.read(partial(queries.due, now=scene.now))["reap"] == [claimed]
    assert scene.database.read(queries.orphans) == [waiting]
