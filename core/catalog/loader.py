"""Bringing definitions into the catalog: validate all, create and update, mark what vanished as stale, delete nothing.

The shipped folder, a pushed file, a folder and a git repository all come through :func:`run`. Files are read and
parsed outside the transaction; all changes of one run are one transaction, so a killed load leaves nothing behind.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import delete, insert, update
from sqlmodel import Session, col, select

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog import documents, merging, sources, storing, teams
from core.catalog.documents import Definition, Problem
from core.catalog.references import team_of
from core.catalog.sources import SourceFile
from core.catalog.storing import Storable
from core.catalog.tables import CatalogFile, Entry, EntryContent
from core.config import settings

FILE = "file"
_CATALOG_LOCK = 720_317

Action = Literal["create", "update", "unchanged", "stale", "refused"]

_WORTH_READING: tuple[Action, ...] = ("refused", "stale", "update", "create", "unchanged")


@dataclass(frozen=True)
class Change:
    """What a run does to one entry, or why it refuses a definition."""

    action: Action
    key: str
    origin: str
    fields: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class Report:
    """The outcome of a run; with ``dry_run`` nothing was changed. Unchanged entries are counted, not listed."""

    source: str
    dry_run: bool
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0

    def count(self, action: Action) -> int:
        """How many entries the run treats this way."""
        return self.unchanged if action == "unchanged" else sum(one.action == action for one in self.changes)

    @property
    def counts(self) -> dict[str, int]:
        """All counts by action."""
        return {one: self.count(one) for one in ("create", "update", "unchanged", "stale", "refused")}

    def first(self, most: int) -> list[Change]:
        """At most so many of the changes: those to be read before the others come first, as refusals do."""
        return sorted(self.changes, key=lambda one: _WORTH_READING.index(one.action))[:most]


@dataclass
class _Read:
    """What was read of a source's files: definitions and problems of new and changed ones, keys of the others."""

    definitions: list[Definition] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unchanged: dict[str, str] = field(default_factory=dict)
    """Key → the unchanged file that gives it."""
    silenced: dict[str, str] = field(default_factory=dict)
    """Key → the file that gave it and cannot be read now: its entry is neither stale nor free for another file."""
    files: list[dict[str, Any]] = field(default_factory=list)
    vanished: set[str] = field(default_factory=set)
    mentioned_keys: set[str] = field(default_factory=set)


def load(actor: Actor) -> Report:
    """Load the shipped catalog folder, with the teams that own it."""
    folder = settings().catalog
    teams.add_missing(actor, teams.read(folder)[0])
    return run(actor, source=FILE, files=shipped(folder), whole=True)


def shipped(folder: Path) -> Iterator[SourceFile]:
    """The definition files of the catalog folder; ``teams.yaml`` is one that defines nothing and may have problems."""
    _, problems = teams.read(folder)
    if problems:
        digest = documents.digest([str(one) for one in problems], "")
        yield SourceFile(teams.FILE, digest, lambda: ([], problems))
    yield from (one for one in sources.read_folder(folder) if one.path != teams.FILE)


def run(
    actor: Actor,
    *,
    source: str,
    files: Iterable[SourceFile],
    whole: bool,
    dry_run: bool = False,
) -> Report:
    """Bring the definitions in ``files`` into the catalog.

    ``whole`` says that these are all files of the source: entries it no longer defines become stale. A dry run does
    everything in a transaction that is then thrown away, so that what it reports is what would happen.
    """
    policy.require(actor, "entry.load" if source == FILE else "admin.sources")
    with db.reading() as session:
        known = {one.path: one for one in session.exec(select(CatalogFile).where(CatalogFile.source == source))}
    read = _read_files(source, files, known, whole)
    with db.writing() as session:
        report = apply(session, actor=actor, read=read, source=source, whole=whole, dry_run=dry_run)
        if dry_run:
            session.rollback()
    return report


def _read_files(source: str, files: Iterable[SourceFile], known: dict[str, CatalogFile], whole: bool) -> _Read:
    read, contested = _Read(), _contested(known.values())
    seen: set[str] = set()
    for file in files:
        seen.add(file.path)
        before = known.get(file.path)
        if before is not None and _is_settled(before, file, contested):
            read.unchanged |= dict.fromkeys(before.keys, file.path)
        else:
            _read_one(read, source, file, before)
    if whole:
        read.vanished = known.keys() - seen
    _keep_the_first(read, known)
    return read


def _contested(known: Iterable[CatalogFile]) -> set[str]:
    """The keys that more than one file gave, one after the other: what the catalog holds may be of either."""
    counts = Counter(key for one in known for key in one.keys)
    return {key for key, count in counts.items() if count > 1}


def _is_settled(before: CatalogFile, file: SourceFile, contested: set[str]) -> bool:
    """Whether reading the file again would tell nothing new."""
    return before.digest == file.digest and not before.problems and contested.isdisjoint(before.keys)


