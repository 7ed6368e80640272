"""Which entries an actor sees, as a condition for the WHERE of every statement that reads the catalog."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, or_, true
from sqlmodel import col

from core.access import policy
from core.access.policy import Actor, Sight
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
