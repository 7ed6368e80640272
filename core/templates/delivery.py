"""What follows from rendering: the result is kept, and a delivered repository becomes part of its project's story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy
from core.activity import events
from core.activity.recording import record
from core.catalog.tables import Entry, EntryContent
from core.db import now
from core.errors import Conflict
from core.people.notices import tell
from core.projects import adoption, names
from core.projects.actions import tell_members
from core.projects.tables import Adoption, Project, ProjectTracking
from core.templates import publishing, snapshot, states
from core.templates.snapshot import Snapshot
from core.templates.tables import TemplateBlob, TemplateRequest, TemplateStand, TemplateVersion

SYSTEM = policy.system("templates")
PURPOSE = "experiment"
"""The experiment that a new repository logs its training to."""
MODEL_QUESTION = "model_name"
"""The question by which a template asks how its registered model is called."""
_APPLIES_TO = ("project", "model")


def manifest(session: Session, request: TemplateRequest, version: TemplateVersion) -> dict[str, Any]:
    """What ``FACTORY.yaml`` in the repository says of where it came from."""
    entry = session.get_one(Entry, request.entry_id)
    project = session.get_one(Project, request.project_id)
    return {
        "template": entry.key, "version": version.version, "source": version.source, "commit": version.commit,
        "content_hash": version.content_hash, "answers_hash": request.answers_hash, "request": request.id,
        "project": project.id, "pattern": _pattern(session, project.id),
        "checklists": [key for _, key in _checklists(session, project)],
    }  # fmt: skip


def note_rendered(session: Session, *, request_id: int, files: Snapshot) -> None:
    """Keep the rendered repository; delivering comes next."""
    request, project = _locked(session, request_id)
    if request.state != "approved":
        return
    request.state = states.after(request.state, "render")
    request.digest = publishing.keep(session, files.to_zip())
    request.rendered_at, request.failure = now(), ""
    request.attempts, request.next_attempt_at = 0, None
    session.add(request)
    session.flush()
    record(session, SYSTEM, events.TemplateRendered(_subject(project), request_id, request.digest, len(files.files)))


def note_failure(session: Session, *, request_id: int, reason: str) -> None:
    """Keep why rendering failed; the answers stay."""
    request, project = _locked(session, request_id)
    if request.state != "approved":
        return
    request.state, request.failure = states.after(request.state, "fail"), reason[:1000]
    request.next_attempt_at = None
    session.add(request)
    record(session, SYSTEM, events.TemplateFailed(_subject(project), request_id, request.failure))
    told = f"Request {request_id} could not be rendered: {reason}"
    tell(session, [request.requested_by], subject=f"template-request:{request_id}", text=told)


def note_push_failure(session: Session, *, request_id: int, reason: str) -> None:
    """Keep why a push failed; the rendered repository stays and can be downloaded or pushed again."""
    request, project = _locked(session, request_id)
    if request.state != "rendered":
        return
    request.failure, request.next_attempt_at = reason[:1000], None
    session.add(request)
    record(session, SYSTEM, events.TemplateFailed(_subject(project), request_id, request.failure))
    told = f"The repository of request {request_id} is made, but was not pushed: {reason}"
    tell(session, [request.requested_by], subject=f"template-request:{request_id}", text=told)


def note_delivered(session: Session, *, request_id: int, commit: str) -> None:
    """A repository reached its team: link it, adopt the template, attach the tier's checklists, name the experiment."""
    request, project = _locked(session, request_id)
    if request.state != "rendered":
        return
    entry, version = session.get_one(Entry, request.entry_id), session.get_one(TemplateVersion, request.version_id)
    request.state, request.delivered_at = states.after(request.state, "deliver"), now()
    request.commit, request.failure, request.next_attempt_at, request.attempts = commit, "", None, 0
    request.experiment = _claimed(
        session, project, "experiment",
        names.conventional("experiment", unit=project.unit_id, team=project.team_id, project=project.id, purpose=PURPOSE),
    )  # fmt: skip
    if model := request.answers.get(MODEL_QUESTION):
        _claimed(session, project, "model", str(model))
    session.add(request)
    _stand(session, request)
    _adopt(session, project, entry.id or 0, f"Delivered with request {request_id}.", demo=request.demo)
    for entry_id, _ in _checklists(session, project):
        _adopt(session, project, entry_id, f"Attached for the tier with request {request_id}.", demo=request.demo)
    told = events.TemplateDelivered(
        _subject(project), request_id, entry.key, version.version, request.delivery, commit, request.remote
    )
    record(session, SYSTEM, told)
    tell_members(
        session, project, f"The repository of {project.title} is there, from {entry.title}.", except_for=SYSTEM
    )
    tell(
        session, [request.requested_by], subject=f"template-request:{request_id}",
        text=f"The repository you asked for ({entry.title}) is delivered.",
    )  # fmt: skip


