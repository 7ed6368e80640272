"""The three statements that the gate reads its facts with, for any number of questions, each made once.

They speak of tables and not of classes, and build no objects that a session would keep: the gate is asked often.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, String, bindparam, literal_column, null, or_, select, tuple_, union_all

from core.activity.tables import Activity
from core.catalog.tables import Entry, EntryContent
from core.evidence.tables import EvidenceCheck, EvidenceSnapshot
from core.gates.rules import POLICY
from core.projects.tables import Project, ProjectTracking
from core.reviews.tables import Certificate, ChecklistVersion, Condition, ReviewCase, Signature, Waiver
from core.reviews.waiving import BREAK_GLASS
from core.tracking.tables import MirrorServer, MirrorVersion


def _table(of: Any) -> Any:
    return of.__table__


server, version, owner, project = (_table(one) for one in (MirrorServer, MirrorVersion, ProjectTracking, Project))
entry, content, activity = (_table(one) for one in (Entry, EntryContent, Activity))
case, checklist, certified = (_table(one) for one in (ReviewCase, ChecklistVersion, Certificate))
copy, check = (_table(one) for one in (EvidenceSnapshot, EvidenceCheck))
signature, condition, waiver = (_table(one) for one in (Signature, Condition, Waiver))


def _versions_statement() -> Any:
    """The versions as the server has them that was synced last, their projects, the policy, and when the log was written
    last."""
    here = (
        select(server.c.id).order_by(server.c.synced_at.desc().nulls_last(), server.c.id.desc()).limit(1)
    ).scalar_subquery()
    rules = (
        select(content.c.document[("spec", "gate")].as_string())
        .join(entry, entry.c.id == content.c.entry_id)
        .where(entry.c.key == POLICY, entry.c.lifecycle == "approved")
        .scalar_subquery()
    )
    logged = select(activity.c.at).order_by(activity.c.seq.desc()).limit(1).scalar_subquery()
    return (
        select(
            version.c.model, version.c.version, version.c.gone_at, version.c.run_id, version.c.source, server.c.synced_at,
            project.c.id.label("project"), project.c.stage, project.c.tier, project.c.classification,
            project.c.team_id, project.c.unit_id, rules.label("policy"), logged.label("logged"),
        )
        .select_from(version)
        .join(server, server.c.id == version.c.server_id)
        .outerjoin(owner, (owner.c.kind == "model") & (owner.c.name == version.c.model))
        .outerjoin(project, project.c.id == owner.c.project_id)
        .where(version.c.server_id == here, _asked(version.c.model, version.c.version))
    )  # fmt: skip


def _asked(name: Any, number: Any) -> Any:
    """The versions that are asked about, as ``asked``: pairs of a model and a version. SQLite finds pairs in no index, and
    so gets the models as ``models`` too."""
    return name.in_(bindparam("models", expanding=True)) & tuple_(name, number).in_(bindparam("asked", expanding=True))


def _cases_statement() -> Any:
    """Every case about the versions, and about their ``projects``: with its checklist, what its evidence is about, its last
    comparison, and its certificate."""
    of_version = (case.c.kind == "model") & _asked(case.c.name, case.c.version)
    of_project = (case.c.kind == "project") & case.c.name.in_(bindparam("projects", expanding=True))
    last = (
        select(check.c.id)
        .where(check.c.snapshot_id == case.c.snapshot_id, check.c.outcome != "unreachable")
        .order_by(check.c.id.desc())
        .limit(1)
        .correlate(case)
        .scalar_subquery()
    )
    return (
        select(
            case.c.id, case.c.kind, case.c.name, case.c.version, case.c.project_id, case.c.state, case.c.tier, case.c.environments, case.c.quorum,
            case.c.reason, case.c.decided_at, case.c.expires_at, case.c.subject_digest, case.c.certificate_id, case.c.snapshot_id,
            entry.c.key, entry.c.title, checklist.c.state.label("checklist_state"),
            copy.c.subject_digest.label("evidence_digest"), copy.c.content["source"].label("copied"), check.c.outcome,
            check.c.checked_at, certified.c.name.label("pipeline"), certified.c.doubted,
        )
        .join(checklist, checklist.c.id == case.c.checklist_id)
        .join(entry, entry.c.id == checklist.c.entry_id)
        .outerjoin(copy, copy.c.id == case.c.snapshot_id)
        .outerjoin(check, check.c.id == last)
        .outerjoin(certified, certified.c.id == case.c.certificate_id)
        .where(or_(of_version, of_project & (case.c.version == "")))
        .order_by(case.c.id)
    )  # fmt: skip


def _parts_statement() -> Any:
    """Standing signatures, open conditions and waivers that count, of all ``cases`` at once."""
    signed, tied, passed = signature.c, condition.c, waiver.c
    nothing, no_day, no_moment, nowhere = (
        null().cast(kind) for kind in (String, tied.due_on.type, signed.signed_at.type, JSON)
    )
    signatures = _part(
        "signature", signed, [signed.printed_name, signed.role, signed.meaning, signed.decision, signed.record_hash, signed.payload],
        signed.signed_at, no_day, nowhere,
    ).where(signed.voided_at.is_(None))  # fmt: skip
    conditions = _part("condition", tied, [tied.text, *[nothing] * 5], no_moment, tied.due_on, tied.environments).where(
        tied.met_at.is_(None), tied.voided_at.is_(None)
    )
    waivers = _part(
        "waiver", passed, [passed.item_id, passed.kind, *[nothing] * 4], passed.expires_at, no_day,
        passed.environments,
    ).where(
        passed.approved_at.is_not(None), passed.refused_at.is_(None), passed.ended_at.is_(None),
        or_(passed.kind != BREAK_GLASS, passed.second_by.is_not(None)),
    )  # fmt: skip
    return union_all(signatures, conditions, waivers).order_by("what", "id")


def _part(what: str, table: Any, words: list[Any], moment: Any, day: Any, environments: Any) -> Any:
    names = ("first", "second", "third", "fourth", "fifth", "sixth")
    named = [one.label(name) for one, name in zip(words, names, strict=True)]
    columns = (
        literal_column(f"'{what}'", String).label("what"), table.id.label("id"), table.case_id.label("case_id"), *named,
        moment.label("moment"), day.label("day"), environments.label("environments"),
    )  # fmt: skip
    return select(*columns).where(table.case_id.in_(bindparam("cases", expanding=True)))


VERSIONS, CASES, PARTS = _versions_statement(), _cases_statement(), _parts_statement()
