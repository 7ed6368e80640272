"""Writing the mirror: each verb is one part of a sync, stored in one transaction, the same however often it is told.

A sync asks MLflow outside transactions and then stores what it heard. ``moves`` counts what was stored: a sync that
finds it moved by another sync stops, so that older answers never overwrite newer ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, literal, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, SQLModel, col, select

from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.activity.events import Event
from core.activity.recording import record
from core.db import batches, is_sqlite, now
from core.errors import Conflict
from core.tracking.client import ExperimentRow, ModelRow, RunRow, VersionRow
from core.tracking.queries import subject
from core.tracking.tables import (
    MirrorAlias,
    MirrorExperiment,
    MirrorInput,
    MirrorMetric,
    MirrorModel,
    MirrorRun,
    MirrorServer,
    MirrorVersion,
)  # fmt: skip

BATCH = 500


@dataclass
class Mirrored:
    """A server's mirror as a sync found it, and moves on with it."""

    server_id: int
    moves: int
    synced_at: datetime | None
    swept_at: datetime | None
    run_watermark: int
    model_watermark: int
    experiment_watermark: int
    model_cursor: str


@dataclass(frozen=True)
class Registry:
    """What MLflow said of experiments and registered models; ``versions`` are all there are of ``complete_models``."""

    models: Sequence[ModelRow] = ()
    versions: Sequence[VersionRow] = ()
    complete_models: frozenset[str] = frozenset()
    vanished: frozenset[str] = frozenset()
    experiments: Sequence[ExperimentRow] = ()
    all_experiments: bool = False
    model_cursor: str = ""


@dataclass(frozen=True)
class Stored:
    """How many rows of the mirror a part of a sync wrote."""

    models: int = 0
    versions: int = 0
    events: list[Event] = field(default_factory=list)


def open_mirror(session: Session, *, actor: Actor, uri: str) -> Mirrored:
    """The mirror of the server at ``uri`` as it stands; made when there is none."""
    policy.require(actor, "admin.jobs")
    session.execute(_insert(session, MirrorServer).on_conflict_do_nothing(index_elements=["uri"]), [{
        "uri": uri, "failure": "", "run_watermark": 0, "took_ms": 0, "model_cursor": "", "moves": 0,
    }])  # fmt: skip
    server = session.exec(select(MirrorServer).where(MirrorServer.uri == uri)).one()
    here = server.id or 0
    newest_model = session.exec(select(func.max(MirrorModel.updated_ms)).where(MirrorModel.server_id == here)).one()
    newest = session.exec(select(func.max(MirrorExperiment.updated_ms)).where(MirrorExperiment.server_id == here)).one()
    return Mirrored(
        here, server.moves, server.synced_at, server.swept_at, server.run_watermark, newest_model or 0,
        -1 if newest is None else newest, server.model_cursor,
    )  # fmt: skip


def store_registry(session: Session, *, actor: Actor, mirrored: Mirrored, heard: Registry) -> Stored:
    """Store experiments, models, versions and aliases; record what is new, what moved and what vanished."""
    policy.require(actor, "admin.jobs")
    _move(session, mirrored, model_cursor=heard.model_cursor)
    _store_experiments(session, mirrored.server_id, heard)
    names = [model.name for model in heard.models]
    known = _known_models(session, mirrored.server_id, names)
    told: list[Event] = [
        events.ModelRegistered(subject(name)) for name in sorted(names) if name not in known or known[name].gone_at
    ]
    changed = [model for model in heard.models if not _is_same(model, known.get(model.name))]
    _upsert(session, MirrorModel, [_model_values(mirrored.server_id, model) for model in changed])
    _store_versions(session, mirrored.server_id, heard)
    told += _store_aliases(session, mirrored.server_id, heard.models)
    told += _mark_vanished(session, mirrored.server_id, heard.vanished)
    record(session, actor, *told)
    return Stored(models=len(changed) + len(heard.vanished), versions=len(heard.versions), events=told)


def store_runs(
    session: Session, *, actor: Actor, mirrored: Mirrored, runs: Sequence[RunRow], watermark: int = 0
) -> None:
    """Store runs with their metrics, and move the watermark with them."""
    policy.require(actor, "admin.jobs")
    _move(session, mirrored, run_watermark=max(watermark, mirrored.run_watermark))
    here = mirrored.server_id
    experiments = {run.experiment_id for run in runs}
    projects = dict(
        session.execute(
            select(MirrorExperiment.experiment_id, MirrorExperiment.project).where(
                MirrorExperiment.server_id == here, col(MirrorExperiment.experiment_id).in_(experiments)
            )
        ).all()
    )
    _upsert(session, MirrorRun, [_run_values(here, run, projects.get(run.experiment_id, "")) for run in runs])
    _upsert(session, MirrorInput, [row for run in runs for row in _input_values(here, run)])
    _upsert(
        session, MirrorMetric,
        [
            {"server_id": here, "run_id": run.run_id, "key": key, "value": value}
            for run in runs for key, value in run.metrics.items()
        ],
    )  # fmt: skip


