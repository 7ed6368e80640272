"""Find the three commonest ways in which a test set flatters a model: shared rows, target proxies, and time.

Leakage is information in training that is not there at prediction time (Kaufman, Rosset and Perlich, "Leakage in Data
Mining", ACM TKDD 6(4), 2012). The gap between training and test times follows the embargo of López de Prado, "Advances
in Financial Machine Learning", 2018, chapter 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PROXY_LIMIT = 0.95
"""A single column that ranks or explains the target this well deserves a question. A convention; set your own."""

FOLDS = 5
BINS = 20
MAX_CLASSES = 20
MINIMUM_CLASS = 10
"""Classes with fewer rows, in or out, are left out: chance ranks them perfectly too often."""


@dataclass(frozen=True)
class Finding:
    """One suspicion: which check, about what, how strong (0 to 1), and what it means."""

    check: str
    subject: str
    strength: float
    message: str


def check(
    train: pd.DataFrame,
    test: pd.DataFrame,
    target: str,
    *,
    time: str | None = None,
    entity: str | None = None,
    gap: pd.Timedelta | None = None,
    proxy_limit: float = PROXY_LIMIT,
) -> list[Finding]:
    """All findings; an empty list means that these checks found nothing, not that there is no leakage."""
    known = [name for name in (target, time, entity) if name is not None]
    for who, frame in (("train", train), ("test", test)):
        if frame.empty or (absent := [name for name in known if name not in frame.columns]):
            raise ValueError(f"{who} needs rows" if frame.empty else f"{who} lacks the columns {absent}")
    features = [name for name in train.columns if name not in known]
    found = [*shared_rows(train, test, features)]
    found += target_proxies(train, target, features, proxy_limit)
    if entity is not None:
        found += shared_entities(train, test, entity)
    if time is not None:
        found += time_overlap(train, test, time, gap or pd.Timedelta(0))
    return found


def shared_rows(train: pd.DataFrame, test: pd.DataFrame, columns: Sequence[str]) -> Iterator[Finding]:
    """Test rows that occur in training, beside the share of rows that training repeats by itself."""
    if not columns or (absent := [name for name in columns if name not in test.columns]):
        raise ValueError(f"test lacks the columns {absent}" if columns else "name at least one column to compare")
    seen = _row_hashes(train[list(columns)])
    share = float(np.isin(_row_hashes(test[list(columns)]), seen).mean())
    natural = 1 - len(np.unique(seen)) / len(seen)
    if share > 0:
        message = f"{share:.1%} of the test rows occur in training (training repeats {natural:.1%} of its own rows)"
        yield Finding("shared rows", "all features", share, message)


def shared_entities(train: pd.DataFrame, test: pd.DataFrame, entity: str) -> Iterator[Finding]:
    """Test rows whose customer, patient or machine the model has met in training."""
    share = float(test[entity].isin(train[entity].dropna()).mean())
    if share > 0:
        yield Finding(
            "shared entities", entity, share, f"{share:.1%} of the test rows belong to a {entity} of training"
        )


def target_proxies(
    frame: pd.DataFrame, target: str, columns: Sequence[str], limit: float = PROXY_LIMIT
) -> Iterator[Finding]:
    """Columns that predict the target almost alone: AUC for up to 20 classes, R squared for numbers, out of fold."""
    labelled = frame[frame[target].notna()]
    if len(labelled) < 2 * FOLDS or labelled[target].nunique() < 2:
        raise ValueError(f"{target!r} needs at least {2 * FOLDS} labelled rows and two different values")
    if labelled[target].nunique() > MAX_CLASSES and not pd.api.types.is_numeric_dtype(labelled[target]):
        raise ValueError(
            f"{target!r} has more than {MAX_CLASSES} classes; merge rare ones or test one against the rest"
        )
    for name in columns:
        strength = _strength(_groups(labelled[name]), labelled[target])
        if strength >= limit:
            message = f"{name} alone predicts {target} with {strength:.3f}; is it known at prediction time?"
            yield Finding("target proxy", str(name), strength, message)


def time_overlap(train: pd.DataFrame, test: pd.DataFrame, time: str, gap: pd.Timedelta) -> Iterator[Finding]:
    """Training rows that are not at least ``gap`` (the time until a label is known) before the first test row."""
    start = test[time].min() - gap
    share = float((train[time] > start).mean() if gap else (train[time] >= start).mean())
    if share > 0:
        yield Finding("time overlap", time, share, f"{share:.1%} of the training rows are not before {start}")


def _row_hashes(frame: pd.DataFrame) -> NDArray[np.uint64]:
    """One hash per row; numbers as float and all else as text, so that int32 and int64 columns agree."""
    plain = {
        name: column.astype("float64") if pd.api.types.is_numeric_dtype(column) else column.astype(str).astype(object)
        for name, column in frame.items()
    }
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(plain), index=False), dtype=np.uint64)


def _groups(column: pd.Series) -> NDArray[np.int64]:
    """A group per row: quantile bins of numbers, values of all else; missing values are a group of their own (-1)."""
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > BINS:
        return pd.qcut(column.astype("float64"), BINS, labels=False, duplicates="drop").fillna(-1).to_numpy(dtype=int)
    return np.asarray(pd.factorize(column.astype(object))[0], dtype=np.int64)


def _strength(groups: NDArray[np.int64], target: pd.Series) -> float:
    if pd.api.types.is_float_dtype(target) or target.nunique() > MAX_CLASSES:
        values = target.to_numpy(dtype=float)
        residual = values - _out_of_fold_means(groups, values)
        return float(1 - residual.var() / values.var())
    classes = target.unique()
    hits = [(target == one).to_numpy() for one in (classes[:1] if len(classes) == 2 else classes)]
    judged = [hit for hit in hits if min(hit.sum(), (~hit).sum()) >= MINIMUM_CLASS]
    return max((_auc(hit, _out_of_fold_means(groups, hit.astype(float))) for hit in judged), default=0.0)


def _out_of_fold_means(groups: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each row's group in the other folds; an identifier, unique per row, thus predicts nothing."""
    fold = np.random.default_rng(0).permutation(len(values)) % FOLDS
    predicted = np.empty(len(values))
    for one in range(FOLDS):
        inside, outside = fold == one, fold != one
        means = pd.Series(values[outside]).groupby(groups[outside]).mean()
        predicted[inside] = pd.Series(groups[inside]).map(means).fillna(values[outside].mean())
    return predicted


def _auc(hit: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Area under the ROC curve from ranks (Mann-Whitney)."""
    positives = int(hit.sum())
    ranks = pd.Series(score).rank().to_numpy()[hit].sum() - positives * (positives + 1) / 2
    return float(ranks / (positives * (len(hit) - positives)))
