"""What a reader may do in a case now, for pages that leave out what is sure to be refused; the actions ask it all again."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session

from core.access import policy
from core.access.policy import Actor, Scope
from core.access.tables import Person
from core.reviews import pool, states
from core.reviews.tables import CaseSeat, ReviewCase, Signature

_ASKED = (
    "case.answer", "case.submit", "case.assign", "risk.accept", "approval.suspend", "approval.revoke", "sign.ethics",
)  # fmt: skip


def abilities(
    session: Session,
    actor: Actor,
    case: ReviewCase,
    scope: Scope,
    seats: Iterable[CaseSeat],
    signatures: Iterable[Signature],
) -> frozenset[str]:
    """Names of what ``actor`` may do: of those who answer, of reviewers, and of those who accept risk and end approvals."""
    able = {name for name in _ASKED if policy.may(actor, name, scope)}
    seat = next((one for one in seats if one.person_id == actor.id), None)
    barred = actor.id in pool.barred(session, case)
    signs = seat is not None and not barred and policy.may(actor, states.SIGNING_ROLES[seat.role], scope)
    signed = any(one.person_id == actor.id and one.voided_at is None and one.decision != "submit" for one in signatures)
    rules = {
        "comment": actor.kind == "person" and case.state not in states.ENDED,
        **_of_team(session, actor, case, able, reviews=seat is not None),
        **_of_reviewers(case, able, sits=seat is not None, signs=signs, signed=signed),
        **_of_risk(actor, case, able, barred=barred),
    }
    return frozenset(name for name, holds in rules.items() if holds)


def _of_team(session: Session, actor: Actor, case: ReviewCase, able: set[str], *, reviews: bool) -> dict[str, bool]:
    # whoever reviews a case answers nothing in it
    edits = case.state in states.EDITABLE and "case.answer" in able and not reviews
    submits = "case.submit" in able
    withdraws = actor.ref == case.owner or (submits and not _is_there(session, case.owner))
    return {
        "answer": edits,
        "attach": edits and case.kind == "model",
        "submit": case.state in states.EDITABLE and actor.ref == case.owner and submits,
        "withdraw": case.state in states.OPEN and withdraws,
        "ask waiver": case.state in states.OPEN and "case.answer" in able,
    }


def _of_reviewers(case: ReviewCase, able: set[str], *, sits: bool, signs: bool, signed: bool) -> dict[str, bool]:
    conditional = case.state == "approved with conditions"
    return {
        "decide": case.state == "in review" and signs and not signed,
        "request changes": case.state == "in review" and signs,
        "recuse": case.state in states.OPEN and sits and not signed,
        "assign": case.state in ("submitted", "in review", "changes requested") and "case.assign" in able,
        "meet condition": conditional and signed,
        "check condition": conditional and (signed or "case.answer" in able),
        "look at break-glass": "sign.ethics" in able,
    }


def _of_risk(actor: Actor, case: ReviewCase, able: set[str], *, barred: bool) -> dict[str, bool]:
    accepts = case.state in states.OPEN and "risk.accept" in able and not barred
    approved = case.state in states.APPROVED
    revocable = approved or case.state == "suspended"
    return {
        "decide waiver": accepts,
        "break glass": accepts,
        "end waiver": "risk.accept" in able,
        "suspend": approved and "approval.suspend" in able,
        "reopen": case.state == "suspended" and "approval.suspend" in able,
        "revoke": revocable and "approval.revoke" in able and actor.ref != case.revoke_proposed_by,
    }


def _is_there(session: Session, ref: str) -> bool:
    person = session.get(Person, ref.removeprefix("person:"))
    return person is not None and person.active
