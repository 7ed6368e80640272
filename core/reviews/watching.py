"""What time does to cases: evidence compared again, reminders, escalation, expiry, and whatever ends by itself. A job calls it.

Each case is taken up in a transaction of its own and looked at again under its lock, so that the job may be run twice
or cut short at any time. The network is asked between transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, select
from sqlmodel.sql.expression import SelectOfScalar

from core import db, workdays
from core.access import policy, queries
from core.access.policy import Actor
from core.access.tables import Person
from core.db import now
from core.errors import PortalError
from core.evidence import keeping
from core.evidence.tables import EvidenceCheck
from core.people.notices import tell
from core.projects.actions import scope_of
from core.projects.tables import Project
from core.reviews import assigning, conditions, ending, signatures, states, waivers
from core.reviews.moving import locked_case, subject_of
from core.reviews.tables import CaseSeat, Condition, PendingSignature, ReviewCase, Waiver

VERIFY_EVERY = timedelta(days=1)
"""How often the evidence of an approved case is compared with MLflow."""
NOTICE = timedelta(days=30)
"""How long before its end people are told that an approval expires."""
FORMS_KEPT = timedelta(days=7)
ACTIVE_REVIEW = ("submitted", "in review")
"""States in which the reviewers' clock runs and their seats are kept filled."""

Act = Callable[[Session, Actor, ReviewCase], bool]
Find = Callable[[Session, datetime], Iterable[int | None]]


def watch(actor: Actor) -> str:
    """Do all that is due; returns in words what was done."""
    policy.require(actor, "admin.jobs")
    done = {
        "expired": _each(actor, _ended, _expire),
        "overdue conditions": _each(actor, _with_overdue_condition, _suspend_overdue),
        "waivers ended": _each(actor, _with_ended_waiver, _end_waivers),
        "seats released": _each(actor, _with_inactive_reviewer, _release_inactive),
        "reminded": _each(actor, _due_soon, _remind),
        "escalated": _each(actor, _overdue, _escalate),
        "told of their end": _each(actor, _ending_soon, _give_notice),
    }
    done["evidence changed"], told = _evidence(actor)
    with db.writing() as session:
        session.execute(delete(PendingSignature).where(col(PendingSignature.expires_at) < now() - FORMS_KEPT))
    return ", ".join(f"{count} {what}" for what, count in done.items()) + told


def _each(actor: Actor, find: Find, act: Act) -> int:
    with db.reading() as session:
        found = [one for one in find(session, now()) if one is not None]
    count = 0
    for case_id in found:
        with db.writing() as session:
            count += act(session, actor, locked_case(session, actor, case_id))
    return count


def _cases(*where: ColumnElement[bool] | bool) -> SelectOfScalar[int | None]:
    return select(ReviewCase.id).where(*where).order_by(col(ReviewCase.id))


def _approved() -> ColumnElement[bool]:
    return col(ReviewCase.state).in_(states.APPROVED)


# --- evidence --------------------------------------------------------------------------------------------------------


def _evidence(actor: Actor) -> tuple[int, str]:
    """Compare what approvals rest on with MLflow where that was not done for a day; suspend those whose evidence changed."""
    told = ""
    with db.reading() as session:
        due = list(session.exec(_snapshots_due(now())))
    for snapshot_id in due:
        try:
            checked = keeping.verify(snapshot_id)
        except PortalError:
            checked = None
        if checked is None or checked.outcome == "unreachable":
            told = "; MLflow does not answer, so evidence was left as it is"
            break  # the next one would wait for its answer just as long
    return _each(actor, _with_changed_evidence, _suspend_changed), told


def _snapshots_due(at: datetime) -> Any:
    known = select(EvidenceCheck.id).where(
        EvidenceCheck.snapshot_id == ReviewCase.snapshot_id, EvidenceCheck.outcome != "unreachable",
        EvidenceCheck.checked_at > at - VERIFY_EVERY,
    )  # fmt: skip
    wanted = select(ReviewCase.snapshot_id).where(
        _approved(), col(ReviewCase.snapshot_id).is_not(None), ~known.exists()
    )
    return wanted.distinct().order_by(col(ReviewCase.snapshot_id))


def _with_changed_evidence(session: Session, _at: datetime) -> Iterable[int | None]:
    """Approved cases whose evidence differed from MLflow when it was looked at last."""
    looked_at = (EvidenceCheck.snapshot_id == ReviewCase.snapshot_id, EvidenceCheck.outcome != "unreachable")
    last = select(EvidenceCheck.outcome).where(*looked_at).order_by(col(EvidenceCheck.id).desc()).limit(1)
    return list(session.exec(_cases(_approved(), last.scalar_subquery() == "changed")))


def _suspend_changed(session: Session, actor: Actor, case: ReviewCase) -> bool:
    if case.state not in states.APPROVED or case.id not in _with_changed_evidence(session, now()):
        return False
    ending.suspend_locked(session, actor, case, "its evidence in MLflow is no longer what was signed")
    return True


# --- the end of approvals --------------------------------------------------------------------------------------------


def _ended(session: Session, at: datetime) -> Iterable[int | None]:
    return session.exec(_cases(_approved(), col(ReviewCase.expires_at) <= at)).all()


def _expire(session: Session, actor: Actor, case: ReviewCase) -> bool:
    if case.state not in states.APPROVED or case.expires_at is None or case.expires_at > now():
        return False
    ending.expire(session, actor=actor, case=case)
    return True


def _ending_soon(session: Session, at: datetime) -> Iterable[int | None]:
    soon = col(ReviewCase.expires_at).between(at, at + NOTICE)
    return session.exec(_cases(_approved(), soon, col(ReviewCase.reminded_at).is_(None))).all()


