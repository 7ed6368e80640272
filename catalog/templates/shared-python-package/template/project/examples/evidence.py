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
from sklearn.pipeline import Pipeline

from . import bootstrap, data, model, rai
from .settings import Settings

COMPARISONS = ("demographic_parity_ratio", "equalized_odds_difference", "worst_group_ratio")
UNAVAILABLE = "The columns that would tell groups of people apart may not be held."


def log(
    estimator: Pipeline,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: data.Contract,
    settings: Settings,
    **place: Any,
) -> rai.Measures:
    """Measure and log to the open run; ``place`` names the evaluation dataset and the model."""
    columns, actual = [*contract.features, contract.target], test_rows[contract.target].to_numpy()
    inputs, predict = test_rows[contract.features], partial(model.scores, estimator)
    measures = (
        _of_the_model(estimator, train_rows, test_rows, contract, settings)
        | _gains(estimator, train_rows, test_rows, contract, settings)
        | {"rai.data.schema_errors": rai.Measure(0.0)}  # with any, the contract stops the run
        | rai.data_quality(test_rows[columns], contract.target)
        | rai.overlap(test_rows[columns], train_rows[columns])
        | rai.drift(train_rows[contract.features], inputs)
    )
    is_said = settings.sensitive_features == "unavailable"
    rai.log(
        measures,
        split="test",
        sensitive=settings.sensitive_features,
        cannot_measure=dict.fromkeys(COMPARISONS, UNAVAILABLE) if is_said else {},
        importances=rai.importance(predict, inputs, actual, _score),
        **place,
    )
    return measures


def _of_the_model(
    estimator: Pipeline,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: data.Contract,
    settings: Settings,
) -> rai.Measures:
    """The key metric, calibration, noise, and what losses tell of membership."""
    actual, seen = (rows[contract.target].to_numpy() for rows in (test_rows, train_rows))
    inputs, draws = test_rows[contract.features], settings.resamples
    predict = partial(model.scores, estimator)
    predicted = predict(inputs)
    low, high = bootstrap.interval(
        actual, predicted, model.log_loss, resamples=draws, seed=settings.seed
    )
    plain = {name: rai.Measure(one) for name, one in model.measure(actual, predicted).items()}
    key = rai.Measure(plain[model.KEY_METRIC].value, low, high, len(actual))
    return (
        (plain | {model.KEY_METRIC: key})
        | rai.calibration(actual, predicted, draws)
        | rai.noise_drop(predict, inputs, actual, _score, draws)
        | rai.membership_inference(
            model.losses(seen, predict(train_rows[contract.features])),
            model.losses(actual, predicted),
            draws,
        )
    )


def _gains(
    estimator: Pipeline,
    train_rows: pd.DataFrame,
    test_rows: pd.DataFrame,
    contract: data.Contract,
    settings: Settings,
) -> rai.Measures:
    """The gains over the base rate, and over the same model without the package."""
    actual, clean = test_rows[contract.target].to_numpy(), test_rows[contract.features]
    dirty = data.mistype(clean, contract.features, settings.mistyped_share, settings.seed)
    _, plain = model.build(settings.model_copy(update={"approach": "plain"}))
    plain.fit(train_rows[contract.features], train_rows[contract.target])
    base = model.base_rate(train_rows[contract.target], len(test_rows))
    pairs = {
        "rai.baseline_gain": (base, model.scores(estimator, clean)),
        "package_gain_clean": (model.scores(plain, clean), model.scores(estimator, clean)),
        "package_gain_mistyped": (model.scores(plain, dirty), model.scores(estimator, dirty)),
    }
    found: rai.Measures = {}
    for name, (without, with_it) in pairs.items():
        gain = rai.baseline_gain(actual, with_it, without, _score, settings.resamples)
        found[name] = gain["rai.baseline_gain"]
    return found


def _score(actual: NDArray[Any], predicted: NDArray[Any]) -> float:
    """The key metric turned round: more is better."""
    return -model.log_loss(np.asarray(actual), np.asarray(predicted))
