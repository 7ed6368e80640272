"""What people are told by the portal."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from core.db import now


class Notice(SQLModel, table=True):
    """A message for one person about one thing: shown at home until it is read."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True, max_length=20, ondelete="CASCADE")
    subject: str = Field(max_length=220)
    """The thing it is about, as the activity log names it: ``asset:default/x``, ``project:x``, ``demand:x``."""
    text: str = Field(max_length=500)
    told_at: datetime = Field(default_factory=now)
    read_at: datetime | None = None
