"""Build a release, hold it against plain search, and register it as challenger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo

from . import bootstrap, evaluation, rai, tracking
from .corpus import Passage, read_corpus
from .evaluation import KEY_METRIC, Question
from .release import RELEASE_FILE, Release, assemble, tune
from .settings import ROOT, Settings

CORPUS = ROOT / "data" / "corpus"
QUESTIONS = ROOT / "data" / "questions.csv"
PROMPT = ROOT / "prompts" / "answer.md"
PACKAGE = Path(__file__).parent

PLAIN_SEARCH = {
    "index": "words",
    "retrieved": 1,
    "answers": "extractive",
    "minimum_coverage": 0.0,
}
"""What a release must beat to be worth its parts: a search that always shows its first hit."""


class BelowFloorError(RuntimeError):
    """The candidate misses the floor of the settings; its run is kept, no version is made."""


@dataclass(frozen=True)
class Candidate:
    """A registered version and what was measured on the questions held out."""

    version: str
    run_id: str
    measures: rai.Measures


def train(settings: Settings, purpose: tracking.Purpose, trigger: str) -> Candidate:
    """Check documents and questions, tune the refusal, measure, log and register."""
    client = tracking.connect(settings)
    passages = read_corpus(CORPUS)
    questions = evaluation.read_questions(QUESTIONS, passages)
    tuning, held_out = (evaluation.part(questions, split) for split in ("tune", "held-out"))
    documents = tracking.dataset(frame(passages), "handbook-passages")
    test_set = tracking.dataset(frame(held_out), "handbook-questions")
    tags = {
        "trigger": trigger,
        "dataset_digest": documents.digest,
        "evaluation_digest": test_set.digest,
    }
    with tracking.start_run(settings, purpose, run_name(settings), **tags) as run:
        mlflow.log_input(documents, context="training")
        mlflow.log_input(tracking.dataset(frame(tuning), "handbook-questions"), context="tuning")
        mlflow.log_input(test_set, context="evaluation")
        mlflow.log_params(settings.model_dump(exclude={"tracking_uri"}))
        release, scores = tune(plan(settings, passages), tuning)
        mlflow.log_param("minimum_coverage", release.minimum_coverage)
        mlflow.log_dict({str(value): score for value, score in scores.items()}, "tuning.json")
        verdicts = evaluation.judge(assemble(release), held_out, passages)
        mlflow.log_table(verdicts, "verdicts.json")
        measures = _measures(release, verdicts, tuning, held_out, settings)
        logged = _log_model(release, held_out)
        rai.log(
            measures,
            split="test",
            sensitive=settings.sensitive_features,
            dataset=test_set,
            model_id=logged.model_id,
        )
        mlflow.log_artifact(str(ROOT / "MODEL_CARD.md"))
        low = measures[KEY_METRIC].lower
        if low < settings.minimum_correct:
            raise BelowFloorError(
                f"the interval of {KEY_METRIC} begins at {low:.3f}, below the floor of "
                f"{settings.minimum_correct}; run {run.info.run_id} is kept"
            )
        tracking.describe_model(client, settings)
        version = mlflow.register_model(logged.model_uri, settings.model_name).version
    client.set_registered_model_alias(settings.model_name, "challenger", version)
    return Candidate(str(version), run.info.run_id, measures)


def plan(settings: Settings, passages: Sequence[Passage]) -> Release:
    """The release that the settings describe, before its refusal is tuned."""
    return Release(
        index=settings.index,
        retrieved=settings.retrieved,
        answers=settings.answers,
        minimum_coverage=0.5,
        contact=settings.contact,
        prompt=PROMPT.read_text("utf-8"),
        passages=tuple(passages),
    )


def run_name(settings: Settings) -> str:
    """Approach, underscore, what varies."""
    return f"{settings.answers}_{settings.index}_passages-{settings.retrieved}"


def frame(rows: Sequence[Passage] | Sequence[Question]) -> pd.DataFrame:
    """Passages or questions as a table of texts, as it is logged and fingerprinted."""
    table = pd.DataFrame([asdict(one) for one in rows])
    return table.map(lambda value: "; ".join(value) if isinstance(value, tuple) else value)


def _measures(
    release: Release,
    verdicts: pd.DataFrame,
    tuning: Sequence[Question],
    held_out: Sequence[Question],
    settings: Settings,
) -> rai.Measures:
    """Measured on the questions held out, with an interval and the gain over plain search."""
    search = assemble(release.model_copy(update=PLAIN_SEARCH))
    searched = evaluation.judge(search, held_out, release.passages)
    actual = verdicts["answerable"].to_numpy()
    draws = {"resamples": settings.resamples, "seed": settings.seed}
    new, old = (evaluation.points(one) for one in (verdicts, searched))
    low, high = bootstrap.interval(actual, new, evaluation.correct_share, **draws)
    gain = bootstrap.compare(actual, old, new, evaluation.correct_share, **draws)
    plain = {name: rai.Measure(one) for name, one in evaluation.summarise(verdicts).items()}
    return (
        plain
        | {
            KEY_METRIC: rai.Measure(plain[KEY_METRIC].value, low, high, len(verdicts)),
            "questions": rai.Measure(float(len(verdicts))),
            "rai.baseline_gain": rai.Measure(gain.difference, gain.low, gain.high, len(verdicts)),
            "rai.data.schema_errors": rai.Measure(0.0),  # with any, reading them stops the run
        }
        | rai.overlap(frame(held_out)[["question"]], frame(tuning)[["question"]])
    )


def _log_model(release: Release, questions: Sequence[Question]) -> ModelInfo:
    """The release as a model from code, with signature, example and pinned packages."""
    example = pd.DataFrame(
        {
            "question": [one.question for one in questions[:2]],
            "audience": [one.audience for one in questions[:2]],
        }
    )
    answer = pd.DataFrame({"answer": ["text"], "sources": [["id"]], "refused": [False]})
    with TemporaryDirectory() as folder:
        file = Path(folder) / RELEASE_FILE
        release.write(file)
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(PACKAGE / "served.py"),
            artifacts={"release": str(file)},
            code_paths=[str(PACKAGE)],
            signature=infer_signature(example, answer),
            input_example=example,
            pip_requirements=tracking.requirements(),
        )
