"""Watch a scoring run: its inputs and scores against the reference, its accuracy, its age.

Drift is the population stability index over the reference's quantiles. Without any drift it is
about chi-square(bins - 1) times (1/n + 1/m), so the limit is never below what chance gives to
samples of this size (after the catalog's asset drift-statistics 1.0.0).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import mlflow
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from . import data, model, score, tracking
from .settings import Settings

State = Literal["good", "warn", "act", "not enough data"]

REFERENCE_FILE = "reference.json"
SCORE = "score"
BINS = 10
ACT_FLOOR = 0.25
EMPTY_BIN = 0.5
"""An empty bin counts as half a row, so that the logarithm exists."""


@dataclass(frozen=True)
class Signal:
    """One thing that was watched: value, limit and what they mean."""

    monitor: str
    name: str
    value: float
    limit: float
    state: State


def reference(features: pd.DataFrame, scores: NDArray[np.float64]) -> dict[str, Any]:
    """Histograms of inputs and scores on data the model was not fitted to; no rows are kept."""
    columns = {str(name): features[name].to_numpy() for name in features} | {SCORE: scores}
    profile = {}
    for name, values in columns.items():
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
        profile[name] = {"edges": edges.tolist(), "counts": _count(values, edges)}
    return profile


def _count(values: ArrayLike, edges: ArrayLike) -> list[int]:
    inner = np.asarray(edges)
    places = np.searchsorted(inner, np.asarray(values), side="right")
    return np.bincount(places, minlength=len(inner) + 1).tolist()


def stability(old: list[int], new: list[int], limit: float) -> tuple[float, float]:
    """The index of two histograms and the limit for samples of their sizes."""
    counts = np.array([old, new], dtype=float)
    rows = counts.sum(axis=1)
    shares = np.where(counts == 0, EMPTY_BIN, counts)
    p, q = shares / shares.sum(axis=1, keepdims=True)
    noise = chi2.ppf(0.99, max(len(old) - 1, 1)) * (1 / rows[0] + 1 / rows[1])
    return float(np.sum((q - p) * np.log(q / p))), float(max(limit, noise))


def watch(settings: Settings, day: date, labels: pd.DataFrame | None = None) -> list[Signal]:
    """Watch the batch of a day with the monitors of the settings, and log what they show."""
    client = tracking.connect(settings)
    folder = score.batch_folder(settings, day)
    if not folder.is_dir():
        raise LookupError(f"no batch of {day}: score that day first")
    manifest = json.loads((folder / score.MANIFEST).read_text("utf-8"))
    version = client.get_model_version(settings.model_name, manifest["version"])
    profile = mlflow.artifacts.load_dict(f"runs:/{version.run_id}/{REFERENCE_FILE}")
    predictions = pd.read_csv(folder / score.PREDICTIONS)

    signals: list[Signal] = []
    if "data" in settings.monitors:
        inputs = pd.read_csv(folder / score.INPUTS)
        names = [name for name in profile if name != SCORE]
        signals += [_drift("data", inputs[name], name, profile, settings) for name in names]
    if "quality" in settings.monitors:
        signals.append(_drift("quality", predictions[SCORE], SCORE, profile, settings))
        if labels is not None:
            signals.append(_accuracy(predictions, labels, settings))
    if "service" in settings.monitors:
        signals += _service(manifest, settings)
    _log(settings, day, manifest, signals)
    return signals


def _drift(
    monitor: str, values: pd.Series, name: str, profile: dict[str, Any], settings: Settings
) -> Signal:
    known = profile[name]
    if len(values) < settings.min_rows:
        return Signal(monitor, name, 0.0, settings.drift_limit, "not enough data")
    index, limit = stability(known["counts"], _count(values, known["edges"]), settings.drift_limit)
    act = max(2 * limit, ACT_FLOOR)
    state: State = "act" if index > act else "warn" if index > limit else "good"
    return Signal(monitor, name, index, limit, state)


def _accuracy(predictions: pd.DataFrame, labels: pd.DataFrame, settings: Settings) -> Signal:
    """The key metric where outcomes have become known; below the floor somebody has to act."""
    contract = data.load_contract()
    known = predictions.merge(labels[[contract.key, contract.target]], on=contract.key)
    floor = settings.minimum_roc_auc
    if len(known) < settings.min_rows:
        return Signal("quality", model.KEY_METRIC, 0.0, floor, "not enough data")
    value = model.roc_auc(known[contract.target].to_numpy(dtype=bool), known[SCORE].to_numpy())
    return Signal("quality", model.KEY_METRIC, value, floor, "good" if value >= floor else "act")


def _service(manifest: dict[str, Any], settings: Settings) -> list[Signal]:
    finished = datetime.fromisoformat(manifest["finished_at"])
    hours = (datetime.now(UTC) - finished).total_seconds() / 3600
    rows, least, oldest = manifest["rows"], settings.min_rows, settings.max_age_hours
    return [
        Signal("service", "age_hours", hours, oldest, "act" if hours > oldest else "good"),
        Signal("service", "rows", float(rows), float(least), "act" if rows < least else "good"),
    ]


def _log(settings: Settings, day: date, manifest: dict[str, Any], signals: list[Signal]) -> None:
    state = worst(signals)
    tags = {
        "dataset_digest": manifest["dataset_digest"],
        "rai.dataset.split": "production-sample",
        "monitor.state": state,
    }
    with tracking.start_run(settings, "evaluate", f"monitor_{day}", **tags):
        mlflow.log_params({"scored_on": day, "model_version": manifest["version"]})
        mlflow.log_metrics({f"{one.monitor}.{one.name}": one.value for one in signals})
        mlflow.log_dict(
            {"state": state, "signals": [asdict(one) for one in signals]}, "monitor.json"
        )


def worst(signals: list[Signal]) -> State:
    """The state that decides: one signal to act on is enough."""
    order: tuple[State, ...] = ("act", "warn", "not enough data", "good")
    found = {one.state for one in signals}
    return next(state for state in order if state in found or state == "good")


def read_labels(path: Path) -> pd.DataFrame:
    """Outcomes that became known: the key and the target of the contract."""
    return pd.read_csv(path)
