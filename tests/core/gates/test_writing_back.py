"""Verdicts in MLflow: its versions carry them as tags and an alias, once for each change, and later where it is down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.access import policy
from core.activity import events
from core.activity import queries as activity
from core.activity.recording import record
from core.catalog.tables import Entry, EntryContent
from core.errors import Invalid, NotAllowed, Unavailable
from core.gates import tags, writing_back
from core.gates.rules import POLICY
from core.gates.tables import WrittenVerdict
from core.tracking.client import Client, Recorder
from tests.conftest import SYSTEM, forget_settings, free_port
from tests.core.gates import house
from tests.core.gates.house import MODEL

GATE = policy.system("gate")


class MLflow:
    """What an MLflow server was told, without one."""

    def __init__(self, *versions: str) -> None:
        self.tags: dict[tuple[str, str], dict[str, str]] = {(MODEL, one): {} for one in versions}
        self.aliases: dict[str, str] = {}
        self.told = 0
        self.failure: Exception | None = None

    def tag_version(self, model: str, version: str, tags: dict[str, str]) -> bool:
        if self.failure:
            raise self.failure
        self.told += 1
        if (model, version) not in self.tags:
            return False
        self.tags[model, version].update(tags)
        return True

    def point_alias(self, model: str, alias: str, version: str) -> None:
        self.aliases.pop(alias, None)
        if version:
            self.aliases[alias] = version


@pytest.fixture
def mlflow(shipped: str, monkeypatch: pytest.MonkeyPatch) -> MLflow:
    """A project with versions 3 and 4, and what MLflow is told of them."""
    house.owned()
    with db.writing() as session:
        house.mirrored(session, MODEL, "3", "4")
    made = MLflow("3", "4")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow")
    forget_settings()
    monkeypatch.setattr(writing_back, "Recorder", lambda _uri: made)
    return made


def happened(case_id: int) -> None:
    """Something happened to a case: every change of one is recorded."""
    with db.writing() as session:
        record(session, SYSTEM, events.CaseMoved(f"case:{case_id}", "s", "a", "b"))


def work() -> str:
    return writing_back.write_back(GATE)


def written() -> list[tuple[str, str, str]]:
    with db.reading() as session:
        lines = activity.object_history(session, SYSTEM, f"registered-model:{MODEL}")
    return [(one.data["version"], one.data["status"], one.data["alias"]) for one in lines[::-1]]


def row(version: str = "3") -> WrittenVerdict:
    with db.reading() as session:
        return session.get_one(WrittenVerdict, (MODEL, version))


def test_a_decision_becomes_tags_and_one_record(mlflow: MLflow) -> None:
    number = house.case()
    happened(number)
    assert work() == "1 written"
    told = mlflow.tags[MODEL, "3"]
    assert {name: told[name] for name in (tags.STATUS, tags.CASE, tags.ENVIRONMENTS)} == {
        "factory.validation_status": "approved", "factory.case": str(number), "factory.environments": "production",
    }  # fmt: skip
    assert told["factory.decided_at"].endswith("Z")
    assert (work(), mlflow.told, written()) == ("0 written", 1, [("3", "approved", "")])


def test_what_changes_nothing_is_not_written_and_what_does_is(mlflow: MLflow) -> None:
    number = house.case()
    happened(number)
    work()
    happened(number)
    assert (work(), mlflow.told) == ("0 written", 1)
    house.change(number, state="suspended", reason="A metric was overwritten.")
    happened(number)
    assert work() == "1 written"
    told = mlflow.tags[MODEL, "3"]
    assert (told[tags.STATUS], told[tags.ENVIRONMENTS]) == ("suspended", "")
    assert [one[1] for one in written()] == ["approved", "suspended"]


def test_conditions_waivers_certificates_projects_and_rules_make_a_version_due_too(mlflow: MLflow) -> None:
    number = house.case(state="approved with conditions")
    house.condition(number, environments=["test"])
    happened(number)
    work()
    assert mlflow.tags[MODEL, "3"][tags.ENVIRONMENTS] == ""
    for subject, change in (
        ("project:churn", lambda: house.set_project(stage="experiment")),
        (POLICY, lambda: None),
    ):
        before = row().done_seq
        change()
        with db.writing() as session:
            record(session, SYSTEM, events.EntryUpdated(subject, source="file", fields=[]))
        work()
        assert row().done_seq > before
    with db.writing() as session:
        record(session, SYSTEM, events.EntryUpdated("entry:default/other", source="file", fields=[]))
    before = row().done_seq
    work()
    assert row().done_seq == before


def test_a_draft_is_nobodys_business_yet(mlflow: MLflow) -> None:
    number = house.case(state="draft", signed=False, decided_at=None, expires_at=None)
    happened(number)
    assert (work(), mlflow.told) == ("0 written", 0)
    house.change(number, state="in review")
    happened(number)
    assert (work(), mlflow.tags[MODEL, "3"][tags.STATUS]) == ("1 written", "in review")
    house.change(number, state="withdrawn")
    happened(number)
    assert (work(), mlflow.tags[MODEL, "3"][tags.STATUS]) == ("1 written", "withdrawn")


def test_while_mlflow_does_not_answer_everything_waits_and_is_written_later(
    mlflow: MLflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("3", "4"):
        happened(house.case(version=version))
    mlflow.failure = Unavailable("MLflow is out of reach.")
    assert work() == "0 written; MLflow is out of reach."
    assert (row().attempts, row().failure, mlflow.told) == (1, "MLflow is out of reach.", 0)
    mlflow.failure = None
    assert work() == "1 written"
    assert mlflow.tags[MODEL, "3"] == {}, "it waits for its turn"
    later = db.now() + timedelta(minutes=2)
    monkeypatch.setattr(writing_back, "now", lambda: later)
    assert (work(), row().failure, row().attempts) == ("1 written", "", 0)
    assert mlflow.tags[MODEL, "3"][tags.STATUS] == "approved"


def test_a_version_that_mlflow_refuses_does_not_hold_up_the_others(mlflow: MLflow) -> None:
    for version in ("3", "4"):
        happened(house.case(version=version))
    first = mlflow.tag_version

    def refuse(model: str, version: str, given: dict[str, str]) -> bool:
        if version == "3":
            raise Invalid("A tag is too long.")
        return first(model, version, given)

    mlflow.tag_version = refuse  # type: ignore[method-assign]
    assert (work(), row().failure, mlflow.tags[MODEL, "4"][tags.STATUS]) == (
        "1 written",
        "A tag is too long.",
        "approved",
    )


def test_a_version_that_is_gone_is_let_be(mlflow: MLflow) -> None:
    happened(house.case())
    del mlflow.tags[MODEL, "3"]
    assert (work(), work(), mlflow.told, written()) == ("0 written", "0 written", 1, [])


def test_a_crash_after_mlflow_was_told_leads_to_one_record(mlflow: MLflow, monkeypatch: pytest.MonkeyPatch) -> None:
    happened(house.case())
    with monkeypatch.context() as patch:
        patch.setattr(writing_back, "_done", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            work()
    assert (mlflow.tags[MODEL, "3"][tags.STATUS], work(), written()) == ("approved", "0 written", [])
    later = db.now() + writing_back.CLAIM
    monkeypatch.setattr(writing_back, "now", lambda: later)
    assert (work(), written()) == ("1 written", [("3", "approved", "")])


def test_what_happens_while_mlflow_is_told_is_not_lost(mlflow: MLflow) -> None:
    number = house.case()
    happened(number)
    first = mlflow.tag_version

    def slow(model: str, version: str, given: dict[str, str]) -> bool:
        mlflow.tag_version = first  # type: ignore[method-assign]
        house.change(number, state="revoked")
        happened(number)
        with db.writing() as session:
            writing_back.follow(session)
        return first(model, version, given)

    mlflow.tag_version = slow  # type: ignore[method-assign]
    work()
    work()
    assert (mlflow.tags[MODEL, "3"][tags.STATUS], [one[1] for one in written()]) == ("revoked", ["approved", "revoked"])


@contextmanager
def with_alias(alias: str) -> Iterator[None]:
    with db.writing() as session:
        entry = session.exec(select(Entry).where(Entry.key == POLICY)).one()
        content = session.get_one(EntryContent, entry.id)
        spec: dict[str, Any] = content.document["spec"]
        content.document = {**content.document, "spec": {**spec, "gate": {**spec["gate"], "alias": alias}}}
        session.add(content)
        record(session, SYSTEM, events.EntryUpdated(POLICY, source="file", fields=["gate"]))
    yield


def test_an_alias_of_the_policy_names_the_newest_version_that_may_go_to_production(mlflow: MLflow) -> None:
    with with_alias("validated"):
        first = house.case()
        happened(first)
        work()
        assert (mlflow.aliases, written()[-1]) == ({"validated": "3"}, ("3", "approved", "validated"))
        second = house.case(version="4")
        happened(second)
        work()
        assert (mlflow.aliases, row("3").alias, row("4").alias) == ({"validated": "4"}, "", "validated")
        house.change(second, state="suspended")
        happened(second)
        work()
        assert (mlflow.aliases, row("3").alias) == ({"validated": "3"}, "validated")
        house.change(first, state="revoked")
        happened(first)
        work()
        assert (mlflow.aliases, written()[-1]) == ({}, ("3", "revoked", ""))


def test_an_alias_that_the_policy_no_longer_names_is_taken_away(mlflow: MLflow) -> None:
    with with_alias("validated"):
        happened(house.case())
        work()
    with with_alias(""):
        work()
        assert (mlflow.aliases, row().alias) == ({}, "")


def test_without_an_mlflow_nothing_is_written_and_people_do_not_start_it(churn: str) -> None:
    happened(house.case())
    assert work() == "0 written"
    with pytest.raises(NotAllowed):
        writing_back.write_back(policy.Actor("person", "p-1", "Ada"))


@pytest.mark.slow
@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_a_real_mlflow_has_the_tags_and_the_alias(shipped: str, mlflow_server: str) -> None:
    model = "Größe @ 1"
    raw = Recorder(mlflow_server)._mlflow
    raw.create_registered_model(model)
    raw.create_model_version(model, "s3://bucket/m")
    house.owned(model=model)
    with db.writing() as session:
        house.mirrored(session, model, "1", "2")
    with with_alias("validated"):
        happened(house.case(model=model, version="1"))
        happened(house.case(model=model, version="2"))
        assert work() == "1 written"
    server = Client(mlflow_server)
    [version] = server.versions_of([model])
    found = server.model(model)
    assert (version.tags[tags.STATUS], version.tags[tags.ENVIRONMENTS]) == ("approved", "production")
    assert found is not None
    assert found.aliases == {"validated": "1"}
    Recorder(mlflow_server).point_alias(model, "validated", "")
    assert Client(mlflow_server).model(model).aliases == {}  # type: ignore[union-attr]


def test_a_dead_mlflow_is_told_later(churn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    happened(house.case())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    forget_settings()
    assert "is out of reach" in work()
    assert row().attempts == 1
