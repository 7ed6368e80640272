"""Guards of the activity log: records are only ever appended, one after the other"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("activity", "checkpoint")

SQLITE = [
    "CREATE TRIGGER {table}_is_never_updated BEFORE UPDATE ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the {table} table is append-only'); END",
    "CREATE TRIGGER {table}_is_never_deleted BEFORE DELETE ON {table} "
    "BEGIN SELECT RAISE(ABORT, 'the {table} table is append-only'); END",
    # INSERT OR REPLACE would slip past the two above wherever recursive_triggers is off
    "CREATE TRIGGER {table}_is_never_replaced BEFORE INSERT ON {table} "
    "WHEN EXISTS (SELECT 1 FROM {table} WHERE seq = NEW.seq) "
    "BEGIN SELECT RAISE(ABORT, 'the {table} table is append-only'); END",
]

POSTGRESQL = [
    "CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER {table}_is_never_truncated BEFORE TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
]

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the % table is append-only', TG_TABLE_NAME; END $$
"""


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(REFUSE)
    for table in TABLES:
        for statement in SQLITE if sqlite else POSTGRESQL:
            op.execute(statement.format(table=table))


def downgrade() -> None:
    raise NotImplementedError("the guards of the activity log are not taken down")
