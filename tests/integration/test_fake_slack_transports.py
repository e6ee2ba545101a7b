"""What each transport of the Slack that tests play against has of its own: sockets that end, and signatures."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.fakes.slack import FakeSlack
from tests.integration.test_fake_slack import ALICE, CHANNEL, client
from tests.integration.test_fake_slack_delivery import App, card, over_http, over_socket
from tests.waiting import eventually


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """Run a Slack that is not patient."""
    async with FakeSlack() as fake:
        fake.delivery.within = 0.5
        yield fake


async def address(slack: FakeSlack) -> str:
    """Ask for the address of a socket."""
    return str((await client(slack, None).apps_connections_open(app_token=slack.APP_TOKEN))["url"])


async def test_an_address_of_a_socket_is_good_once(slack: FakeSlack) -> None:
    """A second handshake with it fails, and so does the next after one that was refused."""
    async with aiohttp.ClientSession() as session:
        url = await address(slack)
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
            assert (hello["type"], hello["num_connections"], hello["connection_info"]["app_id"]) == ("hello", 1, slack.app_id)
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)
        slack.refuse_handshakes(1)
        url = await address(slack)
        for _ in range(2):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)
        async with session.ws_connect(await address(slack)) as socket:
            assert (await socket.receive_json())["type"] == "hello"


async def test_each_payload_goes_to_one_of_ten_sockets(slack: FakeSlack) -> None:
    """They take turns, an eleventh is sent away, and a late ack is none."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        sockets = [await session.ws_connect(await address(slack)) for _ in range(10)]
        for socket in sockets:
            await socket.receive_json()
        eleventh = await session.ws_connect(await address(slack))
        assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
        ts = await card(slack)
        clicks = [group.create_task(slack.click(ALICE, CHANNEL, ts, "go")) for _ in range(10)]
        envelopes = [await socket.receive_json() for socket in sockets]
        assert len({envelope["envelope_id"] for envelope in envelopes}) == 10
        assert {envelope["type"] for envelope in envelopes} == {"interactive"}
        for socket, envelope in zip(sockets[1:], envelopes[1:], strict=True):
            await socket.send_json({"envelope_id": envelope["envelope_id"]})
        assert sorted([(await click).acked for click in clicks]) == [False] + [True] * 9
        for socket in [*sockets, eleventh]:
            await socket.close()


async def test_an_app_comes_back_after_its_socket_was_cut(slack: FakeSlack) -> None:
    """A cut, and a warning: each time there is a new connection with a new address."""
    app = App(slack)
    async with over_socket(app):
        for trouble in (slack.drop_sockets, slack.warn_disconnect):
            before = slack.sockets.opened
            pending = trouble()
            if pending is not None:
                await pending
            await eventually(lambda before=before: slack.sockets.opened > before, within=15)  # type: ignore[misc]  # the loop's value
        await slack.connected()
        assert (await slack.click(ALICE, CHANNEL, await card(slack), "go")).acked


async def test_a_stalled_socket_looks_well_and_delivers_nothing(slack: FakeSlack) -> None:
    """It answers pings, but no payload comes; without any socket there is no ack either."""
    app = App(slack)
    async with over_socket(app) as handler:
        ts = await card(slack)
        slack.stall_sockets()
        assert not (await slack.click(ALICE, CHANNEL, ts, "go")).acked
        assert await handler.client.is_connected()
        slack.revive_sockets()
        assert (await slack.click(ALICE, CHANNEL, ts, "go")).acked
    await eventually(lambda: not slack.sockets.connections)
    assert not (await slack.click(ALICE, CHANNEL, ts, "go")).acked
    assert len(app.got) == 1


async def test_a_signature_is_real(slack: FakeSlack) -> None:
    """Bolt takes what Slack signed, and nothing that another secret signed or that is five minutes old."""
    app = App(slack)
    async with over_http(app):
        ts = await card(slack)
        assert (await slack.click(ALICE, CHANNEL, ts, "go")).status == 200
        slack.advance(-302)
        assert (await slack.click(ALICE, CHANNEL, ts, "go")).status == 401
        slack.advance(302)
        assert (await slack.verify_url()).body == {"challenge": "3eZbrw1aB"}
        slack.delivery.secret = "another"
        assert (await slack.click(ALICE, CHANNEL, ts, "go")).status == 401
    assert len(app.got) == 1


async def test_an_event_without_ack_comes_again_and_says_so(slack: FakeSlack) -> None:
    """Over HTTP: three retries with the same event_id and their headers; what people did comes once."""
    app = App(slack)
    async with over_http(app):
        url, slack.request_url = slack.request_url, "http://127.0.0.1:9/slack/events"
        assert (await slack.event("user_change", user={"id": ALICE})).attempts == 4
        assert (await slack.command(ALICE, "help")).attempts == 1
        slack.request_url = url
        first = slack.delivery.sent[0]
        assert (await slack.resend(first)).acked
        assert app.got[0]["event_id"] == first.payload["event_id"]
