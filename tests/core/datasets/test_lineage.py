"""Where data go: digests, projects and models from the mirror's dataset inputs; and contracts that hold."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from core import db
from core.catalog import documents
from core.catalog import queries as catalog
from core.catalog.kinds import DatasetSpec
from core.config import ROOT
from core.datasets import lineage
from core.datasets.lineage import Lineage
from core.projects import adoption
from core.tracking import actions as tracking
from tests.conftest import SYSTEM
from tests.core.datasets.house import House, register
from tests.core.tracking import test_portfolio as mirrors


def around(house: House, ref: str = "") -> Lineage:
    with db.reading() as session:
        return lineage.lineage(session, house.ada, catalog.entry(session, house.ada, ref or house.entry))


def run(run_id: str, *digests: str, project: str = "fraud", name: str = "payments", **more: Any) -> Any:
    made = mirrors.run(run_id, 0.9, project=project, **more)
    inputs = [{"name": name, "digest": one, "context": context} for one in digests for context in ("training", "test")]
    return made.__class__(**{**made.__dict__, "datasets": inputs})


def test_digests_projects_and_models_come_from_what_runs_logged(house: House) -> None:
    mirrors.mirror(
        {"fraud-model": {"champion": "2"}},
        [run("fraud-model-1", "aa"), run("fraud-model-2", "aa", "bb", day=1), run("other", "zz", name="else"),
         run("lost", "bb", project="gone", day=3)],
    )  # fmt: skip
    found = around(house)
    assert [(one.digest, one.runs, one.contexts) for one in found.digests] == [
        ("bb", 2, "test, training"), ("aa", 2, "test, training"),
    ]  # fmt: skip
    assert found.projects == [("fraud", "Fraud", 3), ("gone", "gone", 1)]
    assert [(one.project, one.model, one.versions, one.digests) for one in found.models] == [
        ("Fraud", "fraud-model", 2, 2)
    ]


def test_a_run_that_vanished_from_mlflow_leaves_the_lineage(house: House) -> None:
    mirrors.mirror({}, [run("a", "aa"), run("b", "bb")])
    with db.writing() as session:
        mirrored = tracking.open_mirror(session, actor=SYSTEM, uri=mirrors.URI)
        tracking.forget_runs(session, actor=SYSTEM, mirrored=mirrored, run_ids=["a"])
    assert [one.digest for one in around(house).digests] == ["bb"]


def test_storing_the_same_runs_again_changes_nothing(house: House) -> None:
    for _ in range(2):
        mirrors.mirror({}, [run("a", "aa"), run("b", "bb")])
    assert sum(one.runs for one in around(house).digests) == 2


def test_producers_consumers_and_adopters_are_named(house: House) -> None:
    register("raw")
    register("features", producers=["dataset:default/payments"], consumers=["model:default/scorer"])
    with db.writing() as session:
        adoption.adopt(session, actor=house.ada, project_id="fraud", entry_id=house.entry_id)
    assert [one.title for one in around(house).adopters] == ["Fraud"]
    assert around(house).consumers == ["Features"]
    found = around(house, "dataset:default/features")
    assert (found.producers, found.consumers) == (["Payments"], ["model:default/scorer"])
    assert around(house, "dataset:default/raw").is_empty


def test_the_lineage_takes_as_many_statements_however_many_runs_there_are(house: House) -> None:
    counts = []
    for number in (3, 30):
        mirrors.mirror({}, [run(f"run-{number}-{one}", f"d{one}") for one in range(number)])
        with mirrors.counted() as statements:
            around(house)
        counts.append(len(statements))
    assert counts[0] == counts[1]


# --- contracts -------------------------------------------------------------------------------------------------------

BASE = {"owner": "cards", "source": "x", "columns": [{"name": "age", "type": "int"}]}


@pytest.mark.parametrize(
    "more",
    [
        {"contract": ["As before, in words."]},
        {"freshness": {"updates": "daily", "maxAgeHours": 30}},
        {"expectations": [{"column": "age", "check": "range", "minimum": 0, "maximum": 120}]},
        {"expectations": [{"check": "rows", "minimum": 1}, {"column": "age", "check": "values", "values": [1, "x"]}]},
        {"expectations": [{"column": "age", "check": "pattern", "pattern": "[0-9]+"}]},
    ],
)
def test_a_contract_in_words_or_as_data_is_accepted(more: dict[str, Any]) -> None:
    DatasetSpec.model_validate(BASE | more)


@pytest.mark.parametrize(
    "more",
    [
        {"freshness": {"updates": "sometimes"}},
        {"freshness": {"updates": "daily", "maxAgeHours": 0}},
        {"expectations": [{"column": "agee", "check": "missing", "maximum": 0}]},
        {"expectations": [{"column": "age", "check": "range"}]},
        {"expectations": [{"column": "age", "check": "range", "minimum": 2, "maximum": 1}]},
        {"expectations": [{"column": "age", "check": "values"}]},
        {"expectations": [{"column": "age", "check": "pattern", "pattern": "("}]},
        {"expectations": [{"column": "age", "check": "pattern"}]},
        {"expectations": [{"column": "age", "check": "vibes"}]},
    ],
)
def test_a_contract_that_cannot_be_checked_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DatasetSpec.model_validate(BASE | more)


def shipped() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "catalog" / "datasets").glob("*/entry.yaml"))


@pytest.mark.parametrize("name", shipped())
def test_the_shipped_contracts_hold_on_the_data_they_describe(name: str) -> None:
    from sklearn import datasets

    raw, _ = documents.parse((ROOT / "catalog" / "datasets" / name / "entry.yaml").read_text("utf-8"), name)
    spec = DatasetSpec.model_validate(raw[0]["spec"])
    more = {"scaled": False} if name == "diabetes" else {}
    frame = getattr(datasets, f"load_{name.replace('-', '_')}")(as_frame=True, **more).frame
    assert spec.freshness is not None
    assert len(spec.expectations) >= 3
    for one in spec.expectations:
        assert _holds(frame, one), (one.check, one.column)


def _holds(frame: Any, one: Any) -> bool:
    low = -float("inf") if one.minimum is None else one.minimum
    high = float("inf") if one.maximum is None else one.maximum
    part = frame[one.column] if one.column else frame
    if one.check == "rows":
        return bool(low <= len(frame) <= high)
    if one.check == "missing":
        return bool(part.isna().to_numpy().mean() <= one.maximum)
    if one.check == "range":
        return bool(part.min() >= low and part.max() <= high)
    if one.check == "values":
        return set(part) <= set(one.values)
    if one.check == "distinct":
        return bool(low <= part.nunique() <= high)
    raise AssertionError(f"no way to check {one.check}")
