"""Asking the gate: the facts are read in one statement, the rule decides, and every answer is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.db import now
from core.errors import Invalid
from core.gates.rules import ENVIRONMENTS, Facts, Reason, decide
from core.projects.tables import Project, ProjectTracking
from core.tracking.tables import MirrorServer, MirrorVersion


@dataclass(frozen=True)
class Answer:
    """What the gate says about a version and an environment, and on what it rests."""

    model: str
    version: str
    environment: str
    allowed: bool
    verdict: str
    reasons: tuple[Reason, ...]
    case: str
    """The review case it rests on; empty while there is none."""
    signatures: tuple[str, ...]
    evidence_as_of: datetime | None
    decided_at: datetime


def ask(session: Session, *, actor: Actor, model: str, version: str, environment: str) -> Answer:
    """Ask the gate and record its answer."""
    policy.require(actor, "gate.ask")
    if environment not in ENVIRONMENTS:
        raise Invalid(f"{environment[:40]!r} is no environment.", hint=f"Possible: {', '.join(ENVIRONMENTS)}.")
    moment = now()
    facts = _facts(session, model, version)
    decided = decide(facts, environment, moment)
    told = events.GateAsked(
        f"model:{model[:200]}", version=version[:40], environment=environment, allowed=decided.allowed,
        codes=[one.code for one in decided.reasons],
    )  # fmt: skip
    record(session, actor, told)
    return Answer(
        model, version, environment, decided.allowed, decided.verdict, decided.reasons, "", (), facts.evidence_as_of,
        moment,
    )  # fmt: skip


def _facts(session: Session, model: str, version: str) -> Facts:
    row = session.execute(
        select(MirrorVersion.gone_at, MirrorServer.synced_at, Project.id, Project.stage)
        .select_from(MirrorVersion)
        .join(MirrorServer, col(MirrorServer.id) == MirrorVersion.server_id)
        .outerjoin(
            ProjectTracking, (col(ProjectTracking.kind) == "model") & (col(ProjectTracking.name) == MirrorVersion.model)
        )
        .outerjoin(Project, col(Project.id) == ProjectTracking.project_id)
        .where(MirrorVersion.model == model, MirrorVersion.version == version)
        .order_by(col(MirrorServer.synced_at).desc())
        .limit(1)
    ).first()
    if row is None:
        return Facts(model, version)
    gone, synced, project, stage = row
    return Facts(model, version, True, gone is not None, project or "", stage or "", synced)
