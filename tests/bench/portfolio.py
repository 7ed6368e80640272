"""P3: a page of 50 of the project portfolio at 20, 200 and 2,000 projects, each way of asking against itself at 20.

A page shows at most 50 lines: at 20 projects it is 20, so the ratio also pays for the lines that are drawn more. The one
who asks is a person of one team, who sees most projects but not all: what they may see is part of every statement.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable

from sqlalchemy import text
from sqlmodel import Session

from core import db
from core.access.policy import Actor
from core.projects import portfolio, serving
from core.projects.portfolio import Filter
from tests.bench import measuring
from tests.bench.generate import UNITS, build_entries, build_projects, vocabulary
from tests.bench.search import DATABASES, reader, store

SIZES = {"S": 20, "M": 200, "L": 2_000}
ENTRIES = 400
ROUNDS = 40
FREQUENT = vocabulary()[0]

ASKED: dict[str, Callable[[Session, Actor], object]] = {
    "by stage": lambda session, actor: portfolio.portfolio(session, actor),
    "by tier, oldest first": lambda session, actor: portfolio.portfolio(session, actor, group="tier", sort="age"),
    "by pattern": lambda session, actor: portfolio.portfolio(session, actor, group="pattern"),
    "most adoptions": lambda session, actor: portfolio.portfolio(session, actor, group="", sort="adoptions"),
    "words and unit": lambda session, actor: portfolio.portfolio(
        session, actor, wanted=Filter(q=FREQUENT, unit=UNITS[0]), group="unit"
    ),
    "who serves what": lambda session, actor: serving.serving(session, actor),
}
"""Way of asking → what a page does."""


def build(session: Session, count: int) -> None:
    """Fill an empty, migrated store with ``count`` projects, their people, stages and adoptions."""
    build_entries(session, ENTRIES)
    build_projects(session, count)


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
