"""What jobs do with requests: render what is approved, deliver what is rendered, read templates from repositories.

Each piece is claimed in a transaction of its own before the work begins and kept in another one after it, so that two
workers never do the same, and what a crash cut short is taken up again when the claim runs out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, or_, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.config import settings
from core.db import now
from core.errors import PortalError, Unavailable
from core.projects.tables import Project
from core.templates import delivery, publishing, remotes, rendering, repository, snapshot, updates, updating
from core.templates.snapshot import Snapshot
from core.templates.tables import TemplateBlob, TemplateRequest, TemplateStand, TemplateUpdate, TemplateVersion
from core.tracking.client import Recorder

log = logging.getLogger("portal.templates")

CLAIM = timedelta(seconds=90)
"""How long a piece of work is left to whoever claimed it: longer than rendering and pushing may take."""
ATTEMPTS = 3
"""So often work that a crash cut short is begun again before it counts as failed."""


def work(actor: Actor) -> str:
    """Do everything that waits; returns in words what was done."""
    policy.require(actor, "admin.jobs")
    done = {
        "rendered": _each(_to_render, _render),
        "delivered": _each(_to_deliver, _deliver),
        "experiments made": _each(_to_track, _track),
        "templates read": _each(_to_read, _read),
        "updates prepared": _each(_to_update, _update),
    }
    return ", ".join(f"{count} {what}" for what, count in done.items())


def _each(claim: Callable[[Session], int | None], do: Callable[[int], None]) -> int:
    count = 0
    while True:
        with db.writing() as session:
            found = claim(session)
        if found is None:
            return count
        do(found)
        count += 1


def _claimed(session: Session, *where: Any) -> int | None:
    """The next request to work on, left to this worker for a while."""
    moment = now()
    free = or_(col(TemplateRequest.next_attempt_at).is_(None), col(TemplateRequest.next_attempt_at) <= moment)
    statement = select(TemplateRequest).where(free, *where).order_by(col(TemplateRequest.id)).limit(1)
    request = session.exec(statement.with_for_update(skip_locked=True)).first()
    if request is None:
        return None
    request.attempts += 1
    request.next_attempt_at = moment + CLAIM
    session.add(request)
    return request.id


# --- rendering -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Order:
    """All that rendering needs, read before it begins."""

    files: Snapshot
    answers: Mapping[str, Any]
    source: str
    commit: str
    manifest: Mapping[str, Any]
    attempts: int


def _to_render(session: Session) -> int | None:
    return _claimed(session, TemplateRequest.state == "approved")


def _render(request_id: int) -> None:
    try:
        with db.reading() as session:
            order = _order(session, session.get_one(TemplateRequest, request_id))
        if order.attempts > ATTEMPTS:
            raise Unavailable(f"Rendering was cut short {ATTEMPTS} times.", hint="Try again, or ask an administrator.")
        made = rendering.render(
            order.files, order.answers, source=order.source, commit=order.commit, manifest=order.manifest
        )
    except PortalError as error:
        log.warning("Request %s could not be rendered: %s", request_id, error)
        with db.writing() as session:
            delivery.note_failure(session, request_id=request_id, reason=str(error))
        return
    with db.writing() as session:
        delivery.note_rendered(session, request_id=request_id, files=made)


def _order(session: Session, request: TemplateRequest) -> _Order:
    version = session.get_one(TemplateVersion, request.version_id)
    manifest = delivery.manifest(session, request, version)
    return _Order(
        publishing.reviewed_files(session, version), request.answers, manifest["template"], version.commit, manifest,
        request.attempts,
    )  # fmt: skip


# --- delivering ------------------------------------------------------------------------------------------------------


def _to_deliver(session: Session) -> int | None:
    return _claimed(session, TemplateRequest.state == "rendered", TemplateRequest.failure == "")


def _deliver(request_id: int) -> None:
    with db.reading() as session:
        request = session.get_one(TemplateRequest, request_id)
        project = session.get_one(Project, request.project_id)
        files, subject, at = delivery.first_commit(session, request, project)
    try:
        if request.delivery == "push":
            commit = remotes.push(files, request.remote, subject=subject, at=at)
        else:
            commit = repository.commit_of(files, subject=subject, at=at)
    except PortalError as error:
        log.warning("Request %s could not be delivered: %s", request_id, error)
        with db.writing() as session:
            delivery.note_push_failure(session, request_id=request_id, reason=str(error))
        return
    with db.writing() as session:
        delivery.note_delivered(session, request_id=request_id, commit=commit)


def _to_track(session: Session) -> int | None:
    if not settings().mlflow_tracking_uri:
        return None
    return _claimed(
        session, col(TemplateRequest.state).in_(("delivered", "closed")), TemplateRequest.experiment != "",
        col(TemplateRequest.experiment_made_at).is_(None),
    )  # fmt: skip


def _track(request_id: int) -> None:
    with db.reading() as session:
        request = session.get_one(TemplateRequest, request_id)
        tags = delivery.experiment_tags(session.get_one(Project, request.project_id))
    try:
        Recorder(settings().mlflow_tracking_uri).experiment(request.experiment, tags)
    except Unavailable as error:  # the next round tries again; the repository is delivered all the same
        log.warning("The experiment of request %s is not made yet: %s", request_id, error)
        return
    with db.writing() as session:
        request = session.get_one(TemplateRequest, request_id)
        request.experiment_made_at, request.next_attempt_at = now(), None
        session.add(request)


# --- reading templates -----------------------------------------------------------------------------------------------


def _to_read(session: Session) -> int | None:
    statement = select(TemplateVersion).where(TemplateVersion.state == "reading").order_by(col(TemplateVersion.id))
    version = session.exec(statement.limit(1)).first()
    return version.id if version else None


def _read(version_id: int) -> None:
    with db.reading() as session:
        version = session.get_one(TemplateVersion, version_id)
    try:
        files, commit = remotes.fetch(version.source, ref=version.ref, folder=version.folder)
        reading = publishing.read(files)
    except PortalError as error:
        with db.writing() as session:
            publishing.note_unreadable(session, version_id=version_id, reason=str(error))
        return
    with db.writing() as session:
        publishing.note_read(session, version_id=version_id, reading=reading, commit=commit)


# --- preparing updates -----------------------------------------------------------------------------------------------


def _to_update(session: Session) -> int | None:
    statement = select(TemplateUpdate.id).where(TemplateUpdate.state == "asked").order_by(col(TemplateUpdate.id))
    return session.exec(statement.limit(1)).first()


def _update(update_id: int) -> None:
    try:
        with db.reading() as session:
            update = session.get_one(TemplateUpdate, update_id)
            stand = session.get_one(TemplateStand, update.stand_id)
            before = _rendering_of(session, stand, update.from_version_id, stand.answers)
            after = _rendering_of(session, stand, update.to_version_id, update.answers)
            upload = session.get_one(TemplateBlob, update.upload).content if update.upload else b""
        project = snapshot.from_zip(upload) if upload else remotes.fetch(update.source)[0]
        merged = updating.merge(before(), after(), project)
        name = f"template-update-{update_id}"
        subject = f"Update from the template, {len(merged.conflicts)} conflicts"
        at = int(update.asked_at.timestamp())
        bundle = b"" if upload else remotes.branch(update.source, merged.files, name=name, subject=subject, at=at)
    except PortalError as error:
        with db.writing() as session:
            updates.note_failed(session, update_id=update_id, reason=str(error))
        return
    with db.writing() as session:
        updates.note_prepared(
            session, update_id=update_id, result=updating.packed(merged, bundle), changed=merged.changed,
            conflicts=merged.conflicts,
        )  # fmt: skip


def _rendering_of(
    session: Session, stand: TemplateStand, version_id: int, answers: Mapping[str, Any]
) -> Callable[[], Snapshot]:
    """The repository of a project as of a version: as it was delivered, or rendered outside the transaction."""
    request, version = session.get_one(TemplateRequest, stand.request_id), session.get_one(TemplateVersion, version_id)
    if request.digest and request.version_id == version_id and dict(answers) == request.answers:
        delivered = snapshot.from_zip(session.get_one(TemplateBlob, request.digest).content)
        return lambda: delivered
    files = publishing.reviewed_files(session, version)
    manifest = delivery.manifest(session, request, version) | {"answers_hash": rendering.answers_hash(answers)}
    given = dict(answers)
    return lambda: rendering.render(files, given, source=manifest["template"], commit=version.commit, manifest=manifest)
