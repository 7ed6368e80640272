"""Seats of a case: filled by themselves from the pool or by a lead, given up with a reason, passed to who stands in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from core import db
from core.access import policy, queries
from core.access.policy import Actor
from core.access.tables import Person, RoleGrant
from core.activity import events
from core.activity.recording import record
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.evidence.tables import CiFact
from core.people.notices import tell
from core.projects.actions import active_person, line, scope_of, text
from core.projects.tables import Project
from core.reviews import moving, signatures, states
from core.reviews.moving import locked_case, subject_of, title_of
from core.reviews.pool import barred, candidates, is_eligible, stand_ins
from core.reviews.states import SIGNING_ROLES
from core.reviews.tables import CaseSeat, Delegation, ReviewCase, ReviewerProfile

__all__ = [
    "assign", "barred", "candidates", "delegate", "end_delegation", "note_opened", "refill", "release", "require_seat",
    "seat", "seats", "set_profile", "unsettled", "waited_for",
]  # fmt: skip

SEATED = ("submitted", "in review")
"""States in which empty seats are filled by themselves."""
REASON_LENGTH = 2000
LONGEST_DELEGATION = timedelta(days=90)
MOST_SKILLS = 30
SKILL_LENGTH = 63
MOST_CASES = 50
_DELEGATION_LOCK = 720_320


# --- seats -----------------------------------------------------------------------------------------------------------


def seats(session: Session, case: ReviewCase) -> list[CaseSeat]:
    """The seats that are filled now, in the order in which they were."""
    held = select(CaseSeat).where(CaseSeat.case_id == case.id, col(CaseSeat.released_at).is_(None))
    return list(session.exec(held.order_by(col(CaseSeat.id))))


def waited_for(session: Session, case: ReviewCase) -> list[str]:
    """Ids of those who sit in the case and have not signed it."""
    signed = _signers(session, case)
    return [one.person_id for one in seats(session, case) if one.person_id not in signed]


def unsettled(session: Session, on: date) -> Sequence[int]:
    """Ids of the cases whose seats want a look: not all are filled, or somebody left, lost the role, is away from this day
    on, or may be among those whom CI named since."""
    held = (CaseSeat.case_id == ReviewCase.id, col(CaseSeat.released_at).is_(None))
    looked_at = or_(*(select(CaseSeat.id).where(*held, one).exists() for one in _unsettling(on)))
    wanted = select(ReviewCase.id).where(
        col(ReviewCase.state).in_(SEATED), or_(ReviewCase.state == "submitted", looked_at)
    )
    return [one for one in session.exec(wanted.order_by(col(ReviewCase.id))) if one is not None]


def _unsettling(on: date) -> list[ColumnElement[bool]]:
    """Conditions on a seat, any of which may end it."""
    there = select(Person.id).where(Person.id == CaseSeat.person_id, col(Person.active))
    holds = select(RoleGrant.id).where(
        RoleGrant.person_id == CaseSeat.person_id, RoleGrant.role == CaseSeat.role, RoleGrant.state == "active"
    )
    away = select(Delegation.id).where(
        Delegation.from_id == CaseSeat.person_id, Delegation.role == CaseSeat.role, Delegation.starts_on <= on,
        Delegation.ends_on >= on, col(Delegation.ended_at).is_(None),
    )  # fmt: skip
    told = select(CiFact.id).where(
        ReviewCase.kind == "model", CiFact.model == ReviewCase.name, CiFact.version == ReviewCase.version,
        CiFact.told_at >= CaseSeat.assigned_at,
    )  # fmt: skip
    return [~there.exists(), ~holds.exists(), away.exists(), told.correlate(CaseSeat, ReviewCase).exists()]


def require_seat(session: Session, actor: Actor, case: ReviewCase) -> CaseSeat:
    """The seat from which ``actor`` may decide now: theirs, in a role they have here, with no hand in what is reviewed."""
    held = next((one for one in seats(session, case) if one.person_id == actor.id), None)
    if held is None or actor.kind != "person":
        raise NotAllowed(
            "You have no seat in this case.", code="no_seat", hint="Whoever assigns reviewers can give you one."
        )
    policy.require(actor, SIGNING_ROLES[held.role], scope_of(session.get_one(Project, case.project_id)))
    if actor.id in barred(session, case):
        raise NotAllowed(
            "You took part in making what is reviewed here, so you cannot decide on it.", code="barred",
            hint="Give the seat up; somebody else takes it.",
        )  # fmt: skip
    return held


def note_opened(session: Session, *, actor: Actor, case_id: int) -> None:
    """Note when a reviewer first looked at the evidence of the case; nothing where ``actor`` has no seat in it."""
    case = locked_case(session, actor, case_id)
    held = next((one for one in seats(session, case) if one.person_id == actor.id), None)
    if held is not None and held.opened_at is None:
        held.opened_at = now()
        session.add(held)
        session.flush()


def assign(session: Session, *, actor: Actor, case_id: int) -> None:
    """Fill the empty seats of a submitted case from the pool; the review begins once all are filled.

    Where the pool does not go that far, those who can seat somebody by hand are told.
    """
    case = locked_case(session, actor, case_id)
    if actor.kind != "system":
        _require_lead(session, actor, case)
    if case.state not in SEATED:
        raise Conflict(f"The case is {case.state}.", hint="Reviewers are assigned once it is submitted.")
    refill(session, case)
    if left := _places(session, case):
        able = queries.who_may(session, "case.assign", scope_of(session.get_one(Project, case.project_id)))
        told = f"Nobody was found to review {title_of(case)} as {', '.join(sorted(left))}."
        tell(session, able, subject=subject_of(case), text=told, except_for=actor)


def refill(session: Session, case: ReviewCase) -> None:
    """Bring the seats of a locked case up to date, as the portal itself: what is signed stays as it is.

    Whoever may not sit there any more gives the seat up, whoever is away is stood in for, and empty seats are filled
    as far as the pool goes. Nothing happens in states in which nobody decides.
    """
    if case.state not in SEATED:
        return
    _clear(session, case)
    while (role := _scarcest(session, case)) is not None:
        found = next(candidates(session, case, role), None)
        if found is None:
            break
        _give(session, signatures.REVIEWERS, case, role, found.person_id, found.stand_in_for)
    _begin_if_full(session, case)


def seat(session: Session, *, actor: Actor, case_id: int, role: str, person_id: str) -> CaseSeat:
    """Give an empty seat to somebody by hand: a lead does, who had no hand in what is reviewed."""
    case = locked_case(session, actor, case_id)
    _require_lead(session, actor, case)
    if case.state not in (*SEATED, "changes requested"):
        raise Conflict(f"The case is {case.state}.", hint="Reviewers are seated once it is submitted.")
    if not _places(session, case).get(role):
        left = ", ".join(_places(session, case)) or "none"
        raise Conflict(f"No seat for a {role[:40]} is empty.", hint=f"Empty are: {left}.")
    person = active_person(session, person_id)
    if any(one.person_id == person.id for one in seats(session, case)):
        raise Conflict(f"{person.name} sits in this case already.", hint="One person takes one seat.")
    if not is_eligible(session, case, role, person.id):
        raise NotAllowed(
            f"{person.name} cannot review this as {role}.",
            hint="It takes the role here, sight of the project, and no hand in what is reviewed.",
        )
    made = _give(session, actor, case, role, person.id)
    _begin_if_full(session, case)
    return made


def release(session: Session, *, actor: Actor, case_id: int, person_id: str, reason: str) -> None:
    """Give a seat up, one's own or, as a lead, that of another; somebody else of the pool gets it."""
    case = locked_case(session, actor, case_id)
    if actor.id != person_id or actor.kind != "person":
        _require_lead(session, actor, case)
    if case.state not in states.OPEN:
        raise Conflict(f"The case is {case.state}.", hint="Its seats stay as they were.")
    held = next((one for one in seats(session, case) if one.person_id == person_id), None)
    if held is None:
        raise NotFound("This person has no seat in this case.")
    if person_id in _signers(session, case):
        raise Conflict(
            "Who has signed keeps the seat.", hint="Somebody who wants to decide otherwise asks for changes."
        )
    words = text("reason", reason, REASON_LENGTH)
    if not words:
        raise Invalid("Say why the seat is given up.")
    _take(session, actor, case, held, words)
    refill(session, case)


