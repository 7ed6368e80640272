"""A folder of Backstage descriptors and nothing else: tried, imported, imported again, exported, wiped and brought back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import Result

from core import db
from core.config import settings
from core.people import actions as people
from tests.cli.test_catalog import counts
from tests.conftest import SYSTEM, forget_settings
from tests.core.catalog.test_loader import contents, events
from tests.core.catalog.test_sources import SAMPLES

Run = Callable[..., Result]
Told = Callable[..., Any]

KINDS = {"Component", "API", "Resource", "System", "Domain", "Group", "User", "Template", "Location", "FeatureFlag"}
"""Every kind of the descriptor format, and one that nobody knows."""
RETIRED = 1
"""So many of the samples are deprecated and name no successor."""
TEAMS = ("platform", "retention")
PLACES = {
    "catalog-info.yaml": "services/churn/catalog-info.yaml",
    "organisation.yaml": "catalog-info.yaml",
    "template.yaml": "starters/scoring/catalog-info.yaml",
}


def add_teams() -> None:
    with db.writing() as session:
        for team in TEAMS:
            people.add_team(session, actor=SYSTEM, team_id=team, name=team.title())


@pytest.fixture
def folder(store: str, tmp_path: Path) -> Path:
    """The descriptors as repositories hold them, several documents in most files, all owned by teams that exist."""
    add_teams()
    made = tmp_path / "monorepo"
    for sample, place in PLACES.items():
        (made / place).parent.mkdir(parents=True, exist_ok=True)
        written = (
            (SAMPLES / "backstage" / sample).read_text("utf-8").replace("owner: user:sam", "owner: group:retention")
        )
        (made / place).write_text(written, "utf-8")
    (made / "services" / "churn" / "README.md").write_text("# Churn\n\nWhat *everybody* should know.\n", "utf-8")
    return made


def documents_in(folder: Path) -> list[str]:
    """The kinds of all documents in a folder."""
    return [
        kind
        for path in folder.rglob("catalog-info.yaml")
        for kind in re.findall(r"(?m)^kind: (\w+)$", path.read_text())
    ]


def wipe(run: Run, store: str) -> None:
    """Nothing is left of the store: a portal that starts for the first time."""
    if store == "sqlite":
        db.engine().dispose()
        shutil.rmtree(settings().data)
    else:
        with db.engine().begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    forget_settings()
    assert run("migrate").exit_code == 0


def found(told: Told) -> list[dict[str, Any]]:
    """Every entry as a search lists it (retired ones are in no list), without what differs between two imports."""
    items = sorted(told("search", "--size", 100)["items"], key=lambda one: one["key"])
    return [{name: value for name, value in one.items() if name not in ("id", "updated_at")} for one in items]


def test_the_folder_holds_every_kind_of_the_descriptor_format(folder: Path) -> None:
    kinds = documents_in(folder)
    assert set(kinds) >= KINDS
    assert len(kinds) > 2 * len(PLACES)


def test_a_dry_run_an_import_and_the_same_import_again(told: Told, folder: Path) -> None:
    count = len(documents_in(folder))
    before = events()
    assert counts(told("import", folder, "--dry-run")) == {"create": count}
    assert (events(), told("search")["total"]) == (before, 0)
    assert counts(told("import", folder)) == {"create": count}
    assert told("search")["total"] == count - RETIRED
    after = events()
    assert counts(told("import", folder)) == {"unchanged": count}
    assert counts(told("import", folder, "--dry-run")) == {"unchanged": count}
    assert events() == after


def test_exported_wiped_and_imported_the_entries_are_the_same(
    run: Run, told: Told, folder: Path, store: str, tmp_path: Path
) -> None:
    count = len(documents_in(folder))
    told("import", folder)
    assert told("export", tmp_path / "exported")["entries"] == count
    before = found(told)
    assert len(before) == count - RETIRED
    wipe(run, store)
    assert told("search")["total"] == 0
    add_teams()
    assert counts(told("import", tmp_path / "exported", "--dry-run")) == {"create": count}
    assert counts(told("import", tmp_path / "exported")) == {"create": count}
    assert found(told) == before
    told("export", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "exported")
    assert counts(told("import", tmp_path / "exported")) == {"unchanged": count}
    assert counts(told("import", folder)) == {"unchanged": count}, "what was exported says the same as its source"
