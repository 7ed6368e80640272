"""Reading the harvest: one project's, what waits for a curator or to be generalised, and what the factory got of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, extract, func
from sqlmodel import Session, col, select

from core.access import policy
from core.access import queries as people
from core.access.policy import Actor, Scope
from core.catalog.references import team_of
from core.catalog.tables import Entry, EntryAlias, Proposal
from core.db import now
from core.projects.harvest import missing_to_close
from core.projects.harvest_draft import shortcomings
from core.projects.tables import Adoption, HarvestDecision, Project, Retrospective
from core.projects.visibility import shown_to

REUSE_WINDOW = timedelta(days=365)
"""A published harvest is reused when another project adopts it within 12 months: the factory's own definition, C6."""

LONGEST_QUEUE = 500
LARGEST_PAGE = 200


@dataclass(frozen=True)
class DecisionRow:
    """A harvest decision with its project and the state of its draft (empty where there is none)."""

    id: int
    what: str
    decision: str
    kind: str
    reason: str
    decided_by: str
    decided_at: datetime
    project_id: str
    project: str
    stage: str
    team_id: str
    unit_id: str | None
    proposal_id: int | None
    draft_state: str
    draft_key: str
    drafted_by: str

    @property
    def scope(self) -> Scope:
        """Where the project belongs."""
        return Scope(self.unit_id, self.team_id, self.project_id)

    @property
    def may_reopen(self) -> bool:
        """Whether a draft can be opened now: left for later, or its draft was turned down or taken back."""
        if self.decision == "share":
            return self.draft_state not in ("submitted", "approved")
        return self.decision == "later"


@dataclass(frozen=True)
class ProjectHarvest:
    """What one project leaves to the next ones."""

    retrospective: Retrospective | None
    decisions: list[DecisionRow]

    @property
    def missing(self) -> list[str]:
        """What the project lacks before it may close."""
        return missing_to_close(has_retrospective=self.retrospective is not None, has_decision=bool(self.decisions))


@dataclass(frozen=True)
class Decisions:
    """A page of decisions."""

    items: list[DecisionRow]
    total: int


@dataclass(frozen=True)
class CurationRow:
    """A shared draft that waits for a curator, with what is still missing in it."""

    proposal_id: int
    key: str
    title: str
    project_id: str
    project: str
    proposed_by: str
    proposed_at: datetime
    missing: list[str]


@dataclass(frozen=True)
class YieldRow:
    """The harvest of a unit's projects by the year (UTC) of the decision to share, or of closing for the last two.

    ``published`` are candidates that a curator approved; ``reused`` are those of them that a project other than the
    source adopted within 365 days of publication; ``maturing`` are not reused yet and still inside their 365 days.
    """

    unit_id: str
    unit: str
    year: int
    candidates: int = 0
    published: int = 0
    reused: int = 0
    maturing: int = 0
    closed: int = 0
    closed_sharing: int = 0


_DECISION_COLUMNS: tuple[Any, ...] = (
    HarvestDecision.id, HarvestDecision.what, HarvestDecision.decision, HarvestDecision.kind, HarvestDecision.reason,
    HarvestDecision.decided_by, HarvestDecision.decided_at, Project.id, Project.title, Project.stage, Project.team_id,
    Project.unit_id, HarvestDecision.proposal_id, func.coalesce(Proposal.state, ""), func.coalesce(Proposal.key, ""),
    func.coalesce(Proposal.proposed_by, ""),
)  # fmt: skip
_CURATION_COLUMNS: tuple[Any, ...] = (
    Proposal.id, Proposal.key, Proposal.document, Proposal.readme, Proposal.proposed_by, Proposal.proposed_at,
    Project.id, Project.title, Project.classification,
)  # fmt: skip


def of_project(session: Session, actor: Actor, project_id: str) -> ProjectHarvest:
    """A project's retrospective and decisions, the latest first; nothing of a project that ``actor`` does not see."""
    policy.require(actor, "catalog.browse")
    if session.execute(select(Project.id).where(Project.id == project_id, shown_to(actor))).first() is None:
        return ProjectHarvest(None, [])
    rows = session.execute(
        _decisions().where(HarvestDecision.project_id == project_id).order_by(col(HarvestDecision.id).desc())
    )
    return ProjectHarvest(session.get(Retrospective, project_id), [DecisionRow(*row) for row in rows])


def waiting(
    session: Session, actor: Actor, *, unit: str = "", year: int = 0, page: int = 1, size: int = 20
) -> Decisions:
    """What waits to be generalised, the longest waiting first; ``year`` 0 is any."""
    policy.require(actor, "catalog.browse")
    where = [col(HarvestDecision.decision) == "later", *_within(actor, unit, year)]
    counted = select(func.count()).select_from(HarvestDecision).join(Project, _source())
    total = session.execute(counted.where(*where)).scalar_one()
    size = min(max(size, 1), LARGEST_PAGE)
    listed = _decisions().where(*where).order_by(col(HarvestDecision.decided_at), col(HarvestDecision.id))
    rows = session.execute(listed.limit(size).offset((max(page, 1) - 1) * size))
    return Decisions([DecisionRow(*row) for row in rows], total)


def curation(session: Session, actor: Actor, *, unit: str = "", year: int = 0) -> list[CurationRow]:
    """Shared drafts that ``actor`` may publish and did not propose, the longest waiting first; at most 500 are read."""
    if not policy.may_anywhere(actor, "entry.publish"):
        return []
    waits = (Proposal.state == "submitted", Proposal.proposed_by != actor.ref)
    rows = session.execute(
        select(*_CURATION_COLUMNS)
        .join(HarvestDecision, col(HarvestDecision.proposal_id) == Proposal.id)
        .join(Project, _source())
        .where(*waits, *_within(actor, unit, year))
        .order_by(col(Proposal.id))
        .limit(LONGEST_QUEUE)
    )
    units = people.team_units(session)
    return [_curation_row(*row) for row in rows if policy.may(actor, "entry.publish", _owner(row.document, units))]


