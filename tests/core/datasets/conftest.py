"""Fixtures: a bank with a dataset, and a clock that stands still until it is moved."""

from __future__ import annotations

import pytest

from tests.core.datasets.house import Clock, House, Make, build, stopped


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return stopped(monkeypatch)


@pytest.fixture
def house(store: str, person: Make, clock: Clock) -> House:
    return build(person, clock)
