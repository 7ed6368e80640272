"""Inherited approval through the pages: confirmed on the pattern, inherited by the project, deviations decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import ROLES, Actor
from core.catalog import queries as catalog
from core.patterns import approval_queries as queries
from core.patterns import approvals, use
from core.patterns.tables import PatternUse
from core.people import notices
from core.projects import actions as projects
from core.projects.tables import Project
from core.reuse import actions as reuse
from pages.parts.pattern_approvals import NEXT
from tests.pages.driving import ok, opened

Portal = Callable[..., AppTest]
People = Callable[..., Actor]
PATTERN = "pattern:default/batch-scoring"
pytestmark = pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)


def texts(app: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "warning", "error", "subheader")
    return "\n".join(str(one.value) for kind in kinds for one in app.get(kind)).replace("\\", "")


def tables(app: AppTest) -> str:
    return "\n".join(one.value.to_string() for one in app.table).replace("\\", "")


def pressed(app: AppTest, label: str) -> AppTest:
    next(one for one in app.button if one.label == label).click()
    return ok(app.run())


@pytest.fixture
def reviewer(shipped: str, person: People) -> Actor:
    return person("reviewer", team="boards")


@pytest.fixture
def ada(shipped: str, person: People) -> Actor:
    made = person("data scientist", team="risk")
    with db.writing() as session:
        projects.create(session, actor=made, project_id="churn", title="Churn", team_id="risk")
    return made


@pytest.fixture
def approved(reviewer: Actor) -> list[str]:
    """The shipped pattern with the approvals that a project can keep by region, classification and services."""
    items = ["IT-1", "IT-2", "SEC-1"]
    with db.writing() as session:
        entry = catalog.entry(session, reviewer, PATTERN).entry
        for item in items:
            approvals.approve_item(
                session, actor=reviewer, entry_id=entry.id or 0, version=entry.version, item_id=item,
                evidence="https://boards.example.org/7", expires_on=db.now().date() + timedelta(days=300),
                revision=entry.revision,
            )  # fmt: skip
    return items


def chosen(app: AppTest) -> AppTest:
    """The Pattern tab of the project with the pattern chosen and every statement attested."""
    opened(app, "project.py", id="churn", tab="Pattern")
    box = app.selectbox(key="use_entry")
    box.select(next(one for one in box.options if one.startswith("Batch scoring")))
    ok(app.run())
    for one in app.checkbox:
        if str(one.key).startswith("use_"):
            one.check()
    return ok(app.run())


def region(app: AppTest) -> Any:
    return next(one for one in app.selectbox if str(one.key).endswith("_region"))


def standing(actor: Actor) -> queries.ProjectStanding:
    with db.reading() as session:
        found = queries.standing(session, actor, "churn")
    assert found is not None
    return found


@pytest.mark.parametrize("role", ROLES)
def test_the_approvals_of_a_pattern_open_for_every_role(shipped: str, portal_as: Portal, role: str) -> None:
    app = opened(portal_as(role, team="risk"), "entry.py", ref=PATTERN, tab="Approvals")
    assert "reference set" in texts(app)
    assert any(one.label == "Confirm" for one in app.button) == (role == "reviewer")


def test_a_reviewer_confirms_an_item_with_evidence_and_a_day(shipped: str, portal_as: Portal, reviewer: Actor) -> None:
    app = opened(portal_as(reviewer), "entry.py", ref=PATTERN, tab="Approvals")
    app.button(key="approve_IT-1_send").click()
    assert "not approved without evidence" in texts(ok(app.run()))
    app.text_area(key="evidence_IT-1").set_value("Architecture board, 3 May")
    app.button(key="approve_IT-1_send").click()
    ok(app.run())
    assert "Architecture board, 3 May" in tables(app)
    app.text_area(key="revoke_reason").set_value("The platform moves")
    assert "The platform moves" in tables(pressed(app, "Revoke"))


def test_a_member_of_the_owning_team_gets_no_form(shipped: str, portal_as: Portal, person: People) -> None:
    app = opened(portal_as(person("reviewer", team="architecture")), "entry.py", ref=PATTERN, tab="Approvals")
    assert not [one for one in app.button if one.label == "Confirm"]


def test_a_pre_approved_pattern_adopted_unchanged_is_inherited_and_a_changed_region_reopens_one_item(
    shipped: str, portal_as: Portal, ada: Actor, reviewer: Actor, approved: list[str]
) -> None:
    app = opened(portal_as(ada), "project.py", id="churn", tab="Pattern")
    assert "stands on no pattern yet" in texts(app)
    chosen(app)
    assert "inherits 3 of 4 approvals: IT-1, IT-2, SEC-1" in texts(app)
    pressed(app, "Use this pattern")
    assert [one.item for one in standing(ada).items if one.inherited] == approved
    assert "Inherited approvals: 3 of 4" in texts(app)
    assert "https://boards.example.org/7" in tables(app)

    region(app).set_value("us-east")
    ok(app.run())
    assert "Saving reopens" in texts(app)
    assert "region is us-east" in texts(app)
    assert [one.item for one in standing(ada).items if one.inherited] == approved  # a preview saves nothing
    pressed(app, "Save")
    assert [one.item for one in standing(ada).items if one.inherited] == ["IT-2", "SEC-1"]
    assert "1 deviation for a reviewer" in texts(app)

    review = opened(portal_as(reviewer), "entry.py", ref=PATTERN, tab="Approvals")
    assert "Outside the allowed: us-east" in texts(review)
    next(one for one in review.radio if str(one.key).endswith("_verdict")).set_value("Accept")
    next(one for one in review.text_area if str(one.key).endswith("_note")).set_value("The mirror is encrypted.")
    pressed(review, "Record the decision")
    assert [one.item for one in standing(ada).items if one.inherited] == approved
    assert "deviation for a reviewer" not in texts(review)


def test_a_declared_deviation_waits_for_somebody_else_and_is_ended_by_the_team(
    shipped: str, portal_as: Portal, ada: Actor, approved: list[str]
) -> None:
    app = pressed(chosen(portal_as(ada)), "Use this pattern")
    box = app.selectbox(key="deviation_from")
    box.select(next(one for one in box.options if one.startswith("SEC-1: Service identity")))
    app.text_input(key="deviation_what").set_value("A person starts the job")
    app.text_area(key="deviation_reason").set_value("The scheduler comes in May")
    pressed(app, "Declare")
    assert "A person starts the job" in texts(app)
    assert "another reviewer or manager decides" in texts(app)
    assert [one.item for one in standing(ada).items if one.inherited] == ["IT-1", "IT-2"]
    pressed(app, "It is no more")
    assert [one.item for one in standing(ada).items if one.inherited] == approved


def test_a_pattern_is_chosen_from_its_page_for_a_project_and_not_adopted_there(
    shipped: str, portal_as: Portal, ada: Actor, approved: list[str]
) -> None:
    app = opened(portal_as(ada), "entry.py", ref=PATTERN)
    app.session_state["adopting"] = True  # the form is open
    ok(app.run())
    assert "Adopt" not in [one.label for one in app.button]
    (door,) = (one for one in app.get("page_link") if one.label == "Choose it on the Pattern tab")
    assert parse_qs(door.proto.query_string) == {"id": ["churn"], "open": ["Pattern"], "pattern": [PATTERN]}
    box = opened(app, "project.py", id="churn", open="Pattern", pattern=PATTERN).selectbox(key="use_entry")
    with db.reading() as session:
        assert box.value == catalog.entry(session, ada, PATTERN).entry.id


def test_a_pattern_in_use_is_neither_moved_nor_ended_on_its_page_but_left_on_the_projects(
    shipped: str, portal_as: Portal, ada: Actor, approved: list[str]
) -> None:
    pressed(chosen(portal_as(ada)), "Use this pattern")
    app = opened(portal_as(ada), "entry.py", ref=PATTERN, tab="Adopters")
    assert not {"End adoption", "Note the move"} & {one.label for one in app.button}
    assert "Change how Churn uses it" in [one.label for one in app.get("page_link")]
    app = opened(portal_as(ada), "project.py", id="churn", tab="Pattern")
    app.button(key="leave_pattern").click()
    assert "stands on no pattern yet" in texts(ok(app.run()))


def test_a_decision_for_a_pattern_leads_to_the_pattern_tab(shipped: str, portal_as: Portal, ada: Actor) -> None:
    with db.writing() as session:
        reuse.decide(session, actor=ada, project_id="churn", entry_ref=PATTERN, decision="reuse", reason="Nightly.")
        projects.edit(
            session, actor=ada, project_id="churn", revision=1, summary="Batch scoring of a table every night."
        )
    app = opened(portal_as(ada), "project.py", id="churn", tab="Reuse")
    app.button(key=f"stand_on_{PATTERN}").click()
    ok(app.run())
    with db.reading() as session:
        assert app.selectbox(key="use_entry").value == catalog.entry(session, ada, PATTERN).entry.id


def test_a_region_is_chosen_among_those_that_patterns_name_and_saving_tells_what_it_reopens(
    shipped: str, portal_as: Portal, ada: Actor, person: People, approved: list[str]
) -> None:
    colleague = person("data scientist", team="risk")
    pressed(chosen(portal_as(ada)), "Use this pattern")
    app = opened(portal_as(ada), "project.py", id="churn", edit="1")
    box = next(one for one in app.selectbox if one.label == "Region")
    assert box.options[0] == "Not known yet"
    assert {"eu-central", "on-premises"} <= set(box.options)
    box.set_value("us-east")
    ok(app.run())
    assert "Saving this reopens approvals" in texts(app)
    pressed(app, "Save")
    with db.reading() as session:
        assert any("no longer inherits IT-1" in one.text for one in notices.unread(session, colleague))


def test_who_may_not_change_a_project_reads_its_pattern_without_forms(
    shipped: str, portal_as: Portal, ada: Actor, approved: list[str]
) -> None:
    pressed(chosen(portal_as(ada)), "Use this pattern")
    app = opened(portal_as("auditor"), "project.py", id="churn", tab="Pattern")
    assert "Inherited approvals: 3 of 4" in texts(app)
    assert not {"Save", "Declare", "It is no more"} & {one.label for one in app.button}


def test_the_pattern_lists_its_projects_and_previews_another_version(
    shipped: str, portal_as: Portal, ada: Actor, approved: list[str]
) -> None:
    pressed(chosen(portal_as(ada)), "Use this pattern")
    app = opened(portal_as(ada), "entry.py", ref=PATTERN, tab="Approvals")
    assert "Churn" in tables(app)
    assert "No project loses an approval" in texts(app)
    app.selectbox(key="preview_version").set_value(NEXT)
    assert "IT-1, IT-2, SEC-1" in tables(ok(app.run()))


def test_a_hidden_project_is_counted_on_the_approvals_tab_and_not_named(
    shipped: str, portal_as: Portal, ada: Actor, approved: list[str]
) -> None:
    pressed(chosen(portal_as(ada)), "Use this pattern")
    with db.writing() as session:
        session.get_one(Project, "churn").classification = "confidential"
    app = opened(portal_as("data scientist", team="elsewhere"), "entry.py", ref=PATTERN, tab="Approvals")
    assert "Churn" not in tables(app) + texts(app)
    assert "And 1 project that you do not see" in texts(app)


def test_the_projects_on_a_pattern_are_turned_page_by_page(
    shipped: str, portal_as: Portal, ada: Actor, approved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed(chosen(portal_as(ada)), "Use this pattern")
    with db.reading() as session:
        first = session.exec(select(PatternUse)).one()
    for number in range(queries.SIZE):
        with db.writing() as session:
            projects.create(session, actor=ada, project_id=f"p{number}", title=f"Project {number:02}", team_id="risk")
            use.use_pattern(
                session, actor=ada, project_id=f"p{number}", entry_id=first.entry_id, region=first.region,
                services=first.services, attested=first.attested,
            )  # fmt: skip
    app = opened(portal_as(ada), "entry.py", ref=PATTERN, tab="Approvals")
    assert "Project 24" not in tables(app)
    app.session_state["uses_page"] = 2
    assert "Project 24" in tables(ok(app.run()))
