"""Find the passages that answer a question, among those that the asker may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from .corpus import Passage
from .language import content_stems, content_words

Index = Literal["words", "stems-and-characters"]

EVERYONE = "everyone"


@dataclass(frozen=True)
class Hit:
    """A passage and its similarity to the question, between 0 and 1."""

    passage: Passage
    score: float


class Retriever(Protocol):
    """What the assistant needs of an index; a search engine or vector store fits behind it."""

    def search(self, question: str, audience: str, limit: int) -> list[Hit]:
        """The passages that this audience may read, best first, without those of no similarity."""


class TfidfRetriever:
    """Cosine similarity of TF-IDF vectors; title and heading count as part of a passage."""

    def __init__(self, passages: Sequence[Passage], index: Index) -> None:
        self._passages = list(passages)
        self._audiences = np.array([passage.audience for passage in passages])
        self._vectors = _vectors(index)
        self._matrix = self._vectors.fit_transform(
            [f"{one.title}. {one.heading}. {one.text}" for one in passages]
        )

    def search(self, question: str, audience: str, limit: int) -> list[Hit]:
        """Rights are part of the query: what is not ranked cannot be leaked by a prompt."""
        allowed = np.isin(self._audiences, (EVERYONE, audience))
        scores = (self._matrix @ self._vectors.transform([question]).T).toarray().ravel() * allowed
        best = np.argsort(-scores, kind="stable")[:limit]
        return [
            Hit(self._passages[place], float(scores[place])) for place in best if scores[place] > 0
        ]


def _vectors(index: Index) -> TfidfVectorizer | FeatureUnion:
    """The vectoriser of an index; the two halves of a union count alike."""
    if index == "words":
        return TfidfVectorizer(analyzer=content_words, sublinear_tf=True)
    stems = TfidfVectorizer(analyzer=content_stems, sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    half = 0.5**0.5
    return FeatureUnion(
        [("stems", stems), ("characters", characters)],
        transformer_weights={"stems": half, "characters": half},
    )
