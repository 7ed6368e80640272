"""One review case on its page: what it shows, and what each person does there; the store says what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core import db
from core.access.policy import Actor
from core.evidence import keeping
from core.evidence.tables import EvidenceFile
from core.projects.tables import Project
from core.reviews import pins, waivers
from core.reviews.tables import CaseComment, CaseSeat, Condition, Waiver
from tests.core.datasets.house import Make
from tests.core.reviews import house as houses
from tests.core.reviews.bank import PIN, Bank
from tests.core.reviews.house import House
from tests.pages.driving import ok, opened
from tests.pages.reviewing import Portal, bank_now, buttons, links, texts

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def bank(store: str, person: Make, monkeypatch: pytest.MonkeyPatch) -> Bank:
    return bank_now(person, monkeypatch)


@pytest.fixture
def house(store: str, person: Make) -> House:
    return houses.build(person)


def page(app: AppTest, case_id: int, **query: str) -> AppTest:
    return opened(app, "review.py", id=str(case_id), **query)


def labelled(app: AppTest, kind: str, label: str) -> Any:
    """The one element of a kind whose label begins so."""
    found = [one for one in app.get(kind) if one.label.replace("\\", "").startswith(label)]
    assert len(found) == 1, [one.label for one in app.get(kind)]
    return found[0]


def press(app: AppTest, label: str) -> AppTest:
    labelled(app, "button", label).click()
    return ok(app.run())


def pinned(app: AppTest, pin: str = PIN) -> AppTest:
    """The PIN in every field that asks for it."""
    fields = [one for one in app.text_input if one.label == "Your signing PIN"]
    assert fields
    for one in fields:
        one.set_value(pin)
    return app


def rows(table: Any, **wanted: Any) -> list[Any]:
    with db.reading() as session:
        return list(session.exec(select(table).filter_by(**wanted).order_by(col(table.id))))


# --- what it shows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "0", "-1", "999", "x", "1e3", "٣", "9" * 40, "<script>"])
def test_a_case_that_is_not_there_says_so_with_a_way_back(bank: Bank, portal_as: Portal, name: str) -> None:
    app = opened(portal_as(bank.rita), "review.py", id=name)
    assert "No case" in texts(app, "error")
    assert "All reviews" in links(app)


def test_a_case_of_a_hidden_project_is_not_there(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.draft()
    with db.writing() as session:
        session.execute(update(Project).values(classification="restricted"))
    assert "No case" in texts(page(portal_as(bank.ada), case_id), "error")
    assert "churn 1" in texts(page(portal_as(bank.audrey), case_id), "title")


def test_the_head_says_what_is_reviewed_how_it_stands_whose_it_is_and_until_when(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted()
    bank.change(case_id, due_at=bank.clock() + timedelta(days=3, minutes=5))
    app = page(portal_as(bank.audrey), case_id)
    said = texts(app)
    for words in ("churn 1", "In review", "Tier limited", "owned by Olga", "decision due in 3 days", "3 of 3 items settled", "2 signatures to come"):  # fmt: skip
        assert words in said, words
    assert {"All reviews", "Churn", "responsible-ai 1.0.0", "The model"} <= set(links(app))
    assert "Late" not in said
    bank.change(case_id, due_at=bank.clock() - timedelta(days=1, hours=1))
    said = texts(page(portal_as(bank.audrey), case_id))
    assert "Late" in said
    assert "overdue by 1 day" in said


def test_the_first_item_that_wants_something_is_open_and_the_address_names_another(
    house: House, portal_as: Portal
) -> None:
    case_id = house.open()
    house.attach(case_id, accuracy=0.5)
    house.answer(case_id, "TXT-1", "Whom to call.")
    app = page(portal_as(house.vera), case_id)
    assert texts(app, "subheader") == "YES-1 YES-1"
    app = page(portal_as(house.vera), case_id, item="MET-1")
    said = texts(app)
    assert "MET-1 MET-1" in texts(app, "subheader")
    assert "fails" in said
    assert "Blocking" in said
    app = page(portal_as(house.vera), case_id, item="<none>")
    assert texts(app, "subheader") == "YES-1 YES-1"
    app.radio(key="case item").set_value("NUM-1")
    app = ok(app.run())
    assert texts(app, "subheader") == "NUM-1 NUM-1"
    assert app.query_params["item"] == "NUM-1"


def test_a_finding_is_a_sentence_a_chart_with_its_takeaway_and_a_table(house: House, portal_as: Portal) -> None:
    case_id = house.open()
    house.attach(case_id, accuracy=0.9)
    app = page(portal_as(house.vera), case_id, item="MET-1")
    chart = app.get("vega_lite_chart")[0] if app.get("vega_lite_chart") else app.get("arrow_vega_lite_chart")[0]
    assert "accuracy" in chart.proto.alt
    assert "limit 0.8" in chart.proto.alt
    assert "verdict: pass" in chart.proto.alt
    figures = dict(zip(app.table[0].value["Figure"], app.table[0].value["Value"], strict=True))
    assert (figures["Observed"], figures["Limit"]) == ("0.9", "0.8")


def test_items_that_do_not_apply_are_listed_with_their_reason(store: str, person: Make, portal_as: Portal) -> None:
    house = houses.build(person)
    only = {"id": "GEN-1", "type": "text", "question": "?", "appliesWhen": {"modality": ["text"]}}
    entry = houses.checklist([*houses.ITEMS, only], name="larger")
    case_id = house.open(checklist=entry)
    app = page(portal_as(house.vera), case_id)
    assert any("1 item left out" in one.label for one in app.expander)
    assert "GEN-1 · GEN-1:" in texts(app, "caption")
    assert not any("GEN-1" in one for one in app.radio(key="case item").options)


@pytest.mark.parametrize("tab", ["Items", "Evidence", "Signatures", "History"])
def test_every_tab_of_every_state_opens_for_everybody(bank: Bank, portal_as: Portal, tab: str) -> None:
    made = [bank.draft("1"), bank.submitted("2", verdict="fail"), bank.approved("3")]
    made += [bank.draft(state, state=state) for state in ("rejected", "suspended", "changes requested", "expired")]
    bank.waived(made[1])
    for actor in (bank.olga, bank.vera, bank.max, bank.audrey):
        app = portal_as(actor)
        for case_id in made:
            app = page(app, case_id, tab=tab)
            assert len(app.title) == 1, (tab, actor.name, case_id)
            assert not app.error or tab == "Items" or bank.row(case_id).reason, texts(app, "error")


def test_a_link_can_name_the_tab(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.approved()
    assert "Olga submitted it" not in texts(page(portal_as(bank.audrey), case_id))
    assert "Olga** submitted it" in texts(page(portal_as(bank.audrey), case_id, open="Signatures"))


# --- answering -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "kind", "given", "kept"),
    [
        ("TXT-1", "text_area", "Whom to call.", "Whom to call."), ("YES-1", "radio", False, False),
        ("OPT-1", "radio", "machine", "machine"), ("NUM-1", "number_input", 12.0, 12),
    ],
)  # fmt: skip
def test_each_type_of_item_has_its_widget(
    house: House, portal_as: Portal, item: str, kind: str, given: Any, kept: Any
) -> None:
    case_id = house.open()
    app = page(portal_as(house.ada), case_id, item=item)
    labelled(app, kind, f"Answer to {item}").set_value(given)
    app = press(app, "Save the answer")
    assert app.toast[0].value.replace("\\", "") == f"{item} is answered."
    answer = house.answers(case_id)[item]
    assert (answer.value, answer.answered_by) == (kept, house.ada.ref)


def test_an_item_can_be_said_not_to_apply_with_a_reason(house: House, portal_as: Portal) -> None:
    case_id = house.open()
    app = page(portal_as(house.ada), case_id, item="TXT-1")
    labelled(app, "checkbox", "It does not apply").check()
    app = press(app, "Save the answer")
    assert "Say why TXT-1 does not apply" in texts(app, "error")
    labelled(app, "text_area", "Note").set_value("Nobody is called.")
    press(app, "Save the answer")
    assert house.answers(case_id)["TXT-1"].not_applicable
    said = texts(page(portal_as(house.vera), case_id, item="TXT-1"))
    assert "It does not apply: Nobody is called." in said


def test_what_somebody_else_answered_meanwhile_is_told_and_nothing_is_overwritten(
    house: House, portal_as: Portal
) -> None:
    case_id = house.open()
    app = page(portal_as(house.ada), case_id)
    assert app.query_params["item"] == "TXT-1"
    labelled(app, "text_area", "Answer to TXT-1").set_value("Mine.")
    house.answer(case_id, "TXT-1", "Theirs.", actor=house.ben)
    app = press(app, "Save the answer")
    assert "TXT-1 was answered meanwhile" in texts(app, "error")
    assert "Ben answered this just now, while you had it open: Theirs." in texts(app, "warning")
    assert labelled(app, "text_area", "Answer to TXT-1").value == "Mine.", "what was written is not lost"
    assert house.answers(case_id)["TXT-1"].value == "Theirs."
    app = press(app, "Start from that answer")
    assert labelled(app, "text_area", "Answer to TXT-1").value == "Theirs."
    labelled(app, "text_area", "Answer to TXT-1").set_value("Both.")
    app = press(app, "Save the answer")
    assert not app.warning
    assert (house.answers(case_id)["TXT-1"].value, house.revision(case_id, "TXT-1")) == ("Both.", 2)


def test_after_an_answer_one_goes_on_to_the_next_open_item_or_stays(house: House, portal_as: Portal) -> None:
    case_id = house.open()
    house.answer(case_id, "YES-1", True)
    app = page(portal_as(house.ada), case_id)
    labelled(app, "text_area", "Answer to TXT-1").set_value("Whom to call.")
    app = press(app, "Save, then the next open item")
    assert texts(app, "subheader") == "OPT-1 OPT-1"
    labelled(app, "radio", "Answer to OPT-1").set_value("person")
    assert texts(press(app, "Save the answer"), "subheader") == "OPT-1 OPT-1"


def test_revisions_tell_who_said_what(house: House, portal_as: Portal) -> None:
    case_id = house.open()
    house.answer(case_id, "TXT-1", "First.")
    assert not any("revision" in one.label for one in page(portal_as(house.ada), case_id, item="TXT-1").expander)
    house.answer(case_id, "TXT-1", "Second.", actor=house.ben)
    app = page(portal_as(house.ada), case_id, item="TXT-1")
    assert any(one.label == "2 revisions" for one in app.expander)
    assert "2. Second. · Ben" in texts(app, "caption")
    assert "1. First. · Ada" in texts(app, "caption")


def test_who_does_not_answer_for_the_case_reads_the_answer_and_has_no_form(house: House, portal_as: Portal) -> None:
    case_id = house.open()
    house.answer(case_id, "YES-1", True)
    app = page(portal_as(house.vera), case_id, item="YES-1")
    assert "Answer. Yes" in texts(app, "markdown").replace("*", "")
    assert "Save the answer" not in buttons(app)


def test_what_was_carried_over_is_attested_one_by_one_or_all_at_once(house: House, portal_as: Portal) -> None:
    former = house.reviewed()
    houses.mirror("2")
    case_id = house.open(version="2", carry_from=former)
    app = page(portal_as(house.ada), case_id, item="TXT-1")
    assert "carried over, to be attested" in texts(app)
    press(app, "It still holds")
    assert not house.answers(case_id)["TXT-1"].carried
    assert house.answers(case_id)["YES-1"].carried
    app = page(portal_as(house.ada), case_id)
    app.button(key="attest all").click()
    ok(app.run())
    assert not any(one.carried for one in house.answers(case_id).values())


def test_people_talk_about_an_item_and_about_the_case(house: House, portal_as: Portal) -> None:
    case_id = house.open()
    app = page(portal_as(house.vera), case_id, item="TXT-1")
    labelled(app, "text_area", "Comment on this item").set_value("Whom?\nAnd when?")
    press(app, "Comment")
    app = page(portal_as(house.ada), case_id, tab="History")
    labelled(app, "text_area", "Comment on the case").set_value("Nearly done.")
    app = press(app, "Comment")
    assert [(one.item_id, one.text) for one in rows(CaseComment)] == [
        ("TXT-1", "Whom?\nAnd when?"),
        ("", "Nearly done."),
    ]
    assert "Nearly done." in texts(app)
    assert "> Whom?\n> And when?" in texts(page(portal_as(house.ada), case_id, item="TXT-1"))


def test_nothing_is_said_about_a_case_that_is_over(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.draft(state="withdrawn", reason="Not needed.")
    app = page(portal_as(bank.olga), case_id)
    assert "Not needed." in texts(app, "error")
    assert not {"Comment", "Submit", "Save the answer", "More"} & buttons(app)


# --- evidence --------------------------------------------------------------------------------------------------------


def test_evidence_is_copied_outside_of_the_transaction_and_judged(
    house: House, portal_as: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = house.open()

    def fresh(model: str, version: str, *, actor: Actor) -> Any:
        with db.writing():  # it would wait for itself inside another transaction
            pass
        snapshot_id = houses.evidence(version, model=model)
        with db.reading() as session:
            return session.get_one(keeping.EvidenceSnapshot, snapshot_id)

    monkeypatch.setattr(keeping, "fresh", fresh)
    app = page(portal_as(house.ada), case_id, tab="Evidence")
    assert "No evidence is attached yet" in texts(app)
    app = press(app, "Copy the evidence from MLflow")
    assert "SHA-256" in texts(app)
    assert house.standings(case_id)["MET-1"].verdict == "pass"
    assert any(one.label == "2 metrics" for one in app.expander)


def test_an_mlflow_that_does_not_answer_is_said_beside_the_button(house: House, portal_as: Portal) -> None:
    case_id = house.open()
    app = press(page(portal_as(house.ada), case_id, tab="Evidence"), "Copy the evidence from MLflow")
    assert app.error
    assert house.case(case_id).snapshot_id is None


def test_evidence_that_changed_in_mlflow_says_so(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.draft()
    bank.verify(case_id, "changed")
    assert "Changed in MLflow" in texts(page(portal_as(bank.vera), case_id, tab="Evidence"))


def test_a_reviewer_who_opens_the_evidence_is_noted_and_nobody_else(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted()
    page(portal_as(bank.vera), case_id)
    page(portal_as(bank.audrey), case_id, tab="Evidence")
    assert [one.opened_at for one in rows(CaseSeat)] == [None, None]
    page(portal_as(bank.vera), case_id, tab="Evidence")
    assert [one.opened_at is not None for one in rows(CaseSeat)] == [True, False]


def test_a_file_is_kept_as_evidence_of_the_case(house: House, portal_as: Portal) -> None:
    case_id = house.open()
    app = page(portal_as(house.ada), case_id, tab="Evidence")
    app.file_uploader[0].set_value(("minutes.txt", b"We met.", "text/plain"))
    app = press(ok(app.run()), "Keep it")
    assert [(one.name, one.subject, one.uploaded_by) for one in rows(EvidenceFile)] == [
        ("minutes.txt", f"case:{case_id}", house.ada.ref)
    ]
    assert "minutes.txt" in texts(app)


def test_two_versions_stand_side_by_side_with_their_intervals(house: House, portal_as: Portal) -> None:
    former = house.open()
    house.attach(former, accuracy=0.9, **{"accuracy.lower": 0.88, "accuracy.upper": 0.92})
    house.set(houses.ReviewCase, former, submitted_at=db.now())
    houses.mirror("2")
    case_id = house.open(version="2", carry_from=former)
    house.attach(case_id, accuracy=0.7, **{"accuracy.lower": 0.65, "accuracy.upper": 0.75})
    app = page(portal_as(house.vera), case_id, tab="Evidence")
    assert "Against version 1" in texts(app).replace("*", "")
    frame = app.dataframe[-1].value
    row = frame[frame["Metric"] == "accuracy"].iloc[0]
    assert list(row) == ["accuracy", "0.9 (0.88 to 0.92)", "0.7 (0.65 to 0.75)", "-0.2", "yes"]


# --- deciding --------------------------------------------------------------------------------------------------------


def test_the_owner_and_those_with_a_seat_have_their_decisions_and_nobody_else(bank: Bank, portal_as: Portal) -> None:
    decisions = {"Submit", "Approve", "Approve with conditions", "Reject", "Ask for changes"}
    draft, case_id = bank.draft("1"), bank.submitted("2")
    assert buttons(page(portal_as(bank.olga), draft)) & decisions == {"Submit"}
    assert buttons(page(portal_as(bank.mo), draft)) & decisions == set()
    assert buttons(page(portal_as(bank.vera), case_id)) & decisions == decisions - {"Submit"}
    for one in (bank.olga, bank.viktor, bank.audrey, bank.max):
        assert buttons(page(portal_as(one), case_id)) & decisions == set(), one.name


def test_nobody_can_press_approve_while_a_blocking_item_stands_against_it(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted(verdict="fail")
    app = page(portal_as(bank.vera), case_id)
    assert {one.label: one.disabled for one in app.button if str(one.key).startswith("do ")} == {
        "Approve": True, "Approve with conditions": True, "Reject": False,
    }  # fmt: skip
    assert "1 against an approval" in texts(app)


def test_changes_are_asked_for_item_by_item(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted()
    app = page(portal_as(bank.vera), case_id, item="NOTE-1")
    assert app.multiselect(key="changes").value == ["NOTE-1"], "the one that is open"
    app.multiselect(key="changes").set_value(["DATA-1", "NOTE-1"])
    app = ok(app.run())
    app.text_area(key="change DATA-1").set_value("Name the source.")
    app = press(app, "Ask")
    assert "Write something first" in texts(app, "error"), "each item has its own words"
    assert bank.state(case_id) == "in review"
    app.text_area(key="change NOTE-1").set_value("Drop it.")
    press(app, "Ask")
    assert bank.state(case_id) == "changes requested"
    assert [(one.item_id, one.text) for one in rows(CaseComment, asks_change=True)] == [
        ("DATA-1", "Name the source."), ("NOTE-1", "Drop it."),
    ]  # fmt: skip
    app = page(portal_as(bank.olga), case_id)
    assert "Vera asks for a change: Name the source." in texts(app, "warning")


@pytest.mark.parametrize(
    ("name", "made", "step", "state"),
    [
        ("olga", "submitted", "withdraw", "withdrawn"), ("vera", "approved", "suspend", "suspended"),
        ("vera", "suspended", "reopen", "in review"),
    ],
)  # fmt: skip
def test_what_is_rarely_done_takes_a_reason(
    bank: Bank, portal_as: Portal, name: str, made: str, step: str, state: str
) -> None:
    case_id = bank.submitted() if made == "submitted" else bank.approved()
    if made == "suspended":
        bank.change(case_id, state="suspended")
    app = page(portal_as(bank.who[name]), case_id)
    labelled(app, "selectbox", "What").select(step)
    app = press(app, "Do it")
    assert "Say why" in texts(app, "error")
    labelled(app, "text_area", "Why").set_value("It drifts.")
    press(app, "Do it")
    assert bank.state(case_id) == state


def test_a_revocation_takes_two(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.approved()
    for actor, state in ((bank.max, "approved"), (bank.mia, "revoked")):
        app = page(portal_as(actor), case_id)
        labelled(app, "text_area", "Why it is revoked").set_value("It harms.")
        label = next(one for one in buttons(app) if "revo" in one)
        assert "The PIN is wrong." in texts(press(pinned(app, "1234567x"), label), "error")
        app = press(pinned(app), label)
        assert bank.state(case_id) == state
    assert "It harms." in texts(app, "error")


def test_a_reviewer_gives_a_seat_up_and_a_lead_gives_it_to_somebody(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted()
    app = page(portal_as(bank.vera), case_id)
    labelled(app, "selectbox", "What").select("recuse")
    labelled(app, "text_area", "Why").set_value("I know them.")
    press(app, "Do it")
    held = {one.person_id for one in rows(CaseSeat, released_at=None)}
    assert len(held) == 2, "the pool goes on"
    assert bank.vera.id not in held
    app = page(portal_as(bank.rob), case_id, tab="Signatures")
    assert any(one.label == "Seat somebody" for one in app.expander)
    assert not any(
        one.label == "Seat somebody" for one in page(portal_as(bank.olga), case_id, tab="Signatures").expander
    )


# --- signing ---------------------------------------------------------------------------------------------------------


def test_a_decision_is_explained_before_it_is_signed(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted()
    app = page(portal_as(bank.vera), case_id)
    app.button(key="do approve with conditions").click()
    app = ok(app.run())
    assert "Approve with conditions: churn 1" in texts(app).replace("*", "")
    assert labelled(app, "selectbox", "Your signature means").options == ["approval", "review", "responsibility"]
    assert labelled(app, "selectbox", "Who meets it").options == ["Olga", "Mo"]
    assert labelled(app, "selectbox", "What judges it").options == [
        "A signer of the case says when it is met", "The check of FAIR-1: Groups fare alike",
    ]  # fmt: skip


def test_the_submission_says_that_it_is_a_signature_of_authorship(bank: Bank, portal_as: Portal) -> None:
    app = page(portal_as(bank.olga), bank.draft())
    app.button(key="do submit").click()
    assert "You sign that the answers are the team's own" in texts(ok(app.run()))


def test_signatures_are_shown_with_what_they_mean_and_why_they_no_longer_count(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve")
    bank.waived(case_id)
    said = texts(page(portal_as(bank.audrey), case_id, tab="Signatures"))
    assert "Olga** submitted it (authorship), as owner" in said
    assert "Vera** approved it (review), as model validator" in said
    assert "Void" in said
    assert bank.signatures(case_id)[0].record_hash in said


# --- conditions and waivers ------------------------------------------------------------------------------------------


def conditional(bank: Bank, **more: Any) -> int:
    wanted = {
        "text": "Measure again", "owner": bank.olga.ref, "environments": ["test"],
        "due_on": (bank.clock() + timedelta(days=9)).date().isoformat(),
    } | more  # fmt: skip
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve with conditions", conditions=[wanted])
    bank.signed(bank.rita, case_id, "approve")
    return case_id


def test_a_signer_says_that_a_condition_is_met(bank: Bank, portal_as: Portal) -> None:
    case_id = conditional(bank)
    assert "Say so" not in buttons(page(portal_as(bank.olga), case_id, tab="Signatures"))
    app = page(portal_as(bank.rita), case_id, tab="Signatures")
    labelled(app, "text_area", "How you know").set_value("I saw the run.")
    app = press(app, "Say so")
    assert bank.state(case_id) == "approved"
    assert "met just now: I saw the run." in texts(app)


def test_a_condition_with_a_check_is_judged_by_it(bank: Bank, portal_as: Portal) -> None:
    case_id = conditional(bank, check="metric_at_least", parameters={"metric": "auc", "value": 0.8})
    app = page(portal_as(bank.rita), case_id, tab="Signatures")
    assert "Say so" not in buttons(app)
    app = press(app, "Run its check")
    assert "Not met yet" in app.toast[0].value
    assert bank.state(case_id) == "approved with conditions"
    assert rows(Condition)[0].note


def test_a_waiver_is_asked_for_decided_and_ended_on_the_page(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted(verdict="fail")
    app = page(portal_as(bank.olga), case_id, item="FAIR-1")
    labelled(app, "text_area", "Why it cannot be met").set_value("The group is small.")
    labelled(app, "text_area", "What stands in").set_value("People look at each decision.")
    app = press(app, "Ask")
    assert "waits: The group is small." in texts(app, "info")
    assert "Approve the waiver" not in buttons(app)
    app = press(pinned(page(portal_as(bank.max), case_id, item="FAIR-1")), "Approve the waiver")
    assert "Waived until" in texts(app, "warning")
    assert "waived" in texts(app, "markdown")
    app = page(portal_as(bank.olga), case_id, tab="Signatures")
    assert "agreed to by Max" in texts(app)
    labelled(app, "text_area", "Why it ends").set_value("It is measured now.")
    press(app, "End it")
    assert rows(Waiver)[0].ended_at is not None
    assert "ended just now" in texts(page(portal_as(bank.audrey), case_id, tab="Signatures"))


def test_who_has_no_pin_sets_one_before_a_risk_is_accepted(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted(verdict="fail")
    bank.waiver(case_id)
    with db.writing() as session:
        pins.reset(session, actor=bank.ada, person_id=bank.max.id)
    app = page(portal_as(bank.max), case_id, item="FAIR-1")
    assert "You have no signing PIN yet" in texts(app, "info")
    fields = [one for one in app.text_input if one.label.startswith(("A PIN of", "The same again"))]
    for one in fields[:2]:
        one.set_value(PIN)
    next(one for one in app.button if one.label == "Set my PIN").click()
    app = ok(app.run())
    press(pinned(app), "Approve the waiver")
    assert rows(Waiver)[0].approved_by == bank.max.ref


def test_a_waiver_is_refused_with_a_reason(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted(verdict="fail")
    bank.waiver(case_id)
    app = page(portal_as(bank.max), case_id, item="FAIR-1")
    labelled(app, "text_area", "Why it is refused").set_value("Measure it.")
    press(app, "Refuse it")
    assert rows(Waiver)[0].refused_by == bank.max.ref
    assert "refused" in texts(page(portal_as(bank.audrey), case_id, tab="Signatures"))


def test_the_glass_is_broken_by_two_and_looked_at_by_another_reviewer(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted(verdict="fail")
    app = page(portal_as(bank.max), case_id)
    labelled(app, "text_area", "The emergency").set_value("Fraud is running.")
    labelled(app, "text_area", "What stands in").set_value("Two people watch.")
    app = press(pinned(app), "Ask a second person")
    assert "waits for a second person" in texts(app, "warning")
    assert "Agree as the second person" not in buttons(app)
    app = press(pinned(page(portal_as(bank.mia), case_id)), "Agree as the second person")
    assert "waived" in texts(app)
    assert "Look at it afterwards" not in buttons(page(portal_as(bank.max), case_id, tab="Signatures"))
    app = page(portal_as(bank.rob), case_id, tab="Signatures")
    labelled(app, "text_area", "What you found").set_value("It was right.")
    press(app, "Look at it afterwards")
    assert (rows(Waiver)[0].reviewed_by, rows(Waiver)[0].review_note) == (bank.rob.ref, "It was right.")


def test_a_second_person_may_refuse_to_break_the_glass(bank: Bank, portal_as: Portal) -> None:
    case_id = bank.submitted(verdict="fail")
    bank.do(waivers.break_glass, bank.max, case_id=case_id, wish=bank.wish())
    app = page(portal_as(bank.mia), case_id)
    labelled(app, "text_area", "Why it is refused").set_value("No need.")
    press(app, "Refuse it")
    assert rows(Waiver)[0].refused_by == bank.mia.ref