# --- delegation ------------------------------------------------------------------------------------------------------


def delegate(session: Session, *, actor: Actor, to_id: str, role: str, starts_on: date, ends_on: date) -> Delegation:
    """Let somebody with the same role stand in for one, from one day to another, both included.

    It gives no rights: whoever stands in takes a seat only where they could take it anyway. It is not passed on.
    """
    _require_role(actor, role)
    stand_in = active_person(session, to_id)
    if stand_in.id == actor.id:
        raise Invalid("Nobody stands in for themselves.", hint="Choose somebody else with the role.")
    if stand_in.id not in _holders(session, role):
        raise Conflict(f"{stand_in.name} is not {role}.", hint="It takes somebody with the same role.")
    _require_days(starts_on, ends_on)
    db.take_turns(session, _DELEGATION_LOCK)  # or two who delegate at once make a chain of it
    _require_no_chain(session, {actor.id, stand_in.id}, role, starts_on, ends_on)
    made = Delegation(from_id=actor.id, to_id=stand_in.id, role=role, starts_on=starts_on, ends_on=ends_on)
    session.add(made)
    session.flush()
    told = events.DelegationMade(actor.ref, role, f"person:{stand_in.id}", starts_on.isoformat(), ends_on.isoformat())
    record(session, actor, told)
    news = f"You stand in for {actor.name} as {role} from {starts_on:%d %b %Y} to {ends_on:%d %b %Y}."
    tell(session, [stand_in.id], subject=actor.ref, text=news, except_for=actor)
    if starts_on <= now().date():
        _refill_all(session, actor.id)
    return made


