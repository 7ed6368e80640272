"""Versions of templates with their reviewed snapshots, requests for them, what was rendered, and prepared updates."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from core.db import now


class TemplateBlob(SQLModel, table=True):
    """Bytes by their SHA-256: a reviewed snapshot, a rendered repository, a prepared update. Written once."""

    __tablename__ = "template_blob"

    digest: str = Field(primary_key=True, max_length=64)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class TemplateVersion(SQLModel, table=True):
    """A version of a template: a snapshot pinned to a commit and a content hash, published by somebody else."""

    __tablename__ = "template_version"

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = Field(foreign_key="entry.id", index=True, ondelete="CASCADE")
    version: str = Field(max_length=40)
    state: str = Field(default="proposed", max_length=20, index=True)
    """One of ``states.VERSION_STATES``."""
    source: str = Field(max_length=400)
    """Where it came from: ``catalog/templates/NAME``, a git address, or the name of an uploaded archive."""
    ref: str = Field(default="", max_length=200)
    """Branch or tag that was asked for, where it came from git."""
    commit: str = Field(default="", max_length=64)
    folder: str = Field(default="", max_length=200)
    """The part of the source that is the template; empty for all of it."""
    digest: str | None = Field(default=None, foreign_key="template_blob.digest", max_length=64)
    content_hash: str = Field(default="", max_length=64)
    """SHA-256 over the canonical listing of its files: what was reviewed is what is rendered."""
    form: str = Field(default="", max_length=20)
    """``copier``, ``cookiecutter``, ``backstage`` or ``plain``."""
    definition: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Its questions and what is left to people, as ``form.Definition`` has them."""
    findings: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    notes: str = Field(default="", max_length=2000)
    """What changed, for those who stand on an older version."""
    security: bool = False
    """Whether projects on an older version should update for the sake of security."""
    failure: str = Field(default="", max_length=1000)
    proposed_by: str = Field(max_length=80)
    proposed_at: datetime = Field(default_factory=now)
    decided_by: str | None = Field(default=None, max_length=80)
    decided_at: datetime | None = None
    reason: str = Field(default="", max_length=2000)

    __table_args__ = (Index("template_version_by_entry", "entry_id", "state", "decided_at"),)


class TemplateRequest(SQLModel, table=True):
    """A project asks for a template; its states are those of ``states.NEXT``. Secret answers are never kept."""

    __tablename__ = "template_request"

    id: int | None = Field(default=None, primary_key=True)
    project_id: str = Field(foreign_key="project.id", max_length=63, index=True, ondelete="CASCADE")
    version_id: int = Field(foreign_key="template_version.id", index=True, ondelete="CASCADE")
    entry_id: int = Field(foreign_key="entry.id", index=True, ondelete="CASCADE")
    answers: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    delivery: str = Field(default="zip", max_length=10)
    remote: str = Field(default="", max_length=400)
    """The empty git repository that a push goes to."""
    note: str = Field(default="", max_length=2000)
    state: str = Field(default="draft", max_length=20, index=True)
    revision: int = 1
    requested_by: str = Field(max_length=80, index=True)
    created_at: datetime = Field(default_factory=now)
    submitted_at: datetime | None = None
    due_at: datetime | None = None
    """Until when an approver is to decide."""
    paused_at: datetime | None = None
    """Since when the requester has the ball, and the approver's clock stands."""
    decided_by: str | None = Field(default=None, max_length=80)
    """Empty where the project's pattern is pre-approved: then ``reason`` says by which approvals."""
    decided_at: datetime | None = None
    reason: str = Field(default="", max_length=2000)
    rendered_at: datetime | None = None
    digest: str | None = Field(default=None, foreign_key="template_blob.digest", max_length=64)
    answers_hash: str = Field(default="", max_length=64)
    failure: str = Field(default="", max_length=1000)
    """Why rendering or pushing failed; empty once it went well."""
    attempts: int = 0
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None
    commit: str = Field(default="", max_length=64)
    """The first commit of the delivered repository."""
    experiment: str = Field(default="", max_length=250)
    experiment_made_at: datetime | None = None
    token_id: int | None = Field(default=None, foreign_key="token.id", ondelete="SET NULL")
    """The gate token of the repository, which is issued once."""
    closed_at: datetime | None = None
    demo: bool = False

    __table_args__ = (Index("template_request_by_state", "state", "due_at"),)


class TemplateComment(SQLModel, table=True):
    """What was said about a request, by whom and when; it is never changed."""

    __tablename__ = "template_comment"

    id: int | None = Field(default=None, primary_key=True)
    request_id: int = Field(foreign_key="template_request.id", index=True, ondelete="CASCADE")
    author: str = Field(max_length=80)
    at: datetime = Field(default_factory=now)
    text: str = Field(max_length=2000)


class TemplateStand(SQLModel, table=True):
    """Which version of a template a project's repository stands on: what the drift board compares."""

    __tablename__ = "template_stand"

    id: int | None = Field(default=None, primary_key=True)
    project_id: str = Field(foreign_key="project.id", max_length=63, ondelete="CASCADE")
    entry_id: int = Field(foreign_key="entry.id", index=True, ondelete="CASCADE")
    version_id: int = Field(foreign_key="template_version.id", ondelete="CASCADE")
    request_id: int = Field(foreign_key="template_request.id", ondelete="CASCADE")
    answers: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    since: datetime = Field(default_factory=now)

    __table_args__ = (UniqueConstraint("project_id", "entry_id"),)


class TemplateUpdate(SQLModel, table=True):
    """An update of a project's repository to a newer template version: asked for, then prepared or failed by a job."""

    __tablename__ = "template_update"

    id: int | None = Field(default=None, primary_key=True)
    stand_id: int = Field(foreign_key="template_stand.id", index=True, ondelete="CASCADE")
    from_version_id: int = Field(foreign_key="template_version.id", ondelete="CASCADE")
    to_version_id: int = Field(foreign_key="template_version.id", ondelete="CASCADE")
    answers: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    source: str = Field(max_length=400)
    """The git address of the project, or the name of the uploaded archive."""
    upload: str | None = Field(default=None, foreign_key="template_blob.digest", max_length=64)
    state: str = Field(default="asked", max_length=20, index=True)
    """``asked``, ``prepared``, ``failed``, or ``applied`` once the team said so."""
    result: str | None = Field(default=None, foreign_key="template_blob.digest", max_length=64)
    """A zip with the merged files, the patch and a git bundle with the branch."""
    changed: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    conflicts: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    failure: str = Field(default="", max_length=1000)
    asked_by: str = Field(max_length=80)
    asked_at: datetime = Field(default_factory=now)
    prepared_at: datetime | None = None
