"""What policies need: the definitions of tools, what the catalogue made of them, what a request hides, larger counters."""

import sqlalchemy as sa
import sqlmodel
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _text(length: int) -> sqlmodel.sql.sqltypes.AutoString:
    return sqlmodel.sql.sqltypes.AutoString(length=length)


def upgrade() -> None:
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.add_column(sa.Column("category", _text(16), nullable=True))
        batch_op.add_column(sa.Column("risk", _text(16), nullable=True))
        batch_op.add_column(sa.Column("tool_sha256", _text(64), nullable=True))
        for name in ("signals", "redaction", "difference"):
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=True))
    with op.batch_alter_table("counters", schema=None) as batch_op:
        batch_op.alter_column("used", existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=False)
    op.create_table(
        "tools",
        sa.Column("server", _text(100), nullable=False),
        sa.Column("tool", _text(256), nullable=False),
        sa.Column("sha256", _text(64), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("accepted_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=False),
        sa.Column("changed_sha256", _text(64), nullable=True),
        sa.Column("changed_definition", sa.Text(), nullable=True),
        sa.Column("changed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("server", "tool", name=op.f("pk_tools")),
    )
