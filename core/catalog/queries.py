"""Reading the catalog: one entry with everything about it, proposals, sources, and what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Scope
from core.catalog import merging
from core.catalog.references import normalise
from core.catalog.tables import (
    CatalogFile,
    Entry,
    EntryAlias,
    EntryContent,
    EntryRelation,
    EntryTag,
    EntryText,
    EntryVersion,
    Proposal,
    Source,
)  # fmt: skip
from core.catalog.visibility import sees, visible
from core.errors import NotFound

_NAMED: tuple[Any, ...] = (
    EntryRelation.relation, EntryRelation.target, Entry.title, Entry.kind, Entry.lifecycle,
)  # fmt: skip
_NAMING: tuple[Any, ...] = (EntryRelation.relation, Entry.key, Entry.title, Entry.kind, Entry.lifecycle)


@dataclass(frozen=True)
class Relation:
    """A relation of an entry; ``title`` is empty where the other end is not in the catalog or not visible."""

    relation: str
    key: str
    title: str
    kind: str
    lifecycle: str


@dataclass(frozen=True)
class EntryPage:
    """Everything the entry page shows of one entry."""

    entry: Entry
    document: dict[str, Any]
    readme: str
    provenance: dict[str, str]
    tags: list[str]
    versions: list[EntryVersion]
    relations: list[Relation]
    named_by: list[Relation]
    renamed_from: str = ""

    @property
    def scope(self) -> Scope:
        """Where the entry belongs."""
        return Scope(unit=self.entry.unit, team=self.entry.owner)

    @property
    def spec(self) -> dict[str, Any]:
        """The entry's specification as it stands in YAML."""
        spec = self.document.get("spec")
        return spec if isinstance(spec, dict) else {}


def entry(session: Session, actor: Actor, ref: str) -> EntryPage:
    """The entry with this reference or former reference; not found and not visible are told apart by nobody."""
    policy.require(actor, "catalog.browse")
    key = normalise(ref.strip(), "asset")
    found = session.exec(select(Entry).where(Entry.key == key, visible(actor))).first()
    renamed_from = ""
    if found is None:
        statement = select(Entry).join(EntryAlias, col(EntryAlias.entry_id) == Entry.id)
        found = session.exec(statement.where(EntryAlias.key == key, visible(actor))).first()
        renamed_from = key
    if found is None or found.id is None:
        raise NotFound(
            f"No entry {key}.", hint="Search the catalog; it may have another name or not be visible to you."
        )
    content = session.execute(
        select(EntryContent.document, EntryText.readme, EntryContent.provenance)
        .join(EntryText, col(EntryText.entry_id) == EntryContent.entry_id)
        .where(EntryContent.entry_id == found.id)
    ).one()
    return EntryPage(
        entry=found,
        document=content.document,
        readme=content.readme,
        provenance=content.provenance,
        tags=list(session.exec(select(EntryTag.tag).where(EntryTag.entry_id == found.id).order_by(EntryTag.tag))),
        versions=_versions(session, found.id),
        relations=_relations(session, actor, found.id),
        named_by=_named_by(session, actor, found.key),
        renamed_from=renamed_from,
    )


def _versions(session: Session, entry_id: int) -> list[EntryVersion]:
    statement = select(EntryVersion).where(EntryVersion.entry_id == entry_id)
    ordered = statement.order_by(col(EntryVersion.released).desc(), col(EntryVersion.seen_at).desc())
    return list(session.exec(ordered))


def _relations(session: Session, actor: Actor, entry_id: int) -> list[Relation]:
    rows = session.execute(
        select(*_NAMED)
        .outerjoin(Entry, (col(Entry.key) == EntryRelation.target) & visible(actor))
        .where(EntryRelation.entry_id == entry_id)
        .order_by(EntryRelation.relation, EntryRelation.target)
    )
    return [Relation(row[0], row[1], row[2] or "", row[3] or row[1].partition(":")[0], row[4] or "") for row in rows]


def _named_by(session: Session, actor: Actor, key: str) -> list[Relation]:
    rows = session.execute(
        select(*_NAMING)
        .join(Entry, col(Entry.id) == EntryRelation.entry_id)
        .where(EntryRelation.target == key, visible(actor))
        .order_by(Entry.kind, Entry.title)
        .limit(200)
    )
    return [Relation(*row) for row in rows]


@dataclass(frozen=True)
class ProposalRow:
    """A line of the proposals list."""

    id: int
    key: str
    title: str
    owner: str
    classification: str
    is_new: bool
    state: str
    proposed_by: str
    proposed_at: datetime
    note: str


def proposals(session: Session, actor: Actor, *, state: str = "submitted", mine: bool = False) -> list[ProposalRow]:
    """Proposals that ``actor`` made, or may decide on and sees; the oldest first, as a queue."""
    policy.require(actor, "catalog.browse")
    statement = _readable_proposals(actor).order_by(col(Proposal.id)).limit(500)
    if state:
        statement = statement.where(Proposal.state == state)
    if mine:
        statement = statement.where(Proposal.proposed_by == actor.ref)
    rows = [_proposal_row(one) for one in session.exec(statement)]
    return [row for row in rows if _may_read(session, actor, row)]


def _readable_proposals(actor: Actor) -> Any:
    """Proposals for new entries, for entries that ``actor`` sees, and their own."""
    there = select(Proposal).outerjoin(Entry, col(Entry.key) == Proposal.key)
    return there.where(or_(col(Entry.id).is_(None), visible(actor), col(Proposal.proposed_by) == actor.ref))


