"""The verbs of the reuse review: decide on what exists, and complete the review.

Both take what was ranked before (:func:`core.reuse.queries.review`): ranking takes its time, and would keep every other
writer waiting if it happened in their transaction.
"""

from __future__ import annotations

from sqlmodel import Session, col, delete, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog import demand
from core.catalog.kinds import Classification, Lifecycle
from core.catalog.tables import Demand, DemandAsk, Entry
from core.catalog.visibility import visible
from core.db import now
from core.errors import Conflict, Invalid, NotFound
from core.projects import adoption
from core.projects.actions import locked, note_reuse_review, require_running, scope_of, subject_of, text
from core.projects.tables import Adoption, Project
from core.reuse import queries
from core.reuse.candidates import GROUP_OF
from core.reuse.queries import Hit, Review
from core.reuse.tables import ReuseDecision

DECISIONS = {
    "reuse": "Reuse it as it is",
    "adapt": "Adapt a copy of it",
    "build": "Build our own",
}
"""Decision about a hit → what it means. For a project, to reuse or adapt is to learn from it."""
REASON_LENGTH = 2000
FOR_EVERYBODY = (Classification.public.value, Classification.internal.value)
"""Only what everybody may see is named in demand, which everybody sees."""


def decide(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    entry_ref: str,
    decision: str,
    reason: str,
    seen: Hit | None = None,
) -> ReuseDecision:
    """Decide that a project reuses or adapts an entry, which adopts it, or builds its own, which is demand.

    A later decision replaces the earlier one; the activity log keeps both. Turning down what was adopted by an earlier
    decision ends that adoption. A pattern is adopted where its use is declared, by :mod:`core.patterns.use`, not here.
    ``seen`` is the entry as the review showed it: the decision keeps how similar it was.
    """
    project = _running(session, actor, project_id)
    if decision not in DECISIONS:
        raise Invalid(f"{decision[:80]!r} is not a decision.", hint=f"Possible: {', '.join(DECISIONS)}.")
    reason = text("reason", reason, REASON_LENGTH)
    if not reason:
        raise Invalid("A decision needs a reason.", hint="Say what spoke for it; the next team reads it.")
    entry = _decidable(session, actor, project, entry_ref)
    before = session.get(ReuseDecision, (project.id, entry.id), populate_existing=True)
    _follow(session, actor, project, entry, decision, reason, before)
    decided = before or ReuseDecision(project_id=project.id, entry_id=entry.id or 0, version="", decision="", reason="", decided_by="")  # fmt: skip
    told = events.ReuseDecided(
        subject_of(project), entry=entry.key, version=entry.version, decision=decision, before=decided.decision, reason=reason
    )  # fmt: skip
    decided.version, decided.decision, decided.reason = entry.version, decision, reason
    decided.score, decided.terms = (round(seen.score * 1000), [one.word for one in seen.terms]) if seen else (0, [])
    decided.decided_by, decided.decided_at = actor.ref, now()
    session.add(decided)
    session.flush()
    record(session, actor, told)
    return decided


def complete(session: Session, *, actor: Actor, review: Review) -> Project:
    """Complete a reuse review as it was ranked: every strong hit has its decision. One without any hit is demand.

    A review of a project that was changed since is refused: other things may be similar to it now.
    """
    project = _running(session, actor, review.project_id)
    if project.revision != review.revision:
        raise Conflict(f"{project.title} was changed meanwhile.", hint="Look through the review of it as it is now.")
    decided = queries.decisions(session, actor, project.id)
    if undecided := [one.title for one in review.strong if one.entry_id not in decided]:
        raise Conflict(
            f"{len(undecided)} of {len(review.strong)} strong hits are not decided yet.",
            hint=f"Decide on {', '.join(undecided)}.",
        )
    if not review.hits and project.classification in FOR_EVERYBODY:
        demand.ask(
            session,
            actor,
            project.title,
            how="review",
            note=project.summary,
            project_id=project.id,
            unit=project.unit_id,
        )
    decisions = [one.decision for one in decided.values()]
    note_reuse_review(session, project)
    told = events.ReuseReviewCompleted(
        subject_of(project), strong=len(review.strong), reused=decisions.count("reuse"), adapted=decisions.count("adapt"),
        built=decisions.count("build"),
    )  # fmt: skip
    record(session, actor, told)
    return project


