"""Alembic migrations: the only way the store's shape changes, on SQLite and on PostgreSQL."""
