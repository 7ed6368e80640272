"""The patterns page in its three views, and a pattern's entry, driven from the frame."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlmodel import col, delete
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import ROLES
from core.catalog.tables import Entry, EntryContent
from core.patterns import queries
from core.patterns.advisor import QUESTIONS
from tests.conftest import SYSTEM

Portal = Callable[..., AppTest]
sqlite_only = pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
BATCH, ONLINE = "pattern:default/batch-scoring", "pattern:default/online-scoring"


def at(app: AppTest, page: str = "patterns.py", **address: str) -> AppTest:
    app.switch_page(page)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    shown = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader]
    return "\n".join(str(one.value).replace("\\", "") for one in shown)


def table(app: AppTest, heading: str) -> list[dict[str, str]]:
    """The table with a column of this name, as its lines."""
    found = next(one.value for one in app.table if heading in one.value.columns)
    return [{name: str(cell).replace("\\", "") for name, cell in row.items()} for row in found.to_dict("records")]


@sqlite_only
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("view", ["all", "advice", "compare", "nonsense"])
def test_every_role_opens_every_view(shipped: str, portal_as: Portal, role: str, view: str) -> None:
    app = at(portal_as(role, team="risk"), view=view)
    assert [one.value for one in app.title] == ["Patterns"]


@sqlite_only
def test_the_list_shows_each_pattern_with_latency_cost_data_users_and_approvals(
    shipped: str, portal_as: Portal
) -> None:
    app = at(portal_as("data scientist", team="risk"))
    listed = app.dataframe[0].value
    batch = listed[listed["Pattern"] == "Batch scoring"].iloc[0]
    assert (batch["Answers within"], batch["Cost"], batch["Used by"], batch["Approvals"]) == ("hours", "low", 0, 0)
    assert batch["Data"] == "public, internal, confidential, regulated"
    assert len(listed) >= 12


@sqlite_only
def test_a_catalog_without_patterns_says_what_would_be_here(shipped: str, portal_as: Portal) -> None:
    with db.writing() as session:
        session.execute(delete(Entry).where(col(Entry.kind) == "pattern"))
    for view in ("all", "advice", "compare"):
        app = at(portal_as("data scientist", team="risk"), view=view, classification="internal")
        assert app.info or app.warning


# --- advice ------------------------------------------------------------------------------------------------------------


@sqlite_only
def test_the_advisor_asks_at_most_eight_questions_and_answers_from_the_address(shipped: str, portal_as: Portal) -> None:
    app = at(
        portal_as("data scientist", team="risk"), view="advice", classification="regulated", latency="milliseconds"
    )
    assert {one.label for one in app.selectbox} >= {one.asks for one in QUESTIONS}
    told = words(app)
    assert "Data: made for regulated data, with a variant that says what differs." in told
    assert "Latency: made for milliseconds." in told
    assert "Use its variant for regulated data." in told
    excluded = {row["Pattern"]: row["Why"] for row in table(app, "Why")}
    assert excluded["Batch scoring"] == "Latency: reaches hours, not milliseconds."
    assert "Online scoring" not in excluded


@sqlite_only
def test_an_answer_goes_into_the_address_and_an_answer_taken_back_leaves_it(shipped: str, portal_as: Portal) -> None:
    app = at(portal_as("data scientist", team="risk"), view="advice")
    assert "One answer is enough" in words(app)
    app.selectbox(key="advice_latency").select("hours").run()
    assert app.query_params["latency"] == "hours"
    assert "Latency: made for hours." in words(app)
    app.selectbox(key="advice_latency").set_value(None).run()
    assert "latency" not in app.query_params
    assert not app.exception


@sqlite_only
def test_what_no_question_offers_is_ignored_in_the_address(shipped: str, portal_as: Portal) -> None:
    app = at(
        portal_as("data scientist", team="risk"), view="advice", classification="<b>secret</b>", latency="x" * 9000
    )
    assert "One answer is enough" in words(app)


# --- comparison --------------------------------------------------------------------------------------------------------


@sqlite_only
def test_two_patterns_stand_side_by_side_with_their_differences_marked(shipped: str, portal_as: Portal) -> None:
    app = at(portal_as("manager"), view="compare", compare="batch-scoring,online-scoring")
    rows = {row["Aspect"]: row for row in table(app, "Batch scoring")}
    assert rows["≠ **Latency**"]["Batch scoring"].startswith("hours")
    assert rows["≠ **Latency**"]["Online scoring"].startswith("milliseconds")
    assert "Data" in rows, "what is alike is not marked"
    app.checkbox(key="only_differences").check().run()
    assert "Data" not in {row["Aspect"] for row in table(app, "Batch scoring")}


@sqlite_only
def test_the_choice_of_patterns_goes_into_the_address(shipped: str, portal_as: Portal) -> None:
    app = at(portal_as("manager"), view="compare")
    assert "Choose two patterns" in words(app)
    app.multiselect(key="compared").set_value([BATCH, ONLINE]).run()
    assert app.query_params["compare"] == f"{BATCH},{ONLINE}"
    assert not app.exception
    assert table(app, "Online scoring")


@sqlite_only
@pytest.mark.parametrize("given", ["nothing,batch-scoring", "a,b,c,d", "asset:default/drift-statistics"])
def test_what_cannot_be_compared_is_refused_beside_the_choice(shipped: str, portal_as: Portal, given: str) -> None:
    app = at(portal_as("manager"), view="compare", compare=given)
    assert len(app.error) == 1
    assert "Choose two patterns" in words(app)


# --- the entry of a pattern ----------------------------------------------------------------------------------------------


@sqlite_only
def test_the_entry_of_a_pattern_shows_services_by_stage_and_a_tab_for_each_variant(
    shipped: str, portal_as: Portal
) -> None:
    app = at(portal_as("data scientist", team="risk"), "entry.py", ref=BATCH)
    services = {row["For"]: row["Services"] for row in table(app, "Services")}
    assert list(services) == ["Ingest", "Prepare", "Train", "Validate", "Deploy", "Monitor"]
    assert [one.label for one in app.tabs if one.label in ("Public", "Internal", "Confidential", "Regulated")] == [
        "Public", "Internal", "Confidential", "Regulated",
    ]  # fmt: skip
    assert {row["Tool"] for row in table(app, "Tool")} >= {"Kubernetes", "Helm", "Terraform"}
    assert any(row["Allowed"] == "public, internal, confidential" for row in conditions(app))


def conditions(app: AppTest) -> list[dict[str, str]]:
    found = [one.value for one in app.table if "Allowed" in one.value.columns]
    return [{name: str(cell).replace("\\", "") for name, cell in row.items()} for one in found for row in one.to_dict("records")]  # fmt: skip


@sqlite_only
def test_a_definition_from_elsewhere_with_another_shape_breaks_no_view(shipped: str, portal_as: Portal) -> None:
    with db.reading() as session:
        number = next(one.entry_id for one in queries.patterns(session, SYSTEM).items if one.key == BATCH)
    with db.writing() as session:
        content = session.get(EntryContent, number)
        assert content is not None
        content.document = {"spec": {"problem": "<script>alert(1)</script>", "services": {"explore": ["old"]}}}
        session.add(content)
    app = portal_as("data scientist", team="risk")
    at(app, view="all")
    at(app, view="advice", latency="hours")
    at(app, view="compare", compare=f"{BATCH},{ONLINE}")
    at(app, "entry.py", ref=BATCH)
