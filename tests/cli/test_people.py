"""Tokens, and the first people of an empty organisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typer.testing import Result

from core import db
from core.access import queries

Run = Callable[..., Result]
Told = Callable[..., Any]


def test_a_token_is_printed_once_alone_on_its_line(run: Run, told: Told, store: str) -> None:
    secret = run(
        "token", "create", "--name", "pipeline", "--scope", "catalog:read", "--scope", "gate:ask"
    ).stdout.strip()
    with db.reading() as session:
        actor = queries.actor_for_token(session, secret)
    assert actor is not None
    assert actor.scopes == {"catalog:read", "gate:ask"}
    listed = run("token", "list")
    assert "pipeline" in listed.stdout
    assert secret not in listed.stdout
    assert told("token", "create", "--name", "x", "--scope", "gate:ask", "--days", 1)["token"].startswith("afp_")


def test_a_revoked_token_counts_no_longer(run: Run, told: Told, store: str) -> None:
    made = told("token", "create", "--name", "pipeline", "--scope", "catalog:read")
    assert told("token", "revoke", made["id"]) == {"id": made["id"], "state": "revoked"}
    assert told("token", "list")[0]["state"] == "revoked"
    with db.reading() as session:
        assert queries.actor_for_token(session, made["token"]) is None
    assert run("token", "revoke", made["id"]).exit_code == 1
    assert run("token", "revoke", 99).exit_code == 1


def test_the_first_administrator_of_an_empty_organisation_is_made_here(run: Run, told: Told, store: str) -> None:
    person_id = told("person", "add", "--name", "Ada", "--email", "Ada@Example.org")["id"]
    granted = told("person", "grant", "--person", "ada@example.org", "--role", "administrator")
    assert granted == {"person": person_id, "role": "administrator", "scope": "organisation"}
    with db.reading() as session:
        actor = queries.actor_for(session, person_id)
    assert actor is not None
    assert actor.roles == {"administrator"}


def test_what_cannot_be_granted_is_refused_with_a_reason(run: Run, told: Told, store: str) -> None:
    person_id = told("person", "add", "--name", "Ada")["id"]
    for arguments, reason in [
        (("--person", "p-nobody", "--role", "administrator"), "No person"),
        (("--person", person_id, "--role", "king"), "is not a role"),
        (("--person", person_id, "--role", "manager", "--scope", "unit/nowhere"), "No business unit"),
        (("--person", person_id, "--role", "manager", "--scope", "planet/earth"), "not a kind of scope"),
    ]:
        result = run("person", "grant", *arguments)
        assert result.exit_code == 1
        assert reason in result.stderr
