"""Stand-in for production: windows of later cases, answered by the version in use.

It exists so that the whole loop can be rehearsed before a service writes windows. From the fourth
week on the world changes, in the way that the scenario names. Delete it when yours are there.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from typing import Literal

import mlflow
import numpy as np
import pandas as pd

from . import data, ledger, model, tracking, watch, windows
from .data import Contract
from .ledger import Decision
from .settings import Settings

Scenario = Literal["calm", "moved", "faded", "broken"]

FIRST_WEEK_ENDS = date(2026, 1, 11)
WEEKS = 8
CHANGES_IN_WEEK = 4
TRUTH_AFTER = timedelta(days=14)


def simulate(settings: Settings, scenario: Scenario) -> list[date]:
    """Write all windows anew and return their last days; only on a laptop."""
    if settings.environment != "dev":
        raise ValueError("made-up windows belong into the environment dev only")
    client = tracking.connect(settings)
    version = tracking.version_of(client, settings, settings.watch_alias)
    if version is None:
        raise LookupError(f"no version is {settings.watch_alias}; train one first")
    estimator = mlflow.sklearn.load_model(f"models:/{settings.model_name}/{version.version}")
    contract = data.load_contract()
    parts = data.split(
        data.load_cases(), contract.key, settings.training_share, settings.frozen_share
    )
    cases = parts.later.iloc[np.argsort(data.positions(parts.later[contract.key]))]
    shutil.rmtree(windows.folder(settings), ignore_errors=True)
    days = [FIRST_WEEK_ENDS + timedelta(weeks=week) for week in range(WEEKS)]
    for week, day in enumerate(days, start=1):
        rows = cases.iloc[week - 1 :: WEEKS].reset_index(drop=True)
        if week >= CHANGES_IN_WEEK:
            rows = changed(rows, contract, scenario)
        asked = rows[contract.features].clip(contract.min, contract.max)
        predicted, confidence = model.answer(estimator, asked)
        answers = {contract.key: rows[contract.key], "prediction": predicted}
        windows.write(
            windows.folder(settings) / day.isoformat(),
            str(version.version),
            rows.drop(columns=contract.target),
            pd.DataFrame(answers | {"confidence": np.round(confidence, 4)}),
            rows[[contract.key, contract.target]].assign(known_on=day + TRUTH_AFTER),
        )
    return days


def rehearse(settings: Settings, scenario: Scenario) -> list[Decision]:
    """Look at the simulated windows every Monday, in a ledger of its own, without training."""
    days = simulate(settings, scenario)
    place = ledger.folder(settings).with_name("rehearsal")
    shutil.rmtree(place, ignore_errors=True)
    client = tracking.connect(settings)
    last = days[-1] + TRUTH_AFTER
    mondays = (days[0] + timedelta(days=1 + 7 * week) for week in range((last - days[0]).days // 7))
    return [watch.look(settings, client, monday, place) for monday in mondays]


def changed(rows: pd.DataFrame, contract: Contract, scenario: Scenario) -> pd.DataFrame:
    """The rows after the change: a tray that moved, ink that fades, or a feed that broke."""
    pixels = rows[contract.features].to_numpy()
    images = pixels.reshape(-1, contract.height, contract.width)
    if scenario == "moved":
        aside = np.pad(images, ((0, 0), (0, 0), (1, 0)))[:, :, :-1]
        images = np.round((images + aside) / 2)
    elif scenario == "faded":
        images = np.round(images * 0.75)
    elif scenario == "broken":
        images = images * 255 / contract.max
    return rows.assign(**dict(zip(contract.features, images.reshape(pixels.shape).T, strict=True)))
