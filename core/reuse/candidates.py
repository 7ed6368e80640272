"""What could be reused, from the catalog's search index: at most sixty entries of each group, whatever its size.

Cost stays flat because only telling words are asked for: a word that :data:`COMMON` entries have is left out, and how
many have it is counted no further than that. Ranking the candidates is :mod:`core.reuse.similarity`'s.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Text,
    bindparam,
    case,
    column,
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy import text as sql
from sqlmodel import Session, col

from core.access.policy import Actor
from core.catalog import merging, ranking
from core.catalog.tables import Entry, EntryContent, EntryRelation, EntryText
from core.catalog.visibility import visible
from core.db import is_sqlite
from core.projects.tables import Adoption, Project

GROUPS: dict[str, tuple[str, ...]] = {
    "internal code": ("asset", "pipeline", "template", "model", "pattern"),
    "datasets": ("dataset",),
    "similar projects": ("project",),
    "open source": ("repository",),
}
"""Group → the kinds of entry in it."""
GROUP_OF = {kind: group for group, kinds in GROUPS.items() for kind in kinds}
PER_GROUP = 60
COMMON = 1000
"""A word that this many entries have tells nothing; looking for it would cost more, the larger the catalog."""
WORDS = 12
"""So many of a project's most telling words are looked for."""
_ASKED_ABOUT = 60
_LONGEST_WORD = 40
_TEXT, _README = 2000, 1000
_HOPS = 5


@dataclass(frozen=True)
class Candidate:
    """An entry that may be reused: its texts (cut) and the facts that can be compared with a project's."""

    id: int
    key: str
    kind: str
    title: str
    summary: str
    classification: str
    version: str
    lifecycle: str
    adoptions: int
    text: str
    """Everything it is found by, for projects without their finding."""
    tags: frozenset[str] = frozenset()
    modalities: frozenset[str] = frozenset()
    target: str = ""
    stages: frozenset[str] = frozenset()
    """The stages an asset is for; of a project the stage it is in."""
    patterns: frozenset[str] = frozenset()
    """Keys of the patterns it names or, for a project, adopted."""
    finding: str = ""
    region: str = ""
    replaces: str = ""
    """Title of the deprecated entry that matched and that this one replaces."""

    @property
    def group(self) -> str:
        """The group of :data:`GROUPS` it stands in."""
        return GROUP_OF[self.kind]


def find(session: Session, actor: Actor, texts: Sequence[str], *, without: str = "") -> list[Candidate]:
    """The entries most like ``texts`` (the most important first) that ``actor`` may see, ``without`` the one with this
    key; retired ones are left out, and deprecated ones give way to their successors. In the order of their keys."""
    asked = _query(session, texts)
    if not asked:
        return []
    nearest = _load(session, actor, _nearest(session, actor, asked, without))
    found = _with_successors(session, actor, nearest, without)
    patterns = patterns_of(session, actor, [one.key for one in found if one.kind == "project"])
    named = _named_patterns(session, [one.id for one in found])
    return [
        replace(one, patterns=patterns.get(one.key, frozenset()) | named.get(one.id, frozenset()))
        for one in sorted(found, key=lambda one: one.key)
    ]


# --- which words to look for -----------------------------------------------------------------------------------------


def telling(texts: Sequence[str], counts: dict[str, int], *, limit: int = WORDS) -> list[str]:
    """The words that tell most: frequent here, rare in the catalog (``counts``, at most :data:`COMMON`), the best first."""
    weights = {
        word: weight * math.log(COMMON / counts[word])
        for word, weight in _weights(texts).items()
        if 0 < counts.get(word, 0) < COMMON
    }
    return sorted(weights, key=lambda word: (-weights[word], word))[:limit]


def _weights(texts: Sequence[str]) -> dict[str, float]:
    """How often each word occurs; in the first text (a title) it counts double."""
    weights: dict[str, float] = {}
    for number, text in enumerate(texts):
        for word in ranking.words(text[: 10 * _TEXT]):
            if 2 < len(word) <= _LONGEST_WORD and word not in ranking.STOP_WORDS and not word.isdigit():
                weights[word] = weights.get(word, 0) + (1 if number else 2)
    return weights


def _query(session: Session, texts: Sequence[str]) -> str:
    """The index's query for these texts; empty if no entry has any of their words."""
    weights = _weights(texts)
    about = sorted(weights, key=lambda word: (-weights[word], word))[:_ASKED_ABOUT]
    if not about:
        return ""
    counts = _counts(session, about)
    write = ranking.fts5 if is_sqlite(session) else ranking.tsquery
    if words := telling(texts, counts):
        return write([(word,) for word in words], any_of_them=True)
    # every word is common: only entries with several of them are worth reading
    return write([(word,) for word in about if counts.get(word)][:3])


