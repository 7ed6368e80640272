"""The value of reuse: working hours an adoption saved, as a range that one person claims and another confirms."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people import notices
from core.projects.actions import scope_of, text
from core.projects.tables import Adoption, Project, ReuseValue
from core.projects.visibility import shown_to

MOST_HOURS = 20_000
"""More than ten people save in a year (about 1,700 working hours each): above it a claim is a slip of the pen."""
BASIS_LENGTH = 1000


def claim_value(
    session: Session, *, actor: Actor, adoption_id: int, low_hours: int, high_hours: int, basis: str
) -> ReuseValue:
    """Say how many working hours an adoption saved, at least and at most, and how one knows.

    A later claim takes the place of an earlier one and has to be confirmed anew; an ended adoption keeps its value.
    """
    adoption, project, entry = _locked_adoption(session, actor, adoption_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    low, high = _hours("lower bound", low_hours), _hours("upper bound", high_hours)
    if low > high:
        raise Invalid(f"The range ends before it begins: {low} to {high} hours.", hint="Put the smaller number first.")
    basis = text("basis", basis, BASIS_LENGTH)
    if not basis:
        raise Invalid("Say how you know: what it would have taken without it.")
    claim = ReuseValue(
        adoption_id=adoption.id or 0,
        low_hours=low,
        high_hours=high,
        basis=basis,
        claimed_by=actor.ref,
        claimed_at=now(),
    )
    session.add(claim)
    session.flush()
    record(session, actor, events.ValueClaimed(entry.key, project.id, low_hours=low, high_hours=high))
    return claim


def confirm_value(session: Session, *, actor: Actor, value_id: int) -> ReuseValue:
    """Confirm exactly the hours that were claimed, as a manager in the project's scope who did not claim them."""
    found = session.get(ReuseValue, value_id)
    if found is None:
        raise NotFound(f"No claim {value_id}.")
    _, project, entry = _locked_adoption(session, actor, found.adoption_id)
    policy.require(actor, "value.confirm", scope_of(project))
    session.refresh(found)  # what stands there now that nobody else can change it
    if found.claimed_by == actor.ref:
        raise NotAllowed("Nobody confirms their own claim.", hint="Ask another manager.")
    if found.id != _latest_claim(session, found.adoption_id):
        raise Conflict("This claim was replaced by a newer one.", hint="Look at the newer claim and confirm that one.")
    if found.confirmed_by is not None:
        raise Conflict("This claim is confirmed already.")
    found.confirmed_by, found.confirmed_at = actor.ref, now()
    session.add(found)
    session.flush()
    told = events.ValueConfirmed(
        entry.key, project.id, low_hours=found.low_hours, high_hours=found.high_hours, claimed_by=found.claimed_by
    )
    record(session, actor, told)
    words = f"Your claim that {project.title} saved {hours(found.low_hours, found.high_hours)} with {entry.title} is confirmed."
    notices.tell(session, [found.claimed_by], subject=entry.key, text=words, except_for=actor)
    return found


def hours(low: int, high: int) -> str:
    """A range of hours in words: ``40 to 60 hours``, or ``40 hours`` where both ends are the same."""
    if low == high:
        return f"{low:,} hour" + ("" if low == 1 else "s")
    return f"{low:,} to {high:,} hours"


def _locked_adoption(session: Session, actor: Actor, adoption_id: int) -> tuple[Adoption, Project, Entry]:
    """An adoption of an entry and by a project that ``actor`` may see; locked, so that claims take turns."""
    session.exec(select(Adoption.id).where(Adoption.id == adoption_id).with_for_update())
    found = session.exec(
        select(Adoption, Project, Entry)
        .join(Project, col(Project.id) == Adoption.project_id)
        .join(Entry, col(Entry.id) == Adoption.entry_id)
        .where(Adoption.id == adoption_id, visible(actor), shown_to(actor))
    ).first()
    if found is None:
        raise NotFound(f"No adoption {adoption_id}.", hint="Its entry or project may not be visible to you.")
    return found


def _latest_claim(session: Session, adoption_id: int) -> int | None:
    return session.exec(select(func.max(ReuseValue.id)).where(ReuseValue.adoption_id == adoption_id)).one()


def _hours(field: str, value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_HOURS:
        raise Invalid(f"The {field} takes whole hours from 0 to {MOST_HOURS:,}.")
    return value
