"""The section [groups.NAME]: who may approve, and whether the policies that ask them can ever be answered."""

from collections.abc import Callable, Mapping

from bot.settings import keys
from bot.settings.problems import Findings
from bot.settings.reading import Table
from bot.settings.shapes import GrantSettings
from workflows.errors import AskfirstError
from workflows.groups import MAX_QUORUM, parse_channel
from workflows.people import ApproverGroup, parse_person, parse_user_group
from workflows.quorum import why_unmanned


def groups(root: Table) -> dict[str, ApproverGroup]:
    """Read [groups.NAME]."""
    return {name: _group(name, table, slack="slack" in root) for name, table in root.table("groups").tables(keys.ENTRIES["groups"]).items()}


def _group(name: str, table: Table, *, slack: bool) -> ApproverGroup:
    right = 'write a list of people, such as ["local:alice", "slack:T01TEST/U01ALICE"]'
    if "members" not in table and "slack_user_groups" not in table:
        table.findings.problem((*table.path, "members"), f"It is missing; {right}.")
    members = _each_once(table, "members", right, lambda text: parse_person(text).key)
    user_groups = _each_once(
        table, "slack_user_groups", 'write a list of Slack user groups, such as ["slack:T01TEST/S01ONCALL"]', parse_user_group
    )
    if table.values.get("members") == [] and not user_groups:
        table.note("members", "Nobody is in this group, so nothing that asks it can be approved.")
    if user_groups and not slack:
        table.note("slack_user_groups", "There is no section [slack], so who is in them cannot be read, and nobody has a right by them.")
    return ApproverGroup(
        name=name,
        members=members,
        self_approval=table.flag("self_approval", default=False),
        user_groups=user_groups,
        quorum=table.whole("quorum", default=1, least=1, most=MAX_QUORUM),
        channel=_channel(table),
        guests=table.flag("allow_guests", default=False),
        external=table.flag("allow_external", default=False),
        direct=table.flag("direct_messages", default=False),
    )


def _each_once(table: Table, key: str, right: str, read: Callable[[str], str]) -> frozenset[str]:
    found = table.texts(key, right, read=read)
    for index, item in enumerate(found):
        if item in found[:index]:
            table.problem(key, f"Found {item!r} twice. Keep it once.")
    return frozenset(found)


def _channel(table: Table) -> str | None:
    channel = table.text("channel", 'write a channel, such as "C01APPROVALS" or "#agent-approvals"')
    if channel is None:
        return None
    try:
        return parse_channel(channel)
    except AskfirstError as error:
        table.problem("channel", str(error))
        return None


def check(
    declared: Mapping[str, ApproverGroup],
    *,
    quorums: Mapping[str, Mapping[str, int]],
    grants: Mapping[str, GrantSettings],
    findings: Findings,
) -> None:
    """Check that the groups that policies ask are there and large enough. `quorums` gives, by policy and group, the approvals needed."""
    for group in declared.values():
        if group.quorum > max(len(group.members), 1) and not group.user_groups:
            findings.problem(("groups", group.name, "quorum"), _too_small(f"It asks for {_approvals(group.quorum)}", group))
    for name, asked in quorums.items():
        owners = {grant.owner: grant.label for grant in grants.values() if grant.policy == name}
        for group_name, quorum in sorted(asked.items()):
            found = declared.get(group_name)
            if found is None:
                findings.note(
                    ("policies", name),
                    f"It asks the group {group_name!r}, which no [groups.{group_name}] declares. "
                    "Unless the database has that group, every call that needs it is denied.",
                )
            elif found.user_groups:
                continue  # how many people that is, Slack says
            elif len(found.members) < quorum:
                needs = f"The policy {name} needs {_approvals(quorum)} from this group"
                findings.problem(("groups", group_name, "members"), _too_small(needs, found))
            else:
                _without_owners(found, max(quorum, found.quorum), owners, findings)


def _approvals(count: int) -> str:
    return f"{count} approval{'s' * (count != 1)}"


def _too_small(needs: str, group: ApproverGroup) -> str:
    return f"{needs}, and it has {len(group.members)} member{'s' * (len(group.members) != 1)}. Add people, or lower the quorum."


def _without_owners(group: ApproverGroup, quorum: int, owners: Mapping[str, str], findings: Findings) -> None:
    for owner, label in owners.items():
        reason = why_unmanned(group, group_name=group.name, owner=owner, quorum=quorum)
        if reason:
            findings.note(
                ("grants", label, "owner"),
                f"{owner} may not approve the calls of an agent that they answer for, so what asks {group.name} is denied: {reason}. "
                "Add people, or set self_approval = true in the group.",
            )
