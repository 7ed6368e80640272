"""The workflows themselves. Each is one retried step around a function of the core that may be run again at any time."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from dbos import DBOS, DBOSConfig

from core import db
from core.access import policy
from core.activity import recording
from core.catalog import actions as catalog
from core.catalog import loader, sources
from core.catalog.loader import Report
from core.catalog.tables import Source
from core.config import settings
from core.datasets import granting, watching
from core.errors import PortalError, Unavailable
from core.gates import writing_back
from core.jobs import FAILED, MOST_CHANGES, QUEUE, SCHEDULES
from core.patterns import expiry
from core.projects import adoption
from core.reviews import automating, shipping
from core.reviews import watching as cases
from core.templates import work
from core.tracking import sync

log = logging.getLogger("portal.jobs")
VERSION = "1"  # of the workflows, not of the portal: work left by the last version is taken up by the next one

KEPT = timedelta(days=30)
ROUTINE_KEPT = timedelta(days=2)
"""How long the runs of schedules that went well are kept: there are thousands a day, and the last one is shown."""
_AT_ONCE = 1000


@DBOS.step(name="sync", retries_allowed=True, max_attempts=3, interval_seconds=2)
def _sync(full: bool) -> str:
    return str(sync.sync(policy.system("sync"), full=full))


@DBOS.workflow(name="sync-models")
def sync_models() -> str:
    """Mirror what changed in MLflow."""
    return _sync(False)


@DBOS.workflow(name="sweep-models")
def sweep_models() -> str:
    """Compare the whole mirror with MLflow."""
    return _sync(True)


@DBOS.step(name="seal", retries_allowed=True, max_attempts=3)
def _seal() -> int:
    with db.writing() as session:
        made = recording.seal(session)
        return made.seq if made else 0


@DBOS.workflow(name="seal-log")
def seal_log() -> int:
    """Sign the activity log as it stands."""
    return _seal()


@DBOS.step(name="reload", retries_allowed=True, max_attempts=3)
def _reload() -> dict[str, int]:
    return shipping.load(policy.system("loader")).counts


@DBOS.workflow(name="reload-catalog")
def reload_catalog() -> dict[str, int]:
    """Load the catalog folder again."""
    return _reload()


@DBOS.step(name="import", retries_allowed=True, max_attempts=3, interval_seconds=5)
def _import(source_id: int) -> dict[str, int]:
    try:
        report = _fetched(source_id, dry_run=False)
    except PortalError as error:
        _note(source_id, str(error))
        raise
    if report is None:
        return {}
    _note(source_id, ", ".join(f"{count} {action}" for action, count in report.counts.items()))
    return report.counts


def _fetched(source_id: int, *, dry_run: bool) -> Report | None:
    """What importing a source does, or in a dry run would do; nothing where the source was removed meanwhile."""
    with db.reading() as session:
        source = session.get(Source, source_id)
    if source is None:
        return None
    with sources.fetch_git(source.location) as folder:
        return loader.run(
            policy.system("import"),
            source=f"import:{source.location}"[:200],
            files=sources.read_folder(folder),
            whole=True,
            dry_run=dry_run,
        )


def _note(source_id: int, outcome: str) -> None:
    with db.writing() as session:
        catalog.note_import(session, source_id=source_id, outcome=outcome)


@DBOS.workflow(name="import-source")
def import_source(source_id: int) -> dict[str, int]:
    """Import a catalog source from its git repository."""
    return _import(source_id)


@DBOS.step(name="check")
def _check(source_id: int) -> dict[str, Any]:
    try:
        report = _fetched(source_id, dry_run=True)
    except PortalError as error:  # an outcome like any other: somebody waits to read it
        return {"failure": str(error)}
    if report is None:
        return {}
    return {"counts": report.counts, "changes": [asdict(one) for one in report.first(MOST_CHANGES)]}


@DBOS.workflow(name="check-source")
def check_source(source_id: int) -> dict[str, Any]:
    """Tell what an import of a catalog source would do, and change nothing."""
    return _check(source_id)


@DBOS.step(name="scheduled-sync")
def _sync_if_there() -> str:
    try:
        return str(sync.sync(policy.system("sync")))
    except Unavailable as error:  # no fault of ours: the mirror says how old it is, and the next run is near
        log.warning("%s", error)
        return error.message


@DBOS.workflow(name="scheduled-sync")
def scheduled_sync(_at: datetime, _context: Any) -> None:
    """The schedule of ``sync-models``."""
    if settings().mlflow_tracking_uri:
        _sync_if_there()


@DBOS.workflow(name="scheduled-seal")
def scheduled_seal(_at: datetime, _context: Any) -> None:
    """The schedule of ``seal-log``."""
    _seal()


@DBOS.step(name="tell-adopters", retries_allowed=True, max_attempts=3)
def _tell_adopters() -> int:
    with db.writing() as session:
        return adoption.tell_of_deprecations(session)


@DBOS.workflow(name="tell-adopters")
def tell_adopters() -> int:
    """Tell those who use an entry that it was deprecated or retired by a file, an import or a proposal."""
    return _tell_adopters()


@DBOS.workflow(name="scheduled-tell")
def scheduled_tell(_at: datetime, _context: Any) -> None:
    """The schedule of ``tell-adopters``."""
    _tell_adopters()


@DBOS.step(name="watch-grants", retries_allowed=True, max_attempts=3)
def _watch_grants() -> str:
    actor = policy.system("grants")
    watched = watching.watch(actor)
    return f"{granting.call_waiting(actor)}, {watched}"


@DBOS.workflow(name="watch-grants")
def watch_grants() -> str:
    """Call the grant webhook for what was approved; remind of and end what is due."""
    return _watch_grants()


@DBOS.workflow(name="scheduled-watch")
def scheduled_watch(_at: datetime, _context: Any) -> None:
    """The schedule of ``watch-grants``."""
    _watch_grants()


@DBOS.step(name="tidy", retries_allowed=True, max_attempts=3)
def _tidy() -> int:
    moment = db.now()
    return (
        _forget(moment - ROUTINE_KEPT, status="SUCCESS", schedule_name=list(SCHEDULES))
        + _forget(moment - KEPT, status=["SUCCESS", "CANCELLED", *FAILED])
    )  # fmt: skip


def _forget(before: datetime, **which: Any) -> int:
    """Delete the runs that ended ``before`` then; returns how many there were."""
    count = 0
    while found := DBOS.list_workflows(
        completed_before=before.isoformat(), limit=_AT_ONCE, load_input=False, load_output=False, **which
    ):
        DBOS.delete_workflows([one.workflow_id for one in found])
        count += len(found)
    return count


@DBOS.workflow(name="tidy-jobs")
def tidy_jobs() -> int:
    """Forget the runs of jobs that ended long ago."""
    return _tidy()


@DBOS.workflow(name="scheduled-tidy")
def scheduled_tidy(_at: datetime, _context: Any) -> None:
    """The schedule of ``tidy-jobs``."""
    _tidy()


@DBOS.step(name="watch-approvals", retries_allowed=True, max_attempts=3)
def _watch_approvals() -> int:
    with db.writing() as session:
        return expiry.remind(session, actor=policy.system("approvals"))


@DBOS.workflow(name="watch-approvals")
def watch_approvals() -> int:
    """Tell whom it concerns that an approval of a pattern ends soon."""
    return _watch_approvals()


@DBOS.workflow(name="scheduled-approvals")
def scheduled_approvals(_at: datetime, _context: Any) -> None:
    """The schedule of ``watch-approvals``."""
    _watch_approvals()


@DBOS.step(name="watch-cases", retries_allowed=True, max_attempts=3)
def _watch_cases() -> str:
    return cases.watch(policy.system("reviews"))


@DBOS.workflow(name="watch-cases")
def watch_cases() -> str:
    """Do what time does to review cases."""
    return _watch_cases()


@DBOS.workflow(name="scheduled-cases")
def scheduled_cases(_at: datetime, _context: Any) -> None:
    """The schedule of ``watch-cases``."""
    _watch_cases()


@DBOS.step(name="certified-pipelines", retries_allowed=True, max_attempts=3)
def _certified_pipelines() -> str:
    return automating.work(policy.system("certificates"))


@DBOS.workflow(name="certified-pipelines")
def certified_pipelines() -> str:
    """Approve versions of certified pipelines that pass all their rules; let certificates lapse."""
    return _certified_pipelines()


@DBOS.workflow(name="scheduled-certificates")
def scheduled_certificates(_at: datetime, _context: Any) -> None:
    """The schedule of ``certified-pipelines``."""
    _certified_pipelines()


@DBOS.step(name="write-verdicts", retries_allowed=True, max_attempts=3)
def _write_verdicts() -> str:
    return writing_back.write_back(policy.system("gate"))


@DBOS.workflow(name="write-verdicts")
def write_verdicts() -> str:
    """Tell MLflow what review cases say of its versions."""
    return _write_verdicts()


@DBOS.workflow(name="scheduled-verdicts")
def scheduled_verdicts(_at: datetime, _context: Any) -> None:
    """The schedule of ``write-verdicts``."""
    _write_verdicts()


@DBOS.step(name="template-work", retries_allowed=True, max_attempts=3, interval_seconds=2)
def _template_work() -> str:
    return work.work(policy.system("templates"))


@DBOS.workflow(name="template-work")
def template_work() -> str:
    """Make and deliver requested repositories, read templates, prepare updates."""
    return _template_work()


@DBOS.workflow(name="scheduled-template-work")
def scheduled_template_work(_at: datetime, _context: Any) -> None:
    """The schedule of ``template-work``."""
    _template_work()


def launch(system_database_url: str, seat: str) -> None:
    """Start DBOS in this process with its queue and schedules, and take up what was left undone at this ``seat``."""
    config: DBOSConfig = {
        "name": "ai-factory-portal",
        "system_database_url": system_database_url,
        "application_version": VERSION,
        "executor_id": seat,
        "log_level": "WARNING",
        "scheduler_polling_interval_sec": 5.0,
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=1.0)
    DBOS.apply_schedules(
        [
            {"schedule_name": "sync", "workflow_fn": scheduled_sync, "schedule": settings().sync_schedule},
            {"schedule_name": "seal", "workflow_fn": scheduled_seal, "schedule": "*/10 * * * *"},
            {"schedule_name": "adopters", "workflow_fn": scheduled_tell, "schedule": "*/5 * * * *"},
            # access to production is measured in hours, and an approval waits for the webhook's answer
            {"schedule_name": "grants", "workflow_fn": scheduled_watch, "schedule": "* * * * *"},
            # not once a night: many a portal sleeps then
            {"schedule_name": "tidy", "workflow_fn": scheduled_tidy, "schedule": "30 * * * *"},
            {"schedule_name": "certificates", "workflow_fn": scheduled_certificates, "schedule": "* * * * *"},
            # a pipeline that waits for a tag should not wait long
            {"schedule_name": "verdicts", "workflow_fn": scheduled_verdicts, "schedule": "* * * * *"},
            # a click asks for it at once; this is for what a crash left
            {"schedule_name": "templates", "workflow_fn": scheduled_template_work, "schedule": "* * * * *"},
            # a break-glass is measured in hours; evidence is compared once a day all the same
            {"schedule_name": "cases", "workflow_fn": scheduled_cases, "schedule": "*/10 * * * *"},
            # every hour, as nobody knows at which hours of a day the portal runs
            {"schedule_name": "approvals", "workflow_fn": scheduled_approvals, "schedule": "7 * * * *"},
        ]
    )


def shut_down() -> None:
    """Stop DBOS, giving running steps a few seconds to end."""
    DBOS.destroy(workflow_completion_timeout_sec=5)
