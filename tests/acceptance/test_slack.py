"""Approving in Slack, end to end: the official MCP client, `askfirst serve` as a process, a Slack that refuses what Slack refuses."""

import asyncio
import json
import secrets
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.stage import POLICY, World, agent, arguments, free_ports, text
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.state import Message
from tests.waiting import eventually
from workflows.states import State

CHANNEL = "C01APPROVALS"
ALICE, BOB, CAROL = "U01ALICE", "U01BOB", "U01CAROL"
TWO = 2  # the amount that needs two approvals
QUORUM_POLICY = {
    **POLICY,
    "tools": {
        "look": {},
        "act": {
            "require_approval": [
                {"conditions": [{"path": "args.amount", "op": "eq", "value": TWO}], "quorum": 2, "reason": "Needs two"},
                {"conditions": [], "reason": "Acts"},
            ]
        },
    },
}


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    """Name the way in which Slack reaches Askfirst."""
    return str(request.param)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack workspace with Alice, Bob and Carol."""
    async with FakeSlack() as fake:
        yield fake


@contextmanager
def gateway(slack: FakeSlack, transport: str, directory: Path, **options: Any) -> Iterator[World]:  # noqa: ANN401  # the fields of a World
    """Make `askfirst serve` for this Slack; not started yet."""
    [port] = free_ports(1)
    slack.transport = transport
    slack.request_url = f"http://127.0.0.1:{port}/slack/events"
    made = World(
        directory,
        f"sqlite:///{directory}/askfirst.db",
        policy=QUORUM_POLICY,
        members=[f"slack:{slack.team}/{user}" for user in (ALICE, BOB)],
        extra=f"""