def _running(session: Session, actor: Actor, project_id: str) -> Project:
    project = locked(session, actor, project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    require_running(project)
    return project


def _decidable(session: Session, actor: Actor, project: Project, entry_ref: str) -> Entry:
    key = queries.typed_key(entry_ref)
    entry = session.exec(select(Entry).where(Entry.key == key, visible(actor))).first()
    if entry is None:
        raise NotFound(f"No entry {key[:190]}.", hint="Search the catalog; it may not be visible to you.")
    if entry.key == queries.key_of(project):
        raise Invalid("A project does not decide on reusing itself.", hint="Choose another entry.")
    if entry.kind not in GROUP_OF:
        raise Invalid(f"A {entry.kind} is not reviewed for reuse.", hint=f"Possible: {', '.join(GROUP_OF)}.")
    if entry.lifecycle in (Lifecycle.deprecated, Lifecycle.retired):
        hint = f"Decide on its successor {entry.successor} instead." if entry.successor else "Look for another entry."
        raise Conflict(f"{entry.title} is {entry.lifecycle} meanwhile.", hint=hint)
    return entry


def _follow(
    session: Session,
    actor: Actor,
    project: Project,
    entry: Entry,
    decision: str,
    reason: str,
    before: ReuseDecision | None,
) -> None:
    """What a decision brings about: an adoption, its end, or demand. Projects are learnt from, not adopted."""
    _forget_ask(session, project, entry)
    if entry.kind == "project":
        return
    entry_id, by_decision = entry.id or 0, entry.kind != adoption.PATTERN
    adopted = _open_adoption(session, project, entry)
    superseded = before is not None and before.decision in adoption.WAYS
    if by_decision and superseded and adopted is not None and adopted.how != decision:
        adoption.end_adoption(session, actor=actor, project_id=project.id, entry_id=entry_id)
        adopted = None
    if decision == "build" and adopted is not None:
        where = "on the entry's page" if by_decision else "on the project's Pattern tab"
        raise Conflict(f"{project.title} uses {entry.title}.", hint=f"End that adoption first, {where}.")
    if by_decision and decision in adoption.WAYS and adopted is None:
        adoption.adopt(
            session,
            actor=actor,
            how=decision,
            note=reason[: adoption.NOTE_LENGTH],
            project_id=project.id,
            entry_id=entry_id,
        )
    elif decision == "build" and {entry.classification, project.classification} <= {*FOR_EVERYBODY}:
        demand.ask(
            session, actor, entry.title, how="review", note=reason, project_id=project.id, unit=project.unit_id,
            entry_key=entry.key,
        )  # fmt: skip


def _open_adoption(session: Session, project: Project, entry: Entry) -> Adoption | None:
    mine = (Adoption.project_id == project.id, Adoption.entry_id == entry.id, col(Adoption.until).is_(None))
    return session.exec(select(Adoption).where(*mine)).first()


def _forget_ask(session: Session, project: Project, entry: Entry) -> None:
    """Take back what an earlier rejection asked for: the new decision says it anew, or not at all."""
    mine = (
        col(DemandAsk.how) == "review", col(DemandAsk.project_id) == project.id, col(DemandAsk.entry_key) == entry.key,
    )  # fmt: skip
    texts = session.exec(select(DemandAsk.text).where(*mine)).all()
    session.execute(delete(DemandAsk).where(*mine))
    asked = select(DemandAsk.id).where(DemandAsk.text == Demand.text).exists()
    unasked = (col(Demand.state) == "open", col(Demand.searches) == 0, col(Demand.wishes) == 0, ~asked)
    session.execute(delete(Demand).where(col(Demand.text).in_(texts), *unasked))
