"""Settings: config/project.yaml, then config/<environment>.yaml, then SETTING_* variables.

A name that is no field here is refused: a misspelt setting that is ignored costs more than one
that stops the run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "SETTING_"

Environment = Literal["dev", "test", "production"]
Watched = Literal["data", "quality", "service"]
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

    approach: Literal["ridge", "hgb"]
    ridge_alpha: Annotated[float, Field(ge=0)]
    hgb_depth: Annotated[int, Field(ge=1)]
    seed: int

    held_out_share: Annotated[float, Field(gt=0, lt=1)]
    maximum_mae: Annotated[float, Field(gt=0)]
    minimum_lift: Annotated[float, Field(ge=0)]
    resamples: Annotated[int, Field(ge=100)]

    serve_alias: Literal["champion", "challenger"]
    authentication: Literal["gateway", "token"]
    max_instances: Annotated[int, Field(ge=1)]

    signals: Annotated[list[Watched], Field(min_length=1)]
    window_requests: Annotated[int, Field(ge=1)]
    min_rows: Annotated[int, Field(ge=1)]
    drift_limit: Annotated[float, Field(gt=0)]
    latency_budget_ms: Annotated[float, Field(gt=0)]
    maximum_failed_share: Annotated[float, Field(ge=0, lt=1)]


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
