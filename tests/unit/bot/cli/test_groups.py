"""`askfirst groups`."""

from tests.unit.bot.cli.stage import Stage


def test_groups_are_listed_with_members(here: Stage) -> None:
    """Members, whether they may approve calls of their own agents, and where the group is from."""
    assert "no groups" in here.ask("groups", "list").err
    here.hold()
    line = here.ask("groups", "list").out.splitlines()[1]
    assert line.split() == ["payments", "local:alice,", "local:bob", "may", "not", "approve", "config", "file"]
    assert here.ask("groups", "list", "--json").json == [
        {"name": "payments", "members": ["local:alice", "local:bob"], "self_approval": False, "declared": True}
    ]
