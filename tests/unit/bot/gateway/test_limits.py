"""Limits are reserved before a call is forwarded, and given back into the window that was charged when it certainly came to nothing."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.factories import make_grant
from tests.fakes import relayed
from tests.fakes.relayed import Peer, Received, Relayed, Script
from tests.unit.bot.gateway.stage import TOKEN, Set, Stage, address, busy, call, raised, rules
from tests.waiting import eventually
from workflows.calls import JSON
from workflows.database import Database


def _event(data: Mapping[str, object]) -> bytes:
    return f"event: message\ndata: {json.dumps(data)}\n\n".encode()


RESULT: dict[str, Any] = {"content": [{"type": "text", "text": "no"}], "isError": True}
ERROR = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "no"}}
NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": {"error": 1, "isError": True}}}


async def _chunked(_: Received, peer: Peer) -> None:
    await peer.begin(kind="application/json")
    await peer.chunk(json.dumps(ERROR).encode())
    await peer.end()


async def _broken(_: Received, peer: Peer) -> None:
    peer.abort()


FAILURES: dict[str, Script] = {
    "isError": relayed.text("no", is_error=True),
    "a JSON-RPC error": relayed.error(),
    "HTTP 500": relayed.body(b"oops", 500),
    "HTTP 400 with an error": relayed.error(status=400),
    "isError on a stream": relayed.stream(_event(NOTE), _event({"jsonrpc": "2.0", "id": 1, "result": RESULT})),
    "two errors on a stream": relayed.stream(_event(ERROR), _event(ERROR)),
    "an error without a length": _chunked,
}
SUCCESSES: dict[str, Script] = {
    "a result": relayed.text("done"),
    "isError false": relayed.result({"content": [], "isError": False}),
    "an error only in words": relayed.result({"content": [{"type": "text", "text": '"error": "isError": true'}]}),
    "a note of an error on a stream": relayed.stream(_event(NOTE), _event({"jsonrpc": "2.0", "id": 1, "result": {"content": []}})),
    "deeper than anybody reads": relayed.body(b'{"jsonrpc":"2.0","id":1,"result":{"isError":' + b"[" * 9000 + b"]" * 9000 + b"}}", 200),
    "nothing readable": relayed.body(b'{"error"', 200),
    "a long result": relayed.result({"content": [], "pad": "x" * 2_000_000}),
    "broken off": _broken,
}


@pytest.mark.parametrize("name", list(FAILURES))
async def test_a_failure_gives_back_what_was_reserved_and_no_more(stage: Stage, upstream: Relayed, name: str) -> None:
    """However often the upstream says it: one good call before stays charged."""
    await stage.send(call("limited"))
    assert await stage.used() == 1
    upstream.on["tools/call"] = FAILURES[name]
    await stage.send(call("limited"))
    await eventually(lambda: len(upstream.calls) == 2)
    assert await stage.used() == 1
    assert len(await stage.trail("call.failed")) == 1


@pytest.mark.parametrize("name", list(SUCCESSES))
async def test_what_ran_or_may_have_run_stays_charged(stage: Stage, upstream: Relayed, name: str) -> None:
    """Also when the answer was lost on its way: nobody knows that nothing happened."""
    upstream.on["tools/call"] = SUCCESSES[name]
    await stage.send(call("limited"))
    assert await stage.used() == 1


async def test_an_upstream_that_cannot_be_reached_costs_nothing(database: Database) -> None:
    """Nothing was sent, so everything comes back."""
    async with raised(database, Set([address(Relayed(url="http://127.0.0.1:9/mcp"))])) as stage:
        for _ in range(3):
            assert (await stage.send(call("limited"))).error["code"] == -31001
        assert await stage.used() == 0


async def test_a_used_up_limit_refuses_and_says_when_to_try_again(stage: Stage, upstream: Relayed) -> None:
    """The third call of a minute is not forwarded; in the next minute there are calls again."""
    for _ in range(2):
        assert (await stage.send(call("limited"))).words == "done"
    answer = await stage.send(call("limited"))
    assert answer.words.startswith("[POLICY DENIED] ")
    assert "2 calls a minute" in answer.words
    assert "2026-01-15T12:01:00Z" in answer.words
    assert answer.message["result"]["isError"] is True
    assert len(upstream.calls) == 2
    [row] = await stage.trail("call.denied")
    assert "limit" in json.loads(row.detail)["rule"]
    stage.clock.later(minutes=1)
    assert (await stage.send(call("limited"))).words == "done"


async def test_what_is_given_back_goes_into_the_window_that_was_charged(stage: Stage, upstream: Relayed) -> None:
    """A failure that is told in the next minute gives nothing to that minute."""

    async def slow(received: Received, peer: Peer) -> None:
        if received.message["params"]["arguments"].get("slow"):
            stage.clock.later(minutes=1)
            await stage.send(call("limited"))
            await peer.answer(json.dumps(ERROR).encode())
        else:
            await peer.answer(b'{"jsonrpc":"2.0","id":1,"result":{}}')

    upstream.on["tools/call"] = slow
    await stage.send(call("limited", {"slow": True}))
    assert await stage.used() == 1
    await stage.send(call("limited"))
    assert (await stage.send(call("limited"))).words.startswith("[POLICY DENIED]")


def _limited(maximum: int, **limit: JSON) -> JSON:
    return {"limited": {"limits": [{"counter": "some", "window": "minute", "max": maximum, **limit}]}}


def _spending(**limit: JSON) -> dict[str, JSON]:
    """Limit the sum of an argument to 1000 an hour."""
    return {"limited": {"limits": [{"counter": "spend", "window": "hour", "max": 1000, "increment_from": "args.amount", **limit}]}}


@contextlib.asynccontextmanager
async def _staged(database: Database, upstream: Relayed, tools: JSON) -> AsyncIterator[Stage]:
    async with raised(database, Set([address(upstream)], policies={"payments": rules(tools=tools)})) as stage:
        yield stage


async def test_an_argument_is_added_up_and_the_refusal_tells_what_is_left(database: Database, upstream: Relayed) -> None:
    """Exactly, to the last cent; and what passes is what fits, not what comes first."""
    async with _staged(database, upstream, _spending()) as stage:
        words = [(await stage.send(call("limited", {"amount": amount}))).words for amount in (879.99, "0.01", 120.01, 120)]
    left = "The limit of 1000 an hour is used up but for 120 (spend), and this call uses more. Try again at 2026-01-15T13:00:00Z."
    assert words == ["done", "done", f"[POLICY DENIED] {left}", "done"]
    assert [received.message["params"]["arguments"]["amount"] for received in upstream.calls] == [879.99, "0.01", 120]


async def test_an_amount_that_fits_nowhere_is_refused_without_a_time(database: Database, upstream: Relayed) -> None:
    """The agent is told to send a smaller one."""
    async with _staged(database, upstream, _spending()) as stage:
        answer = await stage.send(call("limited", {"amount": 1000.5}))
    said = "args.amount is more than ever fits in the limit of 1000 an hour (spend): send a smaller amount."
    assert answer.words == f"[POLICY DENIED] {said}"
    assert upstream.calls == []


BAD_AMOUNTS = {
    "missing": ({}, "it is missing"),
    "negative": ({"amount": -5}, "it is negative"),
    "seven decimals": ({"amount": 0.1234567}, "more than six decimals"),
    "words": ({"amount": "much"}, "text that is not a number"),
    "null": ({"amount": None}, "null"),
    "a list": ({"amount": [1]}, "a list"),
    "beyond counting": ({"amount": 1e300}, "too large"),
}


@pytest.mark.parametrize(("arguments", "why"), BAD_AMOUNTS.values(), ids=BAD_AMOUNTS)
async def test_what_cannot_be_added_up_is_denied_and_costs_nothing(
    database: Database, upstream: Relayed, arguments: dict[str, JSON], why: str
) -> None:
    """Never rounded and never taken for nothing; the denial names the argument and the limit's rule."""
    async with _staged(database, upstream, _spending()) as stage:
        answer = await stage.send(call("limited", arguments))
        assert answer.words.startswith("[POLICY DENIED] args.amount is counted by the limit spend: ")
        assert why in answer.words
        assert await stage.used() == 0
        [row] = await stage.trail("call.denied")
    assert json.loads(row.detail)["rule"] == "/tools/limited/limits/spend"
    assert upstream.calls == []


