"""The bank of the template tests. Templates in ``foreign/`` hold tests of the projects made from them, not of ours."""

from __future__ import annotations

import pytest

from core import db
from core.people import actions as people
from tests.conftest import SYSTEM
from tests.core.templates.house import House, Make, entry, start

collect_ignore_glob = ["foreign/*"]


@pytest.fixture
def house(store: str, person: Make) -> House:
    """A bank with a published template and a project that may ask for it."""
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="retail", name="Retail")
        people.add_team(session, actor=SYSTEM, team_id="platform", name="Platform")
        people.add_team(session, actor=SYSTEM, team_id="cards", name="Cards", unit_id="retail")
    start()
    made = House(
        person, person("data scientist", team="cards", name="Ada"), person("ML engineer", team="platform", name="Mel"),
        person("ML engineer", team="platform", name="Max"), entry(),
    )  # fmt: skip
    made.version_id = made.publish()
    return made
