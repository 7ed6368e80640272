"""Reading reuse: the ranked review of what exists for a project, and what a text is like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.catalog import ranking
from core.catalog.kinds import TITLES
from core.catalog.references import normalise
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.errors import NotFound
from core.projects.actions import is_project_id
from core.projects.tables import Adoption, Project
from core.projects.visibility import shown_to
from core.reuse import candidates, similarity
from core.reuse.candidates import GROUPS, Candidate
from core.reuse.similarity import MatchedTerm, Similar, Subject
from core.reuse.tables import ReuseDecision

SHOWN = 30
"""A review lists so many hits; all strong ones are among them."""
STRONG = 0.08
"""Least similarity of a strong hit. Ours: on the shipped catalog, what a person would open lies above it and texts that
share only everyday words below (``tests/core/reuse/test_reuse_relevance.py`` holds both)."""
STRONG_SHARE = 0.5
"""A strong hit has at least this share of the similarity of the best hit of its group."""
STRONG_PER_GROUP = 3
"""A group has at most this many strong hits, so that a review is decided in minutes."""

WHY = {
    "internal code": "{kind} of this factory: adopt it as it is, or adapt a copy.",
    "datasets": "Data with an owner and a contract: ask for access instead of collecting anew.",
    "similar projects": "A project that is in {stage}: talk to its team first.",
    "open source": "Maintained by others outside this factory: try it before writing the same.",
}
_ENDED = "A project that is {stage}: read what it found before you start."


@dataclass(frozen=True)
class Decision:
    """What a project decided about an entry; the latest decision stands."""

    entry_id: int
    key: str
    kind: str
    title: str
    version: str
    decision: str
    reason: str
    score: float
    terms: list[str]
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True)
class Hit:
    """Something that exists and is similar, with why it stands here and what was decided about it."""

    entry_id: int
    key: str
    kind: str
    group: str
    title: str
    summary: str
    version: str
    lifecycle: str
    adoptions: int
    score: float
    """0 to 1; see :mod:`core.reuse.similarity`."""
    terms: list[MatchedTerm]
    facts: list[str]
    why: str
    stage: str
    """Of a project; otherwise empty."""
    finding: str
    """Of a project that ended, verbatim; otherwise empty."""
    replaces: str
    strong: bool
    adopted: str
    """The version the project uses already, or empty."""
    decision: Decision | None

    @property
    def reasons(self) -> list[str]:
        """Matched words with their share of the text similarity, then matched facts, each a short plain text."""
        return [f"{one.word} {one.share} %" for one in self.terms] + self.facts


@dataclass(frozen=True)
class Review:
    """What exists for a project, the most similar first, and how far its team has decided."""

    project_id: str
    revision: int
    """Of the project as it was compared."""
    hits: list[Hit]
    others: list[Decision]
    """Decisions about entries that are no longer among the hits."""
    reviewed_at: datetime | None

    @property
    def strong(self) -> list[Hit]:
        """The hits that need a decision each."""
        return [one for one in self.hits if one.strong]

    @property
    def undecided(self) -> list[Hit]:
        """The strong hits without a decision."""
        return [one for one in self.strong if one.decision is None]

    @property
    def new_since(self) -> list[Hit]:
        """The strong hits that came up after the review was completed, and wait for a decision."""
        return self.undecided if self.reviewed_at else []

    @property
    def is_outdated(self) -> bool:
        """Whether something came up, or was decided, after the review was completed: then it is completed again."""
        decided = [one.decision for one in self.hits if one.decision] + self.others
        return self.reviewed_at is not None and (
            bool(self.new_since) or any(one.decided_at > self.reviewed_at for one in decided)
        )


def review(session: Session, actor: Actor, project_id: str) -> Review:
    """What ``actor`` may see of the catalog that a project could reuse, ranked and explained; nothing is changed."""
    policy.require(actor, "catalog.browse")
    project = _seen_project(session, actor, project_id)
    own_key = key_of(project)
    subject = _subject(project, candidates.patterns_of(session, actor, [own_key]).get(own_key, frozenset()))
    ranked = similar(session, actor, subject, without=own_key)
    made = decisions(session, actor, project_id)
    adopted = _adopted(session, project_id)
    strong = _strong(ranked)
    listed = [one for number, one in enumerate(ranked) if number < SHOWN or one.candidate.id in strong]
    hits = [_hit(one, one.candidate.id in strong, adopted, made) for one in listed]
    shown = {one.entry_id for one in hits}
    others = [one for entry_id, one in made.items() if entry_id not in shown]
    return Review(project_id, project.revision, hits, others, project.reuse_reviewed_at)


def decisions(session: Session, actor: Actor, project_id: str) -> dict[int, Decision]:
    """What a project decided, by entry, as far as ``actor`` may see the entries."""
    rows = session.execute(
        select(*_DECIDED)
        .join(Entry, col(Entry.id) == ReuseDecision.entry_id)
        .where(ReuseDecision.project_id == project_id, visible(actor))
        .order_by(Entry.key)
    )
    return {row.entry_id: replace(Decision(*row), score=row.score / 1000) for row in rows}


def similar(session: Session, actor: Actor, subject: Subject, *, without: str = "") -> list[Similar]:
    """What ``actor`` may see that is like ``subject``, the most similar first, ``without`` the entry with this key."""
    asked = [*subject.texts, " ".join(sorted(subject.tags))]
    return similarity.rank(subject, candidates.find(session, actor, asked, without=without))


def _seen_project(session: Session, actor: Actor, project_id: str) -> Project:
    """A project that ``actor`` sees."""
    wanted = select(Project).where(Project.id == project_id, shown_to(actor))
    found = session.exec(wanted).first() if is_project_id(project_id) else None
    if found is None:
        raise NotFound(f"No project {project_id[:80]!r}.", hint="The projects list shows those that you may see.")
    return found


def key_of(project: Project) -> str:
    """Key of the catalog entry that stands for a project."""
    return f"project:default/{project.id}"


def typed_key(reference: str) -> str:
    """Key of the entry that a typed reference names, whatever was typed."""
    return normalise(ranking.clean(reference), "asset")


def _subject(project: Project, patterns: frozenset[str]) -> Subject:
    texts = candidates.project_texts(
        project.title, project.summary, project.value_hypothesis, project.target, project.modality
    )
    return Subject(
        texts,
        project.classification,
        project.modality,
        project.target,
        project.stage,
        frozenset(project.tags),
        patterns,
    )


def _strong(ranked: list[Similar]) -> set[int]:
    """Ids of the hits that need a decision: similar at all, among the best of their group, and few."""
    strong: set[int] = set()
    for group in GROUPS:
        best = [one for one in ranked if one.candidate.group == group][:STRONG_PER_GROUP]
        enough = max(STRONG, STRONG_SHARE * best[0].score) if best else 0
        strong |= {one.candidate.id for one in best if one.score >= enough}
    return strong


def _hit(one: Similar, strong: bool, adopted: dict[int, str], decisions: dict[int, Decision]) -> Hit:
    it = one.candidate
    stage = next(iter(it.stages), "") if it.kind == "project" else ""
    return Hit(
        entry_id=it.id, key=it.key, kind=it.kind, group=it.group, title=it.title, summary=it.summary, version=it.version,
        lifecycle=it.lifecycle, adoptions=it.adoptions, score=one.score, terms=one.terms, facts=one.facts,
        why=_why(it, stage), stage=stage, finding=it.finding if stage in ("stopped", "closed") else "",
        replaces=it.replaces, strong=strong, adopted=adopted.get(it.id, ""), decision=decisions.get(it.id),
    )  # fmt: skip


def _why(it: Candidate, stage: str) -> str:
    told = _ENDED if stage in ("stopped", "closed") else WHY[it.group]
    return told.format(kind=TITLES.get(it.kind, it.kind), stage=stage or "the catalog")


_DECIDED: tuple[Any, ...] = (
    ReuseDecision.entry_id, Entry.key, Entry.kind, Entry.title, ReuseDecision.version, ReuseDecision.decision,
    ReuseDecision.reason, ReuseDecision.score, ReuseDecision.terms, ReuseDecision.decided_by, ReuseDecision.decided_at,
)  # fmt: skip


def _adopted(session: Session, project_id: str) -> dict[int, str]:
    """Entry → the version of it that a project uses now."""
    rows = session.exec(
        select(Adoption.entry_id, Adoption.version).where(
            Adoption.project_id == project_id, col(Adoption.until).is_(None)
        )
    )
    return dict(rows.all())
