"""Which projects an actor sees, and to which they may do something: conditions for every statement on projects."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, not_, or_
from sqlmodel import col, select

from core.access import policy
from core.access.policy import Actor
from core.catalog.visibility import reached, within
from core.projects.tables import Project, ProjectMember


def shown_to(actor: Actor) -> ColumnElement[bool]:
    """The condition under which ``actor`` sees a project: as its entry, and everybody who works in it."""
    sight = policy.sight(actor)
    seen = within(sight, classification=Project.classification, team=Project.team_id, unit=Project.unit_id)
    works_in_it = select(ProjectMember.role).where(
        ProjectMember.project_id == Project.id, ProjectMember.person_id == actor.id
    )
    granted = sorted(grant.scope_id for grant in actor.grants if grant.scope_kind == "project")
    return or_(seen, works_in_it.exists(), col(Project.id).in_(granted))


def hidden_from(actor: Actor) -> Any:
    """The ids of the projects that ``actor`` does not see, for tables that name a project."""
    return select(Project.id).where(not_(shown_to(actor)))


def worked_on_by(actor: Actor) -> ColumnElement[bool]:
    """The condition under which a project is ``actor``'s own: of their teams, or one they work in."""
    works_in = select(ProjectMember.project_id).where(ProjectMember.person_id == actor.id)
    return or_(col(Project.team_id).in_(sorted(actor.teams)), col(Project.id).in_(works_in))


def within_reach(actor: Actor, action: str) -> ColumnElement[bool]:
    """The condition under which ``actor`` may do ``action`` to a project, for lists that are cut in SQL."""
    return reached(actor, action, team=Project.team_id, unit=Project.unit_id, project=Project.id)
