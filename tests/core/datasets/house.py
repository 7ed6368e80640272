"""A bank with a dataset, its owners and those who want to read it; the clock stands still until it is moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import db
from core.access.policy import Actor
from core.catalog import actions as catalog
from core.datasets import actions, granting, queries, watching
from core.people import actions as people
from core.projects import actions as projects
from tests.conftest import SYSTEM, actor_now

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Make = Callable[..., Actor]


class Clock:
    """The time as everybody in the portal reads it."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **much: float) -> datetime:
        self.at += timedelta(**much)
        return self.at


def stopped(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of everything that datasets do, standing still."""
    made = Clock()
    monkeypatch.setattr(db, "now", made)
    for module in (actions, granting, queries, watching):
        monkeypatch.setattr(module, "now", made)
    return made


def register(name: str = "payments", **spec: Any) -> int:
    columns = [{"name": one, "type": "text"} for one in ("card", "amount", "country")]
    document = {
        "apiVersion": "factory/v1", "kind": "dataset",
        "metadata": {"name": name, "title": name.capitalize(), "description": "Card payments."},
        "spec": {"owner": "cards", "version": "1.0", "source": "The card system.", "columns": columns, **spec},
    }  # fmt: skip
    with db.writing() as session:
        return catalog.register(session, document=document)


@dataclass
class House:
    """People of the bank: ``owner`` and ``second`` own the dataset, ``ada`` of another team wants to read it."""

    person: Make
    clock: Clock
    owner: Actor
    second: Actor
    ada: Actor
    entry_id: int
    entry: str = "dataset:default/payments"

    def wish(self, **more: Any) -> actions.Wish:
        asked = {
            "columns": ("card", "amount"), "purpose": "Find fraud.", "duration": 30, "environment": "exploration",
        } | more  # fmt: skip
        return actions.Wish(**asked)

    def ask(self, actor: Actor | None = None, dataset: str = "", **more: Any) -> int:
        with db.writing() as session:
            asked = actions.ask(session, actor=actor or self.ada, dataset=dataset or self.entry, wish=self.wish(**more))
            return asked.id or 0

    def do(self, verb: str, request_id: int, actor: Actor | None = None, **more: Any) -> Any:
        with db.writing() as session:
            return getattr(actions, verb)(session, actor=actor or self.owner, request_id=request_id, **more)

    def granted(self, **more: Any) -> int:
        request_id = self.ask(**more)
        self.do("approve", request_id)
        self.do("grant", request_id, evidence="TICKET-1")
        return request_id

    def row(self, request_id: int, actor: Actor | None = None) -> queries.RequestRow:
        with db.reading() as session:
            return queries.request(session, actor or self.owner, request_id)

    def state(self, request_id: int) -> str:
        return self.row(request_id).state

    def watch(self) -> watching.Swept:
        return watching.watch(SYSTEM)

    def readers(self, actor: Actor, at: datetime, **more: Any) -> list[queries.ReaderRow]:
        with db.reading() as session:
            return queries.readers(session, actor, at=at, **more).items

    def deactivate(self, actor: Actor) -> None:
        with db.writing() as session:
            people.deactivate_person(session, actor=SYSTEM, person_id=actor.id)


def build(person: Make, clock: Clock) -> House:
    """The bank in the test's store."""
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="bank", name="Bank")
        people.add_unit(session, actor=SYSTEM, unit_id="other", name="Other")
        for team in ("cards", "risk"):
            people.add_team(session, actor=SYSTEM, team_id=team, name=team.title(), unit_id="bank")
    owner, second = person("data engineer", team="cards"), person("data engineer", team="cards")
    ada = person("data scientist", team="risk")
    with db.writing() as session:
        projects.create(session, actor=SYSTEM, project_id="fraud", title="Fraud", team_id="risk")
    return House(person, clock, owner, second, actor_now(ada.id), register())
