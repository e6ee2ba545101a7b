"""The audit trail: append-only rows, each hashed together with the one before, written in the transaction of what they tell.

A row says who, what, which request and when, and argument keys only, unless the policy says otherwise. `verify` finds an edit, a
missing row, a cut tail, and - against checkpoints kept outside - a chain that was written anew.
"""

import hashlib
import json
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType

import orjson
import sqlalchemy as sa
from sqlmodel import Session, col, select

from workflows.calls import JSON, canonical
from workflows.redaction import redact, visible
from workflows.tables import AuditCheckpoint, AuditEvent, AuditHead

GENESIS = hashlib.sha256(b"askfirst audit 1").hexdigest()
_BATCH = 1000


class Tag(StrEnum):
    """Everything that can ever be audited, `subject.action`, sorted."""

    AGENT_REFUSED = "agent.refused"
    CALL_DENIED = "call.denied"
    CALL_FAILED = "call.failed"
    CALL_FORWARDED = "call.forwarded"
    CALL_REFUSED = "call.refused"
    CARD_FAILED = "card.failed"
    CARD_FALLBACK = "card.fallback"
    CONFIG_REFUSED = "config.refused"
    CONFIG_RELOADED = "config.reloaded"
    DESK_LINK = "desk.link"
    DESK_SIGN_IN = "desk.sign_in"
    DESK_SIGN_OUT = "desk.sign_out"
    DESK_TOKEN = "desk.token"  # noqa: S105  # a tag, not a secret
    GRANT_CREATE = "grant.create"
    GRANT_REVOKE = "grant.revoke"
    GRANT_ROTATE = "grant.rotate"
    GRANT_SYNC = "grant.sync"
    GROUP_CREATE = "group.create"
    GROUP_DELETE = "group.delete"
    GROUP_EDIT = "group.edit"
    GROUP_REFUSED = "group.refused"
    GROUP_SYNC = "group.sync"
    REQUEST_APPROVE = "request.approve"
    REQUEST_ATTACH = "request.attach"
    REQUEST_CANCEL = "request.cancel"
    REQUEST_CLAIM = "request.claim"
    REQUEST_COLLECT = "request.collect"
    REQUEST_DENY = "request.deny"
    REQUEST_EXPIRE = "request.expire"
    REQUEST_FAIL = "request.fail"
    REQUEST_FINISH = "request.finish"
    REQUEST_HAND_OFF = "request.hand_off"
    REQUEST_HOLD = "request.hold"
    REQUEST_JOIN = "request.join"
    REQUEST_LEAVE = "request.leave"
    REQUEST_LOSE = "request.lose"
    REQUEST_READ = "request.read"
    REQUEST_REFUSED = "request.refused"
    REQUEST_REMIND = "request.remind"
    REQUEST_VOTE = "request.vote"
    SERVE_START = "serve.start"
    SERVE_STOP = "serve.stop"
    TOOL_ACCEPT = "tool.accept"
    TOOL_CHANGE = "tool.change"
    TOOL_PIN = "tool.pin"


SYSTEM = "askfirst"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one row will tell. `at` is when it happened; `detail` must hold no argument values unless they were redacted."""

    event: Tag
    actor: str
    at: datetime
    request_id: str | None = None
    agent: str | None = None
    server: str | None = None
    tool: str | None = None
    detail: "Mapping[str, JSON] | Told" = field(default_factory=dict)


Told = NewType("Told", str)
"""A detail that is written already: canonical JSON text, secrets hidden."""


def told(detail: Mapping[str, JSON]) -> Told:
    """Write a detail as it will stand in its row. What is told again and again can be written once."""
    return Told(canonical(redact(dict(detail))).decode("ascii"))


def record(
    session: Session,
    event: Tag,
    *,
    actor: str,
    now: datetime,
    request_id: str | None = None,
    agent: str | None = None,
    server: str | None = None,
    tool: str | None = None,
    detail: Mapping[str, JSON] | None = None,
) -> None:
    """Append one row in the caller's transaction. Call it last: it holds the end of the chain until the commit."""
    record_all(session, [Entry(event, actor, now, request_id, agent, server, tool, detail or {})])


