"""The revisions build exactly the schema that the rows describe."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from tests.factories import Scene
from workflows import audit
from workflows.database import Database
from workflows.errors import DatabaseUnusable
from workflows.tables import AuditEvent


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    """Open a database that holds nothing at all."""
    with closing(Database(database_url)) as database:
        yield database


def _with(database: Database, look: Callable[[sa.Connection], object]) -> object:
    with database._writer.begin() as connection:
        return look(connection)


def _schema(connection: sa.Connection) -> object:
    inspector = sa.inspect(connection)
    names = sorted(inspector.get_table_names())
    return [
        (name, [str(column) for column in inspector.get_columns(name)], sorted(str(index["name"]) for index in inspector.get_indexes(name)))
        for name in names
    ]


def test_the_migrated_schema_is_the_one_of_the_rows(empty: Database) -> None:
    """Alembic finds no difference: tables, columns, types, indexes, keys."""
    empty.migrate()

    def difference(connection: sa.Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), SQLModel.metadata)

    assert _with(empty, difference) == []


def test_migrating_again_changes_nothing(empty: Database) -> None:
    """Neither the schema nor the rows."""
    empty.migrate()
    Scene(empty).declare().held()
    before = _with(empty, _schema)
    empty.migrate()
    assert _with(empty, _schema) == before
    assert empty.read(audit.verify).rows == 3


def test_the_live_request_of_a_fingerprint_is_one(empty: Database) -> None:
    """The database itself refuses a second one, whatever the verbs do; settled ones may be many."""
    empty.migrate()
    scene = Scene(empty).declare()
    request_id = scene.held()

    def copy(connection: sa.Connection, state: str, number: int) -> None:
        row = dict(connection.execute(sa.text("SELECT * FROM requests WHERE id = :id"), {"id": request_id}).mappings().one())
        table = sa.table("requests", *map(sa.column, row))
        connection.execute(sa.insert(table).values({**row, "id": f"apr_{number}", "state": state}))

    for number, state in enumerate(("denied", "denied", "lost", "released")):
        _with(empty, lambda connection, state=state, number=number: copy(connection, state, number))  # type: ignore[misc]  # bound early
    for state in ("pending", "approved", "releasing"):
        with pytest.raises(sa.exc.IntegrityError):
            _with(empty, lambda connection, state=state: copy(connection, state, 9))  # type: ignore[misc]  # bound early


def test_every_row_names_its_table_once() -> None:
    """And every time in it is an aware one in UTC, which the type of the column keeps."""
    tables = SQLModel.metadata.tables
    assert AuditEvent.__tablename__ in tables
    times = [column for table in tables.values() for column in table.columns if column.name == "at" or column.name.endswith("_at")]
    assert len(times) > 15
    assert {type(column.type).__name__ for column in times} == {"UTCDateTime"}


def test_a_schema_of_a_newer_version_is_refused_in_a_sentence(empty: Database) -> None:
    """An older program does not work on a database that it does not know."""
    empty.migrate()
    with empty._writer.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match="another version of Askfirst"):
        empty.migrate()
