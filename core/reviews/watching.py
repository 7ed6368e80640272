"""What time does to cases: evidence compared again, reminders, escalation, expiry, and whatever ends by itself. A job calls it.

Each case is taken up in a transaction of its own and looked at again under its lock, so that the job may be run twice
or cut short at any time. The network is asked between transactions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, select

from core import db, workdays
from core.access import policy, queries
from core.access.policy import Actor
from core.db import now
from core.errors import Conflict, PortalError
from core.evidence import keeping
from core.evidence.tables import EvidenceCheck
from core.people.notices import tell
from core.projects.actions import scope_of
from core.projects.tables import Project
from core.reviews import assigning, conditions, ending, states, waivers
from core.reviews.moving import locked_case, subject_of
from core.reviews.tables import Condition, PendingSignature, ReviewCase, Waiver

log = logging.getLogger("portal.reviews")

VERIFY_EVERY = timedelta(days=1)
"""How often the evidence of an approved case is compared with MLflow."""
NOTICE = timedelta(days=30)
"""How long before its end people are told that an approval expires."""
FORMS_KEPT = timedelta(days=7)
ACTIVE_REVIEW = ("submitted", "in review")
"""States in which the reviewers' clock runs and their seats are kept filled."""

Act = Callable[[Session, Actor, ReviewCase], bool]
Find = Callable[[Session, datetime], Sequence[int]]


