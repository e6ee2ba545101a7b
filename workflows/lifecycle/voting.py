"""What people do to a request: vote, and withdraw it. One authorization for every face; refusals are audited too."""

from collections.abc import Mapping
from datetime import datetime
from typing import NoReturn

from sqlmodel import Session

from workflows import audit, groups
from workflows.audit import Tag
from workflows.errors import AlreadySettled, AskfirstError, BadReason, NotAllowed, ReasonRequired
from workflows.lifecycle.moves import change, lock, move, note, votes_on
from workflows.people import ApproverGroup, Identity, Person
from workflows.quorum import Choice, counted, tally, why_not, why_not_identity, why_stale
from workflows.states import WAITING, Event, State
from workflows.tables import ApprovalRequest, Vote

MAX_REASON = 2000


def vote(
    session: Session,
    request_id: str,
    *,
    actor: Person,
    choice: Choice,
    reason: str | None,
    via: str,
    now: datetime,
    identity: Identity | None = None,
) -> ApprovalRequest:
    """Cast one person's vote and settle the request when the votes add up. `via` names the face: desk, cli, slack.

    `identity` is what Slack says of the person at this moment; without it nothing is decided via slack.
    Raises NotFound, AlreadySettled, NotAllowed, ReasonRequired, BadReason; each but the first leaves its audit row.
    """
    row = lock(session, request_id)
    said = _clean(reason)
    group = groups.find(session, row.approvers, now=now)
    votes = votes_on(session, request_id)
    refusal = _settled(row, now=now) or _not_who(actor, identity, via, group)
    why = why_not(actor.key, choice, group=group, group_name=row.approvers, owner=row.owner, votes=votes)
    if refusal is None and why is not None:
        refusal = NotAllowed(why)
    refusal = refusal or _reason_problem(row, choice, said) or _stranded(session, row, group, {**votes, actor.key: choice})
    if refusal is not None:
        refuse(session, row, refusal, actor=actor, what=choice.value, via=via, now=now)

    _cast(session, Vote(request_id=row.id, voter=actor.key, choice=choice.value, reason=said, via=via, at=now), again=actor.key in votes)
    votes[actor.key] = choice
    detail = {"choice": choice.value, "reason": said, "via": via, "own_agent": actor.key == row.owner}
    event = tally(votes, group=group, owner=row.owner, quorum=row.quorum)
    if event is None:
        change(session, row)
        note(session, row, Tag.REQUEST_VOTE, actor=actor.key, now=now, detail=detail)
        return row
    deciders = sorted(counted(votes, group, row.owner)) if event is Event.APPROVE else [actor.key]
    return move(
        session, row, event, actor=actor.key, now=now, detail=detail, decided_at=now, decided_by=", ".join(deciders), decision_reason=said
    )


def _not_who(actor: Person, identity: Identity | None, via: str, group: ApproverGroup | None) -> AskfirstError | None:
    """Is the one who acts known, and somebody who may act at all? Membership and ownership come after."""
    if identity is None and via != "slack":
        return None
    if identity is None or identity.key != actor.key:
        return NotAllowed("Slack could not say who you are just now, so nothing was decided. Try again.")
    why = why_not_identity(identity, group)
    return NotAllowed(why) if why else None


def _stranded(session: Session, row: ApprovalRequest, group: ApproverGroup | None, votes: Mapping[str, Choice]) -> AskfirstError | None:
    """Refuse the vote that would settle the request, were an earlier one not out of count only because Slack cannot be read now.

    Cast, it would leave the request waiting with all the votes it needs.
    """
    if group is None or not group.stale or tally(votes, group=group, owner=row.owner, quorum=row.quorum) is not None:
        return None
    known = groups.find(session, row.approvers)
    if tally(votes, group=known, owner=row.owner, quorum=row.quorum) is None:
        return None
    return NotAllowed(why_stale(group))


def _cast(session: Session, vote_: Vote, *, again: bool) -> None:
    """Write the vote; a second word of the same person takes the place of the first."""
    if again:
        session.merge(vote_)
    else:
        session.add(vote_)
    session.flush()


def cancel(
    session: Session,
    request_id: str,
    *,
    actor: Person,
    reason: str | None,
    via: str,
    now: datetime,
    identity: Identity | None = None,
) -> ApprovalRequest:
    """Withdraw a request that has not begun to run: its agent's owner and its approvers may. `identity` is as in `vote`."""
    row = lock(session, request_id)
    group = groups.find(session, row.approvers, now=now)
    refusal = _settled(row, now=now) if row.state not in WAITING else _not_who(actor, identity, via, group)
    if refusal is None and actor.key != row.owner and not (group and actor.key in group.members):
        only = "Only the owner of the agent and its approvers may cancel this request."
        refusal = NotAllowed(why_stale(group) if group and group.stale else only)
    refusal = refusal or _too_long(_clean(reason))
    if refusal is not None:
        refuse(session, row, refusal, actor=actor, what="cancel", via=via, now=now)
    said = _clean(reason)
    detail = {"reason": said, "via": via}
    return move(
        session, row, Event.CANCEL, actor=actor.key, now=now, detail=detail, decided_at=now, decided_by=actor.key, decision_reason=said
    )


def _clean(reason: str | None) -> str | None:
    said = (reason or "").replace("\x00", "").encode("utf-8", "replace").decode().strip()
    return said or None


def _settled(row: ApprovalRequest, *, now: datetime) -> AskfirstError | None:
    """Say that it is too late, by whom and when it was decided."""
    if row.state == State.PENDING:
        if row.expires_at > now:
            return None
        return AlreadySettled(f"This request expired at {row.expires_at:%Y-%m-%d %H:%M:%S} UTC. The agent has to ask again.")
    word = "is being released" if row.state == State.RELEASING else f"is already {row.state}"
    who = f" by {row.decided_by}" if row.decided_by else ""
    at = row.decided_at or row.settled_at
    when = f" at {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
    return AlreadySettled(f"This request {word}{who}{when}. Nothing was changed.")


def _reason_problem(row: ApprovalRequest, choice: Choice, said: str | None) -> AskfirstError | None:
    if said is None and (row.reason_required == "always" or (row.reason_required == "deny" and choice is Choice.DENY)):
        return ReasonRequired(f"The policy wants a reason to {choice}. Say why in a sentence.")
    return _too_long(said)


def _too_long(said: str | None) -> AskfirstError | None:
    return BadReason() if said is not None and len(said) > MAX_REASON else None


def refuse(
    session: Session, row: ApprovalRequest, refusal: AskfirstError, *, actor: Person, what: str, via: str, now: datetime
) -> NoReturn:
    """Say no to somebody, and keep in the trail that they tried."""
    detail = {"tried": what, "code": refusal.code, "why": str(refusal), "via": via}
    audit.record(
        session,
        Tag.REQUEST_REFUSED,
        actor=actor.key,
        now=now,
        request_id=row.id,
        agent=row.agent,
        server=row.server,
        tool=row.tool,
        detail=detail,
    )
    refusal.keep = True
    raise refusal
