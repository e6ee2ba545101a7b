"""Approver groups in the database. Authority is read from here inside the transaction that needs it, never from a cache."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from workflows import audit
from workflows.audit import Tag
from workflows.people import ApproverGroup
from workflows.tables import Group

_NAMED = select(Group).where(col(Group.name) == sa.bindparam("wanted")).execution_options(populate_existing=True)


def find(session: Session, name: str) -> ApproverGroup | None:
    """Read a group as it is now; None when there is none of that name."""
    row = session.scalars(_NAMED, {"wanted": name}).first()
    return as_group(row) if row else None


def as_group(row: Group) -> ApproverGroup:
    """Give the row's people as a value."""
    return ApproverGroup(row.name, frozenset(json.loads(row.members)), row.self_approval)


def listing(session: Session) -> Sequence[Group]:
    """Every group, by name."""
    return session.exec(select(Group).order_by(Group.name)).all()


def sync_declared(session: Session, declared: Iterable[ApproverGroup], *, now: datetime) -> None:
    """Make the groups of the config file true: they are written, and those it no longer names are removed. Others stay."""
    wanted = {group.name: group for group in declared}
    changes: list[tuple[str, str, str]] = []
    for row in listing(session):
        if row.declared and row.name not in wanted:
            session.delete(row)
            changes.append((row.name, row.members, "removed"))
    for name, group in sorted(wanted.items()):
        members = json.dumps(sorted(group.members))
        row_now = session.get(Group, name)
        if row_now is None:
            session.add(Group(name=name, members=members, self_approval=group.self_approval, declared=True, updated_at=now))
        elif (row_now.members, row_now.self_approval, row_now.declared) != (members, group.self_approval, True):
            row_now.members, row_now.self_approval, row_now.declared = members, group.self_approval, True
            row_now.version, row_now.updated_at = row_now.version + 1, now
        else:
            continue
        changes.append((name, members, "self-approval allowed" if group.self_approval else "written"))
    session.flush()
    for name, members, what in changes:
        detail = {"group": name, "members": json.loads(members), "what": what}
        audit.record(session, Tag.GROUP_SYNC, actor=audit.SYSTEM, now=now, detail=detail)
