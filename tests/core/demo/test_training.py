"""The demo's runs: measured, not invented; logged once; finished after a crash; gone after removal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from core import db
from core.access import policy
from core.checks import registry
from core.checks.snapshot import Measure, Snapshot
from core.config import ROOT
from core.db import now
from core.demo import build as demo
from core.demo import evidence, training
from core.demo.organisation import PROJECTS
from core.demo.splits import TARGET
from core.demo.training import PLAN
from core.errors import Unavailable
from core.tracking import queries
from core.tracking.client import Client, Recorder, RunRow

DEMO = policy.system("demo")
FEW = ("meter-reading", "training-load")
MODEL = next(one.model for one in PROJECTS if one.id == "meter-reading")


def plan(project: str) -> training.Training:
    return next(one for one in PLAN if one.project == project)


def test_every_project_but_those_without_data_trains_and_every_alias_names_a_version() -> None:
    assert {one.id for one in PROJECTS} - {one.project for one in PLAN} == {"cash-demand", "early-closures"}
    for one in PLAN:
        project = next(project for project in PROJECTS if project.id == one.project)
        names = [candidate.name for candidate in one.candidates]
        registered = {candidate.name for candidate in one.candidates if candidate.registered}
        assert len(names) == len(set(names))
        assert set(one.aliases.values()) <= registered
        assert bool(registered) == bool(project.model)
        assert one.candidates[0].name == "baseline"


def test_no_row_is_both_trained_on_and_held_out() -> None:
    for one in PLAN:
        splits = [one.split(), *(split for _, split in (one.windows() if one.windows else []))]
        for split in splits:
            assert not set(split.train.index) & set(split.test.index), (one.project, split.note)
            assert split.train.columns[-1] == split.test.columns[-1] == TARGET


def test_the_key_metric_of_a_project_is_among_what_is_measured() -> None:
    for one in PLAN:
        project = next(project for project in PROJECTS if project.id == one.project)
        fitted, _ = training._fit(one.candidates[0], one.split())
        assert project.metric in one.measure(fitted, one.split())


def test_reweighing_helps_the_whole_too() -> None:
    one = plan("follow-up-priority")
    measured = {}
    for candidate in one.candidates:
        fitted, _ = training._fit(candidate, one.split())
        measured[candidate.name] = one.measure(fitted, one.split())
    champion, challenger = (measured[one.aliases[alias]] for alias in ("champion", "challenger"))
    assert challenger["balanced_accuracy"] > champion["balanced_accuracy"]


@pytest.fixture(scope="module")
def follow_up() -> dict[str, dict[str, float]]:
    """The evidence on the unfair champion and the challenger that was reweighed."""
    one, measured = plan("follow-up-priority"), {}
    baseline, _ = training._fit(one.candidates[0], one.split())
    for alias in ("champion", "challenger"):
        candidate = next(candidate for candidate in one.candidates if candidate.name == one.aliases[alias])
        subject = evidence.Subject(training._fit(candidate, one.split())[0], one.split(), "balanced_accuracy")
        measured[alias] = evidence.flat(evidence.gather(subject, baseline, None, "sex"))
    return measured


def judged(metrics: dict[str, float], check: str, limit: float) -> str:
    """The verdict of a check on metrics as MLflow has them."""
    measures = {
        name: Measure(value, lower=metrics.get(f"{name}.lower"), upper=metrics.get(f"{name}.upper"))
        for name, value in metrics.items()
    }
    snapshot = Snapshot(now(), metrics=measures, tags={"rai.sensitive_features": "sex"})
    return registry.run(check, snapshot, {"limit": limit}, tier="high").verdict


def test_the_unfair_champion_fails_one_rule_and_leaves_another_open_and_its_challenger_fails_none(
    follow_up: dict[str, dict[str, float]],
) -> None:
    champion, challenger = follow_up["champion"], follow_up["challenger"]
    assert judged(champion, "demographic_parity_ratio", 0.8) == "fail"
    assert judged(champion, "equalized_odds_difference", 0.1) == "fail"
    assert judged(champion, "worst_group_ratio", 0.9) == "inconclusive"
    assert judged(challenger, "demographic_parity_ratio", 0.8) == "inconclusive"
    assert judged(challenger, "equalized_odds_difference", 0.1) == "inconclusive"
    assert judged(challenger, "baseline_gain", 0) == "pass"
    name = "rai.equal_opportunity_difference.sex"
    assert champion[name] > 2 * challenger[name]


def test_the_windows_of_the_cheque_reader_drift_and_its_accuracy_falls() -> None:
    one = plan("cheque-reader")
    champion = next(candidate for candidate in one.candidates if candidate.name == one.aliases["champion"])
    fitted, _ = training._fit(champion, one.split())
    windows = [split for _, split in one.windows()] if one.windows else []
    accuracies = [one.measure(fitted, split)["accuracy"] for split in windows]
    slants = [training.drift(split)["rai.psi.slant"] for split in windows]
    assert len(windows) == 5
    assert accuracies[0] > 0.95 > 0.85 > accuracies[-1]
    assert all(later <= earlier for earlier, later in pairwise(accuracies))
    assert slants[0] < 0.1 < 0.25 < slants[-1]


def test_the_finding_of_the_stopped_project_is_what_its_runs_say() -> None:
    one = plan("training-load")
    errors = {}
    for candidate in one.candidates:
        fitted, _ = training._fit(candidate, one.split())
        errors[candidate.name] = one.measure(fitted, one.split())["rmse"]
    assert min(errors.values()) == errors["baseline"]


def test_without_mlflow_the_organisation_stands_and_the_rest_says_what_to_set(store: str) -> None:
    with pytest.raises(Unavailable) as refusal:
        demo.build(DEMO, lambda _line: None)
    assert "MLFLOW_TRACKING_URI" in refusal.value.hint
    with db.reading() as session:
        assert demo.state(session)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PLAN", tuple(one for one in PLAN if one.project in FEW))


def logged(uri: str) -> dict[str, RunRow]:
    client = Client(uri)
    experiments = [one.experiment_id for one in client.experiments() if one.tags.get("demo") == "true"]
    runs = [run for page in client.runs(experiments) for run in page]
    assert len({(run.experiment_id, run.name) for run in runs}) == len(runs)
    return {f"{run.tags['project_id']}/{run.name}": run for run in runs}


_CHILD = """
from core.access import policy
from core.demo import build, training
training.PLAN = tuple(one for one in training.PLAN if one.project in ("meter-reading", "training-load"))
print("ready", flush=True)
build.build(policy.system("demo"), lambda line: print(line, flush=True))
"""


@pytest.mark.slow
@pytest.mark.xdist_group("mlflow")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_build_killed_halfway_is_finished_doubled_nothing_and_removed(
    store: str, mlflow_server: str, few: None
) -> None:
    for seconds in (6, 9):
        child = subprocess.Popen([sys.executable, "-c", _CHILD], cwd=ROOT, stdout=subprocess.PIPE, env=dict(os.environ))
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    told: list[str] = []
    demo.build(DEMO, told.append)
    runs = logged(mlflow_server)
    assert set(runs) == {f"{one.project}/{candidate.name}" for one in training.PLAN for candidate in one.candidates}
    failed = runs["meter-reading/logistic-regression-missing-blocks"]
    assert (failed.status, failed.tags["failure"]) == ("FAILED", "Input X contains NaN.")
    forest = runs["meter-reading/random-forest"]
    assert {one["context"] for one in forest.datasets} == {"training", "evaluation"}
    assert {"project_id", "owner", "purpose", "dataset_digest", "code_digest"} <= set(forest.tags)
    assert (forest.tags["rai.dataset.split"], forest.tags["rai.sensitive_features"]) == ("test", "none")
    assert forest.metrics["accuracy.lower"] < forest.metrics["accuracy"] < forest.metrics["accuracy.upper"]
    assert "rai.champion_gain" in runs["meter-reading/nearest-neighbours"].metrics
    assert not any(name.startswith("rai.") for name in runs["meter-reading/decision-tree"].metrics)
    assert len(list(Client(mlflow_server).versions_of([MODEL]))) == 3
    with db.reading() as session:
        row = next(one for one in queries.portfolio(session, DEMO).items if one.project_id == "meter-reading")
    assert (row.champion_value, row.comparable, row.versions) == (forest.metrics["accuracy"], True, 3)
    told.clear()
    demo.build(DEMO, told.append)
    assert told == ["The demo stands."]
    demo.remove(DEMO, told.append)
    assert logged(mlflow_server) == {}
    assert Client(mlflow_server).model(MODEL) is None
    with db.reading() as session:
        assert not demo.state(session)
    demo.build(DEMO, told.append)
    assert len(logged(mlflow_server)) == len(runs)
    demo.remove(DEMO, told.append)


@pytest.mark.slow
@pytest.mark.xdist_group("mlflow")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_experiment_that_a_delivery_made_before_is_the_demos_too(store: str, mlflow_server: str) -> None:
    recorder = Recorder(mlflow_server)
    made = recorder.experiment("delivered", {"owner": "a-team"})
    assert recorder.experiment("delivered", {"demo": "true", "owner": "another"}) == made
    (found,) = [one for one in Client(mlflow_server).experiments() if one.experiment_id == made]
    assert found.tags == {"owner": "a-team", "demo": "true"}


@pytest.mark.slow
@pytest.mark.xdist_group("mlflow")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_run_that_does_not_converge_says_so(store: str, mlflow_server: str) -> None:
    one = plan("cytology-lite")
    network = next(candidate for candidate in one.candidates if candidate.name == "neural-network")
    recorder = Recorder(mlflow_server)
    experiment = recorder.experiment("converging", {})
    with recorder.run(experiment, name="network", tags={}) as run:
        training.train(run, one, network, "", "recall")
    ((logged_run,),) = Client(mlflow_server).runs([experiment])
    assert logged_run.tags["converged"] == "false"
    assert logged_run.metrics["loss"] > 0
