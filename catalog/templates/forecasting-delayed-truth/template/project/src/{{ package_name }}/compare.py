"""Hold the challenger against the champion on the same origins and record what came out.

Both examined windows lie after everything either of them has learned from, because a later
training moves its window forward and the test is always the newest.
"""

from __future__ import annotations

from dataclasses import asdict

import mlflow
import pandas as pd

from . import backtest, bootstrap, data, model, tracking
from .settings import Settings


def compare(settings: Settings, as_of: pd.Timestamp | None = None) -> bootstrap.Comparison | None:
    """Compare the versions behind both aliases; None while there is no champion to compare with."""
    client = tracking.connect(settings)
    challenger = tracking.version_of(client, settings, "challenger")
    champion = tracking.version_of(client, settings, "champion")
    if challenger is None:
        raise LookupError("there is no challenger; train one first")
    if champion is None:
        return None

    learned = max(tracking.profile(one)["as_of"] for one in (champion, challenger))
    contract = data.load_contract()
    truth = data.load_truth(settings.maturity_days)
    moment = as_of if as_of is not None else data.newest(truth)
    if moment < pd.Timestamp(learned):
        raise ValueError(f"a version has learned from what was known on {learned}; compare later")
    data.require(truth, contract, moment, settings.maturity_days)
    rows = backtest.windows(data.mature(truth, moment, settings.maturity_days), settings).test
    test_set = tracking.dataset(rows, contract, "evaluation")
    old, new = (
        model.predict(tracking.load_model(settings, str(one.version)), rows)
        for one in (champion, challenger)
    )
    result = bootstrap.compare(
        backtest.score(rows, old, new),
        block=backtest.block(settings),
        minimum_lift=settings.minimum_lift,
        resamples=settings.resamples,
        seed=settings.seed,
    )
    name = f"compare_champion-{champion.version}_challenger-{challenger.version}"
    tags = {
        "as_of": str(moment.date()),
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
