"""What a signature needs and what it leads to: a submission, an approval with or without conditions, a rejection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed
from core.evidence import keeping
from core.people.notices import tell
from core.projects.actions import scope_of, text
from core.projects.tables import Project
from core.reviews import assigning, certifying, conditions, ending, moving, pool, signatures, states
from core.reviews.moving import subject_of
from core.reviews.signatures import FOR_APPROVAL
from core.reviews.standing import standings
from core.reviews.tables import CaseComment, CaseSeat, ReviewCase, Signature

MEANINGS = {
    "submit": ("authorship",),
    "approve": ("approval", "review", "responsibility"),
    "approve with conditions": ("approval", "review", "responsibility"),
    "reject": ("review", "approval", "responsibility"),
}
"""Decision → what a signature under it may mean; the first is the usual one."""
NOTE_LENGTH = 2000


def require_meaning(meaning: str, decision: str) -> None:
    """Refuse a decision that nobody signs, and a meaning that it does not have."""
    if decision not in MEANINGS:
        raise Invalid(f"{decision[:40]!r} is no decision.", hint=f"Possible: {', '.join(MEANINGS)}.")
    if meaning not in MEANINGS[decision]:
        raise Invalid(
            f"A signature under “{decision}” does not mean {meaning[:40]!r}.",
            hint=f"Possible: {', '.join(MEANINGS[decision])}.",
        )


def clean(session: Session, case: ReviewCase, decision: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to a decision, checked and in the form in which it is signed: a note, and conditions.

    A rejection needs a reason, an approval with conditions at least one condition, and no other decision takes any.
    """
    if unknown := set(details) - {"reason", "conditions"}:
        raise Invalid(
            f"A decision has no {sorted(unknown)[0][:40]!r}.", hint="It has a reason, and may have conditions."
        )
    reason = text("reason", str(details.get("reason") or ""), NOTE_LENGTH)
    wanted = details.get("conditions") or []
    if decision == "reject" and not reason:
        raise Invalid("A rejection needs a reason.", hint="Say what speaks against it: it is final for this case.")
    if bool(wanted) != (decision == "approve with conditions"):
        raise Invalid(
            "Conditions and “approve with conditions” go together.",
            hint="Name at least one, or choose another decision.",
        )
    return {"reason": reason, "conditions": [conditions.clean(session, case, one) for one in wanted]}


# --- what it needs ---------------------------------------------------------------------------------------------------


def require_admissible(session: Session, actor: Actor, case: ReviewCase, decision: str) -> CaseSeat | None:
    """Refuse ``decision`` unless ``actor`` may make it now on this case; the seat from which they make it, if from any."""
    states.after(case.state, decision)
    if decision == "submit":
        _require_submittable(session, actor, case)
        return None
    seat = _seat_of(session, actor, case)
    if decision in FOR_APPROVAL:
        require_approvable(session, case)
    return seat


def require_verified(session: Session, case: ReviewCase, decision: str) -> None:
    """Refuse to sign on evidence that was not compared with MLflow just now; what is rejected may have changed."""
    if decision == "reject" or case.snapshot_id is None:
        return
    if not keeping.is_verified(session, case.snapshot_id, now()):
        raise Conflict(
            "The evidence was not found the same as in MLflow just now.", code="not_verified",
            hint="If it changed there, new evidence has to be attached and submitted; if MLflow does not answer, try later.",
        )  # fmt: skip


def require_approvable(session: Session, case: ReviewCase) -> None:
    """Refuse to approve while a blocking item stands against it, or the subject is not what was submitted."""
    _require_evidence(case)
    if signatures.submitted_digest(session, case) != case.subject_digest:
        raise Conflict(
            "The subject is no longer what was submitted.", code="subject_changed",
            hint="Ask for changes: its owner attaches the evidence anew and submits it.",
        )  # fmt: skip
    against = states.against_approval(standings(session, case), tier=case.tier)
    if against:
        raise Conflict(
            f"Blocking items stand against an approval: {', '.join(against)}.", code="blocked",
            hint="Each has to pass, or be let pass by a waiver.",
        )  # fmt: skip


def _require_submittable(session: Session, actor: Actor, case: ReviewCase) -> None:
    policy.require(actor, "case.submit", scope_of(session.get_one(Project, case.project_id)))
    if actor.ref != case.owner:
        raise NotAllowed(
            "Only the owner of the case submits it.", hint="They sign that the answers are the team's own."
        )
    _require_evidence(case)
    if missing := states.missing_for_submission(standings(session, case)):
        raise Conflict(
            f"Not answered, or without evidence: {', '.join(missing)}.", code="incomplete",
            hint="Answer them, attach evidence, or ask for a waiver.",
        )  # fmt: skip
    asked = select(CaseComment.item_id).where(
        CaseComment.case_id == case.id, col(CaseComment.asks_change), col(CaseComment.resolved_by_revision).is_(None),
        CaseComment.item_id != "",
    )  # fmt: skip
    if left := sorted(set(session.exec(asked))):
        raise Conflict(
            f"Changes were asked for, and not made yet: {', '.join(left)}.", code="incomplete",
            hint="Each of these items needs a new revision of its answer.",
        )  # fmt: skip


