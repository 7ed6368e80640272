"""Train a candidate on mature truth, examine it on later origins, register it as challenger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.base import RegressorMixin

from . import backtest, data, evidence, features, model, rai, tracking
from .settings import ROOT, Settings


class NotFitError(RuntimeError):
    """The candidate misses a limit of the settings; its run is kept, no version is made."""


@dataclass(frozen=True)
class Candidate:
    """A registered version and what was measured on the origins of the test."""

    version: str
    run_id: str
    measures: rai.Measures


def train(
    settings: Settings,
    purpose: tracking.Purpose,
    trigger: str,
    as_of: pd.Timestamp | None = None,
) -> Candidate:
    """Check the truth as it was known, fit, measure, log and register."""
    client = tracking.connect(settings)
    contract = data.load_contract()
    truth = data.load_truth(settings.maturity_days)
    moment = as_of if as_of is not None else data.newest(truth)
    data.require(truth, contract, moment, settings.maturity_days)
    table = data.mature(truth, moment, settings.maturity_days)
    cut = backtest.windows(table, settings)
    run_name, estimator = model.build(settings)

    train_set = tracking.dataset(cut.train, contract, "training")
    test_set = tracking.dataset(cut.test, contract, "evaluation")
    tags = {
        "trigger": trigger,
        "as_of": str(moment.date()),
        "dataset_digest": train_set.digest,
        "evaluation_digest": test_set.digest,
    }
    with tracking.start_run(settings, purpose, run_name, **tags) as run:
        mlflow.log_input(train_set, context="training")
        mlflow.log_input(test_set, context="evaluation")
        mlflow.log_params(settings.model_dump(exclude={"tracking_uri"}))
        mlflow.log_params(_spans(cut))
        estimator.fit(cut.train[features.FEATURES], cut.train[features.TARGET])
        profile = _profile(estimator, cut, table, moment, settings)
        logged = _log_model(estimator, cut.train[features.FEATURES])
        place = {"model_id": logged.model_id, "dataset": test_set}
        measures = evidence.log(estimator, cut, profile["bands"], settings, **place)
        mlflow.log_dict(profile, tracking.PROFILE_FILE)
        mlflow.log_artifact(str(ROOT / "MODEL_CARD.md"))
        if faults := _faults(measures, settings):
            raise NotFitError(f"{'; '.join(faults)}; run {run.info.run_id} is kept")
        tracking.describe_model(client, settings)
        version = mlflow.register_model(logged.model_uri, settings.model_name).version
    client.set_registered_model_alias(settings.model_name, "challenger", version)
    return Candidate(str(version), run.info.run_id, measures)


def _spans(cut: backtest.Windows) -> dict[str, str]:
    """From which to which origin each window reaches."""
    return {
        f"{name}_window": f"{rows['origin'].min().date()} to {rows['origin'].max().date()}"
        for name, rows in vars(cut).items()
    }


def _profile(
    estimator: RegressorMixin,
    cut: backtest.Windows,
    table: pd.DataFrame,
    moment: pd.Timestamp,
    settings: Settings,
) -> dict[str, Any]:
    """What forecasting and monitoring need besides the estimator."""
    predicted = model.predict(estimator, cut.calibration)
    return {
        "as_of": str(moment.date()),
        "bands": model.bands(cut.calibration, predicted, settings.interval),
        "level_change": {
            str(name): float(level_changes(table[name]).abs().quantile(0.99)) for name in table
        },
    }


def level_changes(values: pd.Series) -> pd.Series:
    """By how much the level of a month differs from that of the month before, as logarithm."""
    level = values.rolling(features.MONTH).mean()
    return pd.Series(np.log(level / level.shift(features.MONTH))).dropna()


def _faults(measures: rai.Measures, settings: Settings) -> list[str]:
    """Which limits of the settings the candidate misses."""
    faults = []
    high = measures[model.KEY_METRIC].upper
    covered, least = measures["coverage"].value, settings.interval - settings.coverage_tolerance
    if high > settings.maximum_wape:
        faults.append(f"the interval of wape reaches {high:.3f}, above {settings.maximum_wape}")
    if covered < least:
        faults.append(f"the intervals cover {covered:.2f}, below {least:.2f}")
    return faults


def _log_model(estimator: RegressorMixin, inputs: pd.DataFrame) -> mlflow.models.model.ModelInfo:
    """The model with signature, example and pinned packages."""
    return mlflow.sklearn.log_model(
        estimator,
        name="model",
        signature=infer_signature(inputs, estimator.predict(inputs)),
        input_example=inputs.head(3),
        pip_requirements=tracking.requirements(),
        skops_trusted_types=model.TRUSTED_TYPES,
    )
