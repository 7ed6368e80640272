"""Decide whether monitoring windows justify a retraining, and say why.

One alarm is not a reason: retraining is asked for when at least ``k`` of the last ``n`` usable windows exceeded their
limit. A window counts only with enough rows and green data quality, because a broken feed looks like drift and
retraining would learn the break. A cooldown gives the last retraining time to show its effect. The decision carries
what it rests on, so that it can be audited; it asks for a challenger and never replaces a champion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Action = Literal["retrain", "wait", "repair the data", "not enough data"]
Quality = Literal["green", "amber", "red"]


@dataclass(frozen=True)
class Policy:
    """The rule; the defaults are a convention for daily windows. Give it a version when you change it."""

    k: int = 3
    n: int = 5
    cooldown_days: int = 14
    minimum_rows: int = 100
    maximum_age_days: int = 7
    version: str = "1"

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n:
            raise ValueError(f"k of n needs 1 <= k <= n, not {self.k} of {self.n}")
        if self.cooldown_days < 0 or self.minimum_rows < 1 or self.maximum_age_days < 1:
            raise ValueError("cooldown_days must be 0 or more, minimum_rows and maximum_age_days 1 or more")


@dataclass(frozen=True)
class Window:
    """One monitoring window: a distance or loss (larger is worse) against the limit for its number of rows."""

    day: date
    rows: int
    value: float
    limit: float
    quality: Quality = "green"

    def __post_init__(self) -> None:
        if self.quality not in ("green", "amber", "red"):
            raise ValueError(f"quality is green, amber or red, not {self.quality!r}")

    @property
    def alarming(self) -> bool:
        """Whether the value exceeds its limit."""
        return self.value > self.limit


@dataclass(frozen=True)
class Decision:
    """What to do and why; ``evidence`` holds the windows that were counted, newest first."""

    action: Action
    reason: str
    evidence: tuple[Window, ...]
    policy: Policy
    not_before: date | None = None


def decide(
    policy: Policy,
    windows: Sequence[Window],
    today: date,
    *,
    last_retraining: date | None = None,
    request_open: bool = False,
) -> Decision:
    """Apply the policy; the first of its conditions that is not met gives the reason."""
    newest_first = sorted(windows, key=lambda window: window.day, reverse=True)
    days = [window.day for window in newest_first]
    if len(set(days)) < len(days):
        raise ValueError("two windows have the same day; merge them or decide per window length")
    if days and days[0] > today:
        raise ValueError(f"a window of {days[0]} lies after {today}; check the clock of the monitor")
    usable = tuple(one for one in newest_first if _usable(one, policy))[: policy.n]

    def decision(action: Action, reason: str, not_before: date | None = None) -> Decision:
        return Decision(action, reason, usable, policy, not_before)

    oldest_allowed = today - timedelta(days=policy.maximum_age_days)
    if not days or days[0] < oldest_allowed:
        return decision("not enough data", f"no window since {oldest_allowed}; check that monitoring runs")
    if newest_first[0].quality != "green":
        return decision("repair the data", f"the data quality of {days[0]} is {newest_first[0].quality}")
    if len(usable) < policy.n:
        return decision("not enough data", f"{len(usable)} usable windows of the {policy.n} the policy looks at")
    alarms = sum(window.alarming for window in usable)
    if alarms < policy.k:
        return decision("wait", f"{alarms} of the last {policy.n} windows exceed their limit, {policy.k} are needed")
    if request_open:
        return decision("wait", "a retraining is already asked for and not finished")
    if last_retraining is not None:
        free = last_retraining + timedelta(days=policy.cooldown_days)
        if today < free:
            return decision("wait", f"the cooldown after {last_retraining} ends on {free}", free)
    return decision("retrain", f"{alarms} of the last {policy.n} windows exceed their limit, {policy.k} are needed")


def false_alarm_rate(policy: Policy, window_rate: float) -> float:
    """The chance that ``k`` of ``n`` independent clean windows ring, each at ``window_rate`` (binomial tail)."""
    if not 0 <= window_rate <= 1:
        raise ValueError("the rate of a single window is a share between 0 and 1")
    return sum(
        math.comb(policy.n, hits) * window_rate**hits * (1 - window_rate) ** (policy.n - hits)
        for hits in range(policy.k, policy.n + 1)
    )


def _usable(window: Window, policy: Policy) -> bool:
    comparable = math.isfinite(window.value) and math.isfinite(window.limit)
    return comparable and window.rows >= policy.minimum_rows and window.quality == "green"
