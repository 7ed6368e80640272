"""The verbs about a project's people, and registering a project with all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

from sqlmodel import Session

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.errors import Conflict, Invalid, NotFound
from core.people import notices
from core.projects.actions import (
    Details,
    active_person,
    create,
    locked,
    require_running,
    scope_of,
    subject_of,
    take_name,
)  # fmt: skip
from core.projects.tables import Project, ProjectMember
from core.roles import ROLES

MEMBER_ROLES = ROLES[:6]
"""The roles of the lifecycle that work in a project; managers, reviewers and auditors look at it from outside."""


def register(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    title: str,
    team_id: str,
    people: Iterable[tuple[str, str]] = (),
    experiments: Iterable[str] = (),
    models: Iterable[str] = (),
    **details: Unpack[Details],
) -> Project:
    """Start a project with its people, as (person id, role), and the names it owns in MLflow."""
    project = create(session, actor=actor, project_id=project_id, title=title, team_id=team_id, **details)
    for person_id, role in people:
        _add(session, actor, project, person_id, role)
    for kind, owned in (("experiment", experiments), ("model", models)):
        for name in owned:
            take_name(session, actor, project, kind, name)
    return project


def add_member(session: Session, *, actor: Actor, project_id: str, person_id: str, role: str) -> None:
    """Let an active person work in a running project in a role of the lifecycle; they are told."""
    project = locked(session, actor, project_id)
    policy.require(actor, "project.create", scope_of(project))
    require_running(project)
    _add(session, actor, project, person_id, role)


def _add(session: Session, actor: Actor, project: Project, person_id: str, role: str) -> None:
    if role not in MEMBER_ROLES:
        raise Invalid(f"{role[:80]!r} is no role in a project.", hint=f"Possible: {', '.join(MEMBER_ROLES)}.")
    person = active_person(session, person_id)
    if session.get(ProjectMember, (project.id, person.id, role)) is not None:
        raise Conflict(f"{person.name} is {role} of {project.title} already.")
    session.add(ProjectMember(project_id=project.id, person_id=person.id, role=role))
    session.flush()
    record(session, actor, events.MemberAdded(subject_of(project), person=f"person:{person.id}", role=role))
    told = f"You work in {project.title} as {role}."
    notices.tell(session, [person.id], subject=subject_of(project), text=told, except_for=actor)


def remove_member(session: Session, *, actor: Actor, project_id: str, person_id: str, role: str) -> None:
    """Note that a person no longer works in a project in this role; whoever left the organisation can be removed too."""
    project = locked(session, actor, project_id)
    policy.require(actor, "project.create", scope_of(project))
    found = session.get(ProjectMember, (project.id, person_id, role)) if person_id.isprintable() else None
    if found is None:
        raise NotFound(f"{project.title} has nobody like that as {role[:80]}.")
    session.delete(found)
    session.flush()
    record(session, actor, events.MemberRemoved(subject_of(project), person=f"person:{person_id}", role=role))
