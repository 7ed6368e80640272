"""One line per answer for monitoring: ids, outcomes and times, never what was asked or said."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from .settings import ROOT, Settings


@dataclass(frozen=True)
class Record:
    """What is kept of an answer or of a report about it."""

    at: str
    kind: str
    """answer or report"""
    answer_id: str
    version: str
    refused: bool = False
    reason: str = ""
    sources: tuple[str, ...] = ()
    seconds: float = 0.0


def file(settings: Settings) -> Path:
    """Where the records of an environment stand."""
    return ROOT / "output" / settings.environment / "records.jsonl"


def write(settings: Settings, record: Record) -> None:
    """Add a line; a line is written at once, so that concurrent writers do not mix."""
    place = file(settings)
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(record)) + "\n")


def read(settings: Settings, since: datetime) -> pd.DataFrame:
    """The records from a moment on; none yet is an empty table."""
    place = file(settings)
    lines = place.read_text("utf-8").splitlines() if place.is_file() else []
    records = [json.loads(line) for line in lines]
    kept = [one for one in records if datetime.fromisoformat(one["at"]) >= since]
    return pd.DataFrame(kept, columns=list(Record.__dataclass_fields__))
