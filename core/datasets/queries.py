"""Reading datasets, requests for them, grants, and who could read what at any moment."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Scope
from core.access.tables import Person, Team, TeamMember
from core.catalog.tables import Entry, EntryContent
from core.catalog.visibility import visible
from core.datasets import owners
from core.datasets.tables import DataGrant, DataReader, DataRequest
from core.db import now
from core.errors import NotFound
from core.projects.actions import ACTIVE_STAGES
from core.projects.portfolio import as_cell
from core.projects.queries import LARGEST_PAGE
from core.projects.tables import Project, ProjectMember
from core.projects.visibility import shown_to, within_reach, worked_on_by

LARGEST_EXPORT = 100_000

# --- the list --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DatasetRow:
    """A line of the datasets list; ``until`` is when the asker's own access ends, if they have any now."""

    entry_id: int
    key: str
    title: str
    summary: str
    owner_id: str
    owner: str
    unit_id: str | None
    classification: str
    lifecycle: str
    version: str
    adoptions: int
    personal_data: str
    until: datetime | None

    @property
    def scope(self) -> Scope:
        """Where the dataset belongs."""
        return Scope(self.unit_id, self.owner_id)


@dataclass(frozen=True)
class Datasets:
    """A page of the datasets list."""

    items: list[DatasetRow]
    total: int


def datasets(
    session: Session,
    actor: Actor,
    *,
    q: str = "",
    owner: str = "",
    classification: str = "",
    personal_data: str = "",
    readable: bool = False,
    page: int = 1,
    size: int = 50,
) -> Datasets:
    """A page of the datasets ``actor`` sees, by title; ``readable`` leaves those they have access to now."""
    policy.require(actor, "catalog.browse")
    mine, personal = _own_end(actor), _personal_data()
    where = [col(Entry.kind) == "dataset", col(Entry.lifecycle) != "retired", visible(actor)]
    if words := _printable(q).strip().lower():
        texts = (Entry.title, Entry.key, Entry.summary)
        where.append(or_(*(func.lower(one).contains(words, autoescape=True) for one in texts)))
    for column, wanted in ((Entry.owner, owner), (Entry.classification, classification)):
        if wanted:
            where.append(col(column) == _printable(wanted))
    if personal_data:
        where.append(personal == _printable(personal_data))
    if readable:
        where.append(mine.is_not(None))
    columns: tuple[Any, ...] = (
        Entry.id, Entry.key, Entry.title, Entry.summary, Entry.owner, func.coalesce(Team.name, Entry.owner), Entry.unit,
        Entry.classification, Entry.lifecycle, Entry.version, Entry.adoptions, personal, mine,
    )  # fmt: skip
    base = select(*columns).outerjoin(Team, col(Team.id) == Entry.owner)
    base = base.outerjoin(EntryContent, col(EntryContent.entry_id) == Entry.id).where(*where)
    total = session.execute(select(func.count()).select_from(base.subquery())).scalar_one()
    ordered = base.order_by(func.lower(Entry.title), Entry.key)
    return Datasets([DatasetRow(*row) for row in session.execute(_paged(ordered, page, size))], total)


def _personal_data() -> Any:
    given = col(EntryContent.document)["spec"]["personalData"].as_string()
    return func.coalesce(given, "none")


def _own_end(actor: Actor) -> Any:
    """When the actor's present access to the entry of the row around it ends."""
    moment = now()
    reading = (
        select(func.max(DataReader.until))
        .join(DataGrant, col(DataGrant.id) == DataReader.grant_id)
        .where(DataGrant.entry_id == Entry.id, DataReader.person_id == actor.id)
        .where(col(DataReader.since) <= moment, col(DataReader.until) > moment)
    )
    return reading.correlate(Entry).scalar_subquery()


def owning_teams(session: Session, actor: Actor) -> dict[str, str]:
    """Id → name of the teams that own a dataset ``actor`` sees, for the list's filter."""
    seen = select(Entry.owner).where(Entry.kind == "dataset", visible(actor))
    return dict(session.exec(select(Team.id, Team.name).where(col(Team.id).in_(seen)).order_by(Team.name)).all())