def forget_runs(session: Session, *, actor: Actor, mirrored: Mirrored, run_ids: Iterable[str]) -> None:
    """Take runs that were deleted in MLflow out of the mirror."""
    policy.require(actor, "admin.jobs")
    _move(session, mirrored)
    for batch in batches(run_ids, BATCH):
        for table in (MirrorMetric, MirrorInput, MirrorRun):
            same_run = col(table.run_id).in_(batch)
            session.execute(delete(table).where(col(table.server_id) == mirrored.server_id, same_run))


def finish(session: Session, *, actor: Actor, mirrored: Mirrored, swept: bool, watermark: int, took_ms: int) -> None:
    """Note that a sync ended well: what the mirror says is as of now."""
    policy.require(actor, "admin.jobs")
    moment = now()
    values: dict[str, Any] = {"synced_at": moment, "failed_at": None, "failure": "", "took_ms": took_ms}
    values["run_watermark"] = max(watermark, mirrored.run_watermark)
    if swept:
        values["swept_at"] = moment
    _move(session, mirrored, **values)


def note_failure(session: Session, *, actor: Actor, server_id: int, failure: str) -> None:
    """Note that a sync failed and why; the rows stay as they were."""
    policy.require(actor, "admin.jobs")
    noted = {"failed_at": now(), "failure": failure[:1000]}
    session.execute(update(MirrorServer).where(col(MirrorServer.id) == server_id).values(**noted))


def project_of(name: str, tags: Mapping[str, str]) -> str:
    """The id of the project an experiment belongs to: its tag ``project_id``, else the middle of ``unit/project/purpose``."""
    parts = name.split("/")
    return (tags.get("project_id") or (parts[1] if len(parts) == 3 else ""))[:63]


# --- shared ----------------------------------------------------------------------------------------------------------


def _move(session: Session, mirrored: Mirrored, **values: Any) -> None:
    mine = (col(MirrorServer.id) == mirrored.server_id, col(MirrorServer.moves) == mirrored.moves)
    moved: Any = session.execute(update(MirrorServer).where(*mine).values(moves=mirrored.moves + 1, **values))
    if moved.rowcount != 1:
        raise Conflict("Another sync of this server is under way.", hint="Its result shows in a moment.")
    mirrored.moves += 1


def _known_models(session: Session, server_id: int, names: Sequence[str]) -> dict[str, MirrorModel]:
    found: dict[str, MirrorModel] = {}
    for batch in batches(names, BATCH):
        here = (MirrorModel.server_id == server_id, col(MirrorModel.name).in_(batch))
        found |= {model.name: model for model in session.exec(select(MirrorModel).where(*here))}
    return found


def _is_same(model: ModelRow, known: MirrorModel | None) -> bool:
    if known is None or known.gone_at is not None:
        return False
    return (model.updated_ms, model.tags, model.description) == (known.updated_ms, known.tags, known.description)


def _store_experiments(session: Session, server_id: int, heard: Registry) -> None:
    _upsert(
        session, MirrorExperiment,
        [
            {
                "server_id": server_id, "experiment_id": one.experiment_id, "name": one.name,
                "project": project_of(one.name, one.tags), "updated_ms": one.updated_ms, "tags": one.tags,
            }
            for one in heard.experiments
        ],
    )  # fmt: skip
    if not heard.all_experiments:
        return
    there = {one.experiment_id for one in heard.experiments}
    known = session.exec(select(MirrorExperiment.experiment_id).where(MirrorExperiment.server_id == server_id))
    for batch in batches((one for one in known.all() if one not in there), BATCH):
        gone = (col(MirrorExperiment.server_id) == server_id, col(MirrorExperiment.experiment_id).in_(batch))
        session.execute(delete(MirrorExperiment).where(*gone))


def _store_versions(session: Session, server_id: int, heard: Registry) -> None:
    _upsert(
        session, MirrorVersion,
        [
            {
                "server_id": server_id, "model": one.model, "version": one.version, "run_id": one.run_id,
                "source": one.source, "created_at": one.created_at, "tags": one.tags, "gone_at": None,
            }
            for one in heard.versions
        ],
    )  # fmt: skip
    there = {(one.model, one.version) for one in heard.versions}
    gone = [pair for pair in known_versions(session, server_id, heard.complete_models) if pair not in there]
    for model, version in gone:
        this = (col(MirrorVersion.server_id) == server_id, col(MirrorVersion.model) == model)
        session.execute(update(MirrorVersion).where(*this, col(MirrorVersion.version) == version).values(gone_at=now()))


