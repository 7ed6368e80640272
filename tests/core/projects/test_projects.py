"""Projects: who may start and move them, what they adopt, and that the count of adoptions is always right."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlmodel import select

from core import db
from core.access.policy import Actor
from core.activity import queries as activity
from core.catalog import actions as catalog
from core.catalog import loader, sources
from core.catalog import queries as entries
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Entry
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.projects import actions, adoption, queries
from core.projects.tables import Project
from tests.conftest import SYSTEM

Make = Callable[..., Actor]


def register(name: str, **spec: Any) -> int:
    document = {
        "apiVersion": "factory/v1",
        "kind": "asset",
        "metadata": {"name": name, "title": name.title(), "description": "Finds drift."},
        "spec": {"owner": "risk", "version": "1.0", **spec},
    }
    with db.writing() as session:
        return catalog.register(session, document=document)


def start(actor: Actor = SYSTEM, project_id: str = "fraud", team: str = "risk", **more: Any) -> str:
    with db.writing() as session:
        return actions.create(session, actor=actor, project_id=project_id, title=project_id, team_id=team, **more).id


def adopt(actor: Actor, entry_id: int, project_id: str = "fraud") -> None:
    with db.writing() as session:
        adoption.adopt(session, actor=actor, project_id=project_id, entry_id=entry_id)


def end(actor: Actor, entry_id: int, project_id: str = "fraud") -> None:
    with db.writing() as session:
        adoption.end_adoption(session, actor=actor, project_id=project_id, entry_id=entry_id)


def move(actor: Actor, stage: str, finding: str = "", project_id: str = "fraud") -> None:
    with db.writing() as session:
        actions.move(session, actor=actor, project_id=project_id, stage=stage, finding=finding)


def adoptions_of(entry_id: int) -> int:
    with db.reading() as session:
        return session.exec(select(Entry.adoptions).where(Entry.id == entry_id)).one()


def told() -> list[str]:
    with db.reading() as session:
        return [line.event for line in activity.since(session, 0)]


@pytest.fixture
def scientist(store: str, person: Make) -> Actor:
    return person("data scientist", team="risk")


def test_a_builder_starts_a_project_of_their_own_team_and_of_no_other(scientist: Actor, person: Make) -> None:
    person("data scientist", team="other")
    assert start(scientist) == "fraud"
    with pytest.raises(NotAllowed):
        start(scientist, "elsewhere", team="other")
    assert told().count("project-created") == 1


@pytest.mark.parametrize("role", ["reviewer", "auditor", "model validator", "administrator"])
def test_roles_that_build_nothing_start_no_project(store: str, person: Make, role: str) -> None:
    with pytest.raises(NotAllowed):
        start(person(role, team="risk"))


def test_a_new_project_is_found_in_the_catalog_and_its_finding_follows(scientist: Actor) -> None:
    start(scientist, summary="Finds fraud.")
    move(scientist, "stopped", "Labels come two years late.")
    with db.reading() as session:
        page = entries.entry(session, scientist, "project:default/fraud")
    assert (page.spec["stage"], page.spec["finding"]) == ("stopped", "Labels come two years late.")


def project_entry(name: str = "fraud", problem: str = "") -> dict[str, Any]:
    return {
        "apiVersion": "factory/v1", "kind": "project", "metadata": {"name": name, "description": "Finds fraud."},
        "spec": {"owner": "risk", "problem": problem, "stage": "stopped", "finding": "We made this up."},
    }  # fmt: skip


def test_the_entry_of_a_project_is_changed_by_its_project_alone(scientist: Actor, person: Make) -> None:
    start(scientist, summary="Finds fraud.")
    curator = person("ML engineer")
    with db.reading() as session:
        entry = entries.entry(session, scientist, "project:default/fraud").entry
    with pytest.raises(Conflict, match="says what its project says"), db.writing() as session:
        catalog.propose(session, actor=scientist, document=project_entry(), base_revision=entry.revision)
    with pytest.raises(Conflict, match="says what its project says"), db.writing() as session:
        adoption.change_lifecycle(
            session,
            actor=curator,
            entry_id=entry.id or 0,
            to=Lifecycle.retired,
            revision=entry.revision,
            reason="Gone.",
        )
    move(scientist, "stopped", "Labels come two years late.")
    with db.reading() as session:
        page = entries.entry(session, scientist, "project:default/fraud")
    assert (page.spec["finding"], page.entry.lifecycle) == ("Labels come two years late.", "approved")


def test_a_proposal_that_waited_when_the_project_began_does_not_overwrite_its_entry(
    scientist: Actor, person: Make
) -> None:
    with db.writing() as session:
        waiting = catalog.propose(session, actor=scientist, document=project_entry()).id or 0
    start(scientist)
    curator = person("ML engineer")
    with pytest.raises(Conflict, match="says what its project says"), db.writing() as session:
        catalog.approve(session, actor=curator, proposal_id=waiting)


def test_a_project_takes_no_name_that_an_entry_from_elsewhere_has(scientist: Actor, tmp_path: Path) -> None:
    write_entry(tmp_path, project_entry(problem="Long ago."))
    loader.run(SYSTEM, source="import:past", files=sources.read_folder(tmp_path), whole=True)
    with pytest.raises(Conflict, match="is taken by an entry from another source"):
        start(scientist)
    with db.reading() as session:
        assert entries.entry(session, scientist, "project:default/fraud").spec["problem"] == "Long ago."
        assert queries.projects(session, scientist).total == 0


def test_an_import_does_not_overwrite_the_entry_of_a_project(scientist: Actor, tmp_path: Path) -> None:
    start(scientist, summary="Finds fraud.")
    write_entry(tmp_path, project_entry(problem="Something else."))
    report = loader.run(SYSTEM, source="import:past", files=sources.read_folder(tmp_path), whole=True)
    assert report.counts["refused"] == 1
    with db.reading() as session:
        assert entries.entry(session, scientist, "project:default/fraud").spec["problem"] == "Finds fraud."


def write_entry(folder: Path, document: dict[str, Any]) -> None:
    path = folder / "projects" / document["metadata"]["name"] / "entry.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(document))


def test_a_taken_id_is_refused(scientist: Actor) -> None:
    start(scientist)
    with pytest.raises(Conflict, match="fraud exists already"):
        start(scientist)


@pytest.mark.parametrize("project_id", ["", "Fraud", "a b", "-a", "a--b", "a" * 64, "a\x00", "ä", "../x"])
def test_an_id_that_is_no_name_is_refused(scientist: Actor, project_id: str) -> None:
    with pytest.raises(Invalid):
        start(scientist, project_id)
    with db.reading() as session, pytest.raises(NotFound):
        queries.project(session, scientist, project_id)


@pytest.mark.parametrize(
    "more",
    [{"stage": "stopped"}, {"stage": "x"}, {"summary": "a\x00b"}, {"summary": "x" * 1001}, {"key_metric": "a\nb"}],
)
def test_a_project_that_breaks_a_rule_is_refused_and_leaves_nothing(scientist: Actor, more: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        start(scientist, **more)
    with db.reading() as session:
        assert queries.projects(session, scientist).total == 0


def test_stages_follow_each_other_and_stopping_needs_a_finding(scientist: Actor) -> None:
    start(scientist)  # the portal itself passes the gates; tests/core/projects/test_stages.py holds them
    with pytest.raises(Conflict, match="stage explore"):
        move(SYSTEM, "operate")
    move(SYSTEM, "experiment")
    with pytest.raises(Invalid, match="finding"):
        move(SYSTEM, "stopped", "  ")
    with pytest.raises(Invalid, match="not a stage"):
        move(SYSTEM, "paused")
    move(SYSTEM, "operate")
    move(SYSTEM, "closed", "Start from a baseline.")
    for stage in actions.STAGES:
        with pytest.raises(Conflict):
            move(SYSTEM, stage, "again")


def test_adopting_counts_once_and_ending_counts_back(scientist: Actor) -> None:
    start(scientist)
    psi = register("psi")
    adopt(scientist, psi)
    assert adoptions_of(psi) == 1
    with pytest.raises(Conflict, match="already"):
        adopt(scientist, psi)
    with db.reading() as session:
        assert [one.project_id for one in queries.adopters(session, scientist, psi)] == ["fraud"]
    end(scientist, psi)
    assert adoptions_of(psi) == 0
    with pytest.raises(NotFound, match="does not use"):
        end(scientist, psi)
    adopt(scientist, psi)
    assert adoptions_of(psi) == 1
    assert told().count("entry-adopted") == 2
    with db.reading() as session:
        assert [one.until is None for one in queries.project(session, scientist, "fraud").adoptions] == [True, False]


def test_adopting_at_the_same_time_loses_no_count_and_doubles_none(scientist: Actor) -> None:
    psi = register("psi")
    projects = [start(scientist, f"project-{number}") for number in range(6)]

    def attempt(project: str) -> str:
        try:
            adopt(scientist, psi, project)
        except PortalError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, projects * 3))
    assert outcomes.count("done") == 6
    assert set(outcomes) == {"done", "conflict"}
    assert adoptions_of(psi) == 6


def test_starting_the_same_project_at_the_same_time_starts_one(scientist: Actor) -> None:
    def attempt(_number: int) -> str:
        try:
            return start(scientist)
        except PortalError as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, range(6)))
    assert sorted(outcomes) == ["conflict"] * 5 + ["fraud"]


def test_what_cannot_be_seen_cannot_be_adopted(scientist: Actor) -> None:
    start(scientist)
    hidden = register("hidden", classification="restricted")
    with db.writing() as session:
        session.get_one(Entry, hidden).owner = "others"
    with pytest.raises(NotFound):
        adopt(scientist, hidden)
    with pytest.raises(NotFound):
        adopt(scientist, 999_999)


def test_a_deprecated_entry_is_refused_and_its_successor_named(scientist: Actor) -> None:
    start(scientist)
    old, _ = register("old"), register("new")
    with db.writing() as session:
        entry = session.get_one(Entry, old)
        entry.lifecycle, entry.successor = Lifecycle.deprecated, "asset:default/new"
    with pytest.raises(Conflict) as refusal:
        adopt(scientist, old)
    assert "asset:default/new" in refusal.value.hint


def test_a_stopped_project_adopts_nothing(scientist: Actor) -> None:
    start(scientist)
    move(scientist, "stopped", "Not feasible.")
    with pytest.raises(Conflict, match="stopped"):
        adopt(scientist, register("psi"))


def test_projects_that_may_adopt_are_those_of_ones_own_teams_that_do_not_yet(scientist: Actor, person: Make) -> None:
    other = person("data scientist", team="other")
    for project_id, actor, team in (("a", scientist, "risk"), ("b", scientist, "risk"), ("c", other, "other")):
        start(actor, project_id, team)
    psi = register("psi")
    adopt(scientist, psi, "a")
    with db.reading() as session:
        assert [one.id for one in queries.adoptable(session, scientist, psi).items] == ["b"]
        assert queries.adoptable(session, person("auditor"), psi).total == 0


def test_of_very_many_projects_that_may_adopt_ones_own_come_first_and_words_find_the_others(
    scientist: Actor, person: Make
) -> None:
    engineer = person("ML engineer", team="platform")
    for number in range(5):
        start(SYSTEM, f"a-{number}")
    start(SYSTEM, "z-own", "platform")
    psi = register("psi")
    with db.reading() as session:
        first = queries.adoptable(session, engineer, psi, limit=2)
        assert ([one.id for one in first.items], first.total) == (["z-own", "a-0"], 6)
        assert [one.id for one in queries.adoptable(session, engineer, psi, q="A-4", limit=2).items] == ["a-4"]


def test_the_tiers_that_wait_for_somebody_are_not_crowded_out_by_those_that_do_not(
    scientist: Actor, person: Make
) -> None:
    person("data scientist", team="later")
    validator = person("model validator", scope=("team", "later"))
    for project_id, team in (("a", "risk"), ("b", "risk"), ("c", "later")):
        start(SYSTEM, project_id, team)
        with db.writing() as session:
            project = session.get_one(Project, project_id)
            project.tier, project.risk_facts_by = "high", "person:p-other"
    with db.reading() as session:
        assert [one.id for one in queries.tiers_to_confirm(session, validator, limit=1)] == ["c"]


def test_the_list_is_filtered_paged_and_sorted(scientist: Actor) -> None:
    for number in range(5):
        start(scientist, f"project-{number}", summary="100 % safe" if number == 3 else "")
    move(SYSTEM, "experiment", project_id="project-4")
    with db.reading() as session:
        page = queries.projects(session, scientist, size=2, page=2)
        assert ([one.id for one in page.items], page.total) == (["project-2", "project-3"], 5)
        assert [one.id for one in queries.projects(session, scientist, q="100 %").items] == ["project-3"]
        assert queries.projects(session, scientist, q="\x00 PROJECT-4\ud800").total == 1
        assert queries.projects(session, scientist, stage="experiment").total == 1
        assert queries.projects(session, scientist, team="risk", unit="none").total == 0
        assert [one.id for one in queries.projects(session, scientist, sort="stage").items][-1] == "project-4"
        assert queries.projects(session, scientist, page=-3, size=10**9).total == 5
        with pytest.raises(Invalid):
            queries.projects(session, scientist, sort="id; drop table project")
