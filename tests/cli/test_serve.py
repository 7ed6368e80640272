"""``serve`` with real processes: what it starts, how all of it ends, and how it starts again."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import text

from core import db
from core.config import ROOT
from tests import serving
from tests.conftest import free_port
from tests.serving import Portal

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serve")]

NO_MLFLOW = "http://127.0.0.1:9"


def stored(data: Path) -> dict[str, int]:
    """How much the store holds."""
    with closing(sqlite3.connect(data / "portal.sqlite")) as store:
        return {
            table: store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("entry", "team", "catalog_file", "activity")
        }


def serve(*options: str, data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """A ``serve`` that is expected to end by itself."""
    command = [sys.executable, "-m", "core", "serve", *options]
    environment = serving.environment(data, **settings)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def answer(url: str, method: str = "GET") -> tuple[int, str, dict[str, dict[str, str]]]:
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as found:
            return found.status, found.headers["content-type"], json.load(found)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["content-type"], json.load(error)


def whole_family(portal: Portal) -> dict[int, str]:
    """The processes below ``serve`` once MLflow has started the server that it waits for."""
    while "uvicorn" not in " ".join((found := serving.below(portal.process.pid)).values()):
        time.sleep(0.1)
    return found


# --- killed and started again ----------------------------------------------------------------------------------------


@dataclass
class Again:
    """A portal that was started again where another was killed."""

    portal: Portal
    left: list[str]
    stored_before: dict[str, int]
    family_before: dict[int, str]


@pytest.fixture(scope="module")
def again() -> Iterator[Again]:
    with TemporaryDirectory(prefix="portal-serve-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        first = serving.start(data)
        family = whole_family(first)
        before = stored(data)
        first.process.kill()
        first.process.wait()
        port = first.url.rpartition(":")[2]
        portal = serving.start(data, PORT=port, MLFLOW_TRACKING_URI=NO_MLFLOW)
        yield Again(portal, serving.left_of(family), before, family)
        portal.stop()


def test_the_portal_starts_with_an_mlflow_server_beside_it(again: Again) -> None:
    commands = " ".join(again.family_before.values())
    assert "streamlit run" in commands
    assert "mlflow server" in commands


def test_a_portal_that_is_killed_leaves_no_process_and_no_taken_port(again: Again) -> None:
    assert again.left == []
    assert again.portal.process.poll() is None


def test_a_start_on_existing_data_brings_nothing_twice(again: Again) -> None:
    assert again.stored_before["entry"] > 80
    assert stored(again.portal.data) == again.stored_before


def test_no_mlflow_server_is_started_where_one_is_named(again: Again) -> None:
    assert "mlflow" not in " ".join(serving.below(again.portal.process.pid).values())


@pytest.mark.parametrize("path", ["/api/nothing", "/api/v1/x%0ay", "/api", "/api/v1/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_real_server_answers_an_unknown_path_in_json(again: Again, path: str, method: str) -> None:
    status, kind, body = answer(again.portal.url + path, method)
    assert (status, kind, body["error"]["code"]) == (404, "application/json", "not_found")


def test_the_real_server_answers_an_impossible_method_in_json(again: Again) -> None:
    status, kind, body = answer(f"{again.portal.url}/api/v1/entries", "DELETE")
    assert (status, kind, body["error"]["code"]) == (405, "application/json", "method_not_allowed")


# --- the end ---------------------------------------------------------------------------------------------------------


def test_a_portal_that_is_asked_to_end_takes_mlflow_and_the_demo_with_it(again: Again, tmp_path: Path) -> None:
    shutil.copytree(again.portal.data / "mlflow", tmp_path / "data" / "mlflow")  # its tables are made: it starts sooner
    portal = serving.start(tmp_path / "data", PORTAL_DEMO="1")
    family = whole_family(portal)
    commands = " ".join(family.values())
    assert portal.stop() == 0
    assert serving.left_of(family) == []
    for part in ("streamlit run", "mlflow server", "uvicorn", "demo build"):
        assert part in commands


def test_a_signal_during_the_start_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "core", "serve", "--port", str(free_port())]
    environment = serving.environment(tmp_path / "data", PORTAL_DEMO="1")
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (family := serving.below(process.pid)):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    family |= serving.below(process.pid)
    assert process.wait(60) == 0
    assert serving.left_of(family) == []


# --- refused ---------------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = serve("--port", port, data=tmp_path / "data")
    assert refused.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert "--port" in refused.stderr
    assert not (tmp_path / "data" / "portal.sqlite").exists()


def test_a_store_newer_than_the_code_is_refused_in_one_line(tmp_path: Path) -> None:
    db.migrate()
    with db.engine().begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    db.engine().dispose()
    refused = serve("--port", str(free_port()), data=tmp_path / "data", MLFLOW_TRACKING_URI=NO_MLFLOW)
    assert refused.returncode == 1
    assert "The store is at revision 9999" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "The portal ended with exit code 1." in refused.stdout
