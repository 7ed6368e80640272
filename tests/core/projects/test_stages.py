"""The gates between stages, the one next step, and the record of how a project moved."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.access.policy import MATRIX, ROLES, Actor
from core.catalog import actions as catalog
from core.catalog import queries as entries
from core.errors import Conflict, Invalid, NotAllowed, PortalError
from core.patterns import use
from core.people import actions as people
from core.people import notices
from core.projects import actions, adoption, gates, members, queries, risk
from core.projects.gates import ProjectFacts, next_step, open_points
from core.projects.tables import HarvestDecision, Project, Retrospective
from core.projects.tier import QUESTIONS
from tests.conftest import SYSTEM, stand_on

Make = Callable[..., Actor]
READY = ProjectFacts(
    stage="explore", data_access=True, reuse_reviewed=True, pattern=True, tier="minimal", tier_confirmed=True,
    checklist=True, monitoring=True, on_call=True, registered_model=True, retrospective=True, harvest_decisions=1,
)  # fmt: skip
MINIMAL = {one.key: one.nothing for one in QUESTIONS}


def open_texts(stage: str, **facts: Any) -> list[str]:
    return [one.text for one in open_points(replace(READY, **facts), stage)]


# --- the pure rules --------------------------------------------------------------------------------------------------


def test_exploring_asks_for_nothing_but_access_to_the_data() -> None:
    assert [one.where for one in open_points(ProjectFacts("explore"), "explore")] == ["overview"]
    assert open_points(ProjectFacts("explore", data_access=True), "explore") == []


@pytest.mark.parametrize(
    ("stage", "lacks", "words"),
    [
        ("experiment", {"data_access": False}, "data"),
        ("experiment", {"reuse_reviewed": False}, "exists already"),
        ("experiment", {"pattern": False}, "pattern"),
        ("experiment", {"tier": "prohibited"}, "prohibited"),
        ("operate", {"pattern": False}, "pattern"),
        ("operate", {"tier": "", "tier_confirmed": False}, "risk facts"),
        ("operate", {"tier_confirmed": False}, "confirm the tier"),
        ("operate", {"checklist": False}, "checklist"),
        ("operate", {"registered_model": False}, "registered model"),
        ("operate", {"monitoring": False}, "watched"),
        ("operate", {"on_call": False}, "called"),
        ("closed", {"retrospective": False}, "retrospective"),
        ("closed", {"harvest_decisions": 0}, "at least one decision"),
    ],
)  # fmt: skip
def test_each_gate_names_the_one_thing_that_is_missing(stage: str, lacks: dict[str, Any], words: str) -> None:
    assert open_texts(stage) == []
    (found,) = open_texts(stage, **lacks)
    assert words in found


def test_what_operation_asks_for_is_not_asked_of_an_experiment() -> None:
    assert (
        open_texts("experiment", tier="", tier_confirmed=False, checklist=False, monitoring=False, on_call=False) == []
    )
    assert open_texts("stopped", data_access=False) == []


ANY_FACTS = st.builds(
    ProjectFacts,
    stage=st.sampled_from(actions.STAGES),
    tier=st.sampled_from(["", "minimal", "limited", "high", "prohibited"]),
    harvest_decisions=st.integers(0, 2),
    decide_by=st.none() | st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    today=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    **{one.name: st.booleans() for one in fields(ProjectFacts) if one.type == "bool"},
)


@given(ANY_FACTS)
def test_a_running_project_always_has_one_next_step_and_an_ended_one_only_until_it_gave_back(
    facts: ProjectFacts,
) -> None:
    step = next_step(facts)
    ended = facts.stage in ("stopped", "closed")
    assert (step is None) is (ended and facts.harvest_decisions > 0)


@given(ANY_FACTS)
def test_the_next_step_is_the_move_exactly_when_the_gate_is_open_or_the_day_has_come(facts: ProjectFacts) -> None:
    step, growing = next_step(facts), gates.AFTER.get(facts.stage)
    if growing and step and step.where == "stage":
        late = facts.decide_by is not None and facts.decide_by < facts.today
        assert late or not open_points(facts, growing)


def test_the_next_step_follows_the_order_of_the_gate() -> None:
    told = []
    facts = ProjectFacts("explore")
    for done in ({"data_access": True}, {"reuse_reviewed": True}, {"pattern": True}, {}):
        step = next_step(facts)
        assert step is not None
        told.append(step.where)
        facts = replace(facts, **done)
    assert told == ["overview", "reuse", "pattern", "stage"]


def test_when_its_day_has_passed_the_stop_rule_comes_first() -> None:
    step = next_step(ProjectFacts("explore", decide_by=date(2026, 5, 3), today=date(2026, 5, 4)))
    assert step is not None
    assert (step.where, "03 May 2026" in step.why) == ("stage", True)
    on_the_day = next_step(ProjectFacts("explore", decide_by=date(2026, 5, 3), today=date(2026, 5, 3)))
    assert on_the_day is not None
    assert on_the_day.where == "overview"


def test_an_operating_project_whose_caller_left_is_told_so() -> None:
    step = next_step(replace(READY, stage="operate", on_call=False))
    assert step is not None
    assert "called" in step.text


# --- moving ----------------------------------------------------------------------------------------------------------


def entry(kind: str, name: str, **spec: Any) -> int:
    document = {
        "apiVersion": "factory/v1",
        "kind": kind,
        "metadata": {"name": name, "title": name.title(), "description": "For tests."},
        "spec": {"owner": "risk", "version": "1.0", **spec},
    }
    with db.writing() as session:
        return catalog.register(session, document=document)


def pattern() -> int:
    return entry("pattern", "batch-scoring", problem="Scores every night.")


def checklist() -> int:
    items = [{"id": "REL-1", "summary": "Works", "question": "Does it?"}]
    return entry("checklist", "model-release", appliesTo="model", sections=[{"title": "All", "items": items}])


def start(actor: Actor, **more: Any) -> None:
    with db.writing() as session:
        actions.create(session, actor=actor, project_id="churn", title="Churn", team_id="risk", **more)


def move(actor: Actor, stage: str, finding: str = "") -> None:
    with db.writing() as session:
        actions.move(session, actor=actor, project_id="churn", stage=stage, finding=finding)


def adopt(actor: Actor, entry_id: int) -> None:
    with db.writing() as session:
        adoption.adopt(session, actor=actor, project_id="churn", entry_id=entry_id)


def to_experiment(actor: Actor) -> None:
    start(actor, data_access="Through the lake; the owner agreed.")
    stand_on(pattern(), actor=actor)
    with db.writing() as session:
        actions.note_reuse_review(session, session.get_one(Project, "churn"))
    move(actor, "experiment")


def retrospective(*, decisions: int = 1) -> None:
    with db.writing() as session:
        session.add(
            Retrospective(
                project_id="churn", went_well="The data.", was_expensive="The labels.",
                others_should_know="Ask for labels first.", written_by="person:p-1",
            )
        )  # fmt: skip
        for number in range(decisions):
            session.add(HarvestDecision(project_id="churn", what=f"Part {number}", decision="nothing", reason="Too special.", decided_by="person:p-1"))  # fmt: skip


@pytest.fixture
def scientist(store: str, person: Make) -> Actor:
    return person("data scientist", team="risk")


@pytest.mark.parametrize("role", ROLES)
def test_who_may_move_a_project(scientist: Actor, person: Make, role: str) -> None:
    start(scientist)
    try:
        move(person(role, team="risk"), "stopped", "Not feasible.")
    except NotAllowed:
        assert role not in MATRIX["project.create"]
    else:
        assert role in MATRIX["project.create"]


def test_a_closed_gate_names_every_open_point(scientist: Actor) -> None:
    start(scientist)
    with pytest.raises(Conflict) as refusal:
        move(scientist, "experiment")
    assert all(words in refusal.value.hint for words in ("reaches its data", "exists already", "pattern"))
    stand_on(pattern(), actor=scientist)
    with pytest.raises(Conflict) as refusal:
        move(scientist, "experiment")
    assert "pattern" not in refusal.value.hint


def test_a_project_goes_all_the_way_through_its_gates(scientist: Actor, person: Make) -> None:
    to_experiment(scientist)
    with pytest.raises(Conflict, match="not ready"):
        move(scientist, "operate")
    adopt(scientist, checklist())
    with db.writing() as session:
        risk.set_facts(session, actor=scientist, project_id="churn", revision=1, facts=MINIMAL)
    reviewer = person("reviewer")
    with db.writing() as session:
        risk.confirm_tier(session, actor=reviewer, project_id="churn", revision=2, tier="minimal")
        actions.edit(session, actor=scientist, project_id="churn", revision=3, monitoring="On the models page.", on_call_id=scientist.id)  # fmt: skip
        actions.claim(session, actor=scientist, project_id="churn", kind="model", name="risk.churn.score")
    move(scientist, "operate")
    with pytest.raises(Conflict, match="not ready"):
        move(scientist, "closed")
    retrospective()
    move(scientist, "closed")
    with db.reading() as session:
        page = entries.entry(session, scientist, "project:default/churn")
        assert (page.spec["stage"], page.spec["finding"]) == ("closed", "Ask for labels first.")
        assert queries.detail(session, scientist, "churn").next_step is None


def test_a_pattern_given_up_or_a_caller_who_left_closes_the_gate_again(scientist: Actor, person: Make) -> None:
    gone, admin = person("ML engineer"), person("administrator")
    start(scientist, data_access="Yes.", monitoring="Here.", on_call_id=gone.id, registered_model="m")
    stand_on(pattern(), actor=scientist)
    with db.writing() as session:
        people.deactivate_person(session, actor=admin, person_id=gone.id)
        use.leave_pattern(session, actor=scientist, project_id="churn", revision=1)
    with db.reading() as session:
        facts = queries.detail(session, scientist, "churn").facts
    assert (facts.pattern, facts.on_call, facts.registered_model, facts.monitoring) == (False, False, True, True)


def test_closing_needs_a_decision_beside_the_retrospective(scientist: Actor) -> None:
    to_experiment(scientist)
    retrospective(decisions=0)
    with pytest.raises(Conflict, match="not ready"):
        move(scientist, "closed", "A finding is not enough.")


def test_people_start_by_exploring_and_stopping_needs_a_finding_from_any_stage(scientist: Actor) -> None:
    with pytest.raises(Invalid, match="cannot start"):
        start(scientist, stage="operate")
    start(scientist)
    for wrong, reason in (("  ", "finding"), ("x" * 10_000_000, "at most 2000")):
        with pytest.raises(Invalid, match=reason):
            move(scientist, "stopped", wrong)
    move(scientist, "stopped", "Labels come two years late.")
    with pytest.raises(Conflict, match="in stage stopped"):
        move(scientist, "explore")


def test_the_portal_itself_records_the_past_without_gates_but_not_without_a_finding(scientist: Actor) -> None:
    start(scientist)
    for stage in ("experiment", "operate"):
        move(SYSTEM, stage)
    with pytest.raises(Invalid, match="retrospective"):
        move(SYSTEM, "closed")
    move(SYSTEM, "closed", "Start from a baseline.")


def test_every_stage_is_kept_with_its_beginning_and_end(scientist: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    clock = {"now": begun}
    monkeypatch.setattr(actions, "now", lambda: clock["now"])
    start(scientist)
    for stage, finding in (("experiment", ""), ("stopped", "Not feasible.")):
        clock["now"] += timedelta(days=30)
        move(SYSTEM, stage, finding)
    with db.reading() as session:
        periods = queries.stage_periods(session, scientist, "churn")
        since = queries.detail(session, scientist, "churn").project.stage_since
    days = [((one.since - begun).days, (one.until - begun).days if one.until else None) for one in periods]
    assert [one.stage for one in periods] == ["explore", "experiment", "stopped"]
    assert days == [(0, 30), (30, 60), (60, None)]
    assert (since - begun).days == 60


def test_everybody_who_works_in_it_is_told_of_a_move(scientist: Actor, person: Make) -> None:
    engineer = person("ML engineer")
    start(scientist)
    with db.writing() as session:
        members.add_member(session, actor=scientist, project_id="churn", person_id=engineer.id, role="ML engineer")
    move(scientist, "stopped", "Not feasible.")
    with db.reading() as session:
        assert "from explore to stopped" in notices.unread(session, engineer)[0].text


def test_of_two_who_move_it_at_the_same_time_one_does_and_the_record_has_one_end(scientist: Actor) -> None:
    start(scientist)

    def attempt(_number: int) -> str:
        try:
            move(scientist, "stopped", "Not feasible.")
        except PortalError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, range(6)))
    assert sorted(outcomes) == ["conflict"] * 5 + ["done"]
    with db.reading() as session:
        assert [one.stage for one in queries.stage_periods(session, scientist, "churn")] == ["explore", "stopped"]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # on SQLite nobody else writes meanwhile
def test_a_project_that_was_read_before_is_read_anew_when_it_is_locked(scientist: Actor) -> None:
    start(scientist)
    with db.writing() as session:
        seen = session.get_one(Project, "churn")
        move(scientist, "stopped", "Not feasible.")
        assert actions.locked(session, scientist, "churn").stage == "stopped"
        assert seen.stage == "stopped"
