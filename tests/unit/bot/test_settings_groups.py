"""The section [groups.NAME], and whether what policies ask of groups can be answered."""

import json
from pathlib import Path

import pytest

from tests.unit.bot.configs import GRANT, POLICY, SERVER, only, problems, read
from workflows.people import ApproverGroup


def _policy(quorum: int, *, approvers: str = "payments") -> str:
    rule = {"conditions": [], "quorum": quorum, "approvers": approvers}
    document = {
        "version": "1",
        "default": "deny",
        "approval": {"approvers": "payments", "expires_in": "30m"},
        "tools": {"create_refund": {"require_approval": [rule]}},
    }
    return json.dumps(document)


@pytest.mark.parametrize(
    ("lines", "path", "message"),
    [
        ("", "groups.payments.members", "It is missing; write a list of people"),
        ('members = "local:alice"', "groups.payments.members", "write a list of people"),
        ('members = ["alice"]', "groups.payments.members[0]", "'alice' names no person. Write local:NAME"),
        ('members = ["local:alice", "slack:t/u"]', "groups.payments.members[1]", "names no person"),
        ('members = ["local:alice", "local:bob", "local:alice"]', "groups.payments.members", "Found 'local:alice' twice."),
        ('members = ["local:alice"]\nself_approval = "no"', "groups.payments.self_approval", "write true or false"),
        ('members = ["local:alice"]\nquorum = 0', "groups.payments.quorum", "from 1 to 100"),
        ('members = ["local:alice"]\nquorum = 2', "groups.payments.quorum", "It asks for 2 approvals, and it has 1 member."),
        ('members = ["local:alice"]\nchannel = "agent-approvals"', "groups.payments.channel", "'agent-approvals' names no channel"),
        ('members = ["local:alice"]\nallow_guests = 1', "groups.payments.allow_guests", "write true or false"),
        ('members = ["local:alice"]\nallow_external = "yes"', "groups.payments.allow_external", "write true or false"),
        ('members = ["local:alice"]\ndirect_messages = 0', "groups.payments.direct_messages", "write true or false"),
        ('slack_user_groups = "@oncall"', "groups.payments.slack_user_groups", "write a list of Slack user groups"),
        ('slack_user_groups = ["@oncall"]', "groups.payments.slack_user_groups[0]", "'@oncall' names no Slack user group"),
        (
            'slack_user_groups = ["slack:T01TEST/S01A", "slack:T01TEST/S01A"]',
            "groups.payments.slack_user_groups",
            "Found 'slack:T01TEST/S01A' twice.",
        ),
    ],
)
def test_groups_that_cannot_be(tmp_path: Path, lines: str, path: str, message: str) -> None:
    """Members are people by id; each mistake names its place."""
    problem = only(problems(tmp_path, f"[groups.payments]\n{lines}\n"))
    assert problem.path == path
    assert message in problem.message


def test_an_empty_group_is_noted(tmp_path: Path) -> None:
    """Nobody can approve what asks it; that is legal and said."""
    assert only(read(tmp_path, "[groups.payments]\nmembers = []\n").notes).path == "groups.payments.members"


def test_a_group_may_be_a_slack_user_group_alone(tmp_path: Path) -> None:
    """How many people that is, Slack says: no quorum is too large here. Without Slack nobody has a right by it, and that is said."""
    text = '[policies]\np = "p.json"\n[groups.payments]\nslack_user_groups = ["slack:T01TEST/S01ONCALL"]\nquorum = 5\n'
    loaded = read(tmp_path, text, {"p.json": _policy(7)})
    group = loaded.groups["payments"]
    assert group == ApproverGroup("payments", frozenset(), user_groups=frozenset({"slack:T01TEST/S01ONCALL"}), quorum=5)
    note = only(loaded.notes)
    assert note.path == "groups.payments.slack_user_groups"
    assert "There is no section [slack]" in note.message


def test_a_group_that_no_section_declares_is_noted(tmp_path: Path) -> None:
    """It may live in the database, so it is no problem."""
    note = only(read(tmp_path, '[policies]\np = "p.json"\n', {"p.json": POLICY}).notes)
    assert note.path == "policies.p"
    assert "no [groups.payments] declares" in note.message


def test_a_group_smaller_than_a_quorum_is_a_problem(tmp_path: Path) -> None:
    """Nothing that asks it could ever be approved."""
    text = '[policies]\np = "p.json"\n[groups.payments]\nmembers = ["local:alice"]\n'
    problem = only(problems(tmp_path, text, {"p.json": _policy(2)}))
    assert (problem.path, problem.line) == ("groups.payments.members", 4)
    assert "The policy p needs 2 approvals from this group, and it has 1 member." in problem.message
    assert read(tmp_path, text, {"p.json": _policy(1)}).notes == ()


def test_each_rule_counts_for_the_group_that_it_names(tmp_path: Path) -> None:
    """A quorum of two asked of another group says nothing about this one."""
    text = (
        '[policies]\np = "p.json"\n[groups.payments]\nmembers = ["local:alice"]\n[groups.board]\nmembers = ["local:alice", "local:bob"]\n'
    )
    assert read(tmp_path, text, {"p.json": _policy(2, approvers="board")}).notes == ()


def test_an_owner_who_is_needed_for_the_quorum_is_noted(tmp_path: Path) -> None:
    """Owners do not approve their own agent's calls, unless the group says so."""
    text = SERVER + GRANT + 'policy = "p"\n[policies]\np = "p.json"\n[groups.payments]\nmembers = ["local:alice", "local:olivia"]\n'
    note = only(read(tmp_path, text, {"p.json": _policy(2)}).notes)
    assert note.path == "grants.agent.owner"
    assert "local:olivia may not approve the calls of an agent that they answer for" in note.message
    assert read(tmp_path, text + "self_approval = true\n", {"p.json": _policy(2)}).notes == ()
    assert only(read(tmp_path, text + "quorum = 2\n", {"p.json": _policy(1)}).notes).path == "grants.agent.owner", "the group's own counts"
