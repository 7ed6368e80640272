"""Which entries an actor sees, as a condition for the WHERE of every statement that reads the catalog."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, true
from sqlmodel import col

from core.access import policy
from core.access.policy import Actor, Grant, Sight
from core.catalog.kinds import Classification
from core.catalog.tables import Entry


def visible(actor: Actor) -> ColumnElement[bool]:
    """The condition under which ``actor`` sees an entry, by its classification; see :func:`core.access.policy.sight`."""
    return within(policy.sight(actor))


def within(
    sight: Sight, *, classification: Any = Entry.classification, team: Any = Entry.owner, unit: Any = Entry.unit
) -> ColumnElement[bool]:
    """The condition under which a thing with these columns, an entry unless told, is seen by whoever has ``sight``."""
    if sight.all_confidential and sight.all_restricted:
        return true()
    of_team = col(team).in_(sorted(sight.teams))
    owning = or_(of_team, col(unit).in_(sorted(sight.units)))
    conditions: list[ColumnElement[bool]] = [
        col(classification).in_([Classification.public.value, Classification.internal.value])
    ]
    confidential = col(classification) == Classification.confidential.value
    conditions.append(confidential if sight.all_confidential else and_(confidential, owning))
    restricted = col(classification) == Classification.restricted.value
    conditions.append(restricted if sight.all_restricted else and_(restricted, of_team))
    return or_(*conditions)


def sees(sight: Sight, classification: str, *, team: str | None, unit: str | None) -> bool:
    """:func:`within` for one thing that is no row yet, such as what a proposal would make."""
    of_team = team in sight.teams
    if classification == Classification.confidential.value:
        return sight.all_confidential or of_team or unit in sight.units
    if classification == Classification.restricted.value:
        return sight.all_restricted or of_team
    return True


def reached(
    actor: Actor, action: str, *, team: Any = Entry.owner, unit: Any = Entry.unit, project: Any = None
) -> ColumnElement[bool]:
    """:func:`core.access.policy.may` as a condition on things with these columns, entries unless told: a list that is
    cut in SQL counts and pages only what the actor may act on."""
    if actor.kind != "person":
        return true() if policy.may(actor, action) else false()
    columns = {"unit": unit, "team": team, "project": project}
    owned = _owned(actor, columns)
    conditions: list[ColumnElement[bool]] = []
    for grant in actor.grants:
        match policy.MATRIX[action].get(grant.role):
            case "everywhere":
                conditions.append(true())
            case "any":
                conditions.append(_holds(grant, columns))
            case "own":
                conditions.append(and_(_holds(grant, columns), owned))
            case "not own":
                conditions.append(and_(_holds(grant, columns), not_(owned)))
    return or_(false(), *conditions)


def _owned(actor: Actor, columns: dict[str, Any]) -> ColumnElement[bool]:
    """:meth:`core.access.policy.Actor.owns` as a condition."""
    scoped = [grant for grant in actor.grants if grant.scope_kind != "organisation"]
    without_team = and_(col(columns["team"]).is_(None), col(columns["unit"]).in_(sorted(actor.units)))
    of_team = col(columns["team"]).in_(sorted(actor.teams))
    return or_(of_team, without_team, *(_holds(grant, columns) for grant in scoped))


def _holds(grant: Grant, columns: dict[str, Any]) -> ColumnElement[bool]:
    """:meth:`core.access.policy.Scope.holds` as a condition; a thing without a unit lies in none."""
    if grant.scope_kind == "organisation":
        return true()
    column = columns.get(grant.scope_kind)
    return false() if column is None or not grant.scope_id else col(column).is_not_distinct_from(grant.scope_id)