def end_delegation(session: Session, *, actor: Actor, delegation_id: int) -> None:
    """Come back before the last day; seats that were passed on stay where they are."""
    found = session.get(Delegation, delegation_id, with_for_update=True, populate_existing=True)
    if found is None or found.from_id != actor.id:
        raise NotFound("No such delegation of yours.")
    if found.ended_at is not None or found.ends_on < now().date():
        raise Conflict("This delegation has ended already.")
    found.ended_at = now()
    session.add(found)
    session.flush()
    record(session, actor, events.DelegationEnded(actor.ref, found.role, f"person:{found.to_id}"))
    news = f"{actor.name} is back: you no longer stand in for them as {found.role}."
    tell(session, [found.to_id], subject=actor.ref, text=news, except_for=actor)


def set_profile(
    session: Session, *, actor: Actor, skills: Iterable[str], most_cases: int, paused: bool
) -> ReviewerProfile:
    """Say what one knows best, how many open cases one takes at most, and whether one takes any for now."""
    if actor.kind != "person" or not any(policy.may_anywhere(actor, one) for one in SIGNING_ROLES.values()):
        raise NotAllowed("Only reviewers have this profile.", hint=f"It takes one of: {', '.join(SIGNING_ROLES)}.")
    words = list(dict.fromkeys(line("skill", one, SKILL_LENGTH).lower() for one in skills))
    if len(words) > MOST_SKILLS or not 1 <= most_cases <= MOST_CASES:
        raise Invalid(f"At most {MOST_SKILLS} skills, and 1 to {MOST_CASES} cases at once.")
    profile = session.get(ReviewerProfile, actor.id) or ReviewerProfile(person_id=actor.id)
    profile.skills, profile.most_cases, profile.paused = words, most_cases, paused
    session.add(profile)
    session.flush()
    record(session, actor, events.ReviewerProfileChanged(actor.ref, words, most_cases, paused))
    return profile


def _require_role(actor: Actor, role: str) -> None:
    if role not in SIGNING_ROLES:
        raise Invalid(f"{role[:40]!r} signs nothing.", hint=f"Possible: {', '.join(SIGNING_ROLES)}.")
    if actor.kind != "person" or not policy.may_anywhere(actor, SIGNING_ROLES[role]):
        raise NotAllowed(f"You are not {role}.", hint="One delegates a role that one has.")


def _require_days(starts_on: date, ends_on: date) -> None:
    if not now().date() <= starts_on <= ends_on <= starts_on + LONGEST_DELEGATION:
        raise Invalid(
            "A delegation begins today or later and ends on that day or after it.",
            hint=f"It lasts {LONGEST_DELEGATION.days} days at most.",
        )


def _require_no_chain(session: Session, people: set[str], role: str, starts_on: date, ends_on: date) -> None:
    """Refuse what would overlap: two stand-ins for one person, or one for somebody who stands in for another."""
    overlaps: Any = (
        Delegation.role == role, col(Delegation.ended_at).is_(None), Delegation.starts_on <= ends_on,
        Delegation.ends_on >= starts_on,
    )  # fmt: skip
    giver_or_taker = or_(col(Delegation.from_id).in_(people), col(Delegation.to_id).in_(people))
    rows = session.exec(select(Delegation).where(*overlaps, giver_or_taker)).all()
    if rows:
        raise Conflict(
            "One of you delegates this role, or stands in for somebody in it, on some of these days.",
            hint="A delegation is not passed on. Choose other days or somebody else.",
        )


