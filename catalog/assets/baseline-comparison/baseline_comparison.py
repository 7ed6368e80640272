"""Does a model beat the best trivial prediction, and by how much at least?

A baseline learns from the training target only: its mean, median, class shares or last values. The gain is the mean
difference of the losses per row, so both are scored on the same rows; its interval is a percentile bootstrap of those
differences (Efron and Tibshirani, 1993), in blocks where neighbouring rows are alike (moving block bootstrap, Künsch,
Annals of Statistics 17, 1989). Skill is 1 - loss / baseline loss (Murphy, Monthly Weather Review 116, 1988).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Verdict = Literal["beats the baseline", "loses to the baseline", "undecided"]
Loss = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]]

MINIMUM_BLOCKS = 30
"""Fewer independent blocks give no verdict: percentile intervals are too narrow there. A convention."""


def absolute(actual: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.float64]:
    """|actual - predicted|; the median is its best constant prediction."""
    return np.asarray(np.abs(actual - predicted), dtype=float)


def squared(actual: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.float64]:
    """(actual - predicted) squared; the mean is its best constant prediction, and for 0/1 it is the Brier score."""
    return np.asarray((actual - predicted) ** 2, dtype=float)


def wrong(actual: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.float64]:
    """1 for a wrong class, 0 for the right one; the commonest class is its best constant prediction."""
    return np.asarray(actual != predicted, dtype=float)


@dataclass(frozen=True)
class Gain:
    """How much smaller the model's loss is than that of the best baseline, with interval and verdict."""

    baseline: str
    baseline_loss: float
    model_loss: float
    gain: float
    low: float
    high: float
    skill: float
    verdict: Verdict
    reason: str


def constant_baselines(train_target: ArrayLike, rows: int) -> dict[str, NDArray[Any]]:
    """The commonest value and, for numbers, mean and median of the training target, each repeated ``rows`` times."""
    target = np.asarray(train_target)
    if target.size == 0 or rows < 1:
        raise ValueError("give a training target with at least one value, and the number of rows to predict")
    values, counts = np.unique(target, return_counts=True)
    constants: dict[str, Any] = {"commonest value": values[counts.argmax()]}
    if np.issubdtype(target.dtype, np.number) or target.dtype == bool:
        constants |= {"mean": target.mean(), "median": np.median(target)}
    return {name: np.full(rows, value) for name, value in constants.items()}


def seasonal_baseline(train_target: ArrayLike, rows: int, season: int = 1) -> dict[str, NDArray[Any]]:
    """The last season of training, repeated; a season of 1 repeats the last value."""
    target = np.asarray(train_target)
    if rows < 1 or not 1 <= season <= len(target):
        raise ValueError(f"give rows to predict, and a season from 1 to {len(target)} training values, not {season}")
    return {f"season of {season}": np.resize(target[-season:], rows)}


def compare(
    actual: ArrayLike,
    predicted: ArrayLike,
    baselines: Mapping[str, ArrayLike],
    loss: Loss,
    *,
    block: int = 1,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Gain:
    """Hold the model against the baseline with the smallest loss; ``block`` is the run of rows that are alike."""
    truth = np.asarray(actual)
    if not baselines:
        raise ValueError("name at least one baseline; see constant_baselines and seasonal_baseline")
    if not 1 <= block <= len(truth) or resamples < 100 or not 0 < confidence < 1:
        raise ValueError("use a block from 1 to the number of rows, 100 resamples or more, a confidence in (0, 1)")
    model = _losses(truth, predicted, loss, "the model")
    by_name = {name: _losses(truth, one, loss, f"the baseline {name!r}") for name, one in baselines.items()}
    best = min(by_name, key=lambda name: float(by_name[name].mean()))
    differences = by_name[best] - model
    means = _block_means(differences, block, resamples, np.random.default_rng(seed))
    low, high = (float(one) for one in np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2]))
    verdict, reason = _judge(low, high, len(truth) // block)
    old, new = float(by_name[best].mean()), float(model.mean())
    skill = 1 - new / old if old > 0 else float("nan")
    return Gain(best, old, new, old - new, low, high, skill, verdict, reason)


def _losses(truth: NDArray[Any], predicted: ArrayLike, loss: Loss, who: str) -> NDArray[np.float64]:
    guess = np.asarray(predicted)
    if guess.shape != truth.shape or truth.ndim != 1 or len(truth) == 0:
        raise ValueError(f"{who} has predictions of shape {guess.shape} for {truth.shape} rows; give one per row")
    found = loss(truth, guess)
    if not np.all(np.isfinite(found)):
        raise ValueError(f"the loss of {who} is not finite in some rows; look for missing values")
    return found


def _block_means(
    values: NDArray[np.float64], block: int, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Means of resamples that are put together from runs of ``block`` neighbouring rows, cut to the same length."""
    rows = len(values)
    blocks = -(-rows // block)
    means = np.empty(resamples)
    for one in range(resamples):
        starts = rng.integers(rows - block + 1, size=(blocks, 1))
        means[one] = values[(starts + np.arange(block)).ravel()[:rows]].mean()
    return means


def _judge(low: float, high: float, blocks: int) -> tuple[Verdict, str]:
    if blocks < MINIMUM_BLOCKS:
        return "undecided", f"only {blocks} independent rows or blocks; at least {MINIMUM_BLOCKS} are needed"
    if low > 0:
        return "beats the baseline", "the whole interval of the gain lies above 0"
    if high < 0:
        return "loses to the baseline", "the whole interval of the gain lies below 0"
    return "undecided", "the interval of the gain includes 0"
