"""Reading what reuse was worth: the newest claim of each adoption, and their sums as ranges of working hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Scope
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.projects.tables import Adoption, Project, ReuseValue
from core.projects.visibility import shown_to, within_reach

_MOST = 200


@dataclass(frozen=True)
class Claim:
    """The newest claim of what an adoption saved, in working hours."""

    id: int
    adoption_id: int
    project_id: str
    project: str
    team_id: str
    unit_id: str | None
    low_hours: int
    high_hours: int
    basis: str
    claimed_by: str
    claimed_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None

    @property
    def scope(self) -> Scope:
        """Where the project belongs."""
        return Scope(self.unit_id, self.team_id, self.project_id)


@dataclass(frozen=True)
class WaitingClaim:
    """A claim that waits for a manager, with the entry on whose page it is confirmed."""

    entry_key: str
    entry: str
    project: str
    low_hours: int
    high_hours: int


@dataclass(frozen=True)
class Value:
    """Hours saved as ranges: what was claimed, and the part of it that somebody else confirmed."""

    claims: int = 0
    claimed_low: int = 0
    claimed_high: int = 0
    confirmed: int = 0
    confirmed_low: int = 0
    confirmed_high: int = 0


@dataclass(frozen=True)
class EntryValue:
    """What the reuse of one entry was worth."""

    key: str
    kind: str
    title: str
    adoptions: int
    value: Value


_CLAIM: tuple[Any, ...] = (
    ReuseValue.id, ReuseValue.adoption_id, Project.id, Project.title, Project.team_id, Project.unit_id,
    ReuseValue.low_hours, ReuseValue.high_hours, ReuseValue.basis, ReuseValue.claimed_by, ReuseValue.claimed_at,
    ReuseValue.confirmed_by, ReuseValue.confirmed_at,
)  # fmt: skip
_newer = aliased(ReuseValue)
_latest = (
    ~select(_newer.id)
    .where(_newer.adoption_id == ReuseValue.adoption_id, col(_newer.id) > ReuseValue.id)
    .correlate(ReuseValue)
    .exists()
)
"""Only the newest claim of an adoption counts."""
_is_confirmed = col(ReuseValue.confirmed_by).is_not(None)
_SUMS: tuple[Any, ...] = (
    func.count(col(ReuseValue.id)),
    func.coalesce(func.sum(ReuseValue.low_hours), 0),
    func.coalesce(func.sum(ReuseValue.high_hours), 0),
    func.count(col(ReuseValue.id)).filter(_is_confirmed),
    func.coalesce(func.sum(ReuseValue.low_hours).filter(_is_confirmed), 0),
    func.coalesce(func.sum(ReuseValue.high_hours).filter(_is_confirmed), 0),
)
"""In the order of the fields of :class:`Value`."""


def claims(session: Session, actor: Actor, entry_id: int) -> list[Claim]:
    """The newest claim of each adoption of an entry by a project, both of which ``actor`` sees; those that wait for a
    manager first."""
    policy.require(actor, "catalog.browse")
    rows = session.execute(
        _claimed(select(*_CLAIM))
        .join(Project, col(Project.id) == Adoption.project_id)
        .where(Adoption.entry_id == entry_id, _latest, visible(actor), shown_to(actor))
        .order_by(_is_confirmed, col(ReuseValue.id).desc())
        .limit(_MOST)
    )
    return [Claim(*row) for row in rows]


def claims_to_confirm(session: Session, actor: Actor, *, limit: int = 50) -> list[WaitingClaim]:
    """The newest claims that wait for ``actor``, who did not make them, to confirm them; the longest waiting first."""
    if not policy.may_anywhere(actor, "value.confirm"):
        return []
    waiting = (_latest, ~_is_confirmed, ReuseValue.claimed_by != actor.ref)
    theirs = (visible(actor), shown_to(actor), within_reach(actor, "value.confirm"))
    columns: tuple[Any, ...] = (Entry.key, Entry.title, Project.title, ReuseValue.low_hours, ReuseValue.high_hours)
    rows = session.execute(
        _claimed(select(*columns))
        .join(Project, col(Project.id) == Adoption.project_id)
        .where(*waiting, *theirs)
        .order_by(col(ReuseValue.id))
        .limit(limit)
    )
    return [WaitingClaim(*row) for row in rows]


def total_value(session: Session, actor: Actor, *, entry_id: int | None = None) -> Value:
    """What the reuse of one entry, or of all that ``actor`` may see, was worth; sums name no project and count all."""
    policy.require(actor, "catalog.browse")
    statement = _claimed(select(*_SUMS)).where(_latest, visible(actor))
    if entry_id is not None:
        statement = statement.where(Adoption.entry_id == entry_id)
    return Value(*map(int, session.execute(statement).one()))


def values_by_entry(session: Session, actor: Actor, *, limit: int = 50) -> list[EntryValue]:
    """The entries whose reuse saved most: by what is confirmed at least, then by what is claimed at least."""
    policy.require(actor, "catalog.browse")
    rows = session.execute(
        _claimed(select(Entry.key, Entry.kind, Entry.title, Entry.adoptions, *_SUMS))
        .where(_latest, visible(actor))
        .group_by(Entry.id, Entry.key, Entry.kind, Entry.title, Entry.adoptions)
        .order_by(_SUMS[4].desc(), _SUMS[1].desc(), Entry.key)
        .limit(limit)
    )
    return [EntryValue(row[0], row[1], row[2], row[3], Value(*map(int, row[4:]))) for row in rows]


def _claimed(columns: Any) -> Any:
    return (
        columns.select_from(ReuseValue)
        .join(Adoption, col(Adoption.id) == ReuseValue.adoption_id)
        .join(Entry, col(Entry.id) == Adoption.entry_id)
    )
