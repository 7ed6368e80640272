"""What is known at an origin about the days after it, and nothing that is learned later.

At an origin the newest usable day is one maturity age old. Every feature looks back from there, in
training, in the test and in production alike.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WEEK, MONTH, YEAR = 7, 28, 364
"""A year of whole weeks, so that a day is compared with the same weekday."""

NAIVE = "same_weekday"
"""The seasonal naive forecast: the newest mature value of the same weekday."""

FEATURES = [
    NAIVE,
    "same_weekday_mean",
    "level_week",
    "level_month",
    "year_ago",
    "year_ago_level",
    "days_ahead",
    "season_sin",
    "season_cos",
]
TARGET = "value"
KEYS = ["series", "origin", "target_day", "days_ahead"]


def warm_up(maturity_days: int) -> int:
    """How many days must lie before the first origin."""
    return YEAR + MONTH + maturity_days


def build(
    table: pd.DataFrame, origins: list[pd.Timestamp], horizon_days: int, maturity_days: int
) -> pd.DataFrame:
    """A row for each origin, series and day ahead; the target is missing where it is not known."""
    values = table.to_numpy(dtype=float)
    places = np.array([(origin - table.index[0]).days for origin in origins])
    usable = places - maturity_days
    if usable.min() < YEAR + MONTH - 1 or usable.max() >= len(values):
        raise ValueError(f"the truth does not reach far enough for {origins[0].date()}")
    ahead = np.arange(1, horizon_days + 1)
    targets = places[:, None] + ahead
    back = -(-(ahead + maturity_days) // WEEK) * WEEK
    weekday = [values[targets - back - WEEK * week] for week in range(4)]
    days = np.array(origins, dtype="datetime64[s]")[:, None] + ahead.astype("timedelta64[D]")
    season = 2 * np.pi * _day_of_year(days) / 365.25
    cubes = {
        "series": table.columns.to_numpy()[None, None, :],
        "origin": np.array(origins, dtype="datetime64[s]")[:, None, None],
        "target_day": days[:, :, None],
        NAIVE: weekday[0],
        "same_weekday_mean": np.mean(weekday, axis=0),
        "level_week": _level(values, usable, WEEK),
        "level_month": _level(values, usable, MONTH),
        "year_ago": values[targets - YEAR],
        "year_ago_level": _level(values, usable - YEAR, MONTH),
        "days_ahead": ahead[None, :, None].astype(float),
        "season_sin": np.sin(season)[:, :, None],
        "season_cos": np.cos(season)[:, :, None],
        TARGET: _targets(values, targets),
    }
    shape = (*targets.shape, values.shape[1])
    return pd.DataFrame(
        {
            name: np.broadcast_to(cube, shape).transpose(0, 2, 1).ravel()
            for name, cube in cubes.items()
        }
    )


def _day_of_year(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return pd.DatetimeIndex(days.ravel()).day_of_year.to_numpy().reshape(days.shape)


def _level(
    values: NDArray[np.float64], places: NDArray[np.int64], days: int
) -> NDArray[np.float64]:
    """For each origin and series the mean of the days that end there."""
    means = [values[place - days + 1 : place + 1].mean(axis=0) for place in places]
    return np.stack(means)[:, None, :]


def _targets(values: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The values at these places; those after the end of the table are not known."""
    found = values[np.minimum(places, len(values) - 1)]
    found[places >= len(values)] = np.nan
    return found


def origins_before(
    last: pd.Timestamp, count: int, step_days: int, first: pd.Timestamp
) -> list[pd.Timestamp]:
    """At most so many origins up to the last one, a step apart, in rising order."""
    step = pd.Timedelta(days=step_days)
    steps = min(count, (last - first) // step + 1)
    return [last - step * back for back in reversed(range(steps))]
