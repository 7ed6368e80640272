"""Fixtures: a clock that stands still until it is moved, and banks whose PINs are quick to hash."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from core.reviews import pins
from tests.core.datasets.house import Clock, Make
from tests.core.reviews import house as houses
from tests.core.reviews.bank import Bank, build
from tests.core.reviews.clock import stopped
from tests.core.reviews.house import House


@pytest.fixture
def quick_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash PINs as argon2 does, with the least work it admits."""
    monkeypatch.setattr(pins, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, quick_pins: None) -> Clock:
    return stopped(monkeypatch)


@pytest.fixture
def bank(store: str, person: Make, clock: Clock) -> Bank:
    return build(person, clock)


@pytest.fixture
def house(store: str, person: Make) -> House:
    """A bank with a model, its team, its reviewers and a small checklist; no case is open yet."""
    return houses.build(person)
