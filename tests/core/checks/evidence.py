"""Evidence for the tests of checks: snapshots in one line."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from core.catalog import sources
from core.checks import limits, registry
from core.checks.findings import Finding
from core.checks.snapshot import DatasetUse, Measure, Snapshot
from core.config import ROOT

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TRAIN = DatasetUse("loans", "aaa111", "training", 900)
TEST = DatasetUse("loans", "bbb222", "evaluation", 300)


@cache
def policy() -> limits.Limits:
    """The ``limits`` of the shipped policy, as YAML has them."""
    [file] = sources.read_folder(ROOT / "catalog" / "policies" / "validation-limits")
    [definition], problems = file.read()
    assert not problems
    shipped: dict[str, Any] = definition.spec.model_dump(by_alias=True)["limits"]
    return shipped


def snapshot(metrics: dict[str, Measure] | None = None, **parts: Any) -> Snapshot:
    return Snapshot(AT, metrics=metrics or {}, **parts)


def run(name: str, evidence: Snapshot, *, tier: str = "high", item: str = "", **parameters: Any) -> Finding:
    """The check with the shipped limits under ``parameters``."""
    return registry.run(name, evidence, limits.merged(name, parameters, policy(), tier=tier), tier=tier, item=item)


def on(name: str, metric: str, value: float | None, *, tier: str = "high", **known: Any) -> Finding:
    """The check on one metric with these figures."""
    return run(name, snapshot({metric: Measure(value, **known)}), tier=tier)
