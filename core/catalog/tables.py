"""What the catalog stores. ``entry`` is narrow, so that lists and facets are fast; long texts stand beside it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from core.db import now


class Entry(SQLModel, table=True):
    """One thing in the catalog, as lists show it."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=190)
    """The reference in lower case, ``kind:namespace/name``: unique whatever case a name is written in."""
    kind: str = Field(max_length=63)
    namespace: str = Field(max_length=63)
    name: str = Field(max_length=63)
    title: str = Field(max_length=140)
    summary: str = Field(max_length=1000)
    owner: str = Field(max_length=63)
    """The owning team's id."""
    unit: str | None = Field(default=None, max_length=63)
    """The owning team's business unit, kept here so that visibility is decided in one statement."""
    lifecycle: str = Field(max_length=20)
    classification: str = Field(max_length=20)
    version: str = Field(max_length=64)
    licence: str = Field(default="", max_length=100)
    adoptions: int = 0
    """How many projects use it now; kept by ``projects.actions``."""
    quality: int = 100
    """80 to 125 per cent: how complete the entry is; a factor of its rank."""
    successor: str | None = Field(default=None, max_length=190)
    source: str = Field(max_length=200)
    """Where its definition came from last: ``file``, ``interface`` or ``import:<origin>``; ``project`` where a project keeps
    it, and nobody else changes it."""
    origin: str = Field(default="", max_length=500)
    stale_since: datetime | None = None
    revision: int = 1
    """Counts changes; an edit names the revision it started from (optimistic locking)."""
    demo: bool = False
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)

    __table_args__ = (
        Index("entry_by_kind", "kind", "title"),
        Index("entry_by_owner", "owner"),
        Index("entry_by_title", "title"),
        Index("entry_by_source", "source"),
        Index("entry_by_adoptions", "adoptions", "title"),
        Index("entry_by_facet", "kind", "owner", "lifecycle", "classification", "unit"),
    )


class EntryContent(SQLModel, table=True):
    """The rest of an entry: its document, and for each field who set it last."""

    __tablename__ = "entry_content"

    entry_id: int = Field(primary_key=True, foreign_key="entry.id", ondelete="CASCADE")
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    """The whole YAML document as read or edited: ``apiVersion``, ``kind``, ``metadata``, ``spec``."""
    provenance: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Field path → ``interface`` where a person's edit stands; every other field is its source's."""
    digest: str = Field(max_length=64)


class EntryText(SQLModel, table=True):
    """The words of an entry, for the search index (FTS5 or tsvector) and for reading."""

    __tablename__ = "entry_text"

    entry_id: int = Field(primary_key=True, foreign_key="entry.id", ondelete="CASCADE")
    name: str
    title: str
    tags: str
    summary: str
    words: str
    """The texts of the specification."""
    readme: str


class EntryTag(SQLModel, table=True):
    """A tag of an entry."""

    __tablename__ = "entry_tag"

    entry_id: int = Field(primary_key=True, foreign_key="entry.id", ondelete="CASCADE")
    tag: str = Field(primary_key=True, max_length=63)

    __table_args__ = (Index("entry_tag_by_tag", "tag", "entry_id"), {"sqlite_with_rowid": False})


class EntryRelation(SQLModel, table=True):
    """An entry names another one; the target may not exist (yet)."""

    __tablename__ = "entry_relation"

    entry_id: int = Field(primary_key=True, foreign_key="entry.id", ondelete="CASCADE")
    relation: str = Field(primary_key=True, max_length=40)
    target: str = Field(primary_key=True, max_length=190)

    __table_args__ = (Index("entry_relation_by_target", "target"), {"sqlite_with_rowid": False})


class EntryVersion(SQLModel, table=True):
    """A version an entry has or had."""

    __tablename__ = "entry_version"

    entry_id: int = Field(primary_key=True, foreign_key="entry.id", ondelete="CASCADE")
    version: str = Field(primary_key=True, max_length=64)
    released: str = Field(default="", max_length=10)
    notes: str = ""
    seen_at: datetime = Field(default_factory=now)


class EntryAlias(SQLModel, table=True):
    """A former reference that still leads to its entry after a rename."""

    __tablename__ = "entry_alias"

    key: str = Field(primary_key=True, max_length=190)
    entry_id: int = Field(foreign_key="entry.id", ondelete="CASCADE", index=True)


class SearchWord(SQLModel, table=True):
    """The catalog's vocabulary, unstemmed, for "did you mean"."""

    __tablename__ = "search_word"

    word: str = Field(primary_key=True, max_length=63)


