"""The audit trail shows tampering: every way to change it is found, with the first row that does not fit."""

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from tests.factories import NOW, Scene
from tests.waiting import until
from workflows import audit
from workflows.audit import GENESIS, Entry, Tag, Verified, row_hash
from workflows.errors import DatabaseUnusable
from workflows.tables import AuditCheckpoint

ROWS = 10


@pytest.fixture
def trail(scene: Scene) -> Scene:
    """Write ten rows more than the two of the scene, pinned at row 6, and show that they fit."""
    for number in range(ROWS - 2):
        entry = Entry(Tag.CALL_DENIED, f"agent:{number}", NOW, agent="support-agent", tool="t", detail={"n": number})
        scene.database.write(partial(audit.record_all, entries=[entry]))
        if number == 3:
            scene.database.write(partial(audit.checkpoint, now=NOW))
    assert _verify(scene) == Verified(ROWS, scene.trail()[-1].hash)
    return scene


def _verify(scene: Scene, anchors: list[tuple[int, str]] | None = None) -> Verified:
    return scene.database.read(partial(audit.verify, anchors=anchors or []))


def _sql(scene: Scene, *statements: str) -> None:
    """Do what somebody with the password of the database could do."""

    def run(session: Session) -> None:
        for statement in statements:
            session.connection().execute(sa.text(statement))

    scene.database.write(run)


def test_an_empty_trail_is_whole(scene: Scene) -> None:
    """Before the first row there is nothing to find, and nothing to pin."""
    _sql(scene, "DELETE FROM audit", "DELETE FROM audit_head")
    assert _verify(scene) == Verified(0, GENESIS)
    assert scene.database.write(partial(audit.checkpoint, now=NOW)) is None
    scene.database.write(partial(audit.record_all, entries=[]))
    assert _verify(scene) == Verified(0, GENESIS)


_EDITS = [
    "event = 'call.forwarded'",
    "actor = 'agent:9'",
    "agent = NULL",
    "server = 'x'",
    "tool = 'u'",
    "detail = '{}'",
    "request_id = 'apr_1'",
    "hash = '" + "0" * 64 + "'",
]


@pytest.mark.parametrize("edit", [*_EDITS, "at = '2026-01-15 12:00:20.000001'"])
def test_an_edited_row_is_named(trail: Scene, edit: str) -> None:
    """Whichever column it was, the row is the first that does not fit, and the ones before it do."""
    _sql(trail, f"UPDATE audit SET {edit} WHERE seq = 5")  # noqa: S608  # the edits stand above
    found = _verify(trail)
    assert (found.bad_seq, found.rows, found.why) == (5, 4, "row 5 was changed after it was written")
    assert found.head == trail.trail()[3].hash


@pytest.mark.parametrize(
    ("statements", "seq", "why"),
    [
        (["DELETE FROM audit WHERE seq = 1"], 1, "row 1 is missing"),
        (["DELETE FROM audit WHERE seq = 5"], 5, "row 5 is missing"),
        (["DELETE FROM audit WHERE seq = 5", "UPDATE audit SET seq = seq - 1 WHERE seq = 6"], 5, "row 5 was changed"),
        (
            [
                "UPDATE audit SET seq = 99 WHERE seq = 4",
                "UPDATE audit SET seq = 4 WHERE seq = 5",
                "UPDATE audit SET seq = 5 WHERE seq = 99",
            ],
            4,
            "row 4 was changed",
        ),
        (["DELETE FROM audit WHERE seq > 7"], 8, "its end was cut off"),
        (["DELETE FROM audit WHERE seq > 7", "UPDATE audit_head SET seq = 7"], 7, "does not match its last row"),
        (["DELETE FROM audit"], 1, "its end was cut off"),
        (["UPDATE audit_head SET seq = 9"], 10, "does not match its last row"),
        (["UPDATE audit_head SET seq = 11"], 11, "its end was cut off"),
        (["UPDATE audit_head SET hash = '" + "0" * 64 + "'"], 10, "does not match its last row"),
        (["DELETE FROM audit_head"], 10, "the mark of the trail's end is missing"),
        (["UPDATE audit SET seq = 0 WHERE seq = 1"], 1, "row 1 is missing"),
    ],
)
def test_rows_that_were_taken_out_swapped_or_cut_off_are_missed(trail: Scene, statements: list[str], seq: int, why: str) -> None:
    """The first row that does not fit is named, and why."""
    _sql(trail, *statements)
    found = _verify(trail)
    assert found.bad_seq == seq
    assert why in (found.why or "")


