"""The verbs of administration. Each asks permission, changes the store and records what happened."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select, update

from core.access import policy, queries
from core.access.policy import TOKEN_SCOPES, TWO_PERSON_ROLES, Actor
from core.access.tables import BusinessUnit, Person, RoleGrant, SignIn, Team, TeamMember, Token
from core.activity import events
from core.activity.recording import record
from core.config import settings
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.roles import ROLES, SCOPE_KINDS, Held, held

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
MAX_TOKEN_DAYS = 366
LONGEST_NAME = 200


# --- people ----------------------------------------------------------------------------------------------------------


def add_person(
    session: Session, *, actor: Actor, name: str, email: str | None = None, title: str = "", demo: bool = False
) -> Person:
    """Make a person known before they sign in for the first time."""
    policy.require(actor, "admin.people")
    person = Person(
        id=_new_person_id(), name=_line("name", name, LONGEST_NAME), email=_email(email), title=title[:200], demo=demo
    )
    if person.email and session.exec(select(Person).where(Person.email == person.email)).first():
        raise Conflict(f"Somebody with the address {person.email} is known already.", hint="Edit that person instead.")
    session.add(person)
    session.flush()
    record(session, actor, events.PersonAdded(f"person:{person.id}", source="portal"))
    return person


def deactivate_person(session: Session, *, actor: Actor, person_id: str) -> None:
    """End a person's access at once; their name stays readable on what they did."""
    policy.require(actor, "admin.people")
    person = queries.person(session, person_id)
    if person.id == actor.id:
        raise Conflict("You cannot deactivate yourself.", hint="Ask another administrator.")
    if not person.active:
        raise Conflict(f"{person.name} is inactive already.")
    person.active = False
    session.add(person)
    _end_sign_ins(session, person.id)
    record(session, actor, events.PersonDeactivated(f"person:{person.id}"))


def reactivate_person(session: Session, *, actor: Actor, person_id: str) -> None:
    """Let a deactivated person sign in again."""
    policy.require(actor, "admin.people")
    person = queries.person(session, person_id)
    if person.active:
        raise Conflict(f"{person.name} is active already.")
    person.active = True
    session.add(person)
    record(session, actor, events.PersonReactivated(f"person:{person.id}"))


def erase_person(session: Session, *, actor: Actor, person_id: str) -> None:
    """Erase an inactive person's name and address. The log stays whole: it knows the pseudonym only."""
    policy.require(actor, "admin.people")
    person = queries.person(session, person_id)
    if person.active:
        raise Conflict(f"{person.name} is active.", hint="Deactivate the person first.")
    person.name, person.email, person.title = f"erased person {person.id}", None, ""
    person.issuer = person.subject = person.vouched_at = None
    session.add(person)
    record(session, actor, events.PersonErased(f"person:{person.id}"))


# --- units and teams -------------------------------------------------------------------------------------------------


def add_unit(session: Session, *, actor: Actor, unit_id: str, name: str, demo: bool = False) -> BusinessUnit:
    """Add a business unit."""
    policy.require(actor, "admin.people")
    if session.get(BusinessUnit, _slug("unit", unit_id)):
        raise Conflict(f"The unit {unit_id} exists already.")
    unit = BusinessUnit(id=unit_id, name=_line("name", name, 200), demo=demo)
    session.add(unit)
    session.flush()
    record(session, actor, events.UnitAdded(f"unit:{unit_id}"))
    return unit


def add_team(
    session: Session,
    *,
    actor: Actor,
    team_id: str,
    name: str,
    unit_id: str | None = None,
    description: str = "",
    demo: bool = False,
) -> Team:
    """Add a team, in a business unit or for the whole organisation."""
    policy.require(actor, "admin.people")
    if session.get(Team, _slug("team", team_id)):
        raise Conflict(f"The team {team_id} exists already.")
    if unit_id is not None and session.get(BusinessUnit, unit_id) is None:
        raise NotFound(f"No business unit {unit_id!r}.", hint="Add the unit first.")
    team = Team(id=team_id, name=_line("name", name, 200), description=description[:1000], unit_id=unit_id, demo=demo)
    session.add(team)
    session.flush()
    record(session, actor, events.TeamAdded(f"team:{team_id}", unit=unit_id or ""))
    return team


