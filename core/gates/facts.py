"""Reading what the gate decides on: one statement for the version, one for its cases, and what belongs to these."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import bindparam, or_
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity.tables import Activity
from core.catalog.kinds import GatePolicy
from core.catalog.tables import Entry, EntryContent
from core.catalog.visibility import sees
from core.db import now
from core.evidence.tables import EvidenceCheck, EvidenceSnapshot
from core.gates.cases import CaseFact, CertificateFact, ConditionFact, SignatureFact, WaiverFact
from core.gates.rules import POLICY, Facts
from core.projects.tables import Project, ProjectTracking
from core.projects.visibility import shown_to
from core.reviews.tables import Certificate, ChecklistVersion, Condition, ReviewCase, Signature, Waiver
from core.reviews.waiving import BREAK_GLASS
from core.tracking.tables import MirrorServer, MirrorVersion

T = TypeVar("T")

OPEN_TO_ALL = ("public", "internal")
"""Classifications of projects that everybody sees."""


@dataclass(frozen=True)
class Known:
    """What the store knows of a version, whether the asker sees its project, and the moment to judge it at."""

    facts: Facts
    seen: bool
    at: datetime
    """Now, and never before the last record of the log: a clock that was put back revives no approval."""


def read(session: Session, actor: Actor, model: str, version: str) -> Known:
    """Everything that the gate decides on, as it stands in this transaction."""
    row = session.execute(_VERSION, {"model": model, "version": version}).first()
    moment = now()
    if row is None:
        return Known(Facts(model, version), True, moment)
    if row.logged:
        moment = max(moment, datetime.fromisoformat(row.logged))
    facts = Facts(
        model, version, True, row.gone_at is not None, row.run_id, row.source, row.project or "", row.stage or "",
        row.tier or "", row.synced_at, _policy(json.dumps(row.policy)), _cases(session, model, version),
    )  # fmt: skip
    return Known(facts, _is_seen(session, actor, row), moment)


def _is_seen(session: Session, actor: Actor, row: Any) -> bool:
    if row.project is None or row.classification in OPEN_TO_ALL:
        return True
    if actor.kind == "person":
        return session.execute(select(Project.id).where(Project.id == row.project, shown_to(actor))).first() is not None
    return sees(policy.sight(actor), row.classification, team=row.team_id, unit=row.unit_id)


@lru_cache(maxsize=8)
def _policy(written: str) -> GatePolicy | None:
    """What the entry says, or nothing where it says nothing that can be read."""
    try:
        return GatePolicy.model_validate_json(written)
    except ValidationError:
        return None


# --- cases -----------------------------------------------------------------------------------------------------------


def _cases(session: Session, model: str, version: str) -> tuple[CaseFact, ...]:
    rows = session.execute(_CASES, {"model": model, "version": version}).all()
    if not rows:
        return ()
    wanted = {"cases": [row.ReviewCase.id for row in rows]}
    signatures = _by_case(session.execute(_SIGNATURES, wanted), _signature)
    conditions = _by_case(session.execute(_CONDITIONS, wanted), _condition)
    waivers = _by_case(session.execute(_WAIVERS, wanted), _waiver)
    return tuple(
        _case(row, signatures[row.ReviewCase.id], conditions[row.ReviewCase.id], waivers[row.ReviewCase.id])
        for row in rows
    )


def _by_case(rows: Iterable[Any], made: Any) -> defaultdict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.case_id].append(made(row))
    return found


def _case(
    row: Any, signatures: list[SignatureFact], conditions: list[ConditionFact], waivers: list[WaiverFact]
) -> CaseFact:
    case: ReviewCase = row.ReviewCase
    copied = row.copied or {}
    return CaseFact(
        case.id or 0, row.key, row.title, row.checklist_state == "withdrawn", case.project_id, case.state, case.tier,
        tuple(case.environments), case.quorum, case.reason, case.decided_at, case.expires_at, case.subject_digest,
        row.evidence_digest or "", copied.get("run_id") or "", copied.get("source") or "", row.outcome or "",
        row.checked_at, tuple(signatures), tuple(conditions), tuple(waivers), _certificate(row),
    )  # fmt: skip


def _signature(row: Any) -> SignatureFact:
    return SignatureFact(row.printed_name, row.role, row.meaning, row.decision, row.signed_at, row.record_hash)


def _condition(row: Any) -> ConditionFact:
    return ConditionFact(row.text, row.due_on, tuple(row.environments))


def _waiver(row: Any) -> WaiverFact:
    return WaiverFact(row.item_id, row.kind, tuple(row.environments), row.expires_at)


def _certificate(row: Any) -> CertificateFact | None:
    if row.ReviewCase.certificate_id is None:
        return None
    return CertificateFact(row.ReviewCase.certificate_id, row.pipeline or "", row.doubted is not False)


# --- statements, made once -------------------------------------------------------------------------------------------


def _version_statement() -> Any:
    """The version as the server has it that was synced last, its project, the policy, and when the log was last written."""
    here = (
        select(MirrorServer.id)
        .order_by(col(MirrorServer.synced_at).desc().nulls_last(), col(MirrorServer.id).desc())
        .limit(1)
        .scalar_subquery()
    )
    written: Any = EntryContent.document
    rules = (
        select(written[("spec", "gate")])
        .join(Entry, col(Entry.id) == EntryContent.entry_id)
        .where(Entry.key == POLICY, Entry.lifecycle == "approved")
        .scalar_subquery()
    )
    logged = select(Activity.at).order_by(col(Activity.seq).desc()).limit(1).scalar_subquery()
    owning = (col(ProjectTracking.kind) == "model") & (col(ProjectTracking.name) == MirrorVersion.model)
    columns: tuple[Any, ...] = (
        MirrorVersion.gone_at, MirrorVersion.run_id, MirrorVersion.source, MirrorServer.synced_at,
        col(Project.id).label("project"), Project.stage, Project.tier, Project.classification, Project.team_id,
        Project.unit_id, rules.label("policy"), logged.label("logged"),
    )  # fmt: skip
    return (
        select(*columns)
        .select_from(MirrorVersion)
        .join(MirrorServer, col(MirrorServer.id) == MirrorVersion.server_id)
        .outerjoin(ProjectTracking, owning)
        .outerjoin(Project, col(Project.id) == ProjectTracking.project_id)
        .where(
            col(MirrorVersion.server_id) == here, col(MirrorVersion.model) == bindparam("model"),
            col(MirrorVersion.version) == bindparam("version"),
        )
    )  # fmt: skip


def _cases_statement() -> Any:
    """Every case about the version with its checklist, what its evidence is about, its last comparison, its certificate."""
    last = (
        select(EvidenceCheck.id)
        .where(EvidenceCheck.snapshot_id == ReviewCase.snapshot_id, EvidenceCheck.outcome != "unreachable")
        .order_by(col(EvidenceCheck.id).desc())
        .limit(1)
        .correlate(ReviewCase)
        .scalar_subquery()
    )
    content: Any = EvidenceSnapshot.content
    columns: tuple[Any, ...] = (
        ReviewCase, Entry.key, Entry.title, col(ChecklistVersion.state).label("checklist_state"),
        col(EvidenceSnapshot.subject_digest).label("evidence_digest"), content["source"].label("copied"),
        EvidenceCheck.outcome, EvidenceCheck.checked_at, col(Certificate.name).label("pipeline"), Certificate.doubted,
    )  # fmt: skip
    return (
        select(*columns)
        .join(ChecklistVersion, col(ChecklistVersion.id) == ReviewCase.checklist_id)
        .join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
        .outerjoin(EvidenceSnapshot, col(EvidenceSnapshot.id) == ReviewCase.snapshot_id)
        .outerjoin(EvidenceCheck, col(EvidenceCheck.id) == last)
        .outerjoin(Certificate, col(Certificate.id) == ReviewCase.certificate_id)
        .where(
            ReviewCase.kind == "model", col(ReviewCase.name) == bindparam("model"),
            col(ReviewCase.version) == bindparam("version"),
        )
        .order_by(col(ReviewCase.id))
    )  # fmt: skip


def _of_cases(*columns: Any) -> Any:
    table = columns[0].class_
    return select(table.case_id, *columns).where(table.case_id.in_(bindparam("cases", expanding=True)))


_VERSION = _version_statement()
_CASES = _cases_statement()
_SIGNATURES = (
    _of_cases(
        Signature.printed_name, Signature.role, Signature.meaning, Signature.decision, Signature.signed_at,
        Signature.record_hash,
    )
    .where(col(Signature.voided_at).is_(None))
    .order_by(col(Signature.id))
)  # fmt: skip
_CONDITIONS = (
    _of_cases(Condition.text, Condition.due_on, Condition.environments)
    .where(col(Condition.met_at).is_(None), col(Condition.voided_at).is_(None))
    .order_by(col(Condition.due_on), col(Condition.id))
)
_WAIVERS = (
    _of_cases(Waiver.item_id, Waiver.kind, Waiver.environments, Waiver.expires_at)
    .where(
        col(Waiver.approved_at).is_not(None), col(Waiver.refused_at).is_(None), col(Waiver.ended_at).is_(None),
        or_(col(Waiver.kind) != BREAK_GLASS, col(Waiver.second_by).is_not(None)),
    )
    .order_by(col(Waiver.expires_at), col(Waiver.id))
)  # fmt: skip
