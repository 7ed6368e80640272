"""The training runs of the demo: real models on the data sets that ship with scikit-learn, measured on held-out rows.

Nothing is invented: every figure in MLflow is computed here. Two projects are built to have a problem that the portal
should show, and their runs say so: the training rows of ``follow-up-priority`` are sampled unfairly, and the windows
that ``cheque-reader`` is evaluated on move away from its training data.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from sklearn import metrics
from sklearn.base import BaseEstimator, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from core.demo import evidence, splits
from core.demo.evidence import Evidence, Subject
from core.demo.splits import SEED, TARGET, Split
from core.tracking.client import RunRecorder

REQUIREMENTS = [f"scikit-learn=={sklearn.__version__}", f"pandas=={pd.__version__}", f"numpy=={np.__version__}"]
CODE = (Path(__file__), Path(splits.__file__), Path(evidence.__file__), evidence.ASSET)
CODE_DIGEST = hashlib.sha256(b"".join(path.read_bytes() for path in CODE)).hexdigest()[:12]


@dataclass(frozen=True)
class Candidate:
    """One run: an estimator, why it is trained, and whether it becomes a version."""

    name: str
    estimator: BaseEstimator
    purpose: str = "experiment"
    registered: bool = True
    split: Callable[[], Split] | None = None
    balanced: bool = False
    """Weigh the training rows so that every group has the same share of each outcome."""
    fails: bool = False
    """Training is meant to end with an error."""
    note: str = ""


@dataclass(frozen=True)
class Training:
    """What a project trains, and which of its versions hold an alias."""

    project: str
    split: Callable[[], Split]
    measure: Callable[[Any, Split], dict[str, float]]
    candidates: tuple[Candidate, ...]
    aliases: dict[str, str] = field(default_factory=dict)
    windows: Callable[[], Iterator[tuple[str, Split]]] | None = None
    """Later data that the champion is evaluated on, window by window."""
    sensitive: str = "none"
    """What the runs say of sensitive features where the split names no groups: nobody is affected, or unavailable."""


# --- measures --------------------------------------------------------------------------------------------------------


def _of_classes(model: Any, split: Split) -> dict[str, float]:
    inputs, truth = split.test.drop(columns=TARGET), split.test[TARGET]
    found = model.predict(inputs)
    measured = {
        "accuracy": metrics.accuracy_score(truth, found),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, found),
        "f1_macro": metrics.f1_score(truth, found, average="macro", zero_division=0),
        "rows": len(truth),
    }
    if hasattr(model, "predict_proba"):
        measured["log_loss"] = metrics.log_loss(truth, model.predict_proba(inputs), labels=model.classes_)
    return {name: float(value) for name, value in measured.items()}


def _of_two_classes(model: Any, split: Split) -> dict[str, float]:
    inputs, truth = split.test.drop(columns=TARGET), split.test[TARGET]
    found = model.predict(inputs)
    measured = {
        "recall": metrics.recall_score(truth, found, zero_division=0),
        "precision": metrics.precision_score(truth, found, zero_division=0),
    }
    if hasattr(model, "predict_proba"):
        chance = model.predict_proba(inputs)[:, 1]
        measured |= {"roc_auc": metrics.roc_auc_score(truth, chance), "brier": metrics.brier_score_loss(truth, chance)}
    return _of_classes(model, split) | {name: float(value) for name, value in measured.items()}


def _of_values(model: Any, split: Split) -> dict[str, float]:
    return _errors(split.test[TARGET], model.predict(split.test.drop(columns=TARGET)))


def _of_values_in_folds(model: Any, split: Split) -> dict[str, float]:
    """The same for data too few to hold rows out: each tenth is forecast by a model of the other nine."""
    rows = pd.concat([split.train, split.test])
    found = cross_val_predict(clone(model), rows.drop(columns=TARGET), rows[TARGET], cv=10)
    return _errors(rows[TARGET], found)


def _errors(truth: pd.Series, found: Any) -> dict[str, float]:
    measured = {
        "rmse": metrics.root_mean_squared_error(truth, found),
        "mae": metrics.mean_absolute_error(truth, found),
        "r2": metrics.r2_score(truth, found),
        "rows": len(truth),
    }
    return {name: float(value) for name, value in measured.items()}


def drift(split: Split) -> dict[str, float]:
    """How far the rows of a window of digits lie from those of the training."""
    described = [
        pd.DataFrame(
            {"slant": splits.slant(frame), "ink": frame.drop(columns=TARGET).sum(axis=1), TARGET: frame[TARGET]}
        )
        for frame in (split.train, split.test)
    ]
    return evidence.flat(Evidence(evidence.asset().drift(*described)))


# --- what is trained -------------------------------------------------------------------------------------------------


def _scaled(estimator: BaseEstimator) -> BaseEstimator:
    return make_pipeline(StandardScaler(), estimator)


_NO_CLASSES = Candidate("baseline", DummyClassifier(strategy="prior"), registered=False)
_NO_VALUES = Candidate("baseline", DummyRegressor(), registered=False)
_FOREST = RandomForestClassifier(30, max_depth=6, random_state=SEED)

PLAN = (
    Training(
        "biopsy-second-look", splits.biopsies, _of_two_classes,
        (
            _NO_CLASSES,
            Candidate("logistic-regression", _scaled(LogisticRegression())),
            Candidate("random-forest", _FOREST),
            Candidate("gradient-boosting", GradientBoostingClassifier(n_estimators=40, max_depth=2, random_state=SEED)),
            Candidate("support-vectors", _scaled(SVC(C=3, random_state=SEED))),
        ),
        {"champion": "logistic-regression", "challenger": "support-vectors"},
        sensitive="unavailable",
    ),
    Training(
        "cheque-reader", splits.upright_digits, _of_classes,
        (
            _NO_CLASSES,
            Candidate("logistic-regression", _scaled(LogisticRegression(C=0.1, max_iter=500))),
            Candidate("nearest-neighbours", KNeighborsClassifier(5)),
            Candidate("support-vectors", SVC(gamma=0.001, C=10, random_state=SEED)),
        ),
        {"champion": "nearest-neighbours", "challenger": "support-vectors"},
        splits.ever_more_slanted_digits,
        sensitive="unavailable",
    ),
    Training(
        "intake-origin", splits.wines, _of_classes,
        (
            _NO_CLASSES,
            Candidate("naive-bayes", GaussianNB()),
            Candidate("random-forest", _FOREST),
            Candidate("logistic-regression", _scaled(LogisticRegression(C=0.5))),
        ),
        {"previous_champion": "naive-bayes", "champion": "random-forest", "challenger": "logistic-regression"},
    ),
    Training(
        "progression-forecast", splits.progression, _of_values,
        (
            _NO_VALUES,
            Candidate("ridge", _scaled(Ridge(alpha=1.0))),
            Candidate("random-forest", RandomForestRegressor(30, min_samples_leaf=8, random_state=SEED)),
            Candidate("gradient-boosting", GradientBoostingRegressor(n_estimators=40, max_depth=2, random_state=SEED)),
        ),
        {"champion": "ridge", "challenger": "gradient-boosting"},
    ),
    Training(
        "follow-up-priority", splits.follow_ups, _of_two_classes,
        (
            _NO_CLASSES,
            Candidate("logistic-regression", _scaled(LogisticRegression())),
            Candidate("random-forest", RandomForestClassifier(30, min_samples_leaf=8, random_state=SEED)),
            Candidate(
                "logistic-regression-reweighed", LogisticRegression(max_iter=5000), balanced=True,
                note="Training rows are weighed so that both groups have the same share of each outcome.",
            ),
        ),
        {"champion": "logistic-regression", "challenger": "logistic-regression-reweighed"},
    ),
    Training(
        "meter-reading", splits.coarse_digits, _of_classes,
        (
            _NO_CLASSES,
            Candidate("decision-tree", DecisionTreeClassifier(max_depth=10, random_state=SEED)),
            Candidate(
                "logistic-regression-missing-blocks", _scaled(LogisticRegression(max_iter=500)), "explore",
                registered=False, split=splits.unreadable_digits, fails=True, note="Fails: this family takes no gaps.",
            ),
            Candidate("random-forest", _FOREST),
            Candidate("nearest-neighbours", KNeighborsClassifier(3)),
        ),
        {"champion": "random-forest", "challenger": "nearest-neighbours"},
    ),
    Training(
        "cytology-lite", splits.biopsies_by_means, _of_two_classes,
        (
            _NO_CLASSES,
            Candidate(
                "neural-network", MLPClassifier((16,), max_iter=15, learning_rate_init=0.0005, random_state=SEED),
                "explore", registered=False, note="Does not converge: inputs are not scaled and it stops early.",
            ),
            Candidate("logistic-regression", _scaled(LogisticRegression())),
            Candidate("random-forest", _FOREST),
        ),
        {"champion": "logistic-regression", "challenger": "random-forest"},
        sensitive="unavailable",
    ),
    Training(
        "postcode-reader", splits.postcodes, _of_classes,
        (
            _NO_CLASSES,
            Candidate("nearest-neighbours", KNeighborsClassifier(3)),
            Candidate("discriminant-analysis", LinearDiscriminantAnalysis()),
            Candidate("support-vectors", SVC(gamma=0.001, C=10, random_state=SEED), split=splits.postcodes_again),
        ),
        {"champion": "nearest-neighbours", "challenger": "support-vectors"},
        sensitive="unavailable",
    ),
    Training(
        "alcohol-estimate", splits.alcohol, _of_values,
        (
            _NO_VALUES,
            Candidate("ridge", _scaled(Ridge()), "explore", registered=False),
            Candidate("lasso", _scaled(Lasso(alpha=0.02)), "explore", registered=False),
        ),
    ),
    Training(
        "training-load", splits.fitness, _of_values_in_folds,
        (
            _NO_VALUES,
            Candidate("ridge", _scaled(Ridge()), "explore", registered=False),
            Candidate("nearest-neighbours", _scaled(KNeighborsRegressor(3)), "explore", registered=False),
        ),
    ),
    Training(
        "bloom-grading", splits.flowers, _of_classes,
        (
            _NO_CLASSES,
            Candidate("logistic-regression", _scaled(LogisticRegression())),
            Candidate("decision-tree", DecisionTreeClassifier(max_depth=3, random_state=SEED)),
        ),
        {"champion": "logistic-regression"},
    ),
)  # fmt: skip
"""What the demo trains. The project ``cash-demand`` is missing: it has no data yet."""


# --- runs ------------------------------------------------------------------------------------------------------------


def train(run: RunRecorder, training: Training, candidate: Candidate, model: str, metric: str) -> None:
    """Train a candidate in an open run: data, parameters, the model, and metrics on the held-out rows.

    What may come to a review because it holds an alias is measured as reviews ask, by the project's key metric.
    """
    split = (candidate.split or training.split)()
    run.params(_parameters(candidate.estimator))
    digests = _note_data(run, split)
    try:
        fitted, converged = _fit(candidate, split)
    except ValueError as error:
        run.tags({"failure": str(error).partition("\n")[0]})
        raise
    run.tags(digests | {"converged": str(converged).lower()})
    if candidate.registered:
        run.model(fitted, split.test.drop(columns=TARGET).head(5), requirements=REQUIREMENTS, name=model)
    measured = training.measure(fitted, split)
    if candidate.name in training.aliases.values():
        measured |= _note_evidence(run, training, candidate, Subject(fitted, split, metric))
    run.metrics(measured)
    for step, loss in enumerate(getattr(fitted, "loss_curve_", [])):
        run.metrics({"loss": float(loss)}, step=step, of="training")


def evaluate(run: RunRecorder, training: Training, champion: Candidate, split: Split) -> None:
    """Evaluate the champion on a window of later data in an open run."""
    run.tags(_note_data(run, split) | {"rai.dataset.split": "production-sample"})
    fitted, _ = _fit(champion, training.split())
    run.metrics(training.measure(fitted, split) | drift(split))


def _note_evidence(run: RunRecorder, training: Training, candidate: Candidate, subject: Subject) -> dict[str, float]:
    """Tags and artifacts of the evidence; returns its metrics."""
    baseline, _ = _fit(training.candidates[0], subject.split)
    champion = next((one for one in training.candidates if one.name == training.aliases["champion"]), candidate)
    is_paired = champion is not candidate and candidate.split is None  # else the champion has seen some of the rows
    serving = _fit(champion, subject.split)[0] if is_paired else None
    sensitive = subject.split.groups or training.sensitive
    with threadpool_limits(limits=1):  # for rows this few, threads only wait for each other
        found = evidence.gather(subject, baseline, serving, sensitive)
    tags = evidence.tags(found, "test", sensitive)
    run.tags(tags)
    for path, content in evidence.files(found, tags).items():
        run.file(path, content)
    return evidence.flat(found)


def _note_data(run: RunRecorder, split: Split) -> dict[str, str]:
    frames = {"training": split.train, "evaluation": split.test}
    digest = run.data(frames, name=split.dataset, target=TARGET)["evaluation"]
    return {"dataset": split.dataset, "dataset_digest": digest}


def notes(candidate: Candidate, split: Split) -> str:
    """What a run's description says."""
    return " ".join(part for part in (candidate.note, split.note) if part)


def _fit(candidate: Candidate, split: Split) -> tuple[Any, bool]:
    """The fitted estimator, and whether it converged."""
    inputs, truth = split.train.drop(columns=TARGET), split.train[TARGET]
    weights = {"sample_weight": _weights(split)} if candidate.balanced else {}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fitted = clone(candidate.estimator).fit(inputs, truth, **weights)
    return fitted, not any(issubclass(one.category, ConvergenceWarning) for one in told)


def _weights(split: Split) -> pd.Series:
    """Weights under which outcome and group are independent in the training rows (reweighing)."""
    group, truth = split.train[split.groups], split.train[TARGET]
    rows = len(truth)
    expected = group.map(group.value_counts()) * truth.map(truth.value_counts()) / rows
    together = split.train.groupby([split.groups, TARGET])[TARGET].transform("size")
    return expected / together


def _parameters(estimator: Any) -> dict[str, Any]:
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    given = {"family": type(last).__name__, "scaled": hasattr(estimator, "steps")}
    chosen = (
        "C",
        "alpha",
        "n_estimators",
        "max_depth",
        "max_iter",
        "n_neighbors",
        "gamma",
        "learning_rate_init",
        "strategy",
    )
    return given | {name: value for name, value in last.get_params().items() if name in chosen}
