"""What a review reads of a candidate: measured once for each, on the rows held out.

``rai.py`` is the catalog's asset responsible-ai-evidence 1.0.0, unchanged: it measures and logs,
and the limits stand in the checklist of the review. Here is which of its measures fit this model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from . import bootstrap, model, rai
from .data import Contract
from .settings import Settings

UNAVAILABLE = "The columns that would tell groups of people apart may not be held."


def log(
    estimator: ClassifierMixin,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: Contract,
    settings: Settings,
    *,
    split: str,
    more: rai.Measures,
    **place: Any,
) -> rai.Measures:
    """Measure and log to the open run, with what was measured elsewhere (``more``).

    ``place`` names the evaluation dataset and the model.
    """
    columns, actual = [*contract.features, contract.target], test_rows[contract.target].to_numpy()
    inputs = test_rows[contract.features]
    compared, reasons = compare_groups(test_rows, actual, _classes(estimator, inputs), settings)
    measures = (
        _of_the_model(estimator, train_rows, test_rows, contract, settings)
        | more
        | compared
        | {"rai.data.schema_errors": rai.Measure(0.0)}  # with any, the contract stops the run
        | rai.data_quality(test_rows[columns], contract.target)
    )
    rai.log(
        measures,
        split=split,
        sensitive=settings.sensitive_features,
        cannot_measure=reasons,
        importances=rai.importance(
            lambda rows: _classes(estimator, rows), inputs, actual, model.accuracy, repeats=1
        ),
        **place,
    )
    return measures


def compare_groups(
    rows: pd.DataFrame, actual: NDArray[Any], predicted: NDArray[Any], settings: Settings
) -> tuple[rai.Measures, dict[str, str]]:
    """How well groups of people are served, and why that could not be measured."""
    if settings.sensitive_features == "none":
        return {}, {}
    if settings.sensitive_features == "unavailable":
        return {}, {"worst_group_ratio": UNAVAILABLE}
    groups = {name: rows[name] for name in settings.sensitive_features.split(",")}
    scores = {model.KEY_METRIC: rai.accuracy}
    quality = rai.group_quality(actual, predicted, groups, scores, settings.resamples)
    return rai.group_counts(groups) | quality, {}


def _classes(estimator: ClassifierMixin, rows: pd.DataFrame) -> NDArray[np.int64]:
    return model.answer(estimator, rows)[0]


def _of_the_model(
    estimator: ClassifierMixin,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: Contract,
    settings: Settings,
) -> rai.Measures:
    """The key metric, the gain over the nearest mean image, calibration, noise, membership."""
    actual, inputs = test_rows[contract.target].to_numpy(), test_rows[contract.features]
    seen, draws = train_rows[contract.target], settings.resamples
    predicted, confidence = model.answer(estimator, inputs)
    low, high = bootstrap.interval(
        actual, predicted, model.accuracy, resamples=draws, seed=settings.seed
    )
    value = model.accuracy(actual, predicted)
    baseline = model.nearest_mean(train_rows[contract.features], seen, inputs)
    return (
        {model.KEY_METRIC: rai.Measure(value, low, high, len(actual))}
        | {"rows_evaluated": rai.Measure(float(len(actual)))}
        | rai.baseline_gain(actual, predicted, baseline, model.accuracy, draws)
        | rai.calibration((actual == predicted).astype(int), confidence, draws)
        | rai.noise_drop(
            lambda rows: _classes(estimator, rows), inputs, actual, model.accuracy, draws
        )
        | rai.flip_rate(lambda rows: _classes(estimator, rows), inputs, draws)
        | rai.membership_inference(
            model.losses(estimator, train_rows[contract.features], seen.to_numpy()),
            model.losses(estimator, inputs, actual),
            draws,
        )
    )
