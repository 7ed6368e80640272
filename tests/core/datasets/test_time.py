"""What time does: reminders once each, expiry by the injected clock, people who left, and the past as auditors ask."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from core import db
from core.access.policy import MATRIX, ROLES, Actor
from core.activity import queries as activity
from core.datasets import actions, queries, states
from core.datasets.watching import Swept
from core.errors import Conflict, NotAllowed
from core.people import notices
from core.projects import actions as projects
from tests.conftest import SYSTEM
from tests.core.datasets.house import START, House, register


def reminders(house: House) -> list[int]:
    with db.reading() as session:
        lines = activity.object_history(session, SYSTEM, house.entry, limit=500)
    return [one.data["hours"] for one in reversed(lines) if one.event == "data-expiry-near"]


def told(actor: Actor) -> list[str]:
    with db.reading() as session:
        return [one.text for one in notices.unread(session, actor, limit=100)]


def test_reminders_come_fourteen_three_and_one_day_before_the_end_once_each(house: House) -> None:
    house.granted(duration=30)
    given = []
    for day in range(1, 30):
        house.clock.forward(days=1)
        house.watch()
        assert house.watch() == Swept(), "a second look changes nothing"
        given.append((day, tuple(reminders(house))))
    changes = [(day, now) for (day, now), (_, before) in zip(given[1:], given, strict=False) if now != before]
    assert changes == [(16, (336,)), (27, (336, 72)), (29, (336, 72, 24))]
    assert len([one for one in told(house.ada) if "Renew it" in one]) == 3


def test_a_job_that_slept_reminds_once_of_what_is_nearest(house: House) -> None:
    house.granted(duration=30)
    house.clock.forward(days=29, hours=12)
    house.watch()
    house.watch()
    assert reminders(house) == [24]


def test_a_short_grant_is_not_reminded_of_on_its_first_day(house: House) -> None:
    house.granted(duration=5)
    assert house.watch() == Swept()
    house.clock.forward(days=2)
    house.watch()
    assert reminders(house) == [72]


def test_production_is_reminded_of_in_hours_and_ends_in_hours(house: House) -> None:
    request_id = house.granted(environment="production", duration=12)
    assert house.row(request_id).until == START + timedelta(hours=12)
    house.clock.forward(hours=5)
    house.watch()
    house.clock.forward(hours=6, minutes=30)
    house.watch()
    assert reminders(house) == [8, 1]
    house.clock.forward(minutes=30)
    assert house.watch() == Swept(expired=1)


def test_a_grant_expires_by_the_clock_once_and_says_so(house: House) -> None:
    request_id = house.granted(duration=10)
    end = house.clock.forward(days=10)
    with db.reading() as session:
        assert queries.grants_of(session, house.ada) == [], "reading ends with the clock, not with the job"
    house.clock.forward(days=2)
    assert house.watch().expired == 1
    assert house.watch() == Swept()
    row = house.row(request_id)
    assert (row.state, row.ended_at) == ("expired", end)
    assert "ended at its time" in told(house.ada)[0]


def test_many_grants_are_swept_in_several_transactions(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.datasets import watching

    monkeypatch.setattr(watching, "AT_ONCE", 2)
    for _ in range(5):
        house.granted(duration=2)
    house.clock.forward(days=3)
    assert house.watch().expired == 5


def test_people_who_left_lose_what_they_read_and_the_others_keep_it(house: House) -> None:
    bob = house.person("data scientist", team="risk")
    request_id = house.granted(people=(house.ada.ref, bob.ref))
    house.clock.forward(days=1)
    house.deactivate(bob)
    assert house.watch() == Swept(left=1)
    assert house.watch() == Swept()
    auditor = house.person("auditor")
    assert [one.person_id for one in house.readers(auditor, house.clock.at)] == [house.ada.id]
    assert len(house.readers(auditor, START)) == 2
    assert "left; their access was ended" in told(house.ada)[0]
    house.deactivate(house.ada)
    assert house.watch().left == 1
    assert (house.state(request_id), house.row(request_id).end_reason) == ("revoked", "the person left")


@pytest.mark.parametrize("role", ROLES)
def test_only_those_who_run_jobs_sweep(house: House, role: str) -> None:
    from core.datasets import watching

    somebody = house.person(role)
    if role in MATRIX["admin.jobs"]:
        assert watching.watch(somebody) == Swept()
        return
    with pytest.raises(NotAllowed):
        watching.watch(somebody)


# --- auditors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_who_could_read_what_is_for_auditors(house: House, role: str) -> None:
    house.granted()
    somebody = house.person(role, team="cards")
    if role in MATRIX["data.audit"]:
        assert len(house.readers(somebody, START)) == 1
        return
    for call in (queries.readers, queries.readers_csv):
        with db.reading() as session, pytest.raises(NotAllowed):
            call(session, somebody, at=START)


def test_the_past_stays_as_it_was(house: House) -> None:
    auditor = house.person("auditor")
    first = house.granted(duration=10)
    house.clock.forward(days=4)
    house.do("revoke", first, reason="A mistake.")
    house.clock.forward(days=10)
    second = house.granted(actor=house.person("data scientist", team="risk"), duration=3, columns=("country",))
    house.clock.forward(days=100)
    house.watch()

    def at(days: float) -> list[int]:
        return [one.request_id for one in house.readers(auditor, START + timedelta(days=days))]

    assert [at(-1), at(0), at(3.99), at(4), at(14), at(16.99), at(17)] == [
        [],
        [first],
        [first],
        [],
        [second],
        [second],
        [],
    ]
    whole = house.readers(auditor, START, through=START + timedelta(days=15))
    assert {one.request_id for one in whole} == {first, second}
    assert house.readers(auditor, START, through=START + timedelta(days=1), person=house.ada.ref)
    assert house.readers(auditor, START, dataset="dataset:default/none\x00") == []


def test_an_auditor_of_a_unit_sees_that_unit_alone(house: House) -> None:
    house.granted()
    assert len(house.readers(house.person("auditor", scope=("unit", "bank")), START)) == 1
    assert house.readers(house.person("auditor", scope=("unit", "other")), START) == []


def test_a_manager_does_not_see_who_reads_restricted_data(house: House) -> None:
    register("secret", classification="restricted")
    third = house.person("data scientist", team="cards")
    request_id = house.ask(third, dataset="secret")
    house.do("approve", request_id)
    house.do("grant", request_id, evidence="T-1")
    assert len(house.readers(house.person("auditor"), START)) == 1
    assert house.readers(house.person("manager"), START) == []


def test_the_export_is_a_table_that_runs_no_formula(house: House) -> None:
    house.granted(purpose='=HYPERLINK("http://evil")\nsecond line')
    with db.reading() as session:
        written = queries.readers_csv(session, house.person("auditor"), at=START)
    header, row = list(csv.reader(io.StringIO(written)))
    told_ = dict(zip(header, row, strict=True))
    assert told_["purpose"].startswith("'=HYPERLINK")
    assert (told_["columns"], told_["since"], told_["evidence"]) == ("card; amount", START.isoformat(), "TICKET-1")


def test_the_overview_takes_the_same_statements_however_many_readers(house: House) -> None:
    from tests.core.tracking.test_portfolio import counted

    auditor = house.person("auditor")
    counts = []
    for _ in range(2):
        for _ in range(3):
            house.granted()
        with counted() as statements:
            house.readers(auditor, START)
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("environment", "reminded", "hours_left", "due"),
    [
        ("test", None, 400, None), ("test", None, 336, 336), ("test", 336, 336, None), ("test", 336, 72, 72),
        ("test", None, 10, 24), ("test", 24, 1, None), ("test", None, 0, None), ("test", None, -5, None),
        ("production", None, 9, None), ("production", None, 8, 8), ("production", 8, 1, 1), ("production", 1, 0.5, None),
    ],
)  # fmt: skip
def test_the_rule_of_reminders(environment: str, reminded: int | None, hours_left: float, due: Any) -> None:
    until = START + timedelta(days=60)
    at = until - timedelta(hours=hours_left)
    assert states.due_reminder(environment, START, until, reminded, at) == due


# --- projects that end -----------------------------------------------------------------------------------------------


def stop(project_id: str = "fraud") -> None:
    with db.writing() as session:
        projects.move(session, actor=SYSTEM, project_id=project_id, stage="stopped", finding="Not feasible.")


def drafted(house: House) -> int:
    with db.writing() as session:
        wish = house.wish(project_id="fraud")
        return actions.draft(session, actor=house.ada, dataset=house.entry, wish=wish).id or 0


@pytest.mark.parametrize("verb", ["submit", "approve", "grant"])
def test_nothing_is_given_for_a_project_that_was_stopped_in_between(house: House, verb: str) -> None:
    request_id = drafted(house) if verb == "submit" else house.ask(project_id="fraud")
    if verb == "grant":
        house.do("approve", request_id)
    stop()
    actor, more = (house.ada, {}) if verb == "submit" else (house.owner, {"evidence": "T-1"} if verb == "grant" else {})
    with pytest.raises(Conflict, match="Fraud, for which the data were asked, is stopped"):
        house.do(verb, request_id, actor=actor, **more)


def test_what_was_given_for_a_project_ends_with_it_and_the_people_are_told(house: House) -> None:
    colleague = house.person("data scientist", team="risk")
    granted = house.granted(project_id="fraud", people=(house.ada.ref, colleague.ref))
    agreed, own = house.ask(project_id="fraud"), house.granted()
    house.do("approve", agreed)
    assert house.watch() == Swept()
    house.clock.forward(days=1)
    stop()
    assert house.watch() == Swept(ended=2)
    assert [house.state(one) for one in (granted, agreed, own)] == ["revoked", "revoked", "granted"]
    row = house.row(granted)
    assert (row.ended_at, row.end_reason) == (house.clock.at, "the project fraud was stopped")
    for one in (house.ada, colleague, house.owner):
        assert any("was ended: Fraud, for which it was asked, was stopped." in news for news in told(one))
    with db.reading() as session:
        ended = [one.data for one in activity.since(session, 0) if one.event == "data-revoked"]
    assert [sorted(one["people"]) for one in ended] == [sorted([house.ada.ref, colleague.ref]), []]
    assert house.watch() == Swept(), "a project takes its data along once"
