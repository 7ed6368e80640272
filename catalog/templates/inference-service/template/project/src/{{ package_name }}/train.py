"""Train a candidate, hold it against a constant, and register it as challenger."""

from __future__ import annotations

from dataclasses import dataclass

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.base import RegressorMixin

from . import data, drift, evidence, model, rai, service, tracking
from .settings import ROOT, Settings


class AboveLimitError(RuntimeError):
    """The candidate errs more than the settings allow; its run is kept, no version is made."""


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
    rows = data.load_rows()
    data.require(rows, contract)
    train_rows, test_rows = data.split(rows, contract.key, settings.held_out_share)
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
        estimator.fit(model.inputs(train_rows, contract), train_rows[contract.target])
        logged = _log_model(estimator, model.inputs(train_rows, contract))
        place = {"model_id": logged.model_id, "dataset": test_set}
        measures = evidence.log(estimator, train_rows, test_rows, contract, settings, **place)
        inputs = model.inputs(test_rows, contract)
        profile = drift.reference(inputs, model.predict(estimator, inputs))
        mlflow.log_dict(profile, service.REFERENCE_FILE)
        mlflow.log_artifact(str(ROOT / "MODEL_CARD.md"))
        high = measures[model.KEY_METRIC].upper
        if high > settings.maximum_mae:
            raise AboveLimitError(
                f"the interval of {model.KEY_METRIC} reaches up to {high:.3f}, above the limit of "
                f"{settings.maximum_mae}; run {run.info.run_id} is kept"
            )
        tracking.describe_model(client, settings)
        version = mlflow.register_model(logged.model_uri, settings.model_name).version
    client.set_registered_model_alias(settings.model_name, "challenger", version)
    return Candidate(str(version), run.info.run_id, measures)


def _log_model(estimator: RegressorMixin, features: pd.DataFrame) -> mlflow.models.model.ModelInfo:
    """The model with signature, example and pinned packages."""
    return mlflow.sklearn.log_model(
        estimator,
        name="model",
        signature=infer_signature(features, estimator.predict(features)),
        input_example=features.head(3),
        pip_requirements=tracking.requirements(),
        skops_trusted_types=model.TRUSTED_TYPES,
    )