def _read_one(read: _Read, source: str, file: SourceFile, before: CatalogFile | None) -> None:
    definitions, problems = file.read()
    keys = {one.ref.lower() for one in definitions}
    if problems and before is not None:  # a broken file still speaks for the entries it defined before
        keys |= set(before.keys)
        if not definitions:
            read.silenced |= dict.fromkeys(before.keys, file.path)
    read.mentioned_keys |= keys
    read.definitions += definitions
    read.problems += problems
    read.files.append({"source": source, "path": file.path, "digest": file.digest, "keys": keys})


def _keep_the_first(read: _Read, known: dict[str, CatalogFile]) -> None:
    """Of two files that define one entry, the one that gave it so far keeps it, otherwise the first by path."""

    def is_newcomer(one: Definition) -> bool:
        before = known.get(one.origin)
        return before is None or one.ref.lower() not in before.keys

    ordered = sorted(read.definitions, key=is_newcomer)
    read.definitions, doubles = sources.without_doubles(ordered, read.silenced | read.unchanged)
    read.problems += doubles
    giver = read.silenced | read.unchanged | {one.ref.lower(): one.origin for one in read.definitions}
    for row in read.files:
        row["keys"] = sorted(key for key in row["keys"] if giver.get(key, row["path"]) == row["path"])


def apply(session: Session, *, actor: Actor, read: _Read, source: str, whole: bool, dry_run: bool = False) -> Report:
    """Write what was read, in the caller's transaction; records one activity for every entry that changes."""
    policy.require(actor, "entry.load" if source == FILE else "admin.sources")
    db.take_turns(session, _CATALOG_LOCK)
    report = Report(source, dry_run, [Change("refused", "", one.origin, problems=[str(one)]) for one in read.problems])
    definitions = _with_known_owner(session, read.definitions, report)
    existing = {row.key: row for row in storing.keys_of(session, [one.ref.lower() for one in definitions])}
    fresh = [one for one in definitions if one.ref.lower() not in existing]
    there = [one for one in definitions if one.ref.lower() in existing]
    told: list[events.Event] = []
    units = queries.team_units(session)
    told += _create(session, fresh, units, source, report)
    told += _update(session, there, existing, units, source, report)
    report.unchanged += len(read.unchanged)
    if whole:
        told += _mark_stale(session, read.unchanged.keys() | read.mentioned_keys, source, report)
    _remember_files(session, source, read, report)
    if told:
        told.append(_summary(report))
        record(session, actor, *told)
    return report


