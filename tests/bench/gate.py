"""P6: the gate's answer over HTTP at size L, beside an empty endpoint of the same server, with eight clients at once.

The server is the API as the launcher mounts it, in a process of its own, with one more route that answers nothing. Every
question is about another version: some are approved by two signatures, some suspended, some were never reviewed. Each answer
reads the token, the facts and the policy, and is appended to a log of a million records in its own transaction.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, text
from sqlmodel import Session

from core import db
from core.access import policy
from core.access.tables import Person
from core.activity.tables import Activity
from core.evidence.tables import EvidenceCheck, EvidenceSnapshot
from core.people import actions as people
from core.projects.tables import ProjectTracking
from core.reviews import sealing
from core.reviews.record import stamp
from core.reviews.tables import ChecklistVersion, ReviewCase, Signature
from core.tracking.tables import MirrorModel, MirrorServer, MirrorVersion
from tests.bench import measuring
from tests.bench.search import DATABASES, fill, store
from tests.conftest import free_port, wait_for

GOAL = 3.0
CLIENTS, ROUNDS, EACH = 8, 10, 40
"""So many clients ask so often in each of so many rounds, of the gate and of the empty endpoint in turn."""
VERSIONS = 10
"""Versions of each project's model."""
STATES = ("approved",) * 7 + ("suspended", "in review", "")
"""State of the case of each of them; nothing for a version without one."""
CHUNK = 2000
ROLES = ("model validator", "reviewer")
SUBJECT = "5" * 64


def build(entries: int, projects: int, activities: int) -> str:
    """Fill the store and the log; returns the secret of a token that may ask the gate."""
    fill(entries, projects)
    house = policy.system("bench")
    with db.writing() as session:
        if not db.is_sqlite(session):  # the generator gives its entries numbers of its own
            session.execute(text("SELECT setval(pg_get_serial_sequence('entry', 'id'), (SELECT max(id) FROM entry))"))
    from core.catalog import loader

    loader.load(policy.system("loader"))
    with db.writing() as session:
        session.execute(text("UPDATE project SET stage = 'operate', tier = 'limited', classification = 'internal'"))
        _build_models(session, [one for (one,) in session.execute(text("SELECT id FROM project ORDER BY id"))])
        _, secret = people.create_token(session, actor=house, name="bench", scopes=["gate:ask"])
    with db.writing() as session:
        _build_log(session, activities)
    with db.engine().connect() as connection:
        if not db.is_sqlite(connection):
            settled = connection.execution_options(isolation_level="AUTOCOMMIT")
            settled.execute(text("VACUUM ANALYZE"))
            settled.execute(text("CHECKPOINT"))  # what was just built is written out, and not while the gate is asked
    return secret


