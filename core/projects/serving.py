"""Who serves what: the ML engineers, the projects and units they look after, their load, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, literal, union
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.access.tables import BusinessUnit, Person, RoleGrant, Team
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.projects.actions import ACTIVE_STAGES
from core.projects.portfolio import tier_place
from core.projects.queries import place_of
from core.projects.tables import Adoption, Project, ProjectMember
from core.projects.visibility import shown_to

ROLE = "ML engineer"
HIGH_TIERS = ("high", "prohibited")
HIGH_TIER_WEIGHT = 2
"""A running project counts once, one of a high tier twice: each of its releases passes the whole checklist with people
from outside the team. A convention of this portal to compare by, not a measurement of hours."""
SHARED_KINDS = ("asset", "pipeline", "pattern")
SHARED_BY = 2
"""From so many of an engineer's projects on, what they adopted is automation they share."""
LARGEST_PAGE = 50
_MOST_UNSERVED = 50


@dataclass(frozen=True)
class Served:
    """A running project that an engineer serves."""

    id: str
    title: str
    unit: str
    stage: str
    tier: str


@dataclass(frozen=True)
class Shared:
    """An entry that several projects of an engineer use."""

    key: str
    kind: str
    title: str
    projects: int


@dataclass(frozen=True)
class Engineer:
    """An ML engineer with what they serve."""

    id: str
    name: str
    load: int
    """Running projects, those of a high tier counted :data:`HIGH_TIER_WEIGHT` times."""
    projects: tuple[Served, ...] = ()
    scopes: tuple[str, ...] = ()
    """Where the role was granted as a whole: a unit, a team, the organisation. These do not add to the load."""
    shared: tuple[Shared, ...] = ()

    @property
    def by_stage(self) -> dict[str, int]:
        """Stage → number of running projects."""
        stages = [one.stage for one in self.projects]
        return {stage: stages.count(stage) for stage in ACTIVE_STAGES if stage in stages}

    @property
    def high(self) -> int:
        """How many of the projects are of a high tier."""
        return sum(one.tier in HIGH_TIERS for one in self.projects)


@dataclass(frozen=True)
class Serving:
    """A page of ML engineers (the last one, where a later one was asked for), the heaviest load first, and the projects
    past exploration that nobody serves."""

    engineers: list[Engineer]
    total: int
    unserved: list[Served]
    """At most fifty, by tier and stage."""
    unserved_total: int


