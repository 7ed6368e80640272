"""The portal as a process of its own, for tests of ``serve`` and for the browser; and the processes that belong to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from core.config import ROOT
from tests.conftest import free_port, wait_for


@dataclass
class Portal:
    """A running portal."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> int:
        """End it as a service manager does; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def environment(data: Path, **settings: str) -> dict[str, str]:
    """The variables of a process with these settings and none of the caller's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "MLFLOW_"))}
    return kept | {"PORTAL_DATA": str(data), "MLFLOW_DISABLE_TELEMETRY": "true"} | settings


def start(data: Path, **settings: str) -> Portal:
    """``python -m core serve`` on a free port, or on ``PORT``, with these settings; returns when it answers."""
    port = int(settings.pop("PORT", "0")) or free_port()
    data.mkdir(parents=True, exist_ok=True)
    with (data / "serve.log").open("ab") as log:
        command = [sys.executable, "-m", "core", "serve", "--port", str(port), "--address", "127.0.0.1"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(data, **settings), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/api/v1/health", process=process, seconds=300)
    except BaseException:
        process.kill()
        raise
    return Portal(f"http://127.0.0.1:{port}", data, process)


def below(pid: int) -> dict[int, str]:
    """The processes that ``pid`` started and those that they started, each with its command."""
    found: dict[int, str] = {}
    rows = _processes()
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for child, above, command in rows:
            if above == parent:
                found[child] = command
                waiting.append(child)
    return found


def left_of(pids: Collection[int], *, seconds: float = 15) -> list[str]:
    """The commands of those ``pids`` that still run after so long a time."""
    deadline = time.monotonic() + seconds
    while left := [command for pid, _, command in _processes() if pid in pids]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return left


def _processes() -> list[tuple[int, int, str]]:
    """Process, its parent and its command, of all that run; the dead that nobody has buried do not."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    return [(int(pid), int(parent), "".join(args)) for pid, parent, state, *args in rows if "Z" not in state]