def first_commit(session: Session, request: TemplateRequest, project: Project) -> tuple[Snapshot, str, int]:
    """A rendered repository with the subject and the Unix time of its first commit."""
    if request.digest is None:
        raise Conflict(f"Request {request.id} has no result yet.", hint="Wait until it is rendered.")
    entry, version = session.get_one(Entry, request.entry_id), session.get_one(TemplateVersion, request.version_id)
    files = snapshot.from_zip(session.get_one(TemplateBlob, request.digest).content)
    at = int((request.rendered_at or request.created_at).timestamp())
    return files, f"{project.title}: start from {entry.title} {version.version}", at


def experiment_tags(project: Project) -> dict[str, str]:
    """The tags of the experiment that comes with a repository, by the catalog's policy."""
    return {"project_id": project.id, "owner": project.team_id, "unit": project.unit_id or project.team_id}


def _stand(session: Session, request: TemplateRequest) -> None:
    """From now on the project's repository stands on this version; what it stood on before is replaced."""
    same = select(TemplateStand).where(
        TemplateStand.project_id == request.project_id, TemplateStand.entry_id == request.entry_id
    )
    stand = session.exec(same).first() or TemplateStand(
        project_id=request.project_id,
        entry_id=request.entry_id,
        version_id=request.version_id,
        request_id=request.id or 0,
    )
    stand.version_id, stand.request_id, stand.answers = request.version_id, request.id or 0, dict(request.answers)
    stand.since = now()
    session.add(stand)
    session.flush()


def _adopt(session: Session, project: Project, entry_id: int, note: str, *, demo: bool) -> None:
    used = select(Adoption.id).where(
        Adoption.project_id == project.id, Adoption.entry_id == entry_id, col(Adoption.until).is_(None)
    )
    if session.exec(used).first() is None:
        adoption.adopt(session, actor=SYSTEM, project_id=project.id, entry_id=entry_id, note=note, demo=demo)


def _claimed(session: Session, project: Project, kind: str, name: str) -> str:
    """``name`` in MLflow, the project's from now on unless somebody has it already."""
    if session.get(ProjectTracking, (kind, name)) is None:
        names.take(session, project, kind, name)
        record(session, SYSTEM, events.TrackingClaimed(_subject(project), kind=kind, what=name))
    return name


def _checklists(session: Session, project: Project) -> list[tuple[int, str]]:
    """Approved standard checklists for projects and models of the project's tier, as (entry, key)."""
    rows = session.execute(
        select(Entry.id, Entry.key, EntryContent.document)
        .join(EntryContent, col(EntryContent.entry_id) == Entry.id)
        .where(Entry.kind == "checklist", Entry.lifecycle == "approved")
        .where(col(Entry.classification).in_(("public", "internal")))
        .order_by(Entry.key)
    )
    return [(entry_id, key) for entry_id, key, document in rows if _meant_for(document["spec"], project.tier)]


def _meant_for(spec: Mapping[str, Any], tier: str) -> bool:
    tiers = spec.get("tiers") or ["minimal", "limited", "high"]
    return bool(spec.get("standard")) and spec.get("appliesTo") in _APPLIES_TO and bool(tier) and tier in tiers


def _pattern(session: Session, project_id: str) -> str:
    uses = (
        select(Entry.key)
        .join(Adoption, col(Adoption.entry_id) == Entry.id)
        .where(Adoption.project_id == project_id, col(Adoption.until).is_(None), Entry.kind == "pattern")
    )
    return session.exec(uses.order_by(Entry.key)).first() or ""


def _locked(session: Session, request_id: int) -> tuple[TemplateRequest, Project]:
    request = session.get_one(TemplateRequest, request_id, with_for_update=True, populate_existing=True)
    return request, session.get_one(Project, request.project_id)


def _subject(project: Project) -> str:
    return f"project:{project.id}"
