"""The projects page, the adopters tab and the notices at home, driven without a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import ROLES, Actor
from core.catalog import actions as catalog
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Entry
from core.people import notices
from core.projects import adoption, portfolio, value
from core.projects.tables import Adoption, Project, ProjectMember, ReuseValue, StagePeriod
from pages.parts import portfolio_table
from tests.conftest import SYSTEM, stand_on
from tests.pages import driving
from tests.pages.driving import ok

Portal = Callable[..., AppTest]
People = Callable[..., Actor]
sqlite_only = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def entry(name: str = "psi", kind: str = "asset", **spec: Any) -> int:
    needed: dict[str, Any] = {"problem": "Too many ways."} if kind == "pattern" else {}
    document = {
        "apiVersion": "factory/v1", "kind": kind, "metadata": {"name": name, "title": name.title(), "description": "Finds drift."},
        "spec": {"owner": "risk", "version": "1.0", **needed, **spec},
    }  # fmt: skip
    with db.writing() as session:
        return catalog.register(session, document=document)


def start(*project_ids: str, **more: Any) -> None:
    with db.writing() as session:
        for one in project_ids:
            session.add(Project(id=one, title=one.title(), team_id="risk", **more))


def adopt(project_id: str, entry_id: int) -> int:
    with db.writing() as session:
        return adoption.adopt(session, actor=SYSTEM, project_id=project_id, entry_id=entry_id).id or 0


def opened(app: AppTest, script: str = "projects.py", /, **query: str) -> AppTest:
    return driving.opened(app, script, **query)


def texts(app: AppTest) -> str:
    found = [*app.markdown, *app.caption, *app.info, *app.error, *app.subheader, *app.success]
    return "\n".join(str(one.value) for one in found)


def links(app: AppTest) -> str:
    return "\n".join(one.proto.label for one in app.get("page_link"))


def titles(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["Project"])


@pytest.fixture
def ada(store: str, person: People) -> Actor:
    return person("data scientist", name="Ada", team="risk")


@sqlite_only
@pytest.mark.parametrize("role", ROLES)
def test_the_page_offers_registering_to_those_who_may_and_says_why_it_is_empty(
    store: str, portal_as: Portal, role: str
) -> None:
    app = opened(portal_as(role, team="risk"))
    builders = {"domain expert", "data engineer", "data scientist", "AI engineer", "ML engineer", "manager"}
    assert any(one.label == "Register a project" for one in app.button) is (role in builders)
    assert "No project yet" in texts(app)
    for view in ("timeline", "serving", "value"):
        assert "No project" in texts(opened(app, view="timeline"))
        opened(app, view=view)


@sqlite_only
def test_filters_come_from_the_address_and_go_back_into_it(ada: Actor, portal_as: Portal) -> None:
    start("alpha", "beta", stage="experiment", tier="high")
    start("gamma")
    app = opened(portal_as(ada), stage="experiment", tier="high", sort="newest")
    assert sorted(titles(app)) == ["Alpha", "Beta"]
    field(app, "text_input", "Words").set_value("bet")
    ok(app.run())
    assert titles(app) == ["Beta"]
    assert app.query_params["q"] in ("bet", ["bet"])
    field(app, "selectbox", "Stage").select("")
    field(app, "text_input", "Words").set_value("nothing like it")
    ok(app.run())
    assert "stage" not in app.query_params
    assert "No project matches these filters" in texts(app)


def field(app: AppTest, shape: str, label: str) -> Any:
    return next(one for one in app.get(shape) if one.label == label)


@sqlite_only
def test_groups_show_their_counts_and_lead_to_the_narrowed_list(ada: Actor, portal_as: Portal) -> None:
    start("alpha", "beta", stage="experiment")
    start("gamma", tier="high")
    app = opened(portal_as(ada))
    assert "Explore · 1" in links(app)
    assert "Experiment · 2" in links(app)
    app = opened(app, group="tier")
    assert "High · 1" in links(app)
    assert "Not assessed · 2" in links(app)
    narrowed = next(one.proto for one in app.get("page_link") if one.proto.label.startswith("Not assessed"))
    assert "tier=none" in narrowed.query_string


@sqlite_only
@pytest.mark.parametrize(
    "query",
    [{"page": "-1"}, {"page": "x"}, {"page": "999999"}, {"stage": "<b>"}, {"sort": "id; drop"}, {"group": "x"}, {"q": "\x00"},
     {"q": "x" * 100_000}, {"view": "nonsense"}, {"tier": "'"}, {"pattern": "pattern:default/none"}, {"mine": "maybe"},
     {"view": "serving", "page": "77"}],
)  # fmt: skip
def test_any_address_is_safe(ada: Actor, portal_as: Portal, query: dict[str, str]) -> None:
    start("alpha")
    opened(portal_as(ada), **query)


@sqlite_only
def test_choosing_a_project_opens_it_and_registering_asks_for_a_new_one(ada: Actor, portal_as: Portal) -> None:
    start("alpha")
    app = opened(portal_as(ada))
    app.selectbox(key="open_project").select("alpha")
    app.run()
    assert app.query_params["id"] in ("alpha", ["alpha"])
    app = opened(app)
    field(app, "button", "Register a project").click()
    app.run()
    assert app.query_params["new"] in ("1", ["1"])


@sqlite_only
def test_many_projects_are_paged_and_the_file_holds_all_of_them(ada: Actor, portal_as: Portal) -> None:
    start(*(f"p-{number:03}" for number in range(55)))
    app = opened(portal_as(ada), page="2")
    assert len(titles(app)) == 5
    assert "55 projects" in texts(app)
    lines = portfolio_table.file(ada, portfolio.Filter(), "title").decode("utf-8-sig").splitlines()
    assert len(lines) == 56


@sqlite_only
def test_the_file_is_refused_to_somebody_who_was_deactivated_meanwhile(ada: Actor, person: People) -> None:
    from core.errors import NotAllowed
    from core.people import actions as people

    admin = person("administrator")
    with db.writing() as session:
        people.deactivate_person(session, actor=admin, person_id=ada.id)
    with pytest.raises(NotAllowed):
        portfolio_table.file(ada, portfolio.Filter(), "title")


@sqlite_only
def test_the_timeline_draws_stages_and_tells_them_in_words(ada: Actor, portal_as: Portal) -> None:
    then = db.now() - timedelta(days=100)
    start("alpha", stage="operate", stage_since=then)
    start("beta", stage="stopped", stage_since=then)
    with db.writing() as session:
        session.add(StagePeriod(project_id="alpha", stage="explore", since=then - timedelta(days=9), until=then))
        session.add(StagePeriod(project_id="alpha", stage="operate", since=then))
    app = opened(portal_as(ada), view="timeline")
    (chart,) = app.get("arrow_vega_lite_chart") or app.get("vega_lite_chart")
    assert "longest in its stage: Alpha, 100 days in operate" in str(chart.proto)


@sqlite_only
def test_who_serves_what_names_load_shared_automation_and_what_nobody_serves(
    ada: Actor, portal_as: Portal, person: People
) -> None:
    mo = person("ML engineer", name="Mo")
    start("alpha", "beta", tier="high", stage="operate")
    start("alone", stage="experiment")
    batch = entry("batch", "pattern")
    for project in ("alpha", "beta"):
        stand_on(batch, project)
        with db.writing() as session:
            session.add(ProjectMember(project_id=project, person_id=mo.id, role="ML engineer"))
    app = opened(portal_as(ada), view="serving")
    line = app.dataframe[0].value.iloc[0]
    assert (line["ML engineer"], line["Load"], line["Running projects"]) == ("Mo", 4, "2 in operate")
    assert "counts 2 times" in texts(app)
    assert any(one.label.startswith("1 project past exploration") for one in app.expander)


# --- the adopters tab ------------------------------------------------------------------------------------------------


@sqlite_only
def test_an_entry_is_adopted_with_how_and_why_and_moved_to_a_newer_version(ada: Actor, portal_as: Portal) -> None:
    entry()
    start("churn")
    app = opened(portal_as(ada), "entry.py", ref="asset:default/psi")
    app.session_state["adopting"] = True
    ok(app.run())
    app.radio(key="adopt_how").set_value("adapt")
    app.text_area(key="adopt_note").set_value("Own thresholds.")
    app.button(key="adopt").click()
    ok(app.run())
    entry(version="1.1")
    app = opened(app, "entry.py", ref="asset:default/psi", tab="Adopters")
    assert "1 version behind" in app.table[0].value["Version"][0]
    app.button(key="update_adoption").click()
    ok(app.run())
    with db.reading() as session:
        made = session.exec(select(Adoption)).one()
    assert (made.how, made.note, made.version) == ("adapt", "Own thresholds.", "1.1")


@sqlite_only
def test_the_impact_of_a_change_is_told_beside_the_adopters(ada: Actor, portal_as: Portal) -> None:
    psi = entry()
    entry("report", dependsOn=["asset:default/psi"])
    start("churn", stage="operate")
    adopt("churn", psi)
    app = opened(portal_as(ada), "entry.py", ref="asset:default/psi", tab="Adopters")
    assert "A change hits 1 in operate" in texts(app)
    assert "Report · depends on it" in links(app)


@sqlite_only
def test_value_is_claimed_on_the_entry_confirmed_by_a_manager_and_shown_in_total(
    ada: Actor, portal_as: Portal, person: People
) -> None:
    psi = entry()
    start("churn")
    adopt("churn", psi)
    app = opened(portal_as(ada), "entry.py", ref="asset:default/psi", tab="Adopters")
    field(app, "text_area", "How do you know?").set_value("A week of two people.")
    field(app, "button", "Claim").click()
    ok(app.run())
    assert not any(one.key == "confirm_value" for one in app.button), "nobody confirms their own claim"
    manager = portal_as(person("manager", name="Max"))
    app = opened(manager, "entry.py", ref="asset:default/psi", tab="Adopters")
    app.button(key="confirm_value").click()
    ok(app.run())
    with db.reading() as session:
        made = session.exec(select(ReuseValue)).one()
    assert (made.low_hours, made.high_hours, made.confirmed_by is None) == (8, 40, False)
    app = opened(app, view="value")
    assert [one.value for one in app.metric] == ["8 to 40 hours", "8 to 40 hours"]


@sqlite_only
def test_a_claim_that_ends_before_it_begins_is_refused_beside_the_form(ada: Actor, portal_as: Portal) -> None:
    start("churn")
    adopt("churn", entry())
    app = opened(portal_as(ada), "entry.py", ref="asset:default/psi", tab="Adopters")
    field(app, "number_input", "At least (working hours)").set_value(90)
    field(app, "text_area", "How do you know?").set_value("A guess.")
    field(app, "button", "Claim").click()
    ok(app.run())
    assert "ends before it begins" in texts(app)


@sqlite_only
def test_deprecating_on_the_page_tells_adopters_who_find_it_at_home_and_put_it_away(
    ada: Actor, portal_as: Portal, person: People
) -> None:
    psi, _ = entry(), entry("new")
    start("churn")
    adopt("churn", psi)
    app = opened(portal_as(person("ML engineer", name="Mo")), "entry.py", ref="asset:default/psi")
    field(app, "selectbox", "New state").select(Lifecycle.deprecated)
    field(app, "text_input", "Replaced by (when deprecating)").set_value("asset:default/new")
    field(app, "text_area", "Why").set_value("Too slow.")
    field(app, "button", "Change").click()
    ok(app.run())
    with db.reading() as session:
        assert session.get_one(Entry, psi).lifecycle == "deprecated"
    app = opened(portal_as(ada), "home.py")
    assert "which is deprecated now" in texts(app)
    assert "Open" in links(app)
    field(app, "button", "Mark as read").click()
    ok(app.run())
    assert "Nothing waits for you" in texts(app)
    with db.reading() as session:
        assert notices.unread(session, ada) == []


@sqlite_only
def test_markup_in_names_and_claims_means_nothing(ada: Actor, portal_as: Portal) -> None:
    psi = entry()
    trap = "<script>alert(1)</script> **bold** :red[x]"
    with db.writing() as session:
        session.add(Project(id="trap", title=trap, team_id="risk"))
    used = adopt("trap", psi)
    with db.writing() as session:
        value.claim_value(session, actor=ada, adoption_id=used, low_hours=1, high_hours=2, basis=trap)
    app = opened(portal_as(ada), "entry.py", ref="asset:default/psi", tab="Adopters")
    assert trap not in texts(app) + str([one.value for one in app.table])
    opened(app, view="timeline")
    opened(app, view="value")
