"""Reading people, teams, roles, sign-ins and tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Grant
from core.access.tables import BusinessUnit, Person, RoleGrant, SignIn, Team, TeamMember, Token
from core.db import now
from core.errors import NotFound

_tokens: Any = Token.__table__  # type: ignore[attr-defined]
_TOKEN_COLUMNS: tuple[Any, ...] = (
    _tokens.c.digest, _tokens.c.id, _tokens.c.name, _tokens.c.scopes, _tokens.c.revoked_at, _tokens.c.expires_at,
)  # fmt: skip
_TOKENS = select(*_TOKEN_COLUMNS).where(_tokens.c.digest.in_(bindparam("digests", expanding=True)))
"""Made once: every call of the API begins with it."""


def digest(secret: str) -> str:
    """What the store keeps of a secret with 256 random bits: its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def person(session: Session, person_id: str) -> Person:
    """The person with this id."""
    found = session.get(Person, person_id)
    if found is None:
        raise NotFound(f"No person {person_id!r}.", hint="The people list shows everybody.")
    return found


def actor_for(session: Session, person_id: str) -> Actor | None:
    """The actor a person is now, with roles as the store has them; ``None`` when inactive or unknown."""
    found = session.get(Person, person_id)
    if found is None or not found.active:
        return None
    rows = session.exec(select(RoleGrant).where(RoleGrant.person_id == person_id, RoleGrant.state == "active")).all()
    grants = frozenset(Grant(row.role, row.scope_kind, row.scope_id) for row in rows)
    teams = session.exec(
        select(Team.id, Team.unit_id).join(TeamMember).where(TeamMember.person_id == person_id, col(Team.active))
    ).all()
    units = frozenset(unit for _, unit in teams if unit)
    return Actor("person", found.id, found.name, grants, frozenset(team for team, _ in teams), units)


def actor_for_sign_in(session: Session, key: str) -> Actor | None:
    """The actor behind a local sign-in's key; ``None`` when it ended, expired or its person is inactive."""
    found = session.get(SignIn, digest(key))
    if found is None or found.ended_at is not None or found.expires_at <= now():
        return None
    return actor_for(session, found.person_id)


def actor_for_subject(session: Session, issuer: str, subject: str) -> Actor | None:
    """The actor behind an identity provider's subject; ``None`` when unknown or inactive."""
    found = session.exec(select(Person.id).where(Person.issuer == issuer, Person.subject == subject)).first()
    return actor_for(session, found) if found else None


def actor_for_token(session: Session, secret: str) -> Actor | None:
    """The actor behind a bearer token; ``None`` when unknown, expired or revoked."""
    return actors_for_tokens(session, [secret]).get(secret)


def actors_for_tokens(session: Session, secrets: Iterable[str]) -> dict[str, Actor]:
    """Bearer token → the actor behind it; those that are unknown, expired or revoked are left out."""
    moment, given = now(), {digest(one): one for one in secrets}
    rows = session.connection().execute(_TOKENS, {"digests": sorted(given)}) if given else ()
    return {
        given[row.digest]: Actor("token", str(row.id), row.name, scopes=frozenset(row.scopes))
        for row in rows
        if row.revoked_at is None and row.expires_at > moment
    }


@dataclass(frozen=True)
class PersonRow:
    """A line of the people list."""

    id: str
    name: str
    title: str
    email: str | None
    active: bool
    demo: bool
    roles: tuple[str, ...]
    teams: tuple[str, ...]


def people(session: Session, *, active_only: bool = False) -> list[PersonRow]:
    """Everybody, by name, with active roles and teams."""
    statement = select(Person).order_by(Person.name)
    if active_only:
        statement = statement.where(col(Person.active))
    roles: dict[str, list[str]] = {}
    for grant in session.exec(select(RoleGrant).where(RoleGrant.state == "active")):
        label = (
            grant.role if grant.scope_kind == "organisation" else f"{grant.role} ({grant.scope_kind} {grant.scope_id})"
        )
        roles.setdefault(grant.person_id, []).append(label)
    member_of: dict[str, list[str]] = {}
    for membership, name in session.exec(select(TeamMember, Team.name).join(Team)):
        member_of.setdefault(membership.person_id, []).append(name)
    return [
        PersonRow(
            one.id, one.name, one.title, one.email, one.active, one.demo,
            tuple(sorted(roles.get(one.id, []))), tuple(sorted(member_of.get(one.id, []))),
        )
        for one in session.exec(statement)
    ]  # fmt: skip


