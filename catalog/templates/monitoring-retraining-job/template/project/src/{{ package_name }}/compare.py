"""Hold the challenger against the version in use on the same rows, recent and frozen ones.

The recent rows decide. The frozen ones guard: a challenger that is worse on them has forgotten what
it could do, and ten steps of "hardly worse" would otherwise go unnoticed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from . import bootstrap, data, ledger, model, tracking, train
from .bootstrap import Comparison, Verdict
from .data import Contract
from .settings import Settings


@dataclass(frozen=True)
class Result:
    """Both comparisons and the verdict that follows from them."""

    recent: Comparison
    frozen: Comparison

    @property
    def verdict(self) -> Verdict:
        """That of the recent rows, unless the frozen ones say worse."""
        return "worse" if self.frozen.verdict == "worse" else self.recent.verdict


def compare(settings: Settings) -> Result | None:
    """Compare the challenger with the version it would replace; None where there is none."""
    client = tracking.connect(settings)
    challenger = tracking.version_of(client, settings, "challenger")
    if challenger is None:
        raise LookupError("there is no challenger; train one first")
    champion = replaced(client, settings, challenger)
    if champion is None:
        return None

    contract = data.load_contract()
    rows = evaluation_rows(client, settings, contract, challenger)
    test_set = tracking.dataset(rows.evaluation, contract, "evaluation")
    frozen_set = tracking.dataset(rows.frozen, contract, "frozen")
    pair = [
        mlflow.sklearn.load_model(f"models:/{settings.model_name}/{one.version}")
        for one in (champion, challenger)
    ]
    result = Result(
        _judge(pair, rows.evaluation, contract, settings),
        _judge(pair, rows.frozen, contract, settings),
    )
    name = f"compare_champion-{champion.version}_challenger-{challenger.version}"
    tags = {
        "evaluation_digest": test_set.digest,
        "rai.dataset.split": "recent",
        "comparison.verdict": result.verdict,
    }
    with tracking.start_run(settings, "evaluate", name, **tags):
        mlflow.log_input(test_set, context="evaluation")
        mlflow.log_input(frozen_set, context="frozen")
        mlflow.log_params(
            {
                "champion": champion.version,
                "challenger": challenger.version,
                "minimum_lift": settings.minimum_lift,
                "resamples": settings.resamples,
            }
        )
        mlflow.log_dict(asdict(result) | {"verdict": result.verdict}, "comparison.json")
        for prefix, one in (("", result.recent), ("frozen_", result.frozen)):
            mlflow.log_metrics(
                {
                    f"{prefix}difference": one.difference,
                    f"{prefix}difference.lower": one.low,
                    f"{prefix}difference.upper": one.high,
                    f"{prefix}champion_{model.KEY_METRIC}": one.champion,
                }
            )
        mlflow.log_metric(
            model.KEY_METRIC,
            result.recent.challenger,
            model_id=challenger.model_id,
            dataset=test_set,
        )
    client.set_model_version_tag(
        settings.model_name, challenger.version, "comparison.verdict", result.verdict
    )
    return result


def replaced(
    client: MlflowClient, settings: Settings, challenger: ModelVersion
) -> ModelVersion | None:
    """The champion, or before there is one the version that the challenger was retrained for."""
    champion = tracking.version_of(client, settings, "champion")
    if champion is None and (before := challenger.tags.get("replaces")):
        return client.get_model_version(settings.model_name, before)
    return champion


def evaluation_rows(
    client: MlflowClient, settings: Settings, contract: Contract, challenger: ModelVersion
) -> train.Rows:
    """The rows that the challenger's run held out; where they changed, nothing is compared."""
    tags = client.get_run(challenger.run_id).data.tags
    request = tags.get("portal.retrain_request_id")
    if request is None:
        rows = train.reference_rows(settings, contract)
    else:
        decisions = {one.id: one for one in ledger.read(ledger.folder(settings))}
        if request not in decisions:
            raise LookupError(f"decision {request} is not in {ledger.folder(settings)}")
        decision = decisions[request]
        rows = train.recent_rows(settings, contract, decision.day, decision.version)
    if data.fingerprint(rows.evaluation) != tags["evaluation_digest"]:
        raise ValueError("the rows held out are not those of the challenger's run; retrain it")
    return rows


def _judge(
    pair: list[object], rows: pd.DataFrame, contract: Contract, settings: Settings
) -> Comparison:
    old, new = (model.answer(one, rows[contract.features])[0] for one in pair)
    return bootstrap.compare(
        rows[contract.target].to_numpy(),
        old,
        new,
        model.accuracy,
        higher_is_better=model.METRIC_DIRECTION == "higher",
        minimum_lift=settings.minimum_lift,
        resamples=settings.resamples,
        seed=settings.seed,
    )