def _rewrite(scene: Scene, *, up_to: int, forge: str) -> None:
    """Write the whole trail anew, with hashes and an end that fit, as somebody would who knows how it is made."""

    def run(session: Session) -> None:
        table, last = sa.table("audit", sa.column("seq"), sa.column("actor"), sa.column("hash")), GENESIS
        for row in list(audit._walk(session)):
            if int(str(row["seq"])) > up_to:
                session.connection().execute(sa.delete(table).where(table.c.seq == row["seq"]))
                continue
            actor = forge if row["seq"] == 2 else row["actor"]
            last = row_hash(last, {**row, "actor": actor})
            session.connection().execute(sa.update(table).where(table.c.seq == row["seq"]).values(actor=actor, hash=last))
        session.connection().execute(sa.text(f"UPDATE audit_head SET seq = {up_to}, hash = '{last}'"))  # noqa: S608  # a number and a hash

    scene.database.write(run)


def test_a_trail_that_was_written_anew_is_found_by_a_checkpoint(trail: Scene) -> None:
    """The row that was pinned is not the one that stands there."""
    _rewrite(trail, up_to=ROWS, forge="nobody")
    found = _verify(trail)
    assert (found.bad_seq, found.why) == (6, "row 6 differs from a checkpoint: the trail was written anew")


def test_a_trail_that_was_written_anew_with_its_checkpoints_is_found_by_an_anchor_outside(trail: Scene) -> None:
    """Nothing in the database can show it, which is why a line is kept elsewhere."""
    anchors = [(6, trail.trail()[5].hash)]
    _sql(trail, "DELETE FROM audit_checkpoints")
    _rewrite(trail, up_to=ROWS, forge="nobody")
    assert _verify(trail).bad_seq is None
    found = _verify(trail, anchors)
    assert (found.bad_seq, found.why) == (6, "row 6 differs from the anchor kept outside: the trail was written anew")
    forged = trail.trail()[5].hash
    assert _verify(trail, [*anchors, (6, forged)]).bad_seq == 6
    assert _verify(trail, [(6, forged), *anchors]).bad_seq == 6


def test_a_cut_that_also_set_the_end_back_is_found_by_an_anchor_outside(trail: Scene) -> None:
    """The anchor names a row that is not there."""
    anchors = [(9, trail.trail()[8].hash)]
    _sql(trail, "DELETE FROM audit_checkpoints")
    _rewrite(trail, up_to=8, forge=trail.trail()[1].actor)
    assert _verify(trail).bad_seq is None
    found = _verify(trail, anchors)
    assert found.bad_seq == 9
    assert "its end was cut off" in (found.why or "")


def test_a_cut_beyond_a_checkpoint_is_found_by_it(trail: Scene) -> None:
    """The checkpoint at row 6 is there, the row is not."""
    _rewrite(trail, up_to=4, forge=trail.trail()[1].actor)
    assert _verify(trail).bad_seq == 5


def test_a_checkpoint_covers_the_one_before(trail: Scene) -> None:
    """One that was taken out or changed is missed by the next; one is not made twice for the same end."""
    assert trail.database.write(partial(audit.checkpoint, now=NOW)) is not None
    assert trail.database.write(partial(audit.checkpoint, now=NOW)) is None
    trail.database.write(partial(audit.record_all, entries=[Entry(Tag.SERVE_STOP, "askfirst", NOW)]))
    pinned = trail.database.write(partial(audit.checkpoint, now=NOW))
    assert pinned is not None
    assert (pinned.seq, pinned.hash) == (ROWS + 1, trail.trail()[-1].hash)
    assert _verify(trail).bad_seq is None
    _sql(trail, "DELETE FROM audit_checkpoints WHERE seq = 6")
    assert _verify(trail).why == "the checkpoint at row 10 does not follow the one before it"


def test_a_row_that_cannot_even_be_read_is_named(trail: Scene) -> None:
    """A time that is none, and a detail that is no JSON, end in a sentence."""
    if trail.database.dialect == "sqlite":
        _sql(trail, "UPDATE audit SET at = 'yesterday' WHERE seq = 5")
    else:
        _sql(trail, "UPDATE audit SET at = 'infinity' WHERE seq = 5")
    assert _verify(trail).bad_seq == 5
    _sql(trail, "UPDATE audit SET detail = '{' WHERE seq = 3")
    assert _verify(trail).bad_seq == 3
    exported = trail.database.read(lambda session: list(audit.rows(session)))
    assert exported[2]["detail"] == "{"
    assert str(exported[4]["at"]).startswith("?")


