"""Asking the gate from a shell, on the machine of the portal."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from core.cli.output import AsJson, show
from core.errors import PortalError

_MODEL = re.compile(r"models:/(?P<name>[^/:\x00-\x1f\x7f]{1,256})/(?P<version>[0-9A-Za-z._-]{1,20})")


def gate(
    model: Annotated[str, typer.Argument(help="A version, such as models:/unit.project.score/3.")],
    environment: Annotated[str, typer.Option(help="development, test or production.")] = "production",
    json: AsJson = False,
) -> None:
    """May this version of a model go to an environment?

    Exit codes of this command: 0 allowed; 1 denied; 2 unknown, or the gate could not be asked.
    """
    from core import db
    from core.access import policy
    from core.gates import answering

    found = _MODEL.fullmatch(model)
    if found is None:
        typer.echo(f"{model!r} is no version. Write models:/NAME/VERSION.", err=True)
        raise typer.Exit(2)
    try:
        with db.writing() as session:
            answer = answering.ask(
                session, actor=policy.system("command-line"), model=found["name"], version=found["version"],
                environment=environment,
            )  # fmt: skip
    except PortalError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if json:
        show(answer)
    else:
        typer.echo(f"{answer.verdict}: {answer.model} {answer.version} to {answer.environment}")
        for reason in answer.reasons:
            typer.echo(f"- {reason.text} ({reason.code})")
        for one in answer.signatures:
            typer.echo(f"  signed by {one.name}, {one.role}, {one.signed_at:%d %b %Y, %H:%M} UTC, record {one.record}")
    raise typer.Exit({"allowed": 0, "denied": 1}.get(answer.verdict, 2))
