"""The demand page and the reuse review of a project, as people use them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import ROLES, Actor
from core.catalog import actions as catalog
from core.catalog import search
from core.people import actions as people
from core.people import notices
from core.projects import actions as projects
from core.projects.tables import Adoption, Project
from core.reuse import demand
from core.reuse.demand import DemandLine
from tests.conftest import SYSTEM
from tests.pages import driving
from tests.pages.driving import ok

Portal = Callable[..., AppTest]
People = Callable[..., Actor]
WANTED = "survival analysis"
sqlite_only = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
pytestmark = sqlite_only


def opened(app: AppTest, script: str = "demand.py", /, **query: str) -> AppTest:
    return driving.opened(app, script, **query)


def texts(app: AppTest) -> str:
    found = [*app.title, *app.markdown, *app.caption, *app.info, *app.error, *app.success]
    return "\n".join(str(one.value) for one in found).replace("\\", "")


def links(app: AppTest) -> list[str]:
    return [one.proto.label.replace("\\", "") for one in app.get("page_link")]


def press(app: AppTest, label: str) -> AppTest:
    next(one for one in app.button if one.label == label).click()
    return ok(app.run())


def field(app: AppTest, shape: str, label: str):
    return next(one for one in app.get(shape) if one.label.startswith(label))


def seek(actor: Actor, text: str = WANTED) -> None:
    with db.writing() as session:
        search.record_demand(session, actor, text)


def line(text: str = WANTED) -> DemandLine:
    with db.reading() as session:
        return demand.one(session, SYSTEM, text)


def register(name: str, words: str, **spec: object) -> None:
    document = {
        "apiVersion": "factory/v1", "kind": "asset",
        "metadata": {"name": name, "title": name.replace("-", " ").title(), "description": words},
        "spec": {"owner": "crm", "version": "1.0", **spec},
    }  # fmt: skip
    with db.writing() as session:
        catalog.register(session, document=document)


@pytest.fixture
def units(store: str) -> None:
    """The team crm in Telco and the team risk in Bank."""
    with db.writing() as session:
        for unit, team in (("telco", "crm"), ("bank", "risk")):
            people.add_unit(session, actor=SYSTEM, unit_id=unit, name=unit.title())
            people.add_team(session, actor=SYSTEM, team_id=team, name=team.upper(), unit_id=unit)


# --- demand ----------------------------------------------------------------------------------------------------------


def test_an_empty_list_says_what_would_be_here_and_takes_a_wish(units: None, portal_as: Portal) -> None:
    app = opened(portal_as("data scientist", team="crm"))
    assert "Nothing is asked for" in texts(app)
    field(app, "text_input", "What is missing").set_value("Survival  Analysis")
    field(app, "text_area", "What would you use").set_value("Contracts that end.")
    press(app, "Ask")
    assert "Asked **once** by 1 unit · rank 1 = 1 × 1" in texts(app)
    assert line().latest[0].note == "Contracts that end."


def test_a_search_in_vain_by_three_people_of_two_units_leads_the_list(
    units: None, portal_as: Portal, person: People
) -> None:
    for number in range(4):
        seek(person("data scientist", team="crm", name=f"Cem {number}"), "one unit only")
    for team in ("crm", "crm", "risk"):
        app = opened(portal_as("data scientist", team=team), "catalog.py", q="survival analysis")
        opened(app, "catalog.py", q="survival analysis")
    app = opened(app)
    assert [one for one in links(app) if one.startswith("**")] == ["**survival analysis**", "**one unit only**"]
    assert "Asked **3 times** by 2 units · rank 6 = 3 × 2" in texts(app)
    assert "(Bank)" in texts(app)


def test_a_search_with_filters_that_finds_nothing_is_no_demand(units: None, portal_as: Portal) -> None:
    opened(portal_as("data scientist", team="crm"), "catalog.py", q="survival", kind="dataset")
    assert "Nothing is asked for" in texts(opened(portal_as("data scientist", team="crm")))


def test_an_engineer_takes_it_up_and_links_the_entry_and_the_askers_are_told(
    units: None, portal_as: Portal, person: People
) -> None:
    scientist = person("data scientist", team="crm", name="Ada Asker")
    seek(scientist)
    app = opened(portal_as("ML engineer", name="Mo Maker"), text=WANTED)
    assert "Ada Asker" in str(app.table[0].value)
    press(app, "Take it up")
    assert "Mo Maker works on it since just now." in texts(app)
    register("survival-curves", "Survival analysis of contracts.")
    app.session_state["link"] = True
    ok(app.run())
    chooser = app.selectbox(key="link_reference")
    assert chooser.options == ["Survival Curves (asset:default/survival-curves)"]
    chooser.select_index(0)
    ok(app.run())
    press(app, "Link")
    assert line().state == "answered"
    assert "Answered by Survival Curves" in links(app)
    with db.reading() as session:
        assert len(notices.unread(session, scientist)) == 1
    assert "Nothing is asked for" in texts(opened(app))
    assert f"**{WANTED}**" in links(opened(app, state="answered"))
    found = opened(portal_as(scientist), "catalog.py", q="survival analysis nowhere")
    assert not [one for one in links(found) if one.startswith("Asked for before")]


def test_what_was_declined_is_told_to_whoever_searches_again(units: None, portal_as: Portal, person: People) -> None:
    seek(person("data scientist", team="crm"))
    app = opened(portal_as("ML engineer"), text=WANTED)
    press(app, "Decline")
    assert "Say why" in texts(app)
    field(app, "text_area", "Why").set_value("Nobody can maintain it.")
    press(app, "Decline")
    assert line().reason == "Nobody can maintain it."
    again = opened(portal_as("data scientist", team="risk"), "catalog.py", q=WANTED)
    assert "Asked for before: declined" in links(again)
    assert "Nobody can maintain it." in texts(again)
    asker = person("data scientist", team="risk")
    with db.writing() as session:
        catalog.wish(session, actor=asker, text=WANTED)
    reopened = opened(portal_as("ML engineer"), text=WANTED)
    assert "it was declined: Nobody can maintain it." in texts(reopened)
    assert "Take it up" in [one.label for one in reopened.button]


@pytest.mark.parametrize(
    "query",
    [{"state": "nonsense"}, {"page": "x"}, {"page": "99999999"}, {"text": "never"}, {"text": "\x00"}, {"text": "<b>" * 999}],
)  # fmt: skip
def test_any_address_is_safe(units: None, portal_as: Portal, query: dict[str, str]) -> None:
    app = opened(portal_as("ML engineer"), **query)
    assert len(app.title) == 1


@pytest.mark.parametrize("role", ROLES)
def test_only_ml_engineers_are_offered_the_verbs(units: None, portal_as: Portal, person: People, role: str) -> None:
    seek(person("data scientist", team="crm"), "<script>*bold*</script>")
    app = opened(portal_as(role), text="<script>*bold*</script>")
    assert (role == "ML engineer") == any(one.label == "Take it up" for one in app.button)
    assert "<script>*bold*</script>" in texts(app)


# --- the reuse review of a project -----------------------------------------------------------------------------------


def reviewing(app: AppTest) -> AppTest:
    return opened(app, "project.py", id="churn", tab="Reuse")


def decide(app: AppTest, title: str, decision: str, reason: str) -> None:
    """Fill and send the form of the hit with this title."""
    place = [one.label for one in app.radio if one.label.startswith("Decision on")].index(f"Decision on {title}")
    field(app, "radio", f"Decision on {title}").set_value(decision)
    [one for one in app.text_area if one.label == "Reason"][place].set_value(reason)
    [one for one in app.button if one.label == "Save decision"][place].click()
    ok(app.run())


@pytest.fixture
def scientist(units: None, person: People) -> Actor:
    """A member of the team of the project churn."""
    made = person("data scientist", team="crm", name="Ada Author")
    summary = "Predict which customers leave, so that the retention team calls them."
    with db.writing() as session:
        projects.create(
            session, actor=made, project_id="churn", title="Churn of contract customers", team_id="crm", summary=summary
        )
    return made


def stop_letters() -> None:
    with db.writing() as session:
        projects.create(
            session, actor=SYSTEM, project_id="letters", title="Letters to leaving customers", team_id="crm",
            summary="Predict which customers leave, so that letters reach them in time.", target="churn",
        )  # fmt: skip
        projects.move(session, actor=SYSTEM, project_id="letters", stage="stopped", finding="Labels come *late*.")


def test_a_team_decides_on_each_strong_hit_and_completes_the_review(scientist: Actor, portal_as: Portal) -> None:
    stop_letters()
    register("retention-caller", "Ranks customers for the retention team to call.")
    app = reviewing(portal_as(scientist))
    said = texts(app)
    assert "0 of 2 strong hits decided" in said
    assert "**What it found.** Labels come *late*." in said
    assert "retention" in said
    assert {"**Letters to leaving customers**", "**Retention Caller**"} <= set(links(app))
    press(app, "Complete the review")
    assert "2 of 2 strong hits are not decided" in texts(app)
    press(app, "Save decision")
    assert "Choose a decision first" in texts(app)
    decide(app, "Letters to leaving customers", "adapt", "We check the labels' age first.")
    assert "**Learn from parts of it**, Ada Author, just now: We check the labels' age first." in texts(app)
    assert "1 of 2 strong hits decided" in texts(app)
    decide(app, "Retention Caller", "reuse", "It does what we need.")
    press(app, "Complete the review")
    assert "Completed just now" in texts(app)
    assert "Complete it again" not in [one.label for one in app.button]
    register("retention-letters", "Writes letters to customers for the retention team.")
    ok(app.run())
    assert "**1 new strong hit since** the review was completed: Retention Letters" in str(app.warning[0].value)
    assert "Complete it again" in [one.label for one in app.button]
    with db.reading() as session:
        assert session.exec(select(Adoption.how)).all() == ["reuse"]
        project = session.get(Project, "churn")
        assert project is not None
        assert project.reuse_reviewed_at is not None


def test_a_review_by_group_and_without_any_hit(scientist: Actor, portal_as: Portal) -> None:
    assert "Nothing in the catalog is like this project" in texts(reviewing(portal_as(scientist)))
    register("retention-caller", "Ranks customers for the retention team to call.")
    app = reviewing(portal_as(scientist))
    field(app, "radio", "Order").set_value("group")
    ok(app.run())
    assert [one.value for one in app.subheader] == ["Internal code", "Datasets", "Similar projects", "Open source"]


def test_a_reader_sees_the_review_but_no_form(scientist: Actor, portal_as: Portal) -> None:
    register("retention-caller", "Ranks customers for the retention team to call.")
    app = reviewing(portal_as("auditor"))
    assert "0 of 1 strong hit decided" in texts(app)
    assert not [one for one in app.button if one.label in ("Save decision", "Complete the review")]
