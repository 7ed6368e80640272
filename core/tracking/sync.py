"""Keeping the mirror true to MLflow: what changed since the last time, and once a day everything.

MLflow is asked outside transactions; each part of an answer is stored in one transaction of its own together with the
watermark that says how far it goes. Whenever a sync is cut short, the next one goes on from there.

MLflow tells when a model got a version and when a run ended. It does not tell when an alias or a tag moved, so a sync
also compares the models that changed last and the next :data:`MODELS_PER_SYNC` by name: everything in a registry of
that size, and a larger one in turns. Deleted runs and tags of versions are found by the daily sweep.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.activity import events
from core.config import settings
from core.errors import Conflict, Invalid, Unavailable
from core.tracking import actions
from core.tracking.actions import Mirrored, Registry, Stored
from core.tracking.client import UNFINISHED, Client, ModelPage, ModelRow, RunRow, known_as
from core.tracking.tables import MirrorExperiment, MirrorModel, MirrorRun

OVERLAP_MS = 120_000
"""How far behind the watermark a sync looks again: clocks differ and transactions of MLflow end late."""

SWEEP_EVERY = timedelta(hours=24)
MODELS_PER_SYNC = 200
_NEWEST_PER_PAGE = 100


@dataclass(frozen=True)
class SyncReport:
    """What a sync did; one that was ``skipped`` made way for another that was under way."""

    full: bool = False
    skipped: bool = False
    models: int = 0
    versions: int = 0
    runs: int = 0
    aliases_moved: int = 0
    vanished: int = 0
    took_ms: int = 0


def sync(actor: Actor, *, full: bool = False) -> SyncReport:
    """Bring the mirror of the configured server up to date.

    Raises :class:`~core.errors.Unavailable` when MLflow does not answer; the mirror then stays as it was and says so.
    """
    policy.require(actor, "admin.jobs")
    uri = settings().mlflow_tracking_uri
    if not uri:
        raise Unavailable("No MLflow server is configured.", hint="Set MLFLOW_TRACKING_URI to its address.")
    with db.writing() as session:
        mirrored = actions.open_mirror(session, actor=actor, uri=known_as(uri))
    try:
        return _Sync(actor, Client(uri), mirrored, full).run()
    except Conflict:
        return SyncReport(skipped=True)
    except (Invalid, Unavailable) as error:
        with db.writing() as session:
            actions.note_failure(session, actor=actor, server_id=mirrored.server_id, failure=error.message)
        raise


class _Sync:
    """One sync of one server: what it heard so far and how far it came."""

    def __init__(self, actor: Actor, client: Client, mirrored: Mirrored, full: bool) -> None:
        self.actor, self.client, self.mirrored = actor, client, mirrored
        self.is_first = mirrored.swept_at is None
        self.is_full = full or self.is_first or db.now() - (mirrored.swept_at or db.now()) > SWEEP_EVERY
        self.watermark = mirrored.run_watermark
        self.runs = 0
        self.begun = monotonic()

    def run(self) -> SyncReport:
        """Registry first, then runs, then the note that it is done."""
        self.client.require_mlflow()
        heard = self._ask_for_everything() if self.is_full else self._ask_for_changes()
        with db.writing() as session:
            stored = actions.store_registry(session, actor=self.actor, mirrored=self.mirrored, heard=heard)
        experiments = self._experiments()
        if self.is_full and not self.is_first:
            self._sweep_runs(experiments)
        else:
            self._follow_runs(experiments)
        took_ms = round((monotonic() - self.begun) * 1000)
        with db.writing() as session:
            actions.finish(
                session, actor=self.actor, mirrored=self.mirrored, swept=self.is_full, watermark=self.watermark,
                took_ms=took_ms,
            )  # fmt: skip
        return self._report(heard, stored, took_ms)

    # --- registry ----------------------------------------------------------------------------------------------------

    def _ask_for_everything(self) -> Registry:
        models = {model.name: model for model in self.client.all_models()}
        heard = Registry(
            models=list(models.values()), versions=list(self.client.versions()),
            complete_models=frozenset(models), experiments=list(self.client.experiments()), all_experiments=True,
        )  # fmt: skip
        return self._without_slips(replace(heard, vanished=self._vanished(models)))

    def _ask_for_changes(self) -> Registry:
        models = {model.name: model for model in self._newest_models()}
        page = self._next_models()
        models |= {model.name: model for model in page.items}
        is_whole = not self.mirrored.model_cursor and not page.token
        wanted = self._models_with_new_versions(models)
        since = self.mirrored.experiment_watermark
        heard = Registry(
            models=list(models.values()), versions=list(self.client.versions_of(wanted)),
            complete_models=frozenset(wanted), vanished=self._vanished(models) if is_whole else frozenset(),
            experiments=list(self.client.experiments(updated_after_ms=max(since - OVERLAP_MS, -1))),
            model_cursor=page.token,
        )  # fmt: skip
        return self._without_slips(heard)

    def _newest_models(self) -> Iterator[ModelRow]:
        """The models updated since the last sync, the newest first."""
        token, known_from = "", self.mirrored.model_watermark - OVERLAP_MS
        while True:
            page = self.client.models(token=token, newest_first=True, size=_NEWEST_PER_PAGE)
            yield from page.items
            token = page.token
            if not token or page.items[-1].updated_ms < known_from:
                return

    def _next_models(self) -> ModelPage:
        try:
            return self.client.models(token=self.mirrored.model_cursor, size=MODELS_PER_SYNC)
        except Invalid:  # a page token loses its meaning with another MLflow
            self.mirrored.model_cursor = ""
            return self.client.models(size=MODELS_PER_SYNC)

    def _models_with_new_versions(self, models: dict[str, ModelRow]) -> list[str]:
        with db.reading() as session:
            known = _updates(session, self.mirrored.server_id, list(models))
            there = actions.known_versions(session, self.mirrored.server_id, models)
        return [
            name
            for name, model in models.items()
            if known.get(name) != model.updated_ms or any((name, one) not in there for one in model.aliases.values())
        ]

    def _vanished(self, models: dict[str, ModelRow]) -> frozenset[str]:
        """The mirrored models that MLflow does not list and, asked for each by name, does not know."""
        with db.reading() as session:
            here = MirrorModel.server_id == self.mirrored.server_id
            known = session.exec(select(MirrorModel.name).where(here, _there()))
            missing = [name for name in known if name not in models]
        return frozenset(name for name in missing if self.client.model(name) is None)

    def _without_slips(self, heard: Registry) -> Registry:
        """``heard`` with the versions that a page missed because others were deleted while it was read."""
        there = {(one.model, one.version) for one in heard.versions}
        with db.reading() as session:
            known = actions.known_versions(session, self.mirrored.server_id, heard.complete_models)
        missing = sorted({model for model, version in known - there})
        if not missing:
            return heard
        again = [one for one in self.client.versions_of(missing) if (one.model, one.version) not in there]
        return replace(heard, versions=[*heard.versions, *again])

    # --- runs --------------------------------------------------------------------------------------------------------

    def _experiments(self) -> list[str]:
        with db.reading() as session:
            here = MirrorExperiment.server_id == self.mirrored.server_id
            return list(session.exec(select(MirrorExperiment.experiment_id).where(here)))

    def _follow_runs(self, experiments: list[str]) -> None:
        """Runs that ended since the watermark, and those that have not ended."""
        since = max(self.mirrored.run_watermark - OVERLAP_MS, 0)
        for page in self.client.runs(experiments, f"attributes.end_time > {since}"):
            self._store(page)
        running: set[str] = set()
        for page in self.client.runs(experiments, "attributes.status = 'RUNNING'", by="start_time"):
            running |= {run.run_id for run in page}
            self._store(page)
        self._look_again(experiments, self._mirrored_runs(unfinished=True) - running)

    def _sweep_runs(self, experiments: list[str]) -> None:
        """Every run; those that the mirror has and MLflow has not are forgotten."""
        seen: set[str] = set()
        for page in self.client.runs(experiments, by="start_time"):
            seen |= {run.run_id for run in page}
            self._store(page)
        self._look_again(experiments, self._mirrored_runs() - seen)

    def _look_again(self, experiments: list[str], run_ids: set[str]) -> None:
        """Ask for single runs by id: store those that are there, forget the others."""
        if not run_ids:
            return
        missing = set(run_ids)
        for page in self.client.runs_by_id(experiments, sorted(run_ids)):
            missing -= {run.run_id for run in page}
            self._store(page)
        with db.writing() as session:
            actions.forget_runs(session, actor=self.actor, mirrored=self.mirrored, run_ids=sorted(missing))

    def _mirrored_runs(self, *, unfinished: bool = False) -> set[str]:
        statement = select(MirrorRun.run_id).where(MirrorRun.server_id == self.mirrored.server_id)
        if unfinished:
            statement = statement.where(col(MirrorRun.status).in_(UNFINISHED))
        with db.reading() as session:
            return set(session.exec(statement))

    def _store(self, page: list[RunRow]) -> None:
        if not page:
            return
        latest = min(max(run.ended_ms for run in page), round(db.now().timestamp() * 1000))  # no run ends tomorrow
        self.watermark = max(self.watermark, latest)
        # The first sync reads runs by their end, so each page says how far it came; a sweep reads them by their start.
        reached = self.watermark if self.is_first or not self.is_full else 0
        with db.writing() as session:
            actions.store_runs(session, actor=self.actor, mirrored=self.mirrored, runs=page, watermark=reached)
        self.runs += len(page)

    def _report(self, heard: Registry, stored: Stored, took_ms: int) -> SyncReport:
        return SyncReport(
            full=self.is_full, models=stored.models, versions=stored.versions, runs=self.runs,
            aliases_moved=sum(isinstance(one, events.AliasMoved) for one in stored.events),
            vanished=len(heard.vanished), took_ms=took_ms,
        )  # fmt: skip


def _updates(session: Session, server_id: int, names: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for batch in db.batches(names, actions.BATCH):
        here = (MirrorModel.server_id == server_id, col(MirrorModel.name).in_(batch))
        found |= dict(session.execute(select(MirrorModel.name, MirrorModel.updated_ms).where(*here, _there())).all())
    return found


def _there() -> ColumnElement[bool]:
    return col(MirrorModel.gone_at).is_(None)
