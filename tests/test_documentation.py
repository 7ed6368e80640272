"""The documentation tells everything there is: the tables of the README, its dependencies, its start, the changelog."""

from __future__ import annotations

import re
import tomllib
from functools import cache

import pytest

from core.config import ROOT, Settings
from tests.readme import TABLES, between, table


@cache
def readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_the_readme_has_the_table_of_everything_there_is(name: str) -> None:
    found = between(name).search(readme())
    assert found, f"the README has no table {name}"
    assert found.group() == table(name), "write the tables anew: make docs"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_does(name: str) -> None:
    assert Settings.model_fields[name].description


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
