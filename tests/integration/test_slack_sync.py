"""What Slack shows follows the rows, through everything that Slack does: nothing twice, nothing lost, and no faster than it allows."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlmodel import select

from bot.settings import Secret, SlackSettings
from bot.settings.shapes import Address, SlackMode
from bot.slack import cards as drawing
from bot.slack import client as clients
from bot.slack import facts, ids
from bot.slack.context import SlackContext
from bot.slack.people import Directory
from bot.slack.sync import Sync
from tests.factories import ALICE, BOB, CAROL, Scene, make_grant, make_policy
from tests.fakes.slack import Call, FakeSlack, Message
from tests.waiting import eventually
from workflows import cards, lifecycle, queries
from workflows.changes import Changes
from workflows.lifecycle import Choice
from workflows.people import ApproverGroup
from workflows.tables import ApprovalRequest, Delivery

CHANNEL, FALLBACK = "C01APPROVALS", "C02FALLBACK"
DANA, ERIN = "slack:T01TEST/U01BOB", "slack:T01TEST/U01CAROL"


@dataclass(slots=True)
class World:
    """A database, a Slack, and what keeps the one shown in the other. Time passes only when a test says so."""

    scene: Scene
    slack: FakeSlack
    context: SlackContext
    sync: Sync

    async def settle(self, *, within: int = 3000) -> None:
        """Let seconds pass until there is nothing left to say."""
        for _ in range(within):
            await self.sync.once()
            if not self.open():
                return
            self.scene.later(seconds=1)
        raise AssertionError(f"still to be said: {self.open()[:5]}")

    async def pass_(self, seconds: int) -> None:
        """Let so many seconds pass, with a look at each."""
        for _ in range(seconds):
            await self.sync.once()
            self.scene.later(seconds=1)

    def open(self) -> list[str]:
        """What is still to be said, now or later."""
        ever = self.scene.now + timedelta(days=9)
        due = [job.id for job in self.scene.database.read(partial(cards.due, now=ever))]
        return due + (["something unplanned"] if self.scene.database.read(cards.unplanned) else [])

    def restarted(self) -> Sync:
        """Begin anew with what the rows say, as after a crash."""
        self.sync = _sync(self.scene, self.context)
        return self.sync

    def row(self, delivery_id: str) -> Delivery:
        """Read a delivery."""
        row = self.scene.database.read(lambda session: session.get(Delivery, delivery_id))
        assert row is not None
        return row

    def card(self, request_id: str) -> Message:
        """The one card of a request, wherever it stands."""
        [found] = self.copies(request_id)
        return found

    def copies(self, request_id: str, kind: str = "card") -> list[Message]:
        """All messages that carry this delivery, in all channels."""
        everything = (message for channel in self.slack.channels for message in self.slack.messages(channel))
        return [one for one in everything if one.metadata and one.metadata["event_payload"]["delivery"].startswith(f"{request_id}/{kind}")]

    def current(self, request_id: str) -> bool:
        """Tell whether the card shows the request as it is."""
        view = self.scene.database.read(partial(queries.one, request_id=request_id))
        assert view is not None
        drawn = drawing.card(facts.shown(view, team="T01TEST", desk_url=self.context.desk_url))
        return bool(self.card(request_id).args["blocks"] == drawn.blocks)

    def health(self) -> bool:
        """Tell whether Slack takes what we post."""
        return self.sync.healthy

    def refusals(self) -> list[Call]:
        """The calls that Slack found too many."""
        return [call for call in self.slack.calls if call.answer.get("error") == "ratelimited"]


def _sync(scene: Scene, context: SlackContext) -> Sync:
    async def sleep(seconds: float) -> None:
        scene.later(seconds=seconds)
        await asyncio.sleep(0)

    return Sync(context, sleep=sleep)


@asynccontextmanager
async def _world(scene: Scene, *, fallback: str | None = FALLBACK, channel: str = CHANNEL) -> AsyncIterator[World]:
    async with FakeSlack(clock=lambda: scene.now) as slack:
        settings = SlackSettings(
            SlackMode.SOCKET,
            channel,
            fallback,
            slack.api_url,
            frozenset(),
            Secret(slack.BOT_TOKEN),
            None,
            None,
            Address("127.0.0.1", 0),
        )
        client = clients.client(settings)

        def clock() -> Any:  # noqa: ANN401  # the time of the scene, whatever it is then
            return scene.now

        directory = Directory(client, slack.team, scene.database, clock)
        context = SlackContext(
            scene.database, Changes(), clock, client, settings, slack.team, slack.bot_user, slack.bot_id, "http://127.0.0.1:8081", directory
        )
        world = World(scene, slack, context, _sync(scene, context))
        try:
            yield world
        finally:
            await world.sync.close()
            await clients.close(client)


def _held(scene: Scene, number: int) -> list[str]:
    ids_ = []
    for _ in range(number):
        ids_.append(scene.held(max_pending=1000))
        scene.now += timedelta(microseconds=1)
    return ids_


def _in_slack(scene: Scene, *, direct: bool = False, owner: str = "local:olivia") -> None:
    group = ApproverGroup("payments", frozenset({ALICE.key, BOB.key, CAROL.key, DANA, ERIN}), direct=direct)
    scene.declare(group, grants_=[make_grant(owner=owner)])


async def test_a_held_call_is_shown_and_stays_true(scene: Scene) -> None:
    """One card, painted again at the end, with one word in its thread; nothing in it mentions anybody or fetches anything."""
    async with _world(scene) as world:
        request_id = scene.held()
        await world.settle()
        assert world.current(request_id)
        scene.vote(request_id, ALICE, Choice.DENY, reason="No")
        await world.settle()
        assert world.current(request_id)
        card, [reply] = world.card(request_id), world.copies(request_id, "reply")
        assert reply.thread_ts == card.ts
        assert card.metadata == {"event_type": ids.METADATA, "event_payload": {"delivery": f"{request_id}/card"}}
        for call in world.slack.calls:
            assert call.args["parse"] == "none"
            assert {str(call.args[name]).lower() for name in ("link_names", "unfurl_links", "unfurl_media")} <= {"false", "0"}
        await world.pass_(3)
        assert [call.method for call in world.slack.calls] == ["chat.postMessage", "chat.update", "chat.postMessage"]


async def test_two_hundred_requests_at_once_are_all_shown_and_slack_is_never_asked_too_fast(scene: Scene) -> None:
    """In their order; and when all are decided at once, each card and then its thread say so once."""
    async with _world(scene) as world:
        requests = _held(scene, 200)
        await world.settle()
        assert [_about(message) for message in world.slack.messages(CHANNEL)] == requests
        for request_id in requests:
            scene.vote(request_id, ALICE, Choice.DENY, reason="Not today")
        await world.settle()
        assert world.refusals() == []
        assert all(world.current(request_id) for request_id in requests)
        assert [len(world.copies(request_id, "reply")) for request_id in requests] == [1] * 200
        assert len(world.slack.called("chat.update")) == 200
        _in_order(world.slack.calls)


def _about(message: Message) -> str:
    assert message.metadata is not None
    return str(message.metadata["event_payload"]["delivery"]).split("/", maxsplit=1)[0]


def _in_order(calls: Iterable[Call]) -> None:
    """The thread is told after the card was painted."""
    seen: dict[str, list[str]] = {}
    for call in calls:
        request_id, _, kind = call.args["metadata"]["event_payload"]["delivery"].partition("/")
        seen.setdefault(request_id, []).append(kind)
    assert {tuple(kinds) for kinds in seen.values()} == {("card", "card", "reply")}


async def test_a_removed_card_is_posted_again(scene: Scene) -> None:
    """Noticed when it is to be painted; the new one shows the newest state, and is the one that is painted from then on."""
    scene.policy = make_policy(quorum=3)
    async with _world(scene) as world:
        request_id = scene.held()
        await world.settle()
        world.slack.delete_message(CHANNEL, world.card(request_id).ts)
        scene.vote(request_id, ALICE)
        await world.settle()
        assert world.current(request_id)
        scene.vote(request_id, BOB, Choice.DENY)
        await world.settle()
        assert world.current(request_id)
        assert len(world.copies(request_id, "reply")) == 1


async def test_a_removed_card_is_missed_after_a_while_though_nothing_changed(scene: Scene) -> None:
    """T33: a call does not wait for a decision that nobody is asked for."""
    scene.policy = make_policy(approval={"approvers": "payments", "expires_in": "3h"})
    async with _world(scene) as world:
        request_id = scene.held()
        await world.settle()
        world.slack.delete_message(CHANNEL, world.card(request_id).ts)
        await world.pass_(2)
        assert world.copies(request_id) == []
        scene.later(minutes=30)
        await world.settle()
        assert world.current(request_id)


async def test_checking_what_is_shown_leaves_room_for_what_changes(scene: Scene) -> None:
    """T33: of the paintings of a minute, checks take a part, and a decision is shown at once."""
    async with _world(scene) as world:
        requests = _held(scene, 40)
        await world.settle()
        world.restarted()
        await world.pass_(5)
        assert len(world.slack.called("chat.update")) == 20
        scene.vote(requests[-1], ALICE, Choice.DENY)
        await world.pass_(1)
        assert world.current(requests[-1])
        await world.settle()
        assert world.refusals() == []


async def test_a_thread_that_is_gone_tells_that_its_card_is(scene: Scene) -> None:
    """A reminder finds out that there is nothing to be reminded of: the card is posted again."""
    scene.policy = make_policy(approval={"approvers": "payments", "expires_in": "30m", "remind_every": "5m"})
    async with _world(scene) as world:
        request_id = scene.held()
        await world.settle()
        world.slack.delete_message(CHANNEL, world.card(request_id).ts)
        scene.later(minutes=5)
        world.slack.fault("chat.update", kind="429", retry_after=60)
        scene.do(lifecycle.remind, request_id)
        await world.pass_(30)
        assert world.current(request_id)


async def test_a_card_that_can_no_longer_be_changed_is_posted_again(scene: Scene) -> None:
    """Such as one that is older than the workspace lets people edit."""
    async with _world(scene) as world:
        request_id = scene.held()
        await world.settle()
        world.slack.edit_window = timedelta(minutes=5)
        scene.later(minutes=6)
        scene.vote(request_id, ALICE, Choice.DENY)
        await world.settle()
        old, new = world.copies(request_id)
        assert old.ts < new.ts
        assert world.row(f"{request_id}/card").ts == new.ts


@pytest.mark.parametrize("how", ["archived", "left", "gone"])
async def test_a_channel_that_takes_no_card_is_left_for_the_fallback(scene: Scene, how: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is audited and said in the log, once for all requests; a card that was shown there before is shown in the fallback too."""
    async with _world(scene) as world:
        shown = scene.held()
        await world.settle()
        world.slack.channels[CHANNEL].private = True
        match how:
            case "archived":
                world.slack.archive(CHANNEL)
            case "left":
                world.slack.kick(CHANNEL)
            case "gone":
                del world.slack.channels[CHANNEL]
        later = _held(scene, 3)
        scene.vote(shown, ALICE, Choice.DENY)
        await world.settle()
        assert {_about(message) for message in world.slack.messages(FALLBACK)} == {shown, *later}
        assert {world.row(f"{request_id}/card").channel for request_id in (shown, *later)} == {FALLBACK}
        assert scene.events(later[0])[-1] == "card.fallback"
        assert [record.levelname for record in caplog.records].count("ERROR") == 1


