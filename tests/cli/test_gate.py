"""The gate on the command line: its exit code is its answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core import db
from core.config import ROOT
from tests.core.gates import house


def gate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "core", "gate", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_an_unknown_version_exits_with_2_and_says_why(store: str) -> None:
    said = gate("models:/retail.churn.leaves/3", "--environment", "production")
    assert (said.returncode, said.stdout.splitlines()[0]) == (2, "unknown: retail.churn.leaves 3 to production")
    assert "(unknown-version)" in said.stdout
    assert json.loads(gate("models:/a/1", "--json").stdout)["allowed"] is False


@pytest.mark.parametrize("wrong", ["retail.churn", "models:/a", "models:/a/b/c", "models:/a@champion", "models:/a:b/1"])
def test_what_names_no_version_exits_with_2(store: str, wrong: str) -> None:
    said = gate(wrong)
    assert (said.returncode, "Write models:/NAME/VERSION" in said.stderr) == (2, True)


@pytest.fixture
def approved(shipped: str) -> int:
    """Version 3 of a model with an awkward name is approved for production."""
    house.owned(model="Größe @ 1 & 2")
    with db.writing() as session:
        house.mirrored(session, "Größe @ 1 & 2")
    return house.case(model="Größe @ 1 & 2")


VERSION = "models:/Größe @ 1 & 2/3"
Run = Callable[..., Result]


@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_the_exit_code_says_allowed_denied_or_unknown(approved: int, run: Run) -> None:
    allowed = run("gate", VERSION)
    assert (allowed.exit_code, allowed.output.splitlines()[0]) == (0, "allowed: Größe @ 1 & 2 3 to production")
    assert "signed by Reviewer 1, reviewer" in allowed.output
    assert run("gate", VERSION.replace("/3", "/4")).exit_code == 2
    house.change(approved, state="suspended", reason="A metric was overwritten.")
    denied = run("gate", VERSION, "--environment", "test")
    assert (denied.exit_code, "(suspended)" in denied.output) == (1, True)


def test_a_gate_that_cannot_be_asked_exits_with_2(tmp_path: Path) -> None:
    environment = os.environ | {"PORTAL_DATA": str(tmp_path / "none")}
    said = subprocess.run(
        [sys.executable, "-m", "core", "gate", "models:/a/1"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (said.returncode, "has not been set up" in said.stderr) == (2, True)


@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_an_attestation_is_written_and_checked_without_the_store(
    approved: int, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, key = tmp_path / "attestation.json", tmp_path / "gate.pem"
    assert run("gate", VERSION, "--attest", file).exit_code == 0
    key.write_text(run("gate-key").stdout)
    assert json.loads(run("gate-key", "--json").stdout)["pem"] == key.read_text()
    monkeypatch.setenv("PORTAL_DATA", str(tmp_path / "elsewhere"))

    def check(*options: str) -> int:
        return run("verify-attestation", file, "--key", key, *options).exit_code

    assert check() == check("--about", VERSION, "--environment", "production") == 0
    assert check("--about", "models:/other/3") == check("--environment", "test") == 1
    assert check("--about", "nonsense") == 2
    content = file.read_bytes()
    file.write_bytes(content.replace(b"payloadType", b"payloadtype"))
    assert check() == 4
    file.write_bytes(content)
    key.write_text("no key")
    assert check() == 1
    file.unlink()
    assert check() == 1


@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_an_attested_no_is_genuine_and_still_a_no(approved: int, run: Run, tmp_path: Path) -> None:
    file, key = tmp_path / "attestation.json", tmp_path / "gate.pem"
    house.change(approved, state="revoked")
    assert run("gate", VERSION, "--attest", file).exit_code == 1
    key.write_text(run("gate-key").stdout)
    said = run("verify-attestation", file, "--key", key)
    assert (said.exit_code, said.output.startswith("denied: ")) == (1, True)


@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_where_nothing_can_be_attested_nothing_is_written(shipped: str, run: Run, tmp_path: Path) -> None:
    assert run("gate", "models:/a/1", "--attest", tmp_path / "a.json").exit_code == 2
    assert not (tmp_path / "a.json").exists()