def record_all(session: Session, entries: Iterable[Entry]) -> None:
    """Append rows in the order given, in the caller's transaction."""
    session.flush()
    connection = session.connection()
    head = connection.execute(_HEAD).first()
    if head is None:
        connection.execute(sa.insert(AuditHead).values(id=1, seq=0, hash=GENESIS))
    seq, last = (head.seq, head.hash) if head else (0, GENESIS)
    rows: list[tuple[object, ...]] = []
    for entry in entries:
        seq += 1
        row = _row(seq, entry)
        last = row_hash(last, row)
        rows.append((seq, _moment(entry.at), *(row[name] for name in _FIELDS), last))
    if rows:
        connection.execute(_INSERT[connection.dialect.name], {"rows": orjson.dumps(rows).decode()})
        connection.execute(_ADVANCE, {"new_seq": seq, "new_hash": last})


_HEAD = sa.select(col(AuditHead.seq), col(AuditHead.hash)).where(col(AuditHead.id) == 1).with_for_update()
_ADVANCE = sa.text("UPDATE audit_head SET seq = :new_seq, hash = :new_hash WHERE id = 1")
# All rows travel as one JSON text in one statement: row by row, the driver would take the interpreter's lock from the event loop and give
# it back for each of them, and a busy gateway would wait for that at every socket.
_INSERT = {
    "sqlite": sa.text(
        "INSERT INTO audit (seq, at, event, actor, request_id, agent, server, tool, detail, hash)"
        " SELECT json_extract(value, '$[0]'), replace(substr(json_extract(value, '$[1]'), 1, 26), 'T', ' '), json_extract(value, '$[2]'),"
        " json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'), json_extract(value, '$[6]'),"
        " json_extract(value, '$[7]'), json_extract(value, '$[8]'), json_extract(value, '$[9]') FROM json_each(:rows)"
    ),
    "postgresql": sa.text(
        "INSERT INTO audit (seq, at, event, actor, request_id, agent, server, tool, detail, hash)"
        " SELECT (value->>0)::bigint, (value->>1)::timestamptz, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7,"
        " value->>8, value->>9 FROM json_array_elements(CAST(:rows AS json))"
    ),
}


def _row(seq: int, entry: Entry) -> dict[str, object]:
    return {
        "seq": seq,
        "at": entry.at,
        "event": str(entry.event),
        "actor": _fitting(entry.actor, 1000),
        "request_id": _fitting(entry.request_id, 40),
        "agent": _fitting(entry.agent, 100),
        "server": _fitting(entry.server, 100),
        "tool": _fitting(entry.tool, 256),
        "detail": entry.detail if isinstance(entry.detail, str) else told(entry.detail),
    }


