"""Reading projects, what they adopted, and who adopted an entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Scope
from core.access.tables import BusinessUnit, Person, Team
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.errors import Invalid, NotFound
from core.projects.actions import ACTIVE_STAGES, STAGES, is_project_id
from core.projects.facts import facts_of
from core.projects.gates import ProjectFacts, Step, next_step
from core.projects.tables import Adoption, Project, ProjectMember, ProjectTracking, StagePeriod
from core.projects.visibility import shown_to, within_reach, worked_on_by

LARGEST_PAGE = 500
MOST_OFFERED = 200
"""So many projects are offered to choose from; the others are found by their words."""


@dataclass(frozen=True)
class ProjectRow:
    """A line of the project list."""

    id: str
    title: str
    summary: str
    team_id: str
    team: str
    unit_id: str | None
    unit: str
    stage: str
    finding: str
    registered_model: str
    key_metric: str
    higher_is_better: bool
    demo: bool
    created_at: datetime
    adoptions: int
    classification: str
    region: str
    modality: str
    target: str
    tags: list[str]
    tier: str
    stage_since: datetime

    @property
    def scope(self) -> Scope:
        """Where the project belongs."""
        return Scope(self.unit_id, self.team_id, self.id)

    @property
    def running(self) -> bool:
        """Whether the project has not ended."""
        return self.stage in ACTIVE_STAGES


@dataclass(frozen=True)
class Projects:
    """A page of the project list."""

    items: list[ProjectRow]
    total: int


@dataclass(frozen=True)
class AdoptionRow:
    """An entry that a project uses, with the version it took and the version there is now."""

    entry_id: int
    key: str
    kind: str
    title: str
    lifecycle: str
    version: str
    current_version: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class ProjectPage:
    """A project and what it uses or used of the catalog."""

    project: ProjectRow
    adoptions: list[AdoptionRow]


@dataclass(frozen=True)
class MemberRow:
    """Somebody who works in a project."""

    person_id: str
    name: str
    role: str
    active: bool


@dataclass(frozen=True)
class ProjectDetail:
    """Everything the project page shows of one project at once."""

    project: ProjectRow
    record: Project
    people: list[MemberRow]
    tracking: list[tuple[str, str]]
    """(kind, name) of the experiments and models in MLflow that it owns."""
    on_call: MemberRow | None
    facts: ProjectFacts

    @property
    def next_step(self) -> Step | None:
        """The one thing to do next."""
        return next_step(self.facts)


@dataclass(frozen=True)
class Adopter:
    """A project that uses an entry."""

    project_id: str
    title: str
    stage: str
    team: str
    unit: str
    version: str
    since: datetime
    team_id: str
    unit_id: str | None

    @property
    def scope(self) -> Scope:
        """Where the project belongs."""
        return Scope(self.unit_id, self.team_id, self.project_id)


def place_of(stage: Any) -> Any:
    """The place of a stage in a project's life, for sorting."""
    return case({name: number for number, name in enumerate(STAGES)}, value=stage, else_=len(STAGES))


_adopted = (
    select(func.count())
    .select_from(Adoption)
    .where(Adoption.project_id == Project.id, col(Adoption.until).is_(None))
    .correlate(Project)
    .scalar_subquery()
)
_COLUMNS: tuple[Any, ...] = (
    Project.id, Project.title, Project.summary, Project.team_id, Team.name, Project.unit_id,
    func.coalesce(BusinessUnit.name, ""), Project.stage, Project.finding, Project.registered_model,
    Project.key_metric, Project.higher_is_better, Project.demo, Project.created_at, _adopted, Project.classification,
    Project.region, Project.modality, Project.target, Project.tags, Project.tier, Project.stage_since,
)  # fmt: skip
_ADOPTION_COLUMNS: tuple[Any, ...] = (
    Entry.id, Entry.key, Entry.kind, Entry.title, Entry.lifecycle, Adoption.version, Entry.version, Adoption.since,
    Adoption.until,
)  # fmt: skip
_ADOPTER_COLUMNS: tuple[Any, ...] = (
    Project.id, Project.title, Project.stage, Team.name, func.coalesce(BusinessUnit.name, ""), Adoption.version,
    Adoption.since, Project.team_id, Project.unit_id,
)  # fmt: skip
SORTS: dict[str, Any] = {
    "title": func.lower(Project.title),
    "newest": col(Project.created_at).desc(),
    "stage": place_of(Project.stage),
    "team": Team.name,
    "adoptions": _adopted.desc(),
}
"""Name of an order → its expression; equal ones follow by id."""


