"""The API as the launcher serves it: mounted at /api inside another application, reached over HTTP, with real tokens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import api, db
from core.people import actions as people
from tests.conftest import SYSTEM


@pytest.fixture
def client(store: str) -> TestClient:
    """A caller without a token."""
    return mounted()


def mounted() -> TestClient:
    """A client of the API as the launcher serves it; a fault that leaves the API would be raised here."""
    return TestClient(Starlette(routes=api.routes()), base_url="http://portal")


@pytest.fixture
def token(store: str) -> Callable[..., dict[str, str]]:
    """Headers with a fresh token: ``token("catalog:read")``."""

    def make(*scopes: str) -> dict[str, str]:
        with db.writing() as session:
            _, secret = people.create_token(session, actor=SYSTEM, name="test", scopes=list(scopes))
        return {"Authorization": f"Bearer {secret}"}

    return make


@pytest.fixture
def team(store: str) -> str:
    """A team that may own entries."""
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="platform", name="Platform")
    return "platform"