async def test_where_no_channel_takes_the_card_the_approvers_are_told_directly(scene: Scene) -> None:
    """And it is audited as failed; those who are not in Slack, and the owner of the agent, get no such word."""
    _in_slack(scene, owner=DANA)
    async with _world(scene) as world:
        world.slack.archive(CHANNEL)
        world.slack.archive(FALLBACK)
        request_id = scene.held()
        await world.settle()
        assert scene.events(request_id)[-2:] == ["card.fallback", "card.failed"]
        assert [len(world.slack.dms(user)) for user in ("U01BOB", "U01CAROL", "U01ALICE")] == [0, 1, 0]


async def test_each_approver_and_the_owner_are_told_where_that_is_wanted(scene: Scene) -> None:
    """A person whom Slack does not let us write to keeps nobody else from being told."""
    _in_slack(scene, direct=True, owner="slack:T01TEST/U01OLIVIA")
    async with _world(scene) as world:
        world.slack.add_user("U01BOB", deleted=True)
        request_id = scene.held()
        await world.settle()
        assert [len(world.slack.dms(user)) for user in ("U01BOB", "U01CAROL", "U01OLIVIA")] == [0, 1, 0]
        scene.vote(request_id, ALICE, Choice.DENY)
        await world.settle()
        assert [len(world.slack.dms(user)) for user in ("U01BOB", "U01CAROL", "U01OLIVIA")] == [0, 1, 1]
        [told] = world.slack.dms("U01CAROL")
        assert told.edited, "what is no longer wanted no longer asks"


