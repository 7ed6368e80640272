"""Writing documents about review cases to files, on the machine of the portal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.errors import Invalid


def document(
    case: Annotated[int, typer.Argument(help="The number of the review case.")],
    name: Annotated[str, typer.Argument(help="sign-off, model-card, annex-iv or export.")],
    file: Annotated[Path, typer.Argument(help="Where to: a .pdf or .md, or a .zip for the export.")],
) -> None:
    """Write a document about a review case to a file.

    The export holds the record, its signatures and the script verify.py, which verifies it without the portal.
    """
    from core import db
    from core.access import policy
    from core.documents import dossier, export

    form = file.suffix.removeprefix(".").lower()
    with db.writing() as session:
        made = dossier.issue(session, actor=policy.system("command-line"), case_id=case, document=name)
    data = export.document(made, name, form)
    try:
        file.write_bytes(data)
    except OSError as error:
        raise Invalid(f"{file} cannot be written: {error.strerror}.", hint="Name another file.") from error
    if name == "export":
        typer.echo(f"Signed with the key {export.public_key()}: python verify.py {file.name} --key … insists on it.")