def join_team(session: Session, *, actor: Actor, team_id: str, person_id: str) -> None:
    """Make a person a member of a team."""
    policy.require(actor, "admin.people")
    team, person = _team(session, team_id), queries.person(session, person_id)
    if session.get(TeamMember, (team.id, person.id)):
        raise Conflict(f"{person.name} is in {team.name} already.")
    session.add(TeamMember(team_id=team.id, person_id=person.id))
    session.flush()
    record(session, actor, events.TeamJoined(f"team:{team.id}", person=f"person:{person.id}"))


def leave_team(session: Session, *, actor: Actor, team_id: str, person_id: str) -> None:
    """End a person's membership of a team."""
    policy.require(actor, "admin.people")
    membership = session.get(TeamMember, (team_id, person_id))
    if membership is None:
        raise NotFound(f"This person is not in the team {team_id}.")
    session.delete(membership)
    record(session, actor, events.TeamLeft(f"team:{team_id}", person=f"person:{person_id}"))


# --- roles -----------------------------------------------------------------------------------------------------------


def grant_role(
    session: Session, *, actor: Actor, person_id: str, role: str, scope_kind: str = "organisation", scope_id: str = ""
) -> RoleGrant:
    """Grant a role in a scope: at once, or as a proposal where the role takes two people."""
    policy.require(actor, "admin.people")
    person = queries.person(session, person_id)
    if role not in ROLES:
        raise Invalid(f"{role!r} is not a role.", hint=f"Possible: {', '.join(ROLES)}.")
    if scope_kind not in SCOPE_KINDS:
        raise Invalid(f"{scope_kind!r} is not a kind of scope.", hint=f"Possible: {', '.join(SCOPE_KINDS)}.")
    _require_scope(session, scope_kind, scope_id)
    if not person.active:
        raise Conflict(f"{person.name} is inactive.", hint="Reactivate the person first.")
    same = select(RoleGrant).where(
        RoleGrant.person_id == person_id, RoleGrant.role == role, RoleGrant.scope_kind == scope_kind,
        RoleGrant.scope_id == scope_id, col(RoleGrant.state).in_(("active", "proposed")),
    )  # fmt: skip
    if (existing := session.exec(same).first()) is not None:
        state = "has this role already" if existing.state == "active" else "has been proposed for this role already"
        raise Conflict(f"{person.name} {state}.")
    waits = role in TWO_PERSON_ROLES and actor.kind == "person"
    grant = RoleGrant(
        person_id=person_id, role=role, scope_kind=scope_kind, scope_id=scope_id,
        state="proposed" if waits else "active", granted_by=actor.ref,
    )  # fmt: skip
    session.add(grant)
    session.flush()
    told = events.RoleProposed if waits else events.RoleGranted
    record(session, actor, told(f"person:{person_id}", role=role, scope=_scope(grant)))
    return grant


def decide_role(session: Session, *, actor: Actor, grant_id: int, confirm: bool) -> RoleGrant:
    """Confirm or decline a proposed role, as a second person: neither the proposer nor the one who would get it."""
    policy.require(actor, "admin.people")
    grant = _grant(session, grant_id, "proposed")
    if confirm and actor.ref == grant.granted_by:
        raise NotAllowed("You proposed this role; a second person confirms it.", hint="Ask another administrator.")
    if confirm and actor.id == grant.person_id:
        raise NotAllowed("Nobody confirms a role for themselves.", hint="Ask another administrator.")
    grant.state, grant.decided_by, grant.decided_at = ("active" if confirm else "declined"), actor.ref, now()
    session.add(grant)
    told = events.RoleGranted if confirm else events.RoleDeclined
    record(session, actor, told(f"person:{grant.person_id}", role=grant.role, scope=_scope(grant)))
    return grant


