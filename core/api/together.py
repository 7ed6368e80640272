"""Requests that wait for the same turn are served together: what one alone would pay for is shared by all that wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

Q = TypeVar("Q")
A = TypeVar("A")


class _Place(Generic[Q, A]):
    """A question in the line, and what became of it."""

    def __init__(self, question: Q) -> None:
        self.question = question
        self.answer: A | None = None
        self.error: Exception | None = None

    @property
    def is_served(self) -> bool:
        return self.answer is not None or self.error is not None


class Together(Generic[Q, A]):
    """A line of questions with one thread that serves it: ``serve`` gets all that wait, and answers or refuses each.

    Where serving them together fails, each is served alone, so that nobody fails for what somebody else asked.
    """

    def __init__(self, serve: Callable[[Sequence[Q]], Sequence[A | Exception]]) -> None:
        self._serve = serve
        self._turn = CapacityLimiter(1)
        self._waiting: list[_Place[Q, A]] = []

    async def ask(self, question: Q) -> A:
        """Wait for the answer; raises what it was refused with."""
        mine: _Place[Q, A] = _Place(question)
        self._waiting.append(mine)
        async with self._turn:
            if not mine.is_served:
                places, self._waiting = self._waiting, []
                await run_sync(self._answer, places)
        if mine.error is not None:
            raise mine.error
        assert mine.answer is not None
        return mine.answer

    def _answer(self, places: list[_Place[Q, A]]) -> None:
        try:
            answers = self._serve([one.question for one in places])
        except Exception as error:
            if len(places) == 1:
                places[0].error = error
                return
            for one in places:
                self._answer([one])
            return
        for place, answer in zip(places, answers, strict=True):
            if isinstance(answer, Exception):
                place.error = answer
            else:
                place.answer = answer
