"""The verbs of projects: start one, change what it says of itself, and move it along its lifecycle."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypedDict, Unpack, get_args

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core.access import policy
from core.access.policy import Actor, Scope
from core.access.tables import Person, Team
from core.activity import events
from core.activity.recording import record
from core.catalog import actions as catalog
from core.catalog import merging
from core.catalog.kinds import API_VERSION, TAG, Classification, Modality
from core.db import now
from core.errors import Conflict, Invalid, NotFound
from core.people import notices
from core.projects import gates, names
from core.projects.facts import facts_of
from core.projects.tables import Project, ProjectMember, Retrospective, StagePeriod
from core.projects.visibility import shown_to

NEXT_STAGES: dict[str, tuple[str, ...]] = {
    "explore": ("experiment", "stopped"),
    "experiment": ("operate", "stopped", "closed"),
    "operate": ("stopped", "closed"),
    "stopped": (),
    "closed": (),
}
"""Stage → the stages a project may move to. Stopping and closing are final and keep what was learnt."""

STAGES = tuple(NEXT_STAGES)
ACTIVE_STAGES = tuple(stage for stage, following in NEXT_STAGES.items() if following)
CLASSIFICATIONS = tuple(one.value for one in Classification)
MODALITIES: tuple[str, ...] = get_args(Modality)
MOST_TAGS = 20
LENGTHS = {
    "title": 140, "summary": 1000, "value_hypothesis": 2000, "stop_rule": 1000, "region": 40, "target": 250,
    "data_access": 1000, "monitoring": 1000, "key_metric": 250, "finding": 2000,
}  # fmt: skip
"""Field → the most characters it takes; forms stop there too."""
NAME_LENGTH = 250
"""The most characters of a name in MLflow."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ud800-\udfff]")


class Details(TypedDict, total=False):
    """What a team says of its project; every part is optional and can be changed later."""

    summary: str
    value_hypothesis: str
    stop_rule: str
    decide_by: date | None
    classification: str
    region: str
    modality: str
    target: str
    tags: list[str]
    data_access: str
    monitoring: str
    on_call_id: str | None
    key_metric: str
    higher_is_better: bool


class Changes(Details, total=False):
    """What :func:`edit` changes."""

    title: str
    team_id: str


def create(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    title: str,
    team_id: str,
    stage: str = "explore",
    registered_model: str = "",
    demo: bool = False,
    **details: Unpack[Details],
) -> Project:
    """Start a project of a team; ``registered_model`` and ``key_metric`` tie it to its model in MLflow.

    People start by exploring; only the portal itself records projects that came further before it knew them.
    """
    team = _team(session, team_id)
    policy.require(actor, "project.create", Scope(team.unit_id, team.id))
    possible = ACTIVE_STAGES if actor.kind == "system" else ACTIVE_STAGES[:1]
    if stage not in possible:
        raise Invalid(f"A project cannot start as {stage[:80]!r}.", hint=f"Possible: {', '.join(possible)}.")
    begun = now()
    project = Project(
        id=_slug(project_id), title=line("title", title, LENGTHS["title"]), team_id=team.id, unit_id=team.unit_id, stage=stage,
        demo=demo, created_at=begun, stage_since=begun, **_cleaned(session, details, begun.date()),
    )  # fmt: skip
    if session.get(Project, project.id) is not None:
        raise _taken(project.id)
    session.add(project)
    try:
        session.flush()
    except IntegrityError as error:  # on PostgreSQL two people may choose the same id at once
        raise _taken(project.id) from error
    session.add(StagePeriod(project_id=project.id, stage=stage, since=begun))
    if registered_model.strip():
        names.take(session, project, "model", line("registered model", registered_model, NAME_LENGTH))
    _publish(session, project)
    record(session, actor, events.ProjectCreated(subject_of(project), team=team.id, stage=stage))
    return project


