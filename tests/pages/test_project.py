"""The project page: registering, stating facts, seeing the tier and the next step, stopping with a finding."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import ROLES, Actor
from core.people import actions as people
from core.projects import actions, members, queries, risk
from core.projects.tables import Project
from core.projects.tier import QUESTIONS
from tests.conftest import SYSTEM
from tests.pages import driving
from tests.pages.driving import ok

Portal = Callable[..., AppTest]
People = Callable[..., Actor]
MINIMAL = {one.key: one.nothing for one in QUESTIONS}


def opened(app: AppTest, **query: str) -> AppTest:
    return driving.opened(app, "project.py", **query)


def texts(app: AppTest, *kinds: str) -> str:
    wanted = kinds or ("markdown", "caption", "info", "warning", "error", "title")
    return "\n".join(str(one.value) for kind in wanted for one in app.get(kind)).replace("\\", "")


def field(app: AppTest, shape: str, label: str) -> Any:
    return next(one for one in app.get(shape) if one.label == label)


def labels(app: AppTest) -> list[str]:
    return [one.label for one in app.button]


def press(app: AppTest, label: str = "", *, key: str = "") -> AppTest:
    (app.button(key=key) if key else field(app, "button", label)).click()
    return ok(app.run())


def project() -> Project:
    with db.reading() as session:
        return session.get_one(Project, "churn")


def start(actor: Actor, **more: Any) -> None:
    with db.writing() as session:
        members.register(session, actor=actor, project_id="churn", **{"title": "Churn", "team_id": "risk", **more})


@pytest.fixture
def scientist(store: str, person: People) -> Actor:
    return person("data scientist", team="risk", name="Sara Scientist")


def test_a_project_is_registered_its_facts_answered_and_its_tier_and_next_step_seen(
    scientist: Actor, portal_as: Portal
) -> None:
    app = opened(portal_as(scientist), new="1")
    field(app, "text_input", "Title").set_value("Churn in the first year")
    field(app, "text_area", "Business problem").set_value("Customers leave.")
    field(app, "text_area", "Stop rule").set_value("No better than the rule.")
    field(app, "text_area", "Data access and security").set_value("Through the lake.")
    ok(app.run())
    assert field(app, "text_input", "Experiment in MLflow").value == "risk/churn-in-the-first-year/explore"
    field(app, "text_input", "Short name").set_value("churn")
    ok(app.run())
    press(app, "Register")
    assert "No strong hit" in texts(app), "it opens on the reuse review"
    assert project().summary == "Customers leave."
    with db.reading() as session:
        found = queries.detail(session, scientist, "churn")
    assert [(one.name, one.role) for one in found.people] == [("Sara Scientist", "data scientist")]
    assert found.tracking == [("experiment", "risk/churn/explore")]

    opened(app, id="churn")
    assert "Churn in the first year" in texts(app, "title")
    assert "Next: Review what exists already" in texts(app)
    assert "Tier not known" in texts(app)
    opened(app, id="churn", tab="Risk")
    field(app, "multiselect", "Does it influence decisions about people in one of these areas?").set_value(["credit"])
    field(app, "radio", "Personal data it reads").set_value("direct")
    press(app, "State these facts")
    assert project().tier == "high"
    opened(app, id="churn", tab="Risk")
    assert "High risk" in texts(app)
    assert "Not confirmed" in texts(app)
    assert list(app.table[0].value["Row"]) == ["H2", "L3"]


def test_others_in_their_roles_and_registered_models_are_named_at_registration(
    scientist: Actor, person: People, portal_as: Portal
) -> None:
    engineer = person("ML engineer", name="Max Engineer")
    with db.writing() as session:
        actions.create(session, actor=scientist, project_id="other", title="Other", team_id="risk")
    app = opened(opened(portal_as(scientist), id="other", tab="Risk"), new="1")
    field(app, "text_input", "Title").set_value("Churn")
    ok(app.run())
    app.multiselect(key="new people").set_value([engineer.id])
    field(app, "multiselect", "Registered models in MLflow").set_value(["risk.churn.score"])
    ok(app.run())
    field(app, "selectbox", "Max Engineer works in it as").set_value("ML engineer")
    press(app, "Register")
    assert "No strong hit" in texts(app), "also where the person had another tab open before"
    with db.reading() as session:
        found = queries.detail(session, scientist, "churn")
    assert {(one.name, one.role) for one in found.people} == {
        ("Sara Scientist", "data scientist"), ("Max Engineer", "ML engineer"),
    }  # fmt: skip
    assert ("model", "risk.churn.score") in found.tracking
    assert found.record.registered_model == "risk.churn.score"


def test_texts_stop_where_the_core_refuses_them(scientist: Actor, portal_as: Portal) -> None:
    start(scientist)
    limits = {"Title": "title", "Business problem": "summary", "Stop rule": "stop_rule", "What is predicted": "target"}
    app = opened(portal_as(scientist), id="churn", edit="1")
    boxes = {one.label: one for one in [*app.text_input, *app.text_area]}
    for label, name in limits.items():
        assert boxes[label].max_chars == actions.LENGTHS[name]
    for label in ("Value hypothesis", "Data access and security", "Key metric in MLflow", "Where the model is watched"):
        assert boxes[label].max_chars in actions.LENGTHS.values()
    opened(app, id="churn")
    app.radio(key="move_to").set_value("stopped")
    assert ok(app.run()).text_area(key="move_finding").max_chars == actions.LENGTHS["finding"]


def test_a_refusal_stands_in_the_form_and_keeps_what_was_typed(scientist: Actor, portal_as: Portal) -> None:
    start(scientist)
    app = opened(portal_as(scientist), new="1")
    press(app, "Register")
    assert app.error
    field(app, "text_input", "Title").set_value("Churn")
    field(app, "text_area", "Business problem").set_value("Customers leave.")
    ok(app.run())
    press(app, "Register")
    assert "exists already" in texts(app, "error")
    assert field(app, "text_area", "Business problem").value == "Customers leave."


def test_a_project_is_stopped_with_its_finding_and_only_with_one(scientist: Actor, portal_as: Portal) -> None:
    start(scientist)
    app = opened(portal_as(scientist), id="churn")
    app.radio(key="move_to").set_value("stopped")
    ok(app.run())
    press(app, key="move")
    assert "without its finding" in texts(app, "error")
    app.text_area(key="move_finding").set_value("Labels come two years late.")
    press(app, key="move")
    assert (project().stage, project().finding) == ("stopped", "Labels come two years late.")
    opened(app, id="churn")
    assert "Labels come two years late." in texts(app, "info")
    assert "Next: Write down what the next team can use" in texts(app)
    assert "move" not in [one.key for one in app.button]


def test_what_is_still_open_before_a_stage_is_listed_and_the_move_is_shut(scientist: Actor, portal_as: Portal) -> None:
    start(scientist)
    app = opened(portal_as(scientist), id="churn")
    assert "Adopt a pattern to build on" in texts(app)
    assert app.button(key="move").disabled


def test_the_next_step_leads_to_where_it_is_done(scientist: Actor, portal_as: Portal) -> None:
    start(scientist)
    app = opened(portal_as(scientist), id="churn")
    press(app, "Change the project")
    assert "Change Churn" in texts(app, "title")
    with db.writing() as session:
        actions.edit(session, actor=scientist, project_id="churn", revision=1, data_access="Yes.")
        session.get_one(Project, "churn").tier = "prohibited"
    opened(app, id="churn")
    press(app, "Open the risk tab")
    assert "State these facts" in labels(app)


def test_a_project_is_changed_in_the_form_it_was_registered_in(scientist: Actor, portal_as: Portal) -> None:
    start(scientist, summary="Customers leave.", region="EU", modality="text", tags=["churn"])
    app = opened(portal_as(scientist), id="churn", edit="1")
    field(app, "text_area", "Business problem").set_value("Customers leave early.")
    field(app, "text_area", "Where the model is watched").set_value("On the models page.")
    field(app, "selectbox", "Who is called when it breaks").set_value(scientist.id)
    ok(app.run())
    press(app, "Save")
    found = project()
    assert (found.summary, found.monitoring, found.on_call_id) == ("Customers leave early.", "On the models page.", scientist.id)  # fmt: skip
    assert (found.region, found.modality, found.tags, found.revision) == ("EU", "text", ["churn"], 2)


def test_who_opened_the_form_before_somebody_else_saved_is_warned_and_overwrites_nothing(
    scientist: Actor, portal_as: Portal
) -> None:
    start(scientist)
    app = opened(portal_as(scientist), id="churn", edit="1")
    field(app, "text_area", "Business problem").set_value("Mine.")
    with db.writing() as session:
        actions.edit(session, actor=scientist, project_id="churn", revision=1, summary="Theirs.")
    ok(app.run())
    assert "changed since you opened" in texts(app, "warning")
    assert project().summary == "Theirs."


def test_facts_sent_on_what_somebody_else_changed_are_not_saved_and_said_so(
    scientist: Actor, portal_as: Portal
) -> None:
    start(scientist)
    app = opened(portal_as(scientist), id="churn", tab="Risk")
    button = field(app, "button", "State these facts")
    with db.writing() as session:
        risk.set_facts(session, actor=scientist, project_id="churn", revision=1, facts=MINIMAL | {"areas": ["credit"]})
    button.click()
    ok(app.run())
    assert project().tier == "high"
    assert "nothing was saved" in texts(app, "warning")


def test_people_and_names_are_added_and_removed(scientist: Actor, person: People, portal_as: Portal) -> None:
    engineer = person("ML engineer", name="Max Engineer")
    start(scientist, people=[(engineer.id, "ML engineer")], experiments=["risk/churn/explore"])
    app = opened(portal_as(scientist), id="churn")
    assert "Max Engineer · ML engineer" in texts(app)
    press(app, key=f"remove {engineer.id} ML engineer")
    press(app, key="release experiment risk/churn/explore")
    with db.reading() as session:
        found = queries.detail(session, scientist, "churn")
    assert (found.people, found.tracking) == ([], [])


def test_a_person_and_a_name_are_added_in_their_panels(scientist: Actor, portal_as: Portal) -> None:
    start(scientist)
    app = portal_as(scientist)
    app.session_state["add_person"] = True
    app.session_state["add_name"] = True
    opened(app, id="churn")
    app.selectbox(key="member_person").set_value(scientist.id)
    app.selectbox(key="member_role").set_value("domain expert")
    press(app, "Add")
    app.radio(key="claim_kind").set_value("model")
    ok(app.run())
    assert app.text_input(key="claim_model").value == "risk.churn.score"
    press(app, key="claim")
    with db.reading() as session:
        found = queries.detail(session, scientist, "churn")
    assert [(one.person_id, one.role) for one in found.people] == [(scientist.id, "domain expert")]
    assert found.tracking == [("model", "risk.churn.score")]


def test_a_reviewer_confirms_the_tier_and_the_team_cannot(scientist: Actor, person: People, portal_as: Portal) -> None:
    start(scientist)
    with db.writing() as session:
        risk.set_facts(session, actor=scientist, project_id="churn", revision=1, facts=MINIMAL | {"areas": ["credit"]})
    app = opened(portal_as(scientist), id="churn", tab="Risk")
    assert "Confirm tier" not in labels(app)
    app = opened(portal_as(person("reviewer", name="Rita Reviewer")), id="churn", tab="Risk")
    assert "State these facts" not in labels(app)
    press(app, "Confirm tier")
    assert project().tier_confirmed_by is not None
    opened(app, id="churn", tab="Risk")
    assert "Confirmed by Rita Reviewer" in texts(app)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("role", ROLES)
def test_every_tab_opens_for_every_role(store: str, person: People, portal_as: Portal, role: str) -> None:
    owner = person("data scientist", team="risk")
    start(owner, people=[(owner.id, "data scientist")], models=["m"], decide_by=None)
    with db.writing() as session:
        risk.set_facts(session, actor=owner, project_id="churn", revision=1, facts=MINIMAL | {"vulnerable": True})
    app = opened(portal_as(person(role, team="other")), id="churn")
    for tab in [one.label for one in app.tabs]:
        opened(app, id="churn", tab=tab)
        assert "Churn" in texts(app, "title"), tab


def test_a_role_that_builds_nothing_is_offered_nothing_to_change(
    scientist: Actor, person: People, portal_as: Portal
) -> None:
    start(scientist, people=[(scientist.id, "data scientist")])
    app = opened(portal_as(person("auditor")), id="churn")
    assert not {"Change", "Move", "Remove", "Add", "Claim", "Change the project"} & set(labels(app))
    opened(app, new="1")
    assert "in no team" in texts(app, "error")


def test_an_ended_project_is_changed_no_more_but_lets_go(scientist: Actor, person: People, portal_as: Portal) -> None:
    start(scientist, people=[(scientist.id, "data scientist")], experiments=["risk/churn/explore"])
    with db.writing() as session:
        actions.move(session, actor=scientist, project_id="churn", stage="stopped", finding="Too few labels.")
    app = opened(portal_as(scientist), id="churn")
    assert "Change" not in labels(app)
    assert {"Remove", "Release"} <= set(labels(app))
    opened(app, id="churn", tab="Risk")
    assert "State these facts" not in labels(app)


def test_somebody_who_left_is_shown_as_such(scientist: Actor, person: People, portal_as: Portal) -> None:
    gone = person("data scientist", name="Gil Gone")
    start(scientist, people=[(gone.id, "data scientist")], on_call_id=gone.id)
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=gone.id)
    app = opened(portal_as(scientist), id="churn")
    assert "Gil Gone (left the organisation)" in texts(app)
    assert "who left: name somebody else" in texts(app)
    opened(app, id="churn", edit="1")
    assert field(app, "selectbox", "Who is called when it breaks").value == gone.id


def test_markup_from_people_is_text(scientist: Actor, portal_as: Portal) -> None:
    evil = "<img src=x> **bold** [x](javascript:1)"
    start(scientist, title=evil, summary=evil, value_hypothesis=evil, stop_rule=evil, target=evil, region="**bold**")
    app = opened(portal_as(scientist), id="churn")
    shown = "\n".join(str(one.value) for kind in ("markdown", "caption", "title") for one in app.get(kind))
    assert not re.search(r"(?<!\\)(<img|\*\*bold|\[x)", shown)


@pytest.mark.parametrize("query", [{}, {"id": "none"}, {"id": "\x00"}, {"id": "a" * 5000}, {"id": "../x"}])
def test_an_address_that_leads_nowhere_says_so(scientist: Actor, portal_as: Portal, query: dict[str, str]) -> None:
    app = opened(portal_as(scientist), **query)
    assert "No project" in texts(app, "error")


@pytest.mark.parametrize("seen", ["0", "x", "99999999999999999999", "1e9", "٣"])
def test_an_address_with_another_revision_writes_nothing(scientist: Actor, portal_as: Portal, seen: str) -> None:
    start(scientist)
    app = opened(portal_as(scientist), id="churn", edit=seen)
    assert "changed since you opened" in texts(app, "warning")


def test_a_project_that_may_not_be_seen_is_not_there(scientist: Actor, person: People, portal_as: Portal) -> None:
    start(scientist, classification="restricted")
    app = opened(portal_as(person("data scientist", team="other")), id="churn")
    assert "No project" in texts(app, "error")
