"""The command line, run in this process on the test's store."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from core.cli.app import app


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a command: ``run("token", "list")``."""
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def told(run: Callable[..., Result]) -> Callable[..., Any]:
    """What a command that must end well prints with ``--json``."""

    def tell(*arguments: object) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return tell
