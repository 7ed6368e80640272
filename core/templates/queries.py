"""Reading templates, their versions, requests, results and the drift board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, true
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.catalog.actions import scope_of
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.db import now
from core.errors import NotFound
from core.projects.actions import ACTIVE_STAGES
from core.projects.tables import Project
from core.projects.visibility import shown_to, within_reach
from core.templates import publishing, snapshot, states
from core.templates.snapshot import Snapshot
from core.templates.tables import (
    TemplateBlob,
    TemplateComment,
    TemplateRequest,
    TemplateStand,
    TemplateUpdate,
    TemplateVersion,
)


@dataclass(frozen=True)
class TemplateRow:
    """A template as the list shows it; ``version_id`` is the newest published version, or nothing yet."""

    entry_id: int
    key: str
    title: str
    summary: str
    owner: str
    lifecycle: str
    adoptions: int
    version_id: int | None
    version: str
    waiting: int
    """How many of its versions wait for a second person."""


@dataclass(frozen=True)
class RequestRow:
    """A request as lists show it."""

    id: int
    project_id: str
    project: str
    template: str
    template_key: str
    version: str
    state: str
    delivery: str
    requested_by: str
    submitted_at: datetime | None
    due_at: datetime | None
    created_at: datetime
    failure: str

    @property
    def is_late(self) -> bool:
        """Whether an approver should have decided by now."""
        return self.state == "submitted" and self.due_at is not None and self.due_at < now()


@dataclass(frozen=True)
class Requests:
    """One page of requests and how many there are."""

    items: list[RequestRow]
    total: int


@dataclass(frozen=True)
class RequestPage:
    """A request with everything its page shows."""

    request: TemplateRequest
    version: TemplateVersion
    project: Project
    template: str
    template_key: str
    comments: list[TemplateComment]
    may_decide: bool
    is_own: bool


@dataclass(frozen=True)
class DriftRow:
    """A project's repository and how far its template went on since."""

    stand_id: int
    project_id: str
    project: str
    team: str
    template: str
    template_key: str
    version: str
    newest: str
    newest_id: int
    behind: int
    """How many versions were published since the one it stands on."""
    security: bool
    """Whether one of them is for the sake of security."""
    since: datetime


def templates(session: Session, actor: Actor, *, q: str = "") -> list[TemplateRow]:
    """The templates this person sees, the most used first."""
    policy.require(actor, "catalog.browse")
    where = [visible(actor), Entry.kind == "template", col(Entry.lifecycle) != "retired"]
    if q.strip():
        like = f"%{_plain(q.strip())}%"
        where.append(or_(col(Entry.title).ilike(like, escape="\\"), col(Entry.summary).ilike(like, escape="\\")))
    newest = _newest().subquery()
    waiting = (
        select(func.count())
        .where(TemplateVersion.entry_id == Entry.id, TemplateVersion.state == "proposed")
        .scalar_subquery()
    )
    columns: Sequence[Any] = (
        Entry.id, Entry.key, Entry.title, Entry.summary, Entry.owner, Entry.lifecycle, Entry.adoptions, newest.c.id,
        func.coalesce(newest.c.version, ""), waiting,
    )  # fmt: skip
    rows = session.execute(
        select(*columns)
        .outerjoin(newest, newest.c.entry_id == Entry.id)
        .where(*where)
        .order_by(col(Entry.adoptions).desc(), Entry.title)
    )  # fmt: skip
    return [TemplateRow(*row) for row in rows]


def versions(session: Session, actor: Actor, entry_id: int) -> list[TemplateVersion]:
    """Every version of a template, the latest first."""
    entry = session.exec(select(Entry.id).where(Entry.id == entry_id, visible(actor))).first()
    if entry is None:
        raise NotFound("No such template.", hint="The list of templates shows all of them.")
    found = select(TemplateVersion).where(TemplateVersion.entry_id == entry_id)
    return list(session.exec(found.order_by(col(TemplateVersion.id).desc())))


def version(session: Session, actor: Actor, version_id: int) -> tuple[TemplateVersion, Entry]:
    """One version with its template."""
    row = session.get(TemplateVersion, version_id)
    entry = session.exec(select(Entry).where(Entry.id == (row.entry_id if row else 0), visible(actor))).first()
    if row is None or entry is None:
        raise NotFound(f"No template version {version_id}.", hint="The list of templates shows all of them.")
    return row, entry


def files(session: Session, actor: Actor, version_id: int) -> Snapshot:
    """The files of a version, as they were reviewed."""
    return publishing.reviewed_files(session, version(session, actor, version_id)[0])


