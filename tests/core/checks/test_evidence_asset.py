"""What the catalog's asset ``responsible-ai-evidence`` logs is what the checks read: same names, same meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.checks import measuring, registry
from core.checks.findings import Finding
from core.checks.measuring import METRICS
from core.checks.snapshot import DatasetUse, File, Measure, Snapshot
from core.db import now
from core.demo.evidence import asset

DRAWS = 20
DIGEST = "abc123"
CHECKS: dict[str, dict[str, Any]] = {
    "demographic_parity_ratio": {"limit": 0.8},
    "equalized_odds_difference": {"limit": 0.1},
    "equal_opportunity_difference": {"limit": 0.1},
    "worst_group_ratio": {"limit": 0.9},
    "group_mae_ratio": {"limit": 1.25},
    "group_count": {"minimum_rows": 100, "minimum_share": 0.02},
    "coverage": {"limit": 0.9},
    "baseline_gain": {"limit": 0},
    "ece": {"limit": 0.05},
    "noise_drop": {"limit": 0.02},
    "flip_rate": {"limit": 0.02},
    "psi": {"limit": 0.1, "bins": 10, "minimum_rows": 100},
    "k_anonymity": {"limit": 5},
    "mia_auc": {"limit": 0.6},
    "importance_logged": {"limit": 0.99},
    "data_schema_errors": {"limit": 0},
    "data_missing_share": {"limit": 0.05},
    "data_duplicate_share": {"limit": 0.01},
    "data_label_balance": {},
    "data_overlap": {"limit": 0},
}
"""Every check that reads what the asset measures."""

BESIDE = {"rai.brier", "rai.champion_gain", "rai.selection_rate", "rai.true_positive_rate"}
"""Logged for people, or read by a check beside its own metric."""


def predict(rows: pd.DataFrame) -> Any:
    return (rows["x"] > 0).astype(int).to_numpy()


@pytest.fixture(scope="module")
def measures() -> dict[str, Any]:
    """Everything that the asset can measure, of a rule that is right four times of five."""
    rai, rng = asset(), np.random.default_rng(0)
    inputs = pd.DataFrame({"x": rng.normal(size=600), "z": rng.normal(size=600)})
    predicted = predict(inputs)
    actual = np.where(rng.random(600) < 0.8, predicted, 1 - predicted)
    frame, groups = inputs.assign(y=actual), {"sex": rng.choice(["f", "m"], 600)}
    losses = rng.random(1200)
    found: dict[str, Any] = (
        rai.group_rates(actual, predicted, groups, DRAWS)
        | rai.group_quality(actual, predicted, groups, {"accuracy": rai.accuracy}, DRAWS)
        | rai.group_errors(actual, predicted + rng.normal(size=600), groups, DRAWS)
        | rai.group_counts(groups)
        | rai.coverage(groups, {"sex": ["f", "m"]})
        | rai.baseline_gain(actual, predicted, np.zeros(600), rai.accuracy, DRAWS)
        | rai.champion_gain(actual, predicted, np.zeros(600), rai.accuracy, DRAWS)
        | rai.calibration(actual, np.where(predicted == 1, 0.8, 0.2), DRAWS)
        | rai.noise_drop(predict, inputs, actual, rai.accuracy, DRAWS)
        | rai.flip_rate(predict, inputs, DRAWS)
        | rai.drift(frame.head(300), frame.tail(300))
        | rai.k_anonymity(pd.DataFrame(groups), ["sex"])
        | rai.membership_inference(losses[:600], losses[600:], DRAWS)
        | rai.schema_errors(frame.tail(300), frame.head(300))
        | rai.data_quality(frame, "y")
        | rai.overlap(frame.tail(300), frame.head(300))
    )
    return found


@pytest.fixture(scope="module")
def snapshot(measures: dict[str, Any]) -> Snapshot:
    """The same as a case reads it from MLflow."""
    rai = asset()
    flat = rai.flat(measures)
    values = {name: one for name, one in flat.items() if not name.endswith((".lower", ".upper", ".rows"))}
    return Snapshot(
        now(),
        metrics={
            name: Measure(
                value, lower=flat.get(f"{name}.lower"), upper=flat.get(f"{name}.upper"),
                rows=int(flat[f"{name}.rows"]) if f"{name}.rows" in flat else None, digest=DIGEST,
            )
            for name, value in values.items()
        },
        tags=rai.tags("test", ["sex"], {}),
        datasets=(DatasetUse("rows", "other", "training"), DatasetUse("rows", DIGEST, "evaluation")),
        files={rai.IMPORTANCE: File(2, "", {"x": 0.3, "z": 0.01})},
    )  # fmt: skip


def asked(name: str, snapshot: Snapshot) -> Finding:
    return registry.run(name, snapshot, CHECKS[name], tier="high")


def test_the_checks_know_every_name_it_logs(measures: dict[str, Any]) -> None:
    stems = {measuring.known(name).stem for name in measures}
    known = {name for name in stems if any(name == stem or name.startswith(f"{stem}.") for stem in METRICS)}
    strange = {".".join(name.split(".")[:2]) for name in stems - known}
    assert strange <= BESIDE


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_judges_what_it_logged(name: str, snapshot: Snapshot) -> None:
    found = asked(name, snapshot)
    assert found.verdict in ("pass", "fail", "inconclusive"), found.text
    assert "no interval" not in found.text


def test_intervals_and_rows_arrive(snapshot: Snapshot) -> None:
    ratio = asked("demographic_parity_ratio", snapshot)
    assert ratio.lower is not None
    assert ratio.upper is not None
    assert ratio.observed is not None
    assert ratio.lower < ratio.observed < ratio.upper
    assert asked("group_count", snapshot).verdict == "pass"
    assert asked("baseline_gain", snapshot).verdict == "pass"


@pytest.mark.parametrize("name", sorted(set(CHECKS) - {"group_count", "psi", "data_label_balance"}))
def test_what_it_says_cannot_be_measured_asks_for_another_control(name: str) -> None:
    check = next(one for one in registry.all_checks() if one.name == name)
    tags = asset().tags("test", "unavailable", {name.replace("data_", "data."): "The rows are not kept."})
    found = registry.run(check.name, Snapshot(now(), tags=tags), CHECKS[name], tier="high")
    assert (found.verdict, found.compensating) == ("missing", True)
