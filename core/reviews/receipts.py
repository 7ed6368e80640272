"""The receipt of a signature: what its signer takes away, so that they are a witness of it and of the log."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from core.access.policy import Actor
from core.activity.tables import Checkpoint
from core.errors import NotFound
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews.record import kept, stamp
from core.reviews.sealing import holds
from core.reviews.tables import ReviewCase, Signature

__all__ = ["holds", "receipt"]


def receipt(session: Session, actor: Actor, signature_id: int) -> dict[str, Any]:
    """What was signed and with which key, the record behind it, and the latest seal of the activity log.

    ``payload`` with ``signature`` and ``key`` passes :func:`holds`; the SHA-256 of the canonical ``record`` is the
    ``record_hash`` in the payload. Whoever keeps the ``checkpoint`` can show that the log was cut off or written anew.
    """
    seen = (
        select(Signature)
        .join(ReviewCase, col(ReviewCase.id) == Signature.case_id)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(Signature.id == signature_id, shown_to(actor))
    )
    made = session.exec(seen).first()
    if made is None:
        raise NotFound(f"No signature {signature_id}.")
    sealed = session.exec(select(Checkpoint).order_by(col(Checkpoint.seq).desc()).limit(1)).first()
    return {
        "signature_id": made.id,
        "case": made.case_id,
        "payload": made.payload,
        "signature": made.signature,
        "key": made.key,
        "record_hash": made.record_hash,
        "record": kept(session, made.record_hash),
        "voided_at": stamp(made.voided_at) if made.voided_at else None,
        "checkpoint": sealed.model_dump() if sealed else None,
    }
