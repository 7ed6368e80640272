"""The MLflow server that comes with the portal: on loopback, its store in the data folder, for whoever names no other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from core.cli.children import Children
from core.config import data_folder, settings
from core.errors import Unavailable

PATIENCE_SECONDS = 90


def address() -> str:
    """A free address on loopback for the server, noted in the data folder, where other commands find it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{probe.getsockname()[1]}"
    (_folder() / "uri").write_text(uri, "ascii")
    return uri


def command(uri: str) -> list[str]:
    """What starts the server at ``uri``: one process that serves, and none for MLflow's own jobs."""
    os.environ |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(urlsplit(uri).port),
        "--workers", "1", "--backend-store-uri", f"sqlite:///{_folder() / 'mlflow.sqlite'}",
        "--artifacts-destination", str(_folder() / "artifacts"),
    ]  # fmt: skip


def found() -> bool:
    """Whether an MLflow server is named, or a running portal's bundled one is there, which then counts as named."""
    if settings().mlflow_tracking_uri:
        return True
    noted = _folder() / "uri"
    uri = noted.read_text("ascii").strip() if noted.exists() else ""
    if uri and _answers(uri):
        _name(uri)
        return True
    return False


@contextmanager
def running() -> Iterator[None]:
    """An MLflow server for the time of a command: the one that is there, or one started for it."""
    if found():
        yield
        return
    with Children() as children:
        _start(children, address())
        yield


def _name(uri: str) -> None:
    os.environ["MLFLOW_TRACKING_URI"] = uri
    settings.cache_clear()


def _start(children: Children, uri: str) -> None:
    process = children.start(command(uri), output=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _answers(uri):
        if process.poll() is not None or time.monotonic() > deadline:
            raise Unavailable("The bundled MLflow server does not start.", hint="Name another by MLFLOW_TRACKING_URI.")
        time.sleep(0.2)
    _name(uri)


def _answers(uri: str) -> bool:
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _folder() -> Path:
    folder = data_folder() / "mlflow"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder
