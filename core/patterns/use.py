"""The verb of use: a project stands on a pattern, declares how it uses it, and moves to its newer version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.recording import record
from core.catalog.kinds import PatternStage
from core.db import now
from core.errors import Conflict, Invalid
from core.patterns import approval_queries as queries
from core.patterns import deviations, inheritance, people
from core.patterns.approval_queries import ProjectStanding
from core.patterns.inheritance import Item
from core.patterns.tables import PatternUse
from core.people import notices
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
    project = locked(session, actor, project_id)
    policy.require(actor, "entry.adopt", scope_of(project))
    require_running(project)
    use = session.get(PatternUse, project.id, populate_existing=True)
    _require_revision(project, use, revision)
    region = line("region", region, REGION_LENGTH) if region.strip() else ""
    named, statements = _services(services), _statements(session, actor, entry_id, attested)
    before = queries.standing(session, actor, project.id)
    _leave_former(session, actor, project, use, entry_id)
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


def _require_revision(project: Project, use: PatternUse | None, seen: int) -> None:
    if (use.revision if use else 0) != seen:
        raise Conflict(
            f"The pattern of {project.title} was changed since you read it.", hint="Reload and repeat the change."
        )


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


def _leave_former(session: Session, actor: Actor, project: Project, use: PatternUse | None, entry_id: int) -> None:
    if use is None or use.entry_id == entry_id:
        return
    if _open_adoption(session, project.id, use.entry_id) is not None:
        adoption.end_adoption(session, actor=actor, project_id=project.id, entry_id=use.entry_id)
    deviations.end_all(session, actor, project.id, use.entry_id)


def _adopted_version(
    session: Session, actor: Actor, project: Project, entry_id: int, *, upgrade: bool, demo: bool
) -> str:
    if (present := _open_adoption(session, project.id, entry_id)) is None:
        return adoption.adopt(session, actor=actor, project_id=project.id, entry_id=entry_id, demo=demo).version
    if upgrade:
        return adoption.update_adoption(session, actor=actor, project_id=project.id, entry_id=entry_id).version
    return present.version


def _open_adoption(session: Session, project_id: str, entry_id: int) -> Adoption | None:
    here = (Adoption.project_id == project_id, Adoption.entry_id == entry_id, col(Adoption.until).is_(None))
    return session.exec(select(Adoption).where(*here)).first()


def _tell_what_changed(session: Session, actor: Actor, project: Project, before: ProjectStanding | None) -> None:
    after = queries.standing(session, actor, project.id)
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
        _tell_of_reopened(session, actor, before, lost)


def _tell_of_reopened(session: Session, actor: Actor, before: ProjectStanding, lost: list[Item]) -> None:
    """The project's people and whoever had given the approvals."""
    project_id, names = before.use.project_id, [one.item for one in lost]
    involved = people.of_project(session, project_id) | people.approvers_of(session, before.use.entry_id, names)
    why = " ".join(reason.words for one in lost for reason in one.reasons)
    words = f"{before.use.project} no longer inherits {', '.join(names)} of {before.use.pattern}. {why}"
    notices.tell(session, involved, subject=f"project:{project_id}", text=words, except_for=actor)
