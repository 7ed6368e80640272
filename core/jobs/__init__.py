"""Work that outlives a click: durable workflows on DBOS, in the portal's process or in ``python -m core worker``.

This file imports no DBOS, so that pages can ask for work cheaply; the workflows stand in ``workflows.py``. DBOS keeps
what it has to do in a database of its own: SQLite in the data folder, or a schema beside the portal's on PostgreSQL.
After a crash the next start takes up what was left; a second worker never does the same work twice (``seats.py``).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from core.access import policy
from core.access.policy import Actor
from core.catalog.loader import Change
from core.config import data_folder, settings
from core.errors import Unavailable

QUEUE = "portal"
log = logging.getLogger("portal.jobs")
_lock = Lock()
_state: dict[str, Any] = {"client": None, "seat": None}

JOBS = {
    "sync-models": "Mirror what changed in MLflow",
    "sweep-models": "Compare the whole mirror with MLflow",
    "seal-log": "Sign the activity log as it stands",
    "reload-catalog": "Load the catalog folder again",
    "import-source": "Import a catalog source from its git repository",
    "check-source": "Tell what an import of a catalog source would do, and change nothing",
    "tell-adopters": "Tell those who use an entry that it was deprecated or retired by a file, import or proposal",
    "watch-grants": "Give approved access to data by the webhook, remind of its end, and let it expire",
    "tidy-jobs": "Forget the runs of jobs that ended long ago",
    "template-work": "Make and deliver requested repositories, read templates, prepare updates",
    "watch-cases": "Compare the evidence of approvals with MLflow; remind of decisions; end and suspend what is due",
    "certified-pipelines": "Approve versions of certified pipelines that pass all their rules; let certificates lapse",
    "write-verdicts": "Tell MLflow, as tags of its versions, what review cases say of them",
    "watch-approvals": "Tell whom it concerns that an approval of a pattern ends within a month",
}
"""Every job by name, with what it does."""
OF_A_SOURCE = frozenset({"import-source", "check-source"})
"""The jobs that take the id of a catalog source."""
MOST_CHANGES = 200
"""So many changes are kept of what an import would do."""
_UNDER_WAY = ("enqueued", "delayed", "pending")
_CHECKS_LOOKED_AT = 500

SCHEDULES = {
    "sync": "sync-models",
    "seal": "seal-log",
    "adopters": "tell-adopters",
    "grants": "watch-grants",
    "tidy": "tidy-jobs",
    "approvals": "watch-approvals",
    "cases": "watch-cases",
    "certificates": "certified-pipelines",
    "verdicts": "write-verdicts",
    "templates": "template-work",
}
"""Every schedule by name, with the job that it runs."""

FAILED = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


@dataclass(frozen=True)
class JobRun:
    """One run of a job."""

    id: str
    name: str
    state: str
    started_at: datetime
    error: str


@dataclass(frozen=True)
class Schedule:
    """A job that runs by itself: its last run and its last failure, where there was one."""

    job: str
    last: JobRun | None
    failure: JobRun | None


@dataclass(frozen=True)
class SourceCheck:
    """The latest dry run of a catalog source: under way, or what an import would do, or why that cannot be told."""

    started_at: datetime
    under_way: bool
    counts: dict[str, int]
    changes: list[Change]
    """At most :data:`MOST_CHANGES` of them, refusals first; unchanged entries are counted alone."""
    failure: str


def system_database_url() -> str:
    """Where DBOS keeps its state."""
    chosen = settings()
    if chosen.database_url:
        return chosen.sqlalchemy_url.replace("postgresql+psycopg://", "postgresql://")
    return f"sqlite:///{data_folder() / 'jobs.sqlite'}"


def start() -> bool:
    """Start the schedules and the queue in this process; a failure is logged and leaves the portal serving.

    Returns whether they run.
    """
    with _lock:
        if _state["seat"] is None:
            try:
                _state["seat"] = _launched()
            except Exception:
                log.exception("Jobs could not be started; pages keep working, the mirror grows old.")
        return _state["seat"] is not None


def stop() -> None:
    """Let running steps end and stop; whatever is left is taken up at the next start."""
    with _lock:
        if _state["seat"] is not None:
            from core.jobs import workflows

            workflows.shut_down()
            _state["seat"].leave()
            _state["seat"] = None


def enqueue(actor: Actor, name: str, *arguments: Any) -> str:
    """Ask for a run of the job ``name``; returns the run's id. It survives a crash from here on."""
    policy.require(actor, "admin.sources" if name in OF_A_SOURCE else "admin.jobs")
    options = {"workflow_name": name, "queue_name": QUEUE}
    try:
        return str(_client().enqueue(options, *arguments).workflow_id)
    except Exception as error:
        log.exception("The job %s could not be queued.", name)
        raise Unavailable("The job queue does not answer.", hint="Try again in a moment.") from error