def yields(session: Session, actor: Actor) -> list[YieldRow]:
    """What came of the harvest, by unit and year: candidates → published → reused by others within 12 months.

    The figures are the same for everybody: they count entries, and name none.
    """
    policy.require(actor, "catalog.browse")
    found: dict[tuple[str, int], dict[str, int]] = {}
    for row in session.execute(_funnel()):
        found[row.unit_id, int(row.year)] = dict(row._mapping)
    for row in session.execute(_closings()):
        found.setdefault((row.unit_id, int(row.year)), {}).update(row._mapping)
    names = {one.id: one.name for one in people.units(session)} | {"": "No unit"}
    rows = [
        YieldRow(**(figures | {"unit_id": unit, "unit": names.get(unit, unit), "year": year}))  # type: ignore[arg-type]
        for (unit, year), figures in found.items()
    ]
    return sorted(rows, key=lambda one: (-one.year, one.unit))


def _decisions() -> Any:
    return (
        select(*_DECISION_COLUMNS)
        .join(Project, _source())
        .outerjoin(Proposal, col(Proposal.id) == HarvestDecision.proposal_id)
    )


def _source() -> ColumnElement[bool]:
    return col(Project.id) == HarvestDecision.project_id


def _within(actor: Actor, unit: str, year: int) -> list[ColumnElement[bool]]:
    where = [shown_to(actor)]
    if unit:
        where.append(col(Project.unit_id) == unit)
    if year:
        where.append(extract("year", col(HarvestDecision.decided_at)) == year)
    return where


def _owner(document: dict[str, Any], units: dict[str, str | None]) -> Scope:
    owner = team_of(str(document["spec"]["owner"]))
    return Scope(unit=units.get(owner), team=owner)


def _curation_row(
    proposal_id: int, key: str, document: dict[str, Any], readme: str, proposed_by: str, proposed_at: datetime,
    project_id: str, project: str, classification: str,
) -> CurationRow:  # fmt: skip
    title = document["metadata"].get("title") or document["metadata"]["name"]
    missing = shortcomings(document, readme, classification)
    return CurationRow(proposal_id, key, title, project_id, project, proposed_by, proposed_at, missing)


def _funnel() -> Any:
    """Candidates, published, reused and maturing per unit and year of the decision."""
    shared = _shared().subquery("shared")
    is_young = _seconds(now()) - _seconds(shared.c.published_at) < REUSE_WINDOW.total_seconds()
    columns: tuple[Any, ...] = (
        shared.c.unit_id, shared.c.year, func.count().label("candidates"),
        func.count(shared.c.published_at).label("published"),
        func.count().filter(shared.c.reused).label("reused"),
        func.count().filter(and_(shared.c.published_at.is_not(None), ~shared.c.reused, is_young)).label("maturing"),
    )  # fmt: skip
    return select(*columns).group_by(shared.c.unit_id, shared.c.year)


def _shared() -> Any:
    """Every decision to share with its unit, year, moment of publication, and whether another project took it up."""
    published_at = case((col(Proposal.state) == "approved", Proposal.decided_at), else_=None)
    taken_up = (
        select(Adoption.id)
        .where(
            Adoption.entry_id == _published_entry(),
            Adoption.project_id != HarvestDecision.project_id,
            _seconds(Adoption.since) - _seconds(Proposal.decided_at) <= REUSE_WINDOW.total_seconds(),
        )
        .correlate(HarvestDecision, Proposal)
    )
    reused = and_(func.coalesce(Proposal.state, "") == "approved", taken_up.exists())
    columns: tuple[Any, ...] = (
        func.coalesce(Project.unit_id, "").label("unit_id"),
        extract("year", col(HarvestDecision.decided_at)).label("year"),
        published_at.label("published_at"), reused.label("reused"),
    )  # fmt: skip
    joined = select(*columns).select_from(HarvestDecision).join(Project, _source())
    joined = joined.outerjoin(Proposal, col(Proposal.id) == HarvestDecision.proposal_id)
    return joined.where(HarvestDecision.decision == "share")


def _published_entry() -> ColumnElement[int | None]:
    """The entry that a proposal became, by the name it was proposed under, which may be a former one."""
    known = select(Entry.id).where(Entry.key == Proposal.key).correlate(Proposal).scalar_subquery()
    former = select(EntryAlias.entry_id).where(EntryAlias.key == Proposal.key).correlate(Proposal).scalar_subquery()
    return func.coalesce(known, former)


def _closings() -> Any:
    """Closed projects, and those of them that shared something, per unit and year of closing."""
    shares = select(HarvestDecision.id).where(_source(), HarvestDecision.decision == "share").correlate(Project)
    year: Any = extract("year", col(Project.stage_since))
    unit: Any = func.coalesce(Project.unit_id, "")
    columns: tuple[Any, ...] = (
        unit.label("unit_id"), year.label("year"), func.count().label("closed"),
        func.count().filter(shares.exists()).label("closed_sharing"),
    )  # fmt: skip
    return select(*columns).where(Project.stage == "closed").group_by(unit, year)


def _seconds(moment: Any) -> Any:
    return int(moment.timestamp()) if isinstance(moment, datetime) else extract("epoch", moment)
