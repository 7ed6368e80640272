"""Work that outlives a click: durable workflows on DBOS, in the portal's process or in ``python -m core worker``.

This file imports no DBOS, so that pages can ask for work cheaply; the workflows stand in ``workflows.py``. DBOS keeps
what it has to do in a database of its own: SQLite in the data folder, or a schema beside the portal's on PostgreSQL.
After a crash the next start takes up what was left; a second worker never does the same work twice.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from core.access import policy
from core.access.policy import Actor
from core.config import data_folder, settings
from core.errors import Unavailable

QUEUE = "portal"
log = logging.getLogger("portal.jobs")
_lock = Lock()
_state: dict[str, Any] = {"client": None, "running": False}

JOBS = {
    "sync-models": "Mirror what changed in MLflow",
    "sweep-models": "Compare the whole mirror with MLflow",
    "seal-log": "Sign the activity log as it stands",
    "reload-catalog": "Load the catalog folder again",
    "import-source": "Import a catalog source from its git repository",
    "tell-adopters": "Tell those who use an entry that it was deprecated or retired by a file, import or proposal",
    "watch-grants": "Give approved access to data by the webhook, remind of its end, and let it expire",
    "watch-approvals": "Tell whom it concerns that an approval of a pattern ends within a month",
}
"""Every job by name, with what it does."""


@dataclass(frozen=True)
class JobRun:
    """One run of a job, for the jobs list."""

    id: str
    name: str
    state: str
    started_at: datetime
    error: str


def system_database_url() -> str:
    """Where DBOS keeps its state."""
    chosen = settings()
    if chosen.database_url:
        return chosen.sqlalchemy_url.replace("postgresql+psycopg://", "postgresql://")
    return f"sqlite:///{data_folder() / 'jobs.sqlite'}"


def start() -> None:
    """Start the schedules and the queue in this process; a failure is logged and leaves the portal serving."""
    from core.jobs import workflows

    with _lock:
        if _state["running"]:
            return
        try:
            workflows.launch(system_database_url())
            _state["running"] = True
        except Exception:
            log.exception("Jobs could not be started; pages keep working, the mirror grows old.")


def stop() -> None:
    """Let running steps end and stop; whatever is left is taken up at the next start."""
    with _lock:
        if _state["running"]:
            from core.jobs import workflows

            workflows.shut_down()
            _state["running"] = False


def enqueue(actor: Actor, name: str, *arguments: Any) -> str:
    """Ask for a run of the job ``name``; returns the run's id. It survives a crash from here on."""
    policy.require(actor, "admin.jobs" if name != "import-source" else "admin.sources")
    options = {"workflow_name": name, "queue_name": QUEUE}
    try:
        return str(_client().enqueue(options, *arguments).workflow_id)
    except Exception as error:
        log.exception("The job %s could not be queued.", name)
        raise Unavailable("The job queue does not answer.", hint="Try again in a moment.") from error


def recent(actor: Actor, *, limit: int = 20) -> list[JobRun]:
    """The latest job runs, newest first."""
    policy.require(actor, "admin.jobs")
    try:
        found = _client().list_workflows(sort_desc=True, limit=limit, load_input=False, load_output=False)
    except Exception as error:
        raise Unavailable(
            "The job queue does not answer.", hint="Jobs start a few seconds after the portal."
        ) from error
    return [
        JobRun(
            one.workflow_id, one.name, one.status.lower(),
            datetime.fromtimestamp((one.created_at or 0) / 1000, UTC), str(one.error or ""),
        )
        for one in found
    ]  # fmt: skip


def _client() -> Any:
    if _state["client"] is None:
        from dbos import DBOSClient

        _state["client"] = DBOSClient(system_database_url=system_database_url())
    return _state["client"]
