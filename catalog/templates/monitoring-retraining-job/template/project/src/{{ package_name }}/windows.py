"""Windows of production: what the deployed model was asked, what it said, and what was true.

A window is a folder named by its last day. The service writes ``inputs.csv``, ``predictions.csv``
and ``manifest.json``; whoever learns the outcomes adds ``truth.csv``, with the day each was known.
Replace :func:`read` when windows live in your warehouse instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from .data import Contract
from .settings import ROOT, Settings

INPUTS, PREDICTIONS, TRUTH, MANIFEST = (
    "inputs.csv",
    "predictions.csv",
    "truth.csv",
    "manifest.json",
)
KNOWN_ON = "known_on"


@dataclass(frozen=True)
class Window:
    """The cases of a window; ``truth`` holds only those outcomes that are known by now."""

    day: date
    version: str
    inputs: pd.DataFrame
    predictions: pd.DataFrame
    truth: pd.DataFrame

    def judged(self, contract: Contract) -> pd.DataFrame:
        """Predictions beside the outcomes that are known."""
        return self.predictions.merge(self.truth, on=contract.key, validate="one_to_one")

    def labelled(self, contract: Contract) -> pd.DataFrame:
        """Inputs beside the outcomes that are known, as a table to train on."""
        return self.inputs.merge(self.truth, on=contract.key, validate="one_to_one")


def folder(settings: Settings) -> Path:
    """Where the windows of an environment stand; a relative path starts at the repository."""
    return ROOT / (settings.windows or f"output/{settings.environment}/windows")


def read(settings: Settings, contract: Contract, today: date) -> list[Window]:
    """Every window that ended by a day, oldest first, with the outcomes known on that day."""
    places = sorted(place for place in folder(settings).glob("????-??-??") if place.is_dir())
    return [
        _read(place, contract, today) for place in places if date.fromisoformat(place.name) <= today
    ]


def _read(place: Path, contract: Contract, today: date) -> Window:
    manifest = json.loads((place / MANIFEST).read_text("utf-8"))
    truth = pd.DataFrame(columns=[contract.key, contract.target])
    if (place / TRUTH).is_file():
        outcomes = pd.read_csv(place / TRUTH)
        known = pd.to_datetime(outcomes[KNOWN_ON]).dt.date <= today
        truth = outcomes.loc[known, [contract.key, contract.target]]
    return Window(
        day=date.fromisoformat(place.name),
        version=str(manifest["version"]),
        inputs=pd.read_csv(place / INPUTS),
        predictions=pd.read_csv(place / PREDICTIONS),
        truth=truth,
    )


def write(
    place: Path, version: str, inputs: pd.DataFrame, predictions: pd.DataFrame, truth: pd.DataFrame
) -> None:
    """Write a window as the service and the outcomes' source would."""
    place.mkdir(parents=True, exist_ok=True)
    for name, table in ((INPUTS, inputs), (PREDICTIONS, predictions), (TRUTH, truth)):
        table.to_csv(place / name, index=False, lineterminator="\n")
    (place / MANIFEST).write_text(json.dumps({"version": version}) + "\n", "utf-8")


def of_version(windows: Sequence[Window], version: str) -> list[Window]:
    """The windows that one version answered: no other can be blamed or praised for them."""
    return [one for one in windows if one.version == version]
