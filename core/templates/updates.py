"""The verbs of updates: ask for one, keep what the job prepared, and say that the team applied it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog.tables import Entry
from core.db import now
from core.errors import Conflict, Invalid, NotFound
from core.people.notices import tell
from core.projects import adoption
from core.projects.actions import line, scope_of
from core.projects.tables import Adoption, Project
from core.projects.visibility import shown_to
from core.templates import publishing, remotes, requests, snapshot
from core.templates.questions import check_answers
from core.templates.tables import TemplateStand, TemplateUpdate, TemplateVersion

SYSTEM = policy.system("templates")


def ask(
    session: Session,
    *,
    actor: Actor,
    stand_id: int,
    version_id: int,
    answers: Mapping[str, Any],
    address: str = "",
    upload: tuple[str, bytes] | None = None,
) -> TemplateUpdate:
    """Ask for the update of a project's repository, from its git address or an uploaded zip of it (name, content)."""
    stand, project = _stand(session, actor, stand_id)
    policy.require(actor, "template.request", scope_of(project))
    version = session.get(TemplateVersion, version_id)
    if version is None or version.state != "published" or version.entry_id != stand.entry_id:
        raise NotFound("No such published version of this template.")
    if version.id == stand.version_id:
        raise Conflict(f"The project stands on version {version.version} already.", hint="There is nothing to update.")
    if problems := check_answers(requests.questions_of(version), answers):
        raise Invalid("Some answers cannot be used.", hint=" ".join(f"{name}: {why}" for name, why in problems.items()))
    made = TemplateUpdate(
        stand_id=stand_id, from_version_id=stand.version_id, to_version_id=version_id, answers=dict(answers),
        source="", asked_by=actor.ref,
    )  # fmt: skip
    if upload is not None:
        snapshot.from_zip(upload[1])  # what cannot be read is refused here, where somebody can mend it
        made.source, made.upload = line("archive", upload[0], 400), publishing.keep(session, upload[1])
    else:
        made.source = remotes.check_source(line("repository", address, 400))
    session.add(made)
    session.flush()
    return made


def note_prepared(
    session: Session, *, update_id: int, result: bytes, changed: tuple[str, ...], conflicts: tuple[str, ...]
) -> None:
    """Keep a prepared update, and tell who asked for it."""
    update = _asked(session, update_id)
    update.state, update.prepared_at = "prepared", now()
    update.result = publishing.keep(session, result)
    update.changed, update.conflicts = list(changed), list(conflicts)
    session.add(update)
    session.flush()
    entry, before, after = _versions(session, update)
    record(
        session,
        SYSTEM,
        events.TemplateUpdatePrepared(_subject(session, update), entry.key, before, after, len(conflicts)),
    )
    told = (
        f"The update to {entry.title} {after} is prepared: {len(changed)} files change, {len(conflicts)} in conflict."
    )
    tell(session, [update.asked_by], subject=_subject(session, update), text=told)


def note_failed(session: Session, *, update_id: int, reason: str) -> None:
    """Keep why an update could not be prepared."""
    update = _asked(session, update_id)
    update.state, update.failure = "failed", reason[:1000]
    session.add(update)
    session.flush()
    tell(
        session,
        [update.asked_by],
        subject=_subject(session, update),
        text=f"The update could not be prepared: {reason}",
    )


def applied(session: Session, *, actor: Actor, update_id: int) -> None:
    """Say that the repository has the update: the project stands on the newer version from now on."""
    update = session.get(TemplateUpdate, update_id, with_for_update=True, populate_existing=True)
    if update is None:
        raise NotFound(f"No update {update_id}.")
    stand, project = _stand(session, actor, update.stand_id)
    policy.require(actor, "template.request", scope_of(project))
    if update.state != "prepared":
        raise Conflict(f"The update is {update.state}.", hint="Only a prepared update is applied.")
    if stand.version_id != update.from_version_id:
        raise Conflict("The project moved to another version meanwhile.", hint="Prepare the update anew.")
    entry, before, after = _versions(session, update)
    update.state = "applied"
    stand.version_id, stand.answers, stand.since = update.to_version_id, dict(update.answers), now()
    session.add_all([update, stand])
    session.flush()
    uses = select(Adoption.version).where(
        Adoption.project_id == project.id, Adoption.entry_id == stand.entry_id, col(Adoption.until).is_(None)
    )
    if session.exec(uses).first() not in (None, entry.version):
        adoption.update_adoption(session, actor=SYSTEM, project_id=project.id, entry_id=stand.entry_id)
    record(session, actor, events.TemplateUpdateApplied(_subject(session, update), entry.key, before, after))


def _stand(session: Session, actor: Actor, stand_id: int) -> tuple[TemplateStand, Project]:
    stand = session.get(TemplateStand, stand_id, with_for_update=True, populate_existing=True)
    seen = select(Project).where(Project.id == (stand.project_id if stand else ""), shown_to(actor))
    project = session.exec(seen).first()
    if stand is None or project is None:
        raise NotFound(
            f"No repository {stand_id} that came from a template.", hint="The drift board shows all of them."
        )
    return stand, project


def _asked(session: Session, update_id: int) -> TemplateUpdate:
    update = session.get_one(TemplateUpdate, update_id, with_for_update=True, populate_existing=True)
    if update.state != "asked":
        raise Conflict(f"The update is {update.state} already.")
    return update


def _versions(session: Session, update: TemplateUpdate) -> tuple[Entry, str, str]:
    before = session.get_one(TemplateVersion, update.from_version_id)
    after = session.get_one(TemplateVersion, update.to_version_id)
    return session.get_one(Entry, after.entry_id), before.version, after.version


def _subject(session: Session, update: TemplateUpdate) -> str:
    return f"project:{session.get_one(TemplateStand, update.stand_id).project_id}"
