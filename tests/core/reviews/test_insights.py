"""What reviewers learn of their own reviewing, and what nobody learns of others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import select

from core import db
from core.access.policy import Actor
from core.access.tables import RoleGrant
from core.errors import NotAllowed
from core.people import actions as people
from core.projects.tables import Project
from core.reviews import answering, assigning, insights, pins, requesting, reviewers
from core.reviews.insights import Figures, Insights
from tests.conftest import SYSTEM, actor_now
from tests.core.datasets.house import Make
from tests.core.reviews.bank import Bank

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # what is SQL here, test_boards tries too


def seen(actor: Actor) -> Insights:
    with db.reading() as session:
        return insights.insights(session, actor)


def own(actor: Actor) -> Figures:
    return seen(actor).own


def test_who_signed_nothing_has_no_figures(bank: Bank) -> None:
    bank.submitted()
    assert own(bank.vera) == Figures(0, 1, None, None, None, None)
    assert own(bank.viktor) == Figures(0, 0, None, None, None, None)


def test_only_working_time_since_the_last_submission_counts(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.clock.forward(hours=2)
    bank.signed(bank.vera, case_id, "approve")
    assert own(bank.vera).working_hours == pytest.approx(2, abs=0.01)
    bank.do(requesting.request_changes, bank.rita, case_id=case_id, items={"DATA-1": "Say more."})
    bank.clock.forward(days=7)  # the owner has the ball
    bank.do(answering.answer, bank.olga, case_id=case_id, item_id="DATA-1", revision=1, value="From calls.")
    bank.find(case_id, "pass")
    bank.signed(bank.olga, case_id, "submit")
    bank.clock.forward(hours=4)
    bank.signed(bank.vera, case_id, "approve")
    # both signatures count, the void one with the time that it took: the median of two and four hours
    assert own(bank.vera).working_hours == pytest.approx(3, abs=0.01)


def test_evidence_counts_as_opened_where_it_was_before_the_signature(bank: Bank) -> None:
    first, second = bank.submitted("1"), bank.submitted("2")
    bank.do(assigning.note_opened, bank.vera, case_id=first)
    bank.signed(bank.vera, first, "approve")
    bank.signed(bank.vera, second, "approve")
    bank.clock.forward(hours=1)
    bank.do(assigning.note_opened, bank.vera, case_id=second)
    assert own(bank.vera).opened_share == 0.5


def test_agreement_is_with_the_others_and_with_the_checks(bank: Bank) -> None:
    same, apart = bank.submitted("1"), bank.submitted("2", verdict="fail")
    bank.signed(bank.vera, same, "approve")
    bank.signed(bank.rita, same, "approve")
    bank.waived(apart)
    bank.signed(bank.vera, apart, "approve")
    assert own(bank.vera) == Figures(2, 1, pytest.approx(0), 0.0, 1.0, 0.5), "an approval where a check fails"
    bank.signed(bank.rita, apart, "reject", reason="No.")
    assert (own(bank.vera).agreement, own(bank.rita).agreement) == (0.5, 0.5)
    assert (own(bank.vera).with_checks, own(bank.rita).with_checks) == (0.5, 1.0)


def test_a_void_signature_agrees_with_nobody(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.signed(bank.vera, case_id, "approve")
    bank.do(requesting.request_changes, bank.rita, case_id=case_id, items={"DATA-1": "Say more."})
    found = own(bank.vera)
    assert (found.signed, found.agreement, found.with_checks) == (1, None, None)


def reviewers_of(bank: Bank, person: Make, count: int) -> list[Actor]:
    """So many reviewers who took one to ``count`` hours to sign a case each."""
    made = []
    for number in range(1, count + 1):
        bank.who["r"] = person("model validator", name=f"R{number}")
        case_id = bank.draft(f"{number}", seats=False)
        with db.writing() as session:
            session.add(bank.seat(case_id, "r", "model validator"))
            session.add(bank.seat(case_id, "rita", "reviewer"))
        bank.signed(bank.olga, case_id, "submit")
        with db.writing() as session:
            assert pins.set_pin(session, actor=bank.who["r"], pin="4711-kiwi") is None
        bank.clock.forward(hours=number)
        bank.signed(bank.who["r"], case_id, "approve")
        made.append(bank.who["r"])
        bank.clock.at = bank.clock.at.replace(hour=1) + timedelta(days=7)  # a Monday stays a Monday
    return made


def test_quartiles_show_once_they_name_nobody(bank: Bank, person: Make) -> None:
    made = reviewers_of(bank, person, 4)
    assert "working_hours" not in seen(made[0]).quartiles
    last = reviewers_of(bank, person, 5)[-1]
    quartiles = seen(last).quartiles
    assert quartiles["working_hours"] == pytest.approx((2, 3, 4), abs=0.01)
    assert "agreement" not in quartiles, "nobody else has signed any of these cases"
    assert not any(isinstance(one, str) for values in quartiles.values() for one in values)


def test_cases_that_are_hidden_are_in_no_figure(bank: Bank) -> None:
    bank.signed(bank.vera, bank.submitted(), "approve")
    assert seen(bank.ada).reviewers == 2
    with db.writing() as session:
        session.execute(update(Project).values(classification="restricted"))
    assert seen(bank.ada).reviewers == 0


def test_without_a_role_there_are_no_insights(bank: Bank, person: Make) -> None:
    with pytest.raises(NotAllowed):
        seen(person())


# --- what reviewers set ----------------------------------------------------------------------------------------------


def read(what: Any, *given: Any) -> Any:
    with db.reading() as session:
        return what(session, *given)


def test_a_profile_is_what_counts_until_one_is_set(bank: Bank) -> None:
    assert (read(reviewers.profile, bank.vera).most_cases, read(reviewers.profile, bank.vera).skills) == (8, [])
    bank.do(assigning.set_profile, bank.vera, skills=["Text"], most_cases=3, paused=True)
    found = read(reviewers.profile, bank.vera)
    assert (found.most_cases, found.skills, found.paused) == (3, ["text"], True)
    assert (reviewers.roles_of(bank.vera), reviewers.roles_of(bank.olga)) == (["model validator"], [])


def test_those_who_can_stand_in_hold_the_role_and_are_there(bank: Bank) -> None:
    assert list(read(reviewers.stand_ins, bank.vera, "model validator").values()) == ["Mo", "Viktor"]
    bank.deactivate("viktor")
    assert list(read(reviewers.stand_ins, bank.vera, "model validator").values()) == ["Mo"]


def test_both_sides_see_a_delegation_until_its_end(bank: Bank) -> None:
    today = bank.clock().date()
    given = {"role": "model validator", "starts_on": today, "ends_on": today + timedelta(days=2)}
    bank.do(assigning.delegate, bank.vera, to_id=bank.viktor.id, **given)
    mine, theirs = read(reviewers.absences, bank.vera), read(reviewers.absences, bank.viktor)
    assert [(one.other, one.is_mine) for one in mine + theirs] == [("Viktor", True), ("Vera", False)]
    assert read(reviewers.absences, bank.rita) == []
    bank.do(assigning.end_delegation, bank.vera, delegation_id=mine[0].id)
    assert read(reviewers.absences, bank.vera) == read(reviewers.absences, bank.viktor) == []


def test_a_delegation_is_listed_on_its_last_day_and_not_after_it(bank: Bank) -> None:
    today = bank.clock().date()
    bank.do(assigning.delegate, bank.vera, to_id=bank.viktor.id, role="model validator", starts_on=today, ends_on=today)
    assert len(read(reviewers.absences, bank.vera)) == 1
    bank.clock.forward(days=1)
    assert read(reviewers.absences, bank.vera) == []


def test_a_role_that_was_taken_away_stands_in_no_more(bank: Bank) -> None:
    with db.writing() as session:
        grant = session.exec(select(RoleGrant).where(RoleGrant.person_id == bank.viktor.id)).one()
        people.revoke_role(session, actor=SYSTEM, grant_id=grant.id or 0)
    assert "Viktor" not in read(reviewers.stand_ins, actor_now(bank.vera.id), "model validator").values()
