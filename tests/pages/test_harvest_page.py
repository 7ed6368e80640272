"""The harvest through the pages: written, decided, drafted, completed, curated, closed, and counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import ROLES, Actor
from core.catalog import actions as catalog
from core.catalog.tables import Proposal
from core.people import actions as people
from core.projects import actions, adoption, harvest, harvest_queries
from core.projects.tables import Project
from tests.conftest import SYSTEM
from tests.pages import driving
from tests.pages.driving import ok

Portal = Callable[..., AppTest]
People = Callable[..., Actor]
sqlite_only = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
pytestmark = sqlite_only

WELL, EXPENSIVE = "The baseline was strong from the first day.", "Labelling took eight of the ten weeks."
KNOW = "Ask for the claims table early; its labels come late."
WHY = "Every claims team computes the same windows."


def opened(app: AppTest, page: str = "harvest.py", **query: str) -> AppTest:
    return driving.opened(app, page, **query)


def texts(app: AppTest, *kinds: str) -> str:
    found = [one for kind in kinds or ("markdown", "caption", "info", "error", "warning") for one in app.get(kind)]
    return "\n".join(str(one.value) for one in found).replace("\\", "")


def named(app: AppTest, kind: str, label: str) -> Any:
    return next(one for one in app.get(kind) if one.label.startswith(label))


def links(app: AppTest) -> list[str]:
    return [one.proto.label.replace("\\", "") for one in app.get("page_link")]


FRAME = """
import streamlit as st
from core import db
from core.access import queries
from core.projects import queries as projects
from pages.parts import notices, project_harvest

def tab():
    with db.reading() as session:
        actor = queries.actor_for(session, {actor!r})
        project = projects.project(session, actor, {project!r}).project
    notices.show_waiting()
    project_harvest.show(actor, project)

st.navigation([st.Page(tab, default=True), st.Page("propose.py"), st.Page("entry.py")], position="hidden").run()
"""
"""The Retrospective tab by itself, with the pages it links to."""

Tab = Callable[..., AppTest]


@pytest.fixture
def retrospective_tab(tmp_path: Path) -> Tab:
    """Open the tab as a person."""

    def show(actor: Actor, project_id: str = "churn") -> AppTest:
        frame = tmp_path / "frame.py"
        frame.write_text(FRAME.format(actor=actor.id, project=project_id))
        for linked in ("propose.py", "entry.py"):
            (tmp_path / linked).write_text("")
        return ok(AppTest.from_file(frame, default_timeout=30).run())

    return show


def start(project_id: str = "churn", team: str = "risk", stage: str = "experiment") -> None:
    with db.writing() as session:
        actions.create(
            session, actor=SYSTEM, project_id=project_id, title=project_id.title(), team_id=team, stage=stage
        )


def decide(actor: Actor, decision: str = "share", what: str = "Claim windows", project_id: str = "churn") -> Any:
    with db.writing() as session:
        return harvest.decide_harvest(
            session, actor=actor, project_id=project_id, what=what, decision=decision, reason=WHY
        )


def write(actor: Actor, revision: int = 0, went_well: str = WELL) -> None:
    with db.writing() as session:
        harvest.write_retrospective(
            session, actor=actor, project_id="churn", went_well=went_well, was_expensive=EXPENSIVE,
            others_should_know=KNOW, revision=revision,
        )  # fmt: skip


def look() -> harvest_queries.ProjectHarvest:
    with db.reading() as session:
        return harvest_queries.of_project(session, SYSTEM, "churn")


@pytest.fixture
def scientist(store: str, person: People) -> Actor:
    made = person("data scientist", name="Ada Author", team="risk")
    start()
    return made


# --- the tab of a project --------------------------------------------------------------------------------------------


def test_a_team_writes_decides_and_closes_and_is_told_what_is_missing(scientist: Actor, retrospective_tab: Tab) -> None:
    app = retrospective_tab(scientist)
    assert "still needs its retrospective and at least one harvest decision" in texts(app)
    assert named(app, "button", "Close the project").disabled
    for label, value in (("What went", WELL), ("What was", EXPENSIVE), ("What should", KNOW)):
        named(app, "text_area", label).set_value(value)
    ok(named(app, "button", "Save the retrospective").click().run())
    assert "still needs at least one harvest decision" in texts(app)
    named(app, "text_input", "What is it?").set_value("Claim windows")
    named(app, "text_area", "Why?").set_value(WHY)
    ok(named(app, "button", "Decide").click().run())
    assert "Draft waits for a curator" in texts(app)
    assert "Complete the draft" in links(app)
    assert "1 decision (1 shared)" in texts(app)
    ok(named(app, "button", "Yes, close the project").click().run())
    with db.reading() as session:
        closed = session.get_one(Project, "churn")
    assert (closed.stage, closed.finding) == ("closed", KNOW)
    assert not app.get("text_area")
    assert KNOW in texts(app)


def test_the_tab_stands_on_the_page_of_its_project(scientist: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(scientist), "project.py", id="churn", tab="Retrospective")
    assert "still needs its retrospective and at least one harvest decision" in texts(app)
    named(app, "text_input", "What is it?").set_value("Claim windows")
    named(app, "text_area", "Why?").set_value(WHY)
    ok(named(app, "button", "Decide").click().run())
    assert look().decisions[0].draft_state == "submitted"


def test_a_refused_answer_stands_beside_its_form_and_nothing_typed_is_lost(
    scientist: Actor, retrospective_tab: Tab
) -> None:
    app = retrospective_tab(scientist)
    named(app, "text_area", "What went").set_value("Fine.")
    named(app, "text_area", "What was").set_value(EXPENSIVE)
    ok(named(app, "button", "Save the retrospective").click().run())
    assert "at least 20 characters" in texts(app, "error")
    assert named(app, "text_area", "What was").value == EXPENSIVE
    assert look().retrospective is None


def test_whoever_writes_second_is_told_and_can_go_on_from_what_stands_there(
    scientist: Actor, retrospective_tab: Tab, person: People
) -> None:
    write(scientist)
    app = retrospective_tab(scientist)
    write(person("data engineer", name="Bo Builder", team="risk"), revision=1, went_well="Bo saw that differently.")
    named(app, "text_area", "What went").set_value("Ada is sure of what she saw.")
    ok(named(app, "button", "Save the retrospective").click().run())
    assert "changed while you wrote" in texts(app, "error")
    assert "Bo Builder changed this" in texts(app, "warning")
    ok(named(app, "button", "Go on from").click().run())
    assert named(app, "text_area", "What went").value == "Bo saw that differently."
    named(app, "text_area", "What went").set_value("Both are right, in their own way.")
    ok(named(app, "button", "Save the retrospective").click().run())
    kept = look().retrospective
    assert kept is not None
    assert (kept.went_well, kept.revision) == ("Both are right, in their own way.", 3)


def test_a_decision_is_taken_back_from_the_list(scientist: Actor, retrospective_tab: Tab) -> None:
    decide(scientist)
    app = retrospective_tab(scientist)
    ok(named(app, "button", "Yes, take it back").click().run())
    assert look().decisions == []
    assert "Nothing has been decided yet" in texts(app)


def test_a_manager_decides_but_is_not_offered_to_share(
    scientist: Actor, retrospective_tab: Tab, person: People
) -> None:
    app = retrospective_tab(person("manager", team="risk"))
    assert named(app, "radio", "Decision").options == ["Generalise later", "Nothing to share"]


def test_a_project_that_explores_is_not_closed_here(scientist: Actor, retrospective_tab: Tab) -> None:
    start("young", stage="explore")
    app = retrospective_tab(scientist, "young")
    assert "stopped with a finding, not closed" in texts(app)


@pytest.mark.parametrize("role", ROLES)
def test_the_tab_opens_for_every_role_and_forms_only_for_those_who_may(
    scientist: Actor, retrospective_tab: Tab, person: People, role: str
) -> None:
    write(scientist)
    decide(scientist, "later", "Older thing")
    decide(scientist)
    app = retrospective_tab(person(role, team="risk"))
    may = role in ("domain expert", "data engineer", "data scientist", "AI engineer", "manager", "ML engineer")
    assert bool(app.get("text_area")) is may
    assert bool([one for one in app.button if one.label == "Open the draft"]) is (may and role != "manager")


# --- completing and curating a draft ---------------------------------------------------------------------------------


def test_a_draft_is_completed_by_its_author_and_published_by_another(
    scientist: Actor, person: People, portal_as: Portal
) -> None:
    made = decide(scientist)
    number = str(made.proposal_id)
    app = opened(portal_as(scientist), "propose.py", proposal=number)
    assert "Edit" in links(app)
    app = opened(app, "propose.py", proposal=number, edit="yes")
    assert named(app, "text_input", "Title").value == "Claim windows"
    named(app, "text_area", "Tags").set_value("features")
    named(app, "text_area", "README").set_value("# Claim windows\n\nTested with pytest.")
    ok(app.run())
    ok(named(app, "button", "Save proposal").click().run())
    with db.reading() as session:
        kept = session.get_one(Proposal, made.proposal_id)
    assert (kept.revision, kept.document["metadata"]["tags"], kept.note) == (2, ["features"], WHY)
    assert kept.document["metadata"]["annotations"]["factory/harvested-from"] == "churn"

    app = opened(portal_as(person("reviewer")))
    assert "Claim windows" in "".join(links(app))
    assert "Still to look at: the README is short" in texts(app)
    app = opened(app, "propose.py", proposal=number)
    ok(named(app, "button", "Approve").click().run())
    assert look().decisions[0].draft_state == "approved"


def test_nobody_but_the_author_edits_a_draft(scientist: Actor, person: People, portal_as: Portal) -> None:
    number = str(decide(scientist).proposal_id)
    app = opened(portal_as(person("ML engineer", team="risk")), "propose.py", proposal=number, edit="yes")
    assert "Only the proposer edits" in texts(app, "error")
    app = opened(portal_as(person("data engineer", team="risk")), "propose.py", proposal=number, edit="yes")
    assert "No proposal" in texts(app, "error")


def test_a_curator_who_read_an_earlier_revision_is_told(scientist: Actor, person: People, portal_as: Portal) -> None:
    made = decide(scientist)
    app = opened(portal_as(person("reviewer")), "propose.py", proposal=str(made.proposal_id))
    with db.writing() as session:
        draft = session.get_one(Proposal, made.proposal_id)
        catalog.revise(session, actor=scientist, proposal_id=draft.id or 0, document=draft.document, readme="# Other")
    ok(named(app, "button", "Approve").click().run())
    assert "revised while you read it" in texts(app, "error")
    ok(named(app, "button", "Approve").click().run())
    assert look().decisions[0].draft_state == "approved"


# --- the page of the harvest -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_the_harvest_opens_for_every_role_and_the_queue_for_curators(
    scientist: Actor, person: People, portal_as: Portal, role: str
) -> None:
    decide(scientist)
    decide(scientist, "later", "Older thing")
    app = opened(portal_as(person(role)))
    shown = [one.value for one in app.subheader]
    curates = role in ("ML engineer", "reviewer")
    assert shown[-2:] == ["Waiting to be generalised · 1", "What came of it"]
    assert ("Waiting for a curator · 1" in shown) is curates


def test_an_empty_harvest_says_what_would_be_here(store: str, portal_as: Portal) -> None:
    app = opened(portal_as("reviewer"))
    shown = texts(app, "info")
    for expected in ("No draft of another person", "Nothing waits", "No project has shared anything"):
        assert expected in shown
    assert "Open the projects" in links(app)


def test_what_waited_is_shared_from_the_list(scientist: Actor, portal_as: Portal) -> None:
    decide(scientist, "later")
    app = opened(portal_as(scientist))
    named(app, "selectbox", "Kind of entry").select("guide")
    ok(named(app, "button", "Open the draft").click().run())
    (row,) = look().decisions
    assert (row.decision, row.draft_key) == ("share", "guide:default/claim-windows")


def test_the_yield_is_told_in_figures_chart_and_table_and_filtered_by_the_address(
    scientist: Actor, person: People, portal_as: Portal
) -> None:
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="care", name="Care")
        people.add_team(session, actor=SYSTEM, team_id="ward", name="Ward", unit_id="care")
    start("beds", "ward")
    made = decide(scientist)
    decide(person("domain expert", team="ward"), "later", "Bed forecast", "beds")
    decide(person("domain expert", team="ward"), "share", "Bed windows", "beds")
    curator = person("reviewer")
    with db.writing() as session:
        entry = catalog.approve(session, actor=curator, proposal_id=made.proposal_id)
        adoption.adopt(session, actor=SYSTEM, project_id="beds", entry_id=entry.id or 0)
    manager = person("manager")
    app = opened(portal_as(manager))
    assert [one.value for one in app.metric] == ["2", "50 % (1 of 2)", "100 % (1 of 1)", "–"]
    assert sorted(app.dataframe[0].value["Unit"]) == ["Care", "No unit"]
    app = opened(portal_as(manager), harvest_unit="Care")
    assert list(app.dataframe[0].value["Unit"]) == ["Care"]
    assert named(app, "selectbox", "Business unit").value == "care"
    app = opened(portal_as(manager), harvest_unit="nonsense", harvest_year="x", harvest_page="99999999")
    assert len(app.dataframe[0].value) == 2


def test_a_long_list_is_paged(scientist: Actor, portal_as: Portal) -> None:
    for number in range(23):
        decide(scientist, "later", f"Thing {number:02}")
    app = opened(portal_as("auditor"))
    assert "Thing 19" in texts(app)
    assert "Thing 20" not in texts(app)
    app = opened(app, harvest_page="2")
    assert "Thing 20" in texts(app)
