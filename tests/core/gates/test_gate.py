"""The gate: it denies what it does not know, says why, records every answer, and is a pure function of what is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from core import db
from core.activity import queries as activity
from core.errors import Invalid
from core.gates import answering
from core.gates.rules import ENVIRONMENTS, OLDEST_EVIDENCE, RUNNING, Facts, decide
from core.people import actions as people
from core.projects import actions as projects
from core.tracking.tables import MirrorModel, MirrorServer, MirrorVersion
from tests.conftest import SYSTEM

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MODEL = "retail.churn.leaves"


def mirrored(session: Session, *, gone: bool = False) -> None:
    server = MirrorServer(uri="http://mlflow", synced_at=db.now())
    session.add(server)
    session.flush()
    session.add(MirrorModel(server_id=server.id or 0, name=MODEL))
    session.flush()
    session.add(MirrorVersion(server_id=server.id or 0, model=MODEL, version="3", gone_at=db.now() if gone else None))


def owned(stage: str = "operate") -> None:
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="cards", name="Cards")
        projects.create(
            session,
            actor=SYSTEM,
            project_id="churn",
            title="Churn",
            team_id="cards",
            stage=stage,
            registered_model=MODEL,
        )


def ask(environment: str = "production", version: str = "3") -> answering.Answer:
    with db.writing() as session:
        return answering.ask(session, actor=SYSTEM, model=MODEL, version=version, environment=environment)


def test_what_is_not_known_is_denied(store: str) -> None:
    answer = ask()
    assert (answer.allowed, answer.verdict, [one.code for one in answer.reasons]) == (
        False,
        "unknown",
        ["unknown-version"],
    )


def test_a_known_version_goes_to_test_and_not_to_production_without_a_case(store: str) -> None:
    owned()
    with db.writing() as session:
        mirrored(session)
    assert (ask("test").allowed, ask("development").allowed) == (True, True)
    answer = ask()
    assert (answer.allowed, answer.verdict, [one.code for one in answer.reasons]) == (False, "denied", ["no-case"])
    assert ask(version="4").verdict == "unknown"


def test_a_version_that_left_mlflow_is_unknown(store: str) -> None:
    owned()
    with db.writing() as session:
        mirrored(session, gone=True)
    assert [one.code for one in ask("test").reasons] == ["gone-version"]


def test_a_model_of_nobody_and_a_stopped_project_go_nowhere(store: str) -> None:
    with db.writing() as session:
        mirrored(session)
    assert [one.code for one in ask("test").reasons] == ["no-project"]
    owned("experiment")
    with db.writing() as session:
        projects.move(
            session, actor=SYSTEM, project_id="churn", stage="stopped", finding="Not feasible with these data."
        )
    assert [one.code for one in ask("test").reasons] == ["project-ended"]


def test_every_answer_is_recorded_with_its_reasons(store: str) -> None:
    ask("test")
    with db.reading() as session:
        [line] = activity.object_history(session, SYSTEM, f"model:{MODEL}")
    assert (line.event, line.data["allowed"], line.data["codes"]) == ("gate-asked", False, ["unknown-version"])


def test_another_environment_is_refused(store: str) -> None:
    with pytest.raises(Invalid, match="no environment"):
        ask("moon")


@given(
    st.builds(
        Facts, st.text(max_size=5), st.text(max_size=5), st.booleans(), st.booleans(), st.sampled_from(["", "churn"]),
        st.sampled_from(["", *RUNNING, "stopped", "closed"]), st.none() | st.sampled_from([AT, AT - 2 * OLDEST_EVIDENCE]),
    ),
    st.sampled_from(ENVIRONMENTS),
)  # fmt: skip
def test_the_gate_never_allows_what_it_does_not_know_and_always_says_why(facts: Facts, environment: str) -> None:
    verdict = decide(facts, environment, AT)
    assert verdict.reasons
    assert verdict.allowed == (verdict.verdict == "allowed")
    if verdict.allowed:
        assert (facts.is_known, facts.gone, bool(facts.project), facts.stage in RUNNING) == (True, False, True, True)
        assert environment != "production"
    assert decide(facts, environment, AT) == verdict
    assert not decide(facts, "production", AT + timedelta(days=400)).allowed