async def test_a_clock_that_is_set_back_keeps_no_card_waiting(scene: Scene) -> None:
    """T36: what was counted at a time that is still to come is not waited for."""
    async with _world(scene) as world:
        _held(scene, 60)
        await world.settle()
        for request_id in [_about(message) for message in world.slack.messages(CHANNEL)][:44]:
            scene.vote(request_id, ALICE, Choice.DENY)
        await world.pass_(2)
        began = scene.later(minutes=-20)
        world.slack.rates = type(world.slack.rates)()
        request_id = scene.held(max_pending=1000)
        await world.pass_(3)
        assert world.current(request_id)
        scene.vote(request_id, ALICE, Choice.DENY)
        await world.pass_(3)
        assert world.current(request_id)
        assert scene.now - began < timedelta(minutes=1)


async def test_words_to_many_approvers_do_not_keep_a_card_from_its_channel(scene: Scene) -> None:
    """T15 T36: an agent that asks often of a large group makes many direct messages; a card comes before all of them."""
    many = frozenset(f"slack:T01TEST/U02M{number:03d}" for number in range(90))
    scene.declare(ApproverGroup("payments", many | {ALICE.key}, direct=True))
    async with _world(scene) as world:
        for person in many:
            world.slack.add_user(person.rpartition("/")[2])
        _held(scene, 8)
        await world.pass_(40)
        last = scene.held(max_pending=1000)
        scene.database.write(lambda session: setattr(session.get(ApprovalRequest, last), "channel", FALLBACK))
        began = scene.now
        while not world.copies(last):
            await world.pass_(1)
            assert scene.now - began < timedelta(seconds=10)


