"""The Slack face as a whole, over both transports: it begins without Slack, tells what is wrong, and lets nothing private into the log."""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from bot.settings import Secret, SlackSettings
from bot.settings.shapes import Address, SlackMode
from bot.slack.refusals import SlackRefused, refusal
from bot.slack.server import Patience, SlackFace
from bot.slack.socket import Pace
from tests.factories import Scene
from tests.fakes.slack import FakeSlack
from tests.waiting import eventually
from workflows import groups
from workflows.changes import Changes
from workflows.database import Database
from workflows.people import ApproverGroup

QUICK = Patience(
    first=0.05,
    longest=0.2,
    look=0.2,
    groups=0.2,
    burst=0.01,
    drain=1.0,
    socket=Pace(tick=0.05, ping=0.2, hello=0.6, gone=1.0, silence=60.0, pause=0.05, longest_pause=0.4, drain=1.0),
)
ONCALL = "slack:T01TEST/S01ONCALL"


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Stage:
    """A face over a fake Slack."""

    def __init__(self, slack: FakeSlack, database: Database, transport: str) -> None:
        self.slack, self.database = slack, database
        self.settings = SlackSettings(
            SlackMode(transport),
            "C01APPROVALS",
            "C02FALLBACK",
            slack.api_url,
            frozenset({"slack:T01TEST/U01CAROL"}),
            Secret(slack.BOT_TOKEN),
            Secret(slack.APP_TOKEN) if transport == "socket" else None,
            Secret(slack.SIGNING_SECRET) if transport == "http" else None,
            Address("127.0.0.1", 0),
        )
        self.face: SlackFace | None = None
        self.running: asyncio.Future[None] | None = None

    async def start(self) -> SlackFace:
        """Start it as serve does; nothing is waited for."""
        face = self.face = await SlackFace.connect(
            self.settings, database=self.database, changes=Changes(), clock=now, desk_url="http://127.0.0.1:8081", patience=QUICK
        )
        self.slack.transport = self.settings.mode.value
        if face.url is not None:
            self.slack.request_url = face.url
        self.running = asyncio.ensure_future(face.run())
        return face

    async def ready(self) -> SlackFace:
        """Start it, and wait until Slack works."""
        face = await self.start()
        await eventually(lambda: face.healthy, within=10)
        return face

    async def stop(self) -> None:
        """Stop it as serve does."""
        if self.running is not None:
            self.running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.running
        if self.face is not None:
            await self.face.close()

    def asked(self, method: str) -> int:
        """Count how often Slack was asked."""
        return sum(call.method == method for call in self.slack.calls)


@pytest.fixture(params=["socket", "http"])
async def stage(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Stage]:
    """A face that is not started yet, over each transport."""
    Scene(database).declare(ApproverGroup("payments", frozenset({"slack:T01TEST/U01ALICE"}), user_groups=frozenset({ONCALL})))
    async with FakeSlack() as slack:
        slack.add_user_group("S01ONCALL", "oncall", ["U01BOB"])
        made = Stage(slack, database, str(request.param))
        yield made
        await made.stop()


class Heard(logging.Handler):
    """Everything that reaches the root logger, as text with its traces."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.lines.append(self.format(record))

    def errors(self, words: str = "") -> list[str]:
        """Give what was told as an error."""
        return [line for line in self.lines if line.startswith("ERROR") and words in line]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Hear everything, at the level where libraries tell most."""
    root, handler = logging.getLogger(), Heard()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


async def test_a_command_is_answered(stage: Stage) -> None:
    """What somebody does in Slack reaches its listener and is acked, over each transport."""
    await stage.ready()
    assert (await stage.slack.command("U01ALICE", "help")).acked


async def test_dispatch_asks_slack_nothing(stage: Stage) -> None:
    """Before a listener runs there is no call of Slack's API that could be slow."""
    await stage.ready()
    before = stage.asked("auth.test")
    await asyncio.gather(*(stage.slack.command("U01ALICE", "help") for _ in range(5)))
    assert stage.asked("auth.test") - before <= 1, "the look after the token, and no other"


