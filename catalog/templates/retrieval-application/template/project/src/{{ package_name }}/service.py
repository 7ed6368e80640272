"""The application over HTTP: questions, reports of wrong answers, and its own health.

Sign-in happens in front of it. The proxy says in a header which audience the asker belongs to; a
request body cannot, because rights that the asker chooses are none.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from . import records, tracking
from .assistant import LONGEST_QUESTION, Assistant
from .provider import ModelUnavailableError
from .records import Record
from .release import Release, assemble, load
from .retrieval import EVERYONE
from .settings import Settings

MACHINE = "Written by a machine from the passages named here. Open them before you rely on it."

AnswerId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Asked(BaseModel):
    """A question, and nothing else: whoever asks does not choose what they may read."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(min_length=1, max_length=LONGEST_QUESTION)]


class Source(BaseModel):
    """A passage that the reader can open."""

    id: str
    title: str
    heading: str
    updated: str


class Answered(BaseModel):
    """An answer with its sources, or a refusal that says where to ask."""

    id: str
    answer: str
    sources: list[Source]
    refused: bool
    note: str = MACHINE


class Reported(BaseModel):
    """A reader's report that an answer is wrong or harmful; the team looks at it."""

    model_config = ConfigDict(extra="forbid")

    answer_id: AnswerId


def create_app(settings: Settings, release: Release, assistant: Assistant, version: str) -> FastAPI:
    """The application for one release; a new champion is a new start."""
    app = FastAPI(title=settings.project_id, docs_url=None, redoc_url=None)
    passages = {passage.id: passage for passage in release.passages}

    @app.get("/health")
    def health() -> dict[str, str]:
        """What runs here; the orchestrator and people ask the same."""
        return {
            "status": "ok",
            "model": settings.model_name,
            "version": version,
            "corpus_digest": release.corpus_digest,
        }

    @app.post("/answers")
    def answers(asked: Asked, request: Request) -> Answered:
        """Answer a question with what the asker may read."""
        audience = request.headers.get(settings.audience_header, EVERYONE)
        began = time.perf_counter()
        try:
            answer = assistant.answer(asked.question, audience)
        except ModelUnavailableError as error:
            raise HTTPException(503, "The language model does not answer; try later.") from error
        record = Record(
            at=_now(),
            kind="answer",
            answer_id=uuid4().hex,
            version=version,
            refused=answer.refused,
            reason=answer.reason,
            sources=answer.sources,
            seconds=round(time.perf_counter() - began, 4),
        )
        records.write(settings, record)
        sources = [Source(**_shown(passages[one])) for one in answer.sources]
        return Answered(
            id=record.answer_id, answer=answer.text, sources=sources, refused=answer.refused
        )

    @app.post("/reports", status_code=202)
    def reports(reported: Reported) -> dict[str, str]:
        """Keep that somebody disagreed with an answer."""
        records.write(
            settings,
            Record(at=_now(), kind="report", answer_id=reported.answer_id, version=version),
        )
        return {"status": "kept"}

    return app


def from_registry(settings: Settings) -> FastAPI:
    """The application of the version behind the alias of the settings."""
    client = tracking.connect(settings)
    version = tracking.version_of(client, settings, settings.serve_alias)
    if version is None:
        raise LookupError(f"no version is {settings.serve_alias}; train and promote one first")
    release = load(settings.model_name, version.version)
    return create_app(settings, release, assemble(release), str(version.version))


def _shown(passage: object) -> dict[str, str]:
    return {name: getattr(passage, name) for name in Source.model_fields}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
