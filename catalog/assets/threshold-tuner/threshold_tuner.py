"""Choose the decision threshold of a score by cost, or by a floor under recall, and see the whole curve.

A row is flagged where its score is at least the threshold. With calibrated probabilities the cheapest threshold is
cost_fp / (cost_fp + cost_fn) (Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001); the tuned threshold
should lie near it, and where it does not, the scores are not calibrated or the rows too few. Recall is a share of few
positives, so its floor is held against the lower bound of Wilson's one-sided interval (Wilson, JASA 22, 1927).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Choice:
    """A threshold and what it leads to on the tuning rows; ``recall_low`` is the lower bound of recall."""

    threshold: float
    flagged_share: float
    precision: float
    recall: float
    recall_low: float
    cost_per_row: float | None = None
    calibrated_threshold: float | None = None


def curve(actual: ArrayLike, score: ArrayLike, confidence: float = 0.95) -> pd.DataFrame:
    """One row per threshold that changes a decision, from "flag nobody" (infinity) down to "flag everybody"."""
    truth, scores = np.asarray(actual), np.asarray(score, dtype=float)
    if truth.ndim != 1 or truth.shape != scores.shape:
        raise ValueError(f"shapes {truth.shape} and {scores.shape}; give one outcome and one score per row")
    if not np.all(np.isin(truth, (0, 1))) or len(np.unique(truth)) < 2:
        raise ValueError("actual must hold 0 and 1, and each at least once")
    if not np.all(np.isfinite(scores)):
        raise ValueError("some scores are missing or infinite; score every row or leave it out")
    if not 0.5 < confidence < 1:
        raise ValueError("use a confidence between 0.5 and 1, such as 0.95")
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], truth[order].astype(np.int64)
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the last row of each run of equal scores
    flagged = np.append(0, last + 1)
    true_positive = np.append(0, np.cumsum(hits)[last])
    positives = int(hits.sum())
    return pd.DataFrame(
        {
            "threshold": np.append(np.inf, ranked[last]),
            "flagged": flagged,
            "true_positive": true_positive,
            "false_positive": flagged - true_positive,
            "false_negative": positives - true_positive,
            "true_negative": len(hits) - positives - flagged + true_positive,
            "precision": np.where(flagged == 0, np.nan, true_positive / np.maximum(flagged, 1)),
            "recall": true_positive / positives,
            "recall_low": wilson_low(true_positive, positives, confidence),
        }
    )


def wilson_low(hits: ArrayLike, rows: int, confidence: float = 0.95) -> np.ndarray:
    """Wilson's one-sided lower bound of a share of ``hits`` in ``rows``."""
    share, z = np.asarray(hits) / rows, NormalDist().inv_cdf(confidence)
    centre = share + z**2 / (2 * rows)
    half = z * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return np.maximum((centre - half) / (1 + z**2 / rows), 0.0)


def tune_for_cost(actual: ArrayLike, score: ArrayLike, cost_fp: float, cost_fn: float) -> Choice:
    """The threshold of least cost, given what a false alarm and a miss cost; of equals the one that flags fewest."""
    if not (cost_fp > 0 and cost_fn > 0 and math.isfinite(cost_fp + cost_fn)):
        raise ValueError("both costs must be above 0; their ratio is what counts")
    points = curve(actual, score)
    costs = cost_fp * points["false_positive"] + cost_fn * points["false_negative"]
    best = int(costs.argmin())
    rows = int(points["flagged"].iloc[-1])
    return _choice(points.iloc[best], rows, float(costs.iloc[best]) / rows, cost_fp / (cost_fp + cost_fn))


def tune_for_recall(actual: ArrayLike, score: ArrayLike, floor: float, confidence: float = 0.95) -> Choice:
    """The highest threshold at which recall is at least ``floor`` with the given confidence."""
    if not 0 < floor < 1:
        raise ValueError("the recall floor lies between 0 and 1; a floor of 1 can never be shown by a sample")
    points = curve(actual, score, confidence)
    enough = np.flatnonzero(points["recall_low"] >= floor)
    if len(enough) == 0:
        raise ValueError(
            f"{int(points['true_positive'].iloc[-1])} positives cannot show a recall of {floor:g}, even if all are "
            f"flagged; use at least {positives_needed(floor, confidence)}"
        )
    return _choice(points.iloc[enough[0]], int(points["flagged"].iloc[-1]))


def positives_needed(floor: float, confidence: float = 0.95) -> int:
    """Positives that show the floor when every one is flagged: n / (n + z squared) >= floor, solved for n."""
    return math.ceil(floor / (1 - floor) * NormalDist().inv_cdf(confidence) ** 2)


def _choice(point: pd.Series, rows: int, cost: float | None = None, calibrated: float | None = None) -> Choice:
    return Choice(
        threshold=float(point["threshold"]),
        flagged_share=float(point["flagged"]) / rows,
        precision=float(point["precision"]),
        recall=float(point["recall"]),
        recall_low=float(point["recall_low"]),
        cost_per_row=cost,
        calibrated_threshold=calibrated,
    )
