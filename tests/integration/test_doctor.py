"""`askfirst doctor` against databases, servers and a Slack that run: each thing that goes wrong in practice is named, with its remedy."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.cli.examining import look_at_database
from bot.slack.checks import Sort
from bot.slack.ids import SCOPES
from tests.factories import NOW
from tests.fakes.slack import FakeSlack
from tests.fakes.upstreams import Scripted
from tests.unit.bot.cli.stage import Said, type_in
from tests.unit.bot.configs import write
from workflows import definitions, grants, groups
from workflows.database import Database
from workflows.people import ApproverGroup, Person

ALICE, BOB, CAROL, OLIVIA = (f"slack:T01TEST/U01{name}" for name in ("ALICE", "BOB", "CAROL", "OLIVIA"))
ONCALL = "slack:T01TEST/S01ONCALL"
UNKNOWN = "Slack shows the bot no such channel. Correct its name, or type /invite @askfirst in a private one."
POLICY = {
    "version": "1",
    "default": "deny",
    "approval": {"approvers": "payments", "expires_in": "30m"},
    "tools": {
        "create_refund": {"require_approval": [{"conditions": [], "reason": "Refund", "channel": "#money"}]},
        "wire": {"require_approval": [{"conditions": [], "quorum": 2, "reason": "Wire"}]},
    },
}


class Stage:
    """A configuration over a Slack, a server and a database that run."""

    def __init__(self, slack: FakeSlack, upstream: str, directory: Path) -> None:
        self.slack, self.directory = slack, directory
        self.members, self.group, self.policy = [ALICE, BOB], "", POLICY
        self.user_groups: list[str] = []
        self.server, self.url, self.section = f'url = "{upstream}"', "sqlite:///askfirst.db", ""

    @property
    def config(self) -> Path:
        """Write the configuration as it is now."""
        text = f"""
            [database]
            url = "{self.url}"
            [slack]
            channel = "C01APPROVALS"
            fallback_channel = "#fallback"
            api_url = "{self.slack.api_url}"
            {self.section}
            [servers.payments]
            {self.server}
            [policies]
            payments = "payments.json"
            [groups.payments]
            members = {json.dumps(self.members)}
            slack_user_groups = {json.dumps(self.user_groups)}
            {self.group}
        """
        return write(self.directory, text, {"payments.json": json.dumps(self.policy)})

    async def doctor(self, *words: str) -> Said:
        """Run it as somebody at a terminal would."""
        return await asyncio.to_thread(type_in, "doctor", *words, "--config", self.config)

    async def problems(self, *words: str) -> list[str]:
        """Give the problems that it finds; there are some, and it says how many."""
        said = await self.doctor(*words)
        found = [line.removeprefix("problem: ") for line in said.out.splitlines() if line.startswith("problem: ")]
        assert (said.code, said.err) == (1, "")
        assert said.out.splitlines()[-1] == f"{len(found)} problem{'s' * (len(found) != 1)}."
        return found

    async def problem(self, *words: str) -> str:
        """Give the only problem."""
        (found,) = await self.problems(*words)
        return found


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A set-up in which all is well."""
    async with FakeSlack() as slack, Scripted().running() as upstream:
        slack.add_channel("C03MONEY", "money")
        for name, value in (("BOT_TOKEN", slack.BOT_TOKEN), ("APP_TOKEN", slack.APP_TOKEN), ("SIGNING_SECRET", slack.SIGNING_SECRET)):
            monkeypatch.setenv(f"SLACK_{name}", value)
        yield Stage(slack, upstream, tmp_path)


async def test_all_is_well(stage: Stage) -> None:
    """Each thing that was looked at has its line, the exit code is 0, and nothing was posted or written down."""
    said = await stage.doctor()
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].startswith("ok: database sqlite:///")
    assert lines[0].endswith("what is committed is on the disk (synchronous=2)")
    assert lines[1:] == [
        "ok: server payments: it answers, and lists its tools",
        "ok: slack.bot_token: Slack knows the bot askfirst in T01TEST",
        f"ok: slack.bot_token: it has all {len(SCOPES)} scopes",
        "ok: clock: within 1 s of Slack's",
        "ok: slack.app_token: Socket Mode gives a connection",
        "ok: channel C01APPROVALS (slack.channel): the bot is in it",
        "ok: channel #fallback (slack.fallback_channel): the bot is in it",
        "ok: channel #money (policy payments): the bot is in it",
        "ok: group payments: all 2 rules that ask it have people who can approve",
    ]
    assert stage.slack.called("chat.postMessage") == []
    assert stage.slack.BOT_TOKEN not in said.out


