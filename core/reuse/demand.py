"""Demand: what is asked for most, and its verbs. Noting that somebody asked is :mod:`core.catalog.demand`'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.access.tables import BusinessUnit
from core.activity import events
from core.activity.recording import record
from core.catalog.demand import key as demand_key
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Demand, DemandAsk, Entry
from core.catalog.visibility import visible
from core.db import now
from core.errors import Conflict, Invalid, NotFound
from core.people import notices
from core.projects.actions import text as checked
from core.reuse import queries
from core.reuse.actions import FOR_EVERYBODY, REASON_LENGTH
from core.reuse.similarity import Subject

STATES = ("open", "taken", "answered", "declined")
LARGEST_PAGE = 200
ASKS_SHOWN = 20
"""So many of a demand's asks are listed, the latest first."""


@dataclass(frozen=True)
class Ask:
    """Somebody asked: who, for which unit, how (``search``, ``wish`` or ``review``), and when."""

    text: str
    how: str
    asked_by: str
    """``person:…`` or ``token:…``; names are looked up when they are shown."""
    unit: str
    note: str
    entry_key: str
    """The entry that was turned down, where one was and the reader may see it."""
    asked_at: datetime


@dataclass(frozen=True)
class DemandLine:
    """Something people asked for, how often and by how many units, and what became of it."""

    text: str
    asks: int
    units: int
    people: int
    state: str
    taken_by: str | None
    taken_at: datetime | None
    answer: str
    """Key of the entry that answers it, where the reader may see it; otherwise empty."""
    answer_title: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    first_at: datetime
    last_at: datetime
    latest: Sequence[Ask] = ()
    """The latest asks, at most :data:`ASKS_SHOWN`; only where a function says so."""

    @property
    def rank(self) -> int:
        """Asks times units: what many parts of the organisation ask for comes before what one part repeats."""
        return self.asks * max(self.units, 1)


@dataclass(frozen=True)
class DemandPage:
    """A page of the ranked list, and how many demands there are in each state."""

    items: list[DemandLine]
    total: int
    by_state: dict[str, int]


_ASKS = func.count(col(DemandAsk.id))
_UNITS = func.count(col(DemandAsk.unit_id).distinct())
_RANK = _ASKS * func.coalesce(func.nullif(_UNITS, 0), 1)
_LINE: tuple[Any, ...] = (
    Demand.text, _ASKS, _UNITS, func.count(col(DemandAsk.person_id).distinct()), Demand.state, Demand.taken_by,
    Demand.taken_at, func.coalesce(Entry.key, ""), func.coalesce(Entry.title, ""), Demand.decided_by, Demand.decided_at,
    Demand.reason, Demand.first_at, Demand.last_at,
)  # fmt: skip


def ranked(
    session: Session, actor: Actor, *, states: Sequence[str] = ("open", "taken"), page: int = 1, size: int = 50
) -> DemandPage:
    """What is asked for, by asks times units; equal ones by the later ask, then by text. With who asked."""
    policy.require(actor, "catalog.browse")
    wanted = [one for one in states if one in STATES]
    counted = select(col(Demand.state), func.count()).group_by(Demand.state)
    by_state = {row[0]: row[1] for row in session.execute(counted)}
    size = min(max(size, 1), LARGEST_PAGE)
    statement = (
        _lines(actor)
        .where(col(Demand.state).in_(wanted))
        .order_by(_RANK.desc(), col(Demand.last_at).desc(), Demand.text)
        .limit(size)
        .offset((min(max(page, 1), 100_000) - 1) * size)
    )
    lines = [DemandLine(*row) for row in session.execute(statement)]
    asks = _asks(session, actor, [one.text for one in lines])
    items = [replace(one, latest=asks.get(one.text, ())) for one in lines]
    return DemandPage(items, sum(by_state.get(one, 0) for one in wanted), by_state)


def standing(session: Session, actor: Actor, text: str) -> DemandLine | None:
    """What became of the demand with this text, if anybody asked for it."""
    policy.require(actor, "catalog.browse")
    row = session.execute(_lines(actor).where(Demand.text == demand_key(text))).first()
    return DemandLine(*row) if row else None


def one(session: Session, actor: Actor, text: str) -> DemandLine:
    """The demand with this text, with who asked for it last."""
    found = standing(session, actor, text)
    if found is None:
        raise _unasked(demand_key(text))
    return replace(found, latest=_asks(session, actor, [found.text]).get(found.text, ()))


def suggestions(session: Session, actor: Actor, text: str, *, limit: int = 8) -> dict[str, str]:
    """Key → title of entries that may answer ``text``, the most similar first."""
    policy.require(actor, "catalog.browse")
    found = (one.candidate for one in queries.similar(session, actor, Subject([text])))
    able = [one for one in found if one.lifecycle == Lifecycle.approved and one.kind != "project"]
    return {one.key: one.title for one in able[:limit]}


def _lines(actor: Actor) -> Any:
    return (
        select(*_LINE)
        .outerjoin(DemandAsk, col(DemandAsk.text) == Demand.text)
        .outerjoin(Entry, (col(Entry.key) == Demand.answer) & visible(actor))
        .group_by(Demand.text, Entry.id)
    )


