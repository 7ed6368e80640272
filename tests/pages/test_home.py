"""The home page names every decision that waits for a person; the demo organisation has one of each sort."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.access.tables import Person
from core.catalog import actions as catalog_actions
from core.catalog import queries as catalog
from core.demo import organisation
from core.patterns import approvals
from core.projects import actions as projects_actions
from core.projects import adoption, value
from core.projects import queries as projects
from core.reuse import demand

Portal = Callable[..., AppTest]
sqlite_only = pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)


def links(app: AppTest) -> str:
    """The labels of the page's links."""
    return "\n".join(str(one.proto.label) for one in app.get("page_link"))


def named(name: str) -> Actor:
    """A person of the demo organisation."""
    with db.reading() as session:
        found = queries.actor_for(session, session.exec(select(Person.id).where(Person.name == name)).one())
    assert found is not None
    return found


@sqlite_only
@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("Chiara Bellini", "Confirm tier of **Who is called for follow\\-up first**"),
        ("Sofia Andrade", "Confirm tier of **Postcodes on account forms**"),
        ("Sofia Andrade", "Decide deviation of **Postcodes on account forms**"),
        ("Jakub Novak", "Decide on 2 requests for data"),
        ("Amara Okafor", "Decide on **Grading from four measurements**"),
        ("Mei Chen", "Proposed: **Grading from four measurements**"),
    ],
)
def test_a_decision_that_waits_for_a_person_is_named(shipped: str, portal_as: Portal, name: str, task: str) -> None:
    organisation.build(policy.system("demo"), lambda _: None)
    assert task in links(portal_as(named(name)))


@sqlite_only
def test_hours_to_confirm_and_approvals_that_end_soon_are_named(
    shipped: str, portal_as: Portal, person: Callable[..., Actor]
) -> None:
    ada, reviewer = person("data scientist", team="risk"), person("reviewer")
    with db.writing() as session:
        projects_actions.create(session, actor=ada, project_id="churn", title="Churn", team_id="risk")
        asset = catalog.entry(session, ada, "asset:default/drift-statistics").entry.id or 0
        used = adoption.adopt(session, actor=ada, project_id="churn", entry_id=asset).id or 0
        value.claim_value(session, actor=ada, adoption_id=used, low_hours=8, high_hours=16, basis="Two days of work.")
        pattern = catalog.entry(session, ada, "pattern:default/batch-scoring").entry
        approvals.approve_item(
            session, actor=reviewer, entry_id=pattern.id or 0, version=pattern.version, item_id="IT-1", evidence="Board, 3 May",
            expires_on=db.now().date() + timedelta(days=10), revision=pattern.revision,
        )  # fmt: skip
    assert "Confirm hours saved by **Churn**" in links(portal_as("manager"))
    app = portal_as(reviewer)
    assert "Renew IT\\-1 of **Batch scoring" in links(app)
    assert "Confirm hours" not in links(app)


@sqlite_only
def test_what_a_person_was_told_can_be_put_away(shipped: str, portal_as: Portal) -> None:
    organisation.build(policy.system("demo"), lambda _: None)
    app = portal_as(named("Priya Raman"))
    told = [one.value for one in app.markdown if str(one.value).startswith("You can read Optical recognition")]
    assert told
    next(one for one in app.button if one.key == "read all").click().run()
    assert not [one for one in app.button if str(one.key).startswith("read")]


@sqlite_only
def test_changing_a_fact_says_beforehand_which_inherited_approvals_it_reopens(shipped: str, portal_as: Portal) -> None:
    organisation.build(policy.system("demo"), lambda _: None)
    app = portal_as(named("Priya Raman"))
    with db.reading() as session:
        revision = projects.detail(session, named("Priya Raman"), "cheque-reader").record.revision
    app.query_params.update({"id": "cheque-reader", "edit": str(revision)})
    app.switch_page("project.py").run()
    assert not app.warning
    next(one for one in app.selectbox if one.label == "Region").set_value("us-east").run()
    assert [one.value for one in app.warning if "IT\\-1" in one.value and "SEC" not in one.value]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_unmet_wish_counts(store: str, portal_as: Portal, person: Callable[..., Actor]) -> None:
    ada, engineer = person("manager"), person("ML engineer")
    with db.writing() as session:
        for number in range(203):
            catalog_actions.wish(session, actor=ada, text=f"wish {number}")
        demand.take_up(session, actor=engineer, text="wish 1")
        demand.decline(session, actor=engineer, text="wish 2", reason="Nobody would maintain it.")
    shown = {one.label: one.value for one in portal_as(ada).metric}
    assert shown["Unmet wishes"] == "202"
