"""A release: documents, index, model, prompt and thresholds, versioned as one thing.

A release is data. It is written as JSON, logged with its model version, and put together again
wherever it runs, so that nothing has to be unpickled.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import mlflow
from pydantic import BaseModel, ConfigDict, Field

from .answering import AnswerModel, Answers, ExtractiveModel, rarity
from .assistant import Assistant
from .corpus import Passage, digest
from .evaluation import Question, judge
from .provider import Endpoint, EndpointModel
from .retrieval import Index, TfidfRetriever

RELEASE_FILE = "release.json"

COVERAGES = tuple(step / 100 for step in range(30, 75, 5))
"""The thresholds of refusal that are tried on the questions of the split "tune"."""


class Release(BaseModel):
    """Everything that decides how a question is answered, except the endpoint and its key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    index: Index
    retrieved: int = Field(ge=1, le=20)
    answers: Answers
    minimum_coverage: float = Field(ge=0, le=1)
    contact: str
    prompt: str
    passages: tuple[Passage, ...]

    @property
    def corpus_digest(self) -> str:
        """The digest of the documents in this release."""
        return digest(self.passages)

    def write(self, file: Path) -> None:
        """The release as a JSON file."""
        file.write_text(self.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Release:
        """The release that was written; unknown fields are refused."""
        return cls.model_validate_json(file.read_text(encoding="utf-8"))


def assemble(release: Release, environment: Mapping[str, str] = os.environ) -> Assistant:
    """The assistant of a release; an endpoint is only looked up where the release needs one."""
    model: AnswerModel
    if release.answers == "endpoint":
        model = EndpointModel(Endpoint.from_environment(environment), release.prompt)
    else:
        model = ExtractiveModel(rarity(release.passages), release.minimum_coverage)
    return Assistant(
        TfidfRetriever(release.passages, release.index),
        model,
        passages=release.retrieved,
        contact=release.contact,
    )


def load(model_name: str, version: str) -> Release:
    """The release behind a registered version."""
    place = f"models:/{model_name}/{version}/artifacts/{RELEASE_FILE}"
    return Release.read(Path(mlflow.artifacts.download_artifacts(place)))


def tune(release: Release, questions: Sequence[Question]) -> tuple[Release, dict[float, float]]:
    """The release with the threshold that answers most of these questions rightly, and all scores.

    Among equals the middle one is taken: at either end the next question may tip the scale.
    """
    if release.answers == "endpoint":
        return release, {}
    trials = [release.model_copy(update={"minimum_coverage": value}) for value in COVERAGES]
    scores = {
        trial.minimum_coverage: float(
            judge(assemble(trial), questions, trial.passages)["correct"].mean()
        )
        for trial in trials
    }
    best = [value for value, score in scores.items() if score == max(scores.values())]
    return release.model_copy(update={"minimum_coverage": best[len(best) // 2]}), scores