def known_versions(session: Session, server_id: int, models: Iterable[str]) -> set[tuple[str, str]]:
    """The (model, version) pairs of these models that the mirror holds and that have not vanished."""
    found: set[tuple[str, str]] = set()
    for batch in batches(models, BATCH):
        rows = session.execute(
            select(MirrorVersion.model, MirrorVersion.version).where(
                MirrorVersion.server_id == server_id, col(MirrorVersion.model).in_(batch),
                col(MirrorVersion.gone_at).is_(None),
            )
        )  # fmt: skip
        found.update((row.model, row.version) for row in rows)
    return found


def _store_aliases(session: Session, server_id: int, models: Sequence[ModelRow]) -> list[Event]:
    before: dict[tuple[str, str], str] = {}
    for batch in batches((model.name for model in models), BATCH):
        here = (MirrorAlias.server_id == server_id, col(MirrorAlias.model).in_(batch))
        rows = session.execute(select(MirrorAlias.model, MirrorAlias.alias, MirrorAlias.version).where(*here))
        before |= {(row.model, row.alias): row.version for row in rows}
    after = {(model.name, alias): version for model in models for alias, version in model.aliases.items()}
    moved = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    _upsert(
        session, MirrorAlias,
        [
            {"server_id": server_id, "model": key[0], "alias": key[1], "version": after[key], "seen_at": now()}
            for key in moved if key in after
        ],
    )  # fmt: skip
    for model, alias in (key for key in moved if key not in after):
        this = (col(MirrorAlias.server_id) == server_id, col(MirrorAlias.model) == model)
        session.execute(delete(MirrorAlias).where(*this, col(MirrorAlias.alias) == alias))
    return [
        events.AliasMoved(subject(key[0]), alias=key[1], before=before.get(key, ""), after=after.get(key, ""))
        for key in moved
    ]


def _mark_vanished(session: Session, server_id: int, names: frozenset[str]) -> list[Event]:
    for batch in batches(sorted(names), BATCH):
        here = (col(MirrorModel.server_id) == server_id, col(MirrorModel.name).in_(batch))
        session.execute(update(MirrorModel).where(*here).values(gone_at=now()))
    return [events.ModelVanished(subject(name)) for name in sorted(names)]


def _model_values(server_id: int, model: ModelRow) -> dict[str, Any]:
    return {
        "server_id": server_id, "name": model.name, "description": model.description, "tags": model.tags,
        "updated_ms": model.updated_ms, "gone_at": None,
    }  # fmt: skip


def _run_values(server_id: int, run: RunRow, project: str) -> dict[str, Any]:
    return {
        "server_id": server_id, "run_id": run.run_id, "experiment_id": run.experiment_id,
        "project": (run.tags.get("project_id") or project)[:63], "name": run.name, "status": run.status, "user": run.user,
        "started_at": run.started_at, "ended_at": run.ended_at, "params": run.params, "tags": run.tags,
        "datasets": run.datasets,
    }  # fmt: skip


def _input_values(server_id: int, run: RunRow) -> list[dict[str, Any]]:
    """One row for each dataset and digest, however many contexts it was logged in."""
    contexts: dict[tuple[str, str], set[str]] = {}
    for given in run.datasets:
        contexts.setdefault((given["name"][:500], given["digest"][:64]), set()).add(given["context"])
    return [
        {"server_id": server_id, "run_id": run.run_id, "name": name, "digest": digest,
         "context": ", ".join(sorted(used - {""}))[:500]}
        for (name, digest), used in contexts.items()
    ]  # fmt: skip


def _upsert(session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = _insert(session, table)
    columns = table.__table__.columns  # type: ignore[attr-defined]
    keys = [column.name for column in columns if column.primary_key]
    given = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    if is_sqlite(session):
        session.execute(statement.on_conflict_do_update(index_elements=keys, set_=given), rows)
        return
    # The psycopg driver sends rows one by one; a column at a time they go in one statement.
    arrays = [literal([row[name] for row in rows], ARRAY(columns[name].type, dimensions=1)) for name in rows[0]]
    source: Any = func.unnest(*arrays).table_valued(*rows[0]).render_derived()
    statement = statement.from_select(list(rows[0]), select(source))
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=given))


def _insert(session: Session, table: type[SQLModel]) -> Any:
    if is_sqlite(session):
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    return insert(table)
