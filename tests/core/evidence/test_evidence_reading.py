"""Checks read a copy with its intervals, files and uploads, and an empty one where there is none."""

from __future__ import annotations

from typing import Any

from core.checks.snapshot import DatasetUse, File, Measure
from core.evidence.reading import snapshot_of
from core.evidence.tables import EvidenceFile


def metric(value: float | None, **more: Any) -> dict[str, Any]:
    return {
        "value": value,
        "text": "",
        "history": 1,
        "overwritten": False,
        "dataset": "",
        "digest": "",
        "run": "",
    } | more


def read(content: dict[str, Any], **more: Any) -> Any:
    return snapshot_of(content, **{"facts": {}, "answers": {}, "uploads": [], "champion_content": None} | more)


def test_the_ends_of_an_interval_and_its_rows_belong_to_their_metric() -> None:
    ratio = "rai.demographic_parity_ratio.sex"
    found = read({
        "metrics": {
            ratio: metric(0.9, history=2, overwritten=True, dataset="test", digest="d1"),
            f"{ratio}.lower": metric(0.8), f"{ratio}.upper": metric(1.0), f"{ratio}.rows": metric(400.0),
            "alone.lower": metric(0.1), "odd": metric(None, text="not a number"), "odd.rows": metric(None),
            "odd.lower": metric(None), "less": metric(1.0), "less.rows": metric(-3.0),
        }
    }).metrics  # fmt: skip
    assert set(found) == {ratio, "alone.lower", "odd", "less"}
    assert found[ratio] == Measure(0.9, "", 0.8, 1.0, 400, 2, True, "test", "d1")
    assert found["odd"] == Measure(None, "not a number")
    assert found["less"].rows is None


def test_files_come_with_what_was_read_of_them() -> None:
    found = read({
        "artifacts": {
            "rai/report.json": {"size": 8, "sha256": "aa"}, "model/requirements.txt": {"size": 5, "sha256": "bb"},
            "model/large": {"size": 9, "sha256": None, "skipped": True}, "unsized": {"size": None, "sha256": None},
        },
        "contents": {"rai/report.json": {"a": 1}}, "environment": {"requirements.txt": "numpy"},
    }).files  # fmt: skip
    assert found == {
        "rai/report.json": File(8, "aa", {"a": 1}), "model/requirements.txt": File(5, "bb", "numpy"),
        "model/large": File(9, ""), "unsized": File(0, ""),
    }  # fmt: skip


def test_of_uploads_with_one_name_the_last_counts() -> None:
    def file(number: int, name: str, sha256: str) -> EvidenceFile:
        return EvidenceFile(
            id=number, subject="case:1", name=name, sha256=sha256, size=number, media_type="x", uploaded_by="x"
        )

    uploads = [file(3, "a.txt", "new"), file(1, "a.txt", "old"), file(2, "b.txt", "other")]
    assert read({}, uploads=uploads).files == {"upload/a.txt": File(3, "new"), "upload/b.txt": File(2, "other")}


def test_everything_else_is_handed_on() -> None:
    content = {
        "tags": {"a": "b"}, "params": {"c": "d"}, "signature": {"inputs": []}, "example": True,
        "datasets": [{"name": "n", "digest": "d", "context": "training", "rows": 3}],
    }  # fmt: skip
    found = read(content, champion_content={"metrics": {"auc": metric(0.5)}}, facts={"tier": "high"}, answers={"q": 1})
    assert (found.tags, found.params, found.has_signature, found.has_example) == ({"a": "b"}, {"c": "d"}, True, True)
    assert found.datasets == (DatasetUse("n", "d", "training", 3),)
    assert found.champion["auc"].value == 0.5
    assert (found.facts, found.answers) == ({"tier": "high"}, {"q": 1})


def test_without_a_copy_there_is_nothing_to_read() -> None:
    found = read({})
    assert (found.metrics, found.files, found.has_signature) == ({}, {}, False)