async def test_without_slack(stage: Stage) -> None:
    """People at the desk are people too; a canary has nowhere to go."""
    text = stage.config.read_text().split("[slack]")
    local = '["local:alice", "local:bob"]'
    server = "[servers.payments]" + text[1].split("[servers.payments]")[1]
    config = write(stage.directory, text[0] + server.replace(json.dumps([ALICE, BOB]), local))
    said = await asyncio.to_thread(type_in, "doctor", "--config", config)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1] == "ok: group payments: all 2 rules that ask it have people who can approve"
    assert [line.split(" ")[1] for line in said.out.splitlines()] == ["database", "server", "group"]
    said = await asyncio.to_thread(type_in, "doctor", "--canary", "--config", config)
    assert said.code == 1
    assert "problem: canary: there is no section [slack]" in said.out
    assert stage.slack.calls == []


async def test_a_configuration_that_cannot_be_read(stage: Stage) -> None:
    """It says what `check` says, and asks nobody."""
    stage.section = "chanel = 1"
    assert "slack.chanel: There is no such key. Did you mean `channel`?" in await stage.problem()
    assert stage.slack.calls == []


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("invalid_auth", "Copy the Bot User OAuth Token (xoxb-…)"),
        ("token_revoked", "Install the app again and set the new token."),
        ("account_inactive", "The app was uninstalled"),
    ],
)
async def test_a_token_that_does_not_count(stage: Stage, error: str, remedy: str) -> None:
    """The token is named with its remedy; what Slack alone could say is not guessed at."""
    stage.slack.bad_tokens[stage.slack.BOT_TOKEN] = error
    assert remedy in await stage.problem("--canary")
    assert "note: group payments: its people were not looked at, because Slack could not be asked" in (await stage.doctor()).out


async def test_an_app_token_that_does_not_count(stage: Stage) -> None:
    """Socket Mode is tried."""
    stage.slack.bad_tokens[stage.slack.APP_TOKEN] = "invalid_auth"
    assert "slack.app_token: Slack refuses slack.app_token (invalid_auth). Make an App-Level Token" in await stage.problem()


async def test_a_slack_that_is_down(stage: Stage) -> None:
    """An outage is told as one: nobody is sent to make new tokens."""
    stage.slack.outage()
    found = await stage.problems("--canary")
    assert len(found) == 2
    assert all("Slack did not answer at http://127.0.0.1" in problem and "try again in a minute" in problem for problem in found)


@pytest.mark.parametrize("scope", SCOPES)
async def test_each_scope(stage: Stage, scope: str) -> None:
    """A scope that is missing is named, with where to add it."""
    stage.slack.scopes.discard(scope)
    found = await stage.problems()
    remedy = "Add it on the app's page OAuth & Permissions, under Bot Token Scopes, and install the app again."
    assert found[0] == f"slack.bot_token: the scope {scope} is missing. {remedy}"


async def test_http_mode_opens_no_socket(stage: Stage) -> None:
    """Whether Slack reaches us cannot be seen from here, and that is what is said."""
    stage.section = 'mode = "http"'
    said = await stage.doctor()
    assert said.code == 0
    assert "note: slack.mode: Slack must reach 127.0.0.1:8082 as https://…/slack/events, which cannot be seen from here" in said.out
    assert stage.slack.called("apps.connections.open") == []


@pytest.mark.parametrize(("seconds", "where"), [(75, "behind"), (-75, "ahead of")])
async def test_a_clock_that_is_wrong(stage: Stage, seconds: int, where: str) -> None:
    """More than a minute apart from Slack's time is a problem, in both directions."""
    stage.slack.advance(timedelta(seconds=seconds))
    problem = await stage.problem()
    assert problem.startswith("clock: this machine's is ")
    assert f" seconds {where} Slack's" in problem


