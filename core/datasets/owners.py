"""Who decides about a dataset: those who may approve in its scope and belong to its owners, and managers."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Grant, Scope
from core.access.tables import Person, RoleGrant, TeamMember
from core.catalog.tables import Entry
from core.errors import NotAllowed

APPROVE = "data.approve"
MANAGER = "manager"


def may_decide(actor: Actor, scope: Scope) -> bool:
    """Whether ``actor`` decides about data of ``scope``: owners who may approve there, and managers of it."""
    if actor.kind != "person" or not policy.may(actor, APPROVE, scope):
        return False
    manages = any(one.role == MANAGER and scope.holds(one.scope_kind, one.scope_id) for one in actor.grants)
    return manages or actor.owns(scope)


def require_decider(actor: Actor, scope: Scope) -> None:
    """Raise :class:`NotAllowed` unless ``actor`` decides about data of ``scope``."""
    policy.require(actor, APPROVE, scope)
    if not may_decide(actor, scope):
        raise NotAllowed(
            f"{actor.name} does not belong to the owners of this dataset.",
            hint=f"A data engineer of the team {scope.team} or a manager decides.",
        )


def decidable(actor: Actor) -> ColumnElement[bool]:
    """:func:`may_decide` as a condition on :class:`Entry`, for the WHERE of lists."""
    if actor.kind != "person":
        return false()
    reached = [(one, _inside([one])) for one in actor.grants if one.role in policy.MATRIX[APPROVE]]
    owned = or_(col(Entry.owner).in_(sorted(actor.teams)), _inside(_scoped(actor.grants)))
    return or_(false(), *(where if one.role == MANAGER else and_(where, owned) for one, where in reached))


def auditable(actor: Actor) -> ColumnElement[bool]:
    """The entries whose access ``actor`` may audit, as a condition on :class:`Entry`."""
    return _inside(one for one in actor.grants if one.role in policy.MATRIX["data.audit"])


def _scoped(grants: Iterable[Grant]) -> list[Grant]:
    return [one for one in grants if one.scope_kind != "organisation"]


def _inside(grants: Iterable[Grant]) -> ColumnElement[bool]:
    """Whether an entry lies in the scope of one of ``grants``; entries belong to no project."""
    conditions: list[ColumnElement[bool]] = []
    for one in grants:
        if one.scope_kind == "organisation":
            return true()
        if one.scope_kind in ("unit", "team"):
            conditions.append(col(Entry.unit if one.scope_kind == "unit" else Entry.owner) == one.scope_id)
    return or_(false(), *conditions)


def deciders(session: Session, entry: Entry) -> list[str]:
    """Ids of the active people who decide about a dataset: its owners, or managers where the owners have nobody."""
    rows = session.exec(
        select(RoleGrant)
        .join(Person, col(Person.id) == RoleGrant.person_id)
        .where(col(Person.active), RoleGrant.state == "active")
        .where(col(RoleGrant.role).in_(list(policy.MATRIX[APPROVE])))
    )
    held: dict[str, set[Grant]] = {}
    for row in rows:
        held.setdefault(row.person_id, set()).add(Grant(row.role, row.scope_kind, row.scope_id))
    members = set(session.exec(select(TeamMember.person_id).where(TeamMember.team_id == entry.owner)))
    scope = Scope(entry.unit, entry.owner)
    able = []
    for person_id, grants in held.items():
        teams = frozenset({entry.owner} if person_id in members else ())
        actor = Actor("person", person_id, "", frozenset(grants), teams)
        if may_decide(actor, scope):
            able.append((actor.owns(scope), person_id))
    owners = sorted(person_id for owns, person_id in able if owns)
    return owners or sorted(person_id for _, person_id in able)
