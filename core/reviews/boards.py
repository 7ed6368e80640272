"""Lists of reviews: the queue by what is due first, conditions and waivers that run, and what waits for one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, false, func, or_
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Scope
from core.access.tables import Person
from core.catalog.actions import scope_of
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.db import now
from core.errors import Invalid
from core.projects.tables import Project
from core.projects.visibility import shown_to, within_reach
from core.reviews import states
from core.reviews.tables import (
    CaseFinding,
    CaseSeat,
    ChecklistVersion,
    Condition,
    ReviewCase,
    Signature,
    Waiver,
)
from core.tracking.tables import MirrorAlias

SIZES = range(1, 101)
VIEWS = ("to decide", "mine", "open", "approved", "ended", "all")
"""Which cases a queue holds: those that wait for the reader's signature, their own, and by how they stand."""


@dataclass(frozen=True)
class CaseRow:
    """A case as lists show it."""

    id: int
    kind: str
    name: str
    version: str
    project_id: str
    project: str
    checklist: str
    checklist_version: str
    tier: str
    state: str
    owner: str
    due_at: datetime | None
    paused_at: datetime | None
    opened_at: datetime
    expires_at: datetime | None
    waits: bool
    """Whether something in production waits for it: the version holds an alias, or the project is in operation."""
    failing: int
    inconclusive: int
    missing: int

    @property
    def is_late(self) -> bool:
        """Whether a decision should have been taken."""
        return self.state == "in review" and self.paused_at is None and self.due_at is not None and self.due_at < now()


@dataclass(frozen=True)
class Queue:
    """A page of cases, and how many there are."""

    items: list[CaseRow]
    total: int


def queue(
    session: Session,
    actor: Actor,
    *,
    view: str = "open",
    tier: str = "",
    q: str = "",
    project_id: str = "",
    model: tuple[str, str] | None = None,
    page: int = 1,
    size: int = 20,
) -> Queue:
    """The cases of projects that ``actor`` sees: what is due first, then the higher tier, then what waits on it."""
    policy.require(actor, "catalog.browse")
    if view not in VIEWS or size not in SIZES or not 1 <= page <= 10_000:
        raise Invalid("There is no such list of reviews.", hint=f"Lists: {', '.join(VIEWS)}.")
    where = [shown_to(actor), _in_view(actor, view)]
    if tier:
        where.append(col(ReviewCase.tier) == tier)
    if project_id:
        where.append(col(ReviewCase.project_id) == project_id)
    if model:
        where += [ReviewCase.kind == "model", ReviewCase.name == model[0], ReviewCase.version == model[1]]  # type: ignore[list-item]
    if words := q.strip()[:200]:
        where.append(or_(*(col(one).icontains(words, autoescape=True) for one in (ReviewCase.name, Project.title, Entry.title))))  # fmt: skip
    total = session.execute(_of(select(func.count()), where)).scalar_one()
    rows = session.execute(_of(select(*_COLUMNS), where).order_by(*_ORDER).limit(size).offset((page - 1) * size)).all()
    counted = _verdicts(session, [row.id for row in rows])
    return Queue([CaseRow(*row, *counted.get(row.id, (0, 0, 0))) for row in rows], total)  # type: ignore[call-arg]


_WAITS: Any = or_(
    Project.stage == "operate",  # type: ignore[arg-type]
    select(MirrorAlias.alias)
    .where(MirrorAlias.model == ReviewCase.name, MirrorAlias.version == ReviewCase.version)
    .exists(),
)
_COLUMNS: tuple[Any, ...] = (
    ReviewCase.id, ReviewCase.kind, ReviewCase.name, ReviewCase.version, ReviewCase.project_id,
    col(Project.title).label("project"), col(Entry.title).label("checklist"),
    col(ChecklistVersion.version).label("checklist_version"), ReviewCase.tier, ReviewCase.state, ReviewCase.owner,
    ReviewCase.due_at, ReviewCase.paused_at, ReviewCase.opened_at, ReviewCase.expires_at, _WAITS.label("waits"),
)  # fmt: skip
_RISK = case({"prohibited": 0, "high": 1, "limited": 2}, value=col(ReviewCase.tier), else_=3)
_ORDER: tuple[Any, ...] = (
    # by the day: of two cases that are due on one day, the weightier comes first
    func.date(ReviewCase.due_at).asc().nulls_last(), _RISK, _WAITS.desc(), col(ReviewCase.id),
)  # fmt: skip


