"""P9: from the command to the first healthy answer, against ``streamlit run`` of an empty script, in turn.

The portal starts on a store that exists, as every start but the first does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from core.config import ROOT
from tests.bench import measuring
from tests.bench.pages import AS_SHIPPED
from tests.conftest import free_port

ROUNDS = 5


def until_healthy(command: list[str], url: str, environment: dict[str, str]) -> float:
    """Seconds from starting ``command`` until ``url`` answers 200; the process is ended afterwards."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return time.perf_counter() - start
            except (urllib.error.URLError, OSError):
                if process.poll() is not None:
                    raise RuntimeError(f"{command[:4]} ended with {process.returncode}") from None
                time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "empty.py"
        script.write_text("import streamlit as st\nst.title('Empty')\n")
        environment = os.environ | {"PORTAL_DATA": f"{folder}/data", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
        empty, portal = [], []
        for one in range(ROUNDS + 1):
            port = str(free_port())
            plain = [
                sys.executable,
                "-c",
                AS_SHIPPED,
                "run",
                str(script),
                "--server.port",
                port,
                "--server.headless",
                "true",
            ]
            ours = [sys.executable, "-m", "core", "serve", "--port", str(other := free_port())]
            took = (
                until_healthy(plain, f"http://127.0.0.1:{port}/_stcore/health", environment),
                until_healthy(ours, f"http://127.0.0.1:{other}/_stcore/health", environment),
            )
            if one:  # the first round migrates and loads, and warms the disk cache
                empty.append(took[0])
                portal.append(took[1])
    ratio = measuring.median(portal) / measuring.median(empty)
    measuring.report(
        "start",
        [{"empty script s": measuring.median(empty), "portal s": measuring.median(portal), "portal/empty": ratio}],
    )
    print("Goal: at most 2.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