def projects(
    session: Session,
    actor: Actor,
    *,
    q: str = "",
    stage: str = "",
    unit: str = "",
    team: str = "",
    sort: str = "title",
    page: int = 1,
    size: int = 50,
) -> Projects:
    """A page of the projects whose title, id or summary holds ``q``."""
    policy.require(actor, "catalog.browse")
    if sort not in SORTS:
        raise Invalid(f"{sort!r} is not an order.", hint=f"Possible: {', '.join(SORTS)}.")
    where = matching(actor, q=q, stage=stage, unit=unit, team=team)
    total = session.execute(select(func.count()).select_from(Project).where(*where)).scalar_one()
    size = min(max(size, 1), LARGEST_PAGE)
    rows = session.execute(
        _listed().where(*where).order_by(SORTS[sort], Project.id).limit(size).offset((max(page, 1) - 1) * size)
    )
    return Projects([ProjectRow(*row) for row in rows], total)


def project(session: Session, actor: Actor, project_id: str) -> ProjectPage:
    """One project with the adoptions of entries that ``actor`` may see: present ones first."""
    policy.require(actor, "catalog.browse")
    found = _row(session, actor, project_id)
    rows = session.execute(
        select(*_ADOPTION_COLUMNS)
        .join(Entry, col(Entry.id) == Adoption.entry_id)
        .where(Adoption.project_id == project_id, visible(actor))
        .order_by(col(Adoption.until).is_not(None), Entry.kind, Entry.title, col(Adoption.since).desc())
    )
    return ProjectPage(found, [AdoptionRow(*row) for row in rows])


def detail(session: Session, actor: Actor, project_id: str) -> ProjectDetail:
    """One project with its people, its names in MLflow and what its gates look at."""
    policy.require(actor, "catalog.browse")
    row = _row(session, actor, project_id)
    record = session.get_one(Project, row.id)
    people = session.execute(
        select(Person.id, Person.name, ProjectMember.role, Person.active)
        .join(Person, col(Person.id) == ProjectMember.person_id)
        .where(ProjectMember.project_id == row.id)
        .order_by(ProjectMember.role, Person.name)
    )
    owned = session.execute(
        select(ProjectTracking.kind, ProjectTracking.name)
        .where(ProjectTracking.project_id == row.id)
        .order_by(ProjectTracking.kind, ProjectTracking.name)
    )
    called = session.get(Person, record.on_call_id) if record.on_call_id else None
    on_call = MemberRow(called.id, called.name, "on call", called.active) if called else None
    members = [MemberRow(*one) for one in people]
    names = [(kind, name) for kind, name in owned]
    return ProjectDetail(row, record, members, names, on_call, facts_of(session, record))


def stage_periods(session: Session, actor: Actor, project_id: str) -> list[StagePeriod]:
    """How a project moved, the first stage first."""
    row = _row(session, actor, project_id)
    periods = select(StagePeriod).where(StagePeriod.project_id == row.id).order_by(col(StagePeriod.id))
    return list(session.exec(periods))


