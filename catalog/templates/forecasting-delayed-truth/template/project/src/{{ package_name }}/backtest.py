"""Which origins a model learns from, which make its intervals, and which examine it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import bootstrap, features
from .settings import Settings


@dataclass(frozen=True)
class Windows:
    """Rows of three windows; no target of one is later than the first origin of the next."""

    train: pd.DataFrame
    calibration: pd.DataFrame
    test: pd.DataFrame


def windows(table: pd.DataFrame, settings: Settings) -> Windows:
    """Cut the mature table: the newest origins are the exam."""
    first = table.index[0] + pd.Timedelta(days=features.warm_up(settings.maturity_days))
    horizon = pd.Timedelta(days=settings.horizon_days)
    last = table.index[-1] - horizon
    parts = []
    for count in (settings.test_origins, settings.calibration_origins, len(table)):
        origins = features.origins_before(last, count, settings.step_days, first)
        if not origins:
            raise ValueError("too little mature truth for training, intervals and test")
        parts.append(features.build(table, origins, settings.horizon_days, settings.maturity_days))
        last = origins[0] - horizon
    test, calibration, train = parts
    return Windows(train, calibration, test)


def block(settings: Settings) -> int:
    """How many neighbouring origins overlap."""
    return -(-settings.horizon_days // settings.step_days)


def score(
    rows: pd.DataFrame, champion: NDArray[np.float64], challenger: NDArray[np.float64]
) -> bootstrap.Scored:
    """Rows with a known target as the comparison takes them."""
    actual = rows[features.TARGET].to_numpy()
    return bootstrap.Scored(rows["origin"].to_numpy(), actual, champion, challenger)
