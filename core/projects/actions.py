"""The verbs of projects: start one, and move it along its lifecycle."""

from __future__ import annotations

import re

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from core.access import policy
from core.access.policy import Actor, Scope
from core.access.tables import Team
from core.activity import events
from core.activity.recording import record
from core.catalog import actions as catalog
from core.catalog.kinds import API_VERSION
from core.errors import Conflict, Invalid, NotFound
from core.projects.tables import Project

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

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def create(
    session: Session,
    *,
    actor: Actor,
    project_id: str,
    title: str,
    team_id: str,
    summary: str = "",
    stage: str = "explore",
    registered_model: str = "",
    key_metric: str = "",
    higher_is_better: bool = True,
    demo: bool = False,
) -> Project:
    """Start a project of a team; ``registered_model`` and ``key_metric`` tie it to its model in MLflow."""
    team = _team(session, team_id)
    policy.require(actor, "project.create", Scope(team.unit_id, team.id))
    if stage not in ACTIVE_STAGES:
        raise Invalid(f"A project cannot start as {stage!r}.", hint=f"Possible: {', '.join(ACTIVE_STAGES)}.")
    project = Project(
        id=_slug(project_id), title=_line("title", title, 140), summary=_text("summary", summary, 1000),
        team_id=team.id, unit_id=team.unit_id, stage=stage,
        registered_model=_optional_line("registered model", registered_model, 250),
        key_metric=_optional_line("key metric", key_metric, 250), higher_is_better=higher_is_better, demo=demo,
    )  # fmt: skip
    if session.get(Project, project.id) is not None:
        raise _taken(project.id)
    session.add(project)
    try:
        session.flush()
    except IntegrityError as error:  # on PostgreSQL two people may choose the same id at once
        raise _taken(project.id) from error
    _publish(session, project)
    record(session, actor, events.ProjectCreated(f"project:{project.id}", team=team.id, stage=stage))
    return project


def move(session: Session, *, actor: Actor, project_id: str, stage: str, finding: str = "") -> Project:
    """Move a project to another stage; stopping needs the finding and closing the retrospective, as ``finding``."""
    project = locked(session, project_id)
    policy.require(actor, "project.create", scope_of(project))
    if stage not in STAGES:
        raise Invalid(f"{stage!r} is not a stage.", hint=f"Possible: {', '.join(STAGES)}.")
    if stage not in NEXT_STAGES[project.stage]:
        following = " or ".join(NEXT_STAGES[project.stage]) or "nowhere: this stage is final"
        raise Conflict(f"{project.title} is in stage {project.stage}.", hint=f"From there it moves to {following}.")
    if stage not in ACTIVE_STAGES and not finding.strip():
        wanted = "finding" if stage == "stopped" else "retrospective"
        raise Invalid(f"A project is not {stage} without its {wanted}.", hint="Say what the next team should know.")
    before, project.stage = project.stage, stage
    project.finding = _text("finding", finding, 2000) or project.finding
    session.add(project)
    _publish(session, project)
    record(session, actor, events.ProjectMoved(f"project:{project.id}", before, stage, finding=project.finding))
    return project


def scope_of(project: Project) -> Scope:
    """Where a project belongs."""
    return Scope(project.unit_id, project.team_id, project.id)


def is_project_id(value: str) -> bool:
    """Whether ``value`` can be a project's id: lower-case letters and digits, joined by single '-'."""
    return len(value) <= 63 and _SLUG.fullmatch(value) is not None


def _publish(session: Session, project: Project) -> None:
    """Keep the project's entry in the catalog, where the next team finds it with its finding."""
    session.flush()
    spec = {
        "owner": project.team_id, "unit": project.unit_id or "", "stage": project.stage, "problem": project.summary,
        "finding": project.finding, "classification": "internal",
    }  # fmt: skip
    metadata = {"name": project.id, "title": project.title, "description": project.summary or project.title}
    document = {"apiVersion": API_VERSION, "kind": "project", "metadata": metadata, "spec": spec}
    catalog.register(session, document=document, demo=project.demo)
    session.refresh(project)


# --- shared ----------------------------------------------------------------------------------------------------------


def locked(session: Session, project_id: str) -> Project:
    """The project, locked, so that two changes to it come one after the other."""
    found = session.get(Project, project_id, with_for_update=True) if is_project_id(project_id) else None
    if found is None:
        raise NotFound(f"No project {project_id!r}.", hint="The projects list shows all of them.")
    return found


def _team(session: Session, team_id: str) -> Team:
    found = session.get(Team, team_id) if is_project_id(team_id) else None
    if found is None or not found.active:
        raise NotFound(f"No team {team_id!r}.", hint="An administrator adds teams.")
    return found


def _taken(project_id: str) -> Conflict:
    return Conflict(f"A project {project_id} exists already.", hint="Choose another id.")


def _slug(value: str) -> str:
    if not is_project_id(value):
        hint = "Use lower-case letters and digits, joined by single '-'."
        raise Invalid(f"{value!r} does not name a project.", hint=hint)
    return value


def _line(field: str, value: str, longest: int) -> str:
    value = value.strip()
    if not value or len(value) > longest or _CONTROL.search(value):
        raise Invalid(f"The {field} takes 1 to {longest} characters on one line.")
    return value


def _optional_line(field: str, value: str, longest: int) -> str:
    return _line(field, value, longest) if value.strip() else ""


def _text(field: str, value: str, longest: int) -> str:
    value = value.strip()
    if len(value) > longest or _CONTROL_IN_TEXT.search(value):
        raise Invalid(f"The {field} takes at most {longest} characters, without control characters.")
    return value
