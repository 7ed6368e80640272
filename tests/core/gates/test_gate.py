"""The gate: it denies what it does not know, names every reason, records every answer, and is a pure function of facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from core import db
from core.access.policy import Actor
from core.activity import events
from core.activity import queries as activity
from core.activity.recording import record
from core.catalog.kinds import GatePolicy
from core.catalog.tables import Entry, EntryContent
from core.errors import Invalid
from core.evidence.tables import EvidenceCheck
from core.gates import answering
from core.gates.cases import CaseFact, CertificateFact, ConditionFact, SignatureFact, WaiverFact, governing
from core.gates.rules import ENVIRONMENTS, POLICY, RUNNING, Facts, decide, reach
from core.people import actions as people
from core.projects import actions as projects
from core.reviews import states
from core.reviews.tables import Certificate, ChecklistVersion, ReviewCase, Signature
from core.tracking.tables import MirrorServer, MirrorVersion
from tests.conftest import SYSTEM
from tests.core.gates import house
from tests.core.gates.house import MODEL, RELEASE

Make = Callable[..., Actor]
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND = "checklist:default/pipeline-certification"


def ask(
    environment: str = "production", version: str = "3", *, actor: Actor = SYSTEM, model: str = MODEL
) -> answering.Answer:
    with db.writing() as session:
        return answering.ask(session, actor=actor, model=model, version=version, environment=environment)


def codes(environment: str = "production", **asked: Any) -> list[str]:
    return [one.code for one in ask(environment, **asked).reasons]


def rules(**gate: Any) -> None:
    """Let the policy say this instead."""
    with db.writing() as session:
        entry = session.exec(select_entry()).one()
        content = session.get_one(EntryContent, entry.id)
        content.document = {**content.document, "spec": {**content.document["spec"], **gate}}
        session.add(content)


def select_entry() -> Any:
    return select(Entry).where(Entry.key == POLICY)


# --- what is not known -----------------------------------------------------------------------------------------------


def test_what_is_not_known_is_denied(store: str) -> None:
    answer = ask()
    assert (answer.allowed, answer.verdict, [one.code for one in answer.reasons]) == (
        False,
        "unknown",
        ["unknown-version"],
    )


def test_a_known_version_goes_to_test_and_not_to_production_without_a_case(churn: str) -> None:
    assert (ask("test").allowed, ask("development").allowed) == (True, True)
    answer = ask()
    assert (answer.allowed, answer.verdict, [one.code for one in answer.reasons]) == (False, "denied", ["no-case"])
    assert ask(version="4").verdict == "unknown"


def test_a_version_that_left_mlflow_is_unknown(shipped: str) -> None:
    house.owned()
    with db.writing() as session:
        house.mirrored(session, gone=True)
    assert codes("test") == ["gone-version"]


def test_only_the_server_that_was_mirrored_last_counts(churn: str) -> None:
    with db.writing() as session:
        house.mirrored(session, "another", uri="http://newer")
    assert codes("test") == ["unknown-version"]


def test_a_model_of_nobody_and_a_stopped_project_go_nowhere(shipped: str) -> None:
    with db.writing() as session:
        house.mirrored(session)
    assert codes("test") == ["no-project"]
    house.owned("experiment")
    with db.writing() as session:
        projects.move(
            session, actor=SYSTEM, project_id="churn", stage="stopped", finding="Not feasible with these data."
        )
    assert codes("test") == ["project-ended"]


def test_without_readable_rules_nothing_passes_anywhere(churn: str) -> None:
    house.case()
    assert ask().allowed
    for gate in (None, {"rules": []}, {"rules": [{"environment": "production"}]}, "yes"):
        rules(gate=gate)
        assert [codes(one) for one in ENVIRONMENTS] == [["no-policy"]] * 3


def test_rules_that_were_retired_let_nothing_pass(churn: str) -> None:
    with db.writing() as session:
        entry = session.exec(select_entry()).one()
        entry.lifecycle = "retired"
        session.add(entry)
    assert codes("test") == ["no-policy"]


def test_the_rules_speak_of_stage_and_tier(churn: str) -> None:
    house.case(tier="high")
    house.set_project(stage="experiment")
    assert codes() == ["stage"]
    house.set_project(stage="operate", tier="")
    assert codes() == ["no-rule"]
    house.set_project(tier="prohibited")
    assert codes("test") == ["prohibited"]


# --- approved cases --------------------------------------------------------------------------------------------------


def test_an_approved_version_passes_and_the_answer_names_case_signatures_and_evidence(churn: str) -> None:
    number = house.case()
    answer = ask()
    assert (answer.allowed, answer.verdict, answer.case) == (True, "allowed", str(number))
    assert [(one.code, one.link) for one in answer.reasons] == [("approved", f"/review?id={number}")]
    assert [(one.name, one.role, one.meaning, one.record) for one in answer.signatures] == [
        (f"Model validator {number}", "model validator", "approval", "c" * 16),
        (f"Reviewer {number}", "reviewer", "approval", "c" * 16),
    ]
    assert answer.evidence_as_of is not None
    assert answer.evidence_as_of <= answer.decided_at


@pytest.mark.parametrize(
    ("state", "code"),
    [
        *((one, "undecided") for one in states.OPEN), ("rejected", "rejected"), ("withdrawn", "withdrawn"),
        ("suspended", "suspended"), ("revoked", "revoked"), ("expired", "expired"), ("superseded", "superseded"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_every_state_that_is_no_approval_is_named(churn: str, state: str, code: str) -> None:
    house.case(state=state, reason="A metric was overwritten.")
    assert codes() == [code]
    assert ask("test").allowed == (state not in ("suspended", "revoked", "expired"))


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"expires_at": AT}, "expired"),
    ({"expires_at": None}, "expired"),
    ({"decided_at": AT + timedelta(days=40_000)}, "clock"),
    ({"environments": ["test"]}, "other-environment"),
    ({"tier": "minimal"}, "tier-rose"),
    ({"snapshot_id": None}, "no-evidence"),
    ({"subject_digest": ""}, "no-evidence"),
    ({"subject_digest": "6" * 64}, "subject-changed"),
    ({"subject_digest": "6" * 64}, "signatures-missing"),
    ({"quorum": {"reviewer": 2}}, "signatures-missing"),
    ({"quorum": {"domain expert": 1}}, "signatures-missing"),
]


@pytest.mark.parametrize(("changes", "code"), CHANGES)
@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_whatever_does_not_hold_any_more_denies_and_is_named(churn: str, changes: dict[str, Any], code: str) -> None:
    number = house.case()
    assert ask().allowed
    house.change(number, **changes)
    assert code in codes()


@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_an_approval_that_ran_out_closes_every_environment_even_before_anybody_noted_it(churn: str) -> None:
    house.change(house.case(), expires_at=db.now() - timedelta(seconds=1))
    assert [codes(one) for one in ENVIRONMENTS] == [["expired"]] * 3


def test_a_version_whose_run_or_source_is_another_one_now_is_denied(churn: str) -> None:
    house.case()
    with db.writing() as session:
        version = session.get_one(MirrorVersion, (1, MODEL, "3"))
        version.source = "models:/m-forged"
        session.add(version)
    assert codes() == ["subject-changed"]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([("same", 1)], []),
        ([("unreachable", 1)], ["evidence-not-verified"]),
        ([], ["evidence-not-verified"]),
        ([("same", 80)], ["evidence-not-verified"]),
        ([("same", 80), ("unreachable", 1)], ["evidence-not-verified"]),
        ([("same", 30), ("unreachable", 1)], []),
        ([("same", 2), ("changed", 1)], ["evidence-changed"]),
        ([("changed", 2), ("unreachable", 1)], ["evidence-changed"]),
        ([("changed", 2), ("same", 1)], []),
    ],
)
@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_the_evidence_has_to_be_found_the_same_lately(
    churn: str, outcomes: list[tuple[str, int]], expected: list[str]
) -> None:
    with db.writing() as session:
        snapshot = house.evidence(session, outcome="")
    rows = [
        EvidenceCheck(snapshot_id=snapshot, outcome=one, checked_at=db.now() - timedelta(hours=hours))
        for one, hours in outcomes
    ]
    house.add(*rows)
    house.case(snapshot_id=snapshot)
    assert [one for one in codes() if one != "approved"] == expected


def test_an_old_mirror_denies(churn: str) -> None:
    house.case()
    with db.writing() as session:
        server = session.get_one(MirrorServer, 1)
        server.synced_at = db.now() - timedelta(hours=25)
        session.add(server)
    assert codes() == ["old-evidence"]
    assert ask("test").allowed


def test_an_open_condition_opens_what_it_names_and_closes_everything_once_it_is_overdue(churn: str) -> None:
    number = house.case(state="approved with conditions")
    house.condition(number, environments=["production"])
    answer = ask()
    assert (answer.allowed, [one.code for one in answer.reasons]) == (True, ["approved", "condition"])
    house.condition(number, environments=["test"], text="Ask the works council.")
    assert (codes(), "works council" in ask().reasons[0].text) == (["condition-open"], True)
    house.condition(number, environments=["production"], days=-1)
    assert codes() == ["condition-overdue", "condition-open"]


def test_met_and_voided_conditions_do_not_count(churn: str) -> None:
    number = house.case()
    house.condition(number, days=-1, met_at=db.now())
    house.condition(number, days=-1, voided_at=db.now())
    assert ask().allowed


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["approved", "waiver"]),
        ({"environments": ["test"]}, ["waiver-elsewhere"]),
        ({"hours": -1}, ["waiver-over"]),
        ({"hours": -1, "ended_at": AT}, ["approved"]),
        ({"hours": -1, "refused_at": AT}, ["approved"]),
        ({"hours": -1, "approved_at": None}, ["approved"]),
        ({"kind": "break-glass", "item_id": "", "hours": -1}, ["approved"]),
        ({"kind": "break-glass", "item_id": "", "second_by": "person:p-3"}, ["approved", "break-glass"]),
        ({"kind": "break-glass", "item_id": "", "second_by": "person:p-3", "hours": -1}, ["waiver-over"]),
    ],
)
@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_a_waiver_counts_while_it_holds_and_denies_from_its_end_on(
    churn: str, changes: dict[str, Any], expected: list[str]
) -> None:
    house.waiver(house.case(), **changes)
    assert codes() == expected


def test_what_only_a_pipeline_approved_is_denied_once_its_judgement_is_in_doubt(churn: str) -> None:
    with db.writing() as session:
        made = Certificate(
            project_id="churn", name="nightly", repository="r", commit="c", workflow="w",
            checklist_id=house.checklist(session), rules_hash="", tier="limited", state="certified", proposed_by="x",
        )  # fmt: skip
        session.add(made)
        session.flush()
        number = made.id
    house.case(signed=False, certificate_id=number)
    answer = ask()
    assert (answer.allowed, "certified pipeline nightly" in answer.reasons[0].text) == (True, True)
    for state, doubted, expected in (("lapsed", False, ["approved"]), ("lapsed", True, ["certificate-lapsed"])):
        with db.writing() as session:
            made = session.get_one(Certificate, number)
            made.state, made.doubted = state, doubted
            session.add(made)
        assert codes() == expected


def test_signatures_that_were_voided_do_not_count(churn: str) -> None:
    number = house.case()
    with db.writing() as session:
        first = session.exec(select(Signature).where(Signature.case_id == number)).first()
        assert first is not None
        first.voided_at = db.now()
        session.add(first)
    assert codes() == ["signatures-missing"]


@pytest.mark.parametrize(
    "changes",
    [{"payload": "{}"}, {"payload": "no"}, {"record_hash": "e" * 64}, {"payload": '{"subject": []}'}],
)
@pytest.mark.parametrize("shipped", ["sqlite"], indirect=True)
def test_a_signature_that_is_about_something_else_does_not_count(churn: str, changes: dict[str, Any]) -> None:
    number = house.case(signed=False)
    with db.writing() as session:
        house.sign(session, number, "reviewer", **changes)
        house.sign(session, number, "model validator")
    assert (codes(), "something else" in ask().reasons[0].text) == (["signatures-missing"], True)


def test_a_withdrawn_checklist_denies(churn: str) -> None:
    number = house.case()
    with db.writing() as session:
        version = session.get_one(ChecklistVersion, session.get_one(ReviewCase, number).checklist_id)
        version.state = "withdrawn"
        session.add(version)
    assert codes() == ["checklist-withdrawn"]


def test_every_checklist_of_the_rule_has_to_approve(churn: str) -> None:
    rule = {"environment": "production", "tiers": ["limited"], "stages": ["operate"], "checklists": [RELEASE, SECOND]}
    rules(gate={"rules": [rule]})
    first = house.case()
    assert codes() == ["no-case"]
    second = house.case(SECOND, state="in review")
    assert codes() == ["undecided"]
    house.change(second, state="approved")
    answer = ask()
    assert (answer.allowed, answer.case, len(answer.signatures)) == (True, f"{first}, {second}", 4)


def test_a_suspended_case_by_a_checklist_that_nobody_asks_for_closes_too(churn: str) -> None:
    house.case()
    house.case(SECOND, state="suspended")
    assert (codes(), codes("test")) == (["suspended"], ["suspended"])


def test_a_checklist_may_be_about_the_project_and_then_its_case_needs_no_evidence_of_a_version(churn: str) -> None:
    ethics = "checklist:default/responsible-ai"
    rule = {"environment": "production", "tiers": ["limited"], "stages": ["operate"], "oldestEvidenceHours": 1}
    rules(
        gate={
            "rules": [rule | {"checklists": [RELEASE, ethics]}, rule | {"environment": "test", "checklists": [RELEASE]}]
        }
    )
    house.case()
    assert codes() == ["no-case"]
    about = {"kind": "project", "model": "churn", "version": "", "snapshot_id": None, "subject_digest": ""}
    second = house.case(ethics, **about)
    assert (ask().allowed, ask().case, len(ask().signatures)) == (True, f"1, {second}", 4)
    house.change(second, state="suspended")
    assert (codes(), ask("test").allowed) == (["suspended"], True)
    house.change(second, state="approved", expires_at=db.now())
    assert (codes(), ask("test").allowed) == (["expired"], True)
    house.change(second, expires_at=db.now() + timedelta(days=9), name="another")
    assert codes() == ["no-case"]


def test_the_last_decision_counts_and_an_open_case_takes_nothing_away(churn: str) -> None:
    house.case()
    newer = house.case(state="in review")
    assert ask().allowed
    house.change(newer, state="rejected")
    assert codes() == ["rejected"]


def test_the_case_of_another_version_says_nothing_about_this_one(churn: str) -> None:
    house.case(version="2")
    assert codes() == ["no-case"]


# --- asking ----------------------------------------------------------------------------------------------------------


def test_every_answer_is_recorded_with_its_reasons(churn: str) -> None:
    ask()
    ask("test")
    with db.reading() as session:
        later, first = activity.object_history(session, SYSTEM, f"registered-model:{MODEL}")
    assert (first.event, first.data["allowed"], first.data["codes"]) == ("gate-asked", False, ["no-case"])
    assert (later.data["environment"], later.data["allowed"]) == ("test", True)


def test_another_environment_is_refused(store: str) -> None:
    with pytest.raises(Invalid, match="no environment"):
        ask("moon")


def test_a_clock_that_was_put_back_revives_no_approval(churn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    house.change(house.case(), expires_at=db.now() + timedelta(hours=1))
    later = db.now() + timedelta(hours=2)
    with monkeypatch.context() as patch:
        patch.setattr(db, "now", lambda: later)
        with db.writing() as session:
            record(session, SYSTEM, events.PersonAdded("person:p-late", source="test"))
    assert codes() == ["expired"]
    assert ask().decided_at >= later


def test_whoever_does_not_see_the_project_learns_nothing_of_its_cases(churn: str, person: Make) -> None:
    number = house.case()
    house.set_project(classification="restricted")
    pipeline = Actor("token", "1", "ci", scopes=frozenset({"gate:ask"}))
    told = ask(actor=pipeline)
    assert (told.allowed, [one.code for one in told.reasons], told.case, told.signatures) == (
        True,
        ["approved"],
        "",
        (),
    )
    assert not any(str(number) in one.text or one.link for one in told.reasons)
    assert ask(actor=person("data scientist")).verdict == "unknown"
    assert ask(actor=person("reviewer")).case == str(number)
    house.set_project(classification="internal")
    assert ask(actor=pipeline).case == str(number)


def test_a_model_that_moved_to_another_project_takes_no_case_along(churn: str, person: Make) -> None:
    with db.writing() as session:
        people.add_team(session, actor=SYSTEM, team_id="loans", name="Loans")
        projects.create(session, actor=SYSTEM, project_id="old", title="Old", team_id="loans")
    house.case(project_id="old")
    answer = ask(actor=person("reviewer"))
    assert ([one.code for one in answer.reasons], answer.case) == (["other-project"], "")


# --- the rule --------------------------------------------------------------------------------------------------------

RULES = GatePolicy.model_validate(
    {
        "rules": [
            {"environment": "test", "tiers": ["unrated", "limited"], "stages": list(RUNNING), "caseRequired": False},
            {
                "environment": "production", "tiers": ["limited", "high"], "stages": ["operate"],
                "checklists": ["a", "b"], "oldestMirrorHours": 24, "oldestEvidenceHours": 48,
            },
        ]
    }
)  # fmt: skip
moments = st.none() | st.sampled_from([AT, AT - timedelta(hours=30), AT - timedelta(days=9), AT + timedelta(days=9)])
places = st.lists(st.sampled_from(ENVIRONMENTS), unique=True).map(tuple)
cases = st.builds(
    CaseFact,
    id=st.integers(1, 9), checklist=st.sampled_from(["checklist:default/a", "checklist:default/b", "checklist:default/c"]),
    title=st.just("A"), checklist_withdrawn=st.booleans(), project=st.sampled_from(["churn", "other"]),
    state=st.sampled_from(list(states.NEXT)), tier=st.sampled_from(["minimal", "limited", "high"]), environments=places,
    quorum=st.sampled_from([{}, {"reviewer": 1}, {"reviewer": 2}]), decided_at=moments, expires_at=moments,
    subject_digest=st.sampled_from(["", "1", "2"]), evidence_digest=st.sampled_from(["", "1"]),
    run=st.sampled_from(["r", "s"]), source=st.just("s"), check=st.sampled_from(["", "same", "changed"]),
    checked_at=moments,
    signatures=st.lists(st.builds(
        SignatureFact, st.just("Ada"), st.just("reviewer"), st.just("approval"),
        st.sampled_from(["approve", "reject", "submit"]), st.just(AT), st.just("h"), st.sampled_from(["1", "2", None]),
    ), max_size=2).map(tuple),
    conditions=st.lists(st.builds(
        ConditionFact, st.just("c"), st.sampled_from([date(2026, 3, 1), date(2026, 4, 1)]), places,
    ), max_size=1).map(tuple),
    waivers=st.lists(st.builds(
        WaiverFact, st.just("M-1"), st.just("waiver"), places, st.sampled_from([AT, AT + timedelta(hours=1)]),
    ), max_size=1).map(tuple),
    certificate=st.none() | st.builds(CertificateFact, st.just(1), st.just("p"), st.booleans()),
)  # fmt: skip
everything = st.builds(
    Facts, st.text(max_size=5), st.text(max_size=5), st.booleans(), st.booleans(), st.just("r"), st.just("s"),
    st.sampled_from(["", "churn"]), st.sampled_from(["", *RUNNING, "stopped", "closed"]),
    st.sampled_from(["", "minimal", "limited", "high", "prohibited"]), moments, st.sampled_from([None, RULES]),
    st.lists(cases, max_size=3).map(tuple),
)  # fmt: skip
GOOD = CaseFact(
    1, "checklist:default/a", "A", False, "churn", "approved", "limited", ENVIRONMENTS, {"reviewer": 1}, "", AT,
    AT + timedelta(days=9), "1", "1", "r", "s", "same", AT,
    (SignatureFact("Ada", "reviewer", "approval", "approve", AT, "h", "1"),),
)  # fmt: skip
APPROVED = Facts(
    "m", "1", True, False, "r", "s", "churn", "operate", "limited", AT, RULES,
    (GOOD, replace(GOOD, id=2, checklist="checklist:default/b")),
)  # fmt: skip


@given(everything, st.sampled_from(ENVIRONMENTS))
def test_the_gate_never_allows_what_it_does_not_know_and_always_says_why(facts: Facts, environment: str) -> None:
    verdict = decide(facts, environment, AT)
    assert verdict.reasons
    assert verdict.allowed == (verdict.verdict == "allowed")
    assert decide(facts, environment, AT) == verdict
    if verdict.allowed:
        assert (facts.is_known, facts.gone, bool(facts.project), facts.stage in RUNNING) == (True, False, True, True)
        assert facts.policy is not None
        assert not any(one.state in ("suspended", "revoked", "expired") for one in governing(facts.cases).values())
    assert not decide(facts, "production", AT + timedelta(days=400)).allowed


@given(st.sampled_from(["a", "b"]), cases, everything)
def test_one_case_that_does_not_hold_is_enough_for_a_no(which: str, worse: CaseFact, other: Facts) -> None:
    """Approved facts pass; whatever one case of them is replaced by passes only if it is as good."""
    assert decide(APPROVED, "production", AT).allowed
    swapped = replace(worse, checklist=f"checklist:default/{which}")
    kept = tuple(one for one in APPROVED.cases if one.checklist != swapped.checklist)
    verdict = decide(replace(APPROVED, cases=(*kept, swapped)), "production", AT)
    holds = (
        worse.state in states.APPROVED and worse.decided_at is not None and worse.decided_at <= AT
        and worse.expires_at is not None and worse.expires_at > AT and "production" in worse.environments
        and worse.project == "churn" and worse.tier != "minimal" and worse.subject_digest == worse.evidence_digest == "1"
        and worse.run == "r" and worse.check == "same" and worse.checked_at is not None
        and AT - worse.checked_at <= timedelta(hours=48) and not worse.checklist_withdrawn
        and all(one.due_on >= AT.date() and "production" in one.environments for one in worse.conditions)
        and all(one.expires_at > AT and "production" in one.environments for one in worse.waivers)
        and (
            not worse.certificate.doubted if worse.certificate
            else all(one.about == "1" for one in worse.signatures if one.decision == "approve")
            and len([one for one in worse.signatures if one.decision == "approve"]) >= max(worse.quorum.get("reviewer", 0), 1)
        )
    )  # fmt: skip
    assert verdict.allowed == holds


def test_the_reach_of_a_version_leaves_ages_aside_and_counts_only_what_was_approved() -> None:
    assert reach(APPROVED, AT) == ("production",)
    old = replace(APPROVED, evidence_as_of=None, cases=tuple(replace(one, checked_at=None) for one in APPROVED.cases))
    assert not decide(old, "production", AT).allowed
    assert reach(old, AT) == ("production",)
    assert reach(replace(APPROVED, cases=()), AT) == reach(replace(APPROVED, gone=True), AT) == ()


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ({"rules": []}, "at least 1"),
        ({"rules": [{"environment": "test", "tiers": ["high"], "stages": ["operate"]}]}, "names its checklists"),
        (
            {"rules": [{"environment": "test", "tiers": ["high"], "stages": ["operate"], "caseRequired": False, "checklists": ["a"]}]},
            "only where it asks for a case",
        ),
        (
            {"rules": [{"environment": "test", "tiers": ["high"], "stages": ["operate"], "caseRequired": False}] * 2},
            "two rules speak of test and the tier high",
        ),
        (
            {
                "alias": "champion",
                "rules": [{"environment": "test", "tiers": ["high"], "stages": ["operate"], "caseRequired": False}],
            },
            "the gate does not move it",
        ),
    ],
)  # fmt: skip
def test_rules_that_contradict_themselves_are_refused(gate: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GatePolicy.model_validate(gate)
