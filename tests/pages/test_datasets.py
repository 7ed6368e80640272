"""The datasets page: find data, ask for them, decide, and look back, driven without a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import ROLES, Actor
from core.datasets import granting, queries
from core.datasets.lineage import Digest, Lineage, ModelUse
from pages.parts import dataset_audit, dataset_lineage
from tests.conftest import SYSTEM, forget_settings
from tests.core.datasets.house import START, House, build, register, stopped
from tests.core.tracking import test_portfolio as mirrors
from tests.pages import driving
from tests.pages.driving import ok

Portal = Callable[..., AppTest]
pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def house(store: str, person: Callable[..., Actor], monkeypatch: pytest.MonkeyPatch) -> House:
    return build(person, stopped(monkeypatch))


def opened(app: AppTest, **query: str) -> AppTest:
    return driving.opened(app, "datasets.py", **query)


def texts(app: AppTest) -> str:
    found = [*app.markdown, *app.caption, *app.info, *app.error, *app.success, *app.warning]
    return "\n".join(str(one.value) for one in found).replace("\\", "")


def links(app: AppTest) -> str:
    return "\n".join(one.proto.label for one in app.get("page_link")).replace("\\", "")


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return ok(app.run())


@pytest.mark.parametrize("role", ROLES)
def test_every_view_opens_for_every_role_and_shows_what_the_role_may(
    store: str, house: House, portal_as: Portal, role: str
) -> None:
    request_id = house.granted()
    app = opened(portal_as(role, team="cards"))
    views = app.radio(key="address view").options
    assert any("To decide" in one for one in views) is (role in ("data engineer", "manager"))
    assert ("Who could read what" in views) is (role in ("auditor", "reviewer", "manager"))
    for query in ({"view": "mine"}, {"view": "decide"}, {"view": "audit"}, {"ref": house.entry, "tab": "Access"}):
        assert len(opened(app, **query).title) == 1
        app.query_params.clear()
    assert len(opened(app, request=str(request_id)).title) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"view": "nonsense"}, {"page": "x"}, {"page": "-1"}, {"ref": "<b>\x00"}, {"ref": "x" * 5000},
        {"ref": "asset:default/x"}, {"request": "99999"}, {"request": "x"}, {"request": "9" * 50},
        {"view": "audit", "day": "1066-01-01", "person": "x"}, {"view": "audit", "day": "9999-01-01", "dataset": "\x00"},
        {"q": "\x00%", "owner": "nobody", "classification": "x"},
    ],
)  # fmt: skip
def test_any_address_is_answered(store: str, house: House, portal_as: Portal, query: dict[str, str]) -> None:
    app = opened(portal_as("auditor"), **query)
    assert len(app.title) == 1
    assert "went wrong" not in texts(app)


def test_somebody_without_a_role_is_told_what_to_do(store: str, house: House, portal_as: Portal) -> None:
    assert "once you have a role" in texts(opened(portal_as()))


def test_the_list_is_filtered_by_the_address(store: str, house: House, portal_as: Portal) -> None:
    register("customers", personalData="direct")
    app = opened(portal_as(house.ada), personal="direct")
    assert "Customers" in links(app)
    assert "Payments" not in links(app)
    app.checkbox(key="address readable").check()
    assert "No dataset matches" in texts(ok(app.run()))
    assert app.query_params["readable"] == "yes"


def test_the_contract_is_shown_as_data_and_in_words(store: str, house: House, portal_as: Portal) -> None:
    register(
        "rates", freshness={"updates": "daily", "maxAgeHours": 26}, contract=["One row per day."],
        expectations=[{"check": "rows", "minimum": 10}, {"column": "amount", "check": "missing", "maximum": 0.05}],
    )  # fmt: skip
    app = opened(portal_as(house.ada), ref="dataset:default/rates")
    shown = texts(app)
    assert "updated daily, at most 26 hours old" in shown
    assert "One row per day." in shown
    assert list(app.dataframe[0].value["Column"]) == ["card", "amount", "country"]
    promises = [one.replace("\\", "") for one in app.table[0].value["Promise"]]
    assert promises == ["at least 10 rows", "at most 5% missing"]


def test_data_are_asked_for_approved_in_part_granted_and_seen_by_the_auditor(
    store: str, house: House, portal_as: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(portal_as(house.ada), ref=house.entry, tab="Access")
    app.text_area(key="ask_purpose").input("Find fraud.")
    app.multiselect(key="ask_columns").set_value(["card", "amount"])
    app.selectbox(key="ask_project").select("fraud")
    ok(app.run())
    press(app, "ask_send")
    with db.reading() as session:
        (row,) = queries.requests(session, house.ada, mine=True).items
    assert (row.state, row.columns, row.project, row.hours) == ("submitted", ["card", "amount"], "Fraud", 720)

    app = opened(portal_as(house.owner), view="decide")
    assert "To decide (1)" in app.radio(key="address view").options
    app.multiselect(key=f"columns_{row.id}").set_value(["amount"])
    ok(app.run())
    press(app, f"approve_{row.id}")
    assert house.row(row.id).approved_columns == ["amount"]
    app.text_input(key=f"evidence_{row.id}").input("TICKET-9")
    ok(app.run())
    press(app, f"grant_{row.id}")
    assert house.state(row.id) == "granted"

    app = opened(portal_as(house.ada), view="mine")
    assert "approved in part, amount in exploration for 30 days" in texts(app)
    assert list(app.dataframe[0].value["Columns"]) == ["amount"]

    house.clock.forward(days=60)
    house.watch()
    monkeypatch.setattr(dataset_audit, "now", house.clock)
    auditor = portal_as("auditor")
    past = opened(auditor, view="audit", day=f"{START + timedelta(days=3):%Y-%m-%d}")
    assert list(past.dataframe[0].value["Evidence"]) == ["TICKET-9"]
    assert "1 access" in texts(past)
    assert "no accesses" in texts(opened(auditor, view="audit", day=f"{START + timedelta(days=40):%Y-%m-%d}"))


@pytest.mark.parametrize(("unit", "accesses"), [("bank", "1 access"), ("other", "no accesses")])
@pytest.mark.parametrize("role", ["auditor", "manager"])
def test_a_role_in_a_unit_audits_the_datasets_of_that_unit(
    house: House, portal_as: Portal, monkeypatch: pytest.MonkeyPatch, role: str, unit: str, accesses: str
) -> None:
    house.granted()
    monkeypatch.setattr(dataset_audit, "now", house.clock)
    app = opened(portal_as(house.person(role, scope=("unit", unit))), view="audit")
    assert accesses in texts(app)
    assert "units and teams that your role is held in" in texts(app)


def test_a_data_scientist_of_a_unit_asks_for_data_of_another(house: House, portal_as: Portal) -> None:
    asking = house.person("data scientist", scope=("unit", "other"))
    app = opened(portal_as(asking), ref=house.entry, tab="Access")
    app.text_area(key="ask_purpose").input("Find fraud.")
    app.multiselect(key="ask_columns").set_value(["card"])
    ok(app.run())
    press(app, "ask_send")
    with db.reading() as session:
        assert [one.state for one in queries.requests(session, asking, mine=True).items] == ["submitted"]


def test_a_refusal_stands_beside_the_form_and_keeps_what_was_typed(store: str, house: House, portal_as: Portal) -> None:
    register("customers", personalData="direct")
    app = opened(portal_as(house.ada), ref="dataset:default/customers", tab="Access")
    app.text_area(key="ask_purpose").input("Count them.")
    ok(app.run())
    press(app, "ask_send")
    assert "legal basis" in texts(app)
    assert app.text_area(key="ask_purpose").value == "Count them."
    app.selectbox(key="ask_basis").select("consent")
    ok(app.run())
    press(app, "ask_send")
    with db.reading() as session:
        assert queries.requests(session, house.ada, mine=True).items[0].legal_basis == "consent"


def test_sensitive_columns_are_left_out_until_chosen(store: str, house: House, portal_as: Portal) -> None:
    register("people", columns=[{"name": "age", "type": "int"}, {"name": "tax", "type": "int", "sensitive": True}])
    app = opened(portal_as(house.ada), ref="dataset:default/people", tab="Access")
    assert app.multiselect(key="ask_columns").value == ["age"]


def test_production_is_asked_for_in_hours(store: str, house: House, portal_as: Portal) -> None:
    app = opened(portal_as(house.ada), ref=house.entry, tab="Access")
    app.selectbox(key="ask_environment").select("production")
    app.text_area(key="ask_purpose").input("Repair.")
    ok(app.run())
    assert [one.label for one in app.number_input] == ["Hours"]
    press(app, "ask_send")
    with db.reading() as session:
        assert queries.requests(session, house.ada, mine=True).items[0].hours == 8


def test_a_draft_is_sent_later_and_withdrawn(store: str, house: House, portal_as: Portal) -> None:
    app = opened(portal_as(house.ada), ref=house.entry, tab="Access")
    app.text_area(key="ask_purpose").input("Later.")
    ok(app.run())
    press(app, "ask_draft")
    with db.reading() as session:
        (row,) = queries.requests(session, house.ada, mine=True).items
    assert row.state == "draft"
    app = press(opened(portal_as(house.ada), view="mine"), f"send_{row.id}")
    assert "Waits for the owners" in texts(app)
    press(app, f"withdraw_{row.id}")
    assert house.state(row.id) == "withdrawn"


def test_a_renewal_is_asked_for_and_access_given_back(store: str, house: House, portal_as: Portal) -> None:
    request_id = house.granted()
    app = press(opened(portal_as(house.ada), view="mine"), f"renew_{request_id}")
    with db.reading() as session:
        newest = queries.requests(session, house.ada, mine=True).items[0]
    assert (newest.renews_id, newest.state) == (request_id, "submitted")
    press(app, f"give_back_{request_id}")
    assert house.state(request_id) == "revoked"


def test_who_reads_by_the_request_of_another_is_offered_to_renew_it_and_nothing_else(
    store: str, house: House, portal_as: Portal
) -> None:
    reader = house.person("data scientist", team="risk")
    request_id = house.granted(people=(house.ada.ref, reader.ref))
    app = opened(portal_as(reader), view="mine")
    assert f"give_back_{request_id}" not in [one.key for one in app.button]
    press(app, f"renew_{request_id}")
    with db.reading() as session:
        newest = queries.requests(session, reader, mine=True).items[0]
    assert (newest.renews_id, newest.requested_by) == (request_id, reader.ref)


def test_owners_reject_and_revoke_with_a_reason(store: str, house: House, portal_as: Portal) -> None:
    waiting, reading = house.ask(), house.granted()
    app = opened(portal_as(house.owner), request=str(waiting))
    press(app, f"reject_{waiting}")
    assert "Say why" in texts(app)
    app.text_area(key=f"reject_reason_{waiting}").input("Too wide.")
    ok(app.run())
    press(app, f"reject_{waiting}")
    assert (house.state(waiting), house.row(waiting).reason) == ("rejected", "Too wide.")
    app = opened(portal_as(house.owner), view="decide", shown="granted")
    app.text_area(key=f"revoke_reason_{reading}").input("Misuse.")
    ok(app.run())
    press(app, f"revoke_{reading}")
    assert house.state(reading) == "revoked"


def test_who_asked_gets_no_buttons_to_decide(store: str, house: House, portal_as: Portal) -> None:
    own = house.ask(house.owner)
    app = opened(portal_as(house.owner), request=str(own))
    assert not [one for one in app.button if one.key and one.key.startswith(("approve_", "reject_"))]


def test_failed_calls_of_the_webhook_are_seen_by_the_owner(
    store: str, house: House, portal_as: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = house.ask()
    house.do("approve", request_id)
    monkeypatch.setenv("PORTAL_GRANT_WEBHOOK_URL", "http://127.0.0.1:1/x")
    monkeypatch.setenv("PORTAL_GRANT_WEBHOOK_SECRET", "secret")
    forget_settings()
    granting.call_waiting(SYSTEM)
    assert "does not answer" in texts(opened(portal_as(house.owner), view="decide"))


def test_versions_and_lineage_come_from_the_mirror(store: str, house: House, portal_as: Portal) -> None:
    made = mirrors.run("fraud-model-1", 0.9, project="fraud")
    inputs = [{"name": "payments", "digest": "d1g35t", "context": "training"}]
    mirrors.mirror({"fraud-model": {}}, [made.__class__(**{**made.__dict__, "datasets": inputs})])
    app = opened(portal_as(house.ada), ref=house.entry, tab="Versions")
    assert any("d1g35t" in str(one.value) for one in app.table)
    app = opened(portal_as(house.ada), ref=house.entry, tab="Lineage")
    assert any("fraud" in str(one.value) for one in app.table)
    assert "Fraud" in links(app)


def test_a_dataset_nobody_used_says_what_would_show(store: str, house: House, portal_as: Portal) -> None:
    assert "Nothing is known" in texts(opened(portal_as(house.ada), ref=house.entry, tab="Lineage"))
    assert "No run has logged" in texts(opened(portal_as(house.ada), ref=house.entry, tab="Versions"))


def test_the_diagram_is_bounded_and_its_labels_mean_nothing_to_mermaid(store: str) -> None:
    models = [ModelUse(f"p{one}", f"P {one}", f'm"]; click {one}', 1, 1) for one in range(200)]
    runs = [(f"p{one}", f"P {one}", 3) for one in range(200)]
    found = Lineage(["raw"], [], [], runs, models, [Digest("d", "", 1, None, None)])
    lines, words = dataset_lineage.diagram('Pay"ments', found)
    assert lines.count("[") <= dataset_lineage.MOST_NODES
    assert 'Pay"ments' not in lines
    assert "raw to" in words


def test_the_data_of_a_project_are_its_requests(store: str, house: House, portal_as: Portal) -> None:
    def data_of_the_project(actor: Actor) -> str:
        app = portal_as(actor)
        app.switch_page("project.py")
        app.query_params["id"], app.query_params["tab"] = "fraud", "Data"
        return texts(ok(app.run()))

    house.ask(purpose="For myself.")
    assert "Which data this project reads" in data_of_the_project(house.ada)
    house.ask(purpose="For the project.", project_id="fraud")
    assert "For the project." in data_of_the_project(house.ada)
    assert "For myself." not in data_of_the_project(house.ada)
    assert "For the project." not in data_of_the_project(house.person("data scientist", team="elsewhere"))
