"""Watch what can be watched before the truth is mature, and the newest verdicts once it is.

Early signals are marked as such: they say that somebody should look, not how good a forecast is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

import mlflow
import numpy as np
import pandas as pd

from . import data, features, forecast, judge, tracking, train
from .settings import Settings

State = Literal["good", "warn", "act", "not enough data"]

RECENT_DAYS = features.MONTH


@dataclass(frozen=True)
class Signal:
    """One thing that was watched: value, limit, what they mean, and what to know about it."""

    monitor: str
    name: str
    value: float
    limit: float
    state: State
    note: str = ""


def watch(settings: Settings, as_of: pd.Timestamp | None = None) -> list[Signal]:
    """Watch with the monitors of the settings, and log what they show."""
    client = tracking.connect(settings)
    truth = data.load_truth(settings.maturity_days)
    moment = as_of if as_of is not None else data.newest(truth)
    version = tracking.version_of(client, settings, settings.publish_alias)
    if version is None:
        raise LookupError(f"no version is {settings.publish_alias}; train and promote one first")
    signals: list[Signal] = []
    if "data" in settings.monitors:
        known = tracking.profile(version)["level_change"]
        signals += _truth(truth, moment, known, settings)
    if "quality" in settings.monitors:
        signals += verdicts(judge.judge(settings, moment).cohorts, str(version.version), settings)
    if "service" in settings.monitors:
        signals.append(_age(moment, settings))
    _log(settings, moment, str(version.version), signals)
    return signals


def _truth(
    truth: pd.DataFrame, moment: pd.Timestamp, known: dict[str, float], settings: Settings
) -> list[Signal]:
    """Is the feed complete and in time, and has the level moved as it did in the past?"""
    table = data.mature(truth, moment, settings.maturity_days)
    missing = data.missing_share(table, RECENT_DAYS)
    late = data.late_share(truth, moment, settings.maturity_days, RECENT_DAYS)
    signals = [
        _limited("data", "missing_share", missing, settings.maximum_missing_share),
        _limited("data", "late_share", late, settings.maximum_late_share),
    ]
    for name, limit in known.items():
        change = abs(float(train.level_changes(table[name]).iloc[-1]))
        state: State = "act" if change > 2 * limit else "warn" if change > limit else "good"
        signals.append(Signal("data", f"level_change.{name}", change, limit, state, "early signal"))
    return signals


def verdicts(cohorts: list[judge.Cohort], version: str, settings: Settings) -> list[Signal]:
    """Error against the naive forecast and coverage, over the newest mature origins of a version.

    One origin proves little, so somebody has to act only after as many as the settings ask for.
    """
    made = [one for one in cohorts if one.model_version == version]
    ripe = sorted((one for one in made if one.wape is not None), key=lambda one: one.origin)
    limit, wanted = settings.maximum_wape, settings.verdict_origins
    if not ripe:
        waiting = [one.known_on for one in made if not one.mature]
        note = f"accuracy is known on {min(waiting).date()}" if waiting else "no forecast was made"
        return [Signal("quality", "wape", 0.0, limit, "not enough data", note)]
    newest = ripe[-wanted:]
    error = _mean([one.wape for one in newest])
    covered = _mean([one.coverage for one in newest])
    origins = {one.origin for one in newest}
    naive = [
        one.wape
        for one in cohorts
        if one.model_version == forecast.NAIVE and one.origin in origins and one.wape is not None
    ]
    limit = min(limit, _mean(naive)) if naive else limit
    least = settings.interval - settings.coverage_tolerance
    bad: State = "act" if len(newest) >= wanted else "warn"
    note = f"version {version}, {len(newest)} of {wanted} origins"
    return [
        Signal("quality", "wape", error, limit, bad if error > limit else "good", note),
        Signal("quality", "coverage", covered, least, bad if covered < least else "good", note),
    ]


def _mean(values: Iterable[float | None]) -> float:
    return float(np.mean([one for one in values if one is not None]))


def _age(moment: pd.Timestamp, settings: Settings) -> Signal:
    """How old the newest forecast is; without a new one consumers plan with an old one."""
    made = forecast.read_all(settings)
    days = float((moment - made.loc[made["origin"] <= moment, "origin"].max()).days)
    return _limited("service", "days_since_forecast", days, settings.maximum_days_since_forecast)


def _limited(monitor: str, name: str, value: float, limit: float) -> Signal:
    return Signal(monitor, name, value, limit, "act" if value > limit else "good")


def _log(settings: Settings, moment: pd.Timestamp, version: str, signals: list[Signal]) -> None:
    state = worst(signals)
    tags = {
        "as_of": str(moment.date()),
        "rai.dataset.split": "production-sample",
        "monitor.state": state,
    }
    with tracking.start_run(settings, "evaluate", f"monitor_{moment.date()}", **tags):
        mlflow.log_params({"model_version": version})
        mlflow.log_metrics({f"{one.monitor}.{one.name}": one.value for one in signals})
        mlflow.log_dict(
            {"state": state, "signals": [asdict(one) for one in signals]}, "monitor.json"
        )


def worst(signals: list[Signal]) -> State:
    """The state that decides: one signal to act on is enough."""
    order: tuple[State, ...] = ("act", "warn", "not enough data", "good")
    found = {one.state for one in signals}
    return next(state for state in order if state in found or state == "good")
