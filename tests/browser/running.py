"""The portal as a process of its own, and a browser that walks through it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.config import ROOT
from tests.browser.found import chromium
from tests.conftest import free_port, wait_for

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 30_000


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


def start(data: Path, **settings: str) -> Portal:
    """``python -m core serve`` on a free port with these settings; returns when it answers."""
    port = int(settings.pop("PORT", "0")) or free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "MLFLOW_"))}
    environment = kept | {"PORTAL_DATA": str(data), "MLFLOW_DISABLE_TELEMETRY": "true"} | settings
    data.mkdir(parents=True, exist_ok=True)
    log = (data / "serve.log").open("ab")
    command = [sys.executable, "-m", "core", "serve", "--port", str(port), "--address", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    log.close()
    wait_for(f"http://127.0.0.1:{port}/api/v1/health", process=process, seconds=120)
    return Portal(f"http://127.0.0.1:{port}", data, process)


@contextmanager
def browser() -> Iterator[Browser]:
    """The installed Chromium or Chrome, headless."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield made
        made.close()


def sign_in(page: Page, url: str, name: str, *, path: str = "/") -> None:
    """Open the portal and continue as the person called ``name``."""
    page.goto(f"{url}/auth/sign-in?next={path}")
    page.get_by_role("button", name=f"Continue as {name}").click()
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page's script has run and its elements are there."""
    expect(page.get_by_test_id("stApp")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", level=1).first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-testid=stSkeleton]') && !document.querySelector('[data-stale=true]')",
        timeout=PATIENCE_MS,
    )
