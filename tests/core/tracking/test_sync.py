"""The mirror follows a real MLflow: what changed is found, nothing is told twice, and a crash loses nothing."""

from __future__ import annotations

import copy
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import func, select

from core import db
from core.access import policy
from core.access.policy import Actor
from core.activity import queries as activity
from core.config import ROOT
from core.errors import Conflict, NotAllowed, Unavailable
from core.tracking import actions, queries
from core.tracking import client as tracking
from core.tracking import sync as syncing
from core.tracking.actions import Registry
from core.tracking.client import Client, ModelRow
from core.tracking.sync import SyncReport, sync
from core.tracking.tables import MirrorAlias, MirrorExperiment, MirrorMetric, MirrorModel, MirrorRun, MirrorVersion
from tests.conftest import forget_settings, free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mlflow")]
SYNC = policy.system("sync")


class Writer:
    """What a team does in MLflow, under names that no other test uses."""

    def __init__(self, uri: str) -> None:
        self.mlflow: Any = tracking._import("mlflow").MlflowClient(uri)
        self.name = f"model-{random.randrange(10**9)}"
        self.experiment = self.mlflow.create_experiment(f"risk/{self.name}/experiment", tags={"project_id": "fraud"})

    def run(self, *, ended_ms: int | None = None, status: str = "FINISHED", **metrics: float) -> str:
        run_id = str(self.mlflow.create_run(self.experiment, run_name="a run", tags={"purpose": "test"}).info.run_id)
        for key, value in metrics.items():
            self.mlflow.log_metric(run_id, key, value)
        self.mlflow.log_param(run_id, "depth", 3)
        if status != "RUNNING":
            self.mlflow.set_terminated(run_id, status, end_time=ended_ms)
        return run_id

    def version(self, run_id: str, alias: str = "") -> str:
        if not self.mlflow.search_registered_models(f"name = '{self.name}'"):
            self.mlflow.create_registered_model(self.name, tags={"owner": "risk"})
        made = self.mlflow.create_model_version(self.name, "s3://bucket/x", run_id=run_id, await_creation_for=None)
        if alias:
            self.alias(alias, str(made.version))
        return str(made.version)

    def alias(self, alias: str, version: str) -> None:
        self.mlflow.set_registered_model_alias(self.name, alias, version)

    def told(self) -> list[tuple[str, str, str]]:
        """What the activity log says of the model: (event, before, after)."""
        with db.reading() as session:
            lines = activity.object_history(session, SYNC, queries.subject(self.name))
        return [(line.event, line.data.get("before", ""), line.data.get("after", "")) for line in reversed(lines)]

    def detail(self) -> queries.ModelDetail:
        with db.reading() as session:
            return queries.model_detail(session, SYNC, self.name)

    def mirrored(self, run_id: str) -> queries.RunLine:
        with db.reading() as session:
            return queries.run(session, SYNC, run_id)

    def statuses(self) -> dict[str, str]:
        with db.reading() as session:
            return {
                one.run_id: one.status
                for one in queries.runs(session, SYNC, experiment_id=self.experiment, size=500).items
            }


@pytest.fixture
def writer(store: str, mlflow_server: str) -> Writer:
    return Writer(mlflow_server)


def test_the_first_sync_brings_everything_and_the_next_one_nothing(writer: Writer) -> None:
    run_id = writer.run(accuracy=0.9, loss=float("nan"), ratio=float("inf"))
    writer.version(run_id, "champion")
    assert sync(SYNC).full
    detail = writer.detail()
    assert (detail.tags, len(detail.versions)) == ({"owner": "risk"}, 1)
    champion = detail.holding("champion")
    assert champion is not None
    assert (champion.version, champion.run_id, champion.params) == ("1", run_id, {"depth": "3"})
    assert champion.metrics["accuracy"] == 0.9
    assert "loss" not in champion.metrics
    assert writer.mirrored(run_id).project == "fraud"
    again = sync(SYNC)
    assert (again.full, again.models, again.versions, again.aliases_moved) == (False, 0, 0, 0)
    assert writer.told() == [("model-registered", "", ""), ("alias-moved", "", "1")]


def test_an_alias_that_moves_is_found_though_mlflow_keeps_its_time_stamp(writer: Writer) -> None:
    writer.version(writer.run(), "champion")
    writer.version(writer.run(), "challenger")
    sync(SYNC)
    before = Client(writer.mlflow.tracking_uri).model(writer.name)
    writer.alias("champion", "2")
    writer.mlflow.delete_registered_model_alias(writer.name, "challenger")
    after = Client(writer.mlflow.tracking_uri).model(writer.name)
    assert before is not None
    assert after is not None
    assert before.updated_ms == after.updated_ms
    assert sync(SYNC).aliases_moved == 2
    assert sync(SYNC).aliases_moved == 0
    assert writer.detail().versions[0].aliases == ["champion"]
    assert set(writer.told()[-2:]) == {("alias-moved", "1", "2"), ("alias-moved", "2", "")}


