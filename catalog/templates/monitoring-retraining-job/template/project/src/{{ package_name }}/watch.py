"""Look at every window of the version in use, decide, and write the decision down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from . import data, drift, ledger, model, performance, signals, tracking, train, windows
from .data import Contract
from .decision import Evidence, History, Policy, decide
from .ledger import Decision
from .performance import Share
from .settings import Settings
from .windows import Window

KEPT = 3
"""A decision keeps so many times the windows it looks at: outcomes of the newest come later."""

URGENT = ("monitor-silent", "repair-data")
"""Codes that ask a person to act although nothing is retrained."""


@dataclass(frozen=True)
class InUse:
    """The version that production asks, and what its windows are held against."""

    version: ModelVersion
    reference: dict[str, dict[str, Any]]
    share: Share


def watch(settings: Settings, today: date, place: Path | None = None) -> Decision:
    """Watch the version in use, decide, and log the decision with its evidence."""
    client = tracking.connect(settings)
    place = place or ledger.folder(settings)
    decision = look(settings, client, today, place)
    newest = decision.content["evidence"][-1:]
    tags = {
        "rai.dataset.split": "production-sample",
        "decision.action": decision.action,
        "decision.id": decision.id,
        "decision.digest": decision.digest,
        "monitor.state": "act" if asks_for_somebody(decision) else "good",
    }
    with tracking.start_run(settings, "evaluate", f"watch_{today}", **tags):
        mlflow.log_params({"watched_on": today, "model_version": decision.version})
        mlflow.log_dict(decision.content | {"digest": decision.digest}, "decision.json")
        for window in newest:
            mlflow.log_metric("data.rows", window["rows"])
            for name, one in window["drift"].items():
                mlflow.log_metrics(
                    {f"data.{name}": one["value"], f"data.{name}_limit": one["warn"]}
                )
            if window["loss"]["verdict"] != "pending":
                mlflow.log_metric(f"quality.{model.KEY_METRIC}", window["loss"]["value"])
    return decision


def asks_for_somebody(decision: Decision) -> bool:
    """Whether a person should look at this decision today."""
    return decision.action == "retrain" or decision.content["code"] in URGENT


def look(settings: Settings, client: MlflowClient, today: date, place: Path) -> Decision:
    """Decide for a day, with what was known on it, and write the decision to the ledger."""
    contract = data.load_contract()
    used = in_use(settings, client)
    seen = windows.of_version(windows.read(settings, contract, today), str(used.version.version))
    kept = seen[-KEPT * settings.windows_looked_at :]
    evidence = [examine(one, used, contract, settings) for one in kept]
    policy = policy_of(settings)
    past = history(settings, client, ledger.read(place), today)
    return ledger.record(
        place,
        day=today,
        model={"name": settings.model_name, "version": str(used.version.version)},
        author=f"{settings.team}, commit {tracking.git_commit() or 'unknown'}",
        policy=policy,
        reference=used.share,
        evidence=evidence,
        outcome=decide(policy, evidence, used.share, today, past),
    )


def in_use(settings: Settings, client: MlflowClient) -> InUse:
    """The version behind the settings' alias with what was logged when it was made."""
    version = tracking.version_of(client, settings, settings.watch_alias)
    if version is None:
        raise LookupError(f"no version is {settings.watch_alias}; train and promote one first")
    profile = mlflow.artifacts.load_dict(f"runs:/{version.run_id}/{train.REFERENCE_FILE}")
    metrics = client.get_run(version.run_id).data.metrics
    rows = int(metrics["rows_evaluated"])
    return InUse(version, profile, Share(round(metrics[model.KEY_METRIC] * rows), rows))


def examine(window: Window, used: InUse, contract: Contract, settings: Settings) -> Evidence:
    """What one window shows: broken promises first, then drift, then quality where it is known."""
    findings = data.findings(window.inputs, contract, labelled=False)
    unanswered = set(window.inputs.get(contract.key, [])) ^ set(window.predictions[contract.key])
    if unanswered:
        findings.append(f"{len(unanswered)} cases are not both asked and answered")
    drifts: dict[str, drift.Drift] = {}
    if not findings:
        values = signals.of_inputs(window.inputs, contract) | signals.of_answers(window.predictions)
        drifts = drift.assess(used.reference, values, settings.drift_limit, settings.min_rows)
    judged = window.judged(contract)
    right = Share(int((judged[contract.target] == judged[signals.PREDICTION]).sum()), len(judged))
    return Evidence(
        day=window.day,
        rows=len(window.inputs),
        findings=tuple(findings),
        drift=drifts,
        right=right,
        loss=performance.judge(used.share, right, settings.tolerated_loss, settings.min_rows),
    )


def policy_of(settings: Settings) -> Policy:
    """The policy that the settings describe."""
    return Policy(
        version=settings.policy_version,
        k=settings.alarms_needed,
        n=settings.windows_looked_at,
        cooldown_days=settings.cooldown_days,
        max_age_days=settings.max_age_days,
        min_rows=settings.min_rows,
        tolerated_loss=settings.tolerated_loss,
    )


def history(
    settings: Settings, client: MlflowClient, decisions: Sequence[Decision], today: date
) -> History:
    """Whether a retraining is asked for and unanswered, and when the last one was asked for.

    Decisions of the day itself do not count, so that looking twice gives the same answer.
    """
    asked = [one for one in decisions if one.action == "retrain" and one.day < today]
    if not asked:
        return History()
    answered = train.answering_run(client, settings, asked[-1].id) is not None
    return History(request_open=not answered, last_retraining=asked[-1].day)
