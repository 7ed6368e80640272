"""What time does to grants: reminders, the end itself, readers who left and projects that ended. A job calls it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.access.tables import Person
from core.activity import events
from core.activity.recording import record
from core.datasets import states
from core.datasets.actions import end, locked_request
from core.datasets.tables import DataGrant, DataReader, DataRequest
from core.db import now
from core.people.notices import tell
from core.projects.actions import ACTIVE_STAGES
from core.projects.tables import Project

AT_ONCE = 200
"""Grants of one kind that one transaction takes up, so that others do not wait for it."""

LEFT = "the person left"


@dataclass(frozen=True)
class Swept:
    """How many grants a sweep let expire, reminded of, took from people who left, and ended with their projects."""

    expired: int = 0
    reminded: int = 0
    left: int = 0
    ended: int = 0

    def __str__(self) -> str:
        gone = f"{self.left} taken from people who left, {self.ended} ended with their projects"
        return f"{self.expired} expired, {self.reminded} reminded, {gone}"


def watch(actor: Actor) -> Swept:
    """Sweep in one transaction after another until nothing is due."""
    done = Swept()
    while True:
        with db.writing() as session:
            part = sweep(session, actor=actor)
        if part == Swept():
            return done
        done = replace(
            done,
            expired=done.expired + part.expired,
            reminded=done.reminded + part.reminded,
            left=done.left + part.left,
            ended=done.ended + part.ended,
        )


def sweep(session: Session, *, actor: Actor) -> Swept:
    """Let at most :data:`AT_ONCE` grants of each kind expire, be reminded of, lose readers who left, or be revoked
    because their project was stopped or closed.

    Run again at once it changes nothing more: a grant expires once, and each reminder is given once.
    """
    policy.require(actor, "admin.jobs")
    moment = now()
    left = [_take_from_leavers(session, actor, one, moment) for one in _with_leavers(session, moment)]
    ended = [_revoke(session, actor, one, moment) for one in _of_ended_projects(session)]
    expired = [_expire(session, actor, one) for one in _ended(session, moment)]
    reminded = [_remind(session, actor, *one) for one in _near(session, moment)]
    return Swept(sum(expired), sum(reminded), sum(left), sum(ended))


def _with_leavers(session: Session, moment: datetime) -> list[int]:
    statement = (
        select(DataGrant.request_id)
        .join(DataReader, col(DataReader.grant_id) == DataGrant.id)
        .join(Person, col(Person.id) == DataReader.person_id)
        .where(col(DataReader.until) > moment, col(Person.active).is_(False))
        .distinct()
    )
    return list(session.exec(statement.order_by(col(DataGrant.request_id)).limit(AT_ONCE)))


def _take_from_leavers(session: Session, actor: Actor, request_id: int, moment: datetime) -> bool:
    request, entry = locked_request(session, request_id)
    made = _grant(session, request_id)
    reading = list(session.exec(select(DataReader).where(DataReader.grant_id == made.id, DataReader.until > moment)))
    active = set(
        session.exec(
            select(Person.id).where(col(Person.id).in_([one.person_id for one in reading]), col(Person.active))
        )
    )
    gone = [one for one in reading if one.person_id not in active]
    if request.state != "granted" or not gone:
        return False
    if not active:
        request.state = states.after(request.state, "revoke")
        end(session, actor, made, moment, LEFT)
    for one in gone:
        one.until = max(moment, one.since)
    session.add_all([request, *gone])
    session.flush()
    told = events.DataRevoked(
        entry.key, request=request_id, grant=made.id or 0, people=sorted(f"person:{one.person_id}" for one in gone),
        at=moment.isoformat(), reason=LEFT, whole=not active,
    )  # fmt: skip
    record(session, actor, told)
    news = f"A person who could read {entry.title} left; their access was ended."
    tell(session, {request.requested_by, made.granted_by, *active}, subject=entry.key, text=news)
    return True


def _of_ended_projects(session: Session) -> list[int]:
    statement = (
        select(DataRequest.id)
        .join(Project, col(Project.id) == DataRequest.project_id)
        .where(col(DataRequest.state).in_(("approved", "granted")), col(Project.stage).not_in(ACTIVE_STAGES))
    )
    return [one for one in session.exec(statement.order_by(col(DataRequest.id)).limit(AT_ONCE)) if one]


def _revoke(session: Session, actor: Actor, request_id: int, moment: datetime) -> bool:
    """End what was granted, or only approved, for a project that has ended."""
    request, entry = locked_request(session, request_id)
    project = session.get(Project, request.project_id, populate_existing=True)
    made = _grant(session, request_id) if request.state == "granted" else None
    if project is None or request.state not in ("approved", "granted") or (made and made.until <= moment):
        return False
    reason = f"the project {project.id} was {project.stage}"
    request.state = states.after(request.state, "revoke")
    session.add(request)
    reading = end(session, actor, made, moment, reason) if made else []
    session.flush()
    told = events.DataRevoked(
        entry.key, request=request_id, grant=(made.id or 0) if made else 0,
        people=[f"person:{one}" for one in reading], at=moment.isoformat(), reason=reason,
    )  # fmt: skip
    record(session, actor, told)
    news = f"Access to {entry.title} was ended: {project.title}, for which it was asked, was {project.stage}."
    tell(session, {request.requested_by, request.decided_by or "", *reading}, subject=entry.key, text=news)
    return True


def _ended(session: Session, moment: datetime) -> list[int]:
    statement = select(DataGrant.request_id).where(col(DataGrant.ended_at).is_(None), DataGrant.until <= moment)
    return list(session.exec(statement.order_by(col(DataGrant.until), col(DataGrant.id)).limit(AT_ONCE)))


def _expire(session: Session, actor: Actor, request_id: int) -> bool:
    request, entry = locked_request(session, request_id)
    made = _grant(session, request_id)
    if request.state != "granted" or made.ended_at is not None:
        return False
    request.state = states.after(request.state, "expire")
    session.add(request)
    end(session, actor, made, made.until, "its time was over")
    session.flush()
    told = events.DataExpired(entry.key, request=request_id, grant=made.id or 0, at=made.until.isoformat())
    record(session, actor, told)
    news = f"Access to {entry.title} ended at its time; ask for a renewal if it is still needed."
    tell(session, {request.requested_by, *_people(session, made)}, subject=entry.key, text=news)
    return True


def _near(session: Session, moment: datetime) -> list[tuple[int, int]]:
    """(request, hours) of the reminders that are due; the first column decides in SQL, the rule in ``states``."""
    found: list[tuple[int, int]] = []
    for production, notices in states.REMINDERS.items():
        same = col(DataGrant.environment) == states.PRODUCTION
        ahead = moment + timedelta(hours=max(notices))
        statement = select(DataGrant).where(
            same if production else ~same, col(DataGrant.ended_at).is_(None), DataGrant.until > moment,
            DataGrant.until <= ahead, func.coalesce(DataGrant.reminded_hours, max(notices) + 1) > min(notices),
        )  # fmt: skip
        for one in session.exec(statement.order_by(col(DataGrant.until), col(DataGrant.id))):
            due = states.due_reminder(one.environment, one.since, one.until, one.reminded_hours, moment)
            if due is not None:
                found.append((one.request_id, due))
    return found[:AT_ONCE]


def _remind(session: Session, actor: Actor, request_id: int, hours: int) -> bool:
    request, entry = locked_request(session, request_id)
    made = _grant(session, request_id)
    if request.state != "granted" or made.ended_at is not None or (made.reminded_hours or hours + 1) <= hours:
        return False
    made.reminded_hours = hours
    session.add(made)
    session.flush()
    record(session, actor, events.DataExpiryNear(entry.key, request=request_id, grant=made.id or 0, hours=hours))
    news = f"Access to {entry.title} ends on {made.until:%d %b %Y, %H:%M UTC}. Renew it if it is still needed."
    tell(session, {request.requested_by, *_people(session, made)}, subject=entry.key, text=news)
    return True


def _grant(session: Session, request_id: int) -> DataGrant:
    statement = select(DataGrant).where(DataGrant.request_id == request_id)
    return session.exec(statement.execution_options(populate_existing=True)).one()


def _people(session: Session, made: DataGrant) -> list[str]:
    """Who reads to the grant's very end: not those who left before."""
    return list(
        session.exec(select(DataReader.person_id).where(DataReader.grant_id == made.id, DataReader.until == made.until))
    )
