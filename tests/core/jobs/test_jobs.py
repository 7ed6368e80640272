"""Jobs in this process: on demand and on schedule, tried again, listed, and forgotten in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from core import db, jobs
from core.access.policy import Actor
from core.errors import NotAllowed
from core.jobs import seats
from core.jobs.seats import Seat
from tests.conftest import SYSTEM, forget_settings
from tests.core.jobs.conftest import Registry, until

pytestmark = pytest.mark.slow


@pytest.fixture
def running(store: str) -> Iterator[None]:
    """Jobs run in this process."""
    assert jobs.start()
    yield
    jobs.stop()


def run(name: str) -> str:
    """Ask for a job and wait until it ended; returns how."""
    asked = jobs.enqueue(SYSTEM, name)
    until(lambda: state_of(asked) not in ("enqueued", "pending"))
    return state_of(asked)


def state_of(run_id: str) -> str:
    return next((one.state for one in jobs.recent(SYSTEM) if one.id == run_id), "forgotten")


def scheduled(job: str) -> jobs.Schedule:
    return next(one for one in jobs.schedules(SYSTEM) if one.job == job)


def test_a_step_that_fails_is_tried_again(registry: Registry, running: None) -> None:
    registry.faults = 2  # one attempt: the client asks twice
    assert run("sync-models") == "success"
    assert registry.syncs == 1


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_job_that_fails_for_good_says_why(registry: Registry, running: None) -> None:
    registry.faults = 100
    assert run("sync-models") == "error"
    assert "is out of reach" in jobs.recent(SYSTEM)[0].error
    assert registry.syncs == 0


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_job_runs_when_it_is_asked_for(registry: Registry, running: None) -> None:
    without_arguments = [name for name in jobs.JOBS if name not in jobs.OF_A_SOURCE]
    assert {name: run(name) for name in without_arguments} == dict.fromkeys(without_arguments, "success")
    assert [one.name for one in jobs.recent(SYSTEM)] == without_arguments[::-1]


def test_what_schedules_ran_is_listed_apart_from_what_was_asked_for_and_forgotten_sooner(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_SYNC_SECONDS", "5")
    forget_settings()
    assert jobs.start()
    try:
        assert run("seal-log") == "success"
        until(lambda: (last := scheduled("sync-models").last) and last.state == "success")
        assert [one.name for one in jobs.recent(SYSTEM)] == ["seal-log"]
        assert scheduled("sync-models").failure is None
        before, now = jobs.recent(SYSTEM)[0].id, db.now
        first = scheduled("sync-models").last

        monkeypatch.setattr(db, "now", lambda: now() + timedelta(days=3))
        assert run("tidy-jobs") == "success"
        assert state_of(before) == "success"
        until(lambda: scheduled("sync-models").last not in (None, first))

        monkeypatch.setattr(db, "now", lambda: now() + timedelta(days=31))
        assert run("tidy-jobs") == "success"
        assert state_of(before) == "forgotten"
    finally:
        jobs.stop()


def test_every_schedule_is_kept_by_dbos_and_none_besides(running: None) -> None:
    assert {one["schedule_name"] for one in jobs._client().list_schedules()} == set(jobs.SCHEDULES)
    assert set(jobs.SCHEDULES.values()) <= set(jobs.JOBS)
    assert [one.job for one in jobs.schedules(SYSTEM)] == list(jobs.SCHEDULES.values())


def test_others_neither_ask_nor_look(store: str, person: Callable[..., Actor]) -> None:
    auditor = person("auditor")
    for ask in (jobs.recent, jobs.schedules, lambda actor: jobs.enqueue(actor, "seal-log")):
        with pytest.raises(NotAllowed):
            ask(auditor)


def test_each_process_has_a_seat_of_its_own_and_the_next_one_gets_what_is_free(store: str) -> None:
    first, second = Seat(), Seat()
    assert [first.name, second.name] == ["local", "local-1"]
    first.leave()
    third, fourth = Seat(), Seat()
    assert [third.name, fourth.name] == ["local", "local-2"]
    for one in (second, third, fourth):
        one.leave()


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_seat_is_held_though_the_connection_is_lost(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "RENEWAL_SECONDS", 0.1)
    held = (
        "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
        " WHERE locktype = 'advisory' AND classid = 720318 AND datname = current_database()"  # other tests hold theirs
    )

    def holders() -> list[int]:
        with db.engine().connect() as connection:
            return list(connection.execute(text(held)).scalars())

    seat = Seat()
    (lost,) = holders()
    with db.engine().connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": lost})
    until(lambda: (found := holders()) and found != [lost])
    seat.leave()
    assert holders() == []
