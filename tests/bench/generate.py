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

from sqlalchemy import insert, text
from sqlmodel import Session, SQLModel

from core.access.tables import BusinessUnit, Person, Team
from core.catalog import merging
from core.catalog.tables import Entry, EntryContent, EntryTag, EntryText, EntryVersion, SearchWord
from core.projects.actions import ACTIVE_STAGES, STAGES
from core.projects.tables import Adoption, Project, ProjectMember, StagePeriod

KINDS = ("asset", "dataset", "pattern", "guide", "repository")
OWNERS = [f"team-{number:02}" for number in range(20)]
UNITS = [f"unit-{number}" for number in range(4)]
TAGS = [f"topic-{number:02}" for number in range(40)]
CHUNK = 2000
ADOPTIONS = 8
"""Adoptions of each project, exactly one of them of a pattern."""
PATTERNS = 8
"""So many patterns are in use."""
Rows = dict[type[SQLModel], list[dict[str, Any]]]
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
    _insert(session, _entries(count, words), (Entry, EntryTag, EntryContent, EntryVersion))


def build_projects(session: Session, count: int) -> None:
    """Add ``count`` projects to a store that has entries: their people, stages, adoptions, and entries in the catalog."""
    people = [f"p-{number}" for number in range(max(count // 10, 5))]
    session.execute(insert(Person), [{"id": one, "name": one.title(), "title": "", "active": True, "demo": False, "created_at": _START} for one in people])  # fmt: skip
    last, kinds = 0, []
    for last, kind in session.execute(text("SELECT id, kind FROM entry ORDER BY id")):
        kinds.append((last, kind))
    patterns = [number for number, kind in kinds if kind == "pattern"][:PATTERNS]
    others = [number for number, kind in kinds if kind != "pattern"]
    made = _projects(count, last, people, patterns, others)
    _insert(session, made, (Project, StagePeriod, ProjectMember, Adoption, Entry, EntryContent, EntryVersion))
    session.execute(text("UPDATE entry SET adoptions = (SELECT count(*) FROM adoption WHERE entry_id = entry.id)"))


def _insert(session: Session, made: Iterator[Rows], tables: tuple[type[SQLModel], ...]) -> None:
    while chunk := list(itertools.islice(made, CHUNK)):
        for table in tables:
            session.execute(insert(table), [row for rows in chunk for row in rows[table]])
        # RETURNING makes it one statement for many rows; FTS5 writes its pages at the end of every statement
        session.execute(
            insert(EntryText).returning(EntryText.entry_id), [row for rows in chunk for row in rows[EntryText]]
        )


def _team(number: int) -> dict[str, Any]:
    unit = UNITS[number % len(UNITS)]
    return {"id": OWNERS[number], "name": OWNERS[number].title(), "description": "", "unit_id": unit, "active": True,
            "demo": False}  # fmt: skip


def _weights(words: list[str]) -> list[float]:
    return list(itertools.accumulate(1 / (rank + 6) for rank in range(len(words))))


def _entries(count: int, words: list[str]) -> Iterator[Rows]:
    chance, weights = random.Random(7), _weights(words)
    for number in range(1, count + 1):
        drawn = chance.choices(words, cum_weights=weights, k=chance.randrange(45, 200))
        yield _rows(number, chance, drawn)


def _rows(number: int, chance: random.Random, drawn: list[str]) -> Rows:
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


# --- projects --------------------------------------------------------------------------------------------------------


def _projects(count: int, last: int, people: list[str], patterns: list[int], others: list[int]) -> Iterator[Rows]:
    """They say sixty to a hundred words each, as frequent as they are in the entries."""
    chance, words = random.Random(11), vocabulary()
    weights = _weights(words)
    for number in range(count):
        drawn = chance.choices(words, cum_weights=weights, k=chance.randrange(60, 100))
        project, entry = _project(number, chance, drawn), last + 1 + number
        used = [chance.choice(patterns), *chance.sample(others, ADOPTIONS - 1)]
        working = chance.sample(people, 4)
        yield _around(project, working, used) | _in_catalog(entry, project)


def _project(number: int, chance: random.Random, drawn: list[str]) -> dict[str, Any]:
    stage, team, moment = chance.choice(STAGES), chance.randrange(len(OWNERS)), _START + timedelta(hours=number)
    return {
        "id": f"project-{number:04}", "title": " ".join(drawn[:5]).title(), "summary": " ".join(drawn[5:-25]),
        "value_hypothesis": " ".join(drawn[-25:]), "team_id": OWNERS[team], "unit_id": UNITS[team % len(UNITS)],
        "stage": stage, "tier": chance.choice(("", "minimal", "limited", "high")), "stage_since": moment,
        "created_at": moment, "risk_facts": {}, "tags": chance.sample(TAGS, 2), "modality": "tabular",
        "classification": chance.choices(("internal", "public", "confidential", "restricted"), (70, 20, 8, 2))[0],
        "finding": "" if stage in ACTIVE_STAGES else " ".join(drawn[10:40]),
    }  # fmt: skip


def _around(project: dict[str, Any], people: list[str], used: list[int]) -> Rows:
    key, moment = project["id"], project["created_at"]
    reached = STAGES[: STAGES.index(project["stage"]) + 1]
    adoption = {
        "project_id": key, "version": "1.0.0", "how": "reuse", "note": "", "adopted_by": "system:bench", "since": moment,
        "until": None, "demo": False,
    }  # fmt: skip
    return {
        Project: [project],
        StagePeriod: [{"project_id": key, "stage": one, "since": moment, "until": None if one == reached[-1] else moment} for one in reached],
        ProjectMember: [
            {"project_id": key, "person_id": person, "role": role, "since": moment}
            for person, role in zip(people, ("ML engineer", "data scientist", "domain expert", "data engineer"), strict=True)
        ],
        Adoption: [adoption | {"entry_id": one} for one in used],
    }  # fmt: skip


def _in_catalog(number: int, project: dict[str, Any]) -> Rows:
    """The entry that stands for a project, as its registration keeps it."""
    name, moment = project["id"], project["created_at"]
    spec = {"owner": project["team_id"], "stage": project["stage"], "problem": project["summary"]}
    document = {"apiVersion": "factory/v1", "kind": "project", "metadata": {"name": name}, "spec": spec}
    entry = {
        "id": number, "key": f"project:default/{name}", "kind": "project", "namespace": "default", "name": name,
        "title": project["title"], "summary": project["summary"], "owner": project["team_id"], "unit": project["unit_id"],
        "lifecycle": "approved", "classification": project["classification"], "version": "", "licence": "", "adoptions": 0,
        "quality": 100, "successor": None, "source": merging.PROJECT, "origin": "", "stale_since": None, "revision": 1,
        "demo": False, "created_at": moment, "updated_at": moment,
    }  # fmt: skip
    words = {"entry_id": number, "name": name, "title": project["title"], "tags": " ".join(project["tags"]),
             "summary": project["summary"], "words": project["finding"], "readme": ""}  # fmt: skip
    content = {
        "entry_id": number,
        "document": document,
        "upstream": document,
        "provenance": {},
        "digest": f"{number:064}",
    }
    version = {"entry_id": number, "version": "", "released": "", "notes": "", "seen_at": moment}
    return {Entry: [entry], EntryText: [words], EntryContent: [content], EntryVersion: [version]}
