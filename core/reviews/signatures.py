"""The signatures of a case: which of them count, and how they stop counting. None is ever changed or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record as log
from core.db import now
from core.people.notices import tell
from core.reviews.moving import subject_of
from core.reviews.record import kept, record, substance
from core.reviews.tables import Condition, ReviewCase, Signature

FOR_APPROVAL = ("approve", "approve with conditions")
REVIEWERS = policy.system("reviews")
"""Who voids what the rules void."""


def standing(session: Session, case: ReviewCase, *decisions: str) -> list[Signature]:
    """The signatures of the case that are not voided, in their order; of these ``decisions`` where some are named."""
    wanted = select(Signature).where(Signature.case_id == case.id, col(Signature.voided_at).is_(None))
    if decisions:
        wanted = wanted.where(col(Signature.decision).in_(decisions))
    return list(session.exec(wanted.order_by(col(Signature.id))))


def latest_moment(session: Session, case: ReviewCase) -> datetime:
    """The earliest moment at which the case may be signed now: clocks that go back do not bring signatures out of order."""
    signed = select(Signature.signed_at).where(Signature.case_id == case.id).order_by(col(Signature.signed_at).desc())
    last = session.exec(signed.limit(1)).first()
    return max(moment for moment in (now(), case.submitted_at, last) if moment is not None)


def submitted_digest(session: Session, case: ReviewCase) -> str | None:
    """What the subject was when its owner submitted it, as they signed it; nothing where nobody did."""
    signed = standing(session, case, "submit")
    return kept(session, signed[-1].record_hash)["subject"]["digest"] if signed else None


def void_all(session: Session, actor: Actor, case: ReviewCase, reason: str) -> None:
    """Void every standing signature of the case, that of its owner too."""
    void(session, actor, case, standing(session, case), reason)


def void_reviews(session: Session, actor: Actor, case: ReviewCase, reason: str) -> None:
    """Void the signatures of those who decide: what they looked at is not what there is now."""
    void(session, actor, case, standing(session, case, *FOR_APPROVAL), reason)


def void_stale(session: Session, case: ReviewCase) -> None:
    """Void signatures for approval that were made on another record than the present one, conditions left aside."""
    signed = standing(session, case, *FOR_APPROVAL)
    if not signed:
        return
    present = substance(record(session, case))
    stale = [one for one in signed if substance(kept(session, one.record_hash)) != present]
    void(session, REVIEWERS, case, stale, "the record was changed after it")


def void(session: Session, actor: Actor, case: ReviewCase, signatures: Sequence[Signature], reason: str) -> None:
    """Let ``signatures`` count no longer, nor the conditions that they set; their signers are told."""
    if not signatures:
        return
    moment = now()
    for one in signatures:
        one.voided_at, one.void_reason = max(moment, one.signed_at), reason[:500]
    _void_conditions(session, case, {f"person:{one.person_id}" for one in signatures}, moment)
    session.add_all(signatures)
    session.flush()
    told = events.SignaturesVoided(subject_of(case), [one.id or 0 for one in signatures], reason)
    log(session, actor, told)
    news = f"Your signature on case {case.id} ({case.name} {case.version}) no longer counts: {reason}."
    tell(session, {one.person_id for one in signatures}, subject=subject_of(case), text=news, except_for=actor)


def _void_conditions(session: Session, case: ReviewCase, signers: set[str], moment: datetime) -> None:
    where: Any = (Condition.case_id == case.id, col(Condition.voided_at).is_(None), col(Condition.set_by).in_(signers))
    for one in session.exec(select(Condition).where(*where)):
        one.voided_at = moment
        session.add(one)
