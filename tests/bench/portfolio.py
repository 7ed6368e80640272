"""P3: a page of 50 of the project portfolio at 20, 200 and 2,000 projects, each way of asking against itself at 20.

A page shows at most 50 lines: at 20 projects it is 20, so the ratio also pays for the lines that are drawn more. The one
who asks is a person of one team, who sees most projects but not all: what they may see is part of every statement.
"""

from __future__ import annotations

import argparse
import gc
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, text
from sqlmodel import Session

from core import db
from core.access.policy import Actor
from core.access.tables import Person
from core.projects import portfolio, serving
from core.projects.actions import STAGES
from core.projects.portfolio import Filter
from core.projects.tables import Adoption, Project, ProjectMember, StagePeriod
from tests.bench import measuring
from tests.bench.generate import OWNERS, UNITS, build_entries
from tests.bench.search import DATABASES, reader, store

SIZES = {"S": 20, "M": 200, "L": 2_000}
ENTRIES = 400
ADOPTIONS = 8
"""Adoptions of each project, exactly one of them of a pattern."""
ROUNDS = 40
_START = datetime(2025, 1, 1, tzinfo=UTC)

ASKED: dict[str, Callable[[Session, Actor], object]] = {
    "by stage": lambda session, actor: portfolio.portfolio(session, actor),
    "by tier, oldest first": lambda session, actor: portfolio.portfolio(session, actor, group="tier", sort="age"),
    "by pattern": lambda session, actor: portfolio.portfolio(session, actor, group="pattern"),
    "most adoptions": lambda session, actor: portfolio.portfolio(session, actor, group="", sort="adoptions"),
    "words and unit": lambda session, actor: portfolio.portfolio(
        session, actor, wanted=Filter(q="project", unit=UNITS[0]), group="unit"
    ),
    "who serves what": lambda session, actor: serving.serving(session, actor),
}
"""Way of asking → what a page does."""


def build(session: Session, count: int) -> None:
    """Fill an empty, migrated store with ``count`` projects, their people, stages and adoptions."""
    build_entries(session, ENTRIES)
    chance = random.Random(11)
    people = [f"p-{number}" for number in range(max(count // 10, 5))]
    session.execute(insert(Person), [{"id": one, "name": one.title(), "title": "", "active": True, "demo": False, "created_at": _START} for one in people])  # fmt: skip
    kinds = session.execute(text("SELECT id, kind FROM entry ORDER BY id")).all()
    patterns = [number for number, kind in kinds if kind == "pattern"][:8]
    others = [number for number, kind in kinds if kind != "pattern"]
    rows = [_rows(number, chance, people, patterns, others) for number in range(count)]
    for table in (Project, StagePeriod, ProjectMember, Adoption):
        session.execute(insert(table), [row for made in rows for row in made[table]])
    session.execute(text("UPDATE entry SET adoptions = (SELECT count(*) FROM adoption WHERE entry_id = entry.id)"))


def _rows(
    number: int, chance: random.Random, people: list[str], patterns: list[int], others: list[int]
) -> dict[Any, list[dict[str, Any]]]:
    key, stage, team = f"project-{number:04}", chance.choice(STAGES), chance.randrange(len(OWNERS))
    moment = _START + timedelta(hours=number)
    project = {
        "id": key, "title": f"Project {chance.randrange(10**6)}", "summary": "A use case. " * 20, "team_id": OWNERS[team],
        "unit_id": UNITS[team % len(UNITS)], "stage": stage, "tier": chance.choice(("", "minimal", "limited", "high")),
        "stage_since": moment, "created_at": moment, "risk_facts": {"people": True}, "tags": ["tabular"],
        "classification": chance.choices(("internal", "public", "confidential", "restricted"), (70, 20, 8, 2))[0],
    }  # fmt: skip
    reached = STAGES[: STAGES.index(stage) + 1]
    periods = [{"project_id": key, "stage": one, "since": moment, "until": None if one == stage else moment} for one in reached]  # fmt: skip
    members = [
        {"project_id": key, "person_id": person, "role": role, "since": moment}
        for person, role in zip(chance.sample(people, 4), ("ML engineer", "data scientist", "domain expert", "manager"), strict=True)
    ]  # fmt: skip
    entries = [chance.choice(patterns), *chance.sample(others, ADOPTIONS - 1)]
    adoptions = [
        {"project_id": key, "entry_id": entry, "version": "1.0.0", "how": "reuse", "note": "", "adopted_by": "system:bench",
         "since": moment, "until": None, "demo": False}
        for entry in entries
    ]  # fmt: skip
    return {Project: [project], StagePeriod: periods, ProjectMember: members, Adoption: adoptions}


def measure(database: str, count: int) -> dict[str, float]:
    """Median of each way of asking, in milliseconds, in turn."""
    with store(database):
        with db.writing() as session:
            build(session, count)
        with db.engine().connect() as connection:
            if not db.is_sqlite(connection):
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        actor = reader()
        times: dict[str, list[float]] = {name: [] for name in ASKED}
        gc.collect()
        gc.freeze()
        for number in range(ROUNDS + 3):
            for name, ask in ASKED.items():
                with db.reading() as session:
                    took = measuring.seconds(lambda ask=ask, session=session: ask(session, actor)) * 1000  # type: ignore[misc]
                if number >= 3:
                    times[name].append(took)
        gc.unfreeze()
        times["file of all"] = [measuring.seconds(lambda: _export(actor)) * 1000 for _ in range(3)]
    return {name: measuring.median(taken) for name, taken in times.items()}


def _export(actor: Actor) -> int:
    with db.reading() as session:
        return sum(len(piece) for piece in portfolio.as_csv(session, actor))


def main() -> None:
    """Measure, print a table and keep it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=DATABASES)
    rows = []
    for database in parser.parse_args().database:
        sizes = {size: measure(database, count) for size, count in SIZES.items()}
        for name in (*ASKED, "file of all"):
            taken = {f"{size} ms": found[name] for size, found in sizes.items()}
            ratio = {f"{one}/{other}": sizes[one][name] / sizes[other][name] for one, other in ("MS", "LS", "LM")}
            rows.append({"database": database, "asked": name, **taken, **ratio})
    measuring.report("portfolio", rows)
    print(
        "Goal: L/S at most 2 by stage, though the page at S has 20 lines; L/M compares 50 with 50. The file grows with its lines."
    )


if __name__ == "__main__":
    main()
