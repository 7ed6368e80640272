"""Has the model got worse? Three answers: lost, holds, or unclear; and pending without outcomes.

The share of right answers in the window is held against the share when the version was made. Both
are samples, so the difference has an interval (Agresti and Caffo, The American Statistician, 2000),
and a verdict needs the whole of it on one side of the loss that is tolerated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["lost", "holds", "unclear", "pending"]

SIDE_95 = 1.645
"""The quantile of the normal distribution that chance exceeds one time in twenty."""


@dataclass(frozen=True)
class Share:
    """So many right answers among so many."""

    right: int
    rows: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.right / self.rows if self.rows else 0.0

    def __add__(self, other: Share) -> Share:
        return Share(self.right + other.right, self.rows + other.rows)


@dataclass(frozen=True)
class Loss:
    """The loss against the reference with its interval, and what it means."""

    verdict: Verdict
    rows: int
    value: float
    loss: float
    low: float
    high: float


def judge(reference: Share, window: Share, tolerated: float, min_rows: int) -> Loss:
    """Compare two shares; too few outcomes leave the verdict pending."""
    if window.rows < min_rows:
        return Loss("pending", window.rows, window.value, 0.0, -1.0, 1.0)
    (p, n), (q, m) = (_adjusted(one) for one in (reference, window))
    spread = SIDE_95 * math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    low, high = p - q - spread, p - q + spread
    verdict: Verdict = "lost" if low > tolerated else "holds" if high < tolerated else "unclear"
    return Loss(verdict, window.rows, window.value, reference.value - window.value, low, high)


def _adjusted(share: Share) -> tuple[float, int]:
    """One right and one wrong answer more: the interval then keeps its promise near 0 and 1."""
    return (share.right + 1) / (share.rows + 2), share.rows + 2
