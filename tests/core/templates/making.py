"""Templates made in a line, and the public doors of the engine with what every test would repeat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.templates import rendering
from core.templates.lint import lint
from core.templates.rendering import Limits
from core.templates.snapshot import File, Snapshot, from_folder

FOREIGN = Path(__file__).parent / "foreign"
SHORT = Limits(seconds=30, cpu_seconds=1)
"""Enough for everything but what never ends."""


def template(form: str = "name: {default: churn}\n", /, **files: str | bytes) -> Snapshot:
    """A copier template; ``body`` is ``body.txt.jinja``, other names are those of files, with ``__`` for a dot."""
    named = {"body.txt.jinja" if name == "body" else name.replace("__", "."): text for name, text in files.items()}
    return snapshot({"copier.yml": form, **named})


def snapshot(files: Mapping[str, str | bytes]) -> Snapshot:
    """A snapshot of these files."""
    return Snapshot({name: File(text.encode() if isinstance(text, str) else text) for name, text in files.items()})


def cookiecutter(variables: Mapping[str, Any], **files: str) -> Snapshot:
    """A cookiecutter template whose files stand in ``{{cookiecutter.name}}``."""
    named = {f"{{{{cookiecutter.name}}}}/{name.replace('__', '.')}": text for name, text in files.items()}
    return snapshot({"cookiecutter.json": json.dumps({"name": "churn", **variables}), **named})


def foreign(name: str) -> Snapshot:
    """One of the templates in the style of public ones."""
    return from_folder(FOREIGN / name)


def render(made: Snapshot, answers: Mapping[str, Any] | None = None, limits: Limits = Limits()) -> Snapshot:
    """The project, from a source and with a manifest that do not matter."""
    return rendering.render(
        made, answers or {}, source="catalog:templates/x", commit="1234abc", manifest={"template": "x"}, limits=limits
    )


def body(made: Snapshot, answers: Mapping[str, Any] | None = None, limits: Limits = Limits()) -> str:
    """What ``body.txt`` of the rendered project holds."""
    return render(made, answers, limits).files["body.txt"].content.decode()


def codes(made: Snapshot) -> set[str]:
    """The codes of the errors that the lint finds."""
    return {one.code for one in lint(made) if one.severity == "error"}
