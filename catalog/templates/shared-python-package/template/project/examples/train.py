"""Train a candidate with the package, hold it against doing without, and register it as challenger.

Three gains are measured on the rows held out: over the base rate, which is the forecast without a
model; over the same model without the package, which is its price where the data are clean; and
the same on rows with typing errors, which is what the package is for.
"""

from __future__ import annotations

from dataclasses import dataclass

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from . import bootstrap, data, model, tracking
from .settings import ROOT, Settings


class AboveCeilingError(RuntimeError):
    """The candidate misses the ceiling of the settings; its run is kept, no version is made."""


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
    cases = data.load_cases()
    data.require(cases, contract, labelled=True)
    train_rows, test_rows = data.split(cases, contract.key, settings.held_out_share)
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
        estimator.fit(train_rows[contract.features], train_rows[contract.target])
        metrics = _evaluate(estimator, train_rows, test_rows, contract, settings)
        logged = _log_model(estimator, train_rows[contract.features])
        mlflow.log_metrics(metrics, model_id=logged.model_id, dataset=test_set)
        mlflow.log_artifact(str(ROOT / "MODEL_CARD.md"))
        high = metrics[f"{model.KEY_METRIC}_high"]
        if high > settings.maximum_log_loss:
            raise AboveCeilingError(
                f"the interval of {model.KEY_METRIC} ends at {high:.3f}, above the ceiling of "
                f"{settings.maximum_log_loss}; run {run.info.run_id} is kept"
            )
        tracking.describe_model(client, settings)
        version = mlflow.register_model(logged.model_uri, settings.model_name).version
    client.set_registered_model_alias(settings.model_name, "challenger", version)
    return Candidate(str(version), run.info.run_id, metrics)


def _evaluate(
    estimator: Pipeline,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: data.Contract,
    settings: Settings,
) -> dict[str, float]:
    """Metrics on the rows held out, with an interval and the gains over doing without."""
    actual = test_rows[contract.target].to_numpy()
    clean = test_rows[contract.features]
    dirty = data.mistype(clean, contract.features, settings.mistyped_share, settings.seed)
    predicted = model.scores(estimator, clean)
    low, high = bootstrap.interval(
        actual, predicted, model.log_loss, resamples=settings.resamples, seed=settings.seed
    )
    _, plain = model.build(settings.model_copy(update={"approach": "plain"}))
    plain.fit(train_rows[contract.features], train_rows[contract.target])
    base = model.base_rate(train_rows[contract.target], len(test_rows))
    pairs = {
        "rai.baseline_gain": (base, predicted),
        "package_gain_clean": (model.scores(plain, clean), predicted),
        "package_gain_mistyped": (model.scores(plain, dirty), model.scores(estimator, dirty)),
    }
    metrics = model.measure(actual, predicted) | {
        f"{model.KEY_METRIC}_low": low,
        f"{model.KEY_METRIC}_high": high,
        "rai.data.schema_errors": 0.0,
        "rai.data.overlap": float(test_rows[contract.key].isin(train_rows[contract.key]).sum()),
    }
    for name, (without, with_it) in pairs.items():
        metrics |= _gain(name, actual, without, with_it, settings)
    return metrics


def _gain(
    name: str,
    actual: NDArray[np.bool_],
    without: NDArray[np.float64],
    with_it: NDArray[np.float64],
    settings: Settings,
) -> dict[str, float]:
    """The gain over predictions made without something, for the same rows, with its interval."""
    gain = bootstrap.compare(
        actual,
        without,
        with_it,
        model.log_loss,
        higher_is_better=model.METRIC_DIRECTION == "higher",
        resamples=settings.resamples,
        seed=settings.seed,
    )
    return {name: gain.difference, f"{name}_low": gain.low, f"{name}_high": gain.high}


def _log_model(estimator: Pipeline, features: pd.DataFrame) -> ModelInfo:
    """The model with signature, example, pinned packages and the source of our own package."""
    return mlflow.sklearn.log_model(
        estimator,
        name="model",
        signature=infer_signature(features, estimator.predict_proba(features)),
        input_example=features.head(3),
        pip_requirements=tracking.requirements(),
        code_paths=[str(model.PACKAGE)],
        pyfunc_predict_fn="predict_proba",
        skops_trusted_types=model.TRUSTED_TYPES,
    )
