"""A project in operation with a model in MLflow's mirror, and review cases about its versions as they stand once decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from core import db
from core.access.tables import Person
from core.catalog.tables import Entry
from core.evidence.tables import EvidenceCheck, EvidenceSnapshot
from core.people import actions as people
from core.projects import actions as projects
from core.projects.tables import Project
from core.reviews import sealing
from core.reviews.record import stamp
from core.reviews.tables import ChecklistVersion, Condition, ReviewCase, Signature, Waiver
from core.tracking.tables import MirrorModel, MirrorServer, MirrorVersion
from tests.conftest import SYSTEM

MODEL = "retail.churn.leaves"
RELEASE = "checklist:default/model-release"
QUORUM = {"model validator": 1, "reviewer": 1}
SUBJECT = "5" * 64
RECORD = "c" * 64


def mirrored(
    session: Session, model: str = MODEL, *versions: str, gone: bool = False, uri: str = "http://mlflow"
) -> None:
    """A mirror that was synced just now and has these versions (3 unless told), each from a run of its own."""
    server = session.exec(select(MirrorServer).where(MirrorServer.uri == uri)).first() or MirrorServer(uri=uri)
    server.synced_at = db.now()
    session.add(server)
    session.flush()
    session.add(MirrorModel(server_id=server.id or 0, name=model))
    session.flush()
    for version in versions or ("3",):
        session.add(
            MirrorVersion(
                server_id=server.id or 0, model=model, version=version, run_id=f"run-{version}",
                source=f"models:/m-{version}", gone_at=db.now() if gone else None,
            )
        )  # fmt: skip
    session.flush()


def owned(stage: str = "operate", *, tier: str = "limited", model: str = MODEL, **details: Any) -> None:
    """A project that owns the model."""
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="cards", name="Cards")
        made = projects.create(
            session, actor=SYSTEM, project_id="churn", title="Churn", team_id="cards", stage=stage,
            registered_model=model, **details,
        )  # fmt: skip
        made.tier = tier
        session.add(made)


def set_project(**values: Any) -> None:
    """Change columns of the project."""
    with db.writing() as session:
        project = session.get_one(Project, "churn")
        for name, value in values.items():
            setattr(project, name, value)
        session.add(project)


def checklist(session: Session, key: str = RELEASE) -> int:
    """A published version of a checklist of the catalog; made when there is none."""
    entry = session.exec(select(Entry).where(Entry.key == key)).one()
    found = session.exec(select(ChecklistVersion).where(ChecklistVersion.entry_id == entry.id)).first()
    if found is None:
        found = ChecklistVersion(
            entry_id=entry.id or 0,
            version="1.0.0",
            content_hash="0" * 64,
            state="published",
            authored_by="system:loader",
        )
        session.add(found)
        session.flush()
    return found.id or 0


def evidence(session: Session, model: str = MODEL, version: str = "3", *, outcome: str = "same") -> int:
    """A copy of evidence on the version, compared with MLflow just now."""
    source = {"model": model, "version": version, "run_id": f"run-{version}", "source": f"models:/m-{version}"}
    content = {"source": source, "artifacts": {"model/model.skops": {"size": 12, "sha256": "a" * 64}}}
    made = EvidenceSnapshot(
        model=model, version=version, subject_digest=SUBJECT, digest="d" * 64, content=content, taken_by="system:test"
    )
    session.add(made)
    session.flush()
    if outcome:
        session.add(EvidenceCheck(snapshot_id=made.id or 0, outcome=outcome))
        session.flush()
    return made.id or 0


def case(key: str = RELEASE, *, version: str = "3", model: str = MODEL, signed: bool = True, **changes: Any) -> int:
    """A case about the version, approved an hour ago for a year, with these columns otherwise; returns its id."""
    at = db.now() - timedelta(hours=1)
    with db.writing() as session:
        columns: dict[str, Any] = {
            "checklist_id": checklist(session, key), "project_id": "churn", "kind": "model", "name": model,
            "version": version, "subject_digest": SUBJECT, "snapshot_id": evidence(session, model, version),
            "tier": "limited", "quorum": QUORUM, "environments": ["development", "test", "production"],
            "state": "approved", "owner": "person:p-owner", "submitted_at": at, "decided_at": at,
            "expires_at": at + timedelta(days=365), **changes,
        }  # fmt: skip
        made = ReviewCase(**columns)
        session.add(made)
        session.flush()
        if signed:
            for role in QUORUM:
                sign(session, made.id or 0, role)
        return made.id or 0


def sign(session: Session, case_id: int, role: str, **changes: Any) -> None:
    """A signature of a new person in a role under an approval."""
    person = people.add_person(session, actor=SYSTEM, name=f"{role.capitalize()} {case_id}")
    about = session.get_one(ReviewCase, case_id)
    subject = {"kind": about.kind, "name": about.name, "version": about.version, "digest": about.subject_digest}
    at = db.now() - timedelta(hours=1)
    payload = sealing.payload(
        {"case": case_id, "subject": subject, "signer": f"person:{person.id}", "name": person.name, "role": role,
         "meaning": "approval", "decision": "approve", "record_hash": RECORD, "signed_at": stamp(at)}
    )  # fmt: skip
    signature, key = sealing.seal(payload)
    columns: dict[str, Any] = {
        "case_id": case_id, "person_id": person.id, "printed_name": person.name, "role": role, "meaning": "approval",
        "decision": "approve", "record_hash": RECORD, "payload": payload, "signature": signature, "key": key,
        "signed_at": at, **changes,
    }  # fmt: skip
    session.add(Signature(**columns))
    session.flush()


def change(case_id: int, **values: Any) -> None:
    """Change columns of a case."""
    with db.writing() as session:
        found = session.get_one(ReviewCase, case_id)
        for name, value in values.items():
            setattr(found, name, value)
        session.add(found)


def add(*rows: Any) -> None:
    """Add rows."""
    with db.writing() as session:
        session.add_all(rows)


def condition(case_id: int, *, days: int = 7, **changes: Any) -> None:
    """A condition of the case that is due in so many days; until then test is open."""
    with db.writing() as session:
        owner = session.exec(select(Person.id).order_by(col(Person.id))).first()
        columns: dict[str, Any] = {
            "case_id": case_id, "text": "Measure drift weekly.", "owner_id": owner, "environments": ["test"],
            "due_on": (db.now() + timedelta(days=days)).date(), "set_by": "person:p-1", **changes,
        }  # fmt: skip
        session.add(Condition(**columns))


def waiver(case_id: int, *, hours: float = 24, **changes: Any) -> None:
    """A waiver of an item that ends in so many hours."""
    moment = db.now()
    columns: dict[str, Any] = {
        "case_id": case_id, "item_id": "MOD-13", "reason": "Too few rows.", "control": "A person decides.",
        "environments": ["production"], "requested_by": "person:p-1", "approved_by": "person:p-2",
        "approved_at": moment, "expires_at": moment + timedelta(hours=hours), **changes,
    }  # fmt: skip
    add(Waiver(**columns))
