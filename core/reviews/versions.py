"""The versions of checklists as lists show them, and how many cases rest on each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.access.policy import Actor
from core.catalog.references import normalise
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.errors import NotFound
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews import states
from core.reviews.tables import ChecklistVersion, ReviewCase


@dataclass(frozen=True)
class VersionRow:
    """One version of a checklist. Cases are those that the reader sees."""

    id: int
    checklist: str
    title: str
    version: str
    state: str
    items: int
    open_cases: int
    approved_cases: int
    authored_by: str
    authored_at: datetime
    published_by: str | None
    published_at: datetime | None
    reason: str


def versions(session: Session, actor: Actor, checklist: str = "") -> list[VersionRow]:
    """Every version of one checklist, or of all that the reader sees, by checklist and the newest first."""
    wanted = (
        select(ChecklistVersion, Entry)
        .join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
        .where(visible(actor))
        .order_by(Entry.key, col(ChecklistVersion.id).desc())
    )
    if checklist:
        wanted = wanted.where(Entry.key == normalise(checklist, "checklist"))
    counts = _cases(session, actor)
    return [_row(version, entry, counts) for version, entry in session.exec(wanted)]


def proposed(session: Session, actor: Actor, checklist: str, version: str = "") -> VersionRow:
    """A version by its checklist and its name; without a name, the newest one that waits for its publication."""
    rows = versions(session, actor, checklist)
    fits = [one for one in rows if (one.version == version if version else one.state == "proposed")]
    if not fits:
        wanted = f"version {version[:40]!r}" if version else "version that waits for its publication"
        there = ", ".join(f"{one.version} ({one.state})" for one in rows) or "none"
        raise NotFound(f"The checklist {checklist[:80]!r} has no {wanted}.", hint=f"Its versions: {there}.")
    return fits[0]


def _cases(session: Session, actor: Actor) -> dict[tuple[int, str], int]:
    counted = (
        select(ReviewCase.checklist_id, ReviewCase.state, func.count())
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(shown_to(actor))
        .group_by(col(ReviewCase.checklist_id), col(ReviewCase.state))
    )
    return {(checklist_id, state): count for checklist_id, state, count in session.execute(counted)}


def _row(row: ChecklistVersion, entry: Entry, counts: dict[tuple[int, str], int]) -> VersionRow:
    def of(wanted: tuple[str, ...]) -> int:
        return sum(counts.get((row.id or 0, state), 0) for state in wanted)

    sections: list[dict[str, Any]] = row.content["sections"]
    return VersionRow(
        row.id or 0, entry.key, entry.title, row.version, row.state, sum(len(one["items"]) for one in sections),
        of(states.OPEN), of(states.APPROVED), row.authored_by, row.authored_at, row.published_by, row.published_at,
        row.reason,
    )  # fmt: skip
