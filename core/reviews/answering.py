"""Answering the items of a case: revisions that are added and never changed, agreement of reviewers, and discussion."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.evidence import files
from core.evidence.tables import EvidenceFile
from core.people.notices import tell
from core.projects.actions import scope_of, text
from core.projects.tables import Project
from core.reviews import assigning, judging, moving, states, values
from core.reviews.items import FrozenItem, applicable
from core.reviews.moving import locked_case, subject_of, title_of
from core.reviews.standing import last_answers
from core.reviews.tables import CaseAnswer, CaseComment, ReviewCase

NOTE_LENGTH = 4000
COMMENT_LENGTH = 4000


def answer(
    session: Session,
    *,
    actor: Actor,
    case_id: int,
    item_id: str,
    revision: int,
    value: Any = None,
    note: str = "",
    not_applicable: bool = False,
) -> CaseAnswer:
    """Answer an item, or say why it does not apply, while the owner has the ball.

    ``revision`` is that of the answer which the person saw, 0 where there was none. What is answered is judged by the
    checks at once, and settles what was asked to be changed about the item.
    """
    case = editable_case(session, actor, case_id)
    _require_person(actor)
    item = item_of(case, item_id)
    last = last_answers(session, case_id).get(item_id)
    _require_revision(item, last, revision)
    made = CaseAnswer(
        case_id=case_id, item_id=item_id, revision=revision + 1, value=_value(session, case, item, value, not_applicable),
        note=_note(item, note, not_applicable), not_applicable=not_applicable, answered_by=actor.ref,
    )  # fmt: skip
    if last is not None and not last.carried and _said(last) == _said(made):
        raise Invalid(f"{item_id} is answered like this already.", hint="Change the answer first.")
    _keep(session, actor, case, [made])
    return made


def upload(session: Session, *, actor: Actor, case_id: int, name: str, data: bytes) -> EvidenceFile:
    """Add a file as evidence to a case; edges give the bytes to :func:`core.evidence.files.put` before the transaction.

    Items of the type ``file`` are answered with its id; checks find it at once.
    """
    case = editable_case(session, actor, case_id)
    made = files.upload(session, actor=actor, subject=subject_of(case), name=name, data=data)
    moving.touch(session, case)
    judging.judge(session, case)
    return made


def attest(session: Session, *, actor: Actor, case_id: int, item_ids: Collection[str] = ()) -> int:
    """Say that answers carried over from the version before still hold: these, or all; returns how many."""
    case = editable_case(session, actor, case_id)
    _require_person(actor)
    carried = {item: one for item, one in last_answers(session, case_id).items() if one.carried}
    if unknown := set(item_ids) - set(carried):
        raise Invalid(f"{sorted(unknown)[0][:40]} has no carried answer.", hint="Only those are attested.")
    chosen = [one for item, one in carried.items() if not item_ids or item in item_ids]
    if not chosen:
        raise Invalid("No answer waits to be attested.")
    _keep(session, actor, case, [_attested(one, actor) for one in chosen])
    return len(chosen)


def agree(session: Session, *, actor: Actor, case_id: int, item_id: str, revision: int) -> None:
    """Agree, as a reviewer of the case, that an item does not apply, for the reason in this revision of its answer."""
    case = locked_case(session, actor, case_id)
    assigning.require_seat(session, actor, case)
    if case.state != "in review":
        raise Conflict(f"The case is {case.state}.", hint="Reviewers agree while it is in review.")
    item = item_of(case, item_id)
    last = last_answers(session, case_id).get(item_id)
    _require_revision(item, last, revision)
    if last is None or not last.not_applicable:
        raise Conflict(f"Nobody says that {item_id} does not apply.")
    if last.agreed_by is not None:
        raise Conflict(f"Somebody agreed already that {item_id} does not apply.")
    last.agreed_by = actor.ref
    session.add(last)
    moving.touch(session, case)
    record(session, actor, events.CaseAgreed(subject_of(case), item_id, revision))


def comment(session: Session, *, actor: Actor, case_id: int, item_id: str = "", text: str) -> CaseComment:
    """Say something about an item, or about the case; its owner, reviewers and those who spoke there are told."""
    case = locked_case(session, actor, case_id)
    _require_person(actor)
    if case.state in states.ENDED:
        raise Conflict(f"The case is {case.state} and stays as it is.")
    if item_id:
        item_of(case, item_id)
    made = say(session, actor, case, item_id, text)
    record(session, actor, events.CaseCommented(subject_of(case), made.id or 0, item_id))
    spoke = session.exec(
        select(CaseComment.author).where(CaseComment.case_id == case_id, CaseComment.item_id == item_id)
    )
    seated = (one.person_id for one in assigning.seats(session, case))
    told = f"{actor.name} commented on {item_id or 'all'} of {title_of(case)}."
    tell(session, {case.owner, *seated, *spoke}, subject=subject_of(case), text=told, except_for=actor)
    return made


# --- shared ----------------------------------------------------------------------------------------------------------


def editable_case(session: Session, actor: Actor, case_id: int) -> ReviewCase:
    """The case, locked, for somebody who answers for it, while it may be edited; reviewers of it may not."""
    case = locked_case(session, actor, case_id)
    policy.require(actor, "case.answer", scope_of(session.get_one(Project, case.project_id)))
    if case.state not in states.EDITABLE:
        raise Conflict(
            f"The case is {case.state}; its answers and evidence stay as they are.",
            hint="A reviewer asks for changes, or its owner withdraws it and opens another.",
        )
    if any(one.person_id == actor.id for one in assigning.seats(session, case)):
        raise NotAllowed("You review this case, so others answer for it.", hint="Give your seat up first.")
    return case


def item_of(case: ReviewCase, item_id: str) -> FrozenItem:
    """An item of the case that applies."""
    found = next((one for one in applicable(case.items) if one.id == item_id), None)
    if found is None:
        raise NotFound(f"No item {item_id[:40]!r} applies in this case.", hint="The case lists those that do.")
    return found


def say(
    session: Session, actor: Actor, case: ReviewCase, item_id: str, words: str, *, asks_change: bool = False
) -> CaseComment:
    """Keep what somebody says; permission and the event are the caller's."""
    cleaned = text("comment", words, COMMENT_LENGTH)
    if not cleaned:
        raise Invalid("Write something first.")
    made = CaseComment(case_id=case.id or 0, item_id=item_id, author=actor.ref, text=cleaned, asks_change=asks_change)
    session.add(made)
    session.flush()
    return made


