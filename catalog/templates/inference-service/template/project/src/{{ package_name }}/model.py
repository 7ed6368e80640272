"""The model: which estimator the settings ask for, and how its answers are measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .data import Contract
from .settings import Settings

KEY_METRIC = "mae"
METRIC_DIRECTION = "lower"
TRUSTED_TYPES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""What MLflow may load besides plain arrays. We train these trees ourselves; see the README."""


def build(settings: Settings) -> tuple[str, RegressorMixin]:
    """The estimator and the name of its run: approach, underscore, what varies."""
    if settings.approach == "ridge":
        linear = Ridge(alpha=settings.ridge_alpha)
        return f"ridge_alpha-{settings.ridge_alpha:g}", make_pipeline(StandardScaler(), linear)
    trees = HistGradientBoostingRegressor(
        max_depth=settings.hgb_depth, max_iter=60, random_state=settings.seed
    )
    return f"hgb_depth-{settings.hgb_depth}", trees


def inputs(rows: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The inputs as the service will pass them: the contract's columns, all of them floats."""
    return rows[contract.features].astype(float)


def predict(model: RegressorMixin, features: pd.DataFrame) -> NDArray[np.float64]:
    """One number for each row."""
    return np.asarray(model.predict(features), dtype=float)


def mae(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """The key metric: mean absolute error, in the unit of the target."""
    return float(np.mean(np.abs(actual - predicted)))


def measure(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, float]:
    """What is logged about predictions whose outcomes are known."""
    return {
        KEY_METRIC: mae(actual, predicted),
        "rmse": float(root_mean_squared_error(actual, predicted)),
        "r2": float(r2_score(actual, predicted)),
        "rows_evaluated": float(len(actual)),
    }
