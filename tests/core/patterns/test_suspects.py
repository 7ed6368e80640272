"""The store names every project that deviates, and few that do not: what it decides in SQL is held against the rules."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from sqlmodel import select

from core import db
from core.access.tables import Team
from core.catalog import actions as catalog
from core.catalog.tables import Entry
from core.patterns import inheritance, loading
from core.patterns.suspects import may_deviate
from core.patterns.tables import Deviation, PatternApproval, PatternUse
from core.projects.tables import Adoption, Project
from tests.conftest import SYSTEM

VALUES = {
    "classification": ["public", "internal", "confidential", "restricted"],
    "region": ["eu-west", "EU-North", "us-east", "Zürich", ""],
    "services": ["KServe", "Grafana", 'straße\'s "own" 漢字'],
    "tier": ["minimal", "high", ""],
    "modality": ["tabular", "time series", ""],
    "personal data": ["none", "direct", ""],
}
"""Fact → values that projects have and approvals allow; empty is not known."""


def approvals(entry_id: int, chance: random.Random) -> list[PatternApproval]:
    """Approvals of two versions: in force, expired and revoked, with conditions on any fact."""
    today = db.now().date()

    def allowed(fact: str) -> list[str]:
        return [one.upper() if chance.random() < 0.3 else one for one in VALUES[fact] if one and chance.random() < 0.7]

    made = []
    for number in range(14):
        facts = chance.sample(list(VALUES), 2)
        conditions = [{"text": f"{fact} {number}", "fact": fact, "allowed": allowed(fact)} for fact in facts]
        conditions.append({"text": f"attested {number}", "fact": "", "allowed": []})
        made.append(
            PatternApproval(
                entry_id=entry_id, version=chance.choice(["1.0", "2.0"]), item_id=f"IT-{number % 9}", by="IT", scope="",
                conditions=conditions, evidence="x", approved_by="person:p", expires_on=today + timedelta(days=chance.choice([-1, 0, 9])),
                revoked_at=db.now() if number % 7 == 6 else None,
            )
        )  # fmt: skip
    return made


def uses(entry_id: int, chance: random.Random, count: int) -> list[Any]:
    """Projects on the pattern with facts by chance; some declared a deviation, which is in any state."""
    made: list[Any] = []
    today = db.now().date()
    for number in range(count):
        one = {fact: chance.choice(values) for fact, values in VALUES.items()}
        key = f"p-{number:03}"
        services = {"deploy": chance.sample(VALUES["services"], chance.randrange(3)), "monitor": []}
        made += [
            Project(id=key, title=key, team_id="risk", classification=one["classification"], region=one["region"], tier=one["tier"],
                    modality=one["modality"], risk_facts={"personal_data": one["personal data"]} if one["personal data"] else {}),
            Adoption(project_id=key, entry_id=entry_id, version=chance.choice(["1.0", "2.0"]), adopted_by="person:p"),
            PatternUse(project_id=key, entry_id=entry_id, version="1.0", region=chance.choice(VALUES["region"]), services=services,
                       adopted_by="person:p"),
        ]  # fmt: skip
        if number % 3 == 0:
            made.append(
                Deviation(
                    project_id=key, entry_id=entry_id, item_id=f"IT-{chance.randrange(9)}", what="x", origin="declared",
                    state=chance.choice(["open", "accepted", "rejected", "resolved"]),
                    expires_on=chance.choice([None, today - timedelta(days=1), today]),
                )
            )  # fmt: skip
    return made


def deviates(use: loading.Use, given: Any, deviations: Any) -> bool:
    """Whether something of it could wait for a decision, by the rules."""
    today = db.now().date()
    items = inheritance.items([], given, use.facts, deviations, today)
    declared = [one for one in deviations if one.state != "rejected" and not inheritance.in_force(one, today)]
    return bool(declared) or any(inheritance.gaps(one) for one in items)


def test_every_project_that_deviates_is_named_and_most_others_are_not(store: str) -> None:
    document = {
        "apiVersion": "factory/v1", "kind": "pattern", "metadata": {"name": "scoring", "description": "Scores."},
        "spec": {"owner": "risk", "problem": "Late."},
    }  # fmt: skip
    with db.writing() as session:
        session.add(Team(id="risk", name="Risk"))
        session.flush()
        entry_id = catalog.register(session, document=document)
    for seed in range(4):
        chance = random.Random(seed)
        with db.writing() as session:
            for table in (Deviation, PatternUse, Adoption, PatternApproval, Project):
                for row in session.exec(select(table)):
                    session.delete(row)
                session.flush()
            session.add_all(approvals(entry_id, chance)[: 4 + 3 * seed])
            made = uses(entry_id, chance, 60)
            session.add_all([one for one in made if isinstance(one, Project)])
            session.flush()
            session.add_all([one for one in made if not isinstance(one, Project)])
        with db.reading() as session:
            there = list(loading.loaded(session, SYSTEM))
            named = {
                use.project_id for use, _, _ in loading.loaded(session, SYSTEM, may_deviate(session, db.now().date()))
            }
            wanted = {use.project_id for use, given, deviations in there if deviates(use, given, deviations)}
            assert session.exec(select(Entry.id)).all() == [entry_id]
        assert len(there) == 60
        assert wanted <= named
        assert len(named - wanted) < 12, "an approval that a later one replaced may name some more"
