"""The cases: load them, hold them against the contract, split and fingerprint them.

Replace :func:`load_cases` by a query to your own table and mend data/contract.yaml; the rest of the
job speaks only of the columns that the contract names.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from .settings import ROOT


@dataclass(frozen=True)
class Contract:
    """What data/contract.yaml promises about a table."""

    name: str
    key: str
    target: str
    classes: list[int]
    min_rows: int
    max_missing: float
    max_blank: float
    height: int
    width: int
    min: float
    max: float

    @property
    def features(self) -> list[str]:
        """The columns a model may use, in their fixed order."""
        return [
            f"pixel_{row}_{column}" for row in range(self.height) for column in range(self.width)
        ]


class ContractError(ValueError):
    """The data break their contract; the message names columns and counts, never values."""


def load_contract(path: Path = ROOT / "data" / "contract.yaml") -> Contract:
    """Read the contract; a field too many or too few is an error."""
    fields: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return Contract(**fields)


def load_cases() -> pd.DataFrame:
    """All cases with a known outcome: the handwritten digits that come with scikit-learn."""
    bundled = load_digits(as_frame=True)
    frame = bundled.data.copy()
    frame.insert(0, "case_id", [f"digit-{number:04d}" for number in range(len(frame))])
    frame["digit"] = bundled.target.to_numpy()
    return frame


def findings(frame: pd.DataFrame, contract: Contract, *, labelled: bool) -> list[str]:
    """Every broken promise in words; an empty list means that all are kept."""
    found = []
    if len(frame) < contract.min_rows:
        found.append(f"{len(frame)} rows, at least {contract.min_rows} are promised")
    if contract.key not in frame:
        found.append(f"{contract.key}: the column is missing")
    elif again := int(frame[contract.key].duplicated().sum()):
        found.append(f"{contract.key}: {again} rows repeat the key of another")
    if labelled:
        found += _target_findings(frame, contract)
    if absent := [name for name in contract.features if name not in frame]:
        found.append(f"{len(absent)} pixel columns are missing, {absent[0]} first")
    else:
        found += _pixel_findings(frame[contract.features], contract)
    return found


def _target_findings(frame: pd.DataFrame, contract: Contract) -> list[str]:
    if contract.target not in frame:
        return [f"{contract.target}: the column is missing"]
    unknown = int((~frame[contract.target].isin(contract.classes)).sum())
    return [f"{contract.target}: {unknown} values are no known class"] if unknown else []


def _pixel_findings(pixels: pd.DataFrame, contract: Contract) -> list[str]:
    texts = [str(name) for name in pixels if not pd.api.types.is_numeric_dtype(pixels[name])]
    if texts:
        return [f"{len(texts)} pixel columns hold no numbers, {texts[0]} first"]
    values = pixels.to_numpy(dtype=float)
    missing = int(np.isnan(values).any(axis=1).sum())
    outside = int(((values < contract.min) | (values > contract.max)).any(axis=1).sum())
    blank = int((values <= contract.min).all(axis=1).sum())
    found = []
    if missing > contract.max_missing * len(values):
        found.append(f"{missing} rows with missing pixels")
    if outside:
        found.append(f"{outside} rows with pixels outside {contract.min:g} to {contract.max:g}")
    if blank > contract.max_blank * len(values):
        found.append(f"{blank} blank rows, a share of {contract.max_blank:g} is promised at most")
    return found


def require(frame: pd.DataFrame, contract: Contract, *, labelled: bool) -> None:
    """Stop when the data break their contract."""
    if found := findings(frame, contract, labelled=labelled):
        raise ContractError("the data break their contract:\n  " + "\n  ".join(found))


@dataclass(frozen=True)
class Parts:
    """Rows to train on, rows that stay frozen for every comparison, and rows yet to come."""

    training: pd.DataFrame
    frozen: pd.DataFrame
    later: pd.DataFrame


def split(frame: pd.DataFrame, key: str, training: float, frozen: float) -> Parts:
    """Split by the key alone, so that a row never changes sides when others are added."""
    places = positions(frame[key])
    return Parts(
        frame[places < training],
        frame[(places >= training) & (places < training + frozen)],
        frame[places >= training + frozen],
    )


def positions(keys: pd.Series, purpose: str = "split") -> NDArray[np.float64]:
    """For each key a place between 0 and 1 that follows from key and purpose, and nothing else."""
    hashes = (hashlib.sha256(f"{purpose}:{key}".encode()).hexdigest() for key in keys)
    return np.array([int(one[:8], 16) / 16**8 for one in hashes])


def fingerprint(frame: pd.DataFrame) -> str:
    """A digest of names and content; equal digests mean equal rows in equal order."""
    text = frame.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()[:16]
