"""Demand: what was looked for in vain or turned down, and who asked. Taking it up and answering it is ``core.reuse``."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog import ranking
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Demand, DemandAsk, Entry, EntryAlias
from core.errors import Invalid

LENGTH = 200
NOTE_LENGTH = 2000
_COUNTED = {"search": "searches", "wish": "wishes"}


def key(text: str) -> str:
    """What is asked for, written one way: in lower case, with single blanks, on one line, cut at 200 characters."""
    return " ".join(ranking.clean(text).lower().split())[:LENGTH].strip()


def ask(
    session: Session,
    actor: Actor,
    text: str,
    *,
    how: str,
    note: str = "",
    project_id: str = "",
    unit: str | None = None,
    entry_key: str = "",
) -> Demand | None:
    """Note that ``actor`` asked for ``text`` (by ``search``, ``wish`` or project ``review``); ``None`` if it has no word.

    The same person asking the same way on one day is one ask. It counts for the project's ``unit`` if given, else for
    the first of the actor's units by id; a program has no unit.

    What was answered is open again when the answer is gone or retired; what was declined, when somebody asks for it in
    words: a search alone would undo a decision by accident.
    """
    policy.require(actor, "catalog.browse")
    if len(note) > NOTE_LENGTH:
        raise Invalid(f"A note takes at most {NOTE_LENGTH} characters; this one has {len(note)}.")
    wanted, moment = key(text), db.now()
    if not ranking.words(wanted):
        return None
    insert: Any = sqlite.insert if db.is_sqlite(session) else postgresql.insert
    counted = {"last_at": moment}
    row = {"text": wanted, "searches": 0, "wishes": 0, "first_at": moment, "last_at": moment, "note": "", "state": "open",
           "reason": ""}  # fmt: skip
    if name := _COUNTED.get(how):
        row[name], counted[name] = 1, getattr(Demand, name) + 1
    session.execute(insert(Demand).values(row).on_conflict_do_update(index_elements=["text"], set_=counted))
    own_unit = min(policy.sight(actor).units, default=None)
    asked = {
        "text": wanted, "how": how, "asked_by": actor.ref, "person_id": actor.id if actor.kind == "person" else None,
        "unit_id": unit or own_unit, "project_id": project_id, "entry_key": entry_key, "note": note, "day": moment.date(),
        "asked_at": moment,
    }  # fmt: skip
    again = {"note": note, "entry_key": entry_key} if note or entry_key else {}
    adding = insert(DemandAsk).values(asked)
    place = ["text", "asked_by", "how", "project_id", "day"]
    session.execute(
        adding.on_conflict_do_update(index_elements=place, set_=again)
        if again
        else adding.on_conflict_do_nothing(index_elements=place)
    )
    demand = session.get_one(Demand, wanted, populate_existing=True)
    if _is_open_again(session, demand, how):
        _reopen(session, actor, demand)
    return demand


def _is_open_again(session: Session, demand: Demand, how: str) -> bool:
    if demand.state == "declined":
        return how != "search"
    return demand.state == "answered" and not _is_there(session, demand.answer or "")


def _is_there(session: Session, key: str) -> bool:
    renamed = select(EntryAlias.entry_id).where(EntryAlias.key == key)
    answer = select(Entry.id).where(or_(col(Entry.key) == key, col(Entry.id).in_(renamed)))
    return session.exec(answer.where(Entry.lifecycle != Lifecycle.retired)).first() is not None


def _reopen(session: Session, actor: Actor, demand: Demand) -> None:
    """Put it back on the open list; who had decided what about it, and why, stays readable until it is decided anew."""
    before = demand.state
    demand.state, demand.taken_by, demand.taken_at = "open", None, None
    session.add(demand)
    session.flush()
    record(session, actor, events.DemandReopened(f"demand:{demand.text}"[:220], before=before))
