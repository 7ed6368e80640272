"""What a review reads of a candidate: measured once for each, on the rows held out.

``rai.py`` is the catalog's asset responsible-ai-evidence 1.0.0, unchanged: it measures and logs,
and the limits stand in the checklist of the review. Here is which of its measures fit this model.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from . import bootstrap, model, rai
from .data import Contract
from .settings import Settings

COMPARISONS = (
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "worst_group_ratio",
)
UNAVAILABLE = "The columns that would tell groups of people apart may not be held."


def log(
    estimator: ClassifierMixin,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: Contract,
    settings: Settings,
    **place: Any,
) -> rai.Measures:
    """Measure and log to the open run; ``place`` names the evaluation dataset and the model."""
    columns, actual = [*contract.features, contract.target], test_rows[contract.target].to_numpy()
    inputs, predict = test_rows[contract.features], partial(model.scores, estimator)
    compared, reasons = compare_groups(test_rows, actual, predict(inputs), settings)
    measures = (
        _of_the_model(estimator, train_rows, test_rows, contract, settings)
        | compared
        | {"rai.data.schema_errors": rai.Measure(0.0)}  # with any, the contract stops the run
        | rai.data_quality(test_rows[columns], contract.target)
        | rai.overlap(test_rows[columns], train_rows[columns])
        | rai.drift(train_rows[contract.features], inputs)
    )
    rai.log(
        measures,
        split="test",
        sensitive=settings.sensitive_features,
        cannot_measure=reasons,
        importances=rai.importance(predict, inputs, actual, model.roc_auc),
        **place,
    )
    return measures


def compare_groups(
    rows: pd.DataFrame, actual: NDArray[Any], scores: NDArray[np.float64], settings: Settings
) -> tuple[rai.Measures, dict[str, str]]:
    """How groups of people fare, and per check why that could not be measured."""
    if settings.sensitive_features == "none":
        return {}, {}
    if settings.sensitive_features == "unavailable":
        return {}, dict.fromkeys(COMPARISONS, UNAVAILABLE)
    groups = {name: rows[name] for name in settings.sensitive_features.split(",")}
    decided, draws = _decided(scores, settings), settings.resamples
    measures = rai.group_counts(groups) | rai.group_quality(
        actual, decided, groups, {"accuracy": rai.accuracy}, draws
    )
    try:
        return measures | rai.group_rates(actual, decided, groups, draws), {}
    except ValueError as error:
        return measures, dict.fromkeys(COMPARISONS[:3], str(error))


def _of_the_model(
    estimator: ClassifierMixin,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: Contract,
    settings: Settings,
) -> rai.Measures:
    """The key metric, the gain over the best single column, calibration, noise and membership."""
    actual, inputs = test_rows[contract.target].to_numpy(), test_rows[contract.features]
    predict, draws = partial(model.scores, estimator), settings.resamples
    scores = predict(inputs)
    low, high = bootstrap.interval(
        actual, scores, model.roc_auc, resamples=draws, seed=settings.seed
    )
    plain = {name: rai.Measure(value) for name, value in model.measure(actual, scores).items()}
    key = rai.Measure(plain[model.KEY_METRIC].value, low, high, len(actual))
    column, sign = model.best_single_feature(train_rows, contract.features, contract.target)
    baseline = sign * test_rows[column].to_numpy()
    seen = predict(train_rows[contract.features])
    return (
        (plain | {model.KEY_METRIC: key})
        | rai.baseline_gain(actual, scores, baseline, model.roc_auc, draws)
        | rai.calibration(actual, scores, draws)
        | rai.noise_drop(predict, inputs, actual, model.roc_auc, draws)
        | rai.flip_rate(lambda rows: _decided(predict(rows), settings), inputs, draws)
        | rai.membership_inference(
            model.losses(train_rows[contract.target].to_numpy(), seen),
            model.losses(actual, scores),
            draws,
        )
    )


def _decided(scores: NDArray[np.float64], settings: Settings) -> NDArray[np.int64]:
    """A yes (1) from the threshold on; where people decide by rank, from a half on."""
    return (scores >= (settings.threshold or 0.5)).astype(int)
