"""Two group-fairness metrics of a yes/no decision, with intervals and a verdict that may say "inconclusive".

The ratio of selection rates is held against 0.80, the four-fifths rule of 29 CFR 1607.4(D): a screen, not a verdict on
discrimination. Equalized odds is defined by Hardt, Price and Srebro, "Equality of Opportunity in Supervised Learning",
2016; the limit 0.10 is a convention.

Both metrics are extremes over pairs of groups, and the extreme of noisy numbers is biased. So every pair gets its own
bootstrap interval at a Bonferroni level, and the extremes of those bounds enclose the true extreme with at least the
stated confidence. Within a group, drawing rows of 0 and 1 with replacement is a binomial draw, which is what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Verdict = Literal["pass", "fail", "inconclusive"]

RATIO_LIMIT = 0.80
DIFFERENCE_LIMIT = 0.10
MINIMUM_GROUP = 100
"""At 25 to 50 rows a group, equal selection rates of 30 % fall below 0.80 about every other time. A convention."""

RESAMPLES = 10_000
HALF = 0.5
"""Half a case is added to both outcomes of a group (Jeffreys), so that 0 of 20 does not count as certainly never."""


@dataclass(frozen=True)
class Fairness:
    """A metric with its interval and verdict.

    ``rows_needed`` is about how many rows, with the same mix of groups, would settle an inconclusive verdict.
    """

    metric: str
    value: float
    low: float
    high: float
    limit: float
    verdict: Verdict
    reason: str
    groups: dict[str, int]
    rows_needed: int | None = None


def selection_rate_ratio(
    predicted: ArrayLike, group: ArrayLike, limit: float = RATIO_LIMIT, confidence: float = 0.95, seed: int = 0
) -> Fairness:
    """The lowest selection rate of a group divided by the highest; 1 is equal."""
    chosen, labels, sizes = _prepare(predicted, group)
    hits = np.bincount(labels, weights=chosen)
    totals = np.array(list(sizes.values()))
    if hits.max() == 0:
        raise ValueError("no row of any group is selected, so the ratio does not exist; check the threshold")
    rates = hits / totals
    draws = [_draws(hits, totals, np.random.default_rng(seed))]
    lows, highs = _bounds(draws, np.divide, confidence)
    value, low, high = float(rates.min() / rates.max()), float(lows.min()), min(float(highs.min()), 1.0)
    verdict: Verdict = "pass" if low >= limit else "fail" if high < limit else "inconclusive"
    gap = math.log(value / limit) if value > 0 else -math.inf
    noise = math.log(value / low) if gap > 0 else math.log(high / value) if value > 0 else math.inf
    reason = f"the interval {low:.3f} to {high:.3f} against the limit {limit:g}"
    draft = Fairness("selection_rate_ratio", value, low, high, limit, verdict, reason, sizes)
    return _concluded(draft, noise, gap)


def equalized_odds_difference(
    actual: ArrayLike,
    predicted: ArrayLike,
    group: ArrayLike,
    limit: float = DIFFERENCE_LIMIT,
    confidence: float = 0.95,
    seed: int = 0,
) -> Fairness:
    """The largest gap between groups in the true-positive or the false-positive rate; 0 is equal."""
    chosen, labels, sizes = _prepare(predicted, group)
    truth = _binary(actual, "actual")
    if len(truth) != len(chosen):
        raise ValueError(f"{len(truth)} actual and {len(chosen)} predicted values; give one of each per row")
    rng, value, draws = np.random.default_rng(seed), 0.0, []
    for outcome, word in ((1, "positive"), (0, "negative")):
        rows = truth == outcome
        totals = np.bincount(labels[rows], minlength=len(sizes))
        if np.any(totals == 0):
            empty = [name for name, total in zip(sizes, totals, strict=True) if total == 0]
            raise ValueError(f"the groups {empty} have no actually {word} row; merge them or collect labels")
        hits = np.bincount(labels[rows], weights=chosen[rows], minlength=len(sizes))
        value = max(value, float(np.ptp(hits / totals)))
        draws.append(_draws(hits, totals, rng))
    lows, highs = _bounds(draws, np.subtract, confidence)
    low, high = max(float(lows.max()), 0.0), float(highs.max())
    verdict: Verdict = "pass" if high <= limit else "fail" if low > limit else "inconclusive"
    gap = limit - value
    noise = high - value if gap > 0 else value - low
    reason = f"the interval {low:.3f} to {high:.3f} against the limit {limit:g}"
    draft = Fairness("equalized_odds_difference", value, low, high, limit, verdict, reason, sizes)
    return _concluded(draft, noise, gap)


def _prepare(predicted: ArrayLike, group: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.intp], dict[str, int]]:
    """The decisions, each row's group number, and the size of each group by name."""
    chosen, names = _binary(predicted, "predicted"), np.asarray(group, dtype=object)
    if len(chosen) != len(names):
        raise ValueError(f"{len(chosen)} predicted values and {len(names)} groups; give one of each per row")
    if any(name is None or name != name for name in names):
        raise ValueError("some rows have no group; give them a group of their own, such as 'unknown'")
    known, labels, counts = np.unique(names.astype(str), return_inverse=True, return_counts=True)
    if len(known) < 2:
        raise ValueError("fairness between groups needs at least two groups")
    return chosen, labels, {str(name): int(size) for name, size in zip(known, counts, strict=True)}


def _binary(values: ArrayLike, what: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or not np.all(np.isin(array, (0, 1))):
        raise ValueError(f"{what} must be a list of 0 and 1; apply the decision threshold first")
    return array.astype(np.int64)


def _draws(hits: NDArray[Any], totals: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Resampled rates of every group: one row per resample, one column per group."""
    share = (hits + HALF) / (totals + 2 * HALF)
    return (rng.binomial(totals, share, size=(RESAMPLES, len(totals))) + HALF) / (totals + 2 * HALF)


def _bounds(
    draws: list[NDArray[np.float64]], contrast: Callable[..., NDArray[np.float64]], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper bounds of the contrast of every ordered pair of groups, jointly at the confidence."""
    if not 0.5 <= confidence < 1:
        raise ValueError("use a confidence from 0.5 to below 1, such as 0.95")
    pairs = list(permutations(range(draws[0].shape[1]), 2))
    contrasts = len(draws) * len(pairs) / 2  # a pair and its mirror image are one contrast
    tail = (1 - confidence) / contrasts / 2
    columns = [contrast(rates[:, one], rates[:, other]) for rates in draws for one, other in pairs]
    low, high = np.quantile(np.column_stack(columns), [tail, 1 - tail], axis=0)
    return low, high


def _concluded(draft: Fairness, noise: float, gap: float) -> Fairness:
    """The verdict, unless a group is too small; and the rows that would settle it.

    An interval shrinks with the root of the rows, so its reach ``noise`` falls below ``gap`` at
    (noise / gap) ** 2 times as many rows.
    """
    rows, smallest = sum(draft.groups.values()), min(draft.groups.values())
    if smallest < MINIMUM_GROUP:
        reason = f"the smallest group has {smallest} rows; {MINIMUM_GROUP} are the minimum"
        draft = replace(draft, verdict="inconclusive", reason=reason)
    if draft.verdict != "inconclusive":
        return draft
    needed = rows * max(MINIMUM_GROUP / smallest, 1)
    if math.isfinite(noise) and gap != 0:
        needed = max(needed, rows * (noise / gap) ** 2)
    return replace(draft, rows_needed=math.ceil(needed) if needed > rows else None)
