"""The verbs of use: a project stands on a pattern, declares how it uses it, moves to its newer version, and leaves it.

Nobody else adopts a pattern for a project or ends that (:func:`core.projects.adoption.adopt` refuses it): adoption and
declarations begin and end together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog.kinds import PatternStage
from core.catalog.tables import Entry
from core.db import now
from core.errors import Conflict, Invalid
from core.patterns import approval_queries as queries
from core.patterns import deviations, inheritance, reopening
from core.patterns.approval_queries import ProjectStanding
from core.patterns.reopening import JUDGE
from core.patterns.tables import PatternUse
from core.projects import adoption
from core.projects.actions import line, locked, require_running, scope_of
from core.projects.tables import Adoption, Project

STAGES: tuple[str, ...] = get_args(PatternStage)
"""The stages of a pattern's machinery for which a project names its services."""
REGION_LENGTH = 40
SERVICE_LENGTH = 400
MOST_SERVICES = 30
"""Per stage."""


def use_pattern(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    entry_id: int,
    region: str,
    services: Mapping[str, Sequence[str]],
    attested: Iterable[str],
    revision: int = 0,
    upgrade: bool = False,
    demo: bool = False,
) -> PatternUse:
    """Put a project on a pattern, or declare anew how it uses it; the adoption follows, the former pattern's ends.

    ``revision`` is that of the use which was read, 0 where there was none. A project keeps the version it adopted,
    unless it is to ``upgrade``. Whoever lost an approval by this, and who had given it, is told.
    """
    project, use = _locked(session, actor, project_id, revision)
    region = line("region", region, REGION_LENGTH) if region.strip() else ""
    named, statements = _services(services), _statements(session, actor, entry_id, attested)
    before = queries.standing(session, JUDGE, project.id)
    _leave_former(session, actor, project, entry_id)
    version = _adopted_version(session, actor, project, entry_id, upgrade=upgrade, demo=demo)
    if use is None:
        use = PatternUse(project_id=project.id, entry_id=entry_id, version=version, adopted_by=actor.ref, revision=0)
    if use.entry_id != entry_id or not use.revision:
        use.adopted_by, use.adopted_at = actor.ref, now()
    use.entry_id, use.version, use.region, use.services, use.attested = entry_id, version, region, named, statements
    use.revision += 1
    session.add(use)
    session.flush()
    _tell_what_changed(session, actor, project, before)
    return use


def leave_pattern(session: Session, *, actor: Actor, project_id: str, revision: int) -> None:
    """Let a project stand on no pattern: its adoption, declarations and deviations end, and it inherits nothing more.

    ``revision`` is that of the use which was read. Whoever had given the approvals, and the project's people, are told.
    """
    project, use = _locked(session, actor, project_id, revision)
    before = queries.standing(session, JUDGE, project.id)
    if use is None or before is None:
        raise Conflict(f"{project.title} stands on no pattern.", hint="Reload to see what stands there now.")
    _end(session, actor, project, use.entry_id)
    session.delete(use)
    session.flush()
    lost = [one for one in before.items if one.inherited]
    told = events.PatternLeft(
        f"project:{project.id}", pattern=before.use.pattern_key, version=before.use.version,
        lost=[one.item for one in lost],
    )  # fmt: skip
    record(session, actor, told)
    if lost:
        reopening.tell(session, actor, before, lost, "It stands on the pattern no longer.")


def _locked(session: Session, actor: Actor, project_id: str, seen: int) -> tuple[Project, PatternUse | None]:
    """A running project and its use as it was read, locked; whoever changes it may adopt for it."""
    project = locked(session, actor, project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    require_running(project)
    use = session.get(PatternUse, project.id, populate_existing=True)
    if (use.revision if use else 0) != seen:
        raise Conflict(
            f"The pattern of {project.title} was changed since you read it.", hint="Reload and repeat the change."
        )
    return project, use


def _services(given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    if unknown := sorted(set(given) - set(STAGES)):
        raise Invalid(f"{unknown[0][:40]!r} is not a stage of a pattern.", hint=f"Possible: {', '.join(STAGES)}.")
    kept = {stage: list(dict.fromkeys(line("service", one, SERVICE_LENGTH) for one in given.get(stage, []))) for stage in STAGES}  # fmt: skip
    if any(len(names) > MOST_SERVICES for names in kept.values()):
        raise Invalid(f"A stage takes at most {MOST_SERVICES} services.", hint="Name what the project really uses.")
    return {stage: names for stage, names in kept.items() if names}


def _statements(session: Session, actor: Actor, entry_id: int, attested: Iterable[str]) -> list[str]:
    """The attested conditions; only what the pattern asks for can be attested."""
    asked = queries.statements(session, actor, entry_id)
    wanted = list(dict.fromkeys(attested))
    if set(wanted) - set(asked):
        raise Invalid("The pattern does not ask for one of these statements.", hint="Reload: its conditions changed.")
    return wanted


def _leave_former(session: Session, actor: Actor, project: Project, entry_id: int) -> None:
    """End whatever other pattern the project is on: it stands on one at a time, and is counted so."""
    others = (
        select(Adoption.entry_id)
        .join(Entry, col(Entry.id) == Adoption.entry_id)
        .where(Adoption.project_id == project.id, col(Adoption.until).is_(None))
        .where(Entry.kind == adoption.PATTERN, Adoption.entry_id != entry_id)
    )
    for former in session.exec(others).all():
        _end(session, actor, project, former)


def _end(session: Session, actor: Actor, project: Project, entry_id: int) -> None:
    adoption.end_adoption(session, actor=actor, project_id=project.id, entry_id=entry_id, declared=True)
    deviations.end_all(session, actor, project.id, entry_id)


def _adopted_version(
    session: Session, actor: Actor, project: Project, entry_id: int, *, upgrade: bool, demo: bool
) -> str:
    which: dict[str, Any] = {"actor": actor, "project_id": project.id, "entry_id": entry_id, "declared": True}
    if (present := _open_adoption(session, project.id, entry_id)) is None:
        return adoption.adopt(session, **which, demo=demo).version
    return adoption.update_adoption(session, **which).version if upgrade else present.version


def _open_adoption(session: Session, project_id: str, entry_id: int) -> Adoption | None:
    here = (Adoption.project_id == project_id, Adoption.entry_id == entry_id, col(Adoption.until).is_(None))
    return session.exec(select(Adoption).where(*here)).first()


def _tell_what_changed(session: Session, actor: Actor, project: Project, before: ProjectStanding | None) -> None:
    after = queries.standing(session, JUDGE, project.id)
    if after is None:
        raise Conflict(f"{project.title} lost its pattern meanwhile.", hint="Reload and choose it again.")
    deviations.end_those_gone(session, actor, after)
    lost = inheritance.reopened(before.items, after.items) if before else []
    inherited = [one.item for one in after.items if one.inherited]
    told = events.PatternUsed(
        f"project:{project.id}", pattern=after.use.pattern_key, version=after.use.version, region=after.use.region,
        inherited=inherited, reopened=[one.item for one in lost],
    )  # fmt: skip
    record(session, actor, told)
    if before and lost:
        reopening.tell(session, actor, before, lost)
