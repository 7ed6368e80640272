"""The cases: load them, hold them against the contract, split and fingerprint them.

Replace :func:`load_cases` by a query to your own table and mend data/contract.yaml; the rest of the
example speaks only of the columns that the contract names.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from pandas.api import types
from sklearn.datasets import load_breast_cancer

from .settings import ROOT, Settings


@dataclass(frozen=True)
class Contract:
    """What data/contract.yaml promises about a table."""

    name: str
    key: str
    target: str
    min_rows: int
    max_missing: float
    columns: dict[str, dict[str, float]]

    @property
    def features(self) -> list[str]:
        """The columns a model may use, in their fixed order."""
        return list(self.columns)


class ContractError(ValueError):
    """The data break their contract; the message names columns and counts, never values."""


def load_contract(path: Path = ROOT / "data" / "contract.yaml") -> Contract:
    """Read the contract; a field too many or too few is an error."""
    fields: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return Contract(**fields)


def load_cases() -> pd.DataFrame:
    """All cases with a known outcome: the breast cancer data set that comes with scikit-learn."""
    bundled = load_breast_cancer(as_frame=True)
    frame = bundled.data.filter(like="worst ").rename(columns=lambda name: name.replace(" ", "_"))
    frame.insert(0, "case_id", [f"case-{number:04d}" for number in range(len(frame))])
    frame["malignant"] = bundled.target == 0
    return frame


def findings(frame: pd.DataFrame, contract: Contract, *, labelled: bool) -> list[str]:
    """Every broken promise in words; an empty list means that all are kept."""
    found = []
    if len(frame) < contract.min_rows:
        found.append(f"{len(frame)} rows, at least {contract.min_rows} are promised")
    needed = [contract.key, *contract.features, *([contract.target] if labelled else [])]
    found += [f"{name}: the column is missing" for name in needed if name not in frame]
    if contract.key in frame and (again := int(frame[contract.key].duplicated().sum())):
        found.append(f"{contract.key}: {again} rows repeat the key of another")
    if labelled and contract.target in frame and not types.is_bool_dtype(frame[contract.target]):
        found.append(f"{contract.target}: stored as {frame[contract.target].dtype}, not as bool")
    for name, promise in contract.columns.items():
        if name in frame:
            found += _column_findings(frame[name], promise, contract.max_missing)
    return found


def _column_findings(column: pd.Series, promise: dict[str, float], max_missing: float) -> list[str]:
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return [f"{column.name}: stored as {column.dtype}, not as a number"]
    missing, below = int(column.isna().sum()), int((column < promise["min"]).sum())
    above = int((column > promise["max"]).sum())
    found = []
    if missing > max_missing * len(column):
        found.append(f"{column.name}: {missing} values are missing")
    if below:
        found.append(f"{column.name}: {below} values below {promise['min']:g}")
    if above:
        found.append(f"{column.name}: {above} values above {promise['max']:g}")
    return found


def require(frame: pd.DataFrame, contract: Contract, *, labelled: bool) -> None:
    """Stop when the data break their contract."""
    if found := findings(frame, contract, labelled=labelled):
        raise ContractError("the data break their contract:\n  " + "\n  ".join(found))


def split(frame: pd.DataFrame, key: str, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows for training and rows held out.

    The key alone decides, so that a row never changes sides when others are added.
    """
    held_out = frame[key].map(_position) < share
    return frame[~held_out], frame[held_out]


def mistype(rows: pd.DataFrame, columns: list[str], share: float, seed: int) -> pd.DataFrame:
    """The rows with a decimal point that slipped in a share of the cells: ten times the value."""
    slipped = np.random.default_rng(seed).random((len(rows), len(columns))) < share
    return rows.assign(**(rows[columns] * np.where(slipped, 10.0, 1.0)))


def held_out(settings: Settings) -> pd.DataFrame:
    """The rows that no training has seen."""
    _, rows = split(load_cases(), load_contract().key, settings.held_out_share)
    return rows


def _position(key: object) -> float:
    """A place between 0 and 1 that follows from the key and from nothing else."""
    return int(hashlib.sha256(str(key).encode()).hexdigest()[:8], 16) / 16**8


def fingerprint(frame: pd.DataFrame) -> str:
    """A digest of names and content; equal digests mean equal rows in equal order."""
    text = frame.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()[:16]
