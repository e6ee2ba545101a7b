"""How people prove who they are to the desk and the command line: one-time links, sessions, personal tokens. Only hashes are stored."""

import secrets
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from workflows import audit
from workflows.audit import Tag
from workflows.errors import BadName, TokenRefused
from workflows.grants import token_hash
from workflows.people import Person
from workflows.tables import DeskLink, DeskSession, PersonalToken

LINK_LIVES = timedelta(minutes=10)
SESSION_LIVES = timedelta(hours=12)
TOKEN_LIVES = timedelta(days=90)
MAX_LABEL = 100


def mint_link(session: Session, person: Person, *, now: datetime, ttl: timedelta = LINK_LIVES) -> str:
    """Make the token of a link that signs this person in, once."""
    token = f"askl_{secrets.token_urlsafe(32)}"
    session.add(DeskLink(token_sha256=token_hash(token), person=person.key, expires_at=now + ttl))
    audit.record(session, Tag.DESK_LINK, actor=person.key, now=now, detail={"expires_at": (now + ttl).isoformat()})
    return token


def _live_link(session: Session, token: str, *, now: datetime, lock: bool = False) -> DeskLink:
    asked = select(DeskLink).where(DeskLink.token_sha256 == token_hash(token))
    row = session.exec(asked.with_for_update() if lock else asked).first()
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise TokenRefused("This sign-in link is unknown, used or expired. Mint a new one: askfirst desk login --as local:NAME")
    return row


def peek_link(session: Session, token: str, *, now: datetime) -> Person:
    """Say whom a link would sign in, without using it: programs open links before people do."""
    return Person(_live_link(session, token, now=now).person)


def use_link(session: Session, token: str, *, now: datetime, ttl: timedelta = SESSION_LIVES) -> tuple[str, DeskSession]:
    """Spend a link and give the session's token, for the cookie, and its row."""
    link = _live_link(session, token, now=now, lock=True)
    link.used_at = now
    session_token = f"asks_{secrets.token_urlsafe(32)}"
    row = DeskSession(
        token_sha256=token_hash(session_token), person=link.person, csrf=secrets.token_urlsafe(32), created_at=now, expires_at=now + ttl
    )
    session.add(row)
    session.flush()
    audit.record(session, Tag.DESK_SIGN_IN, actor=link.person, now=now)
    return session_token, row


def find_session(session: Session, token: str, *, now: datetime) -> DeskSession:
    """The session of a cookie; raises TokenRefused when it ended."""
    row = session.get(DeskSession, token_hash(token))
    if row is None or row.expires_at <= now:
        raise TokenRefused("You are not signed in, or your session ended. Ask for a new link: askfirst desk login --as local:NAME")
    return row


def end_session(session: Session, token: str, *, now: datetime) -> None:
    """Sign out."""
    row = session.get(DeskSession, token_hash(token))
    if row is not None:
        person = row.person
        session.delete(row)
        session.flush()
        audit.record(session, Tag.DESK_SIGN_OUT, actor=person, now=now)


def mint_token(session: Session, person: Person, *, label: str, now: datetime, ttl: timedelta = TOKEN_LIVES) -> str:
    """Make a personal token for the command line; it is shown once."""
    if not 0 < len(label) <= MAX_LABEL or not label.isprintable():
        raise BadName(f"The label of a token is one line of 1 to {MAX_LABEL} characters. Choose another.")
    token = f"askp_{secrets.token_urlsafe(32)}"
    session.add(PersonalToken(token_sha256=token_hash(token), person=person.key, label=label, created_at=now, expires_at=now + ttl))
    audit.record(session, Tag.DESK_TOKEN, actor=person.key, now=now, detail={"label": label, "expires_at": (now + ttl).isoformat()})
    return token


def find_token(session: Session, token: str, *, now: datetime) -> Person:
    """The person of a personal token. An agent's token is never one."""
    row = session.get(PersonalToken, token_hash(token))
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        raise TokenRefused("This personal token is unknown, revoked or expired. Mint one: askfirst desk token --as local:NAME")
    return Person(row.person)


def purge(session: Session, *, now: datetime) -> None:
    """Forget links and sessions that ended."""
    session.exec(delete(DeskLink).where(col(DeskLink.expires_at) < now))
    session.exec(delete(DeskSession).where(col(DeskSession.expires_at) < now))
