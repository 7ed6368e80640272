"""How an approval ends: suspended and looked at again, revoked by two people, expired, or superseded by a newer version."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from core import workdays
from core.access import policy, queries
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.db import now
from core.errors import Invalid, NotAllowed
from core.people.notices import tell
from core.projects.actions import scope_of, text
from core.projects.tables import Project, ProjectMember
from core.reviews import assigning, moving, pins, signatures, states
from core.reviews.moving import locked_case, subject_of
from core.reviews.pins import Refused
from core.reviews.tables import CaseSeat, ChecklistVersion, ReviewCase, Signature

REASON_LENGTH = 2000


def suspend(session: Session, *, actor: Actor, case_id: int, reason: str) -> None:
    """Stop an approval at once, until a reviewer looked at it again or it is revoked."""
    case = locked_case(session, actor, case_id)
    if actor.kind != "system":
        policy.require(actor, "approval.suspend", _scope(session, case))
    suspend_locked(session, actor, case, _reason(reason))


def suspend_locked(session: Session, actor: Actor, case: ReviewCase, reason: str) -> None:
    """:func:`suspend` for the rules, on a case that is locked already."""
    case.reason = reason[:REASON_LENGTH]
    moving.move(session, actor, case, "suspend", reason=case.reason)
    tell_everybody(session, actor, case, f"was suspended: {case.reason}")


def reopen(session: Session, *, actor: Actor, case_id: int, reason: str) -> None:
    """Take a suspended case into review again: its reviewers keep their seats where they still may sit there, and sign anew."""
    case = locked_case(session, actor, case_id)
    policy.require(actor, "approval.suspend", _scope(session, case))
    words = _reason(reason)
    states.after(case.state, "reopen")
    signatures.void_reviews(session, actor, case, "the case was taken into review again")
    case.decided_at, case.expires_at, case.revoke_proposed_by = None, None, None
    case.due_at, case.paused_at = workdays.due(now(), case.days), None
    moving.move(session, actor, case, "reopen", reason=words)
    assigning.refill(session, case)
    tell_everybody(session, actor, case, f"is in review again: {words}")


def revoke(session: Session, *, actor: Actor, case_id: int, reason: str, pin: str) -> bool | Refused:
    """Revoke an approval for good, which takes two people with their signing PINs: one proposes it, another confirms.

    Returns whether it is revoked now, or that the PIN was wrong. What was proposed changes nothing until then.
    """
    case = locked_case(session, actor, case_id)
    policy.require(actor, "approval.revoke", _scope(session, case))
    words = _reason(reason)
    states.after(case.state, "revoke")
    if case.revoke_proposed_by == actor.ref:
        raise NotAllowed("You proposed this revocation; a second person confirms it.", hint="Ask somebody who may.")
    if refused := pins.check(session, actor=actor, pin=pin):
        return refused
    if case.revoke_proposed_by is None:
        _propose_revocation(session, actor, case, words)
        return False
    case.reason = words
    moving.move(session, actor, case, "revoke", reason=words)
    tell_everybody(session, actor, case, f"was revoked: {words}")
    return True


def expire(session: Session, *, actor: Actor, case: ReviewCase) -> None:
    """End an approval whose time is over; the case is locked by the caller."""
    moving.move(session, actor, case, "expire")
    tell_everybody(session, actor, case, "has expired. Open a new case if the subject is still used.")


def supersede_former(session: Session, actor: Actor, case: ReviewCase, reached: frozenset[str]) -> None:
    """Let the approvals of former versions end that go nowhere else than to what this one has ``reached`` now."""
    for one in _former(session, case):
        if set(one.environments) <= reached:
            one.reason = f"case {case.id} approved version {case.version}" if case.version else f"case {case.id}"
            moving.move(session, actor, one, "supersede", reason=one.reason)


def tell_everybody(session: Session, actor: Actor, case: ReviewCase, what: str) -> None:
    """Tell the owner, the signers, the seated and the members of the project what happened to the case."""
    signers = select(Signature.person_id).where(Signature.case_id == case.id)
    seated = select(CaseSeat.person_id).where(CaseSeat.case_id == case.id, col(CaseSeat.released_at).is_(None))
    members = select(ProjectMember.person_id).where(ProjectMember.project_id == case.project_id)
    people = {case.owner, *session.exec(signers), *session.exec(seated), *session.exec(members)}
    told = f"Case {case.id} ({case.name} {case.version}) {what}"
    tell(session, people, subject=subject_of(case), text=told, except_for=actor)


def _propose_revocation(session: Session, actor: Actor, case: ReviewCase, reason: str) -> None:
    case.revoke_proposed_by = actor.ref
    case.revision += 1
    session.add(case)
    session.flush()
    record(session, actor, events.RevocationProposed(subject_of(case), reason))
    able = queries.who_may(session, "approval.revoke", _scope(session, case))
    told = f"{actor.name} wants the approval of case {case.id} ({case.name} {case.version}) revoked: {reason}"
    tell(session, able, subject=subject_of(case), text=told, except_for=actor)


def _former(session: Session, case: ReviewCase) -> list[ReviewCase]:
    """Approved cases of the same checklist about former versions of the subject, locked, in one order for everybody."""
    checklist = select(ChecklistVersion.entry_id).where(ChecklistVersion.id == case.checklist_id).scalar_subquery()
    same: Any = (
        ReviewCase.kind == case.kind, ReviewCase.name == case.name, ReviewCase.project_id == case.project_id,
        ReviewCase.id != case.id, col(ReviewCase.state).in_(states.APPROVED), ChecklistVersion.entry_id == checklist,
    )  # fmt: skip
    found = (
        select(ReviewCase)
        .join(ChecklistVersion, col(ChecklistVersion.id) == ReviewCase.checklist_id)
        .where(*same)
        .order_by(col(ReviewCase.id))
        .with_for_update(of=ReviewCase)
        .execution_options(populate_existing=True)
    )
    return [one for one in session.exec(found) if _age(one) < _age(case)]


def _age(case: ReviewCase) -> tuple[int, int]:
    """Younger is larger: versions of MLflow count up; without one, the later case is the younger."""
    return int(case.version) if case.version.isascii() and case.version.isdigit() else 0, case.id or 0


def _scope(session: Session, case: ReviewCase) -> policy.Scope:
    return scope_of(session.get_one(Project, case.project_id))


def _reason(words: str) -> str:
    words = text("reason", words, REASON_LENGTH)
    if not words:
        raise Invalid("Say why.")
    return words
