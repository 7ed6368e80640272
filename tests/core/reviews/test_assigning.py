"""Seats: who is barred, who comes first, what a lead does by hand, who stands in, and what happens when somebody leaves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.access.policy import MATRIX, ROLES, Actor
from core.access.tables import Person, RoleGrant
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.evidence import ci as told_by_ci
from core.people import actions as people
from core.projects.tables import Project
from core.reviews import assigning, opening, pool
from core.reviews.tables import CaseSeat, Delegation, ReviewCase
from tests.conftest import SYSTEM, actor_now
from tests.core.reviews.house import MODEL, QUORUM, House, checklist, evidence, mirror, upload

TODAY = now().date()


def profile(house: House, actor: Actor, *skills: str, most_cases: int = 8, paused: bool = False) -> None:
    house.do(assigning.set_profile, actor, skills=skills, most_cases=most_cases, paused=paused)


def barred(case_id: int) -> frozenset[str]:
    with db.reading() as session:
        return pool.barred(session, session.get_one(ReviewCase, case_id))


def order(case_id: int, role: str = "reviewer") -> list[str]:
    with db.reading() as session:
        return [one.person_id for one in pool.candidates(session, session.get_one(ReviewCase, case_id), role)]


def deactivate(actor: Actor) -> None:
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=actor.id)


def refill(case_id: int) -> None:
    with db.writing() as session:
        assigning.refill(session, assigning.locked_case(session, SYSTEM, case_id))


def unsettled() -> list[int]:
    with db.reading() as session:
        return list(assigning.unsettled(session, TODAY))


def delegate(house: House, giver: Actor, taker: Actor, role: str = "reviewer", first: int = 0, last: int = 7) -> int:
    made: Delegation = house.do(
        assigning.delegate, giver, to_id=taker.id, role=role, starts_on=TODAY + timedelta(first),
        ends_on=TODAY + timedelta(last),
    )  # fmt: skip
    return made.id or 0


# --- independence ----------------------------------------------------------------------------------------------------


def test_whoever_had_a_hand_in_it_is_barred(house: House) -> None:
    uploader, stranger = house.person("data scientist", team="risk"), house.person("reviewer")
    case_id = house.ready()
    upload(case_id, uploader)
    house.answer(case_id, "TXT-1", "Whom we call.", actor=house.ben)
    assert barred(case_id) == {house.ada.id, house.ben.id, uploader.id}
    assert stranger.id in order(case_id)


@pytest.mark.parametrize(
    "named",
    ["rita", " RITA ", "Rita@Bank.Example", "r.weiss", "person:{id}", "{id}", "Ｒita"],
    ids=["name", "case", "address", "login", "reference", "id", "wide letters"],
)
def test_people_are_known_by_name_address_login_or_id_however_it_is_written(house: House, named: str) -> None:
    house.set(Person, house.rita.id, email="rita@bank.example" if "@" in named else "r.weiss@bank.example")
    case_id = house.open()
    snapshot_id = evidence(people_=[named.format(id=house.rita.id), ""])
    house.do(opening.attach, house.ada, case_id=case_id, snapshot_id=snapshot_id)
    assert barred(case_id) == {house.ada.id, house.rita.id}
    assert house.rita.id not in order(case_id)


def test_nobody_is_barred_for_a_part_of_a_name(house: House) -> None:
    case_id = house.open()
    house.attach(case_id, people_=["Rita Weiss", "ita", "unknown@bank.example"])
    assert barred(case_id) == {house.ada.id}


# --- who comes first -------------------------------------------------------------------------------------------------


def test_more_skill_comes_first_then_less_load(house: House) -> None:
    house.set(Project, "churn", risk_facts={"areas": ["credit"]})
    anna, bert = house.person("reviewer"), house.person("reviewer")
    profile(house, anna, "Fairness", "credit")
    profile(house, bert, "tabular", "images")
    assert order(house.open()) == [anna.id, bert.id, house.rita.id]
    mirror("2")
    busy = house.reviewed(version="2")
    assert house.seated(busy)[anna.id] == "reviewer"
    profile(house, anna, "credit")
    mirror("3")
    assert order(house.open(version="3")) == [bert.id, anna.id, house.rita.id], "as skilled, with a case less"


def test_of_equals_the_same_one_comes_first_every_time(house: House) -> None:
    others = [house.person("reviewer") for _ in range(3)]
    case_id = house.open()
    assert order(case_id) == order(case_id) == sorted([house.rita.id, *(one.id for one in others)])


def test_who_pauses_or_has_enough_cases_is_not_asked(house: House) -> None:
    anna = house.person("reviewer")
    profile(house, anna, paused=True)
    profile(house, house.rita, most_cases=1)
    assert order(house.reviewed()) == []
    mirror("2")
    case_id = house.ready(version="2")
    assert order(case_id) == []
    house.submit(case_id)
    assert house.case(case_id).state == "submitted"
    assert unsettled() == [case_id]
    profile(house, anna)
    refill(case_id)
    assert house.case(case_id).state == "in review"
    assert anna.id in house.seated(case_id)


def test_only_roles_that_reach_the_project_count_and_only_eyes_that_see_it(house: House) -> None:
    house.person("reviewer", scope=("unit", "retail"))
    near = house.person("reviewer", scope=("unit", "lending"))
    case_id = house.open()
    assert order(case_id) == sorted([near.id, house.rita.id])
    entry_id = checklist(name="domain", quorum={"domain expert": 1})
    stranger = house.person("domain expert", team="sales")
    house.person("domain expert", team="risk")
    case_id = house.open(checklist=entry_id)
    assert order(case_id, "domain expert") == [stranger.id], "experts of the own team sign nothing there"
    house.set(Project, "churn", classification="confidential")
    assert order(case_id, "domain expert") == [], "who does not see the project cannot review it"


def test_the_tokens_of_programs_and_administrators_are_in_no_pool(house: House) -> None:
    house.person("administrator")
    case_id = house.open()
    assert order(case_id) == [house.rita.id]


# --- filling seats ---------------------------------------------------------------------------------------------------


def test_a_submitted_case_finds_its_reviewers_who_are_told_and_the_clock_starts(house: House) -> None:
    case_id = house.ready()
    before = now()
    house.submit(case_id)
    case = house.case(case_id)
    assert (case.state, house.seated(case_id)) == (
        "in review",
        {house.vera.id: "model validator", house.rita.id: "reviewer"},
    )
    assert case.begun_at is not None
    assert case.begun_at >= before
    assert case.due_at is not None
    assert timedelta(5) <= case.due_at - case.begun_at <= timedelta(9)
    assert [one for one in house.told(house.rita) if "asked to review case" in one]
    assigned = house.log(case_id, "case-assigned")
    assert {one["person"] for one in assigned} == {house.vera.ref, house.rita.ref}


def test_a_case_waits_until_every_seat_is_filled(house: House) -> None:
    house.set(RoleGrant, grant_of(house.rita), state="revoked")
    case_id = house.ready()
    house.submit(case_id)
    case = house.case(case_id)
    assert (case.state, case.begun_at, case.due_at) == ("submitted", None, None)
    assert any("Nobody was found" in one for one in house.told(house.vera))
    rolf = house.person("reviewer")
    house.do(assigning.assign, house.vera, case_id=case_id)
    assert (house.case(case_id).state, house.seated(case_id)[rolf.id]) == ("in review", "reviewer")


def grant_of(actor: Actor) -> int:
    with db.reading() as session:
        return session.exec(select(RoleGrant.id).where(RoleGrant.person_id == actor.id)).one() or 0


def test_who_has_two_roles_takes_the_seat_that_lacks_people(house: House) -> None:
    deactivate(house.vera)
    both = house.person("reviewer", "model validator")
    profile(house, both, "fairness", "tabular")
    case_id = house.reviewed()
    assert house.seated(case_id) == {both.id: "model validator", house.rita.id: "reviewer"}


def test_one_person_takes_one_seat_even_with_every_role(house: House) -> None:
    for one in (house.vera, house.rita):
        deactivate(one)
    both = house.person("reviewer", "model validator")
    case_id = house.ready()
    house.submit(case_id)
    assert list(house.seated(case_id)) == [both.id]
    assert house.case(case_id).state == "submitted"
    [role] = set(QUORUM) - set(house.seated(case_id).values())
    lead = house.person("reviewer")
    with pytest.raises(Conflict, match="already"):
        house.do(assigning.seat, lead, case_id=case_id, role=role, person_id=both.id)


def test_cases_are_not_assigned_before_they_are_submitted(house: House) -> None:
    with pytest.raises(Conflict, match="draft"):
        house.do(assigning.assign, house.vera, case_id=house.ready())


def test_a_case_submitted_by_two_at_once_fills_each_seat_once(house: House) -> None:
    for _ in range(3):
        house.person("reviewer")
    case_id = house.ready()
    house.set(ReviewCase, case_id, state="submitted")

    def fill(_: int) -> str:
        try:
            refill(case_id)
        except Conflict as refusal:
            return refusal.message
        return ""

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(fill, range(4)))
    assert sorted(house.seated(case_id).values()) == ["model validator", "reviewer"]
    assert house.case(case_id).state == "in review"
    assert len([one for one in house.log(case_id, "case-moved") if one["step"] == "begin"]) == 1


# --- by hand ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_leads_seat_and_release_and_nobody_else(house: House, role: str) -> None:
    case_id = house.reviewed()
    lead, rolf = house.person(role), house.person("reviewer")
    given = {"case_id": case_id, "person_id": house.rita.id, "reason": "On leave."}
    if role not in MATRIX["case.assign"]:
        for verb, more in ((assigning.release, given), (assigning.assign, {"case_id": case_id})):
            with pytest.raises(NotAllowed):
                house.do(verb, lead, **more)
        with pytest.raises(NotAllowed):
            house.do(assigning.seat, lead, case_id=case_id, role="reviewer", person_id=rolf.id)
        return
    house.do(assigning.release, lead, **given)
    assert house.rita.id not in house.seated(case_id)
    assert "reviewer" in house.seated(case_id).values(), "the seat does not stay empty"
    assert any("no longer have a seat" in one for one in house.told(house.rita))


def test_a_lead_seats_somebody_of_their_choice_even_if_they_pause_or_gave_it_up_before(house: House) -> None:
    case_id = house.reviewed()
    house.do(assigning.release, house.rita, case_id=case_id, person_id=house.rita.id, reason="I know the owner.")
    assert list(house.seated(case_id)) == [house.vera.id], "who recused is not asked again by itself"
    profile(house, house.rita, paused=True)
    house.do(assigning.seat, house.vera, case_id=case_id, role="reviewer", person_id=house.rita.id)
    assert house.rita.id in house.seated(case_id)
    assert house.log(case_id, "case-seat-released")[-1]["reason"] == "I know the owner."


def test_a_seat_is_given_to_who_may_sit_there_and_only_where_one_is_empty(house: House) -> None:
    case_id = house.reviewed()
    lead, rolf = house.person("model validator"), house.person("reviewer")
    seat = {"case_id": case_id, "role": "reviewer"}
    with pytest.raises(Conflict, match="empty"):
        house.do(assigning.seat, lead, **seat, person_id=rolf.id)
    with pytest.raises(Conflict, match="empty"):
        house.do(assigning.seat, lead, case_id=case_id, role="manager", person_id=rolf.id)
    deactivate(rolf)
    house.do(assigning.release, house.rita, case_id=case_id, person_id=house.rita.id, reason="Ill.")
    for person_id, refusal in (
        (rolf.id, Conflict),
        ("p-none", NotFound),
        (house.ada.id, NotAllowed),
        (house.vera.id, Conflict),
        (house.person("data scientist").id, NotAllowed),
    ):
        with pytest.raises(refusal):
            house.do(assigning.seat, lead, **seat, person_id=person_id)
    assert list(house.seated(case_id)) == [house.vera.id]


def test_a_lead_with_a_hand_in_the_case_chooses_no_reviewer(house: House) -> None:
    mo = house.person("ML engineer", "model validator", team="risk")
    case_id = house.ready()
    house.answer(case_id, "TXT-1", "Whom we call.", actor=mo)
    house.submit(case_id)
    for verb, more in (
        (assigning.assign, {}),
        (assigning.release, {"person_id": house.rita.id, "reason": "x"}),
        (assigning.seat, {"person_id": house.rita.id, "role": "reviewer"}),
    ):
        with pytest.raises(NotAllowed, match="a hand"):
            house.do(verb, mo, case_id=case_id, **more)


def test_a_seat_is_given_up_with_a_reason_before_one_signs(house: House) -> None:
    case_id = house.reviewed()
    mine = {"case_id": case_id, "person_id": house.rita.id}
    with pytest.raises(Invalid, match="why"):
        house.do(assigning.release, house.rita, **mine, reason="  ")
    with pytest.raises(NotFound):
        house.do(assigning.release, house.vera, case_id=case_id, person_id=house.ada.id, reason="x")


def test_the_first_look_at_the_evidence_is_noted_once(house: House) -> None:
    case_id = house.reviewed()
    for actor in (house.rita, house.ada):
        house.do(assigning.note_opened, actor, case_id=case_id)
    [first] = [one.opened_at for one in house.seats(case_id) if one.opened_at]
    house.do(assigning.note_opened, house.rita, case_id=case_id)
    assert [one.opened_at for one in house.seats(case_id) if one.opened_at] == [first]


# --- leaving ---------------------------------------------------------------------------------------------------------


def test_who_leaves_or_loses_the_role_loses_the_seat_to_somebody_else(house: House) -> None:
    case_id = house.reviewed()
    rolf, victor = house.person("reviewer"), house.person("model validator")
    assert unsettled() == []
    deactivate(house.rita)
    house.set(RoleGrant, grant_of(house.vera), state="revoked")
    assert unsettled() == [case_id]
    refill(case_id)
    assert house.seated(case_id) == {rolf.id: "reviewer", victor.id: "model validator"}
    assert [one["reason"] for one in house.log(case_id, "case-seat-released")] == ["no longer eligible"] * 2
    assert unsettled() == []


def test_who_lost_the_role_alone_is_noticed_too(house: House) -> None:
    case_id = house.reviewed()
    house.set(RoleGrant, grant_of(house.vera), state="revoked")
    assert unsettled() == [case_id]


def test_a_committer_that_ci_names_later_loses_the_seat(house: House) -> None:
    case_id = house.reviewed()
    rolf = house.person("reviewer")
    ci = Actor("token", "1", "pipeline", scopes=frozenset({"metrics:write"}))
    told = {"repository": "git/churn", "commit": "a" * 40, "workflow": "train", "committers": ["Rita <r@x.example>"]}
    for version in ("2", "1"):
        assert unsettled() == []
        house.do(told_by_ci.tell, ci, model=MODEL, version=version, **told)
    assert unsettled() == [case_id]
    refill(case_id)
    assert house.seated(case_id) == {house.vera.id: "model validator", rolf.id: "reviewer"}


def test_a_case_that_is_not_under_review_keeps_its_seats_as_they_are(house: House) -> None:
    case_id = house.reviewed()
    house.send_back(case_id, TXT_1="Why?")
    deactivate(house.rita)
    refill(case_id)
    assert (house.rita.id in house.seated(case_id), unsettled()) == (True, [])
    house.answer(case_id, "TXT-1", "Whom we call.")
    house.submit(case_id)
    assert (house.case(case_id).state, house.rita.id in house.seated(case_id)) == ("submitted", False)


# --- standing in -----------------------------------------------------------------------------------------------------


def test_the_seat_of_who_is_away_goes_to_the_stand_in_who_is_told(house: House) -> None:
    rolf = house.person("reviewer", name="Rolf")
    case_id = house.reviewed()
    holder = next(one for one in (house.rita, rolf) if one.id in house.seated(case_id))
    other = rolf if holder is house.rita else house.rita
    delegate(house, holder, other)
    [seat] = [one for one in house.seats(case_id) if one.role == "reviewer"]
    assert (seat.person_id, seat.stand_in_for) == (other.id, holder.id)
    assert any("stand in for" in one for one in house.told(other))
    assert house.log(case_id, "case-assigned")[-1]["stand_in_for"] == holder.ref
    mirror("2")
    later = house.reviewed(version="2")
    [seat] = [one for one in house.seats(later) if one.role == "reviewer"]
    assert (seat.person_id, seat.stand_in_for) == (other.id, holder.id)


def test_a_delegation_counts_on_its_days_only(house: House) -> None:
    rolf = house.person("reviewer")
    case_id = house.open()
    delegation_id = delegate(house, house.rita, rolf, first=1, last=2)
    assert house.rita.id in order(case_id)
    house.set(Delegation, delegation_id, starts_on=TODAY)
    assert order(case_id) == [rolf.id]
    house.do(assigning.end_delegation, house.rita, delegation_id=delegation_id)
    assert house.rita.id in order(case_id)
    with pytest.raises(Conflict, match="ended"):
        house.do(assigning.end_delegation, house.rita, delegation_id=delegation_id)


def test_a_delegation_gives_no_seat_that_the_stand_in_could_not_have(house: House) -> None:
    rolf = house.person("reviewer", scope=("unit", "retail"))
    case_id = house.reviewed()
    delegate(house, house.rita, rolf)
    assert house.rita.id in house.seated(case_id), "nobody else may sit there, so she keeps it"
    mirror("2")
    assert order(house.open(version="2")) == []


def test_one_person_does_not_fill_two_seats_by_standing_in(house: House) -> None:
    entry_id = checklist(name="two", quorum={"reviewer": 2})
    rolf = house.person("reviewer")
    case_id = house.reviewed(checklist=entry_id)
    delegate(house, house.rita, rolf)
    assert sorted(house.seated(case_id)) == sorted([house.rita.id, rolf.id])


def test_a_delegation_is_not_passed_on(house: House) -> None:
    rolf, roma = house.person("reviewer"), house.person("reviewer")
    delegate(house, house.rita, rolf)
    for giver, taker in ((rolf, roma), (roma, house.rita), (house.rita, roma), (roma, rolf)):
        with pytest.raises(Conflict, match="delegates this role, or stands in"):
            delegate(house, giver, taker)
    delegate(house, rolf, roma, first=8, last=9)


@pytest.mark.parametrize(
    ("role", "first", "last", "refusal"),
    [
        ("reviewer", -1, 3, Invalid),
        ("reviewer", 3, 2, Invalid),
        ("reviewer", 0, 91, Invalid),
        ("manager", 0, 3, Invalid),
        ("model validator", 0, 3, NotAllowed),
    ],
)
def test_a_delegation_takes_a_role_that_one_has_and_days_to_come(
    house: House, role: str, first: int, last: int, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        delegate(house, house.rita, house.person("reviewer"), role, first, last)


def test_a_stand_in_is_somebody_else_active_with_the_same_role(house: House) -> None:
    gone = house.person("reviewer")
    deactivate(gone)
    for other, refusal in ((house.rita, Invalid), (house.vera, Conflict), (gone, Conflict)):
        with pytest.raises(refusal):
            delegate(house, house.rita, other)
    with pytest.raises(NotFound):
        house.do(
            assigning.end_delegation, house.vera, delegation_id=delegate(house, house.rita, house.person("reviewer"))
        )


def test_of_two_who_delegate_to_each_other_at_once_one_is_refused(house: House) -> None:
    rolf = house.person("reviewer")

    def give(pair: tuple[Actor, Actor]) -> bool:
        try:
            delegate(house, *pair)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as workers:
        assert sorted(workers.map(give, [(house.rita, rolf), (rolf, house.rita)])) == [False, True]


# --- profiles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_only_people_who_sign_have_a_profile(house: House, role: str) -> None:
    somebody = house.person(role)
    if role in ("model validator", "domain expert", "reviewer"):
        profile(house, somebody, "text")
    else:
        with pytest.raises(NotAllowed):
            profile(house, somebody, "text")


@pytest.mark.parametrize(
    "given",
    [{"skills": [""]}, {"skills": ["x" * 64]}, {"skills": [f"s{n}" for n in range(31)]}, {"most_cases": 0}, {"most_cases": 51}],
)  # fmt: skip
def test_a_profile_out_of_bounds_is_refused(house: House, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        house.do(assigning.set_profile, house.rita, **{"skills": [], "most_cases": 8, "paused": False, **given})


def test_the_seat_of_a_project_that_became_invisible_is_not_kept(house: House) -> None:
    entry_id = checklist(name="domain", quorum={"domain expert": 1})
    expert = house.person("domain expert", team="sales")
    case_id = house.reviewed(checklist=entry_id)
    house.set(Project, "churn", classification="restricted")
    with pytest.raises(NotFound):
        house.do(assigning.note_opened, actor_now(expert.id), case_id=case_id)
    refill(case_id)
    assert house.seated(case_id) == {}
    with db.reading() as session:
        assert session.exec(select(CaseSeat).where(CaseSeat.case_id == case_id)).one().released_at is not None
