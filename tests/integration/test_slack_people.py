"""Who people are is read from a Slack that answers truly, late, wrongly or not at all; what cannot be read is nobody."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Secret, SlackSettings
from bot.settings.shapes import Address, SlackMode
from bot.slack import client as clients
from bot.slack.people import Directory, Unreadable
from tests.factories import NOW, Scene
from tests.fakes.slack import FakeSlack
from workflows import groups
from workflows.database import Database
from workflows.people import ApproverGroup

ONCALL = "slack:T01TEST/S01ONCALL"
ALICE, BOB = "slack:T01TEST/U01ALICE", "slack:T01TEST/U01BOB"
ASKED = ApproverGroup("payments", frozenset(), user_groups=frozenset({ONCALL}))


class Told:
    """A directory over a fake Slack, with a clock that is set by hand."""

    def __init__(self, slack: FakeSlack, database: Database, client: AsyncWebClient) -> None:
        self.slack, self.database, self.now = slack, database, NOW
        self.directory = Directory(client, slack.team, database, lambda: self.now)

    def reads(self, method: str = "usergroups.users.list") -> int:
        """Count how often Slack was asked."""
        return sum(call.method == method for call in self.slack.calls)

    async def members(self, now: datetime | None = None) -> frozenset[str]:
        """Who may approve, as a verb reads it."""
        group = await self.database.aread(partial(groups.find, name="payments", now=now or self.now))
        assert group is not None
        return group.members


@pytest.fixture
async def told(database: Database) -> AsyncIterator[Told]:
    """A workspace with a user group, and an approver group that is made of it."""
    Scene(database).declare(ASKED)
    async with FakeSlack() as slack:
        slack.add_user_group("S01ONCALL", "oncall", ["U01ALICE", "U01BOB"])
        client = clients.client(
            SlackSettings(
                SlackMode.SOCKET,
                "C01APPROVALS",
                None,
                slack.api_url,
                frozenset(),
                Secret(slack.BOT_TOKEN),
                None,
                None,
                Address("127.0.0.1", 0),
            )
        )
        yield Told(slack, database, client)
        await clients.close(client)


async def test_a_person_is_read_anew_each_time(told: Told) -> None:
    """T09: whoever was deactivated a moment ago is seen as deactivated."""
    before = await told.directory.identity("U01ALICE", "T01TEST")
    assert (before.key, before.deleted, before.bot, before.guest, before.external) == (ALICE, False, False, False, False)
    told.slack.add_user("U01ALICE", deleted=True)
    assert (await told.directory.identity("U01ALICE", "T01TEST")).deleted
    assert told.reads("users.info") == 2


@pytest.mark.parametrize(
    ("fact", "seen"),
    [
        ({"is_bot": True}, "bot"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_stranger": True}, "external"),
        ({"team": "T02OTHER"}, "external"),
        ({"deleted": True}, "deleted"),
    ],
)
async def test_what_slack_says_of_a_person_is_told(told: Told, fact: dict[str, object], seen: str) -> None:
    """T09: bots, both kinds of guests, strangers and people of other workspaces are known as such."""
    told.slack.add_user("U09MALLORY", **fact)  # type: ignore[arg-type]  # one of its keyword-only facts
    identity = await told.directory.identity("U09MALLORY", "T01TEST")
    assert [name for name in ("deleted", "bot", "guest", "external") if getattr(identity, name)] == [seen]


async def test_a_payload_of_another_workspace_is_external(told: Told) -> None:
    """T09: the same user id from another team is another person, and external."""
    identity = await told.directory.identity("U01ALICE", "T02OTHER")
    assert (identity.key, identity.external) == ("slack:T02OTHER/U01ALICE", True)


@pytest.mark.parametrize("kind", ["500", "503", "429", "cut_before", "cut_after", "list", "error:user_not_found", "error:invalid_auth"])
async def test_who_cannot_be_read_is_nobody(told: Told, kind: str) -> None:
    """T12: whatever keeps Slack from saying who somebody is, it is one refusal with a sentence."""
    told.slack.fault("users.info", kind=kind, times=2)  # a read that is cut off is sent again, once
    with pytest.raises(Unreadable, match="nothing was decided"):
        await told.directory.identity("U01ALICE", "T01TEST")


async def test_an_id_that_is_none_asks_slack_nothing(told: Told) -> None:
    """T09: what is no id goes into no key and no call."""
    for user, team in (("U01ALICE/x", "T01TEST"), ("", "T01TEST"), ("U01ALICE", "../T")):
        with pytest.raises(Unreadable):
            await told.directory.identity(user, team)
    assert told.reads("users.info") == 0


async def test_the_members_of_a_user_group_have_a_say_for_a_minute(told: Told) -> None:
    """T12: they are read when they are older than asked, and after a minute without reading nobody has a say by them."""
    assert await told.members() == frozenset()
    await told.directory.refresh_user_groups()
    assert await told.members() == {ALICE, BOB}
    told.now += timedelta(seconds=29)
    await told.directory.refresh_user_groups()
    assert told.reads() == 1
    assert await told.members(told.now + timedelta(seconds=61)) == frozenset()
    told.slack.add_user_group("S01ONCALL", "oncall", ["U01BOB"])
    told.now += timedelta(seconds=2)
    await told.directory.refresh_user_groups()
    assert told.reads() == 2
    assert await told.members() == {BOB}


async def test_a_change_is_read_before_it_counts(told: Told) -> None:
    """T12: an event that a user group changed makes the next look read it, and wakes whoever keeps it fresh."""
    await told.directory.refresh_user_groups()
    told.slack.add_user_group("S01ONCALL", "oncall", [])
    told.directory.invalidate(ONCALL)
    assert told.directory.asked.is_set()
    await told.directory.refresh_user_groups()
    assert await told.members() == frozenset()


async def test_an_emptied_or_deleted_user_group_is_nobody(told: Told) -> None:
    """T12: Slack's word that it does not exist is believed at once."""
    await told.directory.refresh_user_groups()
    told.slack.fault("usergroups.users.list", kind="error:no_such_subteam")
    told.now += timedelta(seconds=31)
    await told.directory.refresh_user_groups()
    assert await told.members() == frozenset()


