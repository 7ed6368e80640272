"""When a version of a certified pipeline passes without a person: what speaks against it, and which ones people see anyway."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from core import db
from core.activity import chain
from core.evidence import keeping
from core.evidence.tables import CiFact, EvidenceSnapshot
from core.projects.tables import Project
from core.projects.tier import TIERS, place_of
from core.reviews import opening
from core.reviews.items import FrozenItem, applicable, frozen
from core.reviews.record import text_hash
from core.reviews.standing import last_answers, standings
from core.reviews.tables import CaseAnswer, Certificate, ChecklistVersion, ReviewCase

OPEN = ("draft", "submitted")
"""States from which the portal takes a case to its approval: nobody looks at it yet."""
TIERS_ALLOWED = TIERS[:2]
"""The tiers that a certificate may cover: about high risk, people decide every time."""
SAMPLING_KEY = "sampling.key"
"""Name of the secret that chooses the sample, so that nobody can tell beforehand whom it meets."""
APPROVED_BEFORE = ("approved", "superseded")
_COMMIT_TAG = "mlflow.source.git.commit"


def rules_hash(session: Session, checklist: ChecklistVersion, tier: str) -> str:
    """SHA-256 over every rule that versions up to ``tier`` are held against: the checks of the checklist with their
    parameters and the organisation's limits, as they are now."""
    covered = TIERS_ALLOWED[: TIERS_ALLOWED.index(tier) + 1]
    told = {one: _rules(opening.items_of(session, checklist.content, {}, one)) for one in covered}
    return text_hash(chain.canonical(told))


def certificate_for(session: Session, case: ReviewCase) -> Certificate | None:
    """The certified pipeline of the project that CI says made the version of ``case``, if there is one."""
    made: Any = (
        CiFact.repository == Certificate.repository, CiFact.commit == Certificate.commit,
        CiFact.workflow == Certificate.workflow, CiFact.model == case.name, CiFact.version == case.version,
    )  # fmt: skip
    wanted = select(Certificate).where(
        Certificate.project_id == case.project_id, Certificate.checklist_id == case.checklist_id,
        Certificate.state == "certified", select(CiFact.id).where(*made).exists(),
    )  # fmt: skip
    found = session.exec(wanted.order_by(col(Certificate.id).desc())).first() if case.kind == "model" else None
    return found


def against(session: Session, certificate: Certificate, case: ReviewCase, at: datetime) -> list[str]:
    """Everything that keeps the version of ``case`` from passing by ``certificate``, in words; empty where it passes."""
    return [
        *_against_certificate(certificate, case, at),
        *_against_project(session, case),
        *_against_origin(session, certificate, case),
        *_against_rules(session, case),
        *_against_items(session, case),
    ]


def is_verified(session: Session, case: ReviewCase, at: datetime) -> bool:
    """Whether its evidence was found the same as in MLflow just now."""
    return keeping.is_verified(session, case.snapshot_id, at)


def is_sampled(certificate: Certificate, case: ReviewCase) -> bool:
    """Whether people look at this version anyway: one in so many, the same answer each time it is asked."""
    key = db.kept_secret(SAMPLING_KEY, lambda: secrets.token_bytes(32))
    about = chain.canonical([certificate.id, case.name, case.version, case.subject_digest]).encode()
    drawn = int.from_bytes(hmac.digest(key, about, "sha256")[:8], "big")
    return drawn % max(certificate.sample_every, 1) == 0


def _against_certificate(certificate: Certificate, case: ReviewCase, at: datetime) -> Iterator[str]:
    if certificate.state != "certified" or certificate.expires_at is None or certificate.expires_at <= at:
        yield "the certificate does not hold"
    if case.tier not in TIERS or place_of(case.tier) > place_of(certificate.tier):
        yield f"the tier {case.tier} is above what is certified, {certificate.tier}"
    if case.state not in OPEN or case.sampled:
        yield f"the case is {case.state}, and people have it"


def _against_project(session: Session, case: ReviewCase) -> Iterator[str]:
    project = session.get_one(Project, case.project_id)
    if project.tier != case.tier or not project.tier_confirmed_by:
        yield "the tier of the project is not the confirmed one that the case was opened with"


def _against_origin(session: Session, certificate: Certificate, case: ReviewCase) -> Iterator[str]:
    """Two stories about where a version comes from are one too many."""
    told = session.exec(select(CiFact).where(CiFact.model == case.name, CiFact.version == case.version)).all()
    same = (certificate.repository, certificate.commit, certificate.workflow)
    if not told or any((one.repository, one.commit, one.workflow) != same for one in told):
        yield "CI does not say with one voice that this pipeline made it"
    snapshot = session.get(EvidenceSnapshot, case.snapshot_id) if case.snapshot_id else None
    if snapshot is None or snapshot.subject_digest != case.subject_digest:
        yield "there is no evidence of it"
    elif snapshot.content.get("tags", {}).get(_COMMIT_TAG, certificate.commit) != certificate.commit:
        yield "its run says that it comes from another commit"


def _against_rules(session: Session, case: ReviewCase) -> Iterator[str]:
    """The case was opened with the rules as they are now."""
    checklist = session.get_one(ChecklistVersion, case.checklist_id)
    if _rules(frozen(case.items)) != _rules(opening.items_of(session, checklist.content, {}, case.tier)):
        yield "its rules were changed since it was opened"


def _against_items(session: Session, case: ReviewCase) -> Iterator[str]:
    answers, before = last_answers(session, case.id or 0), _answers_before(session, case)
    items = {one.id: one for one in applicable(case.items)}
    for one in standings(session, case):
        if one.not_applicable or one.waived:
            yield f"{one.item} needs a person's word"
        elif one.verdict and one.verdict != "pass":
            yield f"{one.item} does not pass: {one.verdict}"
        elif items[one.item].asks and not _is_settled(items[one.item], answers.get(one.item), before):
            yield f"{one.item} has to be read by people"
    if not any(one.check for one in items.values()):
        yield "no rule of the checklist applies"


def _is_settled(item: FrozenItem, answer: CaseAnswer | None, before: Mapping[str, CaseAnswer]) -> bool:
    """An answer that a check judges, a statement of the team, or what people approved in the version before."""
    if answer is None or answer.not_applicable:
        return False
    if item.check or item.type == "attestation":
        return True
    old = before.get(item.id)
    return old is not None and not old.not_applicable and (old.value, old.note) == (answer.value, answer.note)


def _answers_before(session: Session, case: ReviewCase) -> dict[str, CaseAnswer]:
    """The answers of the case that it follows on, where that was approved."""
    previous = session.get(ReviewCase, case.previous_id) if case.previous_id else None
    if previous is None or previous.state not in APPROVED_BEFORE:
        return {}
    return last_answers(session, previous.id or 0)


def _rules(items: list[FrozenItem]) -> list[list[Any]]:
    return [[one.id, one.check, dict(one.parameters)] for one in items if one.check]
