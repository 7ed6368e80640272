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

_MOST_OF_A_KEY = 10_000


def verify(
    file: Annotated[Path | None, typer.Option(help="Verify an exported log instead; needs no store.")] = None,
    export: Annotated[Path | None, typer.Option(help="Also write the log as JSON lines to this file.")] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FINGERPRINT_OR_FILE",
            help="Insist that this key sealed the log: the fingerprint that a verification prints, or a file with it or "
            "with the key in PEM. Repeat it where the key was changed.",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Compare the activity log with its hashes and seals.

    The exit code is 4 when it was changed. Whoever writes a log anew can seal it too, though with another key: an
    exported log proves something to those who know the fingerprint of the portal's key, and insist on it with --key.
    """
    from core.activity import queries

    if file is not None and export is not None:
        raise typer.BadParameter("--file and --export exclude each other.")
    keys = [_fingerprint(one) for one in key or ()]
    found = queries.verify_export(file, keys=keys) if file is not None else _verified(export, keys)
    if json:
        show(found)
    else:
        _tell(found)
    if found.state != "intact":
        raise typer.Exit(Exit.tampered)


def _tell(found: Verification) -> None:
    for remark in found.remarks:
        typer.echo(f"{remark.capitalize()}.", err=True)
    if found.state == "intact":
        by = f" with the key {' and the key '.join(found.keys)}" if found.keys else ""
        typer.echo(f"The log is intact: {found.records} records, the first {found.sealed_to} of them sealed{by}.")
    else:
        typer.echo(f"The log is {found.state} at record {found.record}: {found.reason}.", err=True)


def _fingerprint(given: str) -> str:
    """The fingerprint that is written here or stands in the file of this name."""
    from core.activity import chain

    hint = "Give the 64 digits that `python -m core verify` prints, or a file with them or with the key in PEM."
    try:
        with Path(given).open("rb") as file:
            content = file.read(_MOST_OF_A_KEY)
    except (OSError, ValueError):
        content = given.encode("utf-8", "replace")
    try:
        return chain.fingerprint_in(content)
    except ValueError:
        raise Invalid(f"{given[:100]!r} is neither a fingerprint nor a file with a key.", hint=hint) from None


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


def _verified(export: Path | None, keys: list[str]) -> Verification:
    """What verifying the store's log found; with ``export``, the same transaction also writes it to that file."""
    from core import db
    from core.access import policy
    from core.activity import queries

    db.require_current()
    actor = policy.system("command-line")
    with db.reading() as session:
        if export is not None:
            _write(export, queries.export(session, actor))
        return queries.verify(session, actor, keys=keys)


def _write(path: Path, lines: Iterable[str]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.", hint="Name another file.") from error
