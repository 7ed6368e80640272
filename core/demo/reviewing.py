"""Review cases of the demo: its people open, answer and sign them on the versions that were trained, as anybody does.

Evidence is copied from MLflow and judged by the checks; who reviews is drawn from the pool. Each step is a transaction
of its own that looks at what stands, so a build that was cut short is finished by the next one, and what visitors did
with a case meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from core import db
from core.access import queries as access
from core.access.policy import Actor
from core.access.tables import Person
from core.catalog.tables import Entry
from core.db import now
from core.demo.cases import CHECKLIST, PIN, STORIES, Story
from core.demo.organisation import PROJECTS
from core.demo.stories import Cast
from core.errors import PortalError
from core.evidence import keeping
from core.reviews import answering, assigning, opening, pins, requesting, signatures, signing
from core.reviews.items import applicable
from core.reviews.pins import Refused
from core.reviews.standing import last_answers, standings
from core.reviews.tables import CaseComment, CaseSeat, ChecklistVersion, ReviewCase
from core.tracking.client import Client

_WITHOUT_COMMIT = "The portal of this demo runs from a folder without git, so no commit can be named."
_DUE_DAYS = 45


def build(client: Client, progress: Callable[[str], None]) -> None:
    """Let the cases go their way; one that cannot go on is told and left."""
    for story in STORIES:
        try:
            _tell(client, story)
        except PortalError as problem:
            progress(f"The case about {story.project} stays as it is: {problem.message}")


def give_pins() -> None:
    """Give everybody of the demo who has no signing PIN the one of the demo."""
    with db.reading() as session:
        people = session.exec(select(Person.id).where(col(Person.demo), col(Person.active))).all()
    for person_id in people:
        with db.writing() as session:
            actor = access.actor_for(session, person_id)
            if actor is not None and not pins.has_pin(session, actor):
                pins.set_pin(session, actor=actor, pin=PIN)


def _tell(client: Client, story: Story) -> None:
    model = client.model(next(one.model for one in PROJECTS if one.id == story.project))
    if model is None or story.alias not in model.aliases:  # somebody moved the alias, or deleted the model
        return
    case = _case(story, model.name, model.aliases[story.alias])
    if case.state == "draft":
        _prepare(case, story)
        _sign(case.id or 0, _actor(story.owner), "submit", "authorship")
    _end(case.id or 0, story)


# --- until it is submitted -------------------------------------------------------------------------------------------


def _case(story: Story, model: str, version: str) -> ReviewCase:
    """The case of the story; opened where there is none yet."""
    with db.writing() as session:
        found = session.exec(
            select(ReviewCase)
            .join(ChecklistVersion, col(ChecklistVersion.id) == ReviewCase.checklist_id)
            .join(Entry, col(Entry.id) == ChecklistVersion.entry_id)
            .where(Entry.key == CHECKLIST, ReviewCase.project_id == story.project, ReviewCase.kind == "model")
            .order_by(col(ReviewCase.id))
        ).first()
        return found or opening.open_case(
            session, actor=Cast(session).actor(story.owner), project_id=story.project, checklist=CHECKLIST,
            kind="model", name=model, version=version,
        )  # fmt: skip


def _prepare(case: ReviewCase, story: Story) -> None:
    """Attach evidence, answer what is asked, and say why the rest does not apply."""
    owner, case_id = _actor(story.owner), case.id or 0
    if case.snapshot_id is None:
        snapshot = keeping.fresh(case.name, case.version, actor=owner)
        with db.writing() as session:
            opening.attach(session, actor=owner, case_id=case_id, snapshot_id=snapshot.id or 0)
    with db.writing() as session:
        answered = last_answers(session, case_id)
        for item in applicable(case.items):
            said = _said(story, item.id)
            if item.id not in answered and said:
                answering.answer(session, actor=owner, case_id=case_id, item_id=item.id, revision=0, **said)
    with db.writing() as session:
        if "MOD-20" in _missing(session, case_id):
            answering.answer(
                session, actor=owner, case_id=case_id, item_id="MOD-20", revision=0, note=_WITHOUT_COMMIT,
                not_applicable=True,
            )  # fmt: skip


def _said(story: Story, item_id: str) -> dict[str, Any]:
    """What the story answers to an item, as :func:`answering.answer` takes it; empty where it says nothing."""
    if item_id in story.not_applicable:
        return {"note": story.not_applicable[item_id], "not_applicable": True}
    if item_id in story.days_ago:
        return {"value": (now().date() - timedelta(days=story.days_ago[item_id])).isoformat()}
    return {"value": story.answers[item_id]} if item_id in story.answers else {}


def _missing(session: Session, case_id: int) -> set[str]:
    """The items whose evidence is missing and that nobody has answered."""
    found = standings(session, session.get_one(ReviewCase, case_id))
    return {one.item for one in found if one.verdict == "missing" and not one.not_applicable}


# --- in review -------------------------------------------------------------------------------------------------------


def _end(case_id: int, story: Story) -> None:
    """What the reviewers do, unless the case is not theirs or was decided or talked about before."""
    with db.reading() as session:
        case = session.get_one(ReviewCase, case_id)
        seats = assigning.seats(session, case)
        is_touched = session.exec(select(CaseComment.id).where(CaseComment.case_id == case_id)).first() is not None
    if case.state != "in review" or is_touched or case.decided_at:
        return
    if story.ending == "conditions":
        _approve(case, seats, story)
        return
    with db.writing() as session:
        if story.ending == "changes":
            validator = _seated(session, seats, "model validator")
            requesting.request_changes(session, actor=validator, case_id=case_id, items={story.item: story.words})
        else:
            reviewer = _seated(session, seats, "reviewer")
            answering.comment(session, actor=reviewer, case_id=case_id, item_id=story.item, text=story.words)


def _approve(case: ReviewCase, seats: list[CaseSeat], story: Story) -> None:
    with db.reading() as session:
        signed = {one.person_id for one in signatures.standing(session, case, *signatures.FOR_APPROVAL)}
        condition = {
            "text": story.words, "owner": Cast(session).id_of(story.owner), "check": story.item,
            "parameters": {"limit": 0.05}, "due_on": (now().date() + timedelta(days=_DUE_DAYS)).isoformat(),
            "environments": case.environments,
        }  # fmt: skip
    for seat in seats:
        if seat.person_id in signed:
            continue
        with db.reading() as session:
            actor = _seated(session, [seat], seat.role)
        if seat.role == "model validator":
            _sign(case.id or 0, actor, "approve with conditions", "review", conditions=[condition])
        else:
            _sign(case.id or 0, actor, "approve", "approval")


def _sign(case_id: int, actor: Actor, decision: str, meaning: str, **details: Any) -> None:
    with db.writing() as session:
        form = signing.prepare(
            session, actor=actor, case_id=case_id, meaning=meaning, decision=decision, details=details
        )
    signed = signing.verify_and_sign(actor, nonce=form.nonce, pin=PIN)
    if isinstance(signed, Refused):  # somebody who tried the demo gave this person another PIN
        raise signed.as_error()


def _actor(name: str) -> Actor:
    with db.reading() as session:
        return Cast(session).actor(name)


def _seated(session: Session, seats: list[CaseSeat], role: str) -> Actor:
    held = next(one for one in seats if one.role == role)
    actor = access.actor_for(session, held.person_id)
    assert actor is not None, "whoever has a seat is active"
    return actor
