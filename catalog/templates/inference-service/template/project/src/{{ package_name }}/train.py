"""Train a candidate, hold it against a constant, and register it as challenger."""

from __future__ import annotations

from dataclasses import dataclass

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from . import bootstrap, data, drift, model, service, tracking
from .settings import ROOT, Settings


class AboveLimitError(RuntimeError):
    """The candidate errs more than the settings allow; its run is kept, no version is made."""


@dataclass(frozen=True)
class Candidate:
    """A registered version and what was measured on the rows held out."""

    version: str
    run_id: str
    metrics: dict[str, float]


def train(settings: Settings, purpose: tracking.Purpose, trigger: str) -> Candidate:
    """Check the data, fit, measure, log and register."""
    client = tracking.connect(settings)
    contract = data.load_contract()
    rows = data.load_rows()
    data.require(rows, contract)
    train_rows, test_rows = data.split(rows, contract.key, settings.held_out_share)
    run_name, estimator = model.build(settings)

    train_set = tracking.dataset(train_rows, contract, "training")
    test_set = tracking.dataset(test_rows, contract, "evaluation")
    tags = {
        "trigger": trigger,
        "dataset_digest": train_set.digest,
        "evaluation_digest": test_set.digest,
        "rai.dataset.split": "test",
    }
    with tracking.start_run(settings, purpose, run_name, **tags) as run:
        mlflow.log_input(train_set, context="training")
        mlflow.log_input(test_set, context="evaluation")
        mlflow.log_params(settings.model_dump(exclude={"tracking_uri"}))
        estimator.fit(_inputs(train_rows, contract), train_rows[contract.target])
        metrics, predicted = _evaluate(estimator, train_rows, test_rows, contract, settings)
        logged = _log_model(estimator, _inputs(train_rows, contract))
        mlflow.log_metrics(metrics, model_id=logged.model_id, dataset=test_set)
        profile = drift.reference(_inputs(test_rows, contract), predicted)
        mlflow.log_dict(profile, service.REFERENCE_FILE)
        mlflow.log_artifact(str(ROOT / "MODEL_CARD.md"))
        high = metrics[f"{model.KEY_METRIC}_high"]
        if high > settings.maximum_mae:
            raise AboveLimitError(
                f"the interval of {model.KEY_METRIC} reaches up to {high:.3f}, above the limit of "
                f"{settings.maximum_mae}; run {run.info.run_id} is kept"
            )
        tracking.describe_model(client, settings)
        version = mlflow.register_model(logged.model_uri, settings.model_name).version
    client.set_registered_model_alias(settings.model_name, "challenger", version)
    return Candidate(str(version), run.info.run_id, metrics)


def _evaluate(
    estimator: RegressorMixin,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: data.Contract,
    settings: Settings,
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Metrics on the rows held out, with intervals, groups and the gain over the median."""
    actual = test_rows[contract.target].to_numpy()
    predicted = model.predict(estimator, _inputs(test_rows, contract))
    constant = np.full(len(actual), train_rows[contract.target].median())
    draws = {"resamples": settings.resamples, "seed": settings.seed}
    low, high = bootstrap.interval(actual, predicted, model.mae, **draws)
    gain = bootstrap.compare(
        actual, constant, predicted, model.mae, higher_is_better=False, **draws
    )
    metrics = model.measure(actual, predicted) | {
        f"{model.KEY_METRIC}_low": low,
        f"{model.KEY_METRIC}_high": high,
        "rai.baseline_gain": gain.difference,
        "rai.baseline_gain_low": gain.low,
        "rai.baseline_gain_high": gain.high,
        "rai.data.schema_errors": 0.0,
        "rai.data.overlap": float(test_rows[contract.key].isin(train_rows[contract.key]).sum()),
    }
    groups = model.by_group(actual, predicted, test_rows["sex"], "sex")
    return metrics | groups, predicted


def _inputs(rows: pd.DataFrame, contract: data.Contract) -> pd.DataFrame:
    """The inputs as the service will pass them: the contract's columns, all of them floats."""
    return rows[contract.features].astype(float)


def _log_model(estimator: RegressorMixin, features: pd.DataFrame) -> mlflow.models.model.ModelInfo:
    """The model with signature, example and pinned packages."""
    return mlflow.sklearn.log_model(
        estimator,
        name="model",
        signature=infer_signature(features, estimator.predict(features)),
        input_example=features.head(3),
        pip_requirements=tracking.requirements(),
        skops_trusted_types=model.TRUSTED_TYPES,
    )