async def test_nothing_waits_for_a_slack_that_is_down(stage: Stage, heard: Heard) -> None:
    """T12: the face is there at once, says that Slack cannot be asked, and works when Slack is back."""
    stage.slack.outage()
    async with asyncio.timeout(2):
        face = await stage.start()
    await eventually(lambda: any("cannot be asked" in line for line in heard.lines))
    assert not face.healthy
    assert not heard.errors()
    stage.slack.recover()
    await eventually(lambda: face.healthy, within=10)
    assert (await stage.slack.command("U01ALICE", "help")).acked


@pytest.mark.parametrize("error", ["invalid_auth", "account_inactive", "missing_scope", "not_allowed_token_type"])
async def test_a_refused_token_is_one_error_with_its_remedy(stage: Stage, heard: Heard, error: str) -> None:
    """T12: Slack's word about the token is told once as an error that says what to do; the face tries on, slowly."""
    stage.slack.fault("auth.test", kind=f"error:{error}", times=3)
    face = await stage.ready()
    assert heard.errors() == [
        f"ERROR bot.slack.server {refusal('bot_token', error)} Calls stay held; what nobody decides at the desk expires."
    ]
    assert face.healthy


@pytest.mark.parametrize("event", [("app_uninstalled", {}), ("tokens_revoked", {"tokens": {"oauth": [], "bot": ["U01BOT"]}})])
async def test_an_app_that_is_removed_is_told_once(stage: Stage, heard: Heard, event: tuple[str, dict[str, object]]) -> None:
    """T12: Slack's own word that the app is gone makes the face unhealthy, and is one error in the log."""
    face = await stage.ready()
    stage.slack.fault("auth.test", kind="error:token_revoked" if event[0] == "tokens_revoked" else "error:account_inactive", times=10_000)
    await stage.slack.event(event[0], **event[1])
    await eventually(lambda: not face.healthy)
    before = stage.asked("auth.test")
    await eventually(lambda: stage.asked("auth.test") >= before + 2)
    assert len(heard.errors("Slack refuses slack.bot_token")) == 1


async def test_a_users_own_token_says_nothing_of_the_app(stage: Stage) -> None:
    """That some user's token was revoked does not concern us."""
    face = await stage.ready()
    await stage.slack.event("tokens_revoked", tokens={"oauth": ["U01ALICE"], "bot": []})
    assert (await stage.slack.command("U01ALICE", "help")).acked
    assert face.healthy


async def test_user_groups_are_kept_fresh(stage: Stage) -> None:
    """T12: who is in a user group is read at the start, and again when Slack says that it changed."""

    async def members() -> frozenset[str]:
        group = await stage.database.aread(partial(groups.find, name="payments", now=now()))
        assert group is not None
        return group.members

    async def are(*users: str) -> bool:
        return await members() == {f"slack:T01TEST/{user}" for user in users}

    await stage.ready()
    await eventually(partial(are, "U01ALICE", "U01BOB"))
    stage.slack.add_user_group("S01ONCALL", "oncall", ["U01CAROL"])
    await stage.slack.event("subteam_updated", subteam={"id": "S01ONCALL"})
    await eventually(partial(are, "U01ALICE", "U01CAROL"))
    stage.slack.add_user_group("S01ONCALL", "oncall", [])
    await stage.slack.event("subteam_members_changed", subteam_id="S01ONCALL")
    await eventually(partial(are, "U01ALICE"))


@pytest.mark.parametrize("name", ["user_change", "channel_archive", "channel_left", "channel_rename", "group_left"])
async def test_what_slack_tells_of_people_and_channels_is_taken(stage: Stage, heard: Heard, name: str) -> None:
    """Each event of the manifest has a listener, and what its body lacks makes no trouble."""
    await stage.ready()
    assert (await stage.slack.event(name, user={"id": "U01ALICE"}, channel="C01APPROVALS")).acked
    assert not heard.errors()


async def test_no_variable_of_the_environment_changes_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """T12: SLACK_CLIENT_ID and its like would switch the library to other ways; here they do nothing, and are left as they were."""
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_VERIFICATION_TOKEN"):
        monkeypatch.setenv(name, "something-else")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    face = await stage.ready()
    assert (await stage.slack.command("U01ALICE", "help")).acked
    assert face._app.oauth_flow is None


