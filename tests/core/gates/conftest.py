"""Fixtures: a project in operation whose model MLflow has."""

from __future__ import annotations

import pytest

from core import db
from tests.core.gates import house


@pytest.fixture
def churn(shipped: str) -> str:
    """A project with version 3 of its model; the shipped rules say what the gate asks."""
    house.owned()
    with db.writing() as session:
        house.mirrored(session)
    return shipped
