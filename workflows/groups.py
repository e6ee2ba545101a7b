"""Approver groups in the database. Authority is read from here inside the transaction that needs it, never from a cache."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa
from sqlmodel import Session, col, select

from workflows import audit
from workflows.audit import Tag
from workflows.calls import JSON
from workflows.people import ApproverGroup, parse_person, parse_user_group
from workflows.tables import Group, UserGroup

FRESH = timedelta(seconds=60)
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


def columns(group: ApproverGroup) -> dict[str, str | int | bool | None]:
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


def terms(row: Group) -> dict[str, JSON]:
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
            changes.append({**terms(row), "what": "removed"})
            session.delete(row)
    for name, group in sorted(wanted.items()):
        values = {**columns(group), "declared": True}
        row_now = session.get(Group, name)
        if row_now is None:
            row_now = Group.model_validate({"name": name, "updated_at": now, **values})
            session.add(row_now)
        elif any(getattr(row_now, column) != value for column, value in values.items()):
            row_now.sqlmodel_update({**values, "version": row_now.version + 1, "updated_at": now})
        else:
            continue
        changes.append({**terms(row_now), "what": "self-approval allowed" if group.self_approval else "written"})
    session.flush()
    for detail in changes:
        audit.record(session, Tag.GROUP_SYNC, actor=audit.SYSTEM, now=now, detail=detail)
