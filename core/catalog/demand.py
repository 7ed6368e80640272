"""Demand: what was looked for in vain or turned down, and who asked. Taking it up and answering it is ``core.reuse``."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from core import db
from core.access import policy
from core.access.policy import Actor
from core.catalog import ranking
from core.catalog.tables import Demand, DemandAsk
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
    return session.get(Demand, wanted, populate_existing=True)