async def test_a_clock_within_a_minute(stage: Stage) -> None:
    """Half a minute is well."""
    stage.slack.advance(30)
    assert (await stage.doctor()).code == 0


async def test_channels(stage: Stage) -> None:
    """Each channel that anything names is looked at: archived, left, unknown, and shared ones."""
    stage.slack.archive("C01APPROVALS")
    stage.slack.kick("C02FALLBACK")
    stage.slack.add_channel("C03MONEY", "money", shared=True)
    stage.group = 'channel = "C09NOBODY"'
    assert await stage.problems() == [
        "channel C01APPROVALS (slack.channel): it is archived. Unarchive it, or name another one.",
        "channel #fallback (slack.fallback_channel): the bot is not in it. Type /invite @askfirst there.",
        f"channel C09NOBODY (group payments): {UNKNOWN}",
    ]
    assert "note: channel #money (policy payments): it is shared with another organisation" in (await stage.doctor()).out


async def test_a_private_channel_that_the_bot_was_not_invited_to(stage: Stage) -> None:
    """Slack does not say that it exists, so the remedy names the invitation."""
    stage.slack.add_channel("C03MONEY", "money", private=True, member=False)
    assert "type /invite @askfirst in a private one" in await stage.problem()


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        ({"deleted": True}, "is deactivated in Slack"),
        ({"is_bot": True}, "is a bot"),
        ({"is_restricted": True}, "is a guest"),
        ({"is_ultra_restricted": True}, "is a guest"),
        ({"is_stranger": True}, "belongs to another workspace"),
        ({"team": "T02OTHER"}, "belongs to another workspace"),
    ],
)
async def test_who_counts_for_nothing(stage: Stage, fact: dict[str, object], why: str) -> None:
    """T09: a rule that needs two is short of one who could approve it; the one that needs one is not."""
    stage.slack.add_user("U01BOB", **fact)  # type: ignore[arg-type]  # one of its keyword-only facts
    said = await stage.doctor()
    assert f"note: group payments: {BOB} {why}, and counts for nothing" in said.out
    assert await stage.problem() == (
        "group payments: /tools/wire/require_approval/always of the policy payments needs 2 approvals, and 1 of its people could give one. "
        "Name more people, or ask for fewer."
    )


@pytest.mark.parametrize(("key", "fact"), [("allow_guests", {"is_restricted": True}), ("allow_external", {"is_stranger": True})])
async def test_who_counts_because_the_group_says_so(stage: Stage, key: str, fact: dict[str, object]) -> None:
    """Guests and people of other workspaces count where they may decide."""
    stage.slack.add_user("U01BOB", **fact)  # type: ignore[arg-type]  # one of its keyword-only facts
    stage.group = f"{key} = true"
    assert (await stage.doctor()).code == 0


async def test_somebody_whom_slack_does_not_know(stage: Stage) -> None:
    """A key that was mistyped is found."""
    stage.members = [ALICE, "slack:T01TEST/U09NOBODY"]
    assert "slack:T01TEST/U09NOBODY is not known to Slack, and counts for nothing" in (await stage.doctor()).out
    assert "needs 2 approvals, and 1 of its people could give one" in await stage.problem()


async def test_the_owner_of_an_agent_does_not_count_for_it(stage: Stage) -> None:
    """T10: a grant in the database makes one of two people its owner, and then no two are left."""
    assert (await stage.doctor()).code == 0
    database = Database(f"sqlite:///{stage.directory}/askfirst.db")
    database.write(
        lambda session: grants.create(
            session, label="agent", server="payments", policy="payments", owner=ALICE, budget=None, actor="test", now=NOW
        )
    )
    assert (
        f"needs 2 approvals, and 1 of its people could give one, {ALICE} not among them, who answers for the agent."
        in await stage.problem()
    )
    stage.group = "self_approval = true"
    assert (await stage.doctor()).code == 0
    stage.group = ""
    database.write(lambda session: grants.revoke(session, "agent", actor="test", now=NOW))
    database.close()
    assert (await stage.doctor()).code == 0