def revoke_role(session: Session, *, actor: Actor, grant_id: int) -> None:
    """Take a role away; the last administrator of the organisation keeps theirs."""
    policy.require(actor, "admin.people")
    grant = _grant(session, grant_id, "active")
    if _administrators(session) == {grant.id}:
        raise Conflict("This is the last administrator.", hint="Grant the role to somebody else first.")
    grant.state, grant.decided_by, grant.decided_at = "revoked", actor.ref, now()
    session.add(grant)
    record(session, actor, events.RoleRevoked(f"person:{grant.person_id}", role=grant.role, scope=_scope(grant)))


def _administrators(session: Session) -> set[int | None]:
    """The grants by which active people run the whole organisation: in a part of it the role runs nothing."""
    statement = (
        select(RoleGrant.id)
        .join(Person, col(Person.id) == RoleGrant.person_id)
        .where(RoleGrant.role == "administrator", RoleGrant.scope_kind == "organisation", RoleGrant.state == "active")
        .where(col(Person.active))
    )
    return set(session.exec(statement))


# --- sign-in ---------------------------------------------------------------------------------------------------------


def sign_in_locally(session: Session, *, person_id: str) -> str:
    """Open a local sign-in for an active person and return its key; the caller has checked that this is admitted."""
    if not settings().admits_local_signin:
        raise NotAllowed(
            "Signing in without an identity provider is switched off here.",
            hint="It works on loopback addresses only, unless PORTAL_LOCAL_SIGNIN=any is set.",
        )
    actor = queries.actor_for(session, person_id)
    if actor is None:
        raise NotFound("This person cannot sign in.", hint="Choose an active person from the list.")
    key = secrets.token_urlsafe(32)
    until = now() + timedelta(hours=settings().session_hours)
    session.add(SignIn(digest=queries.digest(key), person_id=person_id, expires_at=until))
    record(session, actor, events.SignedIn(actor.ref, way="local"))
    return key


def sign_out(session: Session, *, key: str) -> None:
    """End a local sign-in; an unknown or ended one is left as it is."""
    found = session.get(SignIn, queries.digest(key))
    if found is None or found.ended_at is not None:
        return
    found.ended_at = now()
    session.add(found)
    actor = queries.actor_for(session, found.person_id)
    if actor is not None:
        record(session, actor, events.SignedOut(actor.ref))


