"""A registry that counts who asks, and waiting for what a job does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.conftest import forget_settings


class Registry:
    """An MLflow without models, as far as a sync can tell: each sync asks it once for a run that is not there."""

    def __init__(self) -> None:
        self.syncs = 0
        self.faults = 0
        """How many of the next questions are answered with a fault."""
        self._open = threading.Event()
        self._open.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Answer, self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.uri = f"http://127.0.0.1:{self._server.server_port}"

    def is_held(self, seconds: float) -> bool:
        """Whether it still keeps those waiting who asked, after so long a time."""
        return not self._open.wait(seconds)

    def hold(self) -> None:
        """Keep those waiting who ask from now on."""
        self._open.clear()

    def let_go(self) -> None:
        """Answer everybody."""
        self._open.set()

    def close(self) -> None:
        """Answer nobody any more."""
        self.let_go()
        self._server.shutdown()
        self._server.server_close()


class _Answer(BaseHTTPRequestHandler):
    def __init__(self, registry: Registry, *arguments: Any) -> None:
        self._registry = registry
        super().__init__(*arguments)

    def do_GET(self) -> None:
        if not self.path.startswith("/api/2.0/mlflow/runs/get?"):
            self._answer(200, b"{}")
        elif self._registry.faults:
            self._registry.faults -= 1
            self._answer(500, b"broken")
        else:
            self._registry.syncs += 1
            self._answer(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(200, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        with suppress(OSError):  # who asked may be dead
            while self._registry.is_held(0.5):
                self.wfile.write(b" ")  # or the asker gives up
                self.wfile.flush()
            self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry, which this test's settings name; syncs run when they are asked for only."""
    made = Registry()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made.uri)
    monkeypatch.setenv("PORTAL_SYNC_SECONDS", "86400")
    forget_settings()
    yield made
    made.close()


def until(condition: Callable[[], object], *, seconds: float = 180) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
