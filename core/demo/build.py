"""Building the demo and taking it away: first the organisation, in a moment, then its training runs, in the background.

Both may be told again at any time: what stands is left alone, and what a crash cut short is finished.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from sqlmodel import Session

from core import db
from core.access import policy
from core.access.policy import Actor
from core.config import ROOT, settings
from core.demo import organisation, reviewing, scaffolds
from core.demo.organisation import PROJECTS, DemoProject
from core.errors import Unavailable
from core.reviews import shipping
from core.tracking.client import Client, Recorder, RunRow
from core.tracking.sync import sync

if TYPE_CHECKING:
    from core.demo.splits import Split
    from core.demo.training import Candidate, Training

Progress = Callable[[str], None]

PATIENCE_SECONDS = 90
"""How long the training waits for an MLflow server that is still starting."""

_TAGS = {"demo": "true"}


def state(session: Session) -> bool:
    """Whether the demo organisation stands in the store."""
    return organisation.is_built(session)


def build(actor: Actor, progress: Progress) -> None:
    """Build the organisation where it does not stand, then train what its projects have not trained yet."""
    policy.require(actor, "admin.people")
    with db.reading() as session:
        is_new = not state(session)
    if is_new:
        shipping.load(policy.system("loader"))  # its entries are there to be adopted
        organisation.build(actor, progress)
    scaffolds.build(progress)
    reviewing.give_pins()
    client = _mlflow(progress)
    from core.demo import training

    logged = _Logged(client)
    for number, plan in enumerate(training.PLAN, start=1):
        if not logged.is_complete(plan):
            trained = _train(client, plan)
            progress(f"{plan.project}: {trained} runs ({number} of {len(training.PLAN)} projects).")
    sync(actor)
    reviewing.build(client, progress)
    progress("The demo stands.")


def remove(actor: Actor, progress: Progress) -> None:
    """Take the organisation out of the store and its runs and models out of MLflow."""
    policy.require(actor, "admin.people")
    with db.writing() as session:
        if state(session):
            organisation.remove(session, actor=actor)
            progress("The demo's people and projects are removed; the log keeps what they did.")
    client = _mlflow(progress, patience=0)
    recorder = Recorder(client.uri)
    for experiment in [one for one in client.experiments() if _is_demo(one.tags)]:
        recorder.delete_experiment(experiment)
    for name in [one.name for one in client.all_models() if _is_demo(one.tags)]:
        recorder.delete_model(name)
    sync(actor, full=True)
    progress("The demo's runs and models are removed from MLflow.")


def _mlflow(progress: Progress, *, patience: float = PATIENCE_SECONDS) -> Client:
    """The configured MLflow, once it answers."""
    uri = settings().mlflow_tracking_uri
    if not uri:
        raise Unavailable(
            "The demo's runs need an MLflow server, and none is configured.",
            hint="Set MLFLOW_TRACKING_URI, or let `python -m core serve` start one with PORTAL_DEMO=1.",
        )
    client, deadline = Client(uri), time.monotonic() + patience
    is_waiting = False
    while True:
        try:
            client.require_mlflow()
            return client
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            if not is_waiting:
                progress("Waiting for MLflow …")
            is_waiting = True
            time.sleep(1)


# --- training --------------------------------------------------------------------------------------------------------


class _Logged:
    """What MLflow has of the demo, asked for once."""

    def __init__(self, client: Client) -> None:
        self._models = {one.name: one for one in client.all_models() if _is_demo(one.tags)}
        names = {one.experiment_id: one.name for one in client.experiments() if _is_demo(one.tags)}
        pages = client.runs(list(names), by="start_time")
        self._runs = {(names[run.experiment_id], run.name) for page in pages for run in page if _ended_as_planned(run)}

    def is_complete(self, plan: Training) -> bool:
        """Whether every run of a project is logged and every alias given."""
        project = _project(plan)
        runs = {(project.experiment(one.purpose), one.name) for one in plan.candidates}
        runs |= {(project.experiment("evaluate"), name) for name, _ in _windows(plan)}
        model = self._models.get(project.model)
        return runs <= self._runs and set(plan.aliases) <= set(model.aliases if model else ())


def _train(client: Client, plan: Training) -> int:
    """Log the runs that a project has not logged yet and set its aliases; returns how many runs there were."""
    project = _project(plan)
    recorder = Recorder(client.uri)
    if project.model:
        recorder.describe_model(project.model, project.summary, _model_tags(project))
    trained = 0
    for purpose in dict.fromkeys(one.purpose for one in plan.candidates):
        experiment = recorder.experiment(project.experiment(purpose), _tags(project))
        done = _finished(client, recorder, experiment, project)
        for candidate in plan.candidates:
            if candidate.purpose == purpose and candidate.name not in done:
                _log_training(recorder, experiment, project, plan, candidate)
                trained += 1
    if plan.windows:
        trained += _evaluate(client, recorder, project, plan)
    if plan.aliases:
        _set_aliases(client, recorder, recorder.experiment(project.experiment("experiment"), {}), project, plan)
    return trained


def _project(plan: Training) -> DemoProject:
    return next(one for one in PROJECTS if one.id == plan.project)


def _log_training(
    recorder: Recorder, experiment: str, project: DemoProject, plan: Training, candidate: Candidate
) -> None:
    from core.demo import training

    split = (candidate.split or plan.split)()
    tags = _run_tags(project, candidate.purpose)
    with suppress(*([ValueError] if candidate.fails else [])):
        with recorder.run(
            experiment, name=candidate.name, tags=tags, description=training.notes(candidate, split)
        ) as run:
            training.train(run, plan, candidate, project.model, project.metric)


def _evaluate(client: Client, recorder: Recorder, project: DemoProject, plan: Training) -> int:
    """Evaluate the champion on the windows that have not been evaluated yet."""
    from core.demo import training

    experiment = recorder.experiment(project.experiment("evaluate"), _tags(project))
    done = _finished(client, recorder, experiment, project)
    champion = next(one for one in plan.candidates if one.name == plan.aliases["champion"])
    windows = [window for window in _windows(plan) if window[0] not in done]
    for name, split in windows:
        tags = _run_tags(project, "evaluate") | {"window": name}
        with recorder.run(experiment, name=name, tags=tags, description=split.note) as run:
            training.evaluate(run, plan, champion, split)
    return len(windows)


def _finished(client: Client, recorder: Recorder, experiment: str, project: DemoProject) -> set[str]:
    """The names of the runs that ended as planned; what a crash left unfinished is deleted, with its versions."""
    done: set[str] = set()
    for run in _runs(client, experiment):
        if _ended_as_planned(run):
            done.add(run.name)
        else:
            recorder.delete_run(run.run_id, project.model)
    return done


def _ended_as_planned(run: RunRow) -> bool:
    return run.status == "FINISHED" or (run.status == "FAILED" and "failure" in run.tags)


def _windows(plan: Training) -> list[tuple[str, Split]]:
    return list(plan.windows()) if plan.windows else []


def _set_aliases(client: Client, recorder: Recorder, experiment: str, project: DemoProject, plan: Training) -> None:
    """Give the aliases that nobody has given yet."""
    run_names = {run.run_id: run.name for run in _runs(client, experiment)}
    versions = {run_names.get(one.run_id): one.version for one in client.versions_of([project.model])}
    model = client.model(project.model)
    for alias, candidate in plan.aliases.items():
        if candidate in versions and model is not None and alias not in model.aliases:
            recorder.set_alias(project.model, alias, versions[candidate])


def _runs(client: Client, experiment: str) -> list[RunRow]:
    return [run for page in client.runs([experiment], by="start_time") for run in page]


def _run_tags(project: DemoProject, purpose: str) -> dict[str, str]:
    from core.demo.training import CODE_DIGEST

    commit = {"mlflow.source.git.commit": found} if (found := _commit()) else {}
    return _tags(project) | {"purpose": purpose, "code_digest": CODE_DIGEST} | commit


def _model_tags(project: DemoProject) -> dict[str, str]:
    return _tags(project) | {
        "key_metric": project.metric,
        "metric_direction": "higher" if project.higher_is_better else "lower",
        "risk_tier": project.risk_tier,
    }


def _tags(project: DemoProject) -> dict[str, str]:
    return _TAGS | {"project_id": project.id, "owner": project.team, "unit": project.unit}


@cache
def _commit() -> str:
    """The commit of this checkout; nothing where the portal was not cloned with git."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""


def _is_demo(tags: dict[str, str]) -> bool:
    return tags.get("demo") == "true"
