"""Copies of evidence in the form that checks read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from core.checks.snapshot import DatasetUse, File, Measure, Snapshot
from core.db import now
from core.evidence.tables import EvidenceFile

_BESIDE = (".lower", ".upper", ".rows")
"""How the naming contract calls the ends of a metric's interval, and the rows that it rests on."""


def snapshot_of(
    content: Mapping[str, Any],
    *,
    champion_content: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any],
    answers: Mapping[str, Any],
    uploads: Iterable[EvidenceFile] = (),
    taken_at: datetime | None = None,
) -> Snapshot:
    """What checks read: the content of a copy (empty where there is none), the project's facts, answers and uploads.

    ``taken_at`` is the day on which dates in it are judged; without one, today.
    """
    return Snapshot(
        taken_at=taken_at or now(),
        metrics=measures(content),
        champion=measures(champion_content or {}),
        tags=content.get("tags", {}),
        params=content.get("params", {}),
        datasets=tuple(DatasetUse(**one) for one in content.get("datasets", [])),
        has_signature=bool(content.get("signature")),
        has_example=bool(content.get("example")),
        files=_artifacts(content) | _uploaded(uploads),
        facts=facts,
        answers=answers,
    )


def measures(content: Mapping[str, Any]) -> dict[str, Measure]:
    """Name → metric, with its interval and rows where the team logged them beside it."""
    metrics = content.get("metrics", {})
    return {name: _measure(metrics, name) for name in metrics if not _is_beside(metrics, name)}


def _is_beside(metrics: Mapping[str, Any], name: str) -> bool:
    return any(name.endswith(end) and name.removesuffix(end) in metrics for end in _BESIDE)


def _measure(metrics: Mapping[str, Any], name: str) -> Measure:
    one = metrics[name]
    lower, upper, rows = (metrics.get(name + end, {}).get("value") for end in _BESIDE)
    return Measure(
        value=one["value"],
        text=one.get("text", ""),
        lower=lower,
        upper=upper,
        rows=int(rows) if rows is not None and rows >= 0 else None,
        history=one.get("history", 1),
        overwritten=one.get("overwritten", False),
        dataset=one.get("dataset", ""),
        digest=one.get("digest", ""),
    )


def _artifacts(content: Mapping[str, Any]) -> dict[str, File]:
    """Path → artifact; one that was too large to be read has an empty hash."""
    read, texts = content.get("contents", {}), content.get("environment", {})
    return {
        path: File(one["size"] or 0, one["sha256"] or "", read.get(path, texts.get(path.rpartition("/")[2])))
        for path, one in content.get("artifacts", {}).items()
    }


def _uploaded(uploads: Iterable[EvidenceFile]) -> dict[str, File]:
    """``upload/NAME`` → file; of several with one name, the last."""
    return {f"upload/{one.name}": File(one.size, one.sha256) for one in sorted(uploads, key=lambda one: one.id or 0)}