def open_grants(session: Session) -> list[tuple[RoleGrant, str]]:
    """Role grants that wait for a second person, with the name of who would get the role; oldest first."""
    rows = session.exec(
        select(RoleGrant, Person.name)
        .join(Person, col(Person.id) == RoleGrant.person_id)
        .where(RoleGrant.state == "proposed")
        .order_by(col(RoleGrant.id))
    )
    return [(grant, name) for grant, name in rows]


def grants_of(session: Session, person_id: str) -> list[RoleGrant]:
    """A person's active grants."""
    statement = select(RoleGrant).where(RoleGrant.person_id == person_id, RoleGrant.state == "active")
    return list(session.exec(statement.order_by(RoleGrant.role)))


def teams(session: Session) -> list[Team]:
    """All active teams, by name."""
    return list(session.exec(select(Team).where(col(Team.active)).order_by(Team.name)))


def team_units(session: Session) -> dict[str, str | None]:
    """Active team → its business unit."""
    return dict(session.exec(select(Team.id, Team.unit_id).where(col(Team.active))).all())


def units(session: Session) -> list[BusinessUnit]:
    """All business units, by name."""
    return list(session.exec(select(BusinessUnit).order_by(BusinessUnit.name)))


def everybody(session: Session) -> dict[str, str]:
    """Every person's reference (``person:p-…``) and name, by name, for choosing one."""
    rows = session.exec(select(Person.id, Person.name).order_by(Person.name))
    return {f"person:{key}": name for key, name in rows}


def names(session: Session, refs: set[str]) -> dict[str, str]:
    """Actor reference (``person:p-…``) → the name to show; an erased or unknown person stays a pseudonym."""
    ids = {ref.removeprefix("person:") for ref in refs if ref.startswith("person:")}
    found = dict(session.exec(select(Person.id, Person.name).where(col(Person.id).in_(ids))).all()) if ids else {}
    shown = {f"person:{key}": name for key, name in found.items()}
    token_ids = [int(ref.removeprefix("token:")) for ref in refs if ref.removeprefix("token:").isdigit()]
    if token_ids:
        for key, name in session.exec(select(Token.id, Token.name).where(col(Token.id).in_(token_ids))):
            shown[f"token:{key}"] = f"token {name}"
    return {ref: shown.get(ref, ref.replace("system:", "portal: ")) for ref in refs}


@dataclass(frozen=True)
class TokenRow:
    """A line of the token list: everything but the secret, which nobody has."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    state: str


def tokens(session: Session) -> list[TokenRow]:
    """All tokens, newest first, with their state: active, expired or revoked."""
    rows: list[Any] = list(session.exec(select(Token).order_by(col(Token.id).desc())))

    def state(token: Token) -> str:
        return "revoked" if token.revoked_at else "expired" if token.expires_at <= now() else "active"

    return [
        TokenRow(
            one.id,
            one.name,
            tuple(one.scopes),
            one.created_by,
            one.created_at,
            one.expires_at,
            one.last_used_at,
            state(one),
        )
        for one in rows
    ]


def who_may(session: Session, action: str, scope: policy.Scope) -> list[str]:
    """Ids of the active people who may do ``action`` in ``scope`` by the roles they hold, whatever else is asked of them."""
    rows = session.exec(
        select(RoleGrant)
        .join(Person, col(Person.id) == RoleGrant.person_id)
        .where(col(Person.active), RoleGrant.state == "active")
        .where(col(RoleGrant.role).in_(list(policy.MATRIX[action])))
    )
    held: dict[str, set[Grant]] = {}
    for row in rows:
        held.setdefault(row.person_id, set()).add(Grant(row.role, row.scope_kind, row.scope_id))
    people_ = (Actor("person", person_id, "", frozenset(grants)) for person_id, grants in held.items())
    return sorted(one.id for one in people_ if policy.may(one, action, scope))
