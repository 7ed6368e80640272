"""Asking the gate from a shell, on the machine of the portal, and checking its attestations on any machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.output import AsJson, Exit, show
from core.errors import Invalid, PortalError

if TYPE_CHECKING:
    from core.gates.answering import Answer

_LONGEST_KEY = 10_000

_MODEL = re.compile(r"models:/(?P<name>[^/:\x00-\x1f\x7f]{1,256})/(?P<version>[0-9A-Za-z._-]{1,20})")


def gate(
    model: Annotated[str, typer.Argument(help="A version, such as models:/unit.project.score/3.")],
    environment: Annotated[str, typer.Option(help="development, test or production.")] = "production",
    attest: Annotated[
        Path | None, typer.Option(help="Also write the answer as a signed statement to this file.")
    ] = None,
    json: AsJson = False,
) -> None:
    """May this version of a model go to an environment?

    Exit codes of this command: 0 allowed; 1 denied; 2 unknown, or the gate could not be asked.
    """
    name, version = _named(model)
    try:
        answer = _answer(name, version, environment, attest)
    except PortalError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    _tell(answer, json)
    raise typer.Exit({"allowed": 0, "denied": 1}.get(answer.verdict, 2))


def gate_key(json: AsJson = False) -> None:
    """Print the public key of the gate's attestations."""
    from core.gates import attestation

    key = attestation.public_key()
    if json:
        show(key)
    else:
        typer.echo(key.pem, nl=False)


def verify_attestation(
    file: Annotated[Path, typer.Argument(help="An attestation of the gate.")],
    key: Annotated[Path, typer.Option(help="The portal's public key, as `gate-key` prints it.")],
    about: Annotated[str, typer.Option(help="Insist on this version: models:/NAME/VERSION.")] = "",
    environment: Annotated[str, typer.Option(help="Insist on this environment.")] = "",
    json: AsJson = False,
) -> None:
    """Check an attestation of the gate offline.

    Exit codes of this command: 0 genuine, and the version may go there; 1 genuine, and it may not, or it is about another
    version or environment; 4 not genuine.
    """
    from core.gates import attestation

    name, version = _named(about) if about else ("", "")
    statement = _verified(_read(file, attestation.LONGEST), _read(key, _LONGEST_KEY))
    attestation.require_about(statement, model=name, version=version, environment=environment)
    said = statement["predicate"]
    if json:
        show(statement)
    else:
        typer.echo(
            f"{said['verdict']}: {said['model']} {said['version']} to {said['environment']}, {said['decidedAt']}"
        )
    raise typer.Exit(Exit.fine if said["allowed"] is True else Exit.refused)


def _named(model: str) -> tuple[str, str]:
    found = _MODEL.fullmatch(model)
    if found is None:
        typer.echo(f"{model!r} is no version. Write models:/NAME/VERSION.", err=True)
        raise typer.Exit(2)
    return found["name"], found["version"]


def _answer(name: str, version: str, environment: str, attest: Path | None) -> Answer:
    from core import db
    from core.access import policy
    from core.gates import answering, attestation

    actor = policy.system("command-line")
    with db.writing() as session:
        if attest is None:
            return answering.ask(session, actor=actor, model=name, version=version, environment=environment)
        made = attestation.attest(session, actor=actor, model=name, version=version, environment=environment)
    try:
        attest.write_bytes(made.envelope)
    except OSError as error:
        raise Invalid(f"{attest} cannot be written: {error.strerror}.", hint="Name another file.") from error
    return made.answer


def _tell(answer: Answer, json: bool) -> None:
    if json:
        show(answer)
    else:
        typer.echo(f"{answer.verdict}: {answer.model} {answer.version} to {answer.environment}")
        for reason in answer.reasons:
            typer.echo(f"- {reason.text} ({reason.code})")
        for one in answer.signatures:
            typer.echo(f"  signed by {one.name}, {one.role}, {one.signed_at:%d %b %Y, %H:%M} UTC, record {one.record}")


def _verified(content: bytes, pem: bytes) -> dict[str, Any]:
    from core.gates import attestation

    try:
        return attestation.verify(content, pem)
    except Invalid as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Exit.tampered if error.code == "not_genuine" else Exit.refused) from error


def _read(path: Path, longest: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(longest + 1)
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", hint="Name another file.") from error
    if len(content) > longest:
        raise Invalid(f"{path} is longer than {longest} bytes.", hint="Name another file.")
    return content
