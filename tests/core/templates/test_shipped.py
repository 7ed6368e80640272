"""The portal's own templates: each, freshly rendered, passes its own tests and lint, trains, compares and asks the gate."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from core.config import ROOT
from core.templates import lint, rendering, repository, snapshot
from core.templates.snapshot import Snapshot

FOLDERS = sorted((ROOT / "catalog" / "templates").glob("*/template"))


def name(folder: Path) -> str:
    return folder.parent.name


def rendered(folder: Path, **answers: str) -> Snapshot:
    return rendering.render(
        snapshot.from_folder(folder), answers, source=name(folder), commit="", manifest={"request": 1}
    )


def run(project: Path, *command: str, expect: int = 0, **more: str) -> str:
    """Run a command of the project as its README says, with this environment's tools and a tracking store of its own."""
    kept = {one: os.environ[one] for one in ("HOME", "LANG", "TMPDIR") if one in os.environ}
    environment = kept | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(project / "src"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{project.parent}/mlflow.sqlite", "MLFLOW_DISABLE_TELEMETRY": "true",
    } | more  # fmt: skip
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == expect, (
        f"{command} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    )
    return done.stdout


def test_there_are_six_of_them() -> None:
    assert len(FOLDERS) == 6


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_its_lint_finds_nothing_and_its_bytes_are_the_same_each_time(folder: Path) -> None:
    assert lint.lint(snapshot.from_folder(folder)) == []
    assert rendered(folder).to_zip() == rendered(folder).to_zip()


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_it_measures_evidence_with_the_catalogs_asset_unchanged(folder: Path) -> None:
    asset = ROOT / "catalog" / "assets" / "responsible-ai-evidence" / "responsible_ai_evidence.py"
    (copy,) = folder.rglob("rai.py")
    assert copy.read_bytes() == asset.read_bytes()


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_it_brings_either_builder_and_every_environment(folder: Path) -> None:
    github, azure = rendered(folder), rendered(folder, ci="azure")
    assert ".github/workflows/ci.yml" in github.files
    assert "azure-pipelines.yml" not in github.files
    assert "azure-pipelines.yml" in azure.files
    assert not any(path.startswith(".github") for path in azure.files)
    for path in (".github/workflows/ci.yml", "azure-pipelines.yml"):
        built = (github if path in github.files else azure).files[path].content.decode()
        assert yaml.safe_load(built)
        assert "gate" in built
    environments = {path.partition("/")[2].partition(".")[0] for path in github.files if path.startswith("config/")}
    assert {"dev", "test", "production"} <= environments


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_fresh_repository_runs(folder: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    repository.make(rendered(folder), project, subject="Start", at=1_700_000_000)
    run(project, "make", "lint")
    run(project, "make", "test")
    for _ in range(2):  # the second run makes a challenger and compares it
        run(project, "make", "train")
    run(project, "make", "gate", expect=2, PORTAL_TOKEN="", PORTAL_URL="http://127.0.0.1:9")
