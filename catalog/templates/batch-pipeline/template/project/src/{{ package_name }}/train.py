"""Train a candidate, hold it against a rule without a model, and register it as challenger."""

from __future__ import annotations

from dataclasses import dataclass

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.base import ClassifierMixin

from . import data, evidence, model, monitor, rai, tracking
from .settings import ROOT, Settings


class BelowFloorError(RuntimeError):
    """The candidate misses the floor of the settings; its run is kept, no version is made."""


@dataclass(frozen=True)
class Candidate:
    """A registered version and what was measured on the rows held out."""

    version: str
    run_id: str
    measures: rai.Measures


def train(settings: Settings, purpose: tracking.Purpose, trigger: str) -> Candidate:
    """Check the data, fit, measure, log and register."""
    client = tracking.connect(settings)
    contract = data.load_contract()
    cases = data.load_cases()
    data.require(cases, contract, labelled=True)
    train_rows, test_rows = data.split(cases, contract.key, settings.held_out_share)
    run_name, estimator = model.build(settings)

    train_set = tracking.dataset(train_rows, contract, "training")
    test_set = tracking.dataset(test_rows, contract, "evaluation")
    tags = {
        "trigger": trigger,
        "dataset_digest": train_set.digest,
        "evaluation_digest": test_set.digest,
    }
    with tracking.start_run(settings, purpose, run_name, **tags) as run:
        mlflow.log_input(train_set, context="training")
        mlflow.log_input(test_set, context="evaluation")
        mlflow.log_params(settings.model_dump(exclude={"tracking_uri"}))
        estimator.fit(train_rows[contract.features], train_rows[contract.target])
        logged = _log_model(estimator, train_rows[contract.features])
        place = {"model_id": logged.model_id, "dataset": test_set}
        measures = evidence.log(estimator, train_rows, test_rows, contract, settings, **place)
        predicted = model.scores(estimator, test_rows[contract.features])
        reference = monitor.reference(test_rows[contract.features], predicted)
        mlflow.log_dict(reference, monitor.REFERENCE_FILE)
        mlflow.log_artifact(str(ROOT / "MODEL_CARD.md"))
        low = measures[model.KEY_METRIC].lower
        if low < settings.minimum_roc_auc:
            raise BelowFloorError(
                f"the interval of {model.KEY_METRIC} begins at {low:.3f}, below the floor of "
                f"{settings.minimum_roc_auc}; run {run.info.run_id} is kept"
            )
        tracking.describe_model(client, settings)
        version = mlflow.register_model(logged.model_uri, settings.model_name).version
    client.set_registered_model_alias(settings.model_name, "challenger", version)
    return Candidate(str(version), run.info.run_id, measures)


def _log_model(estimator: ClassifierMixin, features: pd.DataFrame) -> mlflow.models.model.ModelInfo:
    """The model with signature, example and pinned packages."""
    return mlflow.sklearn.log_model(
        estimator,
        name="model",
        signature=infer_signature(features, estimator.predict_proba(features)),
        input_example=features.head(3),
        pip_requirements=tracking.requirements(),
        pyfunc_predict_fn="predict_proba",
        skops_trusted_types=model.TRUSTED_TYPES,
    )