def without_decider(session: Session, entry_id: int) -> bool:
    """Whether nobody active can decide about a dataset: its owners left, and there is no manager."""
    entry = session.get(Entry, entry_id)
    return entry is not None and not owners.deciders(session, entry)


def colleagues(session: Session, actor: Actor) -> dict[str, str]:
    """Id → name of the active people of ``actor``'s teams, and of ``actor``: whom a request can name."""
    of_teams = select(TeamMember.person_id).where(col(TeamMember.team_id).in_(sorted(actor.teams)))
    there = or_(col(Person.id).in_(of_teams), col(Person.id) == actor.id)
    statement = select(Person.id, Person.name).where(col(Person.active), there).order_by(Person.name, Person.id)
    return dict(session.exec(statement.limit(LARGEST_PAGE)).all())


def own_projects(session: Session, actor: Actor) -> dict[str, str]:
    """Id → title of the running projects that ``actor`` works in: for which a request can be made."""
    own = (worked_on_by(actor), shown_to(actor), within_reach(actor, "entry.adopt"))
    statement = select(Project.id, Project.title).where(*own, col(Project.stage).in_(ACTIVE_STAGES))
    return dict(session.exec(statement.order_by(Project.title, Project.id).limit(LARGEST_PAGE)).all())


# --- requests --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RequestRow:
    """A request for data with its decision and its grant."""

    id: int
    entry_id: int
    dataset: str
    title: str
    owner: str
    unit: str | None
    lifecycle: str
    project_id: str | None
    project: str
    requested_by: str
    people: list[str]
    purpose: str
    columns: list[str]
    environment: str
    hours: int
    legal_basis: str
    state: str
    renews_id: int | None
    revision: int
    created_at: datetime
    submitted_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    approved_columns: list[str]
    approved_environment: str
    approved_hours: int
    calls: int
    call_failure: str
    grant_id: int | None
    since: datetime | None
    until: datetime | None
    ended_at: datetime | None
    end_reason: str
    evidence: str
    granted_by: str

    @property
    def scope(self) -> Scope:
        """Where the dataset belongs."""
        return Scope(self.unit, self.owner)

    @property
    def refs(self) -> set[str]:
        """Everybody named in the request, for looking up their names at once."""
        named = {self.requested_by, self.decided_by or "", self.granted_by, *(f"person:{one}" for one in self.people)}
        return named - {""}


@dataclass(frozen=True)
class Requests:
    """A page of requests, the newest first."""

    items: list[RequestRow]
    total: int


_REQUEST_COLUMNS: tuple[Any, ...] = (
    DataRequest.id, DataRequest.entry_id, Entry.key, Entry.title, Entry.owner, Entry.unit, Entry.lifecycle,
    DataRequest.project_id, func.coalesce(Project.title, ""), DataRequest.requested_by, DataRequest.people,
    DataRequest.purpose, DataRequest.columns, DataRequest.environment, DataRequest.hours, DataRequest.legal_basis,
    DataRequest.state, DataRequest.renews_id, DataRequest.revision, DataRequest.created_at, DataRequest.submitted_at,
    DataRequest.decided_by, DataRequest.decided_at, DataRequest.reason, DataRequest.approved_columns,
    DataRequest.approved_environment, DataRequest.approved_hours, DataRequest.calls, DataRequest.call_failure,
    DataGrant.id, DataGrant.since, DataGrant.until, DataGrant.ended_at, func.coalesce(DataGrant.end_reason, ""),
    func.coalesce(DataGrant.evidence, ""), func.coalesce(DataGrant.granted_by, ""),
)  # fmt: skip


