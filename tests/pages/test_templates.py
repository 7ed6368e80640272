"""The pages of templates: asking with conditions and a preview, deciding, publishing with its findings, and the drift board."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import db, jobs
from core.access.policy import ROLES, Actor
from core.people import actions as people
from core.templates import publishing, work
from core.templates.tables import TemplateRequest, TemplateVersion
from tests.conftest import SYSTEM
from tests.core.templates.house import CODE, House, entry, start, template
from tests.pages.driving import ok, opened

Portal = Callable[..., AppTest]
pytestmark = pytest.mark.parametrize(
    "store", ["sqlite"], indirect=True
)  # what they draw does not depend on the database


@pytest.fixture(autouse=True)
def no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job runs beside these tests; they do the work themselves."""
    monkeypatch.setattr(jobs, "soon", lambda name: None)


@pytest.fixture
def house(store: str, person: Callable[..., Actor]) -> House:
    """A bank with a published template and a project that may ask for it."""
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="retail", name="Retail")
        people.add_team(session, actor=SYSTEM, team_id="platform", name="Platform")
        people.add_team(session, actor=SYSTEM, team_id="cards", name="Cards", unit_id="retail")
    start()
    made = House(
        person, person("data scientist", team="cards", name="Ada"), person("ML engineer", team="platform", name="Mel"),
        person("ML engineer", team="platform", name="Max"), entry(),
    )  # fmt: skip
    made.version_id = made.publish()
    return made


def field(app: AppTest, shape: str, label: str) -> Any:
    return next(one for one in app.get(shape) if one.label == label)


def texts(app: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "warning", "error", "title", "success", "code")
    return "\n".join(str(one.value) for kind in kinds for one in app.get(kind)).replace("\\", "")


def row(request_id: int = 1) -> TemplateRequest:
    with db.reading() as session:
        return session.get_one(TemplateRequest, request_id)


def test_the_form_asks_what_the_answers_call_for_and_sends_them(house: House, portal_as: Portal) -> None:
    app = opened(portal_as(house.ada), "request.py", template=str(house.version_id), project="churn")
    assert field(app, "text_input", "The project's name").value == "churn", "it knows the project"
    assert "How dark" not in [one.label for one in app.number_input]
    assert "the portal keeps no secrets" in texts(app)
    field(app, "selectbox", "A colour").set_value('"green"')
    ok(app.run())
    field(app, "number_input", "How dark").set_value(8)
    ok(app.run())
    field(app, "button", "Send the request").click()
    ok(app.run())
    assert (row().state, row().answers["colour"], row().answers["shade"]) == ("submitted", "green", 8)
    assert "another person decides" in texts(app)


def test_a_wrong_answer_is_told_beside_its_question_and_not_sent(house: House, portal_as: Portal) -> None:
    app = opened(portal_as(house.ada), "request.py", template=str(house.version_id), project="churn")
    field(app, "text_input", "The project's name").set_value("no good!")
    ok(app.run())
    assert field(app, "button", "Send the request").disabled
    assert "Letters and digits." in texts(app) or "project_id" in texts(app)


def test_an_approver_sees_the_files_and_sends_back_and_the_requester_changes_and_sends_again(
    house: House, portal_as: Portal
) -> None:
    request_id = house.send({"colour": "green"})
    app = opened(portal_as(house.mel), "request.py", id=str(request_id))
    assert "README.md" in texts(app)
    assert "It is green" in texts(app)
    field(app, "text_area", "What is to be changed?").set_value("Red, please.")
    field(app, "button", "Send back").click()
    ok(app.run())
    assert row().state == "changes requested"
    app = opened(portal_as(house.ada), "request.py", id=str(request_id), edit="yes")
    assert "Red, please." in texts(app)
    assert field(app, "selectbox", "A colour").value == '"green"', "the answers are kept"
    field(app, "selectbox", "A colour").set_value('"red"')
    ok(app.run())
    field(app, "button", "Send the request").click()
    ok(app.run())
    assert (row().state, row().answers["colour"]) == ("submitted", "red")
    app = opened(portal_as(house.mel), "request.py", id=str(request_id))
    app.button(key="approve").click()
    ok(app.run())
    work.work(SYSTEM)
    app = opened(portal_as(house.ada), "request.py", id=str(request_id))
    assert "Delivered" in texts(app)
    app.button(key="token").click()
    ok(app.run())
    assert "afp_" in texts(app)
    app.button(key="close").click()
    ok(app.run())
    assert row().state == "closed"


def test_a_version_shows_its_findings_and_only_another_person_publishes_it(house: House, portal_as: Portal) -> None:
    bad = publishing.read(template(readme="{{ '$HOME' | expandvars }}\n"))
    good = publishing.read(template(code=CODE.replace("1", "2")))
    with db.writing() as session:
        made = [
            publishing.propose(session, actor=house.mel, entry_id=house.entry_id, version=version, reading=reading, source="x.zip").id
            for version, reading in (("6.6.6", bad), ("1.1.0", good))
        ]  # fmt: skip
    app = opened(portal_as(house.max), "templates.py", version=str(made[0]))
    assert app.button(key="publish").disabled
    assert any("expandvars" in str(one.value.to_dict()) for one in app.dataframe)
    app = opened(portal_as(house.mel), "templates.py", version=str(made[1]))
    assert "another person publishes it" in texts(app)
    app = opened(portal_as(house.max), "templates.py", version=str(made[1]))
    app.button(key="publish").click()
    ok(app.run())
    with db.reading() as session:
        assert session.get_one(TemplateVersion, made[1]).state == "published"


def test_the_drift_board_names_who_is_behind_and_its_page_prepares_the_update(house: House, portal_as: Portal) -> None:
    house.delivered()
    house.publish(template(code=CODE.replace("return 1", "return 2")), "1.1.0", security=True)
    app = opened(portal_as(house.ada), "templates.py", view="drift")
    assert "Behind by 1" in texts(app)
    assert "Security" in texts(app)
    app = opened(portal_as(house.ada), "templates.py", stand="1")
    assert "Prepare the update to 1.1.0" in "\n".join(one.value for one in app.subheader).replace("\\", "")
    field(app, "button", "Prepare the update").click()
    ok(app.run())
    assert "Choose the zip of the project" in texts(app)


@pytest.mark.parametrize("view", ["", "mine", "decide", "drift", "publish", "nonsense"])
def test_every_view_opens_for_every_role(house: House, portal_as: Portal, view: str) -> None:
    for role in ROLES:
        app = opened(portal_as(role, team="cards"), "templates.py", view=view)
        assert app.title[0].value == "Templates"


@pytest.mark.parametrize("query", [{"id": "99"}, {"id": "x"}, {"template": "99"}, {}])
def test_what_is_not_there_says_so_with_a_way_out(house: House, portal_as: Portal, query: dict[str, str]) -> None:
    app = opened(portal_as(house.ada), "request.py", **query)
    assert app.error
    for other in ({"version": "99"}, {"stand": "99"}):
        assert opened(app, "templates.py", **other).error
