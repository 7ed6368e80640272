"""Reading adoptions: who is hit by a change of an entry, and how far adopters are behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, literal, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Scope
from core.access.tables import BusinessUnit, Person, Team
from core.catalog.tables import Entry, EntryRelation
from core.catalog.visibility import visible
from core.errors import NotFound
from core.projects.actions import ACTIVE_STAGES, STAGES
from core.projects.drift import Release, releases_of, versions_behind
from core.projects.portfolio import tier_place
from core.projects.queries import place_of
from core.projects.tables import Adoption, Project, ProjectMember
from core.projects.visibility import shown_to

DEEPEST = 3
"""Relations followed from an entry to those that depend on it; further away a change is somebody else's decision."""
DEPENDENCE = ("depends on", "is part of", "is produced by", "is trained on", "uses", "is validated by")
"""Relations whose entry is hit when the entry it names changes."""
_CONSUMED = "is consumed by"  # the other way round: the entry it names is hit
_MOST = 200


@dataclass(frozen=True)
class HitProject:
    """A project that uses an entry: what it stands to lose when the entry changes, and whom to ask."""

    adoption_id: int
    project_id: str
    title: str
    stage: str
    tier: str
    team_id: str
    team: str
    unit_id: str | None
    unit: str
    version: str
    how: str
    note: str
    since: datetime
    people: tuple[str, ...] = ()
    """Names of those who work in it."""
    behind: int = 0
    """Versions that came after the one it took; 0 for a project that ended, which has nothing to catch up with."""

    @property
    def scope(self) -> Scope:
        """Where the project belongs."""
        return Scope(self.unit_id, self.team_id, self.project_id)

    @property
    def running(self) -> bool:
        """Whether the project has not ended."""
        return self.stage in ACTIVE_STAGES


@dataclass(frozen=True)
class HitEntry:
    """An entry that depends on another one, directly (``depth`` 1) or through others."""

    key: str
    kind: str
    title: str
    lifecycle: str
    depth: int


@dataclass(frozen=True)
class Impact:
    """Who is hit when an entry changes: projects that use it, and entries that depend on it."""

    projects: list[HitProject]
    """Running ones first, by tier and stage; at most 200."""
    entries: list[HitEntry]
    by_stage: dict[str, int]
    """Stage → number of projects, counted over all of them."""


@dataclass(frozen=True)
class Use:
    """An entry that a project uses now, and how far behind its version is."""

    adoption_id: int
    entry_id: int
    key: str
    kind: str
    title: str
    lifecycle: str
    successor: str | None
    version: str
    newest: str
    how: str
    note: str
    since: datetime
    behind: int = 0


_HIT: tuple[Any, ...] = (
    Adoption.id, Project.id, Project.title, Project.stage, Project.tier, Project.team_id, Team.name, Project.unit_id,
    func.coalesce(BusinessUnit.name, ""), Adoption.version, Adoption.how, Adoption.note, Adoption.since,
)  # fmt: skip
_USED: tuple[Any, ...] = (
    Adoption.id, Entry.id, Entry.key, Entry.kind, Entry.title, Entry.lifecycle, Entry.successor, Adoption.version,
    Entry.version, Adoption.how, Adoption.note, Adoption.since,
)  # fmt: skip


def impact(session: Session, actor: Actor, entry_id: int) -> Impact:
    """Who is hit if an entry that ``actor`` may see changes; in five statements, however many there are."""
    policy.require(actor, "catalog.browse")
    entry = session.exec(select(Entry).where(Entry.id == entry_id, visible(actor))).first()
    if entry is None:
        raise NotFound(f"No entry {entry_id}.", hint="Search the catalog; it may not be visible to you.")
    stages = session.execute(
        select(Project.stage, func.count())
        .join(Adoption, col(Adoption.project_id) == Project.id)
        .where(Adoption.entry_id == entry_id, col(Adoption.until).is_(None), shown_to(actor))
        .group_by(Project.stage)
    )
    counted: dict[str, int] = {row[0]: row[1] for row in stages}
    projects = _hit_projects(session, actor, entry) if counted else []
    ordered = {stage: counted[stage] for stage in STAGES if stage in counted}
    return Impact(projects, _hit_entries(session, actor, entry), ordered)


