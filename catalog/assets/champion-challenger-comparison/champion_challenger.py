"""Compare a challenger model with the champion on the same rows, and claim no more than the rows support.

The difference of a metric comes with a percentile interval from a paired bootstrap: every resample draws rows once and
scores both models on them, so the noise both share cancels (Efron and Tibshirani, "An Introduction to the Bootstrap",
1993, chapters 8 and 13). Where rows belong together (visits of a patient), whole groups are drawn (Davison and Hinkley,
"Bootstrap Methods and their Application", 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Verdict = Literal["better", "worse", "undecided", "not comparable"]
Metric = Callable[[NDArray[Any], NDArray[Any]], float]

MINIMUM_UNITS = 100
"""Fewer independent rows (or groups) give no verdict: percentile intervals are too narrow there. A convention."""

UNDEFINED_SHARE = 0.01
"""The share of resamples in which a metric may be undefined, such as AUC without a positive row. A convention."""


@dataclass(frozen=True)
class Evaluation:
    """What one model predicted for one evaluation set; the digest identifies the set."""

    dataset_digest: str
    actual: ArrayLike
    predicted: ArrayLike


@dataclass(frozen=True)
class Comparison:
    """The verdict with its reason; ``difference`` is positive where the challenger is better."""

    verdict: Verdict
    reason: str
    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None


def compare(
    champion: Evaluation,
    challenger: Evaluation,
    metric: Metric,
    *,
    higher_is_better: bool = True,
    minimum_lift: float = 0.0,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Judge the challenger by ``metric(actual, predicted)``; "better" means better by more than ``minimum_lift``."""
    if not 0 < confidence < 1 or resamples < 100 or minimum_lift < 0:
        raise ValueError("use a confidence between 0 and 1, at least 100 resamples and a minimum_lift of 0 or more")
    actual, old = _arrays(champion, "champion")
    other_actual, new = _arrays(challenger, "challenger")
    if obstacle := _obstacle(champion, challenger, actual, other_actual):
        return Comparison("not comparable", obstacle)

    sign = 1.0 if higher_is_better else -1.0
    scores = metric(actual, old), metric(actual, new)
    if not np.all(np.isfinite(scores)):
        raise ValueError(f"the metric is {scores} on the full set; choose a metric that is defined for these rows")
    units = _units(groups, len(actual))
    rng = np.random.default_rng(seed)
    differences = np.array(
        [
            sign * (metric(actual[rows], new[rows]) - metric(actual[rows], old[rows]))
            for rows in (_draw(units, rng) for _ in range(resamples))
        ]
    )
    low, high = _interval(differences, confidence)
    verdict, reason = _judge(low, high, minimum_lift, len(units))
    return Comparison(verdict, reason, *scores, sign * (scores[1] - scores[0]), low, high)


def _arrays(evaluation: Evaluation, who: str) -> tuple[NDArray[Any], NDArray[Any]]:
    actual, predicted = np.asarray(evaluation.actual), np.asarray(evaluation.predicted)
    if len(actual) == 0 or len(actual) != len(predicted):
        raise ValueError(f"the {who} has {len(actual)} actual and {len(predicted)} predicted rows; give one per row")
    return actual, predicted


def _obstacle(champion: Evaluation, challenger: Evaluation, actual: NDArray[Any], other: NDArray[Any]) -> str:
    if not champion.dataset_digest or not challenger.dataset_digest:
        return "an evaluation has no dataset digest, so nothing shows that the data are the same"
    if champion.dataset_digest != challenger.dataset_digest:
        return f"different data: {champion.dataset_digest} and {challenger.dataset_digest}"
    if not np.array_equal(actual, other):
        return "the digests agree but the actual values do not: the rows differ or stand in another order"
    return ""


def _units(groups: ArrayLike | None, rows: int) -> list[NDArray[np.intp]] | range:
    """What the bootstrap draws: single rows, or the rows of each group."""
    if groups is None:
        return range(rows)
    labels = np.asarray(groups)
    if len(labels) != rows:
        raise ValueError(f"groups has {len(labels)} labels for {rows} rows; give one label per row")
    _, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return np.split(np.argsort(inverse, kind="stable"), np.cumsum(sizes)[:-1])


def _draw(units: list[NDArray[np.intp]] | range, rng: np.random.Generator) -> NDArray[np.intp]:
    chosen = rng.integers(len(units), size=len(units))
    return chosen if isinstance(units, range) else np.concatenate([units[one] for one in chosen])


def _interval(differences: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    defined = differences[np.isfinite(differences)]
    if len(defined) < (1 - UNDEFINED_SHARE) * len(differences):
        raise ValueError("the metric is undefined in more than 1 % of the resamples; use more rows or another metric")
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def _judge(low: float, high: float, minimum_lift: float, units: int) -> tuple[Verdict, str]:
    if units < MINIMUM_UNITS:
        return "undecided", f"only {units} independent rows or groups; at least {MINIMUM_UNITS} are needed"
    if low > minimum_lift:
        return "better", f"the whole interval lies above {minimum_lift:g}"
    if high < 0:
        return "worse", "the whole interval lies below 0"
    if low > 0:
        return "undecided", f"a gain is there, but it may be smaller than the {minimum_lift:g} asked for"
    return "undecided", "the interval includes 0: these rows cannot tell the models apart"