def _fitting(text: str | None, longest: int) -> str | None:
    """Write a text that somebody else made up so that every database takes it: a row that is refused would tell of nothing."""
    if text is None:
        return None
    shown = visible(text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


_FIELDS = ("event", "actor", "request_id", "agent", "server", "tool", "detail")


def row_hash(previous: str, row: Mapping[str, object]) -> str:
    """SHA-256 (hex) over the hash before and the row's fields, each with its length, so that no two rows read alike."""
    parts = [str(row["seq"]).encode(), _moment(row["at"]).encode(), *[_marked(row[name]) for name in _FIELDS]]
    measured = [bytes.fromhex(previous)]
    for part in parts:
        measured += (len(part).to_bytes(8, "big"), part)
    return hashlib.sha256(b"".join(measured)).hexdigest()


def _moment(at: object) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(at, datetime) else f"?{at}"


def _marked(value: object) -> bytes:
    return b"-" if value is None else f"+{value}".encode()


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found: how many rows, the end of the chain, and the first row that does not fit (None when all do)."""

    rows: int
    head: str
    bad_seq: int | None = None
    why: str | None = None


def verify(session: Session, anchors: Iterable[tuple[int, str]] = ()) -> Verified:
    """Walk the whole chain. `anchors` are (seq, hash) pairs that were kept outside the database."""
    checkpoints = session.exec(select(AuditCheckpoint).order_by(col(AuditCheckpoint.seq))).all()
    known = [(row.seq, row.hash, "a checkpoint") for row in checkpoints]
    known += [(seq, mark, "the anchor kept outside") for seq, mark in anchors]
    pins: dict[int, list[tuple[str, str]]] = {}
    for pin, mark, name in known:
        pins.setdefault(pin, []).append((mark, name))
    last, seq = GENESIS, 0
    with closing(_walk(session)) as walk:
        for row in walk:
            seq += 1
            if row["seq"] != seq:
                return Verified(seq - 1, last, seq, f"row {seq} is missing")
            before, last = last, row_hash(last, row)
            if last != row["hash"]:
                return Verified(seq - 1, before, seq, f"row {seq} was changed after it was written")
            for mark, name in pins.get(seq, ()):
                if mark != last:
                    return Verified(seq - 1, before, seq, f"row {seq} differs from {name}: the trail was written anew")
    return _verify_end(session, seq, last, pinned=max(pins, default=0)) or _verify_checkpoints(checkpoints) or Verified(seq, last)


def _verify_end(session: Session, seq: int, last: str, *, pinned: int) -> Verified | None:
    head = session.exec(select(AuditHead)).first()
    ends = max(head.seq if head else 0, pinned)
    if ends > seq:
        return Verified(seq, last, seq + 1, f"the trail ends at row {seq}, and row {ends} was written: its end was cut off")
    if head is None and seq:
        return Verified(seq, last, seq, "the mark of the trail's end is missing")
    if head is not None and (head.seq, head.hash) != (seq, last):
        return Verified(seq, last, seq, "the end of the trail does not match its last row")
    return None


def _verify_checkpoints(checkpoints: Iterable[AuditCheckpoint]) -> Verified | None:
    """Each checkpoint covers the one before: one that was taken out or changed is missed by the next."""
    chain = GENESIS
    for row in checkpoints:
        chain = _chained(chain, row.seq, row.hash)
        if row.chain != chain:
            return Verified(row.seq, row.hash, row.seq, f"the checkpoint at row {row.seq} does not follow the one before it")
    return None


def _walk(session: Session) -> Generator[Mapping[str, object], None, None]:
    """Read the rows as columns, times as text: a row changed by hand must not be hidden by a cache, nor stop the reading."""
    table = sa.inspect(AuditEvent).local_table.c
    asked = sa.select(table.seq, sa.cast(table.at, sa.Text).label("at"), *(table[name] for name in (*_FIELDS, "hash")))
    with session.connection().execute(asked.order_by(table.seq), execution_options={"yield_per": _BATCH}) as result:
        for row in result.mappings():
            yield {**row, "at": _read_time(str(row["at"]))}


def _read_time(text: str) -> datetime | str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def rows(session: Session) -> Generator[dict[str, JSON], None, None]:
    """Give every row as plain values, in order, for an export. Close it before the session, also when only some were taken."""
    with closing(_walk(session)) as walk:
        for row in walk:
            told_at = {**row, "at": _moment(row["at"])}
            plain = {name: value for name, value in told_at.items() if isinstance(value, str | int | type(None))}
            yield {**plain, "detail": _read_detail(str(row["detail"]))}


def _read_detail(text: str) -> JSON:
    try:
        detail: JSON = json.loads(text)
    except ValueError:
        return text  # changed by hand: `verify` names the row, and the export shows what stands there
    return detail


def checkpoint(session: Session, *, now: datetime) -> AuditCheckpoint | None:
    """Pin the end of the chain; None when nothing was written since the last one. Its line belongs outside the database too."""
    head = session.exec(select(AuditHead).where(AuditHead.id == 1).with_for_update()).first()
    previous = session.exec(select(AuditCheckpoint).order_by(col(AuditCheckpoint.seq).desc()).limit(1)).first()
    if head is None or head.seq == 0 or (previous is not None and previous.seq == head.seq):
        return None
    chain = _chained(previous.chain if previous else GENESIS, head.seq, head.hash)
    row = AuditCheckpoint(seq=head.seq, at=now, hash=head.hash, chain=chain)
    session.add(row)
    return row


def _chained(before: str, seq: int, mark: str) -> str:
    return hashlib.sha256(f"{before}|{seq}|{mark}".encode()).hexdigest()
