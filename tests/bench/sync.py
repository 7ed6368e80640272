"""P5: mirroring an MLflow server in full, and mirroring 100 changes of a small and of a large one.

Floor: paging the same objects through MLflow's own client, keeping nothing; in turns with the full mirror. MLflow's
database is filled by SQL, which takes seconds where its client would take minutes.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core import db
from core.access import policy
from core.tracking import client as tracking
from core.tracking.sync import SyncReport, sync
from tests.bench import measuring
from tests.conftest import free_port, wait_for

SYNC = policy.system("sync")
VERSIONS = 3
CHANGES = 100
ROUNDS = 3
DAY_MS = 86_400_000
LATER_MS = 300_000  # more than the overlap, so that a round does not meet the changes of the one before


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, Path]]:
    """A real MLflow server with an empty database."""
    port, store = free_port(), folder / "mlflow.sqlite"
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{store}", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | quiet, stdout=log, stderr=log, cwd=folder)
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process=process)
            yield f"http://127.0.0.1:{port}", store
        finally:
            process.terminate()
            process.wait(20)


class Factory:
    """An MLflow database of ``models`` models, each with an experiment and versions from runs of its own."""

    def __init__(self, store: Path, models: int) -> None:
        self.store, self.models, self.runs = sqlite3.connect(store, timeout=30), models, 0
        self.begun = round(time.time() * 1000) - 400 * DAY_MS
        for model in range(models):
            at = self.begun + model * (300 * DAY_MS // models)
            self._insert("experiments", model + 1, f"project-{model}/training", "", "active", at, at, "default")
            self._insert("registered_models", f"model-{model:05}", at, at, "", "default")
            for version in range(1, VERSIONS + 1):
                self._version(model, version, at)
            self._alias(model, 1)
        self.store.commit()

    def change(self, number: int) -> None:
        """The changes of round ``number``: new versions from new runs, and the alias moved to each."""
        at = self.begun + 390 * DAY_MS + number * LATER_MS
        for model in range(number * CHANGES // 3 % self.models, self.models)[: CHANGES // 3]:
            self.store.execute(
                "UPDATE registered_models SET last_updated_time = ? WHERE name = ?", (at, f"model-{model:05}")
            )
            self._version(model, VERSIONS + 1 + number, at)
            self._alias(model, VERSIONS + 1 + number)
        self.store.commit()

    def _version(self, model: int, version: int, at: int) -> None:
        self.runs += 1
        run_id, name = f"{self.runs:032x}", f"model-{model:05}"
        self._insert(
            "runs", run_id, f"run-{self.runs}", "LOCAL", "", "", "ada", "FINISHED", at - 1000, at, "", "active", "",
            model + 1, None,
        )  # fmt: skip
        for key in range(6):
            self._insert("latest_metrics", f"metric_{key}", (self.runs % 97) / 97 + key, at, 0, 0, run_id)
            self._insert("params", f"param_{key}", str(key), run_id)
            self._insert("tags", f"tag_{key}", f"value {key}", run_id)
        self._insert(
            "model_versions", name, version, at, at, "", None, "None", f"s3://models/{name}/{version}", run_id, "READY",
            None, "", "", "default",
        )  # fmt: skip

    def _alias(self, model: int, version: int) -> None:
        self._insert("registered_model_aliases", "champion", version, f"model-{model:05}", "default")

    def _insert(self, table: str, *values: Any) -> None:
        self.store.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(values))})", values)


def bare(uri: str) -> int:
    """Page every object that the mirror holds through MLflow's client, and count them."""
    mlflow = tracking._import("mlflow").MlflowClient(uri)

    def pages(ask: Callable[..., Any], *given: Any, **options: Any) -> int:
        total, token = 0, None
        while True:
            page = ask(*given, page_token=token, **options)
            total += len(page)
            if not (token := page.token):
                return total

    experiments = [str(number) for number in range(pages(mlflow.search_experiments, max_results=1000) + 1)]
    counted = pages(mlflow.search_registered_models, max_results=tracking.MODELS_PER_PAGE)
    counted += pages(mlflow.search_model_versions, max_results=tracking.VERSIONS_PER_PAGE)
    return counted + pages(mlflow.search_runs, experiments, max_results=tracking.RUNS_PER_PAGE)


def timed_sync() -> tuple[float, SyncReport]:
    """A sync, how long it took and what it did."""
    reports: list[SyncReport] = []
    took = measuring.seconds(lambda: reports.append(sync(SYNC)))
    return took, reports[0]


def measure(models: int) -> dict[str, Any]:
    """Everything for a server with ``models`` models."""
    with tempfile.TemporaryDirectory() as folder, server(Path(folder)) as (uri, store):
        os.environ["MLFLOW_TRACKING_URI"] = uri
        factory = Factory(store, models)
        bare(uri)  # the first answers of a server are slow
        bares, fulls = [], []
        for _ in range(ROUNDS):
            with measuring.own_data():
                db.migrate()
                bares.append(measuring.seconds(lambda: bare(uri)))
                took, report = timed_sync()
                fulls.append(took)
                assert (report.models, report.runs) == (models, models * VERSIONS), report
        changed, unchanged = follow(factory)
    return {
        "models": models, "versions": models * VERSIONS, "bare paging s": measuring.median(bares),
        "full mirror s": measuring.median(fulls), "full / bare": measuring.median(fulls) / measuring.median(bares),
        f"{CHANGES} changes s": measuring.median(changed), "nothing changed s": measuring.median(unchanged),
    }  # fmt: skip


def follow(factory: Factory) -> tuple[list[float], list[float]]:
    """How long incremental syncs take with 100 changes and with none."""
    changed, unchanged = [], []
    with measuring.own_data():
        db.migrate()
        sync(SYNC)
        for number in range(ROUNDS + 2):
            factory.change(number)
            took, report = timed_sync()
            assert report.aliases_moved == CHANGES // 3, report
            changed.append(took)
            unchanged.append(timed_sync()[0])
    return changed, unchanged


def main() -> int:
    """Measure both sizes, print the table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=200)
    parser.add_argument("--large", type=int, default=1000)
    options = parser.parse_args()
    rows = [measure(models) for models in (options.small, options.large)]
    for row in rows:
        row["changes / smallest"] = row[f"{CHANGES} changes s"] / rows[0][f"{CHANGES} changes s"]
    measuring.report("sync", rows)
    print("\nP5 asks for full / bare ≤ 1.5 and changes / smallest ≤ 1.2.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
