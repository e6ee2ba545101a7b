"""What Slack needs: richer groups, user groups as read, deliveries, readings."""

import sqlalchemy as sa
import sqlmodel
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _text(length: int) -> sqlmodel.sql.sqltypes.AutoString:
    return sqlmodel.sql.sqltypes.AutoString(length=length)


def upgrade() -> None:
    with op.batch_alter_table("groups", schema=None) as batch_op:
        batch_op.add_column(sa.Column("user_groups", sa.Text(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("quorum", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("channel", _text(100), nullable=True))
        for flag in ("guests", "external", "direct"):
            batch_op.add_column(sa.Column(flag, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "user_groups",
        sa.Column("key", _text(100), nullable=False),
        sa.Column("handle", _text(100), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("read_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_user_groups")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", _text(200), nullable=False),
        sa.Column("request_id", _text(40), nullable=False),
        sa.Column("kind", _text(16), nullable=False),
        sa.Column("target", _text(100), nullable=False),
        sa.Column("channel", _text(40), nullable=True),
        sa.Column("ts", _text(40), nullable=True),
        sa.Column("state", _text(16), nullable=False),
        sa.Column("shown_version", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("retry_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("updated_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_deliveries_request_id_requests")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index("ix_deliveries_request_id", ["request_id"], unique=False)
        batch_op.create_index("ix_deliveries_state", ["state"], unique=False)
        batch_op.create_index("ix_deliveries_ts", ["ts"], unique=False)
    op.create_table(
        "readings",
        sa.Column("request_id", _text(40), nullable=False),
        sa.Column("person", _text(100), nullable=False),
        sa.Column("fingerprint", _text(64), nullable=False),
        sa.Column("pages", sa.Text(), nullable=False),
        sa.Column("whole_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_readings_request_id_requests")),
        sa.PrimaryKeyConstraint("request_id", "person", name=op.f("pk_readings")),
    )
