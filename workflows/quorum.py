"""What votes add up to, and who may cast one. Pure: facts in, an answer out."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from workflows.people import ApproverGroup, Identity
from workflows.states import Event


class Choice(StrEnum):
    """What a person can say to a held call."""

    APPROVE = "approve"
    DENY = "deny"


def counted(votes: Mapping[str, Choice], group: ApproverGroup | None, owner: str) -> Collection[str]:
    """Whose approvals count today: still in the group, and not the owner of the agent unless the group says so."""
    eligible = group.eligible(owner) if group else ()
    return frozenset(voter for voter, choice in votes.items() if choice is Choice.APPROVE and voter in eligible)


def tally(votes: Mapping[str, Choice], *, group: ApproverGroup | None, owner: str, quorum: int) -> Event | None:
    """Add the votes up: one denial denies, `quorum` approvals that count approve, else nothing is settled."""
    if Choice.DENY in votes.values():
        return Event.DENY
    if len(counted(votes, group, owner)) >= max(quorum, 1):
        return Event.APPROVE
    return None


def why_not(
    voter: str, choice: Choice, *, group: ApproverGroup | None, group_name: str, owner: str, votes: Mapping[str, Choice]
) -> str | None:
    """Say why this person may not cast this vote, or None when they may."""
    if group is None:
        return f"The approver group {group_name} does not exist, so nobody can decide this. Ask an administrator to declare it."
    if voter not in group.members and group.stale:
        return why_stale(group)
    if voter not in group.members:
        return f"You are not in the approver group {group_name}. Ask one of its members, or an administrator."
    if choice is Choice.APPROVE and voter == owner and not group.self_approval:
        return "You answer for this agent, so you may not approve its calls. Ask another member of the group."
    if votes.get(voter) is choice:
        return f"You already voted to {choice} this. Your vote counts once."
    return None


def why_stale(group: ApproverGroup) -> str:
    """Say that nobody knows right now who is in the group's Slack user groups, and that this decided nothing."""
    return f"Slack could not say just now who is in the user groups of {group.name}, so nothing was decided. Try again in a minute."


def why_not_identity(identity: Identity, group: ApproverGroup | None) -> str | None:
    """Say why what Slack says of this person keeps them from deciding anything in this group, or None when it does not."""
    if identity.deleted:
        return "Your Slack account is deactivated, so it decides nothing here."
    if identity.bot:
        return "A bot decides nothing here. Ask a person."
    name = group.name if group else "asked"
    if identity.external and not (group and group.external):
        return f"You belong to another Slack workspace, and the approver group {name} takes nobody from outside. Ask one of its members."
    if identity.guest and not (group and group.guests):
        return f"You are a guest of this Slack workspace, and the approver group {name} takes no guests. Ask one of its members."
    return None


def why_unmanned(group: ApproverGroup | None, *, group_name: str, owner: str, quorum: int) -> str | None:
    """Say why no set of people could ever approve, or None when some could."""
    if group is None:
        return f"its approver group {group_name} does not exist"
    able = len(group.eligible(owner))
    if able < quorum:
        return f"it needs {quorum} approval{'s' * (quorum != 1)} and only {able} in the group {group_name} may give one"
    return None
