"""Score a population and write a dated batch that names model version and data in every row."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import mlflow
import pandas as pd

from . import data, model, tracking
from .settings import ROOT, Settings

PREDICTIONS, INPUTS, MANIFEST = "predictions.csv", "inputs.csv", "manifest.json"


def batch_folder(settings: Settings, day: date) -> Path:
    """Where the batch of a day stands; scoring the same day again replaces it."""
    return ROOT / "output" / settings.environment / day.isoformat()


def population(settings: Settings) -> pd.DataFrame:
    """Whom to score: here the rows held out, without their outcome. Replace it by your table."""
    contract = data.load_contract()
    _, rows = data.split(data.load_cases(), contract.key, settings.held_out_share)
    return rows.drop(columns=contract.target)


def score(settings: Settings, rows: pd.DataFrame, day: date) -> Path:
    """Score the rows with the version behind the settings' alias; the batch appears as a whole."""
    client = tracking.connect(settings)
    version = tracking.version_of(client, settings, settings.score_alias)
    if version is None:
        raise LookupError(f"no version is {settings.score_alias}; train and promote one first")
    contract = data.load_contract()
    data.require(rows, contract, labelled=False)
    estimator = mlflow.sklearn.load_model(f"models:/{settings.model_name}/{version.version}")
    predicted = model.scores(estimator, rows[contract.features])
    table = pd.DataFrame({contract.key: rows[contract.key].to_numpy(), "score": predicted})
    if settings.threshold is not None:
        table["decision"] = predicted >= settings.threshold
    table["model_version"] = version.version
    table["scored_on"] = day.isoformat()

    manifest = {
        "model": settings.model_name,
        "version": str(version.version),
        "alias": settings.score_alias,
        "classification": settings.classification,
        "dataset_digest": data.fingerprint(rows),
        "rows": len(table),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return _write(batch_folder(settings, day), table, rows, manifest)


def _write(
    folder: Path, table: pd.DataFrame, rows: pd.DataFrame, manifest: dict[str, object]
) -> Path:
    """Write beside the place and move, so that consumers never see half a batch."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    table.to_csv(unfinished / PREDICTIONS, index=False, lineterminator="\n")
    rows.to_csv(unfinished / INPUTS, index=False, lineterminator="\n")
    (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return folder
