"""How the Slack that tests play against reaches an app: over sockets and over HTTP, to Slack's own bolt on the other side."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp

from tests.fakes.slack import FakeSlack, NotPossible
from tests.integration.test_fake_slack import ALICE, CHANNEL, actions, button, client, plain, rich
from tests.integration.test_fake_slack_views import FIELD, modal
from tests.waiting import eventually

Body = dict[str, Any]
Ack = Callable[..., Awaitable[None]]
MENU = {"type": "input", "block_id": "groups", "label": plain("Groups"), "element": {"type": "external_select", "action_id": "menu"}}


@dataclass
class App:
    """A bolt app that notes what it got. `answer` is what it acks a submission, a menu or a command with; `deaf` acks nothing."""

    slack: FakeSlack
    got: list[Body] = field(default_factory=list)
    headers: list[dict[str, Any]] = field(default_factory=list)
    answer: Body = field(default_factory=dict)
    deaf: bool = False

    def bolt(self) -> AsyncApp:
        """Make the app."""
        app = AsyncApp(client=client(self.slack, self.slack.BOT_TOKEN), signing_secret=self.slack.SIGNING_SECRET)
        app.action("go")(self.take)
        app.view("c")(self.take)
        app.view_closed("c")(self.take)
        app.options("menu")(self.take)
        app.command("/askfirst")(self.take)
        app.event("user_change")(self.hear)
        return app

    async def take(self, ack: Ack, body: Body) -> None:
        """Note what somebody did, and ack it."""
        self.got.append(body)
        if self.deaf:
            raise LookupError("deaf")
        await ack(**self.answer)

    async def hear(self, body: Body, request: Any) -> None:  # noqa: ANN401  # bolt's request
        """Note an event."""
        self.got.append(body)
        self.headers.append(request.headers)


@asynccontextmanager
async def over_socket(app: App) -> AsyncIterator[AsyncSocketModeHandler]:
    """Run it in Socket Mode."""
    handler = AsyncSocketModeHandler(app.bolt(), app.slack.APP_TOKEN, ping_interval=1)
    await handler.client.connect()  # type: ignore[no-untyped-call]  # the SDK's has no types
    await app.slack.connected()
    try:
        yield handler
    finally:
        await handler.client.close()  # type: ignore[no-untyped-call]  # as above


@asynccontextmanager
async def over_http(app: App) -> AsyncIterator[None]:
    """Run it behind a request URL."""
    bolt = app.bolt()

    async def handle(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    site = web.Application()
    site.router.add_post("/slack/events", handle)
    runner = web.AppRunner(site)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app.slack.transport = "http"
    app.slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture(params=["socket", "http"])
async def app(request: pytest.FixtureRequest) -> AsyncIterator[App]:
    """Run an app, once over each transport."""
    async with FakeSlack() as slack:
        slack.delivery.within = 1.0
        running = App(slack)
        async with over_socket(running) if request.param == "socket" else over_http(running):
            yield running


async def card(slack: FakeSlack, *, channel: str = CHANNEL, value: str = "1") -> str:
    """Post a card with a button, and give its ts."""
    blocks = [rich("a < b"), actions(button(value=value), button(action_id="more", url="https://example.com"), block_id="decide")]
    posted = await client(slack, slack.BOT_TOKEN).chat_postMessage(channel=channel, text="card", blocks=blocks)
    return str(posted["ts"])


async def opened(slack: FakeSlack, **members: object) -> str:
    """Open a modal for Alice, and give its id."""
    trigger = slack.trigger(ALICE)
    view = modal(callback_id="c", submit=plain("Send"), **{"blocks": [rich(), FIELD], **members})
    return str((await client(slack, slack.BOT_TOKEN).views_open(trigger_id=trigger, view=view))["view"]["id"])


async def test_a_click_on_a_message_says_who_where_and_what(app: App) -> None:
    """The payload is Slack's: container, escaped message, state, response_url, trigger_id, the person's own workspace."""
    app.slack.add_user("U05OTHER", is_stranger=True, team="T02OTHER")
    ts = await card(app.slack)
    answer = await app.slack.click("U05OTHER", CHANNEL, ts, "go")
    assert (answer.acked, answer.status, answer.ack_seconds < 3) == (True, 200, True)
    [body] = app.got
    assert body["user"] == {"id": "U05OTHER", "username": "other", "name": "other", "team_id": "T02OTHER"}
    assert body["team"]["id"] == app.slack.team
    assert body["container"] == {"type": "message", "message_ts": ts, "channel_id": CHANNEL, "is_ephemeral": False}
    assert body["message"]["blocks"][0]["elements"][0]["elements"][0]["text"] == "a &lt; b"
    assert (body["actions"][0]["value"], body["actions"][0]["block_id"], body["state"]) == ("1", "decide", {"values": {}})
    assert body["response_url"].startswith(app.slack.address)
    assert app.slack.triggers[body["trigger_id"]].user == "U05OTHER"


async def test_old_cards_and_forged_values_can_be_pressed(app: App) -> None:
    """Whoever looks at an old card presses what is no more; a forger sends what never was. What nobody drew nobody presses."""
    ts = await card(app.slack)
    await client(app.slack, app.slack.BOT_TOKEN).chat_update(channel=CHANNEL, ts=ts, text="done", blocks=[rich("done")])
    assert (await app.slack.click(ALICE, CHANNEL, ts, "go")).acked
    await app.slack.click(ALICE, CHANNEL, ts, "go", value="forged")
    assert [body["actions"][0]["value"] for body in app.got] == ["1", "forged"]
    with pytest.raises(NotPossible):
        await app.slack.click(ALICE, CHANNEL, ts, "nothing")
    app.slack.delete_message(CHANNEL, ts)
    with pytest.raises(NotPossible):
        await app.slack.click(ALICE, CHANNEL, ts, "go")


async def test_a_click_that_nobody_acks_is_not_sent_again(app: App) -> None:
    """A listener that fails, and a button with an address that nobody listens to: one delivery each, no ack."""
    ts = await card(app.slack)
    assert not (await app.slack.click(ALICE, CHANNEL, ts, "more")).acked
    app.deaf = True
    answer = await app.slack.click(ALICE, CHANNEL, ts, "go")
    assert (answer.acked, answer.attempts, len(app.got)) == (False, 1, 1)


async def test_a_click_in_a_view_has_no_channel(app: App) -> None:
    """Neither from the Home nor from a modal is there a message or a response_url."""
    slack = app.slack
    home = {"type": "home", "blocks": [actions(button(value="1")), actions(button(value="2"), block_id="second")]}
    await client(slack, slack.BOT_TOKEN).views_publish(user_id=ALICE, view=home)
    await slack.click_home(ALICE, "go", value="2")
    view = await opened(slack, blocks=[actions(button())])
    await slack.click_view(ALICE, view, "go")
    assert [body["container"] for body in app.got] == [
        {"type": "view", "view_id": slack.homes[ALICE]["id"]},
        {"type": "view", "view_id": view},
    ]
    assert app.got[0]["actions"][0]["block_id"] == "second"
    assert all({"channel", "message", "response_url"}.isdisjoint(body) for body in app.got)


async def test_a_submission_does_what_its_ack_says(app: App) -> None:
    """Errors at a field that is there, another view, one on top, none at all; an error at no field is refused."""
    slack, values = app.slack, {"reason": {"text": "because"}}
    view = await opened(slack, private_metadata="p")
    app.answer = {"response_action": "errors", "errors": {"reason": "no"}}
    answer = await slack.submit(ALICE, view, values)
    assert (answer.body["errors"], answer.refused) == ({"reason": "no"}, "")
    assert app.got[0]["view"]["state"]["values"]["reason"]["text"] == {"type": "plain_text_input", "value": "because"}
    assert app.got[0]["view"]["private_metadata"] == "p"
    app.answer = {"response_action": "errors", "errors": {"elsewhere": "no"}}
    assert "elsewhere" in (await slack.submit(ALICE, view, values)).refused
    app.answer = {"response_action": "push", "view": modal(title=plain("Top"))}
    await slack.submit(ALICE, view, values)
    assert [one["title"]["text"] for one in slack.views[ALICE]] == ["Deny", "Top"]
    app.answer = {"response_action": "update", "view": modal(title=plain("New"), callback_id="c", submit=plain("Send"))}
    assert (await slack.submit(ALICE, view, values)).refused == ""
    assert [one["title"]["text"] for one in slack.views[ALICE]] == ["New", "Top"]
    app.answer = {"response_action": "update", "view": modal(title=plain("a" * 25))}
    assert "invalid_arguments" in (await slack.submit(ALICE, view)).refused
    app.answer = {"response_action": "clear"}
    await slack.submit(ALICE, view)
    assert slack.views[ALICE] == []
    app.answer = {}
    await slack.submit(ALICE, await opened(slack), values)
    assert slack.views[ALICE] == []


async def test_a_person_sends_only_what_a_client_lets_them(app: App) -> None:
    """A field that must be filled in, a text that is too long, a field that is not there."""
    view = await opened(app.slack, blocks=[{**FIELD, "element": {"type": "plain_text_input", "action_id": "text", "max_length": 5}}])
    for values in ({}, {"reason": {"text": "too long"}}, {"other": {"text": "a"}}):
        with pytest.raises(NotPossible):
            await app.slack.submit(ALICE, view, values)
    assert app.got == []


async def test_closing_is_told_to_those_who_asked(app: App) -> None:
    """view_closed comes only with notify_on_close."""
    assert await app.slack.close_view(ALICE, await opened(app.slack)) is None
    answer = await app.slack.close_view(ALICE, await opened(app.slack, notify_on_close=True))
    assert answer is not None
    assert answer.acked
    assert (app.got[0]["type"], app.slack.views[ALICE]) == ("view_closed", [])


async def test_an_external_menu_asks_for_its_options(app: App) -> None:
    """What is offered has limits; what was offered can be chosen."""
    option = {"text": plain("On call"), "value": "S01ONCALL"}
    view = await opened(app.slack, blocks=[MENU])
    app.answer = {"options": [option]}
    answer = await app.slack.options(ALICE, view, "menu", "on")
    assert (answer.body["options"], answer.refused, app.got[0]["value"]) == ([option], "", "on")
    app.answer = {"options": [option] * 101}
    assert "no more than 100" in (await app.slack.options(ALICE, view, "menu", "on")).refused
    app.answer = {}
    await app.slack.submit(ALICE, view, {"groups": {"menu": option}})
    assert app.got[-1]["view"]["state"]["values"]["groups"]["menu"]["selected_option"] == option


async def test_a_command_is_answered_in_its_ack(app: App) -> None:
    """What comes with the ack is shown to who typed it."""
    app.answer = {"text": "help"}
    assert (await app.slack.command(ALICE, "pending")).acked
    assert (app.got[0]["command"], app.got[0]["text"], app.got[0]["team_id"]) == ("/askfirst", "pending", app.slack.team)
    assert [(one.text, one.ephemeral_for) for one in app.slack.ephemerals] == [("help", ALICE)]


async def test_an_event_comes_once_when_it_is_acked(app: App) -> None:
    """It has an event_id, and the person it is about."""
    assert (await app.slack.event("user_change", user={"id": ALICE})).attempts == 1
    assert (app.got[0]["event"]["user"], app.got[0]["event_id"][:2]) == ({"id": ALICE}, "Ev")


async def test_a_payload_comes_twice_again_and_out_of_order(app: App) -> None:
    """Double delivery, replay and reordering are switches."""
    ts = await card(app.slack)
    app.slack.deliver_twice = True
    await app.slack.click(ALICE, CHANNEL, ts, "go")
    await eventually(lambda: len(app.got) == 2)
    app.slack.deliver_twice = False
    await app.slack.replay_last()
    await eventually(lambda: len(app.got) == 3)
    assert len({body["trigger_id"] for body in app.got}) == 1
    app.got.clear()
    app.slack.hold_deliveries()
    async with asyncio.TaskGroup() as group:
        for value in "12":
            group.create_task(app.slack.click(ALICE, CHANNEL, ts, "go", value=value))
        await eventually(lambda: app.slack.delivery.waiting == 2)
        assert app.got == []
        await app.slack.release_deliveries(reverse=True)
    assert [body["actions"][0]["value"] for body in app.got] == ["2", "1"]
    await app.slack.click(ALICE, CHANNEL, ts, "go", times=3)
    assert len({body["trigger_id"] for body in app.got[2:]}) == 3
