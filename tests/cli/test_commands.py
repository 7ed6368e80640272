"""What every command has in common: help, exit codes, messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.access import queries
from core.config import ROOT, data_folder
from tests.conftest import forget_settings

Run = Callable[..., Result]

COMMANDS = [
    "serve", "worker", "migrate", "load", "import", "export", "search", "sync", "verify", "seal", "settings", "token create",
    "token list", "token revoke", "person add", "person grant", "demo build", "demo remove",
]  # fmt: skip


@pytest.mark.parametrize("command", ["", "token", "person", "demo", *COMMANDS])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()[2].strip()) > 15


def test_the_help_lists_every_command_in_a_line_that_is_not_cut(run: Run) -> None:
    shown = run("--help").stdout
    assert {one.partition(" ")[0] for one in COMMANDS} <= set(shown.split())
    assert "..." not in shown.partition("Commands:")[2]
    for code in range(5):
        assert f"{code} " in shown


def test_a_store_that_is_not_set_up_says_what_to_do_and_is_left_alone(run: Run, tmp_path: Path) -> None:
    for command in (
        ["search", "x"],
        ["token", "list"],
        ["seal"],
        ["verify"],
        ["export", str(tmp_path / "out")],
        ["sync"],
    ):
        result = run(*command)
        assert result.exit_code == 3, result.output
        assert "python -m core migrate" in result.stderr


def test_wrong_usage_is_told_apart_from_a_refusal(run: Run, store: str) -> None:
    assert run("nothing").exit_code == 2
    assert run("token", "create").exit_code == 2
    assert run("verify", "--file", "a", "--export", "b").exit_code == 2
    refused = run("token", "create", "--name", "x", "--scope", "everything")
    assert refused.exit_code == 1
    assert "'everything' is not a scope." in refused.stderr
    assert "catalog:read" in refused.stderr
    assert refused.stdout == ""


def test_a_wrong_setting_is_refused_by_its_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_PORT", "eighty")
    forget_settings()
    result = run("settings")
    assert result.exit_code == 1
    assert "PORTAL_PORT" in result.stderr


def test_a_database_that_does_not_answer_is_unavailable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    forget_settings()
    result = run("migrate")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (3, "The database does not answer.")


def test_a_fault_leaves_its_trace_in_a_log_and_one_line_on_the_screen(
    run: Run, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(queries, "tokens", fail)
    result = run("token", "list")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    reference = result.stderr.split("reference ")[1].partition(")")[0]
    log = (data_folder() / "logs" / "command-line.log").read_text("utf-8")
    assert reference in log
    assert "RuntimeError: inside" in log
    assert isinstance(run("--debug", "token", "list").exception, RuntimeError)


def test_settings_show_no_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_DATABASE_URL", "postgresql://portal:hunter2@db.example/portal")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://user:hunter2@mlflow.example")
    for name, value in [
        ("METADATA_URL", "https://id.example/x"),
        ("CLIENT_ID", "portal"),
        ("CLIENT_SECRET", "hunter2"),
    ]:
        monkeypatch.setenv(f"PORTAL_OIDC_{name}", value)
    forget_settings()
    for form in ([], ["--json"]):
        result = run("settings", *form)
        assert result.exit_code == 0
        assert "hunter2" not in result.output
        assert "portal:***@db.example" in result.stdout
    rows = {one["variable"]: one for one in json.loads(result.stdout)}
    assert rows["PORTAL_OIDC_CLIENT_SECRET"]["value"] == "(set)"
    assert all(one["description"] for one in rows.values())


def test_migrating_twice_changes_nothing(told: Callable[..., dict[str, str]]) -> None:
    first = told("migrate")
    assert first["before"] is None
    assert told("migrate") == {"before": first["after"], "after": first["after"]}


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    environment = os.environ | {"PORTAL_DATA": str(tmp_path / "data")}

    def core(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "core", *arguments], capture_output=True, text=True, cwd=ROOT, env=environment
        )

    assert core("migrate").returncode == 0
    made = core("token", "create", "--name", "pipeline", "--scope", "catalog:read", "--json")
    assert json.loads(made.stdout)["token"].startswith("afp_")
    assert core("verify", "--json").returncode == 0
    assert core("token", "revoke", "99").returncode == 1
    assert core("no-such-command").returncode == 2