def requestable(session: Session, actor: Actor, *, limit: int = 200) -> list[Project]:
    """The running projects for which this person may ask for a template, by title."""
    running = select(Project).where(
        shown_to(actor), col(Project.stage).in_(ACTIVE_STAGES), within_reach(actor, "template.request")
    )
    return list(session.exec(running.order_by(Project.title).limit(limit)))


def requests(
    session: Session,
    actor: Actor,
    *,
    mine: bool = False,
    to_decide: bool = False,
    project_id: str = "",
    state: str = "",
    page: int = 1,
    size: int = 20,
) -> Requests:
    """Requests of the projects this person sees: their own, those they may decide, or those of a project."""
    policy.require(actor, "catalog.browse")
    where: list[ColumnElement[bool]] = [shown_to(actor)]
    if mine:
        where.append(col(TemplateRequest.requested_by) == actor.ref)
    else:
        where.append(or_(col(TemplateRequest.state) != "draft", col(TemplateRequest.requested_by) == actor.ref))
    if to_decide:
        where += [
            col(TemplateRequest.state) == "submitted", col(TemplateRequest.requested_by) != actor.ref,
            within_reach(actor, "template.approve"),
        ]  # fmt: skip
    if project_id:
        where.append(col(TemplateRequest.project_id) == project_id)
    if state in states.NEXT:
        where.append(col(TemplateRequest.state) == state)
    joined = _joined(TemplateRequest.id).where(*where)
    total = session.execute(select(func.count()).select_from(joined.subquery())).scalar_one()
    order = (col(TemplateRequest.due_at), col(TemplateRequest.id)) if to_decide else (col(TemplateRequest.id).desc(),)
    rows = session.execute(
        _joined(*_LISTED).where(*where).order_by(*order).limit(size).offset((max(page, 1) - 1) * size)
    )
    return Requests([RequestRow(*row) for row in rows], total)


def request(session: Session, actor: Actor, request_id: int) -> RequestPage:
    """One request as this person may see it."""
    found = session.execute(
        _joined(TemplateRequest, TemplateVersion, Project, Entry.title, Entry.key).where(
            TemplateRequest.id == request_id, shown_to(actor)
        )
    ).first()
    if found is None or (found[0].state == "draft" and found[0].requested_by != actor.ref):
        raise NotFound(f"No template request {request_id}.", hint="My requests shows your own.")
    made, of_version, project, title, key = found
    said = select(TemplateComment).where(TemplateComment.request_id == request_id).order_by(col(TemplateComment.id))
    own = made.requested_by == actor.ref
    scope = policy.Scope(project.unit_id, project.team_id, project.id)
    may_decide = made.state == "submitted" and not own and policy.may(actor, "template.approve", scope)
    return RequestPage(made, of_version, project, title, key, list(session.exec(said)), may_decide, own)


def result(session: Session, actor: Actor, request_id: int) -> Snapshot:
    """The rendered repository of a request."""
    page = request(session, actor, request_id)
    if page.request.digest is None:
        raise NotFound(f"Request {request_id} has no repository yet.")
    return snapshot.from_zip(session.get_one(TemplateBlob, page.request.digest).content)


def drift(
    session: Session,
    actor: Actor,
    *,
    behind_only: bool = True,
    stand_id: int = 0,
    project_id: str = "",
    page: int = 1,
    size: int = 50,
) -> tuple[list[DriftRow], int]:
    """Repositories and the versions published since theirs: those with a security update first, then the furthest behind."""
    policy.require(actor, "catalog.browse")
    later = _later()
    behind = select(func.count()).select_from(later).where(*_since(later)).scalar_subquery()
    security = select(func.count()).select_from(later).where(*_since(later), later.c.security).scalar_subquery()
    newest = _newest().subquery()
    columns: Sequence[Any] = (
        TemplateStand.id, Project.id, Project.title, Project.team_id, Entry.title, Entry.key, TemplateVersion.version,
        newest.c.version, newest.c.id, behind, security > 0, TemplateStand.since,
    )  # fmt: skip
    asked = (
        select(*columns)
        .select_from(TemplateStand)
        .join(Project, col(Project.id) == TemplateStand.project_id)
        .join(Entry, col(Entry.id) == TemplateStand.entry_id)
        .join(TemplateVersion, col(TemplateVersion.id) == TemplateStand.version_id)
        .join(newest, newest.c.entry_id == TemplateStand.entry_id)
        .where(shown_to(actor), behind > 0 if behind_only else true())
        .where(col(TemplateStand.id) == stand_id if stand_id else true())
        .where(col(TemplateStand.project_id) == project_id if project_id else true())
    )  # fmt: skip
    total = session.execute(select(func.count()).select_from(asked.subquery())).scalar_one()
    ordered = (
        asked.order_by(security.desc(), behind.desc(), Project.title).limit(size).offset((max(page, 1) - 1) * size)
    )
    return [DriftRow(*row) for row in session.execute(ordered)], total


