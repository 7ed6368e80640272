"""Taking hold of a case and moving it: the one place in which its state changes, with its clock and its event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from core import workdays
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.db import now
from core.errors import NotFound
from core.projects.tables import Project
from core.projects.visibility import shown_to
from core.reviews import states
from core.reviews.tables import ReviewCase

LARGEST_ID = 2**31 - 1


def subject_of(case: ReviewCase) -> str:
    """How events, notices and evidence name a case."""
    return f"case:{case.id}"


def title_of(case: ReviewCase) -> str:
    """A case in the words of notices: its number and what it is about."""
    return f"case {case.id} ({' '.join(filter(None, (case.name, case.version)))})"


def locked_case(session: Session, actor: Actor, case_id: int) -> ReviewCase:
    """The case that ``actor`` may see, as it stands now, locked until the transaction ends.

    A case is seen with its project: what is not there and what is not shown are told apart by nobody.
    """
    wanted = (
        select(ReviewCase)
        .join(Project, col(Project.id) == ReviewCase.project_id)
        .where(ReviewCase.id == case_id, shown_to(actor))
        .with_for_update(of=ReviewCase)
        .execution_options(populate_existing=True)
    )
    found = session.exec(wanted).first() if 0 < case_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(f"No case {case_id}.", hint="The queue of reviews shows those that you may see.")
    return found


def move(
    session: Session, actor: Actor, case: ReviewCase, step: str, *, reason: str = "", items: Iterable[str] = ()
) -> None:
    """Take a step with a case that is locked; raises :class:`Conflict` where its state does not admit the step."""
    before, case.state = case.state, states.after(case.state, step)
    _set_clock(case, step, now())
    touch(session, case)
    record(session, actor, events.CaseMoved(subject_of(case), step, before, case.state, reason, list(items)))


def touch(session: Session, case: ReviewCase) -> None:
    """Count a change of a locked case, so that whoever looked at it before notices."""
    case.revision += 1
    session.add(case)
    session.flush()


def _set_clock(case: ReviewCase, step: str, at: datetime) -> None:
    """Start the reviewers' clock, stop it while the owner has the ball, and end it with the case (invariant 26)."""
    if step == "begin":
        case.begun_at = case.begun_at or at
        case.due_at = case.due_at or workdays.due(at, case.days)
    elif step == "request changes":
        case.paused_at = at
    elif step == "submit" and case.paused_at is not None and case.due_at is not None:
        case.due_at, case.paused_at = workdays.resumed(case.due_at, case.paused_at, at), None
        case.reminded_at = None
    elif case.state in states.ENDED:
        case.due_at = case.paused_at = None
