"""The verbs of adoption: a project uses a version of an entry, moves to a newer one, and stops using it.

This fact ranks, warns and values: whoever changes an entry reaches its adopters through it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.access.tables import TeamMember
from core.activity import events
from core.activity.recording import record
from core.activity.tables import Activity
from core.catalog import actions as catalog
from core.catalog.kinds import Lifecycle
from core.catalog.tables import Entry
from core.catalog.visibility import visible
from core.db import batches, now
from core.errors import Conflict, Invalid, NotFound
from core.people import notices
from core.projects.actions import ACTIVE_STAGES, locked, require_running, scope_of, text
from core.projects.tables import Adoption, Project, ProjectMember

WAYS = {"reuse": "as it is", "adapt": "a changed copy"}
"""How a project uses an entry → what that means."""
NOTE_LENGTH = 1000
PATTERN = "pattern"
"""The kind of entry that a project adopts and leaves with its declarations only; see :mod:`core.patterns.use`."""
_LEAVING = (Lifecycle.deprecated.value, Lifecycle.retired.value)


def adopt(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    entry_id: int,
    how: str = "reuse",
    note: str = "",
    declared: bool = False,
    demo: bool = False,
) -> Adoption:
    """Let a project use an entry's present version from now on, as it is or adapted (see :data:`WAYS`).

    ``declared`` is what :mod:`core.patterns.use` says of a pattern, here and below: whoever else adopts, moves or ends
    one is refused, because the approvals that the project inherits would change without a word.
    """
    project = locked(session, actor, project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    if how not in WAYS:
        raise Invalid(f"{how!r} is not a way to adopt.", hint=f"Possible: {', '.join(WAYS)}.")
    note = text("note", note, NOTE_LENGTH)
    require_running(project)
    entry = _adoptable_entry(session, actor, entry_id)
    _require_declared(entry, declared)
    if _open_adoption(session, project.id, entry_id) is not None:
        raise Conflict(f"{project.title} uses {entry.title} already.")
    adoption = Adoption(
        project_id=project.id, entry_id=entry_id, version=entry.version, how=how, note=note, adopted_by=actor.ref,
        since=now(), demo=demo,
    )  # fmt: skip
    session.add(adoption)
    session.flush()
    count_adoptions(session, [entry_id])
    record(session, actor, events.EntryAdopted(entry.key, project=project.id, version=entry.version, how=how))
    return adoption


def update_adoption(
    session: Session, *, actor: Actor, project_id: str, entry_id: int, declared: bool = False
) -> Adoption:
    """Note that a project moved to the entry's present version; one that is deprecated may still be updated."""
    project = locked(session, actor, project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    require_running(project)
    entry = _locked_entry(session, actor, entry_id)
    _require_declared(entry, declared)
    adoption = _required_adoption(session, project, entry)
    if entry.lifecycle == Lifecycle.retired:
        raise Conflict(f"{entry.title} is retired; there is nothing to move to.", hint="End the adoption instead.")
    if adoption.version == entry.version:
        raise Conflict(f"{project.title} uses the newest version of {entry.title}, {entry.version}, already.")
    before, adoption.version = adoption.version, entry.version
    session.add(adoption)
    session.flush()
    record(session, actor, events.AdoptionUpdated(entry.key, project.id, before=before, version=entry.version))
    return adoption


def end_adoption(session: Session, *, actor: Actor, project_id: str, entry_id: int, declared: bool = False) -> None:
    """Note that a project no longer uses an entry; the adoption stays readable with its end."""
    project = locked(session, actor, project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    entry = _locked_entry(session, actor, entry_id)
    _require_declared(entry, declared)
    adoption = _required_adoption(session, project, entry)
    adoption.until = now()
    session.add(adoption)
    session.flush()
    count_adoptions(session, [entry_id])
    record(session, actor, events.AdoptionEnded(entry.key, project=project.id, version=adoption.version))


def change_lifecycle(
    session: Session, *, actor: Actor, entry_id: int, to: Lifecycle, revision: int, reason: str, successor: str = ""
) -> None:
    """Publish, deprecate, restore or retire an entry, and tell its adopters when they have to leave it.

    The change itself is :func:`core.catalog.actions.change_lifecycle`, which knows nothing of projects.
    """
    reason = text("reason", reason, catalog.NOTE_LENGTH)
    catalog.change_lifecycle(
        session, actor=actor, entry_id=entry_id, to=to, revision=revision, reason=reason, successor=successor
    )
    if to.value in _LEAVING:
        session.flush()
        entry = session.exec(select(Entry).where(Entry.id == entry_id).execution_options(populate_existing=True)).one()
        _tell_adopters(session, actor, entry, reason=reason)


def tell_of_deprecations(session: Session) -> int:
    """Tell the adopters of entries that left in another way than :func:`change_lifecycle`: a file that was loaded again,
    an approved proposal. Returns the number of entries told of; doing it again tells nobody twice.

    What was told last stands in the log, so an entry that left, came back and left in the same way is told of once.
    """
    leaving = list(session.exec(select(Entry).where(col(Entry.lifecycle).in_(_LEAVING), Entry.adoptions > 0)))
    told_before = _told_before(session, [one.key for one in leaving])
    untold = [one for one in leaving if told_before.get(one.key) != one.lifecycle]
    for entry in untold:
        _tell_adopters(session, policy.system("loader"), entry)
    return len(untold)


def count_adoptions(session: Session, entry_ids: Sequence[int]) -> None:
    """Bring the number of adoptions that lists show up to date after adoptions changed."""
    open_ones = (
        select(func.count())
        .select_from(Adoption)
        .where(Adoption.entry_id == Entry.id, col(Adoption.until).is_(None))
        .correlate(Entry)
        .scalar_subquery()
    )
    for batch in batches(entry_ids, 500):
        session.execute(update(Entry).where(col(Entry.id).in_(batch)).values(adoptions=open_ones))


def _locked_entry(session: Session, actor: Actor, entry_id: int) -> Entry:
    # Locked in a statement of its own: the count that follows then sees what others have committed meanwhile.
    statement = select(Entry).where(Entry.id == entry_id, visible(actor)).with_for_update()
    found = session.exec(statement.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound(f"No entry {entry_id}.", hint="Search the catalog; it may not be visible to you.")
    return found


def _adoptable_entry(session: Session, actor: Actor, entry_id: int) -> Entry:
    entry = _locked_entry(session, actor, entry_id)
    if entry.lifecycle in ("deprecated", "retired"):
        hint = f"Adopt its successor {entry.successor} instead." if entry.successor else "Look for another entry."
        raise Conflict(f"{entry.title} is {entry.lifecycle}.", hint=hint)
    return entry


def _require_declared(entry: Entry, declared: bool) -> None:
    if entry.kind == PATTERN and not declared:
        raise Conflict(
            f"{entry.title} is a pattern: what a project inherits from it depends on how it is used.",
            hint="Choose it, move to its newest version or leave it on the project's Pattern tab.",
        )


def _required_adoption(session: Session, project: Project, entry: Entry) -> Adoption:
    found = _open_adoption(session, project.id, entry.id or 0)
    if found is None:
        raise NotFound(f"{project.title} does not use {entry.title}.")
    return found


def _open_adoption(session: Session, project_id: str, entry_id: int) -> Adoption | None:
    statement = select(Adoption).where(Adoption.project_id == project_id, Adoption.entry_id == entry_id)
    return session.exec(statement.where(col(Adoption.until).is_(None))).first()


# --- telling adopters ------------------------------------------------------------------------------------------------


def _tell_adopters(session: Session, actor: Actor, entry: Entry, *, reason: str = "") -> None:
    told = 0
    for titles, people in _people_by_projects(session, entry.id or 0).items():
        words = _leaving_words(entry, titles, reason)
        told += notices.tell(session, people, subject=entry.key, text=words, except_for=actor)
    state = events.AdoptersTold(entry.key, lifecycle=entry.lifecycle, successor=entry.successor or "", people=told)
    record(session, actor, state)


def _leaving_words(entry: Entry, titles: tuple[str, ...], reason: str) -> str:
    users = titles[0] if len(titles) == 1 else f"{titles[0]} and {len(titles) - 1} more of your projects"
    verb = "uses" if len(titles) == 1 else "use"
    way = f"{entry.successor} replaces it." if entry.successor else "Nothing replaces it: choose another entry."
    return f"{users} {verb} {entry.title}, which is {entry.lifecycle} now. {way}" + (
        f" Why: {reason}" if reason else ""
    )


def _people_by_projects(session: Session, entry_id: int) -> dict[tuple[str, ...], list[str]]:
    """Who works in a running project that uses an entry, or in its team, by the titles of those projects."""
    using = (
        select(Project.id, Project.title, Project.team_id)
        .join(Adoption, col(Adoption.project_id) == Project.id)
        .where(Adoption.entry_id == entry_id, col(Adoption.until).is_(None), col(Project.stage).in_(ACTIVE_STAGES))
        .subquery()
    )
    in_team = select(using.c.title, TeamMember.person_id).join(TeamMember, col(TeamMember.team_id) == using.c.team_id)
    in_project = select(using.c.title, ProjectMember.person_id).join(
        ProjectMember, col(ProjectMember.project_id) == using.c.id
    )
    titles: dict[str, list[str]] = {}
    for title, person_id in session.execute(in_team.union(in_project)):
        titles.setdefault(person_id, []).append(title)
    people: dict[tuple[str, ...], list[str]] = {}
    for person_id, known in sorted(titles.items()):
        people.setdefault(tuple(sorted(known)), []).append(person_id)
    return people


def _told_before(session: Session, keys: Sequence[str]) -> dict[str, str]:
    """The lifecycle that the adopters of each entry were told of last."""
    told: dict[str, str] = {}
    for batch in batches(keys, 500):
        here = (Activity.event == events.AdoptersTold.name, col(Activity.subject).in_(batch))
        for subject, data in session.execute(
            select(Activity.subject, Activity.data).where(*here).order_by(col(Activity.seq))
        ):
            told[subject] = str(json.loads(data)["lifecycle"])
    return told
