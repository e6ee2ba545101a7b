"""A stage for clicks: the real Slack face, wired as the application wires it, against a Slack that refuses what Slack refuses."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from sqlmodel import select

from bot.settings import SlackSettings
from bot.settings.secret import Secret
from bot.settings.shapes import Address, SlackMode
from bot.slack import client as clients
from bot.slack.server import SlackFace
from tests.factories import Scene, make_grant
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.state import Message
from tests.waiting import eventually
from workflows import cards
from workflows.calls import JSON
from workflows.changes import Changes
from workflows.people import ApproverGroup, Person
from workflows.tables import Delivery

CHANNEL = "C01APPROVALS"
DESK = "http://127.0.0.1:8081"
LONG: dict[str, JSON] = {"note": "x" * 4_000, "then": "y" * 4_000}  # what fits on no card


def person(user: str, team: str = "T01TEST") -> Person:
    """Give the person that a Slack user is."""
    return Person(f"slack:{team}/{user}")


ALICE, BOB, CAROL, OLIVIA = (person(f"U01{name}") for name in ("ALICE", "BOB", "CAROL", "OLIVIA"))
A, B, C, O = "U01ALICE", "U01BOB", "U01CAROL", "U01OLIVIA"  # noqa: E741  # Olivia, among letters
TEAM = ApproverGroup("payments", frozenset({ALICE.key, BOB.key, OLIVIA.key}))


@dataclass
class Stage:
    """One workspace, one database, and the face between them."""

    scene: Scene
    slack: FakeSlack
    face: SlackFace
    changes: Changes

    @property
    def client(self) -> AsyncWebClient:
        """The bot itself, beside the face."""
        return clients.bare(self.slack.BOT_TOKEN, self.slack.api_url)

    def hold(self, **options: Any) -> str:  # noqa: ANN401  # the options of `Scene.hold`
        """Hold a call, and wake whoever draws."""
        request_id = self.scene.held(**options)
        self.changes.notify(request_id)
        return request_id

    async def card(self, request_id: str) -> Message:
        """Wait until the card of a request stands in the channel and Askfirst knows it."""

        def stands() -> Message:
            stored = self.scene.database.read(partial(cards.card_of, request_id=request_id))
            assert stored is not None
            assert stored.ts is not None
            [found] = [message for message in self.slack.messages(str(stored.channel)) if message.ts == stored.ts]
            return found

        return await eventually(stands, within=10)

    async def held(self, **options: Any) -> tuple[str, Message]:  # noqa: ANN401  # the options of `Scene.hold`
        """Hold a call and wait for its card."""
        request_id = await asyncio.to_thread(self.hold, **options)
        return request_id, await self.card(request_id)

    async def click(self, user: str, card: Message, action: str = "af_approve", *, times: int = 1, value: str | None = None) -> str:
        """Click a button of a card, and give what the clicker is told."""
        before = len(self.told(user))
        answer = await self.slack.click(user, CHANNEL, card.ts, action, times=times, value=value)
        assert answer.acked
        told = await eventually(lambda: len(self.told(user)) >= before + times and self.told(user), within=6)
        assert isinstance(told, list)
        return " | ".join(told[before:])

    def told(self, user: str) -> list[str]:
        """Give what only this user was shown in a channel, as it reads."""
        return [reads(message.blocks) for message in self.slack.ephemerals if message.ephemeral_for == user]

    def top(self, user: str) -> dict[str, Any]:
        """Give the modal that a user looks at."""
        stack = self.slack.views.get(user) or []
        assert stack, f"{user} has no modal open"
        view: dict[str, Any] = stack[-1]
        return view

    async def modal(self, user: str, *words: str) -> dict[str, Any]:
        """Wait for a modal that says all of this."""

        def says() -> dict[str, Any]:
            view = self.top(user)
            assert all(word in json.dumps(view, ensure_ascii=False) for word in words), json.dumps(view)[:3000]
            return view

        return await eventually(says, within=6)

    async def open(self, user: str, card: Message, action: str, *words: str) -> dict[str, Any]:
        """Click a button that opens a modal, and wait until it says this."""
        answer = await self.slack.click(user, CHANNEL, card.ts, action)
        assert answer.acked
        return await self.modal(user, *words)

    def deliveries(self, request_id: str) -> Sequence[Delivery]:
        """Read what was posted for a request."""
        return self.scene.database.read(lambda session: session.exec(select(Delivery).where(Delivery.request_id == request_id)).all())


def reads(drawn: object) -> str:
    """Give all the text of blocks, in order."""
    if isinstance(drawn, list):
        return "".join(reads(each) for each in drawn)
    if isinstance(drawn, dict):
        if drawn.get("type") == "user":
            return str(drawn["user_id"])
        if isinstance(drawn.get("text"), str):
            return str(drawn["text"])
        return "".join(reads(value) for key, value in drawn.items() if key in {"text", "elements", "blocks", "fields"})
    return ""


def buttons(drawn: object) -> dict[str, dict[str, Any]]:
    """Give the buttons of a message or a view by action_id."""
    if isinstance(drawn, list):
        return {name: each for part in drawn for name, each in buttons(part).items()}
    if isinstance(drawn, dict):
        own = {drawn["action_id"]: drawn} if "action_id" in drawn else {}
        return own | {name: each for key in ("blocks", "elements", "accessory") for name, each in buttons(drawn.get(key)).items()}
    return {}


def settings(slack: FakeSlack, **facts: Any) -> SlackSettings:  # noqa: ANN401  # the fields of SlackSettings
    """Configure the face for this Slack."""
    known: dict[str, Any] = {
        "mode": SlackMode.SOCKET,
        "channel": CHANNEL,
        "fallback_channel": "C02FALLBACK",
        "api_url": slack.api_url,
        "admins": frozenset({CAROL.key}),
        "bot_token": Secret(slack.BOT_TOKEN),
        "app_token": Secret(slack.APP_TOKEN),
        "signing_secret": Secret(slack.SIGNING_SECRET),
        "listen": Address("127.0.0.1", 0),
    }
    return SlackSettings(**{**known, **facts})


def declare(scene: Scene, group: ApproverGroup = TEAM) -> Scene:
    """Make the group of the stage, and a grant that Olivia of Slack answers for."""
    return scene.declare(group, grants_=[make_grant(owner=OLIVIA.key)])


@contextlib.asynccontextmanager
async def running(scene: Scene, slack: FakeSlack, **facts: Any) -> AsyncIterator[Stage]:  # noqa: ANN401  # the fields of SlackSettings
    """Run the face for as long as the block lasts."""
    changes, begun = Changes(), asyncio.get_running_loop().time()

    def clock() -> datetime:
        return scene.now + timedelta(seconds=asyncio.get_running_loop().time() - begun)

    face = await SlackFace.connect(settings(slack, **facts), database=scene.database, changes=changes, clock=clock, desk_url=DESK)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(face.run())
        try:
            await eventually(lambda: face.healthy, within=10)
            yield Stage(scene, slack, face, changes)
        finally:
            task.cancel()
            await face.close()
