"""Checklists on the command line: versions, impact, publishing what was imported, and deon's form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import Result

from core import db
from core.access.policy import Actor
from core.catalog import actions as catalog
from core.reviews import checklists

DEON = Path(__file__).parents[1] / "core" / "catalog" / "samples" / "deon" / "checklist.yml"
NAME = "data-science-ethics-checklist"
Run = Callable[..., Result]
Told = Callable[..., Any]


@pytest.fixture
def risk(store: str, person: Callable[..., Actor]) -> Actor:
    """A model validator of the team that owns what is imported."""
    return person("model validator", team="risk")


def test_deons_checklist_is_imported_published_and_exported_as_it_was(
    risk: Actor, run: Run, told: Told, tmp_path: Path
) -> None:
    before = told("checklist", "import-deon", DEON, "--owner", "risk", "--dry-run")
    assert before["counts"]["create"] == 1
    assert run("checklist", "import-deon", DEON, "--owner", "risk").exit_code == 0
    assert run("checklist", "export-deon", NAME).exit_code == 1, "nothing of it is published yet"
    assert told("checklist", "publish", NAME)["version"] == "1.0.0"
    [row] = told("checklist", "list", NAME)
    assert (row["state"], row["items"], row["cases"]) == ("published", 21, 0)
    written = run("checklist", "export-deon", NAME)
    assert yaml.safe_load(written.stdout) == yaml.safe_load(DEON.read_text("utf-8"))
    file = tmp_path / "again.yml"
    assert run("checklist", "export-deon", f"checklist:default/{NAME}", file).exit_code == 0
    again = told("checklist", "import-deon", file, "--owner", "risk", "--dry-run")
    assert again["counts"]["create"] == 0


def test_the_impact_of_a_proposed_version_is_told(risk: Actor, run: Run, told: Told) -> None:
    run("checklist", "import-deon", DEON, "--owner", "risk")
    run("checklist", "publish", NAME)
    refused = run("checklist", "impact", NAME)
    assert (refused.exit_code, "waits for its publication" in refused.stderr) == (1, True)
    with db.writing() as session:
        published = checklists.published(session, NAME)
        sections = [{**published.content["sections"][0]}, *published.content["sections"][2:]]
        content = {**published.content, "sections": sections}
        checklists.propose(session, actor=risk, entry_id=published.entry_id, version="1.1.0", content=content)
    found = told("checklist", "impact", NAME)
    assert (found["published"], found["version"]) == ("1.0.0", "1.1.0")
    assert found["items"]["removed"] == ["B-1", "B-2", "B-3"]
    assert "removed: B-1, B-2, B-3" in run("checklist", "impact", NAME, "--version", "1.1.0").stdout


def test_what_a_person_wrote_is_not_published_here(risk: Actor, run: Run) -> None:
    items = [{"id": "A-1", "summary": "Told", "question": "Who is told?"}]
    spec = {"owner": "risk", "appliesTo": "model", "sections": [{"title": "All", "items": items}]}
    metadata = {"name": "own", "title": "Own", "description": "Asks."}
    with db.writing() as session:
        catalog.register(
            session, document={"apiVersion": "factory/v1", "kind": "checklist", "metadata": metadata, "spec": spec}
        )
    refused = run("checklist", "publish", "own")
    assert (refused.exit_code, "written in the portal" in refused.stderr) == (1, True)
    assert run("checklist", "publish", "nothing").exit_code == 1


def test_a_file_that_is_no_checklist_of_deon_is_refused(risk: Actor, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "hostile.yml"
    file.write_text("title: &t Ethics\nsections: [{lines: [{line_id: A.1, line: *t}]}]\n", "utf-8")
    refused = run("checklist", "import-deon", file, "--owner", "risk")
    assert (refused.exit_code, "alias" in refused.output) == (1, True)
    assert run("checklist", "import-deon", tmp_path / "missing.yml", "--owner", "risk").exit_code == 2