def watch(actor: Actor) -> str:
    """Do all that is due; returns in words what was done."""
    policy.require(actor, "admin.jobs")
    done = {
        "expired": _each(actor, _ended, _expire),
        "overdue conditions": _each(actor, _with_overdue_condition, _suspend_overdue),
        "waivers ended": _each(actor, _with_ended_waiver, _end_waivers),
        "seats settled": _each(actor, _unsettled, _refill),
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
        found = find(session, now())
    count = 0
    for case_id in found:
        try:
            with db.writing() as session:
                count += act(session, actor, locked_case(session, actor, case_id))
        except PortalError:  # the others wait for nobody; the next round comes back to this one
            log.exception("Case %s could not be taken up.", case_id)
    return count


def _cases(session: Session, *where: ColumnElement[bool] | bool) -> list[int]:
    """Ids of the cases of which all this holds."""
    found = session.exec(select(ReviewCase.id).where(*where).order_by(col(ReviewCase.id)))
    return [one for one in found if one is not None]


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


def compare(actor: Actor, case_id: int) -> EvidenceCheck:
    """Compare the evidence of a case with MLflow now; an approval whose evidence changed is suspended at once.

    For edges, since it asks the network. Everybody may who answers for the case here or may suspend it.
    """
    with db.reading() as session:
        case = locked_case(session, actor, case_id)
        scope = scope_of(session.get_one(Project, case.project_id))
    if not policy.may(actor, "approval.suspend", scope):
        policy.require(actor, "case.answer", scope)
    if case.snapshot_id is None:
        raise Conflict("The case rests on no evidence yet.", hint="Attach that of the version first.")
    checked = keeping.verify(case.snapshot_id)
    _each(policy.system("reviews"), _with_changed_evidence, _suspend_changed)
    return checked


def _snapshots_due(at: datetime) -> Any:
    known = select(EvidenceCheck.id).where(
        EvidenceCheck.snapshot_id == ReviewCase.snapshot_id, EvidenceCheck.outcome != "unreachable",
        EvidenceCheck.checked_at > at - VERIFY_EVERY,
    )  # fmt: skip
    wanted = select(ReviewCase.snapshot_id).where(
        _approved(), col(ReviewCase.snapshot_id).is_not(None), ~known.exists()
    )
    return wanted.distinct().order_by(col(ReviewCase.snapshot_id))


def _with_changed_evidence(session: Session, _at: datetime) -> Sequence[int]:
    """Approved cases whose evidence differed from MLflow when it was looked at last."""
    looked_at = (EvidenceCheck.snapshot_id == ReviewCase.snapshot_id, EvidenceCheck.outcome != "unreachable")
    last = select(EvidenceCheck.outcome).where(*looked_at).order_by(col(EvidenceCheck.id).desc()).limit(1)
    return _cases(session, _approved(), last.scalar_subquery() == "changed")


def _suspend_changed(session: Session, actor: Actor, case: ReviewCase) -> bool:
    if case.state not in states.APPROVED or case.id not in _with_changed_evidence(session, now()):
        return False
    ending.suspend_locked(session, actor, case, "its evidence in MLflow is no longer what was signed")
    return True


# --- the end of approvals --------------------------------------------------------------------------------------------


def _ended(session: Session, at: datetime) -> Sequence[int]:
    return _cases(session, _approved(), col(ReviewCase.expires_at) <= at)


def _expire(session: Session, actor: Actor, case: ReviewCase) -> bool:
    if case.state not in states.APPROVED or case.expires_at is None or case.expires_at > now():
        return False
    ending.expire(session, actor=actor, case=case)
    return True


def _ending_soon(session: Session, at: datetime) -> Sequence[int]:
    soon = col(ReviewCase.expires_at).between(at, at + NOTICE)
    return _cases(session, _approved(), soon, col(ReviewCase.reminded_at).is_(None))


def _give_notice(session: Session, actor: Actor, case: ReviewCase) -> bool:
    if case.state not in states.APPROVED or case.reminded_at is not None or case.expires_at is None:
        return False
    _note(session, case, reminded_at=now())
    ending.tell_everybody(session, actor, case, f"expires on {case.expires_at:%d %b %Y}. Open a new case in time.")
    return True


def _with_overdue_condition(session: Session, at: datetime) -> Sequence[int]:
    overdue = select(Condition.id).where(
        Condition.case_id == ReviewCase.id, col(Condition.met_at).is_(None), col(Condition.voided_at).is_(None),
        Condition.due_on < at.date(),
    )  # fmt: skip
    return _cases(session, ReviewCase.state == "approved with conditions", overdue.exists())


def _suspend_overdue(session: Session, actor: Actor, case: ReviewCase) -> bool:
    overdue = [one for one in conditions.open_ones(session, case) if one.due_on < now().date()]
    if case.state != "approved with conditions" or not overdue:
        return False
    words = "; ".join(one.text for one in overdue)
    ending.suspend_locked(session, actor, case, f"a condition was not met in time: {words}")
    return True


def _with_ended_waiver(session: Session, at: datetime) -> Sequence[int]:
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


def _due_soon(session: Session, at: datetime) -> Sequence[int]:
    soon = col(ReviewCase.due_at).between(at, workdays.due(at, 1))
    return _cases(session, *_running(), soon, col(ReviewCase.reminded_at).is_(None))


def _remind(session: Session, actor: Actor, case: ReviewCase) -> bool:
    """Tell those whose signature is missing, one working day before the decision is due; once."""
    if case.state != "in review" or case.reminded_at is not None or case.due_at is None:
        return False
    _note(session, case, reminded_at=now())
    told = (
        f"Case {case.id} ({case.name} {case.version}) waits for your decision until {case.due_at:%d %b %Y, %H:%M UTC}."
    )
    tell(session, assigning.waited_for(session, case), subject=subject_of(case), text=told, except_for=actor)
    return True


def _overdue(session: Session, at: datetime) -> Sequence[int]:
    return _cases(session, *_running(), col(ReviewCase.due_at) < at, col(ReviewCase.escalated_at).is_(None))


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


def _unsettled(session: Session, at: datetime) -> Sequence[int]:
    return assigning.unsettled(session, at.date())


def _refill(session: Session, _actor: Actor, case: ReviewCase) -> bool:
    """Give the seats of people who left or are away to others, and those that stood empty for want of people."""
    before = case.revision
    assigning.refill(session, case)
    return case.revision > before
