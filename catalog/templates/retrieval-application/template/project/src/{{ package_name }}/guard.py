"""What a draft must stand up to before a person sees it.

The guard trusts neither the documents nor the model. Every sentence must cite a passage that was
retrieved for this asker, each of its numbers must occur in what it cites, and most of its words
must, too. What fails is not repaired: the answer becomes a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence

from .answering import Statement
from .corpus import Passage
from .instructions import reads_like_an_instruction
from .language import content_stems, numbers

MINIMUM_OVERLAP = 0.6
"""The share of a sentence's content words that its sources must hold; set it by judged answers."""


def objections(statements: Sequence[Statement], passages: Sequence[Passage]) -> list[str]:
    """Why a draft may not be shown, one reason per sentence at fault; empty if all is supported."""
    return [reason for statement in statements if (reason := objection(statement, passages))]


def objection(statement: Statement, passages: Sequence[Passage]) -> str:
    """Why one sentence is not supported by what it cites, or nothing."""
    cited = [passage for passage in passages if passage.id in statement.citations]
    if not statement.citations:
        return "a sentence without a citation"
    if unknown := set(statement.citations) - {passage.id for passage in cited}:
        return f"cites {min(unknown)}, which was not retrieved for this asker"
    source = " ".join(f"{passage.title} {passage.heading} {passage.text}" for passage in cited)
    if invented := numbers(statement.text) - numbers(source):
        return f"the number {min(invented)} is not in the source"
    if overlap(statement.text, source) < MINIMUM_OVERLAP:
        return "the source does not say so"
    if reads_like_an_instruction(statement.text):
        return "a sentence that speaks to a machine"
    return ""


def overlap(text: str, source: str) -> float:
    """The share of a text's content words that occur in its source."""
    stems = content_stems(text)
    known = set(content_stems(source))
    return sum(stem in known for stem in stems) / len(stems) if stems else 0.0
