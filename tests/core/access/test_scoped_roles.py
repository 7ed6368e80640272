"""A role held in a part of the house, through direct calls: it decides there, and runs nothing of the whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import select

from core import db, jobs
from core.access import queries
from core.access.policy import Actor
from core.access.tables import RoleGrant, Token
from core.activity import queries as activity
from core.catalog import actions as catalog
from core.catalog import loader
from core.catalog import queries as catalog_queries
from core.datasets import queries as datasets
from core.db import Session
from core.errors import Conflict, NotAllowed
from core.people import actions as people
from core.projects import actions as projects
from core.projects import risk
from core.reuse import demand
from core.reviews import readable
from tests.conftest import SYSTEM

Make = Callable[..., Actor]
PARTS = [("unit", "retail"), ("team", "cards"), ("project", "fraud")]
BEGINNING = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def house(store: str) -> None:
    """Two units with a team and a project each."""
    with db.writing() as session:
        for unit, team, project in (("retail", "cards", "fraud"), ("health", "ward", "beds")):
            people.add_unit(session, actor=SYSTEM, unit_id=unit, name=unit.title())
            people.add_team(session, actor=SYSTEM, team_id=team, name=team.title(), unit_id=unit)
            projects.create(session, actor=SYSTEM, project_id=project, title=project.title(), team_id=team)


def role_for_oneself(session: Session, admin: Actor) -> object:
    return people.grant_role(session, actor=admin, person_id=admin.id, role="administrator")


def first_proposed(session: Session) -> int:
    return session.exec(select(RoleGrant.id).where(RoleGrant.state == "proposed")).one() or 0


ADMINISTRATION: dict[str, Callable[[Session, Actor], object]] = {
    "grant oneself the whole house": role_for_oneself,
    "confirm a role": lambda s, a: people.decide_role(s, actor=a, grant_id=first_proposed(s), confirm=True),
    "revoke a role": lambda s, a: people.revoke_role(s, actor=a, grant_id=queries.grants_of(s, a.id)[0].id or 0),
    "add a person": lambda s, a: people.add_person(s, actor=a, name="Eve"),
    "deactivate a person": lambda s, a: people.deactivate_person(s, actor=a, person_id=a.id),
    "reactivate a person": lambda s, a: people.reactivate_person(s, actor=a, person_id=a.id),
    "erase a person": lambda s, a: people.erase_person(s, actor=a, person_id=a.id),
    "add a unit": lambda s, a: people.add_unit(s, actor=a, unit_id="mine", name="Mine"),
    "add a team": lambda s, a: people.add_team(s, actor=a, team_id="mine", name="Mine"),
    "join a team": lambda s, a: people.join_team(s, actor=a, team_id="cards", person_id=a.id),
    "leave a team": lambda s, a: people.leave_team(s, actor=a, team_id="cards", person_id=a.id),
    "create a token": lambda s, a: people.create_token(s, actor=a, name="mine", scopes=["catalog:import"]),
    "revoke a token": lambda s, a: people.revoke_token(s, actor=a, token_id=s.exec(select(Token.id)).one() or 0),
    "add a source": lambda s, a: catalog.add_source(s, actor=a, location="https://github.com/eve/mine"),
    "remove a source": lambda s, a: catalog.remove_source(s, actor=a, source_id=1),
    "read the sources": catalog_queries.sources,
    "read what was refused": catalog_queries.problems,
    "import a file": lambda _, a: loader.run(a, source="import:upload", files=[], whole=False),
    "run an import": lambda _, a: jobs.enqueue(a, "import-source", 1),
    "run a job": lambda _, a: jobs.enqueue(a, "seal-log"),
    "read the jobs": lambda _, a: jobs.recent(a),
}


@pytest.mark.parametrize("verb", ADMINISTRATION)
def test_an_administrator_of_a_part_administers_nothing(house: None, person: Make, verb: str) -> None:
    proposer, somebody = person("administrator"), person()
    with db.writing() as session:
        people.grant_role(session, actor=proposer, person_id=somebody.id, role="reviewer")
        people.create_token(session, actor=proposer, name="ci", scopes=["gate:ask"])
    for part in PARTS:
        admin = person("administrator", scope=part)
        before = records()
        with pytest.raises(NotAllowed, match="may not"), db.writing() as session:
            ADMINISTRATION[verb](session, admin)
        assert records() == before


def records() -> int:
    with db.reading() as session:
        return len(activity.since(session, 0, limit=10_000))


@pytest.mark.parametrize("part", PARTS, ids=lambda one: one[0])
def test_an_ml_engineer_of_a_part_runs_no_job(house: None, person: Make, part: tuple[str, str]) -> None:
    engineer = person("ML engineer", scope=part)
    with pytest.raises(NotAllowed):
        jobs.enqueue(engineer, "reload-catalog")
    with pytest.raises(NotAllowed):
        jobs.recent(engineer)


@pytest.mark.parametrize("part", PARTS, ids=lambda one: one[0])
def test_the_last_administrator_of_the_house_is_not_replaced_by_one_of_a_part(
    house: None, person: Make, part: tuple[str, str]
) -> None:
    admin, other = person("administrator"), person("administrator", scope=part)
    with db.reading() as session:
        of_the_house, of_the_part = (queries.grants_of(session, one.id)[0].id or 0 for one in (admin, other))
    with pytest.raises(Conflict, match="last administrator"), db.writing() as session:
        people.revoke_role(session, actor=admin, grant_id=of_the_house)
    with db.writing() as session:
        people.revoke_role(session, actor=admin, grant_id=of_the_part)


# --- the log ---------------------------------------------------------------------------------------------------------


READERS_OF_ALL = ("manager", "reviewer", "model validator", "auditor", "administrator")


@pytest.mark.parametrize("role", READERS_OF_ALL)
def test_a_role_in_a_part_reads_its_own_deeds_and_neither_verifies_nor_exports_the_log(
    house: None, person: Make, role: str
) -> None:
    for part in PARTS:
        reads_own_deeds_alone(person(role, scope=part))


def reads_own_deeds_alone(reader: Actor) -> None:
    with db.writing() as session:
        catalog.wish(session, actor=reader, text="a churn model")
    with db.reading() as session:
        read = activity.history(session, reader)
        assert {one.actor for one in read.items} == {reader.ref}
        assert read.total == len(read.items)
        assert activity.history(session, reader, by=SYSTEM.ref).total == 0
        with pytest.raises(NotAllowed):
            activity.verify(session, reader)
        with pytest.raises(NotAllowed):
            next(activity.export(session, reader))


@pytest.mark.parametrize("role", READERS_OF_ALL)
def test_a_role_for_the_organisation_reads_verifies_and_exports_all_of_it(house: None, person: Make, role: str) -> None:
    reader = person(role)
    with db.reading() as session:
        seen = readable.seen_by(session, reader)
        assert activity.history(session, reader, seen=seen).total == records()
        assert activity.verify(session, reader).state == "intact"
        assert sum(1 for _ in activity.export(session, reader)) == records()


# --- what a part decides ---------------------------------------------------------------------------------------------


def tier(session: Session, actor: Actor, project_id: str) -> Any:
    return risk.confirm_tier(session, actor=actor, project_id=project_id, revision=1, tier="high")


@pytest.mark.parametrize("part", PARTS, ids=lambda one: one[0])
def test_a_reviewer_of_a_part_decides_there_and_not_elsewhere(house: None, person: Make, part: tuple[str, str]) -> None:
    reviewer = person("reviewer", scope=part)
    with pytest.raises(Conflict, match="no risk facts"), db.writing() as session:  # admitted, and nothing to confirm
        tier(session, reviewer, "fraud")
    with pytest.raises(NotAllowed), db.writing() as session:
        tier(session, reviewer, "beds")


@pytest.mark.parametrize("part", PARTS, ids=lambda one: one[0])
def test_what_the_whole_house_asked_for_is_not_for_a_part_to_take_or_decline(
    house: None, person: Make, part: tuple[str, str]
) -> None:
    engineer = person("ML engineer", scope=part)
    with db.writing() as session:
        catalog.wish(session, actor=engineer, text="a churn model")
    with pytest.raises(NotAllowed), db.writing() as session:
        demand.take_up(session, actor=engineer, text="a churn model")
    with pytest.raises(NotAllowed), db.writing() as session:
        demand.decline(session, actor=engineer, text="a churn model", reason="No.")


@pytest.mark.parametrize("role", ["auditor", "reviewer", "manager"])
def test_the_audit_of_data_is_open_to_a_part_and_closed_to_other_roles(house: None, person: Make, role: str) -> None:
    auditor, builder = person(role, scope=("unit", "retail")), person("data scientist", scope=("unit", "retail"))
    with db.reading() as session:
        assert datasets.readers(session, auditor, at=BEGINNING).items == []
        with pytest.raises(NotAllowed):
            datasets.readers(session, builder, at=BEGINNING)
