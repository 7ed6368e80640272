"""The models page: every project's model from the mirror, narrowed, ordered and paged by the address, and how old it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core import db
from core.access import policy
from core.errors import Unavailable
from core.people import actions as people
from core.projects import actions as projects
from core.tracking import sync
from tests.conftest import SYSTEM, forget_settings, free_port
from tests.core.tracking import test_portfolio
from tests.core.tracking.test_portfolio import mirror, run, start
from tests.pages import driving
from tests.pages.driving import ok

Portal = Callable[..., AppTest]
pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def app(store: str, portal_as: Portal) -> AppTest:
    """The page of a manager; two units own a team each."""
    with db.writing() as session:
        for unit, team in (("bank", "risk"), ("retail", "branches")):
            people.add_unit(session, actor=SYSTEM, unit_id=unit, name=unit.title())
            people.add_team(session, actor=SYSTEM, team_id=team, name=team.title(), unit_id=unit)
    return portal_as("manager")


@pytest.fixture
def four(app: AppTest) -> AppTest:
    """Four projects: two with models that compare, one of another unit and stage, one that only has a name."""
    start("alpha", "gamma")
    with db.writing() as session:
        projects.create(
            session, actor=policy.system("demo"), project_id="beta", title="Beta", team_id="branches",
            registered_model="beta-model", key_metric="rmse", higher_is_better=False,
        )  # fmt: skip
        projects.move(session, actor=policy.system("demo"), project_id="beta", stage="experiment")
        projects.create(session, actor=policy.system("demo"), project_id="delta", title="Delta", team_id="risk")
    aliases = {"champion": "1", "challenger": "2"}
    mirror(
        {"alpha-model": aliases, "gamma-model": aliases, "beta-model": {"champion": "2"}},
        [
            run("alpha-model-1", 0.7, digest="d1"), run("alpha-model-2", 0.8, digest="d1", day=3),
            run("gamma-model-1", 0.9, digest="d1"), run("gamma-model-2", 0.95, digest="d2"),
            run("beta-model-2", 4.0), run("late", 0.1, project="gamma", day=9, status="FAILED"),
        ],
    )  # fmt: skip
    return app


def opened(app: AppTest, **query: str) -> AppTest:
    return driving.opened(app, "models.py", **query)


def listed(app: AppTest, column: str = "Project") -> list[str]:
    return list(app.dataframe[0].value[column]) if app.dataframe else []


def texts(app: AppTest, kind: str) -> str:
    return "\n".join(str(one.value) for one in app.get(kind)).replace("\\", "")


def choose(app: AppTest, label: str, value: str) -> AppTest:
    next(one for one in app.selectbox if one.label == label).set_value(value)
    return ok(app.run())


def test_a_row_shows_champion_challenger_and_whether_the_lead_means_anything(four: AppTest) -> None:
    shown = opened(four).dataframe[0].value.set_index("Project")
    assert list(shown.loc["Alpha", ["Champion", "Challenger", "Lead of the challenger"]]) == [
        "v1 · 0.7", "v2 · 0.8", "+0.1 (better)"
    ]  # fmt: skip
    assert shown.loc["Gamma", "Lead of the challenger"] == "not comparable: different data"
    assert "(failed)" in shown.loc["Gamma", "Last run"]
    assert list(shown.loc["Beta", ["Champion", "Challenger", "Owner"]]) == ["v2 · 4", "none", "Branches"]
    assert list(shown.loc["Delta", ["Champion", "Versions", "Last run"]]) == ["none", 0, "never (never)"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Alpha", "Beta", "Delta", "Gamma"]),
        ({"unit": "retail"}, ["Beta"]),
        ({"unit": "bank"}, ["Alpha", "Delta", "Gamma"]),
        ({"stage": "experiment"}, ["Beta"]),
        ({"stage": "explore", "unit": "retail"}, []),
        ({"q": "GAMMA"}, ["Gamma"]),
        ({"q": "nothing such"}, []),
        (
            {"unit": "<script>", "stage": "nonsense", "sort": "password", "page": "-3"},
            ["Alpha", "Beta", "Delta", "Gamma"],
        ),
        ({"sort": "stage"}, ["Alpha", "Delta", "Gamma", "Beta"]),
        ({"sort": "value"}, ["Gamma", "Alpha", "Beta", "Delta"]),
        ({"sort": "difference"}, ["Alpha", "Gamma", "Beta", "Delta"]),
        ({"sort": "last run"}, ["Gamma", "Alpha", "Beta", "Delta"]),
    ],
)
def test_the_address_narrows_and_orders_the_list(four: AppTest, query: dict[str, str], expected: list[str]) -> None:
    app = opened(four, **query)
    assert listed(app) == expected
    assert ("No project matches" in texts(app, "info")) == (not expected)


def test_a_choice_goes_into_the_address_and_starts_at_the_first_page(four: AppTest) -> None:
    app = choose(opened(four, page="2"), "Business unit", "retail")
    assert (app.query_params["unit"], "page" in app.query_params, listed(app)) == ("retail", False, ["Beta"])
    app = choose(app, "Business unit", "")
    assert "unit" not in app.query_params
    app = choose(app, "Stage", "experiment")
    assert (app.query_params["stage"], listed(app)) == ("experiment", ["Beta"])
    app = choose(choose(app, "Stage", ""), "Sort by", "value")
    assert (app.query_params["sort"], listed(app)[0]) == ("value", "Gamma")


def test_fifty_projects_are_a_page_and_the_rest_is_on_the_next(app: AppTest) -> None:
    start(*(f"p-{number:02}" for number in range(53)))
    first = opened(app)
    assert (len(listed(first)), listed(first)[0]) == (50, "P-00")
    (pages,) = first.get("pagination")
    assert pages.num_pages == 2
    pages.set_value(2)
    second = ok(first.run())
    assert (second.query_params["page"], listed(second)) == ("2", ["P-50", "P-51", "P-52"])
    assert listed(opened(second, page="2", sort="value")) == listed(second)
    assert listed(opened(second, page="99")) == []
    assert len(listed(opened(second, page="²"))) == 50


def test_the_page_says_how_old_its_facts_are(app: AppTest) -> None:
    start("alpha")
    assert "As of never" in texts(opened(app), "caption")
    mirror({}, [])
    assert "As of just now" in texts(opened(app), "caption")
    assert not app.warning


def test_while_mlflow_does_not_answer_the_page_warns_and_keeps_what_it_knows(
    four: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr(test_portfolio, "URI", uri)
    mirror({"alpha-model": {"champion": "1"}}, [run("alpha-model-1", 0.7)])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    forget_settings()
    with pytest.raises(Unavailable):
        sync.sync(SYSTEM)
    app = opened(four)
    assert "MLflow does not answer; these facts are from" in texts(app, "warning")
    assert "UTC" in texts(app, "warning"), "the exact time of the last good sync"
    assert "Alpha" in listed(app)
    mirror({}, [])
    assert not opened(four).warning, "the next good sync ends the warning"


def test_a_model_is_opened_by_the_choice_of_its_project(four: AppTest) -> None:
    app = opened(four)
    box = next(one for one in app.selectbox if one.label == "Open a model")
    assert len(box.options) == 3, "a project without a model has none to open"
    app = opened(app, model="alpha-model")
    assert [one.value.replace("\\", "") for one in app.title] == ["alpha-model"]
    assert list(app.table[0].value["Version"]) == ["2", "1"]
    assert "challenger" in app.table[0].value["Alias"][0]
    assert "No registered model 'none'" in texts(opened(app, model="none"), "error")


def test_a_models_page_has_the_steps_that_ask_the_gate_about_it(four: AppTest) -> None:
    app = opened(four, model="alpha-model")
    assert not app.code, "closed at first"
    app.session_state["gate_steps"] = True
    app = ok(app.run())
    assert [one.label for one in app.tabs] == ["Shell", "GitHub Actions", "Azure Pipelines"]
    assert len(app.code) == 3
    assert all("alpha-model" in one.value and "/api/v1/gates/" in one.value for one in app.code)


def test_a_page_behind_the_last_one_says_so_and_not_that_there_are_no_projects(four: AppTest) -> None:
    app = ok(opened(four, page="99"))
    assert [one.value for one in app.info] == ["The list ends before this page."]
