"""Join forecasts with truth once it is mature, and say of the others when it will be.

A cohort is everything that was forecast from one origin by one version. It is judged as a whole and
not before its last day is mature: judging the figures that happen to have arrived would judge
another, easier population. Metrics are dated by the origin, not by the day of judging.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import mlflow
import numpy as np
import pandas as pd

from . import backtest, bootstrap, data, features, forecast, model, tracking
from .settings import ROOT, Settings

VERDICTS = "verdicts.csv"
ACTUAL = features.TARGET


@dataclass(frozen=True)
class Cohort:
    """What is known about one origin and version; figures are missing until it is mature."""

    origin: pd.Timestamp
    model_version: str
    known_on: pd.Timestamp
    mature: bool
    rows: int
    missing_share: float | None = None
    wape: float | None = None
    coverage: float | None = None

    @property
    def verdict(self) -> str:
        """The figure, or the date on which there will be one."""
        if not self.mature:
            return f"known on {self.known_on.date()}"
        return "no truth has arrived" if self.wape is None else f"wape {self.wape:.3f}"


@dataclass(frozen=True)
class Judgement:
    """All cohorts as of a date, and the comparison of champion and challenger in operation."""

    as_of: pd.Timestamp
    cohorts: list[Cohort]
    comparison: bootstrap.Comparison | None


def judge(settings: Settings, as_of: pd.Timestamp | None = None) -> Judgement:
    """Judge every cohort that is mature, write the verdicts and log them."""
    client = tracking.connect(settings)
    truth = data.load_truth(settings.maturity_days)
    moment = as_of if as_of is not None else data.newest(truth)
    made = forecast.read_all(settings)
    made = made[made["origin"] <= moment]
    if made.empty:
        raise LookupError(f"no forecast was made until {moment.date()}")
    actual = data.known(truth, moment)[["series", "day", "value"]]
    joined = made.merge(
        actual.rename(columns={"day": "target_day"}), on=["series", "target_day"], how="left"
    )
    cohorts = [
        _cohort(rows, origin, version, moment)
        for (origin, version), rows in joined.groupby(["origin", "model_version"])
    ]
    names = {
        alias: str(version.version)
        for alias in ("champion", "challenger")
        if (version := tracking.version_of(client, settings, alias)) is not None
    }
    result = Judgement(moment, cohorts, _compare(joined, cohorts, names, settings))
    _write(settings, result)
    _log(settings, result)
    return result


def _cohort(rows: pd.DataFrame, origin: pd.Timestamp, version: str, moment: pd.Timestamp) -> Cohort:
    known_on = rows["known_on"].max()
    if known_on > moment:
        return Cohort(origin, version, known_on, mature=False, rows=len(rows))
    there = rows[rows[ACTUAL].notna()]
    missing = 1 - len(there) / len(rows)
    if there.empty:
        return Cohort(origin, version, known_on, True, len(rows), missing)
    found, limited = there[ACTUAL].to_numpy(), there["lower"].notna().all()
    covered = (
        model.coverage(found, there["lower"].to_numpy(), there["upper"].to_numpy())
        if limited
        else None
    )
    error = model.wape(found, there["forecast"].to_numpy())
    return Cohort(origin, version, known_on, True, len(rows), missing, error, covered)


def _compare(
    joined: pd.DataFrame, cohorts: list[Cohort], names: dict[str, str], settings: Settings
) -> bootstrap.Comparison | None:
    """Champion and challenger on origins for which both have a mature cohort."""
    if len(names) < 2:
        return None
    ripe = [one for one in cohorts if one.wape is not None]
    keys = ["series", "origin", "target_day"]
    old, new = (
        joined[
            (joined["model_version"] == names[alias])
            & joined["origin"].isin(
                [one.origin for one in ripe if one.model_version == names[alias]]
            )
        ].set_index(keys)
        for alias in ("champion", "challenger")
    )
    newer = new["forecast"].rename("newer")
    pairs = old[["forecast", ACTUAL]].join(newer, how="inner").dropna()
    if pairs.empty:
        return None
    scored = bootstrap.Scored(
        pairs.index.get_level_values("origin").to_numpy(),
        pairs[ACTUAL].to_numpy(),
        pairs["forecast"].to_numpy(),
        pairs["newer"].to_numpy(),
    )
    return bootstrap.compare(
        scored,
        block=backtest.block(settings),
        minimum_lift=settings.minimum_lift,
        resamples=settings.resamples,
        seed=settings.seed,
    )


def _write(settings: Settings, result: Judgement) -> None:
    table = pd.DataFrame([asdict(one) | {"verdict": one.verdict} for one in result.cohorts])
    path = ROOT / "output" / settings.environment / VERDICTS
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.6g")


def _log(settings: Settings, result: Judgement) -> None:
    """One run per judging day; each cohort's figures stand at the date of its origin."""
    ripe = [one for one in result.cohorts if one.wape is not None]
    waiting = [one.known_on for one in result.cohorts if not one.mature]
    tags = {
        "as_of": str(result.as_of.date()),
        "rai.dataset.split": "production-sample",
        "verdict": "mature" if ripe else f"known on {min(waiting).date()}" if waiting else "none",
    }
    if result.comparison is not None:
        tags["comparison.verdict"] = result.comparison.verdict
    name = f"verdict_{result.as_of.date()}"
    with tracking.start_run(settings, "evaluate", name, **tags):
        mlflow.log_params({"maturity_days": settings.maturity_days})
        if ripe:
            origins = [one.origin for one in ripe]
            mlflow.log_params(
                {"cohort_from": min(origins).date(), "cohort_to": max(origins).date()}
            )
        mlflow.log_metrics(
            {"cohorts_mature": float(len(ripe)), "cohorts_waiting": float(len(waiting))}
        )
        for one in sorted(ripe, key=lambda cohort: cohort.origin):
            _log_cohort(one)


def _log_cohort(one: Cohort) -> None:
    """A step is a day since 1970, so that the axis shows origins in their order and distance."""
    day = int(one.origin.timestamp()) // 86400
    figures = {
        model.KEY_METRIC: one.wape,
        "coverage": one.coverage,
        "labels_missing_share": one.missing_share,
        "rows_evaluated": float(one.rows),
    }
    for name, value in figures.items():
        if value is not None and np.isfinite(value):
            mlflow.log_metric(f"{name}.{_label(one)}", value, step=day)


def _label(one: Cohort) -> str:
    return one.model_version if one.model_version == forecast.NAIVE else f"v{one.model_version}"
