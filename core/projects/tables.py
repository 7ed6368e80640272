"""Projects and adoptions."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from core.db import now


class Project(SQLModel, table=True):
    """One ML use case, from exploration to operation or a stop with its finding."""

    id: str = Field(primary_key=True, max_length=63)
    title: str = Field(max_length=140)
    summary: str = Field(default="", max_length=1000)
    team_id: str = Field(foreign_key="team.id", max_length=63, index=True)
    unit_id: str | None = Field(default=None, foreign_key="business_unit.id", max_length=63)
    stage: str = Field(default="explore", max_length=20, index=True)
    finding: str = Field(default="", max_length=2000)
    registered_model: str = Field(default="", max_length=250, index=True)
    """Name of the project's registered model in MLflow; empty until there is one."""
    key_metric: str = Field(default="", max_length=250)
    higher_is_better: bool = True
    demo: bool = False
    created_at: datetime = Field(default_factory=now)


class Adoption(SQLModel, table=True):
    """A project uses a version of an entry since a date: the fact that ranks and that values reuse."""

    id: int | None = Field(default=None, primary_key=True)
    project_id: str = Field(foreign_key="project.id", max_length=63)
    entry_id: int = Field(foreign_key="entry.id", ondelete="CASCADE")
    version: str = Field(max_length=64)
    adopted_by: str = Field(max_length=80)
    since: datetime = Field(default_factory=now)
    until: datetime | None = None
    demo: bool = False

    __table_args__ = (
        Index(
            "one_open_adoption",
            "project_id",
            "entry_id",
            unique=True,
            sqlite_where=text("until IS NULL"),
            postgresql_where=text("until IS NULL"),
        ),
        Index("adoption_by_entry", "entry_id"),
    )
