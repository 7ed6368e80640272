"""Lists of reviews: what comes first in the queue, what it leaves out, conditions, waivers, and what waits for whom."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core import db
from core.access.policy import Actor
from core.errors import Invalid, NotAllowed
from core.projects.tables import Project
from core.reviews import boards, conditions, ending, requesting, waivers
from core.reviews.boards import CaseRow
from core.reviews.tables import ChecklistVersion
from core.tracking.tables import MirrorAlias, MirrorServer
from tests.core.datasets.house import Make
from tests.core.reviews.bank import Bank
from tests.core.reviews.house import House, checklist


def rows(actor: Actor, **more: Any) -> list[CaseRow]:
    with db.reading() as session:
        return boards.queue(session, actor, **more).items


def ids(actor: Actor, **more: Any) -> list[int]:
    return [one.id for one in rows(actor, **more)]


def alias(version: str, name: str = "champion") -> None:
    with db.writing() as session:
        if session.get(MirrorServer, 1) is None:
            session.add(MirrorServer(id=1, uri="http://mlflow", synced_at=db.now()))
            session.flush()
        session.add(MirrorAlias(server_id=1, model="churn", alias=name, version=version, seen_at=db.now()))


def project(**values: Any) -> None:
    with db.writing() as session:
        session.execute(update(Project).values(**values))


# --- the queue -------------------------------------------------------------------------------------------------------


def test_the_queue_has_what_is_due_first_then_the_higher_tier_then_what_production_waits_for(bank: Bank) -> None:
    day = bank.clock() + timedelta(days=2)
    calm, held, grave, soon, undated = (bank.draft(str(number), state="in review") for number in range(1, 6))
    bank.change(undated, state="draft")
    for case_id, due, tier in ((calm, day, "limited"), (held, day, "limited"), (grave, day, "high"), (soon, day - timedelta(days=1), "minimal")):  # fmt: skip
        bank.change(case_id, due_at=due, tier=tier)
    # of one day, the hour does not outweigh the tier
    bank.change(grave, due_at=day.replace(hour=23))
    alias("2")
    assert ids(bank.rita) == [soon, grave, held, calm, undated]


def test_pages_of_the_queue_follow_each_other_and_count_everything(bank: Bank) -> None:
    made = [bank.draft(str(number)) for number in range(1, 6)]
    with db.reading() as session:
        pages = [boards.queue(session, bank.rita, page=page, size=2) for page in (1, 2, 3, 4)]
    assert [one.id for page in pages for one in page.items] == made
    assert [(len(page.items), page.total) for page in pages] == [(2, 5), (2, 5), (1, 5), (0, 5)]


def test_a_case_says_how_far_it_is_what_its_checks_found_and_what_waits(bank: Bank) -> None:
    case_id = bank.draft(verdict="fail")
    row = rows(bank.rita)[0]
    assert (row.settled, len(row.standings), row.verdicts, row.waiting) == (2, 3, {"fail": 1}, [])
    alias("1")
    alias("1", "challenger")
    project(stage="operate")
    bank.waived(case_id)
    row = rows(bank.rita)[0]
    assert (row.settled, row.verdicts) == (3, {}), "what is let pass is settled"
    assert row.waiting == ["holds challenger, champion", "the project is in operation"]
    bank.find(case_id, "pass")
    other = bank.draft("2", kind="project", name="churn")
    assert next(one for one in rows(bank.rita) if one.id == other).aliases == (), "a project holds no alias of a model"


NARROWED: tuple[tuple[dict[str, Any], set[str]], ...] = (
    ({"view": "open"}, {"draft", "review", "asked"}), ({"view": "approved"}, {"approved"}),
    ({"view": "ended"}, {"ended"}), ({"view": "all"}, {"draft", "review", "asked", "approved", "ended"}),
    ({"tier": "high"}, {"review"}), ({"view": "all", "state": "rejected"}, {"ended"}), ({"kind": "project"}, {"draft"}),
    ({"model": "churn", "version": "2"}, {"review"}), ({"project_id": "churn"}, {"draft", "review", "asked"}),
    ({"project_id": "other"}, set()), ({"q": "CHURN"}, {"draft", "review", "asked"}), ({"q": "%"}, set()),
    ({"q": "\x00\x07"}, {"draft", "review", "asked"}), ({"q": "Responsible", "tier": "high"}, {"review"}),
    ({"q": "x" * 5000}, set()),
)  # fmt: skip


def test_the_queue_is_narrowed(bank: Bank) -> None:
    made = {
        bank.draft("1", kind="project"): "draft", bank.draft("2", tier="high", state="in review"): "review",
        bank.draft("3", state="changes requested"): "asked", bank.draft("4", state="approved"): "approved",
        bank.draft("5", state="rejected"): "ended",
    }  # fmt: skip
    for wanted, found in NARROWED:
        assert {made[one] for one in ids(bank.rita, **wanted)} == found, wanted


def test_a_case_waits_for_who_sits_in_it_until_they_signed(bank: Bank) -> None:
    case_id = bank.submitted()
    bank.draft("2")
    bank.draft("3", state="in review", seats=False)
    assert ids(bank.vera, view="to decide") == ids(bank.rita, view="to decide") == [case_id]
    assert ids(bank.viktor, view="to decide") == []
    bank.signed(bank.vera, case_id, "approve")
    assert (ids(bank.vera, view="to decide"), ids(bank.rita, view="to decide")) == ([], [case_id])
    bank.waived(case_id)  # it voids what was signed
    assert ids(bank.vera, view="to decide") == [case_id]


def test_a_decision_is_late_once_its_day_is_over_unless_the_owner_has_the_ball(bank: Bank) -> None:
    bank.submitted()
    assert not rows(bank.rita)[0].is_late
    bank.clock.forward(days=30)
    assert rows(bank.rita)[0].is_late
    bank.change(rows(bank.rita)[0].id, paused_at=bank.clock())
    assert not rows(bank.rita)[0].is_late


@pytest.mark.parametrize("wrong", [{"view": "none"}, {"size": 0}, {"size": 101}, {"page": 0}, {"page": 10**9}])
def test_a_list_that_does_not_exist_is_refused(bank: Bank, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        ids(bank.rita, **wrong)


def test_of_what_is_hidden_no_list_says_anything(bank: Bank) -> None:
    conditional(bank)
    bank.waived(bank.submitted("2", verdict="fail"))
    with db.reading() as session:
        assert boards.queue(session, bank.ada, view="all").total == 2
        assert [one.cases for one in boards.checklist_versions(session, bank.ada)] == [2]
    project(classification="restricted")
    with db.reading() as session:
        assert [one.cases for one in boards.checklist_versions(session, bank.ada)] == [0]
        assert boards.queue(session, bank.ada, view="all") == boards.Listed([], 0)
        assert boards.conditions_due(session, bank.ada) == boards.Listed([], 0)
        assert boards.waivers_running(session, bank.ada) == boards.Listed([], 0)
        assert boards.queue(session, bank.audrey, view="all").total == 2


def test_without_a_role_nothing_is_listed_and_nothing_waits(bank: Bank, person: Make) -> None:
    nobody = person()
    with db.reading() as session:
        for listed in (boards.queue, boards.conditions_due, boards.waivers_running):
            with pytest.raises(NotAllowed):
                listed(session, nobody)
        assert boards.waiting_for(session, nobody) == boards.Waiting([], [], [], [], [], [])


# --- conditions and waivers ------------------------------------------------------------------------------------------


def conditional(bank: Bank, version: str = "1", days: int = 10) -> int:
    """A case that was approved with a condition of Olga's."""
    case_id = bank.submitted(version)
    wanted = {
        "text": f"Measure {version} again", "owner": bank.olga.ref, "environments": ["test"],
        "due_on": (bank.clock() + timedelta(days=days)).date().isoformat(),
    }  # fmt: skip
    bank.signed(bank.vera, case_id, "approve with conditions", conditions=[wanted])
    bank.signed(bank.rita, case_id, "approve")
    assert bank.state(case_id) == "approved with conditions"
    return case_id