def _asks(session: Session, actor: Actor, texts: Sequence[str]) -> dict[str, list[Ask]]:
    """The latest asks for each text."""
    place = func.row_number().over(partition_by=DemandAsk.text, order_by=col(DemandAsk.id).desc())
    placed = (
        select(col(DemandAsk.id).label("id"), place.label("place")).where(col(DemandAsk.text).in_(texts)).subquery()
    )
    columns: tuple[Any, ...] = (
        DemandAsk.text, DemandAsk.how, DemandAsk.asked_by, func.coalesce(BusinessUnit.name, ""), DemandAsk.note,
        func.coalesce(Entry.key, ""), DemandAsk.asked_at,
    )  # fmt: skip
    rows = session.execute(
        select(*columns)
        .join(placed, placed.c.id == DemandAsk.id)
        .outerjoin(BusinessUnit, col(BusinessUnit.id) == DemandAsk.unit_id)
        .outerjoin(Entry, (col(Entry.key) == DemandAsk.entry_key) & visible(actor))
        .where(placed.c.place <= ASKS_SHOWN)
        .order_by(col(DemandAsk.id).desc())
    )
    found: dict[str, list[Ask]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(Ask(*row))
    return found


# --- verbs -----------------------------------------------------------------------------------------------------------


def take_up(session: Session, *, actor: Actor, text: str) -> Demand:
    """Say that one works on what others asked for, so that nobody else starts on it."""
    policy.require(actor, "demand.take")
    demand = _locked(session, text)
    if demand.state != "open":
        raise Conflict(f"“{demand.text}” is {_standing(demand)}.", hint="Look at what stands there now.")
    demand.state, demand.taken_by, demand.taken_at = "taken", actor.ref, now()
    session.add(demand)
    record(session, actor, events.DemandTaken(_subject(demand)))
    return demand


def release(session: Session, *, actor: Actor, text: str, reason: str) -> Demand:
    """Give back what was taken up, by oneself or by a colleague who left it lying, so that another can take it up."""
    policy.require(actor, "demand.take")
    demand = _locked(session, text)
    if demand.state != "taken":
        raise Conflict(f"“{demand.text}” is {_standing(demand)}.", hint="Only what is taken up can be released.")
    reason = _required(reason)
    demand.state, demand.taken_by, demand.taken_at = "open", None, None
    session.add(demand)
    record(session, actor, events.DemandReleased(_subject(demand), reason=reason))
    return demand


def answer(session: Session, *, actor: Actor, text: str, entry_ref: str) -> Demand:
    """Link the approved entry that answers a demand and tell everybody who asked; the demand leaves the open list."""
    policy.require(actor, "demand.take")
    demand = _locked(session, text)
    entry = _answering(session, actor, entry_ref)
    if demand.state == "answered" and demand.answer == entry.key:
        raise Conflict(f"{entry.title} answers “{demand.text}” already.")
    demand.state, demand.answer, demand.reason = "answered", entry.key, ""
    told = _tell(session, actor, demand, f"What you asked for, “{demand.text}”, is there: {entry.title} ({entry.key}).")
    _decide(session, actor, demand)
    record(session, actor, events.DemandAnswered(_subject(demand), entry=entry.key, told=told))
    return demand


def decline(session: Session, *, actor: Actor, text: str, reason: str) -> Demand:
    """Say that something will not be built, and why; everybody who asked is told."""
    policy.require(actor, "demand.take")
    demand = _locked(session, text)
    if demand.state not in ("open", "taken"):
        raise Conflict(f"“{demand.text}” is {_standing(demand)}.", hint="Look at what stands there now.")
    demand.state, demand.answer, demand.reason = "declined", None, _required(reason)
    told = _tell(session, actor, demand, f"“{demand.text}”, which you asked for, will not be built: {demand.reason}")
    _decide(session, actor, demand)
    record(session, actor, events.DemandDeclined(_subject(demand), reason=demand.reason, told=told))
    return demand


def _locked(session: Session, text: str) -> Demand:
    wanted = demand_key(text)
    found = session.get(Demand, wanted, with_for_update=True, populate_existing=True) if wanted else None
    if found is None:
        raise _unasked(wanted)
    return found


def _unasked(text: str) -> NotFound:
    return NotFound(f"Nobody asked for “{text}”.", hint="The demand list shows what people asked for.")


def _answering(session: Session, actor: Actor, entry_ref: str) -> Entry:
    key = queries.typed_key(entry_ref)
    entry = session.exec(select(Entry).where(Entry.key == key, visible(actor))).first()
    if entry is None:
        raise NotFound(f"No entry {key[:190]}.", hint="Give its reference, such as asset:default/drift-statistics.")
    if entry.lifecycle != Lifecycle.approved:
        hint = f"Link its successor {entry.successor}." if entry.successor else "Have it published first."
        raise Conflict(f"{entry.title} is {entry.lifecycle}.", hint=hint)
    if entry.kind == "project":
        raise Invalid("A project answers no demand.", hint="Link what it shared.")
    if entry.classification not in FOR_EVERYBODY:
        raise Invalid(
            f"{entry.title} is {entry.classification}: not everybody who asked may see it.",
            hint="Link an entry that is public or internal.",
        )
    return entry


def _tell(session: Session, actor: Actor, demand: Demand, told: str) -> int:
    asked = select(DemandAsk.person_id).where(DemandAsk.text == demand.text, col(DemandAsk.person_id).is_not(None))
    people = [one for one in session.exec(asked.distinct()) if one]
    return notices.tell(session, people, subject=demand.answer or _subject(demand), text=told, except_for=actor)


def _decide(session: Session, actor: Actor, demand: Demand) -> None:
    demand.decided_by, demand.decided_at = actor.ref, now()
    session.add(demand)
    session.flush()


def _required(reason: str) -> str:
    reason = checked("reason", reason, REASON_LENGTH)
    if not reason:
        raise Invalid("Say why; the people who asked will read it.")
    return reason


def _standing(demand: Demand) -> str:
    return {"taken": "taken up already", "open": "open"}.get(demand.state, demand.state)


def _subject(demand: Demand) -> str:
    return f"demand:{demand.text}"[:220]
