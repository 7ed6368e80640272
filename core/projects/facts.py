"""What a project's gates look at, read from the store in one statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.access.tables import Person
from core.catalog.tables import Entry
from core.db import now
from core.projects.gates import ProjectFacts
from core.projects.tables import Adoption, HarvestDecision, Project, ProjectTracking, Retrospective


def facts_of(session: Session, project: Project) -> ProjectFacts:
    """The facts of ``project`` as they stand in this transaction."""
    on_call = select(Person.id).where(Person.id == project.on_call_id, col(Person.active))
    models = select(ProjectTracking.name).where(ProjectTracking.project_id == project.id)
    decisions = select(func.count()).select_from(HarvestDecision).where(HarvestDecision.project_id == project.id)
    asked: tuple[Any, ...] = (
        _uses(project.id, "pattern"),
        _uses(project.id, "checklist"),
        on_call.exists(),
        models.where(ProjectTracking.kind == "model").exists(),
        select(Retrospective.project_id).where(Retrospective.project_id == project.id).exists(),
        decisions.scalar_subquery(),
    )
    pattern, checklist, present, model, retrospective, decided = session.execute(select(*asked)).one()
    return ProjectFacts(
        stage=project.stage, data_access=bool(project.data_access), pattern=bool(pattern), checklist=bool(checklist),
        reuse_reviewed=project.reuse_reviewed_at is not None, tier=project.tier,
        tier_confirmed=project.tier_confirmed_by is not None, monitoring=bool(project.monitoring),
        on_call=bool(present), registered_model=bool(model), retrospective=bool(retrospective),
        harvest_decisions=int(decided), decide_by=project.decide_by, today=now().date(),
    )  # fmt: skip


def _uses(project_id: str, kind: str) -> Any:
    """Whether the project has an open adoption of an entry of this kind."""
    open_ones = select(Adoption.id).join(Entry, col(Entry.id) == Adoption.entry_id)
    return open_ones.where(
        Adoption.project_id == project_id, col(Adoption.until).is_(None), Entry.kind == kind
    ).exists()
