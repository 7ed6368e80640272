"""The activity log: gapless, append-only, and any change to it is found."""

from __future__ import annotations

import json
import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core import db
from core.access import policy
from core.activity import chain, events, queries, recording
from core.activity.tables import Checkpoint
from core.config import settings
from tests.conftest import SYSTEM

AUDITOR = policy.Actor("person", "p-a", "Auditor", frozenset({policy.Grant("auditor")}))


def write(count: int) -> None:
    with db.writing() as session:
        for number in range(count):
            recording.record(session, SYSTEM, events.UnitAdded(f"unit:u{number}"))


def verify() -> queries.Verification:
    with db.reading() as session:
        return queries.verify(session, AUDITOR)


def tamper(statement: str) -> None:
    """Change the log as somebody with the database file would: without the guards."""
    with db.engine().begin() as connection:
        if db.is_sqlite(connection):
            for name in ("updated", "deleted", "replaced"):
                connection.execute(text(f"DROP TRIGGER activity_is_never_{name}"))
        else:
            connection.execute(text("ALTER TABLE activity DISABLE TRIGGER USER"))
        connection.exec_driver_sql(statement)


def test_a_log_nobody_touched_is_intact(store: str) -> None:
    write(5)
    assert verify() == queries.Verification("intact", 5, 0)


def test_an_empty_log_is_intact(store: str) -> None:
    assert verify().state == "intact"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE activity SET subject = 'unit:x2' WHERE seq = 3",
        "UPDATE activity SET data = '{\"a\":1}' WHERE seq = 3",
        "UPDATE activity SET actor = 'person:p-x' WHERE seq = 3",
        "UPDATE activity SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 3",
        "UPDATE activity SET event = 'team-added' WHERE seq = 3",
        "UPDATE activity SET hash = previous WHERE seq = 3",
        "DELETE FROM activity WHERE seq = 3",
    ],
)
def test_verify_names_the_record_that_was_changed(store: str, change: str) -> None:
    write(5)
    tamper(change)
    found = verify()
    assert (found.state, found.record) == ("broken", 4 if change.startswith("DELETE") else 3)
    assert found.reason


def test_a_tail_that_was_cut_off_is_found_against_a_checkpoint(store: str) -> None:
    write(5)
    with db.writing() as session:
        assert recording.seal(session) is not None
    tamper("DELETE FROM activity WHERE seq > 3")
    assert verify().state == "truncated"


def test_a_log_written_anew_is_found_against_a_checkpoint_even_when_its_own_checkpoints_are_gone(store: str) -> None:
    write(3)
    with db.writing() as session:
        recording.seal(session)
    tamper("DELETE FROM activity")
    with db.engine().begin() as connection:
        guard = (
            "DROP TRIGGER checkpoint_is_never_deleted"
            if store == "sqlite"
            else "ALTER TABLE checkpoint DISABLE TRIGGER USER"
        )
        connection.execute(text(guard))
        connection.execute(text("DELETE FROM checkpoint"))
    write(3)
    found = verify()
    assert (found.state, found.record) == ("broken", 3)


def test_a_log_written_anew_and_sealed_with_another_key_is_found(store: str) -> None:
    write(3)
    with db.writing() as session:
        recording.seal(session)
    stranger = chain.signing_key(chain.new_key())
    write(1)
    with db.writing() as session:
        last = queries.since(session, 3)[0]
        key, signature = chain.seal(stranger, last.seq, last.hash, "2026-11-23T10:00:00.000000Z")
        session.add(
            Checkpoint(seq=last.seq, hash=last.hash, at="2026-11-23T10:00:00.000000Z", key=key, signature=signature)
        )
    found = verify()
    assert (found.state, found.record) == ("broken", 4)
    assert "not this portal's" in found.reason


def test_sealing_twice_without_news_makes_one_checkpoint(store: str) -> None:
    write(1)
    with db.writing() as session:
        assert recording.seal(session) is not None
    with db.writing() as session:
        assert recording.seal(session) is None
    assert verify().sealed_to == 1


