"""Copies of evidence, uploaded files, what CI said of a version, and each time a copy was compared with its source."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import JSON, Column, Field, SQLModel, UniqueConstraint

from core.db import now


class EvidenceSnapshot(SQLModel, table=True):
    """Everything that MLflow said of a model version at a moment, by value. Written once, never changed."""

    __tablename__ = "evidence_snapshot"

    id: int | None = Field(default=None, primary_key=True)
    model: str = Field(max_length=256)
    version: str = Field(max_length=20)
    subject_digest: str = Field(max_length=64)
    """SHA-256 over what the version *is*: name, version, source, model id, run, artifact hashes, dataset digests."""
    digest: str = Field(max_length=64)
    """SHA-256 over the canonical JSON of ``content``."""
    content: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    taken_at: datetime = Field(default_factory=now)
    taken_by: str = Field(max_length=80)

    __table_args__ = (Index("evidence_by_version", "model", "version", "taken_at"),)


class EvidenceCheck(SQLModel, table=True):
    """A copy was compared with MLflow: ``same``, ``changed`` (with the differences), or MLflow was ``unreachable``."""

    __tablename__ = "evidence_check"

    id: int | None = Field(default=None, primary_key=True)
    snapshot_id: int = Field(foreign_key="evidence_snapshot.id", index=True, ondelete="CASCADE")
    outcome: str = Field(max_length=20)
    differences: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    checked_at: datetime = Field(default_factory=now)


class EvidenceFile(SQLModel, table=True):
    """A file that a person uploaded for a subject; the bytes lie in the evidence folder under their SHA-256."""

    __tablename__ = "evidence_file"

    id: int | None = Field(default=None, primary_key=True)
    subject: str = Field(max_length=300, index=True)
    """What it is evidence for, such as ``case:12``."""
    name: str = Field(max_length=200)
    sha256: str = Field(max_length=64)
    size: int
    media_type: str = Field(max_length=100)
    """As sniffed from its bytes, never as claimed."""
    uploaded_by: str = Field(max_length=80)
    uploaded_at: datetime = Field(default_factory=now)

    __table_args__ = (UniqueConstraint("subject", "name", "sha256"),)


class CiFact(SQLModel, table=True):
    """What a CI pipeline said of a model version it made: repository, commit, workflow, and who committed."""

    __tablename__ = "ci_fact"

    id: int | None = Field(default=None, primary_key=True)
    model: str = Field(max_length=256)
    version: str = Field(max_length=20)
    repository: str = Field(max_length=300)
    commit: str = Field(max_length=64)
    workflow: str = Field(max_length=200)
    committers: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Mail addresses or names: they are barred from reviewing this version."""
    told_by: str = Field(max_length=80)
    told_at: datetime = Field(default_factory=now)

    __table_args__ = (Index("ci_fact_by_version", "model", "version"),)
