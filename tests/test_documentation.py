"""The documentation names everything there is: commands, routes, events, settings, scopes, kinds, jobs, dependencies."""

from __future__ import annotations

import re
import tomllib
from functools import cache

import pytest

from core import api, jobs
from core.access.policy import MATRIX, ROLES, TOKEN_SCOPES
from core.activity import events
from core.catalog.kinds import SPECS
from core.config import ROOT, Settings


@cache
def readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_readme_has_every_setting_with_its_meaning(name: str) -> None:
    field = Settings.model_fields[name]
    variable = "MLFLOW_TRACKING_URI" if name == "mlflow_tracking_uri" else f"PORTAL_{name.upper()}"
    assert f"| `{variable}` |" in readme()
    assert field.description


def commands() -> list[str]:
    import typer.main

    from core.cli.app import app

    group = typer.main.get_command(app)
    names = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", {})
        names += [f"{name} {one}" for one in below] or [name]
    return names


@pytest.mark.parametrize("command", commands())
def test_the_readme_has_every_command(command: str) -> None:
    assert f"`python -m core {command}" in readme()


def routes() -> list[str]:
    return list(api.application().openapi()["paths"])


@pytest.mark.parametrize("route", routes())
def test_the_readme_has_every_route(route: str) -> None:
    assert f"`/api{route}`" in readme() or f" /api{route}`" in readme()


@pytest.mark.parametrize("event", events.all_events(), ids=lambda one: one.name)
def test_the_readme_has_every_event(event: type[events.Event]) -> None:
    assert f"`{event.name}`" in readme()


@pytest.mark.parametrize("kind", SPECS)
def test_the_readme_has_every_kind(kind: str) -> None:
    assert f"`{kind}`" in readme()


@pytest.mark.parametrize("scope", TOKEN_SCOPES)
def test_the_readme_has_every_token_scope(scope: str) -> None:
    assert f"`{scope}`" in readme()


@pytest.mark.parametrize("job", jobs.JOBS)
def test_the_readme_has_every_job(job: str) -> None:
    assert f"`{job}`" in readme()


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_has_every_role(role: str) -> None:
    assert role in readme()


@pytest.mark.parametrize("action", MATRIX)
def test_the_readme_has_every_permission(action: str) -> None:
    assert f"| `{action}` |" in readme()


def test_the_readme_says_why_each_dependency_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    named = [*project["project"]["dependencies"], *project["dependency-groups"]["test"]]
    for requirement in named:
        name = re.split(r"[\[=<>~ ]", requirement)[0]
        assert f"| {name} |" in readme(), f"README does not say why {name} is there"


def test_every_dependency_is_pinned_to_one_version() -> None:
    for file in ("requirements.txt", "tests/requirements.txt"):
        for line in (ROOT / file).read_text("utf-8").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                assert "==" in line, f"{file}: {line}"


def test_the_readme_starts_with_two_commands_and_a_picture() -> None:
    start = readme()[:4000]
    assert "make run" in start
    assert "make test" in start
    picture = re.search(r"!\[[^\]]+\]\(([^)]+)\)", start)
    assert picture
    assert (ROOT / picture.group(1)).is_file()


def test_the_changelog_tells_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