async def test_painting_words_to_many_approvers_does_not_keep_a_card_from_the_truth(scene: Scene) -> None:
    """T33 T15: what was said to many people is painted again after the cards, of which one with live buttons would lie."""
    many = frozenset(f"slack:T01TEST/U02M{number:03d}" for number in range(80))
    scene.declare(ApproverGroup("payments", many | {ALICE.key}, direct=True))
    async with _world(scene) as world:
        for person in many:
            world.slack.add_user(person.rpartition("/")[2])
        first, last = _held(scene, 2)
        await world.settle()
        scene.vote(first, ALICE, Choice.DENY)
        await world.pass_(3)
        scene.vote(last, ALICE, Choice.DENY)
        await world.pass_(5)
        assert world.current(last)
        await world.settle()
        assert all(told.edited for person in many for told in world.slack.dms(person.rpartition("/")[2]))


async def test_a_reminder_is_a_word_in_the_thread(scene: Scene) -> None:
    """One for each time that the approvers were reminded."""
    scene.policy = make_policy(approval={"approvers": "payments", "expires_in": "30m", "remind_every": "5m"})
    async with _world(scene) as world:
        request_id = scene.held()
        await world.settle()
        for number in (1, 2):
            scene.later(minutes=5)
            scene.do(lifecycle.remind, request_id)
            await world.settle()
            reminders = world.copies(request_id, "reminder")
            assert len(reminders) == number
            assert {one.thread_ts for one in reminders} == {world.card(request_id).ts}