[slack]
mode = "{transport}"
channel = "{CHANNEL}"
fallback_channel = "C02FALLBACK"
api_url = "{slack.api_url}"
admins = ["slack:{slack.team}/{CAROL}"]
listen = "127.0.0.1:{port}"
""",
        **options,
    )
    made.gateway.environment.update(
        SLACK_BOT_TOKEN=slack.BOT_TOKEN, SLACK_APP_TOKEN=slack.APP_TOKEN, SLACK_SIGNING_SECRET=slack.SIGNING_SECRET
    )
    try:
        yield made
    finally:
        made.close()


async def start(world: World) -> None:
    """Start the upstream and the gateway without stopping the loop that Slack runs in."""
    await asyncio.to_thread(world.upstream.start)
    await asyncio.to_thread(world.gateway.start)


def actions(message: Message) -> list[str]:
    """Name the buttons of a message."""
    return [element["action_id"] for block in message.blocks for element in block.get("elements", ()) if "action_id" in element]


def cards(slack: FakeSlack, request_id: str, channel: str = CHANNEL) -> list[Message]:
    """Give the cards of a request, those in the channel, no replies."""
    return [each for each in slack.messages(channel) if each.thread_ts is None and request_id in json.dumps(each.blocks)]


async def card_of(slack: FakeSlack, request_id: str, *, within: float = 15) -> Message:
    """Wait for the one card of a request."""
    found = await eventually(partial(cards, slack, request_id), within=within)
    assert len(found) == 1
    return found[0]


async def shows(slack: FakeSlack, request_id: str, *words: str, buttons: bool, within: float = 15) -> None:
    """Wait until the one card of a request says these words, and has live buttons or none."""

    def check() -> bool:
        [card] = cards(slack, request_id)
        assert all(word in json.dumps(card.blocks) for word in words), json.dumps(card.blocks)
        assert any(name.startswith("af_approve") for name in actions(card)) is buttons
        return True

    await eventually(check, within=within)


async def held(world: World, key: str) -> str:
    """Wait for the request of a call."""
    return (await asyncio.to_thread(world.held, key)).id


async def settled(world: World, key: str, state: State, *, within: float = 15) -> None:
    """Wait until the request of a call is in a state."""
    await eventually(lambda: world.state(key) == state, within=within)


async def test_two_people_approve_and_the_agent_gets_the_real_result(slack: FakeSlack, transport: str, tmp_path: Path) -> None:
    """Agent, hold, card, first click (1 of 2), a stranger to the group refused, second click, release, repaint, one reply in the thread."""
    with gateway(slack, transport, tmp_path) as world:
        await start(world)
        key = f"key-{secrets.token_hex(4)}"
        async with agent(world.url, "auto") as client, asyncio.TaskGroup() as group:
            call = group.create_task(client.call_tool("act", arguments(key, TWO)))
            request_id = await held(world, key)
            card = await card_of(slack, request_id)
            assert {"af_approve", "af_deny", "af_args"} <= set(actions(card))
            first = await slack.click(ALICE, CHANNEL, card.ts, "af_approve")
            assert first.acked
            assert first.ack_seconds < 3
            await shows(slack, request_id, "1 of 2", buttons=True)
            await slack.click(CAROL, CHANNEL, card.ts, "af_approve")
            await eventually(lambda: any(each.ephemeral_for == CAROL for each in slack.ephemerals))
            assert world.state(key) == State.PENDING
            assert (await slack.click(BOB, CHANNEL, card.ts, "af_approve")).acked
            result = await call
        assert (result.is_error, text(result)) == (False, f"act {key} done")
        assert world.ran(key) == 1
        await shows(slack, request_id, ALICE, BOB, buttons=False)
        replies = partial(_replies, slack, card)
        await eventually(replies)
        assert len(replies()) == 1
        trail = await asyncio.to_thread(world.trail, request_id)
        assert "request.refused" in trail
        assert "request.approve" in trail
        assert "request.finish" in trail
        await asyncio.to_thread(world.cli, "audit", "verify")
        said = world.gateway.said()
        assert "Traceback" not in said
        for secret in (slack.BOT_TOKEN, slack.APP_TOKEN, slack.SIGNING_SECRET):
            assert secret not in said


async def test_a_denial_in_slack_reaches_the_agent_with_its_reason(slack: FakeSlack, transport: str, tmp_path: Path) -> None:
    """Deny opens a modal; its reason is what the agent reads, and the call does not run."""
    with gateway(slack, transport, tmp_path) as world:
        await start(world)
        async with agent(world.url, "auto") as client, asyncio.TaskGroup() as group:
            call = group.create_task(client.call_tool("act", arguments("no")))
            request_id = await held(world, "no")
            card = await card_of(slack, request_id)
            assert (await slack.click(BOB, CHANNEL, card.ts, "af_deny")).acked
            view = await eventually(partial(_modal, slack, BOB, "af_deny_submit"))
            assert view is not None
            answer = await slack.submit(
                BOB, view["id"], {"reason": {"reason": {"type": "plain_text_input", "value": "Ask finance first."}}}
            )
            assert answer.acked
            result = await call
        assert result.is_error
        assert "Ask finance first." in text(result)
        assert world.ran("no") == 0
        await shows(slack, request_id, "Denied", "Ask finance first.", buttons=False)


def _replies(slack: FakeSlack, card: Message) -> list[Message]:
    return [each for each in slack.messages(CHANNEL) if each.thread_ts == card.ts]


def _modal(slack: FakeSlack, user: str, callback_id: str) -> dict[str, Any] | None:
    return next((view for view in slack.views.get(user, []) if view["callback_id"] == callback_id), None)


async def test_a_kill_between_click_and_repaint_leaves_no_card_that_lies(slack: FakeSlack, transport: str, tmp_path: Path) -> None:
    """The process is killed while its repaint hangs: the call ran once, and the next start repaints the card it finds in the database."""
    with gateway(slack, transport, tmp_path) as world:
        await start(world)
        async with agent(world.url, "auto") as client, asyncio.TaskGroup() as group:
            call = group.create_task(client.call_tool("act", arguments("kill")))
            request_id = await held(world, "kill")
            card = await card_of(slack, request_id)
            slack.fault("chat.update", times=100, kind="hang")
            assert (await slack.click(ALICE, CHANNEL, card.ts, "af_approve")).acked
            assert not (await call).is_error
        await settled(world, "kill", State.RELEASED)
        await asyncio.to_thread(world.gateway.kill)
        assert "af_approve" in actions(await card_of(slack, request_id))
        slack.clear_faults()
        await asyncio.to_thread(world.gateway.start)
        await shows(slack, request_id, ALICE, buttons=False)
        late = await slack.click(BOB, CHANNEL, card.ts, "af_approve")
        assert late.acked
        assert world.ran("kill") == 1


async def test_an_outage_of_a_minute_loses_no_card_and_runs_nothing(slack: FakeSlack, transport: str, tmp_path: Path) -> None:
    """While Slack is down calls stay held and other calls go through; afterwards each has one card, and clicks work."""
    with gateway(slack, transport, tmp_path, budget=2.0) as world:
        await start(world)
        await eventually(partial(_health, world, "ok"), within=30)
        begun = time.monotonic()
        slack.outage()
        async with agent(world.url, "auto") as client:
            results = await asyncio.gather(*(client.call_tool("act", arguments(f"out-{number}")) for number in range(5)))
            assert all("PENDING" in text(result) for result in results)
            quick = time.monotonic()
            assert not (await client.call_tool("look", {"key": "look"})).is_error
            assert time.monotonic() - quick < 2
            await eventually(partial(_health, world, "down"), within=30)
            await eventually(lambda: time.monotonic() - begun > 60, within=70)
            assert not slack.messages(CHANNEL)
            slack.recover()
            await eventually(partial(_health, world, "ok"), within=45)
            for number in range(5):
                request_id = await held(world, f"out-{number}")
                card = await card_of(slack, request_id, within=40)
                assert (await slack.click(ALICE, CHANNEL, card.ts, "af_approve")).acked
                await settled(world, f"out-{number}", State.RELEASED)
                assert world.ran(f"out-{number}") == 1


async def test_two_hundred_requests_at_once_have_a_card_each(slack: FakeSlack, transport: str, tmp_path: Path) -> None:
    """Two hundred calls are held at once: each gets one card, which never shows an older state again, without a storm of refusals.

    They go to four channels, because Slack takes one message a second in each; `test_slack_sync` shows two hundred in one.
    """
    channels = [CHANNEL, *(f"C1{number}MANY" for number in range(3))]
    for channel in channels[1:]:
        slack.add_channel(channel, channel.lower())
    rules: list[dict[str, object]] = [
        {"conditions": [{"path": "args.amount", "op": "eq", "value": 10 + number}], "channel": channel, "reason": "Acts"}
        for number, channel in enumerate(channels)
    ]
    policy = {
        "version": "1",
        "default": "deny",
        "approval": {"approvers": "people", "expires_in": "1h"},
        "tools": {"act": {"require_approval": rules}},
    }
    with gateway(slack, transport, tmp_path, budget=0.0) as world:
        (tmp_path / "counting.json").write_text(json.dumps(policy))
        config = world.config.read_text().replace("[gateway]", "[gateway]\nmax_pending_per_grant = 500", 1)
        world.config.write_text(config)
        await start(world)
        async with agent(world.url, "auto") as client:
            await asyncio.gather(*(client.call_tool("act", arguments(f"many-{number}", 10 + number % 4)) for number in range(200)))
        ids = [rows[0].id for rows in world.requests().values()]
        assert len(ids) == 200
        for request_id in ids[:8]:
            await asyncio.to_thread(world.cli, "requests", "deny", request_id, "--as", f"slack:{slack.team}/{ALICE}", "--reason", "no")
        await eventually(partial(_all_shown, slack, channels, ids), within=100)
        refused = [call for call in slack.calls if call.answer.get("error") == "ratelimited"]
        assert len(refused) <= 5
        for request_id in ids[:8]:  # denied at once: whoever has a card sees the end on it, and it was the last word
            for card in (card for channel in channels for card in cards(slack, request_id, channel)):
                assert "af_deny" not in actions(card)
                shown = ["af_deny" in json.dumps(drawn) for drawn in (*card.versions, card.blocks)]
                assert shown == sorted(shown, reverse=True)


async def _health(world: World, word: str) -> bool:
    """Tell whether the gateway says this of Slack; that it is well itself, it says in any case."""

    def ask() -> object:
        with urllib.request.urlopen(world.url.partition("/mcp/")[0] + "/health", timeout=5) as answer:  # noqa: S310  # our own listener
            return json.load(answer)

    told = await asyncio.to_thread(ask)
    assert told in ({"status": "ok", "slack": "ok"}, {"status": "ok", "slack": "down"})
    return told == {"status": "ok", "slack": word}


def _all_shown(slack: FakeSlack, channels: Sequence[str], ids: Sequence[str]) -> bool:
    whole = [json.dumps(each.blocks) for channel in channels for each in slack.messages(channel) if each.thread_ts is None]
    counts = [sum(request_id in blocks for blocks in whole) for request_id in ids]
    assert max(counts, default=0) <= 1
    return all(counts[8:])