def _give_notice(session: Session, actor: Actor, case: ReviewCase) -> bool:
    if case.state not in states.APPROVED or case.reminded_at is not None or case.expires_at is None:
        return False
    _note(session, case, reminded_at=now())
    ending.tell_everybody(session, actor, case, f"expires on {case.expires_at:%d %b %Y}. Open a new case in time.")
    return True


def _with_overdue_condition(session: Session, at: datetime) -> Iterable[int | None]:
    overdue = select(Condition.id).where(
        Condition.case_id == ReviewCase.id, col(Condition.met_at).is_(None), col(Condition.voided_at).is_(None),
        Condition.due_on < at.date(),
    )  # fmt: skip
    return session.exec(_cases(ReviewCase.state == "approved with conditions", overdue.exists())).all()


def _suspend_overdue(session: Session, actor: Actor, case: ReviewCase) -> bool:
    overdue = [one for one in conditions.open_ones(session, case) if one.due_on < now().date()]
    if case.state != "approved with conditions" or not overdue:
        return False
    words = "; ".join(one.text for one in overdue)
    ending.suspend_locked(session, actor, case, f"a condition was not met in time: {words}")
    return True


def _with_ended_waiver(session: Session, at: datetime) -> Iterable[int | None]:
    over = select(Waiver.case_id).where(
        col(Waiver.ended_at).is_(None), col(Waiver.refused_at).is_(None), Waiver.expires_at <= at
    )
    return session.exec(over.distinct().order_by(col(Waiver.case_id))).all()


def _end_waivers(session: Session, actor: Actor, case: ReviewCase) -> bool:
    """End the waivers and break-glasses of the case whose time is over, and suspend the approval if it rests on one."""
    over = (col(Waiver.ended_at).is_(None), col(Waiver.refused_at).is_(None), Waiver.expires_at <= now())
    found = session.exec(select(Waiver).where(Waiver.case_id == case.id, *over).order_by(col(Waiver.id))).all()
    for one in found:
        waivers.end_locked(session, actor, case, one, "its time was over")
    return bool(found)


# --- the clock of the reviewers --------------------------------------------------------------------------------------


def _due_soon(session: Session, at: datetime) -> Iterable[int | None]:
    soon = col(ReviewCase.due_at).between(at, workdays.due(at, 1))
    return session.exec(_cases(*_running(), soon, col(ReviewCase.reminded_at).is_(None))).all()


def _remind(session: Session, actor: Actor, case: ReviewCase) -> bool:
    """Tell those whose signature is missing, one working day before the decision is due; once."""
    if case.state != "in review" or case.reminded_at is not None or case.due_at is None:
        return False
    _note(session, case, reminded_at=now())
    told = (
        f"Case {case.id} ({case.name} {case.version}) waits for your decision until {case.due_at:%d %b %Y, %H:%M UTC}."
    )
    tell(session, signatures.waited_for(session, case), subject=subject_of(case), text=told, except_for=actor)
    return True


def _overdue(session: Session, at: datetime) -> Iterable[int | None]:
    return session.exec(_cases(*_running(), col(ReviewCase.due_at) < at, col(ReviewCase.escalated_at).is_(None))).all()


def _escalate(session: Session, actor: Actor, case: ReviewCase) -> bool:
    """Tell the managers and reviewers of the scope that a decision is overdue; once."""
    if case.state not in ACTIVE_REVIEW or case.escalated_at is not None or case.due_at is None:
        return False
    _note(session, case, escalated_at=now())
    able = queries.who_may(session, "risk.accept", scope_of(session.get_one(Project, case.project_id)))
    told = f"The decision on case {case.id} ({case.name} {case.version}) was due on {case.due_at:%d %b %Y, %H:%M UTC}."
    tell(session, able, subject=subject_of(case), text=told, except_for=actor)
    return True


def _running() -> tuple[ColumnElement[bool], ...]:
    return col(ReviewCase.state).in_(ACTIVE_REVIEW), col(ReviewCase.paused_at).is_(None)


def _note(session: Session, case: ReviewCase, **when: datetime) -> None:
    """Note that people were told; that is no change of the case, so its revision stays."""
    for name, moment in when.items():
        setattr(case, name, moment)
    session.add(case)
    session.flush()


# --- seats -----------------------------------------------------------------------------------------------------------


def _with_inactive_reviewer(session: Session, _at: datetime) -> Iterable[int | None]:
    gone = (
        select(CaseSeat.id)
        .join(Person, col(Person.id) == CaseSeat.person_id)
        .where(CaseSeat.case_id == ReviewCase.id, col(CaseSeat.released_at).is_(None), ~col(Person.active))
    )
    return session.exec(_cases(col(ReviewCase.state).in_(states.OPEN), gone.exists())).all()


def _release_inactive(session: Session, actor: Actor, case: ReviewCase) -> bool:
    """Give the seats of people who left to others; a seat from which one signed before stays theirs."""
    signed = {one.seat_id for one in signatures.standing(session, case, *signatures.FOR_APPROVAL)}
    found = [one for one in session.exec(_seats_of_leavers(case)) if one.id not in signed]
    if case.state not in states.OPEN or not found:
        return False
    for seat in found:
        assigning.give_up(session, actor, case, seat, "the person left")
    assigning.fill(session, actor, case)
    return True


def _seats_of_leavers(case: ReviewCase) -> Any:
    left = select(Person.id).where(~col(Person.active))
    held = (CaseSeat.case_id == case.id, col(CaseSeat.released_at).is_(None), col(CaseSeat.person_id).in_(left))
    return select(CaseSeat).where(*held).order_by(col(CaseSeat.id))
