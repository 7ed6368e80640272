"""Check a table against a data contract that is plain data, such as the content of a YAML file.

A finding says which promise is broken, in which column and by how many rows. It never repeats a value, so that findings
about personal data can be stored and sent. The defaults (5 % missing values, no duplicate keys) are conventions.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.api import types

CONTRACT_FIELDS = ("columns", "key", "max_duplicates", "min_rows", "extra_columns")
COLUMN_FIELDS = ("type", "max_missing", "min", "max", "values", "pattern", "unique")
MAX_MISSING = 0.05


def _is_whole(column: pd.Series) -> bool:
    """Whether floats are whole numbers: pandas stores integers with missing values so."""
    return types.is_float_dtype(column) and bool((column % 1 == 0).all())


TYPES = {
    "integer": lambda column: types.is_integer_dtype(column) or _is_whole(column),
    "number": lambda column: types.is_numeric_dtype(column) and not types.is_bool_dtype(column),
    "boolean": lambda column: types.is_bool_dtype(column),
    "timestamp": lambda column: types.is_datetime64_any_dtype(column),
    "text": lambda column: types.infer_dtype(column, skipna=True) in ("string", "empty"),
}


@dataclass(frozen=True)
class Finding:
    """A broken promise: ``rows`` of the table break it (0 where it concerns the table as a whole)."""

    rule: str
    column: str
    rows: int
    message: str


def check(frame: pd.DataFrame, contract: Mapping[str, Any]) -> list[Finding]:
    """Every broken promise, table first, then columns in the contract's order; an empty list means all are kept."""
    validate(contract)
    columns: Mapping[str, Any] = contract["columns"]
    found = [*_table(frame, contract)]
    for name, promise in columns.items():
        if name in frame.columns:
            found += _column(frame[name], str(name), promise or {})
        else:
            found.append(Finding("column missing", str(name), 0, "the contract has this column, the table does not"))
    return found


def validate(contract: Mapping[str, Any]) -> None:
    """Refuse a contract that could not be checked in full: a misspelt promise is worse than none."""
    if not isinstance(contract.get("columns"), Mapping) or not contract["columns"]:
        raise ValueError("a contract needs 'columns', a mapping from column names to promises")
    _known(contract, CONTRACT_FIELDS, "the contract")
    if contract.get("extra_columns", "allow") not in ("allow", "forbid"):
        raise ValueError("extra_columns is 'allow' or 'forbid'")
    for name, promise in contract["columns"].items():
        where = f"the column {name!r}"
        if not isinstance(promise or {}, Mapping):
            message = f"{where} needs a mapping of promises, such as {{type: integer, min: 0}}"
            raise ValueError(message)  # noqa: TRY004 - a fault in a file, as the others are
        _known(promise or {}, COLUMN_FIELDS, where)
        if (kind := (promise or {}).get("type", "text")) not in TYPES:
            raise ValueError(f"{where} has the type {kind!r}; use one of {', '.join(TYPES)}")


def _known(given: Mapping[str, Any], fields: Collection[str], where: str) -> None:
    for field in given:
        if field not in fields:
            close = difflib.get_close_matches(str(field), fields, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"use {', '.join(fields)}"
            raise ValueError(f"{field!r} is no promise of {where}; {hint}")


def _table(frame: pd.DataFrame, contract: Mapping[str, Any]) -> Iterator[Finding]:
    if len(frame) < (least := contract.get("min_rows", 1)):
        yield Finding("too few rows", "", 0, f"{len(frame)} rows, at least {least} promised")
    if contract.get("extra_columns", "allow") == "forbid":
        for name in frame.columns.difference(list(contract["columns"]), sort=False):
            yield Finding("extra column", str(name), 0, "the table has this column, the contract does not")
    key = list(contract.get("key", []))
    if key and all(name in frame.columns for name in key):
        again = int(frame.duplicated(subset=key).sum())
        if again > contract.get("max_duplicates", 0) * len(frame):
            yield Finding("duplicate key", ", ".join(key), again, f"{again} rows repeat the key of an earlier row")
    elif key:
        absent = [name for name in key if name not in frame.columns]
        yield Finding("key missing", ", ".join(absent), 0, "the table lacks columns of the key")


def _column(column: pd.Series, name: str, promise: Mapping[str, Any]) -> Iterator[Finding]:
    missing = int(column.isna().sum())
    allowed = promise.get("max_missing", MAX_MISSING)
    if missing > allowed * len(column):
        share = missing / len(column)
        yield Finding("missing values", name, missing, f"{share:.2%} of the values are missing, {allowed:.2%} allowed")
    present = column.dropna()
    if present.empty:
        return
    if "type" in promise and not TYPES[promise["type"]](present.infer_objects()):
        yield Finding("wrong type", name, len(present), f"stored as {column.dtype}, promised as {promise['type']}")
        return
    try:
        for rule, broken, message in _values(present, promise):
            if rows := int(broken.sum()):
                yield Finding(rule, name, rows, message)
    except TypeError:
        yield Finding("wrong type", name, len(present), f"stored as {column.dtype}, which the limits do not fit")


def _values(present: pd.Series, promise: Mapping[str, Any]) -> Iterator[tuple[str, pd.Series, str]]:
    """For each promise about values: the rule, which rows break it, and what was promised."""
    if "min" in promise:
        yield "below minimum", present < _limit(promise["min"], present), f"at least {promise['min']} promised"
    if "max" in promise:
        yield "above maximum", present > _limit(promise["max"], present), f"at most {promise['max']} promised"
    if "values" in promise:
        yield "unknown value", ~present.isin(promise["values"]), f"one of {len(promise['values'])} values promised"
    if "pattern" in promise:
        whole = re.compile(promise["pattern"])
        broken = present.map(lambda value: whole.fullmatch(str(value)) is None).astype(bool)
        yield "wrong pattern", broken, f"the pattern {promise['pattern']} promised"
    if promise.get("unique", False):
        yield "not unique", present.duplicated(), "different values promised"


def _limit(value: Any, present: pd.Series) -> Any:
    """A limit as it stands in YAML; for timestamps, dates and texts are read as instants in the column's time zone."""
    if not types.is_datetime64_any_dtype(present):
        return value
    instant = pd.Timestamp(value)
    return instant.tz_localize(present.dt.tz) if instant.tzinfo is None else instant