class CatalogFile(SQLModel, table=True):
    """A definition file as it was last loaded: an unchanged file is not read again."""

    __tablename__ = "catalog_file"

    source: str = Field(primary_key=True, max_length=200)
    path: str = Field(primary_key=True, max_length=500)
    digest: str = Field(max_length=64)
    keys: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    problems: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class Source(SQLModel, table=True):
    """A git repository whose definitions are imported."""

    id: int | None = Field(default=None, primary_key=True)
    location: str = Field(unique=True, max_length=500)
    added_by: str = Field(max_length=80)
    added_at: datetime = Field(default_factory=now)
    imported_at: datetime | None = None
    outcome: str = Field(default="", max_length=2000)


class Proposal(SQLModel, table=True):
    """A new entry or a change to one, waiting for another person."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=190, index=True)
    entry_id: int | None = Field(default=None, foreign_key="entry.id", ondelete="SET NULL")
    base_revision: int = 0
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    readme: str = ""
    note: str = Field(default="", max_length=2000)
    revision: int = 1
    """Grows when its author revises it while it waits, so that nobody approves what they have not read."""
    state: str = Field(default="submitted", max_length=20, index=True)
    proposed_by: str = Field(max_length=80)
    proposed_at: datetime = Field(default_factory=now)
    decided_by: str | None = Field(default=None, max_length=80)
    decided_at: datetime | None = None
    reason: str = Field(default="", max_length=2000)


class Demand(SQLModel, table=True):
    """What people looked for and did not find: a search without a result, a wish, or an entry they turned down."""

    text: str = Field(primary_key=True, max_length=200)
    """In lower case with single blanks, so that spellings of the same words are one demand."""
    searches: int = 0
    wishes: int = 0
    first_at: datetime = Field(default_factory=now)
    last_at: datetime = Field(default_factory=now)
    note: str = Field(default="", max_length=2000)
    state: str = Field(default="open", max_length=20, index=True)
    """``open``, ``taken`` by somebody who works on it, ``answered`` by an entry, or ``declined`` with a reason."""
    taken_by: str | None = Field(default=None, max_length=80)
    taken_at: datetime | None = None
    answer: str | None = Field(default=None, max_length=190)
    """Key of the entry that answers it."""
    decided_by: str | None = Field(default=None, max_length=80)
    decided_at: datetime | None = None
    reason: str = Field(default="", max_length=2000)


class DemandAsk(SQLModel, table=True):
    """Somebody asked for something; the same person asking the same way again on one day is one ask."""

    __tablename__ = "demand_ask"

    id: int | None = Field(default=None, primary_key=True)
    text: str = Field(foreign_key="demand.text", max_length=200, ondelete="CASCADE")
    how: str = Field(max_length=20)
    """``search``, ``wish`` or ``review`` (of a project, which found nothing or turned an entry down)."""
    asked_by: str = Field(max_length=80)
    person_id: str | None = Field(default=None, foreign_key="person.id", max_length=20, index=True, ondelete="CASCADE")
    """Who is told of the answer; nobody where a program asked."""
    unit_id: str | None = Field(default=None, foreign_key="business_unit.id", max_length=63, ondelete="SET NULL")
    project_id: str = Field(default="", max_length=63)
    entry_key: str = Field(default="", max_length=190)
    """The entry that was turned down, where one was."""
    note: str = Field(default="", max_length=2000)
    day: date
    asked_at: datetime = Field(default_factory=now)

    __table_args__ = (UniqueConstraint("text", "asked_by", "how", "project_id", "day", name="one_ask_a_day"),)
