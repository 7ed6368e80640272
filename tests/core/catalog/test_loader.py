"""Loading definitions: validate all, create and update, mark stale, never delete, never lose a person's edit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlmodel import delete

from core import db
from core.access import policy
from core.access.policy import Actor
from core.activity import queries as activity
from core.catalog import actions, export, loader, queries, sources
from core.catalog.loader import Report
from core.catalog.tables import CatalogFile, Entry
from core.config import ROOT
from core.people import actions as people
from tests.conftest import SYSTEM, forget_settings

LOADER = policy.system("loader")

ENTRY = """\
apiVersion: factory/v1
kind: asset
metadata:
  name: {name}
  title: {title}
  description: {description}
  tags: [drift]
spec:
  owner: {owner}
  version: "{version}"
  usage:
    code: import this
"""


def write(
    folder: Path, name: str = "psi", *, title: str = "Population stability", description: str = "Finds drift.",
    owner: str = "risk", version: str = "1.10", text: str | None = None,
) -> Path:  # fmt: skip
    path = folder / "assets" / name / "entry.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or ENTRY.format(name=name, title=title, description=description, owner=owner, version=version))
    return path


@pytest.fixture
def folder(store: str, tmp_path: Path) -> Path:
    """A catalog folder, and the team that owns what is in it."""
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk")
    made = tmp_path / "definitions"
    made.mkdir()
    return made


def load(folder: Path, *, dry_run: bool = False) -> Report:
    return loader.run(LOADER, source=loader.FILE, files=sources.read_folder(folder), whole=True, dry_run=dry_run)


def entry(ref: str = "asset:default/psi") -> queries.EntryPage:
    with db.reading() as session:
        return queries.entry(session, LOADER, ref)


def events() -> list[str]:
    with db.reading() as session:
        return [line.event for line in activity.since(session, 0, limit=1000)]


def test_a_definition_comes_into_the_catalog_with_its_version_as_text(folder: Path) -> None:
    write(folder)
    assert load(folder).counts == {"create": 1, "update": 0, "unchanged": 0, "stale": 0, "refused": 0}
    assert entry().entry.version == "1.10"
    assert events()[-2:] == ["entry-created", "catalog-imported"]


def test_loading_again_changes_and_records_nothing(folder: Path) -> None:
    write(folder)
    load(folder)
    before = events()
    assert load(folder).counts["unchanged"] == 1
    assert events() == before


def test_a_changed_file_updates_the_entry_and_keeps_its_former_version(folder: Path) -> None:
    write(folder)
    load(folder)
    write(folder, version="2.0", title="Stability")
    report = load(folder)
    assert report.changes[0].fields == ["metadata.title", "spec.version"]
    page = entry()
    assert (page.entry.title, page.entry.version) == ("Stability", "2.0")
    assert {one.version for one in page.versions} == {"1.10", "2.0"}


def test_what_vanishes_becomes_stale_and_returns_unharmed(folder: Path) -> None:
    path = write(folder)
    load(folder)
    text = path.read_text()
    path.unlink()
    assert load(folder).count("stale") == 1
    assert entry().entry.stale_since is not None
    assert load(folder).count("stale") == 0
    path.write_text(text)
    load(folder)
    assert entry().entry.stale_since is None
    assert "entry-went-stale" in events()
    assert "entry-returned" in events()


def test_a_file_that_breaks_is_refused_and_its_entry_stays_as_it_was(folder: Path) -> None:
    path = write(folder)
    write(folder, "other")
    load(folder)
    path.write_text(path.read_text().replace("title:", "titel:"))
    report = load(folder)
    assert (report.count("refused"), report.count("stale")) == (1, 0)
    assert "Did you mean 'title'?" in report.changes[0].problems[0]
    assert entry().entry.stale_since is None
    assert load(folder).count("refused") == 1, "a broken file stays reported until it is mended"


def test_a_reload_never_overwrites_a_persons_edit_silently(folder: Path, person: Callable[..., Actor]) -> None:
    write(folder)
    load(folder)
    author, approver = person("data scientist", team="risk"), person("reviewer")
    page = entry()
    document = page.document | {"metadata": page.document["metadata"] | {"title": "Title by a person"}}
    with db.writing() as session:
        made = actions.propose(session, actor=author, document=document, base_revision=page.entry.revision)
    with db.writing() as session:
        actions.approve(session, actor=approver, proposal_id=made.id or 0)
    write(folder, title="Title by the file", description="New in the file.")
    report = load(folder)
    assert (report.changes[0].fields, report.changes[0].kept) == (["metadata.description"], ["metadata.title"])
    assert (entry().entry.title, entry().entry.summary) == ("Title by a person", "New in the file.")
    write(folder, title="Title by a person", description="New in the file.")
    load(folder)
    assert entry().provenance == {}, "an edit that is in the file too is the file's again"


def test_a_dry_run_says_what_would_happen_and_does_nothing(folder: Path) -> None:
    write(folder)
    before = events()
    report = load(folder, dry_run=True)
    assert (report.dry_run, report.count("create")) == (True, 1)
    assert events() == before
    assert load(folder).count("create") == 1


def test_an_owner_that_does_not_exist_is_refused_with_the_nearest_team_and_the_rest_goes_on(folder: Path) -> None:
    write(folder, "good")
    write(folder, "orphan", owner="rsik")
    report = load(folder)
    assert (report.count("create"), report.count("refused")) == (1, 1)
    refused = next(change for change in report.changes if change.action == "refused")
    assert "Did you mean 'risk'?" in refused.problems[0]
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="rsik", name="Rsik")
    assert load(folder).count("create") == 1, "mended outside the file, it is accepted at the next load"


def refusals(report: Report) -> list[str]:
    return [problem for change in report.changes if change.action == "refused" for problem in change.problems]


def test_names_that_differ_only_in_case_are_one_name(folder: Path) -> None:
    write(folder, "psi")
    write(folder, "PSI")
    report = load(folder)
    assert (report.count("create"), report.count("refused")) == (1, 1)


def test_a_new_file_never_takes_an_entry_from_the_file_that_defines_it(folder: Path) -> None:
    write(folder, "psi")
    load(folder)
    double = write(folder, "PSI", title="Another thing")
    for _ in range(3):  # the refusal holds at every load, whichever of the files is read again
        report = load(folder)
        assert report.counts == {"create": 0, "update": 0, "unchanged": 1, "stale": 0, "refused": 1}
        assert "assets/PSI/entry.yaml" in refusals(report)[0]
        assert "is defined in assets/psi/entry.yaml already" in refusals(report)[0]
        assert (entry().entry.name, entry().entry.title) == ("psi", "Population stability")
    with db.reading() as session:
        listed = queries.problems(session, SYSTEM)
    assert [(path, "already" in problems[0]) for _, path, problems in listed] == [("assets/PSI/entry.yaml", True)]
    write(folder, "psi", title="Stability")
    assert load(folder).count("update") == 1, "the first file still speaks for its entry"
    assert entry().entry.title == "Stability"
    double.unlink()
    assert load(folder).counts == {"create": 0, "update": 0, "unchanged": 1, "stale": 0, "refused": 0}
    assert entry().entry.title == "Stability"


def test_when_the_file_of_an_entry_vanishes_the_next_one_that_defines_it_is_taken(folder: Path) -> None:
    first = write(folder, "psi")
    load(folder)
    write(folder, "PSI", title="Another thing")
    load(folder)
    first.unlink()
    assert load(folder).counts == {"create": 0, "update": 1, "unchanged": 0, "stale": 0, "refused": 0}
    assert (entry().entry.name, entry().entry.title) == ("PSI", "Another thing")


def test_a_file_that_breaks_loses_its_entry_to_no_other_file(folder: Path) -> None:
    first = write(folder, "psi")
    load(folder)
    text = first.read_text()
    write(folder, "PSI", title="Another thing")
    first.write_text("kind: [")
    assert load(folder).counts == {"create": 0, "update": 0, "unchanged": 0, "stale": 0, "refused": 2}
    first.write_text(text)
    assert load(folder).counts == {"create": 0, "update": 0, "unchanged": 1, "stale": 0, "refused": 1}
    assert entry().entry.title == "Population stability"


def test_of_files_that_gave_an_entry_one_after_the_other_the_one_that_is_left_is_read_again(
    folder: Path, tmp_path: Path
) -> None:
    first, second = write(folder, "psi"), write(tmp_path / "later", "PSI", title="Another thing")
    load(folder)
    loader.run(LOADER, source=loader.FILE, files=sources.read_folder(tmp_path / "later"), whole=False)
    assert entry().entry.title == "Another thing", "what comes alone replaces what it does not stand beside"
    assert second.exists()
    assert load(folder).count("update") == 1
    assert entry().entry.title == "Population stability"
    assert first.exists()


def test_an_entry_moves_with_its_file(folder: Path) -> None:
    write(folder, "psi")
    load(folder)
    (folder / "below").mkdir()
    (folder / "assets").rename(folder / "below" / "assets")
    assert load(folder).counts == {"create": 0, "update": 0, "unchanged": 1, "stale": 0, "refused": 0}


def test_what_did_not_change_is_not_read_a_second_time(folder: Path) -> None:
    for name in ("psi", "ks"):
        write(folder, name)
    load(folder)
    write(folder, "ks", title="Changed")
    files = list(sources.read_folder(folder))
    asked: list[str] = []

    def counted(file: sources.SourceFile) -> sources.SourceFile:
        return sources.SourceFile(file.path, file.digest, lambda: (asked.append(file.path), file.read())[1])

    loader.run(LOADER, source=loader.FILE, files=map(counted, files), whole=True)
    assert asked == ["assets/ks/entry.yaml"]


def test_an_entry_of_another_source_is_not_taken_over(folder: Path, tmp_path: Path) -> None:
    write(folder)
    load(folder)
    other = tmp_path / "other"
    write(other, title="Mine now")
    report = loader.run(SYSTEM, source="import:other", files=sources.read_folder(other), whole=True)
    assert report.count("refused") == 1
    assert entry().entry.title == "Population stability"


def test_what_was_exported_imports_to_nothing_changed_even_under_another_name(folder: Path, tmp_path: Path) -> None:
    write(folder, "one")
    write(folder, "two")
    load(folder)
    before = events()
    out = tmp_path / "exported"
    with db.reading() as session:
        export.write_folder(queries.documents_of(session, LOADER), out)
    report = loader.run(SYSTEM, source="import:exported", files=sources.read_folder(out), whole=True)
    assert report.counts == {"create": 0, "update": 0, "unchanged": 2, "stale": 0, "refused": 0}
    assert events() == before


def test_exported_wiped_and_imported_it_is_the_same(shipped: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with db.reading() as session:
        export.write_folder(queries.documents_of(session, LOADER), first)
    with db.writing() as session:
        session.exec(delete(Entry))
        session.exec(delete(CatalogFile))
    loader.run(SYSTEM, source="import:first", files=sources.read_folder(first), whole=True)
    with db.reading() as session:
        export.write_folder(queries.documents_of(session, LOADER), second)
    assert contents(first) == contents(second)
    assert len(contents(first)) > 80


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "not valid YAML"),
        ("a: &x [1]\nb: *x", "alias"),
        ("a: 1\na: 2", "occurs twice"),
        ("x" * 300_000, "larger than"),
        ("[" * 60 + "]" * 60, "nest"),
        ("- just\n- a list", "mapping"),
        ("kind: asset", "apiVersion"),
        ("apiVersion: factory/v1\nkind: assset\nmetadata: {}\nspec: {}", "Did you mean 'asset'?"),
        ("apiVersion: factory/v1\nkind: asset\nmetadata: {name: psi, description: 7}\nspec: {owner: risk}", "quotes"),
        ("apiVersion: factory/v1\nkind: asset\nmetadata: {name: psi, description: \"a\\x07b\"}\nspec: {owner: risk}", "control"),
        ("", "no YAML document"),
    ],
)  # fmt: skip
def test_bad_yaml_gets_its_clear_error_and_the_rest_goes_on(folder: Path, text: str, reason: str) -> None:
    write(folder, "good")
    path = folder / "assets" / "psi" / "entry.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    report = load(folder)
    assert report.count("create") == 1
    refused = next(change for change in report.changes if change.action == "refused")
    assert reason in refused.problems[0]
    assert "assets/psi/entry.yaml" in refused.problems[0]


def test_markup_in_every_text_field_is_kept_as_text(folder: Path) -> None:
    write(folder, title='"<img src=x onerror=alert(1)>"', description='"**bold** <script>1</script>"')
    load(folder)
    assert entry().entry.title == "<img src=x onerror=alert(1)>"


def test_a_deprecated_entry_names_its_successor(folder: Path) -> None:
    write(folder, text=ENTRY.format(name="psi", title="t", description="d", owner="risk", version="1").replace("  version", "  lifecycle: deprecated\n  version"))  # fmt: skip
    assert "successor" in load(folder).changes[0].problems[0]


def test_the_shipped_catalog_loads_without_a_single_problem(shipped: str) -> None:
    report = loader.load(LOADER)
    assert report.counts["refused"] == 0
    assert report.counts["unchanged"] > 80


def test_every_reference_between_shipped_entries_leads_somewhere(shipped: str) -> None:
    with db.reading() as session:
        for document, _ in queries.documents_of(session, LOADER):
            ref = f"{document['kind']}:default/{document['metadata']['name']}"
            page = queries.entry(session, LOADER, ref)
            assert not [one.key for one in page.relations if not one.title], ref


def test_loads_at_once_bring_teams_and_entries_once(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "definitions", owner="risk")
    (tmp_path / "definitions" / "teams.yaml").write_text("- {id: risk, name: Risk}\n- {id: fraud, name: Fraud}\n")
    monkeypatch.setenv("PORTAL_CATALOG", str(tmp_path / "definitions"))
    forget_settings()
    together = threading.Barrier(4)

    def load_at_once(_: int) -> Report:
        together.wait()
        return loader.load(LOADER)

    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(load_at_once, range(4)))
    assert sorted(one.count("create") for one in reports) == [0, 0, 0, 1]
    assert events().count("team-added") == 2


def test_a_load_that_is_killed_leaves_nothing_half_done(tmp_path: Path) -> None:
    definitions = tmp_path / "many"
    for number in range(1500):
        write(definitions, f"asset-{number}", owner="risk")
    db.migrate()
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk")
    environment = os.environ | {"PORTAL_CATALOG": str(definitions)}
    for delay in (0.9, 1.3, 1.7):
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "load"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        )
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    forget_settings()
    report = load(definitions)
    assert report.count("create") + report.count("unchanged") == 1500
    assert events().count("entry-created") <= 1000, "the first page of the log"
    with db.reading() as session:
        assert queries.glance(session, LOADER, since=db.now()).entries == 1500
        assert activity.verify(session, SYSTEM).state == "intact"
        assert activity.history(session, SYSTEM, event="entry-created", size=1).total == 1500
