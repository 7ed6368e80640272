"""The verbs of deviation: a team declares one, a reviewer who takes no part decides, and one that is gone is ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.patterns import approval_queries as queries
from core.patterns import inheritance, people
from core.patterns.approval_queries import OpenDeviation, ProjectStanding
from core.patterns.approvals import check_last_day
from core.patterns.inheritance import Item
from core.patterns.tables import Deviation
from core.people import notices
from core.projects.actions import line, locked, require_running, scope_of, text
from core.projects.tables import Project
from core.projects.visibility import shown_to

WHAT_LENGTH = 1000
NOTE_LENGTH = 2000


def declare_deviation(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    item_id: str,
    what: str,
    reason: str,
    condition: str = "",
) -> Deviation:
    """Say that a project does not keep a condition of an approval (or, without one, departs from it as a whole).

    The approval is open until a reviewer accepts the deviation. Its approvers are told.
    """
    project = locked(session, actor, project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    require_running(project)
    standing = _standing(session, actor, project_id)
    item = _item(standing, item_id)
    fact, values = _fact_of(standing, item, condition)
    reason = text("reason", reason, NOTE_LENGTH)
    if not reason:
        raise Invalid("A deviation is not declared without a reason.", hint="Say why the project needs it.")
    if any((one.item, one.condition, one.state) == (item_id, condition, "open") for one in standing.deviations):
        raise Conflict(f"A deviation from this condition of {item_id} is open already.")
    for former in _unresolved(session, project.id, standing.use.entry_id):
        if (former.item_id, former.condition, former.state) == (item_id, condition, "rejected"):
            _end(session, actor, former)  # declared anew, it is decided anew
    made = Deviation(
        project_id=project.id, entry_id=standing.use.entry_id, item_id=item_id, condition=condition, fact=fact,
        values_found=list(values), what=line("deviation", what, WHAT_LENGTH), origin="declared", reason=reason,
        declared_by=actor.ref, declared_at=now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    told = events.DeviationDeclared(f"project:{project.id}", item=item_id, condition=condition, what=made.what)
    record(session, actor, told)
    words = f"{project.title} declared a deviation from {item_id} of {standing.use.pattern}: {made.what}"
    approvers = people.approvers_of(session, standing.use.entry_id, [item_id])
    notices.tell(session, approvers, subject=f"project:{project.id}", text=words, except_for=actor)
    return made


def decide_deviation(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    item_id: str,
    condition: str,
    values: Iterable[str],
    accept: bool,
    note: str,
    expires_on: date | None = None,
) -> Deviation:
    """Accept or reject an open deviation, declared or found, as one who takes no part in the project.

    ``values`` are those the reviewer saw: the decision holds for them, and is refused when the fact changed meanwhile.
    An acceptance may end on a day; then the deviation is open again.
    """
    project = locked(session, actor, project_id)
    policy.require(actor, "deviation.decide", scope_of(project))
    waiting = _waiting(session, actor, project_id, item_id, condition)
    if waiting.involved:
        raise NotAllowed(
            f"You take part in {project.title} or declared this yourself, so you do not decide on it.",
            hint="Another reviewer or manager decides.",
        )
    if set(values) != set(waiting.values):
        raise Conflict(f"The facts of {project.title} changed since you looked.", hint="Reload and decide on them.")
    note = text("note", note, NOTE_LENGTH)
    if not note:
        raise Invalid("A decision needs a note.", hint="Say what makes the deviation bearable, or what has to change.")
    if expires_on is not None:
        if not accept:
            raise Invalid("A rejection has no end.", hint="Leave the day empty.")
        check_last_day("The acceptance", expires_on)
    row = _row(session, waiting)
    row.values_found, row.decision_note, row.expires_on = list(waiting.values), note, expires_on
    row.state, row.decided_by, row.decided_at = "accepted" if accept else "rejected", actor.ref, now()
    session.add(row)
    session.flush()
    _tell_decision(session, actor, waiting, row)
    return row


def resolve_deviation(session: Session, *, actor: Actor, deviation_id: int) -> None:
    """Say, as the team, that a deviation is no more; one that the facts still show cannot be talked away."""
    shown = select(Deviation).join(Project, col(Project.id) == Deviation.project_id)
    found = session.exec(shown.where(Deviation.id == deviation_id, shown_to(actor))).first()
    if found is None:
        raise NotFound(f"No deviation {deviation_id}.", hint="The project's page lists them.")
    project = locked(session, actor, found.project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    require_running(project)
    session.refresh(found)
    if found.state == "resolved":
        raise Conflict("This deviation is resolved already.")
    standing = queries.standing(session, actor, project.id)
    if found.values_found and standing and _is_there(standing, found):
        raise Conflict(
            f"{project.title} still deviates: {found.fact} is {', '.join(found.values_found)}.",
            hint="Change the fact first; the deviation ends with it.",
        )
    _end(session, actor, found)


def end_all(session: Session, actor: Actor, project_id: str, entry_id: int) -> None:
    """End every deviation from a pattern that the project leaves."""
    for one in _unresolved(session, project_id, entry_id):
        _end(session, actor, one)


def end_those_gone(session: Session, actor: Actor, standing: ProjectStanding) -> None:
    """End the deviations whose fact is back within the allowed: should it leave again, that is decided anew."""
    for one in _unresolved(session, standing.use.project_id, standing.use.entry_id):
        if one.values_found and not _is_there(standing, one):
            _end(session, actor, one)


def _standing(session: Session, actor: Actor, project_id: str) -> ProjectStanding:
    found = queries.standing(session, actor, project_id)
    if found is None:
        raise Conflict("The project stands on no pattern.", hint="Choose its pattern first.")
    return found


def _item(standing: ProjectStanding, item_id: str) -> Item:
    for one in standing.items:
        if one.item == item_id:
            return one
    known = ", ".join(one.item for one in standing.items) or "none"
    raise NotFound(f"{standing.use.pattern} has no such approval.", hint=f"It has: {known}.")


def _fact_of(standing: ProjectStanding, item: Item, condition: str) -> tuple[str, tuple[str, ...]]:
    """The fact that a condition names and its values outside the allowed; nothing for a statement or the whole item."""
    if not condition:
        return "", ()
    named = next((one for one in item.conditions if one.text == condition), None)
    if named is None:
        raise NotFound(f"{item.item} has no such condition.", hint="Reload: the approval may have changed.")
    if not named.fact:
        return "", ()
    values = inheritance.outside(named, standing.use.facts)
    if not values:
        raise Invalid(
            f"The project's {named.fact} keeps this condition, or is not known.", hint="State the fact first."
        )
    return named.fact, tuple(sorted(values))


def _is_there(standing: ProjectStanding, deviation: Deviation) -> bool:
    """Whether the project's facts still show the deviation."""
    conditions = (two for one in standing.items if one.item == deviation.item_id for two in one.conditions)
    named = next((one for one in conditions if one.text == deviation.condition), None)
    return named is not None and bool(inheritance.outside(named, standing.use.facts))