def test_an_export_gives_every_row_in_order(trail: Scene) -> None:
    """Plain values: times in UTC to the microsecond, detail as an object, hashes that whoever has the file can check."""
    rows = trail.database.read(lambda session: list(audit.rows(session)))
    assert [row["seq"] for row in rows] == list(range(1, ROWS + 1))
    assert rows[4]["at"] == "2026-01-15T12:00:20.000000+00:00"
    assert rows[4]["detail"] == {"n": 2}
    assert set(rows[0]) == {"seq", "at", "event", "actor", "request_id", "agent", "server", "tool", "detail", "hash"}
    json.dumps(rows)
    last = GENESIS
    for row in rows:
        at = datetime.fromisoformat(str(row["at"]))
        detail = json.dumps(row["detail"], sort_keys=True, separators=(",", ":"))
        last = row_hash(last, {**row, "at": at, "detail": detail})
        assert row["hash"] == last


def test_a_time_in_another_zone_is_told_in_utc_and_verifies(scene: Scene) -> None:
    """The hash is of the moment, not of how it was spelled."""
    at = datetime(2026, 1, 15, 21, 30, tzinfo=timezone(timedelta(hours=9)))
    scene.database.write(partial(audit.record_all, entries=[Entry(Tag.SERVE_START, "askfirst", at)]))
    assert _verify(scene).bad_seq is None
    assert scene.trail()[-1].at.isoformat() == "2026-01-15T12:30:00+00:00"


def test_what_agents_make_up_fits_every_database(scene: Scene) -> None:
    """Names with NUL, halves, or a thousand characters are told, visibly and cut: a refused row would tell of nothing."""
    nasty = Entry(
        Tag.CALL_REFUSED,
        "agent:a\0b\ud800",
        NOW,
        request_id="x" * 99,
        agent="é" * 300,
        server="\0",
        tool="t\u202e" * 300,
        detail={"k\0": "v\0\ud800"},
    )
    scene.database.write(partial(audit.record_all, entries=[nasty]))
    assert _verify(scene).bad_seq is None
    row = scene.trail()[-1]
    assert row.actor == "agent:a\\u{0000}b\\u{D800}"
    assert (row.tool or "").startswith("t\\u{202E}t")
    assert (len(row.request_id or ""), len(row.agent or ""), len(row.tool or "")) == (40, 100, 256)


def test_secrets_are_hidden_before_they_are_written(scene: Scene) -> None:
    """By their look and by their name."""
    entry = Entry(Tag.CALL_DENIED, "agent:x", NOW, detail={"why": "token ghp_" + "a1B2" * 9, "arguments": {"password": "hunter2"}})
    scene.database.write(partial(audit.record_all, entries=[entry]))
    detail = scene.trail()[-1].detail
    assert "hunter2" not in detail
    assert "a1B2" not in detail
    assert detail.count("[redacted ") == 2


def test_a_trail_that_grows_while_it_is_verified_is_whole(scene: Scene) -> None:
    """The walk and the look at the end see one moment of the database."""
    stop, written = threading.Event(), [0]

    def grow() -> None:
        while not stop.is_set():
            scene.database.write(partial(audit.record_all, entries=[Entry(Tag.CALL_DENIED, "agent:x", NOW)] * 3))
            written[0] += 3

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        until(lambda: written[0])
        found = [_verify(scene) for _ in range(40)]
    finally:
        stop.set()
        writer.join()
    assert [one.why for one in found if one.bad_seq is not None] == []
    assert found[0].rows < found[-1].rows


_STEPS: list[Callable[[Scene], object]] = [lambda scene: scene.held(), lambda scene: scene.approved()]


@pytest.mark.parametrize("step", _STEPS, ids=["held", "approved"])
def test_a_verb_and_its_row_are_one_transaction(scene: Scene, step: Callable[[Scene], object]) -> None:
    """Where the row of the trail cannot be written, the request does not move either."""
    _sql(scene, "ALTER TABLE audit RENAME TO hidden")
    try:
        with pytest.raises(DatabaseUnusable):
            step(scene)
    finally:
        _sql(scene, "ALTER TABLE hidden RENAME TO audit")
    assert "request.hold" not in scene.events()
    count = scene.database.read(lambda session: session.connection().scalar(sa.text("SELECT count(*) FROM requests")))
    assert count == 0
    checkpoints = scene.database.read(lambda session: session.connection().scalar(sa.select(sa.func.count()).select_from(AuditCheckpoint)))
    assert checkpoints == 0
