"""What the benchmarks share: data folders of their own, medians, a table and a JSON file."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.config import ROOT

RESULTS = ROOT / "tests" / "bench" / "results"


@contextmanager
def own_data() -> Iterator[Path]:
    """An empty data folder, named in the environment for this process and its children."""
    from core import config, db

    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        os.environ["PORTAL_DATA"] = folder
        if db.engine.cache_info().currsize:
            db.engine().dispose()
        config.settings.cache_clear()
        db.engine.cache_clear()
        yield Path(folder)
        db.engine().dispose()


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[max(int(len(values) * 0.95) - 1, 0)]


def report(name: str, rows: list[dict[str, Any]]) -> None:
    """Print ``rows`` as a table and keep them as JSON."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    shown = [[_shown(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(column), *(len(line[index]) for line in shown)) for index, column in enumerate(columns)]
    for line in [columns, ["-" * width for width in widths], *shown]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