def _of(selected: Any, where: Sequence[Any]) -> Any:
    return (
        selected.select_from(ReviewCase)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .join(ChecklistVersion, col(ChecklistVersion.id) == ReviewCase.checklist_id)
        .join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
        .where(*where)
    )


def _in_view(actor: Actor, view: str) -> ColumnElement[bool]:
    by_state = {"open": states.OPEN, "approved": (*states.APPROVED, "suspended"), "ended": states.ENDED}
    if view in by_state:
        return col(ReviewCase.state).in_(by_state[view])
    if view == "mine":
        return col(ReviewCase.owner) == actor.ref
    return _to_decide(actor) if view == "to decide" else ~false()


def _to_decide(actor: Actor) -> ColumnElement[bool]:
    """Whether the case waits for the signature of ``actor``, who has a seat in it."""
    sits = select(CaseSeat.id).where(
        CaseSeat.case_id == ReviewCase.id, CaseSeat.person_id == actor.id, col(CaseSeat.released_at).is_(None)
    )
    signed = select(Signature.id).where(
        Signature.case_id == ReviewCase.id, Signature.person_id == actor.id, col(Signature.voided_at).is_(None),
        Signature.decision != "submit",
    )  # fmt: skip
    return (col(ReviewCase.state) == "in review") & sits.exists() & ~signed.exists()


