"""Administration through its page: every button changes the store, every refusal stands beside its action."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core import db, jobs
from core.access import queries
from core.access.policy import Actor
from core.access.tables import Person, RoleGrant, Team, Token
from core.catalog import actions as catalog
from core.catalog.loader import Change
from core.catalog.tables import Entry, Source
from core.errors import Unavailable
from core.people import actions as people
from tests.conftest import SYSTEM
from tests.core.catalog.test_archives import packed
from tests.pages import driving
from tests.pages.driving import ok

Portal = Callable[..., AppTest]
People = Callable[..., Actor]

ENTRY = """\
apiVersion: factory/v1
kind: asset
metadata: {name: leakage-check, description: Finds columns that know the target.}
spec: {owner: platform}
"""


def opened(app: AppTest, tab: str = "", **query: str) -> AppTest:
    return driving.opened(app, "admin.py", admin_tab=tab, **query)


def texts(app: AppTest, kind: str = "markdown") -> str:
    return "\n".join(str(one.value) for one in app.get(kind)).replace("\\", "")


def field(app: AppTest, shape: str, label: str):
    return next(one for one in app.get(shape) if one.label == label)


def press(app: AppTest, label: str = "", *, key: str = "") -> AppTest:
    (app.button(key=key) if key else field(app, "button", label)).click()
    return ok(app.run())


@pytest.fixture
def admin(store: str, person: People) -> Actor:
    return person("administrator", name="Ann Administrator")


def grants(person_id: str, state: str = "active") -> list[str]:
    with db.reading() as session:
        found = select(RoleGrant.role).where(RoleGrant.person_id == person_id, RoleGrant.state == state)
        return list(session.exec(found))


def one_of(table: type, **values: object):
    with db.reading() as session:
        return session.exec(select(table).filter_by(**values)).one_or_none()


# --- who sees what ---------------------------------------------------------------------------------------------------


def test_an_ml_engineer_sees_the_jobs_only(store: str, portal_as: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "recent", lambda actor: [])
    monkeypatch.setattr(jobs, "schedules", lambda actor: [])
    assert [one.label for one in opened(portal_as("ML engineer")).tabs] == ["Jobs"]


@pytest.mark.parametrize("role", ["administrator", "ML engineer"])
def test_a_role_in_a_part_of_the_house_is_shown_no_administration(
    store: str, person: People, portal_as: Portal, role: str
) -> None:
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="retail", name="Retail")
    with pytest.raises(ValueError, match="navigation"):
        opened(portal_as(person(role, scope=("unit", "retail"))))


def test_an_administrator_sees_everything(admin: Actor, portal_as: Portal) -> None:
    labels = [one.label for one in opened(portal_as(admin)).tabs]
    assert labels == ["People", "Units and teams", "Tokens", "Sources and imports", "Jobs"]


def test_the_tab_is_in_the_address(admin: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(admin), "Tokens")
    assert "Create" in [one.label for one in app.button]
    assert not app.dataframe


def test_others_have_no_such_page(store: str, portal_as: Portal) -> None:
    with pytest.raises(ValueError):
        portal_as("auditor").switch_page("admin.py").run()


# --- people ----------------------------------------------------------------------------------------------------------


def test_a_person_is_added_and_found(admin: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(admin))
    field(app, "text_input", "Name").set_value("Nora New")
    field(app, "text_input", "E-mail address").set_value("nora@example.org")
    press(app, "Add")
    assert one_of(Person, name="Nora New").email == "nora@example.org"
    field(app, "text_input", "Search").set_value("nora@")
    ok(app.run())
    assert list(app.dataframe[0].value["Name"]) == ["Nora New"]


def test_a_refusal_stands_beside_the_form_and_keeps_it(admin: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(admin))
    field(app, "text_input", "Name").set_value("Nora New")
    field(app, "text_input", "E-mail address").set_value("nowhere")
    press(app, "Add")
    assert "is not an e-mail address" in texts(app, "error")
    assert field(app, "text_input", "Name").value == "Nora New"
    assert one_of(Person, name="Nora New") is None


def test_a_role_is_granted_in_a_scope_and_revoked(admin: Actor, person: People, portal_as: Portal) -> None:
    somebody = person(team="risk")
    app = opened(portal_as(admin), person=somebody.id)
    field(app, "selectbox", "Role").select("data scientist")
    field(app, "selectbox", "Where").select("team")
    ok(app.run())
    field(app, "selectbox", "Team").select("risk")
    press(app, key=f"grant_{somebody.id}")
    assert grants(somebody.id) == ["data scientist"]
    assert "data scientist · team risk" in texts(app)
    press(app, key=f"revoke_{one_of(RoleGrant, person_id=somebody.id).id}")
    assert grants(somebody.id) == []


def test_granting_administration_of_a_part_says_that_it_runs_nothing(
    admin: Actor, person: People, portal_as: Portal
) -> None:
    somebody = person(team="risk")
    app = opened(portal_as(admin), person=somebody.id)
    field(app, "selectbox", "Role").select("administrator")
    assert "runs nothing" not in texts(ok(app.run()), "caption")
    field(app, "selectbox", "Where").select("team")
    assert "runs nothing" in texts(ok(app.run()), "caption")


def test_a_sensitive_role_waits_for_a_second_administrator(admin: Actor, person: People, portal_as: Portal) -> None:
    somebody, second = person(), person("administrator")
    app = opened(portal_as(admin), person=somebody.id)
    field(app, "selectbox", "Role").select("reviewer")
    ok(app.run())
    assert "takes two administrators" in texts(app, "caption")
    press(app, key=f"grant_{somebody.id}")
    assert grants(somebody.id, "proposed") == ["reviewer"]
    waiting = one_of(RoleGrant, person_id=somebody.id).id
    assert f"confirm_{waiting}" not in [one.key for one in app.button]
    press(opened(portal_as(second)), key=f"confirm_{waiting}")
    assert grants(somebody.id) == ["reviewer"]


def test_a_proposed_role_can_be_declined(admin: Actor, person: People, portal_as: Portal) -> None:
    somebody = person()
    with db.writing() as session:
        made = people.grant_role(session, actor=admin, person_id=somebody.id, role="manager").id
    press(opened(portal_as(admin)), key=f"decline_{made}")
    assert grants(somebody.id, "declined") == ["manager"]


def test_the_last_administrator_stays(admin: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(admin), person=admin.id)
    press(app, key=f"revoke_{one_of(RoleGrant, person_id=admin.id).id}")
    assert "last administrator" in texts(app, "error")
    assert "deactivate" not in [one.key for one in app.button]


def test_a_person_joins_and_leaves_a_team(admin: Actor, person: People, portal_as: Portal) -> None:
    somebody = person()
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk")
    app = press(opened(portal_as(admin), person=somebody.id), key=f"join_{somebody.id}")
    with db.reading() as session:
        assert queries.actor_for(session, somebody.id).teams == {"risk"}
    press(app, key="leave_risk")
    with db.reading() as session:
        assert not queries.actor_for(session, somebody.id).teams


def test_a_person_is_deactivated_then_reactivated_or_erased(admin: Actor, person: People, portal_as: Portal) -> None:
    somebody = person(name="Guy Gone")
    app = press(opened(portal_as(admin), person=somebody.id), key="deactivate")
    assert one_of(Person, id=somebody.id).active is False
    press(app, key="reactivate")
    assert one_of(Person, id=somebody.id).active is True
    press(app, key="deactivate")
    press(app, key="erase")
    assert "Guy" not in one_of(Person, id=somebody.id).name


# --- units, teams, tokens --------------------------------------------------------------------------------------------


def test_a_unit_and_its_team_are_added(admin: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(admin), "Units and teams")
    unit = app.form("add_unit")
    unit.text_input[0].set_value("retail")
    unit.text_input[1].set_value("Retail")
    unit.button[0].click()
    ok(app.run())
    team = app.form("add_team")
    team.text_input[0].set_value("branches")
    team.text_input[1].set_value("Branches")
    team.selectbox[0].select("retail")
    team.button[0].click()
    ok(app.run())
    assert one_of(Team, id="branches").unit_id == "retail"


def test_the_secret_of_a_token_is_shown_once(admin: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(admin), "Tokens")
    field(app, "text_input", "Name").set_value("pipeline")
    field(app, "multiselect", "Scopes").set_value(["gate:ask"])
    press(app, "Create")
    secret = app.code[0].value
    made = one_of(Token, name="pipeline")
    assert made.digest == queries.digest(secret)
    assert "pipeline" in str(app.table[0].value.to_dict())
    ok(app.run())
    assert not app.code
    press(app, key="revoke_token")
    assert one_of(Token, name="pipeline").revoked_at is not None
    assert "revoked" in str(app.table[0].value.to_dict())


def test_a_token_without_scopes_is_refused(admin: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(admin), "Tokens")
    field(app, "text_input", "Name").set_value("pipeline")
    press(app, "Create")
    assert "at least one scope" in texts(app, "error")


# --- sources and imports ---------------------------------------------------------------------------------------------


def test_a_source_is_added_imported_and_removed(
    admin: Actor, portal_as: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(jobs, "enqueue", lambda actor, *more: asked.append(more))
    monkeypatch.setattr(jobs, "source_checks", lambda actor: {})
    app = opened(portal_as(admin), "Sources and imports")
    field(app, "text_input", "Location").set_value("https://github.com/example/definitions")
    press(app, "Add source")
    source = one_of(Source, location="https://github.com/example/definitions")
    press(app, key=f"check_{source.id}")
    assert "dry run is queued" in str(app.toast[0].value)
    press(app, key=f"import_{source.id}")
    assert asked == [("check-source", source.id), ("import-source", source.id)]
    press(app, key=f"remove_{source.id}")
    assert one_of(Source) is None


@pytest.fixture
def source(admin: Actor) -> Source:
    with db.writing() as session:
        catalog.add_source(session, actor=admin, location="https://github.com/example/definitions")
    return one_of(Source)


CHECK = jobs.SourceCheck(
    db.now(), False, {"create": 230, "update": 1, "unchanged": 7, "stale": 1, "refused": 1},
    [
        Change("refused", "asset:default/odd", "odd.yaml", problems=["odd.yaml, document 1, spec.owner: *who*?"]),
        Change("stale", "asset:default/gone", ""),
        Change("update", "asset:default/psi", "psi.yaml", ["metadata.title"], ["spec.version"]),
    ], "",
)  # fmt: skip


def shown_as(app: AppTest, monkeypatch: pytest.MonkeyPatch, source: Source, **now: object) -> AppTest:
    monkeypatch.setattr(jobs, "source_checks", lambda actor: {source.id: dataclasses.replace(CHECK, **now)})
    return opened(app, "Sources and imports")


def test_a_dry_run_of_a_source_shows_what_an_import_would_do_and_why_not(
    portal_as: Portal, admin: Actor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = portal_as(admin)
    shown_as(app, monkeypatch, source, under_way=True, counts={}, changes=[])
    assert "waits for its turn" in texts(app, "info")
    assert not app.table
    shown_as(app, monkeypatch, source)
    assert "It would: 230 create, 1 update, 7 unchanged, 1 stale, 1 refused. Nothing is changed" in texts(app, "info")
    table = app.table[0].value
    assert list(table["What"]) == ["refused", "stale", "update"]
    assert table["Problems"][0].replace("\\", "") == "odd.yaml, document 1, spec.owner: *who*?"
    assert "\\*who\\*" in table["Problems"][0]
    assert "The first 3 of 233" in texts(app, "caption")
    shown_as(app, monkeypatch, source, counts={}, changes=[], failure="It did not answer in time.")
    assert "did not answer in time" in texts(app, "error")


def test_a_dry_run_is_forgotten_once_the_source_was_imported(
    portal_as: Portal, admin: Actor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.writing() as session:
        catalog.note_import(session, source_id=source.id, outcome="231 create")
    app = portal_as(admin)
    shown_as(app, monkeypatch, source)
    assert not app.table
    shown_as(app, monkeypatch, source, started_at=db.now())
    assert app.table


def test_sources_are_shown_while_the_queue_does_not_answer(
    portal_as: Portal, admin: Actor, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Unavailable("The job queue does not answer.")

    monkeypatch.setattr(jobs, "source_checks", refuse)
    monkeypatch.setattr(jobs, "enqueue", refuse)
    app = opened(portal_as(admin), "Sources and imports")
    assert "github.com/example/definitions" in texts(app)
    assert "does not answer" in texts(press(app, key=f"check_{source.id}"), "error")


def test_a_source_elsewhere_is_refused(admin: Actor, portal_as: Portal) -> None:
    app = opened(portal_as(admin), "Sources and imports")
    field(app, "text_input", "Location").set_value("http://169.254.169.254/latest")
    press(app, "Add source")
    assert app.error
    assert one_of(Source) is None


@pytest.fixture
def importing(admin: Actor, person: People, portal_as: Portal) -> AppTest:
    person(team="platform")
    return opened(portal_as(admin), "Sources and imports")


def test_an_uploaded_file_is_tried_before_it_is_imported(importing: AppTest) -> None:
    importing.file_uploader[0].upload("entries.yaml", ENTRY.encode())
    ok(importing.run())
    press(importing, "Check what it would do")
    assert "1 create" in texts(importing, "info")
    assert one_of(Entry, key="asset:default/leakage-check") is None
    press(importing, "Apply")
    assert "1 create" in texts(importing, "success")
    assert one_of(Entry, key="asset:default/leakage-check").source == "import:upload"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("MLproject", b"name: leakage check\nentry_points: {main: {command: echo}}\n"),
        ("pack.zip", packed({"pack/assets/leakage-check/entry.yaml": ENTRY, "pack/notes.txt": "x"})),
    ],
)
def test_an_mlflow_project_or_a_zip_goes_the_same_way(importing: AppTest, name: str, content: bytes) -> None:
    importing.file_uploader[0].upload(name, content)
    field(importing, "selectbox", "Team for definitions that name no owner").select("platform")
    ok(importing.run())
    press(importing, "Check what it would do")
    assert "1 create" in texts(importing, "info")
    assert one_of(Entry, key="asset:default/leakage-check") is None
    press(importing, "Apply")
    assert "1 create" in texts(importing, "success")
    assert one_of(Entry, key="asset:default/leakage-check").source == "import:upload"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pack.zip", b"PK"),
        ("pack.zip", packed({"../entry.yaml": ENTRY})),
        ("pack.tar", b""),
        ("notes.txt", ENTRY.encode()),
    ],
)
def test_another_upload_is_refused_in_words(importing: AppTest, name: str, content: bytes) -> None:
    importing.file_uploader[0].upload(name, content)
    ok(importing.run())
    press(importing, "Check what it would do")
    assert texts(importing, "error")
    assert "Apply" not in [one.label for one in importing.button]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"a: [", b"just text", b"x: &a [*a]", b"\x00"])
def test_a_broken_upload_is_refused_in_words(content: bytes, importing: AppTest) -> None:
    importing.file_uploader[0].upload("entries.yaml", content)
    ok(importing.run())
    press(importing, "Check what it would do")
    shown = texts(importing, "error") + texts(importing, "info")
    assert "refused" in shown or "UTF-8" in shown
    assert "went wrong" not in shown


def test_problems_of_definition_files_are_listed(importing: AppTest) -> None:
    importing.file_uploader[0].upload("entries.yaml", ENTRY.replace("platform", "nobody").encode())
    ok(importing.run())
    press(importing, "Check what it would do")
    press(importing, "Apply")
    assert "entries.yaml" in texts(importing, "error")
    assert one_of(Entry, key="asset:default/leakage-check") is None


# --- jobs ------------------------------------------------------------------------------------------------------------


def test_jobs_run_on_demand_and_show_how_they_went(
    admin: Actor, portal_as: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    run = jobs.JobRun("1", "sync-models", "error", datetime.now().astimezone(), "no answer")
    monkeypatch.setattr(jobs, "recent", lambda actor: [run])
    monkeypatch.setattr(jobs, "schedules", lambda actor: [])
    monkeypatch.setattr(jobs, "enqueue", lambda actor, name, *more: asked.append(name))
    app = press(opened(portal_as(admin), "Jobs"), key="run_sync-models")
    assert asked == ["sync-models"]
    assert "failed" in str(app.table[0].value.to_dict())
    assert "run_import-source" not in [one.key for one in app.button]


def withdraw_roles(actor: Actor) -> None:
    with db.writing() as session:
        for grant in queries.grants_of(session, actor.id):
            people.revoke_role(session, actor=SYSTEM, grant_id=grant.id or 0)


def a_page_that_outlives_the_role() -> None:
    from pages.parts import actor as actors
    from pages.parts.admin import jobs as tab
    from tests.pages.test_admin import withdraw_roles

    actor = actors.current()
    withdraw_roles(actor)
    tab.show(actor)


def test_the_list_of_jobs_asks_again_who_is_looking_whenever_it_renews_itself(
    store: str, person: People, sign_in: Callable[[Actor], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_client", lambda: pytest.fail("the queue was asked"))
    sign_in(person("ML engineer"))
    app = AppTest.from_function(a_page_that_outlives_the_role, default_timeout=30)
    assert "may not do this" in texts(ok(app.run()), "error")


def test_schedules_show_their_last_run_and_their_last_failure_apart_from_what_was_asked_for(
    admin: Actor, portal_as: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime.now().astimezone()
    failure = jobs.JobRun("1", "sync-models", "error", moment - timedelta(days=2), "no answer")
    last = jobs.JobRun("2", "sync-models", "success", moment, "")
    plan = [jobs.Schedule("sync-models", last, failure), jobs.Schedule("tidy-jobs", None, None)]
    monkeypatch.setattr(jobs, "recent", lambda actor: [])
    monkeypatch.setattr(jobs, "schedules", lambda actor: plan)
    app = opened(portal_as(admin), "Jobs")
    assert "Nobody has asked for a job yet." in texts(app, "info")
    (shown,) = [one.value for one in app.table]
    assert list(shown["Job"]) == [jobs.JOBS["sync-models"], jobs.JOBS["tidy-jobs"]]
    assert list(shown["State"]) == ["done", "not yet"]
    assert shown["Last run"][0].startswith("just now")
    assert shown["Last failure"][0].startswith("2 days ago")
    assert list(shown["Error"]) == ["no answer", ""]


def test_an_unreachable_queue_is_information(admin: Actor, portal_as: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Unavailable("The job queue does not answer.")

    monkeypatch.setattr(jobs, "recent", refuse)
    monkeypatch.setattr(jobs, "enqueue", refuse)
    app = opened(portal_as(admin), "Jobs")
    assert "does not answer" in texts(app, "info")
    assert "does not answer" in texts(press(app, key="run_seal-log"), "error")
