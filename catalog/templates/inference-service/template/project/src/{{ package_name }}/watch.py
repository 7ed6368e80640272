"""What the service remembers of its own answers, and what it makes of them.

Only the number of the bin that a value fell into is kept, for the last requests; no value is. With
several replicas each one speaks for the requests it answered.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from threading import Lock
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import drift
from .settings import Settings

State = Literal["good", "warn", "act", "not enough data"]
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the latency histogram in seconds, those that Prometheus clients use."""


@dataclass(frozen=True)
class Signal:
    """One thing that was watched: value, limit and what they mean."""

    monitor: str
    name: str
    value: float
    limit: float
    state: State


class Watch:
    """Counters since the start, and a window of the last requests."""

    def __init__(self, profile: drift.Profile, settings: Settings) -> None:
        self._profile = profile
        self._settings = settings
        self._lock = Lock()
        self._bins: deque[dict[str, Counter[int]]] = deque(maxlen=settings.window_requests)
        self._recent: deque[tuple[float, bool]] = deque(maxlen=settings.window_requests)
        self._statuses: Counter[int] = Counter()
        self._buckets: Counter[float] = Counter()
        self._seconds = 0.0
        self._instances = 0

    def answered(self, status: int, seconds: float) -> None:
        """Remember that a request was answered; a status from 500 on is a failure of ours."""
        with self._lock:
            self._statuses[status] += 1
            self._seconds += seconds
            self._buckets.update(bound for bound in BUCKETS if seconds <= bound)
            self._recent.append((seconds, status >= 500))

    def predicted(self, features: pd.DataFrame, predictions: NDArray[np.float64]) -> None:
        """Remember in which bins inputs and predictions of a request fell."""
        columns = {str(name): features[name].to_numpy() for name in features}
        columns[drift.PREDICTION] = predictions
        fell = {
            name: Counter(drift.places(columns[name], known["edges"]).tolist())
            for name, known in self._profile.items()
        }
        with self._lock:
            self._bins.append(fell)
            self._instances += len(predictions)

    def signals(self) -> list[Signal]:
        """The state of everything that the settings ask to watch."""
        with self._lock:
            bins, recent = list(self._bins), list(self._recent)
        found: list[Signal] = []
        for name, known in self._profile.items():
            monitor = "quality" if name == drift.PREDICTION else "data"
            if monitor in self._settings.signals:
                found.append(self._drift(monitor, name, known, bins))
        if "service" in self._settings.signals:
            found += self._service(recent)
        return found

    def _drift(
        self, monitor: str, name: str, known: drift.Histogram, bins: list[dict[str, Counter[int]]]
    ) -> Signal:
        fell: Counter[int] = Counter()
        for one in bins:
            fell.update(one[name])
        limit = self._settings.drift_limit
        if fell.total() < self._settings.min_rows:
            return Signal(monitor, name, 0.0, limit, "not enough data")
        counts = [fell[place] for place in range(len(known["counts"]))]
        index, limit = drift.stability(known["counts"], counts, limit)
        act = max(2 * limit, drift.ACT_FLOOR)
        state: State = "act" if index > act else "warn" if index > limit else "good"
        return Signal(monitor, name, index, limit, state)

    def _service(self, recent: list[tuple[float, bool]]) -> list[Signal]:
        budget, share = self._settings.latency_budget_ms, self._settings.maximum_failed_share
        if len(recent) < self._settings.min_rows:
            few: State = "not enough data"
            return [
                Signal("service", "p95_latency_ms", 0.0, budget, few),
                Signal("service", "failed_share", 0.0, share, few),
            ]
        slow = float(np.quantile([seconds for seconds, _ in recent], 0.95)) * 1000
        failed = sum(failure for _, failure in recent) / len(recent)
        return [
            Signal("service", "p95_latency_ms", slow, budget, "act" if slow > budget else "good"),
            Signal("service", "failed_share", failed, share, "act" if failed > share else "good"),
        ]

    def prometheus(self, model: str, version: str) -> str:
        """The counters in the text format that Prometheus scrapes."""
        with self._lock:
            statuses, buckets = sorted(self._statuses.items()), dict(self._buckets)
            seconds, instances = self._seconds, self._instances
        total = sum(number for _, number in statuses)
        lines = ["# TYPE predict_requests_total counter"]
        lines += [
            f'predict_requests_total{{status="{status}"}} {number}' for status, number in statuses
        ]
        lines += ["# TYPE predict_instances_total counter", f"predict_instances_total {instances}"]
        lines += ["# TYPE predict_seconds histogram"]
        lines += [
            f'predict_seconds_bucket{{le="{one:g}"}} {buckets.get(one, 0)}' for one in BUCKETS
        ]
        lines += [
            f'predict_seconds_bucket{{le="+Inf"}} {total}',
            f"predict_seconds_sum {seconds:.6f}",
        ]
        lines += [f"predict_seconds_count {total}", "# TYPE model_info gauge"]
        lines += [f'model_info{{name="{model}",version="{version}"}} 1', ""]
        return "\n".join(lines)


def worst(signals: list[Signal]) -> State:
    """The state that decides: one signal to act on is enough."""
    order: tuple[State, ...] = ("act", "warn", "not enough data", "good")
    found = {one.state for one in signals}
    return next(state for state in order if state in found or state == "good")
