"""Copies of evidence are kept once, compared again, and count as verified for two minutes."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from core import db
from core.access.policy import Actor
from core.activity import chain
from core.activity import queries as activity
from core.db import now
from core.errors import Conflict, Invalid, NotAllowed, NotFound, PortalError, Unavailable
from core.evidence import keeping
from core.evidence.gathering import Gathered
from core.evidence.tables import EvidenceCheck, EvidenceSnapshot
from core.projects import actions as projects
from tests.conftest import SYSTEM, forget_settings, free_port
from tests.core.evidence.lab import Lab
from tests.core.evidence.test_evidence_comparing import CONTENT

Make = Callable[..., Actor]


def evidence(**changes: Any) -> Gathered:
    return Gathered("churn", "1", copy.deepcopy(CONTENT) | changes)


def kept(found: Gathered, actor: Actor = SYSTEM) -> int:
    with db.writing() as session:
        return keeping.keep(session, actor=actor, gathered=found).id or 0


def noted(snapshot_id: int, found: Gathered | PortalError) -> EvidenceCheck:
    with db.writing() as session:
        return keeping.note_check(session, snapshot_id, found)


def verified(snapshot_id: int, **ago: float) -> bool:
    with db.reading() as session:
        return keeping.is_verified(session, snapshot_id, now() + timedelta(**ago))


def told(name: str) -> list[Any]:
    with db.reading() as session:
        return [one for one in activity.since(session, 0) if one.event == name]


# --- keeping ---------------------------------------------------------------------------------------------------------


def test_what_was_copied_comes_back_with_the_hash_it_was_kept_under(store: str) -> None:
    odd = {"contents": {"rai/a.json": {"é😀": [1, 1.0, 1e-7, 10**30, None, True, "\u2028", "<b>"]}}}
    snapshot_id = kept(evidence(**odd))
    with db.reading() as session:
        row = session.get_one(EvidenceSnapshot, snapshot_id)
    assert row.content == evidence(**odd).content
    assert hashlib.sha256(chain.canonical(row.content).encode()).hexdigest() == row.digest
    assert (row.model, row.version, row.taken_by) == ("churn", "1", SYSTEM.ref)


def test_the_same_evidence_is_kept_once_and_other_evidence_anew(store: str) -> None:
    first = kept(evidence())
    assert kept(evidence()) == first
    assert kept(evidence(params={"C": "1"})) > first
    taken = told("evidence-taken")
    assert [one.data["snapshot"] for one in taken] == [first, first + 1]
    assert taken[0].subject == "registered-model:churn"


def test_evidence_that_was_just_copied_is_verified(store: str) -> None:
    assert verified(kept(evidence()))


@pytest.mark.parametrize(
    ("roles", "team"), [(("model validator",), ""), (("administrator",), ""), (("data scientist",), "other")]
)
def test_only_the_team_of_the_model_copies_its_evidence(store: str, person: Make, roles: Any, team: str) -> None:
    scientist = person("data scientist", team="risk")
    with db.writing() as session:
        projects.create(
            session, actor=SYSTEM, project_id="churn", title="Churn", team_id="risk", registered_model="churn"
        )
    kept(evidence(), scientist)
    with pytest.raises(NotAllowed):
        kept(evidence(), person(*roles, team=team))


# --- comparing again -------------------------------------------------------------------------------------------------


def test_a_change_is_noted_with_its_differences_and_told_once(store: str) -> None:
    snapshot_id = kept(evidence())
    changed = evidence(params={"C": "9"})
    assert noted(snapshot_id, changed).outcome == "changed"
    assert noted(snapshot_id, changed).differences == [
        {"kind": "parameter changed", "name": "C", "text": "The parameter C changed: 0.5 → 9."}
    ]
    assert len(told("evidence-changed")) == 1
    noted(snapshot_id, evidence(params={"C": "8"}))
    noted(snapshot_id, evidence())
    noted(snapshot_id, changed)
    assert [one.data["what"][0][-3:] for one in told("evidence-changed")] == [" 9.", " 8.", " 9."]


def test_a_version_that_is_gone_has_changed(store: str) -> None:
    snapshot_id = kept(evidence())
    check = noted(snapshot_id, NotFound("Its run was deleted.", code="run-deleted"))
    assert (check.outcome, check.differences[0]["kind"]) == ("changed", "run-deleted")
    assert not verified(snapshot_id)


@pytest.mark.parametrize("failure", [Unavailable("MLflow is out of reach."), Invalid("MLflow refused a question.")])
def test_out_of_reach_is_no_change_and_takes_no_verification_away(store: str, failure: PortalError) -> None:
    snapshot_id = kept(evidence())
    check = noted(snapshot_id, failure)
    assert (check.outcome, check.differences[0]["text"]) == ("unreachable", failure.message)
    assert verified(snapshot_id)
    assert told("evidence-changed") == []


def test_the_last_comparison_counts_for_two_minutes(store: str) -> None:
    snapshot_id = kept(evidence())
    assert verified(snapshot_id, seconds=110)
    assert not verified(snapshot_id, seconds=125)
    assert not verified(snapshot_id, seconds=-125)  # the clock was put back: the comparison is from the future
    noted(snapshot_id, evidence(params={}))
    assert not verified(snapshot_id)
    noted(snapshot_id, evidence())
    assert verified(snapshot_id)
    assert not verified(snapshot_id + 1)


def test_a_copy_without_any_comparison_is_not_verified(store: str) -> None:
    with db.writing() as session:
        found = evidence()
        row = EvidenceSnapshot(model="churn", version="1", subject_digest="", digest=found.digest, taken_by="x")
        session.add(row)
        session.flush()
        assert not keeping.is_verified(session, row.id, now())
        assert not keeping.is_verified(session, None, now())


# --- with MLflow -----------------------------------------------------------------------------------------------------


def test_verifying_without_a_server_is_noted_as_such(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot_id = kept(evidence())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    forget_settings()
    assert keeping.verify(snapshot_id).outcome == "unreachable"
    with pytest.raises(NotFound):
        keeping.verify(snapshot_id + 1)


@pytest.mark.slow
@pytest.mark.xdist_group("mlflow")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_copy_is_compared_with_the_real_thing(store: str, lab: Lab) -> None:
    trained = lab.trained(accuracy=0.7)
    snapshot_id = keeping.fresh(trained.model, trained.version, actor=SYSTEM).id or 0
    assert keeping.verify(snapshot_id).outcome == "same"
    lab.mlflow.log_metric(trained.run_id, "accuracy", 0.95)
    assert [one["kind"] for one in keeping.verify(snapshot_id).differences] == ["metric overwritten"]
    assert (keeping.fresh(trained.model, trained.version, actor=SYSTEM).id or 0) > snapshot_id
    lab.mlflow.delete_run(trained.run_id)
    gone = keeping.verify(snapshot_id)
    assert (gone.outcome, [one["kind"] for one in gone.differences]) == ("changed", ["run-deleted"])
    lab.mlflow.restore_run(trained.run_id)
    assert keeping.verify(snapshot_id + 1).outcome == "same"


@pytest.mark.slow
@pytest.mark.xdist_group("mlflow")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_another_mlflow_that_does_not_know_the_version_says_nothing_of_it(store: str, lab: Lab) -> None:
    elsewhere = evidence(source=CONTENT["source"] | {"server": "https://models.example"})
    check = keeping.verify(kept(elsewhere))
    assert check.outcome == "unreachable"
    assert "https://models.example" in check.differences[0]["text"]
    here = kept(evidence(source=CONTENT["source"] | {"server": "http://127.0.0.1"}))
    assert keeping.verify(here).outcome == "changed"  # the same MLflow, on whatever port, no longer has it


def test_many_who_copy_and_compare_at_once_leave_whole_rows(store: str) -> None:
    snapshot_id = kept(evidence())

    def one(number: int) -> None:
        try:
            if number % 2:
                noted(snapshot_id, evidence(params={"C": str(number)}))
            else:
                kept(evidence())
        except Conflict:
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(16)))
    with db.reading() as session:
        checks = session.exec(select(EvidenceCheck)).all()
        assert {one.outcome for one in checks} == {"same", "changed"}
        assert activity.verify(session, SYSTEM).state == "intact"
