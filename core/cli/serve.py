"""``serve``: the portal and its bundled MLflow server in one process group; ``worker``: jobs in a process of their own.

The parent does little but start children, pass signals on and wait, so that the portal answers soon. MLflow starts
beside it and is awaited by nobody: pages read the mirror. The demo's models are trained by a child with low priority.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from core.cli import bundled as bundled_mlflow
from core.config import ROOT, data_folder, settings
from core.errors import Unavailable

GRACE_SECONDS = 10
_RESTARTS = 5

Process = subprocess.Popen[bytes]


def serve(*, port: int | None = None, address: str | None = None) -> int:
    """Run the portal until a signal ends it or it ends by itself; returns its exit code."""
    if port is not None:
        os.environ["PORTAL_PORT"] = str(port)
    if address is not None:
        os.environ["PORTAL_ADDRESS"] = address
    settings.cache_clear()
    chosen = settings()
    data_folder()
    _require_free(chosen.address, chosen.port)
    bundled = not chosen.mlflow_tracking_uri
    if bundled:
        os.environ["MLFLOW_TRACKING_URI"] = bundled_mlflow.address()
    family = _Family()
    family.start("portal", _portal_command(chosen.address, chosen.port))
    if bundled:
        family.start("MLflow", bundled_mlflow.command(os.environ["MLFLOW_TRACKING_URI"]), quiet=True)
    if chosen.demo:
        family.start("demo", [sys.executable, "-m", "core", "demo", "build"], once=True, low_priority=True)
    _say(f"Portal: {chosen.base_url} (Ctrl+C ends it) · data in {chosen.data}")
    return family.wait_for("portal")


def worker() -> int:
    """Run schedules and queued jobs until a signal ends it; any number may run beside one PostgreSQL."""
    from core import db, jobs

    db.require_current()
    stopped = {"now": False}

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped["now"] = True

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, stop)
    jobs.start()
    _say("Jobs run here until Ctrl+C.")
    while not stopped["now"]:
        time.sleep(0.2)
    jobs.stop()
    return 0


class _Family:
    """Children that live and end together, in the parent's process group."""

    def __init__(self) -> None:
        self._commands: dict[str, tuple[list[str], dict[str, bool]]] = {}
        self._children: dict[str, Process] = {}
        self._restarts: dict[str, int] = {}
        self._ending = False
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(one, self._end)

    def start(
        self, name: str, command: list[str], *, quiet: bool = False, once: bool = False, low_priority: bool = False
    ) -> None:
        """Start a child; ``quiet`` sends its output to the data folder's log, ``once`` lets it end by itself."""
        self._commands[name] = (command, {"quiet": quiet, "once": once, "low_priority": low_priority})
        self._spawn(name)

    def wait_for(self, main: str) -> int:
        """Wait until the child ``main`` ends, starting others again that should not have ended."""
        try:
            while (code := self._children[main].poll()) is None:
                self._revive(main)
                try:
                    self._children[main].wait(0.5)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            self._end_all()
        return 0 if self._ending else code

    def _spawn(self, name: str) -> None:
        command, options = self._commands[name]
        output = self._log(name) if options["quiet"] else None
        nice = (lambda: os.nice(10)) if options["low_priority"] else None
        self._children[name] = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, preexec_fn=nice)

    def _log(self, name: str) -> int:
        folder = settings().data / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / f"{name.lower()}.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def _revive(self, main: str) -> None:
        for name, child in list(self._children.items()):
            if name == main or child.poll() is None or self._ending:
                continue
            if self._commands[name][1]["once"]:
                del self._children[name]
            elif self._restarts.get(name, 0) < _RESTARTS:
                self._restarts[name] = self._restarts.get(name, 0) + 1
                _say(f"{name} ended with {child.returncode}; starting it again.")
                self._spawn(name)

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._ending = True
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()

    def _end_all(self) -> None:
        self._end(signal.SIGTERM, None) if not self._ending else None
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _portal_command(address: str, port: int) -> list[str]:
    return [
        sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"),
        "--server.address", address, "--server.port", str(port), "--server.headless", "true",
    ]  # fmt: skip


def _require_free(address: str, port: int) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        raise Unavailable(
            f"The portal cannot listen on {address}:{port}: {error.strerror or error}.",
            hint="Another portal may run there; choose another port with --port (make run PORT=8502).",
        ) from error


def _say(line: str) -> None:
    print(line, flush=True)
