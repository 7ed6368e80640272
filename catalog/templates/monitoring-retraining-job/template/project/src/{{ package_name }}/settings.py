"""Settings: config/project.yaml, then config/<environment>.yaml, then SETTING_* variables.

A name that is no field here is refused: a misspelt setting that is ignored costs more than one
that stops the run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "SETTING_"

Environment = Literal["dev", "test", "production"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class Settings(BaseModel):
    """Everything a run may be told; the comments are in config/project.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: Environment
    project_id: Name
    unit: Name
    team: Name
    classification: Literal["public", "internal", "confidential", "restricted"]
    tier: Literal["minimal", "limited", "high"]
    model_name: Annotated[str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+\.[a-z0-9-]+$")]
    sensitive_features: str
    tracking_uri: Annotated[str, Field(min_length=1)]

    approach: Literal["logreg", "trees"]
    logreg_c: Annotated[float, Field(gt=0)]
    trees: Annotated[int, Field(ge=10)]
    seed: int

    training_share: Annotated[float, Field(gt=0, lt=1)]
    frozen_share: Annotated[float, Field(gt=0, lt=1)]
    recent_windows: Annotated[int, Field(ge=1)]
    recent_held_out: Annotated[float, Field(gt=0, lt=1)]
    minimum_accuracy: Annotated[float, Field(ge=0, le=1)]
    minimum_lift: Annotated[float, Field(ge=0)]
    resamples: Annotated[int, Field(ge=100)]

    watch_alias: Literal["champion", "challenger"]
    windows: str
    decisions: str
    drift_limit: Annotated[float, Field(gt=0)]
    policy_version: Annotated[str, Field(min_length=1)]
    alarms_needed: Annotated[int, Field(ge=1)]
    windows_looked_at: Annotated[int, Field(ge=1)]
    cooldown_days: Annotated[int, Field(ge=0)]
    max_age_days: Annotated[int, Field(ge=1)]
    min_rows: Annotated[int, Field(ge=1)]
    tolerated_loss: Annotated[float, Field(ge=0, lt=1)]
    promotion: Literal["person", "job"]

    @model_validator(mode="after")
    def _can_ring(self) -> Self:
        if self.alarms_needed > self.windows_looked_at:
            raise ValueError("alarms_needed is more than windows_looked_at, so nothing could ring")
        return self


def load(variables: Mapping[str, str] | None = None, folder: Path = ROOT / "config") -> Settings:
    """Read the settings of the environment that SETTING_ENVIRONMENT names (dev without it)."""
    variables = os.environ if variables is None else variables
    environment = variables.get(f"{PREFIX}ENVIRONMENT", "dev")
    if environment not in get_args(Environment):
        raise ValueError(f"the environment {environment!r} is none of {get_args(Environment)}")
    values: dict[str, Any] = {}
    for name in ("project", environment):
        values |= yaml.safe_load((folder / f"{name}.yaml").read_text("utf-8"))
    for name, text in variables.items():
        if name.startswith(PREFIX):
            values[name.removeprefix(PREFIX).lower()] = yaml.safe_load(text)
    if uri := variables.get("MLFLOW_TRACKING_URI"):
        values["tracking_uri"] = uri
    return Settings(**values | {"environment": environment})