def edit(session: Session, *, actor: Actor, project_id: str, revision: int, **changes: Unpack[Changes]) -> Project:
    """Change what a running project says of itself, as seen at ``revision``; what is not given stays as it is.

    Edges call :func:`core.patterns.changes.edit`, which also tells which inherited approvals that reopens.
    """
    project = locked(session, actor, project_id)
    policy.require(actor, "project.create", scope_of(project))
    require_running(project)
    require_revision(project, revision)
    given = {name: value for name, value in changes.items() if value != getattr(project, name, None)}
    cleaned = _cleaned(session, given, project.created_at.date())
    changed = sorted(name for name, value in cleaned.items() if value != getattr(project, name))
    if not changed:
        raise Invalid("Nothing is different from the project as it stands.", hint="Change something first.")
    if "team_id" in changed:
        team = _team(session, cleaned["team_id"])
        policy.require(actor, "project.create", Scope(team.unit_id, team.id))
        project.unit_id = team.unit_id
    for name in changed:
        setattr(project, name, cleaned[name])
    project.revision += 1
    session.add(project)
    _publish(session, project)
    record(session, actor, events.ProjectEdited(subject_of(project), fields=changed, revision=project.revision))
    return project


def move(session: Session, *, actor: Actor, project_id: str, stage: str, finding: str = "") -> Project:
    """Move a project to another stage, if the gate before it is open; stopping needs the finding.

    Closing needs the retrospective, which is its finding unless another is given. The portal itself passes every gate
    with a finding alone: it records what happened before the portal knew the project, and decides nothing.
    """
    project = locked(session, actor, project_id)
    policy.require(actor, "project.create", scope_of(project))
    _require_way(project, stage)
    if actor.kind != "system":
        _require_gate(session, project, stage)
    finding = text("finding", finding, LENGTHS["finding"])
    if stage == "closed" and not finding:
        finding = _lesson(session, project)
    if stage not in ACTIVE_STAGES and not finding:
        wanted = "finding" if stage == "stopped" else "retrospective"
        raise Invalid(f"A project is not {stage} without its {wanted}.", hint="Say what the next team should know.")
    before, project.stage, project.stage_since = project.stage, stage, now()
    project.finding = finding or project.finding
    session.add(project)
    _begin_period(session, project)
    _publish(session, project)
    record(session, actor, events.ProjectMoved(subject_of(project), before, stage, finding=project.finding))
    tell_members(session, project, f"{project.title} moved from {before} to {stage}.", except_for=actor)
    return project


def claim(session: Session, *, actor: Actor, project_id: str, kind: str, name: str) -> None:
    """Make an experiment or a registered model in MLflow the running project's."""
    project = locked(session, actor, project_id)
    policy.require(actor, "project.create", scope_of(project))
    require_running(project)
    take_name(session, actor, project, kind, name)


def take_name(session: Session, actor: Actor, project: Project, kind: str, name: str) -> None:
    """Give a name in MLflow to the project, for :func:`claim` and registration, which have asked permission."""
    name = line("name in MLflow", name, NAME_LENGTH)
    names.take(session, project, kind, name)
    record(session, actor, events.TrackingClaimed(subject_of(project), kind=kind, what=name))


def release(session: Session, *, actor: Actor, project_id: str, kind: str, name: str) -> None:
    """Let a name in MLflow go, also when the project has ended, so that another one can have it."""
    project = locked(session, actor, project_id)
    policy.require(actor, "project.create", scope_of(project))
    if not names.give_back(session, project, kind, name):
        raise NotFound(f"{project.title} does not own the {kind[:80]} {name[:80]!r}.")
    record(session, actor, events.TrackingReleased(subject_of(project), kind=kind, what=name))


def note_reuse_review(session: Session, project: Project) -> None:
    """Note that the team went through what exists already; the review asks permission and records itself."""
    project.reuse_reviewed_at = now()
    session.add(project)
    session.flush()


def scope_of(project: Project) -> Scope:
    """Where a project belongs."""
    return Scope(project.unit_id, project.team_id, project.id)


def subject_of(project: Project) -> str:
    """How events and notices name a project."""
    return f"project:{project.id}"


def is_project_id(value: str) -> bool:
    """Whether ``value`` can be a project's id: lower-case letters and digits, joined by single '-'."""
    return len(value) <= 63 and _SLUG.fullmatch(value) is not None