@pytest.mark.parametrize("kind", ["cut_after", "500_after", "list_after", "html_after"])
@pytest.mark.parametrize("name", [CHANNEL, "#agent-approvals"])
async def test_a_post_that_may_exist_is_found_and_not_repeated(scene: Scene, kind: str, name: str) -> None:
    """T29: the answer was lost, the message was not; the card is found by what it carries, and painted."""
    async with _world(scene, channel=name) as world:
        world.slack.fault("chat.postMessage", kind=kind)
        request_id = scene.held()
        await world.settle()
        assert world.current(request_id)
        assert world.row(f"{request_id}/card").ts == world.card(request_id).ts
        assert len(world.slack.called("chat.postMessage")) == 1


@pytest.mark.parametrize("kind", ["cut_before", "500", "503"])
async def test_a_post_that_does_not_exist_is_made_again_after_a_look(scene: Scene, kind: str) -> None:
    """T29: nobody is left without a card because of an answer that was lost."""
    async with _world(scene) as world:
        world.slack.fault("chat.postMessage", kind=kind)
        request_id = scene.held()
        await world.settle()
        assert world.current(request_id)
        assert [call.method for call in world.slack.calls] == ["chat.postMessage", "conversations.history", "chat.postMessage"]


async def test_a_reply_that_may_exist_is_looked_for_in_its_thread(scene: Scene) -> None:
    """T29: the history of a channel does not have it."""
    async with _world(scene) as world:
        request_id = scene.held()
        await world.settle()
        world.slack.fault("chat.postMessage", kind="cut_after")
        scene.vote(request_id, ALICE, Choice.DENY)
        await world.settle()
        assert len(world.copies(request_id, "reply")) == 1
        assert len(world.slack.called("conversations.replies")) == 1


async def test_a_process_that_died_while_it_posted_leaves_a_card_that_is_found(scene: Scene) -> None:
    """T29: the row said `posting`, the message was there, the next process paints it."""
    async with _world(scene) as world:
        request_id = scene.held()
        await world.settle()
        delivery_id = f"{request_id}/card"

        def forget(session: Any) -> None:  # noqa: ANN401  # a session
            row = session.get(Delivery, delivery_id)
            row.state, row.channel, row.ts, row.shown_version = "posting", None, None, 0

        scene.database.write(forget)
        world.restarted()
        await world.settle()
        row = world.row(delivery_id)
        assert (row.state, row.ts) == ("posted", world.card(request_id).ts)
        assert world.current(request_id)
        assert len(world.slack.called("chat.postMessage")) == 1


async def test_a_message_of_somebody_else_is_never_taken_for_ours(scene: Scene) -> None:
    """T29: whoever writes what our message would carry, but not as us, has not posted our card."""
    async with _world(scene) as world:
        request_id = scene.held()
        forged = {"event_type": ids.METADATA, "event_payload": {"delivery": f"{request_id}/card"}}
        world.slack.keep(CHANNEL, Message(world.slack.stamp(), "x", [], user="U01ALICE", metadata=forged))
        world.slack.fault("chat.postMessage", kind="cut_before")
        await world.settle()
        row = world.row(f"{request_id}/card")
        assert row.ts is not None
        ours = world.slack.message(CHANNEL, row.ts)
        assert ours is not None
        assert ours.user == world.slack.bot_user
        assert world.slack.called("chat.update") == []


@pytest.mark.parametrize("scope", ["channels:history", "channels:read"])
async def test_where_nothing_may_be_read_the_card_is_posted_again(scene: Scene, scope: str) -> None:
    """Two cards are better than none: the one that nobody wrote down decides nothing."""
    async with _world(scene) as world:
        world.slack.scopes.discard(scope)
        world.slack.fault("chat.postMessage", kind="cut_before")
        request_id = scene.held()
        await world.settle()
        assert world.current(request_id)
        assert world.health() is True


