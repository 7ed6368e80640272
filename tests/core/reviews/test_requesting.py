"""Who has the ball: change requests with their clock, withdrawal, and the one place in which a case moves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlmodel import col, select

from core import db
from core.access.policy import ROLES, Actor
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people import actions as people
from core.projects.tables import Project
from core.reviews import moving, opening, requesting, states
from core.reviews.tables import CaseComment, ReviewCase, Signature
from tests.conftest import SYSTEM
from tests.core.reviews.house import House, evidence, upload

FRIDAY = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The moment at which cases move: its only element."""
    moment = [FRIDAY]
    monkeypatch.setattr(moving, "now", lambda: moment[0])
    return moment


def open_requests(case_id: int) -> set[str]:
    """The items about which changes are asked for and not made."""
    waiting = select(CaseComment.item_id).where(
        CaseComment.case_id == case_id, col(CaseComment.asks_change), col(CaseComment.resolved_by_revision).is_(None)
    )
    with db.reading() as session:
        return set(session.exec(waiting))


def signed(case_id: int, actor: Actor, decision: str) -> int:
    """A signature, as if it had been made; returns its id."""
    with db.writing() as session:
        made = Signature(
            case_id=case_id, person_id=actor.id, printed_name=actor.name, role="reviewer", meaning="approval",
            decision=decision, record_hash="0" * 64, payload="{}", signature="", key="", signed_at=db.now(),
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id or 0


def voided(signature_id: int) -> bool:
    with db.reading() as session:
        return session.get_one(Signature, signature_id).voided_at is not None


# --- changes ---------------------------------------------------------------------------------------------------------


def test_a_reviewer_sends_a_case_back_with_what_is_to_be_changed(house: House) -> None:
    case_id = house.reviewed()
    house.send_back(case_id, TXT_1="For whom?", MET_1="Measure it on the test data.")
    assert house.case(case_id).state == "changes requested"
    assert open_requests(case_id) == {"TXT-1", "MET-1"}
    assert any("Vera asks for changes to TXT-1, MET-1" in one for one in house.told(house.ada))
    assert house.log(case_id, "case-moved")[-1] == {
        "step": "request changes", "before": "in review", "after": "changes requested", "reason": "",
        "items": ["TXT-1", "MET-1"],
    }  # fmt: skip


def test_the_clock_stands_while_the_owner_has_the_ball(house: House, time: list[datetime]) -> None:
    case_id = house.reviewed()
    assert house.case(case_id).due_at == FRIDAY + timedelta(7)
    time[0] += timedelta(hours=6)
    house.send_back(case_id, TXT_1="For whom?")
    assert house.case(case_id).paused_at == time[0]
    time[0] += timedelta(days=20)
    house.answer(case_id, "TXT-1", "For those who churn.")
    house.submit(case_id)
    case = house.case(case_id)
    assert (case.state, case.paused_at) == ("in review", None)
    assert case.due_at == datetime(2026, 4, 2, 9, 0, tzinfo=UTC), "what was left of five working days, from a Thursday"
    assert any("submitted again" in one for one in house.told(house.rita))


def test_what_was_due_before_it_went_back_stays_overdue(house: House, time: list[datetime]) -> None:
    case_id = house.reviewed()
    due = house.case(case_id).due_at
    time[0] += timedelta(days=30)
    house.send_back(case_id, TXT_1="For whom?")
    house.answer(case_id, "TXT-1", "For those who churn.")
    house.submit(case_id)
    assert house.case(case_id).due_at == due


def test_a_request_is_settled_by_a_new_answer_or_by_evidence_that_differs(house: House) -> None:
    case_id = house.reviewed()
    house.send_back(case_id, TXT_1="For whom?", MET_1="Once more.", MET_2="Why?")
    house.answer(case_id, "TXT-1", "For those who churn.")
    assert open_requests(case_id) == {"MET-1", "MET-2"}
    house.attach(case_id)
    assert open_requests(case_id) == {"MET-1", "MET-2"}, "the same figures settle nothing"
    house.attach(case_id, accuracy=0.95)
    assert open_requests(case_id) == set()


def test_evidence_settles_nothing_that_was_asked_about_an_answer_alone(house: House) -> None:
    case_id = house.reviewed()
    house.send_back(case_id, TXT_1="For whom?")
    house.attach(case_id, accuracy=0.95)
    assert open_requests(case_id) == {"TXT-1"}


def test_signatures_that_were_collected_no_longer_count(house: House) -> None:
    case_id = house.reviewed()
    collected = [signed(case_id, house.ada, "submit"), signed(case_id, house.rita, "approve")]
    house.send_back(case_id, TXT_1="For whom?")
    assert [voided(one) for one in collected] == [True, True]
    assert house.log(case_id, "signatures-voided")[-1]["signatures"] == collected


@pytest.mark.parametrize(
    ("items", "refusal"),
    [({}, Invalid), ({"TXT-1": "  "}, Invalid), ({"TXT-1": "Why?", "ZZZ-1": "Why?"}, NotFound), ({"TXT-1": "a" * 4001}, Invalid)],
)  # fmt: skip
def test_changes_are_asked_for_in_words_about_items_of_the_case(
    house: House, items: dict[str, str], refusal: type[Exception]
) -> None:
    case_id = house.reviewed()
    with pytest.raises(refusal):
        house.do(requesting.request_changes, house.vera, case_id=case_id, items=items)
    assert (house.case(case_id).state, open_requests(case_id)) == ("in review", set())


@pytest.mark.parametrize("role", ROLES)
def test_only_those_with_a_seat_ask_for_changes_whatever_their_role(house: House, role: str) -> None:
    case_id = house.reviewed()
    for team in ("", "risk"):
        with pytest.raises(NotAllowed, match="no seat"):
            house.send_back(case_id, house.person(role, team=team), TXT_1="Why?")


def test_who_lost_the_role_or_turns_out_to_be_barred_asks_for_nothing_from_their_seat(house: House) -> None:
    case_id = house.reviewed()
    upload(case_id, house.rita)
    with pytest.raises(NotAllowed, match="took part"):
        house.send_back(case_id, house.rita, TXT_1="Why?")
    without = Actor("person", house.vera.id, "Vera")
    with pytest.raises(NotAllowed, match=r"sign\.technical"):
        house.send_back(case_id, without, TXT_1="Why?")


def test_of_two_reviewers_who_send_it_back_at_once_one_is_told(house: House) -> None:
    case_id = house.reviewed()

    def send(actor: Actor) -> str:
        try:
            house.send_back(case_id, actor, TXT_1=f"{actor.name} asks.")
        except Conflict as refusal:
            return refusal.message
        return ""

    with ThreadPoolExecutor(2) as workers:
        outcomes = list(workers.map(send, [house.vera, house.rita]))
    assert sorted(bool(one) for one in outcomes) == [False, True]
    assert "changes requested" in "".join(outcomes)


# --- withdrawal ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", states.OPEN)
def test_the_owner_withdraws_a_case_that_is_not_decided(house: House, state: str) -> None:
    case_id = house.reviewed()
    house.set(ReviewCase, case_id, state=state)
    with pytest.raises(Invalid, match="why"):
        house.do(requesting.withdraw, house.ada, case_id=case_id, reason=" ")
    house.do(requesting.withdraw, house.ada, case_id=case_id, reason="The version is not used.")
    case = house.case(case_id)
    assert (case.state, case.reason, case.due_at, case.paused_at) == (
        "withdrawn",
        "The version is not used.",
        None,
        None,
    )
    assert any("withdrew" in one for one in house.told(house.rita))


@pytest.mark.parametrize("state", [one for one in states.NEXT if one not in states.OPEN])
def test_what_is_decided_is_not_withdrawn(house: House, state: str) -> None:
    case_id = house.open()
    house.set(ReviewCase, case_id, state=state)
    with pytest.raises(Conflict, match="takes no"):
        house.do(requesting.withdraw, house.ada, case_id=case_id, reason="x")
    assert house.case(case_id).reason == ""


def test_nobody_else_withdraws_it_unless_its_owner_left(house: House) -> None:
    case_id = house.reviewed()
    for other in (house.ben, house.vera, house.rita, house.person("administrator")):
        with pytest.raises(NotAllowed):
            house.do(requesting.withdraw, other, case_id=case_id, reason="x")
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=house.ada.id)
    with pytest.raises(NotAllowed):
        house.do(requesting.withdraw, house.rita, case_id=case_id, reason="x")
    house.do(requesting.withdraw, house.ben, case_id=case_id, reason="Its owner left.")
    assert house.case(case_id).state == "withdrawn"


