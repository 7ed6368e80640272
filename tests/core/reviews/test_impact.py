"""What publishing a version would change: which items, and for the cases of which projects a reader sees."""

from __future__ import annotations

from typing import Any

import pytest

from core import db
from core.access.policy import Actor
from core.errors import NotFound
from core.projects.tables import Project
from core.reviews import checklists
from core.reviews.impact import Difference, Impact, impact
from core.reviews.tables import ReviewCase
from tests.core.reviews.house import ITEMS, QUORUM, House

CHANGED = [
    {**ITEMS[0], "question": "Which decision is it meant for, and which not?"},
    *ITEMS[2:],
    {"id": "NEW-1", "type": "date", "question": "When was it tried?"},
    {"id": "NEW-2", "type": "text", "question": "Who is missed?", "appliesWhen": {"modality": ["image"]}},
]


def content(items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    lines = [{"summary": one["id"], **one} for one in items]
    sections = [{"title": "All", "items": lines}]
    return {"owner": "platform", "appliesTo": "model", "quorum": QUORUM, "sections": sections, **more}


def propose(house: House, given: dict[str, Any]) -> int:
    made = house.do(checklists.propose, house.vera, entry_id=house.entry_id, version="2.0.0", content=given)
    return made.id or 0


def look(actor: Actor, version_id: int) -> Impact:
    with db.reading() as session:
        return impact(session, actor, version_id)


def test_each_case_is_told_what_it_would_be_asked_anew(house: House) -> None:
    case_id = house.open()
    found = look(house.rita, propose(house, content(CHANGED)))
    assert (found.checklist, found.version, found.published) == ("checklist:default/small", "2.0.0", "1.0.0")
    assert found.items == Difference(added=("NEW-1", "NEW-2"), removed=("YES-1",), changed=("TXT-1",))
    assert not found.quorum_changes
    [case] = found.cases
    assert (case.case_id, case.state, case.checklist_version, case.is_open) == (case_id, "draft", "1.0.0", True)
    assert case.items == Difference(added=("NEW-1",), removed=("YES-1",), changed=("TXT-1",)), "NEW-2 is for images"


def test_an_item_that_blocks_now_is_changed_for_the_tiers_that_it_blocks(house: House) -> None:
    house.open()
    stricter = [one | {"blockingFor": ["high"]} if one["id"] == "YES-1" else one for one in ITEMS]
    assert look(house.rita, propose(house, content(stricter))).cases[0].items == Difference(changed=("YES-1",))


def test_a_case_to_which_nothing_changes_is_left_out_and_another_quorum_is_told(house: House) -> None:
    house.open()
    only_images = {"id": "NEW-2", "type": "text", "question": "Who?", "appliesWhen": {"modality": ["image"]}}
    found = look(house.rita, propose(house, content([*ITEMS, only_images], quorum={"reviewer": 2})))
    assert found.cases == ()
    assert found.quorum_changes
    assert found.items == Difference(added=("NEW-2",))


@pytest.mark.parametrize(("state", "is_told"), [("approved", True), ("suspended", True), ("rejected", False)])
def test_approved_cases_are_told_and_ended_ones_are_not(house: House, state: str, is_told: bool) -> None:
    house.set(ReviewCase, house.open(), state=state)
    found = look(house.rita, propose(house, content(CHANGED)))
    assert [(one.state, one.is_open) for one in found.cases] == ([(state, False)] if is_told else [])


def test_nobody_learns_of_cases_of_a_project_that_they_do_not_see(house: House) -> None:
    house.open()
    house.set(Project, "churn", classification="restricted")
    version_id = propose(house, content(CHANGED))
    assert look(house.rita, version_id).cases, "reviewers of the organisation see restricted projects"
    assert look(house.person("ML engineer"), version_id).cases == ()


def test_mappings_that_do_not_hold_today_are_told(house: House) -> None:
    mapped = [{**ITEMS[0], "mappings": ["nowhere/Art-1"]}, *ITEMS[1:]]
    [found] = look(house.rita, propose(house, content(mapped))).out_of_force
    assert (found.item, found.mapping, found.standing) == ("TXT-1", "nowhere/Art-1", "unknown")


def test_the_first_version_of_a_checklist_adds_everything(house: House) -> None:
    with db.writing() as session:
        first = checklists.published(session, house.entry_id)
        checklists.end(session, actor=house.rita, version_id=first.id or 0, how="withdraw", reason="Wrong.")
    found = look(house.rita, propose(house, content(list(ITEMS))))
    assert (found.published, found.items.added) == ("", tuple(one["id"] for one in ITEMS))


def test_a_version_that_is_not_there_is_not_found(house: House) -> None:
    for version_id in (0, 999_999, 2**40):
        with pytest.raises(NotFound):
            look(house.rita, version_id)


def test_a_withdrawn_version_names_its_approved_and_its_open_cases(house: House) -> None:
    case_id = house.open()
    with db.reading() as session:
        version_id = checklists.published(session, house.entry_id).id or 0
        assert (checklists.cases_on(session, version_id), checklists.open_on(session, version_id)) == ([], [case_id])
    house.set(ReviewCase, case_id, state="approved")
    concerned = house.do(checklists.end, house.rita, version_id=version_id, how="withdraw", reason="A limit is wrong.")
    assert concerned == [case_id]
