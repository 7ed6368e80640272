"""A factory of a given size, deterministic, built by bulk inserts: what the benchmarks measure on.

Words follow a Zipf-like law, hard on purpose: about half of the search terms of :func:`queries` are in more than a fifth
of the entries, the most frequent one in nine of ten.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, SQLModel

from core.access.tables import BusinessUnit, Team
from core.catalog.tables import Entry, EntryContent, EntryTag, EntryText, EntryVersion, SearchWord

KINDS = ("asset", "dataset", "pattern", "guide", "repository")
OWNERS = [f"team-{number:02}" for number in range(20)]
UNITS = [f"unit-{number}" for number in range(4)]
TAGS = [f"topic-{number:02}" for number in range(40)]
CHUNK = 2000
_START = datetime(2025, 1, 1, tzinfo=UTC)


def vocabulary(size: int = 5000) -> list[str]:
    """Pronounceable words, the most frequent first."""
    syllables = [c + v for c in "bdfgklmnprstv" for v in "aeiou"]
    made = ("".join(parts) for length in (2, 3) for parts in itertools.product(syllables, repeat=length))
    words = list(itertools.islice(made, size * 12))
    random.Random(3).shuffle(words)
    return words[:size]


def queries(count: int = 60) -> list[str]:
    """Search terms of one or two words, half of them frequent."""
    chance, words = random.Random(5), vocabulary()

    def word(number: int) -> str:
        return words[chance.randrange(0, 40) if number % 2 else chance.randrange(40, 3000)]

    return [word(n) if n % 3 else f"{word(n)} {word(n + 1)}" for n in range(count)]


def build_entries(session: Session, count: int) -> None:
    """Fill an empty, migrated store with ``count`` entries, their texts, tags, versions, owners and vocabulary."""
    words = vocabulary()
    session.execute(insert(BusinessUnit), [{"id": one, "name": one.title(), "demo": False} for one in UNITS])
    session.execute(insert(Team), [_team(number) for number in range(len(OWNERS))])
    session.execute(insert(SearchWord), [{"word": word} for word in words])
    made = _entries(count, words)
    while chunk := list(itertools.islice(made, CHUNK)):
        for table in (Entry, EntryTag, EntryContent, EntryVersion):
            session.execute(insert(table), [row for rows in chunk for row in rows[table]])
        # RETURNING makes it one statement for many rows; FTS5 writes its pages at the end of every statement
        session.execute(
            insert(EntryText).returning(EntryText.entry_id), [row for rows in chunk for row in rows[EntryText]]
        )


def _team(number: int) -> dict[str, Any]:
    unit = UNITS[number % len(UNITS)]
    return {"id": OWNERS[number], "name": OWNERS[number].title(), "description": "", "unit_id": unit, "active": True,
            "demo": False}  # fmt: skip


def _entries(count: int, words: list[str]) -> Iterator[dict[type[SQLModel], list[dict[str, Any]]]]:
    chance = random.Random(7)
    weights = list(itertools.accumulate(1 / (rank + 6) for rank in range(len(words))))
    for number in range(1, count + 1):
        drawn = chance.choices(words, cum_weights=weights, k=chance.randrange(45, 200))
        yield _rows(number, chance, drawn)


def _rows(number: int, chance: random.Random, drawn: list[str]) -> dict[type[SQLModel], list[dict[str, Any]]]:
    kind, team = chance.choice(KINDS), chance.randrange(len(OWNERS))
    name = f"{drawn[0]}-{drawn[1]}-{number}"
    title, summary = " ".join(drawn[:4]).title(), " ".join(drawn[4:28])
    specification, readme = " ".join(drawn[28:60]), " ".join(drawn[60:])
    tags = chance.sample(TAGS, 3)
    document = {"apiVersion": "factory/v1", "kind": kind, "metadata": {"name": name, "tags": tags}, "spec": {}}
    moment = _START + timedelta(minutes=number)
    entry = {
        "id": number, "key": f"{kind}:default/{name}", "kind": kind, "namespace": "default", "name": name, "title": title,
        "summary": summary, "owner": OWNERS[team], "unit": UNITS[team % len(UNITS)],
        "lifecycle": chance.choices(("approved", "proposed", "deprecated", "retired"), (80, 10, 8, 2))[0],
        "classification": chance.choices(("internal", "public", "confidential", "restricted"), (70, 20, 8, 2))[0],
        "version": "1.0.0", "licence": "", "adoptions": int(chance.paretovariate(1)) - 1,
        "quality": chance.randrange(80, 126), "successor": None, "source": "file", "origin": "", "stale_since": None,
        "revision": 1, "demo": False, "created_at": moment, "updated_at": moment,
    }  # fmt: skip
    words = {"entry_id": number, "name": name, "title": title, "tags": " ".join(tags), "summary": summary,
            "words": specification, "readme": readme}  # fmt: skip
    content = {
        "entry_id": number,
        "document": document,
        "upstream": document,
        "provenance": {},
        "digest": f"{number:064}",
    }
    version = {"entry_id": number, "version": "1.0.0", "released": "", "notes": "", "seen_at": moment}
    return {
        Entry: [entry], EntryText: [words], EntryTag: [{"entry_id": number, "tag": tag} for tag in tags],
        EntryContent: [content], EntryVersion: [version],
    }  # fmt: skip
