"""What the gate wrote back to MLflow, what it still has to, and up to where it has followed the log for that."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class WrittenVerdict(SQLModel, table=True):
    """The verdict on a model version as MLflow was told last; a newer one is due while ``asked_seq`` is above ``done_seq``."""

    __tablename__ = "written_verdict"

    model: str = Field(primary_key=True, max_length=256)
    version: str = Field(primary_key=True, max_length=20)
    status: str = Field(default="", max_length=40)
    """Empty until something was written."""
    cases: str = Field(default="", max_length=200)
    environments: str = Field(default="", max_length=100)
    decided_at: str = Field(default="", max_length=40)
    alias: str = Field(default="", max_length=63)
    """The alias that this version holds by the gate's word; empty where it holds none."""
    asked_seq: int
    """The last record of the log that may have changed the verdict."""
    done_seq: int = 0
    """Up to which record it was looked at, and written where it had changed."""
    next_attempt_at: datetime | None = None
    attempts: int = 0
    failure: str = Field(default="", max_length=1000)
    written_at: datetime | None = None

    __table_args__ = (Index("written_verdict_by_attempt", "next_attempt_at"),)


class FollowedLog(SQLModel, table=True):
    """How far a part of the portal has followed the activity log."""

    __tablename__ = "followed_log"

    name: str = Field(primary_key=True, max_length=40)
    seq: int = 0
