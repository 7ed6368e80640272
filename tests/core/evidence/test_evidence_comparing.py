"""What changed in MLflow after evidence was copied is named, thing by thing; what the portal did itself is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from core.evidence.comparing import differences, is_evidence
from core.evidence.gathering import gather
from tests.core.evidence.lab import Lab

MEASURE = {"value": 0.7, "text": "", "history": 1, "overwritten": False, "dataset": "test", "digest": "d1", "run": ""}
CONTENT: dict[str, Any] = {
    "source": {"server": "http://m", "model": "churn", "version": "1", "run_id": "r1", "model_id": "m-1",
               "source": "models:/m-1", "created_at": "2026-11-01"},
    "metrics": {"accuracy": MEASURE, "later": MEASURE | {"run": "r2"}},
    "tags": {"rai.dataset.split": "time", "mlflow.user": "ada"},
    "params": {"C": "0.5"},
    "datasets": [{"name": "train", "digest": "d0", "context": "training", "rows": 9}],
    "signature": {"inputs": [{"name": "age"}]},
    "example": True,
    "artifacts": {"model/a": {"size": 3, "sha256": "aa"}, "model/large": {"size": 9, "sha256": None, "skipped": True}},
    "contents": {},
    "environment": {},
    "people": ["ada"],
    "gaps": [],
}  # fmt: skip

Change = Callable[[dict[str, Any]], object]
CHANGES: dict[str, tuple[Change, str, str]] = {
    "overwritten": (lambda c: c["metrics"]["accuracy"].update(value=0.95, history=2),
                    "metric overwritten", "The metric accuracy was overwritten: 0.7 → 0.95."),
    "no number": (lambda c: c["metrics"]["accuracy"].update(value=None, text="not a number"),
                  "metric overwritten", "The metric accuracy was overwritten: 0.7 → not a number."),
    "history": (lambda c: c["metrics"]["accuracy"].update(history=3),
                "history grew", "The metric accuracy was written 3 times instead of 1; its last value is the same."),
    "lost history": (lambda c: c["metrics"]["accuracy"].update(history=0),
                     "history shrank", "The history of the metric accuracy lost entries."),
    "dataset": (lambda c: c["metrics"]["accuracy"].update(digest="d2"),
                "metric dataset", "The metric accuracy is measured on another dataset: test (d1) → test (d2)."),
    "new metric": (lambda c: c["metrics"].update(recall=MEASURE), "metric added", "The metric recall was added: 0.7."),
    "gone metric": (lambda c: c["metrics"].pop("accuracy"),
                    "metric removed", "The metric accuracy is gone; it was 0.7."),
    "another run's": (lambda c: c["metrics"]["later"].update(value=0.1),
                      "metric overwritten", "The metric later was overwritten: 0.7 → 0.1."),
    "tag": (lambda c: c["tags"].update({"rai.dataset.split": "random"}),
            "tag changed", "The tag rai.dataset.split changed: time → random."),
    "author": (lambda c: c["tags"].pop("mlflow.user"), "tag removed", "The tag mlflow.user is gone; it was ada."),
    "new tag": (lambda c: c["tags"].update(approved="yes"), "tag added", "The tag approved was added: yes."),
    "parameter": (lambda c: c["params"].update(C="1"), "parameter changed", "The parameter C changed: 0.5 → 1."),
    "input": (lambda c: c["datasets"].append({"name": "x", "digest": "d9", "context": "", "rows": None}),
              "dataset added", "The run names another input: x (d9)."),
    "no input": (lambda c: c["datasets"].clear(),
                 "dataset removed", "The run no longer names its input train (d0), as training."),
    "signature": (lambda c: c.update(signature=None),
                  "signature", "The signature of the model (its inputs and outputs) changed."),
    "file": (lambda c: c["artifacts"]["model/a"].update(sha256="bb"),
             "artifact replaced", "The artifact model/a was replaced by another."),
    "size of a large file": (lambda c: c["artifacts"]["model/large"].update(size=8),
                             "artifact replaced", "The artifact model/large was replaced by another (9 → 8 bytes)."),
    "no file": (lambda c: c["artifacts"].pop("model/a"), "artifact removed", "The artifact model/a is gone."),
    "new file": (lambda c: c["artifacts"].update(b={"size": 1, "sha256": "cc"}),
                 "artifact added", "The artifact b was added."),
    "source": (lambda c: c["source"].update(source="models:/m-2"),
               "source", "Where the version's files come from changed: models:/m-1 → models:/m-2."),
    "registered anew": (lambda c: c["source"].update(created_at="2026-11-02"),
                        "source", "The time at which the version was registered changed: 2026-11-01 → 2026-11-02."),
}  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "text"), CHANGES.values(), ids=CHANGES.keys())
def test_each_change_is_named_once(change: Change, kind: str, text: str) -> None:
    new = copy.deepcopy(CONTENT)
    change(new)
    assert [(one.kind, one.text) for one in differences(CONTENT, new)] == [(kind, text)]


NO_CHANGES: dict[str, Change] = {
    "nothing": lambda c: None,
    "the portal's tags": lambda c: c["tags"].update({"factory.case": "7"}),
    "what MLflow notes for its pages": lambda c: c["tags"].update({"mlflow.note.content": "hello"}),
    "what a job measured in production": lambda c: c["metrics"].update(drift=MEASURE | {"run": "r9"}),
    "a later measurement by another run": lambda c: c["metrics"]["later"].update(value=0.2, run="r9"),
    "a hash that was left out": lambda c: c["artifacts"]["model/a"].update(sha256=None, skipped=True),
    "a hash that was read at last": lambda c: c["artifacts"]["model/large"].update(sha256="ff"),
    "the address of the server": lambda c: c["source"].update(server="https://m"),
    "fields of a newer portal": lambda c: c.update(more={"a": 1}),
}


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES.keys())
def test_what_is_no_change_of_the_evidence_is_not_named(change: Change) -> None:
    new = copy.deepcopy(CONTENT)
    change(new)
    assert differences(CONTENT, new) == []


def test_everything_is_named_when_nothing_is_left() -> None:
    found = {one.kind for one in differences(CONTENT, {})}
    assert found == {
        "source", "metric removed", "parameter removed", "tag removed", "dataset removed", "signature", "artifact removed",
    }  # fmt: skip
    assert differences({}, {}) == []


def test_long_values_are_cut() -> None:
    new = copy.deepcopy(CONTENT)
    new["params"]["C"] = "x\n" * 5000
    assert len(differences(CONTENT, new)[0].text) < 200


@pytest.mark.parametrize(
    ("tag", "counts"),
    [
        ("rai.sensitive_features", True), ("mlflow.user", True), ("mlflow.source.git.commit", True),
        ("mlflow.parentRunId", True), ("mlflow.note.content", False), ("mlflow.log-model.history", False),
        ("factory.case", False), ("factory.committers", False), ("mlflowish", True), ("", True),
    ],
)  # fmt: skip
def test_a_tag_is_evidence_unless_the_portal_or_mlflow_keeps_it_for_itself(tag: str, counts: bool) -> None:
    assert is_evidence(tag) is counts


@pytest.mark.slow
@pytest.mark.xdist_group("mlflow")
def test_what_was_tampered_with_in_mlflow_is_found(lab: Lab) -> None:
    trained = lab.trained(accuracy=0.7, loss=0.3)
    lab.file(trained.run_id, "rai/report.json", '{"verdict": "fails"}')
    lab.mlflow.set_tag(trained.run_id, "rai.dataset.split", "time")
    before = gather(trained.model, trained.version).content
    lab.mlflow.log_metric(trained.run_id, "accuracy", 0.95)
    lab.mlflow.log_metric(trained.run_id, "loss", 0.1, timestamp=0)
    lab.mlflow.set_tag(trained.run_id, "rai.dataset.split", "random")
    lab.mlflow.set_tag(trained.run_id, "mlflow.runName", "renamed")
    lab.file(trained.run_id, "rai/report.json", '{"verdict": "holds"}')
    lab.model_file(trained.model_id, "model.skops", "others!")
    after = gather(trained.model, trained.version).content
    assert [one.text for one in differences(before, after)] == [
        "The metric accuracy was overwritten: 0.7 → 0.95.",
        "The metric loss was written 2 times instead of 1; its last value is the same.",
        "The tag rai.dataset.split changed: time → random.",
        "The artifact model/model.skops was replaced by another.",
        "The artifact rai/report.json was replaced by another.",
    ]