def requests(
    session: Session,
    actor: Actor,
    *,
    mine: bool = False,
    to_decide: bool = False,
    project_id: str = "",
    dataset: str = "",
    states: Iterable[str] = (),
    page: int = 1,
    size: int = 50,
) -> Requests:
    """A page of the requests ``actor`` may read, newest first: their own (``mine``), or those they decide about.

    Readable are one's own, those one is named in or decides about, those of one's projects, and for auditors all.
    """
    policy.require(actor, "catalog.browse")
    where = [_readable(actor)]
    if mine:
        where.append(_own(actor))
    if to_decide:
        where += [owners.decidable(actor), visible(actor), col(DataRequest.requested_by) != actor.ref]
        where.append(col(DataRequest.state) != "draft")
    if project_id:
        where.append(col(DataRequest.project_id) == _printable(project_id))
    if dataset:
        where.append(col(Entry.key) == _printable(dataset).lower())
    if wanted := list(states):
        where.append(col(DataRequest.state).in_(wanted))
    base = _requests(where)
    total = session.execute(select(func.count()).select_from(base.subquery())).scalar_one()
    ordered = base.order_by(col(DataRequest.id).desc())
    return Requests([RequestRow(*row) for row in session.execute(_paged(ordered, page, size))], total)


def request(session: Session, actor: Actor, request_id: int) -> RequestRow:
    """One request that ``actor`` may read."""
    policy.require(actor, "catalog.browse")
    row = session.execute(_requests([col(DataRequest.id) == request_id, _readable(actor)])).first()
    if row is None:
        raise NotFound(f"No data request {request_id}.", hint="Your requests and those you decide are under Datasets.")
    return RequestRow(*row)


def waiting_for(session: Session, actor: Actor) -> int:
    """How many requests wait for ``actor`` to decide or to grant."""
    return requests(session, actor, to_decide=True, states=("submitted", "approved"), size=1).total


def _requests(where: list[ColumnElement[bool]]) -> Any:
    return (
        select(*_REQUEST_COLUMNS)
        .select_from(DataRequest)
        .join(Entry, col(Entry.id) == DataRequest.entry_id)
        .outerjoin(Project, col(Project.id) == DataRequest.project_id)
        .outerjoin(DataGrant, col(DataGrant.request_id) == DataRequest.id)
        .where(*where)
    )


def readable_requests(actor: Actor) -> Any:
    """The ids of the requests that ``actor`` may read, for tables that name a request."""
    return _requests([_readable(actor)]).with_only_columns(DataRequest.id)


def _own(actor: Actor) -> ColumnElement[bool]:
    reads = select(DataReader.grant_id).where(DataReader.grant_id == DataGrant.id, DataReader.person_id == actor.id)
    return or_(col(DataRequest.requested_by) == actor.ref, reads.correlate(DataGrant).exists())


def _readable(actor: Actor) -> ColumnElement[bool]:
    works_there = select(ProjectMember.project_id).where(ProjectMember.person_id == actor.id)
    of_projects = or_(col(Project.team_id).in_(sorted(actor.teams)), col(DataRequest.project_id).in_(works_there))
    sent = col(DataRequest.state) != "draft"
    others = or_(owners.decidable(actor), owners.auditable(actor), of_projects)
    return or_(_own(actor), and_(sent, visible(actor), others))


# --- who could read what ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReaderRow:
    """A person who could read columns of a dataset, because of which grant, from when until when."""

    person_id: str
    person: str
    dataset: str
    title: str
    project_id: str | None
    project: str
    columns: list[str]
    environment: str
    since: datetime
    until: datetime
    purpose: str
    legal_basis: str
    evidence: str
    granted_by: str
    request_id: int
    grant_id: int


@dataclass(frozen=True)
class Readers:
    """A page of who could read what."""

    items: list[ReaderRow]
    total: int


_READER_COLUMNS: tuple[Any, ...] = (
    DataReader.person_id, Person.name, Entry.key, Entry.title, DataRequest.project_id, func.coalesce(Project.title, ""),
    DataGrant.columns, DataGrant.environment, DataReader.since, DataReader.until, DataRequest.purpose,
    DataRequest.legal_basis, DataGrant.evidence, DataGrant.granted_by, DataRequest.id, DataGrant.id,
)  # fmt: skip