def test_the_seal_key_is_readable_by_its_owner_alone(store: str) -> None:
    write(1)
    with db.writing() as session:
        recording.seal(session)
    key = settings().data / "keys" / "activity.ed25519"
    assert key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE activity SET subject = 'x' WHERE seq = 1",
        "DELETE FROM activity WHERE seq = 1",
        "UPDATE checkpoint SET hash = 'x'",
        "DELETE FROM checkpoint",
    ],
)
def test_the_database_itself_refuses_changes(store: str, statement: str) -> None:
    write(1)
    with db.writing() as session:
        recording.seal(session)
    with pytest.raises(DBAPIError, match="append-only"), db.engine().begin() as connection:
        connection.execute(text(statement))


def test_sqlite_refuses_to_replace_a_record_on_a_connection_of_somebody_elses() -> None:
    db.migrate()
    write(2)
    strange = sqlite3.connect(settings().data / "portal.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        strange.execute("INSERT OR REPLACE INTO activity SELECT * FROM activity WHERE seq = 1")
    strange.close()


def test_fifty_writers_at_once_leave_one_gapless_chain(store: str) -> None:
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: write(1), range(50)))
    found = verify()
    assert (found.state, found.records) == ("intact", 50)


def test_what_is_rolled_back_leaves_no_record(store: str) -> None:
    with pytest.raises(ZeroDivisionError), db.writing() as session:
        _record_and_fail(session)
    assert verify().records == 0


def test_an_export_can_be_verified_without_the_store(store: str) -> None:
    write(4)
    with db.reading() as session:
        lines = [json.loads(line) for line in queries.export(session, AUDITOR)]
    previous = chain.GENESIS
    for line in lines:
        record = chain.Record(*(line[name] for name in chain.Record._fields))
        assert (record.previous, chain.record_hash(record)) == (previous, line["hash"])
        previous = line["hash"]
    assert len(lines) == 4


def test_team_roles_read_only_what_they_did_themselves(store: str, person: object) -> None:
    write(3)
    scientist = policy.Actor("person", "p-s", "Scientist", frozenset({policy.Grant("data scientist")}))
    with db.writing() as session:
        recording.record(session, scientist, events.SignedIn(scientist.ref, way="local"))
    with db.reading() as session:
        own = queries.history(session, scientist)
        everything = queries.history(session, AUDITOR, seen=())
        unasked = queries.history(session, AUDITOR)
    assert (own.total, everything.total) == (1, 4)
    assert unasked.total == 0, "without what the reader may see, they read what they did themselves"


def test_no_event_carries_a_personal_name(store: str) -> None:
    name = f"Ada {secrets.token_hex(4)}"
    from core.people import actions as people

    with db.writing() as session:
        people.add_person(session, actor=SYSTEM, name=name, email="ada@factory.example")
    with db.reading() as session:
        assert not [line for line in queries.export(session, AUDITOR) if name in line or "ada@" in line]


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_bit_of_a_record_changes_its_hash(position: int, bit: int) -> None:
    record = chain.Record(
        7, "2026-11-23T10:00:00.000000Z", "person:p-1", "unit-added", "unit:a", '{"k":"v"}', chain.GENESIS
    )
    flat = "\x1f".join(str(part) for part in record).encode()
    place = position % len(flat)
    flipped = flat[:place] + bytes([flat[place] ^ (1 << bit)]) + flat[place + 1 :]
    parts = flipped.decode("utf-8", "surrogateescape").split("\x1f")
    if len(parts) != 7 or not parts[0].isascii() or not parts[0].isdigit():
        return
    changed = chain.Record(int(parts[0]), *parts[1:])
    if changed != record:
        assert chain.record_hash(changed) != chain.record_hash(record)


def test_every_event_has_a_name_and_says_what_it_tells() -> None:
    names = [one.name for one in events.all_events()]
    assert len(names) == len(set(names)) > 20
    assert all(one.__doc__ and not one.__doc__.startswith(one.__name__) for one in events.all_events())


def _record_and_fail(session: db.Session) -> None:
    recording.record(session, SYSTEM, events.UnitAdded("unit:x"))
    raise ZeroDivisionError