@pytest.mark.parametrize("kind", ["500", "429", "cut_before", "list", "error:plan_upgrade_required", "error:missing_scope"])
async def test_a_user_group_that_cannot_be_read_goes_stale(told: Told, kind: str) -> None:
    """T12: a failed reading changes nothing that is written; what is written counts until its minute is over, and no longer."""
    await told.directory.refresh_user_groups()
    told.slack.fault("usergroups.users.list", kind=kind, times=9)
    told.now += timedelta(seconds=31)
    await told.directory.refresh_user_groups()
    assert await told.members() == {ALICE, BOB}
    told.now += timedelta(seconds=30)
    await told.directory.refresh_user_groups()
    assert await told.members() == frozenset()


async def test_nobody_queues_up_behind_a_slack_that_is_down(told: Told) -> None:
    """After a failure Slack is left alone for as long as it asks for, at least for some seconds."""
    told.slack.fault("usergroups.users.list", kind="429", retry_after=20)
    for _ in range(3):
        await told.directory.refresh_user_groups()
    assert told.reads() == 1
    told.now += timedelta(seconds=21)
    await told.directory.refresh_user_groups()
    assert told.reads() == 2
    assert await told.members() == {ALICE, BOB}


async def test_the_list_of_user_groups_is_read_once_a_minute(told: Told) -> None:
    """The editor offers what there is, and asks Slack's slow method seldom."""
    assert await told.directory.user_groups() == [(ONCALL, "oncall", (await told.directory.user_groups())[0][2])]
    assert told.reads("usergroups.list") == 1
    told.now += timedelta(seconds=61)
    told.slack.fault("usergroups.list", kind="500")
    with pytest.raises(Unreadable, match="could not list"):
        await told.directory.user_groups()
