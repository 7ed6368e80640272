"""Patterns: approvals of a version, their use by projects, deviations"""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    raise NotImplementedError("a store is not taken down: restore a backup instead")
