"""A case as its reader sees it: items with what was said and measured, and what this reader may do now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from core import db
from core.access.policy import Actor
from core.errors import NotAllowed, NotFound
from core.people import actions as people
from core.projects.tables import Project
from core.reviews import answering, choices, conditions, ending, queries, requesting, waivers
from core.reviews.queries import CaseDetail
from tests.conftest import SYSTEM
from tests.core.datasets.house import Make
from tests.core.reviews.bank import Bank
from tests.core.reviews.house import House

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # what is SQL here, test_boards tries too


def seen(actor: Actor, case_id: int) -> CaseDetail:
    with db.reading() as session:
        return queries.case(session, actor, case_id)


def may(actor: Actor, case_id: int) -> set[str]:
    return set(seen(actor, case_id).may)


# --- what it shows ---------------------------------------------------------------------------------------------------


def test_items_stand_in_their_sections_with_answers_findings_and_how_they_stand(house: House) -> None:
    case_id = house.open()
    statuses = {one.item.id: one.status for one in seen(house.ada, case_id).items}
    assert statuses == dict.fromkeys(("TXT-1", "YES-1", "OPT-1", "NUM-1", "MET-2"), "open") | {"MET-1": "missing"}
    house.attach(case_id, recall=0.1)
    house.answer(case_id, "TXT-1", "Whom to call.")
    house.answer(case_id, "TXT-1", "Whom to call, and when.", actor=house.ben)
    house.answer(case_id, "MET-2", "It is low.")
    house.answer(case_id, "YES-1", not_applicable=True, note="Nobody is affected.")
    detail = seen(house.vera, case_id)
    assert {name: [one.item.id for one in items] for name, items in detail.sections.items()} == {
        "All": ["TXT-1", "YES-1", "OPT-1", "NUM-1", "MET-1", "MET-2"]
    }
    assert [one.status for one in detail.items] == ["answered", "not applicable", "open", "open", "pass", "fail"]
    text = detail.item("TXT-1")
    assert text is not None
    assert [(one.revision, one.value) for one in text.answers] == [(2, "Whom to call, and when."), (1, "Whom to call.")]
    assert text.answer is text.answers[0]
    assert detail.names[text.answers[0].answered_by] == "Ben"
    metric = detail.item("MET-1")
    assert metric is not None
    assert metric.finding is not None
    assert (metric.finding.observed, metric.finding.limit, metric.answer) == (0.9, 0.8, None)
    assert detail.settled == 3
    assert detail.item("NONE") is None


def test_an_item_that_a_change_is_asked_for_says_so_until_it_is_answered_anew(house: House) -> None:
    case_id = house.reviewed()
    house.send_back(case_id, TXT_1="Say more.")
    item = seen(house.ada, case_id).item("TXT-1")
    assert item is not None
    assert item.is_asked
    house.answer(case_id, "TXT-1", "Whom to call this week.")
    item = seen(house.ada, case_id).item("TXT-1")
    assert item is not None
    assert not item.is_asked
    assert [one.text for one in item.comments] == ["Say more."]


def test_what_is_said_about_the_whole_case_is_with_no_item(house: House) -> None:
    case_id = house.open()
    house.do(answering.comment, house.ben, case_id=case_id, text="Who looks at it?")
    detail = seen(house.ada, case_id)
    assert [one.text for one in detail.comments] == ["Who looks at it?"]
    assert detail.names[house.ben.ref] == "Ben"
    assert not any(one.comments for one in detail.items)


def test_it_says_what_is_missing_what_stands_against_it_and_who_is_to_sign(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    detail = seen(bank.rita, case_id)
    assert (detail.blockers, detail.missing) == (["FAIR-1"], [])
    assert detail.seats_left == {"model validator": 1, "reviewer": 1}
    bank.waived(case_id)
    bank.signed(bank.vera, case_id, "approve")
    detail = seen(bank.rita, case_id)
    assert (detail.blockers, detail.seats_left) == ([], {"reviewer": 1})
    item = detail.item("FAIR-1")
    assert item is not None
    assert item.waiver is not None
    assert item.status == "waived"
    assert detail.names[item.waiver.approved_by or ""] == "Max"
    assert [one.printed_name for one in detail.signatures] == ["Olga", "Vera"]


def test_the_evidence_is_there_with_its_last_comparison(bank: Bank) -> None:
    case_id = bank.draft()
    assert seen(bank.olga, case_id).check is None
    bank.verify(case_id, "same")
    bank.verify(case_id, "changed")
    detail = seen(bank.olga, case_id)
    assert detail.check is not None
    assert detail.snapshot is not None
    assert (detail.check.outcome, detail.snapshot.version) == ("changed", "1")


@pytest.mark.parametrize("wrong", [0, -1, 999, 2**31 + 1, 2**70])
def test_a_case_that_is_not_there_says_so(house: House, wrong: int) -> None:
    with pytest.raises(NotFound, match="No case"):
        seen(house.ada, wrong)


def test_a_case_of_a_hidden_project_is_not_there(bank: Bank, person: Make) -> None:
    case_id = bank.draft()
    assert seen(bank.ada, case_id).case.id == case_id
    with db.writing() as session:
        session.execute(update(Project).values(classification="restricted"))
    with pytest.raises(NotFound):
        seen(bank.ada, case_id)
    assert seen(bank.olga, case_id).case.id == case_id
    with pytest.raises(NotAllowed):
        seen(person(), case_id)


# --- what one may do -------------------------------------------------------------------------------------------------

TEAM = {"answer", "attach", "ask waiver"}
RISK = {"decide waiver", "break glass", "end waiver"}


def test_who_may_do_what_with_a_draft(bank: Bank) -> None:
    case_id = bank.draft(seats=False)
    found = {name: may(one, case_id) - {"comment"} for name, one in bank.who.items()}
    assert found == {
        "olga": TEAM | {"submit", "withdraw"}, "mo": TEAM, "vera": set(), "viktor": set(),
        "rita": RISK | {"look at break-glass"}, "rob": RISK | {"look at break-glass"}, "max": RISK, "mia": RISK,
        "ada": set(), "audrey": set(),
    }  # fmt: skip


def test_who_sits_in_a_case_decides_on_it_once_and_answers_nothing(bank: Bank) -> None:
    case_id = bank.submitted()
    seat = {"decide", "request changes", "recuse", "assign"}
    assert may(bank.vera, case_id) == seat | {"comment"}
    assert may(bank.viktor, case_id) == {"comment", "assign"}
    bank.signed(bank.vera, case_id, "approve")
    assert may(bank.vera, case_id) == {"comment", "assign", "request changes"}, "a signer may still ask for changes"
    assert "answer" not in may(bank.olga, case_id)


def test_a_reviewer_who_works_in_the_project_answers_nothing_in_their_case(bank: Bank) -> None:
    case_id = bank.draft(seats=False)
    with db.writing() as session:
        session.add(bank.seat(case_id, "mo", "model validator"))
    assert "answer" not in may(bank.mo, case_id)
    with pytest.raises(NotAllowed):
        bank.do(answering.answer, bank.mo, case_id=case_id, item_id="NOTE-1", revision=1, value="Mine.")


def test_who_had_a_hand_in_it_neither_decides_nor_accepts_its_risk(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.change(case_id, owner=bank.rita.ref)
    assert not {"decide", "decide waiver", "break glass"} & may(bank.rita, case_id)


def test_who_submits_here_withdraws_for_an_owner_who_left(bank: Bank) -> None:
    case_id = bank.draft()
    assert "withdraw" not in may(bank.mo, case_id)
    bank.deactivate("olga")
    assert "withdraw" in may(bank.mo, case_id)
    bank.do(requesting.withdraw, bank.mo, case_id=case_id, reason="She left.")


def test_an_approval_is_suspended_revoked_by_two_and_looked_at_again(bank: Bank) -> None:
    case_id = bank.approved()
    assert {name for name in bank.who if "suspend" in may(bank.who[name], case_id)} == {
        "mo", "vera", "viktor", "rita", "rob", "max", "mia",
    }  # fmt: skip
    bank.do(ending.revoke, bank.max, case_id=case_id, reason="It harms.")
    assert "revoke" not in may(bank.max, case_id), "the second person does"
    assert "revoke" in may(bank.mia, case_id)
    bank.do(ending.suspend, bank.vera, case_id=case_id, reason="Drift.")
    assert {"reopen"} <= may(bank.vera, case_id)
    bank.do(ending.revoke, bank.mia, case_id=case_id, reason="It harms.")
    assert may(bank.mia, case_id) == {"end waiver"}
    assert may(bank.olga, case_id) == set(), "nothing is said about what is over"


def test_conditions_are_judged_by_signers_and_checked_by_the_team(bank: Bank) -> None:
    case_id = bank.submitted()
    wanted = {
        "text": "Measure again", "owner": bank.olga.ref, "environments": ["test"],
        "due_on": (bank.clock() + timedelta(days=9)).date().isoformat(),
    }  # fmt: skip
    bank.signed(bank.vera, case_id, "approve with conditions", conditions=[wanted])
    bank.signed(bank.rita, case_id, "approve")
    able = {name: may(one, case_id) & {"meet condition", "check condition"} for name, one in bank.who.items()}
    both = {"meet condition", "check condition"}
    assert {name: one for name, one in able.items() if one} == {
        "olga": {"check condition"}, "mo": {"check condition"}, "vera": both, "rita": both,
    }  # fmt: skip
    assert [one.text for one in seen(bank.rita, case_id).conditions] == ["Measure again"]
    bank.do(conditions.meet, bank.vera, condition_id=seen(bank.vera, case_id).conditions[0].id, note="Done.")
    assert "meet condition" not in may(bank.vera, case_id)


def test_a_broken_glass_names_its_people(bank: Bank) -> None:
    case_id = bank.draft(verdict="fail")
    waiver_id = bank.do(waivers.break_glass, bank.max, case_id=case_id, wish=bank.wish()).id
    bank.do(waivers.second, bank.mia, waiver_id=waiver_id)
    detail = seen(bank.olga, case_id)
    assert {detail.names[one.approved_by or ""] for one in detail.waivers} == {"Max"}
    assert {detail.names[one.second_by or ""] for one in detail.waivers} == {"Mia"}
    assert {one.status for one in detail.items} == {"waived"}


def test_conditions_can_be_given_to_the_owner_and_to_who_works_in_the_project(bank: Bank) -> None:
    case_id = bank.draft()
    with db.reading() as session:
        assert choices.condition_owners(session, bank.row(case_id)) == {bank.olga.ref: "Olga", bank.mo.ref: "Mo"}
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=bank.olga.id)
    with db.reading() as session:
        assert choices.condition_owners(session, bank.row(case_id)) == {bank.mo.ref: "Mo"}
