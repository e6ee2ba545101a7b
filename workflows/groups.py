"""Approver groups in the database. Authority is read from here inside the transaction that needs it, never from a cache."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NoReturn

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from workflows import audit
from workflows.audit import Tag
from workflows.calls import JSON
from workflows.errors import AskfirstError, BadGroup, BadName, GroupChanged, NotAllowed, NotFound, Taken
from workflows.people import ApproverGroup, Person, parse_person, parse_user_group
from workflows.states import LIVE
from workflows.tables import ApprovalRequest, Group, UserGroup

FRESH = timedelta(seconds=60)
MAX_QUORUM = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,31}|#[^\s#@<>,]{1,80}")
_NONE: Mapping[str, UserGroup] = MappingProxyType({})
_NAMED = select(Group).where(col(Group.name) == sa.bindparam("wanted")).execution_options(populate_existing=True)


def find(session: Session, name: str, *, now: datetime | None = None) -> ApproverGroup | None:
    """Read a group as it is now; None when there is none of that name.

    With `now`, for a decision: a Slack user group that was not read within FRESH is nobody, and the group is `stale`.
    Without it, to show or to estimate: those who were in it when it was read last.
    """
    row = session.scalars(_NAMED, {"wanted": name}).first()
    return as_group(row, _read(session, _keys(row)), now=now) if row else None


def as_group(row: Group, user_groups: Mapping[str, UserGroup] = _NONE, *, now: datetime | None = None) -> ApproverGroup:
    """Give the row's people as a value: those it names, and those of its user groups. `now` is as in `find`."""
    members, stale = set(json.loads(row.members)), False
    keys = _keys(row)
    for key in keys:
        known = user_groups.get(key)
        if now is not None and (known is None or abs(now - known.read_at) > FRESH):
            stale = True
        elif known is not None:
            members.update(json.loads(known.members))
    return ApproverGroup(
        row.name,
        frozenset(members),
        self_approval=row.self_approval,
        user_groups=keys,
        quorum=row.quorum,
        channel=row.channel,
        guests=row.guests,
        external=row.external,
        direct=row.direct,
        stale=stale,
    )


def _keys(row: Group) -> frozenset[str]:
    return frozenset(json.loads(row.user_groups))


def _read(session: Session, keys: Iterable[str]) -> dict[str, UserGroup]:
    wanted = sorted(keys)
    if not wanted:
        return {}
    found = select(UserGroup).where(col(UserGroup.key).in_(wanted)).execution_options(populate_existing=True)
    return {row.key: row for row in session.exec(found).all()}


def listing(session: Session) -> Sequence[Group]:
    """Every group, by name."""
    return session.exec(select(Group).order_by(Group.name)).all()


def user_groups(session: Session) -> dict[str, UserGroup]:
    """Every Slack user group as it was read last, by key."""
    return {row.key: row for row in session.exec(select(UserGroup)).all()}


def user_groups_asked(session: Session) -> frozenset[str]:
    """The keys of the Slack user groups that any group names."""
    return frozenset().union(*(_keys(row) for row in listing(session)))


def note_user_group(session: Session, key: str, *, handle: str, members: Iterable[str], now: datetime) -> None:
    """Write down who is in a Slack user group as Slack just said; nobody, when it is empty. A change is told in the audit."""
    people: list[JSON] = [*sorted({parse_person(member).key for member in members})]
    written = json.dumps(people)
    row = session.get(UserGroup, parse_user_group(key), populate_existing=True)
    changed = row is None or row.members != written
    if row is None:
        session.add(UserGroup(key=key, handle=handle[:100], members=written, read_at=now))
    else:
        row.handle, row.members, row.read_at = handle[:100], written, now
    session.flush()
    if changed:
        detail: dict[str, JSON] = {"user_group": key, "members": people, "what": "read from Slack"}
        audit.record(session, Tag.GROUP_SYNC, actor=audit.SYSTEM, now=now, detail=detail)


