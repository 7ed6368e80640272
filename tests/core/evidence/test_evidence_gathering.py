"""Evidence is copied from a real MLflow by value: complete, the same each time, and never half."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from core.activity import chain
from core.config import settings
from core.errors import Invalid, NotFound, PortalError, Unavailable
from core.evidence import contents, gathering
from core.evidence.gathering import MB, Gathered, gather
from core.tracking.client import Client, FileRow, Keeper, Recorder
from tests.conftest import forget_settings, free_port
from tests.core.evidence import lab as laboratory
from tests.core.evidence.lab import Fault, Lab, Trained, between

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mlflow")]


def gathered(trained: Trained) -> Gathered:
    return gather(trained.model, trained.version)


def sha256(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


# --- what is copied --------------------------------------------------------------------------------------------------


def test_a_version_that_was_trained_for_real_is_copied_in_full(lab: Lab) -> None:
    frame = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "leaves": [0, 0, 1, 1]})
    recorder, name = Recorder(lab.uri), f"retail churn {lab.experiment}"
    recorder.describe_model(name, "", {})
    with recorder.run(lab.experiment, name="train", tags={"rai.dataset.split": "time"}) as run:
        digests = run.data({"training": frame, "evaluation": frame[1:]}, name="churn", target="leaves")
        run.params({"C": 0.5})
        model = LogisticRegression(C=0.5).fit(frame[["age"]], frame["leaves"])
        run.model(model, frame[["age"]], requirements=["scikit-learn"], name=name)
        run.metrics({"roc_auc": 0.75})
    found = gather(name, "1").content
    assert found["source"] | {"created_at": "", "model_id": ""} == {
        "server": "http://127.0.0.1", "model": name, "version": "1", "run_id": run.run_id, "created_at": "",
        "model_id": "", "source": f"models:/{found['source']['model_id']}",
    }  # fmt: skip
    assert found["metrics"]["roc_auc"] == {
        "value": 0.75, "text": "", "history": 1, "overwritten": False, "run": "",
        "dataset": "churn-evaluation", "digest": digests["evaluation"],
    }  # fmt: skip
    assert found["params"] == {"C": "0.5"}
    assert found["tags"]["rai.dataset.split"] == "time"
    assert {(one["context"], one["digest"], one["rows"]) for one in found["datasets"]} == {
        ("training", digests["training"], 4), ("evaluation", digests["evaluation"], 3),
    }  # fmt: skip
    assert found["signature"]["inputs"] == [{"type": "double", "name": "age", "required": True}]
    assert found["example"] is True
    assert "scikit-learn" in found["environment"]["requirements.txt"]
    assert set(found["environment"]) == {"requirements.txt", "python_env.yaml", "conda.yaml"}
    requirements = found["artifacts"]["model/requirements.txt"]
    assert requirements["sha256"] == sha256(found["environment"]["requirements.txt"])
    assert found["artifacts"]["model/model.skops"]["size"] > 1000
    assert found["people"]
    assert found["gaps"] == []


def test_the_same_version_gives_the_same_evidence_until_something_changes(lab: Lab) -> None:
    trained = lab.trained(accuracy=0.7, loss=0.2)
    first, second = gathered(trained), gathered(trained)
    assert (first.digest, first.subject_digest) == (second.digest, second.subject_digest)
    assert first.digest == sha256(chain.canonical(first.content))
    lab.mlflow.log_metric(trained.run_id, "accuracy", 0.7, step=1)
    third = gathered(trained)
    assert third.digest != first.digest
    assert third.subject_digest == first.subject_digest  # what it is has not changed, what was measured has
    lab.model_file(trained.model_id, "model.skops", "other weights")
    assert gathered(trained).subject_digest != first.subject_digest


def test_what_the_portal_and_mlflow_note_later_is_no_evidence(lab: Lab) -> None:
    trained = lab.trained()
    before = gathered(trained)
    lab.mlflow.set_tag(trained.run_id, "mlflow.note.content", "a description")
    lab.mlflow.set_model_version_tag(trained.model, trained.version, "factory.validation_status", "approved")
    lab.mlflow.set_registered_model_alias(trained.model, "champion", trained.version)
    assert gathered(trained).digest == before.digest
    lab.mlflow.set_tag(trained.run_id, "rai.dataset.split", "random")
    assert gathered(trained).digest != before.digest


def test_numbers_that_are_none_are_said_in_words(lab: Lab) -> None:
    values = {"a": float("nan"), "b": float("inf"), "c": float("-inf"), "d": 1e300, "e": -0.0, "f": 5e-324}
    found = gathered(lab.trained(**values)).content["metrics"]
    assert {name: (one["value"], one["text"]) for name, one in found.items()} == {
        "a": (None, "not a number"), "b": (None, "infinite"), "c": (None, "minus infinite"), "d": (1e300, ""),
        "e": (0.0, ""), "f": (5e-324, ""),
    }  # fmt: skip


def test_a_metric_that_was_written_twice_at_one_step_was_overwritten(lab: Lab) -> None:
    trained = lab.trained(accuracy=0.7)
    for step in range(3):
        lab.mlflow.log_metric(trained.run_id, "loss", 1.0 / (step + 1), step=step)
    lab.mlflow.log_metric(trained.run_id, "accuracy", 0.95)
    lab.mlflow.log_metric(trained.run_id, "accuracy", 0.1, timestamp=0)  # dated back: MLflow still shows 0.95
    found = gathered(trained).content["metrics"]
    assert (found["loss"]["history"], found["loss"]["overwritten"], found["loss"]["value"]) == (3, False, 1 / 3)
    assert found["accuracy"]["history"] == 3
    assert found["accuracy"]["overwritten"]
    assert found["accuracy"]["value"] == 0.95


def test_a_metric_tells_the_dataset_it_was_measured_on_and_who_measured_it(lab: Lab) -> None:
    trained = lab.trained(accuracy=0.7)
    other = lab.run({"mlflow.user": "bob", "factory.committers": "Cleo <cleo@example.org>; dan\n"})
    for name, value, where, digest in (("accuracy", 0.6, "spring", "d1"), ("rai.ece", 0.05, "spring", "d1")):
        lab.mlflow.log_metric(other, name, value, model_id=trained.model_id, dataset_name=where, dataset_digest=digest)
    lab.mlflow.log_metric(
        trained.run_id, "recall", 0.5, model_id=trained.model_id, dataset_name="test", dataset_digest="d2"
    )
    lab.mlflow.log_metric(other, "of its own", 1.0)
    found = gathered(trained).content
    metrics = found["metrics"]
    assert (metrics["recall"]["dataset"], metrics["recall"]["digest"], metrics["recall"]["run"]) == ("test", "d2", "")
    assert (metrics["rai.ece"]["value"], metrics["rai.ece"]["digest"], metrics["rai.ece"]["run"]) == (0.05, "d1", other)
    assert metrics["accuracy"]["value"] == 0.7  # its own run's word goes first
    assert "of its own" not in metrics
    assert set(found["people"]) == {"ada", "bob", "Cleo <cleo@example.org>", "dan"}


def test_reports_and_the_model_card_are_kept_as_content_and_others_as_hashes(lab: Lab) -> None:
    trained = lab.trained({"model_card.md": "# Card\nFor tests."})
    for path, content in (
        ("rai/report.json", '{"groups": [1, 2.5]}'), ("rai/notes.txt", "free"), ("report.json", '{"not": "ours"}'),
    ):  # fmt: skip
        lab.file(trained.run_id, path, content)
    found = gathered(trained).content
    assert found["contents"] == {"model/model_card.md": "# Card\nFor tests.", "rai/report.json": {"groups": [1, 2.5]}}
    assert found["artifacts"]["rai/notes.txt"] == {"size": 4, "sha256": sha256("free")}
    assert found["artifacts"]["report.json"]["sha256"] == sha256('{"not": "ours"}')


def test_a_version_without_a_run_says_so(lab: Lab) -> None:
    found = gathered(lab.register("s3://bucket/model")).content
    assert (found["metrics"], found["artifacts"], found["signature"]) == ({}, {}, None)
    assert "names no run" in found["gaps"][0]


def test_a_version_of_an_older_mlflow_has_its_model_among_the_files_of_its_run(lab: Lab) -> None:
    run_id = lab.run(accuracy=0.7)
    for path, content in laboratory.FILES.items():
        lab.file(run_id, f"classifier/{path}", content)
    found = gathered(lab.register(f"runs:/{run_id}/classifier", run_id)).content
    assert found["example"]
    assert found["signature"]["outputs"] == [{"type": "long", "required": True}]
    assert found["environment"] == {"requirements.txt": "scikit-learn==1.9.1\n"}
    assert found["source"]["model_id"] == ""


def test_a_copy_of_a_version_rests_on_the_evidence_of_the_original(lab: Lab) -> None:
    trained = lab.trained(accuracy=0.7)
    copied = lab.mlflow.copy_model_version(f"models:/{trained.model}/{trained.version}", f"{trained.model} copied")
    original, copy = gathered(trained), gather(copied.name, copied.version)
    assert copy.content["artifacts"] == original.content["artifacts"]
    assert copy.content["source"]["model_id"] == trained.model_id
    assert copy.subject_digest != original.subject_digest  # an approval does not travel with a copy
    lab.mlflow.delete_registered_model(trained.model)
    assert "copied from cannot be found" in gather(copied.name, copied.version).content["gaps"][0]


# --- bad input -------------------------------------------------------------------------------------------------------


NASTY = {
    "half a character": r'{"a": "\ud800"}',
    "a NUL": r'{"a\u0000b": "c\u0000"}',
    "numbers that are none": '{"a": NaN, "b": 1e999}',
    "no JSON": "{not json",
    "nesting without end": "[" * 100_000,
    "deep nesting": "[" * 500 + "]" * 500,
    "no text": b"\xff\xfe\x00\x01",
    "a number of five thousand digits": "9" * 5000,
    "nothing": "",
}


def test_whatever_a_report_holds_the_evidence_is_canonical_json(lab: Lab) -> None:
    trained = lab.trained()
    for number, content in enumerate(NASTY.values()):
        lab.file(trained.run_id, f"rai/{number}.json", content)
    found = gathered(trained)
    assert len(found.content["contents"]) == len(NASTY)
    as_kept = json.loads(json.dumps(found.content))
    assert chain.canonical(as_kept).encode() == chain.canonical(found.content).encode()
    assert "\x00" not in chain.canonical(found.content)
    assert found.content["contents"]["rai/2.json"] == {"a": None, "b": None}
    assert found.content["contents"]["rai/3.json"] == "{not json"


@pytest.mark.parametrize(
    "description",
    ["a: &x [1]\nb: *x\n", "!!python/object/apply:os.system [true]", "- a list", "\x00", "signature: [", ""],
    ids=["an alias", "a tag", "a list", "a NUL", "half a document", "nothing"],
)
def test_a_description_of_a_model_that_cannot_be_read_is_named_as_a_gap(lab: Lab, description: str) -> None:
    found = gathered(lab.trained({"MLmodel": description})).content
    assert found["signature"] is None
    assert any("MLmodel" in gap for gap in found["gaps"])


def test_files_that_are_too_large_are_known_by_size_and_never_fetched(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = lab.trained({"model.skops": b"w" * (MB + 1), "half.bin": b"h" * (MB - 1000)})
    monkeypatch.setenv("PORTAL_EVIDENCE_FILE_MB", "1")
    monkeypatch.setenv("PORTAL_EVIDENCE_TOTAL_MB", "1")
    forget_settings()
    fetched: list[str] = []
    read = Client.read_file
    monkeypatch.setattr(
        Client, "read_file", lambda self, keeper, path: (fetched.append(path), read(self, keeper, path))[1]
    )
    lab.file(trained.run_id, "also-half.bin", b"o" * (MB - 1000))
    found = gathered(trained).content
    assert found["artifacts"]["model/model.skops"] == {"size": MB + 1, "sha256": None, "skipped": True}
    halves = [found["artifacts"][path]["sha256"] for path in ("also-half.bin", "model/half.bin")]
    assert [one is None for one in halves] == [False, True]  # the first fits into what may be read in all, not both
    assert "model.skops" not in fetched
    assert "half.bin" not in fetched
    assert "Too large" in found["gaps"][-1]
    assert "model/model.skops" in found["gaps"][-1]


@pytest.mark.parametrize("listed", [None, 10], ids=["no size", "a small size"])
def test_a_file_that_is_larger_than_the_server_said_is_not_read_to_its_end(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, listed: int | None
) -> None:
    trained = lab.trained()
    lab.file(trained.run_id, "large.bin", b"x" * (20 * MB))
    monkeypatch.setenv("PORTAL_EVIDENCE_FILE_MB", "1")
    forget_settings()
    monkeypatch.setattr(
        Client, "files", lambda self, keeper, most: [FileRow("large.bin", listed)] if keeper.kind == "run" else []
    )
    parts: list[int] = []
    read = Client.read_file

    def counting(self: Client, keeper: Keeper, path: str) -> Iterator[bytes]:
        for part in read(self, keeper, path):
            parts.append(len(part))
            yield part

    monkeypatch.setattr(Client, "read_file", counting)
    found = gathered(trained).content
    assert found["artifacts"]["large.bin"] == {"size": listed, "sha256": None, "skipped": True}
    assert sum(parts) <= 2 * 1024 * 1024


def test_what_is_beyond_a_limit_is_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = lab.trained(accuracy=0.7, loss=0.1, rai__ece=0.02)
    for number in range(3):
        lab.file(trained.run_id, f"rai/{number}.json", json.dumps("x" * 100))
    monkeypatch.setattr(gathering, "METRICS", 2)
    monkeypatch.setattr(gathering, "FILES", 2)
    monkeypatch.setattr(contents, "LARGEST_SUM", 150)
    found = gathered(trained).content
    assert set(found["metrics"]) == {"accuracy", "rai.ece"}
    assert {path for path in found["artifacts"] if path.startswith("rai")} == {"rai/0.json", "rai/1.json"}
    assert set(found["contents"]) == {"rai/0.json"}
    told = " ".join(found["gaps"])
    assert "2 of 3 metrics" in told
    assert "Only 2 of the artifacts of the run" in told
    assert "rai/1.json was left out" in told


@pytest.mark.parametrize(
    ("model", "version", "refusal"),
    [
        ("there is no such model", "1", NotFound),
        ("a/b", "1", Invalid),
        ("a:b", "1", Invalid),
        ("there is no such model", "seven", Invalid),
        ("there is no such model", "", PortalError),
        ("", "1", PortalError),
        ("x" * 5000, "1", PortalError),
        ("x\x00y", "1", PortalError),
    ],
)
def test_what_names_no_version_is_refused_in_words(lab: Lab, model: str, version: str, refusal: type) -> None:
    with pytest.raises(refusal) as told:
        gather(model, version)
    assert len(told.value.message) < 400


def test_a_version_run_or_model_that_is_gone_is_told_apart(lab: Lab) -> None:
    trained, modelless, deleted = lab.trained(), lab.trained(), lab.trained()
    lab.mlflow.delete_model_version(deleted.model, deleted.version)
    lab.mlflow.delete_logged_model(modelless.model_id)
    lab.mlflow.delete_run(trained.run_id)
    found = {}
    for one in (trained, modelless, deleted):
        with pytest.raises(NotFound) as told:
            gathered(one)
        found[told.value.code] = told.value.message
    assert set(found) == {"run-deleted", "logged-model-gone", "version-gone"}
    assert trained.run_id in found["run-deleted"]


def test_without_a_server_nothing_is_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="No MLflow server is configured"):
        gather("churn", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    forget_settings()
    with pytest.raises(Unavailable, match="nothing answers"):
        gather("churn", "1")


# --- MLflow gone in the middle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [laboratory.cut, laboratory.half, laboratory.empty, laboratory.page])
def test_whenever_mlflow_stops_in_the_middle_there_is_no_evidence_rather_than_half(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    trained = lab.trained(accuracy=0.7)
    lab.file(trained.run_id, "rai/report.json", '{"a": 1}')
    with between(lab.uri) as network:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", network.address)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        forget_settings()
        assert settings().mlflow_tracking_uri == network.address
        whole = gathered(trained)
        questions = network.asked
        for after in range(questions):
            network.fail(fault, after=after)
            with pytest.raises(Unavailable) as told:
                gathered(trained)
            assert "127.0.0.1" in told.value.message or "while it was read" in told.value.message
        network.fail(fault, after=questions)
        assert gathered(trained).digest == whole.digest


def test_files_are_asked_of_the_server_and_never_of_the_place_where_they_lie(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run's author chooses that place; it might be a folder of the portal's machine, or an address only it reaches."""
    trained = lab.trained()
    lab.file(trained.run_id, "rai/report.json", "{}")

    def elsewhere(*_words: object, **_more: object) -> None:
        raise AssertionError("the place itself was asked")

    import mlflow.artifacts
    from mlflow.store.artifact import artifact_repository_registry as places

    monkeypatch.setattr(places._artifact_repository_registry, "get_artifact_repository", elsewhere)
    with pytest.raises(AssertionError):  # so does MLflow's own client
        mlflow.artifacts.list_artifacts(run_id=trained.run_id, tracking_uri=lab.uri)
    assert "rai/report.json" in gathered(trained).content["artifacts"]