def _require_way(project: Project, stage: str) -> None:
    if stage not in STAGES:
        raise Invalid(f"{stage[:80]!r} is not a stage.", hint=f"Possible: {', '.join(STAGES)}.")
    if stage not in NEXT_STAGES[project.stage]:
        following = " or ".join(NEXT_STAGES[project.stage]) or "nowhere: this stage is final"
        raise Conflict(f"{project.title} is in stage {project.stage}.", hint=f"From there it moves to {following}.")


def _require_gate(session: Session, project: Project, stage: str) -> None:
    if points := gates.open_points(facts_of(session, project), stage):
        listed = "; ".join(point.text for point in points)
        raise Conflict(f"{project.title} is not ready to be moved to {stage}.", hint=f"Still open: {listed}.")


def _lesson(session: Session, project: Project) -> str:
    written = session.get(Retrospective, project.id)
    return written.others_should_know[: LENGTHS["finding"]].strip() if written else ""


def _begin_period(session: Session, project: Project) -> None:
    present = update(StagePeriod).where(col(StagePeriod.project_id) == project.id, col(StagePeriod.until).is_(None))
    session.execute(present.values(until=project.stage_since))
    session.add(StagePeriod(project_id=project.id, stage=project.stage, since=project.stage_since))


def _publish(session: Session, project: Project) -> None:
    """Keep the project's entry in the catalog, where the next team finds it with its finding."""
    session.flush()
    spec = {
        "owner": project.team_id, "unit": project.unit_id or "", "stage": project.stage, "problem": project.summary,
        "finding": project.finding, "classification": project.classification, "target": project.target,
    }  # fmt: skip
    if project.modality:
        spec["modality"] = project.modality
    kind_of_data = [project.modality.replace(" ", "-")] if project.modality else []
    metadata = {
        "name": project.id, "title": project.title, "description": project.summary or project.title,
        "tags": list(dict.fromkeys([*project.tags, *kind_of_data])),
    }  # fmt: skip
    document = {"apiVersion": API_VERSION, "kind": "project", "metadata": metadata, "spec": spec}
    catalog.register(session, document=document, source=merging.PROJECT, demo=project.demo)
    session.refresh(project)


# --- what a team says ------------------------------------------------------------------------------------------------


def _cleaned(session: Session, given: Mapping[str, Any], begun: date) -> dict[str, Any]:
    """``given`` as it is kept, or :class:`Invalid` with the first field that breaks a rule."""
    cleaned = {name: _CLEAN[name](value) for name, value in given.items()}
    decide_by = cleaned.get("decide_by")
    if decide_by is not None and decide_by < begun:
        hint = f"Choose a day from {begun:%d %b %Y} on."
        raise Invalid("The day of the decision lies before the project begins.", hint=hint)
    if on_call := cleaned.get("on_call_id"):
        active_person(session, on_call)
    return cleaned


def _one_of(field: str, options: tuple[str, ...]) -> Callable[[str], str]:
    def chosen(value: str) -> str:
        if value not in options:
            raise Invalid(f"{value[:80]!r} is no {field}.", hint=f"Possible: {', '.join(filter(None, options))}.")
        return value

    return chosen


def _tags(value: list[str]) -> list[str]:
    tags = list(dict.fromkeys(one.strip() for one in value))
    if len(tags) > MOST_TAGS or any(len(one) > 63 or not TAG.fullmatch(one) for one in tags):
        hint = "Lower-case letters, digits, ':', '+' and '#', joined by '-'."
        raise Invalid(f"Tags are at most {MOST_TAGS} short words.", hint=hint)
    return tags


def _text_of(name: str, field: str) -> Callable[[str], str]:
    return lambda value: text(field, value, LENGTHS[name])


def _line_of(name: str, field: str) -> Callable[[str], str]:
    return lambda value: optional_line(field, value, LENGTHS[name])


_CLEAN: dict[str, Callable[[Any], Any]] = {
    "title": lambda value: line("title", value, LENGTHS["title"]),
    "team_id": str,
    "summary": _text_of("summary", "problem"),
    "value_hypothesis": _text_of("value_hypothesis", "value hypothesis"),
    "stop_rule": _text_of("stop_rule", "stop rule"),
    "decide_by": lambda value: value,
    "classification": _one_of("classification", CLASSIFICATIONS),
    "region": _line_of("region", "region"),
    "modality": _one_of("modality", ("", *MODALITIES)),
    "target": _line_of("target", "target"),
    "tags": _tags,
    "data_access": _text_of("data_access", "data access"),
    "monitoring": _text_of("monitoring", "monitoring"),
    "on_call_id": lambda value: value or None,
    "key_metric": _line_of("key_metric", "key metric"),
    "higher_is_better": bool,
}
"""Field → how its value is checked and kept."""


# --- shared ----------------------------------------------------------------------------------------------------------


def locked(session: Session, actor: Actor, project_id: str) -> Project:
    """The project that ``actor`` sees, locked, so that two changes to it come one after the other.

    What is not there and what is not shown are told apart by nobody: an id that was guessed says nothing.
    """
    wanted = select(Project).where(Project.id == project_id, shown_to(actor)).with_for_update()
    reread = wanted.execution_options(populate_existing=True)
    found = session.exec(reread).first() if is_project_id(project_id) else None
    if found is None:
        raise NotFound(f"No project {project_id[:80]!r}.", hint="The projects list shows those that you may see.")
    return found


def require_running(project: Project) -> None:
    """Refuse to change a project that has ended: what stood there at its end is what the next team reads."""
    if project.stage not in ACTIVE_STAGES:
        raise Conflict(f"{project.title} is {project.stage} and stays as it is.", hint="Start a new project to go on.")


def require_revision(project: Project, seen: int) -> None:
    """Refuse a change that was made on another state of the project than the present one."""
    if project.revision != seen:
        raise Conflict(
            f"{project.title} was changed meanwhile (revision {project.revision}, this was made on {seen}).",
            hint="Open it again and repeat the change on what stands there now.",
        )


def active_person(session: Session, person_id: str) -> Person:
    """The person with this id, who has not left."""
    found = session.get(Person, person_id) if len(person_id) <= 20 and not _CONTROL.search(person_id) else None
    if found is None:
        raise NotFound(f"No person {person_id[:80]!r}.", hint="Choose one of the people list.")
    if not found.active:
        raise Conflict(f"{found.name} is not active any more.", hint="Choose somebody who is.")
    return found


def tell_members(session: Session, project: Project, told: str, *, except_for: Actor) -> None:
    """Tell everybody who works in the project, except whoever did it."""
    people = session.exec(select(ProjectMember.person_id).where(ProjectMember.project_id == project.id))
    notices.tell(session, people, subject=subject_of(project), text=told, except_for=except_for)


def _team(session: Session, team_id: str) -> Team:
    found = session.get(Team, team_id) if is_project_id(team_id) else None
    if found is None or not found.active:
        raise NotFound(f"No team {team_id[:80]!r}.", hint="An administrator adds teams.")
    return found


def _taken(project_id: str) -> Conflict:
    return Conflict(f"A project {project_id} exists already.", hint="Choose another id.")


def _slug(value: str) -> str:
    if not is_project_id(value):
        hint = "Use lower-case letters and digits, joined by single '-'."
        raise Invalid(f"{value[:80]!r} does not name a project.", hint=hint)
    return value


def line(field: str, value: str, longest: int) -> str:
    """``value`` without surrounding space: one line of 1 to ``longest`` characters, or :class:`Invalid`."""
    value = value.strip()
    if not value or len(value) > longest or _CONTROL.search(value):
        raise Invalid(f"The {field} takes 1 to {longest} characters on one line.")
    return value


def optional_line(field: str, value: str, longest: int) -> str:
    """As :func:`line`, or nothing."""
    return line(field, value, longest) if value.strip() else ""


def text(field: str, value: str, longest: int) -> str:
    """``value`` without surrounding space: at most ``longest`` characters of text, or :class:`Invalid`."""
    value = value.strip()
    if len(value) > longest or _CONTROL_IN_TEXT.search(value):
        raise Invalid(f"The {field} takes at most {longest} characters, without control characters.")
    return value