def forget_user_group(session: Session, key: str) -> None:
    """It no longer exists in Slack: nobody is in it, and nothing of it counts as known."""
    row = session.get(UserGroup, key)
    if row is not None:
        session.delete(row)
        session.flush()


def parse_channel(text: str) -> str:
    """Check where cards may go; raises BadGroup with the forms it has."""
    if not _CHANNEL.fullmatch(text):
        raise BadGroup(f'{text[:100]!r} names no channel. Write its id, such as C01APPROVALS, or "#agent-approvals".')
    return text


def _columns(group: ApproverGroup) -> dict[str, str | int | bool | None]:
    """What a group is, as its row has it. `members` of the value are the people that it names itself."""
    return {
        "members": json.dumps(sorted(group.members)),
        "user_groups": json.dumps(sorted(group.user_groups)),
        "self_approval": group.self_approval,
        "quorum": group.quorum,
        "channel": group.channel,
        "guests": group.guests,
        "external": group.external,
        "direct": group.direct,
    }


def _terms(row: Group) -> dict[str, JSON]:
    """What the audit tells of a group: all that gives or takes a right."""
    return {
        "group": row.name,
        "members": json.loads(row.members),
        "user_groups": json.loads(row.user_groups),
        "self_approval": row.self_approval,
        "quorum": row.quorum,
        "channel": row.channel,
        "guests": row.guests,
        "external": row.external,
        "direct": row.direct,
    }


def sync_declared(session: Session, declared: Iterable[ApproverGroup], *, now: datetime) -> None:
    """Make the groups of the config file true: they are written, and those it no longer names are removed. Others stay."""
    wanted = {group.name: group for group in declared}
    changes: list[dict[str, JSON]] = []
    for row in listing(session):
        if row.declared and row.name not in wanted:
            changes.append({**_terms(row), "what": "removed"})
            session.delete(row)
    for name, group in sorted(wanted.items()):
        values = {**_columns(group), "declared": True}
        row_now = session.get(Group, name)
        if row_now is None:
            row_now = Group.model_validate({"name": name, "updated_at": now, **values})
            session.add(row_now)
        elif any(getattr(row_now, column) != value for column, value in values.items()):
            row_now.sqlmodel_update({**values, "version": row_now.version + 1, "updated_at": now})
        else:
            continue
        changes.append({**_terms(row_now), "what": "self-approval allowed" if group.self_approval else "written"})
    session.flush()
    for detail in changes:
        audit.record(session, Tag.GROUP_SYNC, actor=audit.SYSTEM, now=now, detail=detail)


def create(session: Session, group: ApproverGroup, *, actor: Person, admins: Collection[str], via: str, now: datetime) -> Group:
    """Make a group that is kept in the database. `members` are the people it names itself; `admins` may, and nobody else.

    Raises NotAllowed, BadName, BadPerson, BadGroup, Taken; each leaves its audit row.
    """
    refusal = _why_not_admin(actor, admins) or _problem(group)
    if refusal is None and not _NAME.fullmatch(group.name):
        refusal = BadName()
    row = Group.model_validate({"name": group.name, "updated_at": now, **_columns(group)})
    if refusal is None and not _added(session, row):
        refusal = Taken(f"There is a group {group.name} already. Choose another name, or edit that one.")
    if refusal is not None:
        _refuse(session, refusal, group.name, actor=actor, what="create", via=via, now=now)
    audit.record(session, Tag.GROUP_CREATE, actor=actor.key, now=now, detail={**_terms(row), "via": via})
    return row


def edit(session: Session, group: ApproverGroup, *, version: int, actor: Person, admins: Collection[str], via: str, now: datetime) -> Group:
    """Change the group of this name, from the `version` that the editor saw and from no other.

    Raises NotAllowed, NotFound, GroupChanged, BadPerson, BadGroup; each leaves its audit row.
    """
    row = _locked(session, group.name)
    refusal = _why_not_admin(actor, admins) or _why_not_changed(row, group.name, version) or _problem(group)
    if row is None or refusal is not None:
        _refuse(session, refusal or NotFound(), group.name, actor=actor, what="edit", via=via, now=now)
    row.sqlmodel_update({**_columns(group), "version": row.version + 1, "updated_at": now})
    session.flush()
    audit.record(session, Tag.GROUP_EDIT, actor=actor.key, now=now, detail={**_terms(row), "via": via, "version": row.version})
    return row


