"""Drift of a feature or score between two stored histograms, with limits that know the sample size.

PSI is the symmetrised Kullback-Leibler divergence (Kullback and Leibler, 1951); 0.1 and 0.25 are the rule of thumb of
credit scoring (Siddiqi, "Credit Risk Scorecards", 2006). Without any drift PSI is about chi-square(B - 1) times
(1/n + 1/m) for B bins and samples of n and m rows (Yurdakul and Naranjo, "Statistical properties of the population
stability index", Journal of Risk Model Validation, 2020), so a fixed 0.1 rings on small clean samples.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2

State = Literal["stable", "warn", "act", "not enough data"]

MINIMUM_ROWS = 100
"""Below this a 0.5 standard deviation shift is found only about half the time, so no state is claimed."""

POLICY_LIMIT = 0.1
ACT_FLOOR = 0.25
EMPTY_BIN = 0.5
"""An empty bin counts as half a row, so that the logarithm exists (Haldane, 1956; Anscombe, 1956)."""


@dataclass(frozen=True)
class Drift:
    """Both distances, the limits that apply to these sample sizes, and the state."""

    psi: float
    jensen_shannon: float
    warn_limit: float
    act_limit: float
    state: State
    reference_rows: int
    current_rows: int


def quantile_edges(values: ArrayLike, bins: int = 10) -> NDArray[np.float64]:
    """The inner edges of ``bins`` bins with equal shares of the reference; ties give fewer bins."""
    present = _present(values)
    if bins < 2 or len(present) == 0:
        raise ValueError("give at least one value and ask for at least two bins")
    return np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)[1:-1]))


def count(values: ArrayLike, edges: ArrayLike) -> NDArray[np.int64]:
    """Rows per bin; the outer bins are open, so a value outside the reference range is counted, not lost."""
    inner = np.asarray(edges, dtype=float)
    if np.any(np.diff(inner) <= 0):
        raise ValueError("edges must rise strictly; use quantile_edges on the reference")
    return np.bincount(np.searchsorted(inner, _present(values), side="right"), minlength=len(inner) + 1)


def count_categories(values: Iterable[Hashable], categories: Sequence[Hashable]) -> NDArray[np.int64]:
    """Rows per category, and in a last bin those whose category the reference does not know."""
    position = {category: place for place, category in enumerate(categories)}
    places = [position.get(value, len(categories)) for value in values]
    return np.bincount(np.asarray(places, dtype=int), minlength=len(categories) + 1)


def population_stability_index(reference: ArrayLike, current: ArrayLike) -> float:
    """Sum over the bins of (q - p) * ln(q / p); 0 for equal shares, and symmetric."""
    p, q = (_shares(one, EMPTY_BIN) for one in _occupied(reference, current))
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon_distance(reference: ArrayLike, current: ArrayLike) -> float:
    """Square root of the Jensen-Shannon divergence in bits: 0 for equal, 1 for disjoint (Endres, Schindelin, 2003)."""
    p, q = (_shares(one, 0.0) for one in _occupied(reference, current))
    return float(jensenshannon(p, q, base=2))


def warn_limit(reference_rows: int, current_rows: int, bins: int, policy: float = POLICY_LIMIT) -> float:
    """The policy's limit, or the 99 % quantile of PSI without drift where that is larger."""
    if min(reference_rows, current_rows) < 1 or bins < 1 or policy <= 0:
        raise ValueError("rows and bins must be at least 1 and the policy limit above 0")
    noise = chi2.ppf(0.99, max(bins - 1, 1)) * (1 / reference_rows + 1 / current_rows)
    return float(max(policy, noise))


def assess(reference: ArrayLike, current: ArrayLike, policy: float = POLICY_LIMIT) -> Drift:
    """Compare two histograms over the same bins."""
    old, new = _occupied(reference, current)
    rows, current_rows = int(old.sum()), int(new.sum())
    warn = warn_limit(rows, current_rows, len(old), policy)
    act = max(2 * warn, ACT_FLOOR)
    psi = population_stability_index(old, new)
    state: State = "act" if psi > act else "warn" if psi > warn else "stable"
    if min(rows, current_rows) < MINIMUM_ROWS:
        state = "not enough data"
    return Drift(psi, jensen_shannon_distance(old, new), warn, act, state, rows, current_rows)


def _present(values: ArrayLike) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=float)
    return np.asarray(numbers[~np.isnan(numbers)])


def _occupied(reference: ArrayLike, current: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both histograms without the bins that are empty in both: those carry no information and no freedom."""
    old, new = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    if old.ndim != 1 or old.shape != new.shape:
        raise ValueError(f"histograms of shapes {old.shape} and {new.shape}; count both with the same edges")
    both = np.concatenate([old, new])
    if not np.all(np.isfinite(both)) or np.any(both < 0) or old.sum() == 0 or new.sum() == 0:
        raise ValueError("counts must be finite and not negative, and each histogram must hold at least one row")
    used = old + new > 0
    return old[used], new[used]


def _shares(counts: NDArray[np.float64], empty: float) -> NDArray[np.float64]:
    filled = np.where(counts == 0, empty, counts)
    return np.asarray(filled / filled.sum())
