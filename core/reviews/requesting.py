"""What gives the ball back to the owner, or takes the case off the table: change requests and withdrawal."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session

from core.access import policy
from core.access.policy import Actor
from core.access.tables import Person
from core.errors import Invalid, NotAllowed
from core.people.notices import tell
from core.projects.actions import scope_of, text
from core.projects.tables import Project
from core.reviews import assigning, moving, signatures, states
from core.reviews.answering import item_of, say
from core.reviews.moving import locked_case, subject_of, title_of
from core.reviews.tables import ReviewCase

REASON_LENGTH = 2000


def request_changes(session: Session, *, actor: Actor, case_id: int, items: Mapping[str, str]) -> None:
    """Send a case in review back to its owner; ``items`` says of each item that is named what is to be changed.

    The reviewers' clock stands until it is submitted again, which takes a new answer or new evidence for each of them.
    Signatures that were collected no longer count: what comes back is another record.
    """
    case = locked_case(session, actor, case_id)
    assigning.require_seat(session, actor, case)
    states.after(case.state, "request changes")
    if not items:
        raise Invalid("Name at least one item.", hint="Say of each what is to be changed.")
    for item_id, words in items.items():
        say(session, actor, case, item_of(case, item_id).id, words, asks_change=True)
    signatures.void_all(session, actor, case, "changes were asked for")
    moving.move(session, actor, case, "request changes", items=items)
    told = f"{actor.name} asks for changes to {', '.join(items)} of {title_of(case)}."
    seated = (one.person_id for one in assigning.seats(session, case))
    tell(session, {case.owner, *seated}, subject=subject_of(case), text=told, except_for=actor)


def withdraw(session: Session, *, actor: Actor, case_id: int, reason: str) -> None:
    """Take a case back before it is decided: its owner does, or somebody who submits cases here once the owner has left."""
    case = locked_case(session, actor, case_id)
    _require_owner(session, actor, case)
    words = text("reason", reason, REASON_LENGTH)
    if not words:
        raise Invalid("Say why.")
    states.after(case.state, "withdraw")
    case.reason = words
    moving.move(session, actor, case, "withdraw", reason=words)
    told = f"{actor.name} withdrew {title_of(case)}: {words}"
    seated = (one.person_id for one in assigning.seats(session, case))
    tell(session, {case.owner, *seated}, subject=subject_of(case), text=told, except_for=actor)


def _require_owner(session: Session, actor: Actor, case: ReviewCase) -> None:
    if actor.ref == case.owner:
        return
    owner = session.get(Person, case.owner.removeprefix("person:"))
    if owner is not None and owner.active:
        raise NotAllowed("Only the owner of the case withdraws it.", hint=f"That is {owner.name}.")
    policy.require(actor, "case.submit", scope_of(session.get_one(Project, case.project_id)))
