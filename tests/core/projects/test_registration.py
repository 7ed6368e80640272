"""Registering a project and changing it: every field is checked, nobody overwrites anybody, one name has one owner."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from core import db
from core.access.policy import MATRIX, ROLES, Actor
from core.activity import queries as activity
from core.catalog import queries as entries
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError
from core.people import actions as people
from core.people import notices
from core.projects import actions, members, queries
from core.projects.names import conventional
from tests.conftest import SYSTEM, actor_now

Make = Callable[..., Actor]
OWN = {role for role, reach in MATRIX["project.create"].items() if reach in ("own", "any")}
ANY = {role for role, reach in MATRIX["project.create"].items() if reach == "any"}


def register(actor: Actor, project_id: str = "churn", **more: Any) -> None:
    with db.writing() as session:
        members.register(
            session, actor=actor, project_id=project_id, **{"title": "Churn", "team_id": "risk", **more}
        )  # fmt: skip


def edit(actor: Actor, revision: int = 1, **changes: Any) -> None:
    with db.writing() as session:
        actions.edit(session, actor=actor, project_id="churn", revision=revision, **changes)


def detail(actor: Actor, project_id: str = "churn") -> queries.ProjectDetail:
    with db.reading() as session:
        return queries.detail(session, actor, project_id)


def last_event() -> Any:
    with db.reading() as session:
        return list(activity.since(session, 0))[-1]


@pytest.fixture
def scientist(store: str, person: Make) -> Actor:
    return person("data scientist", team="risk", name="Sara Scientist")


def test_everything_a_team_says_of_its_project_is_kept(scientist: Actor, person: Make) -> None:
    engineer = person("ML engineer", name="Max Engineer")
    day = now().date() + timedelta(days=60)
    register(
        scientist, summary="Customers leave.", value_hypothesis="Saves 1 M a year.", stop_rule="No better than a rule.",
        decide_by=day, classification="confidential", region="EU", modality="time series", target="Cancellation",
        tags=["churn", "retention"], data_access="Through the lake; the owner agreed.",
        people=[(scientist.id, "data scientist"), (engineer.id, "ML engineer")],
        experiments=["risk/churn/explore"], models=["risk.churn.score"],
    )  # fmt: skip
    found = detail(scientist)
    assert (found.record.decide_by, found.record.value_hypothesis) == (day, "Saves 1 M a year.")
    assert [(one.name, one.role) for one in found.people] == [
        ("Max Engineer", "ML engineer"),
        ("Sara Scientist", "data scientist"),
    ]
    assert found.tracking == [("experiment", "risk/churn/explore"), ("model", "risk.churn.score")]
    assert found.project.registered_model == "risk.churn.score"
    with db.reading() as session:
        entry = entries.entry(session, scientist, "project:default/churn")
        assert [one.text for one in notices.unread(session, engineer)] == ["You work in Churn as ML engineer."]
    assert entry.entry.classification == "confidential"
    assert sorted(entry.tags) == ["churn", "retention", "time-series"]
    assert (entry.spec["modality"], entry.spec["target"]) == ("time series", "Cancellation")


@pytest.mark.parametrize("role", ROLES)
def test_who_may_register_and_change_a_project(store: str, person: Make, role: str) -> None:
    owner, other = person("data scientist", team="risk"), person("data scientist", team="other")
    register(owner)
    register(other, "theirs", team_id="other")
    actor = person(role, team="risk")

    def allowed(action: Callable[[], None]) -> bool:
        try:
            action()
        except NotAllowed:
            return False
        return True

    assert allowed(lambda: register(actor, "mine")) is (role in OWN)
    assert allowed(lambda: register(actor, "elsewhere", team_id="other")) is (role in ANY)
    assert allowed(lambda: edit(actor, summary="Other")) is (role in OWN)
    for act in (members.add_member, members.remove_member):
        with db.writing() as session:
            told = allowed(lambda: act(session, actor=actor, project_id="churn", person_id=owner.id, role="data engineer"))  # fmt: skip  # noqa: B023
        assert told is (role in OWN), act.__name__
    for verb in (actions.claim, actions.release):
        with db.writing() as session:
            told = allowed(lambda: verb(session, actor=actor, project_id="churn", kind="experiment", name="a/b/c"))  # noqa: B023
        assert told is (role in OWN), verb.__name__


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""}, {"title": "x" * 141}, {"title": "a\nb"}, {"summary": "x" * 10_000_000}, {"summary": "a\x00b"},
        {"value_hypothesis": "x" * 2001}, {"stop_rule": "x" * 1001}, {"classification": "secret"}, {"region": "x" * 41},
        {"modality": "smell"}, {"target": "a\x07"}, {"tags": ["Not a tag"]}, {"tags": [f"t{n}" for n in range(21)]},
        {"decide_by": date(2001, 1, 1)}, {"data_access": "x" * 1001}, {"monitoring": "\ud800"}, {"key_metric": "a\u2028b"},
        {"project_id": "x" * 10_000_000}, {"experiments": ["a\nb"]}, {"models": ["x" * 251]},
        {"people": [("p-nobody", "data scientist")]}, {"team_id": "nowhere"}, {"team_id": "x" * 10_000_000},
        {"on_call_id": "p-nobody"}, {"on_call_id": "x" * 10_000_000}, {"stage": "experiment"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_what_breaks_a_rule_is_refused_in_a_sentence_and_leaves_nothing(
    scientist: Actor, wrong: dict[str, Any]
) -> None:
    with pytest.raises((Invalid, NotFound)) as refusal:
        register(scientist, **{"project_id": "churn", **wrong})
    assert len(str(refusal.value)) < 500
    with db.reading() as session:
        assert queries.projects(session, scientist).total == 0


def test_somebody_who_left_is_given_no_role_and_no_call(scientist: Actor, person: Make) -> None:
    gone, admin = person("data scientist", name="Gil Gone"), person("administrator")
    with db.writing() as session:
        people.deactivate_person(session, actor=admin, person_id=gone.id)
    with pytest.raises(Conflict, match="Gil Gone is not active"):
        register(scientist, people=[(gone.id, "data scientist")])
    with pytest.raises(Conflict, match="Gil Gone is not active"):
        register(scientist, on_call_id=gone.id)


def test_an_owner_who_left_later_stays_readable_and_can_be_removed(scientist: Actor, person: Make) -> None:
    gone, admin = person("data scientist", name="Gil Gone"), person("administrator")
    register(scientist, people=[(gone.id, "data scientist")], on_call_id=gone.id)
    with db.writing() as session:
        people.deactivate_person(session, actor=admin, person_id=gone.id)
    found = detail(scientist)
    assert [(one.name, one.active) for one in found.people] == [("Gil Gone", False)]
    assert found.facts.on_call is False
    edit(scientist, summary="The others go on.", on_call_id=gone.id)  # unchanged, so not asked about again
    with db.writing() as session:
        members.remove_member(session, actor=scientist, project_id="churn", person_id=gone.id, role="data scientist")
    assert detail(scientist).people == []


def test_only_roles_of_the_lifecycle_work_in_a_project_and_each_once(scientist: Actor) -> None:
    with pytest.raises(Invalid, match="no role in a project"):
        register(scientist, people=[(scientist.id, "administrator")])
    with pytest.raises(Conflict, match="already"):
        register(scientist, people=[(scientist.id, "data scientist")] * 2)


def test_an_edit_names_what_changed_and_what_was_not_given_stays(scientist: Actor) -> None:
    register(scientist, summary="Customers leave.", region="EU")
    edit(scientist, title="Churn 2", region="US", summary="Customers leave.")
    assert (last_event().event, last_event().data["fields"]) == ("project-edited", ["region", "title"])
    found = detail(scientist)
    assert (found.project.title, found.project.summary, found.record.revision) == ("Churn 2", "Customers leave.", 2)
    with pytest.raises(Invalid, match="Nothing is different"):
        edit(scientist, 2, region=" US ")


def test_the_second_of_two_people_who_edit_is_told_so(scientist: Actor) -> None:
    register(scientist)
    edit(scientist, 1, summary="First.")
    with pytest.raises(Conflict, match="changed meanwhile"):
        edit(scientist, 1, summary="Second.")
    assert detail(scientist).project.summary == "First."


def test_of_edits_at_the_same_time_one_wins(scientist: Actor) -> None:
    register(scientist)

    def attempt(number: int) -> str:
        try:
            edit(scientist, 1, summary=f"Number {number}")
        except PortalError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, range(6)))
    assert sorted(outcomes) == ["conflict"] * 5 + ["done"]


def test_a_project_changes_its_team_only_to_one_its_editor_may_act_for(scientist: Actor, person: Make) -> None:
    register(scientist)
    person("data scientist", team="other")
    with pytest.raises(NotAllowed):
        edit(scientist, team_id="other")
    edit(person("ML engineer"), team_id="other")
    with db.reading() as session:
        assert entries.entry(session, scientist, "project:default/churn").entry.owner == "other"


def test_a_name_in_mlflow_belongs_to_one_project(scientist: Actor) -> None:
    register(scientist, models=["risk.churn.score"])
    with pytest.raises(Conflict, match="belongs to the project churn"):
        register(scientist, "again", models=["risk.churn.score"])
    with db.writing() as session:
        actions.claim(session, actor=scientist, project_id="churn", kind="model", name="risk.churn.when")
        actions.release(session, actor=scientist, project_id="churn", kind="model", name="risk.churn.score")
    assert detail(scientist).project.registered_model == "risk.churn.when"
    register(scientist, "again", models=["risk.churn.score"])
    with db.writing() as session, pytest.raises(NotFound, match="does not own"):
        actions.release(session, actor=scientist, project_id="churn", kind="model", name="risk.churn.score")


def test_names_follow_the_policies_of_the_catalog() -> None:
    assert conventional("experiment", unit="retail", team="risk", project="churn") == "retail/churn/explore"
    assert conventional("model", unit=None, team="risk", project="churn", purpose="score") == "risk.churn.score"


@pytest.mark.parametrize("classification", ["public", "internal", "confidential", "restricted"])
def test_who_sees_a_project_follows_from_its_classification(store: str, person: Make, classification: str) -> None:
    owner = person("data scientist", team="risk")
    register(owner, classification=classification)
    elsewhere, auditor, member = person("data scientist", team="other"), person("auditor"), person("AI engineer")
    with db.writing() as session:
        members.add_member(session, actor=owner, project_id="churn", person_id=member.id, role="AI engineer")

    def sees(actor: Actor) -> bool:
        with db.reading() as session:
            listed = queries.projects(session, actor).total == 1
        try:
            detail(actor)
        except NotFound:
            return listed
        assert listed
        return True

    assert sees(actor_now(member.id))
    assert [sees(owner), sees(auditor), sees(SYSTEM)] == [True] * 3
    assert sees(elsewhere) is (classification in ("public", "internal"))
