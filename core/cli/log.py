"""Commands about the activity log."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import AsJson, Exit, show
from core.errors import Invalid

if TYPE_CHECKING:
    from core.activity.queries import Verification


def verify(
    file: Annotated[Path | None, typer.Option(help="Verify an exported log instead; needs no store.")] = None,
    export: Annotated[Path | None, typer.Option(help="Also write the log as JSON lines to this file.")] = None,
    json: AsJson = False,
) -> None:
    """Compare the activity log with its hashes and seals.

    The exit code is 4 when it was changed.
    """
    from core.activity import queries

    if file is not None and export is not None:
        raise typer.BadParameter("--file and --export exclude each other.")
    found = queries.verify_export(file) if file is not None else _verified(export)
    if json:
        show(found)
    elif found.state == "intact":
        typer.echo(f"The log is intact: {found.records} records, the first {found.sealed_to} of them sealed.")
    else:
        typer.echo(f"The log is {found.state} at record {found.record}: {found.reason}.", err=True)
    if found.state != "intact":
        raise typer.Exit(Exit.tampered)


def seal(json: AsJson = False) -> None:
    """Sign the activity log as it stands."""
    from core import db
    from core.activity import recording

    db.require_current()
    with db.writing() as session:
        made = recording.seal(session)
    if json:
        show({"sealed": made.seq if made else None})
    else:
        typer.echo(f"Sealed {made.seq} records." if made else "Nothing was added since the last seal.")


def _verified(export: Path | None) -> Verification:
    """What verifying the store's log found; with ``export``, the same transaction also writes it to that file."""
    from core import db
    from core.access import policy
    from core.activity import queries

    db.require_current()
    actor = policy.system("command-line")
    with db.reading() as session:
        if export is not None:
            _write(export, queries.export(session, actor))
        return queries.verify(session, actor)


def _write(path: Path, lines: Iterable[str]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.", hint="Name another file.") from error