@dataclass(frozen=True)
class Vouched:
    """What the identity provider says of a person in an identity token, and when it said so."""

    issuer: str
    subject: str
    issued_at: datetime
    name: str = ""
    email: str | None = None
    email_verified: bool = False
    groups: tuple[str, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether the sign-in that the token began is older than ``PORTAL_SESSION_HOURS``."""
        return self.issued_at + timedelta(hours=settings().session_hours) <= now()


def sign_in_from_provider(session: Session, vouched: Vouched) -> Actor:
    """The actor for a person the identity provider vouches for; known or new, with roles as their groups map.

    The browser keeps a token's claims and shows them at every visit, so only claims newer than those followed before
    change roles and count as a sign-in: a role that left with its group does not come back with an older token. A
    person added beforehand by e-mail is matched only when the provider says the address is verified. The address in
    ``PORTAL_ADMINISTRATOR`` gets the role administrator while there is none.
    """
    if vouched.has_ended:
        raise NotAllowed("Your sign-in has ended.", hint="Sign in again.")
    system = policy.system("identity-provider")
    person = _vouched_person(session, vouched) or _new_person(session, system, vouched)
    is_news = person.vouched_at is None or vouched.issued_at > person.vouched_at
    if person.active and is_news:
        _follow(session, system, person, vouched)
    actor = queries.actor_for(session, person.id)
    if actor is None:
        raise NotAllowed("Your account is deactivated.", hint="Ask an administrator of the portal.")
    if is_news:
        record(session, actor, events.SignedIn(actor.ref, way="identity provider"))
    return actor


def _vouched_person(session: Session, vouched: Vouched) -> Person | None:
    """The person the claims are of, locked, so that of two visits at once one follows the claims."""
    by_subject = select(Person).where(Person.issuer == vouched.issuer, Person.subject == vouched.subject)
    found = session.exec(by_subject.with_for_update()).first()
    if found is None and vouched.email_verified and (email := _email_or_none(vouched.email)):
        by_address = select(Person).where(Person.email == email, col(Person.subject).is_(None))
        found = session.exec(by_address.with_for_update()).first()
    return found


def _new_person(session: Session, system: Actor, vouched: Vouched) -> Person:
    email = _email_or_none(vouched.email)
    taken = email and session.exec(select(Person.id).where(Person.email == email)).first()
    person = Person(id=_new_person_id(), name=_name_of(vouched), email=None if taken else email)
    session.add(person)
    session.flush()
    record(session, system, events.PersonAdded(f"person:{person.id}", source="identity provider"))
    return person


def _name_of(vouched: Vouched) -> str:
    """A name that the portal can show: nobody is kept out because the provider's has line breaks or no end."""
    for given in (vouched.name, vouched.email or "", vouched.subject):
        if name := " ".join(_CONTROL.sub(" ", given).split())[:LONGEST_NAME].strip():
            return name
    return "Somebody without a name"


def _email_or_none(given: str | None) -> str | None:
    try:
        return _email(given)
    except Invalid:
        return None


def _follow(session: Session, system: Actor, person: Person, vouched: Vouched) -> None:
    person.issuer, person.subject, person.vouched_at = vouched.issuer, vouched.subject, vouched.issued_at
    session.add(person)
    session.flush()
    _follow_groups(session, system, person, vouched.groups)
    _first_administrator(session, system, person, vouched.email if vouched.email_verified else None)
    session.flush()


def mapped_grants(groups: Iterable[str]) -> set[Held]:
    """The roles that ``PORTAL_OIDC_ROLES`` gives to ``groups``."""
    mapping = settings().oidc_roles
    return {held(mapping[group]) for group in groups if group in mapping}


def _follow_groups(session: Session, system: Actor, person: Person, groups: Iterable[str]) -> None:
    wanted = mapped_grants(groups)
    active = session.exec(select(RoleGrant).where(RoleGrant.person_id == person.id, RoleGrant.state == "active")).all()
    has = {Held(one.role, one.scope_kind, one.scope_id) for one in active}
    for grant in active:
        if grant.source == "identity provider" and (grant.role, grant.scope_kind, grant.scope_id) not in wanted:
            grant.state, grant.decided_by, grant.decided_at = "revoked", system.ref, now()
            session.add(grant)
            record(
                session,
                system,
                events.RoleRevoked(
                    f"person:{person.id}", role=grant.role, scope=_scope(grant), source="identity provider"
                ),
            )
    for role, kind, key in sorted(wanted - has):
        _grant_from(session, system, person, role, kind, key, "identity provider")


def _first_administrator(session: Session, system: Actor, person: Person, email: str | None) -> None:
    if not email or email.lower() != settings().administrator.lower():
        return
    if not _administrators(session):
        _grant_from(session, system, person, "administrator", "organisation", "", "configuration")


def _grant_from(session: Session, system: Actor, person: Person, role: str, kind: str, key: str, source: str) -> None:
    grant = RoleGrant(
        person_id=person.id, role=role, scope_kind=kind, scope_id=key, source=source, granted_by=system.ref
    )
    session.add(grant)
    record(session, system, events.RoleGranted(f"person:{person.id}", role=role, scope=_scope(grant), source=source))


# --- tokens ----------------------------------------------------------------------------------------------------------


def create_token(session: Session, *, actor: Actor, name: str, scopes: list[str], days: int = 90) -> tuple[Token, str]:
    """A token for a program and its secret, which is shown this once and kept nowhere."""
    policy.require(actor, "admin.tokens")
    unknown = sorted(set(scopes) - set(TOKEN_SCOPES))
    if unknown or not scopes:
        what = f"{unknown[0]!r} is not a scope." if unknown else "A token needs at least one scope."
        raise Invalid(what, hint=f"Possible: {', '.join(TOKEN_SCOPES)}.")
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise Invalid(f"A token lives between 1 and {MAX_TOKEN_DAYS} days, not {days}.")
    secret = f"afp_{secrets.token_urlsafe(32)}"
    token = Token(
        name=_line("name", name, 100), digest=queries.digest(secret), scopes=sorted(set(scopes)),
        created_by=actor.ref, expires_at=now() + timedelta(days=days),
    )  # fmt: skip
    session.add(token)
    session.flush()
    told = events.TokenCreated(f"token:{token.id}", scopes=token.scopes, expires=token.expires_at.date().isoformat())
    record(session, actor, told)
    return token, secret


def revoke_token(session: Session, *, actor: Actor, token_id: int) -> None:
    """End a token at once."""
    policy.require(actor, "admin.tokens")
    token = session.get(Token, token_id)
    if token is None:
        raise NotFound(f"No token {token_id}.")
    if token.revoked_at is not None:
        raise Conflict(f"The token {token.name} is revoked already.")
    token.revoked_at = now()
    session.add(token)
    record(session, actor, events.TokenRevoked(f"token:{token.id}"))


def note_use(session: Session, *, token_id: int) -> None:
    """Keep when a token was used last, to the minute; no activity, because nothing was done to it."""
    moment = now()
    known = col(Token.last_used_at).is_(None) | (col(Token.last_used_at) < moment - timedelta(minutes=1))
    session.execute(update(Token).where(col(Token.id) == token_id, known).values(last_used_at=moment))


# --- shared ----------------------------------------------------------------------------------------------------------


def _new_person_id() -> str:
    return f"p-{secrets.token_hex(6)}"


def _line(field: str, value: str, longest: int) -> str:
    value = value.strip()
    if not value or len(value) > longest or _CONTROL.search(value):
        raise Invalid(f"The {field} takes 1 to {longest} characters on one line.")
    return value


def _email(value: str | None) -> str | None:
    if value is None or not value.strip():
        return None
    value = value.strip().lower()
    if not re.fullmatch(r"[^@\s<>]{1,64}@[^@\s<>]{1,250}", value) or _CONTROL.search(value):
        raise Invalid(f"{value!r} is not an e-mail address.")
    return value


def _slug(what: str, value: str) -> str:
    if len(value) > 63 or not _SLUG.fullmatch(value):
        raise Invalid(
            f"{value!r} does not name a {what}.", hint="Use lower-case letters and digits, joined by single '-'."
        )
    return value


def _team(session: Session, team_id: str) -> Team:
    team = session.get(Team, team_id)
    if team is None:
        raise NotFound(f"No team {team_id!r}.", hint="Add the team first.")
    return team


def _grant(session: Session, grant_id: int, state: str) -> RoleGrant:
    statement = select(RoleGrant).where(RoleGrant.id == grant_id).with_for_update()
    grant = session.exec(statement).first()
    if grant is None:
        raise NotFound(f"No role grant {grant_id}.")
    if grant.state != state:
        raise Conflict(f"This role grant is {grant.state}, not {state}.", hint="Reload the page to see who decided.")
    return grant


def _require_scope(session: Session, kind: str, key: str) -> None:
    if kind == "organisation" and key:
        raise Invalid("A role for the whole organisation names no scope.")
    if kind == "unit" and session.get(BusinessUnit, key) is None:
        raise NotFound(f"No business unit {key!r}.")
    if kind == "team" and session.get(Team, key) is None:
        raise NotFound(f"No team {key!r}.")
    if kind == "project" and not key:
        raise Invalid("Name the project.")


def _scope(grant: RoleGrant) -> str:
    return f"{grant.scope_kind}/{grant.scope_id}" if grant.scope_id else grant.scope_kind


def _end_sign_ins(session: Session, person_id: str) -> None:
    session.exec(delete(SignIn).where(col(SignIn.person_id) == person_id))
