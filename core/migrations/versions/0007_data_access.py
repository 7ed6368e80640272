"""Requests for data and the grants that follow from them; the dataset inputs of mirrored runs, by name"""

import json

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mirror_input",
        sa.Column("server_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("context", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.ForeignKeyConstraint(["server_id"], ["mirror_server.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("server_id", "run_id", "name", "digest"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("mirror_input", schema=None) as batch_op:
        batch_op.create_index("mirror_input_by_name", ["server_id", "name", "digest"], unique=False)

    op.create_table(
        "data_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sqlmodel.sql.sqltypes.AutoString(length=63), nullable=True),
        sa.Column("requested_by", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("environment", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("legal_basis", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("renews_id", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("submitted_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("decided_by", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("decided_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=False),
        sa.Column("approved_columns", sa.JSON(), nullable=False),
        sa.Column("approved_environment", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("approved_hours", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("next_call_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("call_failure", sqlmodel.sql.sqltypes.AutoString(length=1000), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["renews_id"], ["data_request.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("data_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_data_request_entry_id"), ["entry_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_request_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_request_requested_by"), ["requested_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_request_state"), ["state"], unique=False)

    op.create_table(
        "data_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("environment", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("evidence", sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
        sa.Column("granted_by", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ended_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("ended_by", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=True),
        sa.Column("end_reason", sqlmodel.sql.sqltypes.AutoString(length=2000), nullable=False),
        sa.Column("reminded_hours", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["request_id"], ["data_request.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_id"),
    )
    with op.batch_alter_table("data_grant", schema=None) as batch_op:
        batch_op.create_index("data_grant_by_end", ["ended_at", "until"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_grant_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "data_reader",
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["data_grant.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("grant_id", "person_id"),
    )
    with op.batch_alter_table("data_reader", schema=None) as batch_op:
        batch_op.create_index("data_reader_by_period", ["since", "until"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_reader_person_id"), ["person_id"], unique=False)

    _name_the_inputs_of_mirrored_runs()


def _name_the_inputs_of_mirrored_runs() -> None:
    """What the mirror knew before there was a table for it: a sync stores only runs that end later."""
    connection = op.get_bind()
    insert = sa.text(
        "INSERT INTO mirror_input (server_id, run_id, name, digest, context) "
        "VALUES (:server_id, :run_id, :name, :digest, :context)"
    )
    for server_id, run_id, datasets in connection.execute(
        sa.text("SELECT server_id, run_id, datasets FROM mirror_run")
    ).all():
        contexts: dict[tuple[str, str], set[str]] = {}
        for given in json.loads(datasets) if isinstance(datasets, str) else datasets or []:
            contexts.setdefault((given["name"][:500], given["digest"][:64]), set()).add(given["context"])
        for (name, digest), used in contexts.items():
            context = ", ".join(sorted(used - {""}))[:500]
            connection.execute(
                insert, {"server_id": server_id, "run_id": run_id, "name": name, "digest": digest, "context": context}
            )


def downgrade() -> None:
    raise NotImplementedError("a store is not taken down: restore a backup instead")
