"""Repositories of the demo organisation: asked for by its people, rendered by the real engine, none of it made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session, select

from core import db
from core.access import policy
from core.access import queries as access
from core.access.policy import Actor
from core.access.tables import Person
from core.catalog.tables import Entry
from core.projects.tables import Project
from core.templates import sending, work
from core.templates.requests import Wish
from core.templates.tables import TemplateRequest, TemplateVersion


@dataclass(frozen=True)
class Plan:
    """Somebody asks for a template for a project; ``what`` its model predicts ends the model's name."""

    person: str
    project: str
    template: str
    what: str
    note: str


PLANS = (
    Plan("Oluwaseun Adeyemi", "cheque-reader", "batch-pipeline", "digit", "The scripts of the first weeks go into one repository."),
    Plan("Linh Nguyen", "progression-forecast", "batch-pipeline", "progression", "We retrain by hand until now."),
)  # fmt: skip
"""The first one stands on an approved pattern and is delivered at once; the other one waits for an approver."""


def build(progress: Callable[[str], None]) -> None:
    """Ask for every repository that nobody asked for yet, and make those that are approved."""
    asked = [plan for plan in PLANS if _ask(plan)]
    work.work(policy.system("demo"))
    if asked:
        progress(f"{len(asked)} repositories were asked for; those on approved patterns are delivered.")


def _ask(plan: Plan) -> bool:
    with db.reading() as session:
        actor, project = _person(session, plan.person), session.get(Project, plan.project)
        version_id = _version(session, plan.template)
        if actor is None or project is None or version_id is None or _is_asked(session, plan, version_id):
            return False
    answers = {
        "project_id": project.id, "project_title": project.title, "project_summary": project.summary,
        "unit": project.unit_id or project.team_id, "team": project.team_id, "classification": project.classification,
        "tier": project.tier or "limited", "model_name": f"{project.unit_id}.{project.id}.{plan.what}",
    }  # fmt: skip
    wish = Wish(answers, note=plan.note)
    sending.send(actor, project_id=project.id, version_id=version_id, wish=wish, demo=True)
    return True


def _person(session: Session, name: str) -> Actor | None:
    person_id = session.exec(select(Person.id).where(Person.name == name, Person.demo)).first()
    return access.actor_for(session, person_id) if person_id else None


def _version(session: Session, template: str) -> int | None:
    newest = select(TemplateVersion.id).join(Entry).where(
        Entry.key == f"template:default/{template}", TemplateVersion.state == "published"
    )  # fmt: skip
    return session.exec(newest).first()


def _is_asked(session: Session, plan: Plan, version_id: int) -> bool:
    same = select(TemplateRequest.id).where(
        TemplateRequest.project_id == plan.project, TemplateRequest.version_id == version_id
    )
    return session.exec(same).first() is not None
