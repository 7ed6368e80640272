"""Opening a case: a published checklist is applied to a subject, and what is asked is frozen with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog.references import normalise
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.evidence.tables import EvidenceSnapshot
from core.projects.actions import line, locked, require_running, scope_of
from core.projects.tables import Project, ProjectTracking
from core.projects.tier import TIERS
from core.reviews import applicability, carrying, checklists, judging, limiting, moving, states
from core.reviews.answering import editable_case, resolve
from core.reviews.items import FrozenItem, applicable
from core.reviews.moving import subject_of
from core.reviews.tables import ChecklistVersion, ReviewCase
from core.reviews.terms import terms_of
from core.tracking.tables import MirrorServer, MirrorVersion

NAME_LENGTH = 256
VERSION_LENGTH = 64


def open_case(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    checklist: str | int,
    kind: str,
    name: str,
    version: str = "",
    carry_from: int | None = None,
    by: Actor | None = None,
) -> ReviewCase:
    """Open a case on a subject of a running project, as its owner; ``checklist`` is a reference or the id of its entry.

    Items with the limits of their checks, quorum, environments, days and validity are frozen from the newest published
    version, for the project's tier as it is now. ``carry_from`` is the case of the version before, whose answers are offered again where nothing that
    they rest on changed. ``by`` is the part of the portal that opens it for an owner who asked for that once and for all.
    """
    project = locked(
        session, actor, project_id
    )  # of two who open the same case at once, the second one finds the first's
    _require_able(actor, project)
    published = checklists.published(session, checklist)
    _require_fitting(session, actor, project, published, kind)
    name, version = _subject(session, actor, project, kind, name, version)
    _require_none_open(session, published, kind, name, version)
    case = _frozen(session, actor, project, published, kind, name, version)
    session.add(case)
    session.flush()
    carried = carrying.begin(session, actor, case, carry_from) if carry_from is not None else 0
    if kind != "model":  # what is not in MLflow has all its evidence here already
        judging.judge(session, case)
    _record(session, by or actor, case, published, carried)
    return case


def attach(session: Session, *, actor: Actor, case_id: int, snapshot_id: int) -> None:
    """Let a case about a model version rest on a newer copy of its evidence; its checks judge it at once.

    What was asked to be changed about items with a check is answered by evidence that differs.
    """
    attach_locked(session, actor, editable_case(session, actor, case_id), snapshot_id)


def attach_locked(session: Session, actor: Actor, case: ReviewCase, snapshot_id: int) -> None:
    """:func:`attach` to a case that is locked already and may be changed."""
    snapshot = _newer_snapshot(session, case, snapshot_id)
    former = session.get(EvidenceSnapshot, case.snapshot_id) if case.snapshot_id else None
    case.snapshot_id, case.subject_digest = snapshot.id, snapshot.subject_digest
    moving.touch(session, case)
    if former is None or former.digest != snapshot.digest:
        checked = [one.id for one in applicable(case.items) if one.check]
        resolve(session, case, checked)
    carrying.carry(session, case)
    verdicts = judging.judge(session, case)
    told = events.CaseEvidenceAttached(subject_of(case), snapshot_id, snapshot.digest, verdicts)
    record(session, actor, told)


def _newer_snapshot(session: Session, case: ReviewCase, snapshot_id: int) -> EvidenceSnapshot:
    found = session.get(EvidenceSnapshot, snapshot_id) if 0 < snapshot_id <= moving.LARGEST_ID else None
    if found is None or (case.kind, case.name, case.version) != ("model", found.model, found.version):
        raise NotFound("No such evidence on the subject of this case.", hint="Copy it from MLflow first.")
    if case.snapshot_id is not None and snapshot_id <= case.snapshot_id:
        raise Invalid("The case rests on this evidence already, or on newer one.", hint="Copy it from MLflow again.")
    return found


# --- what it needs ---------------------------------------------------------------------------------------------------


def _require_able(actor: Actor, project: Project) -> None:
    if actor.kind != "person":
        raise NotAllowed(f"{actor.name} cannot own a case.", hint="A person of the team opens it and answers for it.")
    policy.require(actor, "case.answer", scope_of(project))
    require_running(project)
    if project.tier not in TIERS:
        raise Conflict(f"The risk tier of {project.title} is not known.", hint="Its team states the risk facts first.")
    if project.tier == "prohibited":
        raise Conflict(
            f"What {project.title} does is prohibited: no review can approve it.",
            hint="If a risk fact is wrong, correct it on the project's page.",
        )


def _require_fitting(session: Session, actor: Actor, project: Project, published: ChecklistVersion, kind: str) -> None:
    entry = select(Entry.id).where(Entry.id == published.entry_id, visible(actor))
    if session.exec(entry).first() is None:
        raise NotFound("No such checklist.", hint="The catalog lists those that you may see.")
    meant, tiers = published.content.get("appliesTo"), published.content.get("tiers") or TIERS
    if kind != meant:
        raise Invalid(f"This checklist is for a {meant}, not for a {kind[:20]}.", hint="Choose another checklist.")
    if project.tier not in tiers:
        raise Conflict(
            f"This checklist is for the tiers {', '.join(tiers)}; {project.title} is {project.tier}.",
            hint="Choose another checklist.",
        )


def _require_none_open(session: Session, published: ChecklistVersion, kind: str, name: str, version: str) -> None:
    same: Any = (
        ChecklistVersion.entry_id == published.entry_id, ReviewCase.kind == kind, ReviewCase.name == name,
        ReviewCase.version == version, col(ReviewCase.state).in_(states.OPEN),
    )  # fmt: skip
    joined = select(ReviewCase.id).join(ChecklistVersion, col(ChecklistVersion.id) == ReviewCase.checklist_id)
    found = session.exec(joined.where(*same)).first()
    if found is not None:
        raise Conflict(f"Case {found} on this is open already.", hint="Go on with that one, or withdraw it first.")


# --- the subject -----------------------------------------------------------------------------------------------------


def _subject(session: Session, actor: Actor, project: Project, kind: str, name: str, version: str) -> tuple[str, str]:
    """Name and version of the subject as the case keeps them, if it is there and the project's to have reviewed."""
    if kind == "model":
        return _model_version(session, project, name, version)
    if kind == "project":
        if name != project.id or version:
            raise Invalid("A project is reviewed under its own id, without a version.", hint=f"Its id is {project.id}.")
        return project.id, ""
    if kind == "dataset":
        return _dataset(session, actor, name), _optional(version)
    return line("name", name, NAME_LENGTH), _optional(version)


