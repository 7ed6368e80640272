"""A laboratory in the run's MLflow server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.evidence.lab import Lab


@pytest.fixture
def lab(mlflow_server: str, tmp_path: Path) -> Lab:
    """A team's experiment."""
    return Lab(mlflow_server, tmp_path)
