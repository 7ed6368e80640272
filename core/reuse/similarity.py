"""How similar is what exists? Text by TF-IDF, raised by facts that agree; every score says what it is made of.

Text similarity is the cosine of TF-IDF vectors with sublinear term frequency (Salton and Buckley, 1988), the inverse
document frequency taken over the candidates and the asker. Facts multiply: ``score = 1 - (1 - text) ** (1 + facts)``,
which for small similarities is ``text * (1 + facts)`` and never passes 1, so that the same text always comes first and
no fact makes up for texts that have no word in common. The weights of facts are ours, checked on the shipped catalog.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

from core.catalog import ranking
from core.reuse.candidates import GROUPS, Candidate

TERMS = 5
"""So many matching words are named."""
LONGEST_TEXT = 20_000
TARGET_WEIGHT = 0.5
PATTERN_WEIGHT = 0.3
MODALITY_WEIGHT = 0.2
TAG_WEIGHT = 0.1
CLASSIFICATION_WEIGHT = 0.1
STAGE_WEIGHT = 0.1
_MOST_TAGS = 3
_SILENT = ranking.STOP_WORDS | frozenset(
    {"after", "again", "against", "all", "already", "also", "any", "because", "been", "before", "between", "both", "but",
    "cannot", "could", "each", "every", "first", "had", "he", "here", "her", "his", "less", "many", "may", "might",
    "more", "most", "much", "must", "next", "no", "not", "off", "once", "one", "only", "other", "others", "out", "over",
    "per", "same", "she", "should", "since", "some", "such", "than", "them", "then", "there", "these", "they", "those",
    "three", "through", "too", "two", "under", "until", "up", "us", "very", "want", "wants", "were", "while", "whose",
    "within", "without", "would", "yet"}
)  # fmt: skip
"""Words that tell nothing of a subject. Ours: general lists hold words such as bill, interest and system."""
_S_FORMS = ((re.compile(r"(?<![ea])ies$"), "y"), (re.compile(r"(?<![aeo])es$"), "e"), (re.compile(r"(?<![us])s$"), ""))


@dataclass(frozen=True)
class Subject:
    """What is looked for: the texts of a project (the most important first) and its facts."""

    texts: Sequence[str]
    classification: str = ""
    modality: str = ""
    target: str = ""
    stage: str = ""
    tags: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()

    @cached_property
    def text(self) -> str:
        """All its texts, cut at :data:`LONGEST_TEXT`."""
        return "\n".join(self.texts)[:LONGEST_TEXT]

    @cached_property
    def roots(self) -> frozenset[str]:
        """The telling words of its texts, without plural endings."""
        return frozenset(_roots(self.text))


@dataclass(frozen=True)
class MatchedTerm:
    """A word of the subject that the entry has, and how much of the text similarity comes from it, in per cent."""

    word: str
    share: int


@dataclass(frozen=True)
class Similar:
    """A candidate with its similarity, 0 to 1, and the reasons."""

    candidate: Candidate
    score: float
    text_score: float
    terms: list[MatchedTerm]
    facts: list[str]


def rank(subject: Subject, candidates: Sequence[Candidate]) -> list[Similar]:
    """The candidates that have a word in common with ``subject``, the most similar first; ties by group, then by key."""
    if not candidates or not subject.roots:
        return []
    similar = [
        _similar(subject, one, text, terms)
        for one, (text, terms) in zip(candidates, _compare(subject.text, candidates), strict=True)
        if text > 0
    ]
    groups = list(GROUPS)
    return sorted(similar, key=lambda one: (-one.score, groups.index(one.candidate.group), one.candidate.key))


def _similar(subject: Subject, one: Candidate, text: float, terms: list[MatchedTerm]) -> Similar:
    agreeing = list(facts(subject, one))
    raised = 1 - (1 - text) ** (1 + sum(weight for _, weight in agreeing))
    return Similar(one, round(raised, 6), text, terms, [fact for fact, _ in agreeing])


def _compare(wanted: str, candidates: Sequence[Candidate]) -> list[tuple[float, list[MatchedTerm]]]:
    """Each candidate's text similarity with ``wanted``, and the words it comes from."""
    # scikit-learn takes a second to import: only whoever reviews reuse waits for it
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer=_analyse, sublinear_tf=True)
    matrix = vectorizer.fit_transform([wanted, *(f"{one.text[:LONGEST_TEXT]}\n{one.finding}" for one in candidates)])
    asked = matrix[0]
    spoken = {root: word for word, root in reversed(list(_words_and_roots(wanted)))}
    names = vectorizer.get_feature_names_out()
    products = matrix[1:].multiply(asked).tocsr()
    return [_explained(products, row, names, spoken) for row in range(len(candidates))]


