"""What people do in Slack, and what Slack then tells the app."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.fakes.slack import answers, payloads
from tests.fakes.slack.delivery import Delivery, Parcel
from tests.fakes.slack.inputs import NotPossible, chosen, elements, filled, initial_state
from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.state import APP, Workspace
from tests.fakes.slack.values import Answer, Body, Message

_HTTP = "http"


@dataclass(slots=True, repr=False)
class Acting(Workspace):
    """A workspace whose people click, submit and type; `command_name` is the slash command."""

    command_name: str = "/askfirst"
    sockets: Sockets = field(default_factory=lambda: Sockets(APP))
    delivery: Delivery = field(init=False)
    address: str = ""

    def __post_init__(self) -> None:
        """Connect what people do with the way to the app."""
        Workspace.__post_init__(self)
        self.delivery = Delivery(self.sockets, self.SIGNING_SECRET, lambda: self.now)

    def _respond_at(self, user: str, channel: str, ts: str | None = None) -> str:
        return f"{self.address}/hooks/actions/{self.hook(user, channel, ts)}"

    async def _interact(self, payload: Body, *, accepts: bool = False) -> Answer:
        return await self.delivery.deliver(self.delivery.parcel("interactive", payload, accepts=accepts))

    def _shown(self, channel: str, ts: str) -> Message:
        """Find what somebody may still see: a message, one only they see, or a reason why not."""
        place = self.channels.get(channel) or self.place(channel)
        found = self.message(place.id, ts) or next((one for one in self.ephemerals if one.ts == ts), None)
        if found is None:
            raise NotPossible(f"There is no message {ts} in {channel}.")
        return found

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        *,
        times: int = 1,
        value: str | None = None,
        block_id: str | None = None,
        choice: object = None,
    ) -> Answer:
        """Press a button of a message, as it stands or as it stood before: whoever looks at an old card can still press it.

        `value` picks among buttons of one action_id, or forges a value that no button carries; `choice` is for menus.
        `times` presses at once, and gives the slowest ack.
        """
        message = self._shown(channel, ts)
        shown, block, element = _find([message.blocks, *reversed(message.versions)], action_id, block_id, value)
        place = self.channels[message.channel]
        seen = replace(message, blocks=shown)

        async def press() -> Answer:
            done = payloads.action(self, block, element, chosen(element, choice) if choice is not None else {})
            respond = self._respond_at(user, place.id, ts)
            values = initial_state({"blocks": shown})
            return await self._interact(payloads.from_message(self, user, place, seen, done, values=values, respond=respond))

        pressed = await asyncio.gather(*(press() for _ in range(times)))
        return replace(max(pressed, key=lambda one: one.ack_seconds), acked=all(one.acked for one in pressed))

    async def click_home(
        self, user: str, action_id: str, block_id: str | None = None, value: str | None = None, *, choice: object = None
    ) -> Answer:
        """Press a button of somebody's Home."""
        if user not in self.homes:
            raise NotPossible(f"{user} has no Home yet.")
        return await self._click_in(user, self.homes[user], action_id, block_id=block_id, value=value, choice=choice)

    async def click_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        *,
        block_id: str | None = None,
        value: str | None = None,
        choice: object = None,
    ) -> Answer:
        """Press a button of a modal that somebody has open."""
        return await self._click_in(user, self.view(user, view_id), action_id, block_id=block_id, value=value, choice=choice)

    async def _click_in(self, user: str, view: Body, action_id: str, *, block_id: str | None, value: str | None, choice: object) -> Answer:
        history = [view, *reversed(self.seen_views[view["id"]])]
        shown, block, element = _find([one["blocks"] for one in history], action_id, block_id, value)
        state = chosen(element, choice) if choice is not None else {}
        if state and block["block_id"] in view["state"]["values"]:
            view["state"]["values"][block["block_id"]][action_id] = state
        seen = next(one for one in history if one["blocks"] is shown)
        return await self._interact(payloads.from_view(self, user, seen, payloads.action(self, block, element, state)))

    def view(self, user: str, view_id: str) -> Body:
        """Find a modal that somebody has open."""
        found = next((view for view in self.views[user] if view["id"] == view_id), None)
        if found is None:
            raise NotPossible(f"{user} has no view {view_id} open.")
        return found

    async def submit(self, user: str, view_id: str, values: dict[str, dict[str, Any]] | None = None) -> Answer:
        """Fill in a modal and send it; then do what the ack says (close, errors, update, push, clear).

        A value is text, an option's value, an id, a list of them, or the members as Slack writes them.
        Raises NotPossible where no client would send it.
        """
        view = self.view(user, view_id)
        if not view["submit"]:
            raise NotPossible(f"The view {view_id} has nothing to submit.")
        view["state"] = {"values": filled(view, values or {})}
        answer = await self._interact(payloads.submission(self, user, view), accepts=True)
        return answers.submitted(self, user, view_id, answer)

    async def close_view(self, user: str, view_id: str, *, whole: bool = False) -> Answer | None:
        """Close a modal, `whole` with all below it; the app only hears of it when it asked to (`notify_on_close`)."""
        view = self.view(user, view_id)
        stack = self.views[user]
        cleared = whole or bool(view["clear_on_close"])
        del stack[0 if cleared else stack.index(view) :]
        if not view["notify_on_close"]:
            return None
        return await self._interact(payloads.closed(self, user, view, cleared=cleared))

    async def command(self, user: str, text: str, *, channel: str = "C01APPROVALS") -> Answer:
        """Type the slash command."""
        place = self.channels[channel]
        payload = payloads.command(self, user, place, self.command_name, text, respond=self._respond_at(user, place.id))
        answer = await self.delivery.deliver(self.delivery.parcel("slash_commands", payload, accepts=True))
        return answers.commanded(self, user, place, answer)

    async def event(self, kind: str, /, **body: object) -> Answer:
        """Tell the app of an event; again, with the same event_id, while it does not ack (three times at most)."""
        payload = payloads.event(self, kind, body)
        return await self.delivery.deliver(self.delivery.parcel("events_api", payload, accepts=False))

    async def open_home(self, user: str, tab: str = "home") -> Answer:
        """Open the app's Home."""
        more = {"view": self.homes[user]} if user in self.homes else {}
        return await self.event("app_home_opened", user=user, channel=self.direct(user).id, tab=tab, **more)

    async def options(self, user: str, view_id: str, action_id: str, query: str) -> Answer:
        """Type into an external menu of a modal; the ack's body has its options."""
        view = self.view(user, view_id)
        _, block, element = _find([view["blocks"]], action_id, None, None)
        payload = payloads.suggestion(self, user, view, (block, element), query=query)
        return answers.offered(await self._interact(payload, accepts=True))

    async def send(self, kind: str, payload: Body, *, accepts: bool = False) -> Answer:
        """Send any payload, well signed: `kind` is interactive, slash_commands or events_api. What is in it need not be true."""
        return await self.delivery.deliver(self.delivery.parcel(kind, payload, accepts=accepts))

    def sign(self, raw: bytes, timestamp: int | str | None = None) -> dict[str, str]:
        """Give the headers by which Slack signs a body."""
        return self.delivery.sign(raw, timestamp)

    async def app_rate_limited(self) -> Answer:
        """Tell the app that events are left out for a minute: it had more than 30,000 in an hour."""
        minute = int(self.now.timestamp()) // 60 * 60
        payload = {"token": "legacy-verification", "type": "app_rate_limited", "team_id": self.team, "minute_rate_limited": minute}
        return await self.send("events_api", {**payload, "api_app_id": self.app_id})

    async def verify_url(self) -> Answer:
        """Send the challenge by which Slack checks a request URL."""
        payload = {"token": "legacy-verification", "challenge": "3eZbrw1aB", "type": "url_verification"}
        return await self.delivery.deliver(self.delivery.parcel("events_api", payload, accepts=False))

    async def replay_last(self) -> Answer:
        """Send the last payload again: over HTTP to the byte, signature too; over a socket in its envelope."""
        return await self.resend(self.delivery.sent[-1])

    async def resend(self, parcel: Parcel) -> Answer:
        """Send a payload of before again, once."""
        return await self.delivery.deliver(replace(parcel, headers={**parcel.headers}))


def _offered(shown: list[list[Body]]) -> Iterator[tuple[list[Body], Body, Body]]:
    for blocks in shown:
        yield from ((blocks, block, element) for block, element in elements({"blocks": blocks}))


def _find(shown: list[list[Body]], action_id: str, block_id: str | None, value: str | None) -> tuple[list[Body], Body, Body]:
    """Find an element where it was last drawn; with a value that none carries, it is forged."""
    fitting = [
        found for found in _offered(shown) if found[2].get("action_id") == action_id and block_id in (None, found[1].get("block_id"))
    ]
    for found in fitting:
        if value is None or found[2].get("value") == value:
            return found
    if value is None:
        names = sorted({str(element.get("action_id")) for _, _, element in _offered(shown)})
        raise NotPossible(f"There is no {action_id!r} to press, only {names}.")
    if fitting:
        blocks, block, element = fitting[0]
        return blocks, block, {**element, "value": value}
    forged = {"type": "button", "action_id": action_id, "value": value, "text": {"type": "plain_text", "text": "Forged", "emoji": False}}
    return shown[0], {"type": "actions", "block_id": block_id or "forged"}, forged
