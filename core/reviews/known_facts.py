"""What the portal knows of the project and the subject of a case, in the form in which checks read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.access.tables import Person, Token
from core.catalog.tables import Entry, EntryContent, EntryText
from core.datasets.tables import DataGrant, DataRequest
from core.evidence.tables import EvidenceSnapshot
from core.projects.tables import Adoption, Project, ProjectMember
from core.reviews.tables import ReviewCase
from core.templates.tables import TemplateRequest
from core.tracking.tables import MirrorExperiment, MirrorRun

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_CARDS = ("model_card.md", "model-card.md", "modelcard.md")
"""Names of the artifact in which a team may keep the model card, whatever their case."""


def known_facts(session: Session, case: ReviewCase, snapshot: EvidenceSnapshot | None) -> dict[str, Any]:
    """The facts of :class:`core.checks.snapshot.Snapshot`, as they stand in this transaction; what is unknown is absent.

    The tier, and the facts that decided which items apply, are those with which the case was opened.
    """
    project = session.get_one(Project, case.project_id)
    adopted = _adopted(session, project)
    own = _own_entry(session, case)
    found = {
        "key_metric": project.key_metric,
        "higher_is_better": project.higher_is_better,
        "monitoring": project.monitoring,
        "on_call": _on_call(session, project),
        "reuse_reviewed": project.reuse_reviewed_at is not None,
        "pattern": next((entry.key for entry, _ in adopted if entry.kind == "pattern"), ""),
        "catalog": sorted({entry.kind for entry, _ in adopted}),
        "datasets": [_fields(entry, document) for entry, document in adopted if entry.kind == "dataset"],
        "roles": _roles(session, project),
        "runs": _runs(session, project),
        "access": _access(session, project),
        "token_scopes": _token_scopes(session, project),
        "entry": _fields(*own) if own else {},
        "model_card": _model_card(session, own[0] if own else None, own[1] if own else {}, snapshot),
    }
    return {**project.risk_facts, **case.facts, **found, "tier": case.tier}


# --- the catalog -----------------------------------------------------------------------------------------------------


def _adopted(session: Session, project: Project) -> list[tuple[Entry, dict[str, Any]]]:
    used = (
        select(Entry, EntryContent)
        .join(Adoption, col(Adoption.entry_id) == Entry.id)
        .join(EntryContent, col(EntryContent.entry_id) == Entry.id)
        .where(Adoption.project_id == project.id, col(Adoption.until).is_(None))
        .order_by(Entry.key)
    )
    return [(entry, content.document) for entry, content in session.exec(used)]


def _own_entry(session: Session, case: ReviewCase) -> tuple[Entry, dict[str, Any]] | None:
    """The entry of what is reviewed: of a model, the one that names it as its registered model."""
    joined = select(Entry, EntryContent).join(EntryContent, col(EntryContent.entry_id) == Entry.id)
    if case.kind == "model":
        registered: Any = col(EntryContent.document)["spec"]["registeredName"].as_string()
        joined = joined.where(Entry.kind == "model", registered == case.name)
    else:
        joined = joined.where(Entry.key == (f"project:default/{case.name}" if case.kind == "project" else case.name))
    found = session.exec(joined.order_by(col(Entry.id)).limit(1)).first()
    return (found[0], found[1].document) if found else None


def _fields(entry: Entry, document: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as one mapping of its fields."""
    return {"name": entry.name, "title": entry.title, "description": entry.summary, **document.get("spec", {})}


def _model_card(
    session: Session, entry: Entry | None, document: Mapping[str, Any], snapshot: EvidenceSnapshot | None
) -> dict[str, str]:
    """Section → text: of the entry in the catalog and, over it, of the card that was logged with the version."""
    spec = document.get("spec", {})
    card = {"intended use": spec.get("intendedUse", ""), "limitations": "\n".join(spec.get("limitations", ()))}
    readme = session.get(EntryText, entry.id) if entry else None
    card |= sections(readme.readme) if readme else {}
    contents = snapshot.content.get("contents", {}) if snapshot else {}
    for path, text in sorted(contents.items()):
        if path.rpartition("/")[2].lower() in _CARDS and isinstance(text, str):
            card |= sections(text)
    return card


def sections(markdown: str) -> dict[str, str]:
    """Heading, in lower case → the text under it."""
    _, *rest = _HEADING.split(markdown)
    return {title.lower(): text.strip() for title, text in zip(rest[::2], rest[1::2], strict=True)}


# --- the project -----------------------------------------------------------------------------------------------------


def _on_call(session: Session, project: Project) -> str:
    person = session.get(Person, project.on_call_id) if project.on_call_id else None
    return person.id if person and person.active else ""


def _roles(session: Session, project: Project) -> dict[str, list[str]]:
    members = select(ProjectMember).where(ProjectMember.project_id == project.id).order_by(ProjectMember.person_id)
    found: dict[str, list[str]] = {}
    for one in session.exec(members):
        found.setdefault(one.role, []).append(one.person_id)
    return found


def _runs(session: Session, project: Project) -> dict[str, int]:
    """Purpose of an experiment, the last part of its conventional name → how many runs it has."""
    counted = (
        select(MirrorExperiment.name, func.count())
        .join(MirrorRun, col(MirrorRun.experiment_id) == MirrorExperiment.experiment_id)
        .where(MirrorRun.server_id == MirrorExperiment.server_id, MirrorRun.project == project.id)
        .group_by(MirrorExperiment.name)
    )
    found: dict[str, int] = {}
    for name, count in session.exec(counted):
        purpose = name.rpartition("/")[2]
        found[purpose] = found.get(purpose, 0) + count
    return found


def _access(session: Session, project: Project) -> dict[str, Any]:
    """How the project comes to its data; access that the portal granted ends by itself."""
    granted = select(func.count()).select_from(DataGrant).join(DataRequest, col(DataRequest.id) == DataGrant.request_id)
    open_ones = granted.where(DataRequest.project_id == project.id, col(DataGrant.ended_at).is_(None))
    count = session.exec(open_ones).one()
    route = project.data_access or ("granted in the portal" if count else "")
    return {"route": route, "expires": count > 0} if route else {}


def _token_scopes(session: Session, project: Project) -> list[str]:
    """What the tokens that came with the project's repositories may do, those that still hold."""
    issued = select(Token).join(TemplateRequest, col(TemplateRequest.token_id) == Token.id)
    tokens = session.exec(issued.where(TemplateRequest.project_id == project.id, col(Token.revoked_at).is_(None)))
    return sorted({scope for one in tokens for scope in one.scopes})
