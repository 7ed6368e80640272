"""Reuse reviews with their decisions, and who asked for what is missing"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    raise NotImplementedError("a store is not taken down: restore a backup instead")
