"""The reuse review of a project beside a plain catalog search, in one run: flat cost, and at L within five times.

python -m tests.bench.reuse --sizes 200 10000 100000 --database sqlite postgresql
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import Any

from sqlmodel import select

from core import db
from core.catalog import search
from core.projects.queries import shown_to
from core.projects.tables import Project
from core.reuse import queries as reuse
from tests.bench import measuring
from tests.bench.generate import queries
from tests.bench.search import DATABASES, fill, reader, store

SIZES = {"S": 200, "M": 10_000, "L": 100_000}
GOAL = 5.0
ROUNDS = 3
ENTRIES_PER_PROJECT, FEWEST_PROJECTS = 50, 20
"""A project for so many entries, each on a pattern and with adoptions, but never so few that none is similar."""
REVIEWED = 18
"""So many projects are reviewed: as many as the reader sees of the fewest."""
TERMS = 30


def build(entries: int) -> list[str]:
    """Fill the store; returns the projects that are reviewed, which the reader sees."""
    projects = max(entries // ENTRIES_PER_PROJECT, FEWEST_PROJECTS)
    fill(entries, projects)
    seen = select(Project.id).where(shown_to(reader())).order_by(Project.id).limit(REVIEWED)
    with db.reading() as session:
        return list(session.exec(seen))


def measure(database: str, size: int) -> dict[str, Any]:
    """Both, alternating, warm; milliseconds."""
    with store(database):
        start = time.perf_counter()
        asked, actor = build(size), reader()
        took, terms = time.perf_counter() - start, queries()[:TERMS]
        pairs = list(zip(itertools.cycle(asked), terms, strict=False))

        def review(project_id: str) -> int:
            with db.reading() as session:
                return len(reuse.review(session, actor, project_id).hits)

        def plain(words: str) -> None:
            with db.reading() as session:
                search.search(session, actor, words)

        hits = [review(project_id) for project_id in asked]
        for words in terms:
            plain(words)
        reviews: list[float] = []
        searches: list[float] = []
        for _ in range(ROUNDS):
            for project_id, words in pairs:
                reviews.append(measuring.seconds(lambda project_id=project_id: review(project_id)) * 1000)  # type: ignore[misc]
                searches.append(measuring.seconds(lambda words=words: plain(words)) * 1000)  # type: ignore[misc]
    return {
        "database": database, "entries": size, "build s": took, "hits": measuring.median([float(one) for one in hits]),
        "review p50 ms": measuring.median(reviews), "review p95 ms": measuring.p95(reviews),
        "search p50 ms": measuring.median(searches), "search p95 ms": measuring.p95(searches),
        "review / search": measuring.median(reviews) / measuring.median(searches),
    }  # fmt: skip


def main() -> None:
    """Measure, print a table and keep it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES.values()))
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=DATABASES)
    asked = parser.parse_args()
    measuring.report("reuse", [measure(database, size) for database in asked.database for size in asked.sizes])
    print(f"Goal: at {SIZES['L']} entries a review costs at most {GOAL:g} times a plain search.")


if __name__ == "__main__":
    main()
