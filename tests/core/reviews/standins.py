"""What other parts of assurance do, in the simplest form, for as long as they are not there."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from sqlmodel import col, select

from core.catalog.tables import Entry
from core.checks.findings import Finding
from core.checks.snapshot import Measure, Snapshot
from core.errors import NotFound
from core.evidence.tables import CiFact, EvidenceCheck
from core.reviews.items import FrozenItem
from core.reviews.tables import ChecklistVersion


def install() -> None:
    """Put the stand-ins where modules are missing."""
    for name, content in {
        "core.checks.registry": {"run": _run, "all_checks": list},
        "core.evidence.reading": {"snapshot_of": _snapshot_of},
        "core.evidence.ci": {"people_behind": _people_behind},
        "core.evidence.keeping": {"is_verified": _is_verified, "verify": lambda snapshot_id: None},
        "core.reviews.applicability": {"facts_of": lambda session, project: {"tier": project.tier}, "freeze": _freeze},
        "core.reviews.checklists": {"published": _published},
    }.items():
        if find_spec(name) is None:
            module = ModuleType(name)
            vars(module).update(content)
            sys.modules[name] = module
            package, _, child = name.rpartition(".")
            setattr(sys.modules[package], child, module)


def _run(name: str, snapshot: Snapshot, parameters: Mapping[str, Any], *, tier: str, item: str = "") -> Finding:
    if name == "answer_present":
        return Finding(name, "pass" if snapshot.answers.get(item) else "missing", "answer")
    measure = snapshot.metrics.get(parameters["metric"])
    if measure is None or measure.value is None:
        return Finding(name, "missing", "no such metric", parameters["metric"])
    verdict = "pass" if measure.value >= parameters["value"] else "fail"
    return Finding(name, verdict, "measured", parameters["metric"], measure.value, limit=parameters["value"])  # type: ignore[arg-type]


def _snapshot_of(content: Mapping[str, Any], **given: Any) -> Snapshot:
    metrics = {name: Measure(one["value"]) for name, one in content.get("metrics", {}).items()}
    return Snapshot(datetime(2026, 1, 1, tzinfo=UTC), metrics=metrics, facts=given["facts"], answers=given["answers"])


def _people_behind(session: Any, snapshot: Any) -> frozenset[str]:
    told = select(CiFact).where(CiFact.model == snapshot.model, CiFact.version == snapshot.version)
    committers = {name for one in session.exec(told) for name in one.committers}
    return frozenset(snapshot.content.get("people", [])) | committers


def _is_verified(session: Any, snapshot_id: int, at: datetime) -> bool:
    checks = select(EvidenceCheck).where(EvidenceCheck.snapshot_id == snapshot_id)
    last = session.exec(checks.order_by(col(EvidenceCheck.id).desc())).first()
    return last is not None and last.outcome == "same" and at - last.checked_at < timedelta(minutes=2)


def _freeze(content: Mapping[str, Any], facts: Mapping[str, Any], tier: str) -> list[FrozenItem]:
    return [
        FrozenItem(
            item["id"], section["title"], item["summary"], item["question"], item["type"],
            options=tuple(item.get("options", ())), unit=item.get("unit", ""),
            check=item.get("evidence", {}).get("check", ""), parameters=item.get("evidence", {}).get("parameters", {}),
            applies=item.get("appliesWhen") != "never", blocking=tier in item.get("blockingFor", ()),
        )
        for section in content["sections"]
        for item in section["items"]
    ]  # fmt: skip


def _published(session: Any, ref: str | int) -> ChecklistVersion:
    where = Entry.id == ref if isinstance(ref, int) else Entry.key == ref
    found = select(ChecklistVersion).join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
    version = session.exec(
        found.where(where, ChecklistVersion.state == "published").order_by(col(ChecklistVersion.id).desc())
    ).first()
    if version is None:
        raise NotFound("no checklist")
    return version
