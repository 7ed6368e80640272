"""The model: which estimator the settings ask for, its intervals, and how both are measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from . import features
from .settings import Settings

KEY_METRIC = "wape"
METRIC_DIRECTION = "lower"
TRUSTED_TYPES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""What MLflow may load besides plain arrays. We train these trees ourselves; see the README."""

Bands = list[list[float]]
"""For each week ahead: by which factors the lower and the upper limit differ from the forecast."""


def build(settings: Settings) -> tuple[str, RegressorMixin]:
    """The estimator and the name of its run: approach, underscore, what varies."""
    if settings.approach == "ridge":
        linear = Ridge(alpha=settings.ridge_alpha)
        return f"ridge_alpha-{settings.ridge_alpha:g}", make_pipeline(StandardScaler(), linear)
    trees = HistGradientBoostingRegressor(
        max_depth=settings.hgb_depth,
        max_iter=50,
        learning_rate=0.15,
        early_stopping=False,
        random_state=settings.seed,
    )
    return f"hgb_depth-{settings.hgb_depth}", trees


def predict(model: RegressorMixin, rows: pd.DataFrame) -> NDArray[np.float64]:
    """The forecast of each row; demand is never negative."""
    return np.maximum(np.asarray(model.predict(rows[features.FEATURES]), dtype=float), 0)


def wape(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """The key metric: the sum of the absolute errors as a share of the sum of the truth."""
    return float(np.abs(actual - predicted).sum() / np.abs(actual).sum())


def bands(rows: pd.DataFrame, predicted: NDArray[np.float64], interval: float) -> Bands:
    """Limits from rows the model was not fitted to, for each week ahead."""
    ratios = pd.Series(rows[features.TARGET].to_numpy() / np.maximum(predicted, 1e-9))
    tail = (1 - interval) / 2
    limits = ratios.groupby(weeks_ahead(rows).to_numpy()).quantile([tail, 1 - tail]).unstack()
    return limits.to_numpy().tolist()


def weeks_ahead(rows: pd.DataFrame) -> pd.Series:
    """The week of the horizon a row belongs to, from 1."""
    return ((rows["days_ahead"] - 1) // features.WEEK + 1).astype(int)


def limits(
    rows: pd.DataFrame, predicted: NDArray[np.float64], factors: Bands
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lower and the upper limit of each row."""
    chosen = np.asarray(factors)[weeks_ahead(rows).to_numpy() - 1]
    return predicted * chosen[:, 0], predicted * chosen[:, 1]


def coverage(
    actual: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> float:
    """Which share of the truth lies within the limits."""
    return float(((actual >= lower) & (actual <= upper)).mean())
