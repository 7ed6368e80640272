"""Mirroring MLflow from the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from tests.conftest import forget_settings

Run = Callable[..., Result]


def test_without_an_mlflow_server_the_setting_is_named(run: Run, store: str) -> None:
    result = run("sync")
    assert result.exit_code == 3
    assert "MLFLOW_TRACKING_URI" in result.stderr


def test_an_mlflow_server_that_is_not_there_is_unavailable(
    run: Run, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    forget_settings()
    result = run("sync")
    assert result.exit_code == 3
    assert result.stderr.strip()


def test_a_sync_says_what_it_mirrored(run: Run, told: Callable[..., Any], store: str, mlflow_server: str) -> None:
    assert told("sync", "--full")["full"] is True
    assert run("sync").stdout.startswith("Mirrored ")
