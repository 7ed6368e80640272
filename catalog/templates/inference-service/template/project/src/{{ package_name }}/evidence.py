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
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from . import bootstrap, model, rai
from .data import Contract
from .settings import Settings

UNAVAILABLE = "The columns that would tell groups of people apart may not be held."
MOST_GROUPS = 10
"""A column of more different numbers is compared in two bands, parted at the training median."""


def log(
    estimator: RegressorMixin,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: Contract,
    settings: Settings,
    **place: Any,
) -> rai.Measures:
    """Measure and log to the open run; ``place`` names the evaluation dataset and the model."""
    columns, actual = [*contract.features, contract.target], test_rows[contract.target].to_numpy()
    inputs, predict = model.inputs(test_rows, contract), partial(model.predict, estimator)
    compared, reasons = compare_groups(train_rows, test_rows, actual, predict(inputs), settings)
    measures = (
        _of_the_model(estimator, train_rows, test_rows, contract, settings)
        | compared
        | {"rai.data.schema_errors": rai.Measure(0.0)}  # with any, the contract stops the run
        | rai.data_quality(test_rows[columns])
        | rai.overlap(test_rows[columns], train_rows[columns])
        | rai.drift(train_rows[contract.features], test_rows[contract.features])
    )
    rai.log(
        measures,
        split="test",
        sensitive=settings.sensitive_features,
        cannot_measure=reasons,
        importances=rai.importance(predict, inputs, actual, r2_score),
        **place,
    )
    return measures


def compare_groups(
    train_rows: pd.DataFrame,
    rows: pd.DataFrame,
    actual: NDArray[np.float64],
    predicted: NDArray[np.float64],
    settings: Settings,
) -> tuple[rai.Measures, dict[str, str]]:
    """How far off the answers are for groups of people, and why that could not be measured."""
    if settings.sensitive_features == "none":
        return {}, {}
    if settings.sensitive_features == "unavailable":
        return {}, {"group_mae_ratio": UNAVAILABLE}
    names = settings.sensitive_features.split(",")
    groups = {name: _groups(rows[name], train_rows[name]) for name in names}
    errors = rai.group_errors(actual, predicted, groups, settings.resamples)
    return rai.group_counts(groups) | errors, {}


def _groups(column: pd.Series, seen: pd.Series) -> pd.Series:
    if seen.nunique() <= MOST_GROUPS:
        return column
    middle = seen.median()
    return pd.Series(np.where(column <= middle, f"up to {middle:g}", f"over {middle:g}"))


def _of_the_model(
    estimator: RegressorMixin,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: Contract,
    settings: Settings,
) -> rai.Measures:
    """The key metric, the gain over the median, noise, and what errors tell of membership."""
    actual, seen = (rows[contract.target].to_numpy() for rows in (test_rows, train_rows))
    inputs, draws = model.inputs(test_rows, contract), settings.resamples
    predicted = model.predict(estimator, inputs)
    low, high = bootstrap.interval(
        actual, predicted, model.mae, resamples=draws, seed=settings.seed
    )
    plain = {name: rai.Measure(one) for name, one in model.measure(actual, predicted).items()}
    key = rai.Measure(plain[model.KEY_METRIC].value, low, high, len(actual))
    constant = np.full(len(actual), np.median(seen))
    known = model.predict(estimator, model.inputs(train_rows, contract))
    return (
        (plain | {model.KEY_METRIC: key})
        | rai.baseline_gain(actual, predicted, constant, lambda *pair: -model.mae(*pair), draws)
        | rai.noise_drop(partial(model.predict, estimator), inputs, actual, r2_score, draws)
        | rai.membership_inference(np.abs(seen - known), np.abs(actual - predicted), draws)
    )
