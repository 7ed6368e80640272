"""Drift of a signal between the reference and a window, with limits that know the sample sizes.

After the catalog's asset drift-statistics 1.0.0: the population stability index over the
reference's quantiles. Without any drift it is about chi-square(bins - 1) times (1/n + 1/m)
(Yurdakul and Naranjo, Journal of Risk Model Validation, 2020), so a fixed limit would ring on small
clean windows. Only edges and counts are kept, never a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from .signals import PREDICTION

State = Literal["stable", "warn", "act", "not enough data"]

BINS = 5
ACT_FLOOR = 0.25
EMPTY_BIN = 0.5
"""An empty bin counts as half a row, so that the logarithm exists."""


@dataclass(frozen=True)
class Drift:
    """One signal of a window: the index, the limits for these sample sizes, and the state."""

    value: float
    warn: float
    act: float
    state: State


def profile(
    values: Mapping[str, NDArray[np.float64]], classes: list[int]
) -> dict[str, dict[str, Any]]:
    """Edges and counts of every signal of the reference; classes have a bin each."""
    found = {}
    for name, numbers in values.items():
        present = numbers[~np.isnan(numbers)]
        if name == PREDICTION:
            edges = np.array(sorted(classes)[1:]) - 0.5
        else:
            edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]))
        found[name] = {"edges": edges.tolist(), "counts": _count(present, edges)}
    return found


def assess(
    reference: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, NDArray[np.float64]],
    limit: float,
    min_rows: int,
) -> dict[str, Drift]:
    """Every signal of a window against the reference."""
    found = {}
    for name, known in reference.items():
        present = values[name][~np.isnan(values[name])]
        old, new = known["counts"], _count(present, np.asarray(known["edges"]))
        found[name] = _drift(old, new, limit, min_rows)
    return found


def _count(values: NDArray[np.float64], edges: NDArray[np.float64]) -> list[int]:
    places = np.searchsorted(edges, values, side="right")
    return np.bincount(places, minlength=len(edges) + 1).tolist()


def _drift(old: list[int], new: list[int], limit: float, min_rows: int) -> Drift:
    counts = np.array([old, new], dtype=float)
    counts = counts[:, counts.sum(axis=0) > 0]
    rows = counts.sum(axis=1)
    if rows.min() < min_rows:
        return Drift(0.0, limit, ACT_FLOOR, "not enough data")
    shares = np.where(counts == 0, EMPTY_BIN, counts)
    p, q = shares / shares.sum(axis=1, keepdims=True)
    value = float(np.sum((q - p) * np.log(q / p)))
    noise = chi2.ppf(0.99, max(counts.shape[1] - 1, 1)) * float((1 / rows).sum())
    warn = float(max(limit, noise))
    act = max(2 * warn, ACT_FLOOR)
    return Drift(value, warn, act, "act" if value > act else "warn" if value > warn else "stable")
