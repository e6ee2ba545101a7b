"""An Intercept document in force: what its rules count and read, from outside."""

import asyncio
from dataclasses import replace

from tests.factories import PAYMENTS, make_grant
from tests.fakes.relayed import Relayed
from tests.unit.bot.gateway.stage import TOKEN, Set, address, call, raised
from workflows.database import Database
from workflows.policy import load
from workflows.policy.intercept_rules import DEFAULT_APPROVERS

DOCUMENT = """
version: "1"
default: deny
tools:
  search: {rules: []}
  pay:
    rules:
      - rate_limit: 3/hour
      - name: daily sum
        conditions: [{path: state.pay.paid, op: lt, value: 101}]
        state: {counter: paid, window: day, increment_from: args.amount}
        on_deny: Agents pay 100 a day.
  refund:
    rules:
      - name: after payments
        conditions: [{path: state.pay.paid, op: gt, value: 0}]
        on_deny: Nothing was paid today.
      - name: large sums
        action: require_approval
        conditions: [{path: state.pay.paid, op: gte, value: 100}]
  "*":
    rules:
      - rate_limit: 6/minute
"""


AGENTS = [make_grant(TOKEN), make_grant("other-agent")]
APPROVERS = replace(PAYMENTS, name=DEFAULT_APPROVERS)


def at(upstream: Relayed) -> Set:
    """A gateway that has this document in force, for two agents."""
    policies = {"payments": load(DOCUMENT, name="payments")}
    return Set([address(upstream)], policies=policies, grants=AGENTS)


async def test_a_rate_counts_the_calls_of_all_agents_together(database: Database, upstream: Relayed) -> None:
    """There a counter belongs to a tool, whoever calls it; the refusal says so in the words of the format."""
    async with raised(database, at(upstream)) as stage:
        tokens = (TOKEN, "other-agent", TOKEN, "other-agent")
        words = [(await stage.send(call("pay", {"amount": 1}), token=token)).words for token in tokens]
        assert words[:3] == ["done"] * 3
        assert words[3].startswith("[POLICY DENIED] Rate limit of 3 per hour reached. Try again later.")
        stage.clock.later(hours=1)
        assert (await stage.send(call("pay", {"amount": 1}))).words == "done"


async def test_a_rate_of_the_star_counts_every_tool(database: Database, upstream: Relayed) -> None:
    """All listed tools share it, and a call that is denied costs nothing."""
    async with raised(database, at(upstream)) as stage:
        for tool in ("pay", "pay", "search", "search", "drop", "drop", "search", "search"):
            await stage.send(call(tool, {"amount": 1}))
        assert (await stage.send(call("search"))).words.startswith("[POLICY DENIED] Rate limit of 6 per minute reached.")
        stage.clock.later(minutes=1)
        assert (await stage.send(call("search"))).words == "done"


async def test_a_sum_is_bounded_and_read_by_another_tool(database: Database, upstream: Relayed) -> None:
    """What `pay` has added up is what the rules of `refund` look at, in the window of now."""
    async with raised(database, at(upstream)) as stage:
        assert (await stage.send(call("refund"))).words == "[POLICY DENIED] Nothing was paid today."
        assert (await stage.send(call("pay", {"amount": 60.5}))).words == "done"
        assert (await stage.send(call("refund"))).words == "done"
        assert (await stage.send(call("pay", {"amount": 39.51}))).words.startswith("[POLICY DENIED] Agents pay 100 a day.")
        assert (await stage.send(call("pay", {"amount": 39.5}))).words == "done"
        await asyncio.to_thread(stage.scene.declare, APPROVERS, grants_=AGENTS)
        stage.configure(hold_budget_seconds=0.0)
        await stage.send(call("refund"))
        assert [(row.rule, row.approvers) for row in stage.rows()] == [("/tools/refund/rules/large sums", "approvers")]
        stage.clock.later(hours=24)
        assert (await stage.send(call("refund", {"order": 7}))).words == "[POLICY DENIED] Nothing was paid today."


async def test_an_edit_of_the_document_counts_on(database: Database, upstream: Relayed) -> None:
    """A rule that is moved, named or given another number keeps its counter."""
    async with raised(database, at(upstream)) as stage:
        for _ in range(3):
            await stage.send(call("pay", {"amount": 1}))
        edited = DOCUMENT.replace("rate_limit: 3/hour", "name: slowly\n        rate_limit: 4/hour")
        stage.context.policies.replace({"payments": load(edited, name="payments")})
        assert (await stage.send(call("pay", {"amount": 1}))).words == "done"
        assert "Rate limit of 4 per hour" in (await stage.send(call("pay", {"amount": 1}))).words