_COUNT = {
    True: sql(
        "SELECT value, (SELECT count(*) FROM (SELECT 1 FROM entry_search"
        " WHERE entry_search MATCH '\"' || asked.value || '\"' LIMIT :most)) FROM json_each(:words) AS asked"
    ),
    False: sql(
        "WITH known AS MATERIALIZED (SELECT word, CAST(share * (SELECT reltuples FROM pg_class WHERE oid = 'entry_text'::regclass)"
        " AS integer) AS those FROM pg_stats,"
        " unnest(most_common_elems::text::text[], most_common_elem_freqs) AS common(word, share)"
        " WHERE schemaname = current_schema() AND tablename = 'entry_text' AND attname = 'search')"
        " SELECT asked.value, coalesce((SELECT least(those, :most) FROM known"
        " WHERE word = (tsvector_to_array(to_tsvector('english', asked.value)))[1]),"
        " (SELECT count(*) FROM (SELECT 1 FROM entry_text"
        " WHERE search @@ to_tsquery('english', quote_literal(asked.value)) LIMIT :most) AS counted))"
        " FROM json_array_elements_text(CAST(:words AS json)) AS asked(value)"
    ),
}
"""How many entries have each word, counted up to a limit, in one statement. PostgreSQL, which reads every entry that it
counts, knows the common words from its own statistics, where it has gathered some."""


def _counts(session: Session, words: list[str]) -> dict[str, int]:
    rows = session.execute(_COUNT[is_sqlite(session)], {"words": json.dumps(words), "most": COMMON})
    return {row[0]: row[1] for row in rows}


# --- which entries have them -----------------------------------------------------------------------------------------


def _nearest(session: Session, actor: Actor, asked: str, without: str) -> list[int]:
    """Ids of the best matches of each group, what the actor may not see and what is retired left out before counting."""
    matched = _matched(is_sqlite(session)).subquery("matched")
    group = case(
        {kind: number for number, kinds in enumerate(GROUPS.values()) for kind in kinds}, value=col(Entry.kind)
    )
    place = func.row_number().over(partition_by=group, order_by=(matched.c.rank.desc(), col(Entry.id)))
    placed = (
        select(col(Entry.id).label("id"), place.label("place"))
        .join(matched, matched.c.id == Entry.id)
        .where(
            visible(actor),
            col(Entry.kind).in_(GROUP_OF),
            col(Entry.lifecycle) != "retired",
            col(Entry.key) != without,
        )
        .subquery("placed")
    )
    best = select(placed.c.id).where(placed.c.place <= PER_GROUP).order_by(placed.c.id)
    return list(session.execute(best, {"asked": asked}).scalars())


def _matched(sqlite: bool) -> Any:
    """Id and text rank of the entries that the index finds for ``:asked``: the newest ones, where they are very many."""
    asked: ColumnElement[str] = bindparam("asked", type_=Text)
    if sqlite:
        # with a bare rowid SQLite would rather ask FTS5 entry by entry
        columns = (literal_column("+rowid", Integer).label("id"), literal_column("-rank", Float).label("rank"))
        matched = select(*columns).select_from(table("entry_search")).where(column("entry_search").op("MATCH")(asked))
        return matched.order_by(literal_column("rowid").desc()).limit(WORDS * COMMON)
    vector: ColumnElement[Any] = literal_column("entry_text.search")
    wanted = func.to_tsquery(literal_column("'english'"), asked)
    rank = func.ts_rank(literal_column("'{0.1, 0.3, 0.5, 1}'::real[]"), vector, wanted, 1)
    found = select(col(EntryText.entry_id).label("id"), rank.label("rank")).where(vector.op("@@")(wanted))
    return found.order_by(col(EntryText.entry_id).desc()).limit(WORDS * COMMON)


# --- what they say ---------------------------------------------------------------------------------------------------

_SPEC = {
    "target": EntryContent.document[("spec", "target")],  # type: ignore[index]
    "stages": EntryContent.document[("spec", "stages")],  # type: ignore[index]
    "modality": EntryContent.document[("spec", "fits", "modality")],  # type: ignore[index]
}
_COLUMNS: tuple[Any, ...] = (
    Entry.id, Entry.key, Entry.kind, Entry.title, Entry.summary, Entry.classification, Entry.version, Entry.lifecycle,
    Entry.adoptions, Entry.successor, EntryText.name, EntryText.tags,
    func.substr(EntryText.words, 1, _TEXT).label("words"), func.substr(EntryText.readme, 1, _README).label("readme"),
    *(value.label(f"spec_{name}") for name, value in _SPEC.items()),
    col(Project.id).label("project_id"), col(Project.stage).label("project_stage"),
    func.coalesce(Project.finding, "").label("project_finding"), Project.modality,
    col(Project.target).label("project_target"), Project.value_hypothesis, Project.region,
    col(Project.classification).label("project_classification"), col(Project.title).label("project_title"),
    col(Project.summary).label("project_summary"),
)  # fmt: skip