def adopters(session: Session, actor: Actor, entry_id: int, *, limit: int = 200) -> list[Adopter]:
    """The projects that use an entry ``actor`` may see, the latest adoption first."""
    policy.require(actor, "catalog.browse")
    rows = session.execute(
        select(*_ADOPTER_COLUMNS)
        .join(Adoption, col(Adoption.project_id) == Project.id)
        .join(Entry, col(Entry.id) == Adoption.entry_id)
        .join(Team, col(Team.id) == Project.team_id)
        .outerjoin(BusinessUnit, col(BusinessUnit.id) == Project.unit_id)
        .where(Adoption.entry_id == entry_id, col(Adoption.until).is_(None), visible(actor), shown_to(actor))
        .order_by(col(Adoption.since).desc(), Project.id)
        .limit(limit)
    )
    return [Adopter(*row) for row in rows]


def adoptable(session: Session, actor: Actor, entry_id: int, *, q: str = "", limit: int = MOST_OFFERED) -> Projects:
    """The running projects for which ``actor`` may adopt an entry and that do not use it yet, whose words hold ``q``:
    their own ones first, then by title."""
    if not policy.may_anywhere(actor, "entry.adopt"):
        return Projects([], 0)
    uses_it = select(Adoption.id).where(
        Adoption.project_id == Project.id, Adoption.entry_id == entry_id, col(Adoption.until).is_(None)
    )
    where = (
        *matching(actor, q=q), within_reach(actor, "entry.adopt"), col(Project.stage).in_(ACTIVE_STAGES),
        ~uses_it.exists(),
    )  # fmt: skip
    total = session.execute(select(func.count()).select_from(Project).where(*where)).scalar_one()
    own_first = case((worked_on_by(actor), 0), else_=1)
    listed = _listed().where(*where).order_by(own_first, func.lower(Project.title), Project.id)
    return Projects([ProjectRow(*row) for row in session.execute(listed.limit(limit))], total)


def tiers_to_confirm(session: Session, actor: Actor, *, limit: int = 50) -> list[ProjectRow]:
    """Running projects whose risk tier waits for ``actor`` to confirm it, the longest in their stage first."""
    if not policy.may_anywhere(actor, "tier.confirm"):
        return []
    unconfirmed = (Project.tier != "", col(Project.tier_confirmed_by).is_(None), Project.risk_facts_by != actor.ref)
    theirs = (shown_to(actor), within_reach(actor, "tier.confirm"), col(Project.stage).in_(ACTIVE_STAGES))
    waiting = _listed().where(*unconfirmed, *theirs).order_by(Project.stage_since, Project.id)
    return [ProjectRow(*row) for row in session.execute(waiting.limit(limit))]


def matching(
    actor: Actor, *, q: str = "", stage: str = "", unit: str = "", team: str = ""
) -> list[ColumnElement[bool]]:
    """The conditions on :class:`Project` that a list's filters stand for, among those that ``actor`` may see."""
    where = [shown_to(actor)]
    words = "".join(letter for letter in q if letter.isprintable()).strip().lower()
    if words:
        texts = (Project.title, Project.id, Project.summary, Project.registered_model)
        where.append(or_(*(func.lower(text).contains(words, autoescape=True) for text in texts)))
    for column, wanted in ((Project.stage, stage), (Project.unit_id, unit), (Project.team_id, team)):
        if wanted:
            where.append(col(column) == "".join(letter for letter in wanted if letter.isprintable()))
    return where


def _row(session: Session, actor: Actor, project_id: str) -> ProjectRow:
    wanted = _listed().where(Project.id == project_id, shown_to(actor))
    found = session.execute(wanted).first() if is_project_id(project_id) else None
    if found is None:
        hint = "The projects list shows those that you may see."
        raise NotFound(f"No project {project_id[:80]!r}.", hint=hint)
    return ProjectRow(*found)


def _listed() -> Any:
    return (
        select(*_COLUMNS)
        .join(Team, col(Team.id) == Project.team_id)
        .outerjoin(BusinessUnit, col(BusinessUnit.id) == Project.unit_id)
    )
