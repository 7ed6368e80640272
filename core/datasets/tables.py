"""Requests for data, the grants that follow from them, and who may read because of a grant, from when until when."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import JSON, Column, Field, SQLModel

from core.db import now


class DataRequest(SQLModel, table=True):
    """Somebody asks to read a dataset, for a project or for themselves; its states are those of ``states.NEXT``."""

    __tablename__ = "data_request"

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = Field(foreign_key="entry.id", index=True, ondelete="CASCADE")
    project_id: str | None = Field(
        default=None, foreign_key="project.id", max_length=63, index=True, ondelete="CASCADE"
    )
    requested_by: str = Field(max_length=80, index=True)
    people: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Ids of the people who will read."""
    purpose: str = Field(default="", max_length=2000)
    columns: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Of the dataset's contract; empty where the contract names none, and then the whole dataset is meant."""
    environment: str = Field(max_length=20)
    hours: int
    """How long they will read; asked for in days except in production."""
    legal_basis: str = Field(default="", max_length=40)
    state: str = Field(default="draft", max_length=20, index=True)
    renews_id: int | None = Field(default=None, foreign_key="data_request.id", ondelete="SET NULL")
    """The request whose grant this one continues."""
    revision: int = 1
    """Grows with every edit of the draft, so that two people do not overwrite each other."""
    created_at: datetime = Field(default_factory=now)
    submitted_at: datetime | None = None
    decided_by: str | None = Field(default=None, max_length=80)
    decided_at: datetime | None = None
    reason: str = Field(default="", max_length=2000)
    """Why it was rejected, or what the owner said when approving."""
    approved_columns: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    approved_environment: str = Field(default="", max_length=20)
    approved_hours: int = 0
    calls: int = 0
    """How often the grant webhook was called for it."""
    next_call_at: datetime | None = None
    call_failure: str = Field(default="", max_length=1000)
    demo: bool = False


class DataGrant(SQLModel, table=True):
    """Access that was really given, with the evidence for it; it is never deleted and never made longer."""

    __tablename__ = "data_grant"

    id: int | None = Field(default=None, primary_key=True)
    request_id: int = Field(foreign_key="data_request.id", unique=True, ondelete="CASCADE")
    entry_id: int = Field(foreign_key="entry.id", index=True, ondelete="CASCADE")
    columns: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    environment: str = Field(max_length=20)
    evidence: str = Field(max_length=400)
    """A ticket or link, or the reference that the grant webhook answered with."""
    granted_by: str = Field(max_length=80)
    since: datetime
    until: datetime
    """When it ends by itself."""
    ended_at: datetime | None = None
    """When it really ended: at its time, or before it by a revocation or a renewal."""
    ended_by: str | None = Field(default=None, max_length=80)
    end_reason: str = Field(default="", max_length=2000)
    reminded_hours: int | None = None
    """The last reminder that was given, in hours before the end."""

    __table_args__ = (Index("data_grant_by_end", "ended_at", "until"),)


class DataReader(SQLModel, table=True):
    """A person may read because of a grant, from ``since`` until before ``until``; what auditors ask for any past day."""

    __tablename__ = "data_reader"

    grant_id: int = Field(primary_key=True, foreign_key="data_grant.id", ondelete="CASCADE")
    person_id: str = Field(primary_key=True, foreign_key="person.id", max_length=20, index=True, ondelete="CASCADE")
    since: datetime
    until: datetime

    __table_args__ = (Index("data_reader_by_period", "since", "until"),)