def test_conditions_are_listed_until_they_are_met_the_earliest_day_first(bank: Bank) -> None:
    later, sooner = conditional(bank, "2", days=20), conditional(bank, "1", days=5)
    with db.reading() as session:
        due = boards.conditions_due(session, bank.rita)
        assert [one.case_id for one in due.items] == [sooner, later]
        assert [one.owner for one in due.items] == ["Olga", "Olga"]
        assert boards.conditions_due(session, bank.rita, size=1, page=2).items == due.items[1:]
        assert boards.conditions_due(session, bank.mo, mine=True).items == []
    bank.do(conditions.meet, bank.vera, condition_id=due.items[0].id, note="I saw it.")
    with db.reading() as session:
        left = boards.conditions_due(session, bank.olga, mine=True)
    assert ([one.case_id for one in left.items], left.total, left.items[0].is_late) == ([later], 1, False)
    bank.clock.forward(days=21)
    assert left.items[0].is_late


def running(bank: Bank, actor: Actor | None = None) -> dict[int, str]:
    """Waiver → how the board has it."""
    with db.reading() as session:
        found = boards.waivers_running(session, actor or bank.rita)
    assert found.total == len(found.items)
    return {one.id: "waits" if one.waits else "holds" if one.holds else "to look at" for one in found.items}


