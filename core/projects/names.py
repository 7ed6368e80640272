"""Names in MLflow that belong to a project: the convention, and who has which name. A name has one owner."""

from __future__ import annotations

from sqlmodel import Session, col, select

from core.errors import Conflict, Invalid
from core.projects.tables import Project, ProjectTracking

KINDS = ("experiment", "model")


def conventional(kind: str, *, unit: str | None, team: str, project: str, purpose: str = "") -> str:
    """A name by the catalog's policies: ``unit/project/purpose`` for experiments, ``unit.project.what`` for models.

    A team without a business unit stands in its place.
    """
    joint, usual = ("/", "explore") if kind == "experiment" else (".", "score")
    return joint.join((unit or team, project, purpose or usual))


def take(session: Session, project: Project, kind: str, name: str) -> None:
    """Make ``name`` the project's, unless another one has it; the first model is the one that lists compare."""
    if kind not in KINDS:
        raise Invalid(f"{kind[:80]!r} is nothing that MLflow names.", hint=f"Possible: {', '.join(KINDS)}.")
    owner = session.get(ProjectTracking, (kind, name))
    if owner is not None:
        whose = "it" if owner.project_id == project.id else f"the project {owner.project_id}"
        raise Conflict(f"The {kind} {name} belongs to {whose} already.", hint="A name in MLflow has one owner.")
    session.add(ProjectTracking(kind=kind, name=name, project_id=project.id))
    if kind == "model" and not project.registered_model:
        project.registered_model = name
    session.add(project)
    session.flush()


def give_back(session: Session, project: Project, kind: str, name: str) -> bool:
    """Let a name of the project go; false when it was not the project's."""
    owned = session.get(ProjectTracking, (kind, name))
    if owned is None or owned.project_id != project.id:
        return False
    session.delete(owned)
    session.flush()
    if kind == "model" and project.registered_model == name:
        project.registered_model = _another_model(session, project.id)
        session.add(project)
        session.flush()
    return True


def _another_model(session: Session, project_id: str) -> str:
    others = select(ProjectTracking.name).where(
        ProjectTracking.project_id == project_id, ProjectTracking.kind == "model"
    )
    return session.exec(others.order_by(col(ProjectTracking.name))).first() or ""
