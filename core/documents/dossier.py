"""Everything that documents about a case show: its canonical record, who signed it, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy
from core.access import queries as people
from core.access.policy import Actor
from core.access.tables import Team
from core.activity import events
from core.activity.recording import record
from core.activity.tables import Activity, Checkpoint
from core.db import now
from core.errors import Invalid, NotFound
from core.evidence.tables import EvidenceFile, EvidenceSnapshot
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews import record as records
from core.reviews.tables import ReviewCase, Signature

DOCUMENTS = {
    "sign-off": "Sign-off report",
    "model-card": "Model card",
    "annex-iv": "Technical documentation",
    "export": "Verifiable export",
}
"""Every document by name, with its title."""
_ACTIVITY = ("seq", "at", "actor", "event", "subject", "data", "previous", "hash")


@dataclass(frozen=True)
class Signed:
    """A signature as it is shown and exported: the payload that was signed, and how to verify it."""

    printed_name: str
    role: str
    meaning: str
    decision: str
    record_hash: str
    signed_at: str
    payload: str
    signature: str
    key: str
    voided_at: str
    void_reason: str


@dataclass(frozen=True)
class Dossier:
    """What documents are written from; everything in it is plain data as it stood at ``made_at``."""

    case_id: int
    state: str
    record: Mapping[str, Any]
    record_hash: str
    sections: Mapping[str, str]
    """Item id → the heading it stands under."""
    project: Mapping[str, str]
    names: Mapping[str, str]
    """``person:ID`` → name, of everybody the record and the log name."""
    signatures: tuple[Signed, ...]
    activity: tuple[dict[str, Any], ...]
    checkpoints: tuple[dict[str, Any], ...]
    """The newest checkpoint of the whole log, which a later log must contain."""
    evidence: Mapping[str, Any]
    """The content of the evidence snapshot; empty without one."""
    files: tuple[dict[str, Any], ...]
    decided_at: datetime | None
    expires_at: datetime | None
    made_at: datetime

    def name(self, ref: str) -> str:
        """A person's name, or the reference where there is none."""
        return self.names.get(ref, ref)


def issue(session: Session, *, actor: Actor, case_id: int, document: str) -> Dossier:
    """The dossier of a case that ``actor`` sees, for one of :data:`DOCUMENTS`; that it left the portal is recorded."""
    if document not in DOCUMENTS:
        raise Invalid(f"{document[:40]!r} is no document.", hint=f"Possible: {', '.join(DOCUMENTS)}.")
    made = dossier(session, actor, case_id)
    record(session, actor, events.DocumentIssued(f"case:{case_id}", document=document, record_hash=made.record_hash))
    return made


def dossier(session: Session, actor: Actor, case_id: int) -> Dossier:
    """The dossier of a case that ``actor`` sees."""
    policy.require(actor, "catalog.browse")
    found = session.execute(
        select(ReviewCase, Project)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(ReviewCase.id == case_id, shown_to(actor))
    ).first()
    if found is None:
        raise NotFound(f"No review case {case_id}.", hint="The list of reviews shows those that you may see.")
    case, project = found
    content = records.record(session, case)
    activity = _activity(session, case_id)
    snapshot = session.get(EvidenceSnapshot, case.snapshot_id) if case.snapshot_id else None
    return Dossier(
        case_id, case.state, content, records.record_hash(content), {one["id"]: one["section"] for one in case.items},
        _project(session, project),
        _names(session, [*activity], content, case), _signatures(session, case_id), activity, _checkpoints(session),
        snapshot.content if snapshot else {}, _files(session, case_id), case.decided_at, case.expires_at, now(),
    )  # fmt: skip


def _project(session: Session, project: Project) -> dict[str, str]:
    team = session.get(Team, project.team_id)
    return {
        "id": project.id, "title": project.title, "summary": project.summary, "team": team.name if team else "",
        "stage": project.stage, "target": project.target, "value": project.value_hypothesis,
        "monitoring": project.monitoring, "data_access": project.data_access, "modality": project.modality,
        "region": project.region, "classification": project.classification, "key_metric": project.key_metric,
    }  # fmt: skip


def _signatures(session: Session, case_id: int) -> tuple[Signed, ...]:
    rows = session.exec(select(Signature).where(Signature.case_id == case_id).order_by(col(Signature.id)))
    return tuple(
        Signed(
            one.printed_name, one.role, one.meaning, one.decision, one.record_hash, records.stamp(one.signed_at),
            one.payload, one.signature, one.key, records.stamp(one.voided_at) if one.voided_at else "",
            one.void_reason,
        )
        for one in rows
    )  # fmt: skip


def _activity(session: Session, case_id: int) -> tuple[dict[str, Any], ...]:
    columns = [getattr(Activity, name) for name in _ACTIVITY]
    of_case = select(*columns).where(Activity.subject == f"case:{case_id}")
    rows = session.execute(of_case.order_by(col(Activity.seq)))
    return tuple(dict(row._mapping) for row in rows)


def _checkpoints(session: Session) -> tuple[dict[str, Any], ...]:
    newest = session.exec(select(Checkpoint).order_by(col(Checkpoint.seq).desc()).limit(1)).first()
    return (newest.model_dump(),) if newest else ()


def _files(session: Session, case_id: int) -> tuple[dict[str, Any], ...]:
    rows = session.exec(
        select(EvidenceFile).where(EvidenceFile.subject == f"case:{case_id}").order_by(col(EvidenceFile.id))
    )
    return tuple({"name": one.name, "sha256": one.sha256, "size": one.size, "type": one.media_type} for one in rows)


def _names(
    session: Session, activity: list[dict[str, Any]], content: Mapping[str, Any], case: ReviewCase
) -> dict[str, str]:
    refs = {one["actor"] for one in activity} | {case.owner, case.submitted_by or ""} | set(_people_in(content))
    return people.names(session, {ref for ref in refs if ref.startswith("person:")})


def _people_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("person:"):
            yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _people_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _people_in(one)


def signature_data(one: Signed) -> dict[str, Any]:
    """A signature as the export holds it."""
    return asdict(one)
