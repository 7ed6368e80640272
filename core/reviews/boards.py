"""Lists of reviews: the queue by what is due first, conditions and waivers that run, and what waits for one person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

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
from core.reviews.standing import standings_of
from core.reviews.tables import (
    CaseAnswer,
    CaseSeat,
    ChecklistVersion,
    Condition,
    ReviewCase,
    Signature,
    Waiver,
)
from core.reviews.waiving import BREAK_GLASS
from core.tracking.tables import MirrorAlias

SIZES = range(1, 101)
LAST_PAGE = 1_000_000
_REVOCABLE = (*states.APPROVED, "suspended")
"""States of what was approved and is not over yet."""
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
    stage: str
    """Of the project."""
    aliases: tuple[str, ...]
    """Of the version that is reviewed, as MLflow has them."""
    standings: tuple[states.Standing, ...]
    """How its items stand."""

    @property
    def settled(self) -> int:
        """How many items need nothing more from anybody."""
        return sum(one.is_settled for one in self.standings)

    @property
    def verdicts(self) -> dict[str, int]:
        """How many checks fail, are inconclusive or miss their evidence, of items that are not let pass."""
        found = Counter(one.verdict for one in self.standings if not (one.waived or one.not_applicable))
        return {name: found[name] for name in ("fail", "inconclusive", "missing") if found[name]}

    @property
    def waiting(self) -> list[str]:
        """What in production waits for it, in words."""
        held = [f"holds {', '.join(self.aliases)}"] if self.aliases else []
        return held + (["the project is in operation"] if self.stage == "operate" else [])

    @property
    def is_late(self) -> bool:
        """Whether a decision should have been taken."""
        return self.state == "in review" and self.paused_at is None and self.due_at is not None and self.due_at < now()


Row = TypeVar("Row")


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """A page of a list, and how many rows the whole list has."""

    items: list[Row]
    total: int


def queue(
    session: Session,
    actor: Actor,
    *,
    view: str = "open",
    state: str = "",
    kind: str = "",
    tier: str = "",
    q: str = "",
    project_id: str = "",
    model: str = "",
    version: str = "",
    page: int = 1,
    size: int = 20,
) -> Listed[CaseRow]:
    """The cases of projects that ``actor`` sees: what is due first, then the higher tier, then what waits on it.

    ``model`` and ``version`` are those of a registered model that is reviewed; empty strings leave nothing out.
    """
    policy.require(actor, "catalog.browse")
    if view not in VIEWS:
        raise Invalid("There is no such list of reviews.", hint=f"Lists: {', '.join(VIEWS)}.")
    _require_page(page, size)
    exactly = {
        ReviewCase.state: state, ReviewCase.tier: tier, ReviewCase.project_id: project_id, ReviewCase.version: version,
        ReviewCase.kind: "model" if model else kind, ReviewCase.name: model,
    }  # fmt: skip
    where = [shown_to(actor), _in_view(actor, view)]
    where += [col(column) == value for column, value in exactly.items() if value]
    if words := "".join(letter for letter in q[:200] if letter.isprintable()).strip():
        columns = (ReviewCase.name, Project.title, Entry.title)
        where.append(or_(*(col(one).icontains(words, autoescape=True) for one in columns)))
    total = session.execute(_of(select(func.count()), where)).scalar_one()
    return Listed(_cases(session, where, limit=size, offset=(page - 1) * size), total)


def _cases(session: Session, where: Sequence[Any], *, limit: int, offset: int = 0) -> list[CaseRow]:
    wanted = _of(select(*_COLUMNS), where).order_by(*_ORDER).limit(limit).offset(offset)
    return _rows(session, session.execute(wanted).all())


def _require_page(page: int, size: int) -> None:
    if size not in SIZES or not 1 <= page <= LAST_PAGE:
        raise Invalid(f"A list has pages 1 to {LAST_PAGE:,}, each of 1 to {SIZES[-1]} rows.")


def _rows(session: Session, found: Sequence[Any]) -> list[CaseRow]:
    cases = [row[0] for row in found]
    standings, aliases = standings_of(session, cases), _aliases(session, cases)
    return [
        CaseRow(
            case.id, case.kind, case.name, case.version, case.project_id, project, checklist, checklist_version,
            case.tier, case.state, case.owner, case.due_at, case.paused_at, case.opened_at, case.expires_at, stage,
            aliases.get(case.id, ()), tuple(standings[case.id]),
        )
        for case, project, stage, checklist, checklist_version in found
    ]  # fmt: skip


_HOLDS_ALIAS: tuple[Any, ...] = (
    ReviewCase.kind == "model", MirrorAlias.model == ReviewCase.name, MirrorAlias.version == ReviewCase.version,
)  # fmt: skip


def _aliases(session: Session, cases: Sequence[ReviewCase]) -> dict[int, tuple[str, ...]]:
    held = select(ReviewCase.id, MirrorAlias.alias).where(*_HOLDS_ALIAS)
    found: dict[int, set[str]] = {}
    for case_id, alias in session.execute(held.where(col(ReviewCase.id).in_([one.id for one in cases]))):
        found.setdefault(case_id, set()).add(alias)
    return {case_id: tuple(sorted(names)) for case_id, names in found.items()}


_WAITS: Any = or_(
    Project.stage == "operate",  # type: ignore[arg-type]
    select(MirrorAlias.alias).where(*_HOLDS_ALIAS).correlate(ReviewCase).exists(),
)
_COLUMNS: tuple[Any, ...] = (
    ReviewCase, col(Project.title).label("project"), Project.stage, col(Entry.title).label("checklist"),
    col(ChecklistVersion.version).label("checklist_version"),
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
    by_state = {"open": states.OPEN, "approved": _REVOCABLE, "ended": states.ENDED}
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


def conditions_due(session: Session, actor: Actor, *, mine: bool = False, page: int = 1, size: int = 50) -> Listed[Due]:
    """Open conditions of approved cases, the earliest day first; with ``mine`` those that ``actor`` is to meet."""
    policy.require(actor, "catalog.browse")
    _require_page(page, size)
    where: list[Any] = [
        shown_to(actor), col(Condition.met_at).is_(None), col(Condition.voided_at).is_(None),
        col(ReviewCase.state).in_(_REVOCABLE),
    ]  # fmt: skip
    if mine:
        where.append(Condition.owner_id == actor.id)
    columns: tuple[Any, ...] = (
        Condition.id, Condition.case_id, ReviewCase.name, ReviewCase.version, Project.title, Condition.text,
        Person.name, Condition.due_on, Condition.check,
    )  # fmt: skip
    found = _in_projects(select(*columns), Condition, where).join(Person, col(Person.id) == Condition.owner_id)
    rows = session.execute(found.order_by(Condition.due_on, Condition.id).limit(size).offset((page - 1) * size))
    total = session.execute(_in_projects(select(func.count()), Condition, where)).scalar_one()
    return Listed([Due(*row) for row in rows], total)


def _in_projects(selected: Any, table: Any, where: Sequence[Any]) -> Any:
    """A statement on conditions or waivers, with their cases and projects."""
    return (
        selected.select_from(table)
        .join(ReviewCase, col(ReviewCase.id) == table.case_id)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(*where)
    )


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
    waits: bool
    """Whether it waits for a decision; otherwise it is in force, or was a broken glass that nobody looked at yet."""
    holds: bool
    """Whether it lets something pass now."""


_BROKEN: Any = (col(Waiver.kind) == BREAK_GLASS) & col(Waiver.second_by).is_not(None)
_STANDS: Any = col(Waiver.ended_at).is_(None) & col(Waiver.refused_at).is_(None)
_GRANTED: Any = col(Waiver.approved_at).is_not(None) & (
    (col(Waiver.kind) != BREAK_GLASS) | col(Waiver.second_by).is_not(None)
)
_TO_LOOK_AT: Any = _BROKEN & col(Waiver.reviewed_at).is_(None)


def _to_waive(at: datetime) -> Any:
    """Whether it waits for a decision that can still be made."""
    return _STANDS & ~_GRANTED & (col(Waiver.expires_at) > at) & col(ReviewCase.state).in_(states.OPEN)


def _in_force(at: datetime) -> Any:
    return _STANDS & _GRANTED & (col(Waiver.expires_at) > at) & col(ReviewCase.state).not_in(states.ENDED)


def waivers_running(session: Session, actor: Actor, *, page: int = 1, size: int = 50) -> Listed[WaiverRow]:
    """Waivers that wait for a decision or are in force, and broken glasses to look at; what ends first at the top."""
    policy.require(actor, "catalog.browse")
    _require_page(page, size)
    moment = now()
    where = [shown_to(actor), or_(_to_waive(moment), _in_force(moment), _TO_LOOK_AT)]
    total = session.execute(_in_projects(select(func.count()), Waiver, where)).scalar_one()
    return Listed(_waivers(session, where, moment, limit=size, offset=(page - 1) * size), total)


def _waivers(session: Session, where: Sequence[Any], at: datetime, *, limit: int, offset: int = 0) -> list[WaiverRow]:
    columns: tuple[Any, ...] = (
        Waiver.id, Waiver.case_id, ReviewCase.name, ReviewCase.version, Project.title, Waiver.item_id, Waiver.kind,
        Waiver.reason, Waiver.control, Waiver.requested_by, Waiver.approved_by, Waiver.second_by, Waiver.expires_at,
        _to_waive(at).label("waits"), _in_force(at).label("holds"),
    )  # fmt: skip
    found = _in_projects(select(*columns), Waiver, where).order_by(Waiver.expires_at, Waiver.id)
    return [WaiverRow(*row) for row in session.execute(found.limit(limit).offset(offset))]


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
    to_revoke: list[CaseRow]
    """Cases whose approval somebody else wants revoked."""


def waiting_for(session: Session, actor: Actor, *, limit: int = 8) -> Waiting:
    """What of reviews waits for ``actor``, of each kind what is due first; only what they can do themselves."""
    if not policy.may(actor, "catalog.browse"):
        return Waiting([], [], [], [], [], [])
    moment = now()
    took_part = select(CaseAnswer.id).where(CaseAnswer.case_id == ReviewCase.id, CaseAnswer.answered_by == actor.ref)
    to_waive = [
        shown_to(actor), _to_waive(moment), within_reach(actor, "risk.accept"), Waiver.requested_by != actor.ref,
        ReviewCase.owner != actor.ref, ~took_part.correlate(ReviewCase).exists(),
    ]  # fmt: skip
    to_look_at = [
        shown_to(actor), _TO_LOOK_AT, within_reach(actor, "sign.ethics"), Waiver.approved_by != actor.ref,
        Waiver.second_by != actor.ref,
    ]  # fmt: skip
    to_revoke = [
        shown_to(actor), col(ReviewCase.state).in_(_REVOCABLE), within_reach(actor, "approval.revoke"),
        ReviewCase.revoke_proposed_by != actor.ref,
    ]  # fmt: skip
    return Waiting(
        queue(session, actor, view="to decide", size=limit).items,
        queue(session, actor, view="mine", state="changes requested", size=limit).items,
        conditions_due(session, actor, mine=True, size=limit).items,
        _waivers(session, to_waive, moment, limit=limit), _waivers(session, to_look_at, moment, limit=limit),
        _cases(session, to_revoke, limit=limit),
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
    """How many cases of projects that the reader sees were opened with it."""
    content_hash: str
    authored_by: str
    scope: Scope


def checklist_versions(session: Session, actor: Actor, *, limit: int = 100) -> list[ChecklistRow]:
    """Versions of checklists that ``actor`` sees: those that wait for a decision first, then by title, the newest first."""
    opened = (
        select(ReviewCase.checklist_id, func.count().label("count"))
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(shown_to(actor))
        .group_by(col(ReviewCase.checklist_id))
        .subquery()
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
