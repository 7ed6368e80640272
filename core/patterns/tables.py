"""Approvals of pattern versions, which pattern a project stands on with its declared facts, and its deviations."""

from datetime import date, datetime
from typing import Any

from sqlmodel import JSON, Column, Field, SQLModel

from core.db import now


class PatternApproval(SQLModel, table=True):
    """A person confirmed one pre-approval of exactly one pattern version, under the conditions as they read then."""

    __tablename__ = "pattern_approval"

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = Field(foreign_key="entry.id", index=True, ondelete="CASCADE")
    version: str = Field(max_length=64)
    item_id: str = Field(max_length=40)
    """The pre-approval's id in the pattern, such as ``IT-1``."""
    by: str = Field(max_length=20)
    """Whose approval it is: IT, security, ethics or privacy."""
    scope: str
    conditions: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Frozen at the moment of approval: ``text``, ``fact`` and ``allowed`` of each."""
    evidence: str = Field(max_length=2000)
    """A link to the board's decision, or its words."""
    approved_by: str = Field(max_length=80)
    approved_at: datetime = Field(default_factory=now)
    expires_on: date
    """The last day on which it holds."""
    revoked_at: datetime | None = None
    revoked_by: str | None = Field(default=None, max_length=80)
    revoke_reason: str = Field(default="", max_length=2000)
    demo: bool = False


class PatternUse(SQLModel, table=True):
    """The pattern a project stands on, with what the team declares about the way it is used.

    That the project uses the pattern, and in which version, is its adoption; both begin and end together.
    """

    __tablename__ = "pattern_use"

    project_id: str = Field(primary_key=True, foreign_key="project.id", max_length=63, ondelete="CASCADE")
    entry_id: int = Field(foreign_key="entry.id", index=True, ondelete="CASCADE")
    version: str = Field(max_length=64)
    """The version for which the facts were declared."""
    region: str = Field(default="", max_length=40)
    services: dict[str, list[str]] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Stage (ingest, prepare, train, validate, deploy, monitor) → names of services."""
    attested: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """The texts of the conditions that the team says it keeps."""
    adopted_by: str = Field(max_length=80)
    adopted_at: datetime = Field(default_factory=now)
    revision: int = 1
    """Grows with every change, so that two people do not overwrite each other."""


class Deviation(SQLModel, table=True):
    """A project does not keep a condition of an approval, as its team declared or as the facts showed."""

    id: int | None = Field(default=None, primary_key=True)
    project_id: str = Field(foreign_key="project.id", max_length=63, index=True, ondelete="CASCADE")
    entry_id: int = Field(foreign_key="entry.id", index=True, ondelete="CASCADE")
    item_id: str = Field(max_length=40)
    condition: str = Field(default="", max_length=1000)
    """The text of the condition that is not kept; empty when it is about the approval as a whole."""
    fact: str = Field(default="", max_length=40)
    values_found: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """For a condition about a fact: the values outside the allowed ones. A decision holds for these values only."""
    what: str = Field(max_length=1000)
    origin: str = Field(max_length=20)
    """``declared`` by the team or ``found`` in the facts."""
    reason: str = Field(default="", max_length=2000)
    state: str = Field(default="open", max_length=20)
    """open → accepted, rejected or resolved; accepted and rejected → resolved."""
    declared_by: str | None = Field(default=None, max_length=80)
    declared_at: datetime = Field(default_factory=now)
    decided_by: str | None = Field(default=None, max_length=80)
    decided_at: datetime | None = None
    decision_note: str = Field(default="", max_length=2000)
    expires_on: date | None = None
    """The last day on which an acceptance holds; empty when it has no end."""
