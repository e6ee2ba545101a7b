"""The connection to Slack comes back from whatever ends it: refused handshakes, silence, a socket that only looks alive."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.slack import client as clients
from bot.slack.client import Trouble
from bot.slack.listening import quiet
from bot.slack.socket import Pace, Socket
from tests.fakes.slack import FakeSlack
from tests.waiting import eventually

QUICK = Pace(tick=0.05, ping=0.2, hello=0.6, gone=1.0, silence=60.0, pause=0.05, longest_pause=0.4, drain=1.0)
_BOLT = "slack_bolt.askfirst"


class Line:
    """A socket to a fake Slack, an app that counts commands, and what was told about the app token."""

    def __init__(self, slack: FakeSlack, pace: Pace = QUICK) -> None:
        self.slack = slack
        self.commands = 0
        self.refusals: list[str] = []
        self.admitted = 0
        self.held = asyncio.Event()
        self.held.set()
        client = clients.bare("", slack.api_url)
        client.token = None

        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(enterprise_id=None, team_id="T01TEST", bot_user_id="U01BOT", bot_id="B01BOT", bot_token=slack.BOT_TOKEN)

        async def command(ack: AsyncAck) -> None:
            await self.held.wait()
            self.commands += 1
            await ack()

        app = AsyncApp(name=_BOLT, client=client, authorize=authorize, signing_secret="")
        app.command("/askfirst")(command)
        self.socket = Socket(app, slack.APP_TOKEN, refused=self._refused, admitted=self._admitted, pace=pace)
        self.running = asyncio.ensure_future(self.socket.run())

    def _refused(self, trouble: Trouble) -> None:
        self.refusals.append(trouble.error)

    def _admitted(self) -> None:
        self.admitted += 1

    async def connected(self) -> None:
        """Wait until Slack has said hello."""
        await eventually(lambda: self.socket.connected, within=10)

    async def stop(self) -> None:
        """End it as closing the face does."""
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.running


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack in Socket Mode."""
    quiet()
    async with FakeSlack() as fake:
        fake.transport = "socket"
        yield fake


@pytest.fixture
async def line(slack: FakeSlack) -> AsyncIterator[Line]:
    """Connect to it."""
    made = Line(slack)
    await made.connected()
    yield made
    await made.stop()


def opened(slack: FakeSlack) -> int:
    """Count the one-time URLs that Slack was asked for."""
    return sum(call.method == "apps.connections.open" for call in slack.calls)


async def test_what_slack_sends_is_taken_and_acked(line: Line) -> None:
    """A command reaches its listener, and Slack gets its ack."""
    assert (await line.slack.command("U01ALICE", "help")).acked
    assert line.commands == 1


async def test_an_envelope_that_comes_twice_is_taken_once(line: Line) -> None:
    """T29: the same envelope again is acked and has no effect."""
    line.slack.deliver_twice = True
    assert (await line.slack.command("U01ALICE", "help")).acked
    line.slack.deliver_twice = False
    assert (await line.slack.command("U01ALICE", "help")).acked
    assert line.commands == 2


async def test_a_dropped_connection_comes_back(line: Line) -> None:
    """After Slack hung up there is a new connection, and it delivers."""
    before = opened(line.slack)
    line.slack.drop_sockets()
    await eventually(lambda: opened(line.slack) > before, within=10)
    await line.connected()
    assert (await line.slack.command("U01ALICE", "help")).acked


async def test_a_refused_handshake_is_tried_with_another_url(line: Line) -> None:
    """A URL counts once: after a failed handshake a new one is asked for, as the library alone would not."""
    before = opened(line.slack)
    line.slack.refuse_handshakes(2)
    line.slack.drop_sockets()
    await eventually(lambda: opened(line.slack) >= before + 3, within=15)
    await line.connected()
    assert (await line.slack.command("U01ALICE", "help")).acked


async def test_slacks_warning_before_it_hangs_up_is_heeded(line: Line) -> None:
    """When Slack says that it will disconnect, there is a new connection."""
    before = opened(line.slack)
    await line.slack.warn_disconnect()
    await eventually(lambda: opened(line.slack) > before, within=10)
    await line.connected()
    assert (await line.slack.command("U01ALICE", "help")).acked


async def test_a_token_that_is_refused_is_told_and_tried_again(slack: FakeSlack) -> None:
    """Slack's word about the app token reaches whoever reports it; when it is taken again, there is a connection."""
    slack.fault("apps.connections.open", kind="error:invalid_auth", times=2)
    line = Line(slack)
    try:
        await line.connected()
        assert line.refusals == ["invalid_auth", "invalid_auth"]
        assert line.admitted == 1
    finally:
        await line.stop()


async def test_an_outage_is_waited_for(line: Line) -> None:
    """While Slack is gone nothing is raised; when it is back, so is the connection."""
    line.slack.outage()
    await eventually(lambda: not line.socket.connected, within=10)
    line.slack.recover()
    await line.connected()
    assert (await line.slack.command("U01ALICE", "help")).acked


async def test_a_connection_that_only_looks_alive_is_made_anew(slack: FakeSlack) -> None:
    """After a long silence the connection is not trusted any more, though it answers every ping."""
    line = Line(slack, Pace(tick=0.05, ping=0.2, hello=0.6, gone=1.0, silence=0.5, pause=0.05, longest_pause=0.4, drain=1.0))
    try:
        await line.connected()
        before = opened(slack)
        await eventually(lambda: opened(slack) > before, within=10)
        await line.connected()
    finally:
        await line.stop()


async def test_what_was_taken_is_answered_before_the_connection_closes(line: Line) -> None:
    """Whoever clicked while Askfirst stops gets an answer."""
    line.held.clear()
    clicked = asyncio.ensure_future(line.slack.command("U01ALICE", "help"))
    await eventually(lambda: line.socket._busy)
    stopping = asyncio.ensure_future(line.stop())
    line.held.set()
    await stopping
    assert (await clicked).acked
    assert line.commands == 1


async def test_nothing_is_left_running(line: Line) -> None:
    """After the end there is no task of the library's and no open session."""
    client = line.socket._client
    assert client is not None
    await line.stop()
    assert client.aiohttp_client_session.closed
    assert client.message_processor.done()
