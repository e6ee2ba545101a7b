"""Where alembic meets the tables; the connection comes from `Database.migrate`."""

from alembic import context
from sqlmodel import SQLModel

import workflows.tables  # noqa: F401  # registers the rows in SQLModel.metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
