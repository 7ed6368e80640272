"""What the portal does for certified pipelines by itself: open cases for what they made, consider them, and let
certificates lapse. A job calls it; each case is taken up in transactions of its own, and MLflow is asked between them."""

from __future__ import annotations

import logging
from typing import Any

from sqlmodel import Session, col, select

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.db import now
from core.errors import PortalError
from core.evidence import keeping
from core.evidence.tables import CiFact
from core.people.notices import tell
from core.projects.tables import ProjectTracking
from core.reviews import certifying, opening, passing
from core.reviews.certifying import CERTIFIER
from core.reviews.moving import locked_case, subject_of, title_of
from core.reviews.tables import Certificate, ChecklistVersion, ReviewCase
from core.tracking.tables import MirrorVersion

log = logging.getLogger("portal.certificates")


def work(actor: Actor) -> str:
    """Do all that is due; returns in words what was done."""
    policy.require(actor, "admin.jobs")
    lapsed, opened = _let_lapse(), _open_cases()
    approved = sampled = 0
    for case_id in _open_ones():
        try:
            outcome = _look_at(case_id)
        except PortalError as error:
            log.warning("Case %s of a certified pipeline waits: %s", case_id, error)
            continue
        approved, sampled = approved + (outcome == "approved"), sampled + (outcome == "sampled")
    return f"{lapsed} lapsed, {opened} opened, {approved} approved, {sampled} left to people"


def _let_lapse() -> int:
    with db.reading() as session:
        holding = session.exec(select(Certificate.id).where(Certificate.state == "certified")).all()
    count = 0
    for certificate_id in holding:
        with db.writing() as session:
            certificate = session.get_one(Certificate, certificate_id, with_for_update=True)
            why = certifying.why_lapsed(session, certificate) if certificate.state == "certified" else None
            if why is not None:
                certifying.lapse(session, CERTIFIER, certificate, why[0], doubted=why[1])
                count += 1
    return count


# --- cases -----------------------------------------------------------------------------------------------------------


def _open_cases() -> int:
    """Open a case for every version that a certified pipeline made and that has none by its checklist."""
    with db.reading() as session:
        found = session.execute(_without_case()).all()
    count = 0
    for certificate_id, model, version in found:
        try:
            with db.writing() as session:
                count += _open_case(session, certificate_id, model, version)
        except PortalError as error:
            log.warning("No case was opened for version %s of %s: %s", version, model, error)
    return count


def _without_case() -> Any:
    made: Any = (
        CiFact.repository == Certificate.repository, CiFact.commit == Certificate.commit,
        CiFact.workflow == Certificate.workflow,
    )  # fmt: skip
    about = (ReviewCase.kind == "model", ReviewCase.name == CiFact.model, ReviewCase.version == CiFact.version)
    there = (MirrorVersion.model == CiFact.model, MirrorVersion.version == CiFact.version)
    return (
        select(Certificate.id, CiFact.model, CiFact.version)
        .join(CiFact, made[0] & made[1] & made[2])
        .join(
            ProjectTracking,
            (col(ProjectTracking.name) == CiFact.model) & (col(ProjectTracking.project_id) == Certificate.project_id),
        )
        .where(
            Certificate.state == "certified", ProjectTracking.kind == "model",
            select(MirrorVersion.model).where(*there, col(MirrorVersion.gone_at).is_(None)).exists(),
            ~select(ReviewCase.id).where(*about, ReviewCase.checklist_id == Certificate.checklist_id).exists(),
        )
        .distinct()
        .order_by(col(Certificate.id), col(CiFact.model), col(CiFact.version))
    )  # fmt: skip


def _open_case(session: Session, certificate_id: int, model: str, version: str) -> bool:
    """Open it in the name of whoever proposed the pipeline, following on the last case that was approved."""
    certificate = session.get_one(Certificate, certificate_id)
    owner = queries.actor_for(session, certificate.proposed_by.removeprefix("person:"))
    if owner is None:
        log.warning("Who proposed certificate %s has left; its versions need people.", certificate_id)
        return False
    rules = session.get_one(ChecklistVersion, certificate.checklist_id)
    former = select(ReviewCase.id).join(ChecklistVersion, col(ChecklistVersion.id) == ReviewCase.checklist_id).where(
        ReviewCase.kind == "model", ReviewCase.name == model, ReviewCase.project_id == certificate.project_id,
        ChecklistVersion.entry_id == rules.entry_id, col(ReviewCase.state).in_(passing.APPROVED_BEFORE),
    )  # fmt: skip
    opening.open_case(
        session, actor=owner, project_id=certificate.project_id, checklist=rules.entry_id, kind="model", name=model,
        version=version, carry_from=session.exec(former.order_by(col(ReviewCase.id).desc())).first(), by=CERTIFIER,
    )  # fmt: skip
    return True


def _open_ones() -> list[int]:
    """The cases that a certified pipeline may decide."""
    with db.reading() as session:
        waiting = select(ReviewCase).where(
            ReviewCase.kind == "model", col(ReviewCase.state).in_(passing.OPEN), ~col(ReviewCase.sampled),
            col(ReviewCase.checklist_id).in_(select(Certificate.checklist_id).where(Certificate.state == "certified")),
        )  # fmt: skip
        found = session.exec(waiting.order_by(col(ReviewCase.id))).all()
        return [one.id or 0 for one in found if passing.certificate_for(session, one) is not None]


def _look_at(case_id: int) -> str:
    """Give the case its evidence where it has none, and consider it; returns what became of it."""
    _attach_first(case_id)
    with db.reading() as session:
        case = session.get_one(ReviewCase, case_id)
        certificate = passing.certificate_for(session, case)
        if certificate is None or case.snapshot_id is None or passing.against(session, certificate, case, now()):
            return ""
    if keeping.verify(case.snapshot_id).outcome != "same":
        return ""
    with db.writing() as session:
        certifying.consider(session, actor=CERTIFIER, case_id=case_id)
        case = session.get_one(ReviewCase, case_id)
        return "sampled" if case.sampled else case.state


def _attach_first(case_id: int) -> None:
    """Copy the evidence for a case that the portal opened, and tell its owner what is left to people."""
    with db.reading() as session:
        case = session.get_one(ReviewCase, case_id)
    if case.snapshot_id is not None or case.state != "draft":
        return
    snapshot = keeping.fresh(case.name, case.version, actor=CERTIFIER)
    with db.writing() as session:
        case = locked_case(session, CERTIFIER, case_id)
        if case.snapshot_id is not None or case.state != "draft":
            return
        opening.attach_locked(session, CERTIFIER, case, snapshot.id or 0)
        certificate = passing.certificate_for(session, case)
        left = passing.against(session, certificate, case, now()) if certificate else []
        if left:
            told = f"The certified pipeline does not pass {title_of(case)} by itself: {'; '.join(left)}."
            tell(session, [case.owner], subject=subject_of(case), text=told)
