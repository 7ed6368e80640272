"""Compare two models on the same rows, and claim no more than the rows support.

After the catalog's asset champion-challenger-comparison 1.0.0: a percentile interval from a paired
bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13). Each
resample draws rows once and scores both models on them, so that the noise they share cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["better", "worse", "undecided"]
Metric = Callable[[NDArray[Any], NDArray[Any]], float]

MINIMUM_ROWS = 100
"""Fewer rows give no verdict: percentile intervals are too narrow there. A convention."""

UNDEFINED_SHARE = 0.01
"""The share of resamples in which a metric may be undefined. A convention."""


@dataclass(frozen=True)
class Comparison:
    """The verdict with its reason; ``difference`` is positive where the challenger is better."""

    verdict: Verdict
    reason: str
    champion: float
    challenger: float
    difference: float
    low: float
    high: float


def compare(
    actual: NDArray[Any],
    champion: NDArray[Any],
    challenger: NDArray[Any],
    metric: Metric,
    *,
    higher_is_better: bool = True,
    minimum_lift: float = 0.0,
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Judge two sets of predictions for the same rows; better means by more than the lift."""
    if not len(actual) == len(champion) == len(challenger):
        raise ValueError("give one actual value and two predictions for each row")
    more, less = (challenger, champion) if higher_is_better else (champion, challenger)
    low, high = _limits(
        [
            metric(actual[rows], more[rows]) - metric(actual[rows], less[rows])
            for rows in _draws(len(actual), resamples, seed)
        ]
    )
    difference = metric(actual, more) - metric(actual, less)
    old, new = metric(actual, champion), metric(actual, challenger)
    verdict, reason = _judge(low, high, minimum_lift, len(actual))
    return Comparison(verdict, reason, old, new, difference, low, high)


def interval(
    actual: NDArray[Any],
    predicted: NDArray[Any],
    metric: Metric,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval of one model's metric."""
    return _limits(
        [metric(actual[rows], predicted[rows]) for rows in _draws(len(actual), resamples, seed)]
    )


def _draws(rows: int, resamples: int, seed: int) -> Iterator[NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    return (rng.integers(rows, size=rows) for _ in range(resamples))


def _limits(values: list[float]) -> tuple[float, float]:
    defined = np.asarray(values)[np.isfinite(values)]
    if len(defined) < (1 - UNDEFINED_SHARE) * len(values):
        raise ValueError("the metric is undefined in more than 1 % of the resamples; use more rows")
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


def _judge(low: float, high: float, minimum_lift: float, rows: int) -> tuple[Verdict, str]:
    if rows < MINIMUM_ROWS:
        return "undecided", f"only {rows} rows; at least {MINIMUM_ROWS} are needed"
    if low > minimum_lift:
        return "better", f"the whole interval lies above {minimum_lift:g}"
    if high < 0:
        return "worse", "the whole interval lies below 0"
    if low > 0:
        return "undecided", f"a gain is there, but it may be smaller than {minimum_lift:g}"
    return "undecided", "the interval includes 0: these rows cannot tell the models apart"
