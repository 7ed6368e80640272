"""The demo measures as every team may: with the catalog's asset ``responsible-ai-evidence``, as it is shipped.

The asset is a module to copy, no package to install, so it is loaded from its place in the catalog.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from core.config import ROOT
from core.demo.splits import TARGET, Split

ASSET = ROOT / "catalog" / "assets" / "responsible-ai-evidence" / "responsible_ai_evidence.py"
DRAWS = 100
"""Resamples per interval: enough to see what is certain, few enough that nobody waits for the demo."""
MOST_SHUFFLED = 100
"""Rows that importance is measured on: each column of each takes a prediction."""

LESS_IS_BETTER = {"rmse"}
KEY_METRICS: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": lambda actual, found: metrics.recall_score(actual, found, average="macro", zero_division=0),
    "f1_macro": lambda actual, found: metrics.f1_score(actual, found, average="macro", zero_division=0),
    "recall": lambda actual, found: metrics.recall_score(actual, found, zero_division=0),
    "rmse": metrics.root_mean_squared_error,
}
"""What the demo's projects call their key metric."""

UNAVAILABLE = dict.fromkeys(
    ("demographic_parity_ratio", "equalized_odds_difference", "worst_group_ratio"),
    "The data set holds no attribute of the people it comes from.",
)


@cache
def asset() -> Any:
    """The asset's module."""
    spec = importlib.util.spec_from_file_location(ASSET.stem, ASSET)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look there for their own annotations
    spec.loader.exec_module(module)
    return module


@dataclass
class Evidence:
    """What was measured, why some of it could not be, and how much each input matters."""

    measures: dict[str, Any] = field(default_factory=dict)
    cannot_measure: dict[str, str] = field(default_factory=dict)
    importances: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A fitted model with the rows it is judged on, and what counts as good."""

    model: Any
    split: Split
    metric: str
    """The project's key metric."""

    @property
    def is_number(self) -> bool:
        """Whether it predicts a number and not a class."""
        return not hasattr(self.model, "classes_")

    def score(self, actual: Any, found: Any) -> float:
        """The key metric turned so that more is better."""
        sign = -1.0 if self.metric in LESS_IS_BETTER else 1.0
        return sign * float(KEY_METRICS[self.metric](actual, found))

    @property
    def inputs(self) -> pd.DataFrame:
        """The rows that were held out, without the target."""
        return self.split.test.drop(columns=TARGET)

    @property
    def actual(self) -> pd.Series:
        """What is true of them."""
        return self.split.test[TARGET]


def gather(subject: Subject, baseline: Any, champion: Any | None, sensitive: str) -> Evidence:
    """Everything that the asset can measure of this model, beside its baseline and the champion it may replace.

    ``sensitive`` is what the tag of sensitive features says.
    """
    rai, found = asset(), Evidence()
    inputs, actual, predict = subject.inputs, subject.actual, subject.model.predict
    score = metrics.r2_score if subject.is_number else rai.accuracy
    found.measures |= _gains(subject, baseline, champion)
    found.measures |= rai.noise_drop(predict, inputs, actual, score, DRAWS)
    found.measures |= rai.schema_errors(subject.split.test, subject.split.train)
    found.measures |= rai.data_quality(subject.split.test, "" if subject.is_number else TARGET)
    found.measures |= rai.overlap(subject.split.test, subject.split.train)
    shuffled = inputs.head(MOST_SHUFFLED)  # rows lie in no order, so the first are any
    found.importances = rai.importance(predict, shuffled, actual.head(MOST_SHUFFLED), score, repeats=1)
    if not subject.is_number:
        found.measures |= rai.flip_rate(predict, inputs, DRAWS)
    if sensitive == "unavailable":
        found.cannot_measure |= UNAVAILABLE
    _of_chances(subject, found)
    _of_groups(subject, found)
    return found


def flat(found: Evidence) -> dict[str, float]:
    """The measures as metrics of a run."""
    return dict(asset().flat(found.measures))


def tags(found: Evidence, split: str, sensitive: str) -> dict[str, str]:
    """The tags beside them."""
    return dict(asset().tags(split, sensitive, found.cannot_measure))


def files(found: Evidence, tags: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Path → content of the artifacts beside them."""
    rai = asset()
    return {rai.REPORT: rai.report(found.measures, tags), rai.IMPORTANCE: found.importances}


def _gains(subject: Subject, baseline: Any, champion: Any | None) -> dict[str, Any]:
    """The key metric, what it gains on a constant, and on the champion where the model is to replace one."""
    rai, actual, inputs = asset(), subject.actual, subject.inputs
    predicted = subject.model.predict(inputs)
    reached = rai.scored(subject.metric, actual, predicted, KEY_METRICS[subject.metric], DRAWS)
    found = reached | rai.baseline_gain(actual, predicted, baseline.predict(inputs), subject.score, DRAWS)
    if champion is not None:
        found |= rai.champion_gain(actual, predicted, champion.predict(inputs), subject.score, DRAWS)
    return dict(found)


def _of_chances(subject: Subject, found: Evidence) -> None:
    """Calibration, and what losses tell of the training rows."""
    rai, model, train = asset(), subject.model, subject.split.train
    if subject.is_number:
        losses = [
            np.abs(rows[TARGET] - model.predict(rows.drop(columns=TARGET))) for rows in (train, subject.split.test)
        ]
        found.measures |= rai.membership_inference(*losses, DRAWS)
        return
    if not hasattr(model, "predict_proba"):
        why = "The model names a class without a probability, so neither calibration nor losses exist."
        found.cannot_measure |= {"ece": why, "mia_auc": why}
        return
    chances = model.predict_proba(subject.inputs)
    if len(model.classes_) == 2:
        found.measures |= rai.calibration(subject.actual, chances[:, 1], DRAWS)
    else:
        right = (model.classes_[chances.argmax(axis=1)] == subject.actual).astype(int)
        found.measures |= rai.calibration(right, chances.max(axis=1), DRAWS)
    found.measures |= rai.membership_inference(_losses(model, train), _losses(model, subject.split.test), DRAWS)


def _losses(model: Any, rows: pd.DataFrame) -> Any:
    """The log loss of each row; a chance below 1e-15 counts as that."""
    chances = model.predict_proba(rows.drop(columns=TARGET))
    given = chances[np.arange(len(rows)), np.searchsorted(model.classes_, rows[TARGET])]
    return -np.log(np.clip(given, 1e-15, 1))


def _of_groups(subject: Subject, found: Evidence) -> None:
    """How groups fare, where the data tell them apart."""
    rai, column = asset(), subject.split.groups
    if not column:
        return
    groups, predicted = {column: subject.split.test[column]}, subject.model.predict(subject.inputs)
    found.measures |= rai.group_counts(groups)
    if subject.is_number:
        found.measures |= rai.group_errors(subject.actual, predicted, groups, DRAWS)
        return
    found.measures |= rai.group_rates(subject.actual, predicted, groups, DRAWS)
    found.measures |= rai.group_quality(subject.actual, predicted, groups, {"accuracy": rai.accuracy}, DRAWS)
