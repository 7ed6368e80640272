"""Commands about the store and its surroundings."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from core.cli.output import AsJson, show, table

_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


def migrate(json: AsJson = False) -> None:
    """Create the store, or bring it to the newest revision."""
    from core import db

    before, after = db.migrate()
    if json:
        show({"before": before, "after": after})
    elif before == after:
        typer.echo(f"The store is at revision {after} already.")
    else:
        typer.echo(f"The store went from revision {before or 'nothing'} to {after}.")


def sync(
    full: Annotated[bool, typer.Option("--full", help="Compare everything, not only what changed.")] = False,
    json: AsJson = False,
) -> None:
    """Mirror what MLflow has into the store."""
    from core import db
    from core.access import policy
    from core.cli import bundled
    from core.tracking import sync as mirror

    db.require_current()
    bundled.found()
    report = mirror.sync(policy.system("command-line"), full=full)
    if json:
        show(report)
    elif report.skipped:
        typer.echo("Another sync is under way; this one made way for it.")
    else:
        typer.echo(
            f"Mirrored {report.models} models, {report.versions} versions and {report.runs} runs in {report.took_ms} ms; "
            f"{report.aliases_moved} aliases moved, {report.vanished} things vanished."
        )


def settings(json: AsJson = False) -> None:
    """Print every setting, its value now and what it does.

    Secrets are not printed.
    """
    from core.config import Settings
    from core.config import settings as current

    rows = [
        (_variable(name, info), _shown(getattr(current(), name)), info.description or "")
        for name, info in Settings.model_fields.items()
    ]
    if json:
        show([dict(zip(("variable", "value", "description"), row, strict=True)) for row in rows])
    else:
        table(("VARIABLE", "VALUE", "WHAT IT DOES"), rows)


def _variable(name: str, info: Any) -> str:
    return info.validation_alias.choices[0] if info.validation_alias else f"PORTAL_{name.upper()}"


def _shown(value: Any) -> str:
    if hasattr(value, "get_secret_value"):
        return "(set)" if value.get_secret_value() else ""
    shown = ",".join(value) if isinstance(value, tuple) else str(value)
    return _PASSWORD.sub(r"\1:***@", shown)
