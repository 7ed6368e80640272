"""What lists of reviews hold, for whom, and in which order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import db
from core.access.policy import Actor
from core.errors import Invalid, NotFound
from core.reviews import assigning, boards, insights, queries
from core.reviews.tables import CaseSeat
from tests.core.reviews.bank import Bank


def ids(bank: Bank, actor: Actor, **more: object) -> list[int]:
    with db.reading() as session:
        return [one.id for one in boards.queue(session, actor, **more).items]  # type: ignore[arg-type]


def test_what_is_due_first_comes_first_and_of_one_day_the_higher_tier(bank: Bank) -> None:
    later, sooner, weighty = bank.submitted("1"), bank.submitted("2"), bank.submitted("3", tier="high")
    bank.change(later, due_at=bank.clock() + timedelta(days=9))
    bank.change(sooner, due_at=bank.clock() + timedelta(days=2, hours=1))
    bank.change(weighty, due_at=bank.clock() + timedelta(days=2, hours=3))
    assert ids(bank, bank.audrey) == [weighty, sooner, later]
    assert ids(bank, bank.audrey, tier="high") == [weighty]
    assert ids(bank, bank.audrey, page=2, size=1) == [sooner]


def test_a_case_waits_for_those_who_sit_in_it_until_they_have_signed(bank: Bank) -> None:
    case_id = bank.submitted()
    assert ids(bank, bank.vera, view="to decide") == [case_id]
    assert ids(bank, bank.viktor, view="to decide") == []
    bank.signed(bank.vera, case_id, "approve")
    assert ids(bank, bank.vera, view="to decide") == []
    assert ids(bank, bank.rita, view="to decide") == [case_id]
    assert ids(bank, bank.olga, view="mine") == [case_id]


def test_failing_checks_are_counted_and_words_find(bank: Bank) -> None:
    case_id = bank.draft(verdict="fail")
    with db.reading() as session:
        (row,) = boards.queue(session, bank.audrey, q="chur").items
        assert (row.id, row.failing, row.inconclusive, row.missing) == (case_id, 1, 0, 0)
        assert boards.queue(session, bank.audrey, q="100%_").total == 0


@pytest.mark.parametrize("given", [{"view": "hidden"}, {"page": 0}, {"size": 1000}])
def test_a_list_that_is_not_there_is_refused(bank: Bank, given: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        ids(bank, bank.audrey, **given)


def test_an_item_stands_as_its_answer_and_its_check_say(bank: Bank) -> None:
    case_id = bank.draft(verdict="fail")
    with db.reading() as session:
        shown = queries.case(session, bank.vera, case_id)
    assert {one.item.id: one.status for one in shown.items} == {
        "DATA-1": "answered", "FAIR-1": "fail", "NOTE-1": "answered",
    }  # fmt: skip
    assert shown.blockers == ["FAIR-1"]
    assert shown.settled == 2
    assert shown.seats_left == {"model validator": 1, "reviewer": 1}


def may(bank: Bank, actor: Actor, case_id: int) -> frozenset[str]:
    with db.reading() as session:
        return queries.case(session, actor, case_id).may


def test_a_page_offers_each_person_what_they_may_do_and_no_more(bank: Bank) -> None:
    case_id = bank.draft()
    assert {"answer", "submit", "withdraw"} <= may(bank, bank.olga, case_id)
    assert not {"decide", "decide waiver", "suspend"} & may(bank, bank.olga, case_id)
    bank.signed(bank.olga, case_id, "submit")
    assert {"decide", "recuse", "assign"} <= may(bank, bank.vera, case_id)
    assert "decide" not in may(bank, bank.viktor, case_id)
    assert not {"answer", "submit"} & may(bank, bank.olga, case_id)
    assert not may(bank, bank.ada, case_id)
    bank.signed(bank.vera, case_id, "approve")
    assert not {"decide", "recuse"} & may(bank, bank.vera, case_id)


def test_a_case_that_is_not_there_is_refused(bank: Bank) -> None:
    with db.reading() as session:
        for number in (0, -1, 10**12):
            with pytest.raises(NotFound):
                queries.case(session, bank.vera, number)


def test_what_waits_for_a_person_is_what_only_they_can_do_next(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = bank.waiver(case_id)
    with db.reading() as session:
        assert [one.id for one in boards.waiting_for(session, bank.vera).to_decide] == [case_id]
        assert [one.id for one in boards.waiting_for(session, bank.max).to_waive] == [waiver_id]
        assert boards.waiting_for(session, bank.olga).to_waive == []
        (running,) = boards.waivers_running(session, bank.audrey)
        assert running.waits


def test_conditions_are_listed_with_who_meets_them_and_until_when(bank: Bank) -> None:
    case_id = bank.submitted()
    day = (bank.clock() + timedelta(days=3)).date()
    bank.signed(bank.vera, case_id, "approve with conditions", conditions=[
        {"text": "Watch it", "owner": bank.olga.ref, "due_on": day.isoformat(), "environments": ["test"]}
    ])  # fmt: skip
    bank.signed(bank.rita, case_id, "approve")
    with db.reading() as session:
        (due,) = boards.conditions_due(session, bank.olga, mine=True)
        assert (due.case_id, due.text, due.due_on, due.is_late) == (case_id, "Watch it", day, False)
        assert boards.conditions_due(session, bank.vera, mine=True) == []


def test_reviewing_is_measured_without_the_time_that_the_owner_had_and_names_nobody(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.do(assigning.note_opened, bank.vera, case_id=case_id)
    bank.clock.forward(hours=5)
    bank.signed(bank.vera, case_id, "approve")
    bank.signed(bank.rita, case_id, "approve")
    with db.reading() as session:
        found = insights.insights(session, bank.vera)
        opened = session.get(CaseSeat, 1)
        assert opened is not None
    assert found.own.signed == 1
    assert found.own.working_hours == pytest.approx(5)
    assert (found.own.opened_share, found.own.agreement) == (1.0, 1.0)
    assert found.quartiles is None, "two reviewers cannot hide behind each other"
