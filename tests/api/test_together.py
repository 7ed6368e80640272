"""Requests that are served together: each gets its own answer, and nobody fails for what somebody else asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import anyio
import pytest
from fastapi.security import HTTPAuthorizationCredentials
from starlette.testclient import TestClient

from core import db
from core.activity import queries as activity
from core.api import gates
from core.api.together import Together
from core.errors import Invalid
from core.people import actions as people
from tests.conftest import SYSTEM


def ask_at_once(line: Together[int, str], questions: Sequence[int]) -> list[str | BaseException]:
    async def main() -> list[str | BaseException]:
        return list(await asyncio.gather(*(line.ask(one) for one in questions), return_exceptions=True))

    return anyio.run(main)


def test_those_who_wait_are_served_together_each_with_their_own_answer() -> None:
    rounds: list[list[int]] = []

    def serve(questions: Sequence[int]) -> list[str]:
        rounds.append(list(questions))
        return [f"answer {one}" for one in questions]

    assert ask_at_once(Together(serve), range(20)) == [f"answer {one}" for one in range(20)]
    assert (len(rounds) < 20, sorted(one for some in rounds for one in some)) == (True, list(range(20)))


def test_a_refusal_is_for_the_one_who_is_refused() -> None:
    def serve(questions: Sequence[int]) -> list[str | Exception]:
        return [Invalid("odd") if one % 2 else "even" for one in questions]

    said = ask_at_once(Together(serve), range(4))
    assert [one if isinstance(one, str) else str(one) for one in said] == ["even", "odd", "even", "odd"]


def test_a_question_that_breaks_the_round_breaks_it_for_nobody_else() -> None:
    rounds: list[int] = []

    def serve(questions: Sequence[int]) -> list[str]:
        rounds.append(len(questions))
        if 3 in questions:
            raise ZeroDivisionError
        return ["fine"] * len(questions)

    said = ask_at_once(Together(serve), range(6))
    assert [type(one).__name__ for one in said] == ["str"] * 3 + ["ZeroDivisionError"] + ["str"] * 2
    assert max(rounds) > 1


def bearer(secret: str | None) -> HTTPAuthorizationCredentials | None:
    return HTTPAuthorizationCredentials(scheme="Bearer", credentials=secret) if secret else None


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_gate_refuses_and_answers_in_one_round_and_records_every_answer(client: TestClient) -> None:
    with db.writing() as session:
        secrets = [
            people.create_token(session, actor=SYSTEM, name="ci", scopes=[one])[1]
            for one in ("gate:ask", "catalog:read")
        ]
    asked = [secrets[0], secrets[1], secrets[0], "unknown", None]
    said = gates._answers([gates._Asked(bearer(one), "m", str(number), "test") for number, one in enumerate(asked)])
    assert [type(one).__name__ for one in said] == [
        "tuple",
        "NotAllowed",
        "tuple",
        "Unauthenticated",
        "Unauthenticated",
    ]
    with db.reading() as session:
        lines = activity.object_history(session, SYSTEM, "registered-model:m")
    assert [line.data["version"] for line in lines] == ["2", "0"]
