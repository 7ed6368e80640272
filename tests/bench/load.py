"""P2: loading 10,000 YAML entries until they are searchable, and loading them again unchanged.

Floor: the same files through PyYAML's C loader into one table with FTS5, by hand. Peer: Backstage's ingestion of 10,000
entities as recorded (51 s on PostgreSQL and 87 s on SQLite until queryable; 1.1 to 1.4 GB resident).
"""

from __future__ import annotations

import argparse
import resource
import sqlite3
import sys
from pathlib import Path

import yaml

from core import db
from core.access import policy
from core.catalog import loader, sources
from core.people import actions as people
from tests.bench import measuring

BACKSTAGE_SECONDS = {"sqlite": 87.0, "postgresql": 51.0}
BACKSTAGE_MIB = 1100
_WORDS = [
    "drift",
    "metric",
    "model",
    "batch",
    "stream",
    "score",
    "feature",
    "label",
    "fairness",
    "latency",
    "champion",
    "retrain",
    "monitor",
    "table",
    "vector",
]


def write_entries(folder: Path, count: int) -> None:
    """``count`` entries of about 1.7 KB each, the same ones every time."""
    for number in range(count):
        words = " ".join(_WORDS[(number * 7 + place * place) % len(_WORDS)] for place in range(160))
        path = folder / "assets" / f"asset-{number:05}" / "entry.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(
            f"apiVersion: factory/v1\nkind: asset\nmetadata:\n  name: asset-{number:05}\n"
            f"  title: {words[:40].title()} {number}\n  description: {words[:180]}\n"
            f"  tags: [{_WORDS[number % 15]}, {_WORDS[number % 13]}x]\nspec:\n  owner: team-{number % 20:02}\n"
            f"  version: {number % 5}.{number % 10}\n  lifecycle: approved\n  stages: [experiment]\n"
            f"  seeAlso: [asset:default/asset-{(number * 31) % count:05}]\n  usage:\n    code: |\n      # {words}\n"
        )


def floor(folder: Path) -> None:
    """Parse and index by hand, validating nothing and recording nothing."""
    store = sqlite3.connect(folder / "floor.sqlite")
    store.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, name, title, summary, owner, version)")
    store.execute("CREATE VIRTUAL TABLE words USING fts5(name, title, summary, body, tokenize='porter unicode61')")
    rows, texts = [], []
    for number, path in enumerate(sorted(folder.glob("assets/*/entry.yaml"))):
        raw = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        meta, spec = raw["metadata"], raw["spec"]
        rows.append((number, meta["name"], meta["title"], meta["description"], spec["owner"], spec["version"]))
        texts.append((number, meta["name"], meta["title"], meta["description"], spec["usage"]["code"]))
    store.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", rows)
    store.executemany("INSERT INTO words (rowid, name, title, summary, body) VALUES (?, ?, ?, ?, ?)", texts)
    store.commit()
    store.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    count = parser.parse_args().count
    system = policy.system("loader")
    with measuring.own_data() as data:
        folder = data / "definitions"
        write_entries(folder, count)
        db.migrate()
        with db.writing() as session:
            for number in range(20):
                people.add_team(
                    session, actor=policy.system("bench"), team_id=f"team-{number:02}", name=f"Team {number}"
                )

        def load() -> None:
            loader.run(system, source=loader.FILE, files=sources.read_folder(folder), whole=True)

        at_floor = measuring.seconds(lambda: floor(folder))
        first = measuring.seconds(load)
        again = measuring.seconds(load)
        mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    row = {
        "entries": count, "floor s": at_floor, "load s": first, "load/floor": first / at_floor, "again s": again,
        "first/again": first / again, "MiB": round(mib), "Backstage s (recorded)": BACKSTAGE_SECONDS["sqlite"],
        "faster than Backstage": BACKSTAGE_SECONDS["sqlite"] * (count / 10_000) / first,
        "memory/Backstage": mib / BACKSTAGE_MIB,
    }  # fmt: skip
    measuring.report("load", [row])
    print("Goals: 20 times faster than Backstage, 5 times faster again, a third of its memory.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
