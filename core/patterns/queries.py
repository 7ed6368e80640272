"""Reading patterns: the list with its facts, what the advisor ranks, and the definitions that are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, distinct, func
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.catalog.references import normalise
from core.catalog.tables import Entry, EntryContent
from core.catalog.visibility import visible
from core.db import now
from core.errors import Invalid, NotFound
from core.patterns.advisor import Candidate
from core.patterns.comparison import MOST
from core.patterns.tables import PatternApproval

MOST_ADVISED = 200
"""How many patterns the advisor ranks, the most used first: more than a factory keeps apart."""

_SPEC: Any = EntryContent.document["spec"]
_LISTED: tuple[Any, ...] = (
    Entry.id, Entry.key, Entry.title, Entry.version, Entry.summary, Entry.owner, Entry.lifecycle, Entry.adoptions,
    _SPEC["fits"], _SPEC["latencyClass"].as_string(), _SPEC["costClass"].as_string(),
)  # fmt: skip
_ADVISED: tuple[Any, ...] = (
    Entry.key, Entry.title, Entry.version, Entry.adoptions, Entry.summary, _SPEC["fits"], _SPEC["variants"],
)  # fmt: skip
_DEFINED: tuple[Any, ...] = (Entry.key, Entry.title, Entry.version, EntryContent.document)


@dataclass(frozen=True)
class PatternRow:
    """A pattern as the list shows it; ``approvals`` counts the items in force for its present version today."""

    entry_id: int
    key: str
    title: str
    version: str
    summary: str
    owner: str
    lifecycle: str
    adoptions: int
    latency: str
    cost: str
    classifications: tuple[str, ...]
    approvals: int


@dataclass(frozen=True)
class PatternList:
    """One page of the patterns and how many there are."""

    items: list[PatternRow]
    total: int


@dataclass(frozen=True)
class Definition:
    """A pattern with its specification as it stands in YAML."""

    key: str
    title: str
    version: str
    spec: Mapping[str, Any]


def patterns(session: Session, actor: Actor, *, page: int = 1, size: int = 50) -> PatternList:
    """The visible patterns that are not retired, the most used first, then by title."""
    policy.require(actor, "catalog.browse")
    shown = _shown(actor)
    columns: tuple[Any, ...] = (*_LISTED, _approvals_in_force())
    rows = session.execute(
        select(*columns)
        .join(EntryContent, col(EntryContent.entry_id) == Entry.id)
        .where(*shown)
        .order_by(col(Entry.adoptions).desc(), Entry.title, Entry.key)
        .limit(size)
        .offset((max(page, 1) - 1) * size)
    )
    total = session.execute(select(func.count()).select_from(Entry).where(*shown)).scalar_one()
    return PatternList([_row(one) for one in rows], total)


def candidates(session: Session, actor: Actor) -> list[Candidate]:
    """The approved patterns as the advisor ranks them: the :data:`MOST_ADVISED` most used."""
    policy.require(actor, "catalog.browse")
    rows = session.execute(
        select(*_ADVISED)
        .join(EntryContent, col(EntryContent.entry_id) == Entry.id)
        .where(*_shown(actor), Entry.lifecycle == "approved")
        .order_by(col(Entry.adoptions).desc(), Entry.title, Entry.key)
        .limit(MOST_ADVISED)
    )
    return [
        Candidate(
            key, title, version, fits or {}, tuple(one.get("classification", "") for one in variants or []), adoptions,
            summary,
        )
        for key, title, version, adoptions, summary, fits, variants in rows
    ]  # fmt: skip


def regions(session: Session, actor: Actor) -> list[str]:
    """The regions that the :data:`MOST_ADVISED` most used approved patterns name: what conditions can be kept with."""
    policy.require(actor, "catalog.browse")
    rows = session.execute(
        select(_SPEC["variants"], _SPEC["preApprovals"])
        .join(Entry, col(Entry.id) == EntryContent.entry_id)
        .where(*_shown(actor), Entry.lifecycle == "approved")
        .order_by(col(Entry.adoptions).desc(), Entry.title, Entry.key)
        .limit(MOST_ADVISED)
    )
    found: set[str] = set()
    for variants, approvals in rows:
        found.update(region for one in variants or [] for region in one.get("regions") or [])
        asked = (two for one in approvals or [] for two in one.get("conditions") or [] if two.get("fact") == "region")
        found.update(region for one in asked for region in one.get("allowed") or [])
    return sorted(found)


def definitions(session: Session, actor: Actor, refs: Sequence[str]) -> list[Definition]:
    """The patterns with these references, in this order; one that is missing or not visible is refused by name."""
    policy.require(actor, "catalog.browse")
    keys = list(dict.fromkeys(normalise(one.strip(), "pattern") for one in refs))
    if len(keys) > MOST:
        raise Invalid(f"{len(keys)} patterns are too many to compare.", hint=f"Choose two or {MOST}.")
    rows = session.execute(
        select(*_DEFINED)
        .join(EntryContent, col(EntryContent.entry_id) == Entry.id)
        .where(col(Entry.key).in_(keys), Entry.kind == "pattern", visible(actor))
    )
    found = {row.key: Definition(row.key, row.title, row.version, row.document.get("spec") or {}) for row in rows}
    if missing := [one for one in keys if one not in found]:
        raise NotFound(f"No pattern {missing[0]}.", hint="Choose one of the list; it may not be visible to you.")
    return [found[one] for one in keys]


def _shown(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return (col(Entry.kind) == "pattern", col(Entry.lifecycle) != "retired", visible(actor))


def _approvals_in_force() -> Any:
    return (
        select(func.count(distinct(col(PatternApproval.item_id))))  # a renewal is another row of the same item
        .where(
            PatternApproval.entry_id == Entry.id,
            PatternApproval.version == Entry.version,
            col(PatternApproval.revoked_at).is_(None),
            col(PatternApproval.expires_on) >= now().date(),
        )
        .correlate(Entry)
        .scalar_subquery()
    )


def _row(row: Any) -> PatternRow:
    entry_id, key, title, version, summary, owner, lifecycle, adoptions, fits, latency, cost, approvals = row
    classifications = tuple((fits or {}).get("dataClassification", ()))
    return PatternRow(
        entry_id, key, title, version, summary, owner, lifecycle, adoptions, latency or "", cost or "", classifications,
        approvals,
    )  # fmt: skip
