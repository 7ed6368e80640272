"""The gate on the command line: its exit code is its answer."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from core.config import ROOT


def gate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "core", "gate", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_an_unknown_version_exits_with_2_and_says_why(store: str) -> None:
    said = gate("models:/retail.churn.leaves/3", "--environment", "production")
    assert (said.returncode, said.stdout.splitlines()[0]) == (2, "unknown: retail.churn.leaves 3 to production")
    assert "(unknown-version)" in said.stdout
    assert json.loads(gate("models:/a/1", "--json").stdout)["allowed"] is False


@pytest.mark.parametrize("wrong", ["retail.churn", "models:/a", "models:/a/b/c", "models:/a@champion"])
def test_what_names_no_version_exits_with_2(store: str, wrong: str) -> None:
    said = gate(wrong)
    assert (said.returncode, "Write models:/NAME/VERSION" in said.stderr) == (2, True)
