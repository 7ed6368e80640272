"""Write an answer from passages: the interface of a model, and a stand-in that needs none."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from .corpus import Passage
from .language import content_stems, sentences

Answers = Literal["extractive", "endpoint"]
"""Who writes: the stand-in of this module, or a language model behind an HTTP endpoint."""


@dataclass(frozen=True)
class Statement:
    """One sentence of an answer and the ids of the passages it rests on."""

    text: str
    citations: tuple[str, ...]


class AnswerModel(Protocol):
    """What the assistant needs of a language model."""

    def draft(self, question: str, passages: Sequence[Passage]) -> list[Statement]:
        """Sentences that answer the question from these passages alone, or none."""


class ExtractiveModel:
    """Quotes the sentences that share most words with the question; it cannot invent.

    It is deterministic and offline, and stands in for a language model in tests, in continuous
    integration and where no endpoint is approved. A question is refused where the best passage
    covers too little of its meaning, with rare words weighing more than common ones.
    """

    def __init__(
        self, weights: Mapping[str, float], minimum_coverage: float, quoted: int = 2
    ) -> None:
        self._weights = weights
        self._unknown = max(weights.values(), default=1.0)
        self._minimum_coverage = minimum_coverage
        self._quoted = quoted

    def draft(self, question: str, passages: Sequence[Passage]) -> list[Statement]:
        """The best sentences of the best passage, in their order in the document."""
        if not passages:
            return []
        best = max(passages, key=lambda passage: self.coverage(question, _whole(passage)))
        if self.coverage(question, _whole(best)) < self._minimum_coverage:
            return []
        candidates = sentences(best.text)
        ranked = sorted(
            range(len(candidates)), key=lambda place: -self.coverage(question, candidates[place])
        )
        return [
            Statement(candidates[place], (best.id,)) for place in sorted(ranked[: self._quoted])
        ]

    def coverage(self, question: str, text: str) -> float:
        """The share of the question's stems that a text holds, weighted by their rarity."""
        asked = set(content_stems(question))
        total = sum(self._weight(stem) for stem in asked)
        found = sum(self._weight(stem) for stem in asked & set(content_stems(text)))
        return found / total if total else 0.0

    def _weight(self, stem: str) -> float:
        return self._weights.get(stem, self._unknown)


def rarity(passages: Sequence[Passage]) -> dict[str, float]:
    """The inverse document frequency of every stem of a corpus (Sparck Jones, 1972), smoothed."""
    counts = Counter(stem for passage in passages for stem in set(content_stems(_whole(passage))))
    return {
        stem: math.log((1 + len(passages)) / (1 + count)) + 1
        for stem, count in sorted(counts.items())
    }


def _whole(passage: Passage) -> str:
    return f"{passage.title}. {passage.heading}. {passage.text}"
