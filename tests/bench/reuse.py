"""The reuse review of a project beside a plain catalog search, in one run: flat cost, and at L within five times.

python -m tests.bench.reuse --sizes 200 10000 100000 --database sqlite postgresql
"""

from __future__ import annotations

import argparse
import itertools
import random
from typing import Any

from core import db
from core.catalog import search
from core.reuse import queries as reuse
from core.reuse.similarity import Subject
from tests.bench import measuring
from tests.bench.generate import queries, vocabulary
from tests.bench.search import DATABASES, fill, reader, store

SIZES = {"S": 200, "M": 10_000, "L": 100_000}
GOAL = 5.0
ROUNDS = 3


def subjects(count: int = 30) -> list[Subject]:
    """Projects that say sixty to a hundred words, as frequent as they are in the entries; always the same ones."""
    chance, words = random.Random(11), vocabulary()
    weights = list(itertools.accumulate(1 / (place + 6) for place in range(len(words))))

    def text(length: int) -> str:
        return " ".join(chance.choices(words, cum_weights=weights, k=length))

    return [Subject([text(5), text(chance.randrange(30, 70)), text(25)], modality="tabular") for _ in range(count)]


def measure(database: str, size: int) -> dict[str, Any]:
    """Both, alternating, warm; milliseconds."""
    with store(database):
        build = measuring.seconds(lambda: fill(size))
        actor, asked, terms = reader(), subjects(), queries()[:30]

        def review(subject: Subject) -> int:
            with db.reading() as session:
                return len(reuse.similar(session, actor, subject))

        def plain(words: str) -> None:
            with db.reading() as session:
                search.search(session, actor, words)

        hits = [review(subject) for subject in asked]
        for words in terms:
            plain(words)
        reviews: list[float] = []
        searches: list[float] = []
        for _ in range(ROUNDS):
            for subject, words in zip(asked, terms, strict=True):
                reviews.append(measuring.seconds(lambda subject=subject: review(subject)) * 1000)  # type: ignore[misc]
                searches.append(measuring.seconds(lambda words=words: plain(words)) * 1000)  # type: ignore[misc]
    return {
        "database": database, "entries": size, "build s": build, "hits": measuring.median([float(one) for one in hits]),
        "review p50 ms": measuring.median(reviews), "review p95 ms": measuring.p95(reviews),
        "search p50 ms": measuring.median(searches), "search p95 ms": measuring.p95(searches),
        "review / search": measuring.median(reviews) / measuring.median(searches),
    }  # fmt: skip


def main() -> None:
    """Measure, print a table and keep it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES.values()))
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=["sqlite"])
    asked = parser.parse_args()
    measuring.report("reuse", [measure(database, size) for database in asked.database for size in asked.sizes])
    print(f"Goal: at {SIZES['L']} entries a review costs at most {GOAL:g} times a plain search.")


if __name__ == "__main__":
    main()