async def test_a_failed_call_gives_its_amount_back(database: Database, upstream: Relayed) -> None:
    """The whole of it, so that as much can be spent again."""
    async with _staged(database, upstream, _spending()) as stage:
        upstream.on["tools/call"] = relayed.text("no", is_error=True)
        assert (await stage.send(call("limited", {"amount": 999}))).words == "no"
        await eventually(lambda: not stage.context.recorder._queue)
        assert await stage.used() == 0
        del upstream.on["tools/call"]
        assert (await stage.send(call("limited", {"amount": 1000}))).words == "done"


async def test_a_used_up_limit_speaks_in_the_policys_own_words(database: Database, upstream: Relayed) -> None:
    """And says when to try again, which no policy knows beforehand."""
    async with _staged(database, upstream, _limited(1, on_deny="One a minute is enough.")) as stage:
        await stage.send(call("limited"))
        answer = await stage.send(call("limited"))
    assert answer.words == "[POLICY DENIED] One a minute is enough. Try again at 2026-01-15T12:01:00Z."


async def test_a_call_that_no_limit_would_ever_let_through_is_not_held(database: Database, upstream: Relayed) -> None:
    """Nobody is asked about what could not be released afterwards; what fits is held, although it would not fit just now."""
    held: dict[str, JSON] = {"require_approval": [{"conditions": []}], **_spending()["limited"]}  # type: ignore[dict-item]  # one of JSON's objects
    async with _staged(database, upstream, {"limited": held}) as stage:
        stage.configure(hold_budget_seconds=0.0)
        assert "send a smaller amount" in (await stage.send(call("limited", {"amount": 1001}))).words
        assert stage.rows() == []
        for amount in (800, 900):
            await stage.send(call("limited", {"amount": amount}))
        assert [row.state for row in stage.rows()] == ["pending", "pending"]
        assert await stage.used() == 0


