"""Every page as every role: it opens without a fault, and navigation shows what the role may use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core import db
from core.access import queries as access
from core.access.policy import ROLES, Actor
from core.activity import queries as activity
from core.catalog import queries as catalog
from core.catalog import search
from core.config import ROOT
from core.db import Session
from core.errors import NotAllowed
from core.people import actions as people
from core.projects import actions as projects
from core.projects import adoption
from core.projects import queries as project_queries
from tests.conftest import SYSTEM
from tests.pages.driving import opened

PAGES = sorted(path.name for path in (ROOT / "pages").glob("*.py") if path.name != "portal.py")
Portal = Callable[..., AppTest]
sqlite_only = pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)


def headings(app: AppTest) -> list[str]:
    return [one.value for one in app.title]


def texts(app: AppTest) -> str:
    found = [*app.markdown, *app.caption, *app.info, *app.error, *app.success, *app.warning]
    return "\n".join(str(one.value) for one in found)


@sqlite_only
@pytest.mark.parametrize("role", ROLES)
def test_every_page_that_a_role_sees_opens_without_a_fault(shipped: str, portal_as: Portal, role: str) -> None:
    app = portal_as(role, team="risk")
    for page in PAGES:
        try:
            app.switch_page(page).run()
        except ValueError:
            continue  # the page is not in this role's navigation
        assert not app.exception, f"{page} as {role}"
        assert len(headings(app)) == 1, f"{page} as {role}"


@sqlite_only
@pytest.mark.parametrize("role", ROLES)
def test_every_page_that_a_role_in_a_unit_sees_opens_without_a_fault_or_a_refusal(
    shipped: str, portal_as: Portal, person: Callable[..., Actor], role: str
) -> None:
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="retail", name="Retail")
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk", unit_id="retail")
    app = portal_as(person(role, team="risk", scope=("unit", "retail")))
    opened = []
    for page in PAGES:
        try:
            app.switch_page(page).run()
        except ValueError:
            continue  # the page is not in this role's navigation
        opened.append(page)
        assert not app.exception, f"{page} as {role}"
        assert "may not do this" not in texts(app), f"{page} as {role}"
    assert {"home.py", "catalog.py", "activity.py"} <= set(opened)
    assert "admin.py" not in opened


def portal_person(session: Session) -> Actor:
    """The person who signed in last."""
    newest = access.people(session)[0]
    actor = access.actor_for(session, newest.id)
    assert actor is not None
    return actor


@sqlite_only
def test_a_person_without_a_role_is_told_what_to_do(shipped: str, portal_as: Portal) -> None:
    app = portal_as()
    assert "no role yet" in texts(app)


@sqlite_only
def test_the_admin_page_is_hidden_from_a_data_scientist_and_refused_by_the_core(
    shipped: str, portal_as: Portal
) -> None:
    with pytest.raises(ValueError, match="navigation"):
        portal_as("data scientist", team="risk").switch_page("admin.py")
    with pytest.raises(NotAllowed), db.writing() as session:
        people.add_unit(session, actor=portal_person(session), unit_id="x", name="X")


@sqlite_only
def test_a_sign_in_that_was_ended_stops_at_the_next_run(
    shipped: str, portal_as: Portal, person: Callable[..., Actor]
) -> None:
    ada, admin = person("data scientist", team="risk"), person("administrator")
    app = portal_as(ada)
    with db.writing() as session:
        people.deactivate_person(session, actor=admin, person_id=ada.id)
    app.run()
    assert "sign-in has ended" in texts(app)


@sqlite_only
def test_a_search_shows_hits_facets_and_why_they_rank(shipped: str, portal_as: Portal) -> None:
    app = portal_as("data scientist", team="risk")
    app.switch_page("catalog.py")
    app.query_params["q"] = "champion"
    app.run()
    assert not app.exception
    assert "champion" in texts(app)
    assert any(one.label.startswith("Guide · ") for one in app.checkbox)


def offered(app: AppTest, facet: str) -> dict[str, str]:
    """The values of a facet on the catalog page, with their counts."""
    found = [one for one in app.checkbox if str(one.key).startswith(f"{facet}:")]
    return dict(one.label.replace("\\", "").rsplit(" · ", 1) for one in found)


@sqlite_only
def test_every_value_of_a_facet_can_be_seen_and_chosen_and_the_address_remembers_it(
    shipped: str, portal_as: Portal
) -> None:
    with db.reading() as session:
        counted = search.search(session, SYSTEM).facets["tag"]
    app = opened(portal_as("reviewer"), "catalog.py")
    assert list(offered(app, "tag")) == [one.value for one in counted[:8]]
    assert not [one for one in app.button if str(one.key) == "all lifecycle"], "a short facet shows all there is"
    button = app.button(key="all tag")
    assert button.label == f"Show all {len(counted)}"
    button.click()
    app.run()
    assert offered(app, "tag") == {one.value: str(one.count) for one in counted}
    assert app.query_params["all"] == "tag"
    rare = counted[-1]
    app.checkbox(key=f"tag:{rare.value}").check()
    assert not app.run().exception
    assert app.query_params["tag"] == rare.value
    app = opened(portal_as("reviewer"), "catalog.py", all="tag")
    app.button(key="all tag").click()
    assert not app.run().exception
    assert (app.button(key="all tag").label, len(offered(app, "tag"))) == (f"Show all {len(counted)}", 8)


@sqlite_only
def test_a_chosen_value_keeps_its_count_however_rare_it_is(shipped: str, portal_as: Portal) -> None:
    with db.reading() as session:
        kinds = search.search(session, SYSTEM).facets["kind"]
    app = opened(portal_as("reviewer"), "catalog.py", kind=kinds[-1].value)
    assert next(iter(offered(app, "kind").values())) == str(kinds[-1].count) != "0"


@sqlite_only
@pytest.mark.parametrize(
    "query",
    [{"page": "-1"}, {"page": "x"}, {"page": "999999999"}, {"kind": "<script>"}, {"sort": "nonsense"}, {"q": "\x00"}, {"q": "c++ \" AND ("},
     {"q": "x" * 5000}, {"tag": "'; DROP TABLE entry; --"}, {"all": "<script>"}],
)  # fmt: skip
def test_any_address_of_the_catalog_is_safe(shipped: str, portal_as: Portal, query: dict[str, str]) -> None:
    app = portal_as("data scientist", team="risk")
    app.switch_page("catalog.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception


@sqlite_only
def test_a_search_without_a_result_is_demand_once_and_can_be_asked_for(shipped: str, portal_as: Portal) -> None:
    app = portal_as("data scientist", team="risk")
    app.switch_page("catalog.py")
    app.query_params["q"] = "quantum unicorns"
    app.run().run()
    with db.reading() as session:
        row = search.demand(session, SYSTEM)[0]
    assert (row.text, row.searches, row.wishes) == ("quantum unicorns", 1, 0)
    next(one for one in app.button if one.label == "Ask for this").click().run()
    with db.reading() as session:
        assert search.demand(session, SYSTEM)[0].wishes == 1


@sqlite_only
def test_an_entry_that_is_not_there_says_so_with_a_way_back(shipped: str, portal_as: Portal) -> None:
    app = portal_as("data scientist", team="risk")
    app.switch_page("entry.py")
    for ref in ("asset:default/none", "", "<b>", "\x00", "a" * 500):
        app.query_params["ref"] = ref
        app.run()
        assert not app.exception
        assert "No entry" in texts(app)


@pytest.mark.parametrize(
    "kind",
    ["asset", "pattern", "checklist", "assessment", "principle", "course", "policy", "dataset", "guide", "repository"],
)
@sqlite_only
def test_an_entry_of_every_kind_is_drawn_in_every_tab(shipped: str, portal_as: Portal, kind: str) -> None:
    with db.reading() as session:
        document = next(iter(catalog.documents_of(session, SYSTEM, kinds=(kind,))))[0]
    app = portal_as("reviewer")
    app.switch_page("entry.py")
    app.query_params["ref"] = f"{kind}:default/{document['metadata']['name']}"
    for tab in ("How to use", "README", "Versions", "Relations", "Adopters", "History"):
        app.query_params["tab"] = tab
        app.run()
        assert not app.exception, tab


def test_an_entry_is_adopted_for_a_project_and_the_log_tells(
    shipped: str, portal_as: Portal, person: Callable[..., Actor]
) -> None:
    ada = person("data scientist", team="risk")
    with db.writing() as session:
        projects.create(session, actor=ada, project_id="churn", title="Churn", team_id="risk")
    app = portal_as(ada)
    app.switch_page("entry.py")
    app.query_params["ref"] = "asset:default/drift-statistics"
    app.session_state["adopting"] = True
    app.run()
    app.button(key="adopt").click().run()
    assert not app.exception
    with db.reading() as session:
        page = catalog.entry(session, ada, "asset:default/drift-statistics")
        assert [one.title for one in project_queries.adopters(session, ada, page.entry.id or 0)] == ["Churn"]
        assert page.entry.adoptions == 1
        assert activity.object_history(session, ada, page.entry.key)[0].event == "entry-adopted"


@sqlite_only
def test_the_history_of_an_entry_and_the_log_name_no_hidden_project(
    shipped: str, portal_as: Portal, person: Callable[..., Actor]
) -> None:
    ada, admin, auditor = person("data scientist", team="risk"), person("administrator"), person("auditor")
    with db.writing() as session:
        projects.create(session, actor=ada, project_id="vault-9", title="Vault", team_id="risk", classification="restricted")  # fmt: skip
        entry = catalog.entry(session, ada, "asset:default/drift-statistics").entry
        adoption.adopt(session, actor=ada, project_id="vault-9", entry_id=entry.id or 0)

    def shown(actor: Actor, page: str, **query: str) -> bool:
        app = portal_as(actor)
        app.switch_page(page)
        app.query_params.update(query)
        app.run()
        assert not app.exception
        said = [str(one.value) for kind in ("markdown", "caption") for one in app.get(kind)]
        return "vault-9" in "\n".join([*said, *(one.label for one in app.expander)]).replace("\\", "")

    for page, query in (("home.py", {}), ("activity.py", {}), ("entry.py", {"ref": entry.key, "tab": "History"})):
        assert not shown(admin, page, **query), page
        assert shown(auditor, page, **query), page


@sqlite_only
def test_the_entry_of_a_project_leads_to_the_project_and_is_not_changed_here(
    shipped: str, portal_as: Portal, person: Callable[..., Actor]
) -> None:
    ada = person("ML engineer", team="risk")
    with db.writing() as session:
        projects.create(session, actor=ada, project_id="churn", title="Churn", team_id="risk")
    app = portal_as(ada)
    app.switch_page("entry.py")
    app.query_params["ref"] = "project:default/churn"
    app.run()
    assert "Open the project, which keeps this entry" in [one.proto.label for one in app.get("page_link")]
    assert "Propose a change" not in [one.label for one in app.button]
    app.switch_page("propose.py")
    app.query_params["ref"] = "project:default/churn"
    app.run()
    assert "kept by its project" in str(app.error[0].value)
