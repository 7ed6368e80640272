"""Loading, importing, exporting and searching from the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from core import db
from core.config import settings
from core.people import actions as people
from tests.api.test_entries import entry
from tests.conftest import SYSTEM, forget_settings

Run = Callable[..., Result]
Told = Callable[..., Any]

COMPONENT = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: {name}
  description: Scores applications for credit.
spec:
  type: service
  lifecycle: production
  owner: platform
"""


@pytest.fixture
def folder(tmp_path: Path, store: str) -> Path:
    """A folder with two entries of ours and a foreign one, and the team that owns them."""
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="platform", name="Platform")
    made = tmp_path / "definitions"
    for name in ("first", "second"):
        write(made, f"assets/{name}/entry.yaml", entry(name))
    write(made, "assets/first/README.md", "# How to use it\n")
    write(made, "service/catalog-info.yaml", COMPONENT.format(name="scoring"))
    write(made, "compose.yaml", "services: {}\n")
    return made


def write(folder: Path, path: str, text: str) -> None:
    """Write a file with its folders."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, "utf-8")


def counts(report: dict[str, Any]) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: count for name, count in report["counts"].items() if count}


def test_a_dry_run_tells_what_the_import_does_and_a_second_import_does_nothing(told: Told, folder: Path) -> None:
    assert counts(told("import", folder, "--dry-run")) == {"create": 3}
    assert told("search")["total"] == 0
    assert counts(told("import", folder)) == {"create": 3}
    assert counts(told("import", folder)) == {"unchanged": 3}
    found = told("search", "scores applications")
    assert found["total"] == 1


def test_what_vanishes_from_a_folder_is_marked_stale(told: Told, run: Run, folder: Path) -> None:
    told("import", folder)
    shutil.rmtree(folder / "assets" / "second")
    result = run("import", folder, "--dry-run")
    assert "stale" in result.stdout
    assert "asset:default/second" in result.stdout
    assert counts(told("import", folder)) == {"unchanged": 2, "stale": 1}


def test_a_single_file_is_not_the_whole_of_its_source(told: Told, folder: Path) -> None:
    told("import", folder, "--source", "here")
    write(folder, "assets/second/entry.yaml", entry("second", "Second, renamed"))
    report = told("import", folder / "assets" / "second" / "entry.yaml", "--source", "here")
    assert counts(report) == {"update": 1}


def test_what_is_refused_says_why_and_the_rest_goes_on(run: Run, folder: Path) -> None:
    write(folder, "broken/catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: [unclosed\n")
    write(folder, "assets/orphan/entry.yaml", entry("orphan").replace("platform", "platfrom"))
    result = run("import", folder)
    assert result.exit_code == 1
    assert "Did you mean 'platform'?" in result.stdout
    assert "broken/catalog-info.yaml" in result.stdout
    assert "3 create, 2 refused" in result.stdout


def test_definitions_without_an_owner_get_the_one_named(told: Told, run: Run, folder: Path) -> None:
    path = folder / "data.yaml"
    schema = "$schema: https://azuremlschemas.azureedge.net/latest/data.schema.json"
    path.write_text(f"{schema}\nname: prices\nversion: 1\ntype: uri_file\npath: prices.csv\n", "utf-8")
    assert run("import", path).exit_code == 1
    assert counts(told("import", path, "--owner", "platform")) == {"create": 1}


def test_a_git_repository_is_imported_by_its_url(told: Told, folder: Path) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "Definitions")
    report = told("import", folder.as_uri())
    assert (report["source"], counts(report)) == (f"import:{folder.as_uri()}"[:200], {"create": 3})


@pytest.mark.parametrize(
    "location",
    [
        "nowhere",
        "http://github.com/a/b",
        "https://user:secret@github.com/a/b",
        "https://elsewhere.example/a",
        "ssh://x/y",
    ],
)
def test_a_location_that_cannot_be_imported_is_refused(run: Run, store: str, location: str) -> None:
    result = run("import", location)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 2
    assert "secret" not in result.stderr


def test_an_export_is_the_same_each_time_and_imports_again(told: Told, folder: Path, tmp_path: Path) -> None:
    told("import", folder)
    assert told("export", tmp_path / "one")["entries"] == 3
    told("export", tmp_path / "two")
    one, two = (sorted((tmp_path / name).rglob("*.*")) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert told("export", tmp_path / "models", "--kind", "model")["entries"] == 0
    assert counts(told("import", tmp_path / "one", "--source", str(folder))) == {"unchanged": 3}


def test_the_shipped_catalog_validates_and_loads_and_loads_again(run: Run, told: Told) -> None:
    checked = told("load", "--check")
    assert checked["problems"] == []
    assert not (settings().data / "portal.sqlite").exists()
    assert counts(told("load")) == {"create": checked["valid"]}
    assert counts(told("load")) == {"unchanged": checked["valid"]}


def test_a_check_names_every_problem_of_a_folder(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "assets/odd/entry.yaml", entry("odd") + "  sizes: 3\n")
    write(folder, "assets/other/entry.yaml", entry("misplaced"))
    write(folder, "teams.yaml", "- id: nameless\n")
    monkeypatch.setenv("PORTAL_CATALOG", str(folder))
    forget_settings()
    result = run("load", "--check")
    assert result.exit_code == 1
    assert "assets/odd/entry.yaml" in result.stderr
    assert "assets/other/entry.yaml" in result.stderr
    assert "teams.yaml, document 1, item 1.name: is missing. Add it." in result.stderr
    assert "3 problems" in result.stdout
    assert run("load").exit_code == 1


def test_a_search_prints_why_and_suggests(run: Run, told: Told, folder: Path) -> None:
    told("import", folder)
    result = run("search", "first", "--kind", "asset")
    assert "asset:default/first" in result.stdout
    assert "1 found" in result.stderr
    assert run("search", "frist").exit_code == 0
    assert run("search", "x", "--sort", "colour").exit_code == 1
    assert json.loads(run("search", "kind:asset -scoring", "--json").stdout)["total"] == 2


def test_a_search_cannot_write_to_the_terminal_with_control_characters(run: Run, told: Told, folder: Path) -> None:
    told("import", folder)
    assert "\x1b" not in run("search", "\x1b[31mfirst").output
