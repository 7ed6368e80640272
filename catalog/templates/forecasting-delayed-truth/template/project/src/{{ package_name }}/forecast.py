"""Make a forecast and keep it: append-only, keyed by origin and version, never overwritten.

Champion, challenger and the seasonal naive forecast are made from the same origin by the same job,
so that they can be compared once the truth is mature. Consumers read the file of the newest one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient

from . import data, features, model, tracking
from .settings import ROOT, Settings

NAIVE = "naive"
NEWEST = "newest.csv"
COLUMNS = [
    *features.KEYS,
    "forecast",
    "lower",
    "upper",
    "model",
    "model_version",
    "known_on",
]


@dataclass(frozen=True)
class Issued:
    """A forecast that was stored, and the date on which all of it can be judged."""

    origin: pd.Timestamp
    published: Path
    stored: list[Path]
    known_on: pd.Timestamp


def folder(settings: Settings) -> Path:
    """Where the forecasts of an environment stand."""
    return ROOT / "output" / settings.environment / "forecasts"


def due(origin: pd.Timestamp, days_ahead: int, maturity_days: int) -> pd.Timestamp:
    """When the truth of a day ahead is mature: then, and not before, its accuracy is known."""
    return origin + pd.Timedelta(days=days_ahead + maturity_days)


def issue(settings: Settings, as_of: pd.Timestamp | None = None) -> Issued:
    """Forecast from an origin with every version that has an alias, and publish one of them."""
    client = tracking.connect(settings)
    contract = data.load_contract()
    truth = data.load_truth(settings.maturity_days)
    origin = as_of if as_of is not None else data.newest(truth)
    data.require(truth, contract, origin, settings.maturity_days)
    table = data.mature(truth, origin, settings.maturity_days)
    rows = features.build(table, [origin], settings.horizon_days, settings.maturity_days)

    made = {alias: (name, frame) for alias, name, frame in _forecasts(client, settings, rows)}
    if settings.publish_alias not in made:
        raise LookupError(f"no version is {settings.publish_alias}; train and promote one first")
    target = folder(settings) / str(origin.date())
    stored = [_keep(target / f"{NAIVE}.csv", _naive(rows, settings))]
    stored += [_keep(target / name, frame) for name, frame in made.values()]
    published = target / made[settings.publish_alias][0]
    shutil.copyfile(published, folder(settings) / NEWEST)
    known_on = due(origin, settings.horizon_days, settings.maturity_days)
    return Issued(origin, published, stored, known_on)


def _forecasts(
    client: MlflowClient, settings: Settings, rows: pd.DataFrame
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Alias, file name and forecast of champion and challenger, where there are such versions."""
    origin = rows["origin"].iloc[0]
    for alias in ("champion", "challenger"):
        version = tracking.version_of(client, settings, alias)
        if version is None:
            continue
        profile = tracking.profile(version)
        if origin < pd.Timestamp(profile["as_of"]):
            raise ValueError(
                f"version {version.version} has learned from what was known on "
                f"{profile['as_of']}; a forecast from {origin.date()} would be hindsight"
            )
        estimator = tracking.load_model(settings, str(version.version))
        predicted = model.predict(estimator, rows)
        lower, upper = model.limits(rows, predicted, profile["bands"])
        frame = rows[features.KEYS].assign(forecast=predicted, lower=lower, upper=upper)
        yield alias, f"v{version.version}.csv", _stamp(frame, settings, str(version.version))


def _naive(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The forecast that every model has to beat, kept beside the others; it has no interval."""
    frame = rows[features.KEYS].assign(forecast=rows[features.NAIVE], lower=None, upper=None)
    return _stamp(frame, settings, NAIVE)


def _stamp(frame: pd.DataFrame, settings: Settings, version: str) -> pd.DataFrame:
    """Say in every row who made it, and when it can be judged."""
    ahead = pd.to_timedelta(frame["days_ahead"] + settings.maturity_days, unit="D")
    return frame.assign(
        days_ahead=frame["days_ahead"].astype(int),
        model=settings.model_name,
        model_version=version,
        known_on=frame["origin"] + ahead,
    )[COLUMNS]


def _keep(path: Path, frame: pd.DataFrame) -> Path:
    """Store a forecast unless it is stored already; what was said stays said."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        frame.to_csv(unfinished, index=False, lineterminator="\n", float_format="%.6g")
        unfinished.rename(path)
    return path


def read_all(settings: Settings) -> pd.DataFrame:
    """Every forecast that was ever made in this environment."""
    paths = sorted(folder(settings).glob("*/*.csv"))
    if not paths:
        raise LookupError("no forecast was made yet")
    dates = ["origin", "target_day", "known_on"]
    parts = [pd.read_csv(path, parse_dates=dates, dtype={"model_version": str}) for path in paths]
    return pd.concat([part.astype({"lower": float, "upper": float}) for part in parts])
