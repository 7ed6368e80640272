"""Which records of the log an actor reads: none about, or naming, what is hidden from them elsewhere.

Asked here, above everything that records are about; :mod:`core.activity.queries` takes the answer as ``seen``, so that
hidden records are neither shown nor counted and pages stay full. What one did oneself one may always read. Verifying and
exporting take the whole log, because its hashes do.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ColumnElement, String, and_, cast, func, literal, not_, or_, true, type_coerce
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity.events import all_events
from core.activity.tables import Activity
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.datasets import owners
from core.datasets.queries import readable_requests
from core.db import is_sqlite
from core.projects.tables import ProjectTracking
from core.projects.visibility import hidden_from
from core.reviews.tables import Certificate, ReviewCase

_ABOUT_REQUESTS = sorted(one.name for one in all_events() if one.name.startswith("data-"))
"""Events that tell who asked for, got or lost which data: for those who may read the request."""


def _naming(field: str) -> list[str]:
    """The other events that name something in ``field``."""
    return sorted(
        one.name for one in all_events() if field in one.__dataclass_fields__ and one.name not in _ABOUT_REQUESTS
    )


_NAMING_PROJECTS = _naming("project")
_NAMING_ENTRIES = {field: _naming(field) for field in ("entry", "pattern")}


def seen_by(session: Session, actor: Actor) -> list[ColumnElement[bool]]:
    """The conditions under which ``actor`` reads a record; none for those from whom nothing is hidden."""
    conditions = _of_what_is_classified(session, actor) + _of_requests(session, actor)
    return [or_(col(Activity.actor) == actor.ref, and_(*conditions))] if conditions else []


def _of_what_is_classified(session: Session, actor: Actor) -> list[ColumnElement[bool]]:
    """Records about projects, their cases, models and entries, and those that name one."""
    sight = policy.sight(actor)
    if sight.all_confidential and sight.all_restricted:
        return []
    projects = hidden_from(actor)
    owned = select(func.substr(literal("registered-model:") + col(ProjectTracking.name), 1, 220))
    models = owned.where(ProjectTracking.kind == "model", col(ProjectTracking.project_id).in_(projects))
    subjects = projects.with_only_columns(literal("project:") + projects.selected_columns[0])
    cases = select(literal("case:") + cast(ReviewCase.id, String)).where(col(ReviewCase.project_id).in_(projects))
    certificates = select(literal("certificate:") + cast(Certificate.id, String)).where(
        col(Certificate.project_id).in_(projects)
    )
    about = (subjects, models, cases, certificates)
    hidden: list[ColumnElement[bool]] = [col(Activity.subject).in_(one) for one in about]
    hidden.append(_is_hidden_entry(actor, Activity.subject))
    named = _said(session, "project").as_string().in_(projects)
    hidden.append(and_(col(Activity.event).in_(_NAMING_PROJECTS), named))
    for field, events in _NAMING_ENTRIES.items():
        entry = _is_hidden_entry(actor, _said(session, field).as_string())
        hidden.append(and_(col(Activity.event).in_(events), entry))
    return [not_(one) for one in hidden]


def _is_hidden_entry(actor: Actor, key: Any) -> ColumnElement[bool]:
    # entry by entry: there may be very many hidden ones, and the records of one page name few
    return select(Entry.id).where(Entry.key == key, not_(visible(actor))).correlate(Activity).exists()


def _of_requests(session: Session, actor: Actor) -> list[ColumnElement[bool]]:
    """Records about requests for data and grants."""
    if actor.kind == "system" or owners.auditable(actor) is true():
        return []
    request = _said(session, "request").as_integer()
    return [or_(col(Activity.event).not_in(_ABOUT_REQUESTS), request.in_(readable_requests(actor)))]


def _said(session: Session, field: str) -> Any:
    """A field of a record's data, which is kept as the text that was hashed."""
    data: Any = type_coerce(Activity.data, JSON) if is_sqlite(session) else cast(Activity.data, JSON)
    return data[field]
