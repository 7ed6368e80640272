"""Hold the challenger against the champion on the same rows and record what came out."""

from __future__ import annotations

from dataclasses import asdict

import mlflow

from . import bootstrap, data, model, tracking
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

    contract = data.load_contract()
    _, rows = data.split(data.load_rows(), contract.key, settings.held_out_share)
    data.require(rows, contract)
    test_set = tracking.dataset(rows, contract, "evaluation")
    old, new = (
        model.predict(
            mlflow.sklearn.load_model(f"models:/{settings.model_name}/{one.version}"),
            rows[contract.features].astype(float),
        )
        for one in (champion, challenger)
    )
    result = bootstrap.compare(
        rows[contract.target].to_numpy(),
        old,
        new,
        model.mae,
        higher_is_better=model.METRIC_DIRECTION == "higher",
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
        mlflow.log_metrics(
            {
                "difference": result.difference,
                "difference.lower": result.low,
                "difference.upper": result.high,
                f"champion_{model.KEY_METRIC}": result.champion,
            }
        )
        mlflow.log_metric(
            model.KEY_METRIC, result.challenger, model_id=challenger.model_id, dataset=test_set
        )
    client.set_model_version_tag(
        settings.model_name, challenger.version, "comparison.verdict", result.verdict
    )
    return result