def _explained(products: Any, row: int, names: Any, spoken: dict[str, str]) -> tuple[float, list[MatchedTerm]]:
    start, end = products.indptr[row], products.indptr[row + 1]
    parts = sorted(
        ((float(value), str(names[index])) for index, value in zip(products.indices[start:end], products.data[start:end], strict=True) if value > 0),
        key=lambda part: (-part[0], part[1]),
    )  # fmt: skip
    total = sum(value for value, _ in parts)
    shares = [MatchedTerm(spoken.get(root, root), round(100 * value / total)) for value, root in parts[:TERMS]]
    return min(round(total, 6), 1.0), shares


def facts(subject: Subject, one: Candidate) -> Iterator[tuple[str, float]]:
    """What ``one`` has in common with the subject besides words, in words, and how much each raises the similarity."""
    if _same(subject.target, one.target):
        yield f"same target: {one.target}", TARGET_WEIGHT
    for key in sorted(subject.patterns & (one.patterns | {one.key})):
        yield f"same pattern: {key.rpartition('/')[2]}", PATTERN_WEIGHT
    if subject.modality and subject.modality in one.modalities | {tag.replace("-", " ") for tag in one.tags}:
        yield f"same modality: {subject.modality}", MODALITY_WEIGHT
    for tag in islice((tag for tag in sorted(one.tags) if _says(subject, tag)), _MOST_TAGS):
        yield f"tag: {tag}", TAG_WEIGHT
    if one.kind in ("project", "dataset") and subject.classification and subject.classification == one.classification:
        yield f"same data classification: {one.classification}", CLASSIFICATION_WEIGHT
    if one.kind != "project" and subject.stage in one.stages:
        yield f"made for the stage {subject.stage}", STAGE_WEIGHT


def _says(subject: Subject, tag: str) -> bool:
    """Whether the subject has the tag, or all its words; a modality is told by itself."""
    if tag.replace("-", " ") == subject.modality:
        return False
    roots = set(_roots(tag))
    return tag in subject.tags or (bool(roots) and roots <= subject.roots)


def _same(target: str, other: str) -> bool:
    """Whether two targets name the same thing: all telling words of the shorter one are in the other."""
    shorter, longer = sorted((set(_roots(target)), set(_roots(other))), key=len)
    return bool(shorter) and shorter <= longer


# --- words -----------------------------------------------------------------------------------------------------------


def _analyse(text: str) -> list[str]:
    return [root for word in ranking.words(text) if (root := _root(word))]


def _roots(text: str) -> Iterator[str]:
    return (root for _, root in _words_and_roots(text))


def _words_and_roots(text: str) -> Iterator[tuple[str, str]]:
    return ((word, root) for word in ranking.words(text) if (root := _root(word)))


@lru_cache(maxsize=50_000)  # a catalog says the same words again and again
def _root(word: str) -> str:
    """The telling part of a word; empty where it tells nothing."""
    tells = len(word) > 2 and word not in _SILENT and not word.isdigit()
    return singular(word) if tells else ""


def singular(word: str) -> str:
    """``word`` without its plural ending, by the S-stemmer (Harman, How effective is suffixing?, 1991)."""
    if len(word) < 4 or not word.endswith("s"):
        return word
    for ending, instead in _S_FORMS:
        if ending.search(word):
            return ending.sub(instead, word)
    return word
