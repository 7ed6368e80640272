"""The verbs of harvest: what a project leaves to the next ones when it ends, and what it shares as a draft entry."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog import actions as catalog
from core.catalog.tables import Entry, EntryAlias, Proposal
from core.db import now
from core.errors import Conflict, Invalid, NotFound
from core.projects import harvest_draft
from core.projects.actions import LENGTHS, line, locked, move, scope_of, text
from core.projects.tables import HarvestDecision, Project, Retrospective
from core.projects.visibility import shown_to

DECISIONS = ("share", "later", "nothing")
"""Share it now, generalise it later, or leave it; each with its reason."""

QUESTIONS = {
    "went_well": "What went well?",
    "was_expensive": "What was expensive?",
    "others_should_know": "What should others know?",
}
"""Field of a retrospective → the question it answers."""

LONGEST = {"went_well": 4000, "was_expensive": 4000, "others_should_know": LENGTHS["finding"]}
"""Characters an answer may have; the last one becomes the project's finding, which takes no more."""

SHORTEST = 20
"""Characters below which an answer or a reason ("fine", "n/a") tells the next team nothing: the portal's own measure."""

REASON_LENGTH = 2000


def write_retrospective(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    went_well: str,
    was_expensive: str,
    others_should_know: str,
    revision: int = 0,
) -> Retrospective:
    """Write or change a project's retrospective; ``revision`` is the one that the writer saw, 0 where there was none."""
    project = _unclosed(session, actor, project_id)
    typed = {"went_well": went_well, "was_expensive": was_expensive, "others_should_know": others_should_know}
    answers = {name: _answer(QUESTIONS[name], value, LONGEST[name]) for name, value in typed.items()}
    found = session.get(Retrospective, project.id)
    if (found.revision if found else 0) != revision:
        raise Conflict(
            f"The retrospective of {project.title} was changed while you wrote.",
            hint="Read what stands there now, then bring your words into it.",
        )
    if found and all(getattr(found, name) == value for name, value in answers.items()):
        raise Invalid("Nothing is different from the retrospective as it stands.")
    kept = found or Retrospective(
        project_id=project.id, went_well="", was_expensive="", others_should_know="", written_by=""
    )
    for name, value in answers.items():
        setattr(kept, name, value)
    kept.revision, kept.written_by, kept.written_at = revision + 1, actor.ref, now()
    session.add(kept)
    session.flush()
    record(session, actor, events.RetrospectiveWritten(f"project:{project.id}", revision=kept.revision))
    return kept


def decide_harvest(
    session: Session, *, actor: Actor, project_id: str, what: str, decision: str, reason: str, kind: str = "asset"
) -> HarvestDecision:
    """Decide about one thing a project made; ``share`` opens a draft entry of ``kind`` that its author completes."""
    project = _unclosed(session, actor, project_id)
    if decision not in DECISIONS:
        raise Invalid(f"{decision!r} is not a decision.", hint=f"Possible: {', '.join(DECISIONS)}.")
    _require_kind(kind)
    what = line("name of what the project made", what, 140)
    decided = HarvestDecision(
        project_id=project.id, what=what, decision=decision, kind=kind, decided_by=actor.ref, decided_at=now(),
        reason=_answer("Why?", reason, REASON_LENGTH),
    )  # fmt: skip
    _require_undecided(session, project, what)
    if decision == "share":
        decided.proposal_id = _open(session, actor, project, decided)
    return _keep(session, actor, decided)


def open_draft(session: Session, *, actor: Actor, decision_id: int, kind: str = "") -> HarvestDecision:
    """Share what was left for later, or share again what was rejected or withdrawn; a closed project's as well.

    Anyone may who may propose an entry where the project belongs. A second draft starts from what stood in the first.
    """
    decided, project = _locked_decision(session, actor, decision_id)
    policy.require(actor, "entry.propose", scope_of(project))
    draft = session.get(Proposal, decided.proposal_id) if decided.proposal_id else None
    if decided.decision == "nothing":
        raise Conflict(f"{decided.what} is left where it is: {decided.reason}", hint="Decide anew before it closes.")
    if draft is not None and draft.state in ("submitted", "approved"):
        told = "is in the catalog" if draft.state == "approved" else "waits for a curator"
        raise Conflict(f"{decided.what} {told} already.", hint=f"Open proposal {draft.id}.")
    if kind:
        _require_kind(kind)
        decided.kind = kind
    decided.decision, decided.decided_by, decided.decided_at = "share", actor.ref, now()
    decided.proposal_id = _open(session, actor, project, decided, draft if draft and not kind else None)
    return _keep(session, actor, decided)


