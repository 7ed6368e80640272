"""A bank that starts projects from a small template; its people and what they do, through the public verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core import db
from core.access.policy import Actor
from core.catalog import actions as catalog
from core.patterns import approvals, use
from core.projects import actions as projects
from core.projects.tables import Project
from core.templates import publishing, queries, requests, sending, work
from core.templates.requests import Wish
from core.templates.snapshot import File, Snapshot
from tests.conftest import SYSTEM

Make = Callable[..., Actor]

QUESTIONS = """\
_subdirectory: project
project_id:
  type: str
  help: The project's name
  default: churn
  validator: "{% if not project_id.replace('-', '').isalnum() %}Letters and digits.{% endif %}"
colour:
  type: str
  help: A colour
  choices: [red, green]
  default: red
shade:
  type: int
  help: How dark
  default: 3
  when: "{{ colour == 'green' }}"
key:
  type: str
  help: A key for the service
  secret: true
  default: ""
"""
README = "# {{ project_id }}\n\nIt is {{ colour }}{% if colour == 'green' %}, shade {{ shade }}{% endif %}.\n"
CODE = "def colour():\n    return '{{ colour }}'\n\n\ndef size():\n    return 1\n"


def template(readme: str = README, code: str = CODE, questions: str = QUESTIONS, **more: str) -> Snapshot:
    """A small template of the portal's own kind."""
    files = {
        "copier.yml": questions, "project/README.md.jinja": readme, "project/src/paint.py.jinja": code,
        "project/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers|to_nice_yaml }}\n",
    } | more  # fmt: skip
    return Snapshot({path: File(text.encode()) for path, text in files.items()})


def entry(name: str = "painter", **spec: Any) -> int:
    """A template's entry in the catalog."""
    document = {
        "apiVersion": "factory/v1", "kind": "template",
        "metadata": {"name": name, "title": name.capitalize(), "description": "Paints."},
        "spec": {"owner": "platform", "version": "0.1.0", **spec},
    }  # fmt: skip
    with db.writing() as session:
        return catalog.register(session, document=document)


@dataclass
class House:
    """``ada`` works in the project churn; ``mel`` and ``max`` are ML engineers who propose, publish and approve."""

    person: Make
    ada: Actor
    mel: Actor
    max: Actor
    entry_id: int
    version_id: int = 0

    def publish(self, files: Snapshot | None = None, version: str = "1.0.0", **more: Any) -> int:
        """Propose and publish a version; returns its id."""
        reading = publishing.read(files or template())
        with db.writing() as session:
            made = publishing.propose(
                session, actor=self.mel, entry_id=self.entry_id, version=version, reading=reading, source="painter.zip",
                **more,
            )  # fmt: skip
            publishing.publish(session, actor=self.max, version_id=made.id or 0)
            return made.id or 0

    def send(
        self,
        answers: Mapping[str, Any] | None = None,
        *,
        actor: Actor | None = None,
        project: str = "churn",
        **more: Any,
    ) -> int:
        """Ask for the template; returns the request's id."""
        wish = Wish(answers or {}, **more)
        made = sending.send(actor or self.ada, project_id=project, version_id=self.version_id, wish=wish)
        return made.id or 0

    def approve(self, request_id: int, actor: Actor | None = None) -> None:
        with db.writing() as session:
            requests.approve(session, actor=actor or self.mel, request_id=request_id)

    def delivered(self, answers: Mapping[str, Any] | None = None, **more: Any) -> int:
        """A request that went all the way; returns its id."""
        request_id = self.send(answers, **more)
        self.approve(request_id)
        work.work(SYSTEM)
        assert self.state(request_id) == "delivered", self.page(request_id).request.failure
        return request_id

    def page(self, request_id: int, actor: Actor | None = None) -> queries.RequestPage:
        with db.reading() as session:
            return queries.request(session, actor or self.mel, request_id)

    def state(self, request_id: int) -> str:
        return self.page(request_id, self.ada).request.state

    def result(self, request_id: int) -> Snapshot:
        with db.reading() as session:
            return queries.result(session, self.ada, request_id)


def start(project_id: str = "churn", team: str = "cards", *, reviewed: bool = True, **more: Any) -> None:
    """A project that is past its reuse review."""
    with db.writing() as session:
        made = projects.create(
            session, actor=SYSTEM, project_id=project_id, title=project_id.capitalize(), team_id=team,
            **({"region": "eu-west"} | more),
        )  # fmt: skip
        if reviewed:
            projects.note_reuse_review(session, made)


def stand_on_pattern(person: Make, project_id: str = "churn", region: str = "eu-west") -> str:
    """Let a project stand on an approved pattern whose one condition is the region; returns the pattern's key."""
    items = [
        {"by": "IT", "id": "IT-1", "scope": "Running it",
         "conditions": [{"text": "Inside the EU", "fact": "region", "allowed": ["eu-west"]}]}
    ]  # fmt: skip
    document = {
        "apiVersion": "factory/v1", "kind": "pattern",
        "metadata": {"name": "batch", "title": "Batch", "description": "At night."},
        "spec": {"owner": "platform", "version": "2.0.0", "problem": "Slow.", "preApprovals": items},
    }  # fmt: skip
    reviewer = person("reviewer", name="Rui Reviewer")
    with db.writing() as session:
        pattern_id = catalog.register(session, document=document)
        from datetime import timedelta

        approvals.approve_item(
            session, actor=reviewer, entry_id=pattern_id, version="2.0.0", item_id="IT-1", evidence="Ticket 17",
            expires_on=db.now().date() + timedelta(days=90), revision=1,
        )  # fmt: skip
    builder = person("ML engineer", name="Bo Builder")
    with db.writing() as session:
        use.use_pattern(
            session, actor=builder, project_id=project_id, entry_id=pattern_id, region=region, services={}, attested=[],
            revision=0, upgrade=False,
        )  # fmt: skip
    return "pattern:default/batch"


def project(project_id: str = "churn") -> Project:
    with db.reading() as session:
        return session.get_one(Project, project_id)