def _with_known_owner(session: Session, definitions: Sequence[Definition], report: Report) -> list[Definition]:
    known = queries.team_units(session)
    good = []
    for one in definitions:
        owner = one.spec.owner if one.spec else str((one.raw.get("spec") or {}).get("owner", ""))
        if one.spec is None or team_of(owner) in known:
            good.append(one)
            continue
        close = difflib.get_close_matches(team_of(owner), list(known), n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        problem = Problem(
            one.origin, one.document, "spec.owner", f"the team {team_of(owner)!r} does not exist.",
            f"{hint}Add the team in Admin, or name one of: {', '.join(sorted(known)[:12])}.",
        )  # fmt: skip
        report.changes.append(Change("refused", one.ref.lower(), one.origin, problems=[str(problem)]))
    return good


def _create(
    session: Session, definitions: Sequence[Definition], units: dict[str, str | None], source: str, report: Report
) -> list[events.Event]:
    storing.create(session, [_storable(one, units, source) for one in definitions])
    report.changes += [Change("create", one.ref.lower(), one.origin) for one in definitions]
    return [
        events.EntryCreated(one.ref.lower(), source=source, version=one.spec.version if one.spec else "")
        for one in definitions
    ]


def _update(
    session: Session,
    definitions: Sequence[Definition],
    existing: dict[str, Any],
    units: dict[str, str | None],
    source: str,
    report: Report,
) -> list[events.Event]:
    told: list[events.Event] = []
    storables: list[Storable] = []
    changed = [one for one in definitions if _differs(existing[one.ref.lower()], one, source)]
    report.unchanged += len(definitions) - len(changed)
    contents = storing.contents_of(session, [existing[one.ref.lower()].id for one in changed])
    for one in changed:
        row = existing[one.ref.lower()]
        if row.source != source and _says_the_same(contents[row.id], one):
            report.unchanged += 1
            if row.source == merging.INTERFACE:
                _hand_over(session, row.id, one, source)
            continue
        if row.source not in (source, merging.INTERFACE):
            report.changes.append(_elsewhere(one, row.source))
            continue
        outcome = _merged(one, row, contents[row.id], units, source, report)
        if outcome is None:
            continue
        storable, merged = outcome
        storables.append(storable)
        told += _tell(one, row, merged, source, report)
    storing.replace(session, storables)
    returned = [one.entry_id for one in storables if existing[one.key].stale_since is not None]
    for batch in db.batches(returned, storing.BATCH):
        session.execute(update(Entry).where(col(Entry.id).in_(batch)).values(stale_since=None))
    return told


def _says_the_same(content: Any, one: Definition) -> bool:
    return merging.fields(content.document, content.readme) == merging.fields(one.raw, one.readme)


def _hand_over(session: Session, entry_id: int, one: Definition, source: str) -> None:
    """An entry made in the interface that now stands in a file, word for word, is the file's from here on."""
    session.execute(update(Entry).where(col(Entry.id) == entry_id).values(source=source, origin=one.origin[:500]))
    given = {"digest": one.digest, "provenance": {}}
    session.execute(update(EntryContent).where(col(EntryContent.entry_id) == entry_id).values(**given))


def _differs(row: Any, one: Definition, source: str) -> bool:
    return row.digest != one.digest or row.stale_since is not None or row.source != source


def _elsewhere(one: Definition, other: str) -> Change:
    problem = Problem(
        one.origin, one.document, "metadata.name", f"{one.ref} is defined by another source already ({other}).",
        "Give it another name or namespace, or remove it there.",
    )  # fmt: skip
    return Change("refused", one.ref.lower(), one.origin, problems=[str(problem)])


def _merged(
    one: Definition, row: Any, content: Any, units: dict[str, str | None], source: str, report: Report
) -> tuple[Storable, merging.Merged] | None:
    provenance = content.provenance
    if row.source == merging.INTERFACE:  # made here by people: all of it is theirs until the source says the same
        provenance = dict.fromkeys(merging.fields(content.document, content.readme), merging.INTERFACE)
    merged = merging.merge(content.document, content.readme, one.raw, one.readme, provenance)
    definition = one
    if merged.kept:
        checked = documents.define(merged.document, one.origin, readme=merged.readme)
        if not isinstance(checked, Definition):
            problems = [f"{problem} (after keeping edits made here)" for problem in checked]
            report.changes.append(Change("refused", one.ref.lower(), one.origin, problems=problems))
            return None
        definition = checked
    return (
        Storable(
            definition, units.get(team_of(_owner(definition))), source, merged.provenance, one.digest, row.id, row.demo
        ),
        merged,
    )


def _tell(one: Definition, row: Any, merged: merging.Merged, source: str, report: Report) -> list[events.Event]:
    key = one.ref.lower()
    if merged.changed:
        report.changes.append(Change("update", key, one.origin, merged.changed, merged.kept))
        version = one.spec.version if one.spec else ""
        return [events.EntryUpdated(key, source=source, fields=merged.changed, kept=merged.kept, version=version)]
    if row.stale_since is not None:
        report.changes.append(Change("update", key, one.origin))
        return [events.EntryReturned(key, source=source)]
    report.unchanged += 1
    return []


def _mark_stale(session: Session, named: Set[str], source: str, report: Report) -> list[events.Event]:
    rows = session.execute(select(Entry.id, Entry.key).where(Entry.source == source, col(Entry.stale_since).is_(None)))
    gone = [(entry_id, key) for entry_id, key in rows if key not in named]
    for batch in db.batches([entry_id for entry_id, _ in gone], storing.BATCH):
        session.execute(update(Entry).where(col(Entry.id).in_(batch)).values(stale_since=db.now()))
    report.changes += [Change("stale", key, "") for _, key in gone]
    return [events.EntryWentStale(key, source=source) for _, key in gone]


def _remember_files(session: Session, source: str, read: _Read, report: Report) -> None:
    paths = [row["path"] for row in read.files] + sorted(read.vanished)
    for batch in db.batches(paths, storing.BATCH):
        session.execute(delete(CatalogFile).where(col(CatalogFile.source) == source, col(CatalogFile.path).in_(batch)))
    refused: dict[str, list[str]] = {}
    for change in report.changes:
        if change.action == "refused":
            refused.setdefault(change.origin, []).extend(change.problems)
    rows = [row | {"problems": refused.get(row["path"], [])} for row in read.files]
    if rows:
        session.execute(insert(CatalogFile), rows)


def _summary(report: Report) -> events.CatalogImported:
    counts = report.counts
    return events.CatalogImported(
        f"source:{report.source}"[:220], created=counts["create"], updated=counts["update"],
        unchanged=counts["unchanged"], stale=counts["stale"], refused=counts["refused"],
    )  # fmt: skip


def _storable(one: Definition, units: dict[str, str | None], source: str) -> Storable:
    return Storable(one, units.get(team_of(_owner(one))), source, {}, one.digest)


def _owner(one: Definition) -> str:
    return one.spec.owner if one.spec else str((one.raw.get("spec") or {}).get("owner", ""))
