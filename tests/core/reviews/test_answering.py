"""Answers: what fits an item, revisions that are only added, who answers when, agreement and discussion."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from core import db
from core.access.policy import MATRIX, ROLES, Actor
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.reviews import answering, assigning, requesting, values
from core.reviews.items import TYPES, FrozenItem
from core.reviews.tables import CaseAnswer, CaseComment, ReviewCase
from tests.core.reviews.house import House, checklist, upload


def item(kind: str) -> FrozenItem:
    return FrozenItem("X-1", "", "", "", kind, options=("low", "high"), unit="days")


# --- what fits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("boolean", False, False),
        ("choice", "low", "low"),
        ("scale", "high", "high"),
        ("number", 0, 0),
        ("number", -2.5, -2.5),
        ("date", "2026-03-31", "2026-03-31"),
        ("date", date(2026, 3, 31), "2026-03-31"),
        ("text", "  Größe 🙂 \n two ", "Größe 🙂 \n two"),
        ("link", " https://example.org/a?b=c#d ", "https://example.org/a?b=c#d"),
        ("link", "http://wiki", "http://wiki"),
        ("file", 7, 7),
        ("attestation", True, True),
    ],
)
def test_a_fitting_value_is_kept(kind: str, value: Any, kept: Any) -> None:
    assert values.cleaned(item(kind), value) == kept


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", 1), ("boolean", "yes"), ("choice", "middle"), ("choice", ["low"]), ("scale", 1),
        ("number", True), ("number", math.nan), ("number", math.inf), ("number", "3"), ("number", 10**400),
        ("date", "31.3.2026"), ("date", "2026-02-30"), ("date", 3), ("text", " \n"), ("text", "a" * 4001),
        ("text", "nul\x00"), ("text", 3), ("link", "javascript:alert(1)"), ("link", "https://"), ("link", "ftp://a/b"),
        ("link", "https://user:secret@host/"), ("link", "https://a b"), ("link", "https://a\x00"), ("link", "https://["),
        ("link", "https://a/" + "b" * 500), ("file", "7"), ("file", True), ("file", 0), ("file", 2**40),
        ("attestation", False), ("attestation", 1), ("metric", 0.9),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(Invalid):
        values.cleaned(item(kind), value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(TYPES), anything)
def test_whatever_is_given_is_kept_or_refused(kind: str, value: Any) -> None:
    try:
        kept = values.cleaned(item(kind), value)
    except Invalid:
        return
    assert values.cleaned(item(kind), kept) == kept


def test_an_empty_answer_is_none(house: House) -> None:
    case_id = house.open()
    with pytest.raises(Invalid):
        house.answer(case_id, "TXT-1")


# --- revisions -------------------------------------------------------------------------------------------------------


def test_answers_are_added_and_the_last_one_counts(house: House) -> None:
    case_id = house.open()
    house.answer(case_id, "TXT-1", "One.")
    house.answer(case_id, "TXT-1", "Two.", actor=house.ben, note="After a talk.")
    with db.reading() as session:
        rows = session.exec(select(CaseAnswer).where(CaseAnswer.case_id == case_id).order_by(col(CaseAnswer.revision)))
        assert [(one.revision, one.value, one.answered_by) for one in rows] == [
            (1, "One.", house.ada.ref),
            (2, "Two.", house.ben.ref),
        ]
    assert house.standings(case_id)["TXT-1"].answered
    assert [one["revision"] for one in house.log(case_id, "case-answered")] == [1, 2]


@pytest.mark.parametrize("seen", [0, 2, -1])
def test_an_answer_to_another_revision_than_the_last_is_refused(house: House, seen: int) -> None:
    case_id = house.open()
    house.answer(case_id, "TXT-1", "One.")
    with pytest.raises(Conflict, match="revision 1"):
        house.answer(case_id, "TXT-1", "Two.", revision=seen)
    assert house.answers(case_id)["TXT-1"].value == "One."


def test_of_answers_given_at_once_one_wins_and_the_others_are_told(house: House) -> None:
    case_id = house.open()

    def give(number: int) -> str:
        try:
            house.answer(case_id, "NUM-1", number, revision=0)
        except Conflict as refusal:
            return refusal.message
        return "kept"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(give, range(4)))
    assert sorted(one == "kept" for one in outcomes) == [False, False, False, True]
    assert house.revision(case_id, "NUM-1") == 1


def test_the_same_answer_again_is_refused_and_one_that_only_looks_the_same_is_kept(house: House) -> None:
    case_id = house.open()
    house.answer(case_id, "NUM-1", 1)
    with pytest.raises(Invalid, match="already"):
        house.answer(case_id, "NUM-1", 1)
    house.answer(case_id, "NUM-1", 1, note="Counted.")
    assert house.revision(case_id, "NUM-1") == 2


def test_an_item_that_does_not_apply_takes_a_reason_and_no_value(house: House) -> None:
    case_id = house.open()
    with pytest.raises(Invalid, match="why"):
        house.answer(case_id, "YES-1", not_applicable=True)
    with pytest.raises(Invalid, match="either"):
        house.answer(case_id, "YES-1", True, not_applicable=True, note="No.")
    house.answer(case_id, "YES-1", not_applicable=True, note="Nobody is affected.")
    house.answer(case_id, "MET-1", not_applicable=True, note="It ranks.")
    assert house.standings(case_id)["YES-1"].not_applicable
    assert house.standings(case_id)["MET-1"].not_applicable


def test_a_file_answers_where_it_was_uploaded(house: House) -> None:
    entry_id = checklist([{"id": "FIL-1", "type": "file", "question": "The plan?"}], name="files")
    case_id, other = house.open(checklist=entry_id), house.open()
    elsewhere = upload(other, house.ada)
    for file_id in (elsewhere, 999):
        with pytest.raises(Invalid, match="FIL-1"):
            house.answer(case_id, "FIL-1", file_id)
    house.answer(case_id, "FIL-1", upload(case_id, house.ada))
    assert house.standings(case_id)["FIL-1"].answered


def test_a_file_is_added_by_those_who_answer_and_its_check_finds_it(house: House) -> None:
    plan = {"check": "file_present", "parameters": {"path": "plan.txt"}}
    entry_id = checklist([{"id": "FIL-1", "type": "file", "question": "The plan?", "evidence": plan}], name="files")
    case_id = house.open(checklist=entry_id)
    house.attach(case_id)
    given = {"case_id": case_id, "name": "plan.txt", "data": b"Roll back by night."}
    with pytest.raises(NotAllowed):
        house.do(answering.upload, house.rita, **given)
    assert house.standings(case_id)["FIL-1"].verdict == "missing"
    file = house.do(answering.upload, house.ada, **given)
    assert house.standings(case_id)["FIL-1"].verdict == "pass"
    assert house.answer(case_id, "FIL-1", file.id).value == file.id
    house.set(ReviewCase, case_id, state="in review")
    with pytest.raises(Conflict, match="stay as they are"):
        house.do(answering.upload, house.ada, **given)


@pytest.mark.parametrize("item_id", ["NOT-1", "", "X" * 300])
def test_only_items_of_the_case_that_apply_are_answered(house: House, item_id: str) -> None:
    entry_id = checklist(
        [
            {"id": "NOT-1", "type": "text", "question": "Never?", "appliesWhen": {"modality": ["graph"]}},
            {"id": "YES-1", "type": "boolean", "question": "Yes?"},
        ],
        name="partly",
    )
    with pytest.raises(NotFound, match="No item"):
        house.answer(house.open(checklist=entry_id), item_id, "Yes.", revision=0)


# --- who and when ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_those_who_answer_for_the_project_answer_and_nobody_else(house: House, role: str) -> None:
    case_id = house.open()
    insider, outsider = house.person(role, team="risk"), house.person(role)
    with pytest.raises(NotAllowed):
        house.answer(case_id, "TXT-1", "One.", actor=outsider)
    if role in MATRIX["case.answer"]:
        assert house.answer(case_id, "TXT-1", "One.", actor=insider).answered_by == insider.ref
    else:
        with pytest.raises(NotAllowed):
            house.answer(case_id, "TXT-1", "One.", actor=insider)


def test_a_token_answers_and_says_nothing(house: House) -> None:
    case_id = house.open()
    token = Actor("token", "1", "pipeline", scopes=frozenset({"metrics:write"}))
    with pytest.raises(NotAllowed):
        house.answer(case_id, "TXT-1", "One.", actor=token)
    with pytest.raises(NotAllowed):
        house.do(answering.comment, token, case_id=case_id, text="Hello.")


def test_nothing_is_answered_while_reviewers_have_the_ball(house: House) -> None:
    case_id = house.reviewed()
    with pytest.raises(Conflict, match="in review"):
        house.answer(case_id, "TXT-1", "Other.")
    house.send_back(case_id, TXT_1="For whom?")
    house.answer(case_id, "TXT-1", "Other.")
    house.submit(case_id)
    with pytest.raises(Conflict, match="in review"):
        house.answer(case_id, "TXT-1", "Third.")


def test_whoever_reviews_a_case_does_not_answer_it(house: House) -> None:
    mo = house.person("ML engineer", "model validator", team="risk")
    house.do(assigning.set_profile, mo, skills=["fairness"], most_cases=8, paused=False)
    case_id = house.reviewed()
    assert mo.id in house.seated(case_id)
    house.send_back(case_id, house.rita, TXT_1="For whom?")
    with pytest.raises(NotAllowed, match="You review"):
        house.answer(case_id, "TXT-1", "Me.", actor=mo)


# --- agreement -------------------------------------------------------------------------------------------------------


def sent_without(house: House, item_id: str) -> int:
    """A case in review whose team says that an item does not apply."""
    case_id = house.ready()
    house.answer(case_id, item_id, not_applicable=True, note="It never decides.")
    house.submit(case_id)
    return case_id


def test_a_reviewer_with_a_seat_agrees_that_an_item_does_not_apply(house: House) -> None:
    case_id = sent_without(house, "TXT-1")
    agreement = {"case_id": case_id, "item_id": "TXT-1", "revision": 2}
    for stranger in (house.ada, house.person("reviewer")):
        with pytest.raises(NotAllowed):
            house.do(answering.agree, stranger, **agreement)
    with pytest.raises(Conflict, match="meanwhile"):
        house.do(answering.agree, house.rita, **{**agreement, "revision": 1})
    house.do(answering.agree, house.rita, **agreement)
    assert house.standings(case_id)["TXT-1"].agreed
    with pytest.raises(Conflict, match="already"):
        house.do(answering.agree, house.vera, **agreement)
    assert house.log(case_id, "case-agreed") == [{"item": "TXT-1", "revision": 2}]


def test_there_is_nothing_to_agree_to_where_an_item_is_answered_or_the_case_is_elsewhere(house: House) -> None:
    case_id = sent_without(house, "TXT-1")
    with pytest.raises(Conflict, match="Nobody says"):
        house.do(answering.agree, house.rita, case_id=case_id, item_id="YES-1", revision=1)
    house.send_back(case_id, TXT_1="It does.")
    with pytest.raises(Conflict, match="changes requested"):
        house.do(answering.agree, house.rita, case_id=case_id, item_id="TXT-1", revision=2)


def test_a_new_revision_is_not_agreed_to_yet(house: House) -> None:
    case_id = sent_without(house, "TXT-1")
    house.do(answering.agree, house.rita, case_id=case_id, item_id="TXT-1", revision=2)
    house.send_back(case_id, TXT_1="Say more.")
    house.answer(case_id, "TXT-1", not_applicable=True, note="It only ranks.")
    assert not house.standings(case_id)["TXT-1"].agreed


# --- discussion ------------------------------------------------------------------------------------------------------


def test_people_talk_about_an_item_and_those_concerned_are_told(house: House) -> None:
    case_id = house.reviewed()
    auditor = house.person("auditor", name="Audrey")
    house.do(answering.comment, auditor, case_id=case_id, item_id="TXT-1", text="Is that all?")
    house.do(answering.comment, house.rita, case_id=case_id, item_id="TXT-1", text="It is.")
    assert any("Audrey commented on TXT-1" in one for one in house.told(house.ada))
    assert any("Rita commented on TXT-1" in one for one in house.told(auditor))
    assert not any("Rita" in one for one in house.told(house.rita))
    with db.reading() as session:
        said = session.exec(select(CaseComment).where(CaseComment.case_id == case_id)).all()
    assert [(one.item_id, one.text, one.asks_change) for one in said] == [
        ("TXT-1", "Is that all?", False),
        ("TXT-1", "It is.", False),
    ]


@pytest.mark.parametrize(("item_id", "text", "refusal"), [("", " ", Invalid), ("ZZZ-9", "Hm.", NotFound), ("", "\x00", Invalid)])  # fmt: skip
def test_an_empty_comment_or_one_about_nothing_is_refused(
    house: House, item_id: str, text: str, refusal: type[Exception]
) -> None:
    case_id = house.open()
    with pytest.raises(refusal):
        house.do(answering.comment, house.ada, case_id=case_id, item_id=item_id, text=text)


def test_a_case_that_has_ended_takes_no_more_comments(house: House) -> None:
    case_id = house.open()
    house.do(requesting.withdraw, house.ada, case_id=case_id, reason="Too early.")
    with pytest.raises(Conflict, match="stays as it is"):
        house.do(answering.comment, house.ada, case_id=case_id, text="Still?")