def readers(
    session: Session,
    actor: Actor,
    *,
    at: datetime,
    through: datetime | None = None,
    dataset: str = "",
    person: str = "",
    page: int = 1,
    size: int = 50,
) -> Readers:
    """Who could read what at a moment, or at any moment from ``at`` until before ``through``, from grants' periods.

    ``dataset`` is a reference, ``person`` an id or ``person:<id>``. Read access that was given elsewhere, without a
    request, is not known here.
    """
    policy.require_anywhere(actor, "data.audit")
    base = _readers(at, through, [visible(actor), owners.auditable(actor)], dataset, person)
    total = session.execute(select(func.count()).select_from(base.subquery())).scalar_one()
    ordered = base.order_by(Entry.key, Person.name, DataReader.person_id, DataGrant.id)
    return Readers([ReaderRow(*row) for row in session.execute(_paged(ordered, page, size))], total)


def readers_csv(
    session: Session,
    actor: Actor,
    *,
    at: datetime,
    through: datetime | None = None,
    dataset: str = "",
    person: str = "",
) -> str:
    """:func:`readers` as CSV with a header, at most :data:`LARGEST_EXPORT` rows; times in ISO 8601, UTC."""
    policy.require_anywhere(actor, "data.audit")
    base = _readers(at, through, [visible(actor), owners.auditable(actor)], dataset, person)
    rows = session.execute(base.order_by(Entry.key, DataReader.person_id, DataGrant.id).limit(LARGEST_EXPORT))
    return _as_csv(ReaderRow(*row) for row in rows)


def grants_of(session: Session, actor: Actor, *, at: datetime | None = None) -> list[ReaderRow]:
    """What ``actor`` may read at a moment (now), what ends first first."""
    policy.require(actor, "catalog.browse")
    base = _readers(at or now(), None, [col(DataReader.person_id) == actor.id], "", "")
    ordered = base.order_by(DataReader.until, DataGrant.id).limit(LARGEST_PAGE)
    return [ReaderRow(*row) for row in session.execute(ordered)]


def readers_of(session: Session, actor: Actor, entry_id: int, *, limit: int = 100) -> list[ReaderRow]:
    """Who may read a dataset now, for those who decide about it or audit it."""
    seen = [visible(actor), or_(owners.decidable(actor), owners.auditable(actor)), col(Entry.id) == entry_id]
    base = _readers(now(), None, seen, "", "")
    return [ReaderRow(*row) for row in session.execute(base.order_by(DataReader.until, DataGrant.id).limit(limit))]


def _readers(
    at: datetime, through: datetime | None, where: list[ColumnElement[bool]], dataset: str, person: str
) -> Any:
    begun = col(DataReader.since) <= at if through is None else col(DataReader.since) < through
    where = [*where, begun, col(DataReader.until) > at, col(DataReader.until) > col(DataReader.since)]
    if dataset:
        where.append(col(Entry.key) == _printable(dataset).strip().lower())
    if person:
        where.append(col(DataReader.person_id) == _printable(person).strip().removeprefix("person:"))
    return (
        select(*_READER_COLUMNS)
        .select_from(DataReader)
        .join(DataGrant, col(DataGrant.id) == DataReader.grant_id)
        .join(DataRequest, col(DataRequest.id) == DataGrant.request_id)
        .join(Entry, col(Entry.id) == DataGrant.entry_id)
        .join(Person, col(Person.id) == DataReader.person_id)
        .outerjoin(Project, col(Project.id) == DataRequest.project_id)
        .where(*where)
    )


def _as_csv(rows: Iterable[ReaderRow]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")  # RFC 4180
    writer.writerow(ReaderRow.__dataclass_fields__)
    for row in rows:
        writer.writerow([as_cell(_text(getattr(row, name))) for name in ReaderRow.__dataclass_fields__])
    return written.getvalue()


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "; ".join(value) if isinstance(value, list) else "" if value is None else str(value)


# --- shared ----------------------------------------------------------------------------------------------------------


def _paged(statement: Any, page: int, size: int) -> Any:
    size = min(max(size, 1), LARGEST_PAGE)
    return statement.limit(size).offset((min(max(page, 1), 1_000_000) - 1) * size)


def _printable(given: str) -> str:
    return "".join(letter for letter in given[:500] if letter.isprintable())
