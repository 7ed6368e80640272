"""Commands about people and tokens: enough to start an empty organisation and to let programs in."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.output import AsJson, show, table
from core.errors import NotFound

tokens = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Tokens for programs: create, list, revoke.")
persons = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="People: add one, grant a role.")


@tokens.command()
def create(
    name: Annotated[str, typer.Option(help="What the token is for.")],
    scope: Annotated[list[str], typer.Option(help="What it may do, such as catalog:read; repeat for more.")],
    days: Annotated[int, typer.Option(help="Days until it expires.")] = 90,
    json: AsJson = False,
) -> None:
    """Create a token and print it, this once."""
    from core import db
    from core.access import policy
    from core.people import actions

    db.require_current()
    with db.writing() as session:
        made, secret = actions.create_token(
            session, actor=policy.system("command-line"), name=name, scopes=scope, days=days
        )
        found = {
            "token": secret,
            "id": made.id,
            "name": made.name,
            "scopes": made.scopes,
            "expires_at": made.expires_at,
        }
    if json:
        show(found)
    else:
        typer.echo(secret)
        typer.echo(f"Token {made.id} until {made.expires_at:%Y-%m-%d}; it is not shown again.", err=True)


@tokens.command("list")
def list_(json: AsJson = False) -> None:
    """List all tokens; nobody has their secrets."""
    from core import db
    from core.access import queries

    db.require_current()
    with db.reading() as session:
        found = queries.tokens(session)
    if json:
        show(found)
    else:
        columns = ("ID", "NAME", "SCOPES", "STATE", "CREATED", "EXPIRES", "LAST USED")
        table(
            columns,
            (
                (one.id, one.name, one.scopes, one.state, one.created_at, one.expires_at, one.last_used_at)
                for one in found
            ),
        )


@tokens.command()
def revoke(token_id: Annotated[int, typer.Argument(metavar="ID")], json: AsJson = False) -> None:
    """End a token at once."""
    from core import db
    from core.access import policy
    from core.people import actions

    db.require_current()
    with db.writing() as session:
        actions.revoke_token(session, actor=policy.system("command-line"), token_id=token_id)
    if json:
        show({"id": token_id, "state": "revoked"})
    else:
        typer.echo(f"Token {token_id} is revoked.")


@persons.command()
def add(
    name: Annotated[str, typer.Option(help="The person's name.")],
    email: Annotated[str | None, typer.Option(help="E-mail address, by which a first sign-in is matched.")] = None,
    json: AsJson = False,
) -> None:
    """Make a person known before they sign in for the first time."""
    from core import db
    from core.access import policy
    from core.people import actions

    db.require_current()
    with db.writing() as session:
        person_id = actions.add_person(session, actor=policy.system("command-line"), name=name, email=email).id
    if json:
        show({"id": person_id})
    else:
        typer.echo(person_id)


@persons.command()
def grant(
    person: Annotated[str, typer.Option(help="The person's id or e-mail address.")],
    role: Annotated[str, typer.Option(help="The role, such as administrator.")],
    scope: Annotated[str, typer.Option(help="unit/NAME, team/NAME or project/NAME.")] = "organisation",
    json: AsJson = False,
) -> None:
    """Grant a role at once: whoever runs this command holds the keys of the store."""
    from core import db
    from core.access import policy
    from core.people import actions

    db.require_current()
    person_id = _person_id(person)
    kind, _, name = scope.partition("/")
    with db.writing() as session:
        actions.grant_role(
            session, actor=policy.system("command-line"), person_id=person_id, role=role, scope_kind=kind, scope_id=name
        )
    if json:
        show({"person": person_id, "role": role, "scope": scope})
    else:
        typer.echo(f"{person} holds the role {role} ({scope}).")


def _person_id(named: str) -> str:
    from core import db
    from core.access import queries

    with db.reading() as session:
        found = [one.id for one in queries.people(session) if named.lower() in (one.id, one.email)]
    if not found:
        raise NotFound(f"No person {named!r}.", hint="Add the person first: python -m core person add.")
    return found[0]