def soon(name: str) -> None:
    """Ask for a run of a job because somebody waits for it; where the queue does not answer, its schedule comes to it."""
    try:
        enqueue(policy.system("portal"), name)
    except Unavailable:
        log.warning("The job %s waits for its schedule.", name)


def recent(actor: Actor, *, limit: int = 20) -> list[JobRun]:
    """The latest runs that somebody asked for, newest first; what schedules ran is told by :func:`schedules`."""
    policy.require(actor, "admin.jobs")
    return _job_runs(queue_name=QUEUE, limit=limit)


def schedules(actor: Actor) -> list[Schedule]:
    """Every schedule with its last run and its last failure."""
    policy.require(actor, "admin.jobs")
    return [
        Schedule(job, *(_latest(schedule_name=name, **more) for more in ({}, {"status": FAILED})))
        for name, job in SCHEDULES.items()
    ]


def source_checks(actor: Actor) -> dict[int, SourceCheck]:
    """Source id → its latest dry run, for those that had one lately."""
    policy.require(actor, "admin.sources")
    latest: dict[int, str] = {}
    for one in _runs(name="check-source", limit=_CHECKS_LOOKED_AT, load_output=False):
        latest.setdefault(one.input["args"][0], one.workflow_id)
    if not latest:
        return {}
    told = {one.workflow_id: one for one in _runs(workflow_ids=list(latest.values()), load_input=False)}
    return {source_id: _source_check(told[key]) for source_id, key in latest.items() if key in told}


def _source_check(run: Any) -> SourceCheck:
    state, output = run.status.lower(), run.output or {}
    under_way = state in _UNDER_WAY
    failure = output.get("failure", "") if state == "success" else "" if under_way else f"The dry run ended as {state}."
    changes = [Change(**one) for one in output.get("changes", [])]
    return SourceCheck(_started(run), under_way, output.get("counts", {}), changes, failure)


def _launched() -> Any:
    """The seat at which DBOS runs from now on; where it does not start, nothing of it stays."""
    from core.jobs import seats, workflows

    seat = seats.Seat()
    try:
        workflows.launch(system_database_url(), seat.name)
    except BaseException:
        workflows.shut_down()
        seat.leave()
        raise
    return seat


def _latest(**which: Any) -> JobRun | None:
    return next(iter(_job_runs(limit=1, **which)), None)


def _job_runs(**which: Any) -> list[JobRun]:
    return [
        JobRun(
            one.workflow_id, SCHEDULES.get(one.schedule_name, one.name), one.status.lower(), _started(one),
            _reason(one.error),
        )
        for one in _runs(load_input=False, **which)
    ]  # fmt: skip


def _runs(**wanted: Any) -> list[Any]:
    """The runs that DBOS knows, newest first."""
    try:
        return list(_client().list_workflows(sort_desc=True, **wanted))
    except Exception as error:
        raise Unavailable(
            "The job queue does not answer.", hint="Jobs start a few seconds after the portal."
        ) from error


def _started(run: Any) -> datetime:
    return datetime.fromtimestamp((run.created_at or 0) / 1000, UTC)


def _reason(error: Any) -> str:
    """Why a run failed: of a step that was tried again, what went wrong the last time."""
    tried = getattr(error, "errors", None)
    return str(tried[-1] if tried else error or "")


def _client() -> Any:
    if _state["client"] is None:
        from dbos import DBOSClient

        _state["client"] = DBOSClient(system_database_url=system_database_url())
    return _state["client"]