async def test_nothing_private_reaches_the_log(stage: Stage, heard: Heard) -> None:
    """T28: tokens, bodies, one-time URLs and what people typed are in no line, even where everything is logged and much goes wrong."""
    stage.slack.fault("auth.test", kind="500")
    stage.slack.fault("usergroups.users.list", kind="error:missing_scope")
    face = await stage.ready()
    await stage.slack.command("U01ALICE", "history PRIVATE-WORDS")
    await stage.slack.event("user_change", user={"id": "PRIVATE-WORDS"})
    await stage.slack.event("no_such_event", text="PRIVATE-WORDS")
    if stage.settings.mode is SlackMode.SOCKET:
        stage.slack.refuse_handshakes(2)
        stage.slack.drop_sockets()
        await eventually(lambda: face.healthy, within=10)
    logging.getLogger("slack_sdk.web").error("token %s", stage.slack.BOT_TOKEN)
    logging.getLogger("slack_bolt.AsyncApp").info("Invalid request signature detected %s", "PRIVATE-WORDS")
    await stage.stop()
    said = "\n".join(heard.lines)
    for private in (stage.slack.BOT_TOKEN, stage.slack.APP_TOKEN, stage.slack.SIGNING_SECRET, "PRIVATE-WORDS", "ws://", "ticket="):
        assert private not in said
    assert "bot.slack.listening slack_sdk had trouble" in said, "that there was trouble is told"


async def test_a_listener_that_fails_is_told_without_its_words(stage: Stage, heard: Heard) -> None:
    """T28: an error of a listener is named by its kind and place; its text may quote what Slack sent."""
    face = await stage.ready()

    async def broken() -> None:
        raise RuntimeError("PRIVATE-WORDS")

    face._app.event("reaction_added")(broken)
    await stage.slack.event("reaction_added")
    await eventually(lambda: heard.errors("RuntimeError in"))
    assert "PRIVATE-WORDS" not in json.dumps(heard.lines)


async def test_a_part_that_fails_begins_again(stage: Stage, heard: Heard) -> None:
    """Whatever goes wrong while Askfirst talks to Slack, it ends nothing: the part is told of and begins again."""
    face = await stage.start()
    times: list[int] = []

    async def fragile() -> None:
        times.append(len(times))
        if len(times) < 3:
            raise RuntimeError("PRIVATE-WORDS")
        await asyncio.Event().wait()

    kept = asyncio.ensure_future(face._kept("a part", fragile))
    await eventually(lambda: len(times) == 3)
    assert not kept.done()
    kept.cancel()
    assert len(heard.errors("a part failed (RuntimeError in")) == 2
    assert "PRIVATE-WORDS" not in json.dumps(heard.lines)


async def test_closing_leaves_nothing_behind(stage: Stage) -> None:
    """After the end no task runs, and Slack is asked nothing more."""
    before = asyncio.all_tasks()
    await stage.ready()
    await stage.stop()
    asked = len(stage.slack.calls)
    left = [task for task in asyncio.all_tasks() - before if "bot/slack" in str(task.get_coro()) or "slack_" in repr(task.get_coro())]
    assert not left
    assert len(stage.slack.calls) == asked


async def test_http_needs_a_port_and_a_secret(database: Database) -> None:
    """A taken port and an empty secret are no trouble of Slack's: they are said at the start, with what to do."""
    async with FakeSlack() as slack:
        settings = Stage(slack, database, "http").settings
        with socket.create_server(("127.0.0.1", 0)) as taken:
            wrong = [
                (replace(settings, listen=Address("127.0.0.1", taken.getsockname()[1])), "Choose another port"),
                (replace(settings, signing_secret=Secret("")), "signing_secret is empty"),
                (replace(settings, signing_secret=None), "signing_secret is empty"),
            ]
            for each, words in wrong:
                with pytest.raises(SlackRefused, match=words):
                    await SlackFace.connect(each, database=database, changes=Changes(), clock=now, desk_url="http://127.0.0.1:8081")


def test_each_refusal_says_what_to_do() -> None:
    """T12: a sentence for every word of Slack's, and for those not known yet."""
    assert "xapp-" in str(refusal("app_token", "invalid_auth"))
    assert "xoxb-" in str(refusal("bot_token", "invalid_auth"))
    assert "manifest.yml" in str(refusal("bot_token", "missing_scope"))
    assert "(some_new_word)" in str(refusal("bot_token", "some_new_word"))
