"""`askfirst groups`."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from tests.unit.bot.cli.stage import Stage
from workflows import groups
from workflows.people import ApproverGroup

READ_AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
NIGHT = ApproverGroup(
    "night",
    frozenset(),
    user_groups=frozenset({"slack:T01TEST/S01ONCALL", "slack:T01TEST/S02NEW"}),
    quorum=2,
    channel="#night",
    self_approval=True,
    guests=True,
    external=True,
    direct=True,
)


def test_groups_are_listed_with_members(here: Stage) -> None:
    """Members, whether they may approve calls of their own agents, and where the group is from."""
    assert "no groups" in here.ask("groups", "list").err
    here.hold()
    line = here.ask("groups", "list").out.splitlines()[1]
    assert line.split() == ["payments", "local:alice,", "local:bob", "1", "may", "not", "approve", "config", "file"]
    assert here.ask("groups", "list", "--json").json == [
        {
            "name": "payments",
            "members": ["local:alice", "local:bob"],
            "slack_user_groups": [],
            "self_approval": False,
            "quorum": 1,
            "channel": None,
            "allow_guests": False,
            "allow_external": False,
            "direct_messages": False,
            "declared": True,
        }
    ]


def test_what_slack_adds_to_a_group_is_listed(here: Stage) -> None:
    """User groups with how many people were read, and every option that is set."""
    empty = replace(NIGHT, name="empty", user_groups=frozenset(), quorum=1, channel=None, guests=False, external=False, direct=False)
    here.write(partial(groups.sync_declared, declared=[NIGHT, empty], now=READ_AT))
    read = partial(groups.note_user_group, key="slack:T01TEST/S01ONCALL", handle="oncall", members=["slack:T01TEST/U01DORA"])
    here.write(partial(read, now=READ_AT))
    nobody, night = here.ask("groups", "list").out.splitlines()[1:]
    assert nobody.split()[:3] == ["empty", "nobody", "1"]
    assert "slack:T01TEST/S01ONCALL (@oncall, 1 person), slack:T01TEST/S02NEW (never read)" in night
    assert "channel #night, guests, other workspaces, direct messages" in night
    found = here.ask("groups", "list", "--json").json
    assert isinstance(found, list)
    assert isinstance(found[1], dict)
    assert (found[1]["quorum"], found[1]["channel"], found[1]["allow_guests"]) == (2, "#night", True)
    assert found[1]["slack_user_groups"] == [
        {
            "key": "slack:T01TEST/S01ONCALL",
            "handle": "oncall",
            "members": ["slack:T01TEST/U01DORA"],
            "read_at": "2026-01-15T12:00:00+00:00",
        },
        {"key": "slack:T01TEST/S02NEW", "handle": None, "members": None, "read_at": None},
    ]
