"""Keeping copies of evidence, and the note of each time that one was compared with MLflow.

:func:`fresh` and :func:`verify` are for edges and jobs: they ask MLflow outside transactions and then write.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session, col, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.config import settings
from core.errors import NotFound, PortalError, Unavailable
from core.evidence.comparing import Difference, differences
from core.evidence.gathering import Gathered, gather
from core.evidence.tables import EvidenceCheck, EvidenceSnapshot
from core.projects.actions import scope_of
from core.projects.tables import Project, ProjectTracking
from core.tracking import queries as tracking
from core.tracking.client import known_as

VERIFIED_FOR = timedelta(minutes=2)
"""How long a comparison with MLflow counts as now: time to read the form and type a PIN. The portal's own measure."""

_NAMED = 20
"""Differences that the activity log and a message name."""
_VERIFIER = policy.system("evidence")


def fresh(model: str, version: str, *, actor: Actor) -> EvidenceSnapshot:
    """Copy what MLflow says of a version now and keep it; raises as :func:`~core.evidence.gathering.gather` does."""
    gathered = gather(model, version)
    with db.writing() as session:
        return keep(session, actor=actor, gathered=gathered)


def verify(snapshot_id: int) -> EvidenceCheck:
    """Compare a copy with MLflow as it is now, and note the outcome.

    MLflow out of reach is an outcome, not an error, and no change: only what MLflow itself says is gone has changed.
    """
    with db.reading() as session:
        snapshot = _snapshot(session, snapshot_id)
    found = _again(snapshot)
    with db.writing() as session:
        return note_check(session, snapshot_id, found)


def _again(snapshot: EvidenceSnapshot) -> Gathered | PortalError:
    server = snapshot.content.get("source", {}).get("server", "")
    try:
        return gather(snapshot.model, snapshot.version)
    except NotFound as refusal:
        if server and server != known_as(settings().mlflow_tracking_uri):
            return Unavailable(f"The copy is of {server}, and the portal asks another MLflow now: {refusal.message}")
        return refusal
    except PortalError as refusal:
        return refusal


def keep(session: Session, *, actor: Actor, gathered: Gathered) -> EvidenceSnapshot:
    """Keep a copy; where nothing changed since the last one of this version, that one stands and was just verified."""
    if actor.kind != "system":  # a copy decides nothing, so the portal may take one too
        require_about(session, actor, gathered.model)
    last = newest(session, gathered.model, gathered.version)
    if last is None or last.digest != gathered.digest:
        last = EvidenceSnapshot(
            model=gathered.model, version=gathered.version, subject_digest=gathered.subject_digest,
            digest=gathered.digest, content=gathered.content, taken_at=gathered.gathered_at, taken_by=actor.ref,
        )  # fmt: skip
        session.add(last)
        session.flush()
        taken = partial(events.EvidenceTaken, digest=last.digest, subject_digest=last.subject_digest)
        record(session, actor, taken(tracking.subject(last.model), snapshot=last.id or 0))
    _note(session, last, "same", [], gathered.gathered_at)
    return last


def note_check(session: Session, snapshot_id: int, found: Gathered | PortalError) -> EvidenceCheck:
    """Note how a copy compares with what was found: ``same``, ``changed`` with the differences, or ``unreachable``.

    The log tells of a change once, not each time that it is found again.
    """
    snapshot = _snapshot(session, snapshot_id)
    if isinstance(found, NotFound):
        changed, at = [Difference(found.code, snapshot.version, found.message)], db.now()
    elif isinstance(found, PortalError):
        return _note(session, snapshot, "unreachable", [Difference(found.code, "MLflow", found.message)], db.now())
    else:
        changed, at = differences(snapshot.content, found.content), found.gathered_at
    before = _last(session, snapshot_id)
    check = _note(session, snapshot, "changed" if changed else "same", changed, at)
    if changed and (before is None or before.differences != check.differences):
        what = [one.text for one in changed[:_NAMED]]
        record(
            session,
            _VERIFIER,
            events.EvidenceChanged(tracking.subject(snapshot.model), snapshot=snapshot_id, what=what),
        )
    return check


def is_verified(session: Session, snapshot_id: int | None, at: datetime) -> bool:
    """Whether a copy was the same as MLflow at ``at``: when it was last compared, less than two minutes from then.

    A comparison that MLflow did not answer says nothing; one from the future is as far off as one from the past, so
    that a clock which was put back lends nobody time.
    """
    last = _last(session, snapshot_id)
    return last is not None and last.outcome == "same" and abs(at - last.checked_at) < VERIFIED_FOR


def newest(session: Session, model: str, version: str) -> EvidenceSnapshot | None:
    """The last copy of the evidence on a version, if there is one."""
    of_it = (EvidenceSnapshot.model == model, EvidenceSnapshot.version == version)
    return session.exec(
        select(EvidenceSnapshot).where(*of_it).order_by(col(EvidenceSnapshot.id).desc()).limit(1)
    ).first()


def require_about(session: Session, actor: Actor, model: str) -> None:
    """Raise unless ``actor`` may add evidence on a model: where its project is, or anywhere while it has none."""
    owner = select(Project).join(ProjectTracking, col(ProjectTracking.project_id) == Project.id)
    project = session.exec(owner.where(ProjectTracking.kind == "model", ProjectTracking.name == model)).first()
    if project is None:
        policy.require_anywhere(actor, "case.answer")
    else:
        policy.require(actor, "case.answer", scope_of(project))


def _note(
    session: Session, snapshot: EvidenceSnapshot, outcome: str, found: list[Difference], at: datetime
) -> EvidenceCheck:
    rows = [one.as_data() for one in found]
    check = EvidenceCheck(snapshot_id=snapshot.id or 0, outcome=outcome, differences=rows, checked_at=at)
    session.add(check)
    session.flush()
    return check


def _last(session: Session, snapshot_id: int | None) -> EvidenceCheck | None:
    """The last comparison that MLflow answered."""
    answered = (EvidenceCheck.snapshot_id == snapshot_id, EvidenceCheck.outcome != "unreachable")
    return session.exec(select(EvidenceCheck).where(*answered).order_by(col(EvidenceCheck.id).desc()).limit(1)).first()


def _snapshot(session: Session, snapshot_id: int) -> EvidenceSnapshot:
    found = session.get(EvidenceSnapshot, snapshot_id)
    if found is None:
        raise NotFound(f"There is no copy of evidence {snapshot_id}.")
    return found
