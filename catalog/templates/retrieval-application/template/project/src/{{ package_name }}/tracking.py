"""MLflow as the organisation agreed on it: names, tags, data sets, environment, aliases."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Literal

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.data.pandas_dataset import PandasDataset
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from .evaluation import KEY_METRIC, METRIC_DIRECTION
from .settings import ROOT, Settings

Purpose = Literal["explore", "experiment", "retrain", "evaluate"]
Alias = Literal["champion", "challenger", "previous_champion"]


def connect(settings: Settings) -> MlflowClient:
    """Point MLflow at the tracking server of the environment."""
    if settings.tracking_uri.startswith("sqlite:///"):
        folder = Path(settings.tracking_uri.removeprefix("sqlite:///")).parent
        folder.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(settings.tracking_uri)
    return MlflowClient()


@contextmanager
def start_run(
    settings: Settings, purpose: Purpose, run_name: str, **tags: str
) -> Iterator[mlflow.ActiveRun]:
    """A run in the experiment unit/project/purpose with the agreed tags and its environment."""
    mlflow.set_experiment(f"{settings.unit}/{settings.project_id}/{purpose}")
    agreed = {
        "purpose": purpose,
        "project_id": settings.project_id,
        "unit": settings.unit,
        "owner": settings.team,
        "environment": settings.environment,
        "classification": settings.classification,
        "rai.sensitive_features": settings.sensitive_features,
        "code_digest": code_digest(),
    }
    if commit := git_commit():
        agreed["mlflow.source.git.commit"] = commit
    with mlflow.start_run(run_name=run_name, tags=agreed | tags) as run:
        mlflow.log_dict(environment(), "environment.json")
        yield run


def git_commit() -> str:
    """The commit of the code: GIT_COMMIT in an image, git in a work tree, else empty."""
    if commit := os.environ.get("GIT_COMMIT"):
        return commit
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def code_digest() -> str:
    """A digest of the package's source, which tells uncommitted edits from the commit."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def requirements() -> list[str]:
    """The pinned packages of the image, which the model version carries too."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def environment() -> dict[str, str]:
    """Interpreter, platform and the installed version of each required package."""
    names = [requirement.split("==")[0] for requirement in requirements()]
    found = {"python": platform.python_version(), "platform": platform.platform()}
    return found | {name: metadata.version(name) for name in names}


def dataset(frame: pd.DataFrame, name: str) -> PandasDataset:
    """The rows as MLflow knows them, with the digest that the run's tags and reports name."""
    return mlflow.data.from_pandas(frame, name=name, digest=fingerprint(frame))


def fingerprint(frame: pd.DataFrame) -> str:
    """A digest of names and content; equal digests mean equal rows in equal order."""
    text = frame.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe_model(client: MlflowClient, settings: Settings) -> None:
    """Create the registered model if need be, and set what a portfolio page needs to know."""
    try:
        client.create_registered_model(settings.model_name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tags = {
        "project_id": settings.project_id,
        "owner": settings.team,
        "key_metric": KEY_METRIC,
        "metric_direction": METRIC_DIRECTION,
        "risk_tier": settings.tier,
    }
    for key, value in tags.items():
        client.set_registered_model_tag(settings.model_name, key, value)


def version_of(client: MlflowClient, settings: Settings, alias: Alias) -> ModelVersion | None:
    """The version behind an alias, or None while nothing has it."""
    try:
        return client.get_model_version_by_alias(settings.model_name, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
