"""Watch new rows with the champion: are their tails those of the training, is it still right?

The package's own measure is used: the share of values that the champion's clipper would move. Its
limit grows for few rows, because chance moves shares too.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import mlflow
import pandas as pd
from sklearn.pipeline import Pipeline

from . import data, model, tracking
from .settings import Settings

State = Literal["good", "warn", "act", "not enough data"]

SIDE_99 = 2.326
"""The quantile of the normal distribution that chance exceeds one time in a hundred."""


@dataclass(frozen=True)
class Signal:
    """One thing that was watched: value, limit and what they mean."""

    monitor: str
    name: str
    value: float
    limit: float
    state: State


def watch(settings: Settings, rows: pd.DataFrame) -> list[Signal]:
    """Watch rows with the version behind the settings' alias, and log what they show."""
    client = tracking.connect(settings)
    version = tracking.version_of(client, settings, settings.watch_alias)
    if version is None:
        raise LookupError(f"no version is {settings.watch_alias}; train and promote one first")
    contract = data.load_contract()
    labelled = contract.target in rows
    data.require(rows, contract, labelled=labelled)
    estimator = mlflow.sklearn.load_model(f"models:/{settings.model_name}/{version.version}")
    signals = _tails(estimator, rows[contract.features], settings)
    if labelled:
        signals.append(_accuracy(estimator, rows, contract, settings))
    state = worst(signals)
    name = f"monitor_version-{version.version}"
    tags = {"rai.dataset.split": "production-sample", "monitor.state": state}
    with tracking.start_run(settings, "evaluate", name, **tags):
        mlflow.log_input(tracking.dataset(rows, contract, "recent"), context="monitoring")
        mlflow.log_metrics({f"{one.monitor}.{one.name}": one.value for one in signals})
        mlflow.log_dict(
            {"state": state, "signals": [asdict(one) for one in signals]}, "monitor.json"
        )
    return signals


def _tails(estimator: Pipeline, features: pd.DataFrame, settings: Settings) -> list[Signal]:
    """One signal per column; a model without the clipper has no tails to watch."""
    if "clip" not in estimator.named_steps:
        return []
    if len(features) < settings.min_rows:
        return [Signal("data", "rows", len(features), settings.min_rows, "not enough data")]
    clipper = estimator.named_steps["clip"]
    expected = clipper.lower + 1 - clipper.upper
    noise = SIDE_99 * math.sqrt(expected * (1 - expected) / len(features))
    limit = max(settings.tail_limit, expected + noise)
    shares = zip(features.columns, clipper.outside(features), strict=True)
    return [
        Signal("data", str(name), float(share), limit, _state(float(share), limit))
        for name, share in shares
    ]


def _accuracy(
    estimator: Pipeline, rows: pd.DataFrame, contract: data.Contract, settings: Settings
) -> Signal:
    """The key metric where outcomes are known; above the ceiling somebody has to act."""
    ceiling = settings.maximum_log_loss
    if len(rows) < settings.min_rows:
        return Signal("quality", model.KEY_METRIC, 0.0, ceiling, "not enough data")
    predicted = model.scores(estimator, rows[contract.features])
    value = model.log_loss(rows[contract.target].to_numpy(dtype=bool), predicted)
    return Signal(
        "quality", model.KEY_METRIC, value, ceiling, "good" if value <= ceiling else "act"
    )


def _state(value: float, limit: float) -> State:
    return "act" if value > 2 * limit else "warn" if value > limit else "good"


def worst(signals: list[Signal]) -> State:
    """The state that decides: one signal to act on is enough."""
    order: tuple[State, ...] = ("act", "warn", "not enough data", "good")
    found = {one.state for one in signals}
    return next(state for state in order if state in found or state == "good")


def read(path: Path) -> pd.DataFrame:
    """Rows that came in since the training, with outcomes where they are known."""
    return pd.read_csv(path)