def _waiting(session: Session, actor: Actor, project_id: str, item_id: str, condition: str) -> OpenDeviation:
    for one in queries.open_deviations_of(session, actor, project_id=project_id):
        if (one.item, one.condition) == (item_id, condition):
            return one
    raise Conflict("This deviation waits for no decision.", hint="Reload to see what stands there now.")


def _row(session: Session, waiting: OpenDeviation) -> Deviation:
    """Where the decision is written: the declared row, or a new one for what the facts show by themselves."""
    if waiting.deviation_id is not None:
        found = session.get(Deviation, waiting.deviation_id, populate_existing=True)
        if found is not None:
            return found
    return Deviation(
        project_id=waiting.project_id, entry_id=waiting.entry_id, item_id=waiting.item, condition=waiting.condition,
        fact=waiting.fact, what=waiting.what[:WHAT_LENGTH], origin="found", declared_at=now(),
    )  # fmt: skip


def _tell_decision(session: Session, actor: Actor, waiting: OpenDeviation, row: Deviation) -> None:
    told = events.DeviationDecided(
        f"project:{row.project_id}", item=row.item_id, condition=row.condition, values=row.values_found, state=row.state,
        note=row.decision_note, expires=row.expires_on.isoformat() if row.expires_on else "",
    )  # fmt: skip
    record(session, actor, told)
    words = (
        f"The deviation of {waiting.project} from {row.item_id} ({waiting.what}) was {row.state}: {row.decision_note}"
    )
    involved = people.of_project(session, row.project_id)
    notices.tell(session, involved, subject=f"project:{row.project_id}", text=words, except_for=actor)


def _unresolved(session: Session, project_id: str, entry_id: int) -> list[Deviation]:
    here = (Deviation.project_id == project_id, Deviation.entry_id == entry_id, Deviation.state != "resolved")
    return list(session.exec(select(Deviation).where(*here).order_by(col(Deviation.id))))


def _end(session: Session, actor: Actor, deviation: Deviation) -> None:
    deviation.state = "resolved"
    session.add(deviation)
    session.flush()
    told = events.DeviationResolved(
        f"project:{deviation.project_id}", item=deviation.item_id, condition=deviation.condition
    )
    record(session, actor, told)
