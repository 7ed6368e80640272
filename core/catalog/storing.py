"""Turning definitions into rows: one way into the tables for files, imports and edits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, update
from sqlmodel import Session, col, select

from core.catalog import search
from core.catalog.documents import Definition
from core.catalog.references import RELATIONS, normalise, relations_of, team_of
from core.catalog.tables import Entry, EntryContent, EntryRelation, EntryTag, EntryText, EntryVersion
from core.db import batches, is_sqlite, now

BATCH = 500
_COMPARED: tuple[Any, ...] = (
    Entry.id, Entry.key, Entry.source, Entry.stale_since, EntryContent.digest, Entry.demo,
)  # fmt: skip
_WORDS_LENGTH = 20_000


@dataclass(frozen=True)
class Storable:
    """A definition on its way into the store, with what the store adds to it."""

    definition: Definition
    unit: str | None
    source: str
    provenance: dict[str, str]
    digest: str
    entry_id: int | None = None
    demo: bool = False

    @property
    def key(self) -> str:
        """The entry's unique key."""
        return self.definition.ref.lower()


def create(session: Session, storables: Sequence[Storable]) -> dict[str, int]:
    """Insert new entries with all their rows; returns key → id."""
    ids: dict[str, int] = {}
    for batch in batches(storables, BATCH):
        rows = [_entry_row(one) | {"revision": 1, "created_at": now(), "demo": one.demo} for one in batch]
        for entry_id, key in session.execute(insert(Entry).returning(col(Entry.id), col(Entry.key)), rows):
            ids[key] = entry_id
        pairs = [(ids[one.key], one) for one in batch]
        session.execute(insert(EntryContent), [_content_row(entry_id, one) for entry_id, one in pairs])
        # RETURNING makes it one statement for all rows; FTS5 writes its pages at the end of every statement
        texts = [_text_row(entry_id, one.definition) for entry_id, one in pairs]
        session.execute(insert(EntryText).returning(col(EntryText.entry_id)), texts)
        _insert_details(session, pairs)
    search.index_words(session, (_text_row(0, one.definition) for one in storables))
    return ids


def replace(session: Session, storables: Sequence[Storable]) -> None:
    """Write changed entries (each with its ``entry_id``) over their rows and count their revision up."""
    for batch in batches(storables, BATCH):
        pairs = [(one.entry_id or 0, one) for one in batch]
        ids = [entry_id for entry_id, _ in pairs]
        session.execute(update(Entry).where(col(Entry.id).in_(ids)).values(revision=Entry.revision + 1))
        session.execute(update(Entry), [_entry_row(one) | {"id": entry_id} for entry_id, one in pairs])
        session.execute(update(EntryContent), [_content_row(entry_id, one) for entry_id, one in pairs])
        session.execute(update(EntryText), [_text_row(entry_id, one.definition) for entry_id, one in pairs])
        session.execute(delete(EntryTag).where(col(EntryTag.entry_id).in_(ids)))
        session.execute(delete(EntryRelation).where(col(EntryRelation.entry_id).in_(ids)))
        _insert_details(session, pairs)
    search.index_words(session, (_text_row(0, one.definition) for one in storables))


def keys_of(session: Session, keys: Iterable[str]) -> Iterator[Any]:
    """What the loader compares of the entries with these keys: id, key, source, digest, stale_since, content."""
    for batch in batches(keys, BATCH):
        yield from session.execute(
            select(*_COMPARED)
            .join(EntryContent, col(EntryContent.entry_id) == Entry.id)
            .where(col(Entry.key).in_(batch))
        )


def contents_of(session: Session, ids: Iterable[int]) -> dict[int, Any]:
    """Entry id → (document, readme, provenance)."""
    found: dict[int, Any] = {}
    for batch in batches(ids, BATCH):
        rows = session.execute(
            select(EntryContent.entry_id, EntryContent.document, EntryText.readme, EntryContent.provenance)
            .join(EntryText, col(EntryText.entry_id) == EntryContent.entry_id)
            .where(col(EntryContent.entry_id).in_(batch))
        )
        found |= {row.entry_id: row for row in rows}
    return found


