"""What reviewing costs and how well it agrees, for reviewers' own good: one's own figures beside quartiles without names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import median, quantiles

from sqlmodel import Session, col, select

from core import workdays
from core.access import policy
from core.access.policy import Actor
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews import states
from core.reviews.tables import CaseSeat, ReviewCase, Signature

FEWEST = 5
"""With fewer reviewers than this, quartiles would name somebody."""


@dataclass(frozen=True)
class Figures:
    """What one reviewer's decisions say; ``None`` where there is nothing to say it from."""

    signed: int
    open_seats: int
    working_hours: float | None
    """Median working hours from the last submission (or the seat, if later) to the signature: pauses are not in it."""
    opened_share: float | None
    """Share of signatures before which the evidence was opened here."""
    agreement: float | None
    """Share of the other reviewers' standing signatures on the same cases that decided the same way."""


@dataclass(frozen=True)
class Insights:
    """One's own figures and the quartiles of working hours of everybody, where they hide everybody."""

    own: Figures
    quartiles: tuple[float, float, float] | None
    reviewers: int


def insights(session: Session, actor: Actor) -> Insights:
    """The figures of ``actor``, and quartiles over all reviewers of the cases that they see."""
    policy.require(actor, "catalog.browse")
    rows = session.exec(
        select(Signature, CaseSeat, ReviewCase)
        .join(CaseSeat, col(CaseSeat.id) == Signature.seat_id)
        .join(ReviewCase, col(ReviewCase.id) == Signature.case_id)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(shown_to(actor))
        .order_by(col(Signature.id).desc())
        .limit(5000)
    ).all()
    hours: dict[str, list[float]] = {}
    for signature, seat, case in rows:
        hours.setdefault(signature.person_id, []).append(_hours(signature, seat, case))
    medians = [median(own) for own in hours.values()]
    low, mid, high = quantiles(medians, n=4) if len(medians) >= FEWEST else (0.0, 0.0, 0.0)
    own = [row for row in rows if row[0].person_id == actor.id]
    figures = Figures(
        len(own), _open_seats(session, actor), median(hours[actor.id]) if own else None,
        _share([seat.opened_at is not None and seat.opened_at <= signature.signed_at for signature, seat, _ in own]),
        _agreement(actor.id, [row[0] for row in rows]),
    )  # fmt: skip
    return Insights(figures, (low, mid, high) if len(medians) >= FEWEST else None, len(medians))


def _hours(signature: Signature, seat: CaseSeat, case: ReviewCase) -> float:
    begun = max(seat.assigned_at, case.submitted_at or seat.assigned_at)
    return workdays.working_time(min(begun, signature.signed_at), signature.signed_at) / timedelta(hours=1)


def _open_seats(session: Session, actor: Actor) -> int:
    held = (
        select(CaseSeat.id)
        .join(ReviewCase, col(ReviewCase.id) == CaseSeat.case_id)
        .where(CaseSeat.person_id == actor.id, col(CaseSeat.released_at).is_(None))
        .where(col(ReviewCase.state).in_(states.OPEN))
    )
    return len(session.exec(held).all())


def _share(facts: list[bool]) -> float | None:
    return sum(facts) / len(facts) if facts else None


def _agreement(person_id: str, signatures: list[Signature]) -> float | None:
    standing = [one for one in signatures if one.voided_at is None]
    mine = {one.case_id: one.decision for one in standing if one.person_id == person_id}
    others = [one for one in standing if one.case_id in mine and one.person_id != person_id]
    return _share([(one.decision == "reject") == (mine[one.case_id] == "reject") for one in others])
