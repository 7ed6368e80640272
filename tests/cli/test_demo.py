"""The demo from the command line, with the bundled MLflow server and no portal running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import ROOT, settings


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core", *words], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )


@pytest.mark.slow
def test_the_demo_is_removed_with_its_runs_though_the_portal_is_not_running(tmp_path: Path) -> None:
    from core import db
    from core.access import policy
    from core.catalog import loader
    from core.demo import organisation

    db.migrate()
    loader.load(policy.system("loader"))
    organisation.build(policy.system("demo"), lambda _line: None)
    result = command("demo", "remove")
    assert result.returncode == 0, result.stderr
    assert "removed from MLflow" in result.stderr
    port = (settings().data / "mlflow" / "uri").read_text().rpartition(":")[2]
    assert f"--port {port}" not in os.popen("ps -eo args").read(), "the server started for the command ends with it"
    again = command("demo", "remove", "--json")
    assert (again.returncode, json.loads(again.stdout)) == (0, {"demo": "removed"})
