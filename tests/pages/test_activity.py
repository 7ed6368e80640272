"""The log through its page: filters, words for every event, verification, export, and who reads what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from core import db, jobs
from core.access.policy import Actor
from core.activity import recording
from core.activity.events import all_events
from core.config import settings
from core.errors import NotAllowed, Unavailable
from core.people import actions as people
from core.projects import actions as projects
from pages.parts import log_checks, sentences
from tests.conftest import SYSTEM
from tests.pages import driving
from tests.pages.driving import ok

Portal = Callable[..., AppTest]
People = Callable[..., Actor]

EVENTS = all_events()


def opened(app: AppTest, **query: str) -> AppTest:
    return driving.opened(app, "activity.py", **query)


def texts(app: AppTest, kind: str = "markdown") -> str:
    return "\n".join(str(one.value) for one in app.get(kind)).replace("\\", "")


def told(app: AppTest) -> str:
    """The lines of the log."""
    return "\n".join(one.label for one in app.expander).replace("\\", "")


def press(app: AppTest, label: str) -> AppTest:
    next(one for one in app.button if one.label == label).click()
    return ok(app.run())


def without_guards(session: db.Session) -> None:
    """Let the log be changed, as somebody with the database's password could."""
    if not db.is_sqlite(session):
        session.execute(text("ALTER TABLE activity DISABLE TRIGGER USER"))
        return
    named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'activity'"
    for (name,) in session.execute(text(named)).all():
        session.execute(text(f"DROP TRIGGER {name}"))


@pytest.fixture
def auditor(store: str, person: People) -> Actor:
    return person("auditor", name="Una Auditor")


def test_every_event_has_its_words() -> None:
    assert set(sentences.WORDS) == {one.name for one in EVENTS}


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.name)
def test_the_words_of_an_event_use_its_fields_only(event: type) -> None:
    from string import Formatter

    used = {name for _, name, _, _ in Formatter().parse(sentences.WORDS[event.name]) if name}
    assert used <= set(event.__dataclass_fields__)


def test_the_log_is_told_in_words_newest_first(auditor: Actor, portal_as: Portal) -> None:
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk")
        people.join_team(session, actor=SYSTEM, team_id="risk", person_id=auditor.id)
    shown = told(opened(portal_as(auditor)))
    assert shown.index("made Una Auditor a member") < shown.index("added the team")
    assert "made the person known" in shown


def test_filters_come_from_the_address(auditor: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(auditor), event="role-granted", subject=auditor.id)
    assert "1 record" in texts(app)
    assert app.selectbox(key="activity_event").value == "role-granted"
    app.selectbox(key="activity_event").select("token-revoked")
    ok(app.run())
    assert "Nothing here with these filters" in texts(app, "info")
    assert app.query_params["event"] == "token-revoked"


def test_by_names_people(auditor: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(auditor), by=auditor.ref)
    assert app.selectbox(key="activity_by").value == auditor.ref
    assert "signed in (local)" in told(app)
    assert "made the person known" not in told(app)


@pytest.mark.parametrize(
    "query",
    [
        {"page": "-1"},
        {"page": "999999"},
        {"page": "x"},
        {"event": "nonsense"},
        {"by": "x"},
        {"subject": "%_\\"},
        {"subject": "a\x00b"},
    ],
)
def test_any_address_is_answered(query: dict[str, str], auditor: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(auditor), **query)
    assert "went wrong" not in texts(app, "error")


def test_pages_of_a_long_log(auditor: Actor, portal_as: Portal) -> None:
    with db.writing() as session:
        for number in range(60):
            people.add_unit(session, actor=SYSTEM, unit_id=f"unit-{number}", name="Unit")
    app = opened(portal_as(auditor), event="unit-added", page="3")
    assert "60 records" in texts(app)
    assert "unit-9" in told(app)
    assert "unit-59" not in told(app)


def test_roles_with_an_own_reach_see_what_they_did(store: str, person: People, portal_as: Portal) -> None:
    person("auditor", name="Una Auditor")
    app = opened(portal_as("data scientist", name="Dee Scientist"))
    assert "what you did yourself" in texts(app, "info")
    assert "Una Auditor" not in told(app)
    assert "Verify the log" not in [one.label for one in app.button]
    assert "By" not in [one.label for one in app.selectbox]


