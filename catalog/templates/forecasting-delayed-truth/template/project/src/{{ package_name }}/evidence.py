"""What a review reads of a candidate: measured once for each, on the origins of the test.

``rai.py`` is the catalog's asset responsible-ai-evidence 1.0.0, unchanged: it measures and logs,
and the limits stand in the checklist of the review. Here is which of its measures fit a forecast.
Its own intervals take rows as independent, which forecasts are not: those of ``bootstrap.py`` draw
whole blocks of origins and are logged in their place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from . import backtest, bootstrap, features, model, rai
from .settings import Settings


def log(
    estimator: RegressorMixin,
    cut: backtest.Windows,
    factors: model.Bands,
    settings: Settings,
    **place: Any,
) -> rai.Measures:
    """Measure and log to the open run; ``place`` names the evaluation dataset and the model."""
    rows, inputs = cut.test, cut.test[features.FEATURES]
    again = rows["origin"].isin(cut.train["origin"]).sum()
    measures = (
        _of_the_model(estimator, cut, factors, settings)
        | {"rai.data.schema_errors": rai.Measure(0.0)}  # with any, the contract stops the run
        | rai.data_quality(rows)
        | {"rai.data.overlap": rai.Measure(float(again), rows=len(rows))}
        | rai.drift(cut.train[features.FEATURES], inputs)
    )
    rai.log(
        measures,
        split="test",
        sensitive=settings.sensitive_features,
        importances=rai.importance(
            lambda rows: model.predict(estimator, rows),
            inputs,
            rows[features.TARGET],
            lambda *pair: -model.wape(*pair),
        ),
        **place,
    )
    return measures


def _of_the_model(
    estimator: RegressorMixin, cut: backtest.Windows, factors: model.Bands, settings: Settings
) -> rai.Measures:
    """Error with its interval, gain over the seasonal naive forecast, coverage, weeks ahead."""
    rows = cut.test
    actual, predicted = rows[features.TARGET].to_numpy(), model.predict(estimator, rows)
    draws = {
        "block": backtest.block(settings),
        "resamples": settings.resamples,
        "seed": settings.seed,
    }
    scored = backtest.score(rows, rows[features.NAIVE].to_numpy(), predicted)
    gain, origins = bootstrap.compare(scored, **draws), rows["origin"].nunique()
    covered = model.coverage(actual, *model.limits(rows, predicted, factors))
    return {
        model.KEY_METRIC: rai.Measure(
            gain.challenger, *bootstrap.interval(scored, **draws), origins
        ),
        f"naive_{model.KEY_METRIC}": rai.Measure(gain.champion),
        "rai.baseline_gain": rai.Measure(gain.difference, gain.low, gain.high, origins),
        "coverage": rai.Measure(covered, rows=len(rows)),
        "rows_evaluated": rai.Measure(float(len(rows))),
        "origins_evaluated": rai.Measure(float(origins)),
        **_by_week(model.weeks_ahead(rows).to_numpy(), actual, predicted),
    }


def _by_week(
    weeks: NDArray[np.int64], actual: NDArray[np.float64], predicted: NDArray[np.float64]
) -> rai.Measures:
    """The error for each week ahead: a forecast of tomorrow is easier than one of next month."""
    errors = {
        week: model.wape(actual[weeks == week], predicted[weeks == week])
        for week in np.unique(weeks)
    }
    return {f"{model.KEY_METRIC}.week_{week}": rai.Measure(one) for week, one in errors.items()}