async def test_an_outage_is_asked_about_rarely_and_then_everything_is_said(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is lost and nothing is doubled; the log says when it began and when it was over."""
    caplog.set_level(logging.INFO, "bot.slack")
    async with _world(scene) as world:
        before = scene.held()
        await world.settle()
        world.slack.calls.clear()
        world.slack.fault("*", kind="503", times=10**6)
        requests = _held(scene, 20)
        scene.vote(before, ALICE, Choice.DENY)
        await world.pass_(60)
        assert 5 <= len(world.slack.calls) <= 15
        assert world.health() is False
        world.slack.clear_faults()
        await world.settle()
        assert world.health() is True
        assert all(world.current(request_id) for request_id in (before, *requests))
        said = [record.getMessage() for record in caplog.records if record.name == "bot.slack.pace"]
        assert [line.partition(" (")[0] for line in said] == ["Slack does not answer", "Slack answers again"]


async def test_what_was_settled_while_slack_was_away_gets_no_card(scene: Scene) -> None:
    """Slack is cut off whole, and comes back."""
    async with _world(scene) as world:
        world.slack.outage()
        settled, waiting = _held(scene, 2)
        await world.pass_(20)
        scene.vote(settled, ALICE, Choice.DENY)
        world.slack.recover()
        await world.settle()
        assert world.copies(settled) == []
        assert world.current(waiting)


async def test_slack_is_left_alone_for_as_long_as_it_asks(scene: Scene) -> None:
    """And only what it asked about: cards are painted meanwhile."""
    async with _world(scene) as world:
        shown = scene.held()
        await world.settle()
        world.slack.calls.clear()
        world.slack.fault("chat.postMessage", kind="429", retry_after=30)
        _held(scene, 3)
        await world.pass_(1)
        scene.vote(shown, ALICE, Choice.DENY)
        await world.pass_(28)
        assert [call.method for call in world.slack.calls] == ["chat.postMessage", "chat.update"]
        await world.settle()
        assert len(world.slack.messages(CHANNEL)) == 5


async def test_changes_that_come_together_are_painted_once(scene: Scene) -> None:
    """T33: only the newest version is painted, whatever happened in between."""
    scene.policy = make_policy(quorum=3)
    async with _world(scene) as world:
        request_id = scene.held()
        await world.settle()
        scene.vote(request_id, ALICE)
        scene.vote(request_id, BOB)
        scene.vote(request_id, CAROL, Choice.DENY)
        await world.settle()
        assert len(world.slack.called("chat.update")) == 1
        assert world.current(request_id)


async def test_a_change_during_a_slow_painting_is_painted_after_it(scene: Scene) -> None:
    """T33: one writer for each channel, so that no older painting ends last. A wake-up is enough: nobody waits for a tick."""
    scene.policy = make_policy(quorum=3)
    async with _world(scene) as world:
        request_id = scene.held()
        loop = asyncio.get_running_loop()
        running = loop.create_task(world.sync.run())
        try:
            await eventually(lambda: world.copies(request_id))
            world.slack.fault("chat.update", kind="slow:0.4")
            scene.vote(request_id, ALICE)
            world.context.changes.notify(request_id)
            await eventually(lambda: world.slack.called("chat.update"))
            begun = loop.time()
            scene.vote(request_id, BOB)
            world.context.changes.notify(request_id)
            await eventually(lambda: len(world.slack.called("chat.update")) == 2)
            assert loop.time() - begun > 0.3, "the second painting waited for the answer to the first"
            await eventually(lambda: not world.open())
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert len(world.slack.called("chat.update")) == 2
        assert world.current(request_id)


async def test_a_card_that_slack_refuses_is_drawn_small(scene: Scene) -> None:
    """T36: the agent does not wait for ever because its arguments cannot be drawn; also when it is painted again."""
    scene.policy = make_policy(quorum=2)
    async with _world(scene) as world:
        world.slack.fault("chat.postMessage", kind="error:invalid_blocks")
        request_id = scene.held()
        await world.settle()
        assert not world.current(request_id)
        world.restarted()
        world.slack.fault("chat.update", kind="error:msg_blocks_too_long")
        scene.vote(request_id, ALICE)
        await world.settle()
        view = world.scene.database.read(partial(queries.one, request_id=request_id))
        assert view is not None
        small = drawing.minimal(facts.shown(view, team="T01TEST", desk_url=world.context.desk_url))
        assert world.card(request_id).args["blocks"] == small.blocks


async def test_a_word_to_an_approver_that_slack_refuses_is_drawn_small_too(scene: Scene) -> None:
    """T36: whoever is to decide is told in some way."""
    _in_slack(scene, direct=True)
    async with _world(scene) as world:
        request_id = scene.held()
        world.slack.fault("chat.postMessage", nth=2, times=2, kind="error:msg_blocks_too_long")
        await world.settle()
        assert [len(world.slack.dms(user)) for user in ("U01BOB", "U01CAROL")] == [1, 1]
        assert "card.failed" not in scene.events(request_id)


async def test_a_card_that_is_refused_small_too_goes_to_the_fallback_and_then_fails_aloud(scene: Scene) -> None:
    """T36: it is audited, the approvers are told, and other cards are shown as ever."""
    _in_slack(scene)
    async with _world(scene) as world:
        world.slack.fault("chat.postMessage", kind="error:invalid_blocks", times=2)
        request_id = scene.held()
        await world.settle()
        assert world.card(request_id).channel == FALLBACK
        world.slack.fault("chat.postMessage", kind="error:invalid_blocks", times=3)
        bad = scene.held()
        await world.settle()
        assert scene.events(bad)[-2:] == ["card.fallback", "card.failed"]
        assert len(world.slack.dms("U01BOB")) == 1
        good = scene.held()
        await world.settle()
        assert world.current(good)


async def test_a_card_that_cannot_be_drawn_is_drawn_small(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """T36: an error of ours on one card is not the end of the others, and the log quotes nothing of it."""

    def fail(_: object) -> None:
        raise ValueError("hunter2")

    async with _world(scene) as world:
        monkeypatch.setitem(_drawn(), cards.Kind.CARD, fail)
        request_id = scene.held()
        await world.settle()
        monkeypatch.undo()
        assert len(world.copies(request_id)) == 1


def _drawn() -> dict[Any, Any]:
    from bot.slack import posting  # noqa: PLC0415  # the one test that reaches into it

    return posting._DRAWN


async def test_a_refused_token_stops_everything_until_it_counts_again(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """One line in the log, a try now and then, and what waited is said in the end."""
    async with _world(scene) as world:
        world.slack.bad_tokens[world.slack.BOT_TOKEN] = "token_revoked"
        requests = _held(scene, 5)
        await world.pass_(120)
        assert world.health() is False
        assert len(world.slack.calls) == 2
        assert [record.levelname for record in caplog.records].count("ERROR") == 1
        del world.slack.bad_tokens[world.slack.BOT_TOKEN]
        await world.settle()
        assert world.health() is True
        assert all(world.current(request_id) for request_id in requests)


async def test_an_error_that_nobody_has_met_is_tried_a_few_times(scene: Scene) -> None:
    """Then the fallback is taken."""
    async with _world(scene) as world:
        world.slack.fault("chat.postMessage", kind="error:something_new", times=5)
        request_id = scene.held()
        await world.settle()
        assert world.card(request_id).channel == FALLBACK
        assert len(world.slack.called("chat.postMessage")) == 6


async def test_the_step_in_progress_is_finished_at_the_end_and_none_is_begun(scene: Scene) -> None:
    """What was not begun waits for the next start."""
    async with _world(scene) as world:
        world.slack.fault("chat.postMessage", kind="slow:0.2")
        _held(scene, 3)
        running = asyncio.get_running_loop().create_task(world.sync.run())
        await eventually(lambda: world.slack.messages(CHANNEL))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await world.sync.close()
        rows = scene.database.read(lambda session: session.exec(select(Delivery)).all())
        assert sorted(row.state for row in rows) == ["posted", "waiting", "waiting"]
        world.restarted()
        await world.settle()
        assert len(world.slack.messages(CHANNEL)) == 3