def test_a_registry_larger_than_one_sync_compares_is_compared_in_turns(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "MODELS_PER_SYNC", 2)
    monkeypatch.setattr(syncing, "_NEWEST_PER_PAGE", 1)
    monkeypatch.setattr(syncing, "OVERLAP_MS", 0)
    writer.version(writer.run(), "champion")
    writer.version(writer.run())
    others = [Writer(writer.mlflow.tracking_uri) for _ in range(5)]
    for other in others:
        other.version(other.run())
    sync(SYNC)
    writer.alias("champion", "2")
    models = len(list(Client(writer.mlflow.tracking_uri).all_models()))
    moved = [sync(SYNC).aliases_moved for _ in range(models // 2 + 2)]
    assert sum(moved) == 1
    assert writer.detail().versions[0].aliases == ["champion"]


def test_a_page_token_that_lost_its_meaning_starts_anew(writer: Writer) -> None:
    sync(SYNC)
    with db.writing() as session:
        mirrored = actions.open_mirror(session, actor=SYNC, uri=syncing.known_as(writer.mlflow.tracking_uri))
        actions.store_registry(session, actor=SYNC, mirrored=mirrored, heard=Registry(model_cursor="no token"))
    assert not sync(SYNC).skipped


def test_what_vanishes_in_mlflow_is_marked_and_kept(writer: Writer) -> None:
    run_id = writer.run(accuracy=0.5)
    writer.version(run_id, "champion")
    writer.version(run_id)
    sync(SYNC)
    writer.mlflow.delete_model_version(writer.name, "2")
    sync(SYNC, full=True)
    assert [(one.version, one.gone_at is None) for one in writer.detail().versions] == [("2", False), ("1", True)]
    writer.mlflow.delete_registered_model(writer.name)
    assert sync(SYNC, full=True).vanished == 1
    assert sync(SYNC, full=True).vanished == 0
    assert writer.detail().gone_at is not None
    assert writer.told()[-1][0] == "model-vanished"
    writer.version(run_id)
    sync(SYNC)
    assert writer.detail().gone_at is None
    assert writer.told()[-2:] == [("model-registered", "", ""), ("alias-moved", "1", "")]


def test_runs_are_followed_until_they_end_even_with_a_clock_that_is_late(writer: Writer) -> None:
    sync(SYNC)
    running = writer.run(status="RUNNING", loss=3.0)
    sync(SYNC)
    assert writer.statuses() == {running: "RUNNING"}
    writer.mlflow.log_metric(running, "loss", 2.0)
    sync(SYNC)
    assert writer.mirrored(running).metrics == {"loss": 2.0}
    writer.mlflow.set_terminated(running, "FAILED", end_time=round(time.time() * 1000) - 3_600_000)
    sync(SYNC)
    assert writer.statuses() == {running: "FAILED"}


def test_a_run_that_ends_in_the_future_hides_no_later_one(writer: Writer) -> None:
    writer.run(ended_ms=4_102_444_800_000)
    sync(SYNC)
    later = writer.run()
    sync(SYNC)
    assert later in writer.statuses()


def test_deleted_runs_and_experiments_leave_the_mirror_with_the_sweep(writer: Writer) -> None:
    kept, deleted, running = writer.run(accuracy=0.1), writer.run(accuracy=0.2), writer.run(status="RUNNING")
    sync(SYNC)
    writer.mlflow.delete_run(deleted)
    writer.mlflow.delete_run(running)
    sync(SYNC)
    assert set(writer.statuses()) == {kept, deleted}
    sync(SYNC, full=True)
    assert set(writer.statuses()) == {kept}
    writer.mlflow.delete_experiment(writer.experiment)
    sync(SYNC, full=True)
    assert writer.statuses() == {}


def test_changed_tags_are_found_by_the_sweep(writer: Writer) -> None:
    run_id = writer.run()
    version = writer.version(run_id)
    sync(SYNC)
    writer.mlflow.set_model_version_tag(writer.name, version, "validation_status", "approved")
    writer.mlflow.set_registered_model_tag(writer.name, "owner", "other")
    writer.mlflow.set_tag(run_id, "purpose", "retraining")
    sync(SYNC, full=True)
    detail = writer.detail()
    assert (detail.tags["owner"], detail.versions[0].tags) == ("other", {"validation_status": "approved"})
    assert writer.mirrored(run_id).tags["purpose"] == "retraining"


def test_a_sync_that_fails_keeps_the_rows_and_says_since_when(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = writer.run()
    sync(SYNC)
    with db.reading() as session:
        as_of = queries.freshness(session).as_of
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    forget_settings()
    with pytest.raises(Unavailable):
        sync(SYNC)
    with db.reading() as session:
        fresh = queries.freshness(session)
    assert fresh.as_of == as_of
    assert "nothing answers" in fresh.failure
    assert run_id in writer.statuses()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", writer.mlflow.tracking_uri)
    forget_settings()
    sync(SYNC)
    with db.reading() as session:
        fresh = queries.freshness(session)
    assert (fresh.failure, fresh.failed_at) == ("", None)
    assert as_of is not None
    assert fresh.as_of is not None
    assert fresh.as_of > as_of


def test_an_older_answer_never_overwrites_a_newer_one(store: str) -> None:
    with db.writing() as session:
        late = actions.open_mirror(session, actor=SYNC, uri="http://models.example")
    early = copy.copy(late)

    def store_champion(mirrored: actions.Mirrored, version: str) -> None:
        heard = Registry(models=[ModelRow("m", "", {}, 5, {"champion": version})])
        with db.writing() as session:
            actions.store_registry(session, actor=SYNC, mirrored=mirrored, heard=heard)

    store_champion(early, "2")
    with pytest.raises(Conflict, match="under way"):
        store_champion(late, "1")
    with db.reading() as session:
        assert [one.version for one in session.exec(select(MirrorAlias))] == ["2"]


def test_syncs_at_the_same_time_double_nothing(writer: Writer) -> None:
    for _ in range(3):
        writer.version(writer.run(accuracy=0.5), "champion")
    with ThreadPoolExecutor(4) as pool:
        reports: list[SyncReport] = list(pool.map(lambda _: sync(SYNC), range(4)))
    assert any(not report.skipped for report in reports)
    assert writer.told() == [("model-registered", "", ""), ("alias-moved", "", "3")]
    assert len(writer.detail().versions) == 3
    assert len(writer.statuses()) == 3


@pytest.mark.parametrize("role", ["data scientist", "reviewer", "manager", "auditor"])
def test_only_those_who_run_the_house_start_a_sync(store: str, person: Callable[..., Actor], role: str) -> None:
    with pytest.raises(NotAllowed):
        sync(person(role))


def test_without_a_server_a_sync_says_what_to_set(store: str) -> None:
    with pytest.raises(Unavailable) as refusal:
        sync(SYNC)
    assert "MLFLOW_TRACKING_URI" in refusal.value.hint


# One page holds two runs here, so that a sync has many moments between transactions to be killed at.
_CHILD = """
from core.access import policy
from core.tracking import client, sync
client.RUNS_PER_PAGE = 2
client._import("mlflow")
print("ready", flush=True)
while True:
    sync.sync(policy.system("sync"), full=True)
    print("done", flush=True)
"""


def test_a_sync_killed_at_any_moment_is_finished_by_the_next_one(writer: Writer) -> None:
    runs = {writer.run(accuracy=number / 20) for number in range(20)}
    for run_id in sorted(runs)[:4]:
        writer.version(run_id, "champion")
    chance = random.Random(7)
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", _CHILD], cwd=ROOT, stdout=subprocess.PIPE, env=dict(os.environ))
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(chance.random() * 2)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    sync(SYNC, full=True)
    assert set(writer.statuses()) == runs
    assert {writer.mirrored(run_id).metrics["accuracy"] for run_id in runs} == {number / 20 for number in range(20)}
    assert [event for event, _, _ in writer.told()].count("model-registered") == 1
    assert writer.told()[-1] == ("alias-moved", "", "4")
    with db.reading() as session:
        assert activity.verify(session, policy.system("command-line")).state == "intact"


def test_the_mirror_counts_what_mlflow_counts(writer: Writer) -> None:
    writer.version(writer.run(accuracy=1.0), "champion")
    sync(SYNC)
    client = Client(writer.mlflow.tracking_uri)
    experiments = [one.experiment_id for one in client.experiments()]
    theirs = {
        MirrorModel: len(list(client.all_models())),
        MirrorVersion: len(list(client.versions())),
        MirrorExperiment: len(experiments),
        MirrorRun: sum(len(page) for page in client.runs(experiments)),
        MirrorMetric: sum(len(run.metrics) for page in client.runs(experiments) for run in page),
    }
    with db.reading() as session:
        ours = {table: session.exec(select(func.count()).select_from(table)).one() for table in theirs}
    assert ours == theirs
