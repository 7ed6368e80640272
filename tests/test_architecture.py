"""The house rules: who may import whom, and where things may not go. This file owns the list."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from core.config import ROOT

ORDER = [
    "errors", "roles", "workdays", "config", "db", "git", "access", "activity", "people", "catalog", "projects",
    "patterns", "reuse", "tracking", "datasets", "templates", "checks", "evidence", "reviews", "gates", "documents", "demo",
    "jobs", "api", "cli",
]  # fmt: skip
"""The packages of core, lowest first: each may import only those before it."""

EXTERNAL = {
    "mlflow": {"core/tracking/client.py"},
    "copier": {"core/templates/child.py"},
    "streamlit": set(),
    "dbos": {"core/jobs"},
    "fastapi": {"core/api"},
}
"""A library that only some places of core may import."""

LONGEST_PAGE = 180
LONGEST_FUNCTION = 60


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package_of(path: Path) -> str:
    return path.relative_to(ROOT / "core").parts[0].removesuffix(".py")


def outside_migrations(*folders: str) -> list[Path]:
    """Migrations are as long as their tables, import all of them, and speak through their first line."""
    return [path for path in python_files(*folders) if "migrations" not in path.parts]


IN_ORDER = [path for path in python_files("core") if package_of(path) in ORDER]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", IN_ORDER, ids=named)
def test_a_package_of_core_imports_only_packages_before_it(path: Path) -> None:
    allowed = set(ORDER[: ORDER.index(package_of(path)) + 1])
    used = {name.split(".")[1] for name in imports(path) if name.startswith("core.") and name.count(".") >= 1}
    assert used & set(ORDER) <= allowed


def test_every_package_of_core_has_its_place_in_the_order() -> None:
    packages = {path.name.removesuffix(".py") for path in (ROOT / "core").iterdir() if not path.name.startswith("_")}
    assert packages - {"migrations"} == set(ORDER)


@pytest.mark.parametrize("path", python_files("core"), ids=named)
def test_core_imports_special_libraries_only_where_they_belong(path: Path) -> None:
    for library, places in EXTERNAL.items():
        if any(name.split(".")[0] == library for name in imports(path)):
            assert any(named(path).startswith(place) for place in places), f"{named(path)} imports {library}"


@pytest.mark.parametrize("path", python_files("core"), ids=named)
def test_core_knows_neither_pages_nor_the_launcher(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & {"pages", "app"}


@pytest.mark.parametrize("path", python_files("pages"), ids=named)
def test_pages_hold_no_sql_no_mlflow_and_import_no_other_page(path: Path) -> None:
    used = set(imports(path))
    assert not {name.split(".")[0] for name in used} & {"sqlmodel", "sqlalchemy", "mlflow", "dbos", "app"}
    other_pages = {name for name in used if name.startswith("pages.") and not name.startswith("pages.parts")}
    assert not other_pages


@pytest.mark.parametrize("folder", ["core/api", "core/cli"])
def test_the_edges_of_core_hold_no_sql(folder: str) -> None:
    for path in python_files(folder):
        found = {name for name in imports(path) if name in ("sqlmodel.select", "sqlalchemy.select", "sqlalchemy.text")}
        assert not found, f"{named(path)} selects for itself; the query belongs in a queries.py"


def test_no_page_is_named_like_something_that_can_be_imported() -> None:
    taken = set(sys.stdlib_module_names) | set(packages_distributions())
    assert not {path.stem for path in (ROOT / "pages").glob("*.py")} & taken


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=named)
def test_a_page_stays_short_enough_to_read_at_once(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_PAGE


@pytest.mark.parametrize("path", [ROOT / "app.py", *outside_migrations("core", "pages")], ids=named)
def test_functions_stay_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, f"{named(path)}: {node.name}"


@pytest.mark.parametrize("path", outside_migrations("core", "pages"), ids=named)
def test_everything_public_says_what_it_promises(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), f"{named(path)} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{named(path)}: {node.name} has no docstring"


def test_no_relationship_joins_two_packages() -> None:
    assert not [path for path in python_files("core") if "Relationship(" in path.read_text("utf-8")]


def test_the_top_level_holds_what_the_architecture_names() -> None:
    allowed = {
        "app.py", "pages", "core", "catalog", "tests", "requirements.txt", "README.md", "Makefile", "pyproject.toml",
        "CHANGELOG.md", "LICENSE", ".streamlit", ".ci", ".gitignore", ".git", ".venv", ".portal",
    }  # fmt: skip
    made_by_tools = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
    assert {path.name for path in ROOT.iterdir()} <= allowed | made_by_tools
