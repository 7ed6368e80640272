"""What a new case can be about: the checklists that fit a project, its versions, and the case to carry on from."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from core.access.policy import Actor
from core.access.tables import Person
from core.catalog.tables import Entry
from core.projects.tables import Project, ProjectMember, ProjectTracking
from core.projects.visibility import shown_to
from core.reviews.tables import ChecklistVersion, ReviewCase
from core.tracking.tables import MirrorAlias, MirrorVersion

MOST_VERSIONS = 50


@dataclass(frozen=True)
class Offered:
    """A checklist with its newest published version."""

    entry_id: int
    title: str
    version: str
    applies_to: str


def checklists(session: Session, project_id: str) -> list[Offered]:
    """The published checklists that fit the tier of a project which the caller sees, those for models first."""
    project = session.get_one(Project, project_id)
    newest = (
        select(func.max(ChecklistVersion.id))
        .where(ChecklistVersion.state == "published")
        .group_by(col(ChecklistVersion.entry_id))
    )
    rows = session.exec(
        select(ChecklistVersion, Entry.title)
        .join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
        .where(col(ChecklistVersion.id).in_(newest))
        .order_by(col(Entry.title))
    ).all()
    fitting = [(one, title) for one, title in rows if project.tier in one.content.get("tiers", [project.tier])]
    offered = [Offered(one.entry_id, title, one.version, str(one.content["appliesTo"])) for one, title in fitting]
    return sorted(offered, key=lambda one: (one.applies_to != "model", one.title)) if project.tier else []


@dataclass(frozen=True)
class Version:
    """A version of a model that belongs to a project."""

    model: str
    version: str
    aliases: tuple[str, ...]


def subjects(session: Session, project_id: str) -> list[Version]:
    """The newest versions of a project's models that MLflow still has, those with an alias first."""
    owned = select(ProjectTracking.name).where(
        ProjectTracking.kind == "model", ProjectTracking.project_id == project_id
    )
    rows = session.execute(
        select(MirrorVersion.model, MirrorVersion.version)
        .where(col(MirrorVersion.model).in_(owned), col(MirrorVersion.gone_at).is_(None))
        .order_by(col(MirrorVersion.created_at).desc())
        .limit(MOST_VERSIONS)
    ).all()
    aliases: dict[tuple[str, str], list[str]] = {}
    named = select(MirrorAlias.model, MirrorAlias.version, MirrorAlias.alias).where(col(MirrorAlias.model).in_(owned))
    for model, version, alias in session.execute(named):
        aliases.setdefault((model, version), []).append(alias)
    found = [Version(model, version, tuple(sorted(aliases.get((model, version), [])))) for model, version in rows]
    return sorted(found, key=lambda one: not one.aliases)


def former_case(session: Session, actor: Actor, checklist: int, kind: str, name: str, version: str) -> int | None:
    """The newest case of the same checklist on another version of the same subject, from which answers are carried."""
    wanted = (
        select(ReviewCase.id)
        .join(ChecklistVersion, col(ChecklistVersion.id) == ReviewCase.checklist_id)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(shown_to(actor), ChecklistVersion.entry_id == checklist, ReviewCase.kind == kind)
        .where(ReviewCase.name == name, ReviewCase.version != version, col(ReviewCase.submitted_at).is_not(None))
        .order_by(col(ReviewCase.id).desc())
    )
    return session.exec(wanted.limit(1)).first()


def condition_owners(session: Session, case: ReviewCase) -> dict[str, str]:
    """Reference → name of those who may be asked to meet a condition: the owner first, then who works in the project."""
    members = (
        select(Person.id, Person.name)
        .join(ProjectMember, col(ProjectMember.person_id) == Person.id)
        .where(ProjectMember.project_id == case.project_id, col(Person.active))
        .order_by(Person.name)
        .distinct()
    )
    owner = session.get(Person, case.owner.removeprefix("person:"))
    found = {case.owner: owner.name} if owner is not None and owner.active else {}
    return found | {f"person:{key}": name for key, name in session.exec(members) if f"person:{key}" not in found}
