"""Grants: which agent may speak to which server, under which policy, and who answers for it. A token is shown once."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from workflows import audit
from workflows.audit import Tag
from workflows.calls import JSON
from workflows.errors import BadName, NotAllowed, NotFound, Taken
from workflows.tables import Grant


@dataclass(frozen=True, slots=True)
class DeclaredGrant:
    """A grant of the config file. `budget` is in seconds."""

    label: str
    server: str
    policy: str | None
    owner: str
    token_sha256: str
    budget: int | None = None


_LABEL = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def token_hash(token: str) -> str:
    """SHA-256 (hex) of a token: all that is stored of it. Tokens are random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _new_token() -> str:
    return f"askg_{secrets.token_urlsafe(32)}"


def create(
    session: Session, *, label: str, server: str, policy: str | None, owner: str, budget: int | None, actor: str, now: datetime
) -> tuple[Grant, str]:
    """Make a grant and give it with its token, which nobody can read again."""
    if not _LABEL.fullmatch(label):
        raise BadName
    if _by_label(session, label) is not None:
        raise Taken(f"There is a grant {label} already. Choose another label, or rotate its token.")
    token = _new_token()
    row = Grant(
        id=f"gr_{secrets.token_hex(12)}",
        label=label,
        server=server,
        policy=policy,
        owner=owner,
        token_sha256=token_hash(token),
        budget=budget,
        created_at=now,
    )
    session.add(row)
    session.flush()
    _record(session, Tag.GRANT_CREATE, row, actor=actor, now=now)
    return row, token


def rotate(session: Session, label: str, *, actor: str, now: datetime) -> tuple[Grant, str]:
    """Give a grant a new token; the old one stops at once."""
    row = _ours(session, label)
    if row.revoked_at is not None:
        raise NotAllowed(f"The grant {label} is revoked. Create a new one.")
    token = _new_token()
    row.token_sha256 = token_hash(token)
    _record(session, Tag.GRANT_ROTATE, row, actor=actor, now=now)
    return row, token


def revoke(session: Session, label: str, *, actor: str, now: datetime) -> Grant:
    """End a grant. What it has waiting is not released any more."""
    row = _ours(session, label)
    if row.revoked_at is None:
        row.revoked_at = now
        _record(session, Tag.GRANT_REVOKE, row, actor=actor, now=now)
    return row


def listing(session: Session) -> Sequence[Grant]:
    """Every grant, by label, revoked ones too."""
    return session.exec(select(Grant).order_by(Grant.label)).all()


def sync_declared(session: Session, declared: Iterable[DeclaredGrant], *, now: datetime) -> None:
    """Make the grants of the config file true; one that it no longer names is revoked. Those made by command stay."""
    wanted = {grant.label: grant for grant in declared}
    changed: list[Grant] = []
    for row in listing(session):
        if row.declared and row.label not in wanted and row.revoked_at is None:
            row.revoked_at = now
            changed.append(row)
        if row.declared and (row.label not in wanted or row.token_sha256 != wanted[row.label].token_sha256):
            row.token_sha256 = token_hash(_new_token())  # its old token may be declared under another label
    session.flush()
    for grant in wanted.values():
        facts: dict[str, Any] = {
            "server": grant.server,
            "policy": grant.policy,
            "owner": grant.owner,
            "token_sha256": grant.token_sha256,
            "budget": grant.budget,
            "declared": True,
            "revoked_at": None,
        }
        row_now = _by_label(session, grant.label)
        if row_now is None:
            row_now = Grant(id=f"gr_{secrets.token_hex(12)}", label=grant.label, created_at=now, **facts)
            session.add(row_now)
        elif all(getattr(row_now, name) == value for name, value in facts.items()):
            continue
        for name, value in facts.items():
            setattr(row_now, name, value)
        changed.append(row_now)
    session.flush()
    for row in changed:
        _record(session, Tag.GRANT_SYNC, row, actor=audit.SYSTEM, now=now)


def _by_label(session: Session, label: str) -> Grant | None:
    return session.exec(select(Grant).where(Grant.label == label).with_for_update()).first()


def _ours(session: Session, label: str) -> Grant:
    row = _by_label(session, label)
    if row is None:
        raise NotFound(f"There is no grant {label}. `askfirst grants list` shows them.")
    if row.declared:
        raise NotAllowed(f"The grant {label} is declared in the config file. Change it there.")
    return row


def _record(session: Session, tag: Tag, row: Grant, *, actor: str, now: datetime) -> None:
    detail: dict[str, JSON] = {"grant": row.id, "policy": row.policy, "owner": row.owner, "revoked": row.revoked_at is not None}
    audit.record(session, tag, actor=actor, now=now, agent=row.label, server=row.server, detail=detail)


class GrantBook:
    """The grants in memory, found by the hash of a token. The clock refreshes it, so a revoked token ends within a second."""

    def __init__(self) -> None:
        self._book: tuple[dict[str, Grant], dict[str, Grant]] = ({}, {})

    def refresh(self, session: Session) -> None:
        """Read every grant that is not revoked."""
        rows = session.exec(select(Grant).where(col(Grant.revoked_at).is_(None))).all()
        self._book = ({row.token_sha256: row for row in rows}, {})

    def find(self, token: str) -> Grant | None:
        """The grant of a token, or None."""
        by_hash, seen = self._book
        grant = seen.get(token)
        if grant is None and (grant := by_hash.get(token_hash(token))) is not None:
            seen[token] = grant
        return grant
