"""What the gateway tells the policy beside the call: who asks, when, about which tool, and how much of a counter is used."""

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from bot.gateway.replies import UNAVAILABLE
from bot.mcp import Listing
from tests.factories import OLIVIA, make_grant
from tests.fakes import relayed
from tests.fakes.relayed import Relayed
from tests.unit.bot.gateway.stage import TOKEN, Set, Stage, address, call, raised, rules
from workflows.calls import JSON
from workflows.database import Database
from workflows.policy import KnownTool, load
from workflows.recorder import Recorder

OTHER = "other-agent"
GRANTS = (make_grant(TOKEN), make_grant(OTHER, owner="local:zoe"))


@dataclass(slots=True)
class Shelf:
    """Tool lists as the gateway has them: what is known of each tool, and what it was asked for."""

    tools: dict[str, KnownTool] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def known(self, server: str, tool: str) -> KnownTool | None:
        """Say what is known."""
        self.asked.append((server, tool))
        return self.tools.get(tool)

    async def passed(self, server: str, found: Listing, *, source: str) -> None:
        """No list passes in these tests."""
        raise AssertionError((server, found, source))


def _only(path: str, op: str, value: JSON) -> dict[str, JSON]:
    """Allow the calls that meet a condition, and no others."""
    return {"list_customers": {"require": [{"conditions": [{"path": path, "op": op, "value": value}], "on_deny": "Not so."}]}}


async def _passes(stage: Stage, token: str = TOKEN) -> bool:
    return (await stage.send(call(), token=token)).words == "done"


WHO: dict[str, tuple[tuple[str, str, JSON], list[bool]]] = {
    "label": (("grant.label", "eq", TOKEN), [True, False]),
    "owner": (("grant.owner", "eq", "local:zoe"), [False, True]),
    "server": (("grant.server", "eq", "payments"), [True, True]),
    "another server": (("grant.server", "in", ["other"]), [False, False]),
    "both owners": (("grant.owner", "in", ["local:zoe", OLIVIA.key]), [True, True]),
}


@pytest.mark.parametrize(("condition", "passed"), WHO.values(), ids=WHO)
async def test_a_policy_can_ask_whose_call_it_is(
    database: Database, upstream: Relayed, condition: tuple[str, str, JSON], passed: list[bool]
) -> None:
    """By the grant's label, its owner and its server, none of which an agent can say of itself."""
    policy = rules(tools=_only(*condition))
    async with raised(database, Set([address(upstream)], policies={"payments": policy}, grants=GRANTS)) as stage:
        assert [await _passes(stage, token) for token in (TOKEN, OTHER)] == passed
    assert len(upstream.calls) == sum(passed)


async def test_a_policy_can_ask_what_time_it_is(database: Database, upstream: Relayed) -> None:
    """In its own time zone: noon in London is one o'clock in Berlin, and five in the evening is the end there."""
    policy = rules(tools=_only("time.hour", "lt", 17), time_zone="Europe/Berlin")
    async with raised(database, Set([address(upstream)], policies={"payments": policy})) as stage:
        stage.clock.later(hours=3, minutes=59)
        assert await _passes(stage)
        stage.clock.later(minutes=1)
        assert not await _passes(stage)


async def test_a_policy_can_ask_what_day_it_is(database: Database, upstream: Relayed) -> None:
    """The clock stands on a Thursday."""
    policy = rules(tools=_only("time.weekday", "not_in", ["saturday", "sunday"]))
    async with raised(database, Set([address(upstream)], policies={"payments": policy})) as stage:
        assert await _passes(stage)
        stage.clock.later(days=2)
        assert not await _passes(stage)


async def test_a_policy_can_ask_what_the_tool_is(database: Database, upstream: Relayed) -> None:
    """By the catalogue's category; what is not known fails closed."""
    shelf = Shelf()
    async with raised(
        database, Set([address(upstream)], policies={"payments": rules(tools=_only("tool.category", "eq", "Read"))})
    ) as stage:
        stage.context.tool_lists = shelf
        assert not await _passes(stage)
        shelf.tools["list_customers"] = KnownTool("Read", "Low")
        assert await _passes(stage)
        shelf.tools["list_customers"] = KnownTool("Write", "Medium")
        assert not await _passes(stage)
    assert set(shelf.asked) == {("payments", "list_customers")}


async def test_a_changed_tool_is_held_with_what_is_known_of_it(stage: Stage, upstream: Relayed) -> None:
    """Although the policy allows it: the request keeps category, signals, the digest and the difference for people to see."""
    tool = KnownTool("Write", "Medium", ("Accepts URL/endpoint input (url)",), sha256="a" * 64, changed="-old\n+new")
    stage.context.tool_lists = Shelf({"list_customers": tool})
    stage.configure(hold_budget_seconds=0.0)
    answer = await stage.send(call())
    assert "PENDING_APPROVAL" in json.dumps(answer.message)
    [row] = stage.rows()
    assert (row.rule, row.category, row.risk) == ("(changed definition)", "Write", "Medium")
    assert json.loads(row.signals or "") == ["Accepts URL/endpoint input (url)"]
    assert (row.tool_sha256, row.difference) == ("a" * 64, "-old\n+new")
    assert upstream.calls == []


