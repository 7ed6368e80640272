"""The verbs of waivers: ask that a blocking item is let pass until a date, decide on it, end it; and break-glass by two.

``waiving`` holds the rules. What is let pass stands in the record, so it voids what was signed before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from core.access import policy, queries
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.people.notices import tell
from core.projects.actions import scope_of, text
from core.projects.tables import Project
from core.reviews import ending, pins, pool, signatures, states, waiving
from core.reviews.items import applicable
from core.reviews.moving import locked_case, subject_of
from core.reviews.pins import Refused
from core.reviews.record import stamp
from core.reviews.standing import standings
from core.reviews.tables import ReviewCase, Waiver
from core.reviews.waiving import BREAK_GLASS, WAIVER

LENGTH = 2000


@dataclass(frozen=True)
class Wish:
    """Why something is let pass, which control stands in for it meanwhile, where, and until when."""

    reason: str
    control: str
    expires_at: datetime
    environments: tuple[str, ...] = ()
    """Empty for every environment of the case."""


def request(session: Session, *, actor: Actor, case_id: int, item_id: str, wish: Wish) -> Waiver:
    """Ask to let a blocking item of a case pass that is not decided yet: those who answer for it do."""
    case = _open_case(session, actor, case_id)
    policy.require(actor, "case.answer", _scope(session, case))
    if item_id not in {one.id for one in applicable(case.items) if one.blocking}:
        raise Invalid(f"{item_id[:40]!r} is no blocking item of this case.", hint="Only those need a waiver.")
    if any(one.item_id == item_id and waiving.is_open(one) for one in _of(session, case)):
        raise Conflict("A waiver of this item waits for a decision already.")
    made = _made(session, actor, case, item_id, WAIVER, wish)
    told = f"{actor.name} asks to let {item_id} pass in case {case.id} ({case.name} {case.version})."
    _tell_able(session, actor, case, told)
    return made


def approve(session: Session, *, actor: Actor, waiver_id: int, pin: str) -> Waiver | Refused:
    """Let the item pass: somebody who accepts risk here, and neither asked for it nor made what is reviewed.

    Accepting a risk takes one's signing PIN, as a signature does; a wrong one is returned, as in :mod:`core.reviews.pins`.
    """
    waiver, case = _to_decide(session, actor, waiver_id, WAIVER)
    _require_other(session, actor, case, waiver)
    waiving.require_time(waiver.kind, waiver.expires_at, now())
    if refused := pins.check(session, actor=actor, pin=pin):
        return refused
    waiver.approved_by, waiver.approved_at = actor.ref, now()
    _take_effect(session, actor, case, waiver)
    return waiver


def refuse(session: Session, *, actor: Actor, waiver_id: int, reason: str) -> None:
    """Turn down a waiver, or a break-glass that waits for its second person."""
    waiver, case = _to_decide(session, actor, waiver_id, "")
    words = _required("reason", reason)
    waiver.refused_by, waiver.refused_at = actor.ref, now()
    _ended(session, actor, case, waiver, f"refused: {words}")


def end(session: Session, *, actor: Actor, waiver_id: int, reason: str) -> None:
    """End a waiver before its time; an approval that rests on it is suspended."""
    waiver, case = locked(session, actor, waiver_id)
    if actor.ref != waiver.requested_by:
        policy.require(actor, "risk.accept", _scope(session, case))
    if waiver.refused_at or waiver.ended_at:
        raise Conflict("This waiver has ended already.")
    end_locked(session, actor, case, waiver, _required("reason", reason))


def end_locked(session: Session, actor: Actor, case: ReviewCase, waiver: Waiver, reason: str) -> None:
    """End a waiver of a case that is locked already, with what follows for the case."""
    waiver.ended_at = now()
    _ended(session, actor, case, waiver, reason)
    signatures.void_stale(session, case)
    if case.state in states.APPROVED and (against := states.against_approval(standings(session, case), tier=case.tier)):
        what = ", ".join(against)
        ending.suspend_locked(session, policy.system("reviews"), case, f"the waiver on which {what} rests has ended")


# --- break-glass -----------------------------------------------------------------------------------------------------


def break_glass(session: Session, *, actor: Actor, case_id: int, wish: Wish, pin: str) -> Waiver | Refused:
    """In an emergency, ask to let every open item pass for at most 72 hours; it counts once a second person agrees.

    Each of the two gives their signing PIN; a wrong one is returned.
    """
    case = _open_case(session, actor, case_id)
    policy.require(actor, "risk.accept", _scope(session, case))
    _require_not_barred(session, actor, case)
    if any(one.kind == BREAK_GLASS and waiving.is_open(one) for one in _of(session, case)):
        raise Conflict("A break-glass of this case waits for its second person already.")
    if refused := pins.check(session, actor=actor, pin=pin):
        return refused
    made = _made(session, actor, case, "", BREAK_GLASS, wish)
    made.approved_by, made.approved_at = actor.ref, now()
    session.add(made)
    session.flush()
    record(session, actor, events.WaiverApproved(subject_of(case), made.id or 0, "", made.kind))
    _tell_able(
        session, actor, case, f"{actor.name} breaks the glass of case {case.id} ({case.name}): a second person decides."
    )
    return made


def second(session: Session, *, actor: Actor, waiver_id: int, pin: str) -> Waiver | Refused:
    """Agree to a break-glass as the second person who accepts risk here; a wrong PIN is returned."""
    waiver, case = _to_decide(session, actor, waiver_id, BREAK_GLASS)
    _require_other(session, actor, case, waiver)
    waiving.require_time(waiver.kind, waiver.expires_at, now())
    if refused := pins.check(session, actor=actor, pin=pin):
        return refused
    waiver.second_by = actor.ref
    _take_effect(session, actor, case, waiver)
    able = queries.who_may(session, "sign.ethics", _scope(session, case))
    told = f"Case {case.id} ({case.name}): break-glass until {waiver.expires_at:%d %b %Y, %H:%M UTC}. Look at it afterwards."
    tell(session, able, subject=subject_of(case), text=told, except_for=actor)
    return waiver


def review(session: Session, *, actor: Actor, waiver_id: int, note: str) -> None:
    """Look at a break-glass after it was used: an ethics reviewer does, and neither of its two people."""
    waiver, case = locked(session, actor, waiver_id)
    policy.require(actor, "sign.ethics", _scope(session, case))
    if waiver.kind != BREAK_GLASS or waiver.second_by is None:
        raise Conflict("Only a break-glass that two people agreed to is reviewed.")
    if actor.ref in (waiver.approved_by, waiver.second_by):
        raise NotAllowed("You broke this glass; somebody else reviews it.")
    if waiver.reviewed_at is not None:
        raise Conflict("This break-glass was reviewed already.")
    waiver.review_note = _required("note", note)
    waiver.reviewed_by, waiver.reviewed_at = actor.ref, now()
    session.add(waiver)
    session.flush()
    record(session, actor, events.BreakGlassReviewed(subject_of(case), waiver.id or 0, waiver.review_note))


# --- shared ----------------------------------------------------------------------------------------------------------


def locked(session: Session, actor: Actor, waiver_id: int) -> tuple[Waiver, ReviewCase]:
    """A waiver with its case, both for this transaction alone, as ``actor`` may see them."""
    found = session.get(Waiver, waiver_id)
    if found is None:
        raise NotFound(f"No waiver {waiver_id}.", hint="The board of waivers shows those that you may see.")
    case = locked_case(session, actor, found.case_id)
    session.refresh(found)
    return found, case


def _open_case(session: Session, actor: Actor, case_id: int) -> ReviewCase:
    case = locked_case(session, actor, case_id)
    if case.state not in states.OPEN:
        raise Conflict(f"The case is {case.state}.", hint="Items are let pass before it is decided, not afterwards.")
    return case


def _made(session: Session, actor: Actor, case: ReviewCase, item_id: str, kind: str, wish: Wish) -> Waiver:
    waiving.require_time(kind, wish.expires_at, now())
    made = Waiver(
        case_id=case.id or 0, item_id=item_id, kind=kind, reason=_required("reason", wish.reason),
        control=_required("compensating control", wish.control), environments=_environments(case, wish.environments),
        requested_by=actor.ref, requested_at=now(), expires_at=wish.expires_at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    told = events.WaiverRequested(subject_of(case), made.id or 0, item_id, kind, stamp(made.expires_at))
    record(session, actor, told)
    return made


def _to_decide(session: Session, actor: Actor, waiver_id: int, kind: str) -> tuple[Waiver, ReviewCase]:
    """A waiver that waits for a decision on a case that does too; of this ``kind``, where one is named."""
    waiver, case = locked(session, actor, waiver_id)
    policy.require(actor, "risk.accept", _scope(session, case))
    if not waiving.is_open(waiver) or (kind and waiver.kind != kind):
        raise Conflict("This waiver does not wait for that decision.", hint="Look at what stands there now.")
    if case.state not in states.OPEN:
        raise Conflict(f"The case is {case.state}.", hint="Items are let pass before it is decided, not afterwards.")
    return waiver, case


def _require_other(session: Session, actor: Actor, case: ReviewCase, waiver: Waiver) -> None:
    if actor.ref == waiver.requested_by:
        raise NotAllowed("Nobody lets pass what they asked for themselves.", hint="A second person who may decides.")
    _require_not_barred(session, actor, case)


def _require_not_barred(session: Session, actor: Actor, case: ReviewCase) -> None:
    if actor.id in pool.barred(session, case):
        raise NotAllowed(
            "You took part in making what is reviewed here, so you do not accept its risk.", code="barred",
            hint="Somebody else who may does.",
        )  # fmt: skip


def _take_effect(session: Session, actor: Actor, case: ReviewCase, waiver: Waiver) -> None:
    session.add(waiver)
    session.flush()
    seconded = waiver.kind == BREAK_GLASS
    told = events.WaiverApproved(subject_of(case), waiver.id or 0, waiver.item_id, waiver.kind, seconded=seconded)
    record(session, actor, told)
    signatures.void_stale(session, case)
    what = f"{actor.name} lets {waiver.item_id or 'every open item'} pass in case {case.id} ({case.name})."
    tell(session, {waiver.requested_by, case.owner}, subject=subject_of(case), text=what, except_for=actor)


def _ended(session: Session, actor: Actor, case: ReviewCase, waiver: Waiver, reason: str) -> None:
    session.add(waiver)
    session.flush()
    record(session, actor, events.WaiverEnded(subject_of(case), waiver.id or 0, waiver.item_id, reason))
    told = f"The {waiver.kind} of {waiver.item_id or 'every item'} in case {case.id} ({case.name}) has ended: {reason}"
    tell(session, {waiver.requested_by, case.owner}, subject=subject_of(case), text=told, except_for=actor)


def _of(session: Session, case: ReviewCase) -> list[Waiver]:
    return list(session.exec(select(Waiver).where(Waiver.case_id == case.id).order_by(col(Waiver.id))))


def _environments(case: ReviewCase, wanted: Iterable[str]) -> list[str]:
    given = sorted(set(wanted)) or list(case.environments)
    if not all(one in case.environments for one in given):
        raise Invalid("A waiver names environments of its case.", hint=f"Possible: {', '.join(case.environments)}.")
    return given


def _required(field: str, words: str) -> str:
    words = text(field, words, LENGTH)
    if not words:
        raise Invalid(f"The {field} is missing.")
    return words


def _tell_able(session: Session, actor: Actor, case: ReviewCase, told: str) -> None:
    able = queries.who_may(session, "risk.accept", _scope(session, case))
    tell(session, able, subject=subject_of(case), text=told, except_for=actor)


def _scope(session: Session, case: ReviewCase) -> policy.Scope:
    return scope_of(session.get_one(Project, case.project_id))
