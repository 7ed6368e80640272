"""The next version: which answers are offered again, that they count once attested, and how two versions compare."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.projects.tables import Project
from core.reviews import answering, carrying, pool, requesting, states
from core.reviews.carrying import Comparison, Figure, MetricChange, compared
from core.reviews.tables import ReviewCase
from tests.core.reviews.house import ANSWERS, ITEMS, House, checklist, mirror, upload


def follow(house: House, previous: int, version: str = "2", **more: Any) -> int:
    """A case on the next version that follows on ``previous``; returns its id."""
    mirror(version)
    return house.open(version=version, carry_from=previous, **more)


def carried(house: House, case_id: int) -> set[str]:
    return {item for item, one in house.answers(case_id).items() if one.carried}


def comparison(case_id: int) -> Comparison | None:
    with db.reading() as session:
        return carrying.comparison(session, session.get_one(ReviewCase, case_id))


def changes(case_id: int) -> dict[str, str]:
    found = comparison(case_id)
    assert found is not None
    return {one.item_id: one.change for one in found.items}


# --- what is offered again -------------------------------------------------------------------------------------------


def test_answers_that_rest_on_no_evidence_are_offered_at_once_and_count_once_attested(house: House) -> None:
    first = house.reviewed()
    case_id = follow(house, first)
    assert carried(house, case_id) == {"TXT-1", "YES-1", "OPT-1", "NUM-1"}
    assert house.log(case_id, "case-opened")[0]["carried"] == 4
    assert house.case(case_id).previous_id == first
    assert not house.standings(case_id)["TXT-1"].answered
    house.do(answering.attest, house.ben, case_id=case_id, item_ids=["TXT-1"])
    assert house.standings(case_id)["TXT-1"].answered
    assert house.do(answering.attest, house.ada, case_id=case_id) == 3
    answers = house.answers(case_id)
    assert {item: one.value for item, one in answers.items()} == {k: v for k, v in ANSWERS.items() if k != "MET-2"}
    assert answers["TXT-1"].answered_by == house.ben.ref
    with pytest.raises(Invalid, match="No answer waits"):
        house.do(answering.attest, house.ada, case_id=case_id)


def test_an_answer_that_rests_on_evidence_is_offered_where_its_check_finds_the_same(house: House) -> None:
    first = house.reviewed()
    same = follow(house, first)
    house.attach(same, accuracy=0.95)
    assert "MET-2" in carried(house, same)
    assert "MET-1" not in house.answers(same), "a metric is judged anew, not carried"
    differs = follow(house, first, "3")
    house.attach(differs, recall=0.9)
    assert "MET-2" not in house.answers(differs)


def test_what_was_answered_here_already_is_not_replaced(house: House) -> None:
    case_id = follow(house, house.reviewed())
    house.answer(case_id, "MET-2", "Our own words.")
    house.answer(case_id, "TXT-1", "Whom to write to.")
    house.attach(case_id)
    answers = house.answers(case_id)
    assert (answers["MET-2"].value, answers["TXT-1"].value) == ("Our own words.", "Whom to write to.")


def test_a_carried_answer_can_be_given_again_as_it_is(house: House) -> None:
    case_id = follow(house, house.reviewed())
    house.answer(case_id, "TXT-1", ANSWERS["TXT-1"])
    assert house.standings(case_id)["TXT-1"].answered


@pytest.mark.parametrize(
    "change",
    [
        {"question": "Which other decision?"}, {"type": "link"}, {"options": ["person", "nobody"], "id": "OPT-1"},
        {"unit": "calls", "id": "NUM-1"},
    ],
)  # fmt: skip
def test_an_item_that_asks_something_else_now_starts_empty(house: House, change: dict[str, Any]) -> None:
    first = house.reviewed()
    item_id = change.get("id", "TXT-1")
    checklist([{**one, **change} if one["id"] == item_id else one for one in ITEMS], version="2.0.0")
    assert carried(house, follow(house, first)) == {"TXT-1", "YES-1", "OPT-1", "NUM-1"} - {item_id}


def test_that_an_item_does_not_apply_is_offered_with_its_reason_and_without_the_agreement(house: House) -> None:
    first = house.ready()
    house.answer(first, "TXT-1", not_applicable=True, note="It only ranks.")
    house.submit(first)
    house.do(answering.agree, house.rita, case_id=first, item_id="TXT-1", revision=2)
    case_id = follow(house, first)
    assert not house.standings(case_id)["TXT-1"].not_applicable
    house.do(answering.attest, house.ada, case_id=case_id)
    one = house.standings(case_id)["TXT-1"]
    assert (one.not_applicable, one.agreed, house.answers(case_id)["TXT-1"].note) == (True, False, "It only ranks.")


def test_a_file_is_offered_as_evidence_of_the_new_case_by_who_uploaded_it(house: House) -> None:
    entry_id = checklist([{"id": "FIL-1", "type": "file", "question": "The plan?"}], name="files")
    first = house.open(checklist=entry_id)
    house.answer(first, "FIL-1", upload(first, house.ben))
    case_id = follow(house, first, checklist=entry_id)
    house.do(answering.attest, house.ada, case_id=case_id)
    assert house.answers(case_id)["FIL-1"].value != house.answers(first)["FIL-1"].value
    assert changes(case_id) == {"FIL-1": "same"}
    with db.reading() as session:
        assert house.ben.id in pool.barred(session, session.get_one(ReviewCase, case_id))


def test_who_answered_the_former_case_is_barred_from_the_next(house: House) -> None:
    first = house.ready()
    house.answer(first, "TXT-1", "Whom we call.", actor=house.ben)
    case_id = follow(house, first)
    with db.reading() as session:
        assert house.ben.id in pool.barred(session, session.get_one(ReviewCase, case_id))


def test_signatures_seats_and_findings_are_never_carried(house: House) -> None:
    case_id = follow(house, house.reviewed())
    assert house.seats(case_id) == []
    assert house.standings(case_id)["MET-1"].verdict == "missing"


def test_answers_are_carried_from_the_same_checklist_on_the_same_subject_only(house: House) -> None:
    other = house.open(checklist=checklist(name="other"))
    mirror("2")
    with pytest.raises(Invalid, match="something else"):
        house.open(version="2", carry_from=other)
    with pytest.raises(NotFound, match="No case"):
        house.open(version="2", carry_from=999)


def test_a_case_that_ended_can_be_followed_by_one_on_the_same_version(house: House) -> None:
    first = house.reviewed()
    with pytest.raises(Conflict, match="open already"):
        house.open(carry_from=first)
    house.do(requesting.withdraw, house.ada, case_id=first, reason="Once more.")
    assert len(carried(house, house.open(carry_from=first))) == 4


def test_only_carried_answers_are_attested_by_those_who_answer_while_the_owner_has_the_ball(house: House) -> None:
    case_id = follow(house, house.reviewed())
    house.answer(case_id, "TXT-1", "Whom to write to.")
    for item_id in ("TXT-1", "MET-1", "ZZZ-1"):
        with pytest.raises(Invalid, match="no carried answer"):
            house.do(answering.attest, house.ada, case_id=case_id, item_ids=[item_id])
    with pytest.raises(NotAllowed):
        house.do(answering.attest, house.rita, case_id=case_id)
    house.set(ReviewCase, case_id, state="submitted")
    with pytest.raises(Conflict):
        house.do(answering.attest, house.ada, case_id=case_id)


def test_a_carried_answer_that_nobody_attested_keeps_the_case_from_being_submitted(house: House) -> None:
    case_id = follow(house, house.reviewed())
    house.attach(case_id)
    missing = states.missing_for_submission(house.standings(case_id).values())
    assert missing == ["TXT-1", "YES-1", "OPT-1", "NUM-1", "MET-2"]
    house.do(answering.attest, house.ada, case_id=case_id)
    assert states.missing_for_submission(house.standings(case_id).values()) == []


# --- the comparison --------------------------------------------------------------------------------------------------


def test_a_case_that_follows_on_none_is_compared_with_none(house: House) -> None:
    assert comparison(house.open()) is None


def test_items_tell_how_they_differ_from_the_version_before(house: House) -> None:
    first = house.reviewed()
    items = [{**one, "question": "Told how?"} if one["id"] == "YES-1" else one for one in ITEMS if one["id"] != "NUM-1"]
    checklist([*items, {"id": "NEW-1", "type": "text", "question": "What is new?"}], version="2.0.0")
    case_id = follow(house, first)
    house.attach(case_id, accuracy=0.7)
    house.answer(case_id, "OPT-1", "machine")
    assert changes(case_id) == {
        "TXT-1": "same", "YES-1": "asked differently", "OPT-1": "answered differently", "MET-1": "judged differently",
        "MET-2": "same", "NEW-1": "new", "NUM-1": "gone",
    }  # fmt: skip
    found = comparison(case_id)
    assert found is not None
    assert [one.item_id for one in found.reopened] == ["YES-1", "OPT-1", "MET-1", "NEW-1", "NUM-1"]
    assert (found.previous_id, found.previous_version) == (first, "1")


def test_metrics_stand_side_by_side_with_their_intervals(house: House) -> None:
    first = house.open()
    house.attach(first, accuracy=0.8, **{"accuracy.lower": 0.78, "accuracy.upper": 0.82, "accuracy.rows": 900})
    case_id = follow(house, first)
    house.attach(case_id, accuracy=0.9, auc=0.95, **{"accuracy.lower": 0.88, "accuracy.upper": 0.92})
    found = comparison(case_id)
    assert found is not None
    assert [one.name for one in found.metrics] == ["accuracy", "auc", "recall"], "what differs comes first"
    accuracy, auc, recall = found.metrics
    assert (accuracy.old, accuracy.new) == (Figure(0.8, 0.78, 0.82), Figure(0.9, 0.88, 0.92))
    assert accuracy.difference == pytest.approx(0.1)
    assert accuracy.apart is True
    assert (auc.old, auc.difference, auc.apart) == (None, None, None)
    assert (recall.difference, recall.apart) == (0.0, None)


figures = st.none() | st.floats(-5, 5)


@given(st.builds(Figure, figures, figures, figures), st.builds(Figure, figures, figures, figures))
def test_a_difference_never_counts_as_certain_where_the_intervals_meet_or_are_unknown(old: Figure, new: Figure) -> None:
    change = MetricChange("m", old, new)
    assert change.apart == MetricChange("m", new, old).apart
    known = None not in (old.lower, old.upper, new.lower, new.upper)
    assert (change.apart is None) == (not known)
    if change.apart and known:
        assert max(old.lower or 0, new.lower or 0) > min(old.upper or 0, new.upper or 0)


@given(
    st.dictionaries(st.text(max_size=9), st.fixed_dictionaries({"value": figures}), max_size=6),
    st.dictionaries(st.text(max_size=9), st.fixed_dictionaries({"value": figures}), max_size=6),
)
def test_any_two_copies_of_evidence_can_be_compared(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = compared(old, new)
    assert {one.name for one in found} <= {*old, *new}
    assert all(one.old == one.new for one in compared(old, old))


def test_what_is_hidden_is_not_carried_from(house: House) -> None:
    first = house.ready()
    mirror("2")
    house.set(Project, "churn", classification="restricted")
    stranger = house.person("data scientist", team="sales")
    with pytest.raises(NotFound):
        house.open(stranger, version="2", carry_from=first)