def _verdicts(session: Session, case_ids: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """Case → how many of its checks fail, are inconclusive, miss their evidence."""
    counted = (
        select(CaseFinding.case_id, *(func.sum(case((col(CaseFinding.verdict) == name, 1), else_=0)) for name in ("fail", "inconclusive", "missing")))
        .where(col(CaseFinding.case_id).in_(case_ids), col(CaseFinding.current))
        .group_by(col(CaseFinding.case_id))
    )  # fmt: skip
    return {one: (fail, unclear, missing) for one, fail, unclear, missing in session.execute(counted)}


@dataclass(frozen=True)
class Due:
    """A condition that is not met yet."""

    id: int
    case_id: int
    name: str
    version: str
    project: str
    text: str
    owner: str
    due_on: date
    check: str

    @property
    def is_late(self) -> bool:
        """Whether its last day is over."""
        return self.due_on < now().date()


def conditions_due(session: Session, actor: Actor, *, mine: bool = False, limit: int = 200) -> list[Due]:
    """Open conditions of approved cases, the earliest day first; with ``mine`` those that ``actor`` is to meet."""
    columns: tuple[Any, ...] = (
        Condition.id, Condition.case_id, ReviewCase.name, ReviewCase.version, Project.title, Condition.text,
        Person.name, Condition.due_on, Condition.check,
    )  # fmt: skip
    wanted = (
        select(*columns)
        .join(ReviewCase, col(ReviewCase.id) == Condition.case_id)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .join(Person, col(Person.id) == Condition.owner_id)
        .where(shown_to(actor), col(Condition.met_at).is_(None), col(Condition.voided_at).is_(None))
        .where(col(ReviewCase.state).in_((*states.APPROVED, "suspended")))
    )
    if mine:
        wanted = wanted.where(Condition.owner_id == actor.id)
    return [
        Due(*row) for row in session.execute(wanted.order_by(col(Condition.due_on), col(Condition.id)).limit(limit))
    ]


@dataclass(frozen=True)
class WaiverRow:
    """A waiver that waits for a decision, is in force, or broke a glass that nobody looked at yet."""

    id: int
    case_id: int
    name: str
    version: str
    project: str
    item: str
    kind: str
    reason: str
    control: str
    requested_by: str
    approved_by: str | None
    second_by: str | None
    expires_at: datetime
    reviewed_at: datetime | None

    @property
    def waits(self) -> bool:
        """Whether a decision about it is still to be made."""
        return self.approved_by is None or (self.kind == "break-glass" and self.second_by is None)


def waivers_running(session: Session, actor: Actor, *, limit: int = 200) -> list[WaiverRow]:
    """Waivers that have not ended, and broken glasses that wait for their review; what ends first at the top."""
    columns: tuple[Any, ...] = (
        Waiver.id, Waiver.case_id, ReviewCase.name, ReviewCase.version, Project.title, Waiver.item_id, Waiver.kind,
        Waiver.reason, Waiver.control, Waiver.requested_by, Waiver.approved_by, Waiver.second_by, Waiver.expires_at,
        Waiver.reviewed_at,
    )  # fmt: skip
    to_review = (
        (col(Waiver.kind) == "break-glass") & col(Waiver.second_by).is_not(None) & col(Waiver.reviewed_at).is_(None)
    )
    running = col(Waiver.ended_at).is_(None) & col(Waiver.refused_at).is_(None)
    wanted = (
        select(*columns)
        .join(ReviewCase, col(ReviewCase.id) == Waiver.case_id)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(shown_to(actor), or_(running, to_review))
    )
    return [
        WaiverRow(*row) for row in session.execute(wanted.order_by(col(Waiver.expires_at), col(Waiver.id)).limit(limit))
    ]


@dataclass(frozen=True)
class Waiting:
    """What of reviews waits for one person."""

    to_decide: list[CaseRow]
    to_change: list[CaseRow]
    """Their own cases in which changes were asked for."""
    to_meet: list[Due]
    to_waive: list[WaiverRow]
    to_look_at: list[WaiverRow]
    """Broken glasses."""


def waiting_for(session: Session, actor: Actor, *, limit: int = 8) -> Waiting:
    """What of reviews waits for ``actor``."""
    own = queue(session, actor, view="mine", size=100).items
    running = waivers_running(session, actor) if policy.may_anywhere(actor, "risk.accept") else []
    reached = set(session.exec(select(ReviewCase.id).join(Project, col(Project.id) == ReviewCase.project_id).where(within_reach(actor, "risk.accept"), col(ReviewCase.id).in_([one.case_id for one in running])))) if running else set()  # fmt: skip
    mine = [one for one in running if one.case_id in reached and actor.ref not in (one.requested_by, one.approved_by)]
    return Waiting(
        queue(session, actor, view="to decide", size=limit).items,
        [one for one in own if one.state == "changes requested"][:limit],
        conditions_due(session, actor, mine=True, limit=limit),
        [one for one in mine if one.waits][:limit],
        [one for one in mine if not one.waits and one.kind == "break-glass" and one.reviewed_at is None and actor.ref != one.second_by][:limit],
    )  # fmt: skip


@dataclass(frozen=True)
class ChecklistRow:
    """A version of a checklist in a list."""

    id: int
    entry_id: int
    key: str
    title: str
    version: str
    state: str
    applies_to: str
    items: int
    cases: int
    """How many cases were opened with it."""
    content_hash: str
    authored_by: str
    scope: Scope


def checklist_versions(session: Session, actor: Actor, *, limit: int = 100) -> list[ChecklistRow]:
    """Versions of checklists that ``actor`` sees: those that wait for a decision first, then by title, the newest first."""
    opened = (
        select(ReviewCase.checklist_id, func.count().label("count")).group_by(col(ReviewCase.checklist_id)).subquery()
    )
    rows = session.execute(
        select(ChecklistVersion, Entry, opened.c.count)
        .join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
        .outerjoin(opened, opened.c.checklist_id == ChecklistVersion.id)
        .where(visible(actor))
        .order_by(
            case((col(ChecklistVersion.state) == "proposed", 0), else_=1), Entry.title, col(ChecklistVersion.id).desc()
        )
        .limit(limit)
    )
    return [
        ChecklistRow(
            one.id or 0, entry.id or 0, entry.key, entry.title, one.version, one.state, str(one.content.get("appliesTo", "")),
            sum(len(section["items"]) for section in one.content["sections"]), count or 0, one.content_hash,
            one.authored_by, scope_of(entry),
        )
        for one, entry, count in rows
    ]  # fmt: skip
