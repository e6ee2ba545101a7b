"""The section [groups.NAME]: who may approve, and whether the policies that ask them can ever be answered."""

from collections.abc import Mapping

from bot.settings import keys
from bot.settings.problems import Findings
from bot.settings.reading import Table
from bot.settings.shapes import GrantSettings
from workflows.people import ApproverGroup, parse_person
from workflows.quorum import why_unmanned


def groups(root: Table) -> dict[str, ApproverGroup]:
    """Read [groups.NAME]."""
    return {name: _group(name, table) for name, table in root.table("groups").tables(keys.ENTRIES["groups"]).items()}


def _group(name: str, table: Table) -> ApproverGroup:
    right = 'write a list of people, such as ["local:alice", "slack:T01TEST/U01ALICE"]'
    if "members" not in table:
        table.findings.problem((*table.path, "members"), f"It is missing; {right}.")
    elif table.values["members"] == []:
        table.note("members", "Nobody is in this group, so nothing that asks it can be approved.")
    members = table.texts("members", right, read=lambda text: parse_person(text).key)
    for index, member in enumerate(members):
        if member in members[:index]:
            table.problem("members", f"Found {member!r} twice. Keep it once.")
    return ApproverGroup(name=name, members=frozenset(members), self_approval=table.flag("self_approval", default=False))


def check(
    declared: Mapping[str, ApproverGroup],
    *,
    quorums: Mapping[str, Mapping[str, int]],
    grants: Mapping[str, GrantSettings],
    findings: Findings,
) -> None:
    """Check that the groups that policies ask are there and large enough. `quorums` gives, by policy and group, the approvals needed."""
    for name, asked in quorums.items():
        owners = {grant.owner: grant.label for grant in grants.values() if grant.policy == name}
        for group_name, quorum in sorted(asked.items()):
            group = declared.get(group_name)
            if group is None:
                findings.note(
                    ("policies", name),
                    f"It asks the group {group_name!r}, which no [groups.{group_name}] declares. "
                    "Unless the database has that group, every call that needs it is denied.",
                )
            elif len(group.members) < quorum:
                findings.problem(
                    ("groups", group_name, "members"),
                    f"The policy {name} needs {quorum} approval{'s' * (quorum != 1)} from this group, and it has {len(group.members)} "
                    f"member{'s' * (len(group.members) != 1)}. Add people, or lower the quorum.",
                )
            else:
                _without_owners(group, quorum, owners, findings)


def _without_owners(group: ApproverGroup, quorum: int, owners: Mapping[str, str], findings: Findings) -> None:
    for owner, label in owners.items():
        reason = why_unmanned(group, group_name=group.name, owner=owner, quorum=quorum)
        if reason:
            findings.note(
                ("grants", label, "owner"),
                f"{owner} may not approve the calls of an agent that they answer for, so what asks {group.name} is denied: {reason}. "
                "Add people, or set self_approval = true in the group.",
            )