def _hit_projects(session: Session, actor: Actor, entry: Entry) -> list[HitProject]:
    rows = session.execute(
        select(*_HIT)
        .join(Adoption, col(Adoption.project_id) == Project.id)
        .join(Team, col(Team.id) == Project.team_id)
        .outerjoin(BusinessUnit, col(BusinessUnit.id) == Project.unit_id)
        .where(Adoption.entry_id == entry.id, col(Adoption.until).is_(None), shown_to(actor))
        .order_by(
            col(Project.stage).not_in(ACTIVE_STAGES),
            tier_place(Project.tier),
            place_of(Project.stage).desc(),
            Project.id,
        )
        .limit(_MOST)
    ).all()
    people = _people_of(session, [row[1] for row in rows])
    releases = releases_of(session, [entry.id or 0]).get(entry.id or 0, [])
    return [_hit(row, people.get(row[1], ()), entry.version, releases) for row in rows]


def _hit(row: Any, people: tuple[str, ...], newest: str, releases: list[Release]) -> HitProject:
    behind = versions_behind(row.version, newest, releases) if row.stage in ACTIVE_STAGES else 0
    return HitProject(*(*row, people, behind))


def _people_of(session: Session, project_ids: list[str]) -> dict[str, tuple[str, ...]]:
    rows = session.execute(
        select(ProjectMember.project_id, Person.name)
        .join(Person, col(Person.id) == ProjectMember.person_id)
        .where(col(ProjectMember.project_id).in_(project_ids), col(Person.active))
        .distinct()
        .order_by(Person.name)
    )
    people: dict[str, tuple[str, ...]] = {}
    for project_id, name in rows:
        people[project_id] = (*people.get(project_id, ()), name)
    return people


def _hit_entries(session: Session, actor: Actor, entry: Entry) -> list[HitEntry]:
    """Entries that depend on ``entry``, near ones first. A circle of dependences ends at the greatest depth."""
    start: Any = select(literal(entry.id).label("id"), literal(entry.key).label("key"), literal(0).label("depth"))
    hits = start.cte("hits", recursive=True)
    relation: Any = aliased(EntryRelation)
    hit: Any = aliased(Entry)
    names_it = and_(relation.target == hits.c.key, relation.relation.in_(DEPENDENCE))
    consumes_it = and_(relation.entry_id == hits.c.id, relation.relation == _CONSUMED)
    other_end = or_(and_(names_it, hit.id == relation.entry_id), and_(consumes_it, hit.key == relation.target))
    further = (
        select(hit.id, hit.key, hits.c.depth + 1)
        .select_from(hits)
        .join(relation, or_(names_it, consumes_it))
        .join(hit, other_end)
        .where(hits.c.depth < DEEPEST)
    )
    hits = hits.union(further)
    depth = func.min(hits.c.depth)
    columns: tuple[Any, ...] = (Entry.key, Entry.kind, Entry.title, Entry.lifecycle, depth)
    rows = session.execute(
        select(*columns)
        .join(hits, hits.c.id == Entry.id)
        .where(Entry.id != entry.id, visible(actor))
        .group_by(Entry.id, Entry.key, Entry.kind, Entry.title, Entry.lifecycle)
        .order_by(depth, Entry.kind, Entry.title)
        .limit(_MOST)
    )
    return [HitEntry(*row) for row in rows]


def uses(session: Session, actor: Actor, project_id: str) -> list[Use]:
    """What a project uses of the entries ``actor`` may see, the furthest behind first."""
    policy.require(actor, "catalog.browse")
    rows = session.execute(
        select(*_USED)
        .join(Entry, col(Entry.id) == Adoption.entry_id)
        .join(Project, col(Project.id) == Adoption.project_id)
        .where(
            Adoption.project_id == project_id, col(Adoption.until).is_(None), visible(actor),
            col(Project.stage).in_(ACTIVE_STAGES), shown_to(actor),
        )
    ).all()  # fmt: skip
    releases = releases_of(session, (row[1] for row in rows))
    found = [Use(*(*row, versions_behind(row[7], row[8], releases.get(row[1], [])))) for row in rows]
    return sorted(found, key=lambda one: (-one.behind, one.title.lower(), one.entry_id))
