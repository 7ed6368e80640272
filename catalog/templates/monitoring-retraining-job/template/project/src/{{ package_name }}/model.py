"""The model: which estimator the settings ask for, and how its answers are measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .settings import Settings

KEY_METRIC = "accuracy"
METRIC_DIRECTION = "higher"


def build(settings: Settings) -> tuple[str, ClassifierMixin]:
    """The estimator and the name of its run: approach, underscore, what varies."""
    if settings.approach == "trees":
        trees = ExtraTreesClassifier(settings.trees, random_state=settings.seed)
        return f"trees_size-{settings.trees}", trees
    linear = LogisticRegression(C=settings.logreg_c, max_iter=1000)
    return f"logreg_c-{settings.logreg_c:g}", make_pipeline(StandardScaler(), linear)


def answer(
    model: ClassifierMixin, features: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The likeliest class of each row and the model's confidence in it."""
    chances = model.predict_proba(features)
    return model.classes_[chances.argmax(axis=1)], chances.max(axis=1)


def accuracy(actual: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """The key metric: the share of rows with the right class."""
    return float((actual == predicted).mean())


def losses(
    model: ClassifierMixin, features: pd.DataFrame, actual: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The log loss of each row, in nats; 35 where the model gave what happened no chance."""
    chances = model.predict_proba(features)
    given = chances[np.arange(len(actual)), np.searchsorted(model.classes_, actual)]
    return -np.log(np.clip(given, 1e-15, 1))


def nearest_mean(
    training: pd.DataFrame, actual: pd.Series, features: pd.DataFrame
) -> NDArray[np.int64]:
    """The rule to beat: the class whose average image is nearest."""
    means = training.groupby(actual.to_numpy()).mean()
    differences = features.to_numpy()[:, None, :] - means.to_numpy()[None, :, :]
    return means.index.to_numpy()[(differences**2).sum(axis=2).argmin(axis=1)]
