"""The truth with its three dates: read it as it was known, hold it against the contract.

Replace :func:`load_truth` by a query to your own table. It must tell when each figure arrived; a
table that holds only the newest figures cannot say what anybody knew at an earlier date.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from . import synthetic
from .settings import ROOT

COLUMNS = ["series", "day", "arrived_on", "value"]


@dataclass(frozen=True)
class Contract:
    """What data/contract.yaml promises about the truth."""

    name: str
    series: list[str]
    min_days: int
    minimum: float
    maximum: float
    max_missing_share: float
    max_late_share: float


class ContractError(ValueError):
    """The truth breaks its contract; the message names what and how often."""


def load_contract(path: Path = ROOT / "data" / "contract.yaml") -> Contract:
    """Read the contract; a field too many or too few is an error."""
    fields: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return Contract(**fields)


def load_truth(maturity_days: int) -> pd.DataFrame:
    """Every report of every day: here synthetic, see :mod:`.synthetic`."""
    return synthetic.truth(maturity_days)


def newest(truth: pd.DataFrame) -> pd.Timestamp:
    """The last date on which anything arrived; the default of every step's ``as of``."""
    return pd.Timestamp(truth["arrived_on"].max())


def known(truth: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """What was known at a date: for each series and day the newest report that had arrived."""
    arrived = truth[truth["arrived_on"] <= as_of].sort_values("arrived_on", kind="stable")
    latest = arrived.drop_duplicates(["series", "day"], keep="last")
    return latest.sort_values(["series", "day"], ignore_index=True)


def mature(truth: pd.DataFrame, as_of: pd.Timestamp, maturity_days: int) -> pd.DataFrame:
    """One row per day and one column per series, up to the last day that is old enough."""
    last = as_of - pd.Timedelta(days=maturity_days)
    rows = known(truth, as_of)
    table = rows[rows["day"] <= last].pivot(index="day", columns="series", values="value")
    if table.empty:
        raise ContractError(f"nothing was mature on {as_of.date()}")
    return table.reindex(pd.date_range(table.index[0], last, name="day"))


def missing_share(table: pd.DataFrame, days: int) -> float:
    """Which share of the newest mature days has no truth."""
    return float(table.tail(days).isna().to_numpy().mean())


def late_share(truth: pd.DataFrame, as_of: pd.Timestamp, maturity_days: int, days: int) -> float:
    """Which share of the newest mature days was still reported after it should have been mature."""
    last = as_of - pd.Timedelta(days=maturity_days)
    recent = truth["day"].between(last - pd.Timedelta(days=days - 1), last)
    rows = truth[recent & (truth["arrived_on"] <= as_of)]
    reported = rows.groupby(["series", "day"])["arrived_on"].max().reset_index()
    if reported.empty:
        return 0.0
    delay = (reported["arrived_on"] - reported["day"]).dt.days
    return float((delay > maturity_days).mean())


def findings(
    truth: pd.DataFrame, contract: Contract, as_of: pd.Timestamp, maturity_days: int
) -> list[str]:
    """Every broken promise in words; an empty list means that all are kept."""
    if absent := [name for name in COLUMNS if name not in truth]:
        return [f"{name}: the column is missing" for name in absent]
    rows = truth[truth["arrived_on"] <= as_of]
    broken = {
        "values are missing": rows["value"].isna(),
        f"values below {contract.minimum:g}": rows["value"] < contract.minimum,
        f"values above {contract.maximum:g}": rows["value"] > contract.maximum,
        "rows of an unknown series": ~rows["series"].isin(contract.series),
        "rows arrived before their day was over": rows["arrived_on"] <= rows["day"],
        "rows repeat series, day and arrival": rows.duplicated(["series", "day", "arrived_on"]),
    }
    found = [f"{int(where.sum())} {what}" for what, where in broken.items() if where.any()]
    if found:
        return found
    table = mature(truth, as_of, maturity_days).reindex(columns=contract.series)
    if len(table) < contract.min_days:
        found.append(f"{len(table)} mature days, at least {contract.min_days} are promised")
    if (share := missing_share(table, len(table))) > contract.max_missing_share:
        found.append(f"{share:.2%} of the mature days have no truth")
    late = late_share(truth, as_of, maturity_days, len(table))
    if late > contract.max_late_share:
        found.append(f"{late:.2%} of the days were reported after {maturity_days} days or more")
    return found


def require(
    truth: pd.DataFrame, contract: Contract, as_of: pd.Timestamp, maturity_days: int
) -> None:
    """Stop when the truth breaks its contract."""
    if found := findings(truth, contract, as_of, maturity_days):
        raise ContractError("the truth breaks its contract:\n  " + "\n  ".join(found))


def fingerprint(frame: pd.DataFrame) -> str:
    """A digest of names and content; equal digests mean equal rows in equal order."""
    text = frame.to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()[:16]
