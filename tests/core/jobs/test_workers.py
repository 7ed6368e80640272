"""``python -m core worker`` with real processes: cut off, killed, started beside another, and asked to end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import jobs
from core.config import ROOT, data_folder
from tests.conftest import SYSTEM
from tests.core.jobs.conftest import Registry, until

pytestmark = pytest.mark.slow

Process = subprocess.Popen[bytes]
Work = Callable[[], Process]


@pytest.fixture
def work(store: str, registry: Registry, tmp_path: Path) -> Iterator[Work]:
    """Start a worker on this test's store; returns when it does jobs."""
    started: list[Process] = []

    def start() -> Process:
        path = tmp_path / f"worker-{len(started)}.log"
        with path.open("wb") as log:
            command = [sys.executable, "-m", "core", "worker"]
            started.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT))
        until(lambda: b"Jobs run here" in path.read_bytes())
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()


def states() -> list[str]:
    return [one.state for one in jobs.recent(SYSTEM)]


def test_a_run_that_is_cut_off_is_done_by_the_next_worker_once(work: Work, registry: Registry) -> None:
    registry.hold()
    first = work()
    jobs.enqueue(SYSTEM, "sync-models")
    until(lambda: registry.syncs == 1)
    first.kill()

    second = work()
    until(lambda: registry.syncs == 2)
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    assert states() == ["pending"]

    registry.let_go()
    third = work()
    until(lambda: states() == ["success"])
    third.send_signal(signal.SIGTERM)
    assert third.wait(60) == 0
    assert registry.syncs == 3
    assert states() == ["success"]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_workers_beside_each_other_do_every_job_once_also_when_one_starts_later(work: Work, registry: Registry) -> None:
    registry.hold()
    work()
    jobs.enqueue(SYSTEM, "sync-models")
    until(lambda: registry.syncs == 1)

    work()
    jobs.enqueue(SYSTEM, "seal-log")
    until(lambda: sorted(states()) == ["pending", "success"])
    registry.let_go()
    for _ in range(10):
        jobs.enqueue(SYSTEM, "sync-models")
    until(lambda: states() == ["success"] * 12)
    assert registry.syncs == 11


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_worker_whose_jobs_do_not_start_says_so(store: str) -> None:
    (data_folder() / "jobs.sqlite").write_bytes(b"no database" * 1000)
    ended = subprocess.run(
        [sys.executable, "-m", "core", "worker"], cwd=ROOT, capture_output=True, text=True, timeout=180
    )
    assert ended.returncode == 3
    assert "The jobs could not be started." in ended.stderr
