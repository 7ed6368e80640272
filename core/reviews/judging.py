"""What the checks of a case say of its evidence: judged when evidence or answers change, and kept as findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from core.checks import registry
from core.checks.findings import Finding
from core.checks.snapshot import Snapshot
from core.db import now
from core.evidence import reading
from core.evidence.tables import EvidenceFile, EvidenceSnapshot
from core.reviews.items import applicable
from core.reviews.known_facts import known_facts
from core.reviews.moving import subject_of
from core.reviews.standing import current_findings, last_answers
from core.reviews.tables import CaseFinding, ReviewCase
from core.tracking.queries import CHAMPION
from core.tracking.tables import MirrorAlias, MirrorMetric, MirrorServer, MirrorVersion


def judge(session: Session, case: ReviewCase) -> dict[str, int]:
    """Run the check of every applicable item on what the case rests on now; returns verdict → how many.

    What is found replaces what was found before. Findings on former evidence are kept, those on the same are mended.
    """
    found = findings(case, evidence_of(session, case))
    present = current_findings(session, case.id or 0)
    for item_id, finding in found.items():
        _keep(session, case, item_id, finding, present.get(item_id))
    session.flush()
    return dict(Counter(one.verdict for one in found.values()))


def findings(case: ReviewCase, evidence: Snapshot) -> dict[str, Finding]:
    """Item → what its check says of ``evidence``."""
    checked = [one for one in applicable(case.items) if one.check]
    return {one.id: registry.run(one.check, evidence, one.parameters, tier=case.tier, item=one.id) for one in checked}


def evidence_of(session: Session, case: ReviewCase, answers: Mapping[str, Any] | None = None) -> Snapshot:
    """What the checks of the case read: the copy it rests on, its project, answers and uploads.

    ``answers`` stand in for those of the case where given.
    """
    snapshot = session.get(EvidenceSnapshot, case.snapshot_id) if case.snapshot_id else None
    return _read(session, case, snapshot, answers if answers is not None else answers_of(session, case.id or 0))


def newest_evidence(session: Session, case: ReviewCase) -> Snapshot:
    """As :func:`evidence_of`, on the newest copy there is of the subject: for conditions met after the decision."""
    of_subject = (EvidenceSnapshot.model == case.name, EvidenceSnapshot.version == case.version)
    newest = select(EvidenceSnapshot).where(*of_subject).order_by(col(EvidenceSnapshot.id).desc()).limit(1)
    snapshot = session.exec(newest).first() if case.kind == "model" else None
    return _read(session, case, snapshot, answers_of(session, case.id or 0))


def answers_of(session: Session, case_id: int) -> dict[str, Any]:
    """Item → the value that the team answered, where it does not say that the item does not apply."""
    last = last_answers(session, case_id)
    return {item: one.value for item, one in last.items() if not one.not_applicable}


def _keep(session: Session, case: ReviewCase, item_id: str, finding: Finding, present: CaseFinding | None) -> None:
    content = finding.as_data()
    if present is not None and present.snapshot_id == case.snapshot_id:
        if present.content != content:
            present.verdict, present.content, present.judged_at = finding.verdict, content, now()
            session.add(present)
        return
    if present is not None:
        present.current = False
        session.add(present)
    session.add(
        CaseFinding(
            case_id=case.id or 0, item_id=item_id, snapshot_id=case.snapshot_id, verdict=finding.verdict,
            content=content, judged_at=now(),
        )
    )  # fmt: skip


# --- what checks read ------------------------------------------------------------------------------------------------


def _read(
    session: Session, case: ReviewCase, snapshot: EvidenceSnapshot | None, answers: Mapping[str, Any]
) -> Snapshot:
    uploads = session.exec(select(EvidenceFile).where(EvidenceFile.subject == subject_of(case))).all()
    return reading.snapshot_of(
        snapshot.content if snapshot else {}, champion_content=_champion(session, case),
        facts=known_facts(session, case, snapshot), answers=answers, uploads=uploads,
        taken_at=snapshot.taken_at if snapshot else None,
    )  # fmt: skip


def _champion(session: Session, case: ReviewCase) -> dict[str, Any] | None:
    """The evidence on the version that serves today, where it is another one: its copy, or else what the mirror has of it."""
    latest = select(MirrorServer.id).order_by(col(MirrorServer.synced_at).desc().nulls_last()).limit(1)
    serves = select(MirrorVersion).join(
        MirrorAlias,
        (col(MirrorAlias.server_id) == MirrorVersion.server_id)
        & (col(MirrorAlias.model) == MirrorVersion.model)
        & (col(MirrorAlias.version) == MirrorVersion.version),
    )
    named = serves.where(MirrorAlias.alias == CHAMPION, MirrorAlias.model == case.name)
    champion = session.exec(named.where(MirrorVersion.server_id == latest.scalar_subquery())).first()
    if case.kind != "model" or champion is None or champion.version == case.version:
        return None
    of_it = (EvidenceSnapshot.model == case.name, EvidenceSnapshot.version == champion.version)
    copied = session.exec(select(EvidenceSnapshot).where(*of_it).order_by(col(EvidenceSnapshot.id).desc()).limit(1))
    found = copied.first()
    return found.content if found else _mirrored(session, champion)


def _mirrored(session: Session, version: MirrorVersion) -> dict[str, Any]:
    """The metrics of a version's run as the mirror last saw them, in the form of a copy."""
    of_run = select(MirrorMetric).where(
        MirrorMetric.server_id == version.server_id, MirrorMetric.run_id == version.run_id
    )
    unknown = {"text": "", "history": 1, "overwritten": False, "dataset": "", "digest": ""}
    return {"metrics": {one.key: {"value": one.value} | unknown for one in session.exec(of_run)}}
