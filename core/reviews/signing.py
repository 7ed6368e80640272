"""Signing: a form shows the record and holds for minutes, the PIN confirms it, and the signature decides.

``prepare`` binds a form to its person, case, decision and record; ``sign`` uses it once, and only on the very record
that was shown. Both ask the store anew who the person is and what they may.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from core import db
from core.access import queries
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record as log
from core.db import now
from core.errors import Conflict, NotAllowed, NotFound
from core.evidence import keeping
from core.reviews import deciding, pins, sealing, signatures
from core.reviews.moving import locked_case, subject_of
from core.reviews.pins import Refused
from core.reviews.record import keep, record, record_hash, stamp
from core.reviews.tables import CaseSeat, PendingSignature, ReviewCase, Signature

FORM_HOLDS = timedelta(minutes=10)
"""How long a person has between seeing the record and confirming it: the portal's own measure."""
AGAIN = "Open the case and sign anew."
AUTHOR = "owner"
"""The role under which the owner of a case signs."""


@dataclass(frozen=True)
class Signed:
    """The signature was made, and the case is in ``state`` now."""

    signature_id: int
    case_id: int
    state: str
    signed_at: datetime


def prepare(
    session: Session,
    *,
    actor: Actor,
    case_id: int,
    meaning: str,
    decision: str,
    details: Mapping[str, Any] | None = None,
) -> PendingSignature:
    """The form for a signature: bound to this person, case, decision and record; it holds ten minutes and once.

    ``details`` are the ``reason`` and the ``conditions`` of the decision, see :func:`core.reviews.deciding.clean`.
    """
    signer = _signer(session, actor)
    deciding.require_meaning(meaning, decision)
    case = locked_case(session, signer, case_id)
    deciding.require_admissible(session, signer, case, decision)
    signatures.void_stale(session, case)
    form = PendingSignature(
        nonce=secrets.token_urlsafe(32), case_id=case_id, person_id=signer.id, meaning=meaning, decision=decision,
        details=deciding.clean(session, case, decision, details or {}), record_hash=record_hash(record(session, case)),
        expires_at=now() + FORM_HOLDS,
    )  # fmt: skip
    session.add(form)
    session.flush()
    return form


def sign(session: Session, *, actor: Actor, nonce: str, pin: str) -> Signed | Refused:
    """Sign the form ``nonce`` with one's PIN, and do what the decision leads to.

    A wrong PIN is returned, so that the transaction commits and it stays counted. Everything else that stands against
    the signature is raised: a form that is unknown, used, over or somebody else's, a record that changed since it was
    shown, evidence not verified within two minutes, and whatever :mod:`core.reviews.deciding` requires.
    """
    signer = _signer(session, actor)
    case = locked_case(session, signer, _form(session, signer, nonce).case_id)
    form = _form(session, signer, nonce)  # once more under the case's lock: another click may have used it meanwhile
    _require_usable(form)
    if refused := pins.check(session, actor=signer, pin=pin):
        return refused
    seat = deciding.require_admissible(session, signer, case, form.decision)
    deciding.require_verified(session, case, form.decision)
    made = _signature(session, signer, case, seat, form)
    form.used_at = made.signed_at
    session.add(form)
    told = events.CaseSigned(subject_of(case), made.id or 0, made.meaning, made.decision, made.role, made.record_hash)
    log(session, signer, told)
    deciding.follow(session, signer, case, made, form.details)
    return Signed(made.id or 0, case.id or 0, case.state, made.signed_at)


def verify_and_sign(actor: Actor, *, nonce: str, pin: str) -> Signed | Refused:
    """For edges: compare the evidence with MLflow outside of any transaction, then :func:`sign` in one of its own."""
    with db.reading() as session:
        case = session.get_one(ReviewCase, _form(session, actor, nonce).case_id)
        snapshot_id = case.snapshot_id
    if snapshot_id is not None:
        keeping.verify(snapshot_id)
    with db.writing() as session:
        return sign(session, actor=actor, nonce=nonce, pin=pin)


def _signer(session: Session, actor: Actor) -> Actor:
    """The person as the store knows them now: neither a page that was open for hours nor a token decides who signs."""
    signer = queries.actor_for(session, actor.id) if actor.kind == "person" else None
    if signer is None:
        raise NotAllowed(f"{actor.name} cannot sign.", hint="Only people sign, while their account is active.")
    return signer


def _form(session: Session, signer: Actor, nonce: str) -> PendingSignature:
    form = session.get(PendingSignature, nonce, populate_existing=True) if len(nonce) <= 64 else None
    if form is None:
        raise NotFound("This signing form is not known.", hint=AGAIN)
    if form.person_id != signer.id:
        raise NotAllowed("This signing form was made for somebody else.", hint=AGAIN)
    return form


def _require_usable(form: PendingSignature) -> None:
    if form.used_at is not None:
        raise Conflict("This signing form was used already.", code="form_used", hint="Each form signs once.")
    if now() >= form.expires_at:
        raise Conflict("This signing form is no longer valid: it held ten minutes.", code="form_expired", hint=AGAIN)


def _signature(
    session: Session, signer: Actor, case: ReviewCase, seat: CaseSeat | None, form: PendingSignature
) -> Signature:
    """The signature over the record as it stands, which has to be the one that was shown."""
    signatures.void_stale(session, case)
    present = record(session, case)
    if record_hash(present) != form.record_hash:
        raise Conflict("The case was changed since you opened this form.", code="record_changed", hint=AGAIN)
    at, role = signatures.latest_moment(session, case), seat.role if seat else AUTHOR
    payload = sealing.payload(
        {
            "case": case.id, "subject": present["subject"], "signer": signer.ref, "name": signer.name, "role": role,
            "meaning": form.meaning, "decision": form.decision, "details": form.details, "nonce": form.nonce,
            "record_hash": keep(session, case, present), "signed_at": stamp(at),
        }
    )  # fmt: skip
    signature, key = sealing.seal(payload)
    made = Signature(
        case_id=case.id or 0, seat_id=seat.id if seat else None, person_id=signer.id, printed_name=signer.name,
        role=role, meaning=form.meaning, decision=form.decision, record_hash=form.record_hash, payload=payload,
        signature=signature, key=key, signed_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made
