"""What reviewers set about themselves: what they know best, how much they take, and who stands in for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, or_, select

from core.access import policy, queries
from core.access.policy import Actor
from core.access.tables import Person, RoleGrant
from core.db import now
from core.reviews.states import SIGNING_ROLES
from core.reviews.tables import Delegation, ReviewerProfile


def roles_of(actor: Actor) -> list[str]:
    """The roles in which ``actor`` signs somewhere."""
    return [role for role, action in SIGNING_ROLES.items() if policy.may_anywhere(actor, action)]


def profile(session: Session, actor: Actor) -> ReviewerProfile:
    """What ``actor`` set, or what counts where they set nothing; the row is not for writing."""
    return session.get(ReviewerProfile, actor.id) or ReviewerProfile(person_id=actor.id)


def stand_ins(session: Session, actor: Actor, role: str) -> dict[str, str]:
    """Person id → name of those who hold ``role`` somewhere, by name, without ``actor``."""
    holders = (
        select(Person.id, Person.name)
        .join(RoleGrant, col(RoleGrant.person_id) == Person.id)
        .where(RoleGrant.role == role, RoleGrant.state == "active", col(Person.active), Person.id != actor.id)
        .order_by(Person.name, Person.id)
        .distinct()
    )
    return dict(session.exec(holders).all())


@dataclass(frozen=True)
class Absence:
    """Days on which one reviewer stands in for another."""

    id: int
    role: str
    other: str
    """Name of the other person."""
    is_mine: bool
    """Whether the reader is the one who is away."""
    starts_on: date
    ends_on: date


def absences(session: Session, actor: Actor) -> list[Absence]:
    """Delegations from or to ``actor`` that run or are to come, the earliest first."""
    wanted = (
        select(Delegation)
        .where(or_(Delegation.from_id == actor.id, Delegation.to_id == actor.id))
        .where(col(Delegation.ended_at).is_(None), Delegation.ends_on >= now().date())
        .order_by(col(Delegation.starts_on), col(Delegation.id))
    )
    rows = session.exec(wanted).all()
    others = [one.to_id if one.from_id == actor.id else one.from_id for one in rows]
    names = queries.names(session, {f"person:{one}" for one in others})
    return [
        Absence(
            one.id or 0, one.role, names.get(f"person:{other}", other), one.from_id == actor.id, one.starts_on,
            one.ends_on,
        )
        for one, other in zip(rows, others, strict=True)
    ]  # fmt: skip
