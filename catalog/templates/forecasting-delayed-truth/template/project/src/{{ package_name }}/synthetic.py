"""SYNTHETIC truth, so that all runs before your own data are connected. It describes nothing.

Three daily series with a trend, a week, a year and noise that remembers the day before. Each day
is first reported incompletely, one day later, and completely some days after that, at the latest
when it is mature: the habit of real feeds that makes early figures misleading.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FIRST_DAY, DAYS, SEED = pd.Timestamp("2020-01-01"), 2192, 20260101
LEVELS = {"north": 400.0, "south": 250.0, "west": 120.0}
WEEK = np.array([1.05, 1.1, 1.1, 1.05, 1.2, 0.9, 0.6])
GROWTH_A_YEAR, YEARLY_SWING = 0.04, 0.2
MEMORY, SHOCK, NOISE = 0.8, 0.02, 0.05


def truth(maturity_days: int) -> pd.DataFrame:
    """One row per series, day and report: series, day, arrived_on, value."""
    rng = np.random.default_rng(SEED)
    days = pd.date_range(FIRST_DAY, periods=DAYS)
    reports = []
    for shift, (name, level) in enumerate(LEVELS.items()):
        final = np.round(level * _shape(days, shift) * _noise(rng), 1)
        delay = 1 + rng.binomial(maturity_days - 1, 0.5, DAYS)
        first = np.round(final * rng.uniform(0.7, 0.95, DAYS), 1)
        early = delay > 1
        reports.append(_report(name, days[early], np.ones(early.sum(), int), first[early]))
        reports.append(_report(name, days, delay, final))
    return pd.concat(reports).sort_values(["arrived_on", "series", "day"], ignore_index=True)


def _shape(days: pd.DatetimeIndex, shift: int) -> NDArray[np.float64]:
    """Trend, year and week; each series has its own week and its own season."""
    years = np.arange(len(days)) / 365.25
    year = 1 + YEARLY_SWING * np.sin(2 * np.pi * (years + shift / 6))
    return (1 + GROWTH_A_YEAR * years) * year * np.roll(WEEK, shift)[days.day_of_week]


def _noise(rng: np.random.Generator) -> NDArray[np.float64]:
    """A slow wave of shocks that fade, and noise of the single day."""
    shocks = rng.normal(0, SHOCK, DAYS)
    wave = np.empty(DAYS)
    last = 0.0
    for place, shock in enumerate(shocks):
        last = wave[place] = MEMORY * last + shock
    return np.exp(wave + rng.normal(0, NOISE, DAYS))


def _report(
    series: str, days: pd.DatetimeIndex, delay: NDArray[np.int64], value: NDArray[np.float64]
) -> pd.DataFrame:
    arrived = days + pd.to_timedelta(delay, unit="D")
    return pd.DataFrame({"series": series, "day": days, "arrived_on": arrived, "value": value})
