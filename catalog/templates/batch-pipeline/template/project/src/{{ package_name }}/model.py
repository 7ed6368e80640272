"""The model: which estimator the settings ask for, and how its answers are measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .settings import Settings

KEY_METRIC = "roc_auc"
METRIC_DIRECTION = "higher"
TRUSTED_TYPES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""What MLflow may load besides plain arrays. We train these trees ourselves; see the README."""


def build(settings: Settings) -> tuple[str, ClassifierMixin]:
    """The estimator and the name of its run: approach, underscore, what varies."""
    if settings.approach == "logreg":
        linear = LogisticRegression(C=settings.logreg_c, max_iter=1000)
        return f"logreg_c-{settings.logreg_c:g}", make_pipeline(StandardScaler(), linear)
    trees = HistGradientBoostingClassifier(
        max_depth=settings.hgb_depth, max_iter=60, random_state=settings.seed
    )
    return f"hgb_depth-{settings.hgb_depth}", trees


def scores(model: ClassifierMixin, features: pd.DataFrame) -> NDArray[np.float64]:
    """The probability of a yes for each row."""
    return np.asarray(model.predict_proba(features)[:, 1])


def roc_auc(actual: NDArray[np.bool_], predicted: NDArray[np.float64]) -> float:
    """The key metric, from ranks; undefined (NaN) where all rows have the same outcome."""
    yes = int(actual.sum())
    if not 0 < yes < len(actual):
        return float("nan")
    ranks = rankdata(predicted)[actual].sum()
    return float((ranks - yes * (yes + 1) / 2) / (yes * (len(actual) - yes)))


def losses(actual: NDArray[np.bool_], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log loss of each row, in nats; no more than 35, for a score of 0 or 1 that is wrong."""
    given = np.where(actual, predicted, 1 - predicted)
    return -np.log(np.clip(given, 1e-15, 1))


def measure(actual: NDArray[np.bool_], predicted: NDArray[np.float64]) -> dict[str, float]:
    """What is logged about predictions whose outcomes are known."""
    return {
        KEY_METRIC: roc_auc(actual, predicted),
        "brier_score": float(brier_score_loss(actual, predicted)),
        "rows_evaluated": float(len(actual)),
    }


def best_single_feature(train: pd.DataFrame, features: list[str], target: str) -> tuple[str, int]:
    """The strongest rule without a model: rank by one column, upwards (1) or downwards (-1)."""
    actual = train[target].to_numpy()
    areas = {name: roc_auc(actual, train[name].to_numpy()) for name in features}
    best = max(areas, key=lambda name: abs(areas[name] - 0.5))
    return best, 1 if areas[best] >= 0.5 else -1
