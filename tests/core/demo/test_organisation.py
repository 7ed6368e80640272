"""The demo organisation: complete, built once, and removed without a trace but the log's."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import col, func, select

from core import db
from core.access import policy, queries
from core.access.policy import ROLES, Actor
from core.access.tables import BusinessUnit, Person, RoleGrant, SignIn, Team, TeamMember
from core.activity import queries as activity
from core.catalog.tables import Demand, Entry, Proposal
from core.datasets.tables import DataRequest
from core.demo import organisation
from core.demo.charters import CHARTERS, PATTERN_PLANS
from core.demo.organisation import MEMBERS, PROJECTS, TEAMS
from core.errors import Conflict
from core.patterns import approval_queries as approvals
from core.patterns.tables import PatternApproval
from core.people import actions as people
from core.people.tables import Notice
from core.projects import actions as projects
from core.projects import gates, tier
from core.projects.facts import facts_of
from core.projects.tables import Adoption, Project
from tests.conftest import SYSTEM, actor_now

DEMO = policy.system("demo")


def build() -> list[str]:
    told: list[str] = []
    organisation.build(DEMO, told.append)
    return told


def count(table: type) -> int:
    with db.reading() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def test_it_is_built_once_however_often_it_is_told(store: str) -> None:
    assert build()
    before = {table: count(table) for table in (Person, Team, Project, RoleGrant, TeamMember)}
    assert build() == []
    assert {table: count(table) for table in before} == before
    with db.reading() as session:
        assert [line.event for line in activity.since(session, 0, limit=5000)].count("demo-built") == 1
        assert activity.verify(session, SYSTEM).state == "intact"


def test_two_portals_that_start_together_build_it_once(store: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda _: build(), range(3)))
    assert sorted(map(bool, told)) == [False, False, True]
    assert count(Person) == len(MEMBERS)


def test_every_role_is_held_and_two_people_administrate(store: str) -> None:
    build()
    with db.reading() as session:
        held = Counter(session.exec(select(RoleGrant.role).where(RoleGrant.state == "active")))
    assert set(held) == set(ROLES)
    assert held["administrator"] >= 2


def test_projects_stand_in_every_stage_and_end_with_what_was_learnt(store: str) -> None:
    build()
    with db.reading() as session:
        rows = session.exec(select(Project)).all()
    assert Counter(row.stage for row in rows) == {
        "explore": 2,
        "experiment": 4,
        "operate": 4,
        "stopped": 2,
        "closed": 1,
    }
    assert all(row.finding for row in rows if row.stage in ("stopped", "closed"))
    assert all(row.demo and row.summary and row.unit_id for row in rows)


def test_everything_it_adopts_is_in_the_shipped_catalog(shipped: str) -> None:
    told = build()
    assert not [line for line in told if line.startswith("Not adopted")]
    decided_to_reuse = 1  # in the reuse review of the meter reading
    assert count(Adoption) == sum(len(project.adopts) for project in PROJECTS) + len(PATTERN_PLANS) + decided_to_reuse
    with db.reading() as session:
        adopted = dict(session.exec(select(Entry.key, Entry.adoptions).where(col(Entry.adoptions) > 0)).all())
    assert adopted["dataset:default/digits"] == 3
    assert sum(adopted.values()) == count(Adoption)


def test_the_tier_of_its_facts_is_the_one_its_models_carry() -> None:
    for project in PROJECTS:
        if project.predicts and CHARTERS[project.id].risk is not None:
            assert tier.decide(CHARTERS[project.id].facts).tier == project.risk_tier, project.id


def test_its_projects_in_operation_would_pass_the_gate_before_it(shipped: str) -> None:
    build()
    with db.reading() as session:
        for project in session.exec(select(Project).where(Project.stage == "operate")):
            assert gates.open_points(facts_of(session, project), "operate") == [], project.id


def test_a_project_on_an_approved_pattern_inherits_and_the_one_elsewhere_deviates(shipped: str) -> None:
    build()
    with db.reading() as session:
        kept = approvals.standing(session, SYSTEM, "cheque-reader")
        deviating = approvals.standing(session, SYSTEM, "postcode-reader")
    assert kept
    assert deviating
    assert {item.item: item.inherited for item in kept.items} == dict.fromkeys(["IT-1", "IT-2", "SEC-1", "PRI-1"], True)
    assert [item.item for item in deviating.items if not item.inherited] == ["IT-1"]


def test_a_project_that_uses_a_pattern_has_declared_how(shipped: str) -> None:
    build()
    with db.reading() as session:
        adopted = select(Adoption.project_id).join(Entry, col(Entry.id) == Adoption.entry_id)
        on_patterns = set(session.exec(adopted.where(Entry.kind == "pattern")))
        assert on_patterns == {plan.project for plan in PATTERN_PLANS}
        assert all(approvals.standing(session, SYSTEM, one) for one in on_patterns)


def test_without_a_catalog_it_says_what_it_could_not_adopt(store: str) -> None:
    assert "asset:default/drift-statistics" in build()[-1]
    assert count(Adoption) == 0


def test_removing_leaves_nothing_but_the_log(shipped: str) -> None:
    build()
    with db.writing() as session:
        organisation.remove(session, actor=SYSTEM)
    for table in (
        Person, Project, Adoption, BusinessUnit, RoleGrant, TeamMember, SignIn, PatternApproval, DataRequest, Demand, Proposal, Notice,
    ):  # fmt: skip
        assert count(table) == 0, table
    with db.reading() as session:
        assert not set(TEAMS) & {team.id for team in queries.teams(session)}
        assert session.exec(select(func.sum(Entry.adoptions))).one() == 0
        assert session.exec(select(func.count()).select_from(Entry).where(col(Entry.demo))).one() == 0
        assert activity.verify(session, SYSTEM).state == "intact"
    with db.writing() as session, pytest.raises(Conflict):
        organisation.remove(session, actor=SYSTEM)
    assert build()


def test_what_is_not_the_demos_outlives_it(store: str) -> None:
    build()
    with db.writing() as session:
        real = people.add_person(session, actor=SYSTEM, name="Real Person").id
        people.join_team(session, actor=SYSTEM, team_id="plant-automation", person_id=real)
        people.grant_role(session, actor=SYSTEM, person_id=real, role="administrator")
        projects.create(session, actor=DEMO, project_id="real", title="Real", team_id="plant-automation")
    with db.writing() as session:
        organisation.remove(session, actor=actor_now(real))
    with db.reading() as session:
        assert [one.id for one in queries.teams(session)] == ["plant-automation"]
        assert [one.id for one in queries.units(session)] == ["manufacturing"]
        assert queries.people(session)[0].teams == ("Plant automation",)
        assert session.exec(select(Project.id)).all() == ["real"]


def test_nobody_of_the_demo_saws_off_the_branch_they_sit_on(store: str) -> None:
    build()
    with db.reading() as session:
        mine = select(RoleGrant.person_id).where(RoleGrant.role == "administrator")
        administrator: Actor | None = queries.actor_for(session, session.exec(mine).first() or "")
    assert administrator is not None
    with db.writing() as session, pytest.raises(Conflict, match="belong to the demo"):
        organisation.remove(session, actor=administrator)
    assert count(Person) == len(MEMBERS)