async def test_of_fifty_calls_at_once_a_limit_of_ten_lets_ten_through(database: Database, upstream: Relayed) -> None:
    """Exactly ten, and the others were told so."""
    policy = rules(tools=_limited(10))
    async with raised(database, Set([address(upstream)], policies={"payments": policy})) as stage:
        answers = await asyncio.gather(*(stage.send(call("limited", id=number)) for number in range(50)))
        assert sorted(answer.words == "done" for answer in answers) == [False] * 40 + [True] * 10
        assert await stage.used() == 10
    assert len(upstream.calls) == 10


async def test_a_limit_is_shared_by_its_scope(database: Database, upstream: Relayed) -> None:
    """Each grant has its own, or all share one: as the policy says."""
    grants = [make_grant(TOKEN), make_grant("other-agent")]
    for scope, passed in (("grant", [True, False, True, False]), ("global", [True, False, False, False])):
        policy = rules(tools=_limited(1, scope=scope))
        async with raised(database, Set([address(upstream)], policies={"payments": policy}, grants=grants)) as stage:
            stage.clock.later(minutes=5 if scope == "global" else 0)
            answers = [await stage.send(call("limited"), token=token) for token in (TOKEN, TOKEN, "other-agent", "other-agent")]
            assert [answer.words == "done" for answer in answers] == passed, scope


async def test_an_agent_that_leaves_while_its_call_runs_stays_charged(stage: Stage, upstream: Relayed) -> None:
    """The call was sent: leaving does not undo it."""
    left = asyncio.Event()

    async def script(_: Received, peer: Peer) -> None:
        await peer.begin()
        await peer.chunk(b": begun\n\n")
        await peer.gone()
        left.set()

    upstream.on["tools/call"] = script
    async with stage.stream(call("limited")) as stream:
        await stream.raw_event()
    await asyncio.wait_for(left.wait(), 5)
    assert await stage.used() == 1


async def test_an_agent_that_leaves_before_its_call_is_sent_is_not_charged(stage: Stage, upstream: Relayed) -> None:
    """It broke off while the reservation was written: nothing is sent, everything comes back, and the trail says why."""
    with busy(stage.database):
        sending = asyncio.ensure_future(stage.send(call("limited")))
        await eventually(lambda: len(stage.context._tasks) == 1)
        sending.cancel()
        await eventually(lambda: len(stage.context._tasks) == 2)
    await eventually(lambda: stage.context._tasks == set())
    assert await stage.used() == 0
    assert upstream.received == []
    assert [row.event for row in await stage.trail("call.forwarded", "call.failed")] == ["call.forwarded", "call.failed"]