def stand(session: Session, actor: Actor, stand_id: int) -> tuple[TemplateStand, DriftRow | None]:
    """A project's repository, and its line of the drift board."""
    found = session.execute(
        select(TemplateStand).join(Project, col(Project.id) == TemplateStand.project_id)
        .where(TemplateStand.id == stand_id, shown_to(actor))
    ).scalar_one_or_none()  # fmt: skip
    if found is None:
        raise NotFound(
            f"No repository {stand_id} that came from a template.", hint="The drift board shows all of them."
        )
    rows, _ = drift(session, actor, behind_only=False, stand_id=stand_id)
    return found, next(iter(rows), None)


def updates(session: Session, actor: Actor, stand_id: int) -> list[TemplateUpdate]:
    """The updates that were asked for a repository, the latest first."""
    stand(session, actor, stand_id)
    found = select(TemplateUpdate).where(TemplateUpdate.stand_id == stand_id)
    return list(session.exec(found.order_by(col(TemplateUpdate.id).desc()).limit(20)))


def update_result(session: Session, actor: Actor, update_id: int) -> bytes:
    """The zip of a prepared update."""
    found = session.get(TemplateUpdate, update_id)
    if found is None or found.result is None:
        raise NotFound(f"No prepared update {update_id}.")
    stand(session, actor, found.stand_id)
    return session.get_one(TemplateBlob, found.result).content


def to_publish(session: Session, actor: Actor, *, limit: int = 50) -> list[tuple[TemplateVersion, str]]:
    """Proposed versions of others that this person may publish, the oldest first, each with its template's title."""
    rows = session.execute(
        select(TemplateVersion, Entry)
        .join(Entry, col(Entry.id) == TemplateVersion.entry_id)
        .where(TemplateVersion.state == "proposed", TemplateVersion.proposed_by != actor.ref, visible(actor))
        .order_by(col(TemplateVersion.id))
    )
    able = ((row, entry.title) for row, entry in rows if policy.may(actor, "entry.publish", scope_of(entry)))
    return list(islice(able, limit))


def waiting_count(session: Session, actor: Actor) -> int:
    """How many requests wait for this person's decision."""
    return (
        requests(session, actor, to_decide=True, size=1).total if policy.may_anywhere(actor, "template.approve") else 0
    )


# --- shared ----------------------------------------------------------------------------------------------------------


_LISTED: Sequence[Any] = (
    TemplateRequest.id, TemplateRequest.project_id, Project.title, Entry.title, Entry.key, TemplateVersion.version,
    TemplateRequest.state, TemplateRequest.delivery, TemplateRequest.requested_by, TemplateRequest.submitted_at,
    TemplateRequest.due_at, TemplateRequest.created_at, TemplateRequest.failure,
)  # fmt: skip


def _joined(*columns: Any) -> Any:
    return (
        select(*columns)
        .select_from(TemplateRequest)
        .join(TemplateVersion, col(TemplateVersion.id) == TemplateRequest.version_id)
        .join(Entry, col(Entry.id) == TemplateRequest.entry_id)
        .join(Project, col(Project.id) == TemplateRequest.project_id)
    )


def _newest() -> Any:
    """The version of each template that was published last."""
    place = func.row_number().over(
        partition_by=col(TemplateVersion.entry_id),
        order_by=(col(TemplateVersion.decided_at).desc(), col(TemplateVersion.id).desc()),
    )
    ranked = (
        select(TemplateVersion.id, TemplateVersion.entry_id, TemplateVersion.version, place.label("place"))
        .where(TemplateVersion.state == "published")
        .subquery()
    )
    return select(ranked.c.id, ranked.c.entry_id, ranked.c.version).where(ranked.c.place == 1)


def _later() -> Any:
    return select(TemplateVersion).where(TemplateVersion.state == "published").subquery()


def _since(later: Any) -> tuple[Any, ...]:
    same = later.c.entry_id == TemplateStand.entry_id
    after = or_(
        later.c.decided_at > TemplateVersion.decided_at,
        and_(later.c.decided_at == TemplateVersion.decided_at, later.c.id > TemplateVersion.id),
    )
    return same, after


def _plain(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