def quality(definition: Definition) -> int:
    """How complete an entry is, 80 to 125 per cent: a README, usage, tags, a licence and version notes each add."""
    spec = definition.spec
    points = 80
    points += 15 if len(definition.readme) > 400 else 5 if definition.readme else 0
    points += 5 if definition.metadata.tags else 0
    if spec is not None:
        points += 10 if spec.usage else 0
        points += 5 if spec.licence else 0
        points += 5 if spec.versions else 0
        points += 5 if spec.depends_on or spec.see_also or spec.part_of else 0
    return points


def _entry_row(one: Storable) -> dict[str, Any]:
    definition, spec = one.definition, one.definition.spec
    metadata = definition.metadata
    raw_spec = definition.raw.get("spec")
    raw_spec = raw_spec if isinstance(raw_spec, dict) else {}
    return {
        "key": one.key,
        "kind": definition.kind,
        "namespace": metadata.namespace,
        "name": metadata.name,
        "title": metadata.title or metadata.name.replace("-", " ").capitalize(),
        "summary": metadata.description,
        "owner": team_of(spec.owner if spec else str(raw_spec.get("owner", "")))[:63],
        "unit": one.unit,
        "lifecycle": spec.lifecycle.value if spec else "approved",
        "classification": spec.classification.value if spec else "internal",
        "version": spec.version if spec else "",
        "licence": spec.licence if spec else "",
        "successor": normalise(spec.successor, definition.kind) if spec and spec.successor else None,
        "quality": quality(definition),
        "source": one.source,
        "origin": definition.origin[:500],
        "updated_at": now(),
    }


def _content_row(entry_id: int, one: Storable) -> dict[str, Any]:
    return {
        "entry_id": entry_id,
        "document": one.definition.raw,
        "provenance": one.provenance,
        "digest": one.digest,
    }


def _text_row(entry_id: int, definition: Definition) -> dict[str, Any]:
    metadata = definition.metadata
    return {
        "entry_id": entry_id,
        "name": metadata.name,
        "title": metadata.title,
        "tags": " ".join(metadata.tags),
        "summary": metadata.description,
        "words": " ".join(_texts(definition.raw.get("spec")))[:_WORDS_LENGTH],
        "readme": definition.readme,
    }


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)
    elif isinstance(value, dict):
        for name, child in value.items():
            if name not in RELATIONS and name != "owner":
                yield from _texts(child)


def _insert_details(session: Session, pairs: Sequence[tuple[int, Storable]]) -> None:
    tags, relations, versions = [], [], []
    for entry_id, one in pairs:
        definition = one.definition
        tags += [{"entry_id": entry_id, "tag": tag} for tag in definition.metadata.tags]
        relations += [
            {"entry_id": entry_id, "relation": relation, "target": target}
            for relation, target in relations_of(definition.raw.get("spec"), definition.kind)
        ]
        versions += _version_rows(entry_id, definition)
    for table, rows in ((EntryTag, tags), (EntryRelation, relations)):
        if rows:
            session.execute(insert(table), rows)
    if versions:
        session.execute(_upsert_versions(session), versions)


def _version_rows(entry_id: int, definition: Definition) -> list[dict[str, Any]]:
    spec = definition.spec
    if spec is None:
        return []
    rows = {note.version: {"released": note.date.isoformat(), "notes": note.notes} for note in spec.versions}
    rows.setdefault(spec.version, {"released": "", "notes": ""})
    return [{"entry_id": entry_id, "version": version, "seen_at": now()} | row for version, row in rows.items()]


def _upsert_versions(session: Session) -> Any:
    if is_sqlite(session):
        from sqlalchemy.dialects.sqlite import insert as dialect_insert
    else:
        from sqlalchemy.dialects.postgresql import insert as dialect_insert  # type: ignore[assignment]
    statement = dialect_insert(EntryVersion)
    given = {"released": statement.excluded.released, "notes": statement.excluded.notes}
    return statement.on_conflict_do_update(index_elements=["entry_id", "version"], set_=given)