async def test_the_quorum_of_the_group_counts(stage: Stage) -> None:
    """It is the larger of the two that must be reached."""
    stage.group, stage.user_groups = "quorum = 3", [ONCALL]
    stage.slack.add_user_group("S01ONCALL", "oncall", ["U01ALICE"])
    assert all("needs 3 approvals, and 2 of its people could give one" in problem for problem in await stage.problems())


async def test_people_of_user_groups_are_read_from_slack(stage: Stage) -> None:
    """They count as they are now, and no more of them are asked about than a rule needs."""
    stage.members, stage.user_groups = [], [ONCALL]
    for number in range(40):
        stage.slack.add_user(f"U2{number:03d}", deleted=number == 0)
    stage.slack.add_user_group("S01ONCALL", "oncall", [f"U2{number:03d}" for number in range(40)])
    assert (await stage.doctor()).code == 0
    assert len(stage.slack.called("users.info")) == 4
    stage.slack.add_user_group("S01ONCALL", "oncall", ["U2000", "U2001"])
    assert "needs 2 approvals, and 1 of its people could give one" in await stage.problem()


@pytest.mark.parametrize(
    ("key", "free", "why"),
    [
        (ONCALL, False, "Slack has no such user group, or it was disabled"),
        (ONCALL, True, "the plan of this workspace has no user groups"),
        ("slack:T02OTHER/S01ONCALL", False, "it belongs to another workspace than this app, which is in T01TEST"),
    ],
)
async def test_a_user_group_that_is_not_there(stage: Stage, key: str, free: bool, why: str) -> None:  # noqa: FBT001  # a parameter of the test
    """Nobody counts by it, and why is said."""
    stage.user_groups, stage.slack.free_plan = [key], free
    assert await stage.problem() == f"group payments: nobody counts by {key}: {why}. Correct it, or name people."


async def test_groups_of_the_database_and_groups_that_are_nowhere(stage: Stage) -> None:
    """A group that was made in Slack is looked at as well; one that a policy asks and nobody made is named."""
    approval = {"approvers": "ops", "expires_in": "30m"}
    stage.policy = {"version": "1", "default": "require_approval", "approval": approval, "tools": {}}
    assert "group ops: there is none, and what the policy payments asks of it is denied. Declare [groups.ops]." in await stage.problem()
    database = Database(f"sqlite:///{stage.directory}/askfirst.db")
    made = ApproverGroup("ops", frozenset({CAROL}), channel="C07OPS")
    database.write(lambda session: groups.create(session, made, actor=Person(OLIVIA), admins={OLIVIA}, via="slack", now=NOW))
    database.close()
    assert "channel C07OPS (group ops): Slack shows the bot no such channel." in await stage.problem()
    said = await stage.doctor()
    assert "ok: group ops: the rule that asks it has people who can approve" in said.out
    assert "ok: group payments: no rule asks it" in said.out


async def test_a_server_that_is_down(stage: Stage) -> None:
    """It is named, with where to look."""
    stage.server = 'url = "http://127.0.0.1:1/mcp"'
    problem = await stage.problem()
    assert problem.startswith("server payments: ")
    assert problem.endswith("Check [servers.payments], and that the server runs.")


async def test_tools_whose_definition_changed(stage: Stage) -> None:
    """Their calls wait for somebody who looks; tools of servers that are not configured any more wait for nobody."""
    await stage.doctor()
    database = Database(f"sqlite:///{stage.directory}/askfirst.db")
    names = ("act", "b", "c", "d", "e", "f")
    for server, count in (("payments", 6), ("gone", 1)):
        for description in (None, "new"):
            found = definitions.listed({"name": name, "description": description} for name in names[:count])
            database.write(partial(definitions.observe, server=server, found=found, now=NOW))
    said = "6 tools are defined otherwise than was accepted (act, b, c, d, e and others), and calls of them are held."
    assert await stage.problem() == f"server payments: {said} Look with askfirst scan payments --diff, and accept it with --accept."
    back = definitions.listed({"name": name} for name in names[1:])
    database.write(partial(definitions.observe, server="payments", found=back, now=NOW))
    assert "1 tool is defined otherwise than was accepted (act)," in await stage.problem()
    database.close()


