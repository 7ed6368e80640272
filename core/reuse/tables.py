"""What the store keeps of reuse: what a project decided about each thing that exists already."""

from datetime import datetime

from sqlmodel import JSON, Column, Field, SQLModel

from core.db import now


class ReuseDecision(SQLModel, table=True):
    """A project reuses or adapts an entry, or builds its own in spite of it, and why; the latest decision stands."""

    __tablename__ = "reuse_decision"

    project_id: str = Field(primary_key=True, foreign_key="project.id", max_length=63, ondelete="CASCADE")
    entry_id: int = Field(primary_key=True, foreign_key="entry.id", index=True, ondelete="CASCADE")
    version: str = Field(max_length=64)
    """The entry's version that was decided about."""
    decision: str = Field(max_length=20)
    """``reuse``, ``adapt`` or ``build``."""
    reason: str = Field(max_length=2000)
    score: int = 0
    """How similar the entry was at that moment, in thousandths."""
    terms: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """The words of the project that it matched at that moment, the most telling first."""
    decided_by: str = Field(max_length=80)
    decided_at: datetime = Field(default_factory=now)
