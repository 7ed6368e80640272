"""Alembic's environment; the connection comes from ``core.db.migrate``."""

from alembic import context

from core.migrations.env_rules import owned
from core.migrations.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    include_object=owned,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
