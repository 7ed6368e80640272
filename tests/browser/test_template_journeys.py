"""From a request to a repository that runs, in a real browser: asked for, approved by another person, made, downloaded, run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.running import Portal, settle
from tests.browser.walking import Enter, choose, go, people_of, press, told

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]  # one portal and one browser for all journeys


@pytest.fixture
def enter(demo: Portal, chromium: Browser) -> Iterator[Enter]:
    """Open the demo portal as somebody, in a browser of their own."""
    with people_of(demo, chromium) as as_person:
        yield as_person


def tracking_uri(demo: Portal) -> str:
    """The bundled MLflow of the demo portal, which notes its address for commands on the same machine."""
    return (demo.data / "mlflow" / "uri").read_text().strip()


def make(project: Path, command: str, demo: Portal, token: str) -> subprocess.CompletedProcess[str]:
    """A documented command of the repository, in an environment that knows the portal and its MLflow."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(project.parent),
        "MLFLOW_TRACKING_URI": tracking_uri(demo), "MLFLOW_DISABLE_TELEMETRY": "true", "PORTAL_URL": demo.url,
        "PORTAL_TOKEN": token,
    }  # fmt: skip
    return subprocess.run(["make", command], cwd=project, env=environment, capture_output=True, text=True, timeout=300)


def test_a_repository_is_asked_for_approved_downloaded_and_runs(demo: Portal, enter: Enter, tmp_path: Path) -> None:
    linh = enter("Linh Nguyen", "/templates")
    line = linh.get_by_test_id("stVerticalBlock").filter(has_text="Real-time inference service").last
    line.get_by_role("link", name="Ask for it").first.click()
    expect(linh.get_by_role("heading", name="Ask for Real-time inference service")).to_be_visible()
    settle(linh)
    choose(linh, "Project", "Forecast of disease progression")
    told(linh, "What exists already")
    linh.get_by_text("Preview: the repository as it would be made").click()
    told(linh, "pyproject.toml")
    press(linh, re.compile("Send the request"))
    told(linh, "Waits for an approver")
    expect(linh.get_by_role("button", name="Approve")).to_have_count(0)

    amara = enter("Amara Okafor", linh.url.removeprefix(demo.url))
    told(amara, "pyproject.toml")
    press(amara, re.compile("Approve"))
    told(amara, re.compile("Delivered as zip"))

    go(linh, linh.url)
    with linh.expect_download() as download:
        press(linh, re.compile("Download as zip"))
    press(linh, re.compile("Issue the gate token"))
    token = linh.get_by_text(re.compile("^afp_")).inner_text()
    project = tmp_path / "project"
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(project)
    for command in ("lint", "test", "train"):
        done = make(project, command, demo, token)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    asked = make(project, "gate", demo, token)
    said = asked.stdout + asked.stderr
    assert asked.returncode != 0, "no case has approved it"
    assert re.search(r"unknown|denied", said), said
