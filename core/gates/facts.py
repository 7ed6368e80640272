"""Reading what the gate decides on: a statement for the version, one for its cases, and one for what belongs to these."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection
from sqlmodel import Session, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.catalog.kinds import GatePolicy
from core.catalog.visibility import sees
from core.db import now
from core.gates import statements
from core.gates.cases import CaseFact, CertificateFact, ConditionFact, SignatureFact, WaiverFact
from core.gates.rules import Facts
from core.projects.tables import Project
from core.projects.visibility import shown_to

Cases = defaultdict[tuple[str, str, str], list[CaseFact]]
"""Kind, name and version of a subject → the cases about it."""
Parts = defaultdict[tuple[str, int], list[Any]]
"""What it is and the case it belongs to → signatures, conditions, waivers."""
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
    return read_all(session, [(actor, model, version)])[0]


def read_all(session: Session, asked: Sequence[tuple[Actor, str, str]]) -> list[Known]:
    """:func:`read` for several questions (who asks, about which model and version) in as many statements as for one."""
    connection, moment = session.connection(), now()
    db.keep_plans(session)
    pairs = sorted({(model, version) for _, model, version in asked})
    about = {"asked": _padded(pairs), "models": _padded(sorted({model for model, _ in pairs}))}
    versions = {(row.model, row.version): row for row in connection.execute(statements.VERSIONS, about)}
    projects = sorted({one.project for one in versions.values() if one.project})
    cases = _cases(connection, about | {"projects": _padded(projects)})
    return [
        _known(session, actor, versions.get((model, version)), model, version, cases, moment)
        for actor, model, version in asked
    ]


def _padded(values: list[Any]) -> list[Any]:
    """The values, the last one again and again up to a power of two: so there are few lengths of lists, and so few
    statements for the database to keep a plan of."""
    return values + values[-1:] * ((1 << max(len(values) - 1, 0).bit_length()) - len(values))


def _known(session: Session, actor: Actor, row: Any, model: str, version: str, cases: Cases, moment: datetime) -> Known:
    if row is None:
        return Known(Facts(model, version), True, moment)
    if row.logged:
        moment = max(moment, datetime.fromisoformat(row.logged))
    about = (*cases["model", model, version], *(cases["project", row.project, ""] if row.project else ()))
    facts = Facts(
        model, version, True, row.gone_at is not None, row.run_id, row.source, row.project or "", row.stage or "",
        row.tier or "", row.synced_at, _policy(row.policy or ""), about,
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


def _cases(connection: Connection, about: dict[str, Any]) -> Cases:
    found: Cases = defaultdict(list)
    rows = connection.execute(statements.CASES, about).all()
    parts: Parts = defaultdict(list)
    if rows:
        for part in connection.execute(statements.PARTS, {"cases": _padded([row.id for row in rows])}):
            parts[part.what, part.case_id].append(part)
    for row in rows:
        found[row.kind, row.name, row.version].append(_case(row, parts))
    return found


def _case(row: Any, parts: Parts) -> CaseFact:
    copied = row.copied or {}
    return CaseFact(
        row.id, row.key, row.title, row.checklist_state == "withdrawn", row.project_id, row.state, row.tier,
        tuple(row.environments), row.quorum, row.reason, row.decided_at, row.expires_at, row.subject_digest,
        row.evidence_digest or "", copied.get("run_id") or "", copied.get("source") or "", row.outcome or "",
        row.checked_at, tuple(_signature(one, row) for one in parts["signature", row.id]),
        tuple(_condition(one) for one in parts["condition", row.id]),
        tuple(_waiver(one) for one in parts["waiver", row.id]), _certificate(row), row.snapshot_id, row.kind,
    )  # fmt: skip


def _signature(part: Any, case: Any) -> SignatureFact:
    digest = _signed_digest(part.sixth, part.fifth, case)
    return SignatureFact(part.first, part.second, part.third, part.fourth, part.moment, part.fifth, digest)


def _signed_digest(payload: str, record_hash: str, case: Any) -> str | None:
    """The digest of the subject that was signed; nothing where something else was."""
    try:
        signed = json.loads(payload)
        subject = signed["subject"]
        same = (subject["kind"], subject["name"], subject["version"]) == (case.kind, case.name, case.version)
        return str(subject["digest"]) if same and signed["record_hash"] == record_hash else None
    except (ValueError, KeyError, TypeError):
        return None


def _condition(part: Any) -> ConditionFact:
    return ConditionFact(part.first, part.day, tuple(part.environments))


def _waiver(part: Any) -> WaiverFact:
    return WaiverFact(part.first, part.second, tuple(part.environments), part.moment)


def _certificate(row: Any) -> CertificateFact | None:
    if row.certificate_id is None:
        return None
    return CertificateFact(row.certificate_id, row.pipeline or "", row.doubted is not False)