def delete(session: Session, name: str, *, version: int, actor: Person, admins: Collection[str], via: str, now: datetime) -> None:
    """Remove a group that no live request asks, from the `version` that was seen.

    Raises NotAllowed, NotFound, GroupChanged; each leaves its audit row.
    """
    row = _locked(session, name)
    refusal = _why_not_admin(actor, admins) or _why_not_changed(row, name, version) or _why_needed(session, name)
    if row is None or refusal is not None:
        _refuse(session, refusal or NotFound(), name, actor=actor, what="delete", via=via, now=now)
    detail = {**_terms(row), "via": via}
    session.delete(row)
    session.flush()
    audit.record(session, Tag.GROUP_DELETE, actor=actor.key, now=now, detail=detail)


def _locked(session: Session, name: str) -> Group | None:
    if not _NAME.fullmatch(name):
        return None
    return session.exec(select(Group).where(Group.name == name).with_for_update().execution_options(populate_existing=True)).first()


def _added(session: Session, row: Group) -> bool:
    """Insert the row, unless somebody else has one of its name."""
    if session.get(Group, row.name) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def _why_not_admin(actor: Person, admins: Collection[str]) -> AskfirstError | None:
    """Nobody is an administrator unless the configuration says so by id."""
    return None if actor.key in admins else NotAllowed("Only the administrators named in the configuration may change approver groups.")


def _why_not_changed(row: Group | None, name: str, version: int) -> AskfirstError | None:
    if row is None:
        return NotFound(f"There is no group {name[:100]!r} any more. Look at the list again.")
    if row.declared:
        return NotAllowed(f"The group {name} is declared in the config file. Change it there.")
    return None if row.version == version else GroupChanged()


def _why_needed(session: Session, name: str) -> AskfirstError | None:
    asked = select(func.count()).select_from(ApprovalRequest).where(ApprovalRequest.approvers == name)
    live = session.exec(asked.where(col(ApprovalRequest.state).in_([state.value for state in LIVE]))).one()
    if not live:
        return None
    waits = "1 request waits" if live == 1 else f"{live} requests wait"
    return NotAllowed(f"{waits} for the group {name}. Decide or cancel what waits first, then delete the group.")


def _problem(group: ApproverGroup) -> AskfirstError | None:
    """Say what is wrong with what somebody typed, or None."""
    try:
        for member in group.members:
            parse_person(member)
        for key in group.user_groups:
            parse_user_group(key)
        if group.channel is not None:
            parse_channel(group.channel)
    except AskfirstError as error:
        return error
    if not 1 <= group.quorum <= MAX_QUORUM:
        return BadGroup(f"At least 1 approval is needed, and at most {MAX_QUORUM}.")
    people = len(group.members)
    if not people and not group.user_groups:
        return BadGroup("Nobody is in this group, so nothing that asks it could be approved. Name people, or a Slack user group.")
    if people < group.quorum and not group.user_groups:
        many = "1 person" if people == 1 else f"{people} people"
        return BadGroup(f"It asks for {group.quorum} approvals and names {many}. Name more people, or ask for fewer approvals.")
    return None


def _refuse(session: Session, refusal: AskfirstError, name: str, *, actor: Person, what: str, via: str, now: datetime) -> NoReturn:
    """Say no to somebody, and keep in the trail that they tried."""
    detail: dict[str, JSON] = {"group": name[:100], "tried": what, "code": refusal.code, "why": str(refusal), "via": via}
    audit.record(session, Tag.GROUP_REFUSED, actor=actor.key, now=now, detail=detail)
    refusal.keep = True
    raise refusal
