"""Limits in the database: what is used of them, and what is left.

A limit is reserved before a call is forwarded, all or nothing, by one statement that decides; what is given back goes into the window
that was charged.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from workflows.policy import Limit
from workflows.policy.amounts import shown
from workflows.policy.limits import Window
from workflows.tables import Counter

_KEEP = timedelta(days=2)
_LONGEST_KEY = 512


@dataclass(frozen=True, slots=True)
class Charge:
    """One limit as it applies to one call at one moment. The limit says how many units the call uses of it."""

    limit: Limit
    key: str
    window_start: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit that has not enough left for a call: how many units are left, and when to try again, None where that would not help."""

    limit: Limit
    retry_at: datetime | None
    left: int = 0

    @property
    def sentence(self) -> str:
        """Say what is used up, in the words of the policy where it has some, and what to do next. It names no argument's value."""
        limit = self.limit
        if self.retry_at is None:
            return " ".join(filter(None, (limit.message, _never(limit))))
        return f"{limit.message or self._used_up()} Try again at {self.retry_at:%Y-%m-%dT%H:%M:%SZ}."

    def _used_up(self) -> str:
        limit = self.limit
        if self.left < 1:
            return f"The limit of {_most(limit)} is used up ({limit.counter})."
        return f"The limit of {_most(limit)} is used up but for {shown(self.left, limit)} ({limit.counter}), and this call uses more."


def _most(limit: Limit) -> str:
    """Write how much fits: `30 calls a minute`, or `1000 an hour` where amounts are added up."""
    calls = "" if limit.increment_from or limit.increment != 1 else f" call{'' if limit.max == 1 else 's'}"
    return f"{limit.max}{calls} {'an' if limit.window is Window.HOUR else 'a'} {limit.window}"


def _never(limit: Limit) -> str:
    if limit.max < 1 or not limit.increment_from:
        return f"The limit of {_most(limit)} lets nothing through ({limit.counter}), now or later."
    place = f"args.{'.'.join(limit.increment_from)}"
    return f"{place} is more than ever fits in the limit of {_most(limit)} ({limit.counter}): send a smaller amount."


def impossible(limits: Sequence[Limit]) -> Refused | None:
    """Find a limit that a call could not pass in any window, because it uses more of it than fits."""
    return next((Refused(limit, None) for limit in limits if limit.amount > limit.ceiling), None)


def charges(limits: Sequence[Limit], *, grant: str, server: str, tool: str, now: datetime) -> tuple[Charge, ...]:
    """Say which counters a call would use; in one order everywhere, so that two calls never wait for each other."""
    found = (
        Charge(limit, _fitting(limit.key(grant=grant, server=server, tool=tool)), limit.window_start(now))
        for limit in limits
        if limit.amount
    )
    return tuple(sorted(found, key=lambda charge: charge.key))


def read(session: Session, limits: Sequence[Limit], *, grant: str, server: str, tool: str, now: datetime) -> dict[str, int]:
    """Say how many units are used of these counters in the window of now, by `Limit.name`."""
    places = {limit.name: (_fitting(limit.key(grant=grant, server=server, tool=tool)), limit.window_start(now)) for limit in limits}
    if not places:
        return {}
    here = sa.or_(*(_is(key, window_start) for key, window_start in places.values()))
    rows = session.connection().execute(sa.select(col(Counter.key), col(Counter.window_start), col(Counter.used)).where(here))
    used = {(row.key, row.window_start): row.used for row in rows}
    return {name: used.get(place, 0) for name, place in places.items()}


def _is(key: str, window_start: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(col(Counter.key) == key, col(Counter.window_start) == window_start)


def _fitting(key: str) -> str:
    """A key names the tool, and an agent may make up a long name: what the column cannot hold is counted under its hash."""
    return key if len(key) <= _LONGEST_KEY else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def reserve(session: Session, wanted: Sequence[Charge], *, now: datetime) -> Refused | None:
    """Use all of these limits, or none of them: then say which one has not enough left."""
    never = impossible([charge.limit for charge in wanted])
    if never is not None:
        return never
    for index, charge in enumerate(wanted):
        if not _use(session, charge):
            left = charge.limit.ceiling - _used(session, charge)
            give_back(session, wanted[:index])
            return Refused(charge.limit, charge.limit.retry_at(now), max(left, 0))
    return None


def _use(session: Session, charge: Charge) -> bool:
    """Add what fits. The first row of a window is inserted without being compared, so whoever calls has compared it with the ceiling."""
    amount = charge.limit.amount
    dialect = session.connection().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = (
        insert(Counter)
        .values(key=charge.key, window_start=charge.window_start, used=amount)
        .on_conflict_do_update(
            index_elements=["key", "window_start"],
            set_={"used": Counter.used + amount},
            where=col(Counter.used) <= charge.limit.ceiling - amount,
        )
        .returning(col(Counter.used))
    )
    return session.connection().execute(statement).first() is not None


def _used(session: Session, charge: Charge) -> int:
    return session.connection().scalar(sa.select(col(Counter.used)).where(_is(charge.key, charge.window_start))) or 0


def give_back(session: Session, charged: Sequence[Charge]) -> None:
    """Return what was reserved, into the windows that were charged."""
    for charge in charged:
        _return(session, charge.key, charge.window_start, charge.limit.amount)


def _return(session: Session, key: str, window_start: datetime, amount: int) -> None:
    left = sa.case((col(Counter.used) > amount, col(Counter.used) - amount), else_=0)
    session.connection().execute(sa.update(Counter).where(_is(key, window_start)).values(used=left))


def written(charged: Sequence[Charge]) -> str:
    """Write down what was reserved, for the row of a request: key, window and units of each."""
    return json.dumps([[charge.key, charge.window_start.isoformat(), charge.limit.amount] for charge in charged])


def give_back_written(session: Session, text: str | None) -> None:
    """Return what `written` noted; a note without units is of one."""
    for key, start, *amount in json.loads(text or "[]"):
        _return(session, key, datetime.fromisoformat(start), amount[0] if amount else 1)


def purge(session: Session, *, now: datetime) -> None:
    """Drop the counters of windows that nothing can ask for any more."""
    session.connection().execute(sa.delete(Counter).where(col(Counter.window_start) < now - _KEEP))