def resolve(session: Session, case: ReviewCase, item_ids: Iterable[str]) -> None:
    """Settle what was asked to be changed about items that have a new answer, or new evidence, now."""
    waiting = select(CaseComment).where(
        CaseComment.case_id == case.id, col(CaseComment.asks_change), col(CaseComment.resolved_by_revision).is_(None),
        col(CaseComment.item_id).in_(list(item_ids)),
    )  # fmt: skip
    last = last_answers(session, case.id or 0)
    for one in session.exec(waiting):
        one.resolved_by_revision = last[one.item_id].revision if one.item_id in last else 0
        session.add(one)
    session.flush()


def _keep(session: Session, actor: Actor, case: ReviewCase, made: list[CaseAnswer]) -> None:
    session.add_all(made)
    moving.touch(session, case)
    resolve(session, case, [one.item_id for one in made])
    judging.judge(session, case)
    subject = subject_of(case)
    told = [events.CaseAnswered(subject, one.item_id, one.revision, one.not_applicable) for one in made]
    record(session, actor, *told)


def _attested(old: CaseAnswer, actor: Actor) -> CaseAnswer:
    return CaseAnswer(
        case_id=old.case_id, item_id=old.item_id, revision=old.revision + 1, value=old.value, note=old.note,
        not_applicable=old.not_applicable, answered_by=actor.ref,
    )  # fmt: skip


def _value(session: Session, case: ReviewCase, item: FrozenItem, value: Any, not_applicable: bool) -> Any:
    if not_applicable:
        if value is not None:
            raise Invalid(f"{item.id} either has an answer or does not apply.", hint="Leave the answer empty.")
        return None
    kept = values.cleaned(item, value)
    if item.type == "file":
        file = session.get(EvidenceFile, kept)
        if file is None or file.subject != subject_of(case):
            raise Invalid(f"This does not answer {item.id}.", hint="It takes a file that was uploaded to this case.")
    return kept


def _note(item: FrozenItem, note: str, not_applicable: bool) -> str:
    words = text("note", note, NOTE_LENGTH)
    if not_applicable and not words:
        raise Invalid(f"Say why {item.id} does not apply.", hint="A reviewer reads it.")
    return words


def _said(one: CaseAnswer) -> tuple[Any, ...]:
    # True == 1 in Python, and they are different answers
    return type(one.value), one.value, one.note, one.not_applicable


def _require_revision(item: FrozenItem, last: CaseAnswer | None, seen: int) -> None:
    present = last.revision if last else 0
    if present != seen:
        raise Conflict(
            f"{item.id} was answered meanwhile (revision {present}, this was made on {seen}).",
            hint="Look at what stands there now, and repeat the change on it.",
        )


def _require_person(actor: Actor) -> None:
    if actor.kind != "person":
        raise NotAllowed(f"{actor.name} answers and says nothing in a case.", hint="People do.")