def _refill_all(session: Session, person_id: str) -> None:
    mine = select(CaseSeat.case_id).where(CaseSeat.person_id == person_id, col(CaseSeat.released_at).is_(None))
    for case_id in sorted(session.exec(mine)):
        refill(session, locked_case(session, signatures.REVIEWERS, case_id))


# --- shared ----------------------------------------------------------------------------------------------------------


def _clear(session: Session, case: ReviewCase) -> None:
    """Take the seats back of those who may not sit there any more, and pass on those of who is away; unless they signed."""
    signed = _signers(session, case)
    for one in seats(session, case):
        if one.person_id in signed:
            continue
        if not is_eligible(session, case, one.role, one.person_id):
            _take(session, signatures.REVIEWERS, case, one, "no longer eligible")
        elif one.stand_in_for is None:
            _pass_on(session, case, one)


def _pass_on(session: Session, case: ReviewCase, held: CaseSeat) -> None:
    to_id = stand_ins(session, held.role, now().date()).get(held.person_id)
    sits_there = {one.person_id for one in seats(session, case)}
    if to_id and to_id not in sits_there and is_eligible(session, case, held.role, to_id):
        _take(session, signatures.REVIEWERS, case, held, "away: somebody stands in")
        _give(session, signatures.REVIEWERS, case, held.role, to_id, held.person_id)


def _scarcest(session: Session, case: ReviewCase) -> str | None:
    """The role with the fewest people for its empty seats: who has two roles is left for the one that lacks people."""
    places = _places(session, case)
    enough = sum(places.values())
    free = {role: len(list(islice(candidates(session, case, role), enough))) for role in places}
    able = [role for role in places if free[role]]
    return min(able, key=lambda role: (free[role] - places[role], role), default=None)


def _places(session: Session, case: ReviewCase) -> dict[str, int]:
    return states.seats_left(case.quorum, [one.role for one in seats(session, case)])


def _signers(session: Session, case: ReviewCase) -> set[str]:
    return {one.person_id for one in signatures.standing(session, case, *signatures.FOR_APPROVAL)}


def _give(
    session: Session, actor: Actor, case: ReviewCase, role: str, person_id: str, stand_in_for: str | None = None
) -> CaseSeat:
    made = CaseSeat(
        case_id=case.id or 0, role=role, person_id=person_id, stand_in_for=stand_in_for, assigned_by=actor.ref
    )
    session.add(made)
    moving.touch(session, case)
    stands_for = f"person:{stand_in_for}" if stand_in_for else ""
    told = events.CaseAssigned(subject_of(case), made.id or 0, role, f"person:{person_id}", stands_for)
    record(session, actor, told)
    news = f"You are asked to review {title_of(case)} as {role}."
    tell(session, [person_id], subject=subject_of(case), text=news, except_for=actor)
    return made


def _take(session: Session, actor: Actor, case: ReviewCase, held: CaseSeat, reason: str) -> None:
    held.released_at = now()
    session.add(held)
    moving.touch(session, case)
    who = f"person:{held.person_id}"
    record(session, actor, events.CaseSeatReleased(subject_of(case), held.id or 0, held.role, who, reason))
    news = f"You no longer have a seat in {title_of(case)}: {reason}"
    tell(session, [held.person_id], subject=subject_of(case), text=news, except_for=actor)


def _begin_if_full(session: Session, case: ReviewCase) -> None:
    """Begin the review, at first or again after changes; then those who sat there already are told."""
    if case.state != "submitted" or _places(session, case):
        return
    again = case.begun_at is not None
    moving.move(session, signatures.REVIEWERS, case, "begin")
    if again:
        told = f"The {title_of(case)} was changed and submitted again; decide until {case.due_at:%d %b %Y}."
        tell(session, waited_for(session, case), subject=subject_of(case), text=told)


def _require_lead(session: Session, actor: Actor, case: ReviewCase) -> None:
    """Refuse unless ``actor`` may say who reviews here, and had no hand in what is reviewed."""
    policy.require(actor, "case.assign", scope_of(session.get_one(Project, case.project_id)))
    if actor.id in barred(session, case):
        raise NotAllowed("You had a hand in what is reviewed here, so others choose who reviews it.", code="barred")


def _holders(session: Session, role: str) -> set[str]:
    """Ids of the active people who hold a role in any scope."""
    held = select(RoleGrant.person_id).join(Person, col(Person.id) == RoleGrant.person_id)
    return set(session.exec(held.where(RoleGrant.role == role, RoleGrant.state == "active", col(Person.active))))
