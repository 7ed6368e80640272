"""Train a candidate, from the reference alone or with recent windows, and register it.

A retraining keeps algorithm and settings and changes the rows: otherwise it would be two
experiments whose effects nobody could tell apart. Only outcomes that are known count. Of the newest
windows a share is held out, by the key alone, so that no version is ever trained on rows that a
comparison uses; the frozen rows are held out for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo
from sklearn.base import ClassifierMixin

from . import data, drift, evidence, model, rai, signals, tracking, windows
from .data import Contract
from .ledger import Decision
from .settings import ROOT, Settings

REFERENCE_FILE = "reference.json"


class BelowFloorError(RuntimeError):
    """The candidate misses the floor of the settings; its run is kept, no version is made."""


@dataclass(frozen=True)
class Rows:
    """What a candidate is trained on, judged on, and what production should look like to it."""

    training: pd.DataFrame
    evaluation: pd.DataFrame
    frozen: pd.DataFrame
    expected: pd.DataFrame


@dataclass(frozen=True)
class Candidate:
    """A registered version and what was measured on the rows held out."""

    version: str
    run_id: str
    measures: rai.Measures


def first(settings: Settings, purpose: tracking.Purpose, trigger: str) -> Candidate:
    """Train on the reference rows, as the deployed model was."""
    contract = data.load_contract()
    rows = reference_rows(settings, contract)
    return _train(settings, contract, rows, purpose, {"trigger": trigger})


def retrain(settings: Settings, decision: Decision) -> Candidate:
    """Train with the windows whose outcomes were known when the decision was made."""
    if decision.action != "retrain" or decision.trigger is None:
        raise ValueError(f"decision {decision.id} says {decision.action}: {decision.reason}")
    if answering_run(tracking.connect(settings), settings, decision.id):
        raise ValueError(f"decision {decision.id} was answered already; nothing is trained twice")
    contract = data.load_contract()
    rows = recent_rows(settings, contract, decision.day, decision.version)
    tags = {
        "trigger": decision.trigger,
        "portal.retrain_request_id": decision.id,
        "decision_digest": decision.digest,
        "replaces": decision.version,
    }
    return _train(settings, contract, rows, "retrain", tags)


def reference_rows(settings: Settings, contract: Contract) -> Rows:
    """The rows of the first training; the frozen ones are all that is held out."""
    parts = _parts(settings, contract)
    return Rows(parts.training, parts.frozen, parts.frozen, parts.frozen)


def recent_rows(settings: Settings, contract: Contract, day: date, version: str) -> Rows:
    """The reference and every window with outcomes; of the newest, a share is held out."""
    parts = _parts(settings, contract)
    known = windows.of_version(windows.read(settings, contract, day), version)
    tables = [one.labelled(contract) for one in known if not _broken(one, contract)]
    tables = [table for table in tables if len(table) >= settings.min_rows]
    if not tables:
        raise LookupError(f"no window of version {version} has outcomes that are known on {day}")
    newest = pd.concat(tables[-settings.recent_windows :])
    held_out = data.positions(newest[contract.key], "recent") < settings.recent_held_out
    older = tables[: -settings.recent_windows]
    return Rows(
        training=pd.concat([parts.training, *older, newest[~held_out]], ignore_index=True),
        evaluation=newest[held_out].reset_index(drop=True),
        frozen=parts.frozen,
        expected=newest,
    )


def answering_run(client: MlflowClient, settings: Settings, request: str) -> str | None:
    """The run that answered a decision to retrain, if there is one."""
    name = f"{settings.unit}/{settings.project_id}/retrain"
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return None
    found = client.search_runs(
        [experiment.experiment_id],
        f"tags.`portal.retrain_request_id` = '{request}' and attributes.status = 'FINISHED'",
        max_results=1,
    )
    return found[0].info.run_id if found else None


def _parts(settings: Settings, contract: Contract) -> data.Parts:
    cases = data.load_cases()
    data.require(cases, contract, labelled=True)
    return data.split(cases, contract.key, settings.training_share, settings.frozen_share)


def _broken(window: windows.Window, contract: Contract) -> bool:
    return bool(data.findings(window.inputs, contract, labelled=False))


def _train(
    settings: Settings,
    contract: Contract,
    rows: Rows,
    purpose: tracking.Purpose,
    tags: dict[str, str],
) -> Candidate:
    """Check the data, fit, measure, log and register."""
    client = tracking.connect(settings)
    data.require(rows.training, contract, labelled=True)
    run_name, estimator = model.build(settings)
    train_set = tracking.dataset(rows.training, contract, "training")
    test_set = tracking.dataset(rows.evaluation, contract, "evaluation")
    tags |= {
        "dataset_digest": train_set.digest,
        "evaluation_digest": test_set.digest,
    }
    with tracking.start_run(settings, purpose, run_name, **tags) as run:
        mlflow.log_input(train_set, context="training")
        mlflow.log_input(test_set, context="evaluation")
        mlflow.log_params(settings.model_dump(exclude={"tracking_uri"}))
        estimator.fit(rows.training[contract.features], rows.training[contract.target])
        logged = _log_model(estimator, rows.training[contract.features])
        measures = evidence.log(
            estimator,
            rows.training,
            rows.evaluation,
            contract,
            settings,
            split="recent" if purpose == "retrain" else "test",
            more=_of_frozen_rows(estimator, rows, contract),
            model_id=logged.model_id,
            dataset=test_set,
        )
        mlflow.log_dict(_reference(estimator, rows, contract), REFERENCE_FILE)
        mlflow.log_artifact(str(ROOT / "MODEL_CARD.md"))
        low = measures[model.KEY_METRIC].lower
        if low < settings.minimum_accuracy:
            raise BelowFloorError(
                f"the interval of {model.KEY_METRIC} begins at {low:.3f}, below the floor of "
                f"{settings.minimum_accuracy}; run {run.info.run_id} is kept"
            )
        tracking.describe_model(client, settings)
        kept = {name: tags[name] for name in ("replaces",) if name in tags}
        version = mlflow.register_model(logged.model_uri, settings.model_name, tags=kept).version
    client.set_registered_model_alias(settings.model_name, "challenger", version)
    return Candidate(str(version), run.info.run_id, measures)


def _of_frozen_rows(estimator: ClassifierMixin, rows: Rows, contract: Contract) -> rai.Measures:
    """The key metric on the rows that are held out for good, and how many held out were seen."""
    predicted, _ = model.answer(estimator, rows.frozen[contract.features])
    actual = rows.frozen[contract.target].to_numpy()
    reached = rai.Measure(model.accuracy(actual, predicted), rows=len(actual))
    columns = [*contract.features, contract.target]
    held_out = pd.concat([rows.evaluation, rows.frozen])
    overlap = rai.overlap(held_out[columns], rows.training[columns])
    return {f"frozen_{model.KEY_METRIC}": reached} | overlap


def _reference(
    estimator: ClassifierMixin, rows: Rows, contract: Contract
) -> dict[str, dict[str, object]]:
    """What windows of this version are held against; answers only on rows it was not fitted to."""
    predicted, confidence = model.answer(estimator, rows.evaluation[contract.features])
    answers = pd.DataFrame({signals.PREDICTION: predicted, signals.CONFIDENCE: confidence})
    values = signals.of_inputs(rows.expected, contract) | signals.of_answers(answers)
    return drift.profile(values, contract.classes)


def _log_model(estimator: ClassifierMixin, features: pd.DataFrame) -> ModelInfo:
    """The model with signature, example and pinned packages."""
    return mlflow.sklearn.log_model(
        estimator,
        name="model",
        signature=infer_signature(features, estimator.predict_proba(features)),
        input_example=features.head(3),
        pip_requirements=tracking.requirements(),
        pyfunc_predict_fn="predict_proba",
    )