def test_a_withdrawn_case_stays_readable_with_all_that_was_said(house: House) -> None:
    case_id = house.reviewed()
    house.do(requesting.withdraw, house.ada, case_id=case_id, reason="x")
    assert house.answers(case_id)["TXT-1"].value == "Whom to call."
    assert len(house.seated(case_id)) == 2


# --- moving ----------------------------------------------------------------------------------------------------------


def test_every_move_is_one_event_and_replaying_them_rebuilds_the_state(house: House) -> None:
    case_id = house.reviewed()
    house.send_back(case_id, TXT_1="For whom?")
    house.answer(case_id, "TXT-1", "For those who churn.")
    house.submit(case_id)
    moves = house.log(case_id, "case-moved")
    assert [one["step"] for one in moves] == ["submit", "begin", "request changes", "submit", "begin"]
    assert moves[0]["before"] == "draft"
    assert all(one["after"] == two["before"] for one, two in pairwise(moves))
    state = "draft"
    for one in moves:
        state = states.after(state, one["step"])
    assert state == house.case(case_id).state == "in review"


def test_every_change_counts_the_case_up(house: House) -> None:
    case_id = house.open()
    seen = [house.case(case_id).revision]
    steps: list[Any] = [
        lambda: house.attach(case_id), lambda: house.answer(case_id, "TXT-1", "One."),
        lambda: house.do(requesting.withdraw, house.ada, case_id=case_id, reason="x"),
    ]  # fmt: skip
    for step in steps:
        step()
        seen.append(house.case(case_id).revision)
    assert all(after > before for before, after in pairwise(seen))


@pytest.mark.parametrize("case_id", [0, -1, 999, 2**31, 2**70])
def test_a_case_that_is_not_there_is_not_found(house: House, case_id: int) -> None:
    with pytest.raises(NotFound, match="No case"):
        house.do(requesting.withdraw, house.ada, case_id=case_id, reason="x")


def test_nothing_can_be_done_to_a_case_of_a_project_that_one_does_not_see(house: House) -> None:
    case_id = house.reviewed()
    house.set(Project, "churn", classification="confidential")
    stranger = house.person("data scientist", "ML engineer", team="sales")
    for verb, more in (
        (requesting.withdraw, {"reason": "x"}),
        (requesting.request_changes, {"items": {"TXT-1": "x"}}),
        (opening.attach, {"snapshot_id": evidence()}),
    ):
        with pytest.raises(NotFound, match="No case"):
            house.do(verb, stranger, case_id=case_id, **more)
