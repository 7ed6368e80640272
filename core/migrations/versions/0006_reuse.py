"""Reuse reviews with their decisions, and who asked for what is missing"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sqlmodel.sql.sqltypes.AutoString(length=length)


def upgrade() -> None:
    op.add_column("demand", sa.Column("state", _text(20), nullable=False, server_default="open"))
    op.add_column("demand", sa.Column("taken_by", _text(80), nullable=True))
    op.add_column("demand", sa.Column("taken_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("demand", sa.Column("answer", _text(190), nullable=True))
    op.add_column("demand", sa.Column("decided_by", _text(80), nullable=True))
    op.add_column("demand", sa.Column("decided_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("demand", sa.Column("reason", _text(2000), nullable=False, server_default=""))
    op.create_index("ix_demand_state", "demand", ["state"])

    op.create_table(
        "demand_ask",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", _text(200), nullable=False),
        sa.Column("how", _text(20), nullable=False),
        sa.Column("asked_by", _text(80), nullable=False),
        sa.Column("person_id", _text(20), nullable=True),
        sa.Column("unit_id", _text(63), nullable=True),
        sa.Column("project_id", _text(63), nullable=False),
        sa.Column("entry_key", _text(190), nullable=False),
        sa.Column("note", _text(2000), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["text"], ["demand.text"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["unit_id"], ["business_unit.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("text", "asked_by", "how", "project_id", "day", name="one_ask_a_day"),
    )
    op.create_index("ix_demand_ask_person_id", "demand_ask", ["person_id"])

    op.create_table(
        "reuse_decision",
        sa.Column("project_id", _text(63), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("version", _text(64), nullable=False),
        sa.Column("decision", _text(20), nullable=False),
        sa.Column("reason", _text(2000), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("decided_by", _text(80), nullable=False),
        sa.Column("decided_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "entry_id"),
    )
    op.create_index("ix_reuse_decision_entry_id", "reuse_decision", ["entry_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is not taken down: restore a backup instead")
