"""Which entries an actor sees, as a condition for the WHERE of every statement that reads the catalog."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, true
from sqlmodel import col

from core.access import policy
from core.access.policy import Actor, Sight
from core.catalog.kinds import Classification
from core.catalog.tables import Entry


def visible(actor: Actor) -> ColumnElement[bool]:
    """The condition under which ``actor`` sees an entry, by its classification; see :func:`core.access.policy.sight`."""
    return within(policy.sight(actor))


def within(sight: Sight) -> ColumnElement[bool]:
    """The condition under which an entry is seen by whoever has ``sight``."""
    if sight.all_confidential and sight.all_restricted:
        return true()
    team = col(Entry.owner).in_(sorted(sight.teams))
    owning = or_(team, col(Entry.unit).in_(sorted(sight.units)))
    conditions: list[ColumnElement[bool]] = [
        col(Entry.classification).in_([Classification.public.value, Classification.internal.value])
    ]
    confidential = col(Entry.classification) == Classification.confidential.value
    conditions.append(confidential if sight.all_confidential else and_(confidential, owning))
    restricted = col(Entry.classification) == Classification.restricted.value
    conditions.append(restricted if sight.all_restricted else and_(restricted, team))
    return or_(*conditions)