def _model_version(session: Session, project: Project, name: str, version: str) -> tuple[str, str]:
    """A version that the mirror of MLflow has, as it was synced last, of a model that belongs to the project."""
    owner = session.get(ProjectTracking, ("model", name)) if name.isprintable() else None
    if owner is None or owner.project_id != project.id:
        raise NotFound(f"{project.title} has no model {name[:80]!r}.", hint="Claim it on the project's page first.")
    latest = (
        select(MirrorVersion.gone_at)
        .join(MirrorServer, col(MirrorServer.id) == MirrorVersion.server_id)
        .where(MirrorVersion.model == name, MirrorVersion.version == version)
        .order_by(col(MirrorServer.synced_at).desc().nulls_last(), col(MirrorServer.id).desc())
    )
    found = session.execute(latest.limit(1)).first() if version.isprintable() else None
    if found is None:
        raise NotFound(f"No version {version[:40]!r} of {name}.", hint="It shows after the next sync with MLflow.")
    if found.gone_at is not None:
        raise Conflict(f"Version {version} of {name} is no longer in MLflow.", hint="Choose another version.")
    return name, version


def _dataset(session: Session, actor: Actor, reference: str) -> str:
    key = normalise(line("dataset", reference, NAME_LENGTH), "dataset")
    found = session.exec(select(Entry.key).where(Entry.key == key, Entry.kind == "dataset", visible(actor))).first()
    if found is None:
        raise NotFound(f"No dataset {reference[:80]!r}.", hint="The catalog lists the datasets that you may see.")
    return found


def _optional(version: str) -> str:
    return line("version", version, VERSION_LENGTH) if version.strip() else ""


# --- keeping it ------------------------------------------------------------------------------------------------------


def _frozen(
    session: Session,
    actor: Actor,
    project: Project,
    published: ChecklistVersion,
    kind: str,
    name: str,
    version: str,
) -> ReviewCase:
    facts = applicability.facts_of(session, project)
    items = items_of(session, published.content, facts, project.tier)
    terms = terms_of(published.content, project.tier)
    return ReviewCase(
        checklist_id=published.id or 0, project_id=project.id, kind=kind, name=name, version=version,
        tier=project.tier, facts=facts, items=[one.as_data() for one in items], quorum=terms.quorum,
        environments=terms.environments, days=terms.days, validity_days=terms.validity_days, owner=actor.ref,
        demo=project.demo,
    )  # fmt: skip


def items_of(session: Session, content: Mapping[str, Any], facts: Mapping[str, Any], tier: str) -> list[FrozenItem]:
    """The items of a checklist as a case of this tier would freeze them now, with the limits of their checks."""
    given = limiting.limits_now(session)
    frozen = applicability.freeze(content, facts, tier)
    return [replace(one, parameters=limiting.limited(one.check, one.parameters, given, tier)) for one in frozen]


def _record(session: Session, actor: Actor, case: ReviewCase, published: ChecklistVersion, carried: int) -> None:
    entry = session.get_one(Entry, published.entry_id)
    told = events.CaseOpened(
        subject_of(case), checklist=entry.key, version=published.version,
        about=":".join(filter(None, (case.kind, case.name, case.version))), tier=case.tier,
        items=sum(one["applies"] for one in case.items), previous=case.previous_id or 0, carried=carried,
    )  # fmt: skip
    record(session, actor, told)
