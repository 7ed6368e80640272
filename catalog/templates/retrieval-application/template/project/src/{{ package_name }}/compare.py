"""Hold the challenger against the champion on the same questions and record what came out.

Both releases are put together by the code of this commit, so the difference is that of their
documents, index, model, prompt and thresholds.
"""

from __future__ import annotations

from dataclasses import asdict

import mlflow

from . import bootstrap, evaluation, release, tracking, train
from .evaluation import KEY_METRIC
from .settings import Settings


def compare(settings: Settings) -> bootstrap.Comparison | None:
    """Compare the versions behind both aliases; None while there is no champion to compare with."""
    client = tracking.connect(settings)
    challenger = tracking.version_of(client, settings, "challenger")
    champion = tracking.version_of(client, settings, "champion")
    if challenger is None:
        raise LookupError("there is no challenger; train one first")
    if champion is None:
        return None

    passages = train.read_corpus(train.CORPUS)
    questions = evaluation.part(evaluation.read_questions(train.QUESTIONS, passages), "held-out")
    test_set = tracking.dataset(train.frame(questions), "handbook-questions")
    old, new = (
        evaluation.judge(release.assemble(one), questions, one.passages)
        for one in (
            release.load(settings.model_name, one.version) for one in (champion, challenger)
        )
    )
    result = bootstrap.compare(
        old["answerable"].to_numpy(),
        evaluation.points(old),
        evaluation.points(new),
        evaluation.correct_share,
        minimum_lift=settings.minimum_lift,
        resamples=settings.resamples,
        seed=settings.seed,
    )
    name = f"compare_champion-{champion.version}_challenger-{challenger.version}"
    tags = {
        "evaluation_digest": test_set.digest,
        "rai.dataset.split": "test",
        "comparison.verdict": result.verdict,
    }
    with tracking.start_run(settings, "evaluate", name, **tags):
        mlflow.log_input(test_set, context="evaluation")
        mlflow.log_params(
            {
                "champion": champion.version,
                "challenger": challenger.version,
                "minimum_lift": settings.minimum_lift,
                "resamples": settings.resamples,
            }
        )
        mlflow.log_dict(asdict(result), "comparison.json")
        mlflow.log_dict(evaluation.changes(old, new), "changes.json")
        mlflow.log_metrics(
            {
                "difference": result.difference,
                "difference.lower": result.low,
                "difference.upper": result.high,
                f"champion_{KEY_METRIC}": result.champion,
            }
        )
        mlflow.log_metric(
            KEY_METRIC, result.challenger, model_id=challenger.model_id, dataset=test_set
        )
    client.set_model_version_tag(
        settings.model_name, challenger.version, "comparison.verdict", result.verdict
    )
    return result