def withdraw_decision(session: Session, *, actor: Actor, decision_id: int) -> None:
    """Take a decision back before the project closes, with its draft; the log keeps both.

    What a curator has published stays: it is deprecated like any entry. Only the draft's author takes a draft back.
    """
    decided, project = _locked_decision(session, actor, decision_id)
    _unclosed(session, actor, project.id)
    draft = session.get(Proposal, decided.proposal_id) if decided.proposal_id else None
    if draft is not None and draft.state == "approved":
        raise Conflict(f"{decided.what} is in the catalog already.", hint="Deprecate the entry there instead.")
    if draft is not None and draft.state == "submitted":
        catalog.withdraw(session, actor=actor, proposal_id=draft.id or 0)
    session.delete(decided)
    session.flush()
    told = events.HarvestWithdrawn(f"project:{project.id}", what=decided.what, decision=decided.decision)
    record(session, actor, told)


def close(session: Session, *, actor: Actor, project_id: str) -> Project:
    """End a project for good; what others should know becomes the finding that the next reuse review shows."""
    project = _unclosed(session, actor, project_id)
    retrospective = session.get(Retrospective, project.id)
    decided = session.exec(select(HarvestDecision.id).where(HarvestDecision.project_id == project.id)).first()
    missing = missing_to_close(has_retrospective=retrospective is not None, has_decision=decided is not None)
    if retrospective is None or missing:
        raise Invalid(f"{project.title} cannot close yet.", hint=f"It takes {' and '.join(missing)}.")
    return move(session, actor=actor, project_id=project.id, stage="closed", finding=retrospective.others_should_know)


def missing_to_close(*, has_retrospective: bool, has_decision: bool) -> list[str]:
    """What a project lacks before it may close, in words."""
    needed = ((has_retrospective, "its retrospective"), (has_decision, "at least one harvest decision"))
    return [told for is_there, told in needed if not is_there]


def _open(
    session: Session, actor: Actor, project: Project, decided: HarvestDecision, earlier: Proposal | None = None
) -> int:
    """The number of the proposal that holds the draft; one that was turned down goes on where it ended."""
    if earlier is not None:
        document, readme = earlier.document, earlier.readme
    else:
        document, readme = _draft(session, project, decided, now())
    made = catalog.propose(session, actor=actor, document=document, readme=readme, note=decided.reason)
    return made.id or 0


def _draft(
    session: Session, project: Project, decided: HarvestDecision, moment: datetime
) -> tuple[dict[str, object], str]:
    def taken(ref: str) -> bool:
        known = select(Entry.id).where(Entry.key == ref)
        former = select(EntryAlias.entry_id).where(EntryAlias.key == ref)
        return session.exec(known).first() is not None or session.exec(former).first() is not None

    retrospective, today = session.get(Retrospective, project.id), moment.date()
    document = harvest_draft.drafted(project, decided.what, decided.reason, decided.kind, taken=taken, today=today)
    readme = harvest_draft.readme_skeleton(project, decided.what, decided.reason, retrospective, today)
    return document, readme


def _keep(session: Session, actor: Actor, decided: HarvestDecision) -> HarvestDecision:
    session.add(decided)
    session.flush()
    told = events.HarvestDecided(
        f"project:{decided.project_id}", what=decided.what, decision=decided.decision, reason=decided.reason,
        proposal=decided.proposal_id or 0,
    )  # fmt: skip
    record(session, actor, told)
    return decided


def _unclosed(session: Session, actor: Actor, project_id: str) -> Project:
    project = locked(session, actor, project_id)
    policy.require(actor, "project.create", scope_of(project))
    if project.stage == "closed":
        raise Conflict(f"{project.title} is closed.", hint="Its retrospective and its decisions stand as they are.")
    return project


def _locked_decision(session: Session, actor: Actor, decision_id: int) -> tuple[HarvestDecision, Project]:
    """A decision of a project that ``actor`` sees; the project is locked."""
    shown = select(Project.id).join(HarvestDecision, col(HarvestDecision.project_id) == Project.id)
    owner = session.exec(shown.where(HarvestDecision.id == decision_id, shown_to(actor))).first()
    project = locked(session, actor, owner) if owner else None
    found = session.get(HarvestDecision, decision_id) if project else None
    if project is None or found is None:
        raise NotFound(f"No harvest decision {decision_id}.", hint="It may have been taken back; reload the project.")
    return found, project


def _require_undecided(session: Session, project: Project, what: str) -> None:
    decided = session.exec(select(HarvestDecision.what).where(col(HarvestDecision.project_id) == project.id))
    if what.casefold() in {one.casefold() for one in decided}:
        raise Conflict(f"{project.title} has decided about {what} already.", hint="Take that decision back first.")


def _require_kind(kind: str) -> None:
    if kind not in harvest_draft.KINDS:
        hint = f"Possible: {', '.join(harvest_draft.KINDS)}."
        raise Invalid(f"A project does not share a {kind!r}.", hint=hint)


def _answer(question: str, value: str, longest: int) -> str:
    value = text(f"answer to “{question}”", value, longest)
    if len(value) < SHORTEST:
        raise Invalid(f"The answer to “{question}” takes at least {SHORTEST} characters.", hint="Say it so that the next team can act on it.")  # fmt: skip
    return value
