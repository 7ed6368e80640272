"""A fingerprint of a DataFrame that survives reordering and re-typing by tools, but no change of a value.

Every cell is brought to a canonical form (see :data:`LOGICAL_TYPES`), every row to a 64-bit hash, and the sorted row
hashes to one SHA-256 digest. Sorting makes the digest independent of row order and, unlike a sum or XOR of hashes,
keeps duplicate rows visible. By the birthday bound two of a million different rows share a hash with a probability of
about 3e-8 (n**2 / 2**65).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LOGICAL_TYPES = {
    "boolean": "boolean",
    "integer": "integer",
    "floating": "float",
    "mixed-integer-float": "float",
    "string": "text",
    "empty": "empty",
    "date": "date",
    "datetime": "timestamp",
    "datetime64": "timestamp",
    "timedelta": "duration",
    "timedelta64": "duration",
    "decimal": "decimal",
}
"""What pandas infers from the values, and our name for it; storage details such as int32 or categories do not count."""

MISSING = np.uint64(0x9E3779B97F4A7C15)
"""The hash of every kind of missing value (NaN, None, NaT, NA); any fixed number serves."""


@dataclass(frozen=True)
class Fingerprint:
    """``content`` changes with any value, ``schema`` with any column name or logical type."""

    content: str
    schema: str
    rows: int
    columns: int


def fingerprint(frame: pd.DataFrame) -> Fingerprint:
    """The fingerprint of a table's columns; its index, row order and column order do not count."""
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise ValueError("column names occur twice; give each column its own name")
    order = sorted(range(len(names)), key=names.__getitem__)
    columns = {names[place]: _values(frame.iloc[:, place]) for place in order}
    types = {name: logical_type(column) for name, column in columns.items()}
    hashes = pd.DataFrame({name: _cells(column, types[name]) for name, column in columns.items()})
    rows = np.sort(pd.util.hash_pandas_object(hashes, index=False).to_numpy(dtype="<u8"))
    schema = hashlib.sha256(json.dumps(types).encode())
    content = hashlib.sha256(schema.digest() + rows.tobytes())
    return Fingerprint(content.hexdigest(), schema.hexdigest(), len(frame), len(names))


def logical_type(column: pd.Series) -> str:
    """The logical type of a column's values; a column that mixes types is refused, because its meaning is unclear."""
    inferred = pd.api.types.infer_dtype(_values(column), skipna=True)
    if inferred not in LOGICAL_TYPES:
        raise ValueError(f"the column {column.name!r} holds {inferred} values; convert it to one simple type")
    return LOGICAL_TYPES[inferred]


def _values(column: pd.Series) -> pd.Series:
    """The column itself, or the values behind its categories."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(column.cat.categories.dtype if column.notna().all() else object)
    return column


def _cells(column: pd.Series, kind: str) -> NDArray[np.uint64]:
    present = column.notna().to_numpy()
    hashes = np.full(len(column), MISSING, dtype=np.uint64)
    if present.any():
        hashes[present] = pd.util.hash_array(_canonical(column[present], kind))
    return hashes


def _canonical(present: pd.Series, kind: str) -> NDArray[Any]:
    """Values in one form per logical type; timestamps as microseconds in UTC, which also holds the year 9999."""
    if kind == "boolean":
        return present.astype(bool).to_numpy(dtype=np.int64)
    if kind == "integer":
        return present.to_numpy(dtype=np.int64)
    if kind == "float":
        return present.to_numpy(dtype=np.float64) + 0.0  # -0.0 and 0.0 are the same value
    if kind == "timestamp":
        return pd.to_datetime(present, utc=True).dt.as_unit("us").astype("int64").to_numpy()
    if kind == "duration":
        return pd.to_timedelta(present).dt.as_unit("us").astype("int64").to_numpy()
    return np.array([str(value) for value in present], dtype=object)
