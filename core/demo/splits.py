"""The demo's data: sets that ship with scikit-learn, divided into rows that train and rows that are held out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

SEED = 7
TARGET = "target"


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows held out; both carry the target in their last column."""

    dataset: str
    train: pd.DataFrame
    test: pd.DataFrame
    note: str
    groups: str = ""
    """The column whose groups the fairness metrics compare."""


def _frame(data: pd.DataFrame, target: pd.Series) -> pd.DataFrame:
    return data.assign(**{TARGET: target.to_numpy()})


def _held_out(dataset: str, frame: pd.DataFrame, *, classes: bool, seed: int = SEED) -> Split:
    train, test = train_test_split(frame, test_size=0.3, random_state=seed, stratify=frame[TARGET] if classes else None)
    return Split(dataset, train, test, f"70 % of the rows train and 30 % are held out, drawn with seed {seed}.")


@cache
def biopsies() -> Split:
    """Breast cancer data; 1 means malignant, which is 0 in the source."""
    data = datasets.load_breast_cancer(as_frame=True)
    return _held_out("breast-cancer", _frame(data.data, (data.target == 0).astype(int)), classes=True)


@cache
def biopsies_by_means() -> Split:
    """Breast cancer data with the ten mean values alone."""
    whole = datasets.load_breast_cancer(as_frame=True)
    means = whole.data[[name for name in whole.data.columns if name.startswith("mean ")]]
    return _held_out("breast-cancer", _frame(means, (whole.target == 0).astype(int)), classes=True)


@cache
def wines() -> Split:
    """Wine data; the cultivar is the target."""
    data = datasets.load_wine(as_frame=True)
    return _held_out("wine", _frame(data.data, data.target), classes=True)


@cache
def alcohol() -> Split:
    """Wine data; the alcohol content is the target, forecast from the other values."""
    data = datasets.load_wine(as_frame=True).data
    return _held_out("wine", _frame(data.drop(columns="alcohol"), data["alcohol"]), classes=False)


@cache
def progression() -> Split:
    """Diabetes data; progression after a year is the target."""
    data = datasets.load_diabetes(as_frame=True, scaled=False)
    return replace(_held_out("diabetes", _frame(data.data, data.target), classes=False), groups="sex")


@cache
def follow_ups() -> Split:
    """Diabetes data, unfair by construction: of the quickly progressing patients with sex code 2, most are left out."""
    data = datasets.load_diabetes(as_frame=True, scaled=False)
    frame = _frame(data.data, (data.target > data.target.median()).astype(int))
    strata = frame[TARGET].astype(str) + frame["sex"].astype(int).astype(str)
    train, test = train_test_split(frame, test_size=0.4, random_state=SEED, stratify=strata)
    drawn = np.random.default_rng(SEED).random(len(train))
    left_out = (train["sex"] == 2) & (train[TARGET] == 1) & (drawn < 0.85)
    note = (
        "UNFAIR BY CONSTRUCTION, to show what the checks find: of the training rows with sex code 2 and quick "
        "progression, 85 % are left out, as if their follow-up had not been recorded. The held-out rows are complete."
    )
    return Split("diabetes", train[~left_out], test, note, groups="sex")


@cache
def flowers() -> Split:
    """Iris data; the species is the target."""
    data = datasets.load_iris(as_frame=True)
    return _held_out("iris", _frame(data.data, data.target), classes=True)


@cache
def fitness() -> Split:
    """Linnerud data; the weight of twenty people is the target, forecast from three fitness tests."""
    data = datasets.load_linnerud(as_frame=True)
    split = _held_out("linnerud", _frame(data.data, data.target["Weight"]), classes=False)
    return replace(
        split, note=split.note + " Twenty rows are too few for that: metrics are of ten-fold cross-validation."
    )


@cache
def _digits() -> pd.DataFrame:
    data = datasets.load_digits(as_frame=True)
    return _frame(data.data, data.target)


def postcodes() -> Split:
    """Digits data."""
    return _held_out("digits", _digits(), classes=True)


def postcodes_again() -> Split:
    """Digits data, with other rows held out: results on them do not compare with the first split's."""
    return _held_out("digits", _digits(), classes=True, seed=SEED + 1)


@cache
def coarse_digits() -> Split:
    """Digits data at a quarter of their resolution, as from a poor photograph."""
    whole = _digits()
    images = whole.drop(columns=TARGET).to_numpy().reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    names = [f"block_{row}_{column}" for row in range(4) for column in range(4)]
    frame = _frame(pd.DataFrame(images.reshape(-1, 16), columns=names), whole[TARGET])
    return _held_out("digits", frame, classes=True)


def unreadable_digits() -> Split:
    """The same with blocks missing, as cameras deliver them when a lens is dirty."""
    clean = coarse_digits()
    train = clean.train.mask(np.random.default_rng(SEED).random(clean.train.shape) < 0.1)
    return Split(
        clean.dataset, train.assign(**{TARGET: clean.train[TARGET]}), clean.test, "One block in ten is missing."
    )


def slant(frame: pd.DataFrame) -> pd.Series:
    """How far the upper half of a digit leans to the right of its lower half, in pixels."""
    images = frame.drop(columns=TARGET).to_numpy().reshape(-1, 8, 8)
    columns = np.arange(8)
    upper, lower = ((half * columns).sum((1, 2)) / half.sum((1, 2)) for half in (images[:, :4], images[:, 4:]))
    return pd.Series(upper - lower, index=frame.index)


@cache
def _by_slant() -> tuple[pd.DataFrame, pd.DataFrame]:
    ordered = _digits().loc[slant(_digits()).sort_values(kind="stable").index]
    upright = int(len(ordered) * 0.6)
    return ordered[:upright], ordered[upright:]


@cache
def upright_digits() -> Split:
    """The six tenths of the digits that lean least to the right: how people wrote when the model was trained."""
    held_out = _held_out("digits", _by_slant()[0], classes=True)
    return Split(
        held_out.dataset, held_out.train, held_out.test, "The 60 % of rows with the least slant. " + held_out.note
    )


def ever_more_slanted_digits() -> Iterator[tuple[str, Split]]:
    """Five overlapping windows over the rows that were not trained on, sorted by slant: drift by construction."""
    rest = pd.concat([upright_digits().test, _by_slant()[1]])
    rest = rest.loc[slant(rest).sort_values(kind="stable").index]
    width, step = len(rest) // 3, len(rest) // 6
    for number in range(5):
        window = rest[number * step : number * step + width]
        note = (
            "DRIFTING BY CONSTRUCTION, to show what monitoring finds: rows that were not trained on are sorted by how "
            f"far the digit leans to the right; this is window {number + 1} of 5, each a third of them."
        )
        yield f"window-{number + 1}", Split("digits", upright_digits().train, window, note)
