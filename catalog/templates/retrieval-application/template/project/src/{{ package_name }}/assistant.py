"""Answer a question: retrieve what the asker may read, draft, check support, or refuse."""

from __future__ import annotations

from dataclasses import dataclass

from .answering import AnswerModel, Statement
from .guard import objections
from .retrieval import Retriever

LONGEST_QUESTION = 500


@dataclass(frozen=True)
class Answer:
    """What the asker sees (``text``, ``sources``), and what evaluation and monitoring need."""

    text: str
    sources: tuple[str, ...]
    refused: bool
    reason: str
    """Why the question was refused; empty for an answer."""
    draft: tuple[Statement, ...]
    retrieved: tuple[str, ...]


class Assistant:
    """One release put together: an index, a model and where to ask when both have no answer."""

    def __init__(
        self, retriever: Retriever, model: AnswerModel, *, passages: int, contact: str
    ) -> None:
        self._retriever = retriever
        self._model = model
        self._passages = passages
        self._refusal = f"The documents do not answer this. Please ask {contact}."

    def answer(self, question: str, audience: str) -> Answer:
        """An answer whose every sentence cites its passage, or a refusal that says where to ask."""
        asked = " ".join(question.split())
        if not asked or len(asked) > LONGEST_QUESTION:
            return self._refuse(f"a question has 1 to {LONGEST_QUESTION} characters")
        passages = [hit.passage for hit in self._retriever.search(asked, audience, self._passages)]
        draft = tuple(self._model.draft(asked, passages))
        retrieved = tuple(passage.id for passage in passages)
        if not draft:
            return self._refuse("no passage answers it", draft, retrieved)
        if found := objections(draft, passages):
            return self._refuse(found[0], draft, retrieved)
        text = " ".join(
            f"{one.text} {''.join(f'[{ref}]' for ref in one.citations)}" for one in draft
        )
        sources = tuple(dict.fromkeys(ref for one in draft for ref in one.citations))
        return Answer(text, sources, False, "", draft, retrieved)

    def _refuse(
        self, reason: str, draft: tuple[Statement, ...] = (), retrieved: tuple[str, ...] = ()
    ) -> Answer:
        return Answer(self._refusal, (), True, reason, draft, retrieved)
