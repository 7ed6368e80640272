"""Projects, who works in them, what of MLflow is theirs, how they moved, and what they adopted."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import JSON, Column, Field, SQLModel

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
    value_hypothesis: str = Field(default="", max_length=2000)
    """What changes for whom when the model works, and by how much."""
    stop_rule: str = Field(default="", max_length=1000)
    """The measurement at which the team stops."""
    decide_by: date | None = None
    """The day by which the stop rule is looked at."""
    classification: str = Field(default="internal", max_length=20)
    """Of the most sensitive data the project reads: public, internal, confidential or restricted."""
    region: str = Field(default="", max_length=40)
    modality: str = Field(default="", max_length=20)
    target: str = Field(default="", max_length=250)
    """What is predicted, in words."""
    tags: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Words by which others find it, as an entry has them."""
    risk_facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    tier: str = Field(default="", max_length=20)
    """What the decision table says of the facts, or what reviewers set above it; empty until facts are given."""
    risk_facts_by: str | None = Field(default=None, max_length=80)
    """Who stated the facts as they stand; somebody else confirms the tier."""
    tier_confirmed_by: str | None = Field(default=None, max_length=80)
    tier_reason: str = Field(default="", max_length=1000)
    """Why reviewers set another tier than the table's, or propose to."""
    tier_proposed: str = Field(default="", max_length=20)
    """A lower tier that waits for a second reviewer."""
    tier_proposed_by: str | None = Field(default=None, max_length=80)
    data_access: str = Field(default="", max_length=1000)
    """How the team reaches its data and who said it may: what exploration asks for."""
    monitoring: str = Field(default="", max_length=1000)
    """Where the model in production is watched."""
    on_call_id: str | None = Field(default=None, max_length=20)
    """Who is called when it breaks."""
    reuse_reviewed_at: datetime | None = None
    """When the team last went through what exists already and decided on it."""
    revision: int = 1
    """Grows with every edit, so that two people do not overwrite each other."""
    demo: bool = False
    created_at: datetime = Field(default_factory=now)
    stage_since: datetime = Field(default_factory=now)


class ProjectMember(SQLModel, table=True):
    """A person works in a project in a role of the lifecycle."""

    __tablename__ = "project_member"

    project_id: str = Field(primary_key=True, foreign_key="project.id", max_length=63, ondelete="CASCADE")
    person_id: str = Field(primary_key=True, foreign_key="person.id", max_length=20, index=True)
    role: str = Field(primary_key=True, max_length=40)
    since: datetime = Field(default_factory=now)


class ProjectTracking(SQLModel, table=True):
    """An experiment or a registered model in MLflow that belongs to a project; a name belongs to one project only."""

    __tablename__ = "project_tracking"

    kind: str = Field(primary_key=True, max_length=20)
    """``experiment`` or ``model``."""
    name: str = Field(primary_key=True, max_length=250)
    project_id: str = Field(foreign_key="project.id", max_length=63, index=True, ondelete="CASCADE")


class StagePeriod(SQLModel, table=True):
    """A project was in a stage from a moment on until another one; the present stage has no end."""

    __tablename__ = "stage_period"

    id: int | None = Field(default=None, primary_key=True)
    project_id: str = Field(foreign_key="project.id", max_length=63, index=True, ondelete="CASCADE")
    stage: str = Field(max_length=20)
    since: datetime = Field(default_factory=now)
    until: datetime | None = None


class Retrospective(SQLModel, table=True):
    """What a project leaves to the next ones; without it a project is not closed."""

    project_id: str = Field(primary_key=True, foreign_key="project.id", max_length=63, ondelete="CASCADE")
    went_well: str = Field(max_length=4000)
    was_expensive: str = Field(max_length=4000)
    others_should_know: str = Field(max_length=4000)
    revision: int = 1
    """Grows with every edit, so that two people do not overwrite each other."""
    written_by: str = Field(max_length=80)
    written_at: datetime = Field(default_factory=now)


class HarvestDecision(SQLModel, table=True):
    """Something a project made, and whether it is shared, generalised later, or left, and why."""

    __tablename__ = "harvest_decision"

    id: int | None = Field(default=None, primary_key=True)
    project_id: str = Field(foreign_key="project.id", max_length=63, index=True, ondelete="CASCADE")
    what: str = Field(max_length=140)
    decision: str = Field(max_length=20)
    """``share``, ``later`` or ``nothing``."""
    kind: str = Field(default="asset", max_length=20)
    """The kind of entry that a share opens a draft of."""
    reason: str = Field(max_length=2000)
    proposal_id: int | None = Field(default=None, foreign_key="proposal.id", index=True, ondelete="SET NULL")
    """The draft entry of a shared one, which curation approves or rejects."""
    decided_by: str = Field(max_length=80)
    decided_at: datetime = Field(default_factory=now)


class ReuseValue(SQLModel, table=True):
    """Working hours an adoption saved, as a range claimed by one person and confirmed by another."""

    __tablename__ = "reuse_value"

    id: int | None = Field(default=None, primary_key=True)
    adoption_id: int = Field(foreign_key="adoption.id", index=True, ondelete="CASCADE")
    low_hours: int
    high_hours: int
    basis: str = Field(max_length=1000)
    claimed_by: str = Field(max_length=80)
    claimed_at: datetime = Field(default_factory=now)
    confirmed_by: str | None = Field(default=None, max_length=80)
    confirmed_at: datetime | None = None


class Adoption(SQLModel, table=True):
    """A project uses a version of an entry since a date: the fact that ranks and that values reuse."""

    id: int | None = Field(default=None, primary_key=True)
    project_id: str = Field(foreign_key="project.id", max_length=63)
    entry_id: int = Field(foreign_key="entry.id", ondelete="CASCADE")
    version: str = Field(max_length=64)
    how: str = Field(default="reuse", max_length=20)
    """``reuse`` as it is, or ``adapt``: a copy that was changed."""
    note: str = Field(default="", max_length=1000)
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
        Index("adoption_by_project", "project_id"),
    )
