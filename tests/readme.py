"""The README's tables of what there is (settings, jobs, commands, routes, permissions, events …), made from the code.

``python -m tests.readme`` writes them into the README between their markers; the documentation test compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from core import api, jobs
from core.access.policy import MATRIX, ROLES, TOKEN_SCOPES
from core.activity import events
from core.catalog.kinds import FOLDERS, SPECS
from core.config import ROOT, Settings

README = ROOT / "README.md"
Row = tuple[str, ...]


def first_line(text: str | None) -> str:
    """The first paragraph of a docstring, on one line, with its references as plain text."""
    paragraph = " ".join((text or "").strip().split("\n\n")[0].split())
    return paragraph.replace("|", "\\|")


def kinds() -> Iterable[Row]:
    """Kind, folder, meaning."""
    yield ("kind", "folder", "what it is")
    for kind, spec in SPECS.items():
        yield (f"`{kind}`", f"`catalog/{FOLDERS[kind]}/`", first_line(spec.__doc__))


def settings() -> Iterable[Row]:
    """Variable, default, meaning."""
    yield ("variable", "default", "what it does")
    for name, field in Settings.model_fields.items():
        variable = "MLFLOW_TRACKING_URI" if name == "mlflow_tracking_uri" else f"PORTAL_{name.upper()}"
        yield (f"`{variable}`", shown(field.default), field.description or "")


def shown(value: object) -> str:
    """A default as a person would write it into the environment."""
    if isinstance(value, bool):
        text = str(int(value))
    elif isinstance(value, tuple):
        text = ",".join(value)
    else:
        text = str(value or "").removeprefix(f"{ROOT}/")
    return f"`{text}`" if text else ""


def job_list() -> Iterable[Row]:
    """Job, meaning."""
    yield ("job", "what it does")
    yield from ((f"`{name}`", what) for name, what in jobs.JOBS.items())


def commands() -> Iterable[Row]:
    """Command, meaning."""
    import typer.main

    from core.cli.app import app

    yield ("command", "what it does")
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None) or {"": command}
        for sub, one in below.items():
            yield (f"`python -m core {f'{name} {sub}'.strip()}`", first_line(one.help))


def routes() -> Iterable[Row]:
    """Method and path, meaning."""
    yield ("route", "what it answers")
    for path, methods in api.application().openapi()["paths"].items():
        for method, route in methods.items():
            open_to_all = "" if route.get("security") else " (no token)"
            yield (f"`{method.upper()} /api{path}`", f"{route['summary']}{open_to_all}")


def scopes() -> Iterable[Row]:
    """Token scope, actions."""
    yield ("scope", "lets a token")
    for scope, actions in TOKEN_SCOPES.items():
        yield (f"`{scope}`", ", ".join(sorted(actions)))


def matrix() -> Iterable[Row]:
    """Action by role."""
    yield ("action", *ROLES)
    for action, reach in MATRIX.items():
        yield (f"`{action}`", *(reach.get(role, "–") for role in ROLES))


def event_list() -> Iterable[Row]:
    """Event, when it is recorded."""
    yield ("event", "when")
    yield from ((f"`{one.name}`", first_line(one.__doc__)) for one in events.all_events())


TABLES: dict[str, Callable[[], Iterable[Row]]] = {
    "KINDS": kinds,
    "SETTINGS": settings,
    "JOBS": job_list,
    "COMMANDS": commands,
    "ROUTES": routes,
    "SCOPES": scopes,
    "MATRIX": matrix,
    "EVENTS": event_list,
}
"""Marker → what makes the table between it and its end."""


def table(name: str) -> str:
    """A table as Markdown."""
    head, *rows = TABLES[name]()
    lines = [head, tuple("---" for _ in head), *rows]
    text = "\n".join("| " + " | ".join(row) + " |" for row in lines)
    return re.sub(r"^\|( ---.*)$", lambda found: "|" + "---|" * len(head), text, count=1, flags=re.MULTILINE)


def between(name: str) -> re.Pattern[str]:
    """Where a table stands in the README."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=\n<!-- /{name} -->)", re.DOTALL)


def main() -> None:
    """Write every table anew."""
    text = README.read_text("utf-8")
    for name in TABLES:
        made = table(name)
        text = between(name).sub(lambda _, made=made: made, text)
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
