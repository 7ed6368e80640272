"""The record of a case: all that a decision rests on, as one canonical text whose SHA-256 people sign.

What changes without changing the decision stays out of it: the state, seats, comments, when a condition was met.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from core.activity import chain
from core.catalog.tables import Entry
from core.db import now
from core.evidence.tables import EvidenceSnapshot
from core.reviews.items import FrozenItem, frozen
from core.reviews.tables import CaseAnswer, CaseFinding, CaseRecord, ChecklistVersion, Condition, ReviewCase, Waiver
from core.reviews.waiving import in_force


def record(session: Session, case: ReviewCase) -> dict[str, Any]:
    """The record as it stands in this transaction."""
    return {
        "case": case.id,
        "project": case.project_id,
        "checklist": _checklist(session, case),
        "subject": {
            "kind": case.kind, "name": case.name, "version": case.version, "digest": case.subject_digest,
        },
        "evidence": _evidence(session, case),
        "tier": case.tier,
        "facts": case.facts,
        "items": _items(session, case),
        "quorum": case.quorum,
        "environments": case.environments,
        "validity_days": case.validity_days,
        "waivers": _waivers(session, case),
        "conditions": _conditions(session, case),
    }  # fmt: skip


def record_hash(record: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical form of ``record``, in hexadecimal."""
    return text_hash(chain.canonical(record))


def text_hash(canonical: str) -> str:
    """SHA-256 of a canonical text, in hexadecimal."""
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def keep(session: Session, case: ReviewCase, record: Mapping[str, Any]) -> str:
    """Keep ``record`` as it is about to be signed; returns its hash."""
    content = chain.canonical(record)
    key = text_hash(content)
    if session.get(CaseRecord, key) is None:
        session.add(CaseRecord(hash=key, case_id=case.id or 0, content=content, kept_at=now()))
        session.flush()
    return key


def kept(session: Session, record_hash: str) -> dict[str, Any]:
    """The record that was signed under this hash; raises ``NoResultFound`` where nobody signed one."""
    found: dict[str, Any] = json.loads(session.get_one(CaseRecord, record_hash).content)
    return found


def substance(record: Mapping[str, Any]) -> dict[str, Any]:
    """What signatures of one decision have in common: the record without the conditions, which each of them may add."""
    return {name: value for name, value in record.items() if name != "conditions"}


def stamp(moment: datetime) -> str:
    """A moment as records and payloads write it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# --- its parts -------------------------------------------------------------------------------------------------------


def _checklist(session: Session, case: ReviewCase) -> dict[str, str]:
    named = (
        select(Entry.key, ChecklistVersion.version, ChecklistVersion.content_hash)
        .join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
        .where(ChecklistVersion.id == case.checklist_id)
    )
    ref, version, content_hash = session.execute(named).one()
    return {"ref": ref, "version": version, "hash": content_hash}


def _evidence(session: Session, case: ReviewCase) -> dict[str, str] | None:
    if case.snapshot_id is None:
        return None
    wanted = select(EvidenceSnapshot.digest, EvidenceSnapshot.taken_at)  # not the content, which can be large
    digest, taken_at = session.execute(wanted.where(EvidenceSnapshot.id == case.snapshot_id)).one()
    return {"digest": digest, "taken_at": stamp(taken_at)}


def _items(session: Session, case: ReviewCase) -> list[dict[str, Any]]:
    revisions = select(CaseAnswer).where(CaseAnswer.case_id == case.id).order_by(col(CaseAnswer.revision))
    answers = {one.item_id: one for one in session.exec(revisions)}
    current = select(CaseFinding).where(CaseFinding.case_id == case.id, col(CaseFinding.current))
    findings = {one.item_id: one.content for one in session.exec(current.order_by(col(CaseFinding.id)))}
    return [_item(one, answers.get(one.id), findings.get(one.id)) for one in frozen(case.items)]


def _item(item: FrozenItem, answer: CaseAnswer | None, finding: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": item.id, "summary": item.summary, "applies": item.applies, "because": item.because,
        "blocking": item.blocking, "answer": _answer(answer) if answer else None, "finding": finding,
    }  # fmt: skip


def _answer(answer: CaseAnswer) -> dict[str, Any]:
    return {
        "value": answer.value, "note": answer.note, "not_applicable": answer.not_applicable,
        "revision": answer.revision, "by": answer.answered_by, "agreed_by": answer.agreed_by,
    }  # fmt: skip


def _waivers(session: Session, case: ReviewCase) -> list[dict[str, Any]]:
    moment = now()
    rows = session.exec(select(Waiver).where(Waiver.case_id == case.id).order_by(col(Waiver.id)))
    return [
        {
            "id": one.id, "item": one.item_id, "kind": one.kind, "reason": one.reason, "control": one.control,
            "environments": one.environments, "requested_by": one.requested_by, "approved_by": one.approved_by,
            "second_by": one.second_by, "expires_at": stamp(one.expires_at),
        }
        for one in rows
        if in_force(one, moment)
    ]  # fmt: skip


def _conditions(session: Session, case: ReviewCase) -> list[dict[str, Any]]:
    standing = select(Condition).where(Condition.case_id == case.id, col(Condition.voided_at).is_(None))
    return [
        {
            "id": one.id, "text": one.text, "owner": f"person:{one.owner_id}", "due_on": one.due_on.isoformat(),
            "check": one.check, "parameters": one.parameters, "environments": one.environments, "set_by": one.set_by,
        }
        for one in session.exec(standing.order_by(col(Condition.id)))
    ]  # fmt: skip
