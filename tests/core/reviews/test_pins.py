"""Signing PINs: what is one, how wrong ones are counted, and how a person comes to a new one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from core import db
from core.access.policy import Actor
from core.activity.tables import Activity
from core.errors import Conflict, Invalid, NotAllowed
from core.people import actions as people
from core.people import notices
from core.reviews import pins
from core.reviews.pins import Refused
from core.reviews.tables import SigningPin
from tests.conftest import SYSTEM
from tests.core.datasets.house import Clock, Make

PIN = "4711-kiwi"


@pytest.fixture
def vera(store: str, person: Make, clock: Clock) -> Actor:
    made = person("model validator", name="Vera")
    assert set_pin(made) is None
    return made


def set_pin(actor: Actor, pin: str = PIN, current: str = "") -> Refused | None:
    with db.writing() as session:
        return pins.set_pin(session, actor=actor, pin=pin, current=current)


def check(actor: Actor, pin: str) -> Refused | None:
    with db.writing() as session:
        return pins.check(session, actor=actor, pin=pin)


def logged(event: str) -> int:
    with db.reading() as session:
        return len(session.exec(select(Activity.seq).where(Activity.event == event)).all())


def test_the_right_pin_is_right_and_no_other_is(vera: Actor) -> None:
    assert check(vera, PIN) is None
    for wrong in ("", "4711-KIWI", PIN + " ", "x" * 100_000):
        assert isinstance(check(vera, wrong), Refused)
        assert check(vera, PIN) is None


def test_a_pin_is_kept_as_an_argon2_hash_alone(vera: Actor) -> None:
    with db.reading() as session:
        kept = session.get_one(SigningPin, vera.id).hash
        log = session.exec(select(Activity.data)).all()
    assert kept.startswith("$argon2id$")
    assert not [line for line in [kept, *log] if PIN in line]


def test_five_wrong_pins_lock_it_for_a_quarter_of_an_hour_even_for_the_right_one(vera: Actor, clock: Clock) -> None:
    tries = [check(vera, "wrong") for _ in range(5)]
    assert [one.locked_until is not None for one in tries if one] == [False, False, False, False, True]
    refused = check(vera, PIN)
    assert refused is not None
    assert refused.as_error().code == "pin_locked"
    clock.forward(minutes=14, seconds=59)
    assert check(vera, PIN) is not None
    clock.forward(seconds=1)
    assert check(vera, PIN) is None
    assert logged("signing-pin-failed") == 5, "a try while it is locked is no try"
    with db.reading() as session:
        assert [one.text[:27] for one in notices.unread(session, vera)] == ["Your signing PIN was locked"]


def test_a_right_pin_lets_the_counting_begin_anew(vera: Actor) -> None:
    for _ in range(3):
        for _ in range(4):
            assert check(vera, "wrong")
        assert check(vera, PIN) is None


def test_after_a_lock_there_are_five_tries_again(vera: Actor, clock: Clock) -> None:
    for _ in range(5):
        check(vera, "wrong")
    clock.forward(minutes=15)
    assert [check(vera, "wrong").as_error().code for _ in range(5)] == ["wrong_pin"] * 4 + ["pin_locked"]  # type: ignore[union-attr]


def test_wrong_pins_at_the_same_moment_are_all_counted(vera: Actor) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = [one.as_error().code for one in pool.map(lambda _: check(vera, "wrong"), range(8)) if one]
    assert codes.count("wrong_pin") == 4
    assert codes.count("pin_locked") == 4


def test_changing_it_takes_the_present_one_and_a_wrong_one_is_counted(vera: Actor) -> None:
    for _ in range(5):
        assert isinstance(set_pin(vera, "another-1"), Refused)
    assert isinstance(set_pin(vera, "another-1", current=PIN), Refused), "locked"
    with db.writing() as session:
        pins.reset(session, actor=SYSTEM, person_id=vera.id)
    with pytest.raises(Conflict, match="no signing PIN"):
        check(vera, PIN)
    assert set_pin(vera, "another-1") is None
    assert set_pin(vera, PIN, current="another-1") is None
    assert check(vera, PIN) is None


@pytest.mark.parametrize(
    "pin", ["", "12345", "123456", "987654", "aaaaaaaa", "abab" * 3, "abcdefg", "x1" * 33, "a\tb\tc\td"]
)
def test_a_pin_that_anybody_would_try_first_is_none(store: str, person: Make, pin: str) -> None:
    with pytest.raises(Invalid):
        set_pin(person("model validator"), pin)


def test_only_an_active_person_sets_one_and_only_administrators_take_one_away(vera: Actor, person: Make) -> None:
    with pytest.raises(NotAllowed):
        set_pin(SYSTEM)
    with db.writing() as session, pytest.raises(NotAllowed):
        pins.reset(session, actor=vera, person_id=vera.id)
    with db.writing() as session:
        people.deactivate_person(session, actor=SYSTEM, person_id=vera.id)
    with pytest.raises(NotAllowed):
        set_pin(vera, "another-1", current=PIN)