def _require_evidence(case: ReviewCase) -> None:
    if case.kind == "model" and case.snapshot_id is None:
        raise Conflict(
            "The case rests on no evidence yet.", code="no_evidence", hint="Attach that of the version first."
        )


def _seat_of(session: Session, actor: Actor, case: ReviewCase) -> CaseSeat:
    """The seat of ``actor``, from which they may sign: theirs, in a role they have here, and of nobody who made it."""
    held = select(CaseSeat).where(
        CaseSeat.case_id == case.id, CaseSeat.person_id == actor.id, col(CaseSeat.released_at).is_(None)
    )
    seat = session.exec(held).first()
    if seat is None:
        raise NotAllowed(
            "You have no seat in this case.", code="no_seat", hint="Whoever assigns reviewers can give you one."
        )
    policy.require(actor, states.SIGNING_ROLES[seat.role], scope_of(session.get_one(Project, case.project_id)))
    if actor.id in pool.barred(session, case):
        raise NotAllowed(
            "You took part in making what is reviewed here, so you cannot decide on it.", code="barred",
            hint="Give the seat up; somebody else takes it.",
        )  # fmt: skip
    if any(one.person_id == actor.id for one in signatures.standing(session, case, *FOR_APPROVAL)):
        raise Conflict(
            "You signed this case already.", code="signed_already",
            hint="To decide otherwise before the others have signed, ask for changes.",
        )  # fmt: skip
    return seat


# --- what it leads to ------------------------------------------------------------------------------------------------


def follow(session: Session, actor: Actor, case: ReviewCase, signature: Signature, details: Mapping[str, Any]) -> None:
    """Do what the signature just made leads to."""
    if signature.decision == "submit":
        _submit(session, actor, case, signature)
    elif signature.decision == "reject":
        _reject(session, actor, case, details["reason"])
    else:
        conditions.set_all(session, actor, case, details["conditions"])
        _approve(session, actor, case, signature.signed_at)


def _submit(session: Session, actor: Actor, case: ReviewCase, signature: Signature) -> None:
    former = [one for one in signatures.standing(session, case) if one.id != signature.id]
    signatures.void(session, actor, case, former, "the case was submitted anew")
    case.submitted_by, case.submitted_at = actor.ref, signature.signed_at
    moving.move(session, actor, case, "submit")
    assigning.assign(session, actor=signatures.REVIEWERS, case_id=case.id or 0)


def _reject(session: Session, actor: Actor, case: ReviewCase, reason: str) -> None:
    _decided(case, signatures.latest_moment(session, case))
    case.reason = reason
    moving.move(session, actor, case, "reject", reason=reason)
    _tell(session, actor, case, f"was rejected: {reason}")
    certifying.disagreed(session, case)


def _approve(session: Session, actor: Actor, case: ReviewCase, at: datetime) -> None:
    """Approve the case if this was the last signature that its quorum needs."""
    _void_of_barred(session, case)
    signed = signatures.standing(session, case, *FOR_APPROVAL)
    if left := states.seats_left(case.quorum, [one.role for one in signed]):
        waits = ", ".join(f"{count} × {role}" for role, count in sorted(left.items()))
        _tell(session, actor, case, f"was signed by {actor.name}; it still needs {waits}.")
        return
    step = "approve with conditions" if conditions.open_ones(session, case) else "approve"
    _decided(case, at)
    case.expires_at = at + timedelta(days=case.validity_days)
    moving.move(session, actor, case, step)
    _tell(session, actor, case, f"is {case.state}, until {case.expires_at:%d %b %Y}.")
    ending.supersede_former(session, actor, case, conditions.environments(session, case))
    certifying.granted(session, case)


def _void_of_barred(session: Session, case: ReviewCase) -> None:
    """Void signatures of people who turned out, after they signed, to have made what is reviewed (told by CI)."""
    barred = pool.barred(session, case)
    made = [one for one in signatures.standing(session, case, *FOR_APPROVAL) if one.person_id in barred]
    signatures.void(session, signatures.REVIEWERS, case, made, "its signer took part in making what is reviewed")


def _decided(case: ReviewCase, at: datetime) -> None:
    """Note when it was decided; the clocks of the reviewers stop, and the reminders of its end begin anew."""
    case.decided_at, case.due_at, case.paused_at, case.reminded_at, case.escalated_at = at, None, None, None, None


def _tell(session: Session, actor: Actor, case: ReviewCase, what: str) -> None:
    seated = select(CaseSeat.person_id).where(CaseSeat.case_id == case.id, col(CaseSeat.released_at).is_(None))
    people = {case.owner, *session.exec(seated)}
    told = f"Case {case.id} ({case.name} {case.version}) {what}"
    tell(session, people, subject=subject_of(case), text=told, except_for=actor)
