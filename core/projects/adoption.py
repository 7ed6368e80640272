"""The verbs of adoption: a project uses a version of an entry, and stops using it. This fact ranks, warns and values."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.db import batches, now
from core.errors import Conflict, NotFound
from core.projects.actions import ACTIVE_STAGES, locked, scope_of
from core.projects.tables import Adoption


def adopt(session: Session, *, actor: Actor, project_id: str, entry_id: int, demo: bool = False) -> Adoption:
    """Let a project use an entry's present version from now on."""
    project = locked(session, project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    if project.stage not in ACTIVE_STAGES:
        raise Conflict(f"{project.title} is {project.stage}; it adopts nothing any more.")
    entry = _adoptable_entry(session, actor, entry_id)
    if _open_adoption(session, project.id, entry_id) is not None:
        raise Conflict(f"{project.title} uses {entry.title} already.")
    adoption = Adoption(
        project_id=project.id, entry_id=entry_id, version=entry.version, adopted_by=actor.ref, demo=demo
    )
    session.add(adoption)
    session.flush()
    count_adoptions(session, [entry_id])
    record(session, actor, events.EntryAdopted(entry.key, project=project.id, version=entry.version))
    return adoption


def end_adoption(session: Session, *, actor: Actor, project_id: str, entry_id: int) -> None:
    """Note that a project no longer uses an entry; the adoption stays readable with its end."""
    project = locked(session, project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    entry = _locked_entry(session, actor, entry_id)
    adoption = _open_adoption(session, project.id, entry_id)
    if adoption is None:
        raise NotFound(f"{project.title} does not use {entry.title}.")
    adoption.until = now()
    session.add(adoption)
    session.flush()
    count_adoptions(session, [entry_id])
    record(session, actor, events.AdoptionEnded(entry.key, project=project.id, version=adoption.version))


def count_adoptions(session: Session, entry_ids: Sequence[int]) -> None:
    """Bring the number of adoptions that lists show up to date after adoptions changed."""
    open_ones = (
        select(func.count())
        .select_from(Adoption)
        .where(Adoption.entry_id == Entry.id, col(Adoption.until).is_(None))
        .correlate(Entry)
        .scalar_subquery()
    )
    for batch in batches(entry_ids, 500):
        session.execute(update(Entry).where(col(Entry.id).in_(batch)).values(adoptions=open_ones))


def _locked_entry(session: Session, actor: Actor, entry_id: int) -> Entry:
    # Locked in a statement of its own: the count that follows then sees what others have committed meanwhile.
    statement = select(Entry).where(Entry.id == entry_id, visible(actor)).with_for_update()
    found = session.exec(statement.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound(f"No entry {entry_id}.", hint="Search the catalog; it may not be visible to you.")
    return found


def _adoptable_entry(session: Session, actor: Actor, entry_id: int) -> Entry:
    entry = _locked_entry(session, actor, entry_id)
    if entry.lifecycle in ("deprecated", "retired"):
        hint = f"Adopt its successor {entry.successor} instead." if entry.successor else "Look for another entry."
        raise Conflict(f"{entry.title} is {entry.lifecycle}.", hint=hint)
    return entry


def _open_adoption(session: Session, project_id: str, entry_id: int) -> Adoption | None:
    statement = select(Adoption).where(Adoption.project_id == project_id, Adoption.entry_id == entry_id)
    return session.exec(statement.where(col(Adoption.until).is_(None))).first()