WATCHED: dict[str, Any] = {"mode": "monitor"}


async def test_a_policy_that_watches_forwards_what_it_would_hold_and_says_so(
    database: Database, upstream: Relayed, caplog: pytest.LogCaptureFixture
) -> None:
    """The call runs at once; trail and log tell who would have been asked, by which rule and why, and the log no argument."""
    caplog.set_level(logging.INFO, "bot.gateway.tools")
    async with raised(database, Set([address(upstream)], policies={"payments": rules(**WATCHED)})) as stage:
        assert (await stage.send(call("create_refund", {"amount": 70_707}))).words == "done"
        assert stage.rows() == []
        [row] = await stage.trail("call.forwarded")
    told = json.loads(row.detail)
    assert told["would_hold"] == {"approvers": "payments", "quorum": 1}
    assert (told["rule"], told["message"]) == ("/tools/create_refund/require_approval/always", "A refund")
    assert told["argument_keys"] == ["amount"]
    [said] = [record.getMessage() for record in caplog.records]
    assert "create_refund" in said
    assert TOKEN in said
    assert "would be held for payments" in said
    assert "70707" not in said


async def test_a_policy_that_watches_denies_and_limits_all_the_same(database: Database, upstream: Relayed) -> None:
    """Only a hold is let go; a call that nothing stands against is told without a word of holding."""
    async with raised(database, Set([address(upstream)], policies={"payments": rules(**WATCHED)})) as stage:
        assert (await stage.send(call("wipe"))).words == "[POLICY DENIED] Nobody wipes."
        answers = [(await stage.send(call("limited"))).words for _ in range(3)]
        assert [words == "done" for words in answers] == [True, True, False]
        rows = await stage.trail("call.forwarded")
    assert not [row for row in rows if "would_hold" in row.detail]
    assert len(upstream.calls) == 2


async def test_an_allowed_call_of_a_policy_without_counters_reads_no_database(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever judges a call looks at memory alone."""

    async def never(*_: object) -> None:
        raise AssertionError("the database was read")

    monkeypatch.setattr(Database, "aread", never)
    monkeypatch.setattr(Database, "awrite", never)
    monkeypatch.setattr(Recorder, "note", lambda *_: None)
    assert await _passes(stage)


COUNTING = """
version: "1"
default: deny
tools:
  list_customers:
    rules:
      - name: after a look
        conditions: [{path: state.limited.looks, op: gte, value: 2}]
        on_deny: Look twice first.
  limited:
    rules:
      - name: looks
        conditions: [{path: state.limited.looks, op: lte, value: 3}]
        state: {counter: looks, window: hour}
        on_deny: You looked enough.
"""


@contextlib.asynccontextmanager
async def _counting(database: Database, upstream: Relayed) -> AsyncIterator[Stage]:
    policy = load(COUNTING, name="payments")
    async with raised(database, Set([address(upstream)], policies={"payments": policy}, grants=GRANTS)) as stage:
        yield stage


async def test_a_policy_can_ask_how_much_another_tools_counter_has(database: Database, upstream: Relayed) -> None:
    """In the window of now, with the calls of every agent, and without those that failed."""
    async with _counting(database, upstream) as stage:
        assert (await stage.send(call())).words == "[POLICY DENIED] Look twice first."
        await stage.send(call("limited"))
        upstream.on["tools/call"] = relayed.text("no", is_error=True)
        await stage.send(call("limited"))
        del upstream.on["tools/call"]
        await stage.context.recorder.close()
        assert not await _passes(stage)
        await stage.send(call("limited"), token=OTHER)
        assert [await _passes(stage), await _passes(stage, OTHER)] == [True, True]
        words = [(await stage.send(call("limited"))).words for _ in range(2)]
        assert words == ["done", "[POLICY DENIED] You looked enough. Try again at 2026-01-15T13:00:00Z."]
        stage.clock.later(hours=1)
        assert not await _passes(stage)


async def test_a_counter_that_cannot_be_read_lets_nothing_through(database: Database, upstream: Relayed) -> None:
    """The agent gets an error that says to try again, and nothing is sent."""
    async with _counting(database, upstream) as stage:
        for _ in range(2):
            await stage.send(call("limited"))
        await stage.context.recorder.close()
        sent = len(upstream.calls)
        await database.awrite(lambda session: session.connection().execute(sa.text("ALTER TABLE counters RENAME TO hidden")))
        answer = await stage.send(call())
        assert answer.error["code"] == UNAVAILABLE
        await database.awrite(lambda session: session.connection().execute(sa.text("ALTER TABLE hidden RENAME TO counters")))
        assert len(upstream.calls) == sent
        assert await _passes(stage)
