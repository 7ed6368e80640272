"""Drift between the histogram a model was tested with and the one it sees now.

The measure is the population stability index over the reference's quantiles. Without any drift it
is about chi-square(bins - 1) times (1/n + 1/m), so the limit is never below what chance gives to
samples of this size (after the catalog's asset drift-statistics 1.0.0).
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

PREDICTION = "prediction"
BINS = 10
ACT_FLOOR = 0.25
EMPTY_BIN = 0.5
"""An empty bin counts as half a row, so that the logarithm exists."""


class Histogram(TypedDict):
    """Inner edges and the rows between them; the outer bins are open."""

    edges: list[float]
    counts: list[int]


Profile = dict[str, Histogram]


def reference(features: pd.DataFrame, predictions: NDArray[np.float64]) -> Profile:
    """Histograms of inputs and predictions on rows the model was not fitted to; no row is kept."""
    columns = {str(name): features[name].to_numpy() for name in features}
    return {
        name: _histogram(values) for name, values in (columns | {PREDICTION: predictions}).items()
    }


def _histogram(values: NDArray[np.float64]) -> Histogram:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])).tolist()
    counts = np.bincount(places(values, edges), minlength=len(edges) + 1)
    return {"edges": edges, "counts": counts.tolist()}


def places(values: ArrayLike, edges: list[float]) -> NDArray[np.intp]:
    """The number of the bin of each value."""
    return np.searchsorted(edges, np.asarray(values), side="right")


def stability(old: list[int], new: list[int], limit: float) -> tuple[float, float]:
    """The index of two histograms and the limit for samples of their sizes."""
    counts = np.array([old, new], dtype=float)
    rows = counts.sum(axis=1)
    shares = np.where(counts == 0, EMPTY_BIN, counts)
    p, q = shares / shares.sum(axis=1, keepdims=True)
    noise = chi2.ppf(0.99, max(len(old) - 1, 1)) * (1 / rows[0] + 1 / rows[1])
    return float(np.sum((q - p) * np.log(q / p))), float(max(limit, noise))
