"""Adoptions are found by their project, and the entry of a project says that the project keeps it"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("adoption_by_project", "adoption", ["project_id"])
    kept = "SELECT 'project:default/' || id FROM project"
    op.execute(f"UPDATE entry SET source = 'project' WHERE kind = 'project' AND key IN ({kept})")


def downgrade() -> None:
    raise NotImplementedError("a store is not taken down: restore a backup instead")