def serving(session: Session, actor: Actor, *, page: int = 1, size: int = 20) -> Serving:
    """Who serves what, in six statements at most.

    An engineer serves the projects in which they work in the role, and those for which it was granted to them.
    """
    policy.require(actor, "catalog.browse")
    size = min(max(size, 1), LARGEST_PAGE)
    total = session.execute(select(func.count()).select_from(Person).where(*_is_engineer())).scalar_one()
    page = min(max(page, 1), max(-(-total // size), 1))
    engineers = _engineers(session, actor, size, (page - 1) * size)
    ids = [row.id for row in engineers]
    projects, scopes, shared = _projects(session, actor, ids), _scopes(session, ids), _shared(session, actor, ids)
    listed = [
        Engineer(
            row.id, row.name, int(row.load), tuple(projects.get(row.id, ())), tuple(scopes.get(row.id, ())),
            tuple(shared.get(row.id, ())),
        )
        for row in engineers
    ]  # fmt: skip
    unserved, unserved_total = _unserved(session, actor)
    return Serving(listed, total, unserved, unserved_total)


_granted = (RoleGrant.role == ROLE, RoleGrant.state == "active")


def _served(actor: Actor, people: list[str] | None = None) -> Any:
    """(person, running project) for every project that an engineer (of ``people``) serves and ``actor`` may see."""
    works = select(ProjectMember.person_id, ProjectMember.project_id).where(ProjectMember.role == ROLE)
    granted = select(RoleGrant.person_id, RoleGrant.scope_id).where(*_granted, RoleGrant.scope_kind == "project")
    if people is not None:
        works = works.where(col(ProjectMember.person_id).in_(people))
        granted = granted.where(col(RoleGrant.person_id).in_(people))
    both = union(works, granted).subquery("both")
    return (
        select(both.c.person_id, both.c.project_id)
        .join(Project, col(Project.id) == both.c.project_id)
        .where(col(Project.stage).in_(ACTIVE_STAGES), shown_to(actor))
        .subquery("served")
    )


def _is_engineer() -> tuple[Any, ...]:
    """Active people who hold the role, or work in it in a project."""
    holding = select(RoleGrant.person_id).where(*_granted)
    working = select(ProjectMember.person_id).where(ProjectMember.role == ROLE)
    return col(Person.active), col(Person.id).in_(union(holding, working))


def _engineers(session: Session, actor: Actor, size: int, offset: int) -> list[Any]:
    served = _served(actor)
    weight = case((col(Project.tier).in_(HIGH_TIERS), HIGH_TIER_WEIGHT), else_=1)
    loads = (
        select(served.c.person_id, func.sum(weight).label("load"))
        .join(Project, col(Project.id) == served.c.project_id)
        .group_by(served.c.person_id)
        .subquery("loads")
    )
    load = func.coalesce(loads.c.load, 0)
    columns: tuple[Any, ...] = (Person.id, Person.name, load.label("load"))
    statement = (
        select(*columns)
        .outerjoin(loads, loads.c.person_id == Person.id)
        .where(*_is_engineer())
        .order_by(load.desc(), Person.name, Person.id)
    )
    return list(session.execute(statement.limit(size).offset(offset)))


_PROJECT: tuple[Any, ...] = (
    Project.id, Project.title, func.coalesce(BusinessUnit.name, ""), Project.stage, Project.tier,
)  # fmt: skip
_ORDER: tuple[Any, ...] = (tier_place(Project.tier), place_of(Project.stage).desc(), func.lower(Project.title))


def _projects(session: Session, actor: Actor, people: list[str]) -> dict[str, list[Served]]:
    served = _served(actor, people)
    rows = session.execute(
        select(served.c.person_id, *_PROJECT)
        .join(Project, col(Project.id) == served.c.project_id)
        .outerjoin(BusinessUnit, col(BusinessUnit.id) == Project.unit_id)
        .order_by(*_ORDER)
    )
    found: dict[str, list[Served]] = {}
    for person_id, *project in rows:
        found.setdefault(person_id, []).append(Served(*project))
    return found


def _scopes(session: Session, people: list[str]) -> dict[str, list[str]]:
    """The wider scopes of the role, in words."""
    named = func.coalesce(BusinessUnit.name, Team.name, col(RoleGrant.scope_id))
    rows = session.execute(
        select(RoleGrant.person_id, RoleGrant.scope_kind, named)
        .outerjoin(BusinessUnit, (col(BusinessUnit.id) == RoleGrant.scope_id) & (RoleGrant.scope_kind == "unit"))
        .outerjoin(Team, (col(Team.id) == RoleGrant.scope_id) & (RoleGrant.scope_kind == "team"))
        .where(*_granted, RoleGrant.scope_kind != "project", col(RoleGrant.person_id).in_(people))
        .order_by(RoleGrant.scope_kind, named)
    )
    found: dict[str, list[str]] = {}
    for person_id, kind, name in rows:
        found.setdefault(person_id, []).append("the whole organisation" if kind == "organisation" else f"{kind} {name}")
    return found


def _shared(session: Session, actor: Actor, people: list[str]) -> dict[str, list[Shared]]:
    served = _served(actor, people)
    count = func.count(func.distinct(served.c.project_id))
    columns: tuple[Any, ...] = (served.c.person_id, Entry.key, Entry.kind, Entry.title, count)
    rows = session.execute(
        select(*columns)
        .join(Adoption, col(Adoption.project_id) == served.c.project_id)
        .join(Entry, col(Entry.id) == Adoption.entry_id)
        .where(col(Adoption.until).is_(None), col(Entry.kind).in_(SHARED_KINDS), visible(actor))
        .group_by(served.c.person_id, Entry.id, Entry.key, Entry.kind, Entry.title)
        .having(count >= SHARED_BY)
        .order_by(count.desc(), Entry.title)
    )  # fmt: skip
    found: dict[str, list[Shared]] = {}
    for person_id, *entry in rows:
        found.setdefault(person_id, []).append(Shared(*entry))
    return found


def _unserved(session: Session, actor: Actor) -> tuple[list[Served], int]:
    served = _served(actor)
    columns: tuple[Any, ...] = (*_PROJECT, func.count().over())
    rows = session.execute(
        select(*columns)
        .outerjoin(BusinessUnit, col(BusinessUnit.id) == Project.unit_id)
        .where(
            shown_to(actor), col(Project.stage).in_(ACTIVE_STAGES), Project.stage != ACTIVE_STAGES[0],
            ~select(literal(1)).where(served.c.project_id == Project.id).correlate(Project).exists(),
        )
        .order_by(*_ORDER, Project.id)
        .limit(_MOST_UNSERVED)
    ).all()  # fmt: skip
    return [Served(*row[:-1]) for row in rows], rows[0][-1] if rows else 0