async def test_a_policy_that_names_tools_which_are_not_there(stage: Stage) -> None:
    """Where an agent is under it: its rules apply to nothing. A server that does not answer could have them."""
    assert "No listed tool" not in (await stage.doctor()).out
    facts = {"server": "payments", "policy": "payments", "owner": "local:olivia", "token_sha256": "a" * 64}
    stage.group = "[grants.agent]\n" + "\n".join(f'{name} = "{value}"' for name, value in facts.items())
    said = await stage.doctor()
    assert said.code == 0
    notes = [line.split(": ", 2) for line in said.out.splitlines() if "No listed tool" in line]
    assert [note[:2] for note in notes] == [["note", "policy payments"]] * 2
    assert 'called "wire"' in notes[1][2]
    stage.server = 'url = "http://127.0.0.1:1/mcp"'
    assert "No listed tool" not in (await stage.doctor()).out


async def test_a_policy_is_held_against_the_tools_of_every_server_that_agents_reach_under_it(stage: Stage) -> None:
    """A grant that was made by command counts as one of the file."""
    await stage.doctor()
    database = Database(f"sqlite:///{stage.directory}/askfirst.db")
    made = partial(grants.create, policy="payments", owner="local:olivia", budget=None, actor="test", now=NOW)
    database.write(partial(made, label="agent", server="payments"))
    assert "No listed tool" in (await stage.doctor()).out
    database.write(partial(made, label="other", server="elsewhere"))
    assert "No listed tool" not in (await stage.doctor()).out
    database.close()


async def test_a_canary(stage: Stage) -> None:
    """A card is posted and taken down; it mentions nobody."""
    said = await stage.doctor("--canary")
    assert said.code == 0
    assert said.out.splitlines()[-2] == "ok: canary: a test card was posted to C01APPROVALS and taken down"
    assert [len(stage.slack.called(method)) for method in ("chat.postMessage", "chat.delete")] == [1, 1]
    assert stage.slack.messages("C01APPROVALS") == []
    assert stage.slack.careless() == []


@pytest.mark.parametrize(
    ("method", "kind", "said"),
    [
        ("chat.postMessage", "error:restricted_action", "no test card could be posted to C01APPROVALS (restricted_action)."),
        ("chat.postMessage", "cut_after", "It may stand there all the same: look."),
        ("chat.delete", "error:cant_delete_message", "could not be taken down (cant_delete_message). Delete it by hand."),
    ],
)
async def test_a_canary_that_fails(stage: Stage, method: str, kind: str, said: str) -> None:
    """What became of it is said as far as anybody knows."""
    stage.slack.fault(method, kind=kind)
    assert said in await stage.problem("--canary")


def test_a_database_is_asked_whether_it_keeps_what_it_is_told(database: Database) -> None:
    """Both say how they commit; the PostgreSQL of the tests runs without fsync, and that is found."""
    checked, _ = look_at_database(database, "here")
    if database.dialect == "sqlite":
        assert (checked.sort, checked.sentence) == (Sort.OK, "database here: what is committed is on the disk (synchronous=2)")
    else:
        assert checked.sort is Sort.PROBLEM
        assert "(synchronous_commit=on, fsync=off)" in checked.sentence
        assert checked.sentence.endswith("Turn it on in the server's configuration.")


def test_a_sqlite_that_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    """It is asked of the connection that writes."""
    database = Database(f"sqlite:///{tmp_path}/askfirst.db")
    sa.event.listen(database._writer, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=NORMAL"))
    checked, _ = look_at_database(database, "here")
    database.close()
    assert (checked.sort, "(synchronous=1)" in checked.sentence) == (Sort.PROBLEM, True)


async def test_a_database_that_cannot_be_opened(stage: Stage) -> None:
    """The rest is looked at all the same."""
    stage.url = "postgresql://nobody@127.0.0.1:1/none"
    assert (await stage.problem()).startswith("database postgresql://nobody@127.0.0.1:1/none: ")
