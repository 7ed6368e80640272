"""Compare two forecasters on the same origins, and claim no more than the origins support.

After the catalog's asset champion-challenger-comparison 1.0.0, for time series: errors of one
origin move together and forecasts of neighbouring origins overlap, so whole blocks of consecutive
origins are drawn (moving blocks; Künsch, Annals of Statistics, 1989). Both forecasters are scored
on every draw, so that hard weeks, which both get wrong, cancel out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Verdict = Literal["better", "worse", "undecided", "too early"]

MINIMUM_ORIGINS = 50
"""Fewer origins give no verdict: about a year of weeks, so that seasons count. A convention."""


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


@dataclass(frozen=True)
class Scored:
    """Truth and forecasts of the same rows, with the origin each row was forecast from."""

    origins: NDArray[np.datetime64]
    actual: NDArray[np.float64]
    champion: NDArray[np.float64]
    challenger: NDArray[np.float64]


def compare(
    scored: Scored, *, block: int, minimum_lift: float = 0.0, resamples: int = 1000, seed: int = 0
) -> Comparison:
    """Judge by the weighted absolute percentage error; better means by more than the lift."""
    sums = _by_origin(scored)
    draws = _draws(len(sums), block, resamples, seed)
    totals = sums[draws].sum(axis=1)
    gains = (totals[:, 1] - totals[:, 2]) / totals[:, 0]
    low, high = (float(one) for one in np.quantile(gains, [0.025, 0.975]))
    truth, old, new = sums.sum(axis=0)
    verdict, reason = _judge(low, high, minimum_lift, len(sums))
    return Comparison(verdict, reason, old / truth, new / truth, (old - new) / truth, low, high)


def interval(scored: Scored, *, block: int, resamples: int, seed: int) -> tuple[float, float]:
    """The 95 % interval of the challenger's error."""
    sums = _by_origin(scored)
    totals = sums[_draws(len(sums), block, resamples, seed)].sum(axis=1)
    low, high = np.quantile(totals[:, 2] / totals[:, 0], [0.025, 0.975])
    return float(low), float(high)


def _by_origin(scored: Scored) -> NDArray[np.float64]:
    """Truth, the champion's errors and the challenger's errors, summed for each origin in order."""
    rows = pd.DataFrame(
        {
            "truth": np.abs(scored.actual),
            "champion": np.abs(scored.actual - scored.champion),
            "challenger": np.abs(scored.actual - scored.challenger),
        }
    )
    return rows.groupby(scored.origins).sum().to_numpy()


def _draws(origins: int, block: int, resamples: int, seed: int) -> NDArray[np.intp]:
    """Places of origins, drawn in blocks of neighbours; one row for each resample."""
    length = min(max(block, 1), origins)
    count = -(-origins // length)
    rng = np.random.default_rng(seed)
    starts = rng.integers(origins - length + 1, size=(resamples, count))
    places = starts[:, :, None] + np.arange(length)
    return places.reshape(resamples, -1)[:, :origins]


def _judge(low: float, high: float, minimum_lift: float, origins: int) -> tuple[Verdict, str]:
    if origins < MINIMUM_ORIGINS:
        return "too early", f"{origins} origins; at least {MINIMUM_ORIGINS} are needed"
    if low > minimum_lift:
        return "better", f"the whole interval lies above {minimum_lift:g}"
    if high < 0:
        return "worse", "the whole interval lies below 0"
    if low > 0:
        return "undecided", f"a gain is there, but it may be smaller than {minimum_lift:g}"
    return "undecided", "the interval includes 0: these origins cannot tell the models apart"