def _build_models(session: Session, projects: list[str]) -> None:
    at = db.now() - timedelta(hours=1)
    session.add(MirrorServer(id=1, uri="http://mlflow", synced_at=at))
    entry = session.execute(text("SELECT id FROM entry WHERE key = 'checklist:default/model-release'")).scalar_one()
    session.add(
        ChecklistVersion(id=1, entry_id=entry, version="1.0.0", content_hash="", state="published", authored_by="bench")
    )
    session.add_all(Person(id=f"p-signer-{number}", name=f"Signer {number}") for number in range(len(ROLES)))
    session.flush()
    numbers = itertools.count(1)
    for chunk in db.batches(projects, CHUNK // VERSIONS):
        rows: dict[Any, list[dict[str, Any]]] = {}
        for project in chunk:
            for table, row in _of_project(project, at, numbers):
                rows.setdefault(table, []).append(row)
        for table in (
            MirrorModel,
            MirrorVersion,
            ProjectTracking,
            EvidenceSnapshot,
            EvidenceCheck,
            ReviewCase,
            Signature,
        ):
            session.execute(insert(table), rows[table])


def _of_project(project: str, at: Any, numbers: Iterator[int]) -> Iterator[tuple[Any, dict[str, Any]]]:
    model = name_of(project)
    yield MirrorModel, {"server_id": 1, "name": model, "description": "", "tags": {}, "updated_ms": 0}
    yield ProjectTracking, {"kind": "model", "name": model, "project_id": project}
    for version, state in enumerate(STATES, 1):
        run = {"run_id": f"{model}-{version}", "source": f"models:/m-{version}"}
        yield (
            MirrorVersion,
            {"server_id": 1, "model": model, "version": str(version), "tags": {}, "created_at": at, **run},
        )
        if state:
            yield from _case(next(numbers), project, model, str(version), state, run, at)


def _case(
    number: int, project: str, model: str, version: str, state: str, run: dict[str, str], at: Any
) -> Iterator[tuple[Any, dict[str, Any]]]:
    metrics = {f"metric_{one}": {"value": one / 50, "text": "", "history": 1} for one in range(50)}
    content = {"source": {"model": model, "version": version, **run}, "metrics": metrics, "artifacts": {}}
    yield EvidenceSnapshot, {
        "id": number, "model": model, "version": version, "subject_digest": SUBJECT, "digest": "", "content": content,
        "taken_at": at, "taken_by": "bench",
    }  # fmt: skip
    yield EvidenceCheck, {"snapshot_id": number, "outcome": "same", "differences": [], "checked_at": at}
    yield ReviewCase, {
        "id": number, "checklist_id": 1, "project_id": project, "kind": "model", "name": model, "version": version,
        "subject_digest": SUBJECT, "snapshot_id": number, "tier": "limited", "facts": {}, "items": [],
        "quorum": dict.fromkeys(ROLES, 1), "environments": ["test", "production"], "state": state, "owner": "bench",
        "opened_at": at, "decided_at": at, "expires_at": at + timedelta(days=365),
    }  # fmt: skip
    subject = {"kind": "model", "name": model, "version": version, "digest": SUBJECT}
    for place, role in enumerate(ROLES):
        said = {"case": number, "subject": subject, "role": role, "record_hash": SUBJECT, "signed_at": stamp(at)}
        yield Signature, {
            "case_id": number, "person_id": f"p-signer-{place}", "printed_name": f"Signer {place}", "role": role,
            "meaning": "approval", "decision": "approve", "record_hash": SUBJECT, "payload": sealing.payload(said),
            "signature": "", "key": "", "signed_at": at,
        }  # fmt: skip


def _build_log(session: Session, count: int) -> None:
    """So many records; their hashes are those of nothing, because nobody verifies them here."""
    head = session.execute(text("SELECT max(seq) FROM activity")).scalar_one() or 0
    numbers = f"SELECT {head + 1} AS seq UNION ALL SELECT seq + 1 FROM numbers WHERE seq < {head + count}"
    padded = "printf('%064x', seq)" if db.is_sqlite(session) else "lpad(to_hex(seq), 64, '0')"
    columns = ", ".join(one.name for one in Activity.__table__.columns)  # type: ignore[attr-defined]
    session.execute(
        text(
            f"WITH RECURSIVE numbers AS ({numbers}) INSERT INTO activity ({columns}) SELECT seq, "
            f"'2025-06-01T00:00:00.000000Z', 'system:bench', 'gate-asked', 'model:bench', '{{}}', '', {padded} FROM numbers"
        )
    )


def name_of(project: str) -> str:
    """The name of the model of a project."""
    return f"unit.{project}.score"


def serve(port: int) -> None:
    """The API with one more route, until a signal ends it."""
    import uvicorn
    from starlette.applications import Starlette

    from core import api
    from core.api import factory

    made = factory.application()

    @made.get("/v1/empty")
    def empty() -> dict[str, str]:
        return {}

    factory.application = lambda: made
    uvicorn.run(Starlette(routes=api.routes()), host="127.0.0.1", port=port, log_level="warning", access_log=False)


@contextmanager
def server() -> Iterator[int]:
    """A process that serves; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.gate", "--serve", str(port)], env=os.environ)
    try:
        wait_for(f"http://127.0.0.1:{port}/api/v1/health", process=process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def ask(port: int, secret: str, paths: list[str]) -> list[tuple[float, str]]:
    """What one client meets on one connection: milliseconds, and the verdict or what went wrong."""
    connection, met = http.client.HTTPConnection("127.0.0.1", port, timeout=30), []
    for path in paths:
        start = time.perf_counter()
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {secret}"})
            answer = connection.getresponse()
            body = answer.read()
            said = json.loads(body).get("verdict", "empty") if answer.status == 200 else f"error {answer.status}"
        except (OSError, ValueError, http.client.HTTPException) as error:
            said = f"error {type(error).__name__}"
        met.append(((time.perf_counter() - start) * 1000, said))
    connection.close()
    return met


def measure(database: str, entries: int, projects: int, activities: int) -> dict[str, Any]:
    """Both in turn, warm; milliseconds."""
    with store(database):
        took = time.perf_counter()
        secret = build(entries, projects, activities)
        took = time.perf_counter() - took
        questions = itertools.cycle(
            f"/api/v1/gates/{name_of(f'project-{number % projects:04}')}/{number % VERSIONS + 1}?environment=production"
            for number in itertools.count(0, 7919)
        )
        with server() as port, ThreadPoolExecutor(CLIENTS) as pool:
            met: dict[str, list[tuple[float, str]]] = {"empty": [], "gate": []}
            for number in range(ROUNDS + 1):
                for name in met:
                    paths = [
                        [next(questions) if name == "gate" else "/api/v1/empty" for _ in range(EACH)]
                        for _ in range(CLIENTS)
                    ]
                    round_ = [one for part in pool.map(lambda some: ask(port, secret, some), paths) for one in part]
                    met[name] += round_ if number else []  # the first round warms up
    return _row(database, met, took)


def _row(database: str, met: dict[str, list[tuple[float, str]]], took: float) -> dict[str, Any]:
    times = {name: [one for one, _ in some] for name, some in met.items()}
    said = [word for _, word in met["gate"]]
    row: dict[str, Any] = {"database": database, "build s": took, "answers": len(said)}
    row |= {word: said.count(word) for word in ("allowed", "denied")}
    row["errors"] = sum(word.startswith("error") for some in met.values() for _, word in some)
    for name, some in times.items():
        row |= {f"{name} p50 ms": measuring.median(some), f"{name} p95 ms": measuring.p95(some)}
    row["p95 gate / empty"] = row["gate p95 ms"] / row["empty p95 ms"]
    return row


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--projects", type=int, default=2_000)
    parser.add_argument("--activities", type=int, default=1_000_000)
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return 0
    rows = [measure(one, given.entries, given.projects, given.activities) for one in given.database]
    measuring.report("gate", rows)
    print(f"Goal: the gate's p95 within {GOAL:g} times that of the empty endpoint, and no errors.")
    return int(any(row["errors"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
