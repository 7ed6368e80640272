"""What is not imported costs nothing: the first visitor and every command line pay for the imports there are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.config import ROOT

HEAVY = ("mlflow", "sklearn", "dbos", "streamlit", "pandas", "scipy", "copier")


def loaded_by(module: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after importing ``module``."""
    code = f"import {module}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["core", "core.catalog.queries", "core.catalog.search", "core.api", "core.cli.app", "core.templates.rendering"],
)
def test_an_edge_or_a_query_brings_nothing_heavy(module: str) -> None:
    assert not loaded_by(module) & set(HEAVY)


def test_the_help_of_the_command_line_waits_for_no_store_and_no_web_framework() -> None:
    assert not loaded_by("core.cli.app") & {"sqlalchemy", "sqlmodel", "fastapi", "pydantic", "rich"}