@pytest.mark.parametrize("role", ["manager", "auditor", "administrator"])
def test_a_role_in_a_unit_sees_what_it_did_and_no_way_to_the_whole_log(
    store: str, person: People, portal_as: Portal, role: str
) -> None:
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="retail", name="Retail")
    person("auditor", name="Una Auditor")
    reader = person(role, scope=("unit", "retail"), name="Anne Manager")
    app = opened(portal_as(reader))
    assert "signed in (local)" in told(app)
    assert "Una Auditor" not in told(app)
    assert not {"Verify the log", "Seal now"} & {one.label for one in app.button}
    assert "By" not in [one.label for one in app.selectbox]
    assert "no records" in texts(opened(app, by=SYSTEM.ref))
    with pytest.raises(NotAllowed):
        log_checks.exported(reader.id)


def test_a_manager_of_a_unit_reads_what_happened_to_its_projects_and_not_to_others(
    store: str, person: People, portal_as: Portal
) -> None:
    with db.writing() as session:
        for unit, team, project in (("retail", "cards", "fraud"), ("health", "ward", "beds")):
            people.add_unit(session, actor=SYSTEM, unit_id=unit, name=unit.title())
            people.add_team(session, actor=SYSTEM, team_id=team, name=team.title(), unit_id=unit)
            projects.create(session, actor=SYSTEM, project_id=project, title=project.title(), team_id=team)
    app = portal_as(person("manager", scope=("unit", "retail")))
    refusal = "does not read the activity log"
    assert refusal not in texts(driving.opened(app, "project.py", id="fraud", tab="History"), "caption")
    assert refusal in texts(driving.opened(app, "project.py", id="beds", tab="History"), "caption")


def test_the_details_of_a_record_show_its_data_and_hash(auditor: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(auditor), event="role-granted")
    with db.reading() as session:
        seq = session.execute(text("SELECT seq FROM activity WHERE event = 'role-granted'")).scalar_one()
    app.session_state[f"record_{seq}"] = True
    ok(app.run())
    assert '"auditor"' in str(app.json[0].value)
    assert any(len(one.value) == 64 for one in app.code)


def test_verifying_a_whole_log_says_so(auditor: Actor, portal_as: Portal) -> None:
    with db.writing() as session:
        recording.seal(session)
    kept = settings().data / "keys" / "checkpoints.jsonl"
    kept.write_bytes(kept.read_bytes() + b'{"seq": 7')
    app = press(opened(portal_as(auditor)), "Verify the log")
    assert "Intact" in texts(app, "success")
    assert "sealed up to record" in texts(app, "success")
    assert re.fullmatch("[0-9a-f]{64}", texts(app, "code"))
    assert "Line 2 of keys/checkpoints.jsonl was cut short" in texts(app, "warning")


def test_verifying_a_changed_log_names_the_record(auditor: Actor, portal_as: Portal) -> None:
    with db.writing() as session:
        without_guards(session)
        session.execute(text("UPDATE activity SET subject = 'person:p-0' WHERE seq = 1"))
    app = press(opened(portal_as(auditor)), "Verify the log")
    assert "Broken" in texts(app, "error")
    assert "record 1" in texts(app, "error")


def test_sealing_is_asked_of_the_jobs(store: str, portal_as: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(jobs, "enqueue", lambda actor, name, *more: asked.append(name))
    app = press(opened(portal_as("administrator")), "Seal now")
    assert asked == ["seal-log"]
    assert "few seconds" in texts(app, "success")


def test_an_unreachable_queue_is_told(store: str, portal_as: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Unavailable("The job queue does not answer.")

    monkeypatch.setattr(jobs, "enqueue", refuse)
    app = press(opened(portal_as("administrator")), "Seal now")
    assert "does not answer" in texts(app, "error")


def test_the_export_holds_every_record(auditor: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(auditor))
    app.session_state["export"] = True
    ok(app.run())
    assert app.get("download_button")
    lines = [json.loads(line) for line in log_checks.exported(auditor.id).splitlines()]
    assert [one["seq"] for one in lines] == list(range(1, len(lines) + 1))


def test_a_long_log_is_exported_on_the_command_line(
    auditor: Actor, portal_as: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_checks, "MOST_TO_DOWNLOAD", 1)
    app = opened(portal_as(auditor))
    app.session_state["export"] = True
    ok(app.run())
    assert "python -m core verify --export" in texts(app, "code")
