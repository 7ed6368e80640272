"""What an actor does not see cannot be touched: no verb reaches a project by an id that was guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select as rows_of

from core import db
from core.access import policy
from core.access.policy import MATRIX, ROLES, Actor, Grant, Scope
from core.access.tables import BusinessUnit, Team
from core.catalog import actions as catalog
from core.catalog.tables import Entry
from core.errors import Conflict, NotFound
from core.patterns import approvals, deviations, use
from core.people import actions as people
from core.projects import actions, adoption, harvest, members, queries, risk, value
from core.projects.tables import Project
from core.projects.tier import QUESTIONS
from core.projects.visibility import within_reach
from core.reuse import actions as reuse
from core.reuse import queries as reuse_queries
from tests.conftest import SYSTEM, actor_now

Make = Callable[..., Actor]
Act = Callable[[db.Session, Actor, "Vault"], Any]

LONG = "Ask for the claims table early; its labels come late."
EU = {"text": "The data stay in the EU", "fact": "region", "allowed": ["eu-west"]}
ON_CALL = {"text": "An owner on call is named"}
MINIMAL = {one.key: one.nothing for one in QUESTIONS}


@dataclass
class Vault:
    """A project of the team risk with something for every verb to act on, and people from elsewhere who may act."""

    owner: Actor
    people: dict[str, Actor]
    used: int
    other: int
    pattern: int
    adoption: int
    claim: int
    later: int
    deviation: int
    revision: int


def entry(kind: str, name: str, version: str = "1.0.0", **spec: Any) -> int:
    document = {
        "apiVersion": "factory/v1", "kind": kind,
        "metadata": {"name": name, "title": name.title(), "description": "Churn of customers."},
        "spec": {"owner": "architecture", "version": version, **spec},
    }  # fmt: skip
    with db.writing() as session:
        return catalog.register(session, document=document)


def elsewhere(person: Make) -> dict[str, Actor]:
    """Who acts anywhere by their role, or by a role in the unit, without being of the team."""
    return {
        "engineer": person("ML engineer"),
        "validator": person("model validator"),
        "manager": person("manager"),
        "scientist": person("data scientist", scope=("unit", "bank")),
    }


def vault(person: Make, classification: str = "restricted") -> Vault:
    """Build the project with this classification."""
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="bank", name="Bank")
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk", unit_id="bank")
    owner, reviewer = person("data scientist", team="risk"), person("reviewer")
    person("AI engineer", team="architecture")
    owner = actor_now(owner.id)
    used, other = entry("asset", "psi"), entry("asset", "windows")
    items = [{"by": "security", "id": "SEC-1", "scope": "Inside the EU", "conditions": [EU, ON_CALL]}]
    pattern = entry("pattern", "scoring", problem="A caller waits.", preApprovals=items)
    with db.writing() as session:
        approvals.approve_item(
            session, actor=reviewer, entry_id=pattern, version="1.0.0", item_id="SEC-1", evidence="Board, 3 May",
            expires_on=db.now().date() + timedelta(days=300), revision=1,
        )  # fmt: skip
    act = {"actor": owner, "project_id": "vault"}
    with db.writing() as session:
        people_in = [(owner.id, "data scientist")]
        members.register(session, actor=owner, project_id="vault", title="Vault", team_id="risk", people=people_in,
                         experiments=["bank/vault/explore"], classification=classification)  # fmt: skip
        adopted = adoption.adopt(session, entry_id=used, **act).id or 0
        use.use_pattern(session, entry_id=pattern, region="us-east", services={}, attested=(), **act)
        told = {"item_id": "SEC-1", "condition": ON_CALL["text"], "what": "Nobody at night", "reason": "A batch"}
        deviation = deviations.declare_deviation(session, **told, **act).id or 0
        claim = value.claim_value(session, actor=owner, adoption_id=adopted, low_hours=4, high_hours=8, basis=LONG)
        later = harvest.decide_harvest(session, what="Windows", decision="later", reason=LONG, **act).id or 0
        risk.set_facts(session, revision=1, facts=MINIMAL, **act)
        claim_id = claim.id or 0
    entry("asset", "psi", "2.0.0")
    return Vault(owner, elsewhere(person), used, other, pattern, adopted, claim_id, later, deviation, 2)


VERBS: dict[str, tuple[str, Act]] = {
    "edit": ("engineer", lambda s, a, v: actions.edit(s, actor=a, project_id="vault", revision=v.revision, summary="x")),
    "move": ("engineer", lambda s, a, v: actions.move(s, actor=a, project_id="vault", stage="stopped", finding="x")),
    "claim": ("engineer", lambda s, a, v: actions.claim(s, actor=a, project_id="vault", kind="model", name="bank.x")),
    "release": ("engineer", lambda s, a, v: actions.release(s, actor=a, project_id="vault", kind="experiment", name="bank/vault/explore")),
    "add a member": ("engineer", lambda s, a, v: members.add_member(s, actor=a, project_id="vault", person_id=a.id, role="ML engineer")),
    "remove a member": ("engineer", lambda s, a, v: members.remove_member(s, actor=a, project_id="vault", person_id=v.owner.id, role="data scientist")),
    "state facts": ("scientist", lambda s, a, v: risk.set_facts(s, actor=a, project_id="vault", revision=v.revision, facts=MINIMAL | {"personal_data": "direct"})),
    "confirm a tier": ("validator", lambda s, a, v: risk.confirm_tier(s, actor=a, project_id="vault", revision=v.revision, tier="minimal")),
    "write a retrospective": ("engineer", lambda s, a, v: harvest.write_retrospective(s, actor=a, project_id="vault", went_well=LONG, was_expensive=LONG, others_should_know=LONG)),
    "decide on a share": ("engineer", lambda s, a, v: harvest.decide_harvest(s, actor=a, project_id="vault", what="Labels", decision="nothing", reason=LONG)),
    "open a draft": ("engineer", lambda s, a, v: harvest.open_draft(s, actor=a, decision_id=v.later)),
    "withdraw a decision": ("engineer", lambda s, a, v: harvest.withdraw_decision(s, actor=a, decision_id=v.later)),
    "adopt": ("engineer", lambda s, a, v: adoption.adopt(s, actor=a, project_id="vault", entry_id=v.other)),
    "update an adoption": ("engineer", lambda s, a, v: adoption.update_adoption(s, actor=a, project_id="vault", entry_id=v.used)),
    "end an adoption": ("engineer", lambda s, a, v: adoption.end_adoption(s, actor=a, project_id="vault", entry_id=v.used)),
    "claim hours": ("engineer", lambda s, a, v: value.claim_value(s, actor=a, adoption_id=v.adoption, low_hours=1, high_hours=2, basis=LONG)),
    "confirm hours": ("manager", lambda s, a, v: value.confirm_value(s, actor=a, value_id=v.claim)),
    "use a pattern": ("engineer", lambda s, a, v: use.use_pattern(s, actor=a, project_id="vault", entry_id=v.pattern, region="eu-west", services={}, attested=(), revision=1)),
    "declare a deviation": ("engineer", lambda s, a, v: deviations.declare_deviation(s, actor=a, project_id="vault", item_id="SEC-1", what="x", reason="x")),
    "decide on a deviation": ("manager", lambda s, a, v: deviations.decide_deviation(s, actor=a, project_id="vault", item_id="SEC-1", condition=EU["text"], values=["us-east"], accept=True, note="x")),
    "resolve a deviation": ("engineer", lambda s, a, v: deviations.resolve_deviation(s, actor=a, deviation_id=v.deviation)),
    "decide on reuse": ("engineer", lambda s, a, v: reuse.decide(s, actor=a, project_id="vault", entry_ref="asset:default/windows", decision="build", reason="x")),
}  # fmt: skip
"""Verb → who may do it by their role wherever they are, and how they do it."""


def attempt(found: Vault, verb: str) -> None:
    """Do it and take it back, so that every verb meets the same project."""
    who, act = VERBS[verb]
    with db.writing() as session:
        act(session, found.people[who], found)
        session.flush()
        session.rollback()


def test_every_verb_reaches_a_project_that_its_actor_sees(store: str, person: Make, subtests: pytest.Subtests) -> None:
    found = vault(person, "internal")
    for verb in VERBS:
        with subtests.test(verb):
            attempt(found, verb)


def test_no_verb_reaches_a_project_that_its_actor_does_not_see(
    store: str, person: Make, subtests: pytest.Subtests
) -> None:
    found = vault(person)
    for verb in VERBS:
        with subtests.test(verb):
            with pytest.raises(NotFound) as refusal:
                attempt(found, verb)
            assert "Vault" not in str(refusal.value)


def test_a_guessed_id_is_answered_like_one_that_does_not_exist(store: str, person: Make) -> None:
    found = vault(person)

    def answer(project_id: str) -> tuple[str, str]:
        with pytest.raises(NotFound) as refusal, db.writing() as session:
            actions.edit(session, actor=found.people["engineer"], project_id=project_id, revision=2, summary="x")
        return refusal.value.message.replace(project_id, "…"), refusal.value.hint

    assert answer("vault") == answer("nothing")


def test_whoever_works_in_a_hidden_project_may_act_in_it_from_another_team(store: str, person: Make) -> None:
    found, engineer = vault(person), person("ML engineer")
    act = {"project_id": "vault", "person_id": engineer.id, "role": "ML engineer"}
    with db.writing() as session:
        members.add_member(session, actor=found.owner, **act)
        actions.edit(session, actor=actor_now(engineer.id), project_id="vault", revision=2, summary="Mine too.")


def test_an_engineer_registers_a_hidden_project_of_another_team_with_its_people(store: str, person: Make) -> None:
    owner, engineer = person("data scientist", team="risk"), person("ML engineer")
    with db.writing() as session:
        members.register(
            session, actor=engineer, project_id="vault", title="Vault", team_id="risk", classification="restricted",
            people=[(owner.id, "data scientist")], models=["risk.vault.score"],
        )  # fmt: skip
    with db.reading() as session:
        assert [one.person_id for one in queries.detail(session, owner, "vault").people] == [owner.id]
        with pytest.raises(NotFound):
            queries.detail(session, engineer, "vault")


def test_a_member_from_another_unit_reads_the_reuse_review_of_a_confidential_project(store: str, person: Make) -> None:
    found = vault(person, "confidential")
    member, stranger = person("AI engineer"), person("AI engineer")
    with db.writing() as session:
        members.add_member(session, actor=found.owner, project_id="vault", person_id=member.id, role="AI engineer")
    with db.reading() as session:
        assert reuse_queries.review(session, actor_now(member.id), "vault").project_id == "vault"
        with pytest.raises(NotFound):
            reuse_queries.review(session, stranger, "vault")


# --- a project that has ended ----------------------------------------------------------------------------------------

STAYS_POSSIBLE = {
    "release", "remove a member", "write a retrospective", "decide on a share", "open a draft", "withdraw a decision",
    "end an adoption", "claim hours", "confirm hours",
}  # fmt: skip
"""What is still done when a project has ended: giving back, letting go, and saying what it was worth."""


def test_an_ended_project_stays_as_it_is_but_for_what_it_gives_back(
    store: str, person: Make, subtests: pytest.Subtests
) -> None:
    found = vault(person, "internal")
    with db.writing() as session:
        actions.move(session, actor=found.owner, project_id="vault", stage="stopped", finding="Too few labels.")
    for verb in VERBS:
        with subtests.test(verb):
            if verb in STAYS_POSSIBLE:
                attempt(found, verb)
                continue
            with pytest.raises(Conflict, match=r"stopped|waits for no decision"):
                attempt(found, verb)


# --- reach as a condition --------------------------------------------------------------------------------------------

PLACES = [("north", "a"), ("north", "b"), ("south", "c"), (None, "d")]
grants = st.builds(
    Grant,
    role=st.sampled_from(ROLES),
    scope_kind=st.sampled_from(("organisation", "unit", "team", "project")),
    scope_id=st.sampled_from(("", "north", "south", "a", "c", "d", "p-a", "p-d")),
)
actors = st.builds(
    Actor,
    kind=st.sampled_from(("person", "system", "token")),
    id=st.just("p-1"),
    name=st.just("Somebody"),
    grants=st.frozensets(grants, max_size=3),
    teams=st.frozensets(st.sampled_from("abcd"), max_size=2),
    units=st.frozensets(st.sampled_from(("north", "south")), max_size=1),
    scopes=st.just(frozenset({"catalog:read"})),
)


def test_reach_in_sql_is_what_the_policy_says_of_each_project(store: str) -> None:
    with db.writing() as session:
        session.add_all([BusinessUnit(id=one, name=one) for one in ("north", "south")])
        session.flush()
        session.add_all([Team(id=team, name=team, unit_id=unit) for unit, team in PLACES])
        session.flush()
        session.add_all([Project(id=f"p-{team}", title=team, team_id=team, unit_id=unit) for unit, team in PLACES])
        session.add_all(
            [Entry(key=f"asset:default/{team}", kind="asset", namespace="default", name=team, title=team, summary="", owner=team,
                   unit=unit, lifecycle="approved", classification="internal", version="1", source="file") for unit, team in PLACES]
        )  # fmt: skip

    @settings(max_examples=150)
    @given(actors, st.sampled_from(sorted(MATRIX)))
    def holds(actor: Actor, action: str) -> None:
        with db.reading() as session:
            found = set(session.execute(rows_of(Project.id).where(within_reach(actor, action))).scalars())
        wanted = {f"p-{team}" for unit, team in PLACES if policy.may(actor, action, Scope(unit, team, f"p-{team}"))}
        assert found == wanted

    holds()
