"""A bank that has a model reviewed by a small checklist: its people, and what they do, through the public verbs.

MLflow is not asked: the mirror and the copies of evidence are written as they would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlmodel import col

from core import db
from core.access.policy import Actor
from core.activity import queries as activity
from core.catalog import actions as catalog
from core.evidence.tables import EvidenceFile, EvidenceSnapshot
from core.people import actions as people
from core.people import notices
from core.projects import actions as projects
from core.projects.tables import Project
from core.reviews import answering, assigning, moving, opening, requesting, standing
from core.reviews.states import Standing
from core.reviews.tables import CaseAnswer, CaseSeat, ChecklistVersion, ReviewCase
from core.tracking.tables import MirrorModel, MirrorServer, MirrorVersion
from tests.conftest import SYSTEM

Make = Callable[..., Actor]

MODEL = "lending.churn.score"
ITEMS: tuple[dict[str, Any], ...] = (
    {"id": "TXT-1", "type": "text", "question": "Which decision is it meant for?", "blockingFor": ["high"]},
    {"id": "YES-1", "type": "boolean", "question": "Is somebody told?"},
    {"id": "OPT-1", "type": "choice", "question": "Who decides?", "options": ["person", "machine"]},
    {"id": "NUM-1", "type": "number", "question": "How many a year?", "unit": "decisions"},
    {
        "id": "MET-1", "type": "metric", "question": "Is it accurate?", "blockingFor": ["minimal", "limited", "high"],
        "evidence": {"check": "metric_at_least", "parameters": {"metric": "accuracy", "value": 0.8}},
    },
    {
        "id": "MET-2", "type": "text", "question": "Why is its recall enough?",
        "evidence": {"check": "metric_at_least", "parameters": {"metric": "recall", "value": 0.5}},
    },
)  # fmt: skip
ANSWERS: dict[str, Any] = {
    "TXT-1": "Whom to call.",
    "YES-1": True,
    "OPT-1": "person",
    "NUM-1": 1200,
    "MET-2": "Calls cost little.",
}
"""What the team answers when nothing else is asked of it."""
QUORUM = {"model validator": 1, "reviewer": 1}


def checklist(
    items: Iterable[Mapping[str, Any]] = ITEMS, *, name: str = "small", version: str = "1.0.0", **spec: Any
) -> int:
    """A published version of a checklist; returns the id of its entry."""
    lines = [{"summary": one["id"], **one} for one in items]
    sections = [{"title": "All", "items": lines}]
    content = {"owner": "platform", "version": version, "appliesTo": "model", "quorum": QUORUM, "sections": sections}
    document = {
        "apiVersion": "factory/v1", "kind": "checklist",
        "metadata": {"name": name, "title": name.capitalize(), "description": "Asks.", "tags": ["fairness"]},
        "spec": {**content, "sections": [{"title": "All", "items": [_listed(one) for one in lines]}]},
    }  # fmt: skip
    with db.writing() as session:
        entry_id = catalog.register(session, document=document)
        made = ChecklistVersion(
            entry_id=entry_id, version=version, content_hash="0" * 64, content={**content, **spec}, state="published",
            authored_by="system:loader", published_by="system:loader", published_at=db.now(),
        )  # fmt: skip
        session.add(made)
    return entry_id


def _listed(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("id", "summary", "question")}


def mirror(version: str, model: str = MODEL, **values: Any) -> None:
    """Let the mirror know a version of a model."""
    with db.writing() as session:
        if session.get(MirrorServer, 1) is None:
            session.add(MirrorServer(id=1, uri="http://mlflow", synced_at=db.now()))
            session.flush()
        if session.get(MirrorModel, (1, model)) is None:
            session.add(MirrorModel(server_id=1, name=model))
            session.flush()
        session.add(MirrorVersion(server_id=1, model=model, version=version, **values))


def evidence(
    version: str = "1", *, model: str = MODEL, people_: Iterable[str] = (), digest: str = "", **metrics: float
) -> int:
    """A copy of the evidence on a version; returns its id."""
    figures = {"accuracy": 0.9, "recall": 0.7, **metrics}
    content = {
        "source": {"server": "http://mlflow", "model": model, "version": version, "run_id": "r", "model_id": "",
                   "source": "", "created_at": "2026-03-01T09:00:00Z"},
        "metrics": {name: {"value": value, "text": "", "history": 1, "overwritten": False, "dataset": "", "digest": ""}
                    for name, value in figures.items()},
        "tags": {}, "params": {}, "datasets": [], "signature": None, "example": False, "artifacts": {}, "contents": {},
        "environment": {}, "people": list(people_),
    }  # fmt: skip
    with db.writing() as session:
        made = EvidenceSnapshot(
            model=model, version=version, subject_digest=digest or f"{version:0>64}", digest=f"{hash(str(figures)):x}"[-40:],
            content=content, taken_by="system:evidence",
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id or 0


def upload(case_id: int, actor: Actor, name: str = "plan.pdf") -> int:
    """A file for a case, as if it had been uploaded; returns its id."""
    with db.writing() as session:
        made = EvidenceFile(
            subject=f"case:{case_id}", name=name, sha256="a" * 64, size=3, media_type="application/pdf",
            uploaded_by=actor.ref,
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id or 0


@dataclass
class House:
    """``ada`` and ``ben`` work in the project churn; ``vera`` and ``rita`` review, ``victor`` and ``rolf`` could too."""

    person: Make
    ada: Actor
    ben: Actor
    vera: Actor
    rita: Actor
    entry_id: int

    # --- doing -------------------------------------------------------------------------------------------------------

    def do(self, verb: Any, actor: Actor, **given: Any) -> Any:
        """Call an action in a transaction of its own."""
        with db.writing() as session:
            return verb(session, actor=actor, **given)

    def open(self, actor: Actor | None = None, *, version: str = "1", **more: Any) -> int:
        """A case on a version of the model; returns its id."""
        given = {"project_id": "churn", "checklist": self.entry_id, "kind": "model", "name": MODEL} | more
        made: ReviewCase = self.do(opening.open_case, actor or self.ada, version=version, **given)
        return made.id or 0

    def attach(self, case_id: int, actor: Actor | None = None, **more: Any) -> int:
        """Attach a new copy of evidence; returns its id."""
        snapshot_id = evidence(self.case(case_id).version, **more)
        self.do(opening.attach, actor or self.ada, case_id=case_id, snapshot_id=snapshot_id)
        return snapshot_id

    def answer(
        self, case_id: int, item_id: str, value: Any = None, *, actor: Actor | None = None, **more: Any
    ) -> CaseAnswer:
        """Answer an item on top of what stands there."""
        given = {"revision": self.revision(case_id, item_id), "item_id": item_id, "value": value} | more
        made: CaseAnswer = self.do(answering.answer, actor or self.ada, case_id=case_id, **given)
        return made

    def ready(self, **more: Any) -> int:
        """A draft with evidence and every item answered; returns its id."""
        case_id = self.open(**more)
        self.attach(case_id)
        for item_id, value in ANSWERS.items():
            self.answer(case_id, item_id, value)
        return case_id

    def submit(self, case_id: int) -> None:
        """What a signature of the owner leads to, without the signature."""
        with db.writing() as session:
            case = moving.locked_case(session, self.ada, case_id)
            case.submitted_by, case.submitted_at = self.ada.ref, db.now()
            moving.move(session, self.ada, case, "submit")
            assigning.assign(session, actor=SYSTEM, case_id=case_id)

    def reviewed(self, **more: Any) -> int:
        """A case that is in review by ``vera`` and ``rita``; returns its id."""
        case_id = self.ready(**more)
        self.submit(case_id)
        assert self.case(case_id).state == "in review"
        return case_id

    def send_back(self, case_id: int, actor: Actor | None = None, **items: str) -> None:
        """Ask for changes; ``TXT_1`` names the item TXT-1."""
        named = {name.replace("_", "-"): words for name, words in items.items()}
        self.do(requesting.request_changes, actor or self.vera, case_id=case_id, items=named)

    def set(self, table: Any, key: Any, **values: Any) -> None:
        """Write into a row, as time or another part of the portal would."""
        with db.writing() as session:
            session.execute(update(table).where(col(table.id) == key).values(**values))

    def tier(self, tier: str) -> None:
        """Let the project have a tier."""
        self.set(Project, "churn", tier=tier)

    # --- looking -----------------------------------------------------------------------------------------------------

    def case(self, case_id: int) -> ReviewCase:
        with db.reading() as session:
            return session.get_one(ReviewCase, case_id)

    def revision(self, case_id: int, item_id: str) -> int:
        with db.reading() as session:
            last = standing.last_answers(session, case_id).get(item_id)
        return last.revision if last else 0

    def answers(self, case_id: int) -> dict[str, CaseAnswer]:
        with db.reading() as session:
            return standing.last_answers(session, case_id)

    def standings(self, case_id: int) -> dict[str, Standing]:
        with db.reading() as session:
            return {one.item: one for one in standing.standings(session, session.get_one(ReviewCase, case_id))}

    def seats(self, case_id: int) -> list[CaseSeat]:
        with db.reading() as session:
            return assigning.seats(session, session.get_one(ReviewCase, case_id))

    def seated(self, case_id: int) -> dict[str, str]:
        """Person id → role."""
        return {one.person_id: one.role for one in self.seats(case_id)}

    def log(self, case_id: int, event: str = "") -> list[dict[str, Any]]:
        """What the activity log says of a case, oldest first."""
        with db.reading() as session:
            lines = activity.object_history(session, SYSTEM, f"case:{case_id}")
        return [one.data for one in reversed(lines) if event in ("", one.event)]

    def told(self, actor: Actor) -> list[str]:
        """What a person was told and has not read, newest first."""
        with db.reading() as session:
            return [one.text for one in notices.unread(session, actor, limit=100)]


def build(person: Make) -> House:
    """The bank, with version 1 of its model in the mirror."""
    with db.writing() as session:
        people.add_unit(session, actor=SYSTEM, unit_id="lending", name="Lending")
        people.add_unit(session, actor=SYSTEM, unit_id="retail", name="Retail")
        people.add_team(session, actor=SYSTEM, team_id="risk", name="Risk", unit_id="lending")
        people.add_team(session, actor=SYSTEM, team_id="platform", name="Platform")
        projects.create(
            session, actor=SYSTEM, project_id="churn", title="Churn", team_id="risk", stage="operate",
            registered_model=MODEL, modality="tabular",
        )  # fmt: skip
    made = House(
        person, person("data scientist", team="risk", name="Ada"), person("data scientist", team="risk", name="Ben"),
        person("model validator", name="Vera"), person("reviewer", name="Rita"), checklist(),
    )  # fmt: skip
    made.tier("high")
    mirror("1")
    return made
