"""Are predicted probabilities believable? Bins, expected calibration error and Brier score, each with its uncertainty.

ECE is the mean gap between predicted and observed share over bins, weighted by rows (Naeini, Cooper and Hauskrecht,
AAAI 2015). It is biased upwards in small samples (Bröcker, "Estimating reliability and resolution of probability
forecasts through decomposition of the empirical score", 2012; Kumar, Liang and Ma, NeurIPS 2019), so it is shown beside
the ECE that a perfectly calibrated model would show on the same predictions (consistency resampling, Bröcker and
Smith, "Increasing the reliability of reliability diagrams", Weather and Forecasting, 2007). The Brier score is the mean
squared error of the probability (Brier, 1950).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Verdict = Literal["pass", "fail", "inconclusive"]

ECE_LIMIT = 0.05
"""The ECE from which probabilities should not be used as such. A convention; set your own."""

MINIMUM_ROWS = 100


@dataclass(frozen=True)
class Bin:
    """Rows of similar prediction; ``low`` to ``high`` is the Wilson interval of the observed share."""

    rows: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """The scores with intervals, the ECE that chance alone explains, and the verdict."""

    bins: tuple[Bin, ...]
    ece: float
    ece_low: float
    ece_high: float
    ece_by_chance: float
    brier: float
    brier_low: float
    brier_high: float
    verdict: Verdict
    reason: str


def report(
    actual: ArrayLike,
    probability: ArrayLike,
    *,
    bins: int = 10,
    limit: float = ECE_LIMIT,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Calibration:
    """Judge probabilities of the positive class against outcomes of 0 and 1, in bins of equal numbers of rows."""
    outcome, chance = _checked(actual, probability)
    if bins < 2 or resamples < 100 or not 0 < confidence < 1:
        raise ValueError("use at least 2 bins and 100 resamples, and a confidence between 0 and 1")
    place = _places(chance, bins)
    rng = np.random.default_rng(seed)
    ece = _ece(outcome, chance, place)
    drawn = (rng.integers(len(outcome), size=len(outcome)) for _ in range(resamples))
    resampled = np.array([_ece(outcome[rows], chance[rows], place[rows]) for rows in drawn])
    by_chance = np.array([_ece(rng.random(len(chance)) < chance, chance, place) for _ in range(resamples)])

    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    noise = float(np.quantile(by_chance, tails[1]))
    low, high = _ece_interval(ece, resampled, noise, tails)
    squared = (chance - outcome) ** 2
    margin = float(NormalDist().inv_cdf(tails[1]) * squared.std(ddof=1) / np.sqrt(len(squared)))
    brier = float(squared.mean())
    verdict, reason = _judge(len(outcome), ece, low, high, noise, limit)
    table = tuple(_bin(outcome[place == one], chance[place == one], confidence) for one in np.unique(place))
    return Calibration(table, ece, low, high, noise, brier, max(brier - margin, 0.0), brier + margin, verdict, reason)


def _checked(actual: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    outcome, chance = np.asarray(actual, dtype=float), np.asarray(probability, dtype=float)
    if outcome.ndim != 1 or outcome.shape != chance.shape or len(outcome) < 2:
        raise ValueError(f"shapes {outcome.shape} and {chance.shape}; give one outcome and one probability per row")
    if not np.all(np.isin(outcome, (0, 1))):
        raise ValueError("actual must hold 0 and 1 only; for several classes report one class against the rest")
    if not np.all((chance >= 0) & (chance <= 1)):
        raise ValueError("probability must lie between 0 and 1; pass predict_proba(...)[:, 1], not a decision score")
    return outcome, chance


def _places(chance: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    """The bin of each row; bins hold about equal numbers of rows, and equal predictions share a bin."""
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, chance, side="left")


def _ece(outcome: NDArray[Any], chance: NDArray[np.float64], place: NDArray[np.intp]) -> float:
    """Sum over the bins of |sum of (probability - outcome)|, divided by all rows."""
    return float(np.abs(np.bincount(place, weights=chance - outcome)).sum() / len(place))


def _ece_interval(ece: float, resampled: NDArray[np.float64], noise: float, tails: list[float]) -> tuple[float, float]:
    """A cautious interval: above, the percentile bound; below, the pivotal bound, which takes off the upward bias.

    Where chance explains the whole ECE, the bound below is 0: the bootstrap does not hold at that edge.
    """
    high = float(np.quantile(resampled, tails[1]))
    return (0.0 if ece <= noise else max(2 * ece - high, 0.0)), high


def _bin(outcome: NDArray[np.float64], chance: NDArray[np.float64], confidence: float) -> Bin:
    """One bin; the interval is Wilson's (1927), which also holds for shares near 0 and 1."""
    rows, observed, z = len(outcome), float(outcome.mean()), NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (observed + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(observed * (1 - observed) / rows + z**2 / (4 * rows**2))
    return Bin(rows, float(chance.mean()), observed, max(float(centre - half), 0.0), min(float(centre + half), 1.0))


def _judge(rows: int, ece: float, low: float, high: float, noise: float, limit: float) -> tuple[Verdict, str]:
    if rows < MINIMUM_ROWS:
        return "inconclusive", f"only {rows} rows; at least {MINIMUM_ROWS} are needed"
    if high <= limit:
        return "pass", f"the ECE is at most {high:.3f}, within {limit:g}"
    if low > limit:
        return "fail", f"the ECE is at least {low:.3f}, above {limit:g}"
    if ece <= noise:
        return "inconclusive", f"an ECE of {ece:.3f} is no more than chance gives a calibrated model ({noise:.3f})"
    return "inconclusive", f"the ECE lies between {low:.3f} and {high:.3f}, which includes {limit:g}; use more rows"
