"""The data: load them, hold them against the contract, split and fingerprint them.

Replace :func:`load_rows` by a query to your own table and mend data/contract.yaml; the rest of the
service, its request schema included, speaks only of the columns that the contract names.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import pandas as pd
import yaml
from pandas.api import types
from pydantic import BaseModel, ConfigDict, Field
from sklearn.datasets import load_diabetes

from .settings import ROOT

NAMES = {
    "bp": "blood_pressure",
    "s1": "cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "cholesterol_ratio",
    "s5": "log_triglycerides",
    "s6": "glucose",
    "target": "progression",
}


class Column(BaseModel):
    """What is promised about one input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: float
    max: float
    whole: bool = False
    description: str = ""


class Contract(BaseModel):
    """What data/contract.yaml promises about a table; a misspelt promise is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    key: str
    target: str
    min_rows: Annotated[int, Field(ge=1)]
    columns: Annotated[dict[str, Column], Field(min_length=1)]

    @property
    def features(self) -> list[str]:
        """The columns a model may use, in their fixed order."""
        return list(self.columns)


class ContractError(ValueError):
    """The data break their contract; the message names columns and counts, never values."""


def load_contract(path: Path = ROOT / "data" / "contract.yaml") -> Contract:
    """Read the contract."""
    return Contract(**yaml.safe_load(path.read_text("utf-8")))


def load_rows() -> pd.DataFrame:
    """All rows with a known outcome: the diabetes data set that comes with scikit-learn."""
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns=NAMES)
    frame.insert(0, "patient_id", [f"patient-{number:04d}" for number in range(len(frame))])
    return frame


def findings(frame: pd.DataFrame, contract: Contract) -> list[str]:
    """Every broken promise in words; an empty list means that all are kept."""
    found = []
    if len(frame) < contract.min_rows:
        found.append(f"{len(frame)} rows, at least {contract.min_rows} are promised")
    needed = [contract.key, *contract.features, contract.target]
    found += [f"{name}: the column is missing" for name in needed if name not in frame]
    if contract.key in frame and (again := int(frame[contract.key].duplicated().sum())):
        found.append(f"{contract.key}: {again} rows repeat the key of another")
    for name, promise in contract.columns.items():
        if name in frame:
            found += _column_findings(frame[name], promise)
    if contract.target in frame and (missing := int(frame[contract.target].isna().sum())):
        found.append(f"{contract.target}: {missing} values are missing")
    return found


def _column_findings(column: pd.Series, promise: Column) -> list[str]:
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return [f"{column.name}: stored as {column.dtype}, not as a number"]
    broken = {
        "are missing": column.isna(),
        f"below {promise.min:g}": column < promise.min,
        f"above {promise.max:g}": column > promise.max,
    }
    if promise.whole:
        broken["are not whole"] = column.notna() & (column % 1 != 0)
    counts = {what: int(rows.sum()) for what, rows in broken.items()}
    return [f"{column.name}: {rows} values {what}" for what, rows in counts.items() if rows]


def require(frame: pd.DataFrame, contract: Contract) -> None:
    """Stop when the data break their contract."""
    if found := findings(frame, contract):
        raise ContractError("the data break their contract:\n  " + "\n  ".join(found))


def split(frame: pd.DataFrame, key: str, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows for training and rows held out.

    The key alone decides, so that a row never changes sides when others are added.
    """
    held_out = frame[key].map(_position) < share
    return frame[~held_out], frame[held_out]


def _position(key: object) -> float:
    """A place between 0 and 1 that follows from the key and from nothing else."""
    return int(hashlib.sha256(str(key).encode()).hexdigest()[:8], 16) / 16**8


def fingerprint(frame: pd.DataFrame) -> str:
    """A digest of names and content; equal digests mean equal rows in equal order."""
    text = frame.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()[:16]