def broken(bank: Bank, case_id: int) -> int:
    made = bank.do(waivers.break_glass, bank.max, case_id=case_id, wish=bank.wish())
    return int(made.id)


def test_a_waiver_is_on_the_board_while_it_waits_or_holds(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = bank.waiver(case_id)
    assert running(bank) == {waiver_id: "waits"}
    bank.do(waivers.approve, bank.max, waiver_id=waiver_id)
    assert running(bank) == {waiver_id: "holds"}
    bank.clock.forward(hours=49)
    assert running(bank) == {}, "its time is over"


@pytest.mark.parametrize("approved", [False, True])
def test_a_waiver_leaves_the_board_with_its_case(bank: Bank, approved: bool) -> None:
    case_id = bank.submitted(verdict="fail")
    (bank.waived if approved else bank.waiver)(case_id)
    bank.do(requesting.withdraw, bank.olga, case_id=case_id, reason="Not now.")
    assert running(bank) == {}


def test_a_broken_glass_stays_on_the_board_until_somebody_looked_at_it(bank: Bank) -> None:
    case_id = bank.submitted(verdict="fail")
    waiver_id = broken(bank, case_id)
    assert running(bank) == {waiver_id: "waits"}
    bank.do(waivers.second, bank.mia, waiver_id=waiver_id)
    assert running(bank) == {waiver_id: "holds"}
    bank.clock.forward(hours=100)
    assert running(bank) == {waiver_id: "to look at"}
    bank.do(waivers.review, bank.rob, waiver_id=waiver_id, note="It was right.")
    assert running(bank) == {}


# --- what waits for whom ---------------------------------------------------------------------------------------------


def waiting(actor: Actor) -> dict[str, list[int]]:
    with db.reading() as session:
        found = boards.waiting_for(session, actor)
    return {name: [one.id for one in listed] for name, listed in vars(found).items() if listed}


def test_seats_and_change_requests_wait_for_reviewers_and_owners(bank: Bank) -> None:
    case_id = bank.submitted()
    assert waiting(bank.vera) == {"to_decide": [case_id]}
    assert waiting(bank.olga) == waiting(bank.viktor) == {}
    bank.do(requesting.request_changes, bank.vera, case_id=case_id, items={"DATA-1": "Say more."})
    assert waiting(bank.olga) == {"to_change": [case_id]}
    assert waiting(bank.vera) == waiting(bank.mo) == {}


def test_a_change_that_was_asked_for_is_not_lost_among_many_cases(bank: Bank) -> None:
    for number in range(12):
        bank.draft(str(number), state="in review", seats=False, due_at=bank.clock())
    case_id = bank.draft("99", state="changes requested")
    with db.reading() as session:
        assert [one.id for one in boards.waiting_for(session, bank.olga, limit=3).to_change] == [case_id]


def test_conditions_wait_for_who_is_to_meet_them(bank: Bank) -> None:
    conditional(bank)
    assert len(waiting(bank.olga)["to_meet"]) == 1
    assert waiting(bank.mo) == waiting(bank.rita) == {}


def test_a_waiver_waits_for_who_may_decide_on_it(bank: Bank) -> None:
    case_id = bank.draft(verdict="fail")
    waiver_id = bank.waiver(case_id)
    able = {name for name, one in bank.who.items() if waiting(one).get("to_waive") == [waiver_id]}
    assert able == {"max", "mia", "rita", "rob"}
    bank.do(waivers.approve, bank.max, waiver_id=waiver_id)
    assert not any("to_waive" in waiting(one) for one in bank.who.values())


def test_who_made_what_is_reviewed_is_not_asked_to_let_it_pass(bank: Bank) -> None:
    case_id = bank.draft(verdict="fail")
    bank.waiver(case_id)
    bank.change(case_id, owner=bank.mia.ref)
    assert "to_waive" not in waiting(bank.mia)
    assert "to_waive" in waiting(bank.max)


def test_a_broken_glass_waits_for_its_second_person_and_then_for_another_reviewer(bank: Bank) -> None:
    waiver_id = broken(bank, bank.draft(verdict="fail"))
    assert {name for name, one in bank.who.items() if "to_waive" in waiting(one)} == {"mia", "rita", "rob"}
    bank.do(waivers.second, bank.rob, waiver_id=waiver_id)
    able = {name for name, one in bank.who.items() if waiting(one).get("to_look_at") == [waiver_id]}
    assert able == {"rita"}, "managers accept risk, and do not look at it afterwards"


def test_a_proposed_revocation_waits_for_a_second_person(bank: Bank) -> None:
    case_id = bank.approved()
    bank.do(ending.revoke, bank.max, case_id=case_id, reason="Harm.")
    able = {name for name, one in bank.who.items() if waiting(one).get("to_revoke") == [case_id]}
    assert able == {"mia", "rita", "rob"}, "not the one who proposed it, nor those who may not"
    bank.do(ending.revoke, bank.rob, case_id=case_id, reason="Harm.")
    assert not any("to_revoke" in waiting(one) for one in bank.who.values())


# --- checklists ------------------------------------------------------------------------------------------------------


def test_versions_of_checklists_tell_their_items_and_cases_what_waits_first(house: House) -> None:
    house.open()
    checklist(name="other")
    with db.writing() as session:
        for one in boards.checklist_versions(session, house.rita):
            assert (one.items, one.state, one.applies_to) == (6, "published", "model")
            assert one.cases == (1 if one.title == "Small" else 0)
    with db.writing() as session:
        session.add(
            ChecklistVersion(
                entry_id=house.entry_id, version="2.0.0", content_hash="1" * 64, state="proposed",
                content={"appliesTo": "model", "sections": []}, authored_by=house.ada.ref,
            )
        )  # fmt: skip
    with db.reading() as session:
        found = boards.checklist_versions(session, house.rita)
    assert [(one.title, one.version) for one in found] == [("Small", "2.0.0"), ("Other", "1.0.0"), ("Small", "1.0.0")]


def test_today_is_still_in_time() -> None:
    due = boards.Due(1, 1, "", "", "", "", "", db.now().date(), "")
    assert not due.is_late
    assert boards.Due(1, 1, "", "", "", "", "", date(2020, 1, 1), "").is_late
