"""The dry run of a git source as the job that it is: queued, run outside any transaction, and read afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlmodel import select

from core import db, jobs
from core.access import policy
from core.catalog import actions, loader, queries, sources
from core.catalog.tables import CatalogFile, Entry
from core.errors import NotAllowed, Unavailable
from core.jobs import SourceCheck
from core.people import actions as people
from tests.conftest import SYSTEM
from tests.core.catalog.test_loader import events, write

pytestmark = pytest.mark.slow
LOCATION = "https://github.com/example/definitions"


@pytest.fixture
def repository(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the repository of the source holds; whoever fetches it holds no connection to the store meanwhile."""
    folder = tmp_path / "repository"
    write(folder, "psi")

    @contextmanager
    def fetched(location: str) -> Iterator[Path]:
        assert location == LOCATION
        assert db.engine().pool.checkedout() == 0  # type: ignore[attr-defined]
        yield folder

    monkeypatch.setattr(sources, "fetch_git", fetched)
    return folder


@pytest.fixture
def source(repository: Path) -> Iterator[int]:
    """A source whose jobs are being run."""
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk")
        made = actions.add_source(session, actor=SYSTEM, location=LOCATION)
        source_id = made.id or 0
    jobs.start()
    yield source_id
    jobs.stop()


def checked(source_id: int) -> SourceCheck:
    """Ask for a dry run and wait until it has ended."""
    jobs.enqueue(SYSTEM, "check-source", source_id)
    seen = jobs.source_checks(SYSTEM)[source_id]
    assert seen.under_way
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        seen = jobs.source_checks(SYSTEM)[source_id]
        if not seen.under_way:
            return seen
        time.sleep(0.2)
    raise AssertionError("the dry run did not end")


def test_a_dry_run_tells_what_an_import_would_do_and_changes_nothing(source: int, repository: Path) -> None:
    write(repository, "orphan", owner="rsik")
    before = events()
    found = checked(source)
    assert found.counts == {"create": 1, "update": 0, "unchanged": 0, "stale": 0, "refused": 1}
    assert [one.action for one in found.changes] == ["refused", "create"], "what is to be read first comes first"
    assert "Did you mean 'risk'?" in found.changes[0].problems[0]
    assert events() == before
    with db.reading() as session:
        assert session.exec(select(Entry)).all() == []
        assert session.exec(select(CatalogFile)).all() == []
        assert queries.sources(session, SYSTEM)[0].imported_at is None

    label = f"import:{LOCATION}"
    loader.run(policy.system("import"), source=label, files=sources.read_folder(repository), whole=True)
    write(repository, "psi", title="Stability")
    write(repository, "fresh")
    assert checked(source).counts == {"create": 1, "update": 1, "unchanged": 0, "stale": 0, "refused": 1}
    (repository / "assets" / "psi" / "entry.yaml").unlink()
    found = checked(source)
    assert [(one.action, one.key) for one in found.changes if one.action == "stale"] == [("stale", "asset:default/psi")]


def test_a_repository_that_does_not_answer_is_an_outcome(source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(location: str) -> None:
        raise Unavailable(f"{location} did not answer in time.", hint="Try again later.")

    monkeypatch.setattr(sources, "fetch_git", silent)
    found = checked(source)
    assert (found.counts, found.failure) == ({}, f"{LOCATION} did not answer in time. Try again later.")


def test_a_source_that_is_removed_meanwhile_has_nothing_to_tell(source: int) -> None:
    with db.writing() as session:
        actions.remove_source(session, actor=SYSTEM, source_id=source)
    assert (checked(source).counts, checked(source).failure) == ({}, "")


def test_dry_runs_are_asked_for_and_read_by_administrators_alone(source: int) -> None:
    engineer = policy.Actor("person", "p-e", "Engineer", frozenset({policy.Grant("ML engineer")}))
    with pytest.raises(NotAllowed):
        jobs.enqueue(engineer, "check-source", source)
    with pytest.raises(NotAllowed):
        jobs.source_checks(engineer)
    assert jobs.source_checks(SYSTEM) == {}
