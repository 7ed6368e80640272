"""``serve``: the portal, its bundled MLflow server and the demo; ``worker``: jobs in a process of their own.

The parent does little but start children, pass signals on and wait, so that the portal answers soon. MLflow starts
beside it and is awaited by nobody: pages read the mirror. The demo's models are trained by a child with low priority.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import time
from types import FrameType
from typing import NoReturn

from core.cli import bundled as bundled_mlflow
from core.cli.family import Family, say
from core.config import ROOT, data_folder, settings
from core.errors import Unavailable

_PATIENCE_SECONDS = 1.0
"""How long a port that is taken is asked for: what held it for a portal that was killed is about to end."""


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
    family = Family()
    family.start("portal", _portal_command(chosen.address, chosen.port))
    if bundled:
        family.start("MLflow", bundled_mlflow.command(os.environ["MLFLOW_TRACKING_URI"]), quiet=True)
    if chosen.demo:
        family.start("demo", [sys.executable, "-m", "core", "demo", "build"], once=True, low_priority=True)
    say(f"Portal: {chosen.base_url} (Ctrl+C ends it) · data in {chosen.data}")
    return family.wait_for("portal")


def worker() -> NoReturn:
    """Run schedules and queued jobs until a signal ends it; any number may run beside one PostgreSQL."""
    from core import db, jobs

    db.require_current()
    stopped = {"now": False}

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped["now"] = True

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, stop)
    if not jobs.start():
        raise Unavailable("The jobs could not be started.", hint="The lines above tell why.")
    say("Jobs run here until Ctrl+C.")
    while not stopped["now"]:
        time.sleep(0.2)
    jobs.stop()
    sys.stdout.flush()
    os._exit(0)  # a step that does not end would hold the process; the next start takes it up


def _portal_command(address: str, port: int) -> list[str]:
    return [
        sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"),
        "--server.address", address, "--server.port", str(port), "--server.headless", "true",
    ]  # fmt: skip


def _require_free(address: str, port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (error := _refusal(address, port)) is not None:
        if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            raise Unavailable(
                f"The portal cannot listen on {address}:{port}: {error.strerror or error}.",
                hint="Another portal may run there; choose another port with --port (make run PORT=8502).",
            ) from error
        time.sleep(0.1)


def _refusal(address: str, port: int) -> OSError | None:
    """Why nobody can listen there now."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        return error
    return None