def _may_read(session: Session, actor: Actor, row: ProposalRow) -> bool:
    """Whether it is ``actor``'s own, or they may decide on it and see an entry like the one that it would make."""
    if row.proposed_by == actor.ref:
        return True
    scope = _row_scope(session, row)
    seen = sees(policy.sight(actor), row.classification, team=scope.team, unit=scope.unit)
    return seen and policy.may(actor, "entry.publish", scope)


def _proposal_row(one: Proposal) -> ProposalRow:
    metadata, spec = one.document.get("metadata", {}), one.document.get("spec", {})
    owner = str(spec.get("owner", "")).rpartition(":")[2].rpartition("/")[2].lower()
    return ProposalRow(
        one.id or 0, one.key, metadata.get("title") or metadata.get("name", ""), owner,
        str(spec.get("classification", "internal")), one.entry_id is None, one.state, one.proposed_by, one.proposed_at,
        one.note,
    )  # fmt: skip


def _row_scope(session: Session, row: ProposalRow) -> Scope:
    from core.access.tables import Team

    team = session.get(Team, row.owner)
    return Scope(unit=team.unit_id if team else None, team=row.owner)


@dataclass(frozen=True)
class ProposalPage:
    """A proposal beside the entry it would change, field by field."""

    proposal: Proposal
    scope: Scope
    differences: list[tuple[str, Any, Any]]
    """(field, value now, value proposed)"""
    outdated: bool
    """The entry changed since the proposal was made."""


def proposal(session: Session, actor: Actor, proposal_id: int) -> ProposalPage:
    """One proposal, for its proposer and those who may decide on it and see what it is about."""
    policy.require(actor, "catalog.browse")
    found = session.exec(_readable_proposals(actor).where(Proposal.id == proposal_id)).first()
    if found is None or not _may_read(session, actor, _proposal_row(found)):
        raise NotFound(f"No proposal {proposal_id}.")
    scope = _row_scope(session, _proposal_row(found))
    now_there: dict[str, Any] = {}
    revision = 0
    row = session.execute(
        select(EntryContent.document, EntryText.readme, Entry.revision)
        .join(Entry, col(Entry.id) == EntryContent.entry_id)
        .join(EntryText, col(EntryText.entry_id) == EntryContent.entry_id)
        .where(Entry.key == found.key)
    ).first()
    if row is not None:
        now_there, revision = merging.fields(row.document, row.readme), row.revision
    wanted = merging.fields(found.document, found.readme)
    changed = merging.changed_fields(now_there, wanted)
    differences = [(name, now_there.get(name), wanted.get(name)) for name in changed]
    return ProposalPage(found, scope, differences, found.state == "submitted" and revision != found.base_revision)


def documents_of(
    session: Session, actor: Actor, *, kinds: tuple[str, ...] = ()
) -> Iterator[tuple[dict[str, Any], str]]:
    """Every visible entry's document and README, by key: what an export writes."""
    policy.require(actor, "catalog.browse")
    statement = (
        select(EntryContent.document, EntryText.readme)
        .join(Entry, col(Entry.id) == EntryContent.entry_id)
        .join(EntryText, col(EntryText.entry_id) == EntryContent.entry_id)
        .where(visible(actor))
        .order_by(Entry.key)
        .execution_options(yield_per=500)
    )
    if kinds:
        statement = statement.where(col(Entry.kind).in_(kinds))
    for row in session.execute(statement):
        yield row.document, row.readme


def sources(session: Session, actor: Actor) -> list[Source]:
    """The git sources, oldest first."""
    policy.require(actor, "admin.sources")
    return list(session.exec(select(Source).order_by(col(Source.id))))


def problems(session: Session, actor: Actor) -> list[tuple[str, str, list[str]]]:
    """Definition files that were refused when last read: (source, path, problems)."""
    policy.require(actor, "admin.sources")
    rows = session.execute(
        select(CatalogFile.source, CatalogFile.path, CatalogFile.problems).order_by(CatalogFile.path)
    )
    return [(row.source, row.path, row.problems) for row in rows if row.problems]


@dataclass(frozen=True)
class Glance:
    """The catalog in numbers, as the actor sees it."""

    entries: int
    by_kind: dict[str, int]
    adoptions: int
    stale: int
    added_this_month: int


def glance(session: Session, actor: Actor, *, since: datetime) -> Glance:
    """How many entries there are by kind, how often they are used, and how many are stale or new since a moment."""
    policy.require(actor, "catalog.browse")
    columns: tuple[Any, ...] = (
        Entry.kind, func.count(), func.coalesce(func.sum(Entry.adoptions), 0), func.count(col(Entry.stale_since)),
        func.count().filter(col(Entry.created_at) >= since),
    )  # fmt: skip
    rows = session.execute(
        select(*columns).where(visible(actor), Entry.lifecycle != "retired").group_by(Entry.kind)
    ).all()
    return Glance(
        entries=sum(row[1] for row in rows),
        by_kind={row[0]: row[1] for row in rows},
        adoptions=sum(row[2] for row in rows),
        stale=sum(row[3] for row in rows),
        added_this_month=sum(row[4] for row in rows),
    )


def owned(session: Session, actor: Actor, *, limit: int = 10) -> list[Entry]:
    """The entries of the actor's teams that changed last."""
    policy.require(actor, "catalog.browse")
    statement = select(Entry).where(col(Entry.owner).in_(actor.teams), visible(actor))
    return list(session.exec(statement.order_by(col(Entry.updated_at).desc()).limit(limit)))
