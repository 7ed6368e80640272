"""Telling people: a notice is written in the transaction of what it tells of, and stays until it is read."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.access.policy import Actor
from core.access.tables import Person
from core.db import now
from core.people.tables import Notice

LONGEST = 500


def tell(session: Session, people: Iterable[str], *, subject: str, text: str, except_for: Actor | None = None) -> int:
    """Tell active people (ids, or references such as ``person:p-1``) about ``subject``; returns how many were told.

    Whoever did the thing themselves, ``except_for``, is left out; so are tokens and the portal itself.
    """
    ids = {one.removeprefix("person:") for one in people}
    if except_for is not None:
        ids.discard(except_for.id)
    if not ids:
        return 0
    present = session.exec(select(Person.id).where(col(Person.id).in_(ids), col(Person.active)))
    told = [Notice(person_id=one, subject=subject[:220], text=text[:LONGEST]) for one in sorted(present)]
    session.add_all(told)
    session.flush()
    return len(told)


def unread(session: Session, actor: Actor, *, limit: int = 20) -> list[Notice]:
    """What ``actor`` was told and has not read, newest first."""
    waiting = select(Notice).where(Notice.person_id == actor.id, col(Notice.read_at).is_(None))
    return list(session.exec(waiting.order_by(col(Notice.id).desc()).limit(limit)))


def mark_read(session: Session, *, actor: Actor, notice_ids: Iterable[int]) -> None:
    """Put notices of ``actor`` away; those of others are left alone."""
    mine = col(Notice.id).in_(list(notice_ids)) & (col(Notice.person_id) == actor.id)
    session.execute(update(Notice).where(mine, col(Notice.read_at).is_(None)).values(read_at=now()))