def _load(session: Session, actor: Actor, ids: Iterable[int]) -> list[_Row]:
    statement = (
        select(*_COLUMNS)
        .join(EntryText, col(EntryText.entry_id) == Entry.id)
        .join(EntryContent, col(EntryContent.entry_id) == Entry.id)
        .outerjoin(Project, (col(Entry.source) == merging.PROJECT) & (col(Project.id) == Entry.name))
        .where(col(Entry.id).in_(list(ids)), visible(actor))
        .order_by(col(Entry.id))
    )
    return [_Row(_candidate(row), row.successor) for row in session.execute(statement)]


def project_texts(title: str, summary: str, value_hypothesis: str, target: str, modality: str) -> list[str]:
    """The texts of a project that are compared, the most important first; the same for the asker and for the others."""
    return [title, summary, value_hypothesis, target, modality]


def _candidate(row: Any) -> Candidate:
    stages = {row.project_stage} if row.project_id else set(_listed(row.spec_stages))
    if row.project_id:
        texts = project_texts(
            row.project_title, row.project_summary, row.value_hypothesis, row.project_target, row.modality
        )
    else:
        texts = [row.name, row.title, row.tags, row.summary, row.words, row.readme]
    target = row.project_target if row.project_id else row.spec_target
    return Candidate(
        id=row.id, key=row.key, kind=row.kind, title=row.title, summary=row.summary,
        classification=row.project_classification or row.classification, version=row.version, lifecycle=row.lifecycle,
        adoptions=row.adoptions, text="\n".join(texts), tags=frozenset(row.tags.split()),
        modalities=frozenset({row.modality} - {None, ""}) | frozenset(_listed(row.spec_modality)),
        target=target if isinstance(target, str) else "", stages=frozenset(stages), finding=row.project_finding,
        region=row.region or "",
    )  # fmt: skip


def _listed(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


@dataclass(frozen=True)
class _Row:
    candidate: Candidate
    successor: str | None


def _with_successors(session: Session, actor: Actor, found: list[_Row], without: str) -> list[Candidate]:
    """Deprecated entries replaced by what replaces them, however many steps away; without one they are left out."""
    kept = {one.candidate.key: one.candidate for one in found if one.candidate.lifecycle != "deprecated"}
    leaving = [(one.successor, one.candidate) for one in found if one.candidate.lifecycle == "deprecated"]
    for _ in range(_HOPS):
        leaving = [(key, old) for key, old in leaving if key and key not in kept and key != without]
        if not leaving:
            break
        ids = session.execute(
            select(col(Entry.id)).where(
                col(Entry.key).in_({key for key, _ in leaving}), col(Entry.lifecycle) != "retired", visible(actor)
            )
        ).scalars()
        there = {one.candidate.key: one for one in _load(session, actor, ids)}
        further: list[tuple[str | None, Candidate]] = []
        for key, old in leaving:
            one = there.get(key or "")
            if one is None or one.candidate.kind not in GROUP_OF:
                continue
            if one.candidate.lifecycle == "deprecated":
                further.append((one.successor, old))
            else:
                said = f"{one.candidate.text}\n{old.title}\n{old.summary}"
                kept[one.candidate.key] = replace(one.candidate, text=said, replaces=old.title)
        leaving = further
    return list(kept.values())


def patterns_of(session: Session, actor: Actor, project_keys: Sequence[str]) -> dict[str, frozenset[str]]:
    """Key of a project's entry → the keys of the visible patterns it adopted, also of those it left."""
    ids = {key.rpartition("/")[2]: key for key in project_keys}
    # what they adopted first, which is little; otherwise SQLite asks every pattern of the catalog who adopted it
    adopted = select(col(Adoption.project_id), col(Adoption.entry_id)).where(col(Adoption.project_id).in_(list(ids)))
    used = adopted.distinct().subquery("used")
    rows = session.execute(
        select(used.c.project_id, col(Entry.key))
        .join(Entry, col(Entry.id) == used.c.entry_id)
        .where(col(Entry.kind) == "pattern", visible(actor))
    )
    found: dict[str, set[str]] = {}
    for project_id, key in rows:
        found.setdefault(ids[project_id], set()).add(key)
    return {key: frozenset(patterns) for key, patterns in found.items()}


def _named_patterns(session: Session, entry_ids: Sequence[int]) -> dict[int, frozenset[str]]:
    rows = session.execute(
        select(col(EntryRelation.entry_id), col(EntryRelation.target)).where(
            col(EntryRelation.entry_id).in_(list(entry_ids)), col(EntryRelation.target).startswith("pattern:")
        )
    )
    found: dict[int, set[str]] = {}
    for entry_id, target in rows:
        found.setdefault(entry_id, set()).add(target)
    return {entry_id: frozenset(targets) for entry_id, targets in found.items()}
