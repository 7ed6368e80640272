"""What reviewing costs and how well it agrees, for reviewers' own good: one's own figures beside quartiles without names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles

from sqlalchemy import func
from sqlmodel import Session, col, select

from core import workdays
from core.access import policy
from core.access.policy import Actor
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews import states
from core.reviews.tables import CaseFinding, CaseSeat, ReviewCase, Signature

FEWEST = 5
"""With fewer reviewers than this, quartiles would name somebody: the portal's own measure."""
NEWEST = 5000
"""So many signatures are read, the newest ones."""
Quartiles = tuple[float, float, float]


@dataclass(frozen=True)
class Figures:
    """What one reviewer's decisions say; ``None`` where there is nothing to say it from."""

    signed: int
    open_seats: int
    working_hours: float | None
    """Median working hours from the submission (or the seat, if later) to the signature: pauses are not in it."""
    opened_share: float | None
    """Share of signatures before which the evidence was opened here."""
    agreement: float | None
    """Share of the other reviewers' standing signatures on the same cases that decided the same way."""
    with_checks: float | None
    """Share of standing decisions that went the way of the checks: a rejection where one fails, an approval where none does."""


@dataclass(frozen=True)
class Insights:
    """One's own figures, and quartiles over all reviewers where they hide everybody; by the names of :class:`Figures`."""

    own: Figures
    quartiles: dict[str, Quartiles]
    reviewers: int


@dataclass(frozen=True)
class _Made:
    """A reviewer's signature with what it is measured by."""

    signature: Signature
    seat: CaseSeat
    submitted_at: datetime

    @property
    def hours(self) -> float:
        begun = max(self.seat.assigned_at, self.submitted_at)
        return workdays.working_time(begun, self.signature.signed_at) / timedelta(hours=1)

    @property
    def opened(self) -> bool:
        return self.seat.opened_at is not None and self.seat.opened_at <= self.signature.signed_at

    @property
    def stands(self) -> bool:
        return self.signature.voided_at is None

    @property
    def rejects(self) -> bool:
        return self.signature.decision == "reject"


def insights(session: Session, actor: Actor) -> Insights:
    """The figures of ``actor``, and quartiles over all reviewers of the cases that they see."""
    policy.require(actor, "catalog.browse")
    made = _signatures(session, actor)
    failing, seats = _failing(session, {one.signature.case_id for one in made}), _open_seats(session, actor)
    people = {one.signature.person_id for one in made} | set(seats)
    figures = {one: _figures(one, made, failing, seats.get(one, 0)) for one in people | {actor.id}}
    others = [figures[one] for one in people]
    names = ("working_hours", "opened_share", "open_seats", "agreement", "with_checks")
    found = {name: _quartiles(getattr(one, name) for one in others) for name in names}
    return Insights(figures[actor.id], {name: one for name, one in found.items() if one}, len(people))


def _signatures(session: Session, actor: Actor) -> list[_Made]:
    wanted = (
        select(Signature, CaseSeat, ReviewCase.opened_at)
        .join(CaseSeat, col(CaseSeat.id) == Signature.seat_id)
        .join(ReviewCase, col(ReviewCase.id) == Signature.case_id)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(shown_to(actor))
        .order_by(col(Signature.id).desc())
        .limit(NEWEST)
    )
    rows = session.exec(wanted).all()
    submitted = _submissions(session, {one.case_id for one, _, _ in rows})
    return [
        _Made(one, seat, max((at for at in submitted[one.case_id] if at <= one.signed_at), default=opened_at))
        for one, seat, opened_at in rows
    ]


def _submissions(session: Session, case_ids: Iterable[int]) -> dict[int, list[datetime]]:
    """Case → when it was submitted, each time."""
    found: dict[int, list[datetime]] = defaultdict(list)
    wanted = select(Signature.case_id, Signature.signed_at).where(
        Signature.decision == "submit", col(Signature.case_id).in_(list(case_ids))
    )
    for case_id, at in session.exec(wanted):
        found[case_id].append(at)
    return found


def _failing(session: Session, case_ids: Iterable[int]) -> set[int]:
    """Those of the cases in which a check fails now; a signature that stands was made on just these findings."""
    wanted = select(CaseFinding.case_id).where(
        col(CaseFinding.case_id).in_(list(case_ids)), col(CaseFinding.current), CaseFinding.verdict == "fail"
    )
    return set(session.exec(wanted.distinct()))


def _open_seats(session: Session, actor: Actor) -> dict[str, int]:
    """Person → in how many open cases they have a seat."""
    held = (
        select(CaseSeat.person_id, func.count())
        .join(ReviewCase, col(ReviewCase.id) == CaseSeat.case_id)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(shown_to(actor), col(CaseSeat.released_at).is_(None), col(ReviewCase.state).in_(states.OPEN))
        .group_by(col(CaseSeat.person_id))
    )
    return dict(session.exec(held).all())


def _figures(person_id: str, made: list[_Made], failing: set[int], open_seats: int) -> Figures:
    own = [one for one in made if one.signature.person_id == person_id]
    standing = {one.signature.case_id: one.rejects for one in own if one.stands}
    others = [
        one.rejects == standing[one.signature.case_id] for one in made
        if one.stands and one.signature.case_id in standing and one.signature.person_id != person_id
    ]  # fmt: skip
    return Figures(
        len(own), open_seats, median(one.hours for one in own) if own else None, _share([one.opened for one in own]),
        _share(others), _share([rejects == (case in failing) for case, rejects in standing.items()]),
    )  # fmt: skip


def _share(facts: list[bool]) -> float | None:
    return sum(facts) / len(facts) if facts else None


def _quartiles(values: Iterable[float | None]) -> Quartiles | None:
    known = [one for one in values if one is not None]
    if len(known) < FEWEST:
        return None
    low, middle, high = quantiles(known, n=4, method="inclusive")
    return low, middle, high
